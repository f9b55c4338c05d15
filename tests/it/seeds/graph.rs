//! What a store holds of a cluster, and what it should hold: the objects of the cluster, read from scratch.

use super::truth::State;
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{
    Direction, Filter, ListQuery, NeighbourQuery, Order, Position, Presence, Record, Snapshot, Store, Text,
};
use planisphere_fixtures::SimCluster;
use planisphere_schema::{AssetId, Cluster, ClusterId, How, Kind};
use planisphere_sync::mirror::Mirror;
use planisphere_sync::sink::Start;
use planisphere_sync::status::SyncStatus;
use planisphere_sync::{Event, Extractor};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// The assets of a cluster and the edges that they declare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Name to uid, content and whether it is but a stub.
    pub assets: BTreeMap<String, (Uuid, u64, bool)>,
    /// From, relation, to.
    pub edges: BTreeSet<String>,
}

impl Graph {
    /// What one has and the other has not, in words.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let assets = |one: &Self, two: &Self| {
            let only = one.assets.iter().filter(|(k, v)| two.assets.get(*k) != Some(v));
            only.take(3)
                .map(|(k, v)| format!("{k} {v:?}"))
                .collect::<Vec<_>>()
        };
        let edges = |one: &Self, two: &Self| {
            one.edges
                .difference(&two.edges)
                .take(3)
                .cloned()
                .collect::<Vec<_>>()
        };
        (self != other).then(|| {
            format!(
                "extra {:?} {:?}, missing {:?} {:?}",
                assets(self, other),
                edges(self, other),
                assets(other, self),
                edges(other, self)
            )
        })
    }
}

/// The state of a stored object, as the truth names it.
pub fn state(record: &Record) -> State {
    let edition = record.asset.label("edition").unwrap_or_default();
    (record.asset.uid, edition.to_owned())
}

/// All that is present of a cluster.
pub async fn records(snapshot: &dyn Snapshot, cluster: ClusterId) -> Vec<Arc<Record>> {
    list(snapshot, cluster, Presence::Present).await
}

async fn list(snapshot: &dyn Snapshot, cluster: ClusterId, presence: Presence) -> Vec<Arc<Record>> {
    let (mut all, mut after) = (Vec::new(), None::<Position>);
    loop {
        let query = ListQuery {
            filter: Filter::Cluster(Text::Eq(cluster.to_string())),
            presence,
            order: Order::Key,
            after,
            limit: 10_000,
        };
        let page = snapshot.list(&query).await.unwrap();
        all.extend(page.records);
        if !page.more {
            return all;
        }
        after = all.last().map(|record| Order::Key.position(record));
    }
}

/// The whole graph of a cluster, but for the asset that stands for the cluster itself.
pub async fn graph(snapshot: &dyn Snapshot, cluster: ClusterId) -> Graph {
    let mut graph = Graph::default();
    let records = list(snapshot, cluster, Presence::Any).await;
    let records: Vec<_> = records
        .iter()
        .filter(|r| r.asset.kind() != Kind::Cluster)
        .collect();
    let ids: Vec<AssetId> = records.iter().map(|r| r.asset.reference.id()).collect();
    let names: BTreeMap<AssetId, String> = records
        .iter()
        .map(|r| {
            let key = r.asset.reference.key();
            (
                r.asset.reference.id(),
                format!("{} {}/{}", key.kind, key.namespace, key.name),
            )
        })
        .collect();
    let query = NeighbourQuery {
        ids: &ids,
        direction: Direction::Out,
        relations: None,
        limit: usize::MAX,
        after: None,
    };
    let neighbours = snapshot.neighbours(&query).await.unwrap();
    let name = |id: &AssetId| names.get(id).cloned().unwrap_or_else(|| id.to_string());
    for (record, neighbours) in records.iter().zip(neighbours) {
        let id = record.asset.reference.id();
        graph
            .assets
            .insert(name(&id), (record.asset.uid, record.hash, record.stub));
        for link in neighbours.links {
            let edge = format!("{} {:?} {}", name(&link.from), link.relation, name(&link.to));
            graph.edges.insert(edge);
        }
    }
    graph
}

/// What a mirror of these kinds should hold of a cluster: its objects as they are now, read by a mirror that knows nothing.
pub async fn expected(server: &SimCluster, kinds: &[Kind]) -> Graph {
    let cluster = Cluster {
        id: ClusterId(server.uid().parse().unwrap()),
        name: server.name().to_owned(),
    };
    let start = Start {
        fence: 1,
        sources: Vec::new(),
    };
    let mut mirror = Mirror::new(cluster.clone(), &start, SyncStatus::default(), Arc::new(|| 0));
    for kind in kinds.iter().copied() {
        let extractor = Extractor::of(kind).unwrap();
        let observations = server.objects(&kind.to_string()).map(|object| {
            let json = serde_json::to_vec(&object).unwrap();
            extractor.json(cluster.id, &json).unwrap()
        });
        mirror.handle(Event::ListStarted { kind });
        mirror.handle(Event::Applied {
            kind,
            how: How::List,
            observations: observations.collect(),
        });
        mirror.handle(Event::ListEnded {
            kind,
            resume: server.version().to_string(),
            at_ms: 0,
        });
    }
    let store = EmbeddedStore::in_memory(Arc::new(|| 0)).unwrap();
    if let Some(batch) = mirror.take_batch() {
        store.apply(batch).await.unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    graph(&*snapshot, cluster.id).await
}
