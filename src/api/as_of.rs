//! The instant that a request asks about: read from its document before anything runs, because all fields of a request
//! are answered from one version of the graph.

use super::error::{Code, Refusal};
use super::instant::Instant;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};

/// The argument of every question about the state at an instant.
const ARGUMENT: &str = "asOf";

/// Root fields that speak of no instant: the mirrors as they stand, the rules as they are, files that were
/// written.
const TIMELESS: &[&str] = &["sync", "ownershipRules", "export"];

/// The instant, in Unix ms, that the operation's questions name; none where none of them does.
///
/// # Errors
/// When they name different ones, or only some of them one.
pub fn instant(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> Result<Option<i64>, Refusal> {
    let mut operations = document.operations.iter();
    let chosen =
        operations.find(|(name, _)| operation_name.is_none() || name.map(Name::as_str) == operation_name);
    let Some((_, operation)) = chosen else {
        // Execution will say which operation it misses.
        return Ok(None);
    };
    let mut roots = Vec::new();
    collect(document, &operation.node.selection_set.node, 0, &mut roots);
    let mut asked: Option<Option<i64>> = None;
    for field in roots {
        let name = field.name.node.as_str();
        if name.starts_with("__") || TIMELESS.contains(&name) {
            continue;
        }
        let at_ms = match argument(field, &operation.node, variables) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(read(&text)?),
            Some(other) => return Err(wrong(&other)),
        };
        if asked.is_some_and(|other| other != at_ms) {
            return Err(Refusal::new(
                Code::BadUserInput,
                "the questions of a request are answered from one version of the graph: give each the same `asOf`, or send several requests",
            ));
        }
        asked = Some(at_ms);
    }
    Ok(asked.flatten())
}

/// The names of the fields at the root of the operation that would run.
pub fn roots(document: &ExecutableDocument, operation_name: Option<&str>) -> Vec<String> {
    let mut operations = document.operations.iter();
    let chosen =
        operations.find(|(name, _)| operation_name.is_none() || name.map(Name::as_str) == operation_name);
    let mut roots = Vec::new();
    if let Some((_, operation)) = chosen {
        collect(document, &operation.node.selection_set.node, 0, &mut roots);
    }
    roots.iter().map(|field| field.name.node.to_string()).collect()
}

/// The argument's value, variables and their defaults put in.
fn argument(field: &Field, operation: &OperationDefinition, variables: &Variables) -> Option<Value> {
    let known = |name: Name| -> Result<Value, ()> {
        let given = variables.get(&name).cloned();
        let default = || {
            let mut all = operation.variable_definitions.iter();
            let definition = all.find(|d| d.node.name.node == name)?;
            definition.node.default_value.as_ref().map(|v| v.node.clone())
        };
        Ok(given.or_else(default).unwrap_or_default())
    };
    let value = &field.get_argument(ARGUMENT)?.node;
    value.clone().into_const_with(known).ok()
}

/// The fields at the root, those of fragments included.
fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    spreads: usize,
    fields: &mut Vec<&'a Field>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(inline) => {
                collect(document, &inline.node.selection_set.node, spreads, fields);
            }
            Selection::FragmentSpread(spread) => {
                // A fragment that spreads itself is refused by validation.
                let fragment = document.fragments.get(&spread.node.fragment_name.node);
                if let Some(fragment) = fragment.filter(|_| spreads < document.fragments.len()) {
                    collect(document, &fragment.node.selection_set.node, spreads + 1, fields);
                }
            }
        }
    }
}

fn read(text: &str) -> Result<i64, Refusal> {
    let instant = Instant::parse(text);
    instant.map(|at| at.0).ok_or_else(|| wrong(&Value::from(text)))
}

fn wrong(value: &Value) -> Refusal {
    let message =
        format!("`asOf` is {value}; give an RFC 3339 instant, for example \"2026-11-24T03:12:00Z\"");
    Refusal::new(Code::BadUserInput, message)
}
