//! What a cluster serves: aggregated discovery in two requests, or the old way on old servers. A group whose own server is
//! down is unknown, which is not the same as absent.

use super::custom::Offer;
use super::error::ConnectError;
use super::{Access, Resource, request};
use futures::StreamExt;
use planisphere_schema::Spoken;
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
    pub(super) versions: BTreeMap<(String, String), Option<BTreeSet<String>>>,
    /// What can be mirrored, the preferred version of each group first.
    pub(super) offers: Vec<Offer>,
    /// Nothing could be asked at all.
    pub(super) blind: bool,
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
#[serde(rename_all = "camelCase")]
struct ServedResource {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Option<Vec<String>>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldGroup {
    name: String,
    #[serde(default)]
    versions: Vec<OldVersion>,
    #[serde(default)]
    preferred_version: Option<OldVersion>,
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
#[serde(rename_all = "camelCase")]
struct OldResource {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    short_names: Option<Vec<String>>,
    #[serde(default)]
    verbs: Vec<String>,
}

impl Discovery {
    /// A cluster that nothing is known of: everything is worth a try.
    pub fn unknown() -> Self {
        Self {
            blind: true,
            ..Self::default()
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
            let name = group.metadata.name;
            for GroupVersion {
                version,
                resources,
                freshness,
            } in group.versions.unwrap_or_default()
            {
                let resources = resources.unwrap_or_default().into_iter();
                let resources: Vec<_> = resources.filter(|r| can_be_mirrored(&r.verbs)).collect();
                let told = freshness != "Stale";
                let plurals = told.then(|| resources.iter().map(|r| r.resource.clone()).collect());
                self.versions.insert((name.clone(), version.clone()), plurals);
                for resource in resources.into_iter().filter(|_| told) {
                    let spoken = Spoken {
                        plural: resource.resource,
                        singular: resource.singular_resource,
                        short: resource.short_names.unwrap_or_default(),
                    };
                    let kind = resource.response_kind.map(|k| k.kind).unwrap_or_default();
                    self.offer(&name, &version, kind, resource.scope == "Namespaced", spoken);
                }
            }
        }
    }

    fn offer(&mut self, group: &str, version: &str, kind: String, namespaced: bool, spoken: Spoken) {
        if !kind.is_empty() && !spoken.plural.contains('/') {
            self.offers.push(Offer {
                group: group.to_owned(),
                version: version.to_owned(),
                kind,
                namespaced,
                spoken,
            });
        }
    }

    /// The old way: one request a group and version, the preferred version of a group first.
    async fn one_by_one(&mut self, access: &Access, groups: Groups, patience: Duration) {
        let core = groups.versions.unwrap_or_default().into_iter();
        let mut asked: Vec<(String, String)> = core.map(|version| (String::new(), version)).collect();
        for group in groups.groups.unwrap_or_default() {
            let preferred = group.preferred_version.map(|v| v.version);
            let mut versions: Vec<String> = group.versions.into_iter().map(|v| v.version).collect();
            versions.sort_by_key(|v| Some(v) != preferred.as_ref());
            asked.extend(versions.into_iter().map(|version| (group.name.clone(), version)));
        }
        let answers = futures::stream::iter(asked).map(|(group, version)| async move {
            let path = if group.is_empty() {
                format!("/api/{version}")
            } else {
                format!("/apis/{group}/{version}")
            };
            let listed = request::json::<OldResources>(access, &path, patience).await;
            if let Err(e) = &listed {
                tracing::warn!(server = access.endpoint.server, path, "discovery failed: {e}");
            }
            (group, version, listed.ok())
        });
        let mut answers = std::pin::pin!(answers.buffered(8));
        while let Some((group, version, listed)) = answers.next().await {
            let resources = listed.map(|list| {
                let served = list.resources.unwrap_or_default().into_iter();
                served.filter(|r| can_be_mirrored(&r.verbs)).collect::<Vec<_>>()
            });
            let plurals = resources
                .as_ref()
                .map(|all| all.iter().map(|r| r.name.clone()).collect());
            for resource in resources.into_iter().flatten() {
                let spoken = Spoken {
                    plural: resource.name,
                    singular: resource.singular_name,
                    short: resource.short_names.unwrap_or_default(),
                };
                self.offer(&group, &version, resource.kind, resource.namespaced, spoken);
            }
            self.versions.insert((group, version), plurals);
        }
    }
}

fn can_be_mirrored(verbs: &[String]) -> bool {
    ["list", "watch"]
        .iter()
        .all(|verb| verbs.iter().any(|v| v == verb))
}
