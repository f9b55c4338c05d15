//! Proves that the rows of history are enough: assets and edges as of any version, worked out from the file alone, equal
//! what the oracle was at that version. Later questions (as of a time, the feed of changes) rest on these rows.

use super::model::{EdgeKey, Model, World};
use super::random::{Move, change, who};
use super::words::cluster;
use super::{clock, random};
use planisphere::store::Store;
use planisphere::store::embedded::EmbeddedStore;
use planisphere_schema::{AssetId, Batch, ClusterId, How, Observed, RelationKind};
use proptest::prelude::*;
use prost::Message;
use rusqlite::{Connection, Row, params};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

type Assets = BTreeMap<AssetId, (i64, Uuid, Option<i64>, Vec<u8>)>;
type Edges = BTreeMap<EdgeKey, (i64, Vec<u8>)>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn assets_and_edges_as_of_every_version_follow_from_the_file(steps in random::steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let worlds = runtime.block_on(async {
            let store = EmbeddedStore::open(directory.path(), clock()).unwrap();
            let oracle = Model::default();
            let mut worlds = vec![World::default()];
            for (at_ms, step) in (1..).zip(steps) {
                if let random::Step::Batch(c, moves, ..) = step {
                    let batch = batch(c, at_ms, &moves);
                    store.apply(batch.clone()).await.unwrap();
                    oracle.apply(batch).await.unwrap();
                    worlds.push(oracle.world());
                }
            }
            worlds
        });
        let file = Connection::open(directory.path().join("graph.sqlite")).unwrap();
        for world in worlds {
            for c in [1, 2] {
                let id = cluster(c).id;
                let v = world.clusters.get(&id).map_or(0, |(state, _)| state.version.0);
                prop_assert_eq!(assets_as_of(&file, id, v), assets_of(&world, id));
                prop_assert_eq!(edges_as_of(&file, id, v), edges_of(&world, id));
            }
        }
    }
}

fn batch(c: u8, at_ms: i64, moves: &[Move]) -> Batch {
    let observed = |m| Observed {
        change: change(c, m),
        how: How::Event,
        last_seen_ms: None,
    };
    let changes = moves.iter().map(observed).collect();
    Batch {
        cluster: cluster(c),
        fence: 1,
        at_ms,
        changes,
        sources: Vec::new(),
    }
}

/// Current rows that began up to `v`, overridden by the first change after it.
fn assets_as_of(file: &Connection, cluster: ClusterId, v: i64) -> Assets {
    let sql = "SELECT i.id,
                      a.since, a.uid, a.created, a.body,
                      c.op, c.before_since, c.before_uid, c.before_created, c.before_body
               FROM identity i JOIN cluster s ON s.shard = i.shard AND s.id = ?1
               LEFT JOIN asset a ON a.pk = i.pk AND a.stub = 0 AND a.since <= ?2
               LEFT JOIN change c ON c.seq = (SELECT seq FROM change WHERE pk = i.pk AND v > ?2 ORDER BY v LIMIT 1)
               WHERE c.op IS NOT 'C'";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map(params![&cluster.0.as_bytes()[..], v], |row| {
        let first = if row.get::<_, Option<String>>(5)?.is_some() {
            6
        } else {
            1
        };
        let Some(since) = row.get::<_, Option<i64>>(first)? else {
            return Ok(None);
        };
        let state = (
            since,
            uuid(row, first + 1),
            row.get(first + 2)?,
            row.get(first + 3)?,
        );
        Ok(Some((AssetId(uuid(row, 0)), state)))
    });
    rows.unwrap().filter_map(Result::unwrap).collect()
}

/// Current rows that began up to `v`, and those that ended after it.
fn edges_as_of(file: &Connection, cluster: ClusterId, v: i64) -> Edges {
    let sql = "WITH edges AS (
                 SELECT declarer, relation, src, dst, since, detail FROM edge WHERE since <= ?2
                 UNION ALL
                 SELECT declarer, relation, src, dst, since, detail FROM ended_edge WHERE since <= ?2 AND until > ?2)
               SELECT d.id, r.name, f.id, t.id, e.since, e.detail
               FROM edges e JOIN relation r ON r.id = e.relation JOIN identity d ON d.pk = e.declarer
               JOIN identity f ON f.pk = e.src JOIN identity t ON t.pk = e.dst
               JOIN cluster s ON s.shard = d.shard AND s.id = ?1";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map(params![&cluster.0.as_bytes()[..], v], |row| {
        let relation = RelationKind::parse(&row.get::<_, String>(1)?).unwrap();
        let key = (
            AssetId(uuid(row, 0)),
            relation,
            AssetId(uuid(row, 2)),
            AssetId(uuid(row, 3)),
        );
        Ok((
            key,
            (row.get(4)?, row.get::<_, Option<Vec<u8>>>(5)?.unwrap_or_default()),
        ))
    });
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    let count = rows.len();
    let edges: Edges = rows.into_iter().collect();
    assert_eq!(edges.len(), count, "no edge stands twice at one version");
    edges
}

fn uuid(row: &Row<'_>, column: usize) -> Uuid {
    let bytes: Option<Vec<u8>> = row.get(column).unwrap();
    bytes.map_or(Uuid::nil(), |b| Uuid::from_slice(&b).unwrap())
}

fn assets_of(world: &World, cluster: ClusterId) -> Assets {
    let mine = world
        .nodes
        .iter()
        .filter(|(_, n)| !n.stub && n.asset.reference.key().cluster == cluster);
    let state = |(id, node): (&AssetId, &super::model::Node)| {
        let asset = &node.asset;
        (
            *id,
            (
                node.since.0,
                asset.uid,
                asset.created.map(|t| t.seconds),
                asset.encode_body(),
            ),
        )
    };
    mine.map(state).collect()
}

fn edges_of(world: &World, cluster: ClusterId) -> Edges {
    let declarers = if cluster == super::words::cluster(1).id {
        1
    } else {
        2
    };
    let declarers: BTreeSet<AssetId> = (0..20).map(|n| who(declarers, n).id()).collect();
    let mine = world.edges.iter().filter(|(key, _)| declarers.contains(&key.0));
    mine.map(|(key, (since, detail))| (*key, (since.0, detail.encode_to_vec())))
        .collect()
}
