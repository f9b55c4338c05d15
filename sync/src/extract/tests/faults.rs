//! Objects that are wrong: nothing panics, nothing that can be read is lost, and no content shows in a message.

use super::encodings::{unwrapped, upstream};
use super::*;
use proptest::prelude::*;

#[test]
fn an_object_that_does_not_decode_is_kept_by_its_metadata_with_the_problem_named() {
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": UID, "controller": true});
    let pod = json!({"metadata": {"labels": {"app": "cart"}, "ownerReferences": [owner]}, "spec": {"nodeName": ["hunter2"]}});
    let pod = observe(Kind::Pod, pod);
    assert_eq!(pod.asset.label("app"), Some("cart"));
    assert_eq!(pod.asset.resource_version, 42);
    assert_eq!(pod.edges.len(), 1);
    assert_eq!(
        pod.asset.problems,
        ["could not be read (a field is not a string): only its metadata is kept"]
    );
}

#[test]
fn an_object_whose_metadata_does_not_decode_is_kept_by_its_name() {
    for metadata in [
        json!({"labels": {"app": 1}}),
        json!({"creationTimestamp": "yesterday"}),
        json!({"ownerReferences": {}}),
    ] {
        let pod = observe(Kind::Pod, json!({ "metadata": metadata }));
        assert_eq!(pod.asset.reference.key().to_string(), "shop/Pod/cart");
        assert_eq!(pod.asset.problems.len(), 1);
        assert!(
            pod.asset.problems[0].ends_with("only its name is kept"),
            "{:?}",
            pod.asset.problems
        );
    }
}

