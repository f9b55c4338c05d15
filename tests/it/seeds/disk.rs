//! The data directory of the simulated machine, with fault points: commits that fail, are slow, succeed without saying so,
//! and moments before and after a commit at which the process dies.

use super::clock::WallClock;
use super::graph::{Graph, graph};
use super::recorder::{Promise, Recorder};
use async_trait::async_trait;
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{
    Applied, ChangePage, ChangeQuery, Claim, Extent, Past, Retained, Snapshot, Store, StoreError,
};
use planisphere_schema::{Batch, Cluster, ClusterId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Waits for a future on this thread, whatever else could run meanwhile: so that what other threads do (the store writes
/// on one) takes no time and changes no order.
pub fn sync<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(tokio::task::unconstrained(future))
}

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trouble {
    /// Until then nothing can be written.
    pub fails_until: Option<Instant>,
    /// Each commit takes so long.
    pub slow: Duration,
    /// So many commits succeed and are reported as failed.
    pub silent: u32,
    /// At the so manieth commit from now the process dies.
    pub kill_at: Option<u32>,
    /// It dies before that commit, not after it.
    pub kill_before: bool,
}

/// The disk; it outlives processes.
pub struct Disk {
    directory: TempDir,
    store: Mutex<Option<EmbeddedStore>>,
    trouble: Mutex<Trouble>,
    recorder: Arc<Recorder>,
    clock: Arc<WallClock>,
}

impl Disk {
    pub fn new(recorder: Arc<Recorder>, clock: Arc<WallClock>) -> Arc<Self> {
        let memory = Path::new("/dev/shm");
        let directory = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Arc::new(Self {
            directory: directory.unwrap(),
            store: Mutex::new(None),
            trouble: Mutex::default(),
            recorder,
            clock,
        })
    }

    pub fn trouble(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.trouble.lock().unwrap());
    }

    /// The store as a process sees it until it is dead. What was committed before is there.
    pub fn mount(self: &Arc<Self>, dead: CancellationToken, before: &BTreeMap<ClusterId, Graph>) -> Mount {
        let store = EmbeddedStore::open(self.directory.path(), self.clock.reader()).unwrap();
        *self.store.lock().unwrap() = Some(store);
        // As `serve` begins.
        if let Some(newest_ms) = self.snapshot().and_then(|s| s.newest_ms()) {
            self.clock.run_on_from(newest_ms);
        }
        let found = self.graphs();
        for (cluster, graph) in before {
            if let Some(difference) = graph.difference(found.get(cluster).unwrap_or(&Graph::default())) {
                let words = format!("after a kill {cluster} is another than was committed: {difference}");
                self.recorder.violated(Promise::CrashSafe, words);
            }
        }
        Mount {
            disk: Arc::clone(self),
            dead,
        }
    }

    /// The process that had it is dead: gives what it had committed.
    pub fn unmount(&self) -> BTreeMap<ClusterId, Graph> {
        let graphs = self.graphs();
        *self.store.lock().unwrap() = None;
        graphs
    }

    /// What is stored now.
    pub fn snapshot(&self) -> Option<Arc<dyn Snapshot>> {
        let store = self.store.lock().unwrap().clone()?;
        sync(store.snapshot()).ok()
    }

    fn graphs(&self) -> BTreeMap<ClusterId, Graph> {
        let Some(snapshot) = self.snapshot() else {
            return BTreeMap::new();
        };
        let clusters = snapshot.clusters().iter().map(|c| c.cluster.id);
        clusters.map(|id| (id, sync(graph(&*snapshot, id)))).collect()
    }
}

/// The store of one process.
pub struct Mount {
    disk: Arc<Disk>,
    dead: CancellationToken,
}

impl Mount {
    /// Waits as long as the disk takes; for ever where the process is dead.
    async fn passes(&self) -> Result<EmbeddedStore, StoreError> {
        let trouble = *self.disk.trouble.lock().unwrap();
        if !trouble.slow.is_zero() {
            sleep(trouble.slow).await;
        }
        if trouble.fails_until.is_some_and(|until| Instant::now() < until) {
            return Err(StoreError::Unavailable("by the seed".into()));
        }
        let store = self.disk.store.lock().unwrap().clone();
        match store.filter(|_| !self.dead.is_cancelled()) {
            Some(store) => Ok(store),
            None => std::future::pending().await,
        }
    }

    async fn die(&self) -> Result<Applied, StoreError> {
        self.dead.cancel();
        std::future::pending().await
    }
}

#[async_trait]
impl Store for Mount {
    async fn claim(&self, cluster: &Cluster) -> Result<Claim, StoreError> {
        let store = self.passes().await?;
        sync(store.claim(cluster))
    }

    async fn apply(&self, batch: Batch) -> Result<Applied, StoreError> {
        let store = self.passes().await?;
        let (dies, before, silent) = {
            let mut trouble = self.disk.trouble.lock().unwrap();
            let dies = trouble.kill_at == Some(0);
            trouble.kill_at = trouble.kill_at.filter(|_| !dies).map(|left| left - 1);
            let silent = trouble.silent > 0;
            trouble.silent = trouble.silent.saturating_sub(1);
            (dies, trouble.kill_before, silent)
        };
        if dies && before {
            // The dead hold nothing.
            drop(store);
            return self.die().await;
        }
        let applied = sync(store.apply(batch.clone()))?;
        let snapshot = sync(store.snapshot())?;
        self.disk.recorder.committed(&batch, &*snapshot);
        if dies {
            drop((store, snapshot));
            return self.die().await;
        }
        if silent {
            return Err(StoreError::Unavailable("the answer was lost, by the seed".into()));
        }
        Ok(applied)
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        let store = self.passes().await?;
        sync(store.snapshot())
    }
}

#[async_trait]
impl Past for Mount {
    async fn snapshot_at(&self, at_ms: i64) -> Result<Arc<dyn Snapshot>, StoreError> {
        sync(self.passes().await?.snapshot_at(at_ms))
    }

    async fn changes(&self, query: &ChangeQuery<'_>) -> Result<ChangePage, StoreError> {
        sync(self.passes().await?.changes(query))
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        sync(self.passes().await?.extent())
    }

    async fn retain(&self, oldest_ms: i64, chunk: usize) -> Result<Retained, StoreError> {
        sync(self.passes().await?.retain(oldest_ms, chunk))
    }

    async fn compact(&self) -> Result<bool, StoreError> {
        sync(self.passes().await?.compact())
    }

    fn published(&self) -> tokio::sync::watch::Receiver<u64> {
        let store = self.disk.store.lock().unwrap();
        let store = store.as_ref().map(EmbeddedStore::published);
        store.unwrap_or_else(|| tokio::sync::watch::Sender::new(0).subscribe())
    }
}
