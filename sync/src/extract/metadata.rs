//! What every object has: identity, labels, annotations of the allow-list, owners.

use super::Context;
use super::draft::{Draft, NAME_MAX, cut, note};
use crate::wire::meta::OwnerReference;
use crate::wire::{Amount, Annotation, LabelSelector, ObjectMeta};
use planisphere_schema::attributes::{Requirement, Selector};
use planisphere_schema::{Asset, AssetRef, Attributes, ClusterId, Detail, Kind, Label, RelationKind, Time};
use uuid::Uuid;

/// The longest label value that Kubernetes takes, in bytes.
const LABEL_MAX: usize = 63;
/// How many labels of one object are kept.
const LABELS_MAX: usize = 1_000;

/// The asset without its attributes.
pub(super) fn asset(context: &Context, kind: Kind, meta: ObjectMeta) -> Asset {
    let mut problems = Vec::new();
    let cluster = context.cluster();
    let namespace = match (kind.is_namespaced(), meta.namespace.as_str()) {
        (_, namespace) if matches!(kind, Kind::Custom(_)) => {
            cut(context.namespace(kind, namespace, kind), NAME_MAX, &mut problems)
        }
        (false, _) => "",
        (true, "") => {
            note(
                &mut problems,
                "names no namespace: taken to be in `default`".into(),
            );
            "default"
        }
        (true, namespace) => cut(namespace, NAME_MAX, &mut problems),
    };
    let reference = AssetRef::new(cluster, kind, namespace, cut(&meta.name, NAME_MAX, &mut problems));
    Asset {
        reference,
        uid: uid(cluster, &meta.uid, &mut problems),
        resource_version: resource_version(&meta.resource_version, &mut problems),
        created: instant(meta.creation_timestamp),
        deleting: instant(meta.deletion_timestamp),
        labels: labels(meta.labels, &mut problems),
        annotations: annotations(meta.annotations),
        attributes: Attributes::empty(kind),
        problems,
    }
}

fn uid(cluster: ClusterId, text: &str, problems: &mut Vec<String>) -> Uuid {
    if text.is_empty() {
        return Uuid::nil();
    }
    Uuid::parse_str(text).unwrap_or_else(|_| {
        // Incarnations must still differ, so a uid of another form is mapped, not dropped.
        note(problems, "metadata.uid is not a UUID".into());
        Uuid::new_v5(&cluster.0, text.as_bytes())
    })
}

fn resource_version(text: &str, problems: &mut Vec<String>) -> u64 {
    if text.is_empty() {
        return 0;
    }
    text.parse().unwrap_or_else(|_| {
        note(problems, "metadata.resourceVersion is not a number".into());
        0
    })
}

fn labels(mut labels: Vec<Label>, problems: &mut Vec<String>) -> Vec<Label> {
    if labels
        .iter()
        .any(|l| l.value.len() > LABEL_MAX || l.key.len() > NAME_MAX + 1 + LABEL_MAX)
    {
        note(
            problems,
            "labels longer than Kubernetes allows are left out".into(),
        );
        labels.retain(|l| l.value.len() <= LABEL_MAX && l.key.len() <= NAME_MAX + 1 + LABEL_MAX);
    }
    sorted(&mut labels);
    if labels.len() > LABELS_MAX {
        note(
            problems,
            format!("{} labels: the first {LABELS_MAX} are kept", labels.len()),
        );
        labels.truncate(LABELS_MAX);
    }
    labels
}

fn annotations(annotations: Vec<Annotation>) -> Vec<Label> {
    let kept = annotations.into_iter().filter(Annotation::is_kept);
    let mut annotations: Vec<Label> = kept
        .map(|a| Label {
            key: a.key,
            value: a.value,
        })
        .collect();
    sorted(&mut annotations);
    annotations
}

/// Sorts by key; of a key that stands twice, the last one counts, as in any map.
fn sorted(labels: &mut Vec<Label>) {
    if !labels.is_sorted_by(|a, b| a.key < b.key) {
        labels.reverse();
        labels.sort_by(|a, b| a.key.cmp(&b.key));
        labels.dedup_by(|next, kept| next.key == kept.key);
    }
}

/// OWNED_BY. The owner lives in the object's namespace or in the cluster: a reference cannot name another namespace.
pub(super) fn declare_owners(draft: &mut Draft, owners: Vec<OwnerReference>) {
    for owner in owners {
        if owner.name.is_empty() || owner.kind.is_empty() {
            draft.problem("an owner reference names no object");
            continue;
        }
        let Some(kind) = draft.kind_of(&owner.api_version, &owner.kind) else {
            continue;
        };
        let me = draft.me();
        let mine = &*me.key().namespace;
        let to = draft.beside(kind, &owner.name);
        if kind.is_namespaced() && mine.is_empty() {
            draft.problem(format!(
                "its owner {kind}/{} lives in a namespace, which an object outside of one cannot name",
                to.key().name
            ));
        }
        if owner.controller && draft.controller.is_none() {
            draft.controller = Some((kind, to.key().name.to_string()));
        }
        let detail = Detail {
            controller: Some(owner.controller),
            uid: filled(owner.uid),
            ..Detail::default()
        };
        draft.declare(RelationKind::OwnedBy, to, detail);
    }
}

/// The text, or none where it is empty.
pub(super) fn filled(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

/// The instant; Kubernetes writes "none" as the zero instant.
pub(super) fn instant(time: Option<Time>) -> Option<Time> {
    time.filter(|t| t.seconds != 0)
}

/// Labels of a selector, each as `key=value`, sorted.
pub(super) fn equalities(mut labels: Vec<Label>) -> Vec<String> {
    sorted(&mut labels);
    labels
        .into_iter()
        .map(|l| [&*l.key, "=", &*l.value].concat())
        .collect()
}

/// A selector; absent and empty differ.
pub(super) fn selector(selector: Option<LabelSelector>) -> Option<Selector> {
    selector.map(|s| Selector {
        match_labels: equalities(s.match_labels),
        match_expressions: s
            .match_expressions
            .into_iter()
            .map(|r| Requirement {
                key: r.key,
                operator: r.operator,
                values: r.values,
            })
            .collect(),
    })
}

/// Amounts, each as `resource=quantity`, sorted.
pub(super) fn amounts(mut amounts: Vec<Amount>) -> Vec<String> {
    amounts.sort_by(|a, b| a.key.cmp(&b.key));
    amounts
        .into_iter()
        .map(|a| [&*a.key, "=", &*a.value.text].concat())
        .collect()
}

/// The amount of one resource.
pub(super) fn amount(amounts: Vec<Amount>, resource: &str) -> Option<String> {
    amounts
        .into_iter()
        .find(|a| a.key == resource)
        .map(|a| a.value.text)
}
