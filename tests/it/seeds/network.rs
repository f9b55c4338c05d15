//! The network between a mirror and an API server, in memory: it delays, refuses, cuts, stalls and falls silent by a seed.
//! It invents nothing: what comes through came from the server.

use super::broken::Broken;
use super::recorder::Recorder;
use axum::Router;
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::StreamBody;
use planisphere_fixtures::SimCluster;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It carries.
    Up,
    /// Connections are refused, open ones are broken.
    Refusing,
    /// Nothing comes through, and nothing says so.
    Silent,
}

/// The network of one cluster.
pub struct Network {
    state: Mutex<State>,
    line: Mutex<Line>,
    /// Wakes in the order in which they wait those whom a change of the line concerns.
    changed: Notify,
    /// The mirror is broken in this way.
    broken: Option<Broken>,
    /// Learns at once how long bytes were under way: what they bring is judged by it.
    recorder: Arc<Recorder>,
}

struct State {
    random: StdRng,
    server: SimCluster,
    router: Router,
    closing: CancellationToken,
    /// Of a hundred requests, so many meet something.
    trouble: u32,
    open: usize,
    traffic: Traffic,
}

/// What went over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub requests: u64,
    /// The most requests that were open at one time.
    pub most_open: usize,
}

type Failed = std::io::Error;
type Frames = futures::stream::BoxStream<'static, Result<http_body::Frame<Bytes>, Failed>>;
type Response = http::Response<StreamBody<Frames>>;

/// What one request meets.
enum Trouble {
    None,
    Late(Duration),
    Refused,
    NeverAnswered,
    Status(u16),
    CutAfter(usize),
    StallsAfter(usize),
}

/// How much of a body comes through.
#[derive(Clone, Copy)]
struct Extent {
    left: usize,
    stalls: bool,
    /// The version that a broken mirror takes for that of a list that was cut.
    believed: Option<u64>,
}

impl Network {
    pub fn new(
        seed: u64,
        server: &SimCluster,
        broken: Option<Broken>,
        recorder: &Arc<Recorder>,
    ) -> Arc<Self> {
        let closing = CancellationToken::new();
        let state = State {
            random: StdRng::seed_from_u64(seed),
            router: server.router(closing.clone()),
            server: server.clone(),
            closing,
            trouble: 0,
            open: 0,
            traffic: Traffic::default(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            line: Mutex::new(Line::Up),
            changed: Notify::new(),
            broken,
            recorder: Arc::clone(recorder),
        })
    }

    /// Of a hundred requests from now on, so many meet something.
    pub fn trouble(&self, percent: u32) {
        self.lock().trouble = percent;
    }

    pub fn line(&self, line: Line) {
        *self.line.lock().unwrap() = line;
        self.changed.notify_waiters();
    }

    /// The server behind the address stops, and this one starts: the same as before, or another.
    pub fn serve(&self, server: &SimCluster) {
        let mut state = self.lock();
        state.closing.cancel();
        state.closing = CancellationToken::new();
        state.router = server.router(state.closing.clone());
        state.server = server.clone();
    }

    /// Waits until the line is one of these; gives which.
    pub async fn until(&self, wanted: &[Line]) -> Line {
        loop {
            // Made first: it hears of a change that comes before it waits.
            let changed = self.changed.notified();
            let line = *self.line.lock().unwrap();
            if wanted.contains(&line) {
                return line;
            }
            changed.await;
        }
    }

