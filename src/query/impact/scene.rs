//! Reads what the rules look at, a few store calls in all: the Services that a closed failed set touches, everybody behind
//! them, where they run, what protects them and what they need to come back. It decides nothing.

mod addresses;
mod budgets;
mod comeback;
mod fit;
mod idle;
mod volumes;

use super::closure::Closure;
use super::fit::stay_seconds;
use super::model::{Alias, Endpoint, Maker, Model, Node, Pod, Service, Who};
use super::{Cut, quorum};
use crate::query::ownership::place as by_name;
use crate::query::{QueryError, calls, edges};
use crate::store::{Direction, Link, NeighbourQuery, Neighbours, Record, Snapshot};
use planisphere_schema::attributes::{NodeTerm, PodAttributes};
use planisphere_schema::{AssetId, AssetRef, Attributes, ClusterId, Kind, RelationKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

pub use fit::Fit;

/// More endpoints of one Service are not looked at, and said not to be.
const MOST_ENDPOINTS: usize = 50_000;
/// A pod of which nothing tells how long it takes to start.
const START_SECONDS: i64 = 30;

/// What the rules look at, with whom the numbers stand for.
#[derive(Default)]
pub(super) struct Scene {
    /// The model.
    pub model: Model,
    /// The pods of the model.
    pub pods: Vec<Arc<Record>>,
    /// The Services of the model.
    pub services: Vec<Arc<Record>>,
    /// The budgets of the model.
    pub budgets: Vec<Arc<Record>>,
    /// The nodes of the model, by id.
    pub nodes: Vec<AssetId>,
    /// Addresses outside, as endpoints name them.
    pub outside: Vec<AssetId>,
    /// An edge from a Service to each of whom it routes to and that may explain its state.
    pub routes: HashMap<(usize, Who), Link>,
    /// Where lost pods can go, or why nowhere, by their numbers.
    pub fits: HashMap<usize, Fit>,
    volume_terms: HashMap<usize, Vec<Vec<NodeTerm>>>,
    pod_index: HashMap<AssetId, usize>,
    node_index: HashMap<ClusterId, HashMap<Box<str>, usize>>,
    zones: HashMap<(ClusterId, String), usize>,
    node_records: Vec<Option<Arc<Record>>>,
}

/// What a scene is read for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Purpose {
    /// Nodes are drained, and still answer meanwhile.
    pub planned: bool,
    /// Pods that fail belong to it also where no Service stands before them.
    pub all_pods: bool,
    /// Lost pods are placed as far as there is room.
    pub reschedule: bool,
    /// Budgets count.
    pub budgets: bool,
}

impl Scene {
    /// Reads the surroundings of a closed failed set.
    pub(super) async fn read(
        snapshot: &dyn Snapshot,
        closure: &mut Closure,
        purpose: Purpose,
    ) -> Result<Self, QueryError> {
        let mut scene = Self::default();
        scene.model.planned = purpose.planned;
        if purpose.all_pods {
            scene.failed_pods(snapshot, closure).await?;
        }
        if purpose.reschedule {
            scene.reschedule(snapshot, closure).await?;
        }
        scene.touched_services(snapshot, closure).await?;
        let links = scene.endpoints(snapshot, closure).await?;
        scene.place_pods(snapshot, closure).await?;
        scene.route(snapshot, closure, links).await?;
        scene.aliases(snapshot, closure).await?;
        scene.quorums(snapshot).await?;
        scene.idle(snapshot).await?;
        if purpose.budgets {
            scene.budgets(snapshot, closure).await?;
        }
        if !purpose.reschedule {
            scene.comebacks(snapshot, closure).await?;
            scene.misfits(snapshot, closure).await?;
        }
        Ok(scene)
    }

    /// Takes in every pod that fails, in the order of their names.
    async fn failed_pods(&mut self, snapshot: &dyn Snapshot, closure: &Closure) -> Result<(), QueryError> {
        let mut lost: Vec<Arc<Record>> = closure.pods.values().cloned().collect();
        lost.sort_by(|a, b| by_name(a).cmp(&by_name(b)));
        for pod in lost {
            self.add_pod(pod, closure);
        }
        self.place_pods(snapshot, closure).await
    }

