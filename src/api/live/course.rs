//! How far a subscription to the feed has come: what one answer leaves for the next.

use crate::query::feed::Marks;
use parking_lot::Mutex;
use std::sync::Arc;

/// How far a subscription has come. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Course {
    last: Arc<Mutex<Option<Passed>>>,
    /// The cursor that it begins behind, whatever its question says; none where that decides.
    pub begins: Option<String>,
}

/// The last page.
#[derive(Clone, Debug)]
pub struct Passed {
    marks: Marks,
    /// The cursor behind it.
    pub cursor: String,
    /// Changes on it.
    pub changes: usize,
    /// There was more already.
    pub more: bool,
}

impl Course {
    /// Begins behind a cursor, where one is given.
    pub fn beginning(begins: Option<String>) -> Self {
        let last = Arc::default();
        Self { last, begins }
    }

    /// Where the next page goes on; none before the first.
    pub fn marks(&self) -> Option<Marks> {
        self.last.lock().as_ref().map(|passed| passed.marks.clone())
    }

    /// A page was read.
    pub fn passed(&self, marks: Marks, cursor: String, changes: usize, more: bool) {
        *self.last.lock() = Some(Passed {
            marks,
            cursor,
            changes,
            more,
        });
    }

    /// The last page.
    pub fn last(&self) -> Option<Passed> {
        self.last.lock().clone()
    }
}
