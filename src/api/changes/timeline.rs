//! How much changed when, as callers see it.

use super::ChangeFilter;
use crate::api::ask::Ask;
use crate::api::connection::freshness_as_of;
use crate::api::freshness::Freshness;
use crate::api::graph::within;
use crate::api::instant::Instant;
use crate::query::QueryError;
use crate::query::timeline;
use async_graphql::{Context, SimpleObject};

/// A span of time with what changed in it.
#[derive(SimpleObject)]
pub struct TimelineBucket {
    /// Its first millisecond.
    from: Instant,
    /// Assets that came to be.
    created: u64,
    /// Assets that changed.
    updated: u64,
    /// Assets that went.
    deleted: u64,
    /// Assets of which only the edges changed.
    redrawn: u64,
}

/// How much changed when.
#[derive(SimpleObject)]
pub struct Timeline {
    /// Where the window begins.
    from: Instant,
    /// Where it ends.
    to: Instant,
    /// How long each bucket is; the last one may reach beyond the window.
    bucket_seconds: f64,
    /// The buckets, the oldest first.
    buckets: Vec<TimelineBucket>,
    /// What changed before this instant was not counted, there was too much; null where all was.
    counted_from: Option<Instant>,
    /// How fresh it is, as of the end of the window.
    freshness: Freshness,
}

impl Timeline {
    /// The timeline that a filter asks for.
    pub async fn read(
        ctx: &Context<'_>,
        filter: Option<ChangeFilter>,
        buckets: i32,
    ) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let number = within("buckets", buckets, 1, 500)?;
        let asked = filter.unwrap_or_default().read(ask).await?;
        let graph = ask.graph().await;
        let found = timeline::timeline(&*ask.store, graph, asked.window, &asked.wanted, number).await?;
        let bucket = |b: &timeline::Bucket| TimelineBucket {
            from: Instant(b.from_ms),
            created: b.created,
            updated: b.updated,
            deleted: b.deleted,
            redrawn: b.redrawn,
        };
        Ok(Self {
            from: Instant(asked.window.from_ms),
            to: Instant(asked.window.to_ms),
            bucket_seconds: found.bucket_ms as f64 / 1_000.0,
            buckets: found.buckets.iter().map(bucket).collect(),
            counted_from: found.counted_from_ms.map(Instant),
            freshness: freshness_as_of(ask, asked.until_ms, &asked.wanted.scope),
        })
    }
}