    /// The Services that have a pod or an address of the failed set, or one that could not start again.
    async fn touched_services(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &mut Closure,
    ) -> Result<(), QueryError> {
        let pods = closure.pods.values().chain(closure.blocked.values());
        let pods: Vec<&Arc<Record>> = pods.chain(closure.evicted.values()).collect();
        let ids: Vec<AssetId> = pods.iter().map(|p| p.asset.reference.id()).collect();
        let found = neighbours(snapshot, &ids, Direction::In, RelationKind::RoutesTo, 1_000).await?;
        let mut services: BTreeSet<AssetId> = closure.services.keys().copied().collect();
        for (pod, neighbours) in pods.iter().zip(found) {
            let mine = neighbours.links.iter().filter(|l| !edges::is_stale(l, pod));
            services.extend(mine.map(|l| l.from));
        }
        services.extend(addresses::touched(snapshot, closure).await?);
        let services: Vec<AssetId> = services.into_iter().collect();
        self.add_services(snapshot, closure, &services).await
    }

    async fn add_services(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
        ids: &[AssetId],
    ) -> Result<(), QueryError> {
        for record in snapshot.get(ids).await?.into_iter().flatten() {
            let Attributes::Service(kept) = &record.asset.attributes else {
                continue;
            };
            if record.is_dangling() {
                continue;
            }
            let local = |policy: &Option<String>| policy.as_deref() == Some("Local");
            let alias = match (&kept.service_type[..], &kept.external_name) {
                ("ExternalName", _) => Alias::Outside,
                _ => Alias::None,
            };
            self.model.services.push(Service {
                alias,
                failed: closure.failed.contains(&record.asset.reference.id()) || closure.is_inside(&record),
                local_traffic: local(&kept.external_traffic_policy) || local(&kept.internal_traffic_policy),
                fraction: quorum::fraction(&record),
                ..Service::default()
            });
            self.services.push(record);
        }
        Ok(())
    }

    /// The edges to everybody behind the Services that have no endpoints read yet; their pods join the model.
    async fn endpoints(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &mut Closure,
    ) -> Result<Vec<(usize, Vec<Link>)>, QueryError> {
        let ids: Vec<AssetId> = self.services.iter().map(|s| s.asset.reference.id()).collect();
        let found = neighbours(
            snapshot,
            &ids,
            Direction::Out,
            RelationKind::RoutesTo,
            MOST_ENDPOINTS,
        )
        .await?;
        let mut wanted: Vec<AssetId> = Vec::new();
        let mut seen: HashSet<AssetId> = HashSet::new();
        let mut all = Vec::with_capacity(ids.len());
        for (service, neighbours) in found.into_iter().enumerate() {
            let over = neighbours.total - neighbours.links.len();
            if over > 0 {
                closure.cuts.push(Cut::more_edges(ids[service], over));
            }
            wanted.extend(
                neighbours
                    .links
                    .iter()
                    .map(|l| l.to)
                    .filter(|id| seen.insert(*id)),
            );
            all.push((service, neighbours.links));
        }
        // Those that fail were read before.
        let known = |id: &AssetId| closure.pods.get(id).or_else(|| closure.blocked.get(id)).cloned();
        let (read, wanted): (Vec<AssetId>, Vec<AssetId>) =
            wanted.into_iter().partition(|id| known(id).is_some());
        let records = crate::query::records(snapshot, &wanted).await?;
        let pods = records
            .into_iter()
            .filter(|r| r.asset.kind() == Kind::Pod && !r.stub);
        for record in read.iter().filter_map(known).chain(pods).collect::<Vec<_>>() {
            self.add_pod(record, closure);
        }
        Ok(all)
    }

    fn add_pod(&mut self, record: Arc<Record>, closure: &Closure) -> usize {
        let id = record.asset.reference.id();
        if let Some(index) = self.pod_index.get(&id) {
            return *index;
        }
        let index = self.pods.len();
        self.pod_index.insert(id, index);
        let pod = match &record.asset.attributes {
            Attributes::Pod(kept) => self.pod(&record, kept, closure),
            _ => Pod::default(),
        };
        self.model.pods.push(pod);
        self.pods.push(record);
        index
    }

    fn pod(&mut self, record: &Record, kept: &PodAttributes, closure: &Closure) -> Pod {
        let id = record.asset.reference.id();
        let cluster = record.asset.reference.key().cluster;
        let named = kept.node_name.as_deref().filter(|n| !n.is_empty());
        Pod {
            node: named.map(|name| self.node(cluster, name)),
            failed: closure.pods.contains_key(&id),
            blocked: closure.blocked.contains_key(&id),
            evicted: closure.evicted.contains_key(&id),
            healthy: kept.ready && record.asset.deleting.is_none() && super::closure::is_running(record),
            unguarded: kept.phase.as_deref() == Some("Pending") || record.asset.deleting.is_some(),
            maker: maker(record, kept),
            maker_failed: closure.is_inside(record),
            volume_failed: closure.volumeless.contains(&id),
            unscheduled: closure.clusters.contains(&cluster),
            tolerates_seconds: stay_seconds(kept),
            start_seconds: start_seconds(kept),
            ..Pod::default()
        }
    }

