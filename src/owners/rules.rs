//! A file of ownership rules: `rules` with name, priority, match and owner; `owners` with how they are reached.

use super::Read;
use crate::query::ownership::book::{Contact, Match, Rule, RuleOrigin};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: Vec<Written>,
    #[serde(default)]
    owners: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    priority: i64,
    #[serde(rename = "match")]
    matching: Match,
    owner: String,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads a file of rules; an unknown key is an error, so that a misspelt one does not silently match everything.
pub(super) fn read(text: &str, name: &str) -> Result<Read, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
    let rules = file.rules.into_iter().map(|r| Rule {
        name: r.name,
        priority: r.priority,
        matching: r.matching,
        owner: r.owner,
        origin: RuleOrigin::File(name.to_owned()),
        reason: r.reason,
    });
    let contacts = file.owners.into_iter().flat_map(|(owner, channels)| {
        channels
            .into_iter()
            .map(move |(channel, address)| (owner.clone(), Contact { channel, address }))
    });
    Ok(Read {
        rules: rules.collect(),
        contacts: contacts.collect(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn rules_and_contacts_are_read_and_a_misspelt_key_is_refused() {
        let text = "rules:\n- name: pay\n  priority: 5\n  match: {namespace: 'pay*', labels: {tier: gold}}\n  owner: payments\nowners:\n  payments: {email: pay@example.org}\n";
        let read = super::read(text, "rules.yaml").unwrap();
        assert_eq!(read.rules[0].matching.namespace.as_deref(), Some("pay*"));
        assert_eq!(read.rules[0].matching.labels["tier"], "gold");
        assert_eq!(read.contacts[0].1.address, "pay@example.org");
        let misspelt = "rules:\n- name: pay\n  match: {namspace: pay}\n  owner: payments\n";
        assert!(super::read(misspelt, "rules.yaml").is_err());
    }
}
