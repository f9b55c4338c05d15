//! Ingest: the only writer. One bounded queue of batches from all clusters, one task that applies them in order. A store
//! that fails for the moment is tried again with the same batch, so that nothing is lost; a slow one slows the watches.

use crate::store::{Claim, Filter, ListQuery, Order, Page, Position, Presence, Store, StoreError};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use parking_lot::Mutex;
use planisphere_schema::{Asset, Batch, Cluster, ClusterId};
use planisphere_sync::sink::{Sink, SinkClosed, Start};
use planisphere_sync::status::SyncStatus;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Batches that wait at the most. Few: a batch is large, and a mirror that waits gathers what comes meanwhile.
const QUEUE: usize = 2;
/// Assets that are read at once to restore a mirror.
const RESTORE_PAGE: usize = 2_000;
/// The longest wait between two tries of a batch.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// What ingest tells whoever measures.
pub trait Meter: Send + Sync + 'static {
    /// A batch was applied, or failed, in this time.
    fn applied(&self, took: Duration, ok: bool);
}

/// The writing end. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    queue: mpsc::Sender<Batch>,
    store: Arc<dyn Store>,
    waiting: Arc<AtomicUsize>,
    fenced: Fenced,
}

/// The newest fence with which a cluster was refused: whoever claims it anew has a newer one, and may write.
type Fenced = Arc<Mutex<HashMap<ClusterId, u64>>>;

fn is_fenced(fenced: &Fenced, batch: &Batch) -> bool {
    let fenced = fenced.lock();
    fenced
        .get(&batch.cluster.id)
        .is_some_and(|refused| batch.fence <= *refused)
}

impl Ingest {
    /// Starts the writer. It ends, with its queue empty, when the last clone is dropped.
    pub fn start(
        store: Arc<dyn Store>,
        status: SyncStatus,
        meter: Arc<dyn Meter>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, work) = mpsc::channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let fenced = Fenced::default();
        let writer = write(
            store.clone(),
            status,
            meter,
            work,
            (waiting.clone(), fenced.clone()),
        );
        (
            Self {
                queue,
                store,
                waiting,
                fenced,
            },
            tokio::spawn(writer),
        )
    }

    /// Batches that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Sink for Ingest {
    async fn claim(&self, cluster: &Cluster) -> Result<Start, SinkClosed> {
        loop {
            match self.store.claim(cluster).await {
                Ok(Claim { fence, sources }) => return Ok(Start { fence, sources }),
                Err(StoreError::Unavailable(reason)) => {
                    tracing::warn!(
                        cluster = cluster.name,
                        reason,
                        "cannot take the cluster for writing; trying again"
                    );
                    sleep(Duration::from_secs(1)).await;
                }
                Err(error) => {
                    tracing::error!(cluster = cluster.name, %error, "cannot take the cluster for writing");
                    return Err(SinkClosed);
                }
            }
        }
    }

    async fn known(&self, cluster: ClusterId) -> Result<BoxStream<'static, Asset>, SinkClosed> {
        let store = self.store.clone();
        let pages = stream::unfold(Some(None::<Position>), move |after| {
            let store = store.clone();
            async move {
                let query = ListQuery {
                    filter: Filter::Cluster(crate::store::Text::Eq(cluster.to_string())),
                    presence: Presence::Present,
                    order: Order::Key,
                    after: after?,
                    limit: RESTORE_PAGE,
                };
                let page = read_back(&*store, &query).await;
                let next = page
                    .records
                    .last()
                    .filter(|_| page.more)
                    .map(|r| Some(Order::Key.position(r)));
                let assets = page
                    .records
                    .into_iter()
                    .filter(|r| !r.stub && r.asset.kind().is_served());
                let assets: Vec<Asset> = assets.map(|r| r.asset.clone()).collect();
                Some((stream::iter(assets), next))
            }
        });
        Ok(pages.flatten().boxed())
    }

    async fn send(&self, batch: Batch) -> Result<(), SinkClosed> {
        if is_fenced(&self.fenced, &batch) {
            return Err(SinkClosed);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.queue.send(batch).await;
        if sent.is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(SinkClosed);
        }
        Ok(())
    }
}

/// A page of what is stored, for as long as it takes: a mirror that knew only a part of it would never end the rest. Each
/// try looks anew; nobody else writes what is read here.
async fn read_back(store: &dyn Store, query: &ListQuery) -> Page {
    let mut wait = Duration::from_millis(100);
    loop {
        let page = async { store.snapshot().await?.list(query).await };
        match page.await {
            Ok(page) => return page,
            Err(error) => {
                tracing::warn!(%error, "cannot read back what is stored; trying again");
                sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

async fn write(
    store: Arc<dyn Store>,
    status: SyncStatus,
    meter: Arc<dyn Meter>,
    mut queue: mpsc::Receiver<Batch>,
    (waiting, fenced): (Arc<AtomicUsize>, Fenced),
) {
    while let Some(batch) = queue.recv().await {
        waiting.fetch_sub(1, Ordering::Relaxed);
        let cluster = batch.cluster.clone();
        if is_fenced(&fenced, &batch) {
            continue;
        }
        let (sources, fence) = (batch.sources.clone(), batch.fence);
        match apply(&*store, &*meter, batch).await {
            Ok(()) => status.stored(&cluster.name, &sources),
            Err(error) => {
                tracing::error!(cluster = cluster.name, %error, "the cluster is not mirrored any more");
                status.update(&cluster.name, |s| s.error = Some(error.to_string()));
                fenced.lock().insert(cluster.id, fence);
            }
        }
    }
}

/// Applies a batch, for as long as it takes. Only what can never succeed is an error.
async fn apply(store: &dyn Store, meter: &dyn Meter, batch: Batch) -> Result<(), StoreError> {
    let mut wait = Duration::from_millis(100);
    loop {
        let started = Instant::now();
        let result = store.apply(batch.clone()).await;
        meter.applied(started.elapsed(), result.is_ok());
        match result {
            Ok(_) => return Ok(()),
            Err(error @ StoreError::Fenced { .. }) => return Err(error),
            Err(error) => {
                tracing::warn!(cluster = batch.cluster.name, %error, "a batch could not be stored; trying again");
                sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}
