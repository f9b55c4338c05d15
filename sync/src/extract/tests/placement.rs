//! What is kept of what a pod asks of its node: what keeps it from nodes, and nothing that every pod has.

use super::*;

fn placement(spec: Value) -> Value {
    kept(&observe(Kind::Pod, json!({ "spec": spec })))["placement"].clone()
}

fn given(key: &str, seconds: i64) -> Value {
    json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds})
}

#[test]
fn a_pod_that_asks_for_nothing_keeps_nothing() {
    let spread = json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]);
    let preferred = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1,
        "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]}});
    let spec = json!({"tolerations": [given("not-ready", 300), given("unreachable", 300)], "affinity": preferred,
        "topologySpreadConstraints": spread, "preemptionPolicy": "PreemptLowerPriority",
        "containers": [{"name": "a", "ports": [{"containerPort": 80}]}]});
    assert_eq!(placement(spec), Value::Null);
    assert_eq!(placement(json!({})), Value::Null);
}

#[test]
fn tolerations_of_a_pods_own_are_kept_and_a_shorter_stay_is_told_apart_from_the_given_one() {
    let own = json!({"key": "gpu", "operator": "Equal", "value": "a100", "effect": "NoSchedule"});
    let kept = placement(json!({"tolerations": [given("not-ready", 300), own, given("unreachable", 300)]}));
    assert_eq!(kept["tolerations"].as_array().unwrap().len(), 1);
    assert_eq!(kept["tolerations"][0]["key"], "gpu");
    assert_eq!(kept["tolerations"][0]["operator"], Value::Null);
    assert_eq!(kept["withoutDefaultTolerations"], false);
    let short = placement(json!({"tolerations": [given("not-ready", 300), given("unreachable", 30)]}));
    assert_eq!(short["withoutDefaultTolerations"], true);
    assert_eq!(short["tolerations"][1]["tolerationSeconds"], 30);
    let ever = json!({"operator": "Exists"});
    assert_eq!(
        placement(json!({"tolerations": [ever]}))["withoutDefaultTolerations"],
        true
    );
}

#[test]
fn everything_that_keeps_a_pod_from_nodes_is_kept() {
    let term = json!({"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone", "namespaceSelector": {}});
    let nodes = json!({"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["8"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]});
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let kept = placement(json!({
        "nodeSelector": {"b": "2", "a": "1"},
        "affinity": {"nodeAffinity": {required: nodes}, "podAntiAffinity": {required: [term]}},
        "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "db"}}, "minDomains": 3, "nodeTaintsPolicy": "Honor", "nodeAffinityPolicy": "Ignore"}],
        "overhead": {"cpu": "250m"}, "resources": {"requests": {"cpu": "2"}}, "preemptionPolicy": "Never",
        "containers": [{"name": "a", "ports": [{"containerPort": 80, "hostPort": 8080, "protocol": "UDP", "hostIP": "10.0.0.1"}, {"containerPort": 81}]}],
        "initContainers": [{"name": "s", "restartPolicy": "Always", "ports": [{"containerPort": 90, "hostPort": 9090, "hostIP": "0.0.0.0"}]},
            {"name": "i", "ports": [{"containerPort": 91, "hostPort": 9091}]}],
    }));
    assert_eq!(kept["nodeSelector"], json!(["a=1", "b=2"]));
    assert_eq!(kept["nodeAffinity"][0]["matchExpressions"][0]["operator"], "Gt");
    assert_eq!(kept["nodeAffinity"][1]["matchFields"][0]["values"], json!(["n1"]));
    assert_eq!(
        kept["podAntiAffinity"][0]["labelSelector"]["matchLabels"],
        json!(["app=db"])
    );
    // An empty selector means all namespaces, an absent one the pod's own.
    assert_eq!(
        kept["podAntiAffinity"][0]["namespaceSelector"],
        json!({"matchLabels": [], "matchExpressions": []})
    );
    let spread = &kept["topologySpread"][0];
    assert_eq!(
        (
            &spread["maxSkew"],
            &spread["minDomains"],
            &spread["honorsTaints"],
            &spread["countsExcludedNodes"]
        ),
        (&json!(2), &json!(3), &json!(true), &json!(true))
    );
    assert_eq!(kept["hostPorts"], json!(["10.0.0.1/UDP/8080", "TCP/9090"]));
    assert_eq!(
        (&kept["overhead"]["cpu"], &kept["requests"]["cpu"]),
        (&json!("250m"), &json!("2"))
    );
    assert_eq!(kept["neverPreempts"], true);
}

#[test]
fn a_volume_keeps_the_nodes_that_can_reach_it() {
    let term = json!({"matchExpressions": [{"key": "rack", "operator": "NotIn", "values": ["r1"]}]});
    let spec = json!({"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}});
    let volume = kept(&observe(Kind::PersistentVolume, json!({ "spec": spec })));
    assert_eq!(
        volume["nodeAffinity"][0]["matchExpressions"][0]["operator"],
        "NotIn"
    );
    assert_eq!(
        kept(&observe(Kind::PersistentVolume, json!({"spec": {}})))["nodeAffinity"],
        json!([])
    );
}
