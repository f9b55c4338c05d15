//! One entry of an asset's history, and the pure difference of two of its states.

use crate::Asset;
use serde::Serialize;
use serde_json::Value;

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum), graphql(name = "ChangeOp"))]
pub enum Op {
    /// It came to be.
    Create,
    /// It changed.
    Update,
    /// It went.
    Delete,
}

/// A field that differs between two states; absent values are null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// The path, dotted: `phase`, `containers.0.image`, `labels.app`.
    pub path: String,
    /// The value before.
    pub before: Value,
    /// The value after.
    pub after: Value,
}

/// The fields in which `after` differs from `before`, by path, leaves only.
pub fn diff(before: &Asset, after: &Asset) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare(String::new(), &content(before), &content(after), &mut changes);
    changes
}

/// What controllers and kubelets report, as the last or an inner part of a path: it moves while nobody changes anything.
const STATUS: &[&str] = &[
    "active",
    "available",
    "availableReplicas",
    "completedAt",
    "conditions",
    "current",
    "currentRevision",
    "desired",
    "endpoints",
    "exitCode",
    "failed",
    "hostIP",
    "imageID",
    "lastScheduleAt",
    "lastSuccessfulAt",
    "loadBalancer",
    "misscheduled",
    "phase",
    "podIPs",
    "ready",
    "readyEndpoints",
    "readyReplicas",
    "reason",
    "restarts",
    "startedAt",
    "state",
    "succeeded",
    "updateRevision",
    "updated",
    "updatedReplicas",
];

impl FieldChange {
    /// Whether it is what a controller or a kubelet reports, not what somebody asked for.
    pub fn is_status(&self) -> bool {
        let mut parts = self.path.split('.');
        let own = |part: &str| matches!(part, "labels" | "annotations" | "uid");
        let first = parts.next().unwrap_or_default();
        !own(first)
            && std::iter::once(first)
                .chain(parts)
                .any(|part| STATUS.contains(&part))
    }
}

fn content(asset: &Asset) -> Value {
    let mut value = asset.attributes.to_json();
    if let Value::Object(map) = &mut value {
        let labels = |l: &[crate::Label]| {
            l.iter()
                .map(|l| (l.key.clone(), Value::from(l.value.as_str())))
                .collect()
        };
        map.insert("labels".into(), Value::Object(labels(&asset.labels)));
        map.insert("annotations".into(), Value::Object(labels(&asset.annotations)));
        map.insert("uid".into(), Value::from(asset.uid.to_string()));
        map.insert(
            "deletionTimestamp".into(),
            asset.deleting.map_or(Value::Null, |t| Value::from(t.to_string())),
        );
        map.insert("problems".into(), Value::from(asset.problems.clone()));
    }
    value
}

fn compare(path: String, before: &Value, after: &Value, changes: &mut Vec<FieldChange>) {
    let at = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => {
            let mut keys: Vec<&String> = b.keys().chain(a.keys().filter(|k| !b.contains_key(*k))).collect();
            keys.sort();
            for key in keys {
                compare(
                    at(key),
                    b.get(key).unwrap_or(&Value::Null),
                    a.get(key).unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        (Value::Array(b), Value::Array(a)) => {
            for index in 0..b.len().max(a.len()) {
                let (b, a) = (
                    b.get(index).unwrap_or(&Value::Null),
                    a.get(index).unwrap_or(&Value::Null),
                );
                compare(at(&index.to_string()), b, a, changes);
            }
        }
        _ if before != after => {
            changes.push(FieldChange {
                path,
                before: before.clone(),
                after: after.clone(),
            });
        }
        _ => {}
    }
}
