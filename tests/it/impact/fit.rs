//! Rule 5 as anybody would ask it: which lost pods no node takes, for lack of what, and who would have to go for them.

use super::scenarios::{app, world};
use super::world::{Behind, Endpoint, Ground, Made, Pod, Service, Workload, World};
use crate::graphql::app::{App, text};
use serde_json::{Value, json};

const QUESTION: &str = "query($input: ImpactInput!) { impact(input: $input) { evictedPods { value }
    services { nodes { service { name } state reason evicted { name }
        lost { asset { name } recovery obstacle candidate { kind name } evicts { name } } } } } }";

async fn ask(app: &App, nodes: &[usize], more: Value) -> Value {
    let key = |n: &usize| json!({"key": {"cluster": "prod", "kind": "Node", "name": format!("n{n}")}});
    let mut input = json!({"failed": {"nodes": nodes.iter().map(key).collect::<Vec<_>>()}});
    for (field, value) in more.as_object().unwrap() {
        input[field] = value.clone();
    }
    app.ask_with(QUESTION, json!({ "input": input })).await["impact"].take()
}

fn service<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let all = answer["services"]["nodes"].as_array().unwrap();
    let found = all.iter().find(|s| s["service"]["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not told: {answer:#}"))
}

/// Gives each node so many cores, and lets each pod request so many.
fn with_cores(objects: &mut [Value], node: &str, pods: &[(&str, &str)]) {
    for object in objects {
        let name = text(&object["metadata"]["name"]);
        match object["kind"].as_str() {
            Some("Node") => object["status"]["allocatable"] = json!({"cpu": node, "pods": "10"}),
            Some("Pod") => {
                if let Some((_, cpu)) = pods.iter().find(|(pod, _)| *pod == name) {
                    object["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": cpu}});
                }
            }
            _ => {}
        }
    }
}

fn spec<'a>(objects: &'a mut [Value], pod: &str) -> &'a mut Value {
    let mut pods = objects.iter_mut().filter(|o| o["kind"] == "Pod");
    &mut pods.find(|o| o["metadata"]["name"] == pod).unwrap()["spec"]
}

#[tokio::test]
async fn rule_5_a_lost_pod_that_no_node_takes_says_what_each_of_them_refuses_it_for() {
    let mut world = world(Made::Deployment, "app:1", &[0, 1]);
    world.pods[0].pool = Some(1);
    let plain = Ground::default();
    world.grounds = vec![
        Ground { pool: 1, ..plain },
        plain,
        Ground {
            pool: 1,
            tainted: true,
            ..plain
        },
        Ground {
            pool: 1,
            cordoned: true,
            ..plain
        },
    ];
    let answer = ask(&app(&world.objects()).await, &[0], json!({})).await;
    let service_ = service(&answer, "svc0");
    assert_eq!(
        (&service_["state"], &service_["lost"][0]["recovery"]),
        (&json!("AT_RISK"), &json!("NO_FIT"))
    );
    assert_eq!(
        service_["lost"][0]["obstacle"],
        "none of the 3 nodes left takes it: 1 is cordoned, 1 has a taint that it does not tolerate, 1 lacks labels that it asks for"
    );
    world.pods[0].tolerates = true;
    let answer = ask(&app(&world.objects()).await, &[0], json!({})).await;
    assert_eq!(service(&answer, "svc0")["lost"][0]["recovery"], "RESCHEDULES");
}

#[tokio::test]
async fn rule_5_room_counts_where_it_is_asked_for() {
    let mut objects = world(Made::Deployment, "app:1", &[0, 0, 1, 2]).objects();
    with_cores(
        &mut objects,
        "4",
        &[("p0", "2"), ("p1", "2"), ("p2", "3"), ("p3", "2")],
    );
    let app = app(&objects).await;
    // Nodes 1 and 2 have one and two cores left, node 3 fails too.
    let room = json!({"reschedule": true});
    let answer = ask(&app, &[0, 3], room.clone()).await;
    let lost = service(&answer, "svc0")["lost"].as_array().unwrap().clone();
    assert_eq!(
        lost[0]["candidate"],
        json!({"kind": "Node", "name": "n2"}),
        "{answer:#}"
    );
    assert_eq!(
        (&lost[1]["recovery"], &lost[1]["obstacle"]),
        (
            &json!("NO_FIT"),
            &json!("none of the 2 nodes left takes it: 2 have too little room")
        )
    );
    let unasked = ask(&app, &[0, 3], json!({})).await;
    let both = service(&unasked, "svc0")["lost"].as_array().unwrap().clone();
    assert!(both.iter().all(|l| l["recovery"] == "RESCHEDULES"));
}

