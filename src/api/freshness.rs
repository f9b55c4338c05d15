//! Freshness as callers see it: a field of every connection, and `extensions.freshness` of every response.

use super::instant::Instant;
use crate::query::freshness::{self, GapReason, StaleReason};
use async_graphql::{Enum, Object, SimpleObject, Value, to_value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use planisphere_schema::Time;

/// How fresh and how complete an answer is.
#[derive(Clone, Debug)]
pub struct Freshness(pub freshness::Freshness);

/// Why a cluster's part of an answer is not the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "StaleReason", name = "StaleReason")]
pub enum Stale {
    /// The cluster does not answer.
    Unreachable,
    /// The last proof that the mirror is current is too old.
    Lagging,
    /// It was read from a dump: a picture of one moment.
    Dump,
    /// Nobody mirrors it any more: only the store remembers it.
    Unconfigured,
    /// It was not mirrored yet at the instant that is asked about.
    Unknown,
}

/// Why assets of a kind may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "GapReason", name = "IncompleteReason")]
pub enum Gap {
    /// The kind was not read whole yet.
    Listing,
    /// The cluster refuses the kind to us.
    Denied,
}

/// A cluster whose part of an answer is not the present.
#[derive(Clone, Debug, SimpleObject)]
pub struct StaleCluster {
    /// Its configured name.
    cluster: String,
    /// Why.
    reason: Stale,
    /// Up to when it was proven current; null where it never was.
    as_of: Option<Time>,
    /// Seconds since then.
    lag_seconds: Option<f64>,
    /// The last failure, in words.
    error: Option<String>,
}

/// A kind of which assets may be missing.
#[derive(Clone, Debug, SimpleObject)]
pub struct IncompleteKind {
    /// The cluster's configured name.
    cluster: String,
    /// The kind, with group.
    kind: String,
    /// Why.
    reason: Gap,
}

/// How fresh and how complete an answer is.
#[Object]
impl Freshness {
    /// When the graph was looked at; the instant that was asked about, where one was.
    async fn as_of(&self) -> Instant {
        Instant(self.0.as_of_ms)
    }

    /// The graph's version, opaque: equal versions give equal answers.
    async fn version(&self) -> String {
        self.version_text()
    }

    /// Nothing is stale and nothing is missing.
    async fn complete(&self) -> bool {
        self.0.complete
    }

    /// The age of the oldest part, by the last proof; null where a part was never proven.
    async fn max_lag_seconds(&self) -> Option<f64> {
        self.0.max_lag_seconds
    }

    /// The clusters whose part is not the present.
    async fn stale_clusters(&self) -> Vec<StaleCluster> {
        self.stale()
    }

    /// The kinds of which assets may be missing.
    async fn incomplete(&self) -> Vec<IncompleteKind> {
        self.gaps()
    }
}

impl Freshness {
    /// The version, opaque.
    pub fn version_text(&self) -> String {
        let mut bytes = Vec::with_capacity(self.0.versions.len() * 24);
        let mut versions = self.0.versions.clone();
        versions.sort_unstable_by_key(|(cluster, _)| *cluster);
        for (cluster, version) in versions {
            bytes.extend_from_slice(cluster.0.as_bytes());
            bytes.extend_from_slice(&version.0.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn stale(&self) -> Vec<StaleCluster> {
        let all = self.0.stale.iter().map(|s| StaleCluster {
            cluster: s.cluster.clone(),
            reason: s.reason.into(),
            as_of: s.fresh_ms.map(Time::from_unix_ms),
            lag_seconds: s.lag_seconds,
            error: s.error.clone(),
        });
        all.collect()
    }

    fn gaps(&self) -> Vec<IncompleteKind> {
        let all = self.0.gaps.iter().map(|g| IncompleteKind {
            cluster: g.cluster.clone(),
            kind: g.kind.to_string(),
            reason: g.reason.into(),
        });
        all.collect()
    }

    /// As in `extensions.freshness`, in the form of the GraphQL type.
    pub fn to_extension(&self) -> Value {
        let name = |reason: async_graphql::Name| reason.to_string();
        let json = serde_json::json!({
            "asOf": Instant(self.0.as_of_ms).to_string(),
            "version": self.version_text(),
            "complete": self.0.complete,
            "maxLagSeconds": self.0.max_lag_seconds,
            "staleClusters": self.stale().into_iter().map(|s| serde_json::json!({
                "cluster": s.cluster,
                "reason": name(enum_name(s.reason)),
                "asOf": s.as_of,
                "lagSeconds": s.lag_seconds,
                "error": s.error,
            })).collect::<Vec<_>>(),
            "incomplete": self.gaps().into_iter().map(|g| serde_json::json!({
                "cluster": g.cluster,
                "kind": g.kind,
                "reason": name(enum_name(g.reason)),
            })).collect::<Vec<_>>(),
        });
        to_value(json).unwrap_or_default()
    }
}

fn enum_name<T: async_graphql::resolver_utils::EnumType>(value: T) -> async_graphql::Name {
    match async_graphql::resolver_utils::enum_value(value) {
        Value::Enum(name) => name,
        _ => async_graphql::Name::new(""),
    }
}
