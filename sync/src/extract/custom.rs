//! Custom resources: metadata, conditions, their definition, and what rules name. Of the rest nothing is ever built.

use super::metadata::filled;
use super::{Context, Draft, Observation, Undecodable, reason, ruled, salvage_json};
use planisphere_schema::attributes::{Condition, CustomAttributes};
use planisphere_schema::{AssetRef, Detail, Kind, RelationKind};
use serde_json::Value;

/// Conditions that are kept of one object.
const CONDITIONS_MAX: usize = 50;
/// The longest type or reason of a condition, in bytes.
const WORD_MAX: usize = 316;

/// Reads one object in JSON.
pub(super) fn read(kind: Kind, context: &Context, object: &[u8]) -> Result<Observation, Undecodable> {
    let picked = match context.rules().projection.read(object) {
        Ok(picked) => picked,
        Err(error) => return salvage_json(kind, context, object, reason(&error)),
    };
    let Some(metadata) = picked.metadata.filter(|m| !m.name.is_empty()) else {
        return Err(Undecodable {
            kind,
            bytes: object.len(),
            reason: "it has no name".into(),
        });
    };
    let mut draft = Draft::new(context, kind, metadata);
    declare_definition(&mut draft);
    let mut attributes = CustomAttributes {
        conditions: conditions(&picked.body, &mut draft),
        fields: Vec::new(),
    };
    attributes.fields = ruled::apply(&mut draft, &picked.body);
    Ok(draft.finish(attributes.into()))
}

/// Kubernetes' protobuf does not exist for custom resources.
pub(super) fn no_protobuf(kind: Kind, _: &Context, object: &[u8]) -> Result<Observation, Undecodable> {
    Err(Undecodable {
        kind,
        bytes: object.len(),
        reason: "custom resources are not written in protobuf".into(),
    })
}

fn declare_definition(draft: &mut Draft) {
    if let Some(name) = draft.context.definition(draft.asset.kind()) {
        let kind = Kind::declared("apiextensions.k8s.io", "CustomResourceDefinition");
        let definition = AssetRef::new(draft.cluster, kind, "", &name);
        draft.declare(RelationKind::CrOf, definition, Detail::default());
    }
}

/// The conditions that have a type and a status; their messages are never read, for they may quote anything.
fn conditions(body: &Value, draft: &mut Draft) -> Vec<Condition> {
    let all = match &body["status"]["conditions"] {
        Value::Array(all) => all.as_slice(),
        Value::Null => &[],
        _ => {
            draft.problem("status.conditions is no list");
            &[]
        }
    };
    let mut kept = Vec::new();
    for condition in all.iter().take(CONDITIONS_MAX) {
        let word = |key: &str| {
            condition[key]
                .as_str()
                .filter(|w| w.len() <= WORD_MAX)
                .map(str::to_owned)
        };
        let (Some(kind), Some(status)) = (word("type").and_then(filled), word("status")) else {
            draft.problem("a condition without type and status is left out");
            continue;
        };
        let since = condition["lastTransitionTime"].as_str();
        kept.push(Condition {
            kind,
            status,
            reason: word("reason").and_then(filled),
            since: since.and_then(ruled::instant),
        });
    }
    if all.len() > CONDITIONS_MAX {
        draft.problem(format!(
            "{} conditions: the first {CONDITIONS_MAX} are kept",
            all.len()
        ));
    }
    kept
}
