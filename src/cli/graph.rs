//! Answers as graphs, for Graphviz and Mermaid. Names come from clusters, so all text is quoted.

use super::incident::{reference, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is drawn: boxes by key, and labelled arrows between them.
#[derive(Default)]
pub(super) struct Graph {
    nodes: BTreeMap<String, Node>,
    edges: BTreeSet<(String, String, String)>,
}

#[derive(Default)]
struct Node {
    label: String,
    /// A second line; the colour follows from it.
    note: String,
}

impl Graph {
    /// Adds an asset, or what is known of one; gives its key.
    pub(super) fn asset(&mut self, asset: &Value, note: &str) -> String {
        let key = format!("{}/{}", text(&asset["cluster"]), reference(asset));
        self.named(key, &reference(asset), note)
    }

    /// Adds what is no asset (a wave, an owner), or what is known of it; gives its key.
    pub(super) fn named(&mut self, key: String, label: &str, note: &str) -> String {
        let node = self.nodes.entry(key.clone()).or_default();
        if node.label.is_empty() {
            label.clone_into(&mut node.label);
        }
        if !note.is_empty() {
            note.clone_into(&mut node.note);
        }
        key
    }

    /// Adds an arrow between two keys.
    pub(super) fn edge(&mut self, from: &str, to: &str, label: &str) {
        self.edges
            .insert((from.to_owned(), to.to_owned(), label.to_owned()));
    }

    /// Adds edges of the API, each with a relation, a source and a target.
    pub(super) fn path(&mut self, path: &Value) {
        for edge in path.as_array().into_iter().flatten() {
            let (from, to) = (self.asset(&edge["source"], ""), self.asset(&edge["target"], ""));
            self.edge(&from, &to, &text(&edge["relation"]));
        }
    }

    /// For Graphviz.
    pub(super) fn dot(&self, name: &str) -> String {
        let mut told = format!("digraph {name} {{\n  rankdir=LR;\n  node [shape=box, style=filled];\n");
        for (key, node) in &self.nodes {
            told.push_str(&format!(
                "  \"{}\" [label=\"{}{}\", fillcolor=\"{}\"];\n",
                safe(key),
                safe(&node.label),
                below("\\n", &node.note),
                colour(&node.note)
            ));
        }
        for (from, to, label) in &self.edges {
            told.push_str(&format!(
                "  \"{}\" -> \"{}\" [label=\"{}\"];\n",
                safe(from),
                safe(to),
                safe(label)
            ));
        }
        told.push_str("}\n");
        told
    }

    /// For Mermaid.
    pub(super) fn mermaid(&self) -> String {
        let numbers: BTreeMap<&String, usize> = self.nodes.keys().zip(0..).collect();
        let mut told = "flowchart LR\n".to_owned();
        for (node, number) in self.nodes.values().zip(0..) {
            let note = below("<br/>", &node.note);
            told.push_str(&format!("  n{number}[\"{}{note}\"]\n", safe(&node.label)));
            if !node.note.is_empty() {
                told.push_str(&format!("  style n{number} fill:{}\n", colour(&node.note)));
            }
        }
        for (from, to, label) in &self.edges {
            told.push_str(&format!(
                "  n{} -->|\"{}\"| n{}\n",
                numbers[from],
                safe(label),
                numbers[to]
            ));
        }
        told
    }
}

fn colour(note: &str) -> &'static str {
    match note {
        "FAILED" => "#8b8b8b",
        "DOWN" | "BLOCKED" | "BROKEN" => "#e06c6c",
        "DEGRADED" => "#eda95a",
        "AT_RISK" => "#f2df7a",
        "" => "#ffffff",
        _ => "#dfe8f2",
    }
}

/// A second line of a label.
fn below(end: &str, note: &str) -> String {
    match note {
        "" => String::new(),
        note => format!("{end}{}", safe(note)),
    }
}

/// One line without anything that ends a quoted text.
fn safe(text: &str) -> String {
    let keep = |c: char| match c {
        c if c.is_control() || "\"\\<>".contains(c) => '_',
        c => c,
    };
    text.chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn graphs_show_notes_and_paths_and_quote_what_clusters_say() {
        let at = |kind: &str, name: &str| json!({"cluster": "prod", "kind": kind, "namespace": null, "name": name});
        let mut graph = Graph::default();
        graph.asset(&at("Node", "n\"1"), "FAILED");
        graph.asset(&at("Service", "cart"), "DOWN");
        graph.path(&json!([
            {"relation": "ROUTES_TO", "source": at("Service", "cart"), "target": at("Node", "n\"1")}
        ]));
        let dot = graph.dot("impact");
        assert!(
            dot.contains("\"prod/Service/cart\" [label=\"Service/cart\\nDOWN\", fillcolor=\"#e06c6c\"]"),
            "{dot}"
        );
        assert!(
            dot.contains("\"prod/Service/cart\" -> \"prod/Node/n_1\" [label=\"ROUTES_TO\"]"),
            "{dot}"
        );
        let mermaid = graph.mermaid();
        assert!(mermaid.contains("n1 -->|\"ROUTES_TO\"| n0"), "{mermaid}");
        assert!(mermaid.contains("n1[\"Service/cart<br/>DOWN\"]"), "{mermaid}");
    }
}
