//! Assets: by reference, listed, filtered, paged; their typed fields, edges and history.

use super::app::{App, each, text};
use super::fleet::{self, Changes, START, at, pod, uid};
use planisphere_schema::attributes::PodAttributes;
use planisphere_schema::{AssetRef, Kind};
use serde_json::{Value, json};

#[tokio::test]
async fn an_asset_is_found_by_id_by_uid_and_by_name() {
    let app = App::new().await;
    let a = pod("cart-1-a");
    let found = app
        .ask(&format!(
            r#"{{
              node(id: "{id}") {{ id }}
              nodes(ids: ["{id}", "00000000-0000-0000-0000-00000000dead"]) {{ id }}
              byId: asset(ref: {{ id: "{id}" }}) {{ id }}
              byUid: asset(ref: {{ uid: "{uid}" }}) {{ id }}
              byKey: asset(ref: {{ key: {{ cluster: "prod", kind: "po", namespace: "shop", name: "cart-1-a" }} }}) {{ id }}
              byIdentity: asset(ref: {{ key: {{ cluster: "{cluster}", kind: "Pod", namespace: "shop", name: "cart-1-a" }} }}) {{ id }}
            }}"#,
            id = a.id(),
            uid = uid(&a),
            cluster = fleet::prod().id,
        ))
        .await;
    let this = json!({ "id": a.id().to_string() });
    assert_eq!(
        found,
        json!({
            "node": this, "nodes": [this, null], "byId": this, "byUid": this, "byKey": this, "byIdentity": this,
        })
    );
}

#[tokio::test]
async fn every_common_field_is_answered() {
    let app = App::new().await;
    let found = app
        .ask(
            r#"{ asset(ref: { key: { cluster: "prod", kind: "ConfigMap", namespace: "bulk", name: "map-01" } }) {
                __typename id uid cluster kind namespace name labels annotations createdAt changedAt deletionTimestamp
                resourceVersion dangling problems version
            } }"#,
        )
        .await;
    let map = at(Kind::ConfigMap, "bulk", "map-01");
    let version = found["asset"]["version"].clone();
    assert!(text(&version).parse::<i64>().unwrap() > 0);
    assert_eq!(
        found["asset"],
        json!({
            "__typename": "ConfigMap", "id": map.id().to_string(), "uid": uid(&map).to_string(), "cluster": "prod",
            "kind": "ConfigMap", "namespace": "bulk", "name": "map-01", "labels": { "parity": "odd" },
            "annotations": {}, "createdAt": "2026-11-23T23:59:00Z", "changedAt": "2026-11-24T00:00:00Z",
            "deletionTimestamp": null, "resourceVersion": null, "dangling": false, "problems": [], "version": version,
        })
    );
}

