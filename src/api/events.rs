//! What clusters said of late about an asset: Kubernetes' Events, as far as they are kept in memory.

use super::ask::Ask;
use crate::query::QueryError;
use crate::store::Record;
use async_graphql::SimpleObject;
use planisphere_schema::{Coverage, Time};

/// One thing that was said of an asset.
#[derive(SimpleObject)]
pub struct RecentEvent {
    /// Normal or Warning.
    #[graphql(name = "type")]
    kind: String,
    /// One word for machines: `FailedScheduling`.
    reason: String,
    /// Words for people, as somebody in the cluster wrote them; in one line, and without credentials in URLs.
    note: String,
    /// The note was longer.
    note_cut: bool,
    /// What was done or failed; null where it does not say.
    action: Option<String>,
    /// Who says so: `default-scheduler`.
    reporting_controller: Option<String>,
    /// How often it happened.
    count: u32,
    /// When it happened first, as the cluster claims.
    first_at: Option<Time>,
    /// When it happened last, as the cluster claims.
    last_at: Option<Time>,
    /// It is about an earlier incarnation of the asset: another object of the same name.
    stale: bool,
}

/// What was said of an asset of late.
#[derive(SimpleObject)]
pub struct RecentEvents {
    /// The latest first.
    nodes: Vec<RecentEvent>,
    /// How many are kept of it. Older ones, and those of a storm, are not.
    total_count: i32,
    /// What of the cluster's Events we may see; null until it told.
    coverage: Option<Coverage>,
}

impl RecentEvents {
    /// Those of an asset; none where the question is as of an instant: only what is recent is known.
    ///
    /// # Errors
    /// When `first` is out of bounds.
    pub fn read(ask: &Ask, at: &Record, first: i32) -> Result<Option<Self>, QueryError> {
        let first = ask.page(first)?;
        if ask.at_ms.is_some() {
            return Ok(None);
        }
        let reference = &at.asset.reference;
        let cluster = reference.key().cluster;
        let all = ask.events.of(cluster, reference.id(), ask.now_ms);
        let known = |id: &planisphere_schema::Cluster| id.id == cluster;
        let status = ask
            .statuses
            .iter()
            .find(|s| s.cluster.as_ref().is_some_and(known));
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let other = |uid: uuid::Uuid| !uid.is_nil() && !at.asset.uid.is_nil() && uid != at.asset.uid;
        Ok(Some(Self {
            total_count: i32::try_from(all.len()).unwrap_or(i32::MAX),
            coverage: status.and_then(|s| s.events.coverage),
            nodes: all
                .iter()
                .take(first)
                .map(|event| RecentEvent {
                    kind: event.kind.clone(),
                    reason: event.reason.clone(),
                    note: event.note.clone(),
                    note_cut: event.note_cut,
                    action: text(&event.action),
                    reporting_controller: text(&event.controller),
                    count: event.count,
                    first_at: event.first,
                    last_at: event.last,
                    stale: other(event.regarding),
                })
                .collect(),
        }))
    }
}
