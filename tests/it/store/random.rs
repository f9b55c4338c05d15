//! Random batches on a small world where everything collides, compared with the oracle.

use super::Specimen;
use super::compare::{assert_same, assert_same_assets};
use super::model::Model;
use super::words::{cluster, source};
use planisphere::store::{Store, StoreError};
use planisphere_schema::{
    Asset, AssetId, AssetRef, Batch, Change, Detail, Edge, How, Kind, Label, Observed, RelationKind, Time,
};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

/// What happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// Cluster, moves, whether a source moves, milliseconds since the last one (the clock may go back).
    Batch(u8, Vec<Move>, bool, i64),
    /// The batch before, again.
    Replay,
    /// The store is started again.
    Reopen,
    /// A cluster is taken by a new writer, under another name.
    Claim(u8, bool),
}

/// A change, by numbers.
#[derive(Clone, Debug)]
pub enum Move {
    Upsert {
        who: u8,
        uid: u8,
        app: u8,
        edges: Vec<Draw>,
    },
    Redraw {
        who: u8,
        relation: u8,
        edges: Vec<Draw>,
    },
    Delete {
        who: u8,
    },
}

/// An edge, by numbers: from (0 is the declarer), relation, to, detail.
pub type Draw = (u8, u8, u8, u8);

const RELATIONS: [RelationKind; 4] = [
    RelationKind::RunsOn,
    RelationKind::RoutesTo,
    RelationKind::Reads,
    RelationKind::InZone,
];

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let draws = || {
        vec(
            (
                prop_oneof![2 => Just(0), 1 => 0..20_u8],
                0..4_u8,
                0..20_u8,
                0..3_u8,
            ),
            0..5,
        )
    };
    let moves = prop_oneof![
        5 => (0..20_u8, 0..2_u8, 0..3_u8, draws()).prop_map(|(who, uid, app, edges)| Move::Upsert { who, uid, app, edges }),
        2 => (0..20_u8, 0..4_u8, draws()).prop_map(|(who, relation, edges)| Move::Redraw { who, relation, edges }),
        3 => (0..20_u8).prop_map(|who| Move::Delete { who }),
    ];
    let step = prop_oneof![
        12 => (1..3_u8, vec(moves, 0..6), any::<bool>(), -2..3_000_i64).prop_map(|(c, m, s, ms)| Step::Batch(c, m, s, ms)),
        2 => Just(Step::Replay),
        1 => Just(Step::Reopen),
        1 => (1..3_u8, any::<bool>()).prop_map(|(c, other)| Step::Claim(c, other)),
    ];
    vec(step, 1..25)
}

/// The assets of the world of cluster `c`; half of them of the other cluster's is never written, only named.
pub fn who(c: u8, number: u8) -> AssetRef {
    let kinds = [Kind::Pod, Kind::Service, Kind::Node, Kind::Zone, Kind::ConfigMap];
    let kind = kinds[usize::from(number % 5)];
    let namespace = match (kind.is_namespaced(), number / 5 % 2) {
        (false, _) => "",
        (true, 0) => "a",
        (true, _) => "b",
    };
    AssetRef::new(cluster(c).id, kind, namespace, &format!("n{}", number / 5))
}

/// All ids that a run can meet.
pub fn everybody() -> Vec<AssetId> {
    (1..=3)
        .flat_map(|c| (0..20).map(move |n| who(c, n).id()))
        .collect()
}

