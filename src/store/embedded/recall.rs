//! The past half of the contract: versions of the graph from before, worked out when they are first asked for and kept for
//! a while, within bounds; the log; and how far back both reach.

use super::log::Window;
use super::past::{Fault, Undone, undo};
use super::retain::{extent, horizon};
use super::snapshot::EmbeddedSnapshot;
use super::state::{ClusterEntry, State};
use super::{EmbeddedStore, Inner};
use crate::store::{ChangePage, ChangeQuery, Extent, Past, Retained, Snapshot, StoreError};
use async_trait::async_trait;
use parking_lot::Mutex;
use planisphere_schema::Version;
use std::sync::Arc;
use tokio::sync::watch;

/// Versions of the past that are kept at a time, at the most.
const MOST: usize = 8;
/// Bytes that they may have of their own together, when they are worked out.
const MOST_BYTES: usize = 256 << 20;
/// Milliseconds after which one that nobody asks for is dropped: what it shares with the present only now lives on with it.
const IDLE_MS: i64 = 60_000;

/// Versions of the past that were asked for lately.
#[derive(Default)]
pub(super) struct Recall {
    kept: Mutex<Vec<Kept>>,
    /// Held by the one who works one out: one at a time takes memory and a core.
    busy: tokio::sync::Mutex<()>,
    /// The limit that retention has set, in Unix ms.
    pub(super) horizon: Mutex<Option<i64>>,
}

struct Kept {
    bound: Version,
    key: Key,
    snapshot: Arc<EmbeddedSnapshot>,
    own_bytes: usize,
    used_ms: i64,
}

/// What tells versions of the past from each other: the version and the name of each cluster.
type Key = Vec<(Version, Arc<str>)>;

fn key_of(state: &State, bound: Version) -> Key {
    let all = state
        .clusters
        .iter()
        .map(|c| (c.version.min(bound), c.name.clone()));
    all.collect()
}

impl Recall {
    /// Drops what nobody asked for lately.
    pub(super) fn expire(&self, now_ms: i64) {
        let mut kept = self.kept.lock();
        let (idle, used) = kept.drain(..).partition(|k| k.used_ms + IDLE_MS < now_ms);
        *kept = used;
        drop(kept);
        // Freed here, not under the lock.
        let _: Vec<Kept> = idle;
    }

    fn find(&self, key: &Key, now_ms: i64) -> Option<Arc<EmbeddedSnapshot>> {
        let mut kept = self.kept.lock();
        let found = kept.iter_mut().find(|k| k.key == *key)?;
        found.used_ms = found.used_ms.max(now_ms);
        Some(found.snapshot.clone())
    }

    /// The oldest version that is no older than `bound`: the nearest to work it out from.
    fn nearest(&self, bound: Version, current: &Arc<State>) -> Arc<State> {
        let kept = self.kept.lock();
        // One that was asked for when batches up to its own instant were still to come does not have them.
        let whole = |k: &&Kept| k.bound >= bound && k.key == key_of(current, k.bound);
        let nearest = kept.iter().filter(whole).min_by_key(|k| k.bound);
        nearest.map_or_else(|| current.clone(), |k| k.snapshot.state.clone())
    }

    fn keep(&self, fresh: Kept) {
        let mut kept = self.kept.lock();
        kept.sort_by_key(|k| k.used_ms);
        let mut bytes: usize = kept.iter().map(|k| k.own_bytes).sum::<usize>() + fresh.own_bytes;
        let mut gone = 0;
        while gone < kept.len() && (kept.len() - gone >= MOST || bytes > MOST_BYTES) {
            bytes -= kept[gone].own_bytes;
            gone += 1;
        }
        let gone: Vec<Kept> = kept.drain(..gone).collect();
        kept.push(fresh);
        drop(kept);
        drop(gone);
    }
}

impl Inner {
    /// The first instant that can be asked for.
    fn oldest_ms(&self, state: &State) -> Option<i64> {
        let known = |c: &&Arc<ClusterEntry>| c.first > Version(0);
        let first = state.clusters.iter().filter(known).map(|c| c.first).min()?;
        let horizon = *self.recall.horizon.lock();
        Some(horizon.map_or(first.unix_ms(), |limit| limit.max(first.unix_ms())))
    }

