//! What is wrong with a rule file, in words that name file, rule, place and reason.

use std::fmt;

/// One mistake in a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The rule's name, or its number where it has none; empty where the whole file is meant.
    pub rule: String,
    /// The place in the rule: `relations[0].path`; empty where the whole rule is meant.
    pub place: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if !self.rule.is_empty() {
            write!(f, ": rule {}", self.rule)?;
        }
        if !self.place.is_empty() {
            write!(f, ", {}", self.place)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for RuleError {}

/// Collects mistakes while a file is read, so that all of them can be told at once.
pub(super) struct Faults<'a> {
    pub(super) file: &'a str,
    pub(super) rule: String,
    pub(super) found: Vec<RuleError>,
}

impl Faults<'_> {
    /// Notes a mistake.
    pub(super) fn add(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.found.push(RuleError {
            file: self.file.to_owned(),
            rule: self.rule.clone(),
            place: place.into(),
            reason: reason.into(),
        });
    }

    /// The value, or none with the mistake noted.
    pub(super) fn ok<T>(&mut self, place: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|reason| self.add(place, reason)).ok()
    }
}
