//! What is known of the mirror's own state, per cluster and kind: shared with whoever answers questions, so that
//! every answer can say how fresh and how complete it is. Reads and writes take a lock for a moment, never across I/O.

use crate::events::{EventLimits, RecentEvents};
use crate::resume::ResumePoint;
use planisphere_schema::{Cluster, Coverage, Kind, SourceState};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a reflector is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Phase {
    /// Not begun yet, or the cluster cannot be reached.
    #[default]
    Connecting,
    /// Reading the whole resource.
    Listing,
    /// Following changes.
    Watching,
    /// Waiting after a failure before the next try.
    Backoff,
    /// Will not go on: read from a dump, or shut down.
    Stopped,
}

/// The mirror of one resource of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindStatus {
    /// What the reflector is doing.
    pub phase: Phase,
    /// What we may see; none until the cluster told.
    pub coverage: Option<Coverage>,
    /// The resourceVersion up to which changes are known.
    pub resume: Option<String>,
    /// A whole list was read at some time, so that absence means absence.
    pub complete: bool,
    /// Objects known.
    pub objects: u64,
    /// Objects read by the list that runs now.
    pub listed: u64,
    /// How many that list should bring, where the server says so.
    pub expected: Option<u64>,
    /// Unix ms: when the server last said anything about this resource.
    pub last_contact_ms: Option<i64>,
    /// Unix ms: up to when what the store holds was proven current (event, bookmark, end of a list); never by silence.
    /// Set by [`SyncStatus::stored`] alone, as are `coverage`, `complete` and `resume`.
    pub fresh_ms: Option<i64>,
    /// Unix ms of the last event.
    pub last_event_ms: Option<i64>,
    /// Whole lists read since this process started, by reason.
    pub lists: BTreeMap<&'static str, u64>,
    /// Watches started since this process started.
    pub watches: u64,
    /// Events received since this process started.
    pub events: u64,
    /// Events that changed nothing, by reason: older, duplicate, unchanged, undecodable.
    pub ignored: BTreeMap<&'static str, u64>,
    /// Failures since this process started.
    pub errors: u64,
    /// The last failure, in words; none once things go well again.
    pub last_error: Option<String>,
}

/// What is known of the looks at a control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlPlaneStatus {
    /// Unix ms at which it last told all that it tells us.
    pub read_ms: Option<i64>,
    /// Why it told nothing when it was last asked, in words.
    pub error: Option<String>,
}

/// How the reading of a cluster's Events goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsStatus {
    /// What we may see; none until the cluster told.
    pub coverage: Option<Coverage>,
    /// Unix ms: when the cluster last told anything of them.
    pub last_event_ms: Option<i64>,
    /// Left unread since this process started, because too many came at once.
    pub skipped: u64,
    /// That could not be read since this process started.
    pub unreadable: u64,
    /// The last failure, in words; none once things go well again.
    pub error: Option<String>,
}

/// The mirror of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The configured name.
    pub name: String,
    /// The identity; none until the cluster was reached for the first time.
    pub cluster: Option<Cluster>,
    /// Whether the last attempt to talk to it succeeded.
    pub reachable: bool,
    /// Read from a dump: a picture of one moment, never live.
    pub dump: bool,
    /// In the configuration of this process; false for one that only the store remembers.
    pub configured: bool,
    /// Why it cannot be reached, in words.
    pub error: Option<String>,
    /// The looks at its control plane, which is asked from time to time and not watched.
    pub control_plane: ControlPlaneStatus,
    /// The reading of its Events.
    pub events: EventsStatus,
    /// Per kind.
    pub kinds: BTreeMap<Kind, KindStatus>,
}

impl ClusterStatus {
    /// A cluster that was not reached yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: None,
            reachable: false,
            dump: false,
            configured: true,
            error: None,
            control_plane: ControlPlaneStatus::default(),
            events: EventsStatus::default(),
            kinds: BTreeMap::new(),
        }
    }

    /// Whether every kind that we may see was read whole at some time.
    pub fn is_complete(&self) -> bool {
        !self.kinds.is_empty()
            && self
                .kinds
                .values()
                .all(|k| k.complete || !matches!(k.coverage, Some(Coverage::Watched) | None))
    }

    /// Seconds since the oldest proof of freshness among the kinds that we may see; none where one was never proven.
    pub fn lag_seconds(&self, now_ms: i64) -> Option<f64> {
        let watched = self
            .kinds
            .values()
            .filter(|k| matches!(k.coverage, Some(Coverage::Watched | Coverage::Dumped)));
        let oldest = watched
            .map(|k| k.fresh_ms)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .min()?;
        Some((now_ms - oldest).max(0) as f64 / 1000.0)
    }
}

/// The status of all clusters, and what they said of late; cheap to clone, one state behind.
#[derive(Clone, Debug, Default)]
pub struct SyncStatus {
    clusters: Arc<Mutex<BTreeMap<String, ClusterStatus>>>,
    events: RecentEvents,
}

impl SyncStatus {
    /// With no cluster yet, and room for so many Events.
    pub fn with_events(limits: EventLimits) -> Self {
        Self {
            clusters: Arc::default(),
            events: RecentEvents::new(limits),
        }
    }

    /// What the clusters said of late.
    pub fn events(&self) -> &RecentEvents {
        &self.events
    }

    /// Adds a cluster, or leaves the one of that name as it is.
    pub fn add(&self, name: &str) {
        self.lock()
            .entry(name.to_owned())
            .or_insert_with(|| ClusterStatus::new(name));
    }

    /// Changes the status of a cluster; adds it where it is new.
    pub fn update<T>(&self, name: &str, change: impl FnOnce(&mut ClusterStatus) -> T) -> T {
        change(
            self.lock()
                .entry(name.to_owned())
                .or_insert_with(|| ClusterStatus::new(name)),
        )
    }

    /// Changes the status of one kind of a cluster.
    pub fn update_kind<T>(&self, name: &str, kind: Kind, change: impl FnOnce(&mut KindStatus) -> T) -> T {
        self.update(name, |cluster| change(cluster.kinds.entry(kind).or_default()))
    }

    /// Starts from what a store remembers: what was proven then is still all that is proven.
    pub fn restore(&self, name: &str, cluster: &Cluster, configured: bool, sources: &[SourceState]) {
        self.update(name, |status| {
            status.cluster = Some(cluster.clone());
            status.configured = configured;
        });
        self.stored(name, sources);
    }

    /// The store holds everything up to these states: only now may an answer claim it.
    pub fn stored(&self, name: &str, sources: &[SourceState]) {
        self.update(name, |status| {
            for source in sources {
                let kind = status.kinds.entry(source.kind).or_default();
                kind.coverage = Some(source.coverage);
                kind.complete = source.resume.is_some();
                let resume = source.resume.as_deref();
                kind.resume = resume.map(|text| ResumePoint::parse(text).version);
                kind.fresh_ms = Some(source.fresh_ms).filter(|ms| *ms > 0);
            }
        });
    }

    /// A copy of everything, by name.
    pub fn all(&self) -> Vec<ClusterStatus> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ClusterStatus>> {
        self.clusters.lock().unwrap_or_else(|e| e.into_inner())
    }
}
