//! Rule files: YAML or TOML, one file or all of a directory. A mistake in one of them keeps all of them from taking
//! effect, so that a fleet is never read by half of its rules.

use super::error::Faults;
use super::{RuleError, Rules, compile, shipped};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest rule file, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// How many rules may hold at once.
const RULES_MAX: usize = 2_000;

/// Rules that were read, and from where.
#[derive(Debug)]
pub struct Loaded {
    /// All that hold: the user's, and the shipped ones that those do not replace.
    pub rules: Rules,
    /// The user's files, each with how many rules it brought.
    pub files: Vec<(PathBuf, usize)>,
}

/// The texts of the rule files at these paths, in order. Directories are read one level deep, names that begin with a
/// dot left out.
///
/// # Errors
/// For each path that cannot be read.
pub fn read_files(paths: &[PathBuf]) -> Result<Vec<(PathBuf, String)>, Vec<RuleError>> {
    let (mut texts, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        match files(path) {
            Ok(files) => {
                for file in files {
                    match text(&file) {
                        Ok(text) => texts.push((file, text)),
                        Err(reason) => errors.push(unreadable(&file, reason)),
                    }
                }
            }
            Err(reason) => errors.push(unreadable(path, reason)),
        }
    }
    if errors.is_empty() { Ok(texts) } else { Err(errors) }
}

fn unreadable(path: &Path, reason: String) -> RuleError {
    RuleError {
        file: path.display().to_string(),
        rule: String::new(),
        place: String::new(),
        reason,
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let words = |e: std::io::Error| format!("cannot be read: {e}");
    if !std::fs::metadata(path).map_err(words)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(words)? {
        let entry = entry.map_err(words)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let file = entry.path();
        if !hidden && is_rule_file(&file) && !file.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err("holds no .yaml, .yml or .toml file".to_owned());
    }
    Ok(files)
}

fn is_rule_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e == "yaml" || e == "yml" || e == "toml")
}

fn text(file: &Path) -> Result<String, String> {
    let words = |e: std::io::Error| format!("cannot be read: {e}");
    let meta = std::fs::metadata(file).map_err(words)?;
    if !meta.is_file() {
        return Err("is no file".to_owned());
    }
    if meta.len() > FILE_MAX {
        return Err(format!(
            "has {} bytes; a rule file may have up to {FILE_MAX}",
            meta.len()
        ));
    }
    std::fs::read_to_string(file).map_err(words)
}

/// Compiles the texts of rule files, with the shipped rules where `with_shipped`. A rule of a file replaces the shipped
/// one of its name.
///
/// # Errors
/// All mistakes that were found, in the order of the files.
pub fn load(texts: &[(PathBuf, String)], with_shipped: bool) -> Result<Loaded, Vec<RuleError>> {
    let (mut errors, mut files) = (Vec::new(), Vec::new());
    let mut named: BTreeMap<String, (String, Arc<super::Rule>)> = BTreeMap::new();
    for (path, text) in texts {
        let file = path.display().to_string();
        let mut faults = Faults {
            file: &file,
            rule: String::new(),
            found: Vec::new(),
        };
        let is_toml = path.extension().is_some_and(|e| e == "toml");
        let rules = self::rules(text, is_toml, &mut faults);
        files.push((path.clone(), rules.len()));
        for rule in rules {
            faults.rule = format!("`{}`", rule.name);
            if let Some((other, _)) = named.get(&rule.name) {
                faults.add("name", format!("a rule of this name stands in {other} already"));
            }
            if let Some(other) = twin(&rule, &named) {
                faults.add(
                    "attributes",
                    format!("{other} keeps an attribute of this name for this kind already"),
                );
            }
            named.insert(rule.name.clone(), (file.clone(), Arc::new(rule)));
        }
        errors.append(&mut faults.found);
    }
    if named.len() > RULES_MAX {
        errors.push(unreadable(
            Path::new("rules"),
            format!("{} rules; up to {RULES_MAX} may hold at once", named.len()),
        ));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if with_shipped {
        for rule in &shipped()?.all {
            named
                .entry(rule.name.clone())
                .or_insert_with(|| (String::new(), Arc::clone(rule)));
        }
    }
    let all = named.into_values().map(|(_, rule)| rule).collect();
    Ok(Loaded {
        rules: Rules { all },
        files,
    })
}

/// Another rule for the same objects that keeps an attribute of the same name.
fn twin(rule: &super::Rule, named: &BTreeMap<String, (String, Arc<super::Rule>)>) -> Option<String> {
    let same = |other: &super::Rule| {
        let names = other.attributes.iter().map(|a| &a.name);
        other.subject == rule.subject
            && names
                .into_iter()
                .any(|n| rule.attributes.iter().any(|a| a.name == *n))
    };
    let (_, other) = named.values().find(|(_, other)| same(other))?;
    Some(format!("rule `{}`", other.name))
}

/// The rules of one text.
pub(super) fn rules(text: &str, is_toml: bool, faults: &mut Faults<'_>) -> Vec<super::Rule> {
    let read: Result<Value, String> = if is_toml {
        toml::from_str(text).map_err(|e| e.to_string().trim().replace('\n', " "))
    } else {
        serde_saphyr::from_str(text).map_err(|e| first_line(&e.to_string()))
    };
    let document = match read {
        Ok(document) => document,
        Err(reason) => {
            faults.add("", reason);
            return Vec::new();
        }
    };
    let Some(fields) = document.as_object() else {
        faults.add("", "a rule file has one key, `rules`, with a list of rules");
        return Vec::new();
    };
    if let Some(key) = fields.keys().find(|k| *k != "rules") {
        faults.add(
            "",
            format!("unknown key {key:?}; a rule file has one key, `rules`"),
        );
    }
    let Some(list) = fields.get("rules").and_then(Value::as_array) else {
        faults.add("", "`rules` is no list");
        return Vec::new();
    };
    let numbered = list.iter().take(RULES_MAX + 1).enumerate();
    numbered
        .filter_map(|(n, value)| compile::rule(value, n + 1, faults))
        .collect()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("is no YAML").to_owned()
}
