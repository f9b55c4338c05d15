//! What a pod spec refers to: configuration, claims, an account. The same for a pod and for a workload's template.

use super::draft::Draft;
use crate::wire::{Container, PodSpec, VolumeSource};
use planisphere_schema::RelationKind::{HasPriority, HasRuntime, Mounts, Reads, RunsAs, UsesClaim};
use planisphere_schema::{Detail, Kind};

/// Whose pod spec it is.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    /// A pod's own.
    Pod,
    /// A workload's template. Volumes of these names are replaced by claims for each pod.
    Template {
        /// The names of a StatefulSet's claim templates.
        claimed: &'a [String],
    },
}

/// One reference to a ConfigMap or Secret, or to the class that takes secrets from elsewhere.
struct Reference<'a> {
    kind: Kind,
    name: &'a str,
    via: &'static str,
    optional: bool,
}

/// In every pod, put there by the cluster itself: an edge to it would say nothing.
const ROOT_CA: &str = "kube-root-ca.crt";

/// The driver that mounts what a SecretProviderClass takes from a store outside of the cluster.
const SECRETS_STORE: &str = "secrets-store.csi.k8s.io";
const SECRETS_STORE_GROUP: &str = "secrets-store.csi.x-k8s.io";

/// Declares READS, MOUNTS, RUNS_AS, HAS_PRIORITY, HAS_RUNTIME and USES_CLAIM of a pod spec.
pub(super) fn declare(draft: &mut Draft, spec: &PodSpec, whose: Whose<'_>) {
    let template = matches!(whose, Whose::Template { .. }).then_some(true);
    let mut references = Vec::with_capacity(8);
    for volume in &spec.volumes {
        if let Whose::Template { claimed } = whose
            && claimed.contains(&volume.name)
        {
            continue;
        }
        of_volume(&volume.source, &mut references);
        mounts(draft, &volume.name, &volume.source, template);
    }
    let ephemeral = spec.ephemeral_containers.iter().map(|e| &e.common);
    for container in spec
        .containers
        .iter()
        .chain(&spec.init_containers)
        .chain(ephemeral)
    {
        of_container(container, &mut references);
    }
    for secret in &spec.image_pull_secrets {
        references.push(Reference {
            kind: Kind::Secret,
            name: &secret.name,
            via: "imagePullSecrets",
            optional: false,
        });
    }
    reads(draft, references, template);
    let mut name = |relation, kind, name: &str| {
        if !name.is_empty() {
            let to = draft.neighbour(kind, name);
            let detail = Detail {
                template,
                ..Detail::default()
            };
            draft.declare(relation, to, detail);
        }
    };
    name(HasPriority, Kind::PriorityClass, &spec.priority_class_name);
    name(HasRuntime, Kind::RuntimeClass, &spec.runtime_class_name);
    name(RunsAs, Kind::ServiceAccount, account_name(spec));
    for claim in &spec.resource_claims {
        name(UsesClaim, Kind::ResourceClaim, &claim.resource_claim_name);
    }
}

/// The account that pods run as.
pub(super) fn account_name(spec: &PodSpec) -> &str {
    // serviceAccount is the deprecated copy of serviceAccountName.
    let names = [
        spec.service_account_name.as_str(),
        spec.service_account.as_str(),
        "default",
    ];
    names.into_iter().find(|n| !n.is_empty()).unwrap_or_default()
}

fn of_volume<'a>(source: &'a VolumeSource, references: &mut Vec<Reference<'a>>) {
    let mut push = |kind, name: &'a str, via, optional| {
        references.push(Reference {
            kind,
            name,
            via,
            optional,
        })
    };
    if let Some(secret) = &source.secret {
        push(Kind::Secret, &secret.secret_name, "volume", secret.optional);
    }
    if let Some(config) = &source.config_map {
        push(Kind::ConfigMap, &config.name, "volume", config.optional);
    }
    for source in source.projected.iter().flat_map(|p| &p.sources) {
        if let Some(secret) = &source.secret {
            push(Kind::Secret, &secret.name, "projected", secret.optional);
        }
        if let Some(config) = &source.config_map {
            push(Kind::ConfigMap, &config.name, "projected", config.optional);
        }
    }
    let Some(csi) = &source.csi else {
        return;
    };
    if let Some(secret) = &csi.node_publish_secret_ref {
        push(Kind::Secret, &secret.name, "csi", false);
    }
    if csi.driver == SECRETS_STORE
        && let Some(attributes) = &csi.volume_attributes
        && let Some(kind) = Kind::mentioned(SECRETS_STORE_GROUP, "SecretProviderClass")
    {
        push(kind, &attributes.secret_provider_class, "csi", false);
    }
}

fn of_container<'a>(container: &'a Container, references: &mut Vec<Reference<'a>>) {
    let mut push = |kind, name: &'a str, via, optional| {
        references.push(Reference {
            kind,
            name,
            via,
            optional,
        })
    };
    for source in &container.env_from {
        if let Some(config) = &source.config_map_ref {
            push(Kind::ConfigMap, &config.name, "envFrom", config.optional);
        }
        if let Some(secret) = &source.secret_ref {
            push(Kind::Secret, &secret.name, "envFrom", secret.optional);
        }
    }
    for source in container.env.iter().filter_map(|e| e.value_from.as_ref()) {
        if let Some(config) = &source.config_map_key_ref {
            push(Kind::ConfigMap, &config.name, "env", config.optional);
        }
        if let Some(secret) = &source.secret_key_ref {
            push(Kind::Secret, &secret.name, "env", secret.optional);
        }
    }
}

/// READS, one edge a name: grouped before references are made, because each costs a hash.
fn reads(draft: &mut Draft, mut references: Vec<Reference<'_>>, template: Option<bool>) {
    references.retain(|r| !r.name.is_empty() && (r.kind != Kind::ConfigMap || r.name != ROOT_CA));
    references.sort_by(|a, b| (a.kind, a.name, a.via).cmp(&(b.kind, b.name, b.via)));
    for same in references.chunk_by(|a, b| (a.kind, a.name) == (b.kind, b.name)) {
        let mut via: Vec<String> = Vec::with_capacity(1);
        for reference in same {
            if via.last().is_none_or(|last| last != reference.via) {
                via.push(reference.via.to_owned());
            }
        }
        let optional = Some(same.iter().all(|r| r.optional));
        let to = draft.beside(same[0].kind, same[0].name);
        draft.declare(
            Reads,
            to,
            Detail {
                via,
                optional,
                template,
                ..Detail::default()
            },
        );
    }
}

fn mounts(draft: &mut Draft, volume: &str, source: &VolumeSource, template: Option<bool>) {
    if let Some(claim) = source
        .persistent_volume_claim
        .as_ref()
        .filter(|c| !c.claim_name.is_empty())
    {
        let to = draft.neighbour(Kind::PersistentVolumeClaim, &claim.claim_name);
        let detail = Detail {
            read_only: Some(claim.read_only),
            template,
            ..Detail::default()
        };
        draft.declare(Mounts, to, detail);
    }
    // A template does not know the names of the pods that its claims are named after.
    if source.ephemeral.is_some() && template.is_none() {
        let name = [&*draft.asset.reference.key().name, "-", volume].concat();
        let to = draft.neighbour(Kind::PersistentVolumeClaim, &name);
        let detail = Detail {
            read_only: Some(false),
            ephemeral: Some(true),
            ..Detail::default()
        };
        draft.declare(Mounts, to, detail);
    }
}
