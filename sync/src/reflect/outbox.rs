//! What is told, in the order in which it happened: objects in batches, then the version that they reach up to.

use super::failure::Failure;
use super::{Event, Observation, Reflector};
use planisphere_schema::{Coverage, How, Kind};
use tokio::sync::{mpsc, oneshot};

/// Collects what is to be told and keeps the newest version of the resource.
pub(super) struct Outbox {
    out: mpsc::Sender<Event>,
    kind: Kind,
    most: usize,
    waiting: Vec<Observation>,
    /// What those that wait are: deleted or applied, and how that was learnt.
    deleted: bool,
    how: How,
    /// The newest version seen; ours, because servers have been seen to go back.
    newest: Option<String>,
    /// The version told last.
    told: Option<String>,
    /// A bookmark said that the newest version is still the newest.
    confirmed: bool,
    coverage: Option<Coverage>,
}

impl Outbox {
    pub(super) fn new(reflector: &Reflector, out: mpsc::Sender<Event>) -> Self {
        Self {
            out,
            kind: reflector.resource.kind,
            most: reflector.limits.batch,
            waiting: Vec::new(),
            deleted: false,
            how: How::List,
            newest: reflector.resume.clone(),
            told: reflector.resume.clone(),
            confirmed: false,
            coverage: None,
        }
    }

    /// Adds an object; those before it are sent where it is another thing than they are, or where they are many.
    pub(super) async fn add(&mut self, deleted: bool, how: How, object: Observation) -> Result<(), Failure> {
        if (self.deleted, self.how) != (deleted, how) || self.waiting.len() >= self.most {
            self.flush().await?;
        }
        (self.deleted, self.how) = (deleted, how);
        // A version that is no number (0 here) orders nothing; bookmarks carry the version on then.
        if how == How::Event && object.asset.resource_version > 0 {
            self.reached(&object.asset.resource_version.to_string());
        }
        self.waiting.push(object);
        Ok(())
    }

    /// Sends the objects that wait.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (kind, how) = (self.kind, self.how);
        let observations = std::mem::take(&mut self.waiting);
        self.send(if self.deleted {
            Event::Deleted { kind, observations }
        } else {
            Event::Applied {
                kind,
                how,
                observations,
            }
        })
        .await
    }

    /// Everything up to this version is seen.
    pub(super) fn reached(&mut self, version: &str) {
        let older = match (
            version.parse::<u64>(),
            self.newest.as_deref().map(str::parse::<u64>),
        ) {
            (Ok(this), Some(Ok(newest))) => this <= newest,
            _ => false,
        };
        if !older {
            self.newest = Some(version.to_owned());
        }
    }

    /// A bookmark: everything up to this version is seen. The same version again is news too: nothing has happened since.
    pub(super) fn bookmark(&mut self, version: &str) {
        self.reached(version);
        self.confirmed |= self.newest.as_deref() == Some(version);
    }

    /// It was found out otherwise that the newest version is still the newest.
    pub(super) fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Sends what waits and the version that it reaches up to; gives that version where that is news. Unix ms: when the
    /// cluster had reached it, where that is known.
    pub(super) async fn progress(&mut self, at_ms: Option<i64>) -> Result<Option<String>, Failure> {
        self.flush().await?;
        let confirmed = std::mem::take(&mut self.confirmed);
        let Some(resume) = self
            .newest
            .clone()
            .filter(|v| confirmed || Some(v) != self.told.as_ref())
        else {
            return Ok(None);
        };
        self.told = Some(resume.clone());
        let kind = self.kind;
        self.send(Event::Progress {
            kind,
            resume: resume.clone(),
            at_ms,
        })
        .await?;
        Ok(Some(resume))
    }

    pub(super) async fn list_started(&mut self) -> Result<(), Failure> {
        self.send(Event::ListStarted { kind: self.kind }).await
    }

    /// A list is whole: its version counts, even where it is older than what was seen before.
    pub(super) async fn list_ended(&mut self, version: &str, at_ms: i64) -> Result<(), Failure> {
        self.flush().await?;
        self.newest = Some(version.to_owned());
        self.told = Some(version.to_owned());
        let (kind, resume) = (self.kind, version.to_owned());
        self.send(Event::ListEnded { kind, resume, at_ms }).await
    }

    /// The newest version that was seen; 0 where it is no number.
    pub(super) fn newest(&self) -> u64 {
        self.newest.as_deref().and_then(|v| v.parse().ok()).unwrap_or(0)
    }

    /// What was seen since the version told last is not to be relied on.
    pub(super) fn withdraw(&mut self) {
        self.newest.clone_from(&self.told);
        self.confirmed = false;
    }

    /// How many objects are held, with all that was taken so far.
    pub(super) async fn held(&mut self) -> Result<u64, Failure> {
        self.flush().await?;
        let (answer, held) = oneshot::channel();
        let kind = self.kind;
        self.send(Event::Held { kind, answer }).await?;
        held.await.map_err(|_| Failure::NobodyListens)
    }

    /// A list broke off: what waits is true, but what is missing says nothing.
    pub(super) async fn list_failed(&mut self) -> Result<(), Failure> {
        self.flush().await?;
        self.send(Event::ListFailed { kind: self.kind }).await
    }

    /// Tells what we may see, where that is news.
    pub(super) async fn cover(&mut self, coverage: Coverage) -> Result<(), Failure> {
        if self.coverage.replace(coverage) == Some(coverage) {
            return Ok(());
        }
        let kind = self.kind;
        self.send(Event::Covered { kind, coverage }).await
    }

    async fn send(&self, event: Event) -> Result<(), Failure> {
        self.out.send(event).await.map_err(|_| Failure::NobodyListens)
    }
}
