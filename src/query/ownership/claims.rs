//! What one object says about its owner, strongest first: rules, then labels, annotations and configured keys; and, weak,
//! the application that it is a part of. Levels above it are not looked at here.

use super::book::{Book, RuleOrigin};
use crate::store::Record;
use std::sync::Arc;

/// What kind of evidence a claim rests on, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClaimSource {
    /// A rule that somebody set by hand.
    Manual,
    /// A rule of a file, a catalog or a list.
    Rule,
    /// A label.
    Label,
    /// An annotation.
    Annotation,
    /// Label `app.kubernetes.io/part-of`: it names an application, not a team.
    PartOf,
}

/// Where a claim was found, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// On the object itself.
    Own,
    /// On a controller above it.
    Controller,
    /// On its namespace.
    Namespace,
    /// On its cluster.
    Cluster,
}

/// Somebody is named as the owner.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who.
    pub owner: String,
    /// On what evidence.
    pub source: ClaimSource,
    /// How far from the object.
    pub level: Level,
    /// The object that says so.
    pub via: Arc<Record>,
    /// The evidence in words: `label team=payments on Deployment.apps shop/cart`.
    pub evidence: String,
    /// The rule that says so.
    pub rule: Option<String>,
}

impl Claim {
    /// Used only where no level has a stronger one.
    pub fn is_weak(&self) -> bool {
        self.source == ClaimSource::PartOf
    }
}

const PART_OF: &str = "app.kubernetes.io/part-of";
const BACKSTAGE: &str = "backstage.io/owner";

/// The claims on one object, strongest first.
pub fn claims(book: &Book, record: &Arc<Record>, level: Level) -> Vec<Claim> {
    let asset = &record.asset;
    let key = asset.reference.key();
    let place = if key.namespace.is_empty() {
        format!("{} {}", key.kind, key.name)
    } else {
        format!("{} {}/{}", key.kind, key.namespace, key.name)
    };
    let mut all = Vec::new();
    let mut claim = |owner: &str, source, evidence: String, rule: Option<&str>| {
        let owner = owner.trim();
        if !owner.is_empty() {
            all.push(Claim {
                owner: owner.to_owned(),
                source,
                level,
                via: Arc::clone(record),
                evidence,
                rule: rule.map(str::to_owned),
            });
        }
    };
    for rule in book.matching(record) {
        let (source, from) = match &rule.origin {
            RuleOrigin::Manual => (ClaimSource::Manual, "set by hand".to_owned()),
            RuleOrigin::File(file) => (ClaimSource::Rule, format!("of {file}")),
        };
        let evidence = format!(
            "rule {} ({from}, priority {}) matches {place}",
            rule.name, rule.priority
        );
        claim(&rule.owner, source, evidence, Some(&rule.name));
    }
    let label = |name: &str| asset.label(name).map(|v| (v, ClaimSource::Label));
    let annotation = |name: &str| asset.annotation(name).map(|v| (v, ClaimSource::Annotation));
    let fixed = [
        ("owner", label("owner")),
        ("team", label("team")),
        (BACKSTAGE, label(BACKSTAGE)),
        (BACKSTAGE, annotation(BACKSTAGE)),
        ("owner", annotation("owner")),
        ("team", annotation("team")),
    ];
    let extra = book
        .extra_keys
        .iter()
        .flat_map(|name| [(name.as_str(), label(name)), (name.as_str(), annotation(name))]);
    for (name, found) in fixed.into_iter().chain(extra) {
        let Some((value, source)) = found else { continue };
        let word = match source {
            ClaimSource::Label => "label",
            _ => "annotation",
        };
        claim(value, source, format!("{word} {name}={value} on {place}"), None);
    }
    if let Some(value) = asset.label(PART_OF) {
        let evidence = format!("label {PART_OF}={value} on {place} (an application, not a team)");
        claim(value, ClaimSource::PartOf, evidence, None);
    }
    all
}
