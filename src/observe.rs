//! Learns who calls whom from outside of clusters: files, and metrics that a Prometheus has. Sources are asked again and
//! again; what was seen is remembered with when, is marked stale while its source cannot be asked, and expires. Knows no GraphQL.

mod file;
mod names;
pub mod prometheus;

use crate::calls::Calls;
use crate::query::dependencies::{CallBook, Evidence, Observed};
use crate::query::impact::propagate::{Call, Strength};
use crate::store::{Snapshot, Store};
use planisphere_schema::AssetId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The file of calls that were seen, in the data directory.
const FILE: &str = "calls.json";
/// What was not seen for so long is forgotten: 14 days.
const EXPIRES_MS: i64 = 14 * 24 * 3_600_000;
/// More calls of one source are refused: something is wrong with its labels.
const MOST_CALLS: usize = 200_000;

/// Where calls are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file that lists them.
    File(PathBuf),
    /// A metric that a Prometheus has.
    Prometheus {
        /// Which metric.
        preset: &'static prometheus::Preset,
        /// The server's URL.
        url: String,
        /// The cluster that it watches, where its labels do not say.
        cluster: Option<String>,
    },
}

impl FromStr for Source {
    type Err = String;

    /// Reads `file:PATH` or `PRESET@URL`, with `#CLUSTER` after it where the metrics do not name their cluster.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Source::File(PathBuf::from(path)));
        }
        let known = || {
            let names: Vec<&str> = prometheus::PRESETS.iter().map(|p| p.name).collect();
            format!("write file:PATH, or PRESET@URL with one of {}", names.join(", "))
        };
        let (preset, url) = text.split_once('@').ok_or_else(known)?;
        let preset = prometheus::Preset::named(preset).ok_or_else(known)?;
        let (url, cluster) = match url.split_once('#') {
            Some((url, cluster)) => (url, Some(cluster.to_owned())),
            None => (url, None),
        };
        let parsed = reqwest::Url::parse(url).map_err(|e| format!("{url:?} is no URL: {e}"))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.password().is_some() {
            return Err(format!("{url:?} must be an http or https URL without a password"));
        }
        Ok(Source::Prometheus {
            preset,
            url: url.trim_end_matches('/').to_owned(),
            cluster,
        })
    }
}

impl Source {
    /// What evidence calls it.
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => format!("file {}", path.display()),
            Source::Prometheus { preset, url, .. } => format!("{} at {url}", preset.name),
        }
    }
}

/// Somebody who calls or is called, as a source names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Party {
    /// The cluster's configured name.
    pub cluster: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// A workload's name.
    pub workload: Option<String>,
    /// A Service's name.
    pub service: Option<String>,
}

/// A call as a source tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// How much the caller needs it.
    pub strength: Strength,
    /// Calls a second, where that is known.
    pub rate: Option<f64>,
    /// It is written down, and was not seen to happen.
    pub declared: bool,
}

/// A call that was seen, as it is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    caller: AssetId,
    callee: AssetId,
    strength: String,
    source: String,
    rate: Option<f64>,
    first_seen_ms: i64,
    last_seen_ms: i64,
    declared: bool,
}

type Key = (AssetId, AssetId, String);

/// Remembers what was seen.
#[derive(Default)]
pub struct Observer {
    sources: Vec<Source>,
    path: Option<PathBuf>,
    seen: BTreeMap<Key, Kept>,
    /// Sources that could not be asked the last time, with why.
    failing: BTreeMap<String, String>,
    /// Parties that no asset answers to, the last time.
    pub unknown: usize,
    http: reqwest::Client,
}

