//! What a cluster serves: aggregated discovery in two requests, or the old way on old servers. A group whose own server is
//! down is unknown, which is not the same as absent.

use super::error::ConnectError;
use super::{Access, Resource, request};
use planisphere_schema::Kind;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Whether a cluster serves a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// It can be listed and watched.
    Yes,
    /// It cannot.
    No,
    /// The cluster could not tell.
    Unknown,
}

/// What a cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The plural names that can be listed and watched, by group and version; none where their server did not tell.
    versions: BTreeMap<(String, String), Option<BTreeSet<String>>>,
    /// Nothing could be asked at all.
    blind: bool,
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Option<Vec<Group>>,
    // APIVersions and APIGroupList of the old way.
    #[serde(default)]
    versions: Option<Vec<String>>,
    #[serde(default)]
    groups: Option<Vec<OldGroup>>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupMeta,
    #[serde(default)]
    versions: Option<Vec<GroupVersion>>,
}

#[derive(Deserialize, Default)]
struct GroupMeta {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
    #[serde(default)]
    resources: Option<Vec<ServedResource>>,
    #[serde(default)]
    freshness: String,
}

/// A resource in aggregated discovery.
#[derive(Deserialize)]
struct ServedResource {
    resource: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct OldGroup {
    name: String,
    #[serde(default)]
    versions: Vec<OldVersion>,
}

#[derive(Deserialize)]
struct OldVersion {
    version: String,
}

#[derive(Deserialize)]
struct OldResources {
    #[serde(default)]
    resources: Option<Vec<OldResource>>,
}

/// A resource in discovery of the old way.
#[derive(Deserialize)]
struct OldResource {
    name: String,
    #[serde(default)]
    verbs: Vec<String>,
}

impl Discovery {
    /// A cluster that nothing is known of: everything is worth a try.
    pub fn unknown() -> Self {
        Self {
            versions: BTreeMap::new(),
            blind: true,
        }
    }

    /// Asks a cluster. Where it does not let us ask, nothing is known.
    pub(crate) async fn read(access: &Access, patience: Duration) -> Result<Self, ConnectError> {
        let mut found = Self::default();
        for root in ["/api", "/apis"] {
            let answer = request::send(access, root, AGGREGATED, false, None, patience).await?;
            let groups: Groups = match request::read_json(access, root, answer, patience).await {
                Ok(groups) => groups,
                Err(ConnectError::Forbidden { .. }) => return Ok(Self::unknown()),
                Err(e) => return Err(e),
            };
            if groups.kind == "APIGroupDiscoveryList" {
                found.aggregated(groups.items.unwrap_or_default());
            } else {
                found.one_by_one(access, groups, patience).await;
            }
        }
        Ok(found)
    }

    /// Whether a resource can be listed and watched in its version.
    pub fn serves(&self, resource: &Resource) -> Served {
        let version = (resource.group.to_string(), resource.version.to_string());
        match self.versions.get(&version) {
            _ if self.blind => Served::Unknown,
            Some(None) => Served::Unknown,
            Some(Some(plurals)) if plurals.contains(&*resource.plural) => Served::Yes,
            _ => Served::No,
        }
    }

    /// A resource in the version that had best be read: the preferred one of those that are served, where any is.
    pub fn preferred(&self, resource: Resource) -> Resource {
        let served = |r: &Resource| self.serves(r) == Served::Yes;
        let found = resource.in_all_versions().find(served);
        found.unwrap_or(resource)
    }

    fn aggregated(&mut self, groups: Vec<Group>) {
        for group in groups {
            for version in group.versions.unwrap_or_default() {
                let plurals = version
                    .resources
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|r| can_be_mirrored(&r.verbs));
                let plurals = (version.freshness != "Stale").then(|| plurals.map(|r| r.resource).collect());
                self.versions
                    .insert((group.metadata.name.clone(), version.version), plurals);
            }
        }
    }

    /// The old way: one request a group and version, of those that built-in kinds live in.
    async fn one_by_one(&mut self, access: &Access, groups: Groups, patience: Duration) {
        let core = groups.versions.unwrap_or_default().into_iter();
        let named = groups.groups.unwrap_or_default().into_iter().flat_map(|group| {
            group
                .versions
                .into_iter()
                .map(move |v| (group.name.clone(), v.version))
        });
        for (group, version) in core.map(|version| (String::new(), version)).chain(named) {
            if !Kind::BUILT_IN
                .iter()
                .any(|kind| kind.is_served() && kind.group() == group)
            {
                continue;
            }
            let path = if group.is_empty() {
                format!("/api/{version}")
            } else {
                format!("/apis/{group}/{version}")
            };
            let listed = request::json::<OldResources>(access, &path, patience).await;
            if let Err(e) = &listed {
                tracing::warn!(server = access.endpoint.server, path, "discovery failed: {e}");
            }
            let plurals = listed.ok().map(|list| {
                let served = list.resources.unwrap_or_default().into_iter();
                served
                    .filter(|r| can_be_mirrored(&r.verbs))
                    .map(|r| r.name)
                    .collect()
            });
            self.versions.insert((group, version), plurals);
        }
    }
}

fn can_be_mirrored(verbs: &[String]) -> bool {
    ["list", "watch"]
        .iter()
        .all(|verb| verbs.iter().any(|v| v == verb))
}
