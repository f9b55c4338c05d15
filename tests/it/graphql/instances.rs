//! Who stands behind a Service.

use super::app::{App, each};
use super::fleet::{self, Changes, START, endpoint, pod, slice, uid};
use serde_json::{Value, json};

const SERVICE: &str =
    r#"asset(ref: { key: { cluster: "prod", kind: "Service", namespace: "shop", name: "cart" } })"#;

#[tokio::test]
async fn a_pod_in_two_slices_counts_once_and_stale_endpoints_not_at_all() {
    let app = App::new().await;
    let found = app
        .ask(&format!(
            "{{ {SERVICE} {{ ... on Service {{ instances {{
                totalCount {{ value exact }} total ready serving terminating stale freshness {{ complete }}
                nodes {{ name }}
                edges {{ ready serving terminating addresses zone nodeName hostname host {{ name zone }} ports {{ port }}
                  slices {{ name }} node {{ __typename name ... on Pod {{ phase node {{ name }} }} }} }}
            }} }} }} }}"
        ))
        .await;
    let instances = &found["asset"]["instances"];
    assert_eq!(instances["totalCount"], json!({ "value": 3, "exact": true }));
    let counts = ["total", "ready", "serving", "terminating", "stale"].map(|f| instances[f].clone());
    assert_eq!(json!(counts), json!([3, 2, 2, 0, 2]));
    let names = each(&instances["nodes"], "name");
    assert_eq!(names, ["10.9.9.9", "cart-1-a", "cart-1-b"]);
    let edges = instances["edges"].as_array().unwrap();
    assert_eq!(
        edges[0]["node"],
        json!({ "__typename": "ExternalEndpoint", "name": "10.9.9.9" })
    );
    assert_eq!(
        edges[1],
        json!({
            "ready": true, "serving": true, "terminating": false, "addresses": ["10.0.0.1", "fd00::1"], "zone": "z1",
            "nodeName": "node-a", "hostname": null, "host": { "name": "node-a", "zone": "z1" }, "ports": [{ "port": 8080 }],
            "slices": [{ "name": "cart-v4" }, { "name": "cart-v6" }],
            "node": { "__typename": "Pod", "name": "cart-1-a", "phase": "Running", "node": { "name": "node-a" } },
        })
    );
    // Not ready, and serving is absent: it does not serve.
    assert_eq!(
        (&edges[2]["ready"], &edges[2]["serving"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test]
async fn instances_are_chosen_by_readiness_and_paged() {
    let app = App::new().await;
    let ask = |arguments: &'static str| {
        let query = format!(
            "query($after: String) {{ {SERVICE} {{ ... on Service {{ instances({arguments}) {{ totalCount {{ value }} nodes {{ name }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
        );
        let app = &app;
        async move |after: Value| {
            app.ask_with(&query, json!({ "after": after })).await["asset"]["instances"].clone()
        }
    };
    let ready = ask("ready: true, after: $after")(Value::Null).await;
    assert_eq!(each(&ready["nodes"], "name"), ["10.9.9.9", "cart-1-a"]);
    let not = ask("ready: false, after: $after")(Value::Null).await;
    assert_eq!(
        (each(&not["nodes"], "name"), &not["totalCount"]["value"]),
        (vec!["cart-1-b".to_owned()], &json!(1))
    );
    let page = ask("first: 2, after: $after");
    let first = page(Value::Null).await;
    assert_eq!(each(&first["nodes"], "name"), ["10.9.9.9", "cart-1-a"]);
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(each(&second["nodes"], "name"), ["cart-1-b"]);
    assert_eq!(
        (
            &first["pageInfo"]["hasNextPage"],
            &second["pageInfo"]["hasNextPage"]
        ),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn a_pod_is_terminating_only_when_all_its_endpoints_say_so() {
    let app = App::new().await;
    let a = pod("cart-1-a");
    let terminating = |address: &str, terminating: bool| {
        let mut edge = endpoint(&a, address, Some(false), Some(uid(&a)));
        edge.detail.serving = Some(true);
        edge.detail.terminating = Some(terminating);
        edge
    };
    for (v6, expected) in [(false, json!([1, 0, 1, 0])), (true, json!([1, 0, 1, 1]))] {
        let mut changes = Changes::default();
        slice(&mut changes, "cart-v4", vec![terminating("10.0.0.1", true)]);
        slice(&mut changes, "cart-v6", vec![terminating("fd00::1", v6)]);
        slice(&mut changes, "cart-old", vec![]);
        changes.apply(&*app.store, fleet::prod(), START + 1000).await;
        let found = app
            .ask(&format!(
                "{{ {SERVICE} {{ ... on Service {{ instances {{ total ready serving terminating }} }} }} }}"
            ))
            .await;
        let i = &found["asset"]["instances"];
        assert_eq!(
            json!([i["total"], i["ready"], i["serving"], i["terminating"]]),
            expected
        );
    }
}

#[tokio::test]
async fn where_slices_name_no_place_an_instance_stands_where_its_pod_does() {
    let app = App::new().await;
    let a = pod("cart-1-a");
    let placed = |node: Option<&str>, zone: Option<&str>| {
        let mut edge = endpoint(&a, "10.0.0.1", Some(true), Some(uid(&a)));
        (edge.detail.node_name, edge.detail.zone) = (node.map(str::to_owned), zone.map(str::to_owned));
        edge
    };
    for (node, zone, expected) in [
        (None, None, json!(["node-a", "z1"])),
        (Some("node-b"), None, json!(["node-b", "z2"])),
        (Some("node-gone"), None, json!(["node-gone", null])),
        // What the slice says stands, whatever the node's label says now.
        (Some("node-b"), Some("z9"), json!(["node-b", "z9"])),
    ] {
        let mut changes = Changes::default();
        slice(&mut changes, "cart-v4", vec![placed(node, zone)]);
        slice(&mut changes, "cart-v6", vec![]);
        slice(&mut changes, "cart-old", vec![]);
        changes.apply(&*app.store, fleet::prod(), START + 1000).await;
        let found = app
            .ask(&format!(
                "{{ {SERVICE} {{ ... on Service {{ instances {{ edges {{ nodeName zone }} }} }} }} }}"
            ))
            .await;
        let edge = &found["asset"]["instances"]["edges"][0];
        assert_eq!(json!([edge["nodeName"], edge["zone"]]), expected);
    }
}
