//! A small world in plain words, written as Kubernetes objects and read through extraction and linking into a store. The
//! evaluation from scratch reads the same words, not the graph.

use planisphere::query::impact::{Failure, Impact, impact};
use planisphere::store::Store;
use planisphere::store::embedded::EmbeddedStore;
use planisphere_schema::{AssetRef, Cluster, ClusterId, How, Kind};
use planisphere_sync::extract::Extractor;
use planisphere_sync::mirror::Mirror;
use planisphere_sync::observe::Event;
use planisphere_sync::sink::Start;
use planisphere_sync::status::SyncStatus;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

pub const NOW: i64 = 1_795_478_400_000;

pub fn cluster() -> Cluster {
    Cluster {
        id: ClusterId(Uuid::from_u128(7)),
        name: "prod".to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
}

#[derive(Clone, Debug)]
pub struct Workload {
    pub made: Made,
    pub namespace: usize,
    pub replicas: usize,
    pub image: &'static str,
}

#[derive(Clone, Debug, Default)]
pub struct Pod {
    pub namespace: usize,
    /// None: bare.
    pub workload: Option<usize>,
    /// From a file on its node.
    pub fixed: bool,
    pub node: Option<usize>,
    pub done: bool,
    pub secret: Option<(usize, bool)>,
    pub claim: Option<usize>,
    /// Runs on nodes of this pool alone.
    pub pool: Option<usize>,
    /// Tolerates the taint of nodes that have it.
    pub tolerates: bool,
}

/// What a node asks of pods, and what it offers them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ground {
    pub pool: usize,
    pub tainted: bool,
    pub cordoned: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Pin {
    Nowhere,
    Node(usize),
    Zone(usize),
}

#[derive(Clone, Debug)]
pub struct Claim {
    pub namespace: usize,
    pub pin: Pin,
    pub bound: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    pub pod: usize,
    pub ready: Option<bool>,
    pub serving: Option<bool>,
    pub terminating: Option<bool>,
    /// Names an earlier incarnation.
    pub stale: bool,
}

#[derive(Clone, Debug)]
pub enum Behind {
    Endpoints(Vec<Endpoint>),
    Service(usize),
    Missing,
    Outside,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub namespace: usize,
    pub behind: Behind,
    pub local: bool,
    /// Selects the pods of this workload.
    pub selects: Option<usize>,
    pub fraction: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    pub namespaces: usize,
    pub secrets: usize,
    /// Zones by node.
    pub nodes: Vec<Option<usize>>,
    /// By node; where there is none, a node of pool 0 that takes everything.
    pub grounds: Vec<Ground>,
    pub workloads: Vec<Workload>,
    pub claims: Vec<Claim>,
    pub pods: Vec<Pod>,
    pub services: Vec<Service>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    Cluster,
    Zone(usize),
    Node(usize),
    Namespace(usize),
    Workload(usize),
    Pod(usize),
    Claim(usize),
    Volume(usize),
    Secret(usize),
    Service(usize),
}

pub fn uid(of: &str) -> String {
    Uuid::new_v5(&Uuid::from_u128(99), of.as_bytes()).to_string()
}

fn ns(n: usize) -> String {
    format!("ns{n}")
}

impl World {
    /// The reference of what fails.
    pub fn reference(&self, fails: Fails) -> AssetRef {
        let at = |kind, namespace: &str, name: String| AssetRef::new(cluster().id, kind, namespace, &name);
        match fails {
            Fails::Cluster => AssetRef::cluster(cluster().id),
            Fails::Zone(z) => at(Kind::Zone, "", format!("z{z}")),
            Fails::Node(n) => at(Kind::Node, "", format!("n{n}")),
            Fails::Namespace(n) => at(Kind::Namespace, "", ns(n)),
            Fails::Workload(w) => {
                let kind = match self.workloads[w].made {
                    Made::Deployment => Kind::Deployment,
                    Made::StatefulSet => Kind::StatefulSet,
                    Made::DaemonSet => Kind::DaemonSet,
                    Made::Job => Kind::Job,
                };
                at(kind, &ns(self.workloads[w].namespace), format!("w{w}"))
            }
            Fails::Pod(p) => at(Kind::Pod, &ns(self.pods[p].namespace), format!("p{p}")),
            Fails::Claim(c) => at(
                Kind::PersistentVolumeClaim,
                &ns(self.claims[c].namespace),
                format!("c{c}"),
            ),
            Fails::Volume(c) => at(Kind::PersistentVolume, "", format!("v{c}")),
            // Secrets of one number in all namespaces fail apart; the first namespace's is meant.
            Fails::Secret(s) => at(Kind::Secret, &ns(s % self.namespaces), format!("s{s}")),
            Fails::Service(s) => at(Kind::Service, &ns(self.services[s].namespace), format!("svc{s}")),
        }
    }

    /// As Kubernetes objects.
    pub fn objects(&self) -> Vec<Value> {
        let mut all = vec![];
        for n in 0..self.namespaces {
            all.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta("", &ns(n))}));
        }
        for s in 0..self.secrets {
            let metadata = meta(&ns(s % self.namespaces), &format!("s{s}"));
            all.push(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}));
        }
        for (n, zone) in self.nodes.iter().enumerate() {
            let (mut metadata, ground) = (meta("", &format!("n{n}")), self.ground(n));
            metadata["labels"] = json!({"pool": format!("pool{}", ground.pool)});
            if let Some(zone) = zone {
                metadata["labels"]["topology.kubernetes.io/zone"] = json!(format!("z{zone}"));
            }
            let mut spec = json!({"unschedulable": ground.cordoned});
            if ground.tainted {
                spec["taints"] = json!([{"key": "special", "value": "yes", "effect": "NoSchedule"}]);
            }
            all.push(
                json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": {
                "addresses": [{"type": "InternalIP", "address": format!("192.168.0.{n}")}]}}),
            );
        }
        for (w, workload) in self.workloads.iter().enumerate() {
            all.extend(workload_objects(w, workload));
        }
        for (c, claim) in self.claims.iter().enumerate() {
            all.extend(claim_objects(c, claim));
        }
        for (p, pod) in self.pods.iter().enumerate() {
            all.push(self.pod_object(p, pod));
        }
        for (s, service) in self.services.iter().enumerate() {
            all.extend(self.service_objects(s, service));
        }
        all
    }

    /// What a node asks and offers.
    pub fn ground(&self, node: usize) -> Ground {
        self.grounds.get(node).copied().unwrap_or_default()
    }

    fn pod_object(&self, p: usize, pod: &Pod) -> Value {
        let mut metadata = meta(&ns(pod.namespace), &format!("p{p}"));
        let owner = |api: &str, kind: &str, name: String| {
            let uid = uid(&format!("{}/{name}", if kind == "Node" { "" } else { "ns" }));
            json!([{"apiVersion": api, "kind": kind, "name": name, "uid": uid, "controller": true}])
        };
        if let Some(w) = pod.workload {
            metadata["labels"] = json!({"app": format!("w{w}")});
            let (api, kind, name) = match self.workloads[w].made {
                Made::Deployment => ("apps/v1", "ReplicaSet", format!("w{w}-rs")),
                Made::StatefulSet => ("apps/v1", "StatefulSet", format!("w{w}")),
                Made::DaemonSet => ("apps/v1", "DaemonSet", format!("w{w}")),
                Made::Job => ("batch/v1", "Job", format!("w{w}")),
            };
            metadata["ownerReferences"] = owner(api, kind, name);
        }
        if pod.fixed {
            metadata["annotations"] = json!({"kubernetes.io/config.source": "file"});
            if let Some(n) = pod.node {
                metadata["ownerReferences"] = owner("v1", "Node", format!("n{n}"));
            }
        }
        let mut volumes = vec![];
        if let Some((s, optional)) = pod.secret {
            volumes
                .push(json!({"name": "s", "secret": {"secretName": format!("s{s}"), "optional": optional}}));
        }
        if let Some(c) = pod.claim {
            volumes.push(json!({"name": "c", "persistentVolumeClaim": {"claimName": format!("c{c}")}}));
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"nodeName": pod.node.map(|n| format!("n{n}")), "volumes": volumes,
                "nodeSelector": pod.pool.map(|p| json!({"pool": format!("pool{p}")})),
                "tolerations": pod.tolerates.then(|| json!([{"key": "special", "operator": "Exists"}])),
                "containers": [{"name": "main", "image": "app:1"}]},
            "status": {"phase": if pod.done { "Succeeded" } else { "Running" }, "podIP": format!("10.0.0.{p}"),
                "podIPs": [{"ip": format!("10.0.0.{p}")}],
                "conditions": [{"type": "Ready", "status": "True"}]}})
    }

    fn service_objects(&self, s: usize, service: &Service) -> Vec<Value> {
        let (namespace, name) = (ns(service.namespace), format!("svc{s}"));
        let mut metadata = meta(&namespace, &name);
        if let Some(fraction) = service.fraction {
            metadata["labels"] = json!({"planisphere.io/needed-fraction": fraction});
        }
        let policy = if service.local { "Local" } else { "Cluster" };
        let selector = service.selects.map(|w| json!({"app": format!("w{w}")}));
        let external = match &service.behind {
            Behind::Endpoints(endpoints) => {
                let of = |e: &Endpoint| {
                    let pod = &self.pods[e.pod];
                    let name = format!("p{}", e.pod);
                    let named = if e.stale {
                        uid("an earlier one")
                    } else {
                        uid(&format!("ns/{name}"))
                    };
                    json!({"addresses": [format!("10.0.0.{}", e.pod)],
                        "conditions": {"ready": e.ready, "serving": e.serving, "terminating": e.terminating},
                        "targetRef": {"kind": "Pod", "name": name, "namespace": ns(pod.namespace), "uid": named}})
                };
                // Two slices share the endpoints, and the first stands in both.
                let (left, right) = endpoints.split_at(endpoints.len() / 2);
                let right: Vec<Endpoint> = right.iter().chain(endpoints.first()).copied().collect();
                let slice = |part: &str, endpoints: &[Endpoint]| {
                    let mut metadata = meta(&namespace, &format!("{name}-{part}"));
                    metadata["labels"] = json!({"kubernetes.io/service-name": name});
                    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
                        "addressType": "IPv4", "endpoints": endpoints.iter().map(of).collect::<Vec<_>>()})
                };
                let spec =
                    json!({"type": "ClusterIP", "internalTrafficPolicy": policy, "selector": selector});
                return vec![
                    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}),
                    slice("a", left),
                    slice("b", &right),
                ];
            }
            Behind::Service(other) => {
                let other_ns = ns(self.services[*other].namespace);
                format!("svc{other}.{other_ns}.svc.cluster.local")
            }
            Behind::Missing => "nothing.ns0.svc.cluster.local".to_owned(),
            Behind::Outside => "db.example.org".to_owned(),
        };
        let spec = json!({"type": "ExternalName", "externalName": external});
        vec![json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})]
    }

    /// What a failure breaks, asked of a store that holds this world.
    pub async fn impact(&self, store: &dyn Store, fails: &[Fails], planned: bool) -> Impact {
        let snapshot = store.snapshot().await.unwrap();
        let ids: Vec<_> = fails.iter().map(|f| self.reference(*f).id()).collect();
        let assets = snapshot.get(&ids).await.unwrap().into_iter().flatten().collect();
        let failure = Failure {
            assets,
            planned,
            ..Failure::default()
        };
        impact(&*snapshot, &Default::default(), failure).await.unwrap()
    }
}

