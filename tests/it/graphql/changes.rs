//! What changed: windows, filters, pages, and what was near.

use super::app::{App, each, text};
use super::fleet::{self, Changes, START, at, plain, pod};
use planisphere_schema::attributes::NodeAttributes;
use planisphere_schema::{Asset, AssetRef, Kind, Label, RelationKind};
use serde_json::{Value, json};
use uuid::Uuid;

pub const DAY: &str = "2026-11-24T00:00:0";

pub fn second(n: i64) -> i64 {
    START + n * 1_000
}

/// Seven seconds of life after the fleet came to be.
pub async fn living() -> App {
    let app = App::new().await;
    let batch =
        async |seconds: i64, mut c: Changes| c.apply(&*app.store, fleet::prod(), second(seconds)).await;
    let node = at(Kind::Node, "", "node-a");
    let zoned = |zone: &str, ready: &str| NodeAttributes {
        zone: Some(zone.to_owned()),
        ready: Some(ready.to_owned()),
        ..NodeAttributes::default()
    };
    let in_zone = |zone: &str| vec![plain(&node, RelationKind::InZone, &at(Kind::Zone, "", zone))];
    // 1: status alone. 2: the zone. 3: a pod comes, 4: and goes again. 5: readiness of an endpoint. 6: a new incarnation. 7: a label.
    let mut c = Changes::default();
    c.put(node.clone(), zoned("z1", "False"), in_zone("z1"));
    batch(1, c).await;
    let mut c = Changes::default();
    c.put(node.clone(), zoned("z9", "False"), in_zone("z9"));
    batch(2, c).await;
    let brief = pod("brief");
    let mut c = Changes::default();
    c.plain(brief.clone(), vec![plain(&brief, RelationKind::RunsOn, &node)]);
    batch(3, c).await;
    let mut c = Changes::default();
    c.delete(brief);
    batch(4, c).await;
    let mut c = Changes::default();
    let a = pod("cart-1-a");
    fleet::slice(
        &mut c,
        "cart-v6",
        vec![fleet::endpoint(&a, "fd00::1", Some(false), Some(fleet::uid(&a)))],
    );
    batch(5, c).await;
    let mut c = Changes::default();
    let mut map = Asset::named(at(Kind::ConfigMap, "bulk", "map-00"));
    map.uid = Uuid::from_u128(4_711);
    map.labels = vec![Label {
        key: "parity".to_owned(),
        value: "even".to_owned(),
    }];
    c.put_asset(map, vec![]);
    batch(6, c).await;
    let mut c = Changes::default();
    let mut secret = Asset::named(at(Kind::Secret, "shop", "db"));
    secret.uid = fleet::uid(&secret.reference);
    secret.labels = vec![Label {
        key: "ready".to_owned(),
        value: "yes".to_owned(),
    }];
    c.put_asset(secret, vec![]);
    batch(7, c).await;
    app
}

async fn changes(app: &App, filter: &str) -> Vec<Value> {
    let query = format!(
        "{{ changes(first: 100, filter: {{ from: \"{DAY}0.001Z\" {filter} }}) {{ truncated nodes {{ at op how uid newIncarnation distance
            asset {{ kind name }} fields {{ path before after }}
            edgesStarted {{ relation source {{ name }} target {{ name }} }} edgesEnded {{ relation source {{ name }} target {{ name }} }} }} }} }}"
    );
    let found = app.ask(&query).await;
    found["changes"]["nodes"].as_array().unwrap().clone()
}

/// The changes as `second op name`.
async fn told(app: &App, filter: &str) -> Vec<String> {
    let all = changes(app, filter).await;
    let told = all.iter().map(|c| {
        let at = text(&c["at"]);
        let at = at.trim_start_matches(DAY).trim_end_matches('Z');
        format!(
            "{at} {} {}",
            c["op"].as_str().unwrap_or("EDGES"),
            text(&c["asset"]["name"])
        )
    });
    told.collect()
}

