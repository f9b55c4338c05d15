//! What a cluster's objects mean, as data: each file of `fixtures/scenarios` holds objects as users write them, and the edges
//! and answers that must come of them. Every scenario runs through the pure Linker, and through the whole service on
//! every store.
//!
//! `SCENARIO=name` runs one of them. `UPDATE_SCENARIOS=1` writes what is found in place of what is expected: read the
//! difference before you commit it.

mod expectation;
mod linked;
mod refresh;
mod ruled;
mod script;
mod served;
mod traps;

use crate::store::{Embedded, InMemory, Specimen};
use futures::stream::{self, StreamExt};
use planisphere_schema::{Asset, AssetKey, Attributes, Detail, Kind, RelationKind};
use script::{Act, Scenario};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

type MakeSpecimen = fn() -> Box<dyn Specimen>;

/// Every store that a scenario runs on: one line each.
const STORES: &[(&str, MakeSpecimen)] = &[
    ("embedded", || Box::new(Embedded::default())),
    ("in memory", || Box::new(InMemory::default())),
];

/// Scenarios that run at the same time.
const AT_ONCE: usize = 4;

/// The key as a scenario writes it; the cluster itself has no name of its own.
fn shown(key: &AssetKey) -> String {
    match key.kind {
        Kind::Cluster => "Cluster/-".to_owned(),
        _ => key.to_string(),
    }
}

/// A custom resource's name, and what rules keep of it.
fn fields(asset: &Asset) -> Option<(String, Value)> {
    match &asset.attributes {
        Attributes::Custom(custom) if !custom.fields.is_empty() => {
            Some((shown(asset.reference.key()), custom.fields_json()))
        }
        _ => None,
    }
}

/// What an edge says, without what it does not say.
fn details(detail: &Detail) -> Map<String, Value> {
    let Ok(Value::Object(mut said)) = serde_json::to_value(detail) else {
        return Map::new();
    };
    said.retain(|_, value| !value.is_null() && *value != serde_json::json!([]));
    said
}

fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "- is missing, + is not expected, ~ is another, ! is there:\n{}",
        faults.join("\n")
    );
}

#[test]
fn the_linker_draws_what_each_scenario_expects() {
    let faults: Vec<String> = script::all().iter().flat_map(linked::run).collect();
    assert_none(&faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_answers_what_each_scenario_expects_on_every_store() {
    let scenarios = script::all();
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        for scenario in &scenarios {
            refreshed(scenario).await;
        }
        return;
    }
    let runs = STORES
        .iter()
        .flat_map(|store| scenarios.iter().map(move |scenario| (store, scenario)));
    let faults = stream::iter(runs).map(|((name, specimen), scenario)| async move {
        let faults = served::run(scenario, &mut *specimen()).await;
        faults
            .into_iter()
            .map(|f| format!("{name}: {f}"))
            .collect::<Vec<_>>()
    });
    let faults: Vec<Vec<String>> = faults.buffered(AT_ONCE).collect().await;
    assert_none(&faults.concat());
}

async fn refreshed(scenario: &Scenario) {
    let found = linked::found_at(scenario);
    let (_, specimen) = STORES[0];
    let answers = served::answers(scenario, &mut *specimen()).await;
    refresh::write(scenario, |number, step, expectation| {
        refresh::document(step, expectation, &found[&number], &answers[&number])
    });
}

#[test]
fn every_relation_has_a_scenario() {
    if std::env::var_os("SCENARIO").is_some() {
        return;
    }
    let scenarios = script::all();
    let shown: BTreeSet<&str> = scenarios
        .iter()
        .flat_map(|s| &s.steps)
        .flat_map(|step| match &step.act {
            Act::Expect(expectation) => expectation.edges.as_slice(),
            _ => &[],
        })
        .map(|edge| edge.ends.relation.as_str())
        .collect();
    let missing: Vec<&RelationKind> = RelationKind::ALL
        .iter()
        .filter(|relation| !shown.contains(relation.name()))
        .collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

#[test]
fn a_scenario_with_a_fault_of_its_own_is_refused_and_named() {
    let about = "about: something\n---\n";
    let object = "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\n";
    let edges = "expect: {edges: [Node/a PART_OF Cluster/-]}";
    for (text, words) in [
        (
            format!("{about}{object}expects: {{}}"),
            "scenario.yaml:7: unknown field `expects`",
        ),
        (
            format!("{about}{object}expect: {{edge: []}}"),
            "unknown field `edge`",
        ),
        (format!("{about}{object}expect: {{}}"), "expects nothing"),
        (format!("{about}{object}"), "after which nothing is expected"),
        (
            format!("{about}{edges}\n---\n{object}"),
            "after which nothing is expected",
        ),
        (format!("{object}{edges}"), "does not say what it is about"),
        (
            format!("{about}{object}expect: {{edges: [Node/a PART_OFF Cluster/-]}}"),
            "is no relation",
        ),
        (
            format!("{about}{object}expect: {{edges: [Node/a Cluster/-]}}"),
            "is not `FROM RELATION TO`",
        ),
        (
            format!("{about}{object}expect: {{edges: [{{Node/a PART_OF Cluster/-: {{stail: true}}}}]}}"),
            "unknown field `stail`",
        ),
        (
            format!("{about}{object}expect: {{absent: [Node/a RUNS_ON Node/b]}}"),
            "without a reason",
        ),
        (
            format!("{about}{object}expect: {{absent: [{{Node/a RUNS_ON Node/b: so}}]}}"),
            "expects only that something is not there",
        ),
    ] {
        let Err(error) = Scenario::read(Path::new("scenario.yaml"), &text) else {
            panic!("taken: {text}");
        };
        assert!(error.contains(words), "{error:?} does not say {words:?}");
    }
}

#[test]
fn a_scenario_that_is_not_met_says_how() {
    let text = "about: something\n---\napiVersion: v1\nkind: Node\nmetadata: {name: a, labels: {topology.kubernetes.io/zone: z}}\n---\n\
        expect:\n  edges: [{Node/a IN_ZONE Zone/z: {dangling: true}}, Node/b PART_OF Cluster/-]\n  absent: [{Node/c RUNS_ON Node/d: misspelt}]\n";
    let scenario = Scenario::read(Path::new("s.yaml"), text).unwrap();
    let faults = linked::run(&scenario);
    let expected = [
        "s.yaml:7: ~ Node/a IN_ZONE Zone/z: dangling is false, not true",
        "s.yaml:7: - Node/b PART_OF Cluster/-",
        "s.yaml:7: + Node/a PART_OF Cluster/-: {by: Node/a}",
        "s.yaml:7: ! of `Node/c RUNS_ON Node/d`, neither end was ever there",
    ];
    for line in expected {
        assert!(faults.iter().any(|f| f == line), "{line} is not in {faults:#?}");
    }
}