fn meta(namespace: &str, name: &str) -> Value {
    let place = if namespace.is_empty() { "" } else { "ns" };
    let mut metadata = json!({"name": name, "uid": uid(&format!("{place}/{name}")), "resourceVersion": "5"});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    metadata
}

fn workload_objects(w: usize, workload: &Workload) -> Vec<Value> {
    let metadata = meta(&ns(workload.namespace), &format!("w{w}"));
    let labels = json!({"app": format!("w{w}")});
    let template = json!({"metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": workload.image}]}});
    let spec =
        json!({"replicas": workload.replicas, "selector": {"matchLabels": labels}, "template": template});
    let object = |api: &str, kind: &str, metadata: &Value| json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec});
    match workload.made {
        Made::Deployment => {
            let mut set = meta(&ns(workload.namespace), &format!("w{w}-rs"));
            set["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": format!("w{w}"),
                "uid": uid(&format!("ns/w{w}")), "controller": true}]);
            vec![
                object("apps/v1", "Deployment", &metadata),
                object("apps/v1", "ReplicaSet", &set),
            ]
        }
        Made::StatefulSet => vec![object("apps/v1", "StatefulSet", &metadata)],
        Made::DaemonSet => {
            let mut set = object("apps/v1", "DaemonSet", &metadata);
            set["status"] = json!({"desiredNumberScheduled": workload.replicas});
            vec![set]
        }
        Made::Job => {
            let spec = json!({"template": template});
            vec![json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})]
        }
    }
}

