//! All clusters side by side: each is reached, claimed, restored and mirrored on its own, so that no fault of one touches
//! another. A cluster that cannot be reached is tried again for ever; what is known of it stays, and grows old.

mod control_plane;
mod events;
mod live;
mod reflectors;
mod roster;
mod taken;

pub use taken::Taken;

use crate::cluster::{ClusterConfig, Connection};
use crate::dump::Dump;
use crate::mirror::{Clock, Mirror};
use crate::reflect::{Limits, Random};
use crate::rules::Rules;
use crate::sink::{Sink, SinkClosed, Start};
use crate::status::{Phase, SyncStatus};
use futures::StreamExt;
use planisphere_schema::attributes::ClusterAttributes;
use planisphere_schema::{Cluster, Kind};
use roster::Roster;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The longest wait between two attempts to reach a cluster.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// The pause before what panicked starts anew.
const AFTER_PANIC: Duration = Duration::from_secs(5);
/// How often the identity of a cluster is asked again.
const IDENTITY_EVERY: Duration = Duration::from_secs(60);

/// Where the objects of one cluster come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A cluster that answers.
    Live(ClusterConfig),
    /// Files that kubectl wrote.
    Dump(PathBuf),
}

impl Origin {
    /// The name that people see.
    pub fn name(&self) -> String {
        match self {
            Origin::Live(config) => config.name.clone(),
            Origin::Dump(path) => crate::dump::name_of(path),
        }
    }
}

/// Mirrors clusters into a sink until told to stop.
#[derive(Clone)]
pub struct Fleet {
    /// Where batches go.
    pub sink: Arc<dyn Sink>,
    /// What is known of each mirror.
    pub status: SyncStatus,
    /// The wall clock.
    pub clock: Clock,
    /// Ends everything.
    pub cancel: CancellationToken,
    /// What pauses are drawn from.
    pub random: Random,
    /// Time-outs and sizes of all lists and watches.
    pub limits: Limits,
    /// Kinds that are left out.
    pub excluded: Vec<Kind>,
    /// Under which name each cluster is mirrored.
    pub taken: Taken,
    /// What is kept of custom resources, and what objects refer to; others may come while it runs.
    pub rules: watch::Receiver<Arc<Rules>>,
}

impl Fleet {
    /// Mirrors all of them, until cancelled.
    pub async fn run(self, origins: Vec<Origin>) {
        let (_named, origins) = watch::channel(origins);
        self.follow_named(origins).await;
    }

    /// Mirrors those that are named at the time, until cancelled.
    pub async fn follow_named(self, origins: watch::Receiver<Vec<Origin>>) {
        Roster::new(self).follow(origins).await;
    }

    async fn mirror(&self, origin: Origin) {
        let name = origin.name();
        match origin {
            Origin::Live(config) => self.mirror_live(&config).await,
            Origin::Dump(path) => {
                let mut rules = self.rules.clone();
                loop {
                    let by = rules.borrow_and_update().clone();
                    if let Err(error) = self.mirror_dump(path.clone(), by).await {
                        tracing::error!(cluster = name, error, "the dump was not taken over");
                        self.status.update(&name, |status| {
                            status.dump = true;
                            status.error = Some(error);
                        });
                    }
                    // By other rules it says something else.
                    let changed = self.cancel.run_until_cancelled(rules.changed()).await;
                    if !matches!(changed, Some(Ok(()))) {
                        return;
                    }
                }
            }
        }
    }

