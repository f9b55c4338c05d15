//! A hub: twenty thousand pods need one ConfigMap. All of them are told, or it is said that they are not.

use super::scenarios::app;
use super::world::uid;
use serde_json::{Value, json};

const PODS: usize = 20_000;
const SERVICES: usize = 40;

fn objects() -> Vec<Value> {
    let metadata =
        |name: &str| json!({"name": name, "namespace": "shop", "uid": uid(name), "resourceVersion": "5"});
    let mut all = vec![json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("flags")})];
    for n in 0..PODS {
        all.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata(&format!("p{n}")),
            "spec": {"containers": [{"name": "main", "image": "app:1", "envFrom": [{"configMapRef": {"name": "flags"}}]}]},
            "status": {"phase": "Running"}}));
    }
    for s in 0..SERVICES {
        let mut slice = metadata(&format!("s{s}-x"));
        slice["labels"] = json!({"kubernetes.io/service-name": format!("s{s}")});
        let endpoint = |n: usize| {
            let name = format!("p{n}");
            json!({"addresses": [format!("10.0.{}.{}", n / 250, n % 250)],
                "targetRef": {"kind": "Pod", "name": name, "namespace": "shop", "uid": uid(&name)}})
        };
        let mine = (s * PODS / SERVICES)..((s + 1) * PODS / SERVICES);
        all.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(&format!("s{s}")), "spec": {}}));
        all.push(json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": slice, "addressType": "IPv4",
            "endpoints": mine.map(endpoint).collect::<Vec<_>>()}));
    }
    all
}

#[tokio::test]
async fn every_pod_of_a_hub_is_told_or_it_is_said_that_some_are_not() {
    let query = r#"{ impact(input: {failed: {assets: [{key: {cluster: "prod", kind: "ConfigMap", namespace: "shop", name: "flags"}}]}}) {
        startBlockedPods { value exact } summary { state services } truncation { skipped }
        services(first: 1) { nodes { state startBlockedCount startBlocked(first: 500) { name } } } } }"#;
    let answer = app(&objects()).await.ask(query).await["impact"].clone();
    assert_eq!(answer["startBlockedPods"], json!({"value": PODS, "exact": true}));
    assert_eq!(
        answer["summary"],
        json!([{"state": "AT_RISK", "services": SERVICES}])
    );
    assert_eq!(answer["truncation"], json!([]));
    let first = &answer["services"]["nodes"][0];
    assert_eq!(first["startBlockedCount"], PODS / SERVICES);
    assert_eq!(first["startBlocked"].as_array().unwrap().len(), PODS / SERVICES);
}
