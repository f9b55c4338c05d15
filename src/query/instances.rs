//! Who stands behind a Service: its endpoints by EndpointSlices, one instance a pod however many slices and address
//! families name it. impact.md, "Serving", settles the readings.

use super::{QueryError, breathe, edges};
use crate::store::{Direction, Record, Snapshot};
use planisphere_schema::detail::Port;
use planisphere_schema::{AssetId, AssetRef, Attributes, Kind, RelationKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// More endpoints of one Service are cut off, and said to be.
pub const MOST_ENDPOINTS: usize = 50_000;

/// A pod, or an address where no pod stands, behind a Service.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The pod or the address.
    pub asset: Arc<Record>,
    /// Takes new traffic, by one of its endpoints at least.
    pub ready: bool,
    /// Answers, by one of its endpoints at least.
    pub serving: bool,
    /// Is being deleted, by all of its endpoints.
    pub terminating: bool,
    /// Its addresses in all slices, each once.
    pub addresses: Vec<String>,
    /// Its ports in all slices, each once.
    pub ports: Vec<Port>,
    /// The slices that name it.
    pub slices: Vec<AssetId>,
    /// The node that the slices name for it; where they name none, the pod's own.
    pub node: Option<AssetId>,
    /// That node's name.
    pub node_name: Option<String>,
    /// The zone that the slices name for it; where they name none, the node's own.
    pub zone: Option<String>,
    /// The host name that the slices give it.
    pub hostname: Option<String>,
}

/// Everything behind a Service.
#[derive(Clone, Debug, Default)]
pub struct Instances {
    /// By namespace, name and id.
    pub all: Vec<Instance>,
    /// Endpoints that name a pod which is not there, or not in the incarnation that they name: they serve nobody.
    pub stale: usize,
    /// Endpoints that were cut off beyond [`MOST_ENDPOINTS`].
    pub cut_off: usize,
}

/// The instances of a Service.
///
/// # Errors
/// When the store fails.
pub async fn instances(snapshot: &dyn Snapshot, service: &Arc<Record>) -> Result<Instances, QueryError> {
    let page = edges::all_edges(
        snapshot,
        service,
        Direction::Out,
        RelationKind::RoutesTo,
        MOST_ENDPOINTS,
    )
    .await?;
    let mut answer = Instances {
        cut_off: page.total - page.edges.len(),
        ..Instances::default()
    };
    let mut found: BTreeMap<AssetId, Instance> = BTreeMap::new();
    for edge in page.edges {
        if edge.is_stale() || edge.other.is_dangling() {
            answer.stale += 1;
            continue;
        }
        let detail = &edge.link.detail;
        // Absent conditions: ready means true, serving means as ready, terminating means false.
        let ready = detail.ready.unwrap_or(true);
        let serving = detail.serving.unwrap_or(ready);
        let terminating = detail.terminating.unwrap_or(false);
        let cluster = service.asset.reference.key().cluster;
        let instance = found.entry(edge.link.to).or_insert_with(|| Instance {
            asset: Arc::clone(&edge.other),
            ready: false,
            serving: false,
            terminating: true,
            addresses: Vec::new(),
            ports: Vec::new(),
            slices: Vec::new(),
            node: None,
            node_name: None,
            zone: None,
            hostname: None,
        });
        instance.ready |= ready;
        instance.serving |= serving;
        instance.terminating &= terminating;
        extend(&mut instance.addresses, &detail.addresses);
        extend(&mut instance.ports, &detail.ports);
        extend(&mut instance.slices, &[edge.link.declared_by]);
        if instance.node.is_none() {
            let name = detail.node_name.as_deref().filter(|n| !n.is_empty());
            let name = name.or_else(|| placed_on(&edge.other));
            instance.node = name.map(|n| AssetRef::new(cluster, Kind::Node, "", n).id());
            instance.node_name = name.map(str::to_owned);
        }
        let first = |kept: &mut Option<String>, new: &Option<String>| {
            if kept.is_none() {
                kept.clone_from(new);
            }
        };
        first(&mut instance.zone, &detail.zone);
        first(&mut instance.hostname, &detail.hostname);
    }
    answer.all = found.into_values().collect();
    for instance in &mut answer.all {
        instance.addresses.sort_unstable();
    }
    zones_of_nodes(snapshot, &mut answer.all).await?;
    answer.all.sort_by(|a, b| place(a).cmp(&place(b)));
    Ok(answer)
}

/// The node that a pod says it is placed on.
fn placed_on(record: &Record) -> Option<&str> {
    match &record.asset.attributes {
        Attributes::Pod(pod) => pod.node_name.as_deref(),
        _ => None,
    }
}

/// Hand-made slices often name no zone: then it is that of the node.
async fn zones_of_nodes(snapshot: &dyn Snapshot, instances: &mut [Instance]) -> Result<(), QueryError> {
    let mut nodes: Vec<AssetId> = instances
        .iter()
        .filter(|i| i.zone.is_none())
        .filter_map(|i| i.node)
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.is_empty() {
        return Ok(());
    }
    breathe().await;
    let found = snapshot.get(&nodes).await?.into_iter().flatten();
    let zones: BTreeMap<AssetId, String> = found
        .filter_map(|node| match &node.asset.attributes {
            Attributes::Node(attributes) => Some((node.asset.reference.id(), attributes.zone.clone()?)),
            _ => None,
        })
        .collect();
    for instance in instances.iter_mut().filter(|i| i.zone.is_none()) {
        instance.zone = instance.node.and_then(|node| zones.get(&node).cloned());
    }
    Ok(())
}

/// The place of an instance among those of its Service.
pub fn place(instance: &Instance) -> (&str, &str, AssetId) {
    let reference = &instance.asset.asset.reference;
    let key = reference.key();
    (&key.namespace, &key.name, reference.id())
}

fn extend<T: Clone + PartialEq>(kept: &mut Vec<T>, new: &[T]) {
    for value in new {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
}
