//! The history: all that was committed, checked at the moment of the commit against what really happened.

use super::disk::sync;
use super::graph::{records, state};
use super::truth::{Cluster, Since, Truth};
use planisphere::store::Snapshot;
use planisphere_schema::{AssetId, Batch, Change, ClusterId, Coverage, How, Observed};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use uuid::Uuid;

/// What a mirror promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Promise {
    /// P1: when faults and changes stop, the graph is what the clusters say.
    Convergence,
    /// P2: nothing older is written over something newer.
    Monotonic,
    /// P3: what is gone goes.
    NoLostDelete,
    /// P4: what went stays gone.
    NoResurrection,
    /// P5: what is said to be current is.
    HonestStaleness,
    /// P6: repeated or grouped otherwise, the changes give the same graph.
    Idempotent,
    /// P7: a resume point is never ahead of the data, and what was committed survives.
    CrashSafe,
    /// P8: no fault of one cluster touches another.
    Isolation,
    /// P9: connections, requests and queues are bounded.
    Bounded,
    /// P10: it is known how and when each thing was learnt.
    Explainable,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub promise: Promise,
    pub words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.words)
    }
}

/// Of so many violations of one promise the words are kept.
const KEPT: usize = 5;

#[derive(Default)]
pub struct Recorder(Mutex<History>);

/// All that is known of what happened.
#[derive(Default)]
pub struct History {
    pub truth: Truth,
    pub violations: Vec<Violation>,
    /// Everything that was committed, in order.
    pub batches: Vec<Batch>,
    /// All that happens is printed.
    pub told: bool,
    /// The clock of the mirror's machine was set.
    pub clock_was_set: bool,
    /// The longest that bytes were under way.
    pub longest_delay_ms: i64,
    /// The incarnation that is stored of each asset, and its version.
    stored: HashMap<AssetId, (Uuid, u64)>,
    dead: HashSet<Uuid>,
    digest: DefaultHasher,
}

impl Recorder {
    pub fn lock(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap()
    }

    pub fn violated(&self, promise: Promise, words: impl Into<String>) {
        self.lock().violated(promise, words);
    }

    /// A batch was committed; this is what is stored now.
    pub fn committed(&self, batch: &Batch, snapshot: &dyn Snapshot) {
        let mut history = self.lock();
        history.digest(batch);
        if history.told {
            tell(batch);
        }
        history.batches.push(batch.clone());
        // What becomes of an asset in a batch is visible only as it is in the end.
        let last: HashMap<AssetId, &Observed> = batch
            .changes
            .iter()
            .filter(|observed| !matches!(observed.change, Change::Redraw { .. }))
            .map(|observed| (observed.change.subject(), observed))
            .collect();
        for observed in batch.changes.iter() {
            if last
                .get(&observed.change.subject())
                .is_some_and(|o| std::ptr::eq(*o, observed))
            {
                history.take(batch, observed);
            }
        }
        history.check_resume_points(batch.cluster.id, snapshot);
    }
}

impl History {
    pub fn violated(&mut self, promise: Promise, words: impl Into<String>) {
        let words = words.into();
        if self.told {
            println!("BROKEN {promise:?}: {words}");
        }
        if self.violations.iter().filter(|v| v.promise == promise).count() < KEPT {
            self.violations.push(Violation { promise, words });
        }
    }

    /// Bytes arrived that were sent so long ago.
    pub fn were_under_way(&mut self, delay: Duration) {
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.longest_delay_ms = self.longest_delay_ms.max(delay_ms);
    }

    /// A number that two runs of a seed have in common.
    pub fn fingerprint(&self) -> u64 {
        self.digest.finish()
    }

    fn digest(&mut self, batch: &Batch) {
        let mut subjects: Vec<_> = batch.changes.iter().map(|o| o.change.subject()).collect();
        subjects.sort_unstable();
        (batch.at_ms, batch.cluster.id, subjects).hash(&mut self.digest);
        for source in &batch.sources {
            (source.kind, &source.resume, source.fresh_ms).hash(&mut self.digest);
        }
    }

    fn take(&mut self, batch: &Batch, observed: &Observed) {
        let reliable = self.truth.get(&batch.cluster.id).is_some_and(|c| !c.unreliable);
        match &observed.change {
            Change::Upsert { asset, .. } if asset.kind().is_served() => {
                let id = asset.reference.id();
                let (uid, version) = (asset.uid, asset.resource_version);
                if let Some((last_uid, last)) = self.stored.insert(id, (uid, version))
                    && last_uid == uid
                    && version < last
                    && reliable
                {
                    let words = format!("{} went from {last} back to {version}", name(batch, asset));
                    self.violated(Promise::Monotonic, words);
                }
                if self.dead.contains(&uid) && reliable {
                    let words = format!("{} with uid {uid} was deleted before", name(batch, asset));
                    self.violated(Promise::NoResurrection, words);
                }
            }
            Change::Delete { id } => {
                let Some((uid, _)) = self.stored.remove(id) else {
                    return;
                };
                self.dead.insert(uid);
                if reliable {
                    self.check_deletion(batch, observed, *id, uid);
                }
            }
            Change::Upsert { .. } | Change::Redraw { .. } => {}
        }
    }

