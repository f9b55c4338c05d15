//! Which clusters are mirrored, while that changes: new ones are added, those with another address or other credentials are
//! reached anew (and go on from their resume points), those that are named no more are let go after a while.

use super::{AFTER_PANIC, Fleet, Origin};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long a cluster that is named no more is still mirrored: a file that is being rewritten, or a mistake in it that is
/// soon mended, must not end anything.
const GRACE: Duration = Duration::from_secs(300);

/// A cluster under way.
struct Entry {
    origin: Origin,
    cancel: CancellationToken,
    task: JoinHandle<()>,
    /// When it is let go; none while it is named.
    until: Option<Instant>,
}

impl Entry {
    fn start(fleet: &Fleet, origin: Origin) -> Self {
        fleet.status.add(&origin.name());
        fleet
            .status
            .update(&origin.name(), |status| status.configured = true);
        let cancel = fleet.cancel.child_token();
        let mut fleet = fleet.clone();
        fleet.cancel = cancel.clone();
        let task = tokio::spawn(mirror(fleet, origin.clone()));
        Self {
            origin,
            cancel,
            task,
            until: None,
        }
    }

    /// Ends it; what it handed over is kept.
    async fn end(self) {
        self.cancel.cancel();
        if let Err(panic) = self.task.await {
            tracing::error!(%panic, "a defect: a mirror ended by itself");
        }
    }
}

/// Mirrors one cluster until cancelled. A panic is a defect of ours, contained: the others go on, it is shown, and the
/// mirror starts anew from the store. A dump would only panic again.
async fn mirror(fleet: Fleet, origin: Origin) {
    loop {
        let (again, mirrored) = (fleet.clone(), origin.clone());
        let Err(panic) = tokio::spawn(async move { again.mirror(mirrored).await }).await else {
            return;
        };
        let name = origin.name();
        tracing::error!(cluster = name, %panic, "a defect: the mirror starts anew from the store");
        fleet.status.update(&name, |status| {
            status.error = Some("a defect in planisphere; see its log".to_owned());
        });
        let waited = fleet.cancel.run_until_cancelled(sleep(AFTER_PANIC)).await;
        if waited.is_none() || matches!(origin, Origin::Dump(_)) {
            return;
        }
    }
}

/// All clusters under way, by name.
pub(super) struct Roster {
    fleet: Fleet,
    entries: BTreeMap<String, Entry>,
}

impl Roster {
    pub(super) fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            entries: BTreeMap::new(),
        }
    }

    /// Mirrors what is named now, and then what is named later, until cancelled.
    pub(super) async fn follow(mut self, mut named: watch::Receiver<Vec<Origin>>) {
        let cancel = self.fleet.cancel.clone();
        loop {
            let origins = named.borrow_and_update().clone();
            self.name(origins).await;
            let next = self.entries.values().filter_map(|entry| entry.until).min();
            let let_go = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            // Who names the clusters may be done with that: then they stay as they are.
            let changed = async {
                if named.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                () = changed => {}
                () = let_go => {}
            }
        }
        for entry in self.entries.into_values() {
            entry.end().await;
        }
    }

    async fn name(&mut self, origins: Vec<Origin>) {
        let now = Instant::now();
        let names: Vec<String> = origins.iter().map(Origin::name).collect();
        for (name, entry) in &mut self.entries {
            if names.contains(name) {
                entry.until = None;
            } else if entry.until.is_none() {
                let seconds = GRACE.as_secs();
                tracing::info!(cluster = name, "named no more: it is let go in {seconds} s");
                entry.until = Some(now + GRACE);
            }
        }
        let gone = |entry: &Entry| entry.until.is_some_and(|at| at <= now);
        let gone: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| gone(entry))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            if let Some(entry) = self.entries.remove(&name) {
                entry.end().await;
            }
            self.fleet
                .status
                .update(&name, |status| status.configured = false);
        }
        for origin in origins {
            let name = origin.name();
            if self
                .entries
                .get(&name)
                .is_some_and(|entry| entry.origin == origin)
            {
                continue;
            }
            if let Some(entry) = self.entries.remove(&name) {
                tracing::info!(
                    cluster = name,
                    "its address or credentials changed: reaching it anew"
                );
                entry.end().await;
            }
            self.entries.insert(name, Entry::start(&self.fleet, origin));
        }
    }
}
