//! Topology, paths, facets and the state of the mirrors.

use super::app::{App, each, text};
use super::fleet::pod;
use planisphere_schema::Kind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn key(kind: &str, name: &str) -> String {
    let namespace = if kind == "Node" {
        ""
    } else {
        r#"namespace: "shop","#
    };
    format!(r#"{{ key: {{ cluster: "prod", kind: "{kind}", {namespace} name: "{name}" }} }}"#)
}

async fn topology(app: &App, root: &str, expand: &str) -> Value {
    let query = format!(
        "{{ topology(roots: [{root}], expand: {{ {expand} }}) {{
             nodes {{ depth parent expanded hiddenEdges {{ value exact }} asset {{ id name }} }}
             edges {{ relation source {{ name }} target {{ name }} }}
             truncation {{ reason at skipped }} freshness {{ complete }} }} }}"
    );
    app.ask(&query).await["topology"].clone()
}

fn names(topology: &Value) -> BTreeSet<String> {
    let nodes = topology["nodes"].as_array().unwrap();
    nodes.iter().map(|n| text(&n["asset"]["name"])).collect()
}

fn reasons(topology: &Value) -> BTreeSet<String> {
    each(&topology["truncation"], "reason").into_iter().collect()
}

#[tokio::test]
async fn a_topology_follows_the_chosen_relations_and_says_how_far() {
    let app = App::new().await;
    let found = topology(
        &app,
        &key("Deployment", "cart"),
        "direction: IN, relations: [OWNED_BY], maxDepth: 3",
    )
    .await;
    let expected = ["cart", "cart-1", "cart-1-a", "cart-1-b"].map(str::to_owned);
    assert_eq!(names(&found), BTreeSet::from(expected));
    let depths: Vec<_> = found["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["depth"].clone())
        .collect();
    assert_eq!(json!(depths), json!([0, 1, 2, 2]));
    assert_eq!(found["edges"].as_array().unwrap().len(), 3);
    // The pod that names an earlier ReplicaSet of that name does not hang on this one.
    assert_eq!(reasons(&found), BTreeSet::from(["STALE_REFERENCE".to_owned()]));
    let cut = found["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|n| n["expanded"] == false);
    assert_eq!(cut.count(), 1);
}

#[tokio::test]
async fn what_a_budget_cuts_off_is_told_where_and_how_much() {
    let app = App::new().await;
    let service = key("Service", "cart");
    let shallow = topology(
        &app,
        &service,
        "direction: OUT, relations: [ROUTES_TO, RUNS_ON], maxDepth: 1",
    )
    .await;
    assert!(reasons(&shallow).contains("MAX_DEPTH"));
    let deep: i64 = shallow["truncation"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["reason"] == "MAX_DEPTH")
        .map(|t| t["skipped"].as_i64().unwrap())
        .sum();
    assert_eq!(deep, 2, "each of two pods runs on a node");
    let narrow = topology(
        &app,
        &service,
        "direction: OUT, relations: [ROUTES_TO], maxNodes: 2",
    )
    .await;
    assert_eq!(names(&narrow).len(), 2);
    assert!(reasons(&narrow).contains("MAX_NODES"));
    let thin = topology(
        &app,
        &service,
        "direction: OUT, relations: [ROUTES_TO], maxEdgesPerNode: 2",
    )
    .await;
    let truncation = thin["truncation"].as_array().unwrap();
    let cut = truncation
        .iter()
        .find(|t| t["reason"] == "MAX_EDGES_PER_NODE")
        .unwrap();
    assert_eq!(cut["skipped"], 4, "of six endpoints two are shown");
    let whole = topology(&app, &service, "direction: OUT, relations: [FORWARDS_TO]").await;
    assert_eq!(
        (whole["truncation"].clone(), whole["nodes"][0]["expanded"].clone()),
        (json!([]), json!(true))
    );
}

async fn path(app: &App, from: &str, to: &str, arguments: &str) -> Value {
    let query = format!(
        "{{ path(from: {from}, to: {to}, {arguments}) {{ found length truncated nodes {{ name }}
             edges {{ relation source {{ name }} target {{ name }} }} freshness {{ complete }} }} }}"
    );
    app.ask(&query).await["path"].clone()
}

