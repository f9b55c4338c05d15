//! Lists that a real API server gave, each in both encodings at one moment.

use super::encodings::unwrapped;
use super::markers::leaves;
use super::*;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn file(name: String) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/recorded/apiserver");
    std::fs::read(folder.join(name)).unwrap()
}

/// The recorded objects of a kind, from JSON and from protobuf.
fn recorded(kind: Kind) -> [Vec<Observation>; 2] {
    #[derive(serde::Deserialize)]
    struct JsonList {
        items: Vec<Box<RawValue>>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct ProtobufList {
        #[prost(bytes = "vec", repeated, tag = 2)]
        items: Vec<Vec<u8>>,
    }
    let (extractor, name) = (Extractor::of(kind).unwrap(), kind.short_name());
    let json: JsonList = serde_json::from_slice(&file(format!("{name}.json"))).unwrap();
    let json: Vec<Observation> = json
        .items
        .iter()
        .map(|i| extractor.json(CLUSTER, i.get().as_bytes()).unwrap())
        .collect();
    if JSON_ALONE == kind.group() {
        return [json.clone(), json];
    }
    let protobuf = ProtobufList::decode(&*unwrapped(&file(format!("{name}.pb")))).unwrap();
    [
        json,
        protobuf
            .items
            .iter()
            .map(|i| extractor.protobuf(CLUSTER, i).unwrap())
            .collect(),
    ]
}

#[test]
fn objects_of_a_real_cluster_read_the_same_from_both_encodings_without_problems() {
    for (kind, _) in kinds() {
        let [json, protobuf] = recorded(kind);
        assert_eq!(json, protobuf, "{kind}");
        assert!(!json.is_empty(), "{kind}: nothing was recorded");
        for observation in json {
            assert_eq!(observation.asset.problems, [""; 0], "{observation:?}");
            assert!(observation.asset.resource_version > 0 && !observation.asset.uid.is_nil());
            assert!(observation.asset.created.is_some());
            let leaves = leaves(&observation);
            assert!(
                !String::from_utf8_lossy(&leaves).contains("forbidden"),
                "{observation:?}"
            );
        }
    }
}

#[test]
fn a_real_cluster_shows_every_relation_that_one_object_alone_declares() {
    let all = kinds().flat_map(|(kind, _)| recorded(kind)).flatten();
    let found: BTreeSet<RelationKind> = all.flat_map(|o| o.edges).map(|e| e.relation).collect();
    let expected = declared_alone();
    assert_eq!(found, expected);
}

/// All but those that two objects decide, and those that no object of that cluster shows.
fn declared_alone() -> BTreeSet<RelationKind> {
    let both_sides = [
        RelationKind::Selects,
        RelationKind::BoundTo,
        RelationKind::Protects,
        RelationKind::AppliesTo,
        RelationKind::Aggregates,
        RelationKind::GrantedBy,
    ];
    // Its nodes only pretend to run images, none of its Services stands for a name outside, and its control plane runs in no pods.
    let unrecorded = [
        RelationKind::UsesImage,
        RelationKind::ExternalName,
        RelationKind::RunBy,
    ];
    // Of custom resources, which this recording has none of.
    let ruled = [
        RelationKind::CrOf,
        RelationKind::ManagedBy,
        RelationKind::ReportsOn,
        RelationKind::DependsOn,
        RelationKind::RefersTo,
    ];
    let all = RelationKind::ALL.iter().copied();
    all.filter(|r| !both_sides.contains(r) && !unrecorded.contains(r) && !ruled.contains(r))
        .collect()
}

#[test]
fn a_real_pod_declares_what_its_manifest_says() {
    let [pods, _] = recorded(Kind::Pod);
    let pod = pods
        .iter()
        .find(|p| p.asset.label("app") == Some("cart"))
        .unwrap();
    let owner = pod
        .edges
        .iter()
        .find(|e| e.relation == RelationKind::OwnedBy)
        .unwrap();
    assert_eq!(owner.to.key().kind, Kind::ReplicaSet);
    let others: Vec<RelationKind> = RelationKind::ALL
        .iter()
        .copied()
        .filter(|r| *r != RelationKind::OwnedBy)
        .collect();
    assert_eq!(
        lines(pod, &others),
        [
            r#"MOUNTS shop/PersistentVolumeClaim/data {"read_only":true}"#,
            r#"READS shop/ConfigMap/settings {"optional":false,"via":["env","envFrom","projected"]}"#,
            r#"READS shop/Secret/credentials {"optional":false,"via":["env","projected","volume"]}"#,
            r#"READS shop/Secret/missing {"optional":true,"via":["envFrom"]}"#,
            r#"READS shop/Secret/registry {"optional":false,"via":["imagePullSecrets"]}"#,
            "RUNS_AS shop/ServiceAccount/robot",
            "RUNS_ON Node/node-1",
        ]
    );
    assert_eq!(
        (&kept(pod)["phase"], &kept(pod)["ready"]),
        (&json!("Running"), &json!(true))
    );
    assert_eq!(kept(pod)["reason"], Value::Null);
}
