//! Exports: asked for by a mutation, looked at by a query, fetched as files. Downloads can be resumed by ranges.

use super::ask::Ask;
use super::connection::freshness_of;
use super::error::{Code, Refusal};
use super::filter::{AssetFilter, selection};
use super::instant::Instant;
use super::reply::{Form, refused};
use crate::export::desk::{Desk, Job, State};
use crate::export::manifest::{self, Cluster, Manifest};
use crate::export::{ExportError, Format, Source, Wanted};
use crate::query::QueryError;
use crate::store::StoreError;
use async_graphql::{Context, Enum, ID, InputType, Object};
use axum::Router;
use axum::extract::{Path, Request, State as AxumState};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::sync::Arc;
use tower::ServiceExt;
use tower_http::services::ServeFile;
use uuid::Uuid;

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ExportFormat {
    /// A table with a header, one asset a row; cells that a spreadsheet would take for a formula get an apostrophe in front.
    Csv,
    /// JSON Lines: one object a line, one asset each.
    Ndjson,
    /// CycloneDX 1.6: images of the pods among the assets, and the workloads that run them.
    Cyclonedx,
    /// GraphML: the assets and the edges between them, up to 100,000 assets.
    Graphml,
    /// Graphviz: up to 2,000 assets.
    Dot,
    /// Mermaid: up to 2,000 assets.
    Mermaid,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Ndjson => Format::JsonLines,
            ExportFormat::Cyclonedx => Format::CycloneDx,
            ExportFormat::Graphml => Format::GraphMl,
            ExportFormat::Dot => Format::Dot,
            ExportFormat::Mermaid => Format::Mermaid,
        }
    }
}

/// How an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum JobStatus {
    /// It is being written.
    Running,
    /// It can be fetched.
    Done,
    /// There is none; `error` says why.
    Failed,
}

impl From<ExportError> for QueryError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Query(error) => error,
            ExportError::Write(_) | ExportError::Busy(_) => StoreError::Unavailable(error.to_string()).into(),
            ExportError::TooLarge { .. } | ExportError::Stale(_) => QueryError::Input(error.to_string()),
        }
    }
}

/// An export: a file that is written beside the answers, and kept until twenty newer ones took its place.
pub struct ExportJob(pub Arc<Job>);

impl ExportJob {
    fn manifest(&self) -> Option<(Arc<Manifest>, bool)> {
        match self.0.state() {
            State::Done(manifest, signed) => Some((manifest, signed)),
            _ => None,
        }
    }

    fn path(&self, file: &str) -> String {
        format!("/exports/{}/{file}", self.0.id)
    }
}

/// An export.
#[Object]
impl ExportJob {
    /// By which `export` finds it.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// How it is.
    async fn status(&self) -> JobStatus {
        match self.0.state() {
            State::Running => JobStatus::Running,
            State::Done(..) => JobStatus::Done,
            State::Failed(_) => JobStatus::Failed,
        }
    }

    /// Rows of a table, nodes of a graph, components of a bill; while it is written, the assets read so far.
    async fn rows(&self) -> u64 {
        self.manifest()
            .map_or_else(|| self.0.progress.rows(), |(m, _)| m.rows)
    }

    /// Its length, once it is whole.
    async fn bytes(&self) -> Option<u64> {
        self.manifest().map(|(m, _)| m.bytes)
    }

    /// Its SHA-256 in hexadecimal digits, once it is whole.
    async fn sha256(&self) -> Option<String> {
        self.manifest().map(|(m, _)| m.sha256.clone())
    }

    /// The path below this server where it is fetched; ranges are answered, so that a download can be resumed.
    async fn url(&self) -> Option<String> {
        self.manifest().map(|(m, _)| self.path(&m.file))
    }

    /// The path of its manifest: what was asked, of which instant it is, how fresh each cluster was, sums.
    async fn manifest_url(&self) -> Option<String> {
        self.manifest().map(|_| self.path(manifest::FILE))
    }