#[tokio::test]
async fn each_kind_has_its_own_fields_and_shortcuts() {
    let app = App::new().await;
    let found = app
        .ask(
            r#"{
              pod: asset(ref: { key: { cluster: "prod", kind: "Pod", namespace: "shop", name: "cart-1-a" } }) {
                ... on Pod { phase ready nodeName node { name zone } workload { __typename name }
                  services { nodes { name } } reads { nodes { kind name } } mounts { totalCount { value } } serviceAccount { name } }
              }
              deploy: asset(ref: { key: { cluster: "prod", kind: "deploy", namespace: "shop", name: "cart" } }) {
                ... on Deployment { replicas pods { totalCount { value exact } nodes { name phase } } }
              }
              node: asset(ref: { key: { cluster: "prod", kind: "Node", name: "node-b" } }) {
                ... on Node { pods { totalCount { value } nodes { name } } }
              }
              secret: asset(ref: { key: { cluster: "prod", kind: "Secret", namespace: "shop", name: "db" } }) {
                ... on Secret { usedBy { nodes { name } } }
              }
              service: asset(ref: { key: { cluster: "prod", kind: "svc", namespace: "shop", name: "cart" } }) {
                ... on Service { type ingresses { nodes { name } } slices { totalCount { value } } }
              }
              claim: asset(ref: { key: { cluster: "prod", kind: "pvc", namespace: "shop", name: "data" } }) {
                ... on PersistentVolumeClaim { volume { name claim { name } } }
              }
              zone: asset(ref: { key: { cluster: "prod", kind: "Zone", name: "z1" } }) {
                dangling ... on Zone { nodes { nodes { name } } }
              }
              custom: asset(ref: { key: { cluster: "prod", kind: "widget", namespace: "shop", name: "w" } }) { __typename kind }
              cluster: asset(ref: { key: { cluster: "prod", kind: "Cluster", name: "prod" } }) { __typename name }
            }"#,
        )
        .await;
    assert_eq!(found["pod"]["node"], json!({ "name": "node-a", "zone": "z1" }));
    assert_eq!(
        found["pod"]["workload"],
        json!({ "__typename": "Deployment", "name": "cart" })
    );
    // Two slices name the pod, so its Service leads to it twice.
    assert_eq!(each(&found["pod"]["services"]["nodes"], "name"), ["cart", "cart"]);
    assert_eq!(found["pod"]["mounts"]["totalCount"]["value"], 0);
    assert_eq!(found["pod"]["serviceAccount"], Value::Null);
    let mut reads = each(&found["pod"]["reads"]["nodes"], "name");
    reads.sort();
    assert_eq!(reads, ["db", "missing"]);
    assert_eq!(
        found["deploy"]["pods"],
        json!({
            "totalCount": { "value": 2, "exact": true },
            "nodes": [{ "name": "cart-1-a", "phase": "Running" }, { "name": "cart-1-b", "phase": "Running" }],
        })
    );
    assert_eq!(found["node"]["pods"]["nodes"], json!([{ "name": "cart-1-b" }]));
    assert_eq!(
        found["secret"]["usedBy"]["nodes"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        found["service"],
        json!({ "type": "ClusterIP", "ingresses": { "nodes": [{ "name": "front" }] }, "slices": { "totalCount": { "value": 3 } } })
    );
    assert_eq!(
        found["claim"]["volume"],
        json!({ "name": "pv-1", "claim": { "name": "data" } })
    );
    assert_eq!(
        found["zone"],
        json!({ "dangling": false, "nodes": { "nodes": [{ "name": "node-a" }] } })
    );
    assert_eq!(
        found["custom"],
        json!({ "__typename": "CustomAsset", "kind": "Widget.example.org" })
    );
    assert_eq!(found["cluster"]["name"], fleet::prod().id.to_string());
}

