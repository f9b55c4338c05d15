//! What is listed and watched: a kind with the group, version and plural that its URLs are made of.

use planisphere_schema::{Kind, Supply};
use std::borrow::Cow;

/// One resource of an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The kind that its objects become.
    pub kind: Kind,
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// The API version to read.
    pub version: Cow<'static, str>,
    /// Plural name, as in URLs.
    pub plural: Cow<'static, str>,
    /// Only its metadata is asked for, so that values never reach this process.
    pub metadata_only: bool,
}

impl Resource {
    /// The resource of a built-in kind; none for kinds that Kubernetes does not serve and for custom ones.
    pub fn of(kind: Kind) -> Option<Self> {
        let row = kind.row().filter(|_| kind.is_served())?;
        Some(Self {
            kind,
            group: row.group.into(),
            version: (*row.versions.first()?).into(),
            plural: row.plural.into(),
            metadata_only: row.supply == Supply::Metadata,
        })
    }

    /// The resources of all built-in kinds, in the order in which their mirrors had best start: what others hang on
    /// first, then what is many, so that the longest list begins early.
    pub fn all() -> Vec<Self> {
        let first = [Kind::Namespace, Kind::Node, Kind::Pod];
        let others = Kind::BUILT_IN.iter().filter(|kind| !first.contains(kind));
        first
            .iter()
            .chain(others)
            .filter_map(|kind| Self::of(*kind))
            .collect()
    }

    /// The resource in each of the versions that we can read, the preferred one first.
    pub fn in_all_versions(&self) -> impl Iterator<Item = Self> {
        let versions = self.kind.row().map_or(&[][..], |row| row.versions);
        versions.iter().map(|version| Self {
            version: Cow::Borrowed(*version),
            ..self.clone()
        })
    }

    /// The path of all its objects.
    pub fn path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}/{}", self.version, self.plural)
        } else {
            format!("/apis/{}/{}/{}", self.group, self.version, self.plural)
        }
    }
}
