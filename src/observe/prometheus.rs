//! Asks a Prometheus, or what speaks its HTTP API, for a metric that tells who calls whom. By presence, not by rate: a
//! call that was counted once in the window is one.

use super::{Party, Told};
use crate::query::impact::propagate::Strength;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of one answer.
const MOST_BYTES: usize = 64 << 20;

/// A metric that tells who calls whom, and its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in settings.
    pub name: &'static str,
    metric: &'static str,
    from: Labels,
    to: Labels,
    strength: Strength,
    /// A label, and the values of it that mean a soft need.
    soft: Option<(&'static str, &'static [&'static str])>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Labels {
    cluster: Option<&'static str>,
    namespace: Option<&'static str>,
    workload: Option<&'static str>,
    service: Option<&'static str>,
}

const fn labels(
    cluster: Option<&'static str>,
    namespace: Option<&'static str>,
    workload: Option<&'static str>,
    service: Option<&'static str>,
) -> Labels {
    Labels {
        cluster,
        namespace,
        workload,
        service,
    }
}

/// The metrics that are known.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "servicegraph",
        metric: "traces_service_graph_request_total",
        from: labels(
            Some("client_k8s_cluster_name"),
            Some("client_k8s_namespace_name"),
            Some("client_k8s_deployment_name"),
            Some("client"),
        ),
        to: labels(
            Some("server_k8s_cluster_name"),
            Some("server_k8s_namespace_name"),
            Some("server_k8s_deployment_name"),
            Some("server"),
        ),
        strength: Strength::Hard,
        soft: Some(("connection_type", &["messaging_system"])),
    },
    Preset {
        name: "istio",
        metric: "istio_requests_total{reporter=\"destination\"}",
        from: labels(
            Some("source_cluster"),
            Some("source_workload_namespace"),
            Some("source_workload"),
            None,
        ),
        to: labels(
            Some("destination_cluster"),
            Some("destination_service_namespace"),
            Some("destination_workload"),
            Some("destination_service_name"),
        ),
        strength: Strength::Hard,
        soft: None,
    },
    Preset {
        name: "linkerd",
        metric: "response_total{direction=\"outbound\"}",
        from: labels(None, Some("namespace"), Some("deployment"), None),
        to: labels(
            None,
            Some("dst_namespace"),
            Some("dst_deployment"),
            Some("dst_service"),
        ),
        strength: Strength::Hard,
        soft: None,
    },
    Preset {
        name: "hubble",
        metric: "hubble_flows_processed_total{source_workload!=\"\",destination_workload!=\"\"}",
        from: labels(None, Some("source_namespace"), Some("source_workload"), None),
        to: labels(
            None,
            Some("destination_namespace"),
            Some("destination_workload"),
            None,
        ),
        // Packets prove contact, not need.
        strength: Strength::Unknown,
        soft: None,
    },
    Preset {
        name: "netflow",
        metric: "{__name__=~\"(obi|beyla)_network_flow_bytes_total\"}",
        from: labels(None, Some("k8s_src_namespace"), Some("k8s_src_owner_name"), None),
        to: labels(None, Some("k8s_dst_namespace"), Some("k8s_dst_owner_name"), None),
        strength: Strength::Unknown,
        soft: None,
    },
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|p| p.name == name)
    }

    fn by(&self) -> String {
        let all = [self.from, self.to];
        let all = all
            .iter()
            .flat_map(|l| [l.cluster, l.namespace, l.workload, l.service]);
        let soft = self.soft.map(|(label, _)| label);
        all.chain([soft]).flatten().collect::<Vec<_>>().join(", ")
    }
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// The calls that a metric tells of the last six hours, with the rate of the last five minutes.
pub(super) async fn ask(
    http: &reqwest::Client,
    preset: &Preset,
    url: &str,
    cluster: Option<&str>,
) -> Result<Vec<Told>, String> {
    let (metric, by) = (preset.metric, preset.by());
    let there = query(
        http,
        url,
        &format!("count by ({by}) (last_over_time({metric}[6h]))"),
    )
    .await?;
    let rates = query(http, url, &format!("sum by ({by}) (rate({metric}[5m]))")).await?;
    let rates: BTreeMap<BTreeMap<String, String>, f64> = rates
        .into_iter()
        .filter_map(|s| Some((s.metric, s.value.1.parse().ok()?)))
        .collect();
    let told = there.into_iter().map(|sample| {
        let value = |label: Option<&str>| sample.metric.get(label?).filter(|v| is_known(v)).cloned();
        let party = |labels: Labels| Party {
            cluster: value(labels.cluster).or(cluster.map(str::to_owned)),
            namespace: value(labels.namespace),
            workload: value(labels.workload),
            service: value(labels.service),
        };
        let is_soft = preset
            .soft
            .is_some_and(|(label, values)| value(Some(label)).is_some_and(|v| values.contains(&v.as_str())));
        Told {
            from: party(preset.from),
            to: party(preset.to),
            strength: if is_soft { Strength::Soft } else { preset.strength },
            rate: rates.get(&sample.metric).copied().filter(|r| r.is_finite()),
            declared: false,
        }
    });
    Ok(told.collect())
}

/// Istio and others write words where they know nothing.
fn is_known(value: &str) -> bool {
    !matches!(
        value,
        "" | "unknown" | "Kubernetes" | "PassthroughCluster" | "BlackHoleCluster"
    )
}

async fn query(http: &reqwest::Client, url: &str, query: &str) -> Result<Vec<Sample>, String> {
    let failed = |e: reqwest::Error| format!("{url} does not answer: {}", e.without_url());
    let mut target = reqwest::Url::parse(&format!("{url}/api/v1/query")).map_err(|e| e.to_string())?;
    target.query_pairs_mut().append_pair("query", query);
    let mut response = http.get(target).timeout(PATIENCE).send().await.map_err(failed)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(format!("{url} answers with more than {MOST_BYTES} bytes"));
        }
    }
    let reply: Reply = serde_json::from_slice(&body)
        .map_err(|e| format!("{url} does not speak the Prometheus HTTP API (status {status}): {e}"))?;
    match reply.data.filter(|_| reply.status == "success") {
        Some(data) => Ok(data.result),
        None => Err(format!(
            "{url} refuses the query: {}",
            reply.error.unwrap_or_else(|| "it does not say why".to_owned())
        )),
    }
}
