//! Paths into an object: `spec.http[*].route[*].destination.host`, `metadata.labels["app.kubernetes.io/name"]`.

use serde_json::Value;
use std::fmt;

/// The longest path, in bytes.
const PATH_MAX: usize = 256;
/// The deepest path.
const STEPS_MAX: usize = 16;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the field of this name.
    Key(String),
    /// Into each item of a list, or each value of an object.
    Each,
}

/// Where something stands in an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATH_MAX {
            return Err(format!(
                "the path has {} bytes; it may have up to {PATH_MAX}",
                text.len()
            ));
        }
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (step, after) = bracket(inner).ok_or_else(|| {
                    format!("{text:?} is no path: in brackets stand `*` or a name in quotes, as in spec.items[*] or metadata.labels[\"a.b/c\"]")
                })?;
                steps.push(step);
                rest = after;
            } else {
                rest = match (rest.strip_prefix('.'), steps.is_empty()) {
                    (Some(rest), false) => rest,
                    (None, true) => rest,
                    _ => return Err(wrong(text)),
                };
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let key = &rest[..end];
                let odd = |c: char| c.is_whitespace() || c.is_control() || "]\"'*{}()@?,:".contains(c);
                if key.is_empty() || key.contains(odd) {
                    return Err(wrong(text));
                }
                steps.push(Step::Key(key.to_owned()));
                rest = &rest[end..];
            }
        }
        if steps.is_empty() || matches!(steps[0], Step::Each) {
            return Err(wrong(text));
        }
        if steps.len() > STEPS_MAX {
            return Err(format!(
                "the path has {} steps; it may have up to {STEPS_MAX}",
                steps.len()
            ));
        }
        Ok(Self(steps))
    }

    /// Its steps; at least one, and the first is a key.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Where the other path leads from here on.
    pub(super) fn join(&self, other: &Path) -> Self {
        Self([self.steps(), other.steps()].concat())
    }

    /// Whether it may lead to more than one place.
    pub fn is_many(&self) -> bool {
        self.0.contains(&Step::Each)
    }

    /// The keys, where all steps are keys.
    fn keys(&self) -> Option<Vec<&str>> {
        self.0.iter().map(step_key).collect()
    }

    /// The label that it names.
    pub fn label(&self) -> Option<&str> {
        match self.keys()?.as_slice() {
            ["metadata", "labels", key] => Some(*key),
            _ => None,
        }
    }

    /// The annotation that it names.
    pub fn annotation(&self) -> Option<&str> {
        match self.keys()?.as_slice() {
            ["metadata", "annotations", key] => Some(*key),
            _ => None,
        }
    }

    /// Whether it is `metadata.name` or `metadata.namespace`, and which.
    pub fn own(&self) -> Option<&str> {
        match self.keys()?.as_slice() {
            ["metadata", own @ ("name" | "namespace")] => Some(*own),
            _ => None,
        }
    }

    /// Whether it leads into metadata.
    pub fn is_metadata(&self) -> bool {
        matches!(self.0.first(), Some(Step::Key(key)) if key == "metadata")
    }

    /// Calls back with each place that it leads to. What is absent or null is no place; `wrong` is called where
    /// something stands on the way that cannot be walked into.
    pub fn walk<'v>(&self, value: &'v Value, found: &mut dyn FnMut(&'v Value), wrong: &mut dyn FnMut()) {
        walk(&self.0, value, found, wrong);
    }
}

fn step_key(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) => Some(key),
        Step::Each => None,
    }
}

fn walk<'v>(steps: &[Step], value: &'v Value, found: &mut dyn FnMut(&'v Value), wrong: &mut dyn FnMut()) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            found(value);
        }
        return;
    };
    match (step, value) {
        (_, Value::Null) => {}
        (Step::Key(key), Value::Object(map)) => {
            if let Some(inner) = map.get(key) {
                walk(rest, inner, found, wrong);
            }
        }
        (Step::Each, Value::Array(items)) => items.iter().for_each(|item| walk(rest, item, found, wrong)),
        (Step::Each, Value::Object(map)) => map.values().for_each(|item| walk(rest, item, found, wrong)),
        _ => wrong(),
    }
}

/// What stands in brackets, and what follows.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    if let Some(rest) = inner.strip_prefix("*]") {
        return Some((Step::Each, rest));
    }
    let quote = inner.chars().next().filter(|c| "\"'".contains(*c))?;
    let (key, rest) = inner[1..].split_once(quote)?;
    let valid = !key.is_empty() && !key.contains(char::is_control);
    Some((Step::Key(key.to_owned()), rest.strip_prefix(']')?)).filter(|_| valid)
}

fn wrong(text: &str) -> String {
    format!("{text:?} is no path; write names separated by dots, as in spec.items[*].name")
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Each => f.write_str("[*]")?,
                Step::Key(key) if key.contains(['.', '/', '[', ']', ' ']) => write!(f, "[\"{key}\"]")?,
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_path_reads_back_as_it_was_written() {
        for text in [
            "spec",
            "spec.http[*].route[*].destination.host",
            "metadata.labels[\"a.b/c\"]",
            "spec.map[*].x",
            "spec.a[*][*]",
        ] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused_in_words() {
        let long = "x".repeat(257);
        let deep = ["a"; 17].join(".");
        for text in [
            "",
            ".",
            "spec.",
            ".spec",
            "spec..x",
            "[*]",
            "[*].a",
            "spec[0]",
            "spec[",
            "spec[\"",
            "spec[\"a",
            "spec[\"\"]",
            "spec[*",
            "spec.*",
            "spec.a b",
            "spec[?(@.a)]",
            "a\0b",
            &long,
            &deep,
        ] {
            assert!(Path::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_walk_finds_each_place_and_tells_what_is_in_the_way() {
        let value = serde_json::json!({"a": [{"b": 1}, {"b": null}, {}, "x", {"b": 2}]});
        let (mut found, mut wrong) = (Vec::new(), 0);
        Path::parse("a[*].b")
            .unwrap()
            .walk(&value, &mut |v| found.push(v.clone()), &mut || wrong += 1);
        assert_eq!((found, wrong), (vec![1.into(), 2.into()], 1));
    }
}
