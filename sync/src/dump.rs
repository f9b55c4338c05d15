//! Clusters from files: what `kubectl get … -o json|yaml` printed, one file or a directory of them a cluster. A dump is a
//! picture of one moment: it is read whole or not at all, and what it does not bring of the kinds that it brings is gone.

mod custom;

use crate::cluster::is_excluded_kind;
use crate::extract::{Context, Extractor};
use crate::observe::{Event, Observation};
use crate::rules::Rules;
use planisphere_schema::{ClusterId, Coverage, How, Kind, Supply};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Why a dump could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file system refuses.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not what kubectl prints.
    #[error(
        "{path} is not whole: {reason}; write it again with `kubectl get KINDS -A -o json > FILE` (nothing of this dump was taken over)"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// No object that we know.
    #[error(
        "{path} holds no object of a kind that is mirrored; write one with `kubectl get nodes,pods,services,endpointslices -A -o json > FILE`"
    )]
    Empty {
        /// The file or directory.
        path: PathBuf,
    },
}

/// A dump, read whole.
#[derive(Debug)]
pub struct Dump {
    /// The name that people see: the file's or directory's name without its ending.
    pub name: String,
    /// The cluster: the UID of its kube-system namespace where the dump has it, else made from the name.
    pub cluster: ClusterId,
    /// When the newest file was written, Unix milliseconds: the moment that the picture shows, as far as it is known.
    pub taken_ms: i64,
    /// Objects that could not even be told apart, in words, by kind.
    pub problems: BTreeMap<Kind, Vec<String>>,
    objects: BTreeMap<Kind, Vec<Vec<u8>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: Option<String>,
    /// As written: whether an object's uid can be read is for its extractor to say.
    #[serde(default)]
    uid: Option<String>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

/// Where JSON cannot be read. The parser's own words may quote the file, which may hold secrets.
fn json_place(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        Category::Eof => "it ends in the middle",
        Category::Data => "it is not what Kubernetes writes",
        Category::Syntax | Category::Io => "it is no JSON",
    };
    format!("{what} at line {line}, column {column}")
}

/// Where YAML cannot be read, without quoting it either.
fn yaml_place(error: &serde_saphyr::Error) -> String {
    match error.location() {
        Some(at) => format!("it is no YAML at line {}, column {}", at.line(), at.column()),
        None => "it is no YAML".to_owned(),
    }
}

/// The name that a dump at this path gets.
pub fn name_of(path: &Path) -> String {
    let name = if path.is_dir() {
        path.file_name()
    } else {
        path.file_stem()
    };
    name.map_or_else(|| "dump".to_owned(), |n| n.to_string_lossy().into_owned())
}

impl Dump {
    /// Reads a file, or all `.json`, `.yaml` and `.yml` files of a directory.
    ///
    /// # Errors
    /// When a file cannot be read, is cut off or is not what kubectl prints: then nothing of the dump is taken.
    pub fn read(path: &Path) -> Result<Self, DumpError> {
        let mut dump = Self {
            name: name_of(path),
            cluster: ClusterId(Uuid::nil()),
            taken_ms: 0,
            problems: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for file in files(path)? {
            let failed = |source| DumpError::File {
                path: file.clone(),
                source,
            };
            let text = std::fs::read_to_string(&file).map_err(failed)?;
            let written = std::fs::metadata(&file)
                .and_then(|m| m.modified())
                .map_err(failed)?;
            let written = written
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |d| d.as_millis() as i64);
            dump.taken_ms = dump.taken_ms.max(written);
            let malformed = |reason| DumpError::Malformed {
                path: file.clone(),
                reason,
            };
            if file.extension().is_some_and(|e| e == "json") {
                dump.add(&text, &file).map_err(malformed)?;
            } else {
                let documents: Vec<serde_json::Value> =
                    serde_saphyr::from_multiple(&text).map_err(|e| malformed(yaml_place(&e)))?;
                for document in documents.iter().filter(|d| !d.is_null()) {
                    dump.add(&document.to_string(), &file).map_err(malformed)?;
                }
            }
        }
        if dump.objects.is_empty() {
            return Err(DumpError::Empty {
                path: path.to_owned(),
            });
        }
        if dump.cluster.0.is_nil() {
            dump.cluster = ClusterId(Uuid::new_v5(
                &Uuid::NAMESPACE_OID,
                format!("dump/{}", dump.name).as_bytes(),
            ));
        }
        Ok(dump)
    }

