//! A scenario as its file tells it: YAML documents, one after the other. An object of Kubernetes is applied, as users write
//! it; a document of ours turns to another cluster, deletes, or says what is expected now. Where both are at, and what comes
//! of it, is others' business.

use super::expectation::Expectation;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The cluster that a file speaks of before it names one.
pub const CLUSTER: &str = "main";

/// One file of `fixtures/scenarios`.
pub struct Scenario {
    /// Relative to the repository, where it is one of its files.
    pub path: PathBuf,
    pub name: String,
    pub steps: Vec<Step>,
}

/// What one document says, of the cluster that is spoken of.
pub struct Step {
    /// The line of the file at which the document begins.
    pub line: usize,
    pub cluster: String,
    /// As written, without the `---` around it.
    pub text: String,
    pub act: Act,
}

pub enum Act {
    Apply(Value),
    /// `[namespace/]Kind[.group]/name`.
    Delete(String),
    Expect(Expectation),
    /// Only words, or the name of a cluster.
    Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// What the scenario shows.
    about: Option<String>,
    /// From here on, this cluster is spoken of.
    cluster: Option<String>,
    delete: Option<String>,
    expect: Option<Expectation>,
}

/// All files of `fixtures/scenarios`, or the one that `SCENARIO` names.
pub fn all() -> Vec<Scenario> {
    // Cargo runs tests in the package's folder, which is the repository's.
    let folder = Path::new("fixtures/scenarios");
    let only = std::env::var("SCENARIO").ok();
    let mut paths: Vec<PathBuf> = folder
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .filter(|p| only.as_deref().is_none_or(|name| p.file_stem().unwrap() == name))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no such scenario in {}", folder.display());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        Scenario::read(&path, &text).unwrap_or_else(|error| panic!("{error}"))
    };
    paths.into_iter().map(read).collect()
}

impl Scenario {
    /// Reads a scenario; the error names file, line and fault.
    pub fn read(path: &Path, text: &str) -> Result<Self, String> {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut scenario = Self {
            path: path.to_owned(),
            name,
            steps: Vec::new(),
        };
        let (mut cluster, mut about) = (CLUSTER.to_owned(), false);
        for (line, text) in documents(text) {
            let failed = |fault: String| format!("{}:{line}: {fault}", path.display());
            let value: Value = serde_saphyr::from_str(&text).map_err(|e| failed(e.to_string()))?;
            let act = if value.get("apiVersion").is_some() && value.get("kind").is_some() {
                Act::Apply(value)
            } else {
                let document: Document = serde_json::from_value(value).map_err(|e| failed(e.to_string()))?;
                about |= document.about.is_some_and(|words| !words.trim().is_empty());
                if let Some(name) = document.cluster {
                    cluster = name;
                }
                match (document.delete, document.expect) {
                    (Some(key), None) => Act::Delete(key),
                    (None, Some(expectation)) => Act::Expect(expectation),
                    (None, None) => Act::Nothing,
                    _ => return Err(failed("a document deletes or expects, not both".into())),
                }
            };
            scenario.steps.push(Step {
                line,
                cluster: cluster.clone(),
                text,
                act,
            });
        }
        let fault = match scenario.steps.last().map(|s| &s.act) {
            _ if !about => "does not say what it is about",
            Some(Act::Expect(_)) => return scenario.expecting(),
            _ => "ends with something after which nothing is expected",
        };
        Err(format!("{}: {fault}", path.display()))
    }

    fn expecting(self) -> Result<Self, String> {
        let expectations = self.steps.iter().filter_map(|step| match &step.act {
            Act::Expect(expectation) => Some((step.line, expectation)),
            _ => None,
        });
        let mut something = false;
        for (line, expectation) in expectations {
            if expectation.is_empty() {
                return Err(format!("{}:{line}: expects nothing", self.path.display()));
            }
            something |= expectation.is_of_something();
        }
        if !something {
            return Err(format!(
                "{}: expects only that something is not there",
                self.path.display()
            ));
        }
        Ok(self)
    }

    /// The clusters that it speaks of.
    pub fn clusters(&self) -> BTreeSet<String> {
        let acting = self.steps.iter().filter(|s| !matches!(s.act, Act::Nothing));
        acting.map(|s| s.cluster.clone()).collect()
    }

    /// Where a step stands, for people.
    pub fn place(&self, step: &Step) -> String {
        format!("{}:{}", self.path.display(), step.line)
    }
}

/// The documents of a YAML stream, each with the line at which it begins.
fn documents(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(1, String::new())];
    for (number, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            documents.push((number + 2, String::new()));
        } else if let Some((_, document)) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let is_said = |text: &str| text.lines().any(|l| !l.trim().is_empty() && !l.starts_with('#'));
    documents.retain(|(_, text)| is_said(text));
    documents
}
