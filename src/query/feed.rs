//! The change feed: what was accepted after some marks, oldest first, in the order of each cluster's versions, page by
//! page. Read from the log, so a reader costs nothing while it does not read. A mark a cluster, never one over all: a
//! slow commit of one cluster may be of an earlier time than a fast one of another, and must not be skipped.

use super::changes::{Change, Wanted, states, subjects, tell};
use super::{QueryError, breathe};
use crate::store::{ChangePosition, ChangeQuery, ClusterState, Snapshot, Store, StoreError};
use planisphere_schema::{AssetId, ClusterId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Entries that one page looks at.
const MOST_READ: usize = 5_000;
/// Entries that are read at a time.
const CHUNK: usize = 500;

/// How far a reader has come, cluster by cluster. A cluster that is not named is read from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Mark>", into = "Vec<Mark>")]
pub struct Marks(BTreeMap<ClusterId, ChangePosition>);

/// A cluster, the version, and the last subject of it that was read; none where all of it was.
type Mark = (ClusterId, i64, Option<AssetId>);

impl From<Vec<Mark>> for Marks {
    fn from(all: Vec<Mark>) -> Self {
        let mark = |(cluster, version, subject)| {
            let version = Version(version);
            (cluster, ChangePosition { version, subject })
        };
        Self(all.into_iter().map(mark).collect())
    }
}

impl From<Marks> for Vec<Mark> {
    fn from(marks: Marks) -> Self {
        let all = marks.0.into_iter();
        all.map(|(cluster, at)| (cluster, at.version.0, at.subject))
            .collect()
    }
}

impl Marks {
    /// After these versions.
    pub fn after(versions: impl IntoIterator<Item = (ClusterId, Version)>) -> Self {
        let whole = |(cluster, version)| {
            let subject = None;
            (cluster, ChangePosition { version, subject })
        };
        Self(versions.into_iter().map(whole).collect())
    }

    /// After what this graph shows.
    pub fn of(graph: &dyn Snapshot) -> Self {
        Self::after(graph.clusters().iter().map(|c| (c.cluster.id, c.version)))
    }

    /// From an instant on.
    ///
    /// # Errors
    /// When it is before the kept history, or has not come yet.
    pub async fn from_instant(
        store: &dyn Store,
        graph: &dyn Snapshot,
        from_ms: i64,
        now_ms: i64,
    ) -> Result<Self, QueryError> {
        let oldest_ms = store.extent().await?.oldest_ms;
        let asked_ms = from_ms;
        if oldest_ms.is_none_or(|oldest| from_ms < oldest) {
            return Err(StoreError::HistoryExpired { asked_ms, oldest_ms }.into());
        }
        if from_ms > now_ms {
            return Err(StoreError::Future { asked_ms, now_ms }.into());
        }
        let bound = Version::as_of(from_ms - 1);
        Ok(Self::after(
            graph.clusters().iter().map(|c| (c.cluster.id, bound)),
        ))
    }

    /// Where a cluster is read on.
    fn at(&self, state: &ClusterState) -> ChangePosition {
        let beginning = ChangePosition {
            version: Version((state.first.0 - 1).max(0)),
            subject: None,
        };
        self.0.get(&state.cluster.id).copied().unwrap_or(beginning)
    }

    /// Moves marks that stand where history is about to end, of clusters in which nothing happened since: else a reader that
    /// has missed nothing would count as too late once something happens again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_up(&mut self, store: &dyn Store) -> Result<(), QueryError> {
        // In this order: what is committed after the limit was read has a later version than the limit.
        let Some(oldest_ms) = store.extent().await?.oldest_ms else {
            return Ok(());
        };
        let bound = Version::as_of(oldest_ms - 1);
        for state in store.snapshot().await?.clusters() {
            let Some(at) = self.0.get_mut(&state.cluster.id) else {
                continue;
            };
            let quiet = at.subject.is_none() && state.version > Version(0) && state.version <= at.version;
            if quiet && at.version < bound {
                at.version = bound;
            }
        }
        Ok(())
    }
}

/// A page of the feed.
#[derive(Clone, Debug, Default)]
pub struct FeedPage {
    /// The changes, oldest first within each cluster.
    pub changes: Vec<Change>,
    /// Where the next page goes on.
    pub next: Marks,
    /// There is more already.
    pub more: bool,
}

/// The page after some marks, up to what `graph` shows.
///
/// # Errors
/// When the store fails, or what comes after a mark is not kept any more.
pub async fn page(
    store: &dyn Store,
    graph: &dyn Snapshot,
    wanted: &Wanted,
    marks: &Marks,
    limit: usize,
) -> Result<FeedPage, QueryError> {
    let subjects = subjects(graph, &wanted.scope);
    let mut page = FeedPage {
        next: marks.clone(),
        ..FeedPage::default()
    };
    let behind = |state: &&ClusterState| {
        let at = marks.at(state);
        at.version < state.version || (at.version == state.version && at.subject.is_some())
    };
    let waiting: Vec<&ClusterState> = graph.clusters().iter().filter(behind).collect();
    for (number, state) in waiting.iter().enumerate() {
        // A busy cluster leaves the others their share.
        let others = waiting.len() - number;
        let budget = Budget {
            changes: (limit - page.changes.len()).div_ceil(others),
            entries: (MOST_READ / waiting.len()).max(CHUNK),
        };
        let at = marks.at(state);
        let (at, more) = log(store, graph, wanted, state, at, (&subjects, budget), &mut page).await?;
        page.next.0.insert(state.cluster.id, at);
        page.more |= more;
    }
    Ok(page)
}

/// What one cluster may bring to a page.
#[derive(Clone, Copy)]
struct Budget {
    changes: usize,
    entries: usize,
}

/// Reads the log of one cluster on; tells how far it came, and whether there is more.
async fn log(
    store: &dyn Store,
    graph: &dyn Snapshot,
    wanted: &Wanted,
    state: &ClusterState,
    mut at: ChangePosition,
    (subjects, budget): (&Option<Vec<AssetId>>, Budget),
    page: &mut FeedPage,
) -> Result<(ChangePosition, bool), QueryError> {
    let most = page.changes.len() + budget.changes;
    let mut looked_at = 0;
    while page.changes.len() < most && looked_at < budget.entries {
        breathe().await;
        let within = at.subject.is_some();
        let read = store
            .changes(&ChangeQuery {
                cluster: state.cluster.id,
                after: Version(at.version.0 - i64::from(within)),
                until: state.version,
                subjects: subjects.as_deref(),
                newest_first: false,
                resume: within.then_some(at),
                limit: (most - page.changes.len()).clamp(50, CHUNK),
            })
            .await?;
        let states = states(graph, &read.entries).await?;
        for entry in read.entries {
            if page.changes.len() == most {
                return Ok((at, true));
            }
            looked_at += 1;
            at = entry.position();
            let now = states.get(&entry.subject.id());
            let told = tell(graph, entry, now, wanted);
            page.changes.extend(told.filter(|change| wanted.holds(change)));
        }
        if !read.more {
            let whole = ChangePosition {
                version: state.version,
                subject: None,
            };
            return Ok((whole, false));
        }
    }
    Ok((at, true))
}
