//! How fresh and how complete an answer is, as a warning: a table that leaves something out must say so.

use serde_json::Value;
use std::collections::BTreeSet;

/// The fields that say so, as they stand in a selection.
pub const SELECT: &str = "freshness { complete staleClusters { cluster reason lagSeconds error } \
    incomplete { cluster kind reason } }";

/// What is not well with an answer; nothing where all is. `connection` is what has a `freshness` field.
pub fn warnings(connection: &Value) -> BTreeSet<String> {
    let freshness = &connection["freshness"];
    let list = |field: &str| freshness[field].as_array().cloned().unwrap_or_default();
    let mut all: BTreeSet<String> = list("staleClusters").iter().map(stale).collect();
    all.extend(list("incomplete").iter().map(gap));
    if all.is_empty() && freshness["complete"] == false {
        all.insert("the answer is incomplete or stale; the server does not say why".to_owned());
    }
    all
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn stale(cluster: &Value) -> String {
    let name = word(&cluster["cluster"]);
    let age = match cluster["lagSeconds"].as_f64() {
        Some(seconds) => format!("as of {} ago", super::cells::human(seconds as i64)),
        None => "never proven current".to_owned(),
    };
    let why = match cluster["reason"].as_str() {
        Some("UNREACHABLE") => format!("cannot be reached, {age}"),
        Some("LAGGING") => format!("is stale, {age}"),
        Some("DUMP") => format!("was read from a dump, {age}"),
        Some("UNKNOWN") => "was not mirrored yet at that instant".to_owned(),
        Some("UNCONFIGURED") => format!("is not mirrored any more, {age}"),
        _ => format!("is stale, {age}"),
    };
    match cluster["error"].as_str() {
        Some(error) => format!("cluster {name} {why}: {error}"),
        None => format!("cluster {name} {why}"),
    }
}

fn gap(gap: &Value) -> String {
    let (cluster, kind) = (word(&gap["cluster"]), word(&gap["kind"]));
    match gap["reason"].as_str() {
        Some("DENIED") => format!("cluster {cluster} does not let the server read {kind}"),
        _ => format!("cluster {cluster}: {kind} is still being read for the first time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_reason_is_said_once() {
        let answer = json!({"freshness": {"complete": false,
            "staleClusters": [{"cluster": "eu", "reason": "UNREACHABLE", "lagSeconds": 300.0, "error": "timeout"}],
            "incomplete": [{"cluster": "us", "kind": "Secret", "reason": "DENIED"}]}});
        let said: Vec<_> = warnings(&answer).into_iter().collect();
        assert_eq!(
            said,
            [
                "cluster eu cannot be reached, as of 5m ago: timeout",
                "cluster us does not let the server read Secret"
            ]
        );
    }

    #[test]
    fn a_complete_answer_says_nothing_and_an_unexplained_gap_is_still_a_warning() {
        assert!(
            warnings(&json!({"freshness": {"complete": true, "staleClusters": [], "incomplete": []}}))
                .is_empty()
        );
        assert_eq!(warnings(&json!({"freshness": {"complete": false}})).len(), 1);
    }
}
