//! What must be true of a cluster, computed from its objects' own JSON and from nothing of ours.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The objects of a cluster, by plural resource name, as `kubectl get -o json` gives them.
pub type Objects = BTreeMap<&'static str, Vec<Value>>;

/// The resources that are mirrored, with the kind as the API names it.
pub const RESOURCES: &[(&str, &str)] = &[
    ("namespaces", "Namespace"),
    ("nodes", "Node"),
    ("pods", "Pod"),
    ("deployments", "Deployment.apps"),
    ("replicasets", "ReplicaSet.apps"),
    ("statefulsets", "StatefulSet.apps"),
    ("daemonsets", "DaemonSet.apps"),
    ("jobs", "Job.batch"),
    ("cronjobs", "CronJob.batch"),
    ("services", "Service"),
    ("endpointslices", "EndpointSlice.discovery.k8s.io"),
    ("ingresses", "Ingress.networking.k8s.io"),
    ("configmaps", "ConfigMap"),
    ("secrets", "Secret"),
    ("persistentvolumeclaims", "PersistentVolumeClaim"),
    ("persistentvolumes", "PersistentVolume"),
    ("serviceaccounts", "ServiceAccount"),
    ("poddisruptionbudgets", "PodDisruptionBudget.policy"),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler.autoscaling"),
    ("storageclasses", "StorageClass.storage.k8s.io"),
    ("volumeattributesclasses", "VolumeAttributesClass.storage.k8s.io"),
    ("csidrivers", "CSIDriver.storage.k8s.io"),
    ("ingressclasses", "IngressClass.networking.k8s.io"),
    ("networkpolicies", "NetworkPolicy.networking.k8s.io"),
    ("priorityclasses", "PriorityClass.scheduling.k8s.io"),
    ("roles", "Role.rbac.authorization.k8s.io"),
    ("clusterroles", "ClusterRole.rbac.authorization.k8s.io"),
    ("rolebindings", "RoleBinding.rbac.authorization.k8s.io"),
    (
        "clusterrolebindings",
        "ClusterRoleBinding.rbac.authorization.k8s.io",
    ),
    ("resourcequotas", "ResourceQuota"),
    ("limitranges", "LimitRange"),
    ("runtimeclasses", "RuntimeClass.node.k8s.io"),
    ("csinodes", "CSINode.storage.k8s.io"),
    ("volumeattachments", "VolumeAttachment.storage.k8s.io"),
    ("podtemplates", "PodTemplate"),
    ("replicationcontrollers", "ReplicationController"),
    (
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    ),
    (
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    ),
    (
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    ),
    (
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    ),
    ("apiservices", "APIService.apiregistration.k8s.io"),
    (
        "customresourcedefinitions",
        "CustomResourceDefinition.apiextensions.k8s.io",
    ),
    ("resourceclaims", "ResourceClaim.resource.k8s.io"),
    ("deviceclasses", "DeviceClass.resource.k8s.io"),
    ("resourceslices", "ResourceSlice.resource.k8s.io"),
];

/// One instance of a service: name of the pod, or the address where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    pub name: String,
    pub node: String,
    pub zone: String,
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
}

/// Sorts objects that name their kind by resource.
pub fn by_resource(objects: Vec<Value>) -> Objects {
    let mut sorted: Objects = RESOURCES
        .iter()
        .map(|(resource, _)| (*resource, Vec::new()))
        .collect();
    for object in objects {
        let short = |kind: &str| kind.split('.').next().unwrap_or_default() == text(&object, "/kind");
        let (resource, _) = RESOURCES.iter().find(|(_, kind)| short(kind)).unwrap();
        sorted.get_mut(resource).unwrap().push(object);
    }
    sorted
}

pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Every object: kind, namespace, name, uid.
pub fn assets(objects: &Objects) -> BTreeSet<(String, String, String, String)> {
    let kinds: BTreeMap<&str, &str> = RESOURCES.iter().copied().collect();
    let all = objects
        .iter()
        .flat_map(|(resource, objects)| objects.iter().map(move |o| (*resource, o)));
    all.map(|(resource, o)| {
        let meta = |field| text(o, &format!("/metadata/{field}")).to_owned();
        (
            kinds[resource].to_owned(),
            meta("namespace"),
            meta("name"),
            meta("uid"),
        )
    })
    .collect()
}

