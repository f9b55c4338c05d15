//! One subscription: when it is answered again, and which answers are told. Knows no transport.

use super::course::Course;
use super::slots::Slot;
use crate::api::as_of;
use crate::api::error::{self, Code, Refusal};
use crate::api::http::{Api, Prepared};
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Pos, Request, Response, Value, Variables};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// What happens within this time after a change goes into the same page.
const GATHER: Duration = Duration::from_millis(20);
/// An answer that is not the feed is worked out this often at the most.
const AGAIN: Duration = Duration::from_secs(1);

/// What is told to a reader.
#[derive(Debug)]
pub struct Told {
    /// The answer.
    pub response: Response,
    /// Where the feed goes on behind it; none of other subscriptions.
    pub cursor: Option<String>,
}

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Each page that has changes, and one without now and then.
    Feed,
    /// An answer, whenever it differs, looked at when the graph changed.
    Graph,
    /// An answer, whenever it differs, looked at all the time.
    Always,
}

/// A subscription that runs.
pub struct Stream {
    api: Arc<Api>,
    document: ExecutableDocument,
    operation: Option<String>,
    variables: Variables,
    kind: Kind,
    course: Course,
    published: watch::Receiver<u64>,
    told: Option<Value>,
    told_at: Instant,
    ended: bool,
    id: String,
    _slot: Slot,
}

impl Stream {
    /// Begins a subscription, which has passed the checks that every request passes; the feed behind a cursor, where one is
    /// given.
    ///
    /// # Errors
    /// When it is none, or there are too many already.
    pub fn begin(
        api: &Arc<Api>,
        prepared: Prepared,
        begins: Option<String>,
        id: String,
    ) -> Result<Self, Refusal> {
        let mut request = prepared.request;
        let document = request.parsed_query().cloned();
        let mut document = document.map_err(|e| Refusal::new(Code::BadUserInput, e.message))?;
        let operation = request.operation_name.clone();
        let kind = turned_into_a_query(&mut document, operation.as_deref())?;
        Ok(Self {
            document,
            operation,
            variables: request.variables,
            kind,
            course: Course::beginning(begins),
            published: api.state.store.published(),
            told: None,
            told_at: Instant::now(),
            ended: false,
            id,
            _slot: api.slots.take()?,
            api: Arc::clone(api),
        })
    }

    /// The next answer; none when it has ended. It ends after an error, and when the server stops.
    pub async fn next(&mut self) -> Option<Told> {
        let cancel = self.api.state.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            told = self.answer() => told,
        }
    }

    async fn answer(&mut self) -> Option<Told> {
        if self.ended {
            return None;
        }
        let heartbeat = self.api.state.limits.heartbeat;
        if self.kind != Kind::Feed && self.told.is_some() {
            sleep(AGAIN).await;
        }
        loop {
            self.published.borrow_and_update();
            let response = self.execute().await;
            self.ended = !response.errors.is_empty();
            let passed = self.course.last();
            let due = self.told_at + heartbeat;
            let first = self.told.is_none();
            let wanted = match (&passed, self.kind) {
                (Some(passed), Kind::Feed) => passed.changes > 0 || Instant::now() >= due,
                _ => self.told.as_ref() != Some(&response.data),
            };
            if wanted || first || self.ended {
                self.told = Some(match self.kind {
                    Kind::Feed => Value::Null,
                    _ => response.data.clone(),
                });
                self.told_at = Instant::now();
                let cursor = passed.map(|passed| passed.cursor);
                return Some(Told { response, cursor });
            }
            match self.kind {
                Kind::Feed if passed.is_some_and(|passed| passed.more) => tokio::task::yield_now().await,
                Kind::Feed => {
                    tokio::select! {
                        // The store stops with the process, and then so do we.
                        _ = self.published.changed() => sleep(GATHER).await,
                        () = sleep_until(due) => {}
                    }
                }
                Kind::Graph => {
                    // Owners and calls change without the graph.
                    let _ = timeout(heartbeat, self.published.changed()).await;
                    sleep(AGAIN).await;
                }
                Kind::Always => sleep(AGAIN).await,
            }
        }
    }

    /// Works the answer out, as that of one query.
    async fn execute(&self) -> Response {
        let state = &self.api.state;
        let work = async {
            let ask = self.api.ask(None).await?;
            let mut request = Request::new("").variables(self.variables.clone());
            request.operation_name = self.operation.clone();
            request.set_parsed_query(self.document.clone());
            let request = request.data(ask).data(self.course.clone());
            Ok::<_, crate::store::StoreError>(self.api.answers.execute(request).await)
        };
        let mut response = match timeout(state.limits.time, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(failed)) => {
                let error = async_graphql::Error::from(crate::query::QueryError::from(failed));
                Response::from_errors(vec![error.into_server_error(Pos::default())])
            }
            Err(_) => {
                let message = "an answer took longer than one query may; ask for less";
                let refusal = Refusal::new(Code::Timeout, message);
                state.observer.refused(refusal.code);
                Response::from_errors(vec![refusal.into_error()])
            }
        };
        response.errors.dedup();
        error::finish(&mut response.errors, &self.id);
        if !response.errors.is_empty() {
            response.data = Value::Null;
        }
        response
    }
}

/// Makes a query of a subscription that has one field; tells what it is about.
fn turned_into_a_query(document: &mut ExecutableDocument, operation: Option<&str>) -> Result<Kind, Refusal> {
    let bad = |message: &str| Refusal::new(Code::BadUserInput, message);
    let roots = as_of::roots(document, operation);
    let kind = match roots.as_slice() {
        [one] => match one.as_str() {
            "feed" => Kind::Feed,
            "impact" => Kind::Graph,
            "sync" => Kind::Always,
            _ => return Err(bad("there are the subscriptions feed, impact and sync")),
        },
        _ => return Err(bad("a subscription has one field at its root")),
    };
    let named = |name: Option<&async_graphql::Name>| {
        operation.is_none() || name.map(async_graphql::Name::as_str) == operation
    };
    let chosen = match &mut document.operations {
        DocumentOperations::Single(one) => Some(one),
        DocumentOperations::Multiple(all) => {
            let mut all = all.iter_mut();
            all.find(|(name, _)| named(Some(name))).map(|(_, one)| one)
        }
    };
    if let Some(definition) = chosen {
        if definition.node.ty != OperationType::Subscription {
            return Err(bad("this is no subscription; send queries and mutations by POST"));
        }
        definition.node.ty = OperationType::Query;
    }
    Ok(kind)
}
