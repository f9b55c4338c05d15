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

/// How much of a word, or of what quotes it, is told: files may hold what nobody can read.
const TOLD_MAX: usize = 600;

/// The beginning and the end of a text that is too long.
fn shortened(text: &str) -> String {
    if text.len() <= TOLD_MAX {
        return text.to_owned();
    }
    let begin = text.floor_char_boundary(TOLD_MAX / 2);
    let end = text.ceil_char_boundary(text.len() - TOLD_MAX / 2);
    [&text[..begin], " … ", &text[end..]].concat()
}

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
            rule: shortened(&self.rule),
            place: shortened(&place.into()),
            reason: shortened(&reason.into()),
        });
    }

    /// The value, or none with the mistake noted.
    pub(super) fn ok<T>(&mut self, place: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|reason| self.add(place, reason)).ok()
    }
}
