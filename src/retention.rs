//! Keeps history within an age and a size: step by step, between the batches of ingest, until asked to stop. It sees the
//! store's contract and a clock, and knows neither questions nor Kubernetes.

use crate::store::{Extent, Store, StoreError};
use planisphere_schema::Time;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Changes that go in one transaction of the store: a few milliseconds for which ingest may wait.
const CHUNK: usize = 2_000;
/// Of the time from the oldest instant to the last hour, the part that goes in one step where the size is too large.
const STEP: i64 = 32;
/// A clock that is ahead of what has passed by more was set, or stood still while the machine slept.
const SET: Duration = Duration::from_secs(3_600);
/// So long must a clock that was set forward stand before history is measured by it: what went cannot come back.
const PROBATION: Duration = Duration::from_secs(86_400);

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
    let oldest_ms = store.extent().await.ok().and_then(|extent| extent.oldest_ms);
    // By age, history reaches back from when it was last shortened: so late it was then, whatever the clock says now.
    let shortened_ms = retention.max_age.zip(oldest_ms);
    let shortened_ms = shortened_ms.map(|(age, oldest_ms)| oldest_ms.saturating_add(millis(age)));
    let mut believed = Believed::new(clock(), shortened_ms);
    let mut held = false;
    while !cancel.is_cancelled() {
        let (clock_ms, now_ms) = (clock(), believed.now(clock()));
        if (clock_ms > now_ms) != std::mem::replace(&mut held, clock_ms > now_ms) && held {
            tracing::warn!(
                clock = Time::from_unix_ms(clock_ms).to_string(),
                believed = Time::from_unix_ms(now_ms).to_string(),
                "the clock was set forward, or history is from long ago: it is shortened by the new time in a day"
            );
        }
        // What stays undone is done in the next round.
        match round(&retention, &*store, now_ms, &cancel).await {
            Ok(extent) => told(extent),
            Err(error) => tracing::warn!(%error, "history could not be shortened; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(retention.every) => {}
            () = cancel.cancelled() => {}
        }
    }
}

/// The time that history is measured by: the wall clock's, but a step forward counts only once it has stood for a day. A
/// clock that is wrong for an hour must not end fourteen days of history.
struct Believed {
    anchor_ms: i64,
    at: Instant,
    ahead_since: Option<Instant>,
}

impl Believed {
    /// `at_most_ms`: where more cannot be known to be right.
    fn new(clock_ms: i64, at_most_ms: Option<i64>) -> Self {
        Self {
            anchor_ms: at_most_ms.map_or(clock_ms, |most| most.min(clock_ms)),
            at: Instant::now(),
            ahead_since: None,
        }
    }

    fn now(&mut self, clock_ms: i64) -> i64 {
        let now = Instant::now();
        let expected = self.anchor_ms.saturating_add(millis(now - self.at));
        if clock_ms > expected.saturating_add(millis(SET)) {
            let since = *self.ahead_since.get_or_insert(now);
            if now - since < PROBATION {
                return expected;
            }
        }
        *self = Self::new(clock_ms, None);
        clock_ms
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
        let began = Instant::now();
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const NOW: i64 = 1_800_000_000_000;

    #[tokio::test(start_paused = true)]
    async fn a_clock_set_forward_counts_after_a_day_and_one_set_back_at_once() {
        let mut believed = Believed::new(NOW, None);
        tokio::time::advance(Duration::from_secs(60)).await;
        let now = NOW + 60_000;
        assert_eq!(
            believed.now(now + HOUR),
            now + HOUR,
            "what a machine sleeps through counts"
        );
        let now = now + HOUR;
        assert_eq!(believed.now(now + 87_600 * HOUR), now);
        tokio::time::advance(Duration::from_secs(23 * 3_600)).await;
        assert_eq!(believed.now(now + 87_623 * HOUR), now + 23 * HOUR);
        assert_eq!(believed.now(now + 24 * HOUR), now + 24 * HOUR, "put right");
        assert_eq!(
            believed.now(now - 87_600 * HOUR),
            now - 87_600 * HOUR,
            "nothing goes by it"
        );
        assert_eq!(believed.now(now), now - 87_600 * HOUR, "held again");
        tokio::time::advance(PROBATION).await;
        assert_eq!(believed.now(now + 24 * HOUR), now + 24 * HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_years_ahead_of_history_at_the_start_counts_after_a_day() {
        let mut believed = Believed::new(NOW, Some(NOW - 87_600 * HOUR));
        assert_eq!(believed.now(NOW), NOW - 87_600 * HOUR);
        tokio::time::advance(PROBATION).await;
        assert_eq!(believed.now(NOW + 24 * HOUR), NOW + 24 * HOUR);
        let mut believed = Believed::new(NOW, Some(NOW + 87_600 * HOUR));
        assert_eq!(believed.now(NOW), NOW, "a history that is younger than it may be");
    }
}
