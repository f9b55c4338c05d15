//! A list of owners, as spreadsheets write it: CSV with a line of titles. `owner` is needed; `cluster`, `namespace`,
//! `kind`, `name` and `label` (`key=value`) say what is theirs, `priority` how strong it is, `contact` how they are reached.

use super::Read;
use crate::query::ownership::book::{Contact, Match, Rule, RuleOrigin};

const TITLES: &[&str] = &[
    "owner",
    "cluster",
    "namespace",
    "kind",
    "name",
    "label",
    "priority",
    "contact",
];

/// Reads a list; each line is a rule.
pub(super) fn read(text: &str, name: &str) -> Result<Read, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let titles: Vec<String> = reader
        .headers()
        .map_err(|e| e.to_string())?
        .iter()
        .map(str::to_ascii_lowercase)
        .collect();
    if let Some(unknown) = titles.iter().find(|t| !TITLES.contains(&t.as_str())) {
        return Err(format!(
            "unknown column {unknown:?}; known: {}",
            TITLES.join(", ")
        ));
    }
    if !titles.iter().any(|t| t == "owner") {
        return Err("no column `owner` in the first line".to_owned());
    }
    let mut read = Read::default();
    for (index, row) in reader.records().enumerate() {
        let line = index + 2;
        let row = row.map_err(|e| e.to_string())?;
        let cell = |title: &str| {
            let at = titles.iter().position(|t| t == title)?;
            row.get(at).filter(|c| !c.is_empty()).map(str::to_owned)
        };
        let owner = cell("owner").ok_or_else(|| format!("line {line} names no owner"))?;
        let priority = match cell("priority") {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| format!("line {line}: priority {text:?} is no whole number"))?,
        };
        let mut matching = Match {
            cluster: cell("cluster"),
            namespace: cell("namespace"),
            kind: cell("kind"),
            name: cell("name"),
            ..Match::default()
        };
        if let Some(label) = cell("label") {
            let (key, value) = label.split_once('=').unwrap_or((&label, ""));
            matching.labels.insert(key.to_owned(), value.to_owned());
        }
        if let Some(address) = cell("contact") {
            let channel = if address.contains('@') { "email" } else { "contact" };
            let channel = channel.to_owned();
            read.contacts.push((owner.clone(), Contact { channel, address }));
        }
        // A line that names nobody's things only says how somebody is reached.
        if !matching.is_everything() {
            read.rules.push(Rule {
                name: format!("{name}:{line}"),
                priority,
                matching,
                owner,
                origin: RuleOrigin::File(name.to_owned()),
                reason: None,
            });
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_spreadsheet_becomes_rules_and_an_unknown_column_is_refused() {
        let text =
            "Owner,Namespace,Label,Priority,Contact\npayments,pay*,,7,pay@example.org\n\"a, b\",,team=x,,\n";
        let read = super::read(text, "owners.csv").unwrap();
        assert_eq!(read.rules.len(), 2);
        assert_eq!(
            (read.rules[0].priority, read.rules[0].name.as_str()),
            (7, "owners.csv:2")
        );
        assert_eq!(read.rules[1].owner, "a, b");
        assert_eq!(read.rules[1].matching.labels["team"], "x");
        assert_eq!(read.contacts[0].1.channel, "email");
        assert!(
            super::read("owner,colour\nx,red\n", "f")
                .unwrap_err()
                .contains("colour")
        );
        assert!(
            super::read("owner,priority\nx,high\n", "f")
                .unwrap_err()
                .contains("line 2")
        );
    }
}
