//! GraphQL over HTTP: reading a request, the order in which it is checked, and the response in the form that the caller
//! takes. `application/graphql-response+json` gets status codes that tell; `application/json` keeps 200 for what
//! GraphQL itself has to say.

use super::ask::Ask;
use super::error::{self, Code, Refusal};
use super::live::{self, AnswerSchema, Slots};
use super::nulls::{nullable_roots, propagate};
use super::reply::{Form, refused, reply};
use super::{ApiState, Observer, Schema, answer_schema, as_of, bill, console, export, guard, schema};
use crate::query::QueryError;
use crate::store::StoreError;
use async_graphql::parser::types::{OperationDefinition, OperationType};
use async_graphql::{Positioned, Request, Value, Variables};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Query, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// What requests are answered by.
pub struct Api {
    /// What answers are read from.
    pub state: ApiState,
    schema: Schema,
    /// Works out the answers of subscriptions.
    pub answers: AnswerSchema,
    prices: bill::Prices,
    requests: AtomicU64,
    /// Subscriptions at a time.
    pub slots: Slots,
    /// WebSockets at a time.
    pub sockets: Slots,
}

impl Api {
    /// A number for a request that brought no id of its own.
    pub fn next_id(&self) -> String {
        format!("{:x}", self.requests.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// What the fields of one request read from: the graph as of an instant (Unix ms), or as it is.
    ///
    /// # Errors
    /// When there is no such graph.
    pub async fn ask(&self, at_ms: Option<i64>) -> Result<Arc<Ask>, StoreError> {
        let state = &self.state;
        let snapshot = match at_ms {
            Some(at_ms) => state.store.snapshot_at(at_ms).await?,
            None => state.store.snapshot().await?,
        };
        let calls = match at_ms {
            Some(at_ms) => Arc::new(state.calls.book().as_of(at_ms)),
            None => state.calls.book(),
        };
        Ok(Arc::new(Ask::new(
            (Arc::clone(&state.store), snapshot),
            (state.status.all(), state.status.events().clone()),
            ((state.clock)(), at_ms),
            state.limits.clone(),
            (state.owners.book(), calls),
        )))
    }
}

/// The routes of the API.
pub fn router(state: ApiState) -> Router {
    let api = Arc::new(Api {
        schema: schema(&state.limits),
        answers: answer_schema(&state.limits),
        prices: bill::Prices::of::<super::root::Query, super::mutation::Mutation, live::Subscription>(),
        requests: AtomicU64::new(0),
        slots: Slots::new("subscriptions", state.limits.subscriptions),
        sockets: Slots::new("WebSockets", state.limits.subscriptions),
        state,
    });
    let files = export::router(Arc::clone(&api.state.exports));
    Router::new()
        .route("/graphql", get(by_get).post(by_post).fallback(other_method))
        .merge(console::router())
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new())
        .with_state(Arc::clone(&api))
        // Not compressed on the way: a range is of the file's own bytes.
        .merge(files)
        .layer(middleware::from_fn_with_state(api, guarded))
}

async fn guarded(State(api): State<Arc<Api>>, request: HttpRequest, next: Next) -> Response {
    match guard::check(api.state.hosts.as_deref(), request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(StatusCode::FORBIDDEN, refusal, Form::Json),
    }
}

fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or(cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = cause.unwrap_or("unknown"), "a request panicked");
    let message = "something went wrong inside; the log tells more";
    let refusal = Refusal::new(Code::Internal, message);
    refused(StatusCode::INTERNAL_SERVER_ERROR, refusal, Form::Json)
}

async fn other_method() -> Response {
    let message = "send queries by POST with a JSON body, or by GET";
    let refusal = Refusal::new(Code::BadUserInput, message);
    let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, refusal, Form::Json);
    let allowed = HeaderValue::from_static("GET, POST");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
}

