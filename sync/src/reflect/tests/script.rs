//! An API server that answers by a script, in this process: time is virtual, so that hours pass in milliseconds.

use crate::cluster::{Connection, Discovery, Resource};
use crate::frame::Encoding;
use crate::observe::{Event, Observation};
use crate::reflect::{Limits, Reflector};
use crate::status::{KindStatus, SyncStatus};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::StreamBody;
use planisphere_schema::{Asset, AssetRef, ClusterId, Kind};
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a body does next.
#[derive(Clone)]
pub enum Step {
    Send(Bytes),
    Wait(Duration),
    Hang,
    Break,
}

/// One answer.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    steps: Vec<Step>,
}

impl Reply {
    pub fn json(body: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/json".into())],
            steps: vec![Step::Send(Bytes::copy_from_slice(body.as_bytes()))],
        }
    }

    pub fn protobuf(body: Vec<u8>) -> Self {
        let mut reply = Self::json("");
        reply.headers[0].1 = "application/vnd.kubernetes.protobuf;stream=watch".into();
        reply.then(Step::Send(body.into()))
    }

    pub fn refusal(code: u16, reason: &str, message: &str) -> Self {
        let mut reply = Self::json(&format!(
            r#"{{"kind":"Status","code":{code},"reason":"{reason}","message":"{message}"}}"#
        ));
        reply.status = code;
        reply
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The body never ends.
    pub fn open(self) -> Self {
        self.then(Step::Hang)
    }
}

/// A page of a list: objects written `name@version`.
pub fn page(version: &str, next: &str, objects: &str) -> Reply {
    let items: Vec<String> = objects.split_whitespace().map(object).collect();
    Reply::json(&format!(
        r#"{{"kind":"PodList","metadata":{{"resourceVersion":"{version}","continue":"{next}","remainingItemCount":{}}},"items":[{}]}}"#,
        usize::from(!next.is_empty()),
        items.join(",")
    ))
}

/// A watch stream: `+name@version` added, `*` modified, `-` deleted, `#version` bookmark, `!version` end of the list.
pub fn watch(events: &str) -> Reply {
    Reply::json(&events.split_whitespace().map(line).collect::<String>())
}

pub fn line(event: &str) -> String {
    let (sign, rest) = event.split_at(1);
    let (change, object) = match sign {
        "+" => ("ADDED", object(rest)),
        "*" => ("MODIFIED", object(rest)),
        "-" => ("DELETED", object(rest)),
        "#" => (
            "BOOKMARK",
            format!(r#"{{"metadata":{{"resourceVersion":"{rest}"}}}}"#),
        ),
        _ => (
            "BOOKMARK",
            format!(
                r#"{{"metadata":{{"resourceVersion":"{rest}","annotations":{{"k8s.io/initial-events-end":"true"}}}}}}"#
            ),
        ),
    };
    format!("{{\"type\":\"{change}\",\"object\":{object}}}\n")
}

pub fn object(text: &str) -> String {
    let (name, version) = text.split_once('@').unwrap();
    format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#)
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub query: String,
    pub accept: String,
    pub agent: String,
    pub at: Instant,
}

/// A reflector of pods under way against a script.
pub struct Run {
    pub requests: Arc<Mutex<Vec<Request>>>,
    pub cluster: Arc<Connection>,
    pub cancel: CancellationToken,
    /// Who answers at the address.
    pub identity: Arc<Mutex<Uuid>>,
    /// How many objects the mirror says that it holds.
    pub held: u64,
    /// The wall clock, in Unix ms, moves with the test's.
    pub began: Instant,
    events: mpsc::Receiver<Event>,
    status: SyncStatus,
}

/// Makes a reflector of pages; see [`Run::streaming`] for one that tries streaming lists.
pub fn run(resume: Option<&str>, script: Vec<Reply>) -> Run {
    Run::start(resume, script, false, Kind::Pod)
}

impl Run {
    pub fn streaming(script: Vec<Reply>) -> Run {
        Self::start(None, script, true, Kind::Pod)
    }

    pub fn start(resume: Option<&str>, script: Vec<Reply>, streaming: bool, kind: Kind) -> Run {
        Self::with(resume, script, streaming, kind, None)
    }

    /// One that probes each minute.
    pub fn probing(resume: Option<&str>, script: Vec<Reply>) -> Run {
        Self::with(resume, script, false, Kind::Pod, Some(Duration::from_secs(60)))
    }

    fn with(
        resume: Option<&str>,
        script: Vec<Reply>,
        streaming: bool,
        kind: Kind,
        probe: Option<Duration>,
    ) -> Run {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let identity = Arc::new(Mutex::new(Uuid::from_u128(1)));
        let began = Instant::now();
        let client = client(
            VecDeque::from(script),
            Arc::clone(&requests),
            Arc::clone(&identity),
        );
        let id = ClusterId(Uuid::from_u128(1));
        let cluster = Arc::new(Connection::over("test", id, client, Discovery::unknown()));
        if !streaming {
            cluster.stop_streaming_lists("the test wants pages");
        }
        let status = SyncStatus::default();
        let (sender, events) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let reflector = Reflector {
            cluster: Arc::clone(&cluster),
            resource: Resource::of(kind).unwrap(),
            resume: resume.map(str::to_owned),
            extract: Arc::new(extract),
            status: status.clone(),
            clock: Arc::new(move || began.elapsed().as_millis() as i64),
            random: Arc::new(|| 0.5),
            limits: Limits {
                probe,
                ..Limits::default()
            },
        };
        tokio::spawn(reflector.run(sender, cancel.clone()));
        Run {
            requests,
            cluster,
            cancel,
            identity,
            held: 0,
            began,
            events,
            status,
        }
    }

    /// The next events in short words are these.
    pub async fn tells(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.next().await, *expected);
        }
    }

    /// The next event in short words; `stopped` where there will be none.
    pub async fn next(&mut self) -> String {
        short(self.event().await)
    }

    /// The next event; what is asked is answered.
    pub async fn event(&mut self) -> Option<Event> {
        let day = Duration::from_secs(86_400);
        loop {
            let event = tokio::time::timeout(day, self.events.recv()).await;
            match event.expect("nothing happens any more") {
                Some(Event::Held { answer, .. }) => answer.send(self.held).unwrap(),
                event => return event,
            }
        }
    }

    pub fn query(&self, index: usize) -> String {
        self.request(index).query
    }

    pub fn request(&self, index: usize) -> Request {
        self.requests.lock().unwrap()[index].clone()
    }

    pub fn status(&self) -> KindStatus {
        self.status
            .update_kind(self.cluster.name(), Kind::Pod, |k| k.clone())
    }
}