    /// The path of the manifest's Ed25519 signature; null where the server has no key.
    async fn signature_url(&self) -> Option<String> {
        let signed = self.manifest().filter(|(_, signed)| *signed);
        signed.map(|_| self.path(manifest::SIGNATURE))
    }

    /// The instant of which it is.
    async fn as_of(&self) -> Option<Instant> {
        self.manifest().and_then(|(m, _)| Instant::parse(&m.as_of))
    }

    /// Whether it is the whole and the present; its manifest says what is not.
    async fn complete(&self) -> Option<bool> {
        self.manifest().map(|(m, _)| m.complete)
    }

    /// Why there is none.
    async fn error(&self) -> Option<String> {
        match self.0.state() {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// Begins an export of the assets that pass a filter.
pub(super) async fn start(
    ctx: &Context<'_>,
    filter: Option<AssetFilter>,
    search: Option<String>,
    format: ExportFormat,
    require_fresh: bool,
) -> Result<ExportJob, QueryError> {
    let ask = Ask::of(ctx);
    let asked = without_nulls(json!({
        "filter": filter.as_ref().and_then(|f| f.to_value().into_json().ok()),
        "search": search,
    }));
    let (filter, presence) = selection(ask.graph().await, filter, search).await?;
    let freshness = freshness_of(ask, &filter).0;
    if require_fresh && !freshness.complete {
        let stale = ExportError::Stale(manifest::faults(&freshness));
        return Err(stale.into());
    }
    let clusters = freshness.versions.iter().map(|(id, version)| {
        let alone = ask.freshness(|_, other| other == Some(*id)).0;
        let name = ask.clusters().iter().find(|c| c.cluster.id == *id);
        Cluster {
            name: name.map(|c| c.cluster.name.clone()).unwrap_or_default(),
            id: id.to_string(),
            version: version.0.to_string(),
            lag_seconds: alone.max_lag_seconds,
            stale: alone
                .stale
                .first()
                .map(|s| manifest::stale_reason(s.reason).to_owned()),
        }
    });
    let source = Source {
        clusters: clusters.collect(),
        snapshot: ask.snapshot(),
        book: Arc::clone(&ask.book),
        freshness,
    };
    let wanted = Wanted {
        filter,
        presence,
        format: format.into(),
        require_fresh,
        selection: asked,
    };
    let job = ctx.data_unchecked::<Arc<Desk>>().start(source, wanted)?;
    Ok(ExportJob(job))
}

/// An input object as it was written: what was left out is null in it.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(all) => all
            .into_iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k, without_nulls(v)))
            .collect(),
        serde_json::Value::Array(all) => all.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// The export of an id.
pub(super) fn find(ctx: &Context<'_>, id: &ID) -> Result<ExportJob, QueryError> {
    let id =
        Uuid::parse_str(id).map_err(|e| QueryError::Input(format!("`id` is no id of an export: {e}")))?;
    let job = ctx.data_unchecked::<Arc<Desk>>().find(id);
    job.map(ExportJob).ok_or_else(|| {
        QueryError::NotFound(format!(
            "no export has the id {id}: twenty newer ones may have taken its place; export again"
        ))
    })
}

/// Where the files are fetched. Not compressed on the way: a range is of the file's own bytes.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/exports/{id}/{file}", get(fetch))
        .with_state(desk)
}

async fn fetch(
    AxumState(desk): AxumState<Arc<Desk>>,
    Path((id, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    let found = Uuid::parse_str(&id).ok().and_then(|id| desk.file(id, &file));
    let Some(path) = found else {
        let message = "no finished export has such a file: ask `export(id:)` for its state, or export again";
        return refused(
            StatusCode::NOT_FOUND,
            Refusal::new(Code::NotFound, message),
            Form::Json,
        );
    };
    let mut response = match ServeFile::new(path).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    };
    // Names of assets are other people's text: no browser may take it for a page.
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
