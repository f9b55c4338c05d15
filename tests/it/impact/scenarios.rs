//! One scenario and more for each rule, asked as anybody would ask: objects in, a question over GraphQL, the answer.

use super::world::{Behind, Claim, Endpoint, Made, Pin, Pod, Service, Workload, World, store_of, uid};
use crate::graphql::app::{App, text};
use planisphere::store::Store;
use serde_json::{Value, json};
use std::sync::Arc;

/// Two zones with two nodes each; one workload whose pods stand on these nodes, behind one Service.
pub fn world(made: Made, image: &'static str, on: &[usize]) -> World {
    let pod = |node: &usize| Pod {
        workload: Some(0),
        node: Some(*node),
        ..Pod::default()
    };
    let endpoint = |pod| Endpoint {
        pod,
        ready: Some(true),
        serving: Some(true),
        terminating: Some(false),
        stale: false,
    };
    World {
        namespaces: 1,
        secrets: 1,
        nodes: vec![Some(0), Some(0), Some(1), Some(1)],
        workloads: vec![Workload {
            made,
            namespace: 0,
            replicas: on.len(),
            image,
        }],
        pods: on.iter().map(pod).collect(),
        services: vec![Service {
            namespace: 0,
            behind: Behind::Endpoints((0..on.len()).map(endpoint).collect()),
            local: false,
            selects: Some(0),
            fraction: None,
        }],
        ..World::default()
    }
}

pub async fn app(objects: &[Value]) -> App {
    let mut app = App::new().await;
    let store: Arc<dyn Store> = store_of(objects).await;
    app.store = store;
    app
}

const SERVICE: &str =
    "service { name kind } state own reason instancesBefore instancesLost instancesLeft requiredInstances
    requiredBy direct lost { asset { name } recovery recoverySeconds } startBlockedCount startBlocked { name }
    path { relation source { name } target { name } }";

async fn impact(app: &App, failed: Value) -> Value {
    ask(app, json!({ "failed": failed })).await
}

async fn ask(app: &App, input: Value) -> Value {
    let query = format!(
        "query($input: ImpactInput!) {{ impact(input: $input) {{ failedPods {{ value exact }} startBlockedPods {{ value }}
            summary {{ state services }} services {{ totalCount {{ value }} nodes {{ {SERVICE} }} }}
            entryPoints {{ asset {{ kind name }} state exposureDegraded reason }}
            notify {{ owner {{ name }} worst services {{ name }} }} truncation {{ skipped }} freshness {{ complete }} }} }}"
    );
    app.ask_with(&query, json!({ "input": input })).await["impact"].clone()
}

fn key(kind: &str, name: &str) -> Value {
    json!({"key": {"cluster": "prod", "kind": kind, "name": name}})
}

fn inside(kind: &str, name: &str) -> Value {
    json!({"key": {"cluster": "prod", "kind": kind, "namespace": "ns0", "name": name}})
}

fn only(answer: &Value) -> &Value {
    assert_eq!(answer["services"]["totalCount"]["value"], 1, "{answer:#}");
    &answer["services"]["nodes"][0]
}

fn recoveries(service: &Value) -> Vec<String> {
    let lost = service["lost"].as_array().unwrap();
    lost.iter().map(|l| text(&l["recovery"])).collect()
}

