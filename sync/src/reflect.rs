//! List and watch of one resource of one cluster, our own state machine over kube's client: it starts from a stored
//! resume point, lists only where that has expired, has a time-out on everything, and never takes a failed or partial
//! list, a refusal or a cut stream for a deletion. It knows no store; it tells [`Event`]s and writes its status.
//!
//! ```text
//!        resume point                       410, undecodable, cut frame
//! start ─────────────▶ watch ◀── ListEnded ── list ◀──────────┐
//!   └── none ──────────────────────────────────▲              │
//!                       └── closed, broken, idle: watch on ───┘
//! ```

mod backoff;
mod failure;
mod limits;
mod outbox;
mod pages;
mod probe;
mod read;
mod recover;
mod stream;

pub use limits::Limits;
pub(crate) use read::escaped;

use crate::cluster::{ConnectError, Connection, Resource};
use crate::extract::Extractor;
use crate::frame::Encoding;
use crate::observe::{Event, Observation};
use crate::status::{KindStatus, Phase, SyncStatus};
use backoff::Backoff;
use failure::Failure;
use futures::FutureExt;
use futures::future::BoxFuture;
use outbox::Outbox;
use planisphere_schema::{ClusterId, Coverage, Kind};
use probe::Probe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// Makes an observation of one object; the error says why it cannot be read at all.
pub type Extract = Arc<dyn Fn(Encoding, &[u8]) -> Result<Observation, String> + Send + Sync>;

/// Tells the wall clock in Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Draws a number from 0 up to 1, passed in so that simulations can repeat it.
pub type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Draws as the system does.
pub fn system_random() -> Random {
    Arc::new(|| rand::random_range(0.0..1.0))
}

/// What mirrors one resource of one cluster. Run each in a task of its own.
#[derive(Clone)]
pub struct Reflector {
    /// The cluster.
    pub cluster: Arc<Connection>,
    /// The resource.
    pub resource: Resource,
    /// From which resourceVersion to watch on; none lists first.
    pub resume: Option<String>,
    /// What becomes of an object.
    pub extract: Extract,
    /// Where to write how it goes.
    pub status: SyncStatus,
    /// The wall clock, for the status only; nothing is ordered by it.
    pub clock: Clock,
    /// What pauses are drawn from.
    pub random: Random,
    /// Time-outs and sizes.
    pub limits: Limits,
}

/// The observations of one kind in one cluster.
pub fn extract_with(extractor: Extractor, cluster: ClusterId) -> Extract {
    Arc::new(move |encoding, object| {
        let read = match encoding {
            Encoding::Json => extractor.json(cluster, object),
            Encoding::Protobuf => extractor.protobuf(cluster, object),
        };
        read.map_err(|e| e.to_string())
    })
}

impl Reflector {
    /// The reflector of a built-in kind, with the usual limits; none for kinds that Kubernetes does not serve.
    pub fn new(
        cluster: Arc<Connection>,
        kind: Kind,
        resume: Option<String>,
        status: SyncStatus,
        clock: Clock,
    ) -> Option<Self> {
        let extract = extract_with(Extractor::of(kind)?, cluster.id());
        Some(Self {
            resource: Resource::of(kind)?,
            cluster,
            resume,
            extract,
            status,
            clock,
            random: system_random(),
            limits: Limits::default(),
        })
    }

    /// Mirrors until cancelled, or until nobody listens any more. Whatever the cluster does, it goes on.
    ///
    /// Reflectors that start with a list take their turns in the order in which this was called.
    pub fn run(
        self,
        out: mpsc::Sender<Event>,
        cancel: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut turn = self.resume.is_none().then(|| turn(&self.cluster));
        // Asked once, it stands in the queue.
        let ready = turn.as_mut().and_then(|turn| turn.now_or_never());
        let turn = match ready {
            Some(permit) => Some(futures::future::ready(permit).boxed()),
            None => turn,
        };
        self.start(out, turn, cancel)
    }

