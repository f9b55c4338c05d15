//! Writes what is found into the files of scenarios, in place of what was expected. What a person decided stays: which
//! relations are spoken of, which details of an edge are named, what is absent and why, which questions are asked.

use super::expectation::{Edge, Expectation, Found, Says};
use super::script::{Act, Scenario, Step};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The expectation as its document, with edges, problems and answers as they are found.
pub fn document(step: &Step, expectation: &Expectation, found: &Found, answers: &[Value]) -> String {
    let comments = step.text.lines().take_while(|line| line.starts_with('#'));
    let mut text: String = comments.map(|line| format!("{line}\n")).collect();
    text.push_str("expect:\n");
    let relations = expectation.relations();
    let spoken_of = |edge: &&Edge| relations.contains(edge.ends.relation.as_str());
    let mut edges: Vec<Edge> = found
        .edges
        .iter()
        .filter(spoken_of)
        .map(|e| chosen(expectation, found, e))
        .collect();
    edges.sort_by_key(|e| (e.ends.relation.clone(), e.ends.clone(), e.says.by.clone()));
    list(&mut text, "edges", edges.iter().map(ToString::to_string));
    let absent = expectation
        .absent
        .iter()
        .map(|a| format!("{}: {}", a.ends, a.why));
    list(&mut text, "absent", absent);
    if !found.problems.is_empty() {
        text.push_str("  problems:\n");
        for (asset, problems) in &found.problems {
            let kept = expectation
                .problems
                .get(asset)
                .filter(|words| problems.contains(*words));
            let words = kept.unwrap_or(problems);
            let _ = writeln!(text, "    {asset}: {}", Value::from(words.as_str()));
        }
    }
    if !expectation.fields.is_empty() {
        text.push_str("  fields:\n");
        for (asset, fields) in &found.fields {
            let _ = writeln!(text, "    {asset}: {fields}");
        }
    }
    if !answers.is_empty() {
        text.push_str("  answers:\n");
    }
    for (answer, data) in expectation.answers.iter().zip(answers) {
        text.push_str("  - query: |-\n");
        text.push_str(&indented(&answer.query));
        text.push_str("    data:\n");
        text.push_str(&indented(&format!("{data:#}")));
    }
    text
}

fn list(text: &mut String, name: &str, entries: impl Iterator<Item = String>) {
    let entries: String = entries.map(|entry| format!("  - {entry}\n")).collect();
    if !entries.is_empty() {
        let _ = write!(text, "  {name}:\n{entries}");
    }
}

fn indented(block: &str) -> String {
    block.lines().map(|line| format!("      {line}\n")).collect()
}

/// The edge with no more details than were asked for; its declarer too where another edge has the same ends.
fn chosen(expectation: &Expectation, found: &Found, edge: &Edge) -> Edge {
    let asked = expectation
        .edges
        .iter()
        .filter(|e| e.ends == edge.ends)
        .max_by_key(|e| e.says.by == edge.says.by);
    let keys = asked
        .map(|e| e.says.detail.keys().cloned().collect::<Vec<_>>())
        .unwrap_or_default();
    let detail: Map<String, Value> = keys
        .into_iter()
        .map(|key| {
            let value = edge.says.detail.get(&key).cloned().unwrap_or_default();
            (key, value)
        })
        .collect();
    let several = found.edges.iter().filter(|e| e.ends == edge.ends).count() > 1;
    let named = several || asked.is_some_and(|e| e.says.by.is_some());
    Edge {
        ends: edge.ends.clone(),
        says: Says {
            by: edge.says.by.clone().filter(|_| named),
            detail,
            ..edge.says
        },
    }
}

/// Writes the file anew; only documents that expect something are others.
pub fn write(scenario: &Scenario, document: impl Fn(usize, &Step, &Expectation) -> String) {
    let mut documents = scenario
        .steps
        .iter()
        .enumerate()
        .map(|(number, step)| match &step.act {
            Act::Expect(expectation) => document(number, step, expectation),
            _ => step.text.clone(),
        });
    let first = documents.next().unwrap_or_default();
    let text = documents.fold(first, |text, document| text + "---\n" + &document);
    std::fs::write(&scenario.path, text).unwrap();
}
