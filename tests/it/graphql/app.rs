//! The API under test, asked over HTTP.

use super::fleet;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use parking_lot::Mutex;
use planisphere::api::{ApiLimits, ApiState, Code, Observer, router};
use planisphere::export::desk::Desk;
use planisphere::lifecycle::serve_http;
use planisphere::store::Store;
use planisphere::store::embedded::EmbeddedStore;
use planisphere_schema::{Coverage, Kind};
use planisphere_sync::status::{Phase, SyncStatus};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// Ten seconds after the fleet came to be.
pub const NOW: i64 = fleet::START + 10_000;

pub struct App {
    pub store: Arc<dyn Store>,
    pub status: SyncStatus,
    pub owners: Arc<planisphere::owners::Owners>,
    pub calls: Arc<planisphere::calls::Calls>,
    pub exports: Arc<Desk>,
    pub refused: Arc<Mutex<Vec<&'static str>>>,
    pub cancel: tokio_util::sync::CancellationToken,
    pub limits: ApiLimits,
    pub hosts: Option<Vec<String>>,
}

/// An app on a port.
pub struct Served {
    pub app: App,
    pub address: std::net::SocketAddr,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.app.cancel.cancel();
    }
}

/// Notes the codes of refusals.
struct Refused(Arc<Mutex<Vec<&'static str>>>);

impl Observer for Refused {
    fn ran(&self, _: Option<&str>, _: bool, _: bool, _: Duration) {}

    fn abandoned(&self) {}

    fn refused(&self, code: Code) {
        self.0.lock().push(code.name());
    }
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl App {
    /// The fleet, mirrored live and complete.
    pub async fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::in_memory(Arc::new(|| NOW)).unwrap());
        fleet::fill(&*store).await;
        let status = SyncStatus::default();
        for cluster in [fleet::prod(), fleet::lab()] {
            status.update(&cluster.name.clone(), |s| {
                s.reachable = true;
                s.cluster = Some(cluster);
            });
        }
        for name in ["prod", "lab"] {
            for kind in [Kind::Pod, Kind::Service] {
                status.update_kind(name, kind, |k| {
                    k.phase = Phase::Watching;
                    k.coverage = Some(Coverage::Watched);
                    k.complete = true;
                    k.objects = 3;
                    k.fresh_ms = Some(NOW - 2_000);
                });
            }
        }
        Self {
            store,
            status,
            owners: Arc::default(),
            calls: Arc::default(),
            exports: Arc::new(Desk::temporary().unwrap()),
            refused: Arc::default(),
            cancel: Default::default(),
            limits: ApiLimits::default(),
            hosts: None,
        }
    }

    fn state(&self) -> ApiState {
        ApiState {
            observer: Arc::new(Refused(self.refused.clone())),
            store: Arc::clone(&self.store),
            owners: Arc::clone(&self.owners),
            calls: Arc::clone(&self.calls),
            exports: Arc::clone(&self.exports),
            status: self.status.clone(),
            clock: Arc::new(|| NOW),
            cancel: self.cancel.clone(),
            limits: self.limits.clone(),
            hosts: self.hosts.clone(),
        }
    }

    /// Serves it on a port of its own, until the answer is dropped.
    pub async fn serve(self) -> Served {
        // Clients of this process need one; it fails only where it was chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_http(listener, router(self.state()), self.cancel.clone()));
        Served { app: self, address }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = router(self.state()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// POSTs a body as JSON, with telling status codes.
    pub async fn post(&self, body: impl Into<Body>) -> Reply {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .body(body.into());
        self.send(request.unwrap()).await
    }

    /// Asks a question, whatever comes of it.
    pub async fn try_ask(&self, query: &str) -> Reply {
        self.post(json!({ "query": query }).to_string()).await
    }

    /// Asks a question that must be answered without errors; gives its data.
    pub async fn ask(&self, query: &str) -> Value {
        self.ask_with(query, json!({})).await
    }

    pub async fn ask_with(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let mut reply = self.post(body.to_string()).await;
        assert_eq!(reply.body.get("errors"), None, "{query}");
        assert_eq!(reply.status, StatusCode::OK);
        reply.body["data"].take()
    }

    /// Asks a question that must fail; gives the code and message of its only error.
    pub async fn refusal(&self, query: &str) -> (String, String) {
        let reply = self.try_ask(query).await;
        let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
        assert_eq!(errors.len(), 1, "{query}: {}", reply.body);
        (
            text(&errors[0]["extensions"]["code"]),
            text(&errors[0]["message"]),
        )
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The values of one field of each entry of a list.
pub fn each(list: &Value, field: &str) -> Vec<String> {
    let entries = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    entries.iter().map(|e| text(&e[field])).collect()
}