    /// About this long: up to a quarter shorter or longer, so that not all come at the same moment.
    fn about(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.75 + (self.random)() / 2.0)
    }

    async fn start(self, out: mpsc::Sender<Event>, turn: Option<Turn>, cancel: CancellationToken) {
        let mut course = Course {
            out: Outbox::new(&self, out),
            resume: self.resume.clone(),
            reason: "start",
            listing: false,
            whole: false,
            backoff: Backoff::new(&self),
            counted: 0,
            listed: 0,
            held_before: 0,
            suspected: false,
            probe: Probe::new(&self),
            unsure: None,
            renewed: false,
            refusals: Refusals::default(),
            list_at_ms: 0,
            sent_ms: 0,
            caught_up: false,
            listed_at: None,
            compare_at: Instant::now() + self.about(self.limits.compare),
            watching_since: None,
            earliest: Instant::now(),
            turn,
            reflector: self,
        };
        // A future that is dropped here loses nothing that was told: the resume point follows what was sent.
        cancel.run_until_cancelled(course.follow()).await;
        course.status(|status| status.phase = Phase::Stopped);
    }
}

/// Of more objects than these, most do not go at once without a second look.
const MANY: u64 = 20;

/// A turn to list; none only where the cluster's queue were closed, which nobody does.
type Turn = BoxFuture<'static, Option<OwnedSemaphorePermit>>;

fn turn(cluster: &Connection) -> Turn {
    let lists = Arc::clone(&cluster.lists);
    async move { lists.acquire_owned().await.ok() }.boxed()
}

/// How often something happened in a row.
#[derive(Default)]
struct Refusals {
    /// The server knows only older versions than ours.
    too_new: u32,
    /// A watch said nothing at all.
    silent: u32,
    /// A watch was closed soon after it began.
    short: u32,
}

/// A reflector under way.
struct Course {
    reflector: Reflector,
    out: Outbox,
    /// From where to watch on; none means that a list is due.
    resume: Option<String>,
    /// Why the next list is due.
    reason: &'static str,
    /// A list was begun and not ended.
    listing: bool,
    /// Lists are read in one piece because tokens for the next page expired.
    whole: bool,
    backoff: Backoff,
    /// Objects read since the status was last written.
    counted: u64,
    /// Objects that the list that runs has brought.
    listed: u64,
    /// Objects that were held when it began.
    held_before: u64,
    /// The last list brought far less than was held.
    suspected: bool,
    probe: Probe,
    /// Since then the connection was not there all the time: another cluster may be behind the address.
    unsure: Option<Instant>,
    /// Credentials were made anew since the server last accepted them.
    renewed: bool,
    refusals: Refusals,
    /// Unix ms at which the streaming list was asked for.
    list_at_ms: i64,
    /// Unix ms: what the watch told last was sent then or later.
    sent_ms: i64,
    /// The watch has told all that there was to tell when it began: what it tells now happens now.
    caught_up: bool,
    listed_at: Option<Instant>,
    /// When all is read once more, to be compared.
    compare_at: Instant,
    watching_since: Option<Instant>,
    /// The place in the queue of those that list.
    turn: Option<Turn>,
    /// Not before this may the next watch start.
    earliest: Instant,
}

impl Course {
    async fn follow(&mut self) {
        loop {
            self.watching_since = None;
            let result = self.follow_once().await;
            self.unsure.get_or_insert_with(Instant::now);
            let lived = self.watching_since.map(|since| since.elapsed());
            if lived.is_some_and(|lived| lived >= self.limits().healthy) {
                self.backoff.reset();
                self.refusals.short = 0;
            } else if lived.is_some() && result.is_ok() {
                // A server that closes each watch at once is asked ever less often.
                self.refusals.short += 1;
                self.earliest += self.limits().between_watches * ((1 << self.refusals.short.min(4)) - 2);
            }
            if self.settle().await.is_err() {
                return;
            }
            let pause = match result {
                Ok(()) => Duration::ZERO,
                Err(Failure::NobodyListens) => return,
                Err(failure) => self.after(failure).await,
            };
            sleep(pause).await;
        }
    }

