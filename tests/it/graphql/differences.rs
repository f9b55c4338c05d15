//! What differs between two instants, how much changed when, and the incarnations under one name.

use super::app::text;
use super::changes::{DAY, living, second};
use super::fleet::{self, Changes, at, edge, pod};
use planisphere_schema::attributes::PodAttributes;
use planisphere_schema::{Asset, Detail, Kind, RelationKind};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_diff_tells_what_stayed_different_and_nothing_else() {
    let app = living().await;
    let diff = |what: &str| {
        format!(
            "{{ diff({what}) {{ truncated from to nodes {{ op newIncarnation asset {{ name }} fields {{ path before after }}
                edgesStarted {{ target {{ name }} }} edgesEnded {{ target {{ name }} }} }} }} }}"
        )
    };
    let names = |found: &Value| -> Vec<String> {
        let nodes = found["diff"]["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|d| {
                format!(
                    "{} {}",
                    d["op"].as_str().unwrap_or("EDGES"),
                    text(&d["asset"]["name"])
                )
            })
            .collect()
    };
    // The brief pod came and went: no difference.
    let all = app.ask(&diff(&format!(r#"from: "{DAY}0Z""#))).await;
    assert_eq!(names(&all), ["UPDATE map-00", "UPDATE node-a", "UPDATE db"]);
    assert_eq!(
        all["diff"]["nodes"][1]["fields"],
        json!([{ "path": "zone", "before": "z1", "after": "z9" }])
    );
    assert_eq!(all["diff"]["nodes"][0]["newIncarnation"], true);
    let all = app.ask(&diff(&format!(r#"from: "{DAY}0Z", status: true"#))).await;
    assert_eq!(
        names(&all),
        ["UPDATE map-00", "UPDATE node-a", "UPDATE db", "EDGES cart"]
    );
    let between = app
        .ask(&diff(&format!(r#"from: "{DAY}2Z", to: "{DAY}3Z""#)))
        .await;
    assert_eq!(names(&between), ["CREATE brief"]);
    let back = app
        .ask(&diff(&format!(
            r#"from: "{DAY}3Z", to: "{DAY}4Z", scope: {{ kind: {{ eq: "Pod" }} }}"#
        )))
        .await;
    assert_eq!(names(&back), ["DELETE brief"]);
    assert_eq!(
        back["diff"]["nodes"][0]["edgesEnded"],
        json!([{ "target": { "name": "node-a" } }])
    );
    // What passes the filter at one instant alone has not come or gone.
    let labelled = app
        .ask(&diff(&format!(
            r#"from: "{DAY}0Z", scope: {{ label: {{ key: "ready" }} }}"#
        )))
        .await;
    assert_eq!(names(&labelled), ["UPDATE db"]);
    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let query = format!(
            r#"{{ diff(first: 1, from: "{DAY}0Z", status: true{after}) {{ nodes {{ op asset {{ name }} }} pageInfo {{ hasNextPage endCursor }} }} }}"#
        );
        let found = app.ask(&query).await;
        paged.extend(names(&found));
        if found["diff"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(r#", after: "{}""#, text(&found["diff"]["pageInfo"]["endCursor"]));
    }
    assert_eq!(paged, names(&all));
}

#[tokio::test]
async fn a_timeline_counts_each_change_once_in_its_bucket() {
    let app = living().await;
    let found = app
        .ask(&format!(
            r#"{{ timeline(buckets: 5, filter: {{ from: "{DAY}0.500Z", to: "{DAY}8Z", status: true }}) {{ from to bucketSeconds countedFrom
                 buckets {{ from created updated deleted redrawn }} }} }}"#
        ))
        .await;
    let timeline = &found["timeline"];
    assert_eq!(
        (&timeline["bucketSeconds"], &timeline["countedFrom"]),
        (&json!(1.5), &Value::Null)
    );
    let counts: Vec<_> = timeline["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| ["created", "updated", "deleted", "redrawn"].map(|f| b[f].as_u64().unwrap()))
        .collect();
    // From .5, 2, 3.5, 5 and 6.5 on.
    assert_eq!(
        counts,
        [
            [0, 1, 0, 0],
            [1, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 1, 0, 1],
            [0, 1, 0, 0]
        ]
    );
}

#[tokio::test]
async fn the_history_of_a_name_tells_its_incarnations_apart() {
    let app = living().await;
    let b = pod("cart-1-b");
    let mut c = Changes::default();
    c.delete(b.clone());
    c.apply(&*app.store, fleet::prod(), second(8)).await;
    let mut again = Asset::named(b.clone());
    again.uid = Uuid::from_u128(5);
    again.attributes = PodAttributes::default().into();
    let detail = Detail::default();
    let edges = vec![edge(
        &b,
        RelationKind::RunsOn,
        &at(Kind::Node, "", "node-b"),
        detail,
    )];
    Changes::default()
        .put_asset(again, edges)
        .apply(&*app.store, fleet::prod(), second(9))
        .await;
    let id = b.id();
    let found = app
        .ask(&format!(
            r#"{{ node(id: "{id}") {{ history {{ nodes {{ at op uid newIncarnation }} }} }} }}"#
        ))
        .await;
    let (old, new) = (fleet::uid(&b).to_string(), Uuid::from_u128(5).to_string());
    assert_eq!(
        found["node"]["history"]["nodes"],
        json!([
            { "at": format!("{DAY}9Z"), "op": "CREATE", "uid": new, "newIncarnation": true },
            { "at": format!("{DAY}8Z"), "op": "DELETE", "uid": old, "newIncarnation": false },
            { "at": format!("{DAY}0Z"), "op": "CREATE", "uid": old, "newIncarnation": true },
        ])
    );
}