#[tokio::test]
async fn rule_5_what_must_go_to_make_room_puts_its_own_service_at_risk() {
    let endpoint = |pod| Endpoint {
        pod,
        ready: Some(true),
        serving: Some(true),
        terminating: Some(false),
        stale: false,
    };
    let mut world: World = world(Made::Deployment, "app:1", &[0, 2]);
    world.workloads.push(Workload {
        replicas: 1,
        ..world.workloads[0].clone()
    });
    world.pods.push(Pod {
        workload: Some(1),
        node: Some(1),
        ..Pod::default()
    });
    world.services.push(Service {
        behind: Behind::Endpoints(vec![endpoint(2)]),
        selects: Some(1),
        ..world.services[0].clone()
    });
    let mut objects = world.objects();
    with_cores(&mut objects, "4", &[("p0", "3"), ("p1", "4"), ("p2", "2")]);
    spec(&mut objects, "p0")["priority"] = json!(1_000);
    let room = json!({"reschedule": true});
    let answer = ask(&app(&objects).await, &[0, 3], room.clone()).await;
    assert_eq!(
        service(&answer, "svc0")["lost"][0]["evicts"],
        json!([{"name": "p2"}])
    );
    let other = service(&answer, "svc1");
    assert_eq!(
        (&other["state"], &other["evicted"]),
        (&json!("AT_RISK"), &json!([{"name": "p2"}]))
    );
    assert_eq!(
        other["reason"],
        "1 of its pods would be evicted to make room for what is lost and more important"
    );
    assert_eq!(answer["evictedPods"]["value"], 1);
    spec(&mut objects, "p0")["preemptionPolicy"] = json!("Never");
    let meek = ask(&app(&objects).await, &[0, 3], room).await;
    assert_eq!(service(&meek, "svc0")["lost"][0]["recovery"], "NO_FIT");
    assert_eq!(meek["evictedPods"]["value"], 0);
}

#[tokio::test]
async fn rule_5_a_drained_zone_goes_on_counting_for_spread_and_an_autoscaler_is_told() {
    let mut objects = world(Made::Deployment, "app:1", &[0, 2]).objects();
    with_cores(&mut objects, "4", &[]);
    let constraint = json!([{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "w0"}}}]);
    spec(&mut objects, "p0")["topologySpreadConstraints"] = constraint;
    let zone = json!({"reschedule": true});
    let lost = ask(&app(&objects).await, &[0, 1], zone.clone()).await;
    assert_eq!(
        service(&lost, "svc0")["lost"][0]["recovery"],
        "RESCHEDULES",
        "{lost:#}"
    );
    let mut scaler = objects
        .iter()
        .find(|o| o["kind"] == "Deployment")
        .unwrap()
        .clone();
    scaler["metadata"]["name"] = json!("cluster-autoscaler");
    scaler["metadata"]["uid"] = json!(super::world::uid("cluster-autoscaler"));
    objects.push(scaler);
    let drained = json!({"reschedule": true, "planned": true});
    let answer = ask(&app(&objects).await, &[0, 1], drained).await;
    let lost = &service(&answer, "svc0")["lost"][0];
    assert_eq!(lost["recovery"], "NO_FIT");
    assert_eq!(
        lost["obstacle"],
        "none of the 2 nodes left takes it: 2 would break its spread; an autoscaler runs there and may add a node"
    );
}

#[tokio::test]
async fn rule_4_a_pod_stays_on_a_silent_node_as_long_as_it_tolerates_it() {
    let mut objects = world(Made::Deployment, "app:1", &[0]).objects();
    let unreachable = "node.kubernetes.io/unreachable";
    spec(&mut objects, "p0")["tolerations"] =
        json!([{"key": unreachable, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}]);
    let query = r#"{ impact(input: {failed: {nodes: [{key: {cluster: "prod", kind: "Node", name: "n0"}}]}}) {
        services { nodes { lost { recoverySeconds } } } } }"#;
    let answer = app(&objects).await.ask(query).await;
    assert_eq!(
        answer["impact"]["services"]["nodes"][0]["lost"][0]["recoverySeconds"],
        50 + 30 + 30
    );
}