#[tokio::test]
async fn changes_come_newest_first_with_fields_and_edges_and_without_the_noise_of_status() {
    let app = living().await;
    assert_eq!(
        told(&app, "").await,
        [
            "7 UPDATE db",
            "6 UPDATE map-00",
            "4 DELETE brief",
            "3 CREATE brief",
            "2 UPDATE node-a"
        ]
    );
    assert_eq!(
        told(&app, "status: true").await,
        [
            "7 UPDATE db",
            "6 UPDATE map-00",
            "5 EDGES cart-v6",
            "4 DELETE brief",
            "3 CREATE brief",
            "2 UPDATE node-a",
            "1 UPDATE node-a"
        ]
    );
    let all = changes(&app, "").await;
    assert_eq!(
        all[0]["fields"],
        json!([{ "path": "labels.ready", "before": null, "after": "yes" }]),
        "a label is no status, whatever its name"
    );
    assert_eq!(
        (&all[1]["newIncarnation"], &all[1]["uid"]),
        (&json!(true), &json!(Uuid::from_u128(4_711).to_string()))
    );
    assert_eq!(all[0]["newIncarnation"], false);
    let edge = |source: &str, relation: &str, target: &str| json!([{ "relation": relation, "source": { "name": source }, "target": { "name": target } }]);
    assert_eq!(all[2]["edgesEnded"], edge("brief", "RUNS_ON", "node-a"));
    assert_eq!(all[3]["edgesStarted"], edge("brief", "RUNS_ON", "node-a"));
    assert_eq!(
        all[4]["fields"],
        json!([{ "path": "zone", "before": "z1", "after": "z9" }])
    );
    assert_eq!(
        (&all[4]["edgesStarted"], &all[4]["edgesEnded"]),
        (&edge("node-a", "IN_ZONE", "z9"), &edge("node-a", "IN_ZONE", "z1"))
    );
}

