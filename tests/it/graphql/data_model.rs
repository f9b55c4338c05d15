//! docs/data-model.md is written from the tables: kinds with what is kept of them, relations with their ends, where Kubernetes
//! says so and which way failure flows.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, EnumType, FieldDefinition, TypeKind, TypeSystemDefinition};
use planisphere_schema::FailureFlow;
use planisphere_schema::{Kind, RelationKind, Scope, Supply};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "# Data model

This page is written by a test from the tables of the `schema` crate, and tested equal to them. Every asset has its cluster, kind, namespace, name,
uid, labels, those annotations that are kept, when it was created, since when it is as it is, and what was wrong with its object. What else is
kept of a kind stands below: what has no field here is never stored.

";

/// The object and enum types of the published schema.
struct Published {
    objects: BTreeMap<String, (bool, Vec<FieldDefinition>)>,
    common: BTreeSet<String>,
    relations: Vec<(String, String)>,
}

impl Published {
    fn read() -> Self {
        let document = parse_schema(planisphere::api::schema_sdl()).unwrap();
        let mut published = Self {
            objects: BTreeMap::new(),
            common: BTreeSet::new(),
            relations: Vec::new(),
        };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let is_asset = object.implements.iter().any(|i| i.node == "Asset");
                    let fields = object.fields.into_iter().map(|f| f.node).collect();
                    published.objects.insert(name, (is_asset, fields));
                }
                TypeKind::Interface(interface) if name == "Asset" => {
                    let names = interface.fields.iter().map(|f| f.node.name.node.to_string());
                    published.common = names.collect();
                }
                TypeKind::Enum(EnumType { values }) if name == "RelationKind" => {
                    let text =
                        |d: Option<async_graphql::Positioned<String>>| d.map(|d| d.node).unwrap_or_default();
                    let values = values.into_iter().map(|v| v.node);
                    published.relations = values
                        .map(|v| (v.value.node.to_string(), text(v.description)))
                        .collect();
                }
                _ => {}
            }
        }
        published
    }

    /// What is kept of a kind: names of fields, and of the fields of what they hold.
    fn kept(&self, kind: Kind) -> String {
        let own = |f: &&FieldDefinition| {
            let leads_on = self.objects.get(base(f)).is_some_and(|(is_asset, _)| *is_asset);
            f.arguments.is_empty() && !leads_on && !self.common.contains(f.name.node.as_str())
        };
        let (_, fields) = &self.objects[kind.short_name()];
        let fields = fields.iter().filter(own).map(|f| self.field(f));
        fields.collect::<Vec<_>>().join(", ")
    }

    fn field(&self, field: &FieldDefinition) -> String {
        let name = &field.name.node;
        match self.objects.get(base(field)) {
            None => format!("`{name}`"),
            Some((_, parts)) => {
                let parts: Vec<&str> = parts.iter().map(|p| p.name.node.as_str()).collect();
                format!("`{name}` ({})", parts.join(", "))
            }
        }
    }
}

/// The name of a field's type, without what is around it.
fn base(field: &FieldDefinition) -> &str {
    let mut base = &field.ty.node.base;
    loop {
        match base {
            BaseType::Named(name) => return name.as_str(),
            BaseType::List(inner) => base = &inner.base,
        }
    }
}

fn kinds(published: &Published) -> String {
    let mut page = String::from(
        "## Kinds\n\n| kind | API versions | lives in | comes from | kept of it |\n| --- | --- | --- | --- | --- |\n",
    );
    for kind in Kind::BUILT_IN {
        let row = kind.row().unwrap();
        let lives = match row.scope {
            Scope::Namespaced => "a namespace",
            Scope::Cluster => "the cluster",
        };
        let comes = match row.supply {
            Supply::Watched => "list and watch",
            Supply::Metadata => "list and watch, its metadata alone",
            Supply::Made => "Planisphere itself",
            Supply::Named => "its name in other objects",
        };
        let kept = match published.kept(*kind) {
            kept if kept.is_empty() => "its name".to_owned(),
            kept => kept,
        };
        let versions = row.versions.iter().filter(|v| !v.is_empty());
        let versions = versions.copied().collect::<Vec<_>>().join(", ");
        writeln!(page, "| {kind} | {versions} | {lives} | {comes} | {kept} |").unwrap();
    }
    page
}

fn relations(published: &Published) -> String {
    let mut page = String::from(
        "\n## Relations\n\n| relation | from and to | meaning | where Kubernetes says so | when the target fails |\n| --- | --- | --- | --- | --- |\n",
    );
    let meanings: BTreeMap<&str, &str> = published
        .relations
        .iter()
        .map(|(name, meaning)| (name.as_str(), meaning.as_str()))
        .collect();
    for relation in RelationKind::ALL {
        let row = relation.row();
        let flows = match row.failure {
            FailureFlow::Hard => "the source fails",
            FailureFlow::Redundant => "the source fails with the last target",
            FailureFlow::StartOnly => "the source goes on, but does not start again",
            FailureFlow::None => "nothing follows",
        };
        let (ends, source) = (row.ends.replace("->", "→"), row.source.replace('|', "\\|"));
        writeln!(
            page,
            "| {} | {ends} | {} | {source} | {flows} |",
            row.name, meanings[row.name]
        )
        .unwrap();
    }
    page
}

#[test]
fn the_page_about_the_data_model_is_what_the_tables_say() {
    let published = Published::read();
    let page = [HEAD.to_owned(), kinds(&published), relations(&published)].concat();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/data-model.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/data-model.md differs from the tables; refresh it with UPDATE_DOCS=1 and read the difference"
    );
}
