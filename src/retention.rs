//! Keeps history within an age and a size: step by step, between the batches of ingest, until asked to stop. It sees the
//! store's contract and a clock, and knows neither questions nor Kubernetes.

use crate::store::{Extent, Store, StoreError};
use planisphere_schema::Time;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Changes that go in one transaction of the store: a few milliseconds for which ingest may wait.
const CHUNK: usize = 2_000;
/// Of the time from the oldest instant to the last hour, the part that goes in one step where the size is too large.
const STEP: i64 = 32;

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Changes from longer ago go; none keeps them.
    pub max_age: Option<Duration>,
    /// While graph and history take more bytes than this, the oldest changes go; none keeps them.
    pub max_bytes: Option<u64>,
    /// What size alone never takes: without it, a graph larger than the bound would have no past at all.
    pub spared: Duration,
    /// How often it is looked.
    pub every: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Some(Duration::from_secs(14 * 86_400)),
            max_bytes: Some(8 << 30),
            spared: Duration::from_secs(3_600),
            every: Duration::from_secs(60),
        }
    }
}

/// Keeps the store's history within bounds until cancelled. `told` learns after each round how far history reaches.
pub async fn run(
    retention: Retention,
    store: Arc<dyn Store>,
    clock: impl Fn() -> i64 + Send,
    told: impl Fn(Extent) + Send,
    cancel: CancellationToken,
) {
    while !cancel.is_cancelled() {
        // What stays undone is done in the next round.
        match round(&retention, &*store, clock(), &cancel).await {
            Ok(extent) => told(extent),
            Err(error) => tracing::warn!(%error, "history could not be shortened; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(retention.every) => {}
            () = cancel.cancelled() => {}
        }
    }
}

/// Shortens history once; tells how far it reaches then.
///
/// # Errors
/// When the store fails; what went until then is gone.
pub async fn round(
    retention: &Retention,
    store: &dyn Store,
    now_ms: i64,
    cancel: &CancellationToken,
) -> Result<Extent, StoreError> {
    let before = store.extent().await?;
    if let Some(age) = retention.max_age {
        forget(store, now_ms.saturating_sub(millis(age)), cancel).await?;
    }
    if let Some(most) = retention.max_bytes {
        let last_ms = now_ms.saturating_sub(millis(retention.spared));
        loop {
            let extent = store.extent().await?;
            let Some(oldest_ms) = extent.oldest_ms.filter(|_| extent.bytes > most) else {
                break;
            };
            if oldest_ms >= last_ms || cancel.is_cancelled() {
                tracing::warn!(
                    bytes = extent.bytes,
                    most,
                    "the graph with the history that is always kept takes more than it may"
                );
                break;
            }
            let step = ((last_ms - oldest_ms) / STEP).max(1_000);
            forget(store, last_ms.min(oldest_ms + step), cancel).await?;
        }
    }
    while !cancel.is_cancelled() && store.compact().await? {
        tokio::task::yield_now().await;
    }
    let after = store.extent().await?;
    if after.changes < before.changes {
        let since = after.oldest_ms.map(|ms| Time::from_unix_ms(ms).to_string());
        tracing::info!(
            removed = before.changes - after.changes,
            since,
            "history was shortened"
        );
    }
    Ok(after)
}

/// Removes what is from before an instant, where there is any.
async fn forget(store: &dyn Store, oldest_ms: i64, cancel: &CancellationToken) -> Result<(), StoreError> {
    let reaches_back = |oldest: i64| oldest < oldest_ms;
    if !store.extent().await?.oldest_ms.is_some_and(reaches_back) {
        return Ok(());
    }
    while !cancel.is_cancelled() {
        let began = tokio::time::Instant::now();
        if !store.retain(oldest_ms, CHUNK).await?.more {
            break;
        }
        // Half of the time at the least is left to ingest.
        tokio::time::sleep(began.elapsed()).await;
    }
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
