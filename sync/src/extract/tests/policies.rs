//! Rules about pods and the classes of things, with the traps of each.

use super::*;
use RelationKind::{HasParameters, HasPriority, OfClass, Scales, UsesDriver};

#[test]
fn a_budget_of_zero_is_not_a_budget_that_says_nothing_and_an_empty_selector_not_an_absent_one() {
    let budget = |spec: Value| kept(&observe(Kind::PodDisruptionBudget, json!({ "spec": spec })));
    let zero = budget(json!({"maxUnavailable": 0, "selector": {}}));
    assert_eq!(
        (&zero["maxUnavailable"], &zero["minAvailable"]),
        (&json!("0"), &Value::Null)
    );
    assert_eq!(
        zero["selector"],
        json!({"matchLabels": [], "matchExpressions": []})
    );
    let percent = budget(json!({"minAvailable": "50%", "selector": null}));
    assert_eq!(
        (&percent["minAvailable"], &percent["selector"]),
        (&json!("50%"), &Value::Null)
    );
    let status =
        json!({"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 3});
    let counted = kept(&observe(Kind::PodDisruptionBudget, json!({ "status": status })));
    for (field, value) in status.as_object().unwrap() {
        assert_eq!(&counted[field], value, "{field}");
    }
}

#[test]
fn an_autoscaler_scales_anything_that_has_a_scale() {
    let scaler = |target: Value| json!({"spec": {"scaleTargetRef": target, "maxReplicas": 3}});
    let deployment = scaler(json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}));
    declares(
        Kind::HorizontalPodAutoscaler,
        deployment,
        &[Scales],
        &["SCALES shop/Deployment.apps/cart"],
    );
    let rollout = scaler(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "cart"}));
    declares(
        Kind::HorizontalPodAutoscaler,
        rollout,
        &[Scales],
        &["SCALES shop/Rollout.argoproj.io/cart"],
    );
    declares(
        Kind::HorizontalPodAutoscaler,
        scaler(json!({"kind": "", "name": ""})),
        &[Scales],
        &[],
    );
    let metrics = json!([
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
        {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
        {"type": "Object", "object": {"metric": {"name": "hits"}, "target": {"type": "Value", "value": 5}}}]);
    let scaler = kept(&observe(
        Kind::HorizontalPodAutoscaler,
        json!({"spec": {"maxReplicas": 3, "metrics": metrics}}),
    ));
    assert_eq!(scaler["minReplicas"], 1, "absent means 1");
    assert_eq!(
        scaler["metrics"],
        json!([{"type": "Resource", "name": "cpu", "target": "80%"}, {"type": "Pods", "name": "rps", "target": "1k"},
            {"type": "Object", "name": "hits", "target": "5"}])
    );
}

#[test]
fn one_peer_with_two_selectors_is_not_two_peers_and_no_rule_is_not_an_empty_rule() {
    let policy = |spec: Value| kept(&observe(Kind::NetworkPolicy, json!({ "spec": spec })));
    let (pods, namespaces) = (json!({"matchLabels": {"app": "a"}}), json!({}));
    let both = policy(
        json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": pods, "namespaceSelector": namespaces}]}]}),
    );
    let either = policy(
        json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": pods}, {"namespaceSelector": namespaces}]}]}),
    );
    let peers = |policy: &Value| policy["ingress"][0]["peers"].clone();
    assert_eq!(peers(&both).as_array().map(Vec::len), Some(1));
    assert_eq!(peers(&both)[0]["namespaceSelector"]["matchLabels"], json!([]));
    assert_eq!(peers(&either).as_array().map(Vec::len), Some(2));
    assert_eq!(peers(&either)[0]["namespaceSelector"], Value::Null);
    let (nothing, everything) = (
        policy(json!({"ingress": [], "policyTypes": ["Ingress"]})),
        policy(json!({"ingress": [{}]})),
    );
    assert_eq!(nothing["ingress"], json!([]));
    assert_eq!(everything["ingress"], json!([{"peers": [], "ports": []}]));
}

