//! The embedded store: the graph in memory, one SQLite file behind it. Reads come from memory and never wait; one writer
//! lays a batch over the published version, writes it to the file in one transaction, and publishes what it made of it
//! only when the file has it. Knows nothing of Kubernetes or the questions.

mod body;
mod chunk;
mod condition;
mod delta;
mod draft;
mod file;
mod history;
mod list;
mod load;
mod log;
mod names;
mod neighbours;
mod pack;
mod past;
mod recall;
mod retain;
mod rows;
mod run;
mod scope;
mod seal;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod trace;
mod tree;
mod write;

use crate::store::{Applied, Claim, Snapshot, Store, StoreError};
use async_trait::async_trait;
use delta::Dating;
use draft::Draft;
use file::Database;
use history::{Archive, Readers};
use parking_lot::{Mutex, RwLock};
use planisphere_schema::{Batch, Cluster, SourceState, Version};
use recall::Recall;
use snapshot::EmbeddedSnapshot;
use state::{State, kind_name};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use write::Commit;

/// Tells Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The graph in memory with one SQLite file behind it. Cheap to clone: all clones are one store.
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held for the moment of a copy or a swap.
    published: RwLock<Arc<EmbeddedSnapshot>>,
    recall: Recall,
    published_count: watch::Sender<u64>,
    clock: Clock,
    archive: Archive,
    /// Held by the one who writes. Closed after all that only reads: the connection that is last folds the log into the file,
    /// and one that only reads cannot.
    database: Arc<Mutex<Database>>,
}

impl EmbeddedStore {
    /// Opens the store in a data directory, which it makes where it is not there, and reads the graph into memory.
    /// Blocks; takes about a second for each 200,000 assets.
    ///
    /// # Errors
    /// When another process holds the directory, the system refuses, or the file is damaged or of another format.
    pub fn open(directory: &Path, clock: Clock) -> Result<Self, StoreError> {
        let (database, state) = Database::open(directory)?;
        let archive = Archive::File(Arc::new(Readers::new(&database.path)));
        Self::start(Arc::new(Mutex::new(database)), state, archive, clock)
    }

    /// A store that is gone with the process, for tests and for trying things out.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory(clock: Clock) -> Result<Self, StoreError> {
        let (database, state) = Database::in_memory()?;
        let database = Arc::new(Mutex::new(database));
        let archive = Archive::Memory(database.clone());
        Self::start(database, state, archive, clock)
    }

    fn start(
        database: Arc<Mutex<Database>>,
        state: State,
        archive: Archive,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let horizon = {
            let database = database.lock();
            retain::horizon(&database.connection).map_err(|e| database.error(e))?
        };
        let recall = Recall::default();
        *recall.horizon.lock() = horizon;
        let published = RwLock::new(Arc::new(EmbeddedSnapshot::new(state, archive.clone())));
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                published,
                archive,
                recall,
                published_count: watch::Sender::new(0),
                clock,
            }),
        })
    }

    /// Runs what may block on a thread that may. Once begun it goes on to its end, whoever waits for it.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(|e| StoreError::Unavailable(format!("the writer was stopped: {e}")))?
    }
}

impl Inner {
    fn current(&self) -> Arc<State> {
        self.published.read().state.clone()
    }

    fn publish(&self, state: State) {
        let next = Arc::new(EmbeddedSnapshot::new(state, self.archive.clone()));
        let last = std::mem::replace(&mut *self.published.write(), next);
        // Freed here, not under the lock.
        drop(last);
        self.recall.expire((self.clock)());
        self.published_count.send_modify(|count| *count += 1);
    }

    fn claim(&self, cluster: &Cluster) -> Result<Claim, StoreError> {
        let mut database = self.database.lock();
        let mut draft = Draft::new(self.current());
        let (shard, _) = draft.next.name_cluster(cluster.id, &cluster.name);
        let entry = Arc::make_mut(&mut draft.next.clusters[shard as usize]);
        entry.fence += 1;
        entry.known = true;
        let claim = Claim {
            fence: entry.fence,
            sources: entry.sources.clone(),
        };
        let version = entry.version;
        let delta = draft.finish(Dating::From(version));
        let claimed_ms = Some((self.clock)());
        database.commit(Commit {
            draft: &mut draft,
            delta: &delta,
            shard,
            version,
            sources: &[],
            claimed_ms,
        })?;
        self.publish(draft.seal(delta));
        Ok(claim)
    }

    fn apply(&self, batch: Batch) -> Result<Applied, StoreError> {
        let mut database = self.database.lock();
        let base = self.current();
        let known = base
            .cluster_number(batch.cluster.id)
            .and_then(|number| base.cluster(number));
        if let Some(entry) = known.filter(|entry| batch.fence < entry.fence) {
            let cluster = entry.name.to_string();
            return Err(StoreError::Fenced {
                cluster,
                stored: entry.fence,
                ours: batch.fence,
            });
        }
        let known = known.is_some_and(|entry| entry.known);
        let mut draft = Draft::new(base);
        let shard = match draft.next.cluster_number(batch.cluster.id).filter(|_| known) {
            Some(shard) => shard,
            None => draft.next.name_cluster(batch.cluster.id, &batch.cluster.name).0,
        };
        let last = draft.next.clusters[shard as usize].version;
        // Nothing comes to be before what is kept: readers of the log that are up to date stay so.
        let limit = *self.recall.horizon.lock();
        let version = last.next(limit.map_or(batch.at_ms, |limit| limit.max(batch.at_ms)));
        let mut applied = Applied {
            version: last,
            ..Applied::default()
        };
        for observed in batch.changes.iter() {
            applied.unchanged += usize::from(!draft.change(observed));
        }
        let sources = moved(&draft.next.clusters[shard as usize].sources, batch.sources);
        let delta = draft.finish(Dating::From(version));
        if !delta.is_empty() || !sources.is_empty() {
            delta.count(&mut applied);
            applied.version = version;
            let entry = Arc::make_mut(&mut draft.next.clusters[shard as usize]);
            entry.version = version;
            if entry.first == Version(0) {
                entry.first = version;
            }
            entry.fence = entry.fence.max(batch.fence);
            entry.known = true;
            keep(&mut entry.sources, &sources);
            let (draft, delta) = (&mut draft, &delta);
            database.commit(Commit {
                draft,
                delta,
                shard,
                version,
                sources: &sources,
                claimed_ms: None,
            })?;
        } else if draft.touched.is_empty() || !draft.same_clusters() {
            return Ok(applied);
        }
        self.publish(draft.seal(delta));
        Ok(applied)
    }
}

/// The sources whose state differs from what is kept; the last one given of each kind.
fn moved(kept: &[SourceState], given: Vec<SourceState>) -> Vec<SourceState> {
    let mut moved: Vec<SourceState> = Vec::new();
    for source in given.into_iter().rev() {
        if moved.iter().all(|m| m.kind != source.kind) {
            moved.push(source);
        }
    }
    moved.retain(|source| !kept.contains(source));
    moved
}

fn keep(kept: &mut Vec<SourceState>, moved: &[SourceState]) {
    kept.retain(|k| moved.iter().all(|m| m.kind != k.kind));
    kept.extend_from_slice(moved);
    kept.sort_by_key(|source| kind_name(source.kind));
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn claim(&self, cluster: &Cluster) -> Result<Claim, StoreError> {
        let cluster = cluster.clone();
        self.blocking(move |inner| inner.claim(&cluster)).await
    }

    async fn apply(&self, batch: Batch) -> Result<Applied, StoreError> {
        self.blocking(move |inner| inner.apply(batch)).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(self.inner.published.read().clone())
    }
}
