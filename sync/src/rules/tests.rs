//! Rule files: the shipped ones are right, and each mistake is told with file, rule, place and reason.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{load, shipped};
use std::path::PathBuf;

fn mistakes(text: &str) -> Vec<String> {
    let file = (PathBuf::from("x.yaml"), text.to_owned());
    load(&[file], false)
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_shipped_rules_hold_and_their_names_differ() {
    let rules = shipped().unwrap();
    let names: Vec<&str> = rules.names().collect();
    assert!(
        names.len() > 40 && names.windows(2).all(|pair| pair[0] < pair[1]),
        "{names:?}"
    );
}

#[test]
fn each_mistake_names_file_rule_place_and_reason() {
    let rule = |more: &str| format!("rules: [{{name: r, kind: Widget.example.org, {more}}}]");
    let relation = |more: &str| rule(&format!("relations: [{{relation: REFERS_TO, label: l, {more}}}]"));
    for (text, place, reason) in [
        (rule("knid: x"), "x.yaml: rule `r`", "unknown field `knid`"),
        (
            relation("path: 'spec[0]', kind: Secret"),
            "relations[0].path",
            "is no path",
        ),
        (relation("path: spec.x"), "relations[0]", "of what kind"),
        (
            relation("path: spec.x, kind: Widget"),
            "relations[0].kind",
            "with its group",
        ),
        (
            relation("path: metadata.name, kind: Widget.example.org"),
            "relations[0]",
            "a loop",
        ),
        (
            relation("path: spec.x, kind: Secret, patterns: ['{nam}']"),
            "patterns[0]",
            "there is no {nam}",
        ),
        (
            rule("relations: [{relation: OWNED_BY, path: spec.x, kind: Secret}]"),
            "relations[0].relation",
            "do not draw",
        ),
        (
            rule("attributes: [{name: a, path: metadata.managedFields, type: string}]"),
            "attributes[0].path",
            "of metadata",
        ),
        (
            rule("attributes: [{name: a, path: spec.a, type: text}]"),
            "attributes[0]",
            "unknown variant",
        ),
        (
            "rules: [{name: r, kind: Pod, attributes: [{name: a, path: spec.a, type: string}]}]".into(),
            "attributes",
            "custom resources alone",
        ),
        (
            relation("path: spec.x, image: {digets: d}"),
            "relations[0]",
            "unknown field `digets`",
        ),
        (
            relation("path: spec.x, kind: Secret, image: {digest: d}"),
            "relations[0].image",
            "told by its digest",
        ),
        (
            relation("path: 'spec.x[*]', image: {digest: 'd[*]'}"),
            "relations[0].image.digest",
            "many places",
        ),
        (
            relation("path: spec.x, image: {digest: d, registry: r}"),
            "relations[0].image.registry",
            "give `repository` too",
        ),
        (
            relation("path: metadata.labels.x, image: {digest: d}"),
            "relations[0].image",
            "nothing in metadata",
        ),
        ("rule: []".into(), "x.yaml", "unknown key"),
        ("rules: [".into(), "x.yaml", ""),
    ] {
        let found = mistakes(&text);
        assert!(
            found.iter().any(|m| m.contains(place) && m.contains(reason)),
            "{text}: {found:?}"
        );
    }
}
