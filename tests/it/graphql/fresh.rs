//! Every answer tells how fresh and how complete it is, and of which clusters.

use super::app::{App, NOW, text};
use super::fleet::{self, pod};
use planisphere_schema::{Coverage, Kind};
use planisphere_sync::status::SyncStatus;
use serde_json::{Value, json};

const FRESHNESS: &str = "freshness { asOf version complete maxLagSeconds staleClusters { cluster reason asOf lagSeconds error } incomplete { cluster kind reason } }";

async fn everywhere(app: &App) -> Value {
    app.ask(&format!("{{ assets {{ {FRESHNESS} }} }}")).await["assets"]["freshness"].clone()
}

#[tokio::test]
async fn a_live_graph_is_complete_and_says_as_of_when_also_outside_of_the_data() {
    let app = App::new().await;
    let reply = app.try_ask(&format!("{{ assets {{ {FRESHNESS} }} }}")).await;
    let freshness = &reply.body["data"]["assets"]["freshness"];
    assert_eq!(
        *freshness,
        json!({ "asOf": "2026-11-24T00:00:10Z", "version": freshness["version"], "complete": true, "maxLagSeconds": 2.0,
                "staleClusters": [], "incomplete": [] })
    );
    assert!(text(&freshness["version"]).len() > 40);
    assert_eq!(reply.body["extensions"]["freshness"], *freshness);
    let mut changes = fleet::Changes::default();
    changes
        .delete(pod("orphan"))
        .apply(&*app.store, fleet::lab(), NOW)
        .await;
    assert_ne!(everywhere(&app).await["version"], freshness["version"]);
}

#[tokio::test]
async fn every_reason_for_staleness_is_told() {
    let app = App::new().await;
    app.status.update("prod", |s| {
        s.reachable = false;
        s.error = Some("connection refused".to_owned());
    });
    app.status
        .update_kind("lab", Kind::Pod, |k| k.fresh_ms = Some(NOW - 500_000));
    let freshness = everywhere(&app).await;
    assert_eq!(
        (&freshness["complete"], &freshness["maxLagSeconds"]),
        (&json!(false), &json!(500.0))
    );
    assert_eq!(
        freshness["staleClusters"],
        json!([
            { "cluster": "lab", "reason": "LAGGING", "asOf": "2026-11-23T23:51:50Z", "lagSeconds": 500.0, "error": null },
            { "cluster": "prod", "reason": "UNREACHABLE", "asOf": "2026-11-24T00:00:08Z", "lagSeconds": 2.0, "error": "connection refused" },
        ])
    );
    app.status.update("prod", |s| s.configured = false);
    app.status.update("lab", |s| s.dump = true);
    // Configured, but never reached: not in the graph at all.
    app.status.add("edge");
    let freshness = everywhere(&app).await;
    let reasons: Vec<_> = freshness["staleClusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| json!([s["cluster"], s["reason"]]))
        .collect();
    assert_eq!(
        json!(reasons),
        json!([["lab", "DUMP"], ["prod", "UNCONFIGURED"], ["edge", "UNREACHABLE"]])
    );
    assert_eq!(
        freshness["maxLagSeconds"],
        Value::Null,
        "of edge nothing was ever proven"
    );
}

#[tokio::test]
async fn what_only_the_store_remembers_is_not_taken_for_the_present() {
    let mut app = App::new().await;
    app.status = SyncStatus::default();
    let freshness = everywhere(&app).await;
    assert_eq!(
        freshness["staleClusters"][1],
        json!({ "cluster": "prod", "reason": "UNCONFIGURED", "asOf": "2026-11-24T00:00:00Z", "lagSeconds": 10.0, "error": null })
    );
    let sync = app
        .ask("{ sync { clusters { name configured reachable kinds { kind coverage } } } }")
        .await;
    assert_eq!(
        sync["sync"]["clusters"][1],
        json!({ "name": "prod", "configured": false, "reachable": false,
                "kinds": [{ "kind": "Pod", "coverage": "WATCHED" }, { "kind": "Service", "coverage": "WATCHED" }] })
    );
}

#[tokio::test]
async fn kinds_that_may_be_missing_are_named_but_not_those_that_nobody_wants_or_serves() {
    let app = App::new().await;
    let cover = |kind, coverage| app.status.update_kind("prod", kind, |k| k.coverage = coverage);
    cover(Kind::Secret, Some(Coverage::Denied));
    cover(Kind::Job, Some(Coverage::Excluded));
    cover(Kind::Ingress, Some(Coverage::Absent));
    cover(Kind::Node, Some(Coverage::Watched));
    cover(Kind::Namespace, None);
    let freshness = everywhere(&app).await;
    assert_eq!(freshness["complete"], false);
    let mut gaps = freshness["incomplete"].as_array().unwrap().clone();
    gaps.sort_by_key(|g| text(&g["kind"]));
    assert_eq!(
        json!(gaps),
        json!([
            { "cluster": "prod", "kind": "Namespace", "reason": "LISTING" },
            { "cluster": "prod", "kind": "Node", "reason": "LISTING" },
            { "cluster": "prod", "kind": "Secret", "reason": "DENIED" },
        ])
    );
    assert_eq!(freshness["staleClusters"], json!([]));
}

#[tokio::test]
async fn an_answer_about_one_cluster_is_not_blamed_for_another() {
    let app = App::new().await;
    app.status.update("lab", |s| s.reachable = false);
    let id = pod("cart-1-a").id();
    let found = app
        .ask(&format!(
            r#"{{
              all: assets(first: 1) {{ freshness {{ complete }} }}
              prod: assets(first: 1, filter: {{ cluster: {{ eq: "prod" }}, kind: {{ eq: "Pod" }} }}) {{ freshness {{ complete }} }}
              identity: assets(first: 1, filter: {{ cluster: {{ eq: "{}" }} }}) {{ freshness {{ complete }} }}
              other: assets(first: 1, filter: {{ not: {{ cluster: {{ eq: "lab" }} }} }}) {{ freshness {{ complete }} }}
              node(id: "{id}") {{ edges {{ freshness {{ complete }} }} history {{ freshness {{ complete }} }} }}
              topology(roots: [{{ id: "{id}" }}]) {{ freshness {{ complete }} }}
              path(from: {{ id: "{id}" }}, to: {{ id: "{id}" }}) {{ freshness {{ complete }} }}
            }}"#,
            fleet::prod().id
        ))
        .await;
    let complete = |value: &Value| value["freshness"]["complete"] == true;
    assert!(!complete(&found["all"]));
    for field in ["prod", "identity", "topology", "path"] {
        assert!(complete(&found[field]), "{field}");
    }
    assert!(complete(&found["node"]["edges"]) && complete(&found["node"]["history"]));
    // What a negation leaves out is not worked out: better blamed too often than too rarely.
    assert!(!complete(&found["other"]));
}