impl Observer {
    /// Goes on from what was remembered in `data_dir`. A file that cannot be read is told and started anew: it can be
    /// seen again.
    pub fn new(sources: Vec<Source>, data_dir: Option<&Path>) -> Self {
        let path = data_dir.map(|dir| dir.join(FILE));
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).ok()?;
            serde_json::from_str::<Vec<Kept>>(&text)
                .inspect_err(|e| tracing::warn!(path = %path.display(), error = %e, "calls seen before cannot be read"))
                .ok()
        };
        let kept = path.as_ref().and_then(read).unwrap_or_default();
        let keyed = kept
            .into_iter()
            .map(|k| ((k.caller, k.callee, k.source.clone()), k));
        Self {
            seen: keyed.collect(),
            sources,
            path,
            ..Self::default()
        }
    }

    /// Asks every source once, and gives what is known then. A source that fails loses nothing: what it told is marked.
    pub async fn look(&mut self, snapshot: &dyn Snapshot, now_ms: i64) -> CallBook {
        self.unknown = 0;
        for source in self.sources.clone() {
            let name = source.name();
            match self.ask(&source).await {
                Ok(told) => {
                    if self.failing.remove(&name).is_some() {
                        tracing::info!(source = name, "calls can be seen again");
                    }
                    self.take(snapshot, &name, told, now_ms).await;
                }
                Err(reason) => {
                    if self.failing.get(&name) != Some(&reason) {
                        tracing::warn!(
                            source = name,
                            reason,
                            "calls cannot be seen; those known are marked stale"
                        );
                    }
                    self.failing.insert(name, reason);
                }
            }
        }
        let configured: BTreeSet<String> = self.sources.iter().map(Source::name).collect();
        self.seen.retain(|(_, _, source), kept| {
            now_ms - kept.last_seen_ms < EXPIRES_MS && configured.contains(source)
        });
        self.keep();
        self.book(now_ms)
    }

    async fn ask(&self, source: &Source) -> Result<Vec<Told>, String> {
        let told = match source {
            Source::File(path) => file::read(path),
            Source::Prometheus { preset, url, cluster } => {
                prometheus::ask(&self.http, preset, url, cluster.as_deref()).await
            }
        }?;
        if told.len() > MOST_CALLS {
            return Err(format!("{} calls, more than {MOST_CALLS}", told.len()));
        }
        Ok(told)
    }

    async fn take(&mut self, snapshot: &dyn Snapshot, source: &str, told: Vec<Told>, now_ms: i64) {
        let mut names = names::Names::new(snapshot);
        for call in told {
            let (from, to) = match (names.assets(&call.from).await, names.assets(&call.to).await) {
                (Ok(from), Ok(to)) => (from, to),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(source, error = %error, "a call cannot be looked up");
                    continue;
                }
            };
            self.unknown += usize::from(from.is_empty()) + usize::from(to.is_empty());
            for caller in &from {
                for callee in to.iter().filter(|callee| *callee != caller) {
                    let key = (*caller, *callee, source.to_owned());
                    let first_seen_ms = self.seen.get(&key).map_or(now_ms, |k| k.first_seen_ms);
                    let kept = Kept {
                        caller: *caller,
                        callee: *callee,
                        strength: strength_name(call.strength).to_owned(),
                        source: source.to_owned(),
                        rate: call.rate,
                        first_seen_ms,
                        last_seen_ms: now_ms,
                        declared: call.declared,
                    };
                    self.seen.insert(key, kept);
                }
            }
        }
    }

    /// Written beside the file first; what cannot be written can be seen again.
    fn keep(&self) {
        let Some(path) = &self.path else { return };
        let all: Vec<&Kept> = self.seen.values().collect();
        let written = serde_json::to_vec(&all)
            .map_err(std::io::Error::other)
            .and_then(|text| {
                let beside = path.with_extension("json.new");
                std::fs::write(&beside, text)?;
                std::fs::rename(beside, path)
            });
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), error = %error, "calls cannot be written down");
        }
    }

    /// What is known now. A call is stale while its source cannot be asked, or where the source does not tell it any more.
    fn book(&self, now_ms: i64) -> CallBook {
        let observed = self.seen.values().map(|kept| Observed {
            call: Call {
                caller: kept.caller,
                callee: kept.callee,
                strength: strength(&kept.strength).unwrap_or(Strength::Unknown),
                route: None,
            },
            evidence: Evidence {
                source: kept.source.clone(),
                rate: kept.rate,
                first_seen_ms: kept.first_seen_ms,
                last_seen_ms: kept.last_seen_ms,
                stale: kept.last_seen_ms < now_ms || self.failing.contains_key(&kept.source),
                declared: kept.declared,
            },
        });
        CallBook::new(observed.collect())
    }
}

fn strength_name(strength: Strength) -> &'static str {
    match strength {
        Strength::Hard => "hard",
        Strength::Soft => "soft",
        Strength::Unknown => "unknown",
    }
}

fn strength(name: &str) -> Option<Strength> {
    [Strength::Hard, Strength::Soft, Strength::Unknown]
        .into_iter()
        .find(|s| strength_name(*s) == name)
}

/// Looks again and again until cancelled.
pub async fn run(
    mut observer: Observer,
    store: Arc<dyn Store>,
    calls: Arc<Calls>,
    every: Duration,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    cancel: CancellationToken,
) {
    if observer.sources.is_empty() {
        return;
    }
    loop {
        match store.snapshot().await {
            Ok(snapshot) => calls.set(observer.look(&*snapshot, now()).await),
            Err(error) => tracing::warn!(error = %error, "calls cannot be looked up"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = cancel.cancelled() => return,
        }
    }
}
