//! All other relations, each with its traps.

use super::*;
use RelationKind::*;

fn owner(api_version: &str, kind: &str, controller: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": "o", "uid": UID, "controller": controller})
}

#[test]
fn owners_are_matched_by_group_and_kind_whatever_the_version() {
    for (version, kind, expected) in [
        ("apps/v1", "ReplicaSet", "shop/ReplicaSet.apps/o"),
        ("apps/v1beta2", "ReplicaSet", "shop/ReplicaSet.apps/o"),
        ("v1", "Node", "Node/o"),
        (
            "serving.knative.dev/v1",
            "Service",
            "shop/Service.serving.knative.dev/o",
        ),
        ("v1", "Service", "shop/Service/o"),
    ] {
        for controller in [json!(true), json!(false), Value::Null] {
            let pod = json!({"metadata": {"ownerReferences": [owner(version, kind, controller.clone())]}});
            let is = controller == true;
            let edge = format!(r#"OWNED_BY {expected} {{"controller":{is},"uid":"{UID}"}}"#);
            declares(Kind::Pod, pod, &[OwnedBy], &[&edge]);
        }
    }
}

#[test]
fn a_pod_keeps_the_name_of_its_controller_and_not_of_another_owner() {
    let owners = [
        owner("v1", "ConfigMap", json!(false)),
        owner("batch/v1", "Job", json!(true)),
    ];
    let pod = observe(Kind::Pod, json!({"metadata": {"ownerReferences": owners}}));
    assert_eq!(
        (&kept(&pod)["ownerKind"], &kept(&pod)["ownerName"]),
        (&json!("Job.batch"), &json!("o"))
    );
    assert_eq!(lines(&pod, &[OwnedBy]).len(), 2);
}

#[test]
fn a_namespaced_owner_of_a_cluster_s_own_object_is_kept_with_a_problem() {
    let volume = json!({"metadata": {"ownerReferences": [owner("apps/v1", "Deployment", json!(true))]}});
    let volume = observe(Kind::PersistentVolume, volume);
    assert_eq!(lines(&volume, &[OwnedBy]).len(), 1);
    assert!(
        volume.asset.problems[0].contains("Deployment.apps/o"),
        "{:?}",
        volume.asset.problems
    );
}

fn slice(endpoints: Value) -> Value {
    json!({"metadata": {"name": "cart-x1", "labels": {"kubernetes.io/service-name": "cart"}}, "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": null, "port": null}], "endpoints": endpoints})
}

/// The ROUTES_TO edges of a slice: where to, ready, serving, terminating.
fn routes(slice: &Value) -> Vec<(String, [bool; 3])> {
    let observation = observe(Kind::EndpointSlice, slice.clone());
    let edges = observation.edges.iter().filter(|e| e.relation == RoutesTo);
    edges
        .map(|e| {
            assert_eq!(e.from.key().to_string(), "shop/Service/cart");
            let conditions = [e.detail.ready, e.detail.serving, e.detail.terminating].map(Option::unwrap);
            (e.to.key().to_string(), conditions)
        })
        .collect()
}

