//! All clusters side by side: each is reached, claimed, restored and mirrored on its own, so that no fault of one touches
//! another. A cluster that cannot be reached is tried again for ever; what is known of it stays, and grows old.

mod roster;

use crate::cluster::{ClusterConfig, Connection, Resource, Served};
use crate::dump::Dump;
use crate::extract::Extractor;
use crate::frame::Encoding;
use crate::mirror::{Clock, Mirror};
use crate::observe::Event;
use crate::reflect::{Extract, Limits, Random, Reflector};
use crate::sink::{Sink, SinkClosed, Start};
use crate::status::{Phase, SyncStatus};
use futures::StreamExt;
use planisphere_schema::attributes::ClusterAttributes;
use planisphere_schema::{Attributes, Cluster, ClusterId, Coverage, Kind};
use roster::Roster;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Events that wait between the reflectors of a cluster and its mirror. Few: in a list each holds hundreds of objects,
/// and what waits here weighs more than the graph that becomes of it.
const EVENTS: usize = 8;
/// The longest wait between two attempts to reach a cluster.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// The pause before a reflector that panicked starts anew.
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
}

/// The identities of the clusters that are mirrored, each with its name: one cluster under two names is mirrored once.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<Mutex<BTreeMap<ClusterId, String>>>);

impl Taken {
    /// Takes a cluster for a name; the name that has it already, where it is another.
    fn take(&self, id: ClusterId, name: &str) -> Result<Lease, String> {
        let mut taken = self.0.lock().unwrap_or_else(|e| e.into_inner());
        match taken.get(&id) {
            Some(other) if other != name => Err(other.clone()),
            _ => {
                taken.insert(id, name.to_owned());
                Ok(Lease {
                    taken: self.clone(),
                    id,
                })
            }
        }
    }
}

