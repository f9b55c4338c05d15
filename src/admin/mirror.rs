//! The numbers of the mirror: how its status reads in Prometheus' terms at the moment of a scrape. Bounded by clusters
//! times kinds.

use planisphere_schema::{Coverage, Kind};
use planisphere_sync::status::{ClusterStatus, KindStatus, SyncStatus};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use std::fmt;

/// Reads the status when asked.
#[derive(Debug)]
pub(super) struct Mirror(pub(super) SyncStatus);

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// One metric of the mirror.
struct Row {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: MetricType,
    read: Read,
}

/// Where a metric comes from.
enum Read {
    /// One value a cluster.
    Cluster(fn(&ClusterStatus) -> Option<f64>),
    /// One value a kind of a cluster.
    Kind(fn(&KindStatus) -> Option<f64>),
    /// Some values a kind of a cluster, by one more label.
    Split(&'static str, fn(&KindStatus) -> Vec<(&'static str, f64)>),
}

const ROWS: &[Row] = &[
    Row {
        name: "cluster_reachable",
        help: "Whether the last attempt to talk to the cluster succeeded",
        unit: None,
        kind: MetricType::Gauge,
        read: Read::Cluster(|c| Some(f64::from(u8::from(c.reachable)))),
    },
    Row {
        name: "cluster_last_contact_timestamp",
        help: "When the cluster last said anything",
        unit: Some(Unit::Seconds),
        kind: MetricType::Gauge,
        read: Read::Cluster(|c| {
            c.kinds
                .values()
                .filter_map(|k| k.last_contact_ms)
                .max()
                .map(seconds)
        }),
    },
    Row {
        name: "resource_synced_timestamp",
        help: "Up to when what we hold was proven current",
        unit: Some(Unit::Seconds),
        kind: MetricType::Gauge,
        read: Read::Kind(|k| k.fresh_ms.map(seconds)),
    },
    Row {
        name: "objects",
        help: "Objects known",
        unit: None,
        kind: MetricType::Gauge,
        read: Read::Kind(|k| Some(k.objects as f64)),
    },
    Row {
        name: "coverage",
        help: "What may be seen of a resource: 1 for the state that it is in",
        unit: None,
        kind: MetricType::Gauge,
        read: Read::Split("state", |k| {
            k.coverage.map(|c| (coverage(c), 1.0)).into_iter().collect()
        }),
    },
    Row {
        name: "list",
        help: "Whole lists read",
        unit: None,
        kind: MetricType::Counter,
        read: Read::Split("result", |k| {
            vec![("success", k.lists.values().sum::<u64>() as f64)]
        }),
    },
    Row {
        name: "relist",
        help: "Whole lists read, by what made them necessary",
        unit: None,
        kind: MetricType::Counter,
        read: Read::Split("reason", |k| {
            k.lists.iter().map(|(r, n)| (*r, *n as f64)).collect()
        }),
    },
    Row {
        name: "watch",
        help: "Watches started",
        unit: None,
        kind: MetricType::Counter,
        read: Read::Kind(|k| Some(k.watches as f64)),
    },
    Row {
        name: "errors",
        help: "Lists and watches that failed",
        unit: None,
        kind: MetricType::Counter,
        read: Read::Kind(|k| Some(k.errors as f64)),
    },
    Row {
        name: "events",
        help: "Watch events received",
        unit: None,
        kind: MetricType::Counter,
        read: Read::Kind(|k| Some(k.events as f64)),
    },
    Row {
        name: "events_ignored",
        help: "Watch events that changed nothing",
        unit: None,
        kind: MetricType::Counter,
        read: Read::Split("reason", |k| {
            k.ignored.iter().map(|(r, n)| (*r, *n as f64)).collect()
        }),
    },
];

impl Collector for Mirror {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let clusters = self.0.all();
        for row in ROWS {
            let samples = row.samples(&clusters);
            if samples.is_empty() {
                continue;
            }
            let help = format!("{}.", row.help);
            let mut metric = encoder.encode_descriptor(row.name, &help, row.unit.as_ref(), row.kind)?;
            for (labels, value) in samples {
                let family = metric.encode_family(&labels)?;
                match row.kind {
                    MetricType::Counter => ConstCounter::new(value).encode(family)?,
                    _ => ConstGauge::new(value).encode(family)?,
                }
            }
        }
        Ok(())
    }
}

impl Row {
    fn samples<'a>(&self, clusters: &'a [ClusterStatus]) -> Vec<(Labels<'a>, f64)> {
        let mut samples = Vec::new();
        for cluster in clusters {
            let of_cluster = ("cluster", cluster.name.as_str());
            if let Read::Cluster(read) = self.read {
                samples.extend(read(cluster).map(|value| (vec![of_cluster], value)));
            }
            for (kind, status) in &cluster.kinds {
                let labels = vec![of_cluster, ("resource", resource(*kind))];
                match self.read {
                    Read::Cluster(_) => {}
                    Read::Kind(read) => samples.extend(read(status).map(|value| (labels, value))),
                    Read::Split(by, read) => {
                        let with = |(state, value)| ([labels.as_slice(), &[(by, state)]].concat(), value);
                        samples.extend(read(status).into_iter().map(with));
                    }
                }
            }
        }
        samples
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// The resource as the API server's own metrics name it: plural, without group.
fn resource(kind: Kind) -> &'static str {
    match (kind, kind.row()) {
        (Kind::Custom(custom), _) => custom.name(),
        (_, Some(row)) if row.plural.is_empty() => row.kind,
        (_, Some(row)) => row.plural,
        (_, None) => "",
    }
}

fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Watched => "watched",
        Coverage::Dumped => "dumped",
        Coverage::Denied => "denied",
        Coverage::Absent => "absent",
        Coverage::Excluded => "excluded",
    }
}
