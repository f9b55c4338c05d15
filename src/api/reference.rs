//! How callers name assets, directions and orders.

use crate::query::names::Reference;
use crate::store;
use async_graphql::{Enum, ID, InputObject, OneofObject};

/// Which asset: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
#[graphql(name = "AssetRef")]
pub enum AssetRefInput {
    /// By the id that this API gave out.
    Id(ID),
    /// By the uid that Kubernetes gave to its present incarnation.
    Uid(String),
    /// By name.
    Key(AssetKeyInput),
}

/// What names an asset.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "AssetKey")]
pub struct AssetKeyInput {
    /// The cluster's configured name, or its identity.
    cluster: String,
    /// The kind with its group, `Deployment.apps`; a bare or short name (`deploy`) where one kind alone answers to it.
    kind: String,
    /// The namespace; left out for what lives in the cluster itself.
    namespace: Option<String>,
    /// The name.
    name: String,
}

impl From<AssetRefInput> for Reference {
    fn from(reference: AssetRefInput) -> Self {
        match reference {
            AssetRefInput::Id(id) => Reference::Id(id.0),
            AssetRefInput::Uid(uid) => Reference::Uid(uid),
            AssetRefInput::Key(key) => Reference::Key {
                cluster: key.cluster,
                kind: key.kind,
                namespace: key.namespace.filter(|n| !n.is_empty()),
                name: key.name,
            },
        }
    }
}

/// Which edges, seen from an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "store::Direction")]
pub enum Direction {
    /// Edges that start at the asset.
    Out,
    /// Edges that end at it.
    In,
    /// Both.
    Both,
}

/// In which order assets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "store::Order")]
pub enum AssetOrder {
    /// By cluster, kind, namespace and name.
    Key,
    /// By name, then by key.
    Name,
    /// Newest first, as the clusters claim.
    CreatedDesc,
    /// Latest change first. The only order in which an asset may move while pages are read.
    ChangedDesc,
}
