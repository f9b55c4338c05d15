//! The desk where ownership rules are kept: those of files, read at start, and those set by hand, which are written to
//! one file beside the graph before they count. It knows files and rules, and neither the graph nor who asks.

mod catalog;
mod list;
mod rules;

use crate::query::ownership::book::{Book, Contact, Match, Rule, RuleOrigin};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of rules set by hand, in the data directory.
pub const FILE: &str = "ownership.json";

/// Why rules were not taken.
#[derive(Debug, thiserror::Error)]
pub enum OwnersError {
    /// The file system refuses.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file says something that is no rule.
    #[error("{path} holds no ownership rules that can be read: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// The rule would match every asset there is.
    #[error(
        "rule {0:?} matches everything: say at least one of cluster, kind, namespace, name or a label, or the whole fleet would have one owner"
    )]
    Everything(String),
    /// The rule names nobody.
    #[error("rule {0:?} names no owner")]
    Nobody(String),
    /// The rule has no name.
    #[error("a rule needs a name")]
    Nameless,
    /// There is no such rule.
    #[error("no rule set by hand is called {0:?}")]
    Unknown(String),
}

/// What one file brings.
#[derive(Debug, Default)]
struct Read {
    rules: Vec<Rule>,
    contacts: Vec<(String, Contact)>,
}

/// All rules, and where those that are set by hand are kept.
#[derive(Debug, Default)]
pub struct Owners {
    of_files: Vec<Rule>,
    extra_keys: Vec<String>,
    contacts: BTreeMap<String, Vec<Contact>>,
    /// None keeps them in memory alone.
    path: Option<PathBuf>,
    by_hand: Mutex<BTreeMap<String, Kept>>,
    book: RwLock<Arc<Book>>,
}

/// A rule set by hand, as it is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    priority: i64,
    #[serde(rename = "match")]
    matching: Match,
    owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Owners {
    /// Reads the files, and what was set by hand in `data_dir` before; without a directory nothing outlives the process.
    /// `extra_keys` are labels and annotations that also name an owner.
    ///
    /// # Errors
    /// When a file cannot be read, or says something that is no rule: nothing is taken then.
    pub fn open(
        files: &[PathBuf],
        extra_keys: Vec<String>,
        data_dir: Option<&Path>,
    ) -> Result<Self, OwnersError> {
        let mut owners = Self {
            extra_keys,
            path: data_dir.map(|dir| dir.join(FILE)),
            ..Self::default()
        };
        for path in files {
            let read = read(path)?;
            for rule in &read.rules {
                check(rule)?;
            }
            owners.of_files.extend(read.rules);
            for (owner, contact) in read.contacts {
                let known = owners.contacts.entry(owner).or_default();
                if !known.contains(&contact) {
                    known.push(contact);
                }
            }
        }
        if let Some(path) = owners.path.as_deref().filter(|p| p.exists()) {
            let text = text_of(path)?;
            let kept = serde_json::from_str(&text).map_err(|e| malformed(path, e))?;
            owners.by_hand = Mutex::new(kept);
        }
        let book = owners.book_with(&owners.by_hand.lock());
        owners.book = RwLock::new(Arc::new(book));
        Ok(owners)
    }

    /// The rules as they are now; what is set later does not show in it.
    pub fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read())
    }

    /// The rules as they would be with one more, or with another one of that name.
    ///
    /// # Errors
    /// When the rule matches everything, or names nobody.
    pub fn book_if(&self, rule: &Rule) -> Result<Book, OwnersError> {
        check(rule)?;
        let mut by_hand = self.by_hand.lock().clone();
        by_hand.insert(rule.name.clone(), kept(rule));
        Ok(self.book_with(&by_hand))
    }

    /// Sets a rule by hand, in place of one of that name. Written down when it returns.
    ///
    /// # Errors
    /// When the rule matches everything or names nobody, or the file cannot be written: nothing changed then.
    pub fn put(&self, rule: &Rule) -> Result<(), OwnersError> {
        check(rule)?;
        self.change(|by_hand| {
            by_hand.insert(rule.name.clone(), kept(rule));
            Ok(())
        })
    }

    /// Takes a rule back that was set by hand.
    ///
    /// # Errors
    /// When there is none of that name, or the file cannot be written: nothing changed then.
    pub fn remove(&self, name: &str) -> Result<(), OwnersError> {
        self.change(|by_hand| {
            let gone = by_hand.remove(name);
            gone.map(|_| ())
                .ok_or_else(|| OwnersError::Unknown(name.to_owned()))
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Kept>) -> Result<(), OwnersError>,
    ) -> Result<(), OwnersError> {
        let mut by_hand = self.by_hand.lock();
        let mut next = by_hand.clone();
        change(&mut next)?;
        if let Some(path) = &self.path {
            write(path, &next)?;
        }
        let book = Arc::new(self.book_with(&next));
        *by_hand = next;
        *self.book.write() = book;
        Ok(())
    }

    fn book_with(&self, by_hand: &BTreeMap<String, Kept>) -> Book {
        let manual = by_hand.iter().map(|(name, kept)| Rule {
            name: name.clone(),
            priority: kept.priority,
            matching: kept.matching.clone(),
            owner: kept.owner.clone(),
            origin: RuleOrigin::Manual,
            reason: kept.reason.clone(),
        });
        let rules = manual.chain(self.of_files.iter().cloned()).collect();
        Book::new(rules, self.extra_keys.clone(), self.contacts.clone())
    }
}

fn kept(rule: &Rule) -> Kept {
    Kept {
        priority: rule.priority,
        matching: rule.matching.clone(),
        owner: rule.owner.clone(),
        reason: rule.reason.clone(),
    }
}

fn check(rule: &Rule) -> Result<(), OwnersError> {
    if rule.name.trim().is_empty() {
        return Err(OwnersError::Nameless);
    }
    if rule.owner.trim().is_empty() {
        return Err(OwnersError::Nobody(rule.name.clone()));
    }
    if rule.matching.is_everything() {
        return Err(OwnersError::Everything(rule.name.clone()));
    }
    Ok(())
}

/// Writes beside the file first, so that a crash leaves the old one or the new one.
fn write(path: &Path, by_hand: &BTreeMap<String, Kept>) -> Result<(), OwnersError> {
    let failed = |source| OwnersError::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let text = serde_json::to_string_pretty(by_hand).map_err(|e| failed(std::io::Error::other(e)))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

fn text_of(path: &Path) -> Result<String, OwnersError> {
    std::fs::read_to_string(path).map_err(|source| OwnersError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn malformed(path: &Path, reason: impl std::fmt::Display) -> OwnersError {
    OwnersError::Malformed {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// Reads a file of rules (YAML), a Backstage catalog (YAML), or a list of owners (CSV), told apart by what it holds.
fn read(path: &Path) -> Result<Read, OwnersError> {
    let text = text_of(path)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let is_list = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let read = if is_list {
        list::read(&text, &name)
    } else if catalog::is_catalog(&text) {
        catalog::read(&text, &name)
    } else {
        rules::read(&text, &name)
    };
    read.map_err(|reason| malformed(path, reason))
}
