//! Short words for assets, edges and batches of a small world.

use planisphere::store::{Direction, Link, NeighbourQuery, Record, Snapshot, Store};
use planisphere_schema::{
    Asset, AssetId, AssetRef, Batch, Change, Cluster, ClusterId, Coverage, Detail, Edge, How, Kind, Label,
    Observed, RelationKind, SourceState, Time,
};
use std::sync::Arc;
use uuid::Uuid;

/// The n-th cluster.
pub fn cluster(n: u8) -> Cluster {
    let id = ClusterId(Uuid::from_u128(u128::from(n) << 120 | 0x5eed));
    Cluster {
        id,
        name: format!("cluster-{n}"),
    }
}

/// An asset of cluster 1 by name: `pod` in namespace `shop`, or what lives in the cluster itself.
pub fn named(kind: Kind, name: &str) -> AssetRef {
    let namespace = if kind.is_namespaced() { "shop" } else { "" };
    AssetRef::new(cluster(1).id, kind, namespace, name)
}

pub fn pod(name: &str) -> AssetRef {
    named(Kind::Pod, name)
}

pub fn node(name: &str) -> AssetRef {
    named(Kind::Node, name)
}

/// An asset with a uid and one label, `app`.
pub fn asset(reference: &AssetRef, app: &str) -> Asset {
    let mut asset = Asset::named(reference.clone());
    asset.uid = Uuid::from_u128(7);
    asset.created = Some(Time { seconds: 1_000 });
    asset.labels = vec![Label {
        key: "app".into(),
        value: app.into(),
    }];
    asset
}

pub fn edge(from: &AssetRef, relation: RelationKind, to: &AssetRef) -> Edge {
    Edge {
        from: from.clone(),
        relation,
        to: to.clone(),
        detail: Detail::default(),
    }
}

pub fn ready(mut edge: Edge, ready: bool) -> Edge {
    edge.detail.ready = Some(ready);
    edge
}

pub fn upsert(asset: Asset, edges: Vec<Edge>) -> Change {
    Change::Upsert {
        asset: Box::new(asset),
        edges,
    }
}

pub fn delete(reference: &AssetRef) -> Change {
    Change::Delete { id: reference.id() }
}

/// A batch of cluster 1, fence 1, `at_ms` as given.
pub fn batch(at_ms: i64, changes: Vec<Change>) -> Batch {
    let observed = |change| Observed {
        change,
        how: How::Event,
        last_seen_ms: None,
    };
    Batch {
        cluster: cluster(1),
        fence: 1,
        at_ms,
        changes: changes.into_iter().map(observed).collect(),
        sources: Vec::new(),
    }
}

pub fn source(kind: Kind, resume: &str) -> SourceState {
    SourceState {
        kind,
        resume: Some(resume.into()),
        fresh_ms: 5,
        coverage: Coverage::Watched,
    }
}

pub async fn get(store: &Arc<dyn Store>, reference: &AssetRef) -> Option<Arc<Record>> {
    let snapshot = store.snapshot().await.unwrap();
    snapshot.get(&[reference.id()]).await.unwrap().remove(0)
}

/// All edges at an asset.
pub async fn links(store: &Arc<dyn Store>, reference: &AssetRef) -> Vec<Link> {
    let snapshot = store.snapshot().await.unwrap();
    links_of(&*snapshot, reference.id()).await
}

pub async fn links_of(snapshot: &dyn Snapshot, id: AssetId) -> Vec<Link> {
    let query = NeighbourQuery {
        ids: &[id],
        direction: Direction::Both,
        relations: None,
        limit: 10_000,
        after: None,
    };
    let mut found = snapshot.neighbours(&query).await.unwrap();
    let found = found.remove(0);
    assert_eq!(found.total, found.links.len());
    found.links
}
