//! How fresh and how complete an answer is: a pure function of what the store holds, what the mirrors report and the
//! time. Silence proves nothing: what was not proven lately is stale.

use crate::store::ClusterState;
use planisphere_schema::{ClusterId, Coverage, Kind, Version};
use planisphere_sync::status::ClusterStatus;

/// Why a cluster's part of an answer is not the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleReason {
    /// The cluster does not answer.
    Unreachable,
    /// The last proof that the mirror is current is older than the bound.
    Lagging,
    /// It was read from a dump.
    Dump,
    /// Nobody mirrors it any more: only the store remembers it.
    Unconfigured,
    /// It was not mirrored yet at the instant that is asked about.
    Unknown,
}

/// A cluster whose part of an answer is not the present.
#[derive(Clone, Debug, PartialEq)]
pub struct StaleCluster {
    /// Its configured name.
    pub cluster: String,
    /// Why.
    pub reason: StaleReason,
    /// Unix ms up to which it was proven current; none where it never was.
    pub fresh_ms: Option<i64>,
    /// Seconds since then.
    pub lag_seconds: Option<f64>,
    /// The last failure, in words.
    pub error: Option<String>,
}

/// Why a kind is missing, wholly or in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// It was not read whole yet.
    Listing,
    /// The cluster refuses it to us.
    Denied,
}

/// A kind of a cluster of which assets may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The cluster's configured name.
    pub cluster: String,
    /// The kind.
    pub kind: Kind,
    /// Why.
    pub reason: GapReason,
}

/// How fresh and how complete an answer is.
#[derive(Clone, Debug, PartialEq)]
pub struct Freshness {
    /// Unix ms at which the graph was looked at.
    pub as_of_ms: i64,
    /// The version of each cluster's part.
    pub versions: Vec<(ClusterId, Version)>,
    /// Nothing is stale and nothing is missing.
    pub complete: bool,
    /// The age of the oldest part; none where a part was never proven, or there is none.
    pub max_lag_seconds: Option<f64>,
    /// Clusters that are not the present.
    pub stale: Vec<StaleCluster>,
    /// Kinds that may be missing.
    pub gaps: Vec<Gap>,
}

/// What freshness is worked out from.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the store holds.
    pub clusters: &'a [ClusterState],
    /// What the mirrors report.
    pub statuses: &'a [ClusterStatus],
    /// Now, or the instant that is asked about, in Unix ms.
    pub now_ms: i64,
    /// Whether an instant is asked about: what was proven up to it, then or later, is the present of that instant.
    pub past: bool,
    /// Seconds after which what was not proven again is stale.
    pub bound_seconds: f64,
}

impl Evidence<'_> {
    /// The freshness of an answer from the clusters for which `in_scope` holds of (name, identity where known).
    pub fn freshness(&self, in_scope: impl Fn(&str, Option<ClusterId>) -> bool) -> Freshness {
        let mut answer = Freshness {
            as_of_ms: self.now_ms,
            versions: Vec::new(),
            complete: true,
            max_lag_seconds: None,
            stale: Vec::new(),
            gaps: Vec::new(),
        };
        let mut lags: Vec<Option<f64>> = Vec::new();
        for state in self.clusters {
            let cluster = &state.cluster;
            if !in_scope(&cluster.name, Some(cluster.id)) {
                continue;
            }
            answer.versions.push((cluster.id, state.version));
            let status = self.statuses.iter().find(|s| is_of(s, state));
            lags.push(self.judge(&cluster.name, Some(state), status, &mut answer));
        }
        for status in self.statuses {
            let unknown = status.configured && !self.clusters.iter().any(|c| is_of(status, c));
            if unknown && in_scope(&status.name, status.cluster.as_ref().map(|c| c.id)) {
                lags.push(self.judge(&status.name, None, Some(status), &mut answer));
            }
        }
        let all: Option<Vec<f64>> = lags.into_iter().collect();
        answer.max_lag_seconds = all.and_then(|all| all.into_iter().reduce(f64::max));
        answer.complete = answer.stale.is_empty() && answer.gaps.is_empty();
        answer
    }

    /// Judges one cluster; returns its lag.
    fn judge(
        &self,
        name: &str,
        state: Option<&ClusterState>,
        status: Option<&ClusterStatus>,
        answer: &mut Freshness,
    ) -> Option<f64> {
        let kinds = kinds_of(state, status);
        let mut fresh: Option<i64> = None;
        for (kind, coverage, complete, fresh_ms) in kinds {
            let gap = match coverage {
                Some(Coverage::Denied) => Some(GapReason::Denied),
                Some(Coverage::Absent | Coverage::Excluded) => continue,
                Some(Coverage::Watched) if !complete => Some(GapReason::Listing),
                None => Some(GapReason::Listing),
                Some(Coverage::Watched | Coverage::Dumped) => None,
            };
            if let Some(reason) = gap {
                answer.gaps.push(Gap {
                    cluster: name.to_owned(),
                    kind,
                    reason,
                });
            } else {
                fresh = [fresh, fresh_ms].into_iter().flatten().min();
            }
        }
        let lag = fresh.map(|ms| (self.now_ms - ms).max(0) as f64 / 1000.0);
        let unknown = || state.is_none_or(|s| s.first > Version::as_of(self.now_ms));
        let proven = fresh.is_some_and(|ms| ms >= self.now_ms);
        let reason = match status {
            _ if self.past && unknown() => Some(StaleReason::Unknown),
            _ if self.past && proven => None,
            Some(s) if s.configured && s.dump => Some(StaleReason::Dump),
            Some(s) if s.configured && !s.reachable => Some(StaleReason::Unreachable),
            Some(s) if s.configured => lag
                .is_some_and(|lag| lag > self.bound_seconds)
                .then_some(StaleReason::Lagging),
            _ => Some(StaleReason::Unconfigured),
        };
        if let Some(reason) = reason {
            answer.stale.push(StaleCluster {
                cluster: name.to_owned(),
                reason,
                fresh_ms: fresh,
                lag_seconds: lag,
                error: status.and_then(|s| s.error.clone()),
            });
        }
        lag
    }
}

fn is_of(status: &ClusterStatus, state: &ClusterState) -> bool {
    match &status.cluster {
        Some(cluster) => cluster.id == state.cluster.id,
        None => status.name == state.cluster.name,
    }
}

type KindEvidence = (Kind, Option<Coverage>, bool, Option<i64>);

/// What is known of each kind: by the mirror that runs, else by what the store remembers of it.
fn kinds_of(state: Option<&ClusterState>, status: Option<&ClusterStatus>) -> Vec<KindEvidence> {
    let live = status.into_iter().flat_map(|s| &s.kinds);
    let live = live.map(|(kind, s)| (*kind, s.coverage, s.complete, s.fresh_ms));
    let mut kinds: Vec<KindEvidence> = live.collect();
    for source in state.into_iter().flat_map(|s| &s.sources) {
        if !kinds.iter().any(|(kind, ..)| *kind == source.kind) {
            let complete = source.resume.is_some() || source.coverage != Coverage::Watched;
            kinds.push((
                source.kind,
                Some(source.coverage),
                complete,
                Some(source.fresh_ms),
            ));
        }
    }
    kinds
}
