//! What time it is: one clock for the whole process, which never runs backwards.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What rooms are given of a clock: Unix ms.
pub type Reader = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A clock that runs on where somebody sets the wall clock back: else what was proven before would count as current for as
/// long as it was set back, whatever happens, and later changes would be dated before earlier ones. Set forward, it
/// follows, as it does over a sleep of the machine.
pub struct Clock {
    wall_ms: Box<dyn Fn() -> i64 + Send + Sync>,
    /// Since any moment; it only ever grows.
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    last: Mutex<(i64, Duration)>,
}

impl Clock {
    /// The machine's.
    pub fn of_the_machine() -> Arc<Self> {
        let began = Instant::now();
        Self::new(wall_ms, move || began.elapsed())
    }

    /// By a wall clock that may be set, and a time that only ever grows.
    pub fn new(
        wall_ms: impl Fn() -> i64 + Send + Sync + 'static,
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            wall_ms: Box::new(wall_ms),
            elapsed: Box::new(elapsed),
            last: Mutex::new((i64::MIN, Duration::ZERO)),
        })
    }

    /// Now, in Unix ms.
    pub fn now_ms(&self) -> i64 {
        let mut last = self.last.lock();
        let (wall_ms, elapsed) = ((self.wall_ms)(), (self.elapsed)());
        let at_least = after(*last, elapsed);
        if wall_ms < at_least {
            // Anchored as before, so that fractions of milliseconds are not lost again and again.
            return at_least;
        }
        *last = (wall_ms, elapsed);
        wall_ms
    }

    /// Never tells less than this instant from now on: something was dated by it, before the wall clock was set back.
    pub fn run_on_from(&self, ms: i64) {
        let mut last = self.last.lock();
        let elapsed = (self.elapsed)();
        if after(*last, elapsed) < ms {
            *last = (ms, elapsed);
        }
    }

    /// For a room that wants to know the time.
    pub fn reader(self: &Arc<Self>) -> Reader {
        let clock = Arc::clone(self);
        Arc::new(move || clock.now_ms())
    }
}

/// What a clock tells at the least that told `last`, when so much has passed.
fn after((ms, then): (i64, Duration), elapsed: Duration) -> i64 {
    let since = elapsed.saturating_sub(then).as_millis();
    ms.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
}

/// The machine's wall clock as it is set, in Unix ms.
pub fn wall_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn a_clock_that_is_set_back_runs_on_and_one_that_is_set_forward_follows() {
        let (wall, elapsed) = (Arc::new(AtomicI64::new(1_000)), Arc::new(AtomicI64::new(0)));
        let clock = {
            let (wall, elapsed) = (wall.clone(), elapsed.clone());
            Clock::new(
                move || wall.load(Ordering::Relaxed),
                move || Duration::from_millis(elapsed.load(Ordering::Relaxed).unsigned_abs()),
            )
        };
        let read = |wall_ms, elapsed_ms| {
            wall.store(wall_ms, Ordering::Relaxed);
            elapsed.store(elapsed_ms, Ordering::Relaxed);
            clock.now_ms()
        };
        assert_eq!(read(1_000, 0), 1_000);
        assert_eq!(read(400, 500), 1_500);
        assert_eq!(read(900, 1_000), 2_000);
        assert_eq!(read(50_000, 1_100), 50_000);
        assert_eq!(read(2_100, 1_200), 50_100);
        clock.run_on_from(50_000);
        assert_eq!(read(2_200, 1_300), 50_200, "what it tells already");
        clock.run_on_from(90_000);
        assert_eq!(read(2_300, 1_400), 90_100);
        assert_eq!(read(90_200, 1_450), 90_200);
    }
}