#[tokio::test]
async fn changes_are_chosen_by_scope_operation_field_and_window() {
    let app = living().await;
    for (filter, expected) in [
        (
            r#"scope: { kind: { eq: "Pod" } }"#,
            vec!["4 DELETE brief", "3 CREATE brief"],
        ),
        (
            r#"scope: { kind: { eq: "Pod" }, namespace: { eq: "shop" }, name: { eq: "brief" } }"#,
            vec!["4 DELETE brief", "3 CREATE brief"],
        ),
        (
            r#"scope: { label: { key: "ready", eq: "yes" } }"#,
            vec!["7 UPDATE db"],
        ),
        (r#"scope: { cluster: { eq: "lab" } }"#, vec![]),
        (
            r#"scope: { or: [{ name: { eq: "db" } }, { name: { eq: "node-a" } }] }"#,
            vec!["7 UPDATE db", "2 UPDATE node-a"],
        ),
        ("ops: [DELETE]", vec!["4 DELETE brief"]),
        (
            "ops: [CREATE, DELETE], status: true",
            vec!["4 DELETE brief", "3 CREATE brief"],
        ),
        (r#"paths: ["labels"]"#, vec!["7 UPDATE db"]),
        (r#"paths: ["*.ready"]"#, vec!["7 UPDATE db"]),
        (
            r#"paths: ["zone", "uid"]"#,
            vec!["6 UPDATE map-00", "2 UPDATE node-a"],
        ),
        (r#"paths: ["ready"], status: true"#, vec!["1 UPDATE node-a"]),
    ] {
        assert_eq!(told(&app, filter).await, expected, "{filter}");
    }
    let window = |from: &str, to: &str| {
        format!(r#"{{ changes(filter: {{ from: "{from}", to: "{to}" }}) {{ nodes {{ at }} from to }} }}"#)
    };
    // The first instant is part of it, the last one is not.
    let found = app.ask(&window(&format!("{DAY}3Z"), &format!("{DAY}6Z"))).await;
    assert_eq!(
        each(&found["changes"]["nodes"], "at"),
        [format!("{DAY}4Z"), format!("{DAY}3Z")]
    );
    let found = app.ask("{ changes { nodes { at } from to } }").await;
    assert_eq!(
        found["changes"]["from"], "2026-11-24T00:00:00Z",
        "as far back as history goes"
    );
    assert_eq!(found["changes"]["to"], "2026-11-24T00:00:10.001Z");
}

#[tokio::test]
async fn what_was_near_is_what_was_near_then() {
    let app = living().await;
    let near = |kind: &str, namespace: &str, name: &str, rest: &str| {
        format!(
            r#"near: {{ asset: {{ key: {{ cluster: "prod", kind: "{kind}", {namespace} name: "{name}" }} }} {rest} }}"#
        )
    };
    let shop = r#"namespace: "shop","#;
    // A pod that came and went within the window was near its node.
    assert_eq!(
        told(&app, &near("Node", "", "node-a", "hops: 1")).await,
        ["4 DELETE brief", "3 CREATE brief", "2 UPDATE node-a"]
    );
    // The node is in zone z1 when the window begins, though not now.
    assert!(
        told(&app, &near("Zone", "", "z1", "hops: 1"))
            .await
            .contains(&"2 UPDATE node-a".to_owned())
    );
    let later = r#"{ changes(filter: { from: "2026-11-24T00:00:05Z", near: { asset: { key: { cluster: "prod", kind: "Zone", name: "z9" } }, hops: 1 } }) { nodes { at } } }"#;
    assert_eq!(app.ask(later).await["changes"]["nodes"], json!([]));
    let hops = changes(&app, &near("Secret", shop, "db", "hops: 2")).await;
    let distances: Vec<_> = hops
        .iter()
        .map(|c| (text(&c["asset"]["name"]), c["distance"].as_u64()))
        .collect();
    assert_eq!(
        distances,
        [("db".to_owned(), Some(0)), ("node-a".to_owned(), Some(2))],
        "over the pods that read it, to their node"
    );
    assert_eq!(
        told(&app, &near("Secret", shop, "db", "hops: 2, relations: [READS]")).await,
        ["7 UPDATE db"]
    );
    // What is gone now is known as it was when the window began.
    let gone = r#"{ changes(filter: { from: "2026-11-24T00:00:03Z", near: { asset: { key: { cluster: "prod", kind: "Pod", namespace: "shop", name: "brief" } }, hops: 0 } }) { nodes { op } } }"#;
    assert_eq!(
        each(&app.ask(gone).await["changes"]["nodes"], "op"),
        ["DELETE", "CREATE"]
    );
}

#[tokio::test]
async fn pages_of_changes_join_without_gap_or_repetition() {
    let app = living().await;
    // The other cluster changes in the same milliseconds.
    for n in 1..=6 {
        let map = AssetRef::new(fleet::lab().id, Kind::ConfigMap, "x", &format!("m{n}"));
        Changes::default()
            .plain(map, vec![])
            .apply(&*app.store, fleet::lab(), second(n))
            .await;
    }
    let page = |first: usize, after: &str| {
        format!(
            r#"{{ changes(first: {first}, filter: {{ status: true }}{after}) {{ nodes {{ version asset {{ id }} op }} pageInfo {{ hasNextPage endCursor }} }} }}"#
        )
    };
    let whole = app.ask(&page(500, "")).await["changes"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    assert!(whole.len() > 50, "{}", whole.len());
    for size in [1, 3, 7] {
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let found = app.ask(&page(size, &after)).await["changes"].take();
            paged.extend(found["nodes"].as_array().unwrap().clone());
            if found["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = format!(r#", after: "{}""#, text(&found["pageInfo"]["endCursor"]));
        }
        assert_eq!(paged, whole, "pages of {size}");
    }
    let found = app.ask(&page(2, "")).await["changes"].take();
    let cursor = text(&found["pageInfo"]["endCursor"]);
    for other in [
        format!(r#"{{ changes(after: "{cursor}") {{ nodes {{ op }} }} }}"#),
        format!(
            r#"{{ changes(after: "{cursor}", filter: {{ status: true, ops: [CREATE] }}) {{ nodes {{ op }} }} }}"#
        ),
        format!(r#"{{ diff(from: "{DAY}1Z", after: "{cursor}") {{ nodes {{ op }} }} }}"#),
        format!(r#"{{ assets(after: "{cursor}") {{ nodes {{ id }} }} }}"#),
    ] {
        assert_eq!(app.refusal(&other).await.0, "CURSOR_MISMATCH", "{other}");
    }
}

#[tokio::test]
async fn windows_and_cursors_that_cannot_be_are_refused() {
    let app = living().await;
    let asked = |what: &str| format!("{{ changes(filter: {{ {what} }}) {{ nodes {{ op }} }} }}");
    for (query, code, said) in [
        (
            asked(&format!(r#"from: "{DAY}5Z", to: "{DAY}4Z""#)),
            "BAD_USER_INPUT",
            "turned round",
        ),
        (
            asked(&format!(r#"from: "{DAY}5Z", to: "{DAY}5Z""#)),
            "BAD_USER_INPUT",
            "turned round or empty",
        ),
        (
            asked(r#"to: "2027-01-01T00:00:00Z""#),
            "BAD_USER_INPUT",
            "has not come yet",
        ),
        (
            asked(r#"from: "9999-01-01T00:00:00Z""#),
            "BAD_USER_INPUT",
            "turned round",
        ),
        (
            asked(r#"from: "2020-01-01T00:00:00Z""#),
            "HISTORY_EXPIRED",
            "since 2026-11-24T00:00:00Z",
        ),
        (
            asked(r#"from: "0001-01-01T00:00:00Z", to: "0001-01-02T00:00:00Z""#),
            "HISTORY_EXPIRED",
            "since",
        ),
        (asked(r#"from: "soon""#), "BAD_USER_INPUT", "RFC 3339"),
        (
            asked(r#"scope: { related: { relation: RUNS_ON, direction: OUT, some: {} } }"#),
            "BAD_USER_INPUT",
            "use `near`",
        ),
        (
            asked(r#"scope: { dangling: true }"#),
            "BAD_USER_INPUT",
            "no place",
        ),
        (
            asked(
                r#"near: { asset: { key: { cluster: "prod", kind: "Pod", namespace: "shop", name: "nobody" } } }"#,
            ),
            "NOT_FOUND",
            "nobody",
        ),
        (
            asked(r#"near: { asset: { key: { cluster: "prod", kind: "Node", name: "node-a" } }, hops: 9 }"#),
            "BAD_USER_INPUT",
            "`hops` is 9; it may be 0 to 4",
        ),
        (
            asked(&format!("paths: [{}]", "\"a\" ".repeat(51))),
            "BAD_USER_INPUT",
            "`paths` has 51 entries",
        ),
        (
            format!(r#"{{ diff(from: "{DAY}5Z", to: "{DAY}4Z") {{ nodes {{ op }} }} }}"#),
            "BAD_USER_INPUT",
            "turned round",
        ),
        (
            r#"{ diff(from: "2020-01-01T00:00:00Z") { nodes { op } } }"#.to_owned(),
            "HISTORY_EXPIRED",
            "since",
        ),
        (
            "{ timeline(buckets: 0) { bucketSeconds } }".to_owned(),
            "BAD_USER_INPUT",
            "`buckets` is 0; it may be 1 to 500",
        ),
        (
            format!(r#"{{ changes {{ nodes {{ op }} }} assets(asOf: "{DAY}1Z") {{ nodes {{ id }} }} }}"#),
            "BAD_USER_INPUT",
            "one version of the graph",
        ),
    ] {
        let (found, message) = app.refusal(&query).await;
        assert_eq!(found, code, "{query}: {message}");
        assert!(message.contains(said), "{query}: {message}");
    }
    // A page that was begun before retention took its rest away.
    let page = |after: &str| {
        format!(
            r#"{{ changes(first: 2, filter: {{ from: "{DAY}0Z", status: true }}{after}) {{ pageInfo {{ endCursor }} }} }}"#
        )
    };
    let cursor = text(&app.ask(&page("")).await["changes"]["pageInfo"]["endCursor"]);
    while app.store.retain(second(3), 100).await.unwrap().more {}
    let (code, message) = app.refusal(&page(&format!(r#", after: "{cursor}""#))).await;
    assert_eq!(code, "HISTORY_EXPIRED", "{message}");
    let since = app.ask("{ sync { store { historySince changes } } }").await;
    assert_eq!(since["sync"]["store"]["historySince"], format!("{DAY}3Z"));
    let kept = app.ask("{ changes { nodes { at } } }").await;
    assert_eq!(
        each(&kept["changes"]["nodes"], "at").len(),
        4,
        "7, 6, 4 and 3: what is kept is told"
    );
}
