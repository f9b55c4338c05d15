//! Which resources a cluster serves beside the built-in kinds, and the proof that one is served no more.

use super::{ConnectError, Connection, Discovery, Resource, request};
use planisphere_schema::kind::usual_plural;
use planisphere_schema::{Kind, Scope, Spoken};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Groups and plurals that are not mirrored; `*` is the whole group. They tell of no asset (leases, events, reviews,
/// metrics), repeat what others say (endpoints) or change all the time (ephemeral reports).
pub const EXCLUDED: &[(&str, &str)] = &[
    ("", "endpoints"),
    ("", "componentstatuses"),
    ("", "events"),
    ("events.k8s.io", "*"),
    ("coordination.k8s.io", "*"),
    ("metrics.k8s.io", "*"),
    ("custom.metrics.k8s.io", "*"),
    ("external.metrics.k8s.io", "*"),
    ("reports.kyverno.io", "*"),
];

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// Only names are needed; definitions are long.
const NAMES: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// How many custom kinds of one cluster are mirrored.
const KINDS_MAX: usize = 5_000;

/// One resource of a group and version, as discovery tells of it.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) namespaced: bool,
    pub(super) spoken: Spoken,
}

/// A resource that is no built-in kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResource {
    /// How it is listed and watched.
    pub resource: Resource,
    /// Whether its objects live in a namespace.
    pub scope: Scope,
    /// The name that its CustomResourceDefinition has, if it has one.
    pub definition: Option<String>,
}

/// Whether a resource is left out on purpose.
pub fn is_excluded(group: &str, plural: &str) -> bool {
    EXCLUDED
        .iter()
        .any(|(g, p)| *g == group && (*p == "*" || *p == plural))
}

/// As [`is_excluded`], of a kind whose plural nobody tells.
pub fn is_excluded_kind(kind: Kind) -> bool {
    let name = kind.short_name();
    let plurals = [usual_plural(name), name.to_ascii_lowercase()];
    let custom = matches!(kind, Kind::Custom(_));
    custom && plurals.iter().any(|plural| is_excluded(kind.group(), plural))
}

/// Whether the API server itself serves the group: its kinds have no definition.
fn is_in_tree(group: &str) -> bool {
    const SERVED: &[&str] = &[
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "discovery.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    ];
    !group.contains('.') || SERVED.contains(&group)
}

impl Discovery {
    /// What is served beside the built-in kinds, each in its preferred version.
    pub fn custom(&self) -> Vec<CustomResource> {
        let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
        for offer in &self.offers {
            let kind = Kind::declared(&offer.group, &offer.kind);
            let plural = &offer.spoken.plural;
            let Kind::Custom(custom) = kind else { continue };
            if is_excluded(&offer.group, plural) || !seen.insert(kind) || all.len() >= KINDS_MAX {
                continue;
            }
            custom.learn(offer.spoken.clone());
            all.push(CustomResource {
                resource: Resource {
                    kind,
                    group: offer.group.clone().into(),
                    version: offer.version.clone().into(),
                    plural: plural.clone().into(),
                    metadata_only: false,
                },
                scope: if offer.namespaced {
                    Scope::Namespaced
                } else {
                    Scope::Cluster
                },
                definition: (!is_in_tree(&offer.group)).then(|| format!("{plural}.{}", offer.group)),
            });
        }
        all
    }

    /// Whether it says that a kind is not served: all versions of its group were told, and none of them has it.
    pub(crate) fn tells_absence_of(&self, kind: Kind) -> bool {
        let group = kind.group();
        let told = self
            .versions
            .iter()
            .all(|((g, _), told)| g != group || told.is_some());
        !self.blind
            && told
            && !self
                .offered(group)
                .any(|o| Kind::declared(group, &o.kind) == kind)
    }

    fn offered<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Offer> {
        self.offers.iter().filter(move |offer| offer.group == group)
    }
}

/// The definitions of a cluster, by name.
#[derive(Deserialize)]
struct Definitions {
    #[serde(default)]
    items: Option<Vec<Definition>>,
}

#[derive(Deserialize)]
struct Definition {
    metadata: DefinitionMeta,
}

#[derive(Deserialize)]
struct DefinitionMeta {
    name: String,
}

impl Connection {
    /// Asks again what the cluster serves.
    pub(crate) async fn rediscover(&self) -> Option<Discovery> {
        Discovery::read(&self.access(), self.patience()).await.ok()
    }

    /// Whether it is proven that a kind, which this discovery does not have, is served no more: its path is unknown, and
    /// no definition could be its own. Kubernetes removes a definition only after the last of its objects.
    pub(crate) async fn is_gone(
        &self,
        kind: Kind,
        resource: Option<&Resource>,
        discovery: &Discovery,
    ) -> bool {
        let (access, patience) = (self.access(), self.patience());
        // An API server that has just started answers 503 to what it does not know yet.
        let path = match (resource, kind.group()) {
            (Some(resource), _) => format!("{}?limit=1", resource.path()),
            (None, "") => "/api/v0".to_owned(),
            (None, group) => format!("/apis/{group}/v0"),
        };
        let answer = request::send(&access, &path, "application/json", false, None, patience).await;
        if answer.ok().map(|a| a.code) != Some(404) {
            return false;
        }
        let answer = request::send(&access, DEFINITIONS, NAMES, false, None, patience).await;
        let Ok(answer) = answer else { return false };
        match request::read_json::<Definitions>(&access, DEFINITIONS, answer, patience).await {
            Ok(all) => {
                let suffix = format!(".{}", kind.group());
                let all = all.items.unwrap_or_default();
                let mut plurals = all.iter().filter_map(|d| d.metadata.name.strip_suffix(&suffix));
                plurals.all(|plural| discovery.offered(kind.group()).any(|o| o.spoken.plural == plural))
            }
            // Discovery and the unknown path are what there is to go by where definitions are not ours to see.
            Err(ConnectError::Forbidden { .. }) => true,
            Err(_) => false,
        }
    }
}
