//! Selectors and terms held against labels, as the scheduler reads them.

use planisphere_schema::Label;
use planisphere_schema::attributes::{NodeTerm, Requirement, Selector};

/// The value of a label.
pub(super) fn value<'a>(labels: &'a [Label], key: &str) -> Option<&'a str> {
    let found = labels.iter().find(|l| l.key == key);
    found.map(|l| l.value.as_str())
}

/// Whether a requirement holds of a value, or of its absence.
fn holds(requirement: &Requirement, value: Option<&str>) -> bool {
    let listed = |v: &str| requirement.values.iter().any(|wanted| wanted == v);
    match requirement.operator.as_str() {
        "In" => value.is_some_and(listed),
        "NotIn" => !value.is_some_and(listed),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(requirement, value).is_some_and(|(is, wanted)| is > wanted),
        "Lt" => compare(requirement, value).is_some_and(|(is, wanted)| is < wanted),
        _ => false,
    }
}

/// The value and what it is compared with; none where either is no whole number.
fn compare(requirement: &Requirement, value: Option<&str>) -> Option<(i64, i64)> {
    let [wanted] = requirement.values.as_slice() else {
        return None;
    };
    Some((value?.parse().ok()?, wanted.parse().ok()?))
}

/// Whether labels, each as `key=value`, are all there.
pub(super) fn has_all<'a>(equal: &[String], label: impl Fn(&str) -> Option<&'a str>) -> bool {
    let there = |pair: &String| {
        pair.split_once('=')
            .is_some_and(|(key, wanted)| label(key) == Some(wanted))
    };
    equal.iter().all(there)
}

/// Whether a selector selects something with these labels; an absent one selects nothing, an empty one everything.
pub(super) fn selects(selector: Option<&Selector>, labels: &[Label]) -> bool {
    selector.is_some_and(|s| {
        has_all(&s.match_labels, |key| value(labels, key))
            && s.match_expressions
                .iter()
                .all(|r| holds(r, value(labels, &r.key)))
    })
}

/// Whether any one of these terms holds of a node.
pub(super) fn any_term<'a>(terms: &[NodeTerm], name: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
    terms.iter().any(|term| {
        let asks = !term.match_expressions.is_empty() || !term.match_fields.is_empty();
        let field = |r: &Requirement| r.key == "metadata.name" && holds(r, Some(name));
        asks && term.match_expressions.iter().all(|r| holds(r, label(&r.key)))
            && term.match_fields.iter().all(field)
    })
}