async fn by_get(
    State(api): State<Arc<Api>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
    Query(given): Query<Parameters>,
) -> Response {
    let form = Form::of(&headers);
    if let Ok(upgrade) = upgrade {
        return upgraded(api, upgrade);
    }
    let Some(query) = given.query else {
        let message = "no query: send ?query=…, or POST {\"query\": \"…\"}; the console is at /graphiql";
        return refused(
            StatusCode::BAD_REQUEST,
            Refusal::new(Code::BadUserInput, message),
            form,
        );
    };
    let variables = given.variables.filter(|text| !text.is_empty());
    let variables = match variables.map(|text| serde_json::from_str(&text)).transpose() {
        Ok(variables) => variables,
        Err(e) => {
            let refusal = Refusal::new(Code::BadUserInput, format!("`variables` is no JSON object: {e}"));
            return refused(StatusCode::BAD_REQUEST, refusal, form);
        }
    };
    let question = Question {
        query,
        operation_name: given.operation_name,
        variables,
        safe: true,
    };
    answer(&api, &headers, form, question).await
}

async fn by_post(State(api): State<Arc<Api>>, headers: HeaderMap, body: Body) -> Response {
    let form = Form::of(&headers);
    let limit = api.state.limits.body_bytes;
    match question(&headers, body, limit).await {
        Ok(question) => answer(&api, &headers, form, question).await,
        Err((status, refusal)) => refused(status, refusal, form),
    }
}

/// Speaks over a WebSocket from now on.
fn upgraded(api: Arc<Api>, upgrade: WebSocketUpgrade) -> Response {
    let limit = api.state.limits.body_bytes;
    let upgrade = upgrade
        .protocols([live::PROTOCOL])
        .max_message_size(limit)
        .max_frame_size(limit);
    if upgrade.selected_protocol().is_none() {
        let message = format!(
            "a WebSocket here speaks {}; ask for it in Sec-WebSocket-Protocol",
            live::PROTOCOL
        );
        let refusal = Refusal::new(Code::BadUserInput, message);
        return refused(StatusCode::BAD_REQUEST, refusal, Form::Json);
    }
    match api.sockets.take() {
        Ok(slot) => upgrade.on_upgrade(move |socket| live::socket(api, socket, slot)),
        Err(refusal) => {
            api.state.observer.refused(refusal.code);
            refused(StatusCode::TOO_MANY_REQUESTS, refusal, Form::Json)
        }
    }
}

/// Whether a caller takes server-sent events.
fn takes_events(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    let mut types = accepts.flat_map(|v| v.to_str().unwrap_or_default().split(','));
    types.any(|t| {
        t.split(';')
            .next()
            .is_some_and(|t| t.trim() == "text/event-stream")
    })
}

/// Sends a subscription's answers as events. A browser that connects again says which event it saw last.
fn streamed(api: &Arc<Api>, headers: &HeaderMap, question: Question) -> Response {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let last = last.filter(|id| !id.is_empty()).map(str::to_owned);
    let id = request_id(api, headers);
    let begun = prepare(api, question).and_then(|prepared| live::Stream::begin(api, prepared, last, id));
    match begun {
        Ok(subscription) => live::events(api, subscription),
        Err(refusal) => {
            api.state.observer.refused(refusal.code);
            let status = match refusal.code {
                Code::TooManySubscriptions => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            };
            refused(status, refusal, Form::Graphql)
        }
    }
}

/// What a caller sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The document.
    pub query: String,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Option<serde_json::Map<String, serde_json::Value>>,
    /// It came by a method that must have no effect.
    #[serde(skip)]
    pub safe: bool,
}

