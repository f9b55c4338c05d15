//! Which fields to ask for: those of the columns for a table, every plain field of the type for JSON and YAML. The
//! latter is read from the server's own schema, so that a newer server shows its newer fields.

use super::kinds::{Column, columns};
use crate::cli::Output;
use crate::cli::client::{Client, ClientError};
use planisphere_schema::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What every asset has.
pub const COMMON: &str = "id cluster kind namespace name createdAt deletionTimestamp";

/// How deep fields within fields are followed: a container's limits are the third level.
const DEPTH: usize = 3;

/// What was said of late.
const EVENTS: &str = " events(first: 10) { totalCount coverage nodes { type reason note count reportingController firstAt lastAt } }";

/// The fields of a table's columns.
pub fn of_columns(kind: Kind, output: Output) -> String {
    if output == Output::Name {
        return String::new();
    }
    let shown = |c: &&Column| !c.wide || output == Output::Wide;
    let mut fields: Vec<&str> = columns(kind).iter().filter(shown).map(|c| c.select).collect();
    fields.dedup();
    fields.join(" ")
}

/// The types of the server's schema.
pub struct Schema(BTreeMap<String, Value>);

const INTROSPECTION: &str = "query PlanisphereTypes { __schema { types { name kind interfaces { name } \
    fields { name args { name } type { name kind ofType { name kind ofType { name kind ofType { name kind } } } } } } } }";

impl Schema {
    /// Asks the server for its types.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(client: &Client) -> Result<Self, ClientError> {
        let data = client
            .data(INTROSPECTION, json!({}), Some("PlanisphereTypes"))
            .await?;
        Ok(Self::of(&data))
    }

    /// The types of an introspection's answer.
    pub fn of(data: &Value) -> Self {
        let types = data["__schema"]["types"].as_array().into_iter().flatten();
        let named = types.filter_map(|t| Some((t["name"].as_str()?.to_owned(), t.clone())));
        Self(named.collect())
    }

    /// Every plain field of this type: what it says itself, and no way to other assets.
    pub fn all_fields(&self, name: &str) -> String {
        self.fields(name, DEPTH)
    }

    /// As [`Schema::all_fields`], with what was said of the asset of late: for one that is named.
    pub fn details(&self, name: &str) -> String {
        let own = self.0.get(name).and_then(|t| t["fields"].as_array());
        let told = own.is_some_and(|all| all.iter().any(|f| f["name"] == "events"));
        let mut fields = self.all_fields(name);
        if told {
            fields.push_str(EVENTS);
        }
        fields
    }

    fn fields(&self, name: &str, depth: usize) -> String {
        let fields = self.0.get(name).and_then(|t| t["fields"].as_array());
        let shown = fields.into_iter().flatten().filter_map(|f| self.field(f, depth));
        shown.collect::<Vec<_>>().join(" ")
    }

    fn field(&self, field: &Value, depth: usize) -> Option<String> {
        let name = field["name"].as_str()?;
        // A field that takes arguments asks a question of its own: edges, history, instances.
        if field["args"].as_array().is_some_and(|args| !args.is_empty()) {
            return None;
        }
        let (inner, kind) = innermost(&field["type"]);
        match kind {
            "SCALAR" | "ENUM" => Some(name.to_owned()),
            "OBJECT" if depth > 0 && !self.leads_away(inner) => {
                let fields = self.fields(inner, depth - 1);
                (!fields.is_empty()).then(|| format!("{name} {{ {fields} }}"))
            }
            _ => None,
        }
    }

    /// Whether a type is an asset, or a page of some.
    fn leads_away(&self, name: &str) -> bool {
        let interfaces = self.0.get(name).and_then(|t| t["interfaces"].as_array());
        let is_asset = interfaces.is_some_and(|all| all.iter().any(|i| i["name"] == "Asset"));
        is_asset || name.ends_with("Connection")
    }
}

/// The named type inside of lists and non-nulls.
fn innermost(mut of: &Value) -> (&str, &str) {
    while of["ofType"].is_object() {
        of = &of["ofType"];
    }
    (
        of["name"].as_str().unwrap_or_default(),
        of["kind"].as_str().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plain_field_is_asked_for_and_no_way_to_other_assets() {
        let scalar = json!({"name": "String", "kind": "SCALAR"});
        let field = |name: &str, of: &Value| json!({"name": name, "args": [], "type": of});
        let object = |name: &str| json!({"kind": "NON_NULL", "ofType": {"kind": "LIST", "ofType": {"name": name, "kind": "OBJECT"}}});
        let schema = Schema::of(&json!({"__schema": {"types": [
            {"name": "Pod", "interfaces": [{"name": "Asset"}], "fields": [
                field("phase", &scalar), field("containers", &object("Container")), field("node", &object("Node")),
                {"name": "edges", "args": [{"name": "first"}], "type": scalar}]},
            {"name": "Container", "interfaces": [], "fields": [field("image", &scalar)]},
            {"name": "Node", "interfaces": [{"name": "Asset"}], "fields": [field("zone", &scalar)]},
        ]}}));
        assert_eq!(schema.all_fields("Pod"), "phase containers { image }");
    }
}
