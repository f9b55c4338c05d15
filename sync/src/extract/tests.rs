//! Tests of extraction, and what they share: a cluster, JSON literals read into observations, edges as one line of text.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attributes;
mod ecosystems;
mod encodings;
mod faults;
mod fuzz;
mod markers;
mod placement;
mod policies;
mod recorded;
mod references;
mod relations;

use crate::{Extractor, Observation};
use planisphere_schema::{Attributes, ClusterId, Edge, Kind, RelationKind};
use prost::Message;
use serde_json::{Value, json};
use uuid::Uuid;

const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(7));
/// The group that no server has in protobuf, because its kinds are defined by CustomResourceDefinitions.
const JSON_ALONE: &str = "gateway.networking.k8s.io";
const UID: &str = "11111111-2222-3333-4444-555555555555";

fn kinds() -> impl Iterator<Item = (Kind, Extractor)> {
    Kind::BUILT_IN
        .iter()
        .filter_map(|k| Some((*k, Extractor::of(*k)?)))
}

/// Reads an object from JSON and, where it decodes whole, from protobuf too: both must say the same.
fn read(kind: Kind, object: &Value) -> Observation {
    let (extractor, json) = (Extractor::of(kind).unwrap(), object.to_string());
    let observation = extractor.json(CLUSTER, json.as_bytes()).unwrap();
    if let Some(bytes) = (extractor.to_protobuf)(&json) {
        assert_eq!(
            extractor.protobuf(CLUSTER, &bytes).unwrap(),
            observation,
            "{kind}: protobuf differs from JSON"
        );
    }
    observation
}

/// Puts the metadata into an object that every real one has: `shop/cart`, unless it says otherwise.
fn complete(mut object: Value) -> Value {
    let metadata = object
        .as_object_mut()
        .unwrap()
        .entry("metadata")
        .or_insert_with(|| json!({}));
    for (key, value) in [
        ("name", "cart"),
        ("namespace", "shop"),
        ("uid", UID),
        ("resourceVersion", "42"),
    ] {
        metadata
            .as_object_mut()
            .unwrap()
            .entry(key)
            .or_insert_with(|| value.into());
    }
    object
}

/// Reads an object to which [`complete`] adds what is missing.
fn observe(kind: Kind, object: Value) -> Observation {
    read(kind, &complete(object))
}

/// An edge as text: `[FROM ]RELATION TO[ {what it says}]`; FROM only where it is not the object itself.
fn line(observation: &Observation, edge: &Edge) -> String {
    let mut detail = serde_json::to_value(&edge.detail).unwrap();
    let said = detail.as_object_mut().unwrap();
    said.retain(|_, v| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty()));
    let from = if edge.from == observation.asset.reference {
        String::new()
    } else {
        format!("{} ", edge.from.key())
    };
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(" {detail}")
    };
    format!("{from}{} {}{said}", edge.relation, edge.to.key())
}

/// The edges of some relations, each as [`line`], sorted.
fn lines(observation: &Observation, relations: &[RelationKind]) -> Vec<String> {
    let chosen = observation
        .edges
        .iter()
        .filter(|e| relations.contains(&e.relation));
    let mut lines: Vec<String> = chosen.map(|e| line(observation, e)).collect();
    lines.sort();
    lines
}

/// Asserts that of these relations an object declares these edges and no others, and that nothing was wrong with it.
#[track_caller]
fn declares(kind: Kind, object: Value, relations: &[RelationKind], expected: &[&str]) {
    let observation = observe(kind, object);
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(lines(&observation, relations), expected);
    assert_eq!(observation.asset.problems, [""; 0]);
}

/// The attributes as JSON, by Kubernetes' names.
fn kept(observation: &Observation) -> Value {
    Attributes::to_json(&observation.asset.attributes)
}