#[tokio::test]
async fn rule_0_a_zone_takes_its_nodes_and_their_pods_and_the_path_tells_how() {
    let app = app(&world(Made::Deployment, "app:1", &[0, 2]).objects()).await;
    let answer = impact(&app, json!({"zones": ["z0"]})).await;
    let service = only(&answer);
    assert_eq!(
        (&service["state"], &service["instancesLeft"]),
        (&json!("AT_RISK"), &json!(1))
    );
    let hops: Vec<String> = service["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| text(&e["relation"]))
        .collect();
    assert_eq!(hops, ["ROUTES_TO", "RUNS_ON", "IN_ZONE"]);
    assert_eq!(service["path"][2]["target"]["name"], "z0");
    assert_eq!(answer["failedPods"], json!({"value": 1, "exact": true}));
}

#[tokio::test]
async fn rule_0_a_missing_secret_fails_no_running_pod_but_none_could_start_again() {
    let mut world = world(Made::Deployment, "app:1", &[0, 1, 2]);
    world.pods[0].secret = Some((0, false));
    world.pods[1].secret = Some((0, true));
    let app = app(&world.objects()).await;
    let answer = impact(&app, json!({"assets": [inside("Secret", "s0")]})).await;
    let service = only(&answer);
    assert_eq!(
        (&service["state"], &service["instancesLost"]),
        (&json!("AT_RISK"), &json!(0))
    );
    assert_eq!(service["startBlocked"], json!([{"name": "p0"}]));
    assert_eq!(answer["startBlockedPods"]["value"], 1);
    assert_eq!(
        service["reason"],
        "1 of its pods goes on running but could not start again"
    );
}

#[tokio::test]
async fn rule_1_an_endpoint_counts_once_and_an_earlier_incarnation_not_at_all() {
    let mut world = world(Made::Deployment, "app:1", &[0, 1, 2]);
    let Behind::Endpoints(endpoints) = &mut world.services[0].behind else {
        panic!()
    };
    endpoints[2].stale = true;
    let app = app(&world.objects()).await;
    let answer = impact(&app, json!({"nodes": [key("Node", "n0")]})).await;
    let service = only(&answer);
    assert_eq!(
        (&service["instancesBefore"], &service["instancesLeft"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn rule_1_terminating_instances_serve_only_where_none_is_ready() {
    let mut world = world(Made::Deployment, "app:1", &[0, 1]);
    let Behind::Endpoints(endpoints) = &mut world.services[0].behind else {
        panic!()
    };
    (endpoints[1].ready, endpoints[1].terminating) = (Some(false), Some(true));
    let objects = world.objects();
    let one = impact(&app(&objects).await, json!({"nodes": [key("Node", "n0")]})).await;
    assert_eq!(
        (&only(&one)["instancesBefore"], &only(&one)["state"]),
        (&json!(1), &json!("DOWN"))
    );
    let Behind::Endpoints(endpoints) = &mut world.services[0].behind else {
        panic!()
    };
    (endpoints[0].ready, endpoints[0].terminating) = (Some(false), Some(true));
    let both = impact(
        &app(&world.objects()).await,
        json!({"nodes": [key("Node", "n0")]}),
    )
    .await;
    assert_eq!(only(&both)["instancesBefore"], 2);
}

#[tokio::test]
async fn rule_1_an_address_without_a_pod_is_the_pods_or_nodes_that_has_it() {
    let mut objects = world(Made::Deployment, "app:1", &[0, 2]).objects();
    let slice = |name: &str, addresses: &[&str]| {
        let endpoints: Vec<Value> = addresses.iter().map(|a| json!({"addresses": [a]})).collect();
        [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "ns0", "uid": uid(name), "resourceVersion": "5"},
                "spec": {"type": "ClusterIP"}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": endpoints,
                "metadata": {"name": format!("{name}-x"), "namespace": "ns0", "uid": uid(&format!("{name}-x")), "resourceVersion": "5",
                    "labels": {"kubernetes.io/service-name": name}}}),
        ]
    };
    objects.extend(slice("by-pod", &["10.0.0.0"]));
    objects.extend(slice("by-node", &["192.168.0.0", "192.168.0.1"]));
    objects.extend(slice("outside", &["203.0.113.7"]));
    let answer = impact(&app(&objects).await, json!({"nodes": [key("Node", "n0")]})).await;
    let states: Vec<(String, String)> = answer["services"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (text(&s["service"]["name"]), text(&s["state"])))
        .collect();
    let expected = [("by-pod", "DOWN"), ("by-node", "AT_RISK"), ("svc0", "AT_RISK")];
    assert_eq!(states, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[tokio::test]
async fn rules_2_and_3_half_is_needed_and_a_fraction_is_what_a_label_says() {
    let mut world = world(Made::Deployment, "app:1", &[0, 0, 0, 1, 2]);
    let half = impact(
        &app(&world.objects()).await,
        json!({"nodes": [key("Node", "n0")]}),
    )
    .await;
    let service = only(&half);
    assert_eq!(
        (
            &service["state"],
            &service["requiredInstances"],
            &service["requiredBy"]
        ),
        (&json!("DEGRADED"), &json!(3), &json!("HALF"))
    );
    assert_eq!(
        service["reason"],
        "2 of 5 instances are left, 3 are needed (half of those that served)"
    );
    world.services[0].fraction = Some("0.3");
    let said = impact(
        &app(&world.objects()).await,
        json!({"nodes": [key("Node", "n0")]}),
    )
    .await;
    assert_eq!(
        (
            &only(&said)["state"],
            &only(&said)["requiredInstances"],
            &only(&said)["requiredBy"]
        ),
        (&json!("UNAFFECTED"), &json!(2), &json!("FRACTION"))
    );
}

#[tokio::test]
async fn rule_3_a_lost_quorum_is_down_although_instances_are_left() {
    let app = app(&world(Made::StatefulSet, "quay.io/coreos/etcd:v3.6", &[0, 0, 2]).objects()).await;
    let answer = impact(&app, json!({"nodes": [key("Node", "n0")]})).await;
    assert_eq!(
        (&only(&answer)["state"], &only(&answer)["instancesLeft"]),
        (&json!("DOWN"), &json!(1))
    );
    let answer = impact(&app, json!({"nodes": [key("Node", "n2")]})).await;
    let told = text(&only(&answer)["reason"]);
    assert_eq!(only(&answer)["state"], "AT_RISK");
    assert!(told.contains("just enough to agree"), "{told}");
}

#[tokio::test]
async fn rule_3_what_is_left_in_one_zone_or_on_one_node_is_at_risk() {
    let zone = app(&world(Made::Deployment, "app:1", &[0, 0, 0, 1, 1, 1, 2]).objects()).await;
    let answer = impact(&zone, json!({"zones": ["z1"]})).await;
    assert_eq!(only(&answer)["state"], "AT_RISK");
    assert!(
        text(&only(&answer)["reason"]).contains("all in one zone"),
        "{answer:#}"
    );
    let node = app(&world(Made::Deployment, "app:1", &[0, 0, 1]).objects()).await;
    let answer = impact(&node, json!({"nodes": [key("Node", "n1")]})).await;
    assert!(
        text(&only(&answer)["reason"]).contains("all on one node"),
        "{answer:#}"
    );
}

#[tokio::test]
async fn rule_3_traffic_that_stays_on_its_node_is_lost_with_the_nodes_only_instance() {
    let mut world = world(Made::Deployment, "app:1", &[0, 1, 1, 2, 3]);
    world.services[0].local = true;
    let app = app(&world.objects()).await;
    let pod = impact(&app, json!({"assets": [inside("Pod", "p0")]})).await;
    assert_eq!(only(&pod)["state"], "DEGRADED");
    let node = impact(&app, json!({"nodes": [key("Node", "n0")]})).await;
    assert_eq!(only(&node)["state"], "UNAFFECTED", "the node itself is gone");
}

#[tokio::test]
async fn rule_3_a_failure_never_changes_what_was_down_or_idle_and_a_failed_namespace_takes_its_services() {
    let mut world = world(Made::Deployment, "app:1", &[0]);
    world.services.push(Service {
        behind: Behind::Endpoints(vec![]),
        ..world.services[0].clone()
    });
    world.services.push(Service {
        behind: Behind::Endpoints(vec![]),
        selects: None,
        ..world.services[0].clone()
    });
    world.workloads.push(Workload {
        replicas: 0,
        ..world.workloads[0].clone()
    });
    world.services.push(Service {
        behind: Behind::Endpoints(vec![]),
        selects: Some(1),
        ..world.services[0].clone()
    });
    let answer = impact(
        &app(&world.objects()).await,
        json!({"assets": [key("Namespace", "ns0")]}),
    )
    .await;
    let summary = json!([{"state": "DOWN", "services": 1}, {"state": "ALREADY_DOWN", "services": 2}, {"state": "IDLE", "services": 1}]);
    assert_eq!(answer["summary"], summary);
}

#[tokio::test]
async fn a_name_stands_as_what_it_names() {
    let mut world = world(Made::Deployment, "app:1", &[0]);
    for behind in [Behind::Service(0), Behind::Missing, Behind::Outside] {
        world.services.push(Service {
            behind,
            selects: None,
            ..world.services[0].clone()
        });
    }
    let answer = impact(
        &app(&world.objects()).await,
        json!({"nodes": [key("Node", "n0")]}),
    )
    .await;
    let names: Vec<String> = answer["services"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {}", text(&s["service"]["name"]), text(&s["state"])))
        .collect();
    // What names nothing that is touched is not told.
    assert_eq!(names, ["svc0 DOWN", "svc1 DOWN"]);
}

#[tokio::test]
async fn rule_4_each_lost_pod_says_how_and_when_it_comes_back() {
    let on_dead = json!({"nodes": [key("Node", "n0")]});
    for (made, class, seconds) in [
        (Made::Deployment, "RESCHEDULES", json!(50 + 300 + 30)),
        (Made::StatefulSet, "STUCK", Value::Null),
        (Made::DaemonSet, "WITH_NODE", Value::Null),
    ] {
        let app = app(&world(made, "app:1", &[0]).objects()).await;
        let answer = impact(&app, on_dead.clone()).await;
        assert_eq!(recoveries(only(&answer)), [class]);
        assert_eq!(only(&answer)["lost"][0]["recoverySeconds"], seconds, "{made:?}");
    }
    let app_of_set = app(&world(Made::StatefulSet, "app:1", &[0]).objects()).await;
    let planned = ask(&app_of_set, json!({"failed": on_dead, "planned": true})).await;
    assert_eq!(recoveries(only(&planned)), ["RESCHEDULES"]);
    assert_eq!(only(&planned)["lost"][0]["recoverySeconds"], 30);
    let mut bare = world(Made::Deployment, "app:1", &[0]);
    bare.pods[0].workload = None;
    let answer = impact(&app(&bare.objects()).await, on_dead.clone()).await;
    assert_eq!(recoveries(only(&answer)), ["NEVER"]);
    bare.pods[0].fixed = true;
    let answer = impact(&app(&bare.objects()).await, on_dead.clone()).await;
    assert_eq!(recoveries(only(&answer)), ["WITH_NODE"]);
    for (pin, class, seconds) in [
        (Pin::Node(0), "PINNED", Value::Null),
        (Pin::Zone(0), "RESCHEDULES", json!(50 + 300 + 360 + 30)),
        (Pin::Nowhere, "RESCHEDULES", json!(50 + 300 + 360 + 30)),
    ] {
        let mut world = world(Made::Deployment, "app:1", &[0]);
        world.claims.push(Claim {
            namespace: 0,
            pin,
            bound: true,
        });
        world.pods[0].claim = Some(0);
        let app = app(&world.objects()).await;
        let answer = impact(&app, on_dead.clone()).await;
        assert_eq!(recoveries(only(&answer)), [class]);
        assert_eq!(only(&answer)["lost"][0]["recoverySeconds"], seconds);
        let volume = impact(&app, json!({"assets": [key("PersistentVolume", "v0")]})).await;
        assert_eq!(recoveries(only(&volume)), ["BLOCKED"]);
    }
    let workload = impact(
        &app(&world(Made::Deployment, "app:1", &[0]).objects()).await,
        json!({"assets": [inside("Deployment.apps", "w0")]}),
    )
    .await;
    assert_eq!(recoveries(only(&workload)), ["NEVER"]);
}

#[tokio::test]
async fn rule_4_nothing_is_placed_when_the_control_plane_fails_too() {
    let mut objects = world(Made::Deployment, "app:1", &[0]).objects();
    let scheduler = |name: &str, node: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kube-system", "uid": uid(name), "resourceVersion": "5",
            "labels": {"component": "kube-scheduler"}, "annotations": {"kubernetes.io/config.source": "file"}},
            "spec": {"nodeName": node, "containers": []}, "status": {"phase": "Running"}})
    };
    objects.push(scheduler("kube-scheduler-n0", "n0"));
    let failed = json!({"nodes": [key("Node", "n0")]});
    let alone = impact(&app(&objects).await, failed.clone()).await;
    assert_eq!(recoveries(only(&alone)), ["NO_CONTROL_PLANE"]);
    objects.push(scheduler("kube-scheduler-n1", "n1"));
    let spare = impact(&app(&objects).await, failed).await;
    assert_eq!(recoveries(only(&spare)), ["RESCHEDULES"]);
}

fn ingress(secret: &str, services: &[&str]) -> Value {
    let paths: Vec<Value> = services
        .iter()
        .map(|s| json!({"path": format!("/{s}"), "pathType": "Prefix", "backend": {"service": {"name": s, "port": {"number": 80}}}}))
        .collect();
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "front", "namespace": "ns0", "uid": uid("front"), "resourceVersion": "5"},
        "spec": {"tls": [{"secretName": secret}], "rules": [{"host": "shop.example.org", "http": {"paths": paths}}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.1"}]}}})
}

#[tokio::test]
async fn rule_6_an_entry_point_is_down_with_all_that_it_leads_to_and_exposed_without_its_certificate() {
    let mut world = world(Made::Deployment, "app:1", &[0, 2]);
    let Behind::Endpoints(endpoints) = world.services[0].behind.clone() else {
        panic!()
    };
    world.services[0].behind = Behind::Endpoints(vec![endpoints[0]]);
    world.services.push(Service {
        behind: Behind::Endpoints(vec![endpoints[1]]),
        ..world.services[0].clone()
    });
    let mut objects = world.objects();
    objects.push(ingress("s0", &["svc0", "svc1"]));
    let app = app(&objects).await;
    let one = impact(&app, json!({"nodes": [key("Node", "n0")]})).await;
    assert_eq!(
        (
            &one["entryPoints"][0]["state"],
            &one["entryPoints"][0]["asset"]["kind"]
        ),
        (&json!("DEGRADED"), &json!("Ingress.networking.k8s.io"))
    );
    let both = impact(&app, json!({"nodes": [key("Node", "n0"), key("Node", "n2")]})).await;
    assert_eq!(both["entryPoints"][0]["state"], "DOWN");
    let secret = impact(&app, json!({"assets": [inside("Secret", "s0")]})).await;
    let way = &secret["entryPoints"][0];
    assert_eq!(
        (&way["state"], &way["exposureDegraded"]),
        (&json!("UNAFFECTED"), &json!(true))
    );
    assert_eq!(secret["services"]["totalCount"]["value"], 0);
}

#[tokio::test]
async fn rule_6_an_ingress_is_down_when_its_controllers_own_service_is() {
    let mut objects = world(Made::Deployment, "app:1", &[0]).objects();
    let service = objects.iter_mut().find(|o| o["kind"] == "Service").unwrap();
    service["spec"]["type"] = json!("LoadBalancer");
    service["status"] = json!({"loadBalancer": {"ingress": [{"ip": "198.51.100.1"}]}});
    objects.push(ingress("s0", &["elsewhere"]));
    let answer = impact(&app(&objects).await, json!({"nodes": [key("Node", "n0")]})).await;
    let way = &answer["entryPoints"][0];
    assert_eq!(way["state"], "DOWN");
    assert!(text(&way["reason"]).contains("ns0/Service/svc0"), "{way}");
}

#[tokio::test]
async fn owners_of_what_breaks_are_told_apart_the_worst_first() {
    let mut objects = world(Made::Deployment, "app:1", &[0, 2]).objects();
    for object in &mut objects {
        if object["kind"] == "Deployment" {
            object["metadata"]["labels"] = json!({"team": "never-asked"});
        }
        if object["kind"] == "Namespace" {
            object["metadata"]["labels"] = json!({"team": "shop"});
        }
    }
    let app = app(&objects).await;
    let answer = impact(&app, json!({"nodes": [key("Node", "n0")]})).await;
    let notice = json!([{"owner": {"name": "shop"}, "worst": "AT_RISK", "services": [{"name": "svc0"}]}]);
    assert_eq!(answer["notify"], notice);
}

#[tokio::test]
async fn nothing_failing_and_nothing_of_that_name_are_clear_errors() {
    let app = app(&world(Made::Deployment, "app:1", &[0]).objects()).await;
    let (code, told) = app
        .refusal("{ impact(input: {failed: {}}) { failedPods { value } } }")
        .await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(told.contains("nothing fails"), "{told}");
    let (code, _) = app
        .refusal(r#"{ impact(input: {failed: {zones: ["mars"]}}) { failedPods { value } } }"#)
        .await;
    assert_eq!(code, "NOT_FOUND");
    let pod = r#"{ impact(input: {failed: {nodes: [{key: {cluster: "prod", kind: "Pod", namespace: "ns0", name: "p0"}}]}}) { failedPods { value } } }"#;
    let (code, told) = app.refusal(pod).await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(told.contains("is no Node"), "{told}");
}
