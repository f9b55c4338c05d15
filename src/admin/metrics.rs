//! What is measured, in Prometheus' terms: base units, `_total`, `_seconds`, bounded labels. Never a name of an object,
//! a user or a query that somebody else chose.

use super::mirror::Mirror;
use crate::store::Extent;
use planisphere_schema::RelationKind;
use planisphere_sync::status::SyncStatus;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// All numbers of the process. Those of the mirror are read from [`SyncStatus`] when somebody asks.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    relations: Family<RelationLabels, Gauge>,
    store_tx: Family<StoreLabels, Histogram>,
    queue_depth: Gauge,
    history_since: Gauge<f64, AtomicU64>,
    history_changes: Gauge,
    store_bytes: Gauge,
    requests: Family<RequestLabels, Counter>,
    request_duration: Family<OperationLabels, Histogram>,
    rejected: Family<RejectedLabels, Counter>,
    abandoned: Counter,
}

/// What a store was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// A batch was applied.
    Apply,
    /// A cluster was taken for writing.
    Claim,
    /// The graph was read from its file.
    Load,
}

/// How a GraphQL request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Data without errors.
    Ok,
    /// Data and errors.
    Partial,
    /// Errors alone.
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RelationLabels {
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLabels {
    op: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectedLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// Operation names that are counted by name: those that this program itself sends. Others' names are theirs to choose,
/// so they are all counted as `other`.
const OPERATIONS: &[&str] = &["PlanisphereGet", "PlanisphereConsole", "IntrospectionQuery"];

/// Bounds in seconds, from a look-up in memory to a query that times out.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

impl Metrics {
    /// All numbers at nothing; those of the mirror follow `status`.
    pub fn new(status: SyncStatus) -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("planisphere"),
            relations: Family::default(),
            store_tx: Family::new_with_constructor(seconds),
            queue_depth: Gauge::default(),
            history_since: Gauge::default(),
            history_changes: Gauge::default(),
            store_bytes: Gauge::default(),
            requests: Family::default(),
            request_duration: Family::new_with_constructor(seconds),
            rejected: Family::default(),
            abandoned: Counter::default(),
        };
        metrics.register(status);
        metrics
    }

    fn register(&mut self, status: SyncStatus) {
        let registry = &mut self.registry;
        let build = Info::new(BuildLabels {
            version: env!("CARGO_PKG_VERSION"),
        });
        registry.register("build", "The program's version", build);
        registry.register(
            "relations",
            "Edges of the graph, by relation",
            self.relations.clone(),
        );
        registry.register_with_unit(
            "store_tx_duration",
            "How long the store took",
            Unit::Seconds,
            self.store_tx.clone(),
        );
        registry.register(
            "queue_depth",
            "Changes that wait for the store",
            self.queue_depth.clone(),
        );
        registry.register_with_unit(
            "history_oldest_timestamp",
            "The first instant that can be asked about, in Unix time; 0 where nothing was kept yet",
            Unit::Seconds,
            self.history_since.clone(),
        );
        registry.register(
            "history_changes",
            "Changes that are kept, about",
            self.history_changes.clone(),
        );
        registry.register_with_unit(
            "store_size",
            "What graph and history take on disk, free space inside left out",
            Unit::Bytes,
            self.store_bytes.clone(),
        );
        registry.register(
            "graphql_requests",
            "GraphQL requests that ran",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "graphql_request_duration",
            "How long GraphQL requests took, refused ones left out",
            Unit::Seconds,
            self.request_duration.clone(),
        );
        registry.register(
            "graphql_rejected",
            "GraphQL requests refused before they ran, or stopped at a limit",
            self.rejected.clone(),
        );
        registry.register(
            "graphql_abandoned",
            "GraphQL requests whose client went away before the answer",
            self.abandoned.clone(),
        );
        registry.register_collector(Box::new(Mirror(status)));
    }

    /// Edges of the graph, by relation; relations that are not named are gone.
    pub fn set_relations(&self, edges: &[(RelationKind, usize)]) {
        self.relations.clear();
        for (relation, count) in edges {
            let labels = RelationLabels {
                r#type: relation.name(),
            };
            self.relations.get_or_create(&labels).set(*count as i64);
        }
    }

    /// The store did something and took this long.
    pub fn store_tx(&self, op: StoreOp, took: Duration) {
        let op = match op {
            StoreOp::Apply => "apply",
            StoreOp::Claim => "claim",
            StoreOp::Load => "load",
        };
        self.store_tx
            .get_or_create(&StoreLabels { op })
            .observe(took.as_secs_f64());
    }

    /// Changes that wait for the store now.
    pub fn set_queue_depth(&self, depth: usize) {
        self.queue_depth.set(depth as i64);
    }

    /// How far the kept history reaches, and how large the store is.
    pub fn set_extent(&self, extent: &Extent) {
        let oldest_ms = extent.oldest_ms.unwrap_or_default();
        self.history_since.set(oldest_ms as f64 / 1000.0);
        self.history_changes.set(extent.changes as i64);
        self.store_bytes.set(extent.bytes as i64);
    }

    /// A GraphQL request ran and took this long.
    pub fn graphql_request(&self, operation: Option<&str>, outcome: Outcome, took: Duration) {
        let known = OPERATIONS.iter().find(|known| Some(**known) == operation);
        let operation = known.copied().unwrap_or("other");
        let outcome = match outcome {
            Outcome::Ok => "ok",
            Outcome::Partial => "partial",
            Outcome::Error => "error",
        };
        self.requests
            .get_or_create(&RequestLabels { operation, outcome })
            .inc();
        self.request_duration
            .get_or_create(&OperationLabels { operation })
            .observe(took.as_secs_f64());
    }

    /// A GraphQL request was refused; `reason` is an error code from the API's closed list, in any case.
    pub fn graphql_rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&RejectedLabels { reason }).inc();
    }

    /// Whoever sent a GraphQL request went away before the answer.
    pub fn graphql_abandoned(&self) {
        self.abandoned.inc();
    }

    /// Everything in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail, and a collector of ours fails only if that does.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
