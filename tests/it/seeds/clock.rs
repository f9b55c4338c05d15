//! The clock of the machine that the mirror runs on: virtual, and set back and forth while it runs.

use planisphere::clock::{Clock, Reader};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// 1 November 2026.
const BEGAN_MS: i64 = 1_793_491_200_000;

pub struct WallClock {
    began: Instant,
    /// By how much it was set.
    set_ms: Arc<AtomicI64>,
    /// As the program that runs reads it.
    read: Mutex<Arc<Clock>>,
}

impl WallClock {
    pub fn new() -> Arc<Self> {
        let (began, set_ms) = (Instant::now(), Arc::default());
        let read = Mutex::new(clock(began, &set_ms));
        Arc::new(Self { began, set_ms, read })
    }

    /// What the program reads now.
    pub fn now(&self) -> i64 {
        self.read.lock().unwrap().now_ms()
    }

    /// Somebody sets the clock, by so many milliseconds.
    pub fn step(&self, by_ms: i64) {
        self.set_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// A program starts, and knows nothing of what the clock was before.
    pub fn restart(&self) {
        *self.read.lock().unwrap() = clock(self.began, &self.set_ms);
    }

    /// What the program has stored was dated so.
    pub fn run_on_from(&self, ms: i64) {
        self.read.lock().unwrap().run_on_from(ms);
    }

    pub fn reader(&self) -> Reader {
        self.read.lock().unwrap().reader()
    }
}

fn clock(began: Instant, set_ms: &Arc<AtomicI64>) -> Arc<Clock> {
    let set_ms = Arc::clone(set_ms);
    let wall = move || BEGAN_MS + began.elapsed().as_millis() as i64 + set_ms.load(Ordering::Relaxed);
    Clock::new(wall, move || began.elapsed())
}