    fn node(&mut self, cluster: ClusterId, name: &str) -> usize {
        // Many pods name the same node: its id, a digest, is made once.
        let known = self.node_index.entry(cluster).or_default();
        if let Some(number) = known.get(name) {
            return *number;
        }
        let number = self.nodes.len();
        known.insert(name.into(), number);
        self.nodes.push(AssetRef::new(cluster, Kind::Node, "", name).id());
        self.model.nodes.push(Node::default());
        number
    }

    /// Learns of each node whether it fails and in which zone it stands.
    async fn place_pods(&mut self, snapshot: &dyn Snapshot, closure: &Closure) -> Result<(), QueryError> {
        let start = self.node_records.len();
        let found = snapshot.get(&self.nodes[start..]).await?;
        for (index, record) in (start..).zip(found) {
            self.model.nodes[index].failed = closure.failed.contains(&self.nodes[index]);
            if let Some(record) = &record
                && let Attributes::Node(kept) = &record.asset.attributes
                && let Some(zone) = &kept.zone
            {
                let key = (record.asset.reference.key().cluster, zone.clone());
                let next = self.zones.len();
                self.model.nodes[index].zone = Some(*self.zones.entry(key).or_insert(next));
            }
            self.node_records.push(record);
        }
        Ok(())
    }

    /// Turns edges into endpoints. One that names a pod which is gone, or was made anew, serves nobody.
    async fn route(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
        links: Vec<(usize, Vec<Link>)>,
    ) -> Result<(), QueryError> {
        let hosts = addresses::Hosts::read(snapshot, self, &links).await?;
        for (service, links) in links {
            let cluster = self.services[service].asset.reference.key().cluster;
            for link in links {
                let named = link.detail.node_name.as_deref().filter(|n| !n.is_empty());
                let who = match self.pod_index.get(&link.to) {
                    Some(pod) if edges::is_stale(&link, &self.pods[*pod]) => continue,
                    Some(pod) => Who::Pod(*pod),
                    None => match hosts.stands_for(self, closure, cluster, &link) {
                        Some(who) => who,
                        None => continue,
                    },
                };
                let ready = link.detail.ready.unwrap_or(true);
                let endpoint = Endpoint {
                    who,
                    node: named.map(|name| self.node(cluster, name)),
                    ready,
                    serving: link.detail.serving.unwrap_or(ready),
                    terminating: link.detail.terminating.unwrap_or(false),
                };
                self.model.services[service].endpoints.push(endpoint);
                let explains = match who {
                    Who::Pod(pod) => self.model.pods[pod].failed || self.model.pods[pod].blocked,
                    // Whether it fails is known once all nodes are.
                    Who::Node(_) | Who::Outside(..) => true,
                };
                if explains {
                    self.routes.entry((service, who)).or_insert(link);
                }
            }
        }
        self.place_pods(snapshot, closure).await
    }

    /// What a Service that is only a name stands for; and Services that are names for those that are touched.
    async fn aliases(&mut self, snapshot: &dyn Snapshot, closure: &mut Closure) -> Result<(), QueryError> {
        const MOST_HOPS: usize = 8;
        let mut start = 0;
        for _ in 0..MOST_HOPS {
            let ids: Vec<AssetId> = self.services[start..]
                .iter()
                .map(|s| s.asset.reference.id())
                .collect();
            if ids.is_empty() {
                break;
            }
            start = self.services.len();
            let known: HashSet<AssetId> = self.services.iter().map(|s| s.asset.reference.id()).collect();
            let mut more = BTreeSet::new();
            for direction in [Direction::In, Direction::Out] {
                let found = neighbours(snapshot, &ids, direction, RelationKind::AliasOf, 1_000).await?;
                let links = found.iter().flat_map(|n| &n.links);
                let others = links.flat_map(|l| [l.from, l.to]);
                more.extend(others.filter(|id| !known.contains(id)));
            }
            let more: Vec<AssetId> = more.into_iter().collect();
            self.add_services(snapshot, closure, &more).await?;
            if self.services.len() > start {
                let links = self.endpoints(snapshot, closure).await?;
                self.place_pods(snapshot, closure).await?;
                let new = links
                    .into_iter()
                    .filter(|(service, _)| *service >= start)
                    .collect();
                self.route(snapshot, closure, new).await?;
            }
        }
        let index: HashMap<AssetId, usize> = self
            .services
            .iter()
            .enumerate()
            .map(|(i, s)| (s.asset.reference.id(), i))
            .collect();
        let names: Vec<usize> = (0..self.services.len())
            .filter(|i| self.model.services[*i].alias != Alias::None)
            .collect();
        let ids: Vec<AssetId> = names
            .iter()
            .map(|i| self.services[*i].asset.reference.id())
            .collect();
        let found = neighbours(snapshot, &ids, Direction::Out, RelationKind::AliasOf, 8).await?;
        for (service, neighbours) in names.into_iter().zip(found) {
            if let Some(link) = neighbours.links.first() {
                let target = index.get(&link.to);
                self.model.services[service].alias =
                    target.map_or(Alias::Missing, |target| Alias::Service(*target));
            }
        }
        Ok(())
    }

