//! The port for those who run the server: is it alive, is it ready, what does it measure. Apart from the answers' port,
//! so that it can be reached when that one is busy or closed. It knows checks and numbers, not what they are about.

pub mod health;
pub mod metrics;
mod mirror;

pub use health::{Check, Checks};
pub use metrics::{Metrics, Outcome, StoreOp};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use health::Report;
use std::sync::Arc;

/// What the admin endpoints show.
#[derive(Clone)]
pub struct Admin {
    /// Fails only when this process cannot go on by itself; nothing outside of it may be asked.
    pub live: Checks,
    /// Passes when this process can answer from its own data; a dead cluster must not fail it.
    pub ready: Checks,
    /// Numbers.
    pub metrics: Arc<Metrics>,
}

/// The endpoints, as the Kubernetes API server has them.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/livez/{check}", get(live_check))
        .route("/readyz", get(ready))
        .route("/readyz/{check}", get(ready_check))
        .route("/healthz", get(ready))
        .route("/healthz/{check}", get(ready_check))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// `?verbose&exclude=NAME&exclude=NAME`, as pairs: the query has flags without values and repeats names.
type Flags = Query<Vec<(String, String)>>;

async fn live(State(admin): State<Admin>, flags: Flags) -> Response {
    report("livez", admin.live.report(), &flags)
}

async fn ready(State(admin): State<Admin>, flags: Flags) -> Response {
    report("readyz", admin.ready.report(), &flags)
}

async fn live_check(State(admin): State<Admin>, Path(name): Path<String>) -> Response {
    one("livez", admin.live.report(), &name)
}

async fn ready_check(State(admin): State<Admin>, Path(name): Path<String>) -> Response {
    one("readyz", admin.ready.report(), &name)
}

fn report(endpoint: &str, mut report: Report, Query(flags): &Flags) -> Response {
    let excluded = |name: &str| {
        flags
            .iter()
            .any(|(flag, value)| flag == "exclude" && value == name)
    };
    let verbose = flags.iter().any(|(flag, _)| flag == "verbose");
    report.0.retain(|(name, _)| !excluded(name));
    answer(report.passed(), report.text(endpoint, verbose))
}

fn one(endpoint: &str, report: Report, name: &str) -> Response {
    match report.0.iter().find(|(n, _)| *n == name) {
        None => {
            let names: Vec<_> = report.0.iter().map(|(n, _)| *n).collect();
            let text = format!(
                "there is no check of this name at /{endpoint}; there are: {}\n",
                names.join(", ")
            );
            (StatusCode::NOT_FOUND, text).into_response()
        }
        Some(found) => {
            let alone = Report(vec![found.clone()]);
            answer(alone.passed(), alone.text(endpoint, false))
        }
    }
}

fn answer(passed: bool, text: String) -> Response {
    let status = if passed {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.metrics.encode()).into_response()
}