async fn question(headers: &HeaderMap, body: Body, limit: usize) -> Result<Question, (StatusCode, Refusal)> {
    let content = headers.get(header::CONTENT_TYPE);
    let content = content.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let message = format!("the body is {content:?}; send application/json");
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::new(Code::BadUserInput, message),
        ));
    }
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let too_large = |bytes: usize| {
        let refusal = Refusal::over(
            Code::BadUserInput,
            "bodyBytes",
            "the body has too many bytes",
            limit,
            bytes,
            "send a shorter query or fewer variables",
        );
        (StatusCode::PAYLOAD_TOO_LARGE, refusal)
    };
    if let Some(bytes) = announced.filter(|bytes| *bytes > limit) {
        return Err(too_large(bytes));
    }
    let bytes: Bytes = axum::body::to_bytes(body, limit)
        .await
        .map_err(|_| too_large(limit + 1))?;
    let bad = |message: String| (StatusCode::BAD_REQUEST, Refusal::new(Code::BadUserInput, message));
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|e| bad(format!("the body is no JSON: {e}")))?;
    if value.is_array() {
        return Err(bad(
            "batches are not taken: send one request for each query, or one query with several fields".into(),
        ));
    }
    serde_json::from_value(value).map_err(|e| {
        bad(format!(
            "the body is no GraphQL request, {{\"query\": \"…\", \"variables\": {{…}}}}: {e}"
        ))
    })
}

async fn answer(api: &Arc<Api>, headers: &HeaderMap, form: Form, question: Question) -> Response {
    if takes_events(headers) {
        return streamed(api, headers, question);
    }
    let request_id = request_id(api, headers);
    let (state, started) = (&api.state, Instant::now());
    let operation = question.operation_name.clone();
    let Prepared {
        request,
        nullable,
        at_ms,
    } = match prepare(api, question) {
        Ok(prepared) => prepared,
        Err(refusal) => {
            state.observer.refused(refusal.code);
            return refused(form.status(StatusCode::BAD_REQUEST), refusal, form);
        }
    };
    let work = async {
        let ask = api.ask(at_ms).await?;
        let request = request
            .data(Arc::clone(&ask))
            .data(Arc::clone(&state.owners))
            .data(Arc::clone(&state.exports));
        let response = api.schema.execute(request).await;
        let freshness = ask.freshness(|_, _| true).to_extension();
        Ok::<_, StoreError>((response, freshness))
    };
    let waited_for = WaitedFor(Some(&*state.observer));
    let done = tokio::time::timeout(state.limits.time, work).await;
    waited_for.until_the_end();
    let (mut response, freshness) = match done {
        Ok(Ok(done)) => done,
        Ok(Err(failed)) => {
            // An instant that cannot be asked about is the caller's matter.
            let telling = match failed {
                StoreError::HistoryExpired { .. } | StoreError::Future { .. } => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            let mut errors = [async_graphql::Error::from(QueryError::from(failed))
                .into_server_error(async_graphql::Pos::default())];
            error::finish(&mut errors, &request_id);
            state
                .observer
                .ran(operation.as_deref(), false, true, started.elapsed());
            return reply(form.status(telling), form, None, &errors, None);
        }
        Err(_) => {
            let limit = state.limits.time.as_secs_f64();
            let message = format!(
                "the query took longer than the limit of {limit} s and was ended; ask for smaller pages, a narrower filter or fewer levels"
            );
            let mut refusal = Refusal::new(Code::Timeout, message);
            let limit_ms = state.limits.time.as_millis() as usize;
            state.observer.refused(refusal.code);
            refusal.limit = Some(("timeMs", limit_ms, limit_ms));
            return refused(form.status(StatusCode::GATEWAY_TIMEOUT), refusal, form);
        }
    };
    propagate(&mut response, &nullable);
    // The library tells some errors twice.
    response.errors.dedup();
    error::finish(&mut response.errors, &request_id);
    // What was refused before it ran has no data at all, and tells so by its status.
    let ran = response.data != Value::Null || response.errors.iter().any(|e| !e.path.is_empty());
    let (status, data) = if ran {
        let (data, errors) = (response.data != Value::Null, !response.errors.is_empty());
        state
            .observer
            .ran(operation.as_deref(), data, errors, started.elapsed());
        (StatusCode::OK, Some(&response.data))
    } else {
        state.observer.refused(Code::BadUserInput);
        (form.status(StatusCode::BAD_REQUEST), None)
    };
    reply(status, form, data, &response.errors, Some(freshness))
}

/// Somebody waits for an answer. Where that client goes away, the server drops the work, and this with it.
struct WaitedFor<'a>(Option<&'a dyn Observer>);