#[tokio::test]
async fn a_path_is_a_shortest_one_and_walks_only_as_told() {
    let app = App::new().await;
    let (deployment, node) = (key("Deployment", "cart"), key("Node", "node-b"));
    let both = path(&app, &deployment, &node, "maxDepth: 6").await;
    assert_eq!((&both["found"], &both["length"]), (&json!(true), &json!(3)));
    assert_eq!(
        each(&both["nodes"], "name"),
        ["cart", "cart-1", "cart-1-b", "node-b"]
    );
    assert_eq!(
        each(&both["edges"], "relation"),
        ["OWNED_BY", "OWNED_BY", "RUNS_ON"]
    );
    let out = path(&app, &deployment, &node, "direction: OUT").await;
    assert_eq!(
        out,
        json!({ "found": false, "length": null, "truncated": false, "nodes": [], "edges": [], "freshness": { "complete": true } })
    );
    let out = path(&app, &node, &deployment, "direction: IN, relations: [RUNS_ON]").await;
    assert_eq!(out["found"], false);
    let short = path(&app, &deployment, &node, "maxDepth: 2").await;
    assert_eq!(short["found"], false);
    let ingress = path(&app, &key("Ingress", "front"), &node, "direction: OUT").await;
    assert_eq!(
        each(&ingress["edges"], "relation").last().map(String::as_str),
        Some("RUNS_ON")
    );
    assert_eq!(ingress["length"], 3);
    let same = path(&app, &node, &node, "").await;
    assert_eq!(
        (&same["found"], &same["length"], &same["nodes"]),
        (&json!(true), &json!(0), &json!([{ "name": "node-b" }]))
    );
}

#[tokio::test]
async fn a_stale_reference_is_no_path() {
    let app = App::new().await;
    let found = path(&app, &key("Pod", "orphan"), &key("ReplicaSet", "cart-1"), "").await;
    assert_eq!(found["found"], false);
    assert!(pod("orphan").key().kind == Kind::Pod);
}

#[tokio::test]
async fn facets_nest_and_add_up() {
    let app = App::new().await;
    let found = app
        .ask(
            r#"{ facets(filter: { kind: { in: ["ConfigMap", "Service"] } }, by: [{ by: CLUSTER }, { by: KIND }, { by: LABEL, label: "parity" }]) {
                 freshness { complete } buckets { by value count sub { by value count sub { value count } } } } }"#,
        )
        .await;
    assert_eq!(
        found["facets"]["buckets"],
        json!([
            { "by": "CLUSTER", "value": "lab", "count": 1, "sub": [
                { "by": "KIND", "value": "Service", "count": 1, "sub": [{ "value": "", "count": 1 }] }] },
            { "by": "CLUSTER", "value": "prod", "count": 26, "sub": [
                { "by": "KIND", "value": "ConfigMap", "count": 25, "sub": [{ "value": "even", "count": 13 }, { "value": "odd", "count": 12 }] },
                { "by": "KIND", "value": "Service", "count": 1, "sub": [{ "value": "", "count": 1 }] }] },
        ])
    );
}

#[tokio::test]
async fn sync_tells_how_each_mirror_stands() {
    let app = App::new().await;
    app.status.update_kind("prod", Kind::Pod, |k| {
        k.listed = 10;
        k.expected = Some(40);
        k.resume = Some("77".to_owned());
        k.lists.insert("start", 2);
        k.watches = 3;
        k.last_error = Some("connection refused".to_owned());
    });
    let found = app
        .ask(
            r#"{ sync { version freshness { complete } store { assets edges dangling }
                 clusters(names: ["prod"]) { name identity reachable dump configured complete lagSeconds error objects
                   kinds { kind phase coverage complete objects listed expected lagSeconds lastContactAt lastEventAt resume
                     lists { reason count } watches events ignored { reason } errors lastError } } } }"#,
        )
        .await;
    let sync = &found["sync"];
    assert!(sync["store"]["assets"].as_i64().unwrap() > 40);
    assert!(sync["store"]["dangling"].as_i64().unwrap() >= 2);
    assert!(!text(&sync["version"]).is_empty());
    let cluster = &sync["clusters"][0];
    assert_eq!(
        (&cluster["name"], &cluster["lagSeconds"], &cluster["objects"]),
        (&json!("prod"), &json!(2.0), &json!(6))
    );
    assert_eq!(
        cluster["kinds"][0],
        json!({
            "kind": "Pod", "phase": "WATCHING", "coverage": "WATCHED", "complete": true, "objects": 3, "listed": 10,
            "expected": 40, "lagSeconds": 2.0, "lastContactAt": null, "lastEventAt": null, "resume": "77",
            "lists": [{ "reason": "start", "count": 2 }], "watches": 3, "events": 0, "ignored": [], "errors": 0,
            "lastError": "connection refused",
        })
    );
}
