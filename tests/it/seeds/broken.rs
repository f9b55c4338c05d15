//! Mirrors that are broken on purpose, one for each promise: what the checkers must catch. Each breaks at a seam of the
//! program (its client, its sink, its store), as the defect that its name tells would.

use super::recorder::Promise;
use planisphere_schema::{Batch, Change, How, Observed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// What a selector selects is not drawn anew when the selector changes.
    DrawsNoSelection,
    /// An older state of an object is written after a newer one.
    GoesBack,
    /// Deletions are dropped.
    LosesDeletes,
    /// A list that was cut counts as a whole one.
    BelievesPartialLists,
    /// What was deleted comes back by a late event.
    Resurrects,
    /// That nothing was heard counts as proof that nothing happened.
    SilenceIsProof,
    /// A change that comes twice does something else the second time.
    CountsRepeats,
    /// Resume points are stored before what they stand for.
    ResumesAheadOfData,
    /// One cluster's batches wait for another cluster.
    WaitsForTheSlowest,
    /// Connections are not closed.
    LeaksConnections,
    /// When something was last seen that a list found gone is not kept.
    ForgetsWhen,
}

impl Broken {
    /// All of them, with the promises of which one must be found broken.
    pub const ALL: &[(Broken, &[Promise])] = &[
        (Broken::DrawsNoSelection, &[Promise::Convergence]),
        (Broken::GoesBack, &[Promise::Monotonic]),
        (Broken::LosesDeletes, &[Promise::NoLostDelete]),
        (
            Broken::BelievesPartialLists,
            &[Promise::CrashSafe, Promise::HonestStaleness],
        ),
        (Broken::Resurrects, &[Promise::NoResurrection]),
        (Broken::SilenceIsProof, &[Promise::HonestStaleness]),
        (Broken::CountsRepeats, &[Promise::Idempotent]),
        (Broken::ResumesAheadOfData, &[Promise::CrashSafe]),
        (Broken::WaitsForTheSlowest, &[Promise::Isolation]),
        (Broken::LeaksConnections, &[Promise::Bounded]),
        (Broken::ForgetsWhen, &[Promise::Explainable]),
    ];
}

/// What a broken mirror remembers between batches.
#[derive(Default)]
pub struct Memory {
    /// The last state of each asset that was written.
    last: BTreeMap<planisphere_schema::AssetId, Observed>,
    /// What comes back later.
    late: Vec<Observed>,
}

impl Broken {
    /// What becomes of a batch on its way to the store.
    pub fn spoil(self, batch: Batch, memory: &mut Memory) -> Vec<Batch> {
        let changes = batch.changes.iter().cloned();
        match self {
            Broken::DrawsNoSelection => {
                let kept = changes.filter(|o| !matches!(o.change, Change::Redraw { .. }));
                vec![with(&batch, kept.collect())]
            }
            Broken::LosesDeletes => {
                let kept = changes.filter(|o| !matches!(o.change, Change::Delete { .. }));
                vec![with(&batch, kept.collect())]
            }
            Broken::ForgetsWhen => {
                let forgotten = changes.map(|o| Observed {
                    last_seen_ms: None,
                    ..o
                });
                vec![with(&batch, forgotten.collect())]
            }
            Broken::GoesBack => {
                let mut spoilt = Vec::new();
                for observed in changes {
                    let id = observed.change.subject();
                    let is_upsert = matches!(observed.change, Change::Upsert { .. });
                    spoilt.push(observed.clone());
                    if is_upsert && observed.how == How::Event {
                        spoilt.extend(memory.last.insert(id, observed));
                    }
                }
                vec![with(&batch, spoilt)]
            }
            Broken::Resurrects => {
                let mut spoilt = std::mem::take(&mut memory.late);
                for observed in changes {
                    let id = observed.change.subject();
                    match observed.change {
                        Change::Upsert { .. } => drop(memory.last.insert(id, observed.clone())),
                        Change::Delete { .. } => memory.late.extend(memory.last.remove(&id)),
                        Change::Redraw { .. } => {}
                    }
                    spoilt.push(observed);
                }
                vec![with(&batch, spoilt)]
            }
            Broken::ResumesAheadOfData => {
                let first = with(&batch, Vec::new());
                let mut then = batch;
                then.sources.clear();
                vec![first, then]
            }
            _ => vec![batch],
        }
    }

    /// What a broken store makes of a batch that it has had before.
    pub fn repeat(batch: &Batch) -> Batch {
        let changes = batch.changes.iter().cloned().map(|mut observed| {
            if let Change::Upsert { edges, .. } = &mut observed.change {
                edges.clear();
            }
            observed
        });
        with(batch, changes.collect())
    }
}

fn with(batch: &Batch, changes: Vec<Observed>) -> Batch {
    Batch {
        changes: Arc::from(changes),
        ..batch.clone()
    }
}
