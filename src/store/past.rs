//! The second half of the contract: what a store keeps of the past. The graph as of an instant, the log of what was
//! accepted, and how far back both reach. Knows no question and no store.
//!
//! Every accepted change of a cluster has a version that is greater than all before it, so "after this version" never
//! skips what a slow commit brings; versions of two clusters say nothing about each other.

use super::{Link, Snapshot, StoreError};
use async_trait::async_trait;
use planisphere_schema::{Asset, AssetId, AssetRef, ClusterId, How, Op, Version};
use std::sync::Arc;

/// What a store keeps of the past.
#[async_trait]
pub trait Past: Send + Sync + 'static {
    /// The graph as it was at the end of the millisecond `at_ms` (Unix): every read of it answers as the snapshot of that
    /// moment did, but for three things that are not part of history: clusters bear the names that they have now,
    /// their sources stand as they stood when it was first asked for, and the resourceVersion of a state that did not change may be a later one.
    /// The version of a cluster is its last one up to then, or the bound of the instant ([`Version::as_of`]).
    ///
    /// # Errors
    /// [`StoreError::HistoryExpired`] for an instant before [`Extent::oldest_ms`], [`StoreError::Future`] for one after both
    /// the store's clock and its newest version.
    async fn snapshot_at(&self, at_ms: i64) -> Result<Arc<dyn Snapshot>, StoreError>;

    /// What one cluster's batches changed, in the order of versions.
    ///
    /// # Errors
    /// [`StoreError::HistoryExpired`] where rows that the window asks for are gone.
    async fn changes(&self, query: &ChangeQuery<'_>) -> Result<ChangePage, StoreError>;

    /// How far the kept history reaches, and how large it is.
    async fn extent(&self) -> Result<Extent, StoreError>;

    /// Forgets up to `chunk` changes from before the instant `oldest_ms` (Unix ms). The new limit is in force before the
    /// first row goes; it never moves back, and what is applied from then on has no earlier version, whenever it was observed. Short: ingest waits for one chunk at the most, reads for none.
    async fn retain(&self, oldest_ms: i64, chunk: usize) -> Result<Retained, StoreError>;

    /// Gives space that rows left free back to the system, a bounded piece at a time; tells whether there is more.
    async fn compact(&self) -> Result<bool, StoreError>;

    /// Moves whenever this process made a new version visible. Others that write the same store do not show here.
    fn published(&self) -> tokio::sync::watch::Receiver<u64>;
}

/// A place in the log of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ChangePosition {
    /// The version.
    pub version: Version,
    /// The subject; none for a place beyond all subjects of the version.
    pub subject: Option<AssetId>,
}

/// Which part of one cluster's log.
#[derive(Clone, Debug)]
pub struct ChangeQuery<'a> {
    /// The cluster.
    pub cluster: ClusterId,
    /// Changes with a greater version.
    pub after: Version,
    /// Changes up to this version.
    pub until: Version,
    /// Changes of these assets alone (as subjects), where given.
    pub subjects: Option<&'a [AssetId]>,
    /// Newest first. Within a version, subjects stand in an order of the store's own that stays the same.
    pub newest_first: bool,
    /// Go on behind this place, as a page before gave it.
    pub resume: Option<ChangePosition>,
    /// How many entries at the most.
    pub limit: usize,
}

/// What one batch changed about one asset and the edges that it declares.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeEntry {
    /// The version at which it happened.
    pub version: Version,
    /// The asset.
    pub subject: AssetRef,
    /// What happened to the asset itself; none where only its edges changed.
    pub op: Option<Op>,
    /// The state that ended; none for a creation and where only edges changed.
    pub before: Option<Asset>,
    /// The state that began; none for a deletion and where only edges changed.
    pub after: Option<Asset>,
    /// How it was learnt.
    pub how: How,
    /// Unix milliseconds: when the asset was last known to be as before, where that is not the moment itself.
    pub last_seen_ms: Option<i64>,
    /// Edges that the asset declared and that came to be, or say something else since. In the order of [`Link`]'s fields.
    pub started: Vec<Link>,
    /// Edges that ended, or said something else until then.
    pub ended: Vec<Link>,
    /// Assets at the ends of these edges, by name.
    pub ends: Vec<AssetRef>,
}

impl ChangeEntry {
    /// Its place in the log.
    pub fn position(&self) -> ChangePosition {
        ChangePosition {
            version: self.version,
            subject: Some(self.subject.id()),
        }
    }
}

/// A page of a cluster's log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangePage {
    /// The entries.
    pub entries: Vec<ChangeEntry>,
    /// Whether there are more in the window.
    pub more: bool,
}

/// How far the kept history reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The first instant that can be asked for, in Unix ms; none where nothing was ever kept.
    pub oldest_ms: Option<i64>,
    /// The changes that are kept, about.
    pub changes: u64,
    /// Bytes that the store takes on disk, free space inside left out; 0 where it cannot tell.
    pub bytes: u64,
}

/// What a step of retention did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Changes that went.
    pub removed: usize,
    /// Whether more are to go.
    pub more: bool,
}
