//! Shows what a preflight found: one row for each thing that was looked at, with what to do where it is not well.

use super::CheckOutput;
use super::table::Table;
use serde::Serialize;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Well.
    Ok,
    /// It works, but not all of it.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The cluster; empty for what is about none.
    pub cluster: String,
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub state: State,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty where nothing is to be done.
    pub next: String,
}

/// Whether nothing failed.
pub fn passed(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.state != State::Fail)
}

/// The rows as text, a line break at the end.
pub fn show(rows: &[Row], output: CheckOutput) -> String {
    match output {
        CheckOutput::Json => format!("{:#}\n", serde_json::json!(rows)),
        CheckOutput::Table => as_table(rows),
    }
}

fn as_table(rows: &[Row]) -> String {
    let mut table = Table::new(["CLUSTER", "CHECK", "STATE", "DETAIL"]);
    for row in rows {
        let state = match row.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        table.row([&row.cluster, &row.what, state, &row.detail]);
    }
    let mut out = table.to_string();
    // Sentences do not fit into columns: what to do stands below, each named as above.
    let advice: Vec<_> = rows.iter().filter(|r| !r.next.is_empty()).collect();
    if !advice.is_empty() {
        out.push_str("\nWhat to do:\n");
    }
    for row in &advice {
        let at = if row.cluster.is_empty() {
            String::new()
        } else {
            format!("{}: ", row.cluster)
        };
        out.push_str(&format!("  {at}{}: {}\n", row.what, row.next));
    }
    let count = |state| rows.iter().filter(|r| r.state == state).count();
    out.push_str(&format!(
        "\n{} ok, {} warned, {} failed\n",
        count(State::Ok),
        count(State::Warn),
        count(State::Fail)
    ));
    out
}
