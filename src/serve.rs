//! `planisphere serve`: opens the store, takes the ports, mirrors the clusters, answers. The wiring of all rooms.

use crate::admin::{self, Admin, Check, Checks, Metrics, Outcome, StoreOp};
use crate::api::{self, ApiLimits, ApiState, LOOPBACK_HOSTS, Observer};
use crate::calls::Calls;
use crate::cli::exit::Failure;
use crate::cli::progress;
use crate::cli::screen::Screen;
use crate::clock::{self, Clock};
use crate::config::{LimitSettings, ListenSettings, ServeSettings};
use crate::export::desk::Desk;
use crate::export::signature::SigningKey;
use crate::ingest::{Ingest, Meter};
use crate::lifecycle::{self, Port, cancelled_by_signals, serve_http};
use crate::observe::{self, Source};
use crate::origins::{self, origins};
use crate::owners::Owners;
use crate::retention::{self, Retention};
use crate::rules;
use crate::store::Store;
use crate::store::embedded::EmbeddedStore;
use planisphere_schema::{Coverage, Kind, Time};
use planisphere_sync::events::EventLimits;
use planisphere_sync::fleet::{Fleet, Origin, Taken};
use planisphere_sync::reflect::{Limits, system_random};
use planisphere_sync::rules::Rules;
use planisphere_sync::status::{ClusterStatus, Phase, SyncStatus};
use std::io::{Stderr, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// So much the wall clock may be behind what is stored, in milliseconds, before that is said.
const SET_BACK_MS: i64 = 60_000;
/// How often the state of the first sync is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often the sizes of the graph are measured.
const MEASURE: Duration = Duration::from_secs(15);

/// Serves until a signal asks to stop.
///
/// # Errors
/// When the clusters cannot be named, the store cannot be opened, or a port cannot be taken.
pub async fn serve(
    settings: ServeSettings,
    screen: Option<Screen<Stderr>>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let cancel = cancelled_by_signals().map_err(Failure::Start)?;
    let origins = origins(&settings.sources)?;
    let rules = rules::follow(settings.rules.clone(), cancel.clone())?;
    // Ports first: a port in use is told at once, before a large file is read.
    let server = Server::bind(settings.listen).await?;
    let data_dir = settings.data_dir.clone();
    let clock = Clock::of_the_machine();
    let reader = clock.reader();
    let opened = tokio::task::spawn_blocking(move || EmbeddedStore::open(&data_dir, reader)).await;
    let store = opened.map_err(run_failed)?.map_err(run_failed)?;
    // After the store: it made the directory, and holds it against other processes.
    let owners = Owners::open(
        &settings.owners.files,
        settings.owners.keys,
        Some(&settings.data_dir),
    )
    .map_err(run_failed)?;
    let sources: Result<Vec<Source>, String> = settings.calls.iter().map(|s| s.parse()).collect();
    let sources = sources.map_err(|reason| Failure::Run(format!("`calls`: {reason}")))?;
    let key = settings.export_key.as_deref().map(SigningKey::read).transpose();
    let exports = Desk::open(&settings.data_dir, key.map_err(run_failed)?).map_err(run_failed)?;
    server.announce(out)?;
    let named = origins::follow(settings.sources.clone(), origins, cancel.clone());
    let running = server
        .start(
            Arc::new(store),
            Beside {
                clock,
                exports: Arc::new(exports),
                owners: Arc::new(owners),
                observer: observe::Observer::new(sources, Some(&settings.data_dir)),
                look_every: settings.calls_interval,
                rules: Some(rules),
                events: settings.events,
                retention: settings.retention,
            },
            named,
            settings.sources.exclude_kinds,
            cancel,
        )
        .await?;
    running.show_progress(screen);
    running.ended().await;
    Ok(())
}

fn run_failed(error: impl std::fmt::Display) -> Failure {
    Failure::Run(error.to_string())
}

/// What is kept beside the graph.
pub struct Beside {
    /// What time it is; the store's clock too.
    pub clock: Arc<Clock>,
    /// Where exports are kept.
    pub exports: Arc<Desk>,
    /// Who answers for what.
    pub owners: Arc<Owners>,
    /// Learns who calls whom.
    pub observer: observe::Observer,
    /// How often it looks.
    pub look_every: Duration,
    /// What is kept of custom resources; none means by the shipped rules.
    pub rules: Option<watch::Receiver<Arc<Rules>>>,
    /// How many Events are kept, and how long.
    pub events: EventLimits,
    /// How much history is kept.
    pub retention: Retention,
}

/// Ports that are taken, before anything answers on them.
pub struct Server {
    settings: ListenSettings,
    graphql: (TcpListener, SocketAddr),
    admin: (TcpListener, SocketAddr),
}

impl Server {
    /// Takes both ports.
    ///
    /// # Errors
    /// When one of them cannot be taken.
    pub async fn bind(settings: ListenSettings) -> Result<Self, Failure> {
        let graphql = lifecycle::bind(settings.listen, Port::Graphql)
            .await
            .map_err(run_failed)?;
        let admin = lifecycle::bind(settings.admin_listen, Port::Admin)
            .await
            .map_err(run_failed)?;
        Ok(Self {
            settings,
            graphql,
            admin,
        })
    }

    /// The GraphQL server's URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.graphql.1)
    }

    /// Prints the addresses, one a line.
    ///
    /// # Errors
    /// When nobody reads them.
    pub fn announce(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let lines = format!("graphql {}/graphql\nadmin http://{}\n", self.url(), self.admin.1);
        out.write_all(lines.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::Output)
    }

    /// Mirrors the clusters into the store and answers, until cancelled.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(
        self,
        store: Arc<dyn Store>,
        beside: Beside,
        origins: watch::Receiver<Vec<Origin>>,
        excluded: Vec<Kind>,
        cancel: CancellationToken,
    ) -> Result<Running, Failure> {
        let rules = match beside.rules {
            Some(rules) => rules,
            None => rules::shipped_only()?,
        };
        let status = SyncStatus::with_events(beside.events);
        let snapshot = store.snapshot().await.map_err(run_failed)?;
        run_on(&beside.clock, snapshot.newest_ms());
        for known in snapshot.clusters() {
            status.restore(&known.cluster.name, &known.cluster, false, &known.sources);
        }
        let names: Vec<String> = origins.borrow().iter().map(Origin::name).collect();
        names
            .iter()
            .for_each(|name| status.update(name, |s| s.configured = true));
        let metrics = Arc::new(Metrics::new(status.clone()));
        let ready = Checks::default();
        ready.add("store", "").pass();
        let first_sync = ready.add("first-sync", "the first sync of this process is not done");
        let admin = Admin {
            live: Checks::live(),
            ready: ready.clone(),
            metrics: metrics.clone(),
        };
        let calls = Arc::new(Calls::default());
        let (ingest, writer) =
            Ingest::start(store.clone(), status.clone(), Arc::new(Measured(metrics.clone())));
        let api = ApiState {
            observer: Arc::new(Measured(metrics.clone())),
            store: store.clone(),
            owners: beside.owners,
            calls: calls.clone(),
            exports: beside.exports,
            status: status.clone(),
            clock: beside.clock.reader(),
            cancel: cancel.clone(),
            limits: limits(self.settings.limits, self.settings.stale_after),
            hosts: self
                .settings
                .listen
                .ip()
                .is_loopback()
                .then(|| LOOPBACK_HOSTS.iter().map(|h| (*h).to_owned()).collect()),
        };
        let servers = vec![
            tokio::spawn(serve_http(self.graphql.0, api::router(api), cancel.clone())),
            tokio::spawn(serve_http(self.admin.0, admin::router(admin), cancel.clone())),
        ];
        tokio::spawn(observe::run(
            beside.observer,
            store.clone(),
            calls,
            beside.look_every,
            beside.clock.reader(),
            cancel.clone(),
        ));
        let told = metrics.clone();
        tokio::spawn(retention::run(
            beside.retention,
            store.clone(),
            // As it is set, also back: retention itself decides what it believes.
            clock::wall_ms,
            move |extent| told.set_extent(&extent),
            cancel.clone(),
        ));
        tokio::spawn(measure(store, ingest.clone(), metrics, cancel.clone()));
        tokio::spawn(pass_when_synced(
            status.clone(),
            names,
            first_sync,
            cancel.clone(),
        ));
        let fleet = Fleet {
            sink: Arc::new(ingest),
            status: status.clone(),
            clock: beside.clock.reader(),
            cancel: cancel.clone(),
            random: system_random(),
            limits: Limits::default(),
            excluded,
            taken: Taken::default(),
            rules,
        };
        let mirrors = tokio::spawn(fleet.follow_named(origins));
        Ok(Running {
            status,
            ready,
            cancel,
            servers,
            mirrors,
            writer,
        })
    }
}