    /// A deletion that a list found happened after the object was last seen, and before it was noticed.
    fn check_deletion(&mut self, batch: &Batch, observed: &Observed, id: AssetId, uid: Uuid) {
        let Some(cluster) = self.truth.get(&batch.cluster.id) else {
            return;
        };
        let Some(gone_ms) = cluster.gone_ms(id, uid) else {
            let words = format!("{id} was deleted, but is there at {}", batch.at_ms);
            return self.violated(Promise::Explainable, words);
        };
        if observed.how != How::List || self.clock_was_set {
            return;
        }
        let Some(last_seen) = observed.last_seen_ms else {
            return self.violated(
                Promise::Explainable,
                "a list found an object gone, and nothing says when it was last seen",
            );
        };
        if gone_ms < last_seen - self.longest_delay_ms || gone_ms > batch.at_ms {
            let at = batch.at_ms;
            let words = format!("{id} went at {gone_ms}, said to be between {last_seen} and {at}");
            self.violated(Promise::Explainable, words);
        }
    }

    /// What is stored of a kind is, of each object, a state that it had at the resume point or later.
    fn check_resume_points(&mut self, id: ClusterId, snapshot: &dyn Snapshot) {
        let Some(cluster) = self.truth.get(&id).filter(|c| !c.unreliable) else {
            return;
        };
        let Some(stored) = snapshot.clusters().iter().find(|c| c.cluster.id == id) else {
            return;
        };
        let watched = stored.sources.iter().filter(|s| s.coverage == Coverage::Watched);
        let watched: HashMap<_, u64> = watched
            .filter_map(|s| {
                // The version comes first, then how the objects were read.
                let version = s.resume.as_ref()?.split(' ').next()?;
                Some((s.kind, version.parse().ok()?))
            })
            .collect();
        let mut wrong = Vec::new();
        let since = |kind| watched.get(&kind).map(|version| Since::Version(*version));
        differences(cluster, snapshot, since, &mut wrong);
        for words in wrong {
            self.violated(Promise::CrashSafe, format!("behind its resume point: {words}"));
        }
    }
}

/// Prints a batch.
fn tell(batch: &Batch) {
    let changes = batch.changes.iter().map(|observed| match &observed.change {
        Change::Upsert { asset, .. } => format!("{:?} {}", observed.how, name(batch, asset)),
        Change::Delete { id } => format!("{:?} no {id}", observed.how),
        Change::Redraw { declarer, .. } => format!("redraw {declarer}"),
    });
    let sources = batch.sources.iter();
    let sources =
        sources.map(|s| format!("{}@{:?} proven {} {:?}", s.kind, s.resume, s.fresh_ms, s.coverage));
    println!(
        "{} {}: {:?} {:?}",
        batch.at_ms,
        batch.cluster.name,
        changes.collect::<Vec<_>>(),
        sources.collect::<Vec<_>>()
    );
}

/// The objects whose stored state is none that they had since the moment that counts for their kind.
pub fn differences(
    cluster: &Cluster,
    snapshot: &dyn Snapshot,
    since: impl Fn(planisphere_schema::Kind) -> Option<Since>,
    wrong: &mut Vec<String>,
) {
    let records = sync(records(snapshot, cluster.id));
    let stored: HashMap<AssetId, _> = records.iter().map(|r| (r.asset.reference.id(), &**r)).collect();
    for (id, kind) in cluster.objects() {
        let Some(since) = since(kind) else { continue };
        let ours = stored.get(&id).map(|record| state(record));
        if !cluster.was(id, ours.as_ref(), since) {
            let theirs = cluster.now(id);
            wrong.push(format!(
                "{kind} {id} of {} is {ours:?} since {since:?}, now {theirs:?}",
                cluster.name
            ));
        }
    }
    for (id, record) in stored {
        let kind = record.asset.kind();
        if kind.is_served() && since(kind).is_some() && cluster.objects().all(|(other, _)| other != id) {
            wrong.push(format!("{kind} {id} of {} never was", cluster.name));
        }
    }
}

fn name(batch: &Batch, asset: &planisphere_schema::Asset) -> String {
    let key = asset.reference.key();
    format!(
        "{} {}/{} of {}",
        key.kind, key.namespace, key.name, batch.cluster.name
    )
}
