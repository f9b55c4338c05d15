//! The answer as a graph, for Graphviz and Mermaid: what failed, the paths that the failure took, and the state of each
//! Service by colour. Names come from clusters, so all text is quoted.

use super::list;
use crate::cli::incident::{reference, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Graph {
    /// Labels and states by reference.
    nodes: BTreeMap<String, (String, String)>,
    edges: BTreeSet<(String, String, String)>,
}

impl Graph {
    fn of(answer: &Value) -> Self {
        let mut graph = Self::default();
        for failed in list(&answer["failed"]) {
            graph.node(failed, "FAILED");
        }
        for node in list(&answer["services"]["nodes"]) {
            graph.node(&node["service"], &text(&node["state"]));
            for edge in list(&node["path"]) {
                let (from, to) = (graph.node(&edge["source"], ""), graph.node(&edge["target"], ""));
                graph.edges.insert((from, to, text(&edge["relation"])));
            }
            let callee = &node["propagated"]["callee"];
            if !callee.is_null() {
                let (from, to) = (graph.node(&node["service"], ""), graph.node(callee, ""));
                graph.edges.insert((from, to, "CALLS".to_owned()));
            }
        }
        graph
    }

    /// Adds a node, or what is known of one; returns its key.
    fn node(&mut self, asset: &Value, state: &str) -> String {
        let key = format!("{}/{}", text(&asset["cluster"]), reference(asset));
        let known = self
            .nodes
            .entry(key.clone())
            .or_insert_with(|| (reference(asset), String::new()));
        if !state.is_empty() {
            state.clone_into(&mut known.1);
        }
        key
    }
}

fn colour(state: &str) -> &'static str {
    match state {
        "FAILED" => "#8b8b8b",
        "DOWN" => "#e06c6c",
        "DEGRADED" => "#eda95a",
        "AT_RISK" => "#f2df7a",
        _ => "#ffffff",
    }
}

/// One line without anything that ends a quoted text.
fn safe(text: &str) -> String {
    let keep = |c: char| {
        if c.is_control() || "\"\\<>".contains(c) {
            '_'
        } else {
            c
        }
    };
    text.chars().map(keep).collect()
}

/// For Graphviz.
pub(super) fn dot(answer: &Value) -> String {
    let graph = Graph::of(answer);
    let mut told = "digraph impact {\n  rankdir=LR;\n  node [shape=box, style=filled];\n".to_owned();
    for (key, (label, state)) in &graph.nodes {
        let under = if state.is_empty() {
            String::new()
        } else {
            format!("\\n{state}")
        };
        told.push_str(&format!(
            "  \"{}\" [label=\"{}{under}\", fillcolor=\"{}\"];\n",
            safe(key),
            safe(label),
            colour(state)
        ));
    }
    for (from, to, relation) in &graph.edges {
        told.push_str(&format!(
            "  \"{}\" -> \"{}\" [label=\"{}\"];\n",
            safe(from),
            safe(to),
            safe(relation)
        ));
    }
    told.push_str("}\n");
    told
}

/// For Mermaid.
pub(super) fn mermaid(answer: &Value) -> String {
    let graph = Graph::of(answer);
    let numbers: BTreeMap<&String, usize> = graph.nodes.keys().zip(0..).collect();
    let mut told = "flowchart LR\n".to_owned();
    for ((label, state), number) in graph.nodes.values().zip(0..) {
        let under = if state.is_empty() {
            String::new()
        } else {
            format!("<br/>{state}")
        };
        told.push_str(&format!("  n{number}[\"{}{under}\"]\n", safe(label)));
        if !state.is_empty() {
            told.push_str(&format!("  style n{number} fill:{}\n", colour(state)));
        }
    }
    for (from, to, relation) in &graph.edges {
        told.push_str(&format!(
            "  n{} -->|{}| n{}\n",
            numbers[from],
            safe(relation),
            numbers[to]
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn graphs_show_states_and_paths_and_quote_what_clusters_say() {
        let at = |kind: &str, name: &str| json!({"cluster": "prod", "kind": kind, "namespace": null, "name": name});
        let answer = json!({"failed": [at("Node", "n\"1")], "services": {"nodes": [{
            "service": at("Service", "cart"), "state": "DOWN", "propagated": null,
            "path": [{"relation": "ROUTES_TO", "source": at("Service", "cart"), "target": at("Node", "n\"1")}],
        }]}});
        let dot = dot(&answer);
        assert!(
            dot.contains("\"prod/Service/cart\" [label=\"Service/cart\\nDOWN\""),
            "{dot}"
        );
        assert!(
            dot.contains("\"prod/Service/cart\" -> \"prod/Node/n_1\" [label=\"ROUTES_TO\"]"),
            "{dot}"
        );
        let mermaid = mermaid(&answer);
        assert!(mermaid.contains("n1 -->|ROUTES_TO| n0"), "{mermaid}");
        assert!(mermaid.contains("n1[\"Service/cart<br/>DOWN\"]"), "{mermaid}");
    }
}
