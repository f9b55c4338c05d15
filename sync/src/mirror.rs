//! The mirror of one cluster: takes the reflectors' events in order, has the Linker turn them into changes, and hands
//! batches to the sink. A resume point travels in the batch that holds everything before it, or in a later one.

mod coalesce;

use crate::link::{Ignored, Linker};
use crate::observe::{Event, Observation};
use crate::resume::ResumePoint;
use crate::sink::{Sink, SinkClosed, Start};
use crate::status::SyncStatus;
use planisphere_schema::{
    Asset, AssetRef, Attributes, Batch, Change, Cluster, Coverage, How, Kind, Observed, SourceState,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Wall-clock time in Unix milliseconds, passed in so that tests and simulations own it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Changes in one batch at the most: enough to make a commit worth its cost, few enough to show up quickly.
const BATCH_CHANGES: usize = 2_000;

/// The mirror of one cluster.
pub struct Mirror {
    cluster: Cluster,
    fence: u64,
    linker: Linker,
    sources: BTreeMap<Kind, SourceState>,
    /// How the objects of each kind are read, where that may change.
    readings: BTreeMap<Kind, u64>,
    moved: BTreeSet<Kind>,
    pending: Vec<Observed>,
    /// What was last said of the cluster itself.
    described: Option<Attributes>,
    status: SyncStatus,
    clock: Clock,
}

impl Mirror {
    /// A mirror that goes on from where the store's stands. [`Mirror::restore`] each known asset before events come.
    pub fn new(cluster: Cluster, start: &Start, status: SyncStatus, clock: Clock) -> Self {
        let mut linker = Linker::new(cluster.clone());
        let mut readings = BTreeMap::new();
        for source in &start.sources {
            if let Some(resume) = &source.resume {
                let point = ResumePoint::parse(resume);
                linker.resume(source.kind, &point.version);
                readings.insert(source.kind, point.reading);
            }
        }
        Self {
            cluster,
            fence: start.fence,
            linker,
            sources: start.sources.iter().map(|s| (s.kind, s.clone())).collect(),
            readings,
            moved: BTreeSet::new(),
            pending: Vec::new(),
            described: None,
            status,
            clock,
        }
    }

    /// Takes in an asset that the store remembers.
    pub fn restore(&mut self, asset: &Asset) {
        self.linker.restore(asset);
    }

    /// The kinds of which anything is remembered.
    pub(crate) fn kinds(&self) -> BTreeSet<Kind> {
        let told = self
            .sources
            .values()
            .filter(|s| s.resume.is_some() || s.coverage != Coverage::Absent);
        let told: BTreeSet<Kind> = told.map(|s| s.kind).collect();
        told.into_iter().chain(self.linker.kinds()).collect()
    }

    fn resume_point(&self, kind: Kind, version: String) -> String {
        let reading = self.readings.get(&kind).copied().unwrap_or_default();
        ResumePoint { version, reading }.to_string()
    }

    /// How many objects of each kind are known; for the status, once all are restored.
    pub fn publish_sizes(&self) {
        self.status.update(&self.cluster.name, |status| {
            for (kind, kind_status) in &mut status.kinds {
                kind_status.objects = self.linker.len(*kind) as u64;
            }
        });
    }

    /// Takes the parts of the control plane in, as a list whose objects have no versions. It is no source of its own: what it
    /// tells of is asked for from time to time, not watched.
    fn took(&mut self, parts: Vec<Observation>, whole: bool) {
        let kind = Kind::ControlPlaneComponent;
        let mut ignored = Ignored::default();
        self.linker.list_started(kind);
        for part in parts {
            self.linker
                .applied(part, How::Probe, &mut self.pending, &mut ignored);
        }
        if whole {
            self.linker.list_ended(kind, "0", None, &mut self.pending);
        } else {
            self.linker.list_failed(kind);
        }
    }

    /// Adds the asset that stands for the cluster itself, where it is not as it was.
    pub fn describe(&mut self, attributes: Attributes) {
        if self.described.as_ref() == Some(&attributes) {
            return;
        }
        self.described = Some(attributes.clone());
        let mut asset = Asset::named(AssetRef::cluster(self.cluster.id));
        asset.attributes = attributes;
        asset.uid = self.cluster.id.0;
        let change = Change::Upsert {
            asset: Box::new(asset),
            edges: Vec::new(),
        };
        self.pending.push(Observed {
            change,
            how: How::Derived,
            last_seen_ms: None,
        });
    }

    /// Takes an event.
    pub fn handle(&mut self, event: Event) {
        let mut ignored = Ignored::default();
        let kind = match event {
            Event::ListStarted { kind } => {
                self.linker.list_started(kind);
                kind
            }
            Event::ListFailed { kind } => {
                self.linker.list_failed(kind);
                kind
            }
            Event::Held { kind, answer } => {
                // Who asked may be gone: nothing hangs on it.
                let _ = answer.send(self.linker.len(kind) as u64);
                return;
            }
            Event::ListEnded { kind, resume, at_ms } => {
                // Never after the moment at which the list was asked for: the clock may have been set back since.
                let last_seen = self.sources.get(&kind).map(|s| s.fresh_ms.min(at_ms));
                self.linker
                    .list_ended(kind, &resume, last_seen, &mut self.pending);
                let resume = self.resume_point(kind, resume);
                self.moved(kind, |source| {
                    source.resume = Some(resume);
                    source.fresh_ms = at_ms;
                });
                kind
            }
            Event::Applied {
                kind,
                how,
                observations,
            } => {
                if how == How::Event {
                    self.reached(kind, &observations);
                }
                for observation in observations {
                    self.linker
                        .applied(observation, how, &mut self.pending, &mut ignored);
                }
                kind
            }
            Event::Deleted { kind, observations } => {
                self.reached(kind, &observations);
                for observation in &observations {
                    self.linker.deleted(observation, &mut self.pending, &mut ignored);
                }
                kind
            }
            Event::Progress { kind, resume, at_ms } => {
                self.linker.resume(kind, &resume);
                let resume = self.resume_point(kind, resume);
                self.moved(kind, |source| {
                    source.resume = Some(resume);
                    source.fresh_ms = at_ms.unwrap_or(source.fresh_ms);
                });
                kind
            }
            Event::Reading { kind, reading } => {
                self.readings.insert(kind, reading);
                return;
            }
            Event::ControlPlane {
                parts,
                whole,
                cluster,
            } => {
                self.took(parts, whole);
                self.describe(*cluster);
                return;
            }
            Event::Vanished { kind } => {
                let last_seen = self.sources.get(&kind).map(|s| s.fresh_ms);
                self.linker.list_started(kind);
                self.linker.list_ended(kind, "0", last_seen, &mut self.pending);
                self.moved(kind, |source| {
                    source.resume = None;
                    source.coverage = Coverage::Absent;
                });
                kind
            }
            Event::Covered { kind, coverage } => {
                self.moved(kind, |source| source.coverage = coverage);
                kind
            }
        };
        let objects = self.linker.len(kind) as u64;
        self.status.update_kind(&self.cluster.name, kind, |status| {
            status.objects = objects;
            for (reason, count) in [("older", ignored.older), ("unchanged", ignored.unchanged)] {
                if count > 0 {
                    *status.ignored.entry(reason).or_default() += count;
                }
            }
        });
    }

    /// Events come in the order of their versions: a watch may go on after the last one. Said with the events themselves, so
    /// that they are not told again, and undone for a moment, where the process dies before the next proof.
    fn reached(&mut self, kind: Kind, observations: &[Observation]) {
        let newest = observations.iter().map(|o| o.asset.resource_version).max();
        let resume = self.sources.get(&kind).and_then(|source| source.resume.as_ref());
        let before = resume.and_then(|resume| ResumePoint::parse(resume).version.parse::<u64>().ok());
        if let Some(newest) = newest
            && before.is_some_and(|before| before < newest)
        {
            let resume = self.resume_point(kind, newest.to_string());
            self.moved(kind, |source| source.resume = Some(resume));
        }
    }

    fn moved(&mut self, kind: Kind, change: impl FnOnce(&mut SourceState)) {
        let source = self.sources.entry(kind).or_insert(SourceState {
            kind,
            resume: None,
            fresh_ms: 0,
            coverage: Coverage::Watched,
        });
        change(source);
        self.moved.insert(kind);
    }

    /// What is to be stored now, if anything.
    pub fn take_batch(&mut self) -> Option<Batch> {
        if self.pending.is_empty() && self.moved.is_empty() {
            return None;
        }
        let moved = std::mem::take(&mut self.moved);
        let superseded = coalesce::coalesce(&mut self.pending);
        for (kind, count) in superseded {
            self.status.update_kind(&self.cluster.name, kind, |status| {
                *status.ignored.entry("superseded").or_default() += count;
            });
        }
        Some(Batch {
            cluster: self.cluster.clone(),
            fence: self.fence,
            at_ms: (self.clock)(),
            changes: std::mem::take(&mut self.pending).into(),
            sources: moved
                .iter()
                .filter_map(|kind| self.sources.get(kind))
                .cloned()
                .collect(),
        })
    }

    /// Runs until no reflector is left that could tell anything.
    ///
    /// # Errors
    /// When the sink takes no more.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>, sink: &dyn Sink) -> Result<(), SinkClosed> {
        loop {
            // What has arrived meanwhile goes into the same batch: a slow store makes larger batches, not a longer queue.
            while self.pending.len() < BATCH_CHANGES {
                match events.try_recv() {
                    Ok(event) => self.handle(event),
                    Err(_) => break,
                }
            }
            if let Some(batch) = self.take_batch() {
                sink.send(batch).await?;
                continue;
            }
            match events.recv().await {
                Some(event) => self.handle(event),
                None => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Observation;
    use planisphere_schema::ClusterId;
    use uuid::Uuid;

    #[test]
    fn the_resume_point_goes_with_the_events_that_it_stands_for() {
        for reading in ["", " 00000000000000ab"] {
            the_resume_point_goes_with_events_read_as(reading);
        }
    }

    fn the_resume_point_goes_with_events_read_as(reading: &str) {
        let cluster = Cluster {
            id: ClusterId(Uuid::from_u128(1)),
            name: "one".into(),
        };
        let source = SourceState {
            kind: Kind::Pod,
            resume: Some(format!("10{reading}")),
            fresh_ms: 7,
            coverage: Coverage::Watched,
        };
        let start = Start {
            fence: 1,
            sources: vec![source],
        };
        let mut mirror = Mirror::new(cluster.clone(), &start, SyncStatus::default(), Arc::new(|| 9));
        let observed = |version| {
            let mut asset = Asset::named(AssetRef::new(cluster.id, Kind::Pod, "a", "p"));
            asset.resource_version = version;
            Observation {
                asset: Box::new(asset),
                edges: Vec::new(),
            }
        };
        mirror.handle(Event::Applied {
            kind: Kind::Pod,
            how: How::Event,
            observations: vec![observed(11)],
        });
        mirror.handle(Event::Deleted {
            kind: Kind::Pod,
            observations: vec![observed(12)],
        });
        let batch = mirror.take_batch().unwrap();
        assert_eq!(batch.changes.len(), 2);
        assert_eq!(batch.sources[0].resume, Some(format!("12{reading}")));
        assert_eq!(
            batch.sources[0].fresh_ms, 7,
            "events prove nothing about the time"
        );
    }
}
