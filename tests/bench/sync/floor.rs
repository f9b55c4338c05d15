//! The floor: the same lists downloaded and thrown away, over one connection, one after the other. And what the API
//! server itself counts, as the measure of what is right.

use super::controlplane::ControlPlane;
use super::running::client;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// What is mirrored: path, and the kind as we name it.
const LISTS: &[(&str, &str)] = &[
    ("api/v1/namespaces", "Namespace"),
    ("api/v1/nodes", "Node"),
    ("api/v1/pods", "Pod"),
    ("apis/apps/v1/deployments", "Deployment.apps"),
    ("apis/apps/v1/replicasets", "ReplicaSet.apps"),
    ("apis/apps/v1/statefulsets", "StatefulSet.apps"),
    ("apis/apps/v1/daemonsets", "DaemonSet.apps"),
    ("apis/batch/v1/jobs", "Job.batch"),
    ("apis/batch/v1/cronjobs", "CronJob.batch"),
    ("api/v1/services", "Service"),
    (
        "apis/discovery.k8s.io/v1/endpointslices",
        "EndpointSlice.discovery.k8s.io",
    ),
    ("apis/networking.k8s.io/v1/ingresses", "Ingress.networking.k8s.io"),
    ("api/v1/configmaps", "ConfigMap"),
    ("api/v1/secrets", "Secret"),
    ("api/v1/persistentvolumeclaims", "PersistentVolumeClaim"),
    ("api/v1/persistentvolumes", "PersistentVolume"),
    ("api/v1/serviceaccounts", "ServiceAccount"),
];

/// An API server, reached without any Kubernetes client.
pub struct ApiServer {
    /// The client.
    pub client: reqwest::Client,
    /// The server's address.
    pub url: String,
}

/// How lists are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Protobuf,
}

/// What a download took.
pub struct Download {
    pub seconds: f64,
    pub megabytes: f64,
}

impl ApiServer {
    /// The first one of a control plane.
    pub fn of(plane: &ControlPlane) -> Self {
        let kubeconfig = std::fs::read_to_string(plane.kubeconfig()).unwrap();
        let server = kubeconfig
            .lines()
            .find_map(|line| line.trim().strip_prefix("server: "));
        Self {
            client: client(),
            url: server.unwrap().trim_matches('"').to_owned(),
        }
    }

    /// A request with the credentials that the control plane's administrator has.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.url));
        request.bearer_auth("admin-token")
    }

    /// Downloads all lists.
    pub async fn download(&self, encoding: Encoding) -> Download {
        let (plain, metadata) = match encoding {
            Encoding::Json => ("application/json", "application/json"),
            Encoding::Protobuf => (
                "application/vnd.kubernetes.protobuf",
                "application/vnd.kubernetes.protobuf",
            ),
        };
        let (started, mut bytes) = (Instant::now(), 0);
        for (path, kind) in LISTS {
            let accept = match *kind {
                "Secret" => format!("{metadata};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
                _ => plain.to_owned(),
            };
            let request = self.request(reqwest::Method::GET, path).header("accept", accept);
            let mut answer = request.send().await.unwrap().error_for_status().unwrap();
            while let Some(chunk) = answer.chunk().await.unwrap() {
                bytes += chunk.len();
            }
        }
        Download {
            seconds: started.elapsed().as_secs_f64(),
            megabytes: bytes as f64 / 1e6,
        }
    }

    /// How many objects there are of each kind.
    pub async fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (path, kind) in LISTS {
            let request = self.request(reqwest::Method::GET, &format!("{path}?limit=1"));
            let list: Value = request.send().await.unwrap().json().await.unwrap();
            let here = list["items"].as_array().map_or(0, Vec::len) as u64;
            let count = here + list["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
            if count > 0 {
                counts.insert((*kind).to_owned(), count);
            }
        }
        counts
    }
}
