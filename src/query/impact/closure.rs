//! Rule 0: from what fails to the pods that fail with it, and to those that could not start again. Hop by hop, one store
//! call a relation; each asset remembers over which edge the failure came, which is the path that explains it.

use super::Cut;
use crate::query::{QueryError, calls, edges, records};
use crate::store::{
    Direction, Filter, Link, ListQuery, NeighbourQuery, Order, Presence, Record, Snapshot, Text,
};
use planisphere_schema::{AssetId, Attributes, ClusterId, Kind, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// More edges of one asset are not followed, and said not to be.
const MOST_EDGES: usize = 100_000;
/// More pods are not looked at, and said not to be.
const MOST_PODS: usize = 200_000;
/// Owner references lead upward a few levels; more are cycles.
const MOST_LEVELS: usize = 12;

/// The failed set, closed to pods.
#[derive(Default)]
pub(super) struct Closure {
    /// What was said to fail.
    pub roots: Vec<Arc<Record>>,
    /// All that fails: roots, nodes, workloads, volumes, pods.
    pub failed: HashSet<AssetId>,
    /// Clusters that fail whole.
    pub clusters: HashSet<ClusterId>,
    /// Namespaces that fail whole, of clusters that do not.
    pub namespaces: Vec<(ClusterId, Box<str>)>,
    /// Pods that fail.
    pub pods: HashMap<AssetId, Arc<Record>>,
    /// Pods that something needs to start fails of.
    pub blocked: HashMap<AssetId, Arc<Record>>,
    /// Pods that would be evicted to make room for those that fail.
    pub evicted: HashMap<AssetId, Arc<Record>>,
    /// Pods that a volume or claim fails of.
    pub volumeless: HashSet<AssetId>,
    /// Services that are in the failed set, by themselves or with their namespace or cluster.
    pub services: HashMap<AssetId, Arc<Record>>,
    /// The edge over which the failure came, from the asset to what failed it.
    pub cause: HashMap<AssetId, Link>,
    /// What was not looked at.
    pub cuts: Vec<Cut>,
}

impl Closure {
    /// Closes a set of assets.
    pub(super) async fn of(snapshot: &dyn Snapshot, roots: Vec<Arc<Record>>) -> Result<Self, QueryError> {
        let mut all = Self {
            failed: roots.iter().map(|r| r.asset.reference.id()).collect(),
            roots,
            ..Self::default()
        };
        let of_kinds = |kinds: &[Kind]| -> Vec<AssetId> {
            let found = all.roots.iter().filter(|r| kinds.contains(&r.asset.kind()));
            found.map(|r| r.asset.reference.id()).collect()
        };
        let regions = of_kinds(&[Kind::Region]);
        let mut zones = of_kinds(&[Kind::Zone]);
        let mut nodes = of_kinds(&[Kind::Node]);
        let volumes = of_kinds(&[Kind::PersistentVolume]);
        let mut claims = of_kinds(&[Kind::PersistentVolumeClaim]);
        let needed = of_kinds(&[Kind::ConfigMap, Kind::Secret]);
        let accounts = of_kinds(&[Kind::ServiceAccount]);
        let drivers = of_kinds(&[Kind::CSIDriver]);
        let machines = of_kinds(&[Kind::VirtualMachine]);
        let images = of_kinds(&[Kind::Image]);
        let registries = of_kinds(&[Kind::Registry]);
        for root in all.roots.clone() {
            all.take_root(snapshot, &root).await?;
        }
        let in_region = all
            .follow(snapshot, &regions, RelationKind::InRegion, |_| true)
            .await?;
        for record in in_region {
            match record.asset.kind() {
                Kind::Zone => zones.push(record.asset.reference.id()),
                _ => nodes.push(record.asset.reference.id()),
            }
        }
        let in_zone = all
            .follow(snapshot, &zones, RelationKind::InZone, |_| true)
            .await?;
        nodes.extend(in_zone.iter().map(|r| r.asset.reference.id()));
        let machine_nodes = all
            .follow(snapshot, &machines, RelationKind::IsMachine, |_| true)
            .await?;
        nodes.extend(machine_nodes.iter().map(|r| r.asset.reference.id()));
        let on_nodes = all
            .follow(snapshot, &nodes, RelationKind::RunsOn, |_| true)
            .await?;
        all.take_pods(on_nodes);
        let bound = all
            .follow(snapshot, &volumes, RelationKind::BoundTo, bound_now)
            .await?;
        claims.extend(bound.iter().map(|r| r.asset.reference.id()));
        all.take_volumes(snapshot, &claims).await?;
        let real = |link: &Link| link.detail.optional != Some(true);
        all.block(snapshot, &needed, RelationKind::Reads, real).await?;
        all.block(snapshot, &accounts, RelationKind::RunsAs, |_| true)
            .await?;
        // What is mounted stays so without its driver, but nothing can be mounted anew.
        let driven = all
            .lead(snapshot, &drivers, RelationKind::UsesDriver, |_| true)
            .await?;
        let held = all
            .lead(snapshot, &driven, RelationKind::BoundTo, bound_now)
            .await?;
        all.block(snapshot, &held, RelationKind::Mounts, |_| true).await?;
        all.block(snapshot, &images, RelationKind::UsesImage, |_| true)
            .await?;
        // A bare pod says itself where its images come from, the others' workloads say it.
        let pulling = all
            .block(snapshot, &registries, RelationKind::PullsFrom, |_| true)
            .await?;
        all.block_controlled(snapshot, pulling).await?;
        Ok(all)
    }

    async fn take_root(&mut self, snapshot: &dyn Snapshot, root: &Arc<Record>) -> Result<(), QueryError> {
        let key = root.asset.reference.key();
        let inside = Filter::Cluster(Text::Eq(key.cluster.to_string()));
        match key.kind {
            Kind::Cluster => {
                self.clusters.insert(key.cluster);
                self.take_everything(snapshot, inside).await?;
            }
            Kind::Namespace => {
                self.namespaces.push((key.cluster, key.name.clone()));
                let here = Filter::Namespace(Text::Eq(key.name.to_string()));
                self.take_everything(snapshot, Filter::And(vec![inside, here]))
                    .await?;
            }
            Kind::Pod => self.take_pods(vec![Arc::clone(root)]),
            Kind::Service => {
                self.services.insert(root.asset.reference.id(), Arc::clone(root));
            }
            kind if makes_pods(kind) => self.take_controlled(snapshot, root).await?,
            _ => {}
        }
        Ok(())
    }

    /// Takes the pods, Services and nodes of a namespace or a whole cluster.
    async fn take_everything(&mut self, snapshot: &dyn Snapshot, filter: Filter) -> Result<(), QueryError> {
        let kinds = Filter::Kinds(vec![Kind::Pod, Kind::Service, Kind::Node, Kind::Namespace]);
        let mut query = ListQuery {
            filter: Filter::And(vec![kinds, filter]),
            presence: Presence::Present,
            order: Order::Key,
            after: None,
            limit: 2_000,
        };
        loop {
            crate::query::breathe().await;
            let page = snapshot.list(&query).await?;
            query.after = page.records.last().map(|r| query.order.position(r));
            let mut pods = Vec::new();
            for record in page.records {
                let id = record.asset.reference.id();
                match record.asset.kind() {
                    Kind::Pod => pods.push(record),
                    Kind::Service => {
                        self.failed.insert(id);
                        self.services.insert(id, record);
                    }
                    _ => {
                        self.failed.insert(id);
                    }
                }
            }
            self.take_pods(pods);
            if !page.more {
                return Ok(());
            }
            if self.pods.len() >= MOST_PODS {
                self.cuts.push(Cut::more_pods(MOST_PODS));
                return Ok(());
            }
        }
    }

    /// Takes pods that still run; finished ones have nothing to lose.
    fn take_pods(&mut self, pods: Vec<Arc<Record>>) {
        for pod in pods.into_iter().filter(|p| is_running(p)) {
            let id = pod.asset.reference.id();
            self.failed.insert(id);
            self.pods.insert(id, pod);
        }
    }

    /// Takes what a workload controls, level by level.
    async fn take_controlled(
        &mut self,
        snapshot: &dyn Snapshot,
        root: &Arc<Record>,
    ) -> Result<(), QueryError> {
        let mut level = vec![root.asset.reference.id()];
        let mine = |link: &Link| link.detail.controller == Some(true);
        for _ in 0..MOST_LEVELS {
            if level.is_empty() {
                break;
            }
            let found = self.follow(snapshot, &level, RelationKind::OwnedBy, mine).await?;
            let (pods, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|r| r.asset.kind() == Kind::Pod);
            self.take_pods(pods);
            level = others.iter().map(|r| r.asset.reference.id()).collect();
        }
        Ok(())
    }

    async fn take_volumes(&mut self, snapshot: &dyn Snapshot, claims: &[AssetId]) -> Result<(), QueryError> {
        let mounting = self
            .follow(snapshot, claims, RelationKind::Mounts, |_| true)
            .await?;
        let pods: Vec<_> = mounting
            .into_iter()
            .filter(|r| r.asset.kind() == Kind::Pod)
            .collect();
        self.volumeless
            .extend(pods.iter().map(|p| p.asset.reference.id()));
        self.take_pods(pods);
        Ok(())
    }

    /// What stands at the other end of these edges does not fail, but leads further.
    async fn lead(
        &mut self,
        snapshot: &dyn Snapshot,
        ids: &[AssetId],
        relation: RelationKind,
        counts: impl Fn(&Link) -> bool,
    ) -> Result<Vec<AssetId>, QueryError> {
        let (links, _) = incoming(snapshot, ids, relation, counts, &mut self.cuts).await?;
        let from = links.iter().map(|l| l.from).collect();
        for link in links {
            self.cause.entry(link.from).or_insert(link);
        }
        Ok(from)
    }

    /// Pods at the other end of these edges go on running, but could not start again. Gives the edges from anything else.
    async fn block(
        &mut self,
        snapshot: &dyn Snapshot,
        ids: &[AssetId],
        relation: RelationKind,
        counts: impl Fn(&Link) -> bool,
    ) -> Result<Vec<Link>, QueryError> {
        let (links, found) = incoming(snapshot, ids, relation, counts, &mut self.cuts).await?;
        let mut others = Vec::new();
        for (link, record) in links.into_iter().zip(found) {
            if is_running(&record) {
                self.cause.entry(link.from).or_insert(link);
                self.blocked.insert(record.asset.reference.id(), record);
            } else {
                others.push(link);
            }
        }
        Ok(others)
    }

    /// Blocks the pods that the workloads at these edges control, level by level.
    async fn block_controlled(
        &mut self,
        snapshot: &dyn Snapshot,
        mut edges: Vec<Link>,
    ) -> Result<(), QueryError> {
        let mine = |link: &Link| link.detail.controller == Some(true);
        for _ in 0..MOST_LEVELS {
            if edges.is_empty() {
                break;
            }
            let level: Vec<AssetId> = edges.iter().map(|link| link.from).collect();
            for link in edges {
                self.cause.entry(link.from).or_insert(link);
            }
            edges = self.block(snapshot, &level, RelationKind::OwnedBy, mine).await?;
        }
        Ok(())
    }

    /// Fails what stands at the other end of the edges that end at these assets; gives what is new.
    async fn follow(
        &mut self,
        snapshot: &dyn Snapshot,
        ids: &[AssetId],
        relation: RelationKind,
        counts: impl Fn(&Link) -> bool,
    ) -> Result<Vec<Arc<Record>>, QueryError> {
        let (links, found) = incoming(snapshot, ids, relation, counts, &mut self.cuts).await?;
        let mut new = Vec::new();
        for (link, record) in links.into_iter().zip(found) {
            // Finished pods have nothing to lose, and what is only named cannot fail.
            let there = !record.is_dangling() && (record.asset.kind() != Kind::Pod || is_running(&record));
            // Workloads mount claims by their templates; it is their pods that fail.
            let fails = there && (relation != RelationKind::Mounts || record.asset.kind() == Kind::Pod);
            if !fails {
                continue;
            }
            let id = link.from;
            if self.failed.insert(id) {
                self.cause.insert(id, link);
                if record.asset.kind() == Kind::Namespace {
                    let key = record.asset.reference.key();
                    self.namespaces.push((key.cluster, key.name.clone()));
                }
                new.push(record);
            } else if relation == RelationKind::Mounts {
                new.push(record);
            }
        }
        Ok(new)
    }
}

/// The edges of one relation that end at these assets, with what they start at.
async fn incoming(
    snapshot: &dyn Snapshot,
    ids: &[AssetId],
    relation: RelationKind,
    counts: impl Fn(&Link) -> bool,
    cuts: &mut Vec<Cut>,
) -> Result<(Vec<Link>, Vec<Arc<Record>>), QueryError> {
    let mut links = Vec::new();
    if ids.is_empty() {
        return Ok((links, Vec::new()));
    }
    let targets: HashMap<AssetId, Arc<Record>> = match relation {
        // Only these edges say which incarnation they mean.
        RelationKind::OwnedBy => ids.iter().copied().zip(records(snapshot, ids).await?).collect(),
        _ => HashMap::new(),
    };
    for some in calls(ids, MOST_EDGES / 100) {
        crate::query::breathe().await;
        let found = snapshot
            .neighbours(&NeighbourQuery {
                ids: some,
                direction: Direction::In,
                relations: Some(&[relation]),
                limit: MOST_EDGES,
                after: None,
            })
            .await?;
        for (id, neighbours) in some.iter().zip(found) {
            let over = neighbours.total - neighbours.links.len();
            if over > 0 {
                cuts.push(Cut::more_edges(*id, over));
            }
            let fresh = |link: &Link| targets.get(&link.to).is_none_or(|t| !edges::is_stale(link, t));
            links.extend(neighbours.links.into_iter().filter(|l| counts(l) && fresh(l)));
        }
    }
    let from: Vec<AssetId> = links.iter().map(|l| l.from).collect();
    let found = records(snapshot, &from).await?;
    Ok((links, found))
}

fn bound_now(link: &Link) -> bool {
    link.detail.bound == Some(true)
}

/// Whether a pod is there and has not finished.
pub(super) fn is_running(record: &Record) -> bool {
    let Attributes::Pod(pod) = &record.asset.attributes else {
        return false;
    };
    !record.stub && !matches!(pod.phase.as_deref(), Some("Succeeded" | "Failed"))
}

fn makes_pods(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
            | Kind::CronJob
            | Kind::Custom(_)
    )
}

impl Closure {
    /// Whether an asset's namespace or cluster is in the failed set.
    pub(super) fn is_inside(&self, record: &Record) -> bool {
        let key = record.asset.reference.key();
        let named =
            |(cluster, name): &(ClusterId, Box<str>)| *cluster == key.cluster && *name == key.namespace;
        self.clusters.contains(&key.cluster) || self.namespaces.iter().any(named)
    }
}
