//! Endpoints that name an address and no pod: the pod that has the address (but a pod in its node's network does not own
//! it), else the node that has it, else something outside.

use super::super::closure::Closure;
use super::super::model::Who;
use super::{Scene, neighbours};
use crate::query::QueryError;
use crate::store::{Direction, Filter, Link, ListQuery, Order, Presence, Record, Snapshot, Text};
use planisphere_schema::{AssetId, AssetRef, Attributes, ClusterId, Kind, RelationKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// More addresses of one cluster are not looked at.
const MOST_ADDRESSES: usize = 20_000;

/// The Services with an address that the failed set takes away.
pub(super) async fn touched(
    snapshot: &dyn Snapshot,
    closure: &Closure,
) -> Result<BTreeSet<AssetId>, QueryError> {
    let failed_nodes: Vec<AssetId> = closure.failed.iter().copied().collect();
    let pods = closure.pods.values();
    let clusters: HashSet<ClusterId> = pods
        .chain(&closure.roots)
        .map(|r| r.asset.reference.key().cluster)
        .collect();
    let mut services = BTreeSet::new();
    for cluster in clusters {
        let named = list(snapshot, cluster, Kind::ExternalEndpoint, None, MOST_ADDRESSES).await?;
        if named.is_empty() {
            continue;
        }
        let mut gone: HashSet<String> = HashSet::new();
        let pods = closure
            .pods
            .values()
            .filter(|p| p.asset.reference.key().cluster == cluster);
        gone.extend(pods.flat_map(|p| pod_addresses(p)));
        let nodes = snapshot.get(&failed_nodes).await?.into_iter().flatten();
        let here = nodes.filter(|n| n.asset.reference.key().cluster == cluster);
        gone.extend(here.flat_map(|n| node_addresses(&n)));
        let ids: Vec<AssetId> = named.iter().map(|r| r.asset.reference.id()).collect();
        let found = neighbours(snapshot, &ids, Direction::In, RelationKind::RoutesTo, 1_000).await?;
        for link in found.into_iter().flat_map(|n| n.links) {
            let on = link.detail.node_name.as_deref().unwrap_or_default();
            let node = AssetRef::new(cluster, Kind::Node, "", on).id();
            let lost = link.detail.addresses.iter().any(|a| gone.contains(a));
            if lost || closure.failed.contains(&node) || closure.failed.contains(&link.to) {
                services.insert(link.from);
            }
        }
    }
    Ok(services)
}

/// Who has which address, of the clusters and namespaces in which Services name addresses.
#[derive(Default)]
pub(super) struct Hosts {
    pods: HashMap<(ClusterId, String), Arc<Record>>,
    nodes: HashMap<(ClusterId, String), Arc<Record>>,
}

impl Hosts {
    /// Reads them where an endpoint has no pod; most Services have none such.
    pub(super) async fn read(
        snapshot: &dyn Snapshot,
        scene: &mut Scene,
        links: &[(usize, Vec<Link>)],
    ) -> Result<Self, QueryError> {
        let mut places: BTreeSet<(ClusterId, String)> = BTreeSet::new();
        let mut candidates: Vec<AssetId> = Vec::new();
        for (service, links) in links {
            let bare: Vec<AssetId> = links
                .iter()
                .map(|l| l.to)
                .filter(|id| !scene.pod_index.contains_key(id))
                .collect();
            candidates.extend(&bare);
            if !bare.is_empty() {
                let key = scene.services[*service].asset.reference.key();
                places.insert((key.cluster, key.namespace.to_string()));
            }
        }
        let mut hosts = Self::default();
        let found = snapshot.get(&candidates).await?;
        let outside: HashSet<AssetId> = found
            .into_iter()
            .flatten()
            .filter(|r| r.asset.kind() == Kind::ExternalEndpoint)
            .map(|r| r.asset.reference.id())
            .collect();
        if outside.is_empty() {
            return Ok(hosts);
        }
        scene.outside.extend(outside);
        let clusters: BTreeSet<ClusterId> = places.iter().map(|(cluster, _)| *cluster).collect();
        for cluster in clusters {
            for node in list(snapshot, cluster, Kind::Node, None, usize::MAX).await? {
                for address in node_addresses(&node) {
                    hosts.nodes.insert((cluster, address), Arc::clone(&node));
                }
            }
        }
        for (cluster, namespace) in places {
            for pod in list(snapshot, cluster, Kind::Pod, Some(&namespace), usize::MAX).await? {
                hosts.take_pod(cluster, &pod);
            }
        }
        Ok(hosts)
    }

    fn take_pod(&mut self, cluster: ClusterId, pod: &Arc<Record>) {
        if super::super::closure::is_running(pod) {
            for address in pod_addresses(pod) {
                self.pods.insert((cluster, address), Arc::clone(pod));
            }
        }
    }

    /// Who stands behind an edge to an address; none where the edge leads to a pod that is not there.
    pub(super) fn stands_for(
        &self,
        scene: &mut Scene,
        closure: &Closure,
        cluster: ClusterId,
        link: &Link,
    ) -> Option<Who> {
        let outside = scene.outside.iter().position(|id| *id == link.to)?;
        let addresses = || link.detail.addresses.iter().map(|a| (cluster, a.clone()));
        let failed = closure.pods.values().find(|p| {
            p.asset.reference.key().cluster == cluster
                && pod_addresses(p).iter().any(|a| link.detail.addresses.contains(a))
        });
        let pod = failed.or_else(|| addresses().find_map(|key| self.pods.get(&key)));
        if let Some(pod) = pod {
            let index = scene.add_pod(Arc::clone(pod), closure);
            return Some(Who::Pod(index));
        }
        if let Some(node) = addresses().find_map(|key| self.nodes.get(&key)) {
            return Some(Who::Node(scene.node(cluster, &node.asset.reference.key().name)));
        }
        Some(Who::Outside(outside, closure.failed.contains(&link.to)))
    }
}

/// The addresses that a pod alone has.
fn pod_addresses(pod: &Record) -> Vec<String> {
    match &pod.asset.attributes {
        Attributes::Pod(kept) if !kept.host_network => kept.pod_i_ps.clone(),
        _ => Vec::new(),
    }
}

/// A node's addresses; they are kept as `type=address`.
fn node_addresses(node: &Record) -> Vec<String> {
    let Attributes::Node(kept) = &node.asset.attributes else {
        return Vec::new();
    };
    let addresses = kept.addresses.iter().filter_map(|a| a.split_once('='));
    addresses.map(|(_, address)| address.to_owned()).collect()
}

/// The assets of a kind in a cluster, or in one namespace of it.
pub(super) async fn list(
    snapshot: &dyn Snapshot,
    cluster: ClusterId,
    kind: Kind,
    namespace: Option<&str>,
    most: usize,
) -> Result<Vec<Arc<Record>>, QueryError> {
    let mut filters = vec![
        Filter::Kinds(vec![kind]),
        Filter::Cluster(Text::Eq(cluster.to_string())),
    ];
    filters.extend(namespace.map(|n| Filter::Namespace(Text::Eq(n.to_owned()))));
    let mut query = ListQuery {
        filter: Filter::And(filters),
        presence: Presence::Present,
        order: Order::Key,
        after: None,
        limit: 2_000,
    };
    let mut all = Vec::new();
    loop {
        crate::query::breathe().await;
        let page = snapshot.list(&query).await?;
        query.after = page.records.last().map(|r| query.order.position(r));
        all.extend(page.records);
        if !page.more || all.len() >= most {
            return Ok(all);
        }
    }
}