/// The instances of each service, `namespace/name`, as kube-proxy and a reader of the slices see them.
pub fn instances(objects: &Objects) -> BTreeMap<String, BTreeSet<Instance>> {
    let pods: BTreeMap<&str, &Value> = objects["pods"]
        .iter()
        .map(|p| (text(p, "/metadata/uid"), p))
        .collect();
    let zones: BTreeMap<&str, &str> = objects["nodes"]
        .iter()
        .map(|n| {
            (
                text(n, "/metadata/name"),
                text(n, "/metadata/labels/topology.kubernetes.io~1zone"),
            )
        })
        .collect();
    let mut found: BTreeMap<String, BTreeMap<String, Instance>> = BTreeMap::new();
    for service in &objects["services"] {
        found.insert(
            format!(
                "{}/{}",
                text(service, "/metadata/namespace"),
                text(service, "/metadata/name")
            ),
            BTreeMap::new(),
        );
    }
    for slice in &objects["endpointslices"] {
        let service = text(slice, "/metadata/labels/kubernetes.io~1service-name");
        let Some(instances) = found.get_mut(&format!("{}/{service}", text(slice, "/metadata/namespace")))
        else {
            continue;
        };
        for endpoint in list(slice, "/endpoints") {
            let ready = endpoint
                .pointer("/conditions/ready")
                .and_then(Value::as_bool)
                .unwrap_or(true);
            let condition = |name: &str, absent| {
                endpoint
                    .pointer(&format!("/conditions/{name}"))
                    .and_then(Value::as_bool)
                    .unwrap_or(absent)
            };
            let (serving, terminating) = (condition("serving", ready), condition("terminating", false));
            let (key, name, node) = if text(endpoint, "/targetRef/kind") == "Pod" {
                let uid = text(endpoint, "/targetRef/uid");
                let Some(pod) = pods.get(uid) else { continue };
                (
                    uid.to_owned(),
                    text(pod, "/metadata/name").to_owned(),
                    text(pod, "/spec/nodeName").to_owned(),
                )
            } else {
                let address = text(endpoint, "/addresses/0").to_owned();
                (address.clone(), address, text(endpoint, "/nodeName").to_owned())
            };
            // The slice's word comes first: it outlives a node that was deleted under its pods.
            let zone = Some(text(endpoint, "/zone"))
                .filter(|zone| !zone.is_empty())
                .unwrap_or_else(|| zones.get(node.as_str()).copied().unwrap_or_default())
                .to_owned();
            // An endpoint may stand in two slices, and once per address family: it is one instance.
            let instance = instances.entry(key).or_insert(Instance {
                name,
                node,
                zone,
                ready: false,
                serving: false,
                terminating,
            });
            instance.ready |= ready;
            instance.serving |= serving;
            instance.terminating &= terminating;
        }
    }
    found
        .into_iter()
        .map(|(service, instances)| (service, instances.into_values().collect()))
        .collect()
}

/// The pods that read each Secret, `namespace/name` of both.
pub fn secret_readers(objects: &Objects) -> BTreeMap<String, BTreeSet<String>> {
    let mut readers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pod in &objects["pods"] {
        let namespace = text(pod, "/metadata/namespace");
        let mut names = BTreeSet::new();
        for volume in list(pod, "/spec/volumes") {
            names.insert(text(volume, "/secret/secretName"));
            names.extend(list(volume, "/projected/sources").map(|s| text(s, "/secret/name")));
        }
        for part in ["initContainers", "containers", "ephemeralContainers"] {
            for container in list(pod, &format!("/spec/{part}")) {
                names.extend(list(container, "/envFrom").map(|e| text(e, "/secretRef/name")));
                names.extend(list(container, "/env").map(|e| text(e, "/valueFrom/secretKeyRef/name")));
            }
        }
        names.extend(list(pod, "/spec/imagePullSecrets").map(|s| text(s, "/name")));
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let pod = format!("{namespace}/{}", text(pod, "/metadata/name"));
            readers
                .entry(format!("{namespace}/{name}"))
                .or_default()
                .insert(pod);
        }
    }
    readers
}

/// The controller of each object that has one: `(kind, namespace, name)` of the owned and the owner's uid.
pub fn controllers(objects: &Objects) -> BTreeMap<(String, String, String), String> {
    let kinds: BTreeMap<&str, &str> = RESOURCES.iter().copied().collect();
    let mut owners = BTreeMap::new();
    for (resource, list_of) in objects {
        for object in list_of {
            let owner = list(object, "/metadata/ownerReferences").find(|o| o["controller"] == true);
            if let Some(owner) = owner {
                let key = (
                    kinds[resource].to_owned(),
                    text(object, "/metadata/namespace").to_owned(),
                    text(object, "/metadata/name").to_owned(),
                );
                owners.insert(key, text(owner, "/uid").to_owned());
            }
        }
    }
    owners
}
