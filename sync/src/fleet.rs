//! All clusters side by side: each is reached, claimed, restored and mirrored on its own, so that no fault of one touches
//! another. A cluster that cannot be reached is tried again for ever; what is known of it stays, and grows old.

use crate::cluster::{ClusterConfig, Connection, Resource, Served};
use crate::dump::Dump;
use crate::extract::Extractor;
use crate::frame::Encoding;
use crate::mirror::{Clock, Mirror};
use crate::observe::Event;
use crate::reflect::{Extract, Limits, Reflector};
use crate::sink::{Sink, SinkClosed, Start};
use crate::status::{Phase, SyncStatus};
use futures::StreamExt;
use planisphere_schema::attributes::ClusterAttributes;
use planisphere_schema::{Attributes, Cluster, Coverage, Kind};
use rand::RngExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
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
#[derive(Clone, Debug)]
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
    /// Kinds that are left out.
    pub excluded: Vec<Kind>,
}

impl Fleet {
    /// Mirrors all of them, until cancelled.
    pub async fn run(self, origins: Vec<Origin>) {
        let mut clusters = JoinSet::new();
        for origin in origins {
            self.status.add(&origin.name());
            let fleet = self.clone();
            clusters.spawn(async move { fleet.mirror(origin).await });
        }
        while clusters.join_next().await.is_some() {}
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
                    match self.follow(Arc::new(connection)).await {
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
                    let jitter = rand::rng().random_range(0.5..1.0);
                    tokio::select! {
                        () = tokio::time::sleep(wait.mul_f64(jitter)) => {}
                        () = self.cancel.cancelled() => {}
                    }
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
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
            let left_out = match connection.discovery().serves(&resource) {
                _ if self.excluded.contains(&kind) => Some(Coverage::Excluded),
                Served::No => Some(Coverage::Absent),
                Served::Yes | Served::Unknown => None,
            };
            if let Some(coverage) = left_out {
                mirror.handle(Event::Covered { kind, coverage });
            } else if let Some(extractor) = Extractor::of(kind) {
                let resume = start
                    .sources
                    .iter()
                    .find(|s| s.kind == kind)
                    .and_then(|s| s.resume.clone());
                let reflector = self.reflector(&connection, resource, extractor, resume);
                self.spawn(&mut reflectors, reflector, &events, &stop);
            }
        }
        drop(events);
        let sink = self.sink.clone();
        let mut mirror = tokio::spawn(async move { mirror.run(received, &*sink).await });
        loop {
            tokio::select! {
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
                changed = self.changed_identity(&connection) => {
                    tracing::warn!(cluster = cluster.name, was = %cluster.id, is = %changed, "another cluster answers at this address");
                    stop.cancel();
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
            limits: Limits::default(),
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
    ) {
        let (status, events, stop) = (self.status.clone(), events.clone(), stop.clone());
        let (connection, kind) = (reflector.cluster.clone(), reflector.resource.kind);
        let mut next = reflector.clone();
        next.resume = None;
        reflectors.spawn(async move {
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
        let start = self.sink.claim(cluster).await?;
        self.status.restore(&cluster.name, cluster, true, &start.sources);
        let mut mirror = Mirror::new(cluster.clone(), &start, self.status.clone(), clock);
        let mut known = self.sink.known(cluster.id).await?;
        while let Some(asset) = known.next().await {
            mirror.restore(&asset);
        }
        mirror.publish_sizes();
        Ok((mirror, start))
    }

    /// Waits until another cluster than this answers at its address, and gives its identity.
    async fn changed_identity(&self, connection: &Connection) -> planisphere_schema::ClusterId {
        loop {
            tokio::time::sleep(IDENTITY_EVERY).await;
            // Silence says nothing: the reflectors tell when the cluster cannot be reached.
            if let Ok(id) = connection.identity().await
                && id != connection.id()
            {
                return id;
            }
        }
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