    /// Adds one document: an object, or a list of objects.
    fn add(&mut self, json: &str, file: &Path) -> Result<(), String> {
        let header: Header = serde_json::from_str(json).map_err(|e| json_place(&e))?;
        if header.kind.ends_with("List") {
            let list: List<'_> = serde_json::from_str(json).map_err(|e| json_place(&e))?;
            for (index, item) in list.items.unwrap_or_default().into_iter().enumerate() {
                self.add_object(item.get(), header.kind.strip_suffix("List"), &header.api_version)
                    .map_err(|e| format!("item {index}: {e}"))?;
            }
            return Ok(());
        }
        if header.kind.is_empty() {
            return Err(format!(
                "{} has no `kind`: it is no Kubernetes object",
                file.display()
            ));
        }
        self.add_object(json, None, "")
    }

    fn add_object(&mut self, json: &str, kind: Option<&str>, api_version: &str) -> Result<(), String> {
        let mut header: Header = serde_json::from_str(json).map_err(|e| json_place(&e))?;
        if header.kind.is_empty() {
            // Items of a typed list (PodList) carry no kind of their own.
            header.kind = kind.unwrap_or_default().to_owned();
            header.api_version = api_version.to_owned();
        }
        let group = header.api_version.split_once('/').map_or("", |(group, _)| group);
        // A file of the user's may name any kind; what can be none of Kubernetes' is not mirrored.
        let Some(kind) = Kind::mentioned(group, &header.kind).filter(|kind| !is_excluded_kind(*kind)) else {
            return Ok(());
        };
        if let (Kind::Namespace, Some(metadata)) = (kind, &header.metadata)
            && metadata.name.as_deref() == Some("kube-system")
            && let Some(uid) = metadata.uid.as_deref().and_then(|uid| uid.parse().ok())
        {
            self.cluster = ClusterId(uid);
        }
        if Extractor::of(kind).is_some() {
            self.objects
                .entry(kind)
                .or_default()
                .push(json.as_bytes().to_vec());
        }
        Ok(())
    }

    /// The events that a live cluster would have told: a whole list of each kind that the dump brings.
    pub fn events(&mut self, rules: &Rules) -> Vec<Event> {
        let mut events = Vec::new();
        let catalog = Arc::new(custom::catalog(&self.objects));
        let custom = self.objects.keys().filter(|k| matches!(k, Kind::Custom(_)));
        let custom: Vec<Kind> = custom.copied().collect();
        for kind in Kind::BUILT_IN.iter().copied().chain(custom) {
            let Some(extractor) = Extractor::of(kind) else {
                continue;
            };
            let Some(objects) = self.objects.remove(&kind) else {
                if kind.row().is_some_and(|r| r.supply != Supply::Made) {
                    events.push(Event::Covered {
                        kind,
                        coverage: Coverage::Excluded,
                    });
                }
                continue;
            };
            let mut observations: Vec<Observation> = Vec::with_capacity(objects.len());
            let mut problems = Vec::new();
            let context = Context::new(self.cluster, catalog.clone(), rules.of(kind));
            for object in &objects {
                match extractor.json_in(&context, object) {
                    Ok(observation) => observations.push(observation),
                    Err(error) => problems.push(format!("{kind}: {error}")),
                }
            }
            events.push(Event::Covered {
                kind,
                coverage: Coverage::Dumped,
            });
            events.push(Event::ListStarted { kind });
            events.push(Event::Applied {
                kind,
                how: How::Dump,
                observations,
            });
            // What could not be told apart may be any object of its kind: then none of that kind can be said to be gone.
            events.push(match problems.is_empty() {
                true => Event::ListEnded {
                    at_ms: self.taken_ms,
                    kind,
                    resume: "dump".to_owned(),
                },
                false => Event::ListFailed { kind },
            });
            if !problems.is_empty() {
                self.problems.insert(kind, problems);
            }
        }
        events
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, DumpError> {
    let failed = |source| DumpError::File {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file
            .extension()
            .is_some_and(|e| e == "json" || e == "yaml" || e == "yml")
        {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
