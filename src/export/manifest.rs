//! What stands beside an export: what was asked, of which instant it is, how fresh each cluster was, and the sums by which
//! a reader knows that nothing is missing and nothing was changed. The signature is over these bytes.

use super::{Format, Source, Wanted};
use crate::query::freshness::{Freshness, GapReason, StaleReason};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the manifest's file.
pub const FILE: &str = "manifest.json";
/// The name of its signature's file.
pub const SIGNATURE: &str = "manifest.json.sig";

/// What an export is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The form of this manifest: 1.
    pub manifest_version: u32,
    /// Who wrote it.
    pub generator: String,
    /// The export's file.
    pub file: String,
    /// Its media type.
    pub media_type: String,
    /// Rows of a table, nodes of a graph, components of a bill.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Which assets were asked for.
    pub selection: Value,
    /// The instant of which it is.
    pub as_of: String,
    /// Whether it is the whole and the present.
    pub complete: bool,
    /// The clusters that it may speak of.
    pub clusters: Vec<Cluster>,
    /// Kinds that may be missing.
    pub incomplete: Vec<Missing>,
    /// What a reader must know of the form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One cluster of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// Its configured name.
    pub name: String,
    /// Its identity.
    pub id: String,
    /// The version of its part.
    pub version: String,
    /// Seconds since it was last proven current; none where it never was.
    pub lag_seconds: Option<f64>,
    /// Why it is not the present; none where it is.
    pub stale: Option<String>,
}

/// A kind of which assets may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The cluster's configured name.
    pub cluster: String,
    /// The kind.
    pub kind: String,
    /// Why.
    pub reason: String,
}

impl Manifest {
    pub(super) fn new(source: &Source, wanted: &Wanted, rows: u64, bytes: u64, sha256: &str) -> Self {
        let freshness = &source.freshness;
        let notes = match wanted.format {
            Format::Csv => vec![
                "a cell that a spreadsheet would take for a formula has an apostrophe in front".to_owned(),
            ],
            _ => Vec::new(),
        };
        Self {
            manifest_version: 1,
            generator: format!("planisphere {}", env!("CARGO_PKG_VERSION")),
            file: wanted.format.file_name().to_owned(),
            media_type: wanted.format.media_type().to_owned(),
            rows,
            bytes,
            sha256: sha256.to_owned(),
            selection: wanted.selection.clone(),
            as_of: instant(freshness.as_of_ms),
            complete: freshness.complete,
            clusters: source.clusters.clone(),
            incomplete: missing(freshness),
            notes,
        }
    }

    /// The bytes that are kept and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// An instant with its milliseconds.
pub(super) fn instant(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms)
        .unwrap_or_default()
        .to_string()
}

fn missing(freshness: &Freshness) -> Vec<Missing> {
    let all = freshness.gaps.iter().map(|g| Missing {
        cluster: g.cluster.clone(),
        kind: g.kind.to_string(),
        reason: match g.reason {
            GapReason::Listing => "LISTING".to_owned(),
            GapReason::Denied => "DENIED".to_owned(),
        },
    });
    all.collect()
}

/// Why a cluster is not the present, as the API's enum has it.
pub fn stale_reason(reason: StaleReason) -> &'static str {
    match reason {
        StaleReason::Unreachable => "UNREACHABLE",
        StaleReason::Lagging => "LAGGING",
        StaleReason::Dump => "DUMP",
        StaleReason::Unconfigured => "UNCONFIGURED",
        StaleReason::Unknown => "UNKNOWN",
    }
}

/// What keeps an export from being the whole and the present, in words.
pub fn faults(freshness: &Freshness) -> String {
    let stale = freshness.stale.iter().map(|s| {
        format!(
            "cluster {} is {}",
            s.cluster,
            stale_reason(s.reason).to_lowercase()
        )
    });
    let gaps = missing(freshness).into_iter().map(|m| {
        format!(
            "{} of cluster {} is {}",
            m.kind,
            m.cluster,
            m.reason.to_lowercase()
        )
    });
    stale.chain(gaps).collect::<Vec<_>>().join("; ")
}
