//! All that may cross into a store.

use crate::{Asset, AssetId, AssetRef, ClusterId, Detail, Kind, RelationKind};
use serde::Serialize;
use std::sync::Arc;

/// A cluster as it is known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Its identity.
    pub id: ClusterId,
    /// Its configured name: a label that people use, unique in one store.
    pub name: String,
}

/// One asset stands in a relation to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Where it starts.
    pub from: AssetRef,
    /// What it means.
    pub relation: RelationKind,
    /// Where it ends; maybe an asset that was never seen.
    pub to: AssetRef,
    /// What it says beyond that.
    pub detail: Detail,
}

/// One change. Safe to apply twice.
///
/// Within the edges of one declarer, (from, relation, to) is unique.
#[derive(Clone, Debug)]
pub enum Change {
    /// The asset is as given, and these are all the edges that it declares: others that it declared before end.
    Upsert {
        /// The asset.
        asset: Box<Asset>,
        /// All edges that its observation declares.
        edges: Vec<Edge>,
    },
    /// The edges of one relation that an asset declares are these, its others stay: a selector changed, not the asset.
    /// Ignored where the declarer is not there.
    Redraw {
        /// Who declares them.
        declarer: AssetId,
        /// The relation that is replaced.
        relation: RelationKind,
        /// All edges of that relation that the declarer declares.
        edges: Vec<Edge>,
    },
    /// The asset is gone, and the edges that it declared with it. Edges that others declared to it stay, dangling.
    Delete {
        /// Which asset.
        id: AssetId,
    },
}

impl Change {
    /// The asset that the change is about.
    pub fn subject(&self) -> AssetId {
        match self {
            Change::Upsert { asset, .. } => asset.reference.id(),
            Change::Redraw { declarer, .. } => *declarer,
            Change::Delete { id } => *id,
        }
    }
}

/// How a change was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
pub enum How {
    /// By a watch event.
    Event,
    /// By a list: it may have happened at any time since the object was last seen.
    List,
    /// By a probe that compared counts or hashes.
    Probe,
    /// From a dump.
    Dump,
    /// Worked out by Planisphere from other changes.
    Derived,
}

/// A change with how and when it was learnt.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The change.
    pub change: Change,
    /// How it was learnt.
    pub how: How,
    /// Unix milliseconds: when the subject was last known to be as it was before. Only where that is not the change's own moment.
    pub last_seen_ms: Option<i64>,
}

/// What of a resource we may and do see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
pub enum Coverage {
    /// Listed and watched.
    Watched,
    /// Read once, from a dump.
    Dumped,
    /// The cluster refuses it to us.
    Denied,
    /// The cluster does not serve it.
    Absent,
    /// The configuration, or the dump, leaves it out.
    Excluded,
}

/// Where the mirror of one resource of a cluster stands; commits with the data that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The kind.
    pub kind: Kind,
    /// The resourceVersion from which a watch goes on; none before the first list was complete.
    pub resume: Option<String>,
    /// Unix milliseconds of the proof that what is stored is complete up to `resume`.
    pub fresh_ms: i64,
    /// What we may see.
    pub coverage: Coverage,
}

/// Changes of one cluster that become visible together, with the state of the sources that they bring.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The cluster: the shard that is written.
    pub cluster: Cluster,
    /// The writer's fence: a store refuses a batch with an older one than it has seen.
    pub fence: u64,
    /// Unix milliseconds at which the batch was made.
    pub at_ms: i64,
    /// The changes, in order; shared, so that a batch that must be tried again need not be copied.
    pub changes: Arc<[Observed]>,
    /// Sources whose state moved.
    pub sources: Vec<SourceState>,
}
