//! Nothing outside of the allow-list is kept: every text of an object is replaced by a marker of its own, and the places
//! whose markers come out again must be exactly those of `kept.txt`.

use super::encodings::upstream;
use super::*;
use std::collections::BTreeSet;
use std::path::PathBuf;

const KEPT: &str = include_str!("kept.txt");

/// What decides about what is kept stays as it is.
const DECIDING: &[&str] = &[
    "ClusterRole",
    "DoNotSchedule",
    "In",
    "Pod",
    "PriorityClass",
    "ServiceAccount",
    "Webhook",
    "kubernetes.io/hostname",
    "pods",
];

/// Replaces each text with a marker; returns the places in the order of their markers. Instants stay: they are read as such.
fn mark(value: &mut Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                mark(value, &format!("{place}.{key}"), places);
            }
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|v| mark(v, &format!("{place}[]"), places)),
        Value::String(text) if DECIDING.contains(&text.as_str()) => {}
        Value::String(text) if planisphere_schema::Time::parse(text).is_none() => {
            *text = format!("mark{:05}x", places.len());
            places.push(place.to_owned());
        }
        _ => {}
    }
}

/// Everything that leaves extraction, as bytes.
pub(super) fn leaves(observation: &Observation) -> Vec<u8> {
    let mut bytes = observation.asset.encode_body();
    let key = |bytes: &mut Vec<u8>, asset: &planisphere_schema::AssetRef| {
        bytes.extend(format!("\n{}\n", asset.key()).into_bytes());
    };
    key(&mut bytes, &observation.asset.reference);
    for edge in &observation.edges {
        key(&mut bytes, &edge.from);
        key(&mut bytes, &edge.to);
        bytes.extend(edge.detail.encode_to_vec());
    }
    bytes
}

/// Secrets where they are found in the wild, and what decides about edges that the placeholders do not.
fn plant(kind: Kind, object: &mut Value) {
    object["metadata"]["annotations"] = json!({"owner": "o", "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":1}", "example.com/x": "x"});
    for forbidden in ["data", "stringData", "binaryData", "caBundle"] {
        object[forbidden] = json!({"key": "secret"});
    }
    object["metadata"]["ownerReferences"][0]["controller"] = false.into();
    if kind == Kind::Pod {
        object["spec"]["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "DoNotSchedule".into();
        // A status belongs to the container of its name.
        for sort in ["containers", "initContainers", "ephemeralContainers"] {
            object["spec"][sort][0]["name"] = "Pod".into();
        }
        for sort in [
            "containerStatuses",
            "initContainerStatuses",
            "ephemeralContainerStatuses",
        ] {
            object["status"][sort][0]["name"] = "Pod".into();
        }
    }
    if kind == Kind::EndpointSlice {
        object["metadata"]["labels"]["kubernetes.io/service-name"] = "service".into();
        object["endpoints"][0]["targetRef"]["kind"] = "Pod".into();
    }
    if matches!(kind, Kind::RoleBinding | Kind::ClusterRoleBinding) {
        object["roleRef"]["kind"] = "ClusterRole".into();
        object["subjects"][0]["kind"] = "ServiceAccount".into();
    }
    let term =
        json!([{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n"]}]}]);
    match kind {
        Kind::PersistentVolume => object["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"] = term,
        Kind::ResourceClaim => {
            object["status"]["allocation"]["nodeSelector"]["nodeSelectorTerms"] = term;
            object["status"]["reservedFor"] = json!([{"resource": "pods", "name": "n", "uid": "u"}]);
        }
        Kind::ResourceQuota => {
            let classes = json!([{"scopeName": "PriorityClass", "operator": "In", "values": ["v"]}]);
            object["spec"]["scopeSelector"]["matchExpressions"] = classes;
        }
        Kind::CustomResourceDefinition => object["spec"]["conversion"]["strategy"] = "Webhook".into(),
        _ => {}
    }
}

/// The places of an object that are kept, each as `Kind.path`.
fn kept_places(kind: Kind, mut object: Value) -> BTreeSet<String> {
    plant(kind, &mut object);
    let mut places = Vec::new();
    mark(&mut object, kind.short_name(), &mut places);
    assert!(places.len() > 10, "{kind}: nothing was marked");
    // Salvage would keep less: the object must read whole.
    let observation = read(kind, &object);
    assert!(
        !observation
            .asset
            .problems
            .iter()
            .any(|p| p.starts_with("could not be read")),
        "{kind}"
    );
    let bytes = leaves(&observation);
    let text = String::from_utf8_lossy(&bytes);
    let kept = |n: &usize| text.contains(&format!("mark{n:05}x"));
    (0..places.len())
        .filter(kept)
        .map(|n| places[n].clone())
        .collect()
}

#[test]
fn exactly_the_places_of_the_allow_list_are_kept() {
    let mut found = BTreeSet::new();
    for (kind, _) in kinds() {
        let object = serde_json::from_slice(&upstream(kind, "json")).unwrap();
        found.extend(kept_places(kind, object));
    }
    let expected: BTreeSet<String> = KEPT
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let new: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "kept, but not in kept.txt: {new:#?}\nin kept.txt, but not kept: {gone:#?}"
    );
}

#[test]
fn the_allow_list_itself_names_no_value() {
    for word in [
        "args",
        "command",
        "env[].value",
        "data",
        "stringData",
        "managedFields",
        "message",
        "caBundle",
        "last-applied",
        "httpGet",
        "exec",
        "volumeAttributes",
        "Probe",
        "lifecycle",
    ] {
        // A ConfigMap's or Secret's name is found below `env[].valueFrom`.
        let named = KEPT
            .lines()
            .find(|l| l.replace("valueFrom", "").contains(word) && !l.contains("metadata"));
        assert_eq!(named, None, "{word}");
    }
}

/// The shared objects, where they are: newer than those of this repository, with fields that nobody here knows yet.
#[test]
fn the_shared_objects_read_whole_and_keep_nothing_else() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("PLANISPHERE_SHARED").map_or(root, PathBuf::from);
    let folder = shared.join("data/kubernetes-objects");
    let expected: BTreeSet<&str> = KEPT.lines().collect();
    let mut seen = 0;
    for (kind, _) in kinds() {
        let group = if kind.group().is_empty() {
            "core"
        } else {
            kind.group()
        };
        let Ok(bytes) = std::fs::read(folder.join(format!("{group}.v1.{}.json", kind.short_name()))) else {
            continue;
        };
        for place in kept_places(kind, serde_json::from_slice(&bytes).unwrap()) {
            assert!(
                expected.contains(place.as_str()),
                "{place} is kept, but not in kept.txt"
            );
        }
        seen += 1;
    }
    println!("{seen} shared objects read; without them the recorded ones of this repository stand for them");
    // Two kinds are defined by other parts of Kubernetes than those that the shared objects are of.
    let elsewhere = [Kind::APIService, Kind::CustomResourceDefinition];
    let known = kinds().filter(|(kind, _)| !elsewhere.contains(kind));
    assert!(
        seen == 0 || seen == known.count(),
        "only {seen} of the kinds are in {}",
        folder.display()
    );
}