impl WaitedFor<'_> {
    fn until_the_end(mut self) {
        self.0 = None;
    }
}

impl Drop for WaitedFor<'_> {
    fn drop(&mut self) {
        if let Some(observer) = self.0 {
            observer.abandoned();
        }
    }
}

/// A request that may run.
pub struct Prepared {
    /// The request itself.
    pub request: Request,
    /// Its root fields that may be null.
    nullable: Vec<String>,
    /// The instant that it asks about, in Unix ms; none for the present.
    at_ms: Option<i64>,
}

/// Parses the document and checks its limits.
///
/// # Errors
/// When it is over one, or is none to be asked so.
pub fn prepare(api: &Api, question: Question) -> Result<Prepared, Refusal> {
    let limits = &api.state.limits;
    let nesting = nesting(&question.query);
    if nesting > limits.recursion {
        return Err(Refusal::over(
            Code::DepthExceeded,
            "recursion",
            "the document's brackets are nested too deep",
            limits.recursion,
            nesting,
            "ask in several queries",
        ));
    }
    let variables = serde_json::Value::Object(question.variables.unwrap_or_default());
    let mut request = Request::new(question.query).variables(Variables::from_json(variables));
    request.operation_name = question.operation_name;
    let (name, variables) = (request.operation_name.clone(), request.variables.clone());
    // A document that does not parse is refused by execution, in GraphQL's own words and with the place.
    let (mut nullable, mut at_ms) = (Vec::new(), None);
    if let Ok(document) = request.parsed_query() {
        let changes = |(_, o): (_, &Positioned<OperationDefinition>)| o.node.ty == OperationType::Mutation;
        if question.safe && document.operations.iter().any(changes) {
            return Err(Refusal::new(
                Code::BadUserInput,
                "a GET changes nothing: send mutations by POST with a JSON body",
            ));
        }
        bill::check(&api.prices, limits, document, name.as_deref(), &variables)?;
        nullable = nullable_roots(document);
        at_ms = as_of::instant(document, name.as_deref(), &variables)?;
    }
    Ok(Prepared {
        request,
        nullable,
        at_ms,
    })
}

/// How deep brackets are nested outside of strings and comments: the parser recurses that deep.
fn nesting(query: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = query;
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '#' => rest.find(['\n', '\r']).map_or("", |end| &rest[end..]),
            '"' => after_string(rest),
            _ => {
                match next {
                    '{' | '[' | '(' => depth += 1,
                    '}' | ']' | ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                deepest = deepest.max(depth);
                &rest[next.len_utf8()..]
            }
        };
    }
    deepest
}

/// What follows the string that `text` starts with.
fn after_string(text: &str) -> &str {
    let (quote, escape) = if text.starts_with(r#"""""#) {
        (r#"""""#, r#"\""""#)
    } else {
        (r#"""#, r"\")
    };
    let mut rest = &text[quote.len()..];
    loop {
        let Some(end) = rest.find(quote) else {
            return "";
        };
        match rest.find(escape).filter(|at| *at < end) {
            // An escaped backslash or quote in a string is two characters; in a block string only `\"""` is special.
            Some(at) => {
                let skipped = at + escape.len() + usize::from(quote.len() == 1);
                rest = rest.get(skipped..).unwrap_or_default();
            }
            None => return &rest[end + quote.len()..],
        }
    }
}

/// The caller's own id where it sent a plain one, else a number.
fn request_id(api: &Api, headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|v| v.to_str().ok());
    let plain = |id: &&str| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    given.filter(plain).map_or_else(|| api.next_id(), str::to_owned)
}
