//! A field that failed and may not be null makes its parent null, up to one that may be. async-graphql leaves such a
//! field out instead, which typed clients cannot read; this puts it right at the level of the root's fields.

use async_graphql::parser::types::{ExecutableDocument, Selection};
use async_graphql::{Name, PathSegment, Response, Value};

/// Root fields that may be null.
const NULLABLE: &[&str] = &["node", "asset"];

/// The response keys of the root fields that may be null.
pub fn nullable_roots(document: &ExecutableDocument) -> Vec<String> {
    let operations = document.operations.iter();
    let selections = operations.flat_map(|(_, o)| &o.node.selection_set.node.items);
    let fields = selections.filter_map(|selection| match &selection.node {
        Selection::Field(field) if NULLABLE.contains(&field.node.name.node.as_str()) => Some(field),
        _ => None,
    });
    fields.map(|f| f.node.response_key().node.to_string()).collect()
}

/// Makes null what holds a field that was left out.
pub fn propagate(response: &mut Response, nullable: &[String]) {
    for error in &response.errors {
        if error.path.is_empty() || is_there(&response.data, &error.path) {
            continue;
        }
        let root = match error.path.first() {
            Some(PathSegment::Field(name)) if nullable.contains(name) => Some(Name::new(name)),
            _ => None,
        };
        match (&mut response.data, root) {
            (Value::Object(fields), Some(root)) => {
                fields.insert(root, Value::Null);
            }
            (data, _) => *data = Value::Null,
        }
    }
}

/// Whether the data has something at the path, or a null on the way to it.
fn is_there(data: &Value, path: &[PathSegment]) -> bool {
    let mut at = data;
    for segment in path {
        let next = match (at, segment) {
            (Value::Null, _) => return true,
            (Value::Object(fields), PathSegment::Field(name)) => fields.get(name.as_str()),
            (Value::List(items), PathSegment::Index(index)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else {
            return false;
        };
        at = next;
    }
    true
}
