//! The GraphQL API: newtypes around the answers of the query room, served over HTTP.
//! It reads the [`Store`] contract and the mirrors' status; it never sees a store's inside, Kubernetes or Cypher.

mod as_of;
mod ask;
mod asset;
mod bill;
mod changes;
mod connection;
mod console;
mod cursor;
mod edge;
mod error;
mod events;
mod export;
mod feed;
mod filter;
mod freshness;
mod graph;
mod guard;
mod history;
mod http;
mod impact;
mod instances;
mod instant;
mod kinds;
mod limits;
mod live;
mod mutation;
mod nulls;
mod ownership;
mod reference;
mod reply;
mod rollouts;
mod root;
mod shortcuts;
mod sync;
mod workloads;

pub use error::Code;
pub use limits::ApiLimits;

use crate::calls::Calls;
use crate::export::desk::Desk;
use crate::owners::Owners;
use crate::store::Store;
use async_graphql::{EmptyMutation, EmptySubscription, SDLExportOptions};
use planisphere_sync::status::SyncStatus;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Tells the time in Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Learns how requests went, for whoever measures.
pub trait Observer: Send + Sync + 'static {
    /// A request ran: with data, without, or with data and errors.
    fn ran(&self, operation: Option<&str>, data: bool, errors: bool, took: Duration);
    /// A request was refused, or stopped at a limit.
    fn refused(&self, code: Code);
    /// Whoever asked went away before the answer, and the work for it ended there.
    fn abandoned(&self);
}

/// An observer that takes no notes.
impl Observer for () {
    fn ran(&self, _: Option<&str>, _: bool, _: bool, _: Duration) {}
    fn refused(&self, _: Code) {}
    fn abandoned(&self) {}
}

/// What the API answers from.
#[derive(Clone)]
pub struct ApiState {
    /// Learns how requests went.
    pub observer: Arc<dyn Observer>,
    /// The graph.
    pub store: Arc<dyn Store>,
    /// How the mirrors stand.
    pub status: SyncStatus,
    /// Who answers for what.
    pub owners: Arc<Owners>,
    /// Who calls whom.
    pub calls: Arc<Calls>,
    /// Where exports are kept.
    pub exports: Arc<Desk>,
    /// The time.
    pub clock: Clock,
    /// Ends subscriptions when the server stops.
    pub cancel: CancellationToken,
    /// What a request may cost.
    pub limits: ApiLimits,
    /// Host names under which the API may be addressed, without ports; none takes every name. On loopback this must be
    /// given ([`LOOPBACK_HOSTS`]), else a web page could reach the API by rebinding its own name.
    pub hosts: Option<Vec<String>>,
}

/// The names of this machine for itself.
pub const LOOPBACK_HOSTS: &[&str] = &["localhost", "127.0.0.1", "[::1]"];

pub(crate) type Schema = async_graphql::Schema<root::Query, mutation::Mutation, live::Subscription>;

fn schema(limits: &ApiLimits) -> Schema {
    async_graphql::Schema::build(root::Query, mutation::Mutation, live::Subscription)
        .limit_recursive_depth(limits.recursion)
        .limit_directives(limits.directives)
        .finish()
}

/// The schema by which the answers of subscriptions are worked out.
fn answer_schema(limits: &ApiLimits) -> live::AnswerSchema {
    async_graphql::Schema::build(live::Subscription, EmptyMutation, EmptySubscription)
        .limit_recursive_depth(limits.recursion)
        .limit_directives(limits.directives)
        .finish()
}

/// The routes of the API: `/graphql` and the console at `/graphiql`, which `/` leads to.
pub fn router(state: ApiState) -> axum::Router {
    http::router(state)
}

/// The schema in GraphQL's definition language, as it is committed under `schema/graphql`.
pub fn schema_sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions();
    schema(&ApiLimits::default()).sdl_with_options(options)
}