    pub fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A client of one process; nothing comes through any more once that is dead.
    pub fn client(self: &Arc<Self>, dead: CancellationToken) -> kube::Client {
        let network = Arc::clone(self);
        let answer = move |request: http::Request<kube::client::Body>| {
            let (network, dead) = (Arc::clone(&network), dead.clone());
            async move {
                match dead
                    .run_until_cancelled(network.answer(request, dead.clone()))
                    .await
                {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        };
        kube::Client::new(tower::service_fn(answer), "default")
    }

    fn draw(&self) -> (Router, Trouble) {
        let mut state = self.lock();
        let (router, percent) = (state.router.clone(), state.trouble);
        let random = &mut state.random;
        if random.random_range(0..100) >= percent {
            return (router, Trouble::None);
        }
        let bytes = random.random_range(0..4_000);
        let trouble = match random.random_range(0..8) {
            0 => Trouble::Refused,
            1 => Trouble::NeverAnswered,
            2 => Trouble::Status([401, 403, 429, 500, 503, 504][random.random_range(0..6)]),
            3 | 4 => Trouble::CutAfter(bytes),
            5 => Trouble::StallsAfter(bytes),
            _ => Trouble::Late(Duration::from_millis(random.random_range(1..8_000))),
        };
        (router, trouble)
    }

    async fn answer(
        self: Arc<Self>,
        request: http::Request<kube::client::Body>,
        dead: CancellationToken,
    ) -> Result<Response, Failed> {
        self.carries().await?;
        let (router, trouble) = self.draw();
        let open = Open::new(&self);
        let mut extent = Extent {
            left: usize::MAX,
            stalls: false,
            believed: None,
        };
        match trouble {
            Trouble::None => {}
            Trouble::Late(pause) => tokio::time::sleep(pause).await,
            Trouble::Refused => return Err(std::io::ErrorKind::ConnectionRefused.into()),
            Trouble::NeverAnswered => return std::future::pending().await,
            Trouble::Status(code) => return Ok(refusal(code)),
            Trouble::CutAfter(bytes) => extent.left = bytes,
            Trouble::StallsAfter(bytes) => (extent.left, extent.stalls) = (bytes, true),
        }
        let streams_list = request
            .uri()
            .query()
            .is_some_and(|q| q.contains("sendInitialEvents"));
        if self.broken == Some(Broken::BelievesPartialLists) && streams_list && extent.left < usize::MAX {
            extent.believed = Some(self.lock().server.version());
        }
        let request = request.map(axum::body::Body::new);
        let Ok(answer) = router.oneshot(request).await;
        self.arrives().await?;
        let (head, body) = answer.into_parts();
        let body = Box::pin(body.into_data_stream());
        let body = (body, open, dead, extent, false);
        let frames = futures::stream::unfold(body, |(mut body, open, dead, mut extent, ended)| async move {
            if ended {
                return None;
            }
            let network = Arc::clone(&open.network);
            let next = tokio::select! {
                biased;
                () = dead.cancelled() => std::future::pending().await,
                broken = network.breaks() => Some(Err(broken)),
                chunk = body.next() => chunk.map(|chunk| chunk.map_err(std::io::Error::other)),
            };
            let arrived = match next? {
                Ok(chunk) => network.arrives().await.map(|()| chunk),
                Err(e) => Err(e),
            };
            let chunk = match arrived {
                Ok(chunk) => chunk,
                Err(e) => return Some((Err(e), (body, open, dead, extent, true))),
            };
            let taken = chunk.len().min(extent.left);
            extent.left -= taken;
            if let Some(version) = extent.believed.filter(|_| extent.left == 0) {
                let line = partial(&chunk[..taken], version);
                return Some((Ok(http_body::Frame::data(line)), (body, open, dead, extent, true)));
            }
            if extent.left == 0 && taken == 0 {
                if extent.stalls {
                    std::future::pending::<()>().await;
                }
                let broken = std::io::ErrorKind::ConnectionReset.into();
                return Some((Err(broken), (body, open, dead, extent, true)));
            }
            let frame = http_body::Frame::data(chunk.slice(..taken));
            Some((Ok(frame), (body, open, dead, extent, false)))
        });
        Ok(http::Response::from_parts(head, StreamBody::new(frames.boxed())))
    }

    /// Waits while the line is silent.
    async fn carries(&self) -> Result<(), Failed> {
        match self.until(&[Line::Up, Line::Refusing]).await {
            Line::Up => Ok(()),
            _ => Err(std::io::ErrorKind::ConnectionRefused.into()),
        }
    }

    /// The same for bytes that are under way.
    async fn arrives(&self) -> Result<(), Failed> {
        let sent = Instant::now();
        let arrived = self.carries().await;
        self.recorder.lock().were_under_way(sent.elapsed());
        arrived
    }

    /// Waits until open connections break.
    async fn breaks(&self) -> Failed {
        self.until(&[Line::Refusing]).await;
        std::io::ErrorKind::ConnectionReset.into()
    }
}

/// The whole lines of a list that was cut, with an end that the server never sent.
fn partial(bytes: &[u8], version: u64) -> Bytes {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let end = format!(
        r#"{{"type":"BOOKMARK","object":{{"metadata":{{"resourceVersion":"{version}","annotations":{{"k8s.io/initial-events-end":"true"}}}}}}}}"#
    );
    [&bytes[..whole], end.as_bytes(), b"\n"].concat().into()
}

fn refusal(code: u16) -> Response {
    let body = format!(r#"{{"kind":"Status","apiVersion":"v1","code":{code},"message":"by the seed"}}"#);
    let frame = Ok(http_body::Frame::data(Bytes::from(body)));
    let body = StreamBody::new(futures::stream::iter([frame]).boxed());
    let mut answer = http::Response::builder()
        .status(code)
        .header("content-type", "application/json");
    if code == 429 {
        answer = answer.header("retry-after", "3");
    }
    answer.body(body).unwrap()
}

/// Counts a request while it is open.
struct Open {
    network: Arc<Network>,
}

impl Open {
    fn new(network: &Arc<Network>) -> Self {
        let mut state = network.lock();
        state.open += 1;
        state.traffic.requests += 1;
        state.traffic.most_open = state.traffic.most_open.max(state.open);
        drop(state);
        Self {
            network: Arc::clone(network),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // A broken mirror forgets to close what it opened.
        let leaks = self.network.broken == Some(Broken::LeaksConnections);
        self.network.lock().open -= usize::from(!leaks);
    }
}
