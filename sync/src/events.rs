//! What clusters say of late about their objects: Kubernetes' Events, kept in memory as facts about assets. They are no assets
//! and have no history: a restart forgets them, and reads again what the clusters still hold. Bounded per asset, in all and by
//! age, and a cluster that tells much takes room from itself first. Knows no store and no connection.

mod read;
#[cfg(test)]
mod tests;

pub use read::read;

use planisphere_schema::{AssetId, ClusterId, Time};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use uuid::Uuid;

/// How many are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventLimits {
    /// Of one asset.
    pub per_asset: usize,
    /// Of all clusters together; 0 where none are to be read.
    pub total: usize,
    /// After they were last told.
    pub max_age: Duration,
}

impl Default for EventLimits {
    fn default() -> Self {
        Self {
            per_asset: 20,
            total: 10_000,
            max_age: Duration::from_secs(3600),
        }
    }
}

/// One thing that was said of an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentEvent {
    /// The uid of the Event: told again, it stands for the earlier telling.
    pub uid: Uuid,
    /// The uid of the incarnation that it is about; nil where it names none.
    pub regarding: Uuid,
    /// Normal or Warning.
    pub kind: String,
    /// One word for machines: `FailedScheduling`.
    pub reason: String,
    /// What was done or failed; empty where it does not say.
    pub action: String,
    /// Words for people, cut, in one line and without credentials in URLs.
    pub note: String,
    /// The note was longer.
    pub note_cut: bool,
    /// Who says so: `default-scheduler`.
    pub controller: String,
    /// How often it happened.
    pub count: u32,
    /// When it happened first, as the cluster claims.
    pub first: Option<Time>,
    /// When it happened last, as the cluster claims.
    pub last: Option<Time>,
}

/// What all clusters said of late; cheap to clone, one memory behind.
#[derive(Clone, Debug)]
pub struct RecentEvents(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: EventLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    clusters: BTreeMap<ClusterId, Cluster>,
    len: usize,
    told: u64,
}

#[derive(Debug, Default)]
struct Cluster {
    assets: HashMap<AssetId, Vec<Entry>>,
    /// The asset of each, in the order in which they were told.
    order: BTreeMap<u64, AssetId>,
}

#[derive(Debug)]
struct Entry {
    /// Its place among all.
    number: u64,
    /// Unix ms by our clock: what clusters claim may be of any time.
    told_ms: i64,
    event: Arc<RecentEvent>,
}

impl Default for RecentEvents {
    fn default() -> Self {
        Self::new(EventLimits::default())
    }
}

impl RecentEvents {
    /// Holds so many.
    pub fn new(limits: EventLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            kept: Mutex::default(),
        }))
    }

    /// How many may be held.
    pub fn limits(&self) -> EventLimits {
        self.0.limits
    }

    /// Takes what was told at a time, in Unix ms.
    pub fn put(&self, cluster: ClusterId, asset: AssetId, event: RecentEvent, now_ms: i64) {
        let EventLimits {
            per_asset,
            total,
            max_age,
        } = self.0.limits;
        if total == 0 || per_asset == 0 {
            return;
        }
        let mut kept = self.lock();
        kept.told += 1;
        let number = kept.told;
        let here = kept.clusters.entry(cluster).or_default();
        let mut gone = here.expire(now_ms, max_age);
        let entries = here.assets.entry(asset).or_default();
        let again = entries.iter().position(|e| e.event.uid == event.uid);
        let crowded = (entries.len() >= per_asset).then_some(0);
        if let Some(at) = again.or(crowded) {
            let old = entries.remove(at);
            here.order.remove(&old.number);
            gone += 1;
        }
        entries.push(Entry {
            number,
            told_ms: now_ms,
            event: Arc::new(event),
        });
        here.order.insert(number, asset);
        kept.len = kept.len + 1 - gone;
        while kept.len > total && kept.make_room() {}
    }

    /// What was said of an asset, the latest first.
    pub fn of(&self, cluster: ClusterId, asset: AssetId, now_ms: i64) -> Vec<Arc<RecentEvent>> {
        let oldest = now_ms.saturating_sub(millis(self.0.limits.max_age));
        let kept = self.lock();
        let entries = kept.clusters.get(&cluster).and_then(|c| c.assets.get(&asset));
        let young = entries.into_iter().flatten().filter(|e| e.told_ms >= oldest);
        let mut found: Vec<Arc<RecentEvent>> = young.map(|e| Arc::clone(&e.event)).collect();
        drop(kept);
        // Of one second the one that was told last comes first.
        found.reverse();
        found.sort_by_key(|e| std::cmp::Reverse(e.last.map_or(i64::MIN, |t| t.seconds)));
        found
    }

    /// How many are held of a cluster.
    pub fn held(&self, cluster: ClusterId) -> usize {
        self.lock().clusters.get(&cluster).map_or(0, |c| c.order.len())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Kept {
    /// Lets the oldest of that cluster go that has most.
    fn make_room(&mut self) -> bool {
        let fullest = self.clusters.values_mut().max_by_key(|c| c.order.len());
        let made = fullest.is_some_and(|cluster| cluster.drop_oldest());
        self.len -= usize::from(made);
        made
    }
}

impl Cluster {
    fn drop_oldest(&mut self) -> bool {
        let Some((number, asset)) = self.order.pop_first() else {
            return false;
        };
        if let Some(entries) = self.assets.get_mut(&asset) {
            entries.retain(|e| e.number != number);
            if entries.is_empty() {
                self.assets.remove(&asset);
            }
        }
        true
    }

    /// Lets those go that were told too long ago; says how many.
    fn expire(&mut self, now_ms: i64, max_age: Duration) -> usize {
        let oldest = now_ms.saturating_sub(millis(max_age));
        let mut gone = 0;
        while let Some((number, asset)) = self.order.first_key_value() {
            let entries = self.assets.get(asset);
            let entry = entries.and_then(|all| all.iter().find(|e| e.number == *number));
            if entry.is_some_and(|e| e.told_ms >= oldest) {
                break;
            }
            gone += usize::from(self.drop_oldest());
        }
        gone
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