/// Dates what comes after what is stored, also where the wall clock was set back since.
fn run_on(clock: &Clock, newest_ms: Option<i64>) {
    let (Some(newest_ms), now_ms) = (newest_ms, clock::wall_ms()) else {
        return;
    };
    if newest_ms > now_ms + SET_BACK_MS {
        tracing::warn!(
            clock = Time::from_unix_ms(now_ms).to_string(),
            newest = Time::from_unix_ms(newest_ms).to_string(),
            "the store has changes from the future: the clock was set back since. Answers and changes are dated from the \
             newest one on, so that their order holds; if that date was wrong, a new data directory begins a new history"
        );
    }
    clock.run_on_from(newest_ms);
}

/// A server that answers.
pub struct Running {
    /// What is known of each mirror.
    pub status: SyncStatus,
    ready: Checks,
    cancel: CancellationToken,
    servers: Vec<tokio::task::JoinHandle<()>>,
    mirrors: tokio::task::JoinHandle<()>,
    writer: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Shows the first sync on the screen where there is one, else in the log, while it goes on.
    pub fn show_progress(&self, screen: Option<Screen<Stderr>>) {
        tokio::spawn(progress::show(self.status.clone(), screen, self.cancel.clone()));
    }

    /// Waits until the first sync is done; false where it was cancelled before.
    pub async fn synced(&self) -> bool {
        tokio::select! {
            () = self.ready.wait() => true,
            () = self.cancel.cancelled() => false,
        }
    }

