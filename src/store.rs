//! The Store contract: what every store keeps and answers, small enough that each call takes many.
//!
//! Breadth-first expansion is not here: the query room does it, one call a hop, so that budgets are exact and all stores
//! answer alike. A store knows nothing of Kubernetes, GraphQL or the questions.

pub mod embedded;
pub mod filter;
pub mod past;

pub use filter::{Facet, Filter, Presence, Text};
pub use past::{ChangeEntry, ChangePage, ChangePosition, ChangeQuery, Extent, Past, Retained};

use async_trait::async_trait;
use planisphere_schema::{
    Asset, AssetId, Batch, Cluster, ClusterId, Detail, How, Op, RelationKind, SourceState, Version,
};
use std::sync::Arc;

/// Keeps the graph and its history. Writes go through [`Store::apply`] alone.
#[async_trait]
pub trait Store: Past {
    /// Takes a cluster for writing: raises its fence, so that batches of earlier writers are refused from now on, and
    /// tells where its mirror stands. A cluster of another identity under the same name keeps its data under the name
    /// `name~` and the first eight digits of its identity.
    async fn claim(&self, cluster: &Cluster) -> Result<Claim, StoreError>;

    /// Applies a batch: all of it or nothing. Safe to repeat: what is already so changes nothing and writes no history.
    /// Durable and visible to new snapshots when it returns.
    async fn apply(&self, batch: Batch) -> Result<Applied, StoreError>;

    /// The graph at one version. Later batches do not show in it.
    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError>;
}

/// What a new writer of a cluster starts from.
#[derive(Clone, Debug)]
pub struct Claim {
    /// To be put into each batch.
    pub fence: u64,
    /// Where the mirror of each resource stands.
    pub sources: Vec<SourceState>,
}

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The version at which it is visible.
    pub version: Version,
    /// Assets that came to be.
    pub created: usize,
    /// Assets whose content changed.
    pub updated: usize,
    /// Assets that went.
    pub deleted: usize,
    /// Changes that changed nothing.
    pub unchanged: usize,
    /// Edges that came to be.
    pub edges_started: usize,
    /// Edges that ended, or were replaced because they say something else now.
    pub edges_ended: usize,
}

/// The graph at one version.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// Every cluster with the version of its last batch and its sources, by name.
    fn clusters(&self) -> &[ClusterState];

    /// When the newest batch was dated, in Unix ms; none where there was none.
    fn newest_ms(&self) -> Option<i64> {
        let newest = self.clusters().iter().map(|c| c.version.unix_ms()).max();
        newest.filter(|ms| *ms > 0)
    }

    /// The assets of these ids, in their order; none where the id was never heard of. Stubs are answered too.
    async fn get(&self, ids: &[AssetId]) -> Result<Vec<Option<Arc<Record>>>, StoreError>;

    /// A page of assets that pass the filter.
    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError>;

    /// How many assets pass the filter. Stops counting at `cap`.
    async fn count(&self, filter: &Filter, presence: Presence, cap: usize) -> Result<usize, StoreError>;

    /// How many assets pass the filter, by the values of these facets; in order of the values.
    async fn facets(
        &self,
        filter: &Filter,
        presence: Presence,
        by: &[Facet],
    ) -> Result<Vec<(Vec<String>, usize)>, StoreError>;

    /// The edges at each of these assets, in the order (relation, other end's id, declarer's id).
    async fn neighbours(&self, query: &NeighbourQuery<'_>) -> Result<Vec<Neighbours>, StoreError>;

    /// The changes of an asset, newest first, older than `before` where given.
    async fn history(
        &self,
        id: AssetId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError>;

    /// How many assets there are of each cluster and kind, stubs that dangle left out; for metrics and start-up.
    async fn totals(&self) -> Result<Totals, StoreError>;
}

/// One cluster in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterState {
    /// Identity and name.
    pub cluster: Cluster,
    /// The version of its last batch.
    pub version: Version,
    /// The version of its first batch, before which nothing is known of it; 0 where there was none.
    pub first: Version,
    /// Where the mirror of each resource stands.
    pub sources: Vec<SourceState>,
}

/// An asset as a store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The asset. Of a stub only the name is known.
    pub asset: Asset,
    /// The configured name of its cluster.
    pub cluster_name: Arc<str>,
    /// The version at which this state began.
    pub since: Version,
    /// The hash of its content.
    pub hash: u64,
    /// Known only because edges name it: never seen, or gone.
    pub stub: bool,
}

impl Record {
    /// Named by an edge, but not there; unlike kinds that exist by being named (zones, addresses).
    pub fn is_dangling(&self) -> bool {
        self.stub && !self.asset.kind().is_named()
    }
}

/// The orders in which assets can be listed. All are stable while the cluster changes, but [`Order::ChangedDesc`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// By cluster name, kind name, namespace, name, id.
    #[default]
    Key,
    /// By name, then key.
    Name,
    /// Newest first, by the time that the cluster claims; then key.
    CreatedDesc,
    /// Latest change first; then key.
    ChangedDesc,
}

/// Which page of which assets.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which assets.
    pub filter: Filter,
    /// Whether stubs count.
    pub presence: Presence,
    /// In which order.
    pub order: Order,
    /// After this position, as a page before gave it. It need not exist any more.
    pub after: Option<Position>,
    /// How many at the most.
    pub limit: usize,
}

/// A place in an order: the keyset of the last asset of a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// For orders by time: the time, negated so that all orders ascend; else 0.
    pub time: i64,
    /// The texts to compare, in order.
    pub texts: Vec<String>,
    /// The asset.
    pub id: AssetId,
}

