//! Reads the Events of a cluster beside its mirror: a few pages once, then a watch. It has no part in the mirror's channel,
//! takes no turn from its lists, and reads no more a second than it may; what it misses is missed, for Events are hints and no
//! state. It goes on whatever happens, and says how it goes.

use super::{AFTER_PANIC, Fleet};
use crate::cluster::{Answer, Connection, body_of, send};
use crate::events::{RecentEvents, read};
use crate::frame::{Encoding, FrameError, ListDecoder, WatchDecoder, WatchFrame};
use crate::reflect::escaped;
use crate::status::EventsStatus;
use http_body_util::BodyExt;
use planisphere_schema::Coverage;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Where Events are served, the newer API first; both tell of the same objects.
const PATHS: &[&str] = &["/apis/events.k8s.io/v1/events", "/api/v1/events"];
/// What the mirror lists comes first.
const START_AFTER: Duration = Duration::from_millis(500);
const PAGE: usize = 500;
/// Between two pages: a list is not urgent.
const BETWEEN_PAGES: Duration = Duration::from_millis(100);
/// How many may be read a second, and how many at once; the rest of a storm is skipped unread.
const A_SECOND: f64 = 200.0;
const AT_ONCE: f64 = 1_000.0;
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why a reading ended.
#[derive(Debug)]
enum Trouble {
    /// What we hold is too old to go on from.
    Expired,
    /// We may not read them.
    Denied,
    /// They are not served there.
    Absent,
    /// Something else, in words.
    Failed(String),
}