#[test]
fn absent_conditions_of_an_endpoint_are_ready_serving_and_not_terminating() {
    for (conditions, expected) in [
        (Value::Null, [true, true, false]),
        (json!({}), [true, true, false]),
        (json!({"ready": false}), [false, false, false]),
        (
            json!({"ready": false, "serving": true, "terminating": true}),
            [false, true, true],
        ),
        (
            json!({"ready": true, "serving": null, "terminating": null}),
            [true, true, false],
        ),
    ] {
        let endpoint = json!({"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"kind": "Pod", "name": "p"}});
        assert_eq!(
            routes(&slice(json!([endpoint]))),
            [("shop/Pod/p".to_owned(), expected)],
            "{endpoint}"
        );
    }
}

#[test]
fn a_slice_says_how_its_service_reaches_a_pod() {
    let endpoint = json!({"addresses": ["10.0.0.1", "10.0.0.2"], "hostname": "h", "nodeName": "n1", "zone": "z1",
        "targetRef": {"kind": "Pod", "name": "p", "namespace": "shop", "uid": UID}});
    let uid = format!(
        r#"shop/Service/cart ROUTES_TO shop/Pod/p {{"addresses":["10.0.0.1","10.0.0.2"],"hostname":"h","node_name":"n1","ports":[{{"app_protocol":null,"name":"http","port":80,"protocol":"TCP"}},{{"app_protocol":null,"name":"","port":null,"protocol":"TCP"}}],"ready":true,"serving":true,"terminating":false,"uid":"{UID}","zone":"z1"}}"#
    );
    declares(
        Kind::EndpointSlice,
        slice(json!([endpoint])),
        &[RoutesTo, SliceOf],
        &["SLICE_OF shop/Service/cart", &uid],
    );
}

#[test]
fn an_endpoint_twice_in_one_slice_is_one_edge_with_all_its_addresses() {
    let at = |address: &str, ready: bool, terminating: bool| json!({"addresses": [address], "conditions": {"ready": ready, "terminating": terminating}, "targetRef": {"kind": "Pod", "name": "p"}});
    let slice = slice(json!([
        at("10.0.0.1", false, true),
        at("10.0.0.2", true, false),
        at("10.0.0.1", false, true)
    ]));
    assert_eq!(routes(&slice), [("shop/Pod/p".to_owned(), [true, true, false])]);
    let observation = observe(Kind::EndpointSlice, slice);
    let edge = observation.edges.iter().find(|e| e.relation == RoutesTo).unwrap();
    assert_eq!(edge.detail.addresses, ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(edge.detail.ports.len(), 2);
    assert_eq!(
        (
            kept(&observation)["endpoints"].as_i64(),
            kept(&observation)["readyEndpoints"].as_i64()
        ),
        (Some(3), Some(1))
    );
}

#[test]
fn an_endpoint_without_a_pod_is_an_address_outside() {
    let external = ("shop/ExternalEndpoint/192.0.2.1".to_owned(), [true, true, false]);
    for target in [
        Value::Null,
        json!({"kind": "Node", "name": "n1"}),
        json!({"kind": "Pod", "name": ""}),
    ] {
        let endpoint = json!({"addresses": ["192.0.2.1", "192.0.2.2"], "targetRef": target});
        assert_eq!(
            routes(&slice(json!([endpoint]))),
            std::slice::from_ref(&external),
            "{target}"
        );
    }
    let nowhere = observe(
        Kind::EndpointSlice,
        slice(json!([{"addresses": []}, {"addresses": null}])),
    );
    assert_eq!(lines(&nowhere, &[RoutesTo]), [""; 0]);
    assert_eq!(
        nowhere.asset.problems,
        ["an endpoint has neither a pod nor an address"]
    );
}

#[test]
fn a_slice_of_no_service_routes_nothing() {
    for labels in [Value::Null, json!({}), json!({"kubernetes.io/service-name": ""})] {
        let endpoint = json!({"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "p"}});
        let slice = json!({"metadata": {"labels": labels}, "endpoints": [endpoint], "addressType": "IPv4"});
        declares(Kind::EndpointSlice, slice, RelationKind::ALL, &[]);
    }
    declares(
        Kind::EndpointSlice,
        slice(Value::Null),
        &[RoutesTo, SliceOf],
        &["SLICE_OF shop/Service/cart"],
    );
}

#[test]
fn an_external_name_is_an_alias_of_a_service_of_the_cluster_or_a_name_outside_of_it() {
    for (name, alias) in [
        ("db.data.svc.cluster.local", Some("data/Service/db")),
        ("db.data.svc.cluster.local.", Some("data/Service/db")),
        ("DB.data.SVC", Some("data/Service/db")),
        ("db.data", None),
        ("db.example.com", None),
        ("pod-0.db.data.svc.cluster.local", None),
        (".data.svc", None),
        ("db.data.svc..local", None),
        ("", None),
    ] {
        let expected = match alias {
            Some(service) => Some(format!("ALIAS_OF {service}")),
            None => (!name.is_empty()).then(|| format!("EXTERNAL_NAME DNSName/{name}")),
        };
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let service = json!({"spec": {"type": "ExternalName", "externalName": name, "selector": {"a": "b"}}});
        assert_eq!(
            kept(&observe(Kind::Service, service.clone()))["selector"],
            json!([])
        );
        declares(Kind::Service, service, RelationKind::ALL, &expected);
        declares(
            Kind::Service,
            json!({"spec": {"type": "ClusterIP", "externalName": name}}),
            RelationKind::ALL,
            &[],
        );
    }
}

#[test]
fn an_ingress_forwards_to_services_by_name_or_number_of_their_port() {
    let path = |path: &str, service: &str, port: Value| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": port}}});
    let resource = json!({"path": "/r", "backend": {"resource": {"apiGroup": "k8s.example.com", "kind": "Bucket", "name": "b"}}});
    let spec = json!({"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
        "rules": [{"host": "b.example", "http": {"paths": [path("/", "web", json!({"name": "http"})), path("/api", "api", json!({"number": 8080}))]}},
            {"host": "a.example", "http": null}, {"http": {"paths": [resource]}}],
        "tls": [{"hosts": ["a.example"], "secretName": "t"}, {"hosts": ["b.example"], "secretName": "t"}, {"hosts": ["c.example"]}]});
    let ingress =
        json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}, "spec": spec});
    let attributes = kept(&observe(Kind::Ingress, ingress.clone()));
    assert_eq!(attributes["hosts"], json!(["a.example", "b.example"]));
    assert_eq!(attributes["ingressClassName"], "nginx");
    assert_eq!(
        attributes["resourceBackends"],
        json!(["Bucket.k8s.example.com/b"])
    );
    declares(
        Kind::Ingress,
        ingress,
        RelationKind::ALL,
        &[
            r#"FORWARDS_TO shop/Service/api {"routes":[{"host":"b.example","path":"/api","path_type":"Prefix","port":"8080"}]}"#,
            r#"FORWARDS_TO shop/Service/web {"routes":[{"host":null,"path":null,"path_type":null,"port":"80"},{"host":"b.example","path":"/","path_type":"Prefix","port":"http"}]}"#,
            r#"USES_TLS shop/Secret/t {"hosts":["a.example","b.example"]}"#,
        ],
    );
}

#[test]
fn a_stateful_set_claims_for_its_ordinals_and_names_its_service() {
    let spec = |replicas: Value, ordinals: Value| {
        let templates = json!([{"metadata": {"name": "data"}}, {"metadata": {"name": "log"}}]);
        json!({"spec": {"replicas": replicas, "ordinals": ordinals, "serviceName": "peers", "volumeClaimTemplates": templates}})
    };
    let of = |ordinal: i32| {
        ["data", "log"].map(|t| format!("CLAIMS shop/PersistentVolumeClaim/{t}-cart-{ordinal}"))
    };
    for (replicas, ordinals, expected) in [
        (json!(2), Value::Null, vec![0, 1]),
        (Value::Null, Value::Null, vec![0]),
        (json!(2), json!({"start": 5}), vec![5, 6]),
        (json!(0), json!({"start": 5}), vec![]),
        (json!(-3), Value::Null, vec![]),
    ] {
        let mut expected: Vec<String> = expected.into_iter().flat_map(of).collect();
        expected.push("GOVERNED_BY shop/Service/peers".into());
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        declares(
            Kind::StatefulSet,
            spec(replicas, ordinals),
            &[Claims, GovernedBy],
            &expected,
        );
    }
    let many = observe(
        Kind::StatefulSet,
        spec(json!(i32::MAX), json!({"start": i32::MAX})),
    );
    assert_eq!(lines(&many, &[Claims]).len(), 1_000);
    assert_eq!(
        many.asset.problems,
        ["claims 4294967294 volumes: the first 1000 are drawn"]
    );
}

#[test]
fn a_volume_is_reserved_for_its_claim_and_pinned_to_what_its_affinity_lists() {
    let term = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    let terms = json!([term("kubernetes.io/hostname", "In", &["n1", "n2"]), term("topology.kubernetes.io/zone", "In", &["z1"]),
        term("failure-domain.beta.kubernetes.io/zone", "In", &["z1", "z2"]), term("kubernetes.io/hostname", "NotIn", &["n3"]),
        term("topology.kubernetes.io/region", "In", &["r1"]), {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n4"]}]}]);
    let spec = json!({"claimRef": {"kind": "PersistentVolumeClaim", "namespace": "data", "name": "c", "uid": UID}, "csi": {"driver": "d", "volumeHandle": "h"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}});
    let reserved = format!(r#"RESERVED_FOR data/PersistentVolumeClaim/c {{"uid":"{UID}"}}"#);
    declares(
        Kind::PersistentVolume,
        json!({ "spec": spec }),
        RelationKind::ALL,
        &[
            "PINNED_TO Node/n1",
            "PINNED_TO Node/n2",
            "PINNED_TO Node/n4",
            "PINNED_TO Zone/z1",
            "PINNED_TO Zone/z2",
            &reserved,
        ],
    );
    declares(
        Kind::PersistentVolume,
        json!({"spec": {"claimRef": null, "nodeAffinity": {"required": null}}}),
        RelationKind::ALL,
        &[],
    );
}

#[test]
fn a_node_stands_in_its_zone_and_declares_the_zone_s_region() {
    let part_of = format!("PART_OF Cluster/{CLUSTER}");
    let (zone, region) = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region");
    let (old_zone, old_region) = (
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    );
    for (labels, expected) in [
        (
            json!({zone: "z", region: "r"}),
            vec!["IN_ZONE Zone/z", "Zone/z IN_REGION Region/r"],
        ),
        (
            json!({zone: "z", region: "r", old_zone: "oz", old_region: "or"}),
            vec!["IN_ZONE Zone/z", "Zone/z IN_REGION Region/r"],
        ),
        (
            json!({old_zone: "z", old_region: "r"}),
            vec!["IN_ZONE Zone/z", "Zone/z IN_REGION Region/r"],
        ),
        (json!({region: "r", zone: ""}), vec!["IN_REGION Region/r"]),
        (json!({zone: "z"}), vec!["IN_ZONE Zone/z"]),
        (Value::Null, vec![]),
    ] {
        let mut expected = expected;
        expected.push(&part_of);
        declares(
            Kind::Node,
            json!({"metadata": {"labels": labels}}),
            RelationKind::ALL,
            &expected,
        );
    }
    declares(Kind::Namespace, json!({}), RelationKind::ALL, &[&part_of]);
}