impl Order {
    /// The place of a record in this order.
    pub fn position(self, record: &Record) -> Position {
        let key = record.asset.reference.key();
        let mut texts = vec![
            record.cluster_name.to_string(),
            key.kind.to_string(),
            key.namespace.to_string(),
            key.name.to_string(),
        ];
        if self == Order::Name {
            texts.insert(0, key.name.to_string());
        }
        let time = match self {
            Order::Key | Order::Name => 0,
            Order::CreatedDesc => record.asset.created.map_or(i64::MAX, |t| -t.seconds),
            Order::ChangedDesc => -record.since.0,
        };
        Position {
            time,
            texts,
            id: record.asset.reference.id(),
        }
    }
}

/// A page of assets.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The assets.
    pub records: Vec<Arc<Record>>,
    /// Whether there are more.
    pub more: bool,
}

/// Which ends of edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Edges that start at the asset.
    Out,
    /// Edges that end at it.
    In,
    /// Both.
    Both,
}

/// Which edges of which assets.
#[derive(Clone, Debug)]
pub struct NeighbourQuery<'a> {
    /// The assets.
    pub ids: &'a [AssetId],
    /// In which direction.
    pub direction: Direction,
    /// Which relations; none means all.
    pub relations: Option<&'a [RelationKind]>,
    /// How many edges an asset at the most.
    pub limit: usize,
    /// After this edge; for each of the ids alike.
    pub after: Option<EdgePosition>,
}

/// A place among the edges of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgePosition {
    /// The relation.
    pub relation: RelationKind,
    /// The other end.
    pub other: AssetId,
    /// The declarer.
    pub declared_by: AssetId,
    /// Whether the edge ends at the asset.
    pub incoming: bool,
}

/// The edges at one asset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// The edges.
    pub links: Vec<Link>,
    /// How many there are in all, the ones before `after` left out.
    pub total: usize,
}

/// An edge as a store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Where it starts.
    pub from: AssetId,
    /// What it means.
    pub relation: RelationKind,
    /// Where it ends.
    pub to: AssetId,
    /// Whose observation says so.
    pub declared_by: AssetId,
    /// The version at which it came to be as it is.
    pub since: Version,
    /// What it says beyond that.
    pub detail: Detail,
}

impl Link {
    /// Its place among the edges of `at`, which is one of its ends.
    pub fn position(&self, at: AssetId) -> EdgePosition {
        let incoming = self.from != at;
        let other = if incoming { self.from } else { self.to };
        EdgePosition {
            relation: self.relation,
            other,
            declared_by: self.declared_by,
            incoming,
        }
    }
}

/// One row of an asset's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The version at which it happened.
    pub version: Version,
    /// What happened.
    pub op: Op,
    /// The state that ended; none for a creation.
    pub before: Option<Asset>,
    /// How it was learnt.
    pub how: How,
    /// Unix milliseconds: when it was last known to be as before, where that is not the moment itself.
    pub last_seen_ms: Option<i64>,
}

/// Sizes of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Assets by cluster and kind.
    pub assets: Vec<(ClusterId, planisphere_schema::Kind, usize)>,
    /// Edges by relation.
    pub edges: Vec<(RelationKind, usize)>,
    /// Stubs that dangle.
    pub dangling: usize,
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer has taken the cluster.
    #[error("another writer has taken cluster {cluster}: its fence is {stored}, ours is {ours}")]
    Fenced {
        /// The cluster.
        cluster: String,
        /// The fence in the store.
        stored: u64,
        /// The fence of the refused batch.
        ours: u64,
    },
    /// Somebody else holds the data.
    #[error("{path} is in use by another planisphere process; stop it, or name another --data-dir")]
    InUse {
        /// The data directory.
        path: String,
    },
    /// The data was written by another version.
    #[error(
        "{path} was written in format {found}, this program reads format {expected}; use the program that wrote it, or name another --data-dir (the graph is rebuilt from the clusters, its history stays in the old file)"
    )]
    Format {
        /// The file.
        path: String,
        /// The format of the file.
        found: String,
        /// Our format.
        expected: String,
    },
    /// The file system refuses.
    #[error(
        "cannot {action} {path}: {source}; make the directory writable for this user, or name another --data-dir"
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data cannot be right.
    #[error(
        "{path} is damaged: {reason}; move it away and start again (the graph is rebuilt from the clusters), or restore a backup"
    )]
    Damaged {
        /// The file.
        path: String,
        /// How it was noticed.
        reason: String,
    },
    /// An instant from before the kept history.
    #[error("history is kept {}; {} is before that", since(*.oldest_ms), instant(*.asked_ms))]
    HistoryExpired {
        /// What was asked for, in Unix ms.
        asked_ms: i64,
        /// The first instant that can be asked for; none where nothing was ever kept.
        oldest_ms: Option<i64>,
    },
    /// An instant that has not come yet.
    #[error("{} has not come yet: it is {} now", instant(*.asked_ms), instant(*.now_ms))]
    Future {
        /// What was asked for, in Unix ms.
        asked_ms: i64,
        /// Now, in Unix ms.
        now_ms: i64,
    },
    /// The store does not answer.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
}

fn instant(ms: i64) -> String {
    planisphere_schema::Time::from_unix_ms(ms).to_string()
}

fn since(oldest_ms: Option<i64>) -> String {
    // The first whole second that can be asked for: callers write seconds.
    let first = oldest_ms.map(|ms| instant(ms.saturating_add(999)));
    first.map_or_else(|| "of nothing yet".to_owned(), |first| format!("since {first}"))
}
