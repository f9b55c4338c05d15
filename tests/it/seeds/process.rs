//! One life of the program: fleet, ingest and store, from its start to its death. A dead one writes nothing and hears
//! nothing any more.

use super::broken::{Broken, Memory};
use super::clock::WallClock;
use super::disk::Mount;
use super::network::{Line, Network};
use async_trait::async_trait;
use futures::stream::BoxStream;
use planisphere::ingest::{Ingest, Meter};
use planisphere_schema::{Asset, Batch, Cluster, ClusterId, Kind};
use planisphere_sync::cluster::{ClusterConfig, GivenClient, Source};
use planisphere_sync::fleet::{Fleet, Origin, Taken};
use planisphere_sync::reflect::{Limits, Random};
use planisphere_sync::sink::{Sink, SinkClosed, Start};
use planisphere_sync::status::SyncStatus;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a process is started with.
pub struct Command {
    pub clusters: Vec<(String, Arc<Network>)>,
    pub excluded: Vec<Kind>,
    pub limits: Limits,
    pub clock: Arc<WallClock>,
    pub seed: u64,
    pub broken: Option<Broken>,
}

/// A defect of the mirror's own.
#[derive(Default)]
pub struct Defect {
    /// Whoever draws a number next panics.
    pub due: AtomicBool,
    /// How often it happened.
    pub struck: AtomicU64,
}

/// A process.
pub struct Process {
    pub status: SyncStatus,
    pub ingest: Ingest,
    pub started: Instant,
    pub defect: Arc<Defect>,
    origins: Vec<Origin>,
    named: watch::Sender<Vec<Origin>>,
    dead: CancellationToken,
    stop: CancellationToken,
}

impl Process {
    /// Starts it; `dead` is cancelled when it is killed.
    pub fn start(command: Command, store: Mount, dead: CancellationToken) -> Self {
        let status = SyncStatus::default();
        let stop = CancellationToken::new();
        let (ingest, _writer) = Ingest::start(Arc::new(store), status.clone(), Arc::new(Unmeasured));
        let drawn = Mutex::new(StdRng::seed_from_u64(command.seed));
        let defect = Arc::new(Defect::default());
        let strikes = defect.clone();
        let random: Random = Arc::new(move || {
            if strikes.due.swap(false, Ordering::Relaxed) {
                strikes.struck.fetch_add(1, Ordering::Relaxed);
                // A panic without the words of one.
                std::panic::resume_unwind(Box::new("by the seed"));
            }
            drawn.lock().unwrap().random_range(0.0..1.0)
        });
        let networks = command.clusters.iter().map(|(_, network)| network.clone());
        let sink = Seam {
            ingest: ingest.clone(),
            broken: command.broken,
            networks: networks.collect(),
            memory: Mutex::default(),
        };
        let fleet = Fleet {
            sink: Arc::new(sink),
            status: status.clone(),
            clock: command.clock.reader(),
            cancel: stop.clone(),
            random,
            limits: command.limits,
            excluded: command.excluded,
            taken: Taken::default(),
            rules: planisphere::rules::shipped_only().expect("the shipped rules are sound"),
        };
        let origins = command.clusters.iter().map(|(name, network)| {
            let client = GivenClient::from(network.client(dead.clone()));
            Origin::Live(ClusterConfig::new(name, Source::Given(client)))
        });
        let origins: Vec<Origin> = origins.collect();
        let (named, names) = watch::channel(origins.clone());
        tokio::spawn(fleet.follow_named(names));
        if command.broken == Some(Broken::SilenceIsProof) {
            tokio::spawn(believe(status.clone(), command.clock, stop.clone()));
        }
        Self {
            status,
            ingest,
            started: Instant::now(),
            defect,
            origins,
            named,
            dead,
            stop,
        }
    }

    /// These of its clusters are named from now on, by their numbers.
    pub fn name(&self, is_named: impl Fn(usize) -> bool) {
        let origins = self.origins.iter().enumerate();
        let named = origins.filter(|(number, _)| is_named(*number));
        // Nobody listening is a process that ends.
        let _ = self.named.send(named.map(|(_, origin)| origin.clone()).collect());
    }

    pub fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    /// Ends it at once: nothing that it still does has any effect.
    pub fn kill(self) {
        self.dead.cancel();
        self.stop.cancel();
    }
}

/// Takes it for proven that what was heard last is still so.
async fn believe(status: SyncStatus, clock: Arc<WallClock>, stop: CancellationToken) {
    let pause = || tokio::time::sleep(Duration::from_secs(5));
    while stop.run_until_cancelled(pause()).await.is_some() {
        for cluster in status.all() {
            for kind in cluster.kinds.keys() {
                status.update_kind(&cluster.name, *kind, |kind| {
                    kind.fresh_ms = kind.fresh_ms.map(|_| clock.now());
                });
            }
        }
    }
}

struct Unmeasured;

impl Meter for Unmeasured {
    fn applied(&self, _: Duration, _: bool) {}
}

/// Between the mirrors and ingest, where most of what may be broken breaks.
struct Seam {
    ingest: Ingest,
    broken: Option<Broken>,
    networks: Vec<Arc<Network>>,
    memory: Mutex<Memory>,
}

#[async_trait]
impl Sink for Seam {
    async fn claim(&self, cluster: &Cluster) -> Result<Start, SinkClosed> {
        self.ingest.claim(cluster).await
    }

    async fn known(&self, cluster: ClusterId) -> Result<BoxStream<'static, Asset>, SinkClosed> {
        self.ingest.known(cluster).await
    }

    async fn send(&self, batch: Batch) -> Result<(), SinkClosed> {
        let Some(broken) = self.broken else {
            return self.ingest.send(batch).await;
        };
        if broken == Broken::WaitsForTheSlowest {
            for network in &self.networks {
                network.until(&[Line::Up]).await;
            }
        }
        let spoilt = broken.spoil(batch, &mut self.memory.lock().unwrap());
        for batch in spoilt {
            self.ingest.send(batch).await?;
        }
        Ok(())
    }
}