fn claim_objects(c: usize, claim: &Claim) -> Vec<Value> {
    let expression = |key: &str, value: String| json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}]}});
    let affinity = match claim.pin {
        Pin::Nowhere => Value::Null,
        Pin::Node(n) => expression("kubernetes.io/hostname", format!("n{n}")),
        Pin::Zone(z) => expression("topology.kubernetes.io/zone", format!("z{z}")),
    };
    let phase = if claim.bound { "Bound" } else { "Released" };
    vec![
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(&ns(claim.namespace), &format!("c{c}")),
            "spec": {"volumeName": format!("v{c}"), "accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Bound"}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta("", &format!("v{c}")),
            "spec": {"claimRef": {"namespace": ns(claim.namespace), "name": format!("c{c}"), "uid": uid(&format!("ns/c{c}"))},
                "accessModes": ["ReadWriteOnce"], "csi": {"driver": "disk.csi.example.org"}, "nodeAffinity": affinity},
            "status": {"phase": phase}}),
    ]
}

/// A store that has read these objects as a cluster serves them.
pub async fn store_of(objects: &[Value]) -> Arc<EmbeddedStore> {
    let store = Arc::new(EmbeddedStore::in_memory(Arc::new(|| NOW)).unwrap());
    fill(&*store, objects).await;
    store
}

