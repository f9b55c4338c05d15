//! What only the inside can bring about: a file that has no space left.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::store::{Direction, Filter, NeighbourQuery, Presence};
use planisphere_schema::{
    Asset, AssetRef, Change, ClusterId, Coverage, Edge, How, Kind, Label, Observed, RelationKind,
};
use uuid::Uuid;

const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(1));

fn pod(n: usize) -> AssetRef {
    AssetRef::new(CLUSTER, Kind::Pod, "shop", &format!("pod-{n}"))
}

fn node(n: usize) -> AssetRef {
    AssetRef::new(CLUSTER, Kind::Node, "", &format!("node-{n}"))
}

/// A batch of pods with bodies of a kilobyte, each on a node.
fn batch(pods: std::ops::Range<usize>, resume: &str) -> Batch {
    let change = |n: usize| {
        let mut asset = Asset::named(pod(n));
        asset.labels = vec![Label {
            key: "fill".into(),
            value: resume.repeat(1_000),
        }];
        let edge = Edge {
            from: pod(n),
            relation: RelationKind::RunsOn,
            to: node(n % 10),
            detail: Default::default(),
        };
        let change = Change::Upsert {
            asset: Box::new(asset),
            edges: vec![edge],
        };
        Observed {
            change,
            how: How::List,
            last_seen_ms: None,
        }
    };
    Batch {
        cluster: Cluster {
            id: CLUSTER,
            name: "one".into(),
        },
        fence: 1,
        at_ms: 1,
        changes: pods.map(change).collect(),
        sources: vec![SourceState {
            kind: Kind::Pod,
            resume: Some(resume.into()),
            fresh_ms: 1,
            coverage: Coverage::Watched,
        }],
    }
}

/// Limits the file to so many pages more than it has; none lifts the limit.
fn limit(store: &EmbeddedStore, more: Option<i64>) {
    let database = store.inner.database.lock();
    let connection = &database.connection;
    let pages: i64 = connection
        .pragma_query_value(None, "page_count", |r| r.get(0))
        .unwrap();
    let limit = more.map_or(i64::from(i32::MAX), |more| pages + more);
    connection
        .query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))
        .unwrap();
}

async fn assert_holds(store: &EmbeddedStore, pods: usize, resume: &str) {
    let snapshot = store.snapshot().await.unwrap();
    let count = snapshot
        .count(&Filter::Kinds(vec![Kind::Pod]), Presence::Any, usize::MAX)
        .await;
    assert_eq!(count.unwrap(), pods);
    assert_eq!(snapshot.clusters()[0].sources[0].resume.as_deref(), Some(resume));
    let on_node = NeighbourQuery {
        ids: &[node(3).id()],
        direction: Direction::In,
        relations: None,
        limit: 1,
        after: None,
    };
    let neighbours = snapshot.neighbours(&on_node).await.unwrap();
    assert_eq!(neighbours[0].total, pods / 10);
    let history = snapshot.history(pod(0).id(), None, 9).await.unwrap();
    assert_eq!(
        history.len(),
        1,
        "a batch that was refused leaves no row of history"
    );
}

#[tokio::test]
async fn a_full_disk_stops_writes_alone_and_they_go_on_when_space_returns() {
    let directory = tempfile::tempdir().unwrap();
    let open = || EmbeddedStore::open(directory.path(), Arc::new(|| 0)).unwrap();
    let store = open();
    store.apply(batch(0..50, "a")).await.unwrap();
    // The limit falls at every point of the transaction once: in identities, assets, history or edges.
    for more in 0..30 {
        limit(&store, Some(more));
        let refused = store.apply(batch(50..200, "b")).await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::Unavailable(reason) if reason.contains("space")),
            "{refused}"
        );
        assert_holds(&store, 50, "a").await;
    }
    let mut other = Cluster {
        id: ClusterId(Uuid::from_u128(2)),
        name: "two".into(),
    };
    drop(store);
    let store = open();
    assert_holds(&store, 50, "a").await;
    limit(&store, Some(0));
    store.apply(batch(50..200, "b")).await.unwrap_err();
    limit(&store, None);
    assert_eq!(store.claim(&other).await.unwrap().fence, 1);
    let mut again = batch(50..200, "a");
    again.changes = again.changes.iter().take(100).cloned().collect();
    store.apply(again).await.unwrap();
    assert_holds(&store, 150, "a").await;
    other.name = "one".into();
    store.claim(&other).await.unwrap();
    drop(store);
    let store = open();
    let snapshot = store.snapshot().await.unwrap();
    let names: Vec<&str> = snapshot
        .clusters()
        .iter()
        .map(|c| c.cluster.name.as_str())
        .collect();
    assert_eq!(names, ["one", "one~00000000"]);
    assert_eq!(snapshot.get(&[pod(149).id()]).await.unwrap().len(), 1);
}
