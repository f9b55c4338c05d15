//! The history of an asset as callers see it.

use super::ask::Ask;
use super::connection::PageInfo;
use super::cursor::Question;
use super::freshness::Freshness;
use crate::query::QueryError;
use crate::query::history::{self, Entry, History};
use crate::store::Record;
use async_graphql::{Context, Json, Object, SimpleObject};
use planisphere_schema::change::How;
use planisphere_schema::{Op, Time, Version};
use std::sync::Arc;

/// A field that differs between two states.
#[derive(SimpleObject)]
pub struct FieldChange {
    /// Its path, dotted: `phase`, `containers.0.image`, `labels.app`.
    path: String,
    /// The value before; null where there was none.
    before: Json<serde_json::Value>,
    /// The value after; null where there is none.
    after: Json<serde_json::Value>,
}

/// One change of an asset.
#[derive(SimpleObject)]
pub struct Change {
    /// Its place: give it as `before`.
    cursor: String,
    /// What happened.
    op: Op,
    /// When it was learnt.
    at: Time,
    /// The version at which it happened.
    version: String,
    /// How it was learnt. By a list: it may have happened at any time since `lastSeenAt`.
    how: How,
    /// When the asset was last known to be as before, where that is not the moment itself.
    last_seen_at: Option<Time>,
    /// The fields that differ; none for a creation or deletion.
    fields: Vec<FieldChange>,
}

/// A page of an asset's history.
pub struct HistoryConnection {
    at: Arc<Record>,
    page: History,
    question: Question,
}

impl HistoryConnection {
    /// The page of the history of `at`.
    pub async fn read(
        ask: &Ask,
        at: &Arc<Record>,
        first: i32,
        before: Option<&str>,
    ) -> Result<Self, QueryError> {
        let question = ask.question(&("history", at.asset.reference.id()));
        let before: Option<Version> = question.position("before", before)?;
        let limit = ask.page(first)?;
        let page = history::history(ask.graph().await, at, before, limit).await?;
        Ok(Self {
            at: Arc::clone(at),
            page,
            question,
        })
    }

    fn cursor(&self, entry: &Entry) -> String {
        self.question.cursor(&entry.revision.version)
    }
}

/// What happened to an asset, newest first.
#[Object]
impl HistoryConnection {
    /// The changes.
    async fn nodes(&self) -> Vec<Change> {
        let all = self.page.entries.iter().map(|entry| Change {
            cursor: self.cursor(entry),
            op: entry.revision.op,
            at: entry.revision.version.time(),
            version: entry.revision.version.0.to_string(),
            how: entry.revision.how,
            last_seen_at: entry.revision.last_seen_ms.map(Time::from_unix_ms),
            fields: entry.fields.iter().map(FieldChange::of).collect(),
        });
        all.collect()
    }

    /// Where the page ends; `endCursor` goes into `before`.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.more,
            end_cursor: self.page.entries.last().map(|e| self.cursor(e)),
        }
    }

    /// How fresh it is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        Ask::of(ctx).freshness_at(&self.at)
    }
}

impl FieldChange {
    fn of(change: &planisphere_schema::FieldChange) -> Self {
        Self {
            path: change.path.clone(),
            before: Json(change.before.clone()),
            after: Json(change.after.clone()),
        }
    }
}
