//! Tables: CSV for spreadsheets, JSON Lines for programs. Both say the same of an asset.

use super::{ExportError, Pages, Row};
use planisphere_schema::{Label, Time};
use serde_json::{Map, Value, json};
use std::io::Write;

/// The columns of the CSV, which are the keys of the JSON objects that hold no lists.
const COLUMNS: &[&str] = &[
    "cluster",
    "kind",
    "namespace",
    "name",
    "id",
    "uid",
    "createdAt",
    "changedAt",
    "deletionTimestamp",
    "dangling",
    "owner",
    "ownerEvidence",
    "controller",
    "application",
    "labels",
    "attributes",
    "problems",
];

/// Writes a table; the number of its rows without the header.
pub(super) async fn csv(pages: &mut Pages<'_>, out: &mut (dyn Write + Send)) -> Result<u64, ExportError> {
    let mut rows = 0;
    write_record(out, COLUMNS.iter().map(|c| (*c).to_owned()))?;
    while let Some(page) = pages.next().await? {
        for row in &page {
            let object = object(row);
            write_record(out, COLUMNS.iter().map(|c| cell(&object[*c])))?;
            rows += 1;
        }
    }
    Ok(rows)
}

fn write_record(out: &mut (dyn Write + Send), cells: impl Iterator<Item = String>) -> std::io::Result<()> {
    // A writer for each record, so that none borrows the output while the next page is awaited.
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells.map(harmless))?;
    out.write_all(&writer.into_inner().map_err(|e| e.into_error())?)
}

/// Text that no spreadsheet takes for a formula (CWE-1236): what starts as one gets an apostrophe in front.
pub fn harmless(cell: String) -> String {
    let starts_a_formula = |c: char| "=+-@\t\r\n|%".contains(c) || ('！'..='～').contains(&c);
    if cell.starts_with(starts_a_formula) {
        format!("'{cell}")
    } else {
        cell
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => String::new(),
        Value::Object(all) if all.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// Writes one JSON object a line.
pub(super) async fn json_lines(
    pages: &mut Pages<'_>,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    let mut rows = 0;
    while let Some(page) = pages.next().await? {
        for row in &page {
            let mut line = object(row).to_string();
            line.push('\n');
            out.write_all(line.as_bytes())?;
            rows += 1;
        }
    }
    Ok(rows)
}

/// What both forms say of an asset.
fn object(row: &Row) -> Value {
    let Row { record, ownership } = row;
    let asset = &record.asset;
    let key = asset.reference.key();
    let time = |time: Option<Time>| time.map(|t| t.to_string());
    let claim = ownership.claim.as_ref();
    let controller = ownership.controllers.last().map(|c| {
        let key = c.asset.reference.key();
        format!("{}/{}", key.kind, key.name)
    });
    json!({
        "id": asset.reference.id(),
        "cluster": &*record.cluster_name,
        "kind": key.kind.to_string(),
        "namespace": Some(&*key.namespace).filter(|n| !n.is_empty()),
        "name": &*key.name,
        "uid": Some(asset.uid).filter(|u| !u.is_nil()),
        "createdAt": time(asset.created),
        "changedAt": record.since.time().to_string(),
        "deletionTimestamp": time(asset.deleting),
        "dangling": record.is_dangling(),
        "owner": claim.map(|c| &c.owner),
        "ownerEvidence": claim.map(|c| &c.evidence),
        "controller": controller,
        "application": ownership.applications.first().map(|a| &a.name),
        "labels": map(&asset.labels),
        "annotations": map(&asset.annotations),
        "attributes": asset.attributes.to_json(),
        "problems": asset.problems,
    })
}

fn map(labels: &[Label]) -> Value {
    let pairs = labels
        .iter()
        .map(|l| (l.key.clone(), Value::from(l.value.as_str())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_a_spreadsheet_would_take_for_a_formula_gets_an_apostrophe() {
        for formula in ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "|cmd", "%0A", "＝1"] {
            assert_eq!(harmless(formula.to_owned()), format!("'{formula}"));
        }
        for text in ["", "shop", "{\"a\":1}", "10", "a=b"] {
            assert_eq!(harmless(text.to_owned()), text);
        }
    }
}
