//! The desk where it is kept who calls whom: filled by what observes, read by every question. It knows no graph.

use crate::query::dependencies::CallBook;
use parking_lot::RwLock;
use std::sync::Arc;

/// Who calls whom, as it is known now.
#[derive(Debug, Default)]
pub struct Calls(RwLock<Arc<CallBook>>);

impl Calls {
    /// What is known now; what is learnt later does not show in it.
    pub fn book(&self) -> Arc<CallBook> {
        Arc::clone(&self.0.read())
    }

    /// Replaces what is known.
    pub fn set(&self, book: CallBook) {
        *self.0.write() = Arc::new(book);
    }
}
