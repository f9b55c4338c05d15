//! How much changed when: the changes of a window counted into buckets, for a chart.

use super::QueryError;
use super::changes::{self, Place, Wanted};
use super::window::Window;
use crate::store::{Snapshot, Store};
use planisphere_schema::Op;

/// Changes that one timeline counts.
const MOST: usize = 50_000;
const PAGE: usize = 5_000;

/// A span of time with what changed in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Its first millisecond.
    pub from_ms: i64,
    /// Assets that came to be.
    pub created: u64,
    /// Assets that changed.
    pub updated: u64,
    /// Assets that went.
    pub deleted: u64,
    /// Assets of which only the edges changed.
    pub redrawn: u64,
}

/// A timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Buckets of equal length, the oldest first.
    pub buckets: Vec<Bucket>,
    /// How long each is, in milliseconds; the last one may reach beyond the window.
    pub bucket_ms: i64,
    /// Changes before this instant were not counted, there are too many; none where all were.
    pub counted_from_ms: Option<i64>,
}

/// Counts the changes of a window into up to `number` buckets.
///
/// # Errors
/// When the store fails, or history went away meanwhile.
pub async fn timeline(
    store: &dyn Store,
    graph: &dyn Snapshot,
    window: Window,
    wanted: &Wanted,
    number: usize,
) -> Result<Timeline, QueryError> {
    let length = window.to_ms - window.from_ms;
    let number = i64::try_from(number).unwrap_or(1).clamp(1, length);
    let bucket_ms = length.div_euclid(number) + i64::from(length % number != 0);
    let starts = (0..number).map(|n| window.from_ms + n * bucket_ms);
    let mut timeline = Timeline {
        buckets: starts
            .take_while(|start| *start < window.to_ms)
            .map(|from_ms| Bucket {
                from_ms,
                ..Bucket::default()
            })
            .collect(),
        bucket_ms,
        counted_from_ms: None,
    };
    let (mut after, mut looked_at): (Option<Place>, usize) = (None, 0);
    loop {
        let page = changes::changes(store, graph, window, wanted, after, PAGE).await?;
        for change in &page.changes {
            let at = (change.entry.version.unix_ms() - window.from_ms) / bucket_ms;
            let Some(bucket) = timeline.buckets.get_mut(at as usize) else {
                continue;
            };
            *match change.entry.op {
                Some(Op::Create) => &mut bucket.created,
                Some(Op::Update) => &mut bucket.updated,
                Some(Op::Delete) => &mut bucket.deleted,
                None => &mut bucket.redrawn,
            } += 1;
        }
        looked_at += page.looked_at;
        after = page.next;
        let Some(place) = after else {
            return Ok(timeline);
        };
        if looked_at >= MOST {
            timeline.counted_from_ms = Some(place.unix_ms());
            return Ok(timeline);
        }
    }
}