/// Gives a cluster free when it is dropped.
struct Lease {
    taken: Taken,
    id: ClusterId,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.taken
            .0
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .remove(&self.id);
    }
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
                if let Err(error) = self.mirror_dump(path).await {
                    tracing::error!(cluster = name, error, "the dump was not taken over");
                    self.status.update(&name, |status| {
                        status.dump = true;
                        status.error = Some(error);
                    });
                }
            }
        }
    }

    /// Reads a dump whole and hands it over as one list of each kind.
    async fn mirror_dump(&self, path: PathBuf) -> Result<(), String> {
        let read = tokio::task::spawn_blocking(move || {
            Dump::read(&path).map(|mut dump| {
                let events = dump.events();
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

    /// Mirrors a cluster until cancelled, or until another cluster answers at its address.
    async fn follow(&self, connection: Arc<Connection>) -> Result<(), SinkClosed> {
        let cluster = Cluster {
            id: connection.id(),
            name: connection.name().to_owned(),
        };
        self.status.update(&cluster.name, |status| {
            if status
                .cluster
                .as_ref()
                .is_some_and(|known| known.id != cluster.id)
            {
                // Another cluster under the old name: nothing that was known of that one holds for it.
                status.kinds.clear();
            }
            // All of them from the start: one that waits for its turn to be read is missing, not unheard of.
            for kind in Resource::all().into_iter().map(|resource| resource.kind) {
                if Extractor::of(kind).is_some() {
                    status.kinds.entry(kind).or_default();
                }
            }
            status.cluster = Some(cluster.clone());
            status.reachable = true;
            status.error = None;
        });
        let (mut mirror, start) = self.restored(&cluster, self.clock.clone()).await?;
        mirror.describe(describe(&connection));
        let (events, received) = mpsc::channel(EVENTS);
        let stop = self.cancel.child_token();
        let mut reflectors = JoinSet::new();
        for resource in Resource::all() {
            let kind = resource.kind;
            let resource = connection.discovery().preferred(resource);
            let absent = connection.discovery().serves(&resource) == Served::No;
            let left_out = match () {
                () if self.excluded.contains(&kind) => Some(Coverage::Excluded),
                () if absent => Some(Coverage::Absent),
                () => None,
            };
            if let Some(coverage) = left_out {
                mirror.handle(Event::Covered { kind, coverage });
            }
            if let Some(extractor) = Extractor::of(kind).filter(|_| left_out != Some(Coverage::Excluded)) {
                let resume = start
                    .sources
                    .iter()
                    .find(|s| s.kind == kind)
                    .and_then(|s| s.resume.clone());
                let reflector = self.reflector(&connection, resource, extractor, resume);
                // What is not served now may be soon: an aggregated API whose server was down is one.
                let after = if absent {
                    self.limits.refused
                } else {
                    Duration::ZERO
                };
                self.spawn(&mut reflectors, reflector, &events, &stop, after);
            }
        }
        drop(events);
        let sink = self.sink.clone();
        let mut mirror = tokio::spawn(async move { mirror.run(received, &*sink).await });
        loop {
            tokio::select! {
                biased;
                ended = &mut mirror => {
                    stop.cancel();
                    while reflectors.join_next().await.is_some() {}
                    return match ended {
                        Ok(ended) => ended,
                        Err(panic) => {
                            tracing::error!(cluster = cluster.name, %panic, "a defect: the mirror starts anew from the store");
                            self.status.update(&cluster.name, |status| {
                                status.error = Some("a defect in planisphere; see its log".to_owned());
                            });
                            tokio::time::sleep(AFTER_PANIC).await;
                            Ok(())
                        }
                    };
                }
                () = connection.replaced(), if !stop.is_cancelled() => {
                    tracing::warn!(cluster = cluster.name, was = %cluster.id, "another cluster answers at this address");
                    stop.cancel();
                }
                // Silence says nothing: the reflectors tell when the cluster cannot be reached.
                () = tokio::time::sleep(IDENTITY_EVERY) => {
                    let _ = connection.verify(Instant::now()).await;
                }
            }
        }
    }

    fn reflector(
        &self,
        connection: &Arc<Connection>,
        resource: Resource,
        extractor: Extractor,
        resume: Option<String>,
    ) -> Reflector {
        let cluster = connection.id();
        let extract: Extract = Arc::new(move |encoding, object| {
            match encoding {
                Encoding::Json => extractor.json(cluster, object),
                Encoding::Protobuf => extractor.protobuf(cluster, object),
            }
            .map_err(|e| e.to_string())
        });
        Reflector {
            cluster: connection.clone(),
            resource,
            resume,
            extract,
            status: self.status.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            limits: self.limits.clone(),
        }
    }

    /// Runs a reflector. A panic in it is a defect of ours, contained: the others go on, it is shown, and it starts anew
    /// with a whole list.
    fn spawn(
        &self,
        reflectors: &mut JoinSet<()>,
        reflector: Reflector,
        events: &mpsc::Sender<Event>,
        stop: &CancellationToken,
        after: Duration,
    ) {
        let (status, events, stop) = (self.status.clone(), events.clone(), stop.clone());
        let (connection, kind) = (reflector.cluster.clone(), reflector.resource.kind);
        let mut next = reflector.clone();
        next.resume = None;
        reflectors.spawn(async move {
            if !after.is_zero() && stop.run_until_cancelled(tokio::time::sleep(after)).await.is_none() {
                return;
            }
            let mut reflector = reflector;
            while let Err(panic) = tokio::spawn(reflector.run(events.clone(), stop.clone())).await {
                tracing::error!(cluster = connection.name(), %kind, %panic, "a defect: the reflector starts anew");
                status.update_kind(connection.name(), kind, |status| {
                    status.errors += 1;
                    status.last_error = Some("a defect in planisphere; see its log".to_owned());
                });
                tokio::time::sleep(AFTER_PANIC).await;
                reflector = next.clone();
            }
        });
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

fn describe(connection: &Connection) -> Attributes {
    ClusterAttributes {
        configured_name: connection.name().to_owned(),
        server: Some(connection.server()),
        git_version: Some(connection.version().to_owned()),
        platform: None,
    }
    .into()
}
