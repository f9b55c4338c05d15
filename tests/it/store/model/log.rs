//! The oracle's past: every world that there was, whole. An instant is answered by the world of that moment, the log by
//! comparing one world with the next.

use super::{EdgeKey, Model, Picture, World};
use async_trait::async_trait;
use planisphere::store::{
    ChangeEntry, ChangePage, ChangeQuery, Extent, Link, Past, Retained, Snapshot, StoreError,
};
use planisphere_schema::{Asset, AssetId, AssetRef, ClusterId, Detail, Op, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All that was.
#[derive(Default)]
pub struct Log(Vec<Entry>);

struct Entry {
    cluster: ClusterId,
    version: Version,
    before: World,
    after: World,
}

impl Log {
    pub fn add(&mut self, cluster: ClusterId, version: Version, before: World, after: World) {
        let moved = |world: &World| world.clusters.get(&cluster).map(|(state, _)| state.version);
        if moved(&before) != moved(&after) {
            self.0.push(Entry {
                cluster,
                version,
                before,
                after,
            });
        }
    }
}

#[async_trait]
impl Past for Model {
    async fn snapshot_at(&self, at_ms: i64) -> Result<Arc<dyn Snapshot>, StoreError> {
        let log = self.1.lock().expect("unpoisoned");
        let bound = Version::as_of(at_ms);
        let oldest_ms = log.0.iter().map(|e| e.version.unix_ms()).min();
        let then = log.0.iter().take_while(|e| e.version <= bound).last();
        let Some(then) = then else {
            return Err(StoreError::HistoryExpired {
                asked_ms: at_ms,
                oldest_ms,
            });
        };
        let mut world = then.after.clone();
        world.clusters = self.world().clusters;
        for (state, _) in world.clusters.values_mut() {
            state.version = state.version.min(bound);
        }
        Ok(Arc::new(Picture::new(world)))
    }

    async fn changes(&self, query: &ChangeQuery<'_>) -> Result<ChangePage, StoreError> {
        let log = self.1.lock().expect("unpoisoned");
        let wanted =
            |e: &&Entry| e.cluster == query.cluster && e.version > query.after && e.version <= query.until;
        let mut entries: Vec<ChangeEntry> = log.0.iter().filter(wanted).flat_map(entries).collect();
        entries.retain(|e| query.subjects.is_none_or(|ids| ids.contains(&e.subject.id())));
        if query.newest_first {
            entries.reverse();
        }
        if let Some(place) = query.resume {
            let beyond = |e: &ChangeEntry| match query.newest_first {
                true => (e.version, Some(e.subject.id())) < (place.version, place.subject),
                false if place.subject.is_none() => e.version > place.version,
                false => (e.version, Some(e.subject.id())) > (place.version, place.subject),
            };
            entries.retain(beyond);
        }
        let more = entries.len() > query.limit;
        entries.truncate(query.limit);
        Ok(ChangePage { entries, more })
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        let log = self.1.lock().expect("unpoisoned");
        Ok(Extent {
            oldest_ms: log.0.iter().map(|e| e.version.unix_ms()).min(),
            changes: log.0.iter().map(|e| entries(e).len() as u64).sum(),
            bytes: 0,
        })
    }

    async fn retain(&self, _: i64, _: usize) -> Result<Retained, StoreError> {
        Ok(Retained::default())
    }

    async fn compact(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn published(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

fn entries(entry: &Entry) -> Vec<ChangeEntry> {
    let (before, after) = (&entry.before, &entry.after);
    let there = |world: &World, id: &AssetId| -> Option<Asset> {
        let node = world.nodes.get(id).filter(|n| !n.stub);
        node.map(|n| n.asset.clone())
    };
    let mut started: BTreeMap<AssetId, Vec<Link>> = BTreeMap::new();
    let mut ended: BTreeMap<AssetId, Vec<Link>> = BTreeMap::new();
    for (key, value) in &after.edges {
        if before.edges.get(key).is_none_or(|old| old.0 != value.0) {
            started.entry(key.0).or_default().push(link(key, value));
        }
    }
    for (key, value) in &before.edges {
        if after.edges.get(key).is_none_or(|new| new.0 != value.0) {
            ended.entry(key.0).or_default().push(link(key, value));
        }
    }
    let of_version = |id: &&AssetId| {
        let rows = after.history.get(*id);
        rows.is_some_and(|rows| {
            rows.iter()
                .any(|r| r.version == entry.version && !seen(before, id, r.version))
        })
    };
    let changed = after.history.keys().filter(of_version);
    let subjects: BTreeSet<AssetId> = changed
        .chain(started.keys())
        .chain(ended.keys())
        .copied()
        .collect();
    let name = |id: &AssetId| -> AssetRef {
        let node = after.nodes.get(id).or_else(|| before.nodes.get(id));
        node.expect("it was there").asset.reference.clone()
    };
    let all = subjects.iter().map(|id| {
        let row = after.history.get(id).and_then(|rows| rows.first());
        let op = row.filter(|_| of_version(&id)).map(|r| r.op);
        let (how, last_seen_ms) = after.learnt[id];
        let (started, ended) = (
            started.remove(id).unwrap_or_default(),
            ended.remove(id).unwrap_or_default(),
        );
        let ends: BTreeSet<AssetId> = started
            .iter()
            .chain(&ended)
            .flat_map(|l| [l.from, l.to])
            .collect();
        ChangeEntry {
            version: entry.version,
            subject: name(id),
            op,
            before: op.and_then(|_| there(before, id)),
            after: op.filter(|op| *op != Op::Delete).and_then(|_| there(after, id)),
            how,
            last_seen_ms,
            started,
            ended,
            ends: ends.iter().map(name).collect(),
        }
    });
    all.collect()
}

/// Whether a row was there before: versions of two clusters may be equal.
fn seen(before: &World, id: &AssetId, version: Version) -> bool {
    let rows = before.history.get(id);
    rows.is_some_and(|rows| rows.iter().any(|r| r.version == version))
}

fn link(key: &EdgeKey, (since, detail): &(Version, Detail)) -> Link {
    Link {
        from: key.2,
        relation: key.1,
        to: key.3,
        declared_by: key.0,
        since: *since,
        detail: detail.clone(),
    }
}