    /// Reads a dump whole and hands it over as one list of each kind.
    async fn mirror_dump(&self, path: PathBuf, rules: Arc<Rules>) -> Result<(), String> {
        let read = tokio::task::spawn_blocking(move || {
            Dump::read(&path).map(|mut dump| {
                let events = dump.events(&rules);
                (dump, events)
            })
        });
        let (dump, events) = read
            .await
            .map_err(|e| e.to_string())?
            .map_err(|e| e.to_string())?;
        let cluster = Cluster {
            id: dump.cluster,
            name: dump.name.clone(),
        };
        let _lease = self.taken.take(cluster.id, &cluster.name).map_err(|other| {
            format!(
                "the dump is of the same cluster as {other:?}, which is mirrored already; name it only once"
            )
        })?;
        let taken_ms = dump.taken_ms;
        self.status.update(&cluster.name, |status| status.dump = true);
        // What a dump proves, it proves for the moment at which it was taken.
        let restored = self.restored(&cluster, Arc::new(move || taken_ms)).await;
        let (mut mirror, _) = restored.map_err(|e| e.to_string())?;
        mirror.describe(
            ClusterAttributes {
                configured_name: cluster.name.clone(),
                ..Default::default()
            }
            .into(),
        );
        for event in events {
            mirror.handle(event);
        }
        while let Some(batch) = mirror.take_batch() {
            self.sink.send(batch).await.map_err(|e| e.to_string())?;
        }
        self.status.update(&cluster.name, |status| {
            status.reachable = true;
            let problems = dump.problems.values().flatten();
            status.error = problems.clone().next().map(|first| {
                format!(
                    "objects that cannot be read: {}; the first: {first}",
                    problems.count()
                )
            });
            for (kind, status) in &mut status.kinds {
                status.phase = Phase::Stopped;
                // A kind with such an object is not whole, and will not be: nobody is to wait for that.
                if let Some(problems) = dump.problems.get(kind) {
                    status.errors = problems.len() as u64;
                    status.last_error = problems.first().cloned();
                }
            }
        });
        Ok(())
    }

    /// Reaches a cluster, again and again, and mirrors it for as long as it is the same one.
    async fn mirror_live(&self, config: &ClusterConfig) {
        let mut wait = Duration::from_millis(500);
        // Reaching for a cluster that hangs takes minutes: the end must not wait for it.
        while let Some(opened) = self.cancel.run_until_cancelled(Connection::open(config)).await {
            match opened {
                Ok(connection) => {
                    wait = Duration::from_millis(500);
                    let lease = match self.taken.take(connection.id(), &config.name) {
                        Ok(lease) => lease,
                        Err(other) => {
                            self.refuse_alias(&config.name, &other).await;
                            continue;
                        }
                    };
                    let followed = self.follow(Arc::new(connection)).await;
                    drop(lease);
                    match followed {
                        Ok(()) => {}
                        Err(SinkClosed) => return,
                    }
                }
                Err(error) => {
                    tracing::warn!(cluster = config.name, %error, "the cluster cannot be reached; trying again");
                    self.status.update(&config.name, |status| {
                        status.reachable = false;
                        status.error = Some(error.sentence());
                    });
                    let jitter = 0.5 + (self.random)() / 2.0;
                    tokio::select! {
                        () = tokio::time::sleep(wait.mul_f64(jitter)) => {}
                        () = self.cancel.cancelled() => {}
                    }
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// Says that a cluster is mirrored under another name, and waits until it is worth another look.
    async fn refuse_alias(&self, name: &str, other: &str) {
        let words =
            format!("this is the same cluster as {other:?}, which is mirrored already; name it only once");
        tracing::warn!(cluster = name, "{words}");
        self.status.update(name, |status| {
            status.reachable = false;
            status.error = Some(words);
        });
        self.cancel
            .run_until_cancelled(tokio::time::sleep(IDENTITY_EVERY))
            .await;
    }

    /// A mirror that knows what the store knows.
    async fn restored(&self, cluster: &Cluster, clock: Clock) -> Result<(Mirror, Start), SinkClosed> {
        let mut start = self.sink.claim(cluster).await?;
        let now = (self.clock)();
        for source in &mut start.sources {
            if source.fresh_ms > now {
                // By a clock that was set back since: nobody knows when that was.
                source.fresh_ms = 0;
            }
        }
        self.status.restore(&cluster.name, cluster, true, &start.sources);
        let mut mirror = Mirror::new(cluster.clone(), &start, self.status.clone(), clock);
        let mut known = self.sink.known(cluster.id).await?;
        while let Some(asset) = known.next().await {
            mirror.restore(&asset);
        }
        mirror.publish_sizes();
        Ok((mirror, start))
    }
}