    fn check(&self, state: &State, at_ms: i64) -> Result<(), StoreError> {
        let oldest_ms = self.oldest_ms(state);
        if oldest_ms.is_none_or(|oldest| at_ms < oldest) {
            return Err(StoreError::HistoryExpired {
                asked_ms: at_ms,
                oldest_ms,
            });
        }
        let newest = state.clusters.iter().map(|c| c.version.unix_ms()).max();
        let now_ms = (self.clock)();
        if at_ms > newest.map_or(now_ms, |newest| newest.max(now_ms)) {
            return Err(StoreError::Future {
                asked_ms: at_ms,
                now_ms,
            });
        }
        Ok(())
    }
}

/// What a version of the past begins with: the state to undo, under the clusters' present names.
fn under_present_names(nearest: &State, current: &State, bound: Version) -> State {
    let mut state = nearest.clone();
    for (number, now) in current.clusters.iter().enumerate() {
        let entry = match state.clusters.get(number) {
            Some(then) => ClusterEntry {
                version: then.version,
                ..(**now).clone()
            },
            None => {
                state.shelves.push(Arc::default());
                ClusterEntry {
                    version: now.version.min(bound),
                    ..(**now).clone()
                }
            }
        };
        if number < state.clusters.len() {
            state.clusters[number] = Arc::new(entry);
        } else {
            state.clusters.push(Arc::new(entry));
        }
    }
    state.sort_clusters();
    state
}

#[async_trait]
impl Past for EmbeddedStore {
    async fn snapshot_at(&self, at_ms: i64) -> Result<Arc<dyn Snapshot>, StoreError> {
        let inner = &self.inner;
        let bound = Version::as_of(at_ms);
        inner.check(&inner.current(), at_ms)?;
        let _one_at_a_time = inner.recall.busy.lock().await;
        let current = inner.current();
        let (key, now_ms) = (key_of(&current, bound), (inner.clock)());
        if let Some(known) = inner.recall.find(&key, now_ms) {
            return Ok(known);
        }
        let nearest = inner.recall.nearest(bound, &current);
        let base = Arc::new(under_present_names(&nearest, &current, bound));
        let undone = inner.archive.read(move |connection, path| {
            let limit = horizon(connection).map_err(|e| Fault::from(e).into_error(path))?;
            if let Some(oldest_ms) = limit.filter(|limit| at_ms < *limit) {
                return Err(StoreError::HistoryExpired {
                    asked_ms: at_ms,
                    oldest_ms: Some(oldest_ms),
                });
            }
            undo(connection, base, bound).map_err(|fault| fault.into_error(path))
        });
        let Undone { state, own_bytes } = undone.await?;
        let snapshot = Arc::new(EmbeddedSnapshot::new(state, inner.archive.clone()));
        inner.recall.keep(Kept {
            bound,
            key,
            snapshot: snapshot.clone(),
            own_bytes,
            used_ms: now_ms,
        });
        Ok(snapshot)
    }

    async fn changes(&self, query: &ChangeQuery<'_>) -> Result<ChangePage, StoreError> {
        let (window, state) = (Window::new(query), self.inner.current());
        let read = self.inner.archive.read(move |connection, path| {
            let limit = horizon(connection).map_err(|e| Fault::from(e).into_error(path))?;
            if let Some(oldest_ms) = limit.filter(|limit| window.begins() < Version::as_of(*limit - 1)) {
                return Err(StoreError::HistoryExpired {
                    asked_ms: window.begins().unix_ms(),
                    oldest_ms: Some(oldest_ms),
                });
            }
            window
                .read(connection, &state)
                .map_err(|fault| fault.into_error(path))
        });
        read.await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        let oldest_ms = self.inner.oldest_ms(&self.inner.current());
        let read = self
            .inner
            .archive
            .read(|connection, path| extent(connection).map_err(|e| Fault::from(e).into_error(path)));
        Ok(Extent {
            oldest_ms,
            ..read.await?
        })
    }

    async fn retain(&self, oldest_ms: i64, chunk: usize) -> Result<Retained, StoreError> {
        self.blocking(move |inner| {
            let mut database = inner.database.lock();
            let (retained, limit) = database.retain(oldest_ms, chunk)?;
            // Before the next batch can begin.
            *inner.recall.horizon.lock() = Some(limit);
            Ok(retained)
        })
        .await
    }

    async fn compact(&self) -> Result<bool, StoreError> {
        self.blocking(|inner| inner.database.lock().compact()).await
    }

    fn published(&self) -> watch::Receiver<u64> {
        self.inner.published_count.subscribe()
    }
}