pub fn change(c: u8, step: &Move) -> Change {
    let draw = |me: u8, &(from, relation, to, detail): &Draw| Edge {
        from: who(c, if from == 0 { me } else { from }),
        relation: RELATIONS[usize::from(relation)],
        // Some edges lead to a cluster that nobody writes.
        to: who(if to == 19 { 3 } else { c }, to),
        detail: match detail {
            0 => Detail::default(),
            n => Detail {
                ready: Some(n == 1),
                addresses: vec!["10.0.0.1".into()],
                ..Detail::default()
            },
        },
    };
    match step {
        Move::Upsert {
            who: me,
            uid,
            app,
            edges,
        } => {
            let mut asset = Asset::named(who(c, *me));
            asset.uid = Uuid::from_u128(u128::from(*uid) + 1);
            asset.resource_version = u64::from(*app) + 10;
            asset.created = (*uid == 0).then_some(Time {
                seconds: 1_000 + i64::from(*me % 4),
            });
            let label = |value: &str| Label {
                key: "app".into(),
                value: value.into(),
            };
            match app {
                0 => {}
                1 => asset.labels.push(label("x")),
                _ => (asset.labels, asset.annotations) = (vec![label("Ÿ pod")], vec![label("foo")]),
            }
            Change::Upsert {
                asset: Box::new(asset),
                edges: edges.iter().map(|e| draw(*me, e)).collect(),
            }
        }
        Move::Redraw {
            who: me,
            relation,
            edges,
        } => Change::Redraw {
            declarer: who(c, *me).id(),
            relation: RELATIONS[usize::from(*relation)],
            edges: edges.iter().map(|e| draw(*me, e)).collect(),
        },
        Move::Delete { who: me } => Change::Delete { id: who(c, *me).id() },
    }
}

/// Runs the steps on both, and compares after each.
pub async fn run(specimen: &mut dyn Specimen, steps: Vec<Step>) {
    let oracle = Model::default();
    let ids = everybody();
    let mut at_ms = 1_700_000_000_000;
    let mut last: Option<Batch> = None;
    let mut fences = [0, 1, 1, 1];
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Batch(c, moves, moved, ms) => {
                at_ms += ms;
                let observe = |m| {
                    let how = if number % 2 == 0 { How::Event } else { How::List };
                    Observed {
                        change: change(c, m),
                        how,
                        last_seen_ms: (number % 3 == 0).then_some(at_ms - 5),
                    }
                };
                let sources = if moved {
                    vec![source(Kind::Pod, &number.to_string())]
                } else {
                    Vec::new()
                };
                let changes = moves.iter().map(observe).collect();
                let fence = fences[usize::from(c)];
                let batch = Batch {
                    cluster: cluster(c),
                    fence,
                    at_ms,
                    changes,
                    sources,
                };
                last = Some(batch.clone());
                both(specimen, &oracle, batch).await;
            }
            Step::Replay => {
                if let Some(batch) = last.clone() {
                    both(specimen, &oracle, batch).await;
                }
            }
            Step::Reopen => specimen.reopen().await,
            Step::Claim(c, other) => {
                let mut cluster = cluster(c);
                if other {
                    cluster.name = "cluster-2".into();
                }
                let ours = specimen.store().claim(&cluster).await.unwrap();
                let theirs = oracle.claim(&cluster).await.unwrap();
                assert_eq!((ours.fence, &ours.sources), (theirs.fence, &theirs.sources));
                fences[usize::from(c)] = ours.fence;
            }
        }
        let (ours, theirs) = (
            specimen.store().snapshot().await.unwrap(),
            oracle.snapshot().await.unwrap(),
        );
        assert_same_assets(&*ours, &*theirs, &ids).await;
    }
    for _ in 0..2 {
        let (ours, theirs) = (
            specimen.store().snapshot().await.unwrap(),
            oracle.snapshot().await.unwrap(),
        );
        assert_same(&*ours, &*theirs, &ids).await;
        specimen.reopen().await;
    }
}

async fn both(specimen: &dyn Specimen, oracle: &Model, batch: Batch) {
    match (
        specimen.store().apply(batch.clone()).await,
        oracle.apply(batch).await,
    ) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(StoreError::Fenced { .. }), Err(StoreError::Fenced { .. })) => {}
        (ours, theirs) => panic!("{ours:?}, but should be {theirs:?}"),
    }
}

macro_rules! tests {
    ($specimen:expr) => {
        mod batches {
            use super::*;
            use proptest::prelude::*;

            proptest! {
                #![proptest_config(ProptestConfig { cases: 25, failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn random_batches_give_what_the_oracle_gives(steps in $crate::store::random::steps()) {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on($crate::store::random::run(&mut $specimen, steps));
                }
            }
        }
    };
}
pub(crate) use tests;