impl From<FrameError> for Trouble {
    fn from(error: FrameError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Reads until told to stop. A panic is a defect of ours, contained: it is shown, and they are read anew.
pub(super) async fn follow(fleet: Fleet, connection: Arc<Connection>, stop: CancellationToken) {
    let reading = || read_on(fleet.clone(), connection.clone(), stop.clone());
    while let Err(panic) = tokio::spawn(reading()).await {
        tracing::error!(cluster = connection.name(), %panic, "a defect: Events are read anew");
        if stop.run_until_cancelled(sleep(AFTER_PANIC)).await.is_none() {
            return;
        }
    }
}

async fn read_on(fleet: Fleet, connection: Arc<Connection>, stop: CancellationToken) {
    let recent = fleet.status.events().clone();
    if !fleet.limits.events || recent.limits().total == 0 {
        fleet.status.update(connection.name(), |status| {
            status.events.coverage = Some(Coverage::Excluded);
        });
        return;
    }
    let reader = Reader {
        allowance: AT_ONCE,
        counted_at: Instant::now(),
        skipped: 0,
        unreadable: 0,
        resume: None,
        fleet,
        connection,
        recent,
    };
    stop.run_until_cancelled(reader.run()).await;
}

struct Reader {
    fleet: Fleet,
    connection: Arc<Connection>,
    recent: RecentEvents,
    /// How many may be read now.
    allowance: f64,
    counted_at: Instant,
    /// Since this was last told.
    skipped: u64,
    unreadable: u64,
    /// Where a watch goes on.
    resume: Option<(&'static str, String)>,
}

impl Reader {
    async fn run(mut self) {
        sleep(START_AFTER).await;
        let mut pause = BACKOFF.0;
        loop {
            let began = Instant::now();
            let Err(trouble) = self.read_all().await;
            let refused = matches!(trouble, Trouble::Denied | Trouble::Absent);
            self.tell(|status| match trouble {
                Trouble::Denied => status.coverage = Some(Coverage::Denied),
                Trouble::Absent => status.coverage = Some(Coverage::Absent),
                Trouble::Failed(words) => status.error = Some(words),
                Trouble::Expired => {}
            });
            pause = match () {
                () if began.elapsed() > BACKOFF.1 => BACKOFF.0,
                () => (pause * 2).min(BACKOFF.1),
            };
            let pause = if refused { self.fleet.limits.refused } else { pause };
            sleep(pause.mul_f64(0.75 + (self.fleet.random)() / 2.0)).await;
        }
    }

    /// Lists and watches where they are served, for as long as that goes well.
    async fn read_all(&mut self) -> Result<Infallible, Trouble> {
        if let Some((path, version)) = self.resume.take() {
            return self.watch(path, version).await;
        }
        let mut refusal = Trouble::Absent;
        for path in PATHS {
            match self.list(path).await {
                Ok(version) => return self.watch(path, version).await,
                // Where both refuse, that we may not is more than that one of them is not there.
                Err(Trouble::Denied) => refusal = Trouble::Denied,
                Err(Trouble::Absent) => {}
                Err(other) => return Err(other),
            }
        }
        Err(refusal)
    }

    /// Reads as many as may be kept; gives the version from which to watch.
    async fn list(&mut self, path: &str) -> Result<String, Trouble> {
        let (mut version, mut next) = (String::new(), None::<String>);
        for _ in 0..self.recent.limits().total.div_ceil(PAGE) {
            let token = next.take().map(|token| format!("&continue={}", escaped(&token)));
            let asked = format!("{path}?limit={PAGE}{}", token.unwrap_or_default());
            let page = match self.ask(&asked, false).await {
                // The rest of a list that took too long is not worth another one.
                Err(Trouble::Expired) if !version.is_empty() => break,
                page => page?,
            };
            let access = self.connection.access();
            let body = body_of(&access, page.body, self.fleet.limits.list_idle).await;
            let body = body.map_err(|e| Trouble::Failed(e.sentence()))?;
            let mut decoder = ListDecoder::new(Encoding::Json);
            decoder.push(&body)?;
            decoder.end()?;
            while let Some(object) = decoder.next_item()? {
                self.take(&object);
            }
            if version.is_empty() {
                version.clone_from(&decoder.meta().resource_version);
                self.tell(|status| {
                    status.coverage = Some(Coverage::Watched);
                    status.error = None;
                });
            }
            next = decoder.meta().next.clone();
            if next.is_none() {
                break;
            }
            sleep(BETWEEN_PAGES).await;
        }
        self.tell(|_| {});
        Ok(version)
    }

    /// Watches from a version until something goes wrong; only an old version is not gone on from.
    async fn watch(&mut self, path: &'static str, mut version: String) -> Result<Infallible, Trouble> {
        let ended = self.watch_from(path, &mut version).await;
        if matches!(ended, Err(Trouble::Failed(_))) {
            self.resume = Some((path, version));
        }
        ended
    }

    async fn watch_from(&mut self, path: &str, version: &mut String) -> Result<Infallible, Trouble> {
        loop {
            let began = Instant::now();
            let seconds = self.fleet.limits.watch_seconds.0;
            let asked = format!(
                "{path}?watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
                escaped(version)
            );
            let mut body = self.ask(&asked, true).await?.body;
            let mut decoder = WatchDecoder::new(Encoding::Json);
            loop {
                let Ok(frame) = timeout(self.fleet.limits.watch_idle, body.frame()).await else {
                    break;
                };
                let Some(frame) = frame else { break };
                let frame = frame.map_err(|e| Trouble::Failed(format!("the connection broke off ({e})")))?;
                let Ok(bytes) = frame.into_data() else { continue };
                decoder.push(&bytes);
                while let Some(told) = decoder.next_frame()? {
                    match told {
                        WatchFrame::Object { object, .. } if self.may_read() => self.take(&object),
                        WatchFrame::Object { .. } => self.skipped += 1,
                        WatchFrame::Bookmark { resource_version, .. } => {
                            *version = resource_version;
                        }
                        WatchFrame::Error(status) if status.code == 410 => return Err(Trouble::Expired),
                        WatchFrame::Error(status) => {
                            return Err(Trouble::Failed(format!("the server failed ({})", status.code)));
                        }
                    }
                }
                let now = (self.fleet.clock)();
                self.tell(|status| {
                    status.last_event_ms = Some(now);
                    status.error = None;
                });
                // A storm must leave the others their turn.
                tokio::task::yield_now().await;
            }
            // A server that closes each watch at once is not asked again at once.
            sleep(BACKOFF.0.saturating_sub(began.elapsed())).await;
        }
    }

    async fn ask(&self, path: &str, streamed: bool) -> Result<Answer, Trouble> {
        let access = self.connection.access();
        let answer = send(
            &access,
            path,
            "application/json",
            streamed,
            None,
            self.fleet.limits.head,
        );
        let answer = answer.await.map_err(|e| Trouble::Failed(e.sentence()))?;
        match answer.code {
            200 => Ok(answer),
            403 => Err(Trouble::Denied),
            404 | 405 => Err(Trouble::Absent),
            410 => Err(Trouble::Expired),
            // The mirror's own readers have the credentials renewed.
            code => Err(Trouble::Failed(format!("the server answered {code}"))),
        }
    }

    /// Whether one more may be read now.
    fn may_read(&mut self) -> bool {
        let now = Instant::now();
        let since = now - std::mem::replace(&mut self.counted_at, now);
        self.allowance = (self.allowance + since.as_secs_f64() * A_SECOND).min(AT_ONCE);
        let may = self.allowance >= 1.0;
        self.allowance -= f64::from(u8::from(may));
        may
    }

    fn take(&mut self, object: &[u8]) {
        let cluster = self.connection.id();
        match read(cluster, object) {
            Some((asset, event)) => self.recent.put(cluster, asset, event, (self.fleet.clock)()),
            None => self.unreadable += 1,
        }
    }

    fn tell(&mut self, change: impl FnOnce(&mut EventsStatus)) {
        let (skipped, unreadable) = (
            std::mem::take(&mut self.skipped),
            std::mem::take(&mut self.unreadable),
        );
        self.fleet.status.update(self.connection.name(), |status| {
            status.events.skipped += skipped;
            status.events.unreadable += unreadable;
            change(&mut status.events);
        });
    }
}
