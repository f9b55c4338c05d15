//! How the mirrors stand, per cluster and kind.

use super::ask::Ask;
use super::freshness::Freshness;
use super::instant::Instant;
use crate::query::QueryError;
use async_graphql::{Context, Enum, Object, SimpleObject};
use planisphere_schema::{Coverage, Time};
use planisphere_sync::status::{ClusterStatus, KindStatus, Phase};

/// What a reflector is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Phase")]
pub enum SyncPhase {
    /// Not begun yet, or the cluster cannot be reached.
    Connecting,
    /// Reading the whole resource.
    Listing,
    /// Following changes.
    Watching,
    /// Waiting after a failure before the next try.
    Backoff,
    /// Will not go on: read from a dump, or shut down.
    Stopped,
}

/// How often something happened since this process started, by reason.
#[derive(SimpleObject)]
pub struct ReasonCount {
    /// The reason.
    reason: String,
    /// How often.
    count: u64,
}

/// The mirrors and the store.
pub struct Sync;

/// The mirrors and the store.
#[Object]
impl Sync {
    /// The clusters that are mirrored or remembered.
    async fn clusters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of these names.")] names: Option<Vec<String>>,
    ) -> Vec<ClusterSync> {
        let ask = Ask::of(ctx);
        let named = |name: &str| names.as_ref().is_none_or(|n| n.iter().any(|n| n == name));
        let mut all: Vec<ClusterSync> = ask.statuses.iter().cloned().map(ClusterSync).collect();
        for state in ask.clusters() {
            let known = |c: &ClusterSync| match &c.0.cluster {
                Some(cluster) => cluster.id == state.cluster.id,
                None => c.0.name == state.cluster.name,
            };
            if !all.iter().any(known) {
                all.push(ClusterSync(remembered(state)));
            }
        }
        all.retain(|c| named(&c.0.name));
        all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        all
    }

    /// The graph as a whole.
    async fn store(&self, ctx: &Context<'_>) -> Result<StoreSync, QueryError> {
        let totals = Ask::of(ctx).graph().await.totals().await?;
        let extent = Ask::of(ctx).store.extent().await?;
        Ok(StoreSync {
            history_since: extent.oldest_ms.map(Instant),
            changes: extent.changes,
            bytes: extent.bytes,
            assets: totals.assets.iter().map(|(.., n)| *n as u64).sum(),
            edges: totals.edges.iter().map(|(_, n)| *n as u64).sum(),
            dangling: totals.dangling as u64,
        })
    }

    /// The graph's version, opaque: it moves with every change that was taken in.
    async fn version(&self, ctx: &Context<'_>) -> String {
        Ask::of(ctx).freshness(|_, _| true).version_text()
    }

    /// How fresh the graph is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        Ask::of(ctx).freshness(|_, _| true)
    }
}

/// The status of a cluster that only the store remembers.
fn remembered(state: &crate::store::ClusterState) -> ClusterStatus {
    let status = planisphere_sync::status::SyncStatus::default();
    let name = &state.cluster.name;
    status.restore(name, &state.cluster, false, &state.sources);
    status.all().pop().unwrap_or_else(|| ClusterStatus::new(name))
}

/// Sizes of the graph.
#[derive(SimpleObject)]
pub struct StoreSync {
    /// Assets that exist.
    assets: u64,
    /// Edges between assets.
    edges: u64,
    /// Assets that are referred to but do not exist.
    dangling: u64,
    /// The first instant that can be asked about; null where nothing was ever kept.
    history_since: Option<Instant>,
    /// Changes of assets that are kept, about.
    changes: u64,
    /// Bytes that the graph and its history take on disk; 0 where that is not known.
    bytes: u64,
}

/// The mirror of one cluster.
pub struct ClusterSync(ClusterStatus);

/// The mirror of one cluster.
#[Object]
impl ClusterSync {
    /// Its configured name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its identity, the uid of its namespace kube-system; null until it was reached for the first time.
    async fn identity(&self) -> Option<String> {
        self.0.cluster.as_ref().map(|c| c.id.to_string())
    }

    /// Whether the last attempt to talk to it succeeded.
    async fn reachable(&self) -> bool {
        self.0.reachable
    }

    /// Read from a dump: a picture of one moment, never live.
    async fn dump(&self) -> bool {
        self.0.dump
    }

    /// In the configuration of this process; false for one that only the store remembers.
    async fn configured(&self) -> bool {
        self.0.configured
    }

    /// Every kind that we may see was read whole at some time.
    async fn complete(&self) -> bool {
        self.0.is_complete()
    }

    /// Seconds since the oldest proof of freshness among the kinds that we may see; null where one was never proven.
    async fn lag_seconds(&self, ctx: &Context<'_>) -> Option<f64> {
        self.0.lag_seconds(Ask::of(ctx).now_ms)
    }

