//! Subscriptions: questions that are answered again when something happened. Each answer is worked out as one of a query
//! would be, from the graph as it is then and within the limits of one query, so nothing of a reader is kept between two
//! answers but how far it came.

mod course;
mod events;
mod slots;
mod socket;
mod stream;

pub use course::Course;
pub use events::events;
pub use slots::Slots;
pub use socket::{PROTOCOL, socket};
pub use stream::Stream;

use super::feed::{FeedFilter, FeedPage, Start};
use super::impact::{self, ImpactAnswer, ImpactInput};
use super::instant::Instant;
use super::sync::Sync;
use crate::query::QueryError;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Object, OutputType, Response, SubscriptionType,
};
use futures::stream::BoxStream;
use std::borrow::Cow;

/// What can be subscribed to.
pub struct Subscription;

/// What can be subscribed to, one field a subscription: over WebSockets (graphql-transport-ws) and server-sent events.
#[Object]
impl Subscription {
    /// What changes, as it is accepted, page by page. The first page comes at once, and one without changes whenever nothing
    /// happened for a while: its cursor says how far all was told. A reader that is too slow is cut off with SLOW_READER and
    /// goes on after its last cursor.
    async fn feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which changes; all but those of the status where left out.")] filter: Option<
            FeedFilter,
        >,
        #[graphql(desc = "After this cursor of a page.")] after: Option<String>,
        #[graphql(desc = "After what an answer with this `freshness { version }` showed.")] since: Option<
            String,
        >,
        #[graphql(desc = "From this instant on.")] from: Option<Instant>,
        #[graphql(desc = "How many changes a page at the most, 1 to 500.", default = 100)] first: i32,
    ) -> Result<FeedPage, QueryError> {
        FeedPage::read(ctx, filter, Start { after, since, from }, first).await
    }

    /// What breaks if this breaks, whenever the answer is another one than before; at most once a second. What is selected
    /// of `freshness` is part of the answer.
    async fn impact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What fails.")] input: ImpactInput,
    ) -> Result<ImpactAnswer, QueryError> {
        impact::ask(ctx, input).await
    }

    /// How the mirrors stand, whenever something that is selected changes; at most once a second.
    async fn sync(&self) -> Sync {
        Sync
    }
}

/// The schema that answers are worked out by: the subscriptions as if they were queries.
pub type AnswerSchema = async_graphql::Schema<Subscription, EmptyMutation, EmptySubscription>;

/// As the public schema shows it. It is never asked for a stream itself: `stream` works out each answer.
impl SubscriptionType for Subscription {
    fn type_name() -> Cow<'static, str> {
        <Self as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }

    fn create_field_stream<'a>(&'a self, _: &'a Context<'_>) -> Option<BoxStream<'a, Response>> {
        None
    }
}