#[test]
fn an_object_without_a_readable_identity_is_an_error_that_quotes_nothing() {
    let whole = complete(json!({"spec": {"nodeName": ["hunter2"]}}));
    for (key, value) in [
        ("name", json!("")),
        ("uid", json!(["hunter2"])),
        ("resourceVersion", json!("hunter2")),
        ("uid", Value::Null),
    ] {
        let mut object = whole.clone();
        object["metadata"][key] = value;
        let error = Extractor::of(Kind::Pod)
            .unwrap()
            .json(CLUSTER, object.to_string().as_bytes())
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("Pod") && !text.contains("hunter2"), "{text}");
    }
    let bad = complete(json!({"spec": {"nodeName": 7, "priority": "hunter2", "containers": "hunter2"}}));
    assert!(!read(Kind::Pod, &bad).asset.problems[0].contains("hunter2"));
    for bytes in [&b""[..], b"{", b"null", b"[]", b"hunter2"] {
        let error = Extractor::of(Kind::Pod)
            .unwrap()
            .json(CLUSTER, bytes)
            .unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn an_object_of_a_dump_may_lack_uid_and_resource_version() {
    let pod = read(
        Kind::Pod,
        &json!({"metadata": {"name": "cart", "namespace": "shop"}}),
    );
    assert_eq!(
        (
            pod.asset.uid,
            pod.asset.resource_version,
            pod.asset.problems.len()
        ),
        (Uuid::nil(), 0, 0)
    );
    let pod = read(Kind::Pod, &json!({"metadata": {"name": "cart"}}));
    assert_eq!(pod.asset.reference.key().to_string(), "default/Pod/cart");
    assert_eq!(
        pod.asset.problems,
        ["names no namespace: taken to be in `default`"]
    );
    let node = read(
        Kind::Node,
        &json!({"metadata": {"name": "n1", "namespace": "odd"}}),
    );
    assert_eq!(node.asset.reference.key().to_string(), "Node/n1");
}

/// The JSON pointers of all objects inside of a value.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.push(at.to_owned());
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                objects(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| objects(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// Each object inside of the API's own object of a kind in turn has all its fields set to a value: where, and the whole.
fn spoiled(kind: Kind, with: &Value) -> impl Iterator<Item = (String, Value)> {
    let whole = complete(serde_json::from_slice(&upstream(kind, "json")).unwrap());
    let mut places = Vec::new();
    objects(&whole, "", &mut places);
    places.into_iter().map(move |at| {
        let mut spoiled = whole.clone();
        let fields = spoiled.pointer_mut(&at).and_then(Value::as_object_mut).unwrap();
        let spared = |key: &str| matches!(key, "metadata" | "name");
        fields
            .iter_mut()
            .filter(|(key, _)| !spared(key))
            .for_each(|(_, field)| *field = with.clone());
        (at, spoiled)
    })
}

#[test]
fn null_means_absent_for_every_field_of_every_kind() {
    for (kind, _) in kinds() {
        for (at, object) in spoiled(kind, &Value::Null) {
            let observation = read(kind, &object);
            let unread = observation
                .asset
                .problems
                .iter()
                .find(|p| p.starts_with("could not be read"));
            assert_eq!(unread, None, "{kind} {at}");
        }
    }
}

#[test]
fn a_value_of_another_type_anywhere_spoils_no_more_than_its_object() {
    for kind in [
        Kind::Pod,
        Kind::EndpointSlice,
        Kind::Ingress,
        Kind::PersistentVolume,
        Kind::Node,
    ] {
        for value in [
            json!(7),
            json!("x"),
            json!([null]),
            json!({"x": null}),
            json!(1e300),
        ] {
            for (at, mut object) in spoiled(kind, &value) {
                for (key, text) in [
                    ("uid", UID),
                    ("resourceVersion", "1"),
                    ("name", "n"),
                    ("namespace", "s"),
                ] {
                    object["metadata"][key] = text.into();
                }
                assert_eq!(
                    &*read(kind, &object).asset.reference.key().name,
                    "n",
                    "{kind} {at} {value}"
                );
            }
        }
    }
}

#[test]
fn absurd_sizes_are_cut_with_a_problem_noted() {
    let long = "ä".repeat(300);
    let pod = observe(
        Kind::Pod,
        json!({"metadata": {"name": long, "labels": {"a": "b".repeat(64)}}, "spec": {"nodeName": long}}),
    );
    assert_eq!(pod.asset.reference.key().name.len(), 252);
    assert_eq!(
        lines(&pod, &[RelationKind::RunsOn]),
        [format!("RUNS_ON Node/{}", "ä".repeat(126))]
    );
    assert_eq!(pod.asset.problems.len(), 2, "{:?}", pod.asset.problems);

    let endpoints: Vec<Value> = (0..20_000)
        .map(|n| json!({"addresses": [format!("a{n}")]}))
        .collect();
    let slice = json!({"metadata": {"labels": {"kubernetes.io/service-name": "s"}}, "endpoints": endpoints});
    let slice = observe(Kind::EndpointSlice, slice);
    assert_eq!(slice.edges.len(), 10_000);
    assert_eq!(
        slice.asset.problems,
        ["more than 10000 references: the rest is left out"]
    );
}

/// An object of any kind in one of its encodings.
fn any_object() -> impl Strategy<Value = (Extractor, bool, Vec<u8>)> {
    (0..kinds().count(), any::<bool>()).prop_map(|(index, json)| {
        let (kind, extractor) = kinds().nth(index).unwrap();
        let json = json || JSON_ALONE == kind.group();
        let bytes = if json {
            upstream(kind, "json")
        } else {
            unwrapped(&upstream(kind, "pb"))
        };
        (extractor, json, bytes)
    })
}

fn either(extractor: Extractor, json: bool, bytes: &[u8]) -> Option<Observation> {
    let result = if json {
        extractor.json(CLUSTER, bytes)
    } else {
        extractor.protobuf(CLUSTER, bytes)
    };
    result.ok()
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        for (_, extractor) in kinds() {
            either(extractor, true, &bytes);
            either(extractor, false, &bytes);
        }
    }

    #[test]
    fn a_cut_object_never_panics_and_cut_json_never_reads((extractor, json, bytes) in any_object(), at in any::<prop::sample::Index>()) {
        let read = either(extractor, json, &bytes[..at.index(bytes.len())]);
        prop_assert!(!json || read.is_none());
    }

    #[test]
    fn a_damaged_object_never_panics((extractor, json, mut bytes) in any_object(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        either(extractor, json, &bytes);
    }
}