    /// How many must agree, of the Services whose pods vote.
    async fn quorums(&mut self, snapshot: &dyn Snapshot) -> Result<(), QueryError> {
        let mut sets: HashMap<AssetId, Vec<usize>> = HashMap::new();
        for (index, service) in self.model.services.iter_mut().enumerate() {
            let pods: BTreeSet<Who> = service.endpoints.iter().map(|e| e.who).collect();
            service.quorum = quorum::of_label(&self.services[index], pods.len());
            for who in pods {
                let Who::Pod(pod) = who else { continue };
                if let Some(set) = stateful_set_of(&self.pods[pod]) {
                    let services = sets.entry(set).or_default();
                    if services.last() != Some(&index) {
                        services.push(index);
                    }
                }
            }
        }
        let ids: Vec<AssetId> = sets.keys().copied().collect();
        for (id, record) in ids.iter().zip(snapshot.get(&ids).await?) {
            let Some(quorum) = record.and_then(|set| quorum::quorum(&set)) else {
                continue;
            };
            for service in &sets[id] {
                let known = &mut self.model.services[*service].quorum;
                if self.services[*service].asset.label(quorum::LABEL).is_none() {
                    *known = Some(known.unwrap_or(0).max(quorum));
                }
            }
        }
        Ok(())
    }
}

fn stateful_set_of(pod: &Record) -> Option<AssetId> {
    let Attributes::Pod(kept) = &pod.asset.attributes else {
        return None;
    };
    let key = pod.asset.reference.key();
    let is_set = kept.owner_kind.as_deref() == Some("StatefulSet.apps");
    let name = kept.owner_name.as_deref().filter(|_| is_set)?;
    Some(AssetRef::new(key.cluster, Kind::StatefulSet, &key.namespace, name).id())
}

fn maker(record: &Record, kept: &PodAttributes) -> Maker {
    let from_file = record
        .asset
        .annotation("kubernetes.io/config.source")
        .is_some_and(|s| s != "api");
    match kept.owner_kind.as_deref() {
        _ if from_file => Maker::StaticFile,
        None => Maker::Nobody,
        Some("Node") => Maker::StaticFile,
        Some("DaemonSet.apps") => Maker::DaemonSet,
        Some("StatefulSet.apps") => Maker::StatefulSet,
        Some(_) => Maker::Controller,
    }
}

/// From when the kubelet took it up until it was ready, where it has been ready ever since.
fn start_seconds(kept: &PodAttributes) -> i64 {
    let ready = kept
        .conditions
        .iter()
        .find(|c| c.kind == "Ready" && c.status == "True");
    let took = ready
        .and_then(|c| c.since)
        .zip(kept.started_at)
        .map(|(ready, start)| ready.seconds - start.seconds);
    took.filter(|s| kept.restarts == 0 && (0..3_600).contains(s))
        .unwrap_or(START_SECONDS)
}

/// The edges of one relation at each of these assets.
pub(super) async fn neighbours(
    snapshot: &dyn Snapshot,
    ids: &[AssetId],
    direction: Direction,
    relation: RelationKind,
    limit: usize,
) -> Result<Vec<Neighbours>, QueryError> {
    let mut all = Vec::with_capacity(ids.len());
    // Few assets have many edges, so groups are cut as if each had a hundred.
    for some in calls(ids, limit.min(100)) {
        crate::query::breathe().await;
        let found = snapshot
            .neighbours(&NeighbourQuery {
                ids: some,
                direction,
                relations: Some(&[relation]),
                limit,
                after: None,
            })
            .await?;
        all.extend(found);
    }
    Ok(all)
}