/// Reads these objects into a store as a cluster serves them; what it had of their kinds and is not among them is gone.
pub async fn fill(store: &dyn Store, objects: &[Value]) {
    let claim = store.claim(&cluster()).await.unwrap();
    let start = Start {
        fence: claim.fence,
        sources: Vec::new(),
    };
    let mut mirror = Mirror::new(cluster(), &start, SyncStatus::default(), Arc::new(|| NOW));
    mirror.describe(planisphere_schema::Attributes::empty(Kind::Cluster));
    let mut by_kind: BTreeMap<Kind, Vec<_>> = BTreeMap::new();
    for object in objects {
        let api = object["apiVersion"].as_str().unwrap();
        let group = api.split_once('/').map_or("", |(group, _)| group);
        let kind = Kind::of(group, object["kind"].as_str().unwrap());
        let extractor = Extractor::of(kind).unwrap_or_else(|| panic!("{kind} is not extracted"));
        let observation = extractor
            .json(cluster().id, object.to_string().as_bytes())
            .unwrap();
        by_kind.entry(kind).or_default().push(observation);
    }
    for (kind, observations) in by_kind {
        mirror.handle(Event::ListStarted { kind });
        mirror.handle(Event::Applied {
            kind,
            how: How::List,
            observations,
        });
        let resume = "9".to_owned();
        mirror.handle(Event::ListEnded {
            kind,
            resume,
            at_ms: 0,
        });
    }
    store.apply(mirror.take_batch().unwrap()).await.unwrap();
}
