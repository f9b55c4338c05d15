//! Pauses after failures: they double up to a limit, with full jitter so that many reflectors do not come back together.

use super::{Random, Reflector};
use std::time::Duration;

/// The growing pause of one reflector.
pub(super) struct Backoff {
    shortest: Duration,
    longest: Duration,
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(super) fn new(reflector: &Reflector) -> Self {
        Self::between(reflector.limits.backoff, reflector.random.clone())
    }

    fn between((shortest, longest): (Duration, Duration), random: Random) -> Self {
        Self {
            random,
            shortest,
            longest,
            failures: 0,
        }
    }

    /// The pause before the next try.
    pub(super) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let ceiling = self
            .shortest
            .saturating_mul(1 << self.failures.min(16))
            .min(self.longest);
        let floor = self.shortest.min(ceiling);
        floor + (ceiling - floor).mul_f64((self.random)())
    }

    /// Things went well for a while.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reflect::{Limits, system_random};

    #[test]
    fn pauses_grow_up_to_the_limit_and_never_vanish() {
        let mut backoff = Backoff::between(Limits::default().backoff, system_random());
        let pauses: Vec<Duration> = (0..200).map(|_| backoff.next()).collect();
        assert!(pauses.iter().all(|p| *p >= Duration::from_millis(800)));
        assert!(pauses.iter().all(|p| *p <= Duration::from_secs(60)));
        assert!(pauses[0] <= Duration::from_millis(1600));
        assert!(pauses[10..].iter().any(|p| *p > Duration::from_secs(30)));
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(1600));
    }
}