fn short(event: Option<Event>) -> String {
    let names = |observations: Vec<Observation>| -> String {
        let name =
            |o: &Observation| format!(" {}@{}", o.asset.reference.key().name, o.asset.resource_version);
        observations.iter().map(name).collect()
    };
    match event {
        None => "stopped".into(),
        Some(Event::ListStarted { .. }) => "started".into(),
        Some(Event::Applied {
            how, observations, ..
        }) => format!("{how:?}{}", names(observations)).to_lowercase(),
        Some(Event::Deleted { observations, .. }) => format!("deleted{}", names(observations)),
        Some(Event::ListEnded { resume, .. }) => format!("ended {resume}"),
        Some(Event::ListFailed { .. }) => "failed".into(),
        Some(Event::Vanished { .. } | Event::Reading { .. }) => "told by no reflector".into(),
        Some(Event::Progress { resume, .. }) => format!("progress {resume}"),
        Some(Event::Held { .. }) => "held".into(),
        Some(Event::ControlPlane { .. }) => "control plane".to_owned(),
        Some(Event::Covered { coverage, .. }) => format!("{coverage:?}").to_lowercase(),
    }
}

fn client(
    script: VecDeque<Reply>,
    requests: Arc<Mutex<Vec<Request>>>,
    identity: Arc<Mutex<Uuid>>,
) -> kube::Client {
    let script = Arc::new(Mutex::new(script));
    let answer = move |request: http::Request<kube::client::Body>| {
        let header = |name: &str| {
            let value = request.headers().get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let asks_identity = request.uri().path() == "/api/v1/namespaces/kube-system";
        let namespace = format!(r#"{{"metadata":{{"uid":"{}"}}}}"#, identity.lock().unwrap());
        if !asks_identity {
            requests.lock().unwrap().push(Request {
                query: request.uri().query().unwrap_or_default().to_owned(),
                accept: header("accept"),
                agent: header("user-agent"),
                at: Instant::now(),
            });
        }
        let reply = match asks_identity {
            true => Some(Reply::json(&namespace)),
            false => script.lock().unwrap().pop_front(),
        };
        async move {
            // A script that is over is a server that accepts and never answers.
            let Some(reply) = reply else {
                return std::future::pending().await;
            };
            let body = futures::stream::iter(reply.steps).then(|step| async move {
                match step {
                    Step::Send(bytes) => Ok(http_body::Frame::data(bytes)),
                    Step::Wait(pause) => {
                        tokio::time::sleep(pause).await;
                        Ok(http_body::Frame::data(Bytes::new()))
                    }
                    Step::Hang => std::future::pending().await,
                    Step::Break => Err(std::io::Error::other("reset by peer")),
                }
            });
            let mut response = http::Response::builder().status(reply.status);
            for (name, value) in reply.headers {
                response = response.header(name, value);
            }
            Ok::<_, std::io::Error>(response.body(StreamBody::new(Box::pin(body))).unwrap())
        }
    };
    kube::Client::new(tower::service_fn(answer), "default")
}

/// Reads the objects of these tests; they are JSON in both framings. A broken one is called `broken`.
fn extract(_: Encoding, object: &[u8]) -> Result<Observation, String> {
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        name: String,
        resource_version: String,
    }
    let object: Object = serde_json::from_slice(object).map_err(|e| e.to_string())?;
    if object.metadata.name == "broken" {
        return Err("it is broken".into());
    }
    let cluster = ClusterId(Uuid::from_u128(1));
    let mut asset = Asset::named(AssetRef::new(
        cluster,
        Kind::Pod,
        "default",
        &object.metadata.name,
    ));
    asset.resource_version = object
        .metadata
        .resource_version
        .parse()
        .map_err(|_| "no version")?;
    Ok(Observation {
        asset: Box::new(asset),
        edges: Vec::new(),
    })
}
