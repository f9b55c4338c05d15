//! What is a single point of failure already, before anything fails: Services with one instance, on one node, in one zone,
//! behind one volume or one piece of configuration. All Services in one pass, a page of them at a time.

use super::closure::Closure;
use super::evaluate::evaluate;
use super::model::{Alias, Who};
use super::scene::{Scene, neighbours};
use crate::query::QueryError;
use crate::store::{Direction, Filter, ListQuery, Order, Position, Presence, Record, Snapshot};
use planisphere_schema::{AssetId, Kind, RelationKind};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// On what a Service depends alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RiskKind {
    /// One instance.
    Singleton,
    /// More instances, all on one node.
    Node,
    /// More instances on more nodes, all in one zone of a cluster that has more.
    Zone,
    /// More instances that mount one volume.
    Volume,
    /// All instances need one ConfigMap or Secret to start.
    Config,
}

/// Something on which a Service depends alone.
#[derive(Clone, Debug)]
pub struct Risk {
    /// The Service.
    pub service: Arc<Record>,
    /// In which way.
    pub kind: RiskKind,
    /// On what: the pod, node, claim or configuration; for a zone the node that names it.
    pub on: AssetId,
}

/// A page of standing risks.
#[derive(Clone, Debug, Default)]
pub struct Risks {
    /// The risks, by Service.
    pub found: Vec<Risk>,
    /// How many Services were looked at.
    pub services: usize,
    /// Where to go on; none where all were looked at.
    pub next: Option<Position>,
}

impl Risks {
    /// How many there are of each kind.
    pub fn counts(&self) -> BTreeMap<RiskKind, usize> {
        let mut counts = BTreeMap::new();
        for risk in &self.found {
            *counts.entry(risk.kind).or_default() += 1;
        }
        counts
    }
}

/// Services that are read at a time.
const CHUNK: usize = 500;

/// The standing risks of Services that pass a filter, up to `most` Services.
///
/// # Errors
/// When the store fails.
pub async fn standing_risks(
    snapshot: &dyn Snapshot,
    filter: Filter,
    after: Option<Position>,
    most: usize,
) -> Result<Risks, QueryError> {
    let mut query = ListQuery {
        filter: Filter::And(vec![Filter::Kinds(vec![Kind::Service]), filter]),
        presence: Presence::Present,
        order: Order::Key,
        after,
        limit: CHUNK.min(most),
    };
    let mut answer = Risks::default();
    loop {
        crate::query::breathe().await;
        let page = snapshot.list(&query).await?;
        query.after = page.records.last().map(|r| query.order.position(r));
        answer.services += page.records.len();
        answer.found.extend(of_services(snapshot, page.records).await?);
        if !page.more {
            return Ok(answer);
        }
        if answer.services >= most {
            answer.next = query.after;
            return Ok(answer);
        }
    }
}

async fn of_services(snapshot: &dyn Snapshot, services: Vec<Arc<Record>>) -> Result<Vec<Risk>, QueryError> {
    let mut closure = Closure::default();
    let wanted: HashSet<AssetId> = services.iter().map(|s| s.asset.reference.id()).collect();
    closure.services = services
        .into_iter()
        .map(|s| (s.asset.reference.id(), s))
        .collect();
    let scene = Scene::read(snapshot, &mut closure, false, false).await?;
    let mut serving: Vec<(usize, BTreeSet<usize>)> = Vec::new();
    let mut found = Vec::new();
    for (index, verdict) in evaluate(&scene.model).into_iter().enumerate() {
        let service = &scene.model.services[index];
        let mine = wanted.contains(&scene.services[index].asset.reference.id());
        if verdict.before == 0 || service.alias != Alias::None || !mine {
            continue;
        }
        let ready = |e: &&super::model::Endpoint| e.ready;
        let pods: BTreeSet<usize> = service
            .endpoints
            .iter()
            .filter(ready)
            .filter_map(|e| match e.who {
                Who::Pod(pod) => Some(pod),
                _ => None,
            })
            .collect();
        let whole = pods.len() == verdict.before;
        found.extend(place_risk(&scene, index, &pods).filter(|_| whole));
        if whole {
            serving.push((index, pods));
        }
    }
    let pods: Vec<AssetId> = scene.pods.iter().map(|p| p.asset.reference.id()).collect();
    for (relation, kind) in [
        (RelationKind::Mounts, RiskKind::Volume),
        (RelationKind::Reads, RiskKind::Config),
    ] {
        let targets = neighbours(snapshot, &pods, Direction::Out, relation, 256).await?;
        let of = |pod: &usize| -> BTreeSet<AssetId> {
            let needed = targets[*pod]
                .links
                .iter()
                .filter(|l| l.detail.optional != Some(true));
            needed.map(|l| l.to).collect()
        };
        for (index, pods) in &serving {
            // One instance is a single point already; its own volume adds nothing.
            if kind == RiskKind::Volume && pods.len() == 1 {
                continue;
            }
            let shared = pods
                .iter()
                .map(of)
                .reduce(|a, b| a.intersection(&b).copied().collect());
            found.extend(shared.into_iter().flatten().map(|on| Risk {
                service: Arc::clone(&scene.services[*index]),
                kind,
                on,
            }));
        }
    }
    found.sort_by(|a, b| {
        crate::query::ownership::place(&a.service)
            .cmp(&crate::query::ownership::place(&b.service))
            .then(a.kind.cmp(&b.kind))
            .then(a.on.cmp(&b.on))
    });
    Ok(found)
}

/// Whether a Service's pods are all in one place.
fn place_risk(scene: &Scene, service: usize, pods: &BTreeSet<usize>) -> Option<Risk> {
    let risk = |kind, on| {
        Some(Risk {
            service: Arc::clone(&scene.services[service]),
            kind,
            on,
        })
    };
    let first = *pods.first()?;
    if pods.len() == 1 {
        return risk(RiskKind::Singleton, scene.pods[first].asset.reference.id());
    }
    let node = |pod: &usize| scene.model.pods[*pod].node;
    let nodes: BTreeSet<Option<usize>> = pods.iter().map(node).collect();
    let zones: BTreeSet<Option<usize>> = nodes
        .iter()
        .map(|n| n.and_then(|n| scene.model.nodes[n].zone))
        .collect();
    let more_zones = || {
        let mut all: Vec<usize> = scene.model.nodes.iter().filter_map(|n| n.zone).collect();
        all.sort_unstable();
        all.dedup();
        all.len() > 1
    };
    match (node(&first), nodes.len(), zones.len(), zones.first()) {
        (Some(node), 1, ..) => risk(RiskKind::Node, scene.nodes[node]),
        (Some(node), _, 1, Some(Some(_))) if more_zones() => risk(RiskKind::Zone, scene.nodes[node]),
        _ => None,
    }
}
