//! The probe: from time to time, beside a watch, the cluster is asked how many objects it has, and of which version. Once the
//! watch has reached that version, as many must be held. So an event that was never told, which no stream shows, is found
//! out within minutes; and a server that went back in time at once.

use super::failure::Failure;
use super::pages::Glance;
use super::{Course, Reflector};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The longest pause between probes of a resource whose counts differ whatever is done, in doublings of the usual one.
const SLOWEST: u32 = 8;

/// What the probe of one resource is doing.
pub(super) struct Probe {
    due: Instant,
    asked: Option<(Asked, BoxFuture<'static, Result<Glance, Failure>>)>,
    expected: Option<Expected>,
    /// How often in a row the counts differed.
    differed: u32,
}

/// When the cluster was asked.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// The version that we had reached.
    newest: u64,
    /// Unix ms.
    at_ms: i64,
}

/// What must be held once the watch has reached a version.
#[derive(Clone, Copy)]
struct Expected {
    version: u64,
    count: Option<u64>,
    asked_ms: i64,
}

impl Probe {
    pub(super) fn new(reflector: &Reflector) -> Self {
        let mut probe = Self {
            due: Instant::now(),
            asked: None,
            expected: None,
            differed: 0,
        };
        probe.plan(reflector);
        probe
    }

    /// The next probe comes after the usual pause.
    fn plan(&mut self, reflector: &Reflector) {
        let usual = reflector.limits.probe.unwrap_or_default();
        self.due = Instant::now() + reflector.about(usual * (1 << self.differed.min(SLOWEST)));
    }

    /// The connection was lost, so that anything may have happened: look as soon as a watch runs again.
    pub(super) fn hurry(&mut self) {
        self.due = Instant::now();
    }

    /// A list says anew what there is.
    pub(super) fn forget(&mut self) {
        self.expected = None;
        self.asked = None;
    }

    /// Waits until the cluster has told, beside a watch that has reached the version `newest`.
    pub(super) async fn told(
        &mut self,
        reflector: &Reflector,
        newest: u64,
    ) -> (Asked, Result<Glance, Failure>) {
        if reflector.limits.probe.is_none() {
            return std::future::pending().await;
        }
        if self.asked.is_none() {
            sleep_until(self.due).await;
            self.plan(reflector);
        }
        let (at, asked) = self.asked.get_or_insert_with(|| {
            let at_ms = (reflector.clock)();
            (Asked { newest, at_ms }, reflector.clone().glance().boxed())
        });
        let told = (*at, asked.await);
        self.asked = None;
        told
    }
}

impl Course {
    /// Takes what the cluster told.
    pub(super) async fn probed(
        &mut self,
        (asked, told): (Asked, Result<Glance, Failure>),
    ) -> Result<(), Failure> {
        let before = asked.newest;
        // A probe that fails says nothing: the watch tells by itself what is wrong.
        let Ok(Glance { count, version }) = told else {
            return Ok(());
        };
        let Ok(version) = version.parse::<u64>() else {
            return Ok(());
        };
        if version < before {
            return Err(Failure::Dirty {
                reason: "rewound",
                words: format!("the server went back to version {version}, we hold {before}"),
            });
        }
        // A watch that says nothing for as long as from one probe to the next has told all that it will tell.
        if let Some(late) = self.probe.expected.take() {
            self.compare(late).await?;
        }
        let newest = self.out.newest();
        if newest > version {
            // The watch was faster than the answer: what was held at that version is known no more.
            self.probe.due = Instant::now() + self.reflector.about(Duration::from_secs(5));
            return Ok(());
        }
        self.probe.expected = Some(Expected {
            version,
            count,
            asked_ms: asked.at_ms,
        });
        if newest == version {
            self.reached(version).await?;
            // The cluster has just said that there is nothing that the watch has not told.
            self.caught_up = true;
        }
        Ok(())
    }

    /// The watch has told all up to a version. Called before what is newer is taken.
    pub(super) async fn reached(&mut self, version: u64) -> Result<(), Failure> {
        match self.probe.expected {
            Some(expected) if expected.version <= version => {
                self.probe.expected = None;
                self.compare(expected).await
            }
            _ => Ok(()),
        }
    }

    async fn compare(&mut self, expected: Expected) -> Result<(), Failure> {
        let held = self.out.held().await?;
        if expected.count.is_none_or(|count| held == count) {
            self.probe.differed = 0;
            // All is told that had happened when the cluster was asked; soon after a connection was lost, that is the first
            // proof of it. What has happened since may still be under way.
            if self.out.newest() >= expected.version && !self.caught_up {
                self.out.confirm();
                return self.tell_of(Some(expected.asked_ms)).await;
            }
            return Ok(());
        }
        // Some servers count wrongly for ever: lists for that come ever less often.
        self.out.withdraw();
        self.probe.differed += 1;
        self.probe.plan(&self.reflector);
        let (version, count) = (expected.version, expected.count.unwrap_or_default());
        Err(Failure::Dirty {
            reason: "probe",
            words: format!("{held} objects are held where the cluster has {count} at version {version}"),
        })
    }
}