    /// Why it cannot be reached, in words.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// The looks at its control plane.
    async fn control_plane(&self) -> ControlPlaneSync {
        let status = &self.0.control_plane;
        ControlPlaneSync {
            read_at: status.read_ms.map(Time::from_unix_ms),
            error: status.error.clone(),
        }
    }

    /// The reading of its Events.
    async fn events(&self, ctx: &Context<'_>) -> EventsSync {
        let status = &self.0.events;
        let cluster = self.0.cluster.as_ref();
        EventsSync {
            coverage: status.coverage,
            kept: cluster.map_or(0, |c| Ask::of(ctx).events.held(c.id) as u64),
            last_event_at: status.last_event_ms.map(Time::from_unix_ms),
            skipped: status.skipped,
            unreadable: status.unreadable,
            error: status.error.clone(),
        }
    }

    /// Objects known of all kinds.
    async fn objects(&self) -> u64 {
        self.0.kinds.values().map(|k| k.objects).sum()
    }

    /// Its kinds.
    async fn kinds(&self) -> Vec<KindSync> {
        let all = self.0.kinds.iter().map(|(kind, status)| KindSync {
            kind: kind.to_string(),
            status: status.clone(),
        });
        all.collect()
    }
}

/// The looks at a control plane: its version, its checks and who leads are asked for about every minute, not watched.
#[derive(SimpleObject)]
pub struct ControlPlaneSync {
    /// When it last told all that it tells us; null where it was not asked since this process started.
    read_at: Option<Time>,
    /// Why it told nothing when it was last asked, in words; what is known of it stays.
    error: Option<String>,
}

/// The reading of a cluster's Events: kept in memory as what was said of late, bounded, and no part of the graph.
#[derive(SimpleObject)]
pub struct EventsSync {
    /// What we may see of them; null until the cluster told.
    coverage: Option<Coverage>,
    /// How many are kept of the cluster.
    kept: u64,
    /// When the cluster last told anything of them.
    last_event_at: Option<Time>,
    /// Left unread since this process started, because too many came at once.
    skipped: u64,
    /// That could not be read since this process started.
    unreadable: u64,
    /// The last failure, in words; null once things go well again.
    error: Option<String>,
}

/// The mirror of one kind of a cluster.
pub struct KindSync {
    kind: String,
    status: KindStatus,
}

/// The mirror of one kind of a cluster.
#[Object]
impl KindSync {
    /// The kind, with group.
    async fn kind(&self) -> &str {
        &self.kind
    }

    /// What its reflector is doing.
    async fn phase(&self) -> SyncPhase {
        self.status.phase.into()
    }

    /// What we may see of it; null until the cluster told.
    async fn coverage(&self) -> Option<Coverage> {
        self.status.coverage
    }

    /// A whole list was read at some time, so that absence means absence.
    async fn complete(&self) -> bool {
        self.status.complete
    }

    /// Objects known.
    async fn objects(&self) -> u64 {
        self.status.objects
    }

    /// Objects read by the list that runs now.
    async fn listed(&self) -> u64 {
        self.status.listed
    }

    /// How many that list should bring, where the server says so.
    async fn expected(&self) -> Option<u64> {
        self.status.expected
    }

    /// Seconds since what we hold was last proven current; null where it never was.
    async fn lag_seconds(&self, ctx: &Context<'_>) -> Option<f64> {
        let fresh = self.status.fresh_ms?;
        Some((Ask::of(ctx).now_ms - fresh).max(0) as f64 / 1000.0)
    }

    /// When the server last said anything about it.
    async fn last_contact_at(&self) -> Option<Time> {
        self.status.last_contact_ms.map(Time::from_unix_ms)
    }

    /// When its last event came.
    async fn last_event_at(&self) -> Option<Time> {
        self.status.last_event_ms.map(Time::from_unix_ms)
    }

    /// The resourceVersion up to which changes are known.
    async fn resume(&self) -> Option<&str> {
        self.status.resume.as_deref()
    }

    /// Whole lists read since this process started.
    async fn lists(&self) -> Vec<ReasonCount> {
        counts(&self.status.lists)
    }

    /// Watches started since this process started.
    async fn watches(&self) -> u64 {
        self.status.watches
    }

    /// Events received since this process started.
    async fn events(&self) -> u64 {
        self.status.events
    }

    /// Events that changed nothing, since this process started.
    async fn ignored(&self) -> Vec<ReasonCount> {
        counts(&self.status.ignored)
    }

    /// Failures since this process started.
    async fn errors(&self) -> u64 {
        self.status.errors
    }

    /// The last failure, in words; null once things go well again.
    async fn last_error(&self) -> Option<&str> {
        self.status.last_error.as_deref()
    }
}

fn counts(by_reason: &std::collections::BTreeMap<&'static str, u64>) -> Vec<ReasonCount> {
    let all = by_reason.iter().map(|(reason, count)| ReasonCount {
        reason: (*reason).to_owned(),
        count: *count,
    });
    all.collect()
}
