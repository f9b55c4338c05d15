//! What a dump tells of its custom kinds: by the definitions in it, else by the objects themselves.

use crate::extract::{Catalog, Entry};
use planisphere_schema::{Kind, Scope, Spoken};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A CustomResourceDefinition, as far as it says what is defined.
#[derive(Deserialize)]
struct Definition {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Deserialize)]
struct Spec {
    group: String,
    scope: String,
    names: Names,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    kind: String,
    plural: String,
    #[serde(default)]
    singular: String,
    #[serde(default)]
    short_names: Vec<String>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

/// The custom kinds of the objects.
pub(super) fn catalog(objects: &BTreeMap<Kind, Vec<Vec<u8>>>) -> Catalog {
    let catalog = Catalog::default();
    for kind in objects.keys().filter(|k| matches!(k, Kind::Custom(_))) {
        catalog.learn(*kind, seen(&objects[kind]));
    }
    let definitions = Kind::declared("apiextensions.k8s.io", "CustomResourceDefinition");
    for object in objects.get(&definitions).into_iter().flatten() {
        // One that cannot be read is told where its own kind is read.
        let Ok(Definition { metadata, spec }) = serde_json::from_slice(object) else {
            continue;
        };
        let Some(kind @ Kind::Custom(custom)) = Kind::mentioned(&spec.group, &spec.names.kind) else {
            continue;
        };
        custom.learn(Spoken {
            plural: spec.names.plural,
            singular: spec.names.singular,
            short: spec.names.short_names,
        });
        let scope = match spec.scope.as_str() {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let definition = Some(metadata.name).filter(|name| !name.is_empty());
        catalog.learn(kind, Entry { scope, definition });
    }
    catalog
}

/// What the objects of a kind say of it: it has namespaces where one of them names one.
fn seen(objects: &[Vec<u8>]) -> Entry {
    let namespaced = objects.iter().any(|object| {
        let read = serde_json::from_slice::<Object>(object);
        read.is_ok_and(|o| !o.metadata.namespace.is_empty())
    });
    let scope = match namespaced {
        true => Scope::Namespaced,
        false => Scope::Cluster,
    };
    Entry {
        scope,
        definition: None,
    }
}
