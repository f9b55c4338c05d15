//! The rules of ownership as data: which assets belong to whom, in what order of strength, and how owners are reached.
//! Pure: it knows no file and no store; whoever reads rules hands them over.

use crate::store::Record;
use planisphere_schema::AssetId;
use std::collections::{BTreeMap, HashMap};

/// Where a rule comes from; hand-set rules are stronger than those of files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleOrigin {
    /// Set by mutation.
    Manual,
    /// Read from a file, catalog or list, which is named.
    File(String),
}

/// Which assets a rule is about. All that is given must hold; nothing given matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// One asset by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<AssetId>,
    /// The cluster's configured name; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The kind, with or without its group, in any case; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The namespace; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels that must be there; an empty or `*` value takes any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Match {
    /// Whether nothing is asked, so that it would match every asset there is.
    pub fn is_everything(&self) -> bool {
        let any = |text: &Option<String>| text.as_deref().is_none_or(|t| t.chars().all(|c| c == '*'));
        self.id.is_none()
            && [&self.cluster, &self.kind, &self.namespace, &self.name]
                .into_iter()
                .all(any)
            && self.labels.is_empty()
    }

    /// Whether it holds for an asset.
    pub fn holds(&self, record: &Record) -> bool {
        let key = record.asset.reference.key();
        let one = |wanted: &Option<String>, text: &str| wanted.as_deref().is_none_or(|w| glob(w, text));
        self.id.is_none_or(|id| id == record.asset.reference.id())
            && one(&self.cluster, &record.cluster_name)
            && self.kind.as_deref().is_none_or(|wanted| {
                let wanted = wanted.to_ascii_lowercase();
                glob(&wanted, &key.kind.to_string().to_ascii_lowercase())
                    || glob(&wanted, &key.kind.short_name().to_ascii_lowercase())
            })
            && one(&self.namespace, &key.namespace)
            && one(&self.name, &key.name)
            && self.labels.iter().all(|(label, wanted)| {
                let value = record.asset.label(label);
                value.is_some_and(|v| wanted.is_empty() || glob(wanted, v))
            })
    }

    /// As people read it: `namespace=shop kind=Deployment`.
    pub fn describe(&self) -> String {
        let named = [
            ("cluster", &self.cluster),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
        ];
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.id.map(|id| format!("id={id}")));
        parts.extend(
            named
                .into_iter()
                .filter_map(|(n, t)| t.as_ref().map(|t| format!("{n}={t}"))),
        );
        parts.extend(self.labels.iter().map(|(k, v)| format!("label {k}={v}")));
        parts.join(" ")
    }
}

/// Whether a text matches a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    // What follows the star may start anywhere.
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| glob(rest, &text[at..]))
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique among those of its origin.
    pub name: String,
    /// Higher is stronger, among rules of the same origin.
    pub priority: i64,
    /// Which assets.
    pub matching: Match,
    /// Whose they are.
    pub owner: String,
    /// Where it comes from.
    pub origin: RuleOrigin,
    /// Why, as whoever set it says.
    pub reason: Option<String>,
}

impl Rule {
    fn strength(&self) -> (bool, std::cmp::Reverse<i64>, &str) {
        (
            self.origin != RuleOrigin::Manual,
            std::cmp::Reverse(self.priority),
            &self.name,
        )
    }
}

/// How an owner is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// The channel: email, slack, pager, link.
    pub channel: String,
    /// The address there.
    pub address: String,
}

/// All rules, strongest first, with an index that keeps thousands of them cheap.
#[derive(Clone, Debug, Default)]
pub struct Book {
    rules: Vec<Rule>,
    by_id: HashMap<AssetId, Vec<usize>>,
    by_namespace: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
    /// Labels and annotations that also name an owner, strongest first.
    pub extra_keys: Vec<String>,
    contacts: BTreeMap<String, Vec<Contact>>,
}

impl Book {
    /// A book of these rules.
    pub fn new(
        mut rules: Vec<Rule>,
        extra_keys: Vec<String>,
        contacts: BTreeMap<String, Vec<Contact>>,
    ) -> Self {
        rules.sort_by(|a, b| a.strength().cmp(&b.strength()));
        let mut book = Self {
            extra_keys,
            contacts: contacts
                .into_iter()
                .map(|(k, v)| (plain(&k).to_owned(), v))
                .collect(),
            ..Self::default()
        };
        for (index, rule) in rules.iter().enumerate() {
            match (&rule.matching.id, &rule.matching.namespace) {
                (Some(id), _) => book.by_id.entry(*id).or_default().push(index),
                (None, Some(namespace)) if !namespace.contains('*') => {
                    book.by_namespace
                        .entry(namespace.clone())
                        .or_default()
                        .push(index);
                }
                _ => book.others.push(index),
            }
        }
        book.rules = rules;
        book
    }

    /// All rules, strongest first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that hold for an asset, strongest first.
    pub fn matching(&self, record: &Record) -> Vec<&Rule> {
        let reference = &record.asset.reference;
        let of = |found: Option<&Vec<usize>>| found.cloned().unwrap_or_default();
        let mut found = of(self.by_id.get(&reference.id()));
        found.extend(of(self.by_namespace.get(&*reference.key().namespace)));
        found.extend(&self.others);
        found.sort_unstable();
        let rules = found.into_iter().filter_map(|index| self.rules.get(index));
        rules.filter(|rule| rule.matching.holds(record)).collect()
    }

    /// How an owner is reached.
    pub fn contacts(&self, owner: &str) -> &[Contact] {
        self.contacts.get(plain(owner)).map_or(&[], Vec::as_slice)
    }

    /// Owners that rules or contacts name.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        let ruled = self.rules.iter().map(|r| r.owner.as_str());
        ruled.chain(self.contacts.keys().map(String::as_str))
    }
}

/// An owner's name without what a Backstage reference adds: `group:default/payments` is `payments`. Two claims that
/// differ in that alone do not contradict each other.
pub fn plain(owner: &str) -> &str {
    let name = owner.split_once(':').map_or(owner, |(kind, rest)| {
        let known = ["group", "user"].iter().any(|k| kind.eq_ignore_ascii_case(k));
        if known { rest } else { owner }
    });
    name.strip_prefix("default/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        for (pattern, text, holds) in [
            ("pay*", "payments", true),
            ("*-prod", "eu-prod", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("pay", "payments", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), holds, "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_that_asks_for_nothing_is_one_that_matches_everything() {
        assert!(Match::default().is_everything());
        let stars = Match {
            namespace: Some("*".into()),
            ..Match::default()
        };
        assert!(stars.is_everything());
        let some = Match {
            namespace: Some("pay*".into()),
            ..Match::default()
        };
        assert!(!some.is_everything());
    }

    #[test]
    fn a_backstage_reference_is_the_same_owner_as_its_bare_name() {
        assert_eq!(plain("group:default/payments"), "payments");
        assert_eq!(plain("User:jane"), "jane");
        assert_eq!(plain("https://example.org"), "https://example.org");
    }
}