#[tokio::test]
async fn pages_put_together_are_the_whole_list_in_every_order() {
    let app = App::new().await;
    for order in ["KEY", "NAME", "CREATED_DESC", "CHANGED_DESC"] {
        let whole = app
            .ask(&format!("{{ assets(first: 500, orderBy: {order}) {{ nodes {{ id }} totalCount {{ value exact }} pageInfo {{ hasNextPage }} }} }}"))
            .await;
        let whole_ids = each(&whole["assets"]["nodes"], "id");
        assert_eq!(
            whole["assets"]["totalCount"],
            json!({ "value": whole_ids.len(), "exact": true })
        );
        assert_eq!(whole["assets"]["pageInfo"]["hasNextPage"], false);
        let mut paged = Vec::new();
        let mut after = Value::Null;
        loop {
            let query = format!(
                "query($after: String) {{ assets(first: 7, orderBy: {order}, after: $after) {{ edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            let page = app.ask_with(&query, json!({ "after": after })).await;
            let edges = page["assets"]["edges"].as_array().unwrap();
            paged.extend(edges.iter().map(|e| text(&e["node"]["id"])));
            assert_eq!(
                edges.last().unwrap()["cursor"],
                page["assets"]["pageInfo"]["endCursor"]
            );
            if page["assets"]["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["assets"]["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(paged, whole_ids, "{order}");
    }
}

async fn names(app: &App, arguments: &str) -> Vec<String> {
    let found = app
        .ask(&format!("{{ assets({arguments}) {{ nodes {{ name }} }} }}"))
        .await;
    each(&found["assets"]["nodes"], "name")
}

#[tokio::test]
async fn every_filter_chooses_what_it_says() {
    let app = App::new().await;
    let id = pod("cart-1-a").id();
    for (filter, expected) in [
        (format!(r#"ids: ["{id}"]"#), vec!["cart-1-a"]),
        (r#"cluster: { eq: "lab" }"#.to_owned(), vec!["cart"]),
        (r#"kind: { in: ["Node", "deploy"] }"#.to_owned(), vec!["cart", "node-a", "node-b"]),
        (r#"namespace: { eq: "shop" }, kind: { eq: "Secret" }"#.to_owned(), vec!["db"]),
        (r#"namespace: { exists: false }, kind: { nin: ["Node", "Cluster", "Zone"] }"#.to_owned(), vec!["shop", "pv-1"]),
        (r#"name: { startsWith: "map-0", nin: ["map-01", "map-02", "map-03"] }, label: { key: "parity", eq: "odd" }"#.to_owned(), vec!["map-05", "map-07", "map-09"]),
        (r#"label: { key: "parity" }, name: { contains: "-2" }, not: { name: { eq: "map-20" } }"#.to_owned(), vec!["map-21", "map-22", "map-23", "map-24"]),
        (r#"or: [{ name: { eq: "map-20" } }, { name: { eq: "db" } }]"#.to_owned(), vec!["map-20", "db"]),
        (r#"and: [{ kind: { eq: "Pod" } }, { name: { ne: "orphan" } }]"#.to_owned(), vec!["cart-1-a", "cart-1-b"]),
        (r#"createdAt: { lt: "2026-11-23T23:37:30Z" }"#.to_owned(), vec!["map-23", "map-24"]),
        (r#"changedAt: { lt: "2026-11-24T00:00:00Z" }"#.to_owned(), vec![]),
        (r#"kind: { eq: "Node" }, related: { relation: RUNS_ON, direction: IN, some: { name: { eq: "cart-1-b" } } }"#.to_owned(), vec!["node-b"]),
        (r#"dangling: true, kind: { eq: "ConfigMap" }"#.to_owned(), vec!["missing"]),
    ] {
        let mut found = names(&app, &format!("filter: {{ {filter} }}")).await;
        let mut expected = expected;
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter}");
    }
    assert_eq!(
        names(&app, r#"search: "CART-1 pod""#).await,
        ["cart-1-a", "cart-1-b"]
    );
}

#[tokio::test]
async fn what_is_referred_to_but_absent_is_shown_as_dangling_with_who_refers_to_it() {
    let app = App::new().await;
    let found = app
        .ask(
            r#"{ asset(ref: { key: { cluster: "prod", kind: "ConfigMap", namespace: "shop", name: "missing" } }) {
                 dangling uid ... on ConfigMap { usedBy { totalCount { value } } }
                 edges(direction: IN) { edges { relation direction node { name } source { name } target { name dangling } } } } }"#,
        )
        .await;
    let asset = &found["asset"];
    assert_eq!((&asset["dangling"], &asset["uid"]), (&json!(true), &Value::Null));
    assert_eq!(asset["usedBy"]["totalCount"]["value"], 2);
    let first = &asset["edges"]["edges"][0];
    assert_eq!(first["relation"], "READS");
    assert_eq!(first["direction"], "IN");
    assert_eq!(first["node"], first["source"]);
    assert_eq!(first["target"], json!({ "name": "missing", "dangling": true }));
}

#[tokio::test]
async fn edges_page_through_both_directions_and_tell_who_declared_them() {
    let app = App::new().await;
    let query = r#"query($after: String) { asset(ref: { key: { cluster: "prod", kind: "Service", namespace: "shop", name: "cart" } }) {
        edges(first: 4, after: $after) { totalCount { value exact } pageInfo { hasNextPage endCursor } freshness { complete }
          edges { relation direction since stale declaredBy { kind name } node { name } detail { ready addresses ports { port } } } } } }"#;
    let (mut all, mut after, mut total) = (Vec::new(), Value::Null, Value::Null);
    loop {
        let page = app.ask_with(query, json!({ "after": after })).await;
        let edges = &page["asset"]["edges"];
        all.extend(edges["edges"].as_array().unwrap().clone());
        assert!(
            total.is_null() || total == edges["totalCount"],
            "the count is the same on all pages"
        );
        total = edges["totalCount"].clone();
        after = edges["pageInfo"]["endCursor"].clone();
        if edges["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    // 6 endpoints, 2 selections, 3 slices, 1 ingress.
    assert_eq!((all.len(), &total), (12, &json!({ "value": 12, "exact": true })));
    let routes = all.iter().filter(|e| e["relation"] == "ROUTES_TO");
    for route in routes {
        assert_eq!(route["declaredBy"]["kind"], "EndpointSlice.discovery.k8s.io");
        assert_eq!(route["detail"]["ports"], json!([{ "port": 8080 }]));
        assert_eq!(route["direction"], "OUT");
    }
    let stale = all.iter().filter(|e| e["stale"] == true);
    assert_eq!(stale.count(), 1, "the endpoint that names an earlier cart-1-b");
}

#[tokio::test]
async fn an_owner_of_another_uid_is_stale_and_no_workload() {
    let app = App::new().await;
    let found = app
        .ask(
            r#"{ asset(ref: { key: { cluster: "prod", kind: "Pod", namespace: "shop", name: "orphan" } }) {
                 ... on Pod { workload { name } }
                 edges(relations: [OWNED_BY]) { edges { stale node { name } detail { controller uid } } } } }"#,
        )
        .await;
    assert_eq!(found["asset"]["workload"], Value::Null);
    let edge = &found["asset"]["edges"]["edges"][0];
    assert_eq!(
        (&edge["stale"], &edge["node"]["name"]),
        (&json!(true), &json!("cart-1"))
    );
    assert_eq!(edge["detail"]["controller"], true);
}

#[tokio::test]
async fn history_tells_what_changed_newest_first_and_pages_show_the_same() {
    let app = App::new().await;
    let a = pod("cart-1-a");
    for (second, phase) in [(1, "Failed"), (2, "Succeeded"), (3, "Running")] {
        let attributes = PodAttributes {
            phase: Some(phase.to_owned()),
            ..PodAttributes::default()
        };
        let mut changes = Changes::default();
        changes.put(a.clone(), attributes, vec![]);
        changes
            .apply(&*app.store, fleet::prod(), START + second * 1000)
            .await;
    }
    let mut changes = Changes::default();
    changes
        .delete(a.clone())
        .apply(&*app.store, fleet::prod(), START + 4000)
        .await;
    let whole = history(&app, &a, 50, Value::Null).await;
    assert_eq!(
        each(&whole["nodes"], "op"),
        ["DELETE", "UPDATE", "UPDATE", "UPDATE", "CREATE"]
    );
    assert_eq!(
        whole["nodes"][1],
        json!({ "op": "UPDATE", "at": "2026-11-24T00:00:03Z", "how": "EVENT", "lastSeenAt": null,
                "fields": [{ "path": "phase", "before": "Succeeded", "after": "Running" }] })
    );
    let phases: Vec<_> = whole["nodes"][3]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| text(&f["path"]))
        .collect();
    assert!(
        phases.contains(&"nodeName".to_owned()) && phases.contains(&"phase".to_owned()),
        "{phases:?}"
    );
    let (mut paged, mut before) = (Vec::new(), Value::Null);
    loop {
        let page = history(&app, &a, 2, before).await;
        paged.extend(page["nodes"].as_array().unwrap().clone());
        before = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(json!(paged), whole["nodes"]);
}

async fn history(app: &App, of: &AssetRef, first: usize, before: Value) -> Value {
    let query = format!(
        r#"query($before: String) {{ node(id: "{}") {{ history(first: {first}, before: $before) {{
             nodes {{ op at how lastSeenAt fields {{ path before after }} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"#,
        of.id()
    );
    app.ask_with(&query, json!({ "before": before })).await["node"]["history"].clone()
}
