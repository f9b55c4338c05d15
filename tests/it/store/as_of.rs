//! The past, on the same random worlds: the graph as of any instant is what it was then, and the log tells every step.

use super::Specimen;
use super::compare::{assert_same, assert_same_assets};
use super::model::Model;
use super::random::{Step, change, everybody};
use super::words::{cluster, source};
use planisphere::store::{ChangeEntry, ChangeQuery, Past, Store, StoreError};
use planisphere_schema::{Batch, How, Kind, Observed, Version};

/// Runs the steps on both, then asks for instants. Time does not go back: then the world as of an instant is one that there was.
pub async fn run(specimen: &mut dyn Specimen, steps: Vec<Step>, whole: bool) {
    let oracle = Model::default();
    let (ids, mut at_ms) = (everybody(), 1_700_000_000_000);
    let (mut fences, mut instants) = ([0, 1, 1, 1], Vec::new());
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Batch(c, moves, moved, ms) => {
                at_ms += ms.max(0);
                let observe = |m| Observed {
                    change: change(c, m),
                    how: if number % 2 == 0 { How::Event } else { How::List },
                    last_seen_ms: (number % 3 == 0).then_some(at_ms - 5),
                };
                let batch = Batch {
                    cluster: cluster(c),
                    fence: fences[usize::from(c)],
                    at_ms,
                    changes: moves.iter().map(observe).collect(),
                    sources: moved
                        .then(|| source(Kind::Pod, &number.to_string()))
                        .into_iter()
                        .collect(),
                };
                specimen.store().apply(batch.clone()).await.unwrap();
                // One that changed nothing makes no version: its own instant has not come yet.
                let applied = oracle.apply(batch).await.unwrap();
                instants.push(applied.version.unix_ms());
                // Versions of the past that are kept must stay what they are.
                if number % 4 == 0 {
                    let _ = specimen.store().snapshot_at(at_ms - 500).await;
                }
            }
            Step::Replay => {}
            Step::Reopen => specimen.reopen().await,
            Step::Claim(c, other) => {
                let mut cluster = cluster(c);
                if other {
                    cluster.name = "cluster-2".into();
                }
                fences[usize::from(c)] = specimen.store().claim(&cluster).await.unwrap().fence;
                oracle.claim(&cluster).await.unwrap();
            }
        }
    }
    instants.dedup();
    let step = instants.len().div_ceil(6).max(1);
    for at_ms in instants.iter().rev().step_by(step) {
        for at_ms in [*at_ms, at_ms - 1] {
            match (
                specimen.store().snapshot_at(at_ms).await,
                oracle.snapshot_at(at_ms).await,
            ) {
                (Ok(ours), Ok(theirs)) if whole => assert_same(&*ours, &*theirs, &ids).await,
                (Ok(ours), Ok(theirs)) => assert_same_assets(&*ours, &*theirs, &ids).await,
                (Err(StoreError::HistoryExpired { .. }), Err(StoreError::HistoryExpired { .. })) => {}
                (ours, theirs) => panic!("{:?}, but should be {:?}", ours.err(), theirs.err()),
            }
        }
    }
    for c in [1, 2] {
        assert_same_log(specimen, &oracle, c).await;
    }
}

async fn assert_same_log(specimen: &dyn Specimen, oracle: &Model, c: u8) {
    let ask = |limit, newest_first| ChangeQuery {
        cluster: cluster(c).id,
        after: Version(0),
        until: Version(i64::MAX),
        subjects: None,
        newest_first,
        resume: None,
        limit,
    };
    let truth = plain(oracle.changes(&ask(usize::MAX - 1, false)).await.unwrap().entries);
    let store = specimen.store();
    for newest_first in [false, true] {
        let mut query = ask(3, newest_first);
        let mut paged = Vec::new();
        loop {
            let page = store.changes(&query).await.unwrap();
            query.resume = page.entries.last().map(ChangeEntry::position);
            let more = page.more;
            paged.extend(page.entries);
            if !more {
                break;
            }
        }
        let order = |e: &ChangeEntry| if newest_first { -e.version.0 } else { e.version.0 };
        assert!(paged.is_sorted_by_key(order), "in the order of versions");
        assert_eq!(plain(paged), truth);
    }
    let subjects: Vec<_> = everybody().into_iter().step_by(4).collect();
    let query = ChangeQuery {
        subjects: Some(&subjects),
        ..ask(10_000, false)
    };
    let some = |entries: Vec<ChangeEntry>| -> Vec<ChangeEntry> {
        entries
            .into_iter()
            .filter(|e| subjects.contains(&e.subject.id()))
            .collect()
    };
    assert_eq!(plain(store.changes(&query).await.unwrap().entries), some(truth));
}

/// In one order, without what a store may forget.
fn plain(mut entries: Vec<ChangeEntry>) -> Vec<ChangeEntry> {
    entries.sort_by_key(|e| (e.version, e.subject.id()));
    for entry in &mut entries {
        for asset in entry.before.iter_mut().chain(&mut entry.after) {
            asset.resource_version = 0;
        }
    }
    entries
}

/// Cases of the property, unless PROPTEST_CASES says otherwise.
pub fn cases(cases: u32) -> u32 {
    let given = proptest::prelude::ProptestConfig::default().cases;
    // 256 is what proptest takes where nobody says anything.
    if given == 256 { cases } else { given }
}

macro_rules! tests {
    ($specimen:expr) => {
        mod past {
            use super::*;
            use $crate::store::as_of::{cases, run};
            use proptest::prelude::*;

            fn block_on(run: impl Future) {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(run);
            }

            proptest! {
                #![proptest_config(ProptestConfig { cases: cases(15), failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn every_read_as_of_an_instant_is_what_it_was_then(steps in $crate::store::random::steps()) {
                    block_on(run(&mut $specimen, steps, true));
                }
            }

            proptest! {
                #![proptest_config(ProptestConfig { cases: cases(60), failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn assets_edges_and_the_log_are_what_they_were(steps in $crate::store::random::steps()) {
                    block_on(run(&mut $specimen, steps, false));
                }
            }
        }
    };
}
pub(crate) use tests;
