//! How many subscriptions there may be at a time. Counts; knows nothing of what is subscribed to.

use crate::api::error::{Code, Refusal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Places for a number of readers.
#[derive(Clone, Debug)]
pub struct Slots {
    taken: Arc<AtomicUsize>,
    most: usize,
    what: &'static str,
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub struct Slot(Arc<AtomicUsize>);

impl Slots {
    /// So many places for what is called so.
    pub fn new(what: &'static str, most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
            what,
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// When all are taken.
    pub fn take(&self) -> Result<Slot, Refusal> {
        let free = |taken: usize| (taken < self.most).then_some(taken + 1);
        match self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
        {
            Ok(_) => Ok(Slot(Arc::clone(&self.taken))),
            Err(taken) => Err(Refusal::over(
                Code::TooManySubscriptions,
                "subscriptions",
                &format!("there are too many {}", self.what),
                self.most,
                taken + 1,
                "end some, try again later, or fetch pages of `feed`",
            )),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_up_can_be_taken_again() {
        let slots = Slots::new("subscriptions", 2);
        let (first, _second) = (slots.take().expect("one"), slots.take().expect("two"));
        let refused = slots.take().expect_err("no third");
        assert_eq!(refused.code, Code::TooManySubscriptions);
        drop(first);
        assert!(slots.take().is_ok());
    }
}
