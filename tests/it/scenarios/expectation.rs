//! What a scenario expects, and how it differs from what is there. Of each relation that is spoken of, the expected edges
//! are all there may be; of an edge's details, those count that are named.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The state of one cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Edges that somebody may expect who does not know the trap, each with the reason why there is none.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// The assets with problems, each with words that these contain. No others have any.
    #[serde(default)]
    pub problems: BTreeMap<String, String>,
    /// Custom resources with the fields that rules keep of them, each with all it has.
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// `FROM RELATION TO`; each end `[namespace/]Kind[.group]/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ends {
    pub from: String,
    pub relation: String,
    pub to: String,
}

/// An edge, expected or found. What is found tells all.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    pub ends: Ends,
    pub says: Says,
}

/// What is said of an edge beyond its ends.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// Who declares it; any where it is not named.
    pub by: Option<String>,
    /// Its target is not there.
    #[serde(default)]
    pub dangling: bool,
    /// It names an earlier incarnation of its target.
    #[serde(default)]
    pub stale: bool,
    #[serde(default)]
    pub detail: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Absent {
    pub ends: Ends,
    pub why: String,
}

/// A question that anybody may ask over GraphQL, with the data of its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub query: String,
    #[serde(default)]
    pub data: Value,
}

/// The state of one cluster as it is found.
#[derive(Default)]
pub struct Found {
    pub edges: Vec<Edge>,
    pub problems: BTreeMap<String, String>,
    /// Of the custom resources that have any.
    pub fields: BTreeMap<String, Value>,
}

impl Ends {
    fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [from, relation, to] = words[..] else {
            return Err(format!("{text:?} is not `FROM RELATION TO`"));
        };
        if planisphere_schema::RelationKind::parse(relation).is_none_or(|r| r.name() != relation) {
            return Err(format!("{relation:?} is no relation"));
        }
        Ok(Self {
            from: from.to_owned(),
            relation: relation.to_owned(),
            to: to.to_owned(),
        })
    }
}

impl std::fmt::Display for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.from, self.relation, self.to)
    }
}

/// `ENDS`, or a map of one entry: `ENDS: what is said of it`.
fn entry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Ends, Option<Value>), D::Error> {
    let (text, said) = match Value::deserialize(deserializer)? {
        Value::String(text) => (text, None),
        Value::Object(map) if map.len() == 1 => {
            let (text, said) = map.into_iter().next().ok_or_else(|| D::Error::custom("empty"))?;
            (text, Some(said))
        }
        other => return Err(D::Error::custom(format!("{other} is no edge"))),
    };
    Ok((Ends::parse(&text).map_err(D::Error::custom)?, said))
}

impl<'de> Deserialize<'de> for Edge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (ends, said) = entry(deserializer)?;
        let says = match said {
            Some(said) => serde_json::from_value(said).map_err(D::Error::custom)?,
            None => Says::default(),
        };
        Ok(Self { ends, says })
    }
}

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match entry(deserializer)? {
            (ends, Some(Value::String(why))) if !why.is_empty() => Ok(Self { ends, why }),
            (ends, _) => Err(D::Error::custom(format!("`{ends}` is absent without a reason"))),
        }
    }
}

impl Expectation {
    pub fn is_empty(&self) -> bool {
        self.absent.is_empty() && !self.is_of_something()
    }

    /// Whether it is met by something, and not by nothing too.
    pub fn is_of_something(&self) -> bool {
        !self.edges.is_empty()
            || !self.problems.is_empty()
            || !self.fields.is_empty()
            || !self.answers.is_empty()
    }

    /// The relations of which it names every edge.
    pub fn relations(&self) -> BTreeSet<&str> {
        let of_edges = self.edges.iter().map(|e| e.ends.relation.as_str());
        of_edges
            .chain(self.absent.iter().map(|a| a.ends.relation.as_str()))
            .collect()
    }

    /// What is not as expected, one line each. `seen` are the assets that there were at any time, so that a misspelt
    /// name cannot pass for an absent edge.
    pub fn faults(&self, found: &Found, seen: &BTreeSet<String>) -> Vec<String> {
        let mut faults = Vec::new();
        let relations = self.relations();
        let mut left: Vec<&Edge> = found
            .edges
            .iter()
            .filter(|e| relations.contains(e.ends.relation.as_str()))
            .collect();
        // Those that name their declarer choose first.
        let mut expected: Vec<&Edge> = self.edges.iter().collect();
        expected.sort_by_key(|e| e.says.by.is_none());
        for edge in expected {
            let is_it =
                |f: &&Edge| f.ends == edge.ends && (edge.says.by.is_none() || edge.says.by == f.says.by);
            let exactly = left
                .iter()
                .position(|f| is_it(f) && edge.differences(f).is_empty());
            match exactly.or_else(|| left.iter().position(is_it)) {
                Some(at) => faults.extend(edge.differences(left.swap_remove(at))),
                None => faults.push(format!("- {edge}")),
            }
        }
        faults.extend(left.into_iter().map(|edge| format!("+ {edge}")));
        for Absent { ends, why } in &self.absent {
            if let Some(edge) = found.edges.iter().find(|e| e.ends == *ends) {
                faults.push(format!("! {edge} is there, though {why}"));
            }
            if !seen.contains(&ends.from) && !seen.contains(&ends.to) {
                faults.push(format!("! of `{ends}`, neither end was ever there"));
            }
        }
        for (asset, words) in &self.problems {
            match found.problems.get(asset) {
                Some(problems) if problems.contains(words) => {}
                other => faults.push(format!("- {asset} has the problem {words:?}; it has {other:?}")),
            }
        }
        let others = found
            .problems
            .iter()
            .filter(|(asset, _)| !self.problems.contains_key(*asset));
        faults.extend(others.map(|(asset, problems)| format!("+ {asset} has the problems {problems:?}")));
        for (asset, fields) in &self.fields {
            let has = found.fields.get(asset).unwrap_or(&Value::Null);
            if has != fields {
                faults.push(format!("~ {asset} has the fields {has}, not {fields}"));
            }
        }
        faults
    }
}

impl Edge {
    /// How a found edge differs from this one, whose ends it has.
    fn differences(&self, found: &Edge) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, expected: &Value, is: &Value| {
            if expected != is {
                differences.push(format!("~ {}: {what} is {is}, not {expected}", self.ends));
            }
        };
        differ(
            "dangling",
            &self.says.dangling.into(),
            &found.says.dangling.into(),
        );
        differ("stale", &self.says.stale.into(), &found.says.stale.into());
        for (key, expected) in &self.says.detail {
            differ(key, expected, found.says.detail.get(key).unwrap_or(&Value::Null));
        }
        differences
    }
}

impl std::fmt::Display for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.ends)?;
        let mut said = Vec::new();
        if let Some(by) = &self.says.by {
            said.push(format!("by: {by}"));
        }
        if self.says.dangling {
            said.push("dangling: true".to_owned());
        }
        if self.says.stale {
            said.push("stale: true".to_owned());
        }
        if !self.says.detail.is_empty() {
            said.push(format!("detail: {}", Value::from(self.says.detail.clone())));
        }
        match said.is_empty() {
            true => Ok(()),
            false => write!(f, ": {{{}}}", said.join(", ")),
        }
    }
}
