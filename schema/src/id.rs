//! Identity: who an asset is, whatever order its references arrive in.

use crate::Kind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// A cluster's identity: the UID of its `kube-system` namespace (as KEP-2149 recommends), never its configured name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClusterId(pub Uuid);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// UUID v5 of the cluster's identity and `group/Kind/namespace/name`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AssetId(pub Uuid);

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AssetId {
    /// The identity of what has this name, of a kind that is given by its group and short name.
    pub fn named(cluster: ClusterId, kind: (&str, &str), namespace: &str, name: &str) -> Self {
        let path = [kind.0, "/", kind.1, "/", namespace, "/", name].concat();
        Self(Uuid::new_v5(&cluster.0, path.as_bytes()))
    }
}

/// What names an asset: cluster, kind, namespace (empty for what lives in the cluster itself), name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetKey {
    /// The cluster.
    pub cluster: ClusterId,
    /// The kind, group included.
    pub kind: Kind,
    /// The namespace; empty where there is none.
    pub namespace: Box<str>,
    /// The name.
    pub name: Box<str>,
}

impl AssetKey {
    /// The identity that this key gives.
    pub fn id(&self) -> AssetId {
        let kind = (self.kind.group(), self.kind.short_name());
        AssetId::named(self.cluster, kind, &self.namespace, &self.name)
    }
}

impl fmt::Display for AssetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.namespace, self.kind, self.name)
        }
    }
}

impl fmt::Debug for AssetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key with its id, shared: one asset is named by many edges.
#[derive(Clone)]
pub struct AssetRef(Arc<(AssetId, AssetKey)>);

impl AssetRef {
    /// A reference to the asset of this name.
    pub fn new(cluster: ClusterId, kind: Kind, namespace: &str, name: &str) -> Self {
        Self::from(AssetKey {
            cluster,
            kind,
            namespace: namespace.into(),
            name: name.into(),
        })
    }

    /// The asset that stands for a whole cluster; named by its identity, since configured names change.
    pub fn cluster(cluster: ClusterId) -> Self {
        Self::new(cluster, Kind::Cluster, "", &cluster.to_string())
    }

    /// A reference from both its parts, for a store that kept both: it saves the hash that [`AssetKey::id`] takes.
    pub fn known(id: AssetId, key: AssetKey) -> Self {
        debug_assert_eq!(id, key.id());
        Self(Arc::new((id, key)))
    }

    /// The id.
    pub fn id(&self) -> AssetId {
        self.0.0
    }

    /// The key.
    pub fn key(&self) -> &AssetKey {
        &self.0.1
    }
}

impl From<AssetKey> for AssetRef {
    fn from(key: AssetKey) -> Self {
        Self(Arc::new((key.id(), key)))
    }
}

impl PartialEq for AssetRef {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for AssetRef {}

impl fmt::Debug for AssetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.key(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_gives_the_same_id_and_another_cluster_another_one() {
        let (a, b) = (ClusterId(Uuid::from_u128(1)), ClusterId(Uuid::from_u128(2)));
        let pod = |c| AssetRef::new(c, Kind::Pod, "shop", "cart-0").id();
        assert_eq!(pod(a), pod(a));
        assert_ne!(pod(a), pod(b));
        // Ids are stored and handed out: this one must never move.
        assert_eq!(pod(a), AssetId(Uuid::new_v5(&a.0, b"/Pod/shop/cart-0")));
        let deployment = AssetRef::new(a, Kind::Deployment, "shop", "cart").id();
        assert_eq!(
            deployment,
            AssetId(Uuid::new_v5(&a.0, b"apps/Deployment/shop/cart"))
        );
    }
}