#[test]
fn a_policy_without_types_is_about_ingress_and_about_egress_where_it_has_rules_for_it() {
    let types =
        |spec: Value| kept(&observe(Kind::NetworkPolicy, json!({ "spec": spec })))["policyTypes"].clone();
    assert_eq!(types(json!({})), json!(["Ingress"]));
    assert_eq!(types(json!({"egress": [{}]})), json!(["Ingress", "Egress"]));
    assert_eq!(types(json!({"policyTypes": ["Egress"]})), json!(["Egress"]));
    let ports =
        json!([{"port": "http"}, {"protocol": "UDP", "port": 53}, {"port": 8000, "endPort": 8010}, {}]);
    let policy = kept(&observe(
        Kind::NetworkPolicy,
        json!({"spec": {"ingress": [{"ports": ports}]}}),
    ));
    let ports: Vec<_> = policy["ingress"][0]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["protocol"].clone(), p["port"].clone(), p["endPort"].clone()))
        .collect();
    let port = |protocol: &str, port: Value, end: Value| (json!(protocol), port, end);
    assert_eq!(
        ports,
        [
            port("TCP", json!("http"), Value::Null),
            port("UDP", json!("53"), Value::Null),
            port("TCP", json!("8000"), json!(8010)),
            port("TCP", Value::Null, Value::Null),
        ]
    );
}

#[test]
fn a_class_by_field_is_an_object_and_the_old_annotation_of_an_ingress_is_not() {
    let old = json!({"annotations": {"kubernetes.io/ingress.class": "nginx"}});
    declares(Kind::Ingress, json!({"metadata": old}), &[OfClass], &[]);
    let new = json!({"spec": {"ingressClassName": "public"}});
    declares(
        Kind::Ingress,
        new,
        &[OfClass],
        &["OF_CLASS IngressClass.networking.k8s.io/public"],
    );
    let class = |name: Value| json!({"spec": {"storageClassName": name}});
    for kind in [Kind::PersistentVolumeClaim, Kind::PersistentVolume] {
        declares(kind, class(json!("")), &[OfClass], &[]);
        declares(kind, class(Value::Null), &[OfClass], &[]);
        declares(
            kind,
            class(json!("fast")),
            &[OfClass],
            &["OF_CLASS StorageClass.storage.k8s.io/fast"],
        );
    }
}

#[test]
fn a_class_leads_to_its_driver_by_the_name_that_in_tree_types_are_migrated_to() {
    for (provisioner, driver) in [
        ("ebs.csi.aws.com", Some("ebs.csi.aws.com")),
        ("kubernetes.io/aws-ebs", Some("ebs.csi.aws.com")),
        ("kubernetes.io/no-provisioner", None),
        ("kubernetes.io/glusterfs", None),
    ] {
        let expected =
            driver.map(|d| format!(r#"USES_DRIVER CSIDriver.storage.k8s.io/{d} {{"optional":true}}"#));
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        declares(
            Kind::StorageClass,
            json!({ "provisioner": provisioner }),
            &[UsesDriver],
            &expected,
        );
    }
    let disk = json!({"spec": {"gcePersistentDisk": {"pdName": "d"}}});
    let driver = "USES_DRIVER CSIDriver.storage.k8s.io/pd.csi.storage.gke.io";
    declares(Kind::PersistentVolume, disk, &[UsesDriver], &[driver]);
    declares(
        Kind::PersistentVolume,
        json!({"spec": {"nfs": {}}}),
        &[UsesDriver],
        &[],
    );
}

#[test]
fn parameters_of_a_class_lie_in_a_namespace_only_where_their_scope_says_so() {
    let class = |scope: Value| json!({"spec": {"controller": "c", "parameters": {"apiGroup": "x.io", "kind": "P", "name": "p", "namespace": "n", "scope": scope}}});
    declares(
        Kind::IngressClass,
        class(json!("Namespace")),
        &[HasParameters],
        &["HAS_PARAMETERS n/P.x.io/p"],
    );
    declares(
        Kind::IngressClass,
        class(Value::Null),
        &[HasParameters],
        &["HAS_PARAMETERS P.x.io/p"],
    );
}

#[test]
fn the_default_class_says_so_by_annotation() {
    for (kind, annotation) in [
        (Kind::StorageClass, "storageclass.kubernetes.io/is-default-class"),
        (Kind::IngressClass, "ingressclass.kubernetes.io/is-default-class"),
    ] {
        let default = |value: &str| {
            kept(&observe(
                kind,
                json!({"metadata": {"annotations": {annotation: value}}}),
            ))["default"]
                .clone()
        };
        assert_eq!(
            (default("true"), default("false")),
            (json!(true), json!(false)),
            "{kind}"
        );
    }
}

#[test]
fn pods_and_templates_have_the_priority_that_they_name() {
    let spec = json!({"priorityClassName": "high"});
    let class = "HAS_PRIORITY PriorityClass.scheduling.k8s.io/high";
    declares(Kind::Pod, json!({ "spec": spec }), &[HasPriority], &[class]);
    let template = json!({"spec": {"template": {"spec": spec}}});
    let declared = format!(r#"{class} {{"template":true}}"#);
    declares(Kind::Deployment, template, &[HasPriority], &[declared.as_str()]);
}
