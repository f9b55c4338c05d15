//! One suite for every store. A store is plugged in with one line: `suite!(name: how to make its specimen)`.

mod as_of;
mod compare;
mod contract;
mod file;

mod hub;
mod model;
mod paging;
pub mod random;
mod reconstruct;
mod retention;
mod upgrade;

pub mod words;

use async_trait::async_trait;
use planisphere::store::Store;
use planisphere::store::embedded::{Clock, EmbeddedStore};
use std::sync::Arc;
use tempfile::TempDir;

/// A store under test.
#[async_trait]
pub trait Specimen: Send {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// Starts it again from what it kept.
    async fn reopen(&mut self);
}

/// The oracle itself: the suite must hold for it too.
#[derive(Default)]
struct Oracle(Arc<model::Model>);

#[async_trait]
impl Specimen for Oracle {
    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn reopen(&mut self) {}
}

/// The embedded store on a directory of its own.
pub struct Embedded {
    store: Option<EmbeddedStore>,
    directory: TempDir,
}

impl Default for Embedded {
    fn default() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Some(EmbeddedStore::open(directory.path(), clock()).unwrap());
        Self { store, directory }
    }
}

#[async_trait]
impl Specimen for Embedded {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone().unwrap())
    }

    async fn reopen(&mut self) {
        self.store = None;
        self.store = Some(EmbeddedStore::open(self.directory.path(), clock()).unwrap());
    }
}

/// The embedded store without a file; it keeps nothing, so it is not started again.
pub struct InMemory(EmbeddedStore);

impl Default for InMemory {
    fn default() -> Self {
        Self(EmbeddedStore::in_memory(clock()).unwrap())
    }
}

#[async_trait]
impl Specimen for InMemory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    async fn reopen(&mut self) {}
}

fn clock() -> Clock {
    Arc::new(|| 1_700_000_000_000)
}

macro_rules! suite {
    ($name:ident: $specimen:expr) => {
        mod $name {
            use super::*;

            contract::tests!($specimen);
            paging::tests!($specimen);
            random::tests!($specimen);
            hub::tests!($specimen);
            as_of::tests!($specimen);
        }
    };
}

mod oracle {
    use super::*;

    contract::tests!(Oracle::default());
    paging::tests!(Oracle::default());
}
suite!(embedded: Embedded::default());
suite!(in_memory: InMemory::default());
