//! One request's view: one snapshot, one moment, so that all fields of an answer agree.

use super::cursor::Question;
use super::{ApiLimits, freshness};
use crate::query::dependencies::CallBook;
use crate::query::freshness::{Evidence, Freshness};
use crate::query::ownership::book::Book;
use crate::query::{QueryError, breathe};
use crate::store::{Record, Snapshot, Store};
use async_graphql::Context;
use planisphere_schema::{AssetId, ClusterId};
use planisphere_sync::events::RecentEvents;
use planisphere_sync::status::ClusterStatus;
use std::sync::Arc;

/// What every field of a request reads from.
pub struct Ask {
    snapshot: Arc<dyn Snapshot>,
    /// What the past is asked of.
    pub store: Arc<dyn Store>,
    /// How the mirrors stood when the request came.
    pub statuses: Vec<ClusterStatus>,
    /// What the clusters said of late.
    pub events: RecentEvents,
    /// When it came, in Unix ms.
    pub now_ms: i64,
    /// The instant that it asks about, in Unix ms; none for the present.
    pub at_ms: Option<i64>,
    /// What it may cost.
    pub limits: ApiLimits,
    /// The rules of ownership when it came.
    pub book: Arc<Book>,
    /// Who called whom when it came.
    pub calls: Arc<CallBook>,
}

impl Ask {
    /// A request that reads `snapshot`, which is the graph as of an instant where one is given beside the time.
    pub fn new(
        (store, snapshot): (Arc<dyn Store>, Arc<dyn Snapshot>),
        (statuses, events): (Vec<ClusterStatus>, RecentEvents),
        (now_ms, at_ms): (i64, Option<i64>),
        limits: ApiLimits,
        (book, calls): (Arc<Book>, Arc<CallBook>),
    ) -> Self {
        Self {
            snapshot,
            store,
            statuses,
            events,
            now_ms,
            at_ms,
            limits,
            book,
            calls,
        }
    }

    /// The request of this context.
    pub fn of<'a>(ctx: &'a Context<'_>) -> &'a Ask {
        ctx.data_unchecked::<Arc<Ask>>()
    }

    /// The graph; whoever asks for it gives way to others now and then.
    pub async fn graph(&self) -> &dyn Snapshot {
        breathe().await;
        &*self.snapshot
    }

    /// The moment that answers are about, in Unix ms: the one that was asked about, else when the request came.
    pub fn moment_ms(&self) -> i64 {
        self.at_ms.unwrap_or(self.now_ms)
    }

    /// A question as far as its cursors tell it from others. As of another instant, it is another question.
    pub fn question(&self, words: &impl std::fmt::Debug) -> Question {
        match self.at_ms {
            Some(at_ms) => Question::of(&(at_ms, words)),
            None => Question::of(words),
        }
    }

    /// The graph, for what outlives the request.
    pub fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// The clusters that the graph holds.
    pub fn clusters(&self) -> &[crate::store::ClusterState] {
        self.snapshot.clusters()
    }

    /// The freshness of the clusters for which `in_scope` holds of (name, identity where known).
    pub fn freshness(&self, in_scope: impl Fn(&str, Option<ClusterId>) -> bool) -> freshness::Freshness {
        self.freshness_as_of(self.at_ms, in_scope)
    }

    /// The same as of an instant, in Unix ms, where one is given.
    pub fn freshness_as_of(
        &self,
        at_ms: Option<i64>,
        in_scope: impl Fn(&str, Option<ClusterId>) -> bool,
    ) -> freshness::Freshness {
        freshness::Freshness(self.judge(at_ms, in_scope))
    }

    /// The freshness of one asset's cluster.
    pub fn freshness_at(&self, record: &Record) -> freshness::Freshness {
        let cluster = record.asset.reference.key().cluster;
        self.freshness(|_, id| id == Some(cluster))
    }

    fn judge(&self, at_ms: Option<i64>, in_scope: impl Fn(&str, Option<ClusterId>) -> bool) -> Freshness {
        Evidence {
            clusters: self.snapshot.clusters(),
            statuses: &self.statuses,
            now_ms: at_ms.unwrap_or(self.now_ms),
            past: at_ms.is_some(),
            bound_seconds: self.limits.stale_after_seconds,
        }
        .freshness(in_scope)
    }

    /// One asset by id.
    ///
    /// # Errors
    /// When the store fails or does not keep it.
    pub async fn record(&self, id: AssetId) -> Result<Arc<Record>, QueryError> {
        let found = self.graph().await.get(&[id]).await?.pop().flatten();
        found.ok_or(QueryError::Broken(id))
    }

    /// The page size that was asked for.
    ///
    /// # Errors
    /// When it is out of bounds.
    pub fn page(&self, first: i32) -> Result<usize, QueryError> {
        let most = self.limits.page;
        if !(0..=most).contains(&first) {
            return Err(QueryError::Input(format!(
                "`first` is {first}; it may be 0 to {most}"
            )));
        }
        Ok(first as usize)
    }
}
