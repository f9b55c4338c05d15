//! What differs between two instants, as callers see it.

use super::{EdgeChange, Ends};
use crate::api::ask::Ask;
use crate::api::asset::AssetNode;
use crate::api::connection::{PageInfo, freshness_as_of};
use crate::api::cursor::Question;
use crate::api::filter::{AssetFilter, selection};
use crate::api::freshness::Freshness;
use crate::api::history::FieldChange;
use crate::api::instant::Instant;
use crate::query::QueryError;
use crate::query::changes::ends;
use crate::query::diff::{self, Differences, diff};
use crate::query::window::Window;
use crate::store::{Filter, Position, Presence, Snapshot};
use async_graphql::{Context, Object};
use planisphere_schema::Op;
use std::sync::Arc;

/// A page of what differs.
pub struct DiffConnection {
    window: Window,
    until_ms: Option<i64>,
    scope: Filter,
    page: Differences,
    ends: Ends,
    question: Question,
}

/// Between which instants.
pub struct Between {
    /// The first.
    pub from: Instant,
    /// The second; none for now.
    pub to: Option<Instant>,
    /// Also what controllers and kubelets report.
    pub status: bool,
}

impl DiffConnection {
    /// The page of what differs among the assets of a scope.
    pub async fn read(
        ctx: &Context<'_>,
        scope: Option<AssetFilter>,
        between: Between,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        let to_ms = between.to.map(|to| to.0);
        let window = Window::read(&*ask.store, ask.now_ms, Some(between.from.0), to_ms).await?;
        let then = ask.store.snapshot_at(between.from.0).await?;
        let past = match to_ms {
            Some(to_ms) => Some(ask.store.snapshot_at(to_ms).await?),
            None => None,
        };
        let later: &dyn Snapshot = match &past {
            Some(past) => &**past,
            None => ask.graph().await,
        };
        let (scope, presence) = selection(later, scope, None).await?;
        if presence != Presence::Present {
            return Err(QueryError::Input("`dangling` has no place in `scope`".into()));
        }
        let question = ask.question(&("diff", &scope, between.from, to_ms, between.status));
        let after: Option<Position> = question.position("after", after)?;
        let page = diff((&*then, later), &scope, between.status, after, limit).await?;
        let mut links = Vec::new();
        for found in &page.found {
            links.extend(found.started.iter().chain(&found.ended).cloned());
        }
        let ends = ends(&[later, &*then], links, Vec::new()).await?;
        Ok(Self {
            window,
            until_ms: to_ms,
            scope,
            page,
            ends,
            question,
        })
    }
}

/// What differs between two instants, in the order of keys.
#[Object]
impl DiffConnection {
    /// The assets that differ.
    async fn nodes(&self) -> Vec<Difference<'_>> {
        let all = self.page.found.iter().map(|found| Difference {
            found,
            ends: &self.ends,
        });
        all.collect()
    }

    /// Where the page ends. It may end early, also empty, after a number of assets that do not differ: go on while there is more.
    async fn page_info(&self) -> PageInfo {
        let next = self.page.next.as_ref();
        PageInfo {
            has_next_page: next.is_some(),
            end_cursor: next.map(|place| self.question.cursor(place)),
        }
    }

    /// The first instant.
    async fn from(&self) -> Instant {
        Instant(self.window.from_ms)
    }

    /// The second instant.
    async fn to(&self) -> Instant {
        Instant(self.until_ms.unwrap_or(self.window.to_ms - 1))
    }

    /// An asset has more edges than were compared.
    async fn truncated(&self) -> bool {
        self.page.truncated
    }

    /// How fresh it is, as of the second instant.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        freshness_as_of(Ask::of(ctx), self.until_ms, &self.scope)
    }
}

/// An asset that differs.
pub struct Difference<'a> {
    found: &'a diff::Difference,
    ends: &'a Ends,
}

/// An asset that differs, or edges of it that do.
#[Object]
impl Difference<'_> {
    /// The asset at the second instant; of what is gone, at the first. Its edges, owners and history are those of now.
    async fn asset(&self) -> AssetNode {
        AssetNode::new(Arc::clone(&self.found.asset))
    }

    /// What the way from the first instant to the second did; null where only edges differ.
    async fn op(&self) -> Option<Op> {
        self.found.op
    }

    /// Another object stands under this name than at the first instant.
    async fn new_incarnation(&self) -> bool {
        self.found.incarnation
    }

    /// The fields that differ; none for what came or went.
    async fn fields(&self) -> Vec<FieldChange> {
        self.found.fields.iter().map(FieldChange::of).collect()
    }

    /// Edges from it that came to be.
    async fn edges_started(&self) -> Vec<EdgeChange> {
        EdgeChange::all(&self.found.started, self.ends)
    }

    /// Edges from it that ended.
    async fn edges_ended(&self) -> Vec<EdgeChange> {
        EdgeChange::all(&self.found.ended, self.ends)
    }
}
