//! Windows of time: from an instant up to another, checked before anything is read.

use super::QueryError;
use crate::store::{Store, StoreError};
use planisphere_schema::{Time, Version};

/// Days that a window may have.
const MOST_DAYS: i64 = 92;
/// What is asked about where nobody says from when: the last hour.
const USUAL_MS: i64 = 3_600_000;

/// From an instant, inclusive, up to another, exclusive; in Unix ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first millisecond.
    pub from_ms: i64,
    /// The first millisecond that is not part of it.
    pub to_ms: i64,
}

impl Window {
    /// The window that was asked for. It ends now where nobody says otherwise, and begins an hour before its end, or
    /// where history begins.
    ///
    /// # Errors
    /// When it is turned round, empty, too long, reaches into the future, or begins before the kept history.
    pub async fn read(
        store: &dyn Store,
        now_ms: i64,
        from_ms: Option<i64>,
        to_ms: Option<i64>,
    ) -> Result<Self, QueryError> {
        let extent = store.extent().await?;
        let oldest_ms = extent.oldest_ms;
        // The millisecond that runs is part of what has happened.
        let end_ms = to_ms.unwrap_or(now_ms + 1);
        if end_ms > now_ms + 1 {
            return Err(StoreError::Future {
                asked_ms: end_ms,
                now_ms,
            }
            .into());
        }
        let from_ms = match from_ms {
            Some(from_ms) => from_ms,
            None => oldest_ms
                .map_or(end_ms - USUAL_MS, |oldest| oldest.max(end_ms - USUAL_MS))
                .min(end_ms - 1),
        };
        let text = |ms| Time::from_unix_ms(ms);
        if from_ms >= end_ms {
            return Err(QueryError::Input(format!(
                "the window is turned round or empty: `from` is {}, `to` is {}",
                text(from_ms),
                text(end_ms)
            )));
        }
        if oldest_ms.is_none_or(|oldest| from_ms < oldest) {
            return Err(StoreError::HistoryExpired {
                asked_ms: from_ms,
                oldest_ms,
            }
            .into());
        }
        let days = (end_ms - from_ms) / 86_400_000;
        if days > MOST_DAYS {
            return Err(QueryError::Input(format!(
                "the window has {days} days; it may have up to {MOST_DAYS}: ask in several questions"
            )));
        }
        Ok(Self {
            from_ms,
            to_ms: end_ms,
        })
    }

    /// The last version before it.
    pub fn after(&self) -> Version {
        Version::as_of(self.from_ms - 1)
    }

    /// The last version in it.
    pub fn until(&self) -> Version {
        Version::as_of(self.to_ms - 1)
    }
}