    async fn follow_once(&mut self) -> Result<(), Failure> {
        if let Some(since) = self.unsure {
            match self.reflector.cluster.verify(since).await {
                Ok(true) => self.unsure = None,
                Ok(false) => return Err(Failure::Replaced),
                // Who may not ask who it is gets to know by what is asked next.
                Err(e) if e.is_refusal() => {}
                Err(e @ (ConnectError::Answered { .. } | ConnectError::NotKubernetes { .. })) => {
                    return Err(Failure::Server(e.sentence()));
                }
                Err(e) => return Err(Failure::of_connection(&e)),
            }
        }
        match self.resume.clone() {
            Some(version) => self.watch_from(version).await,
            None => self.list().await,
        }
    }

    /// Reads the whole resource, by a stream where the cluster can, and then watches on; else page by page.
    async fn list(&mut self) -> Result<(), Failure> {
        let turn = self.turn.take().unwrap_or_else(|| turn(&self.reflector.cluster));
        let mut turn = turn.await;
        self.status(|status| {
            status.phase = Phase::Listing;
            status.listed = 0;
            status.expected = None;
        });
        if self.reflector.cluster.streams_lists() {
            match self.watch_whole(&mut turn).await {
                Err(Failure::StreamingRefused(why)) => self.reflector.cluster.stop_streaming_lists(&why),
                other => return other,
            }
            self.settle().await?;
        }
        self.read_pages().await
    }

    /// Writes how many objects were read since the last time: not for each, for the status is shared by all.
    fn show_count(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        self.status(|status| status.listed += counted);
    }

    /// What came before a failure is true, and told before anything that the failure leads to.
    async fn settle(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.listing) {
            self.out.list_failed().await
        } else {
            self.tell().await
        }
    }

    /// The server answered well: what stood against it is over.
    async fn accepted(&mut self) -> Result<(), Failure> {
        self.renewed = false;
        self.refusals.too_new = 0;
        let now = self.now();
        self.reflector
            .status
            .update(self.reflector.cluster.name(), |cluster| {
                cluster.reachable = true;
                cluster.error = None;
            });
        self.status(|status| status.last_contact_ms = Some(now));
        self.cover(Coverage::Watched).await
    }

    async fn cover(&mut self, coverage: Coverage) -> Result<(), Failure> {
        self.status(|status| status.coverage = Some(coverage));
        self.out.cover(coverage).await
    }

    async fn begin_list(&mut self) -> Result<(), Failure> {
        self.probe.forget();
        self.held_before = self.out.held().await?;
        self.listed = 0;
        self.listing = true;
        self.out.list_started().await
    }

    /// An object of a list.
    fn count(&mut self) {
        self.counted += 1;
        self.listed += 1;
    }

    /// The list is proven whole at this version, at which the cluster was at this time or before.
    async fn end_list(&mut self, version: String, at_ms: i64) -> Result<(), Failure> {
        let (listed, held) = (self.listed, self.held_before);
        let suspicious = held > MANY && listed < held.div_ceil(2);
        if suspicious && !std::mem::replace(&mut self.suspected, true) {
            return Err(Failure::Suspicious { listed, held });
        }
        self.suspected = false;
        self.out.list_ended(&version, at_ms).await?;
        self.listing = false;
        self.resume = Some(version);
        self.listed_at = Some(Instant::now());
        self.compare_at = Instant::now() + self.reflector.about(self.limits().compare);
        let reason = self.reason;
        // Complete, and fresh up to here, is said once the store holds it: `SyncStatus::stored`.
        self.status(|status| {
            *status.lists.entry(reason).or_default() += 1;
            status.last_error = None;
        });
        Ok(())
    }

    /// Waits until the next watch may start.
    async fn take_turn(&mut self) {
        sleep_until(self.earliest).await;
        self.earliest = Instant::now() + self.limits().between_watches;
    }

    fn status<T>(&self, change: impl FnOnce(&mut KindStatus) -> T) -> T {
        let reflector = &self.reflector;
        reflector
            .status
            .update_kind(reflector.cluster.name(), reflector.resource.kind, change)
    }

    fn limits(&self) -> &Limits {
        &self.reflector.limits
    }

    fn now(&self) -> i64 {
        (self.reflector.clock)()
    }
}

#[cfg(test)]
mod tests;