    /// Asks it to stop.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Waits until everything came to an end in good order: mirrors first, then what they handed over, then answers.
    pub async fn ended(self) {
        let _ = self.mirrors.await;
        self.cancel.cancelled().await;
        let _ = self.writer.await;
        for server in self.servers {
            let _ = server.await;
        }
    }
}

fn limits(settings: LimitSettings, stale_after: Duration) -> ApiLimits {
    ApiLimits {
        depth: settings.depth,
        cost: settings.cost,
        body_bytes: settings.body_bytes,
        time: settings.timeout,
        subscriptions: settings.subscriptions,
        stale_after_seconds: stale_after.as_secs_f64(),
        ..ApiLimits::default()
    }
}

/// Passes the check once each cluster was read whole, or was found to be out of reach: a dead cluster must not keep the
/// others' answers from being used.
async fn pass_when_synced(status: SyncStatus, names: Vec<String>, check: Check, cancel: CancellationToken) {
    loop {
        let all = status.all();
        let waiting: Vec<&str> = all
            .iter()
            .filter(|c| names.contains(&c.name) && !is_settled(c))
            .map(|c| c.name.as_str())
            .collect();
        if waiting.is_empty() {
            check.pass();
            return;
        }
        check.fail(format!("the first sync is not done: {}", waiting.join(", ")));
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = cancel.cancelled() => return,
        }
    }
}

/// Whether this process has done what it can for a cluster at first: each kind was read whole, or failed, or is not ours
/// to see.
fn is_settled(cluster: &ClusterStatus) -> bool {
    if !cluster.reachable {
        return cluster.error.is_some();
    }
    !cluster.kinds.is_empty()
        && cluster.kinds.values().all(|kind| match kind.coverage {
            Some(Coverage::Denied | Coverage::Absent | Coverage::Excluded) => true,
            // After a restart the store's word is not enough: the watch must be on its way again.
            Some(Coverage::Watched | Coverage::Dumped) | None => {
                kind.complete && matches!(kind.phase, Phase::Watching | Phase::Stopped) || kind.errors > 0
            }
        })
}

async fn measure(store: Arc<dyn Store>, ingest: Ingest, metrics: Arc<Metrics>, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        metrics.set_queue_depth(ingest.waiting());
        if let Ok(snapshot) = store.snapshot().await
            && let Ok(totals) = snapshot.totals().await
        {
            metrics.set_relations(&totals.edges);
        }
        tokio::select! {
            () = tokio::time::sleep(MEASURE) => {}
            () = cancel.cancelled() => {}
        }
    }
}

/// Writes down what the rooms tell of their work.
struct Measured(Arc<Metrics>);

impl Meter for Measured {
    fn applied(&self, took: Duration, ok: bool) {
        if ok {
            self.0.store_tx(StoreOp::Apply, took);
        }
    }
}

impl Observer for Measured {
    fn ran(&self, operation: Option<&str>, data: bool, errors: bool, took: Duration) {
        let outcome = match (data, errors) {
            (true, false) => Outcome::Ok,
            (true, true) => Outcome::Partial,
            (false, _) => Outcome::Error,
        };
        self.0.graphql_request(operation, outcome, took);
    }

    fn refused(&self, code: api::Code) {
        self.0.graphql_rejected(code.name());
    }

    fn abandoned(&self) {
        self.0.graphql_abandoned();
    }
}
