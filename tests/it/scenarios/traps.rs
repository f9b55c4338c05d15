//! `traps.yaml` lists what there is to know of each relation: where Kubernetes says it, and where a reader goes wrong. Each
//! trap names what shows it: an edge that a scenario expects, one that it expects not to be, a problem, an answer, or a test
//! of what no object shows.

use super::expectation::{Absent, Edge, Expectation};
use super::script::{Act, Scenario, all};
use planisphere_schema::RelationKind;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "tests/it/scenarios/traps.yaml";

/// A row: one way in which objects name each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    row: String,
    /// Where Kubernetes says so.
    source: String,
    /// The relations that it becomes; none where it becomes attributes.
    #[serde(default)]
    relations: Vec<String>,
    traps: Vec<Trap>,
}

#[derive(Deserialize)]
struct Trap {
    trap: String,
    /// The scenario that shows it.
    #[serde(default)]
    scenario: String,
    #[serde(flatten)]
    shown: Shown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Shown {
    /// An edge that is expected, with at least these details.
    Edge(Edge),
    /// An edge that is expected not to be.
    Absent(String),
    /// An asset that is expected to have a problem.
    Problem(String),
    /// Words of an expected answer, or of its question.
    Answer(String),
    /// `FILE::FUNCTION` of a test.
    Test(String),
}

impl Shown {
    fn is_in(&self, expectation: &Expectation) -> bool {
        match self {
            Self::Edge(edge) => expectation.edges.iter().any(|expected| covers(expected, edge)),
            Self::Absent(ends) => {
                let is_it = |absent: &Absent| absent.ends.to_string() == *ends;
                expectation.absent.iter().any(is_it)
            }
            Self::Problem(asset) => expectation.problems.contains_key(asset),
            Self::Answer(words) => expectation
                .answers
                .iter()
                .any(|a| a.query.contains(words) || a.data.to_string().contains(words)),
            Self::Test(_) => false,
        }
    }
}

/// Whether what is expected of an edge is all that is said of it here, or more.
fn covers(expected: &Edge, said: &Edge) -> bool {
    let (more, less) = (&expected.says, &said.says);
    expected.ends == said.ends
        && more.dangling == less.dangling
        && more.stale == less.stale
        && (less.by.is_none() || more.by == less.by)
        && less
            .detail
            .iter()
            .all(|(key, value)| more.detail.get(key) == Some(value))
}

/// What is wrong with a list of rows.
fn faults(rows: &[Row], scenarios: &[Scenario]) -> Vec<String> {
    let by_name: BTreeMap<&str, &Scenario> = scenarios.iter().map(|s| (s.name.as_str(), s)).collect();
    let mut faults = Vec::new();
    for row in rows {
        let mut fault = |text: String| faults.push(format!("{}: {text}", row.row));
        if row.source.is_empty() || row.traps.is_empty() {
            fault("says not where it stands, or names nothing to know".to_owned());
        }
        for name in &row.relations {
            if RelationKind::parse(name).is_none_or(|r| r.name() != name) {
                fault(format!("{name} is no relation"));
            }
        }
        for trap in &row.traps {
            let is_shown = match (&trap.shown, by_name.get(trap.scenario.as_str())) {
                (Shown::Test(test), _) => is_test(test),
                (shown, Some(scenario)) => expectations(scenario).any(|e| shown.is_in(e)),
                (_, None) => false,
            };
            if !is_shown {
                fault(format!("nothing in {:?} shows {:?}", trap.scenario, trap.trap));
            }
        }
    }
    faults
}

fn expectations(scenario: &Scenario) -> impl Iterator<Item = &Expectation> {
    scenario.steps.iter().filter_map(|step| match &step.act {
        Act::Expect(expectation) => Some(expectation),
        _ => None,
    })
}

fn is_test(test: &str) -> bool {
    let Some((file, function)) = test.split_once("::") else {
        return false;
    };
    let head = format!("fn {function}(");
    std::fs::read_to_string(file).is_ok_and(|text| text.contains(&head))
}

fn read(text: &str) -> Vec<Row> {
    let rows: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    serde_json::from_value(rows).unwrap()
}

fn rows() -> Vec<Row> {
    read(&std::fs::read_to_string(FILE).unwrap())
}

#[test]
fn every_row_and_every_trap_has_a_scenario_that_shows_it() {
    if std::env::var_os("SCENARIO").is_some() {
        return;
    }
    let rows = rows();
    let mut faults = faults(&rows, &all());
    let spoken_of: BTreeSet<&str> = rows
        .iter()
        .flat_map(|r| &r.relations)
        .map(String::as_str)
        .collect();
    let silent = RelationKind::ALL.iter().filter(|r| !spoken_of.contains(r.name()));
    faults.extend(silent.map(|relation| format!("no row is about {relation}")));
    assert!(faults.is_empty(), "{FILE}:\n{}", faults.join("\n"));
}

#[test]
fn a_trap_that_nothing_shows_is_told() {
    let text = "about: something\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n---\n\
        expect:\n  edges: [{shop/Pod/p RUNS_ON Node/n: {dangling: true}}]\n  absent: [{shop/Pod/p RUNS_ON Node/m: so}]\n";
    let scenario = Scenario::read(std::path::Path::new("s.yaml"), text).unwrap();
    let of = |shown: &str| -> Vec<Row> {
        read(&format!("[{{row: r, source: s, traps: [{{trap: t, {shown}}}]}}]"))
    };
    let scenarios = [scenario];
    for shown in [
        "scenario: s, edge: {shop/Pod/p RUNS_ON Node/n: {dangling: true}}",
        "scenario: s, absent: shop/Pod/p RUNS_ON Node/m",
        "test: tests/it/scenarios/traps.rs::a_trap_that_nothing_shows_is_told",
    ] {
        assert_eq!(faults(&of(shown), &scenarios), Vec::<String>::new(), "{shown}");
    }
    for missing in [
        "scenario: s, edge: shop/Pod/p RUNS_ON Node/n",
        "scenario: s, edge: {shop/Pod/p RUNS_ON Node/n: {dangling: true, detail: {attached: true}}}",
        "scenario: other, edge: {shop/Pod/p RUNS_ON Node/n: {dangling: true}}",
        "scenario: s, absent: shop/Pod/p RUNS_ON Node/n",
        "scenario: s, problem: shop/Pod/p",
        "scenario: s, answer: p",
        "test: tests/it/scenarios/traps.rs::a_test_that_is_not_there",
    ] {
        assert_eq!(faults(&of(missing), &scenarios).len(), 1, "{missing}");
    }
}
