//! Questions about an instant: answered as they were answered then, in all fields of a request, or refused.

use super::app::{App, each, text};
use super::fleet::{self, Changes, START, at, plain, pod};
use planisphere_schema::attributes::NodeAttributes;
use planisphere_schema::{Kind, RelationKind};
use serde_json::{Value, json};

/// Root fields that speak of no instant, or of a window.
const WITHOUT: &[&str] = &[
    "sync",
    "ownershipRules",
    "export",
    "changes",
    "feed",
    "timeline",
    "diff",
];

/// The root fields with all that they answer; `@` stands where the instant goes.
fn questions() -> Vec<String> {
    let asset = "id uid kind namespace name version labels createdAt dangling";
    let cart = r#"{ key: { cluster: "prod", kind: "Service", namespace: "shop", name: "cart" } }"#;
    let node = r#"{ key: { cluster: "prod", kind: "Node", name: "node-a" } }"#;
    let a = pod("cart-1-a").id();
    let b = pod("cart-1-b").id();
    vec![
        format!("node(id: \"{b}\"@) {{ {asset} history {{ nodes {{ op version fields {{ path before after }} }} }} }}"),
        format!("nodes(ids: [\"{a}\", \"{b}\"]@) {{ {asset} edges {{ totalCount {{ value }} }} }}"),
        format!(
            "asset(ref: {cart}@) {{ {asset} ownership {{ owner {{ name }} }} ... on Service {{ instances {{ edges {{ ready serving
               node {{ ... on Pod {{ name uid phase }} }} }} }} }} }}"
        ),
        format!(
            "assets(first: 100, filter: {{ namespace: {{ ne: \"bulk\" }} }}@) {{ totalCount {{ value exact }} nodes {{ {asset}
               ... on Node {{ ready zone }} edges(first: 20) {{ nodes {{ id }} }} }} }}"
        ),
        "facets(by: [{ by: KIND }, { by: NAMESPACE }]@) { buckets { value count sub { value count } } }".to_owned(),
        format!(
            "topology(roots: [{cart}], expand: {{ maxDepth: 4 }}@) {{ nodes {{ depth asset {{ id dangling }} }}
               edges {{ relation source {{ id }} target {{ id }} }} truncation {{ reason }} }}"
        ),
        format!("path(from: {{ id: \"{b}\" }}, to: {node}@) {{ found length nodes {{ id }} }}"),
        format!(
            "impact(input: {{ failed: {{ nodes: [{node}] }} }}@) {{ failedPods {{ value }} services(first: 10) {{ nodes {{ state reason
               service {{ name }} instancesBefore instancesLost instancesLeft }} }} }}"
        ),
        format!("drainPlan(nodes: [{node}]@) {{ possible waves {{ nodes {{ name }} }} obstacles {{ reason }} }}"),
        format!("why(ref: {cart}@) {{ trouble lookedAt suspects {{ asset {{ id }} trouble changedAt distance }} }}"),
        "standingRisks(first: 20@) { nodes { kind service { name } on { id } } }".to_owned(),
        "owners(@) { counts { assets owner { name } } }".to_owned(),
        "owned(owner: \"shop\", first: 5@) { edges { node { id } } }".to_owned(),
        "unowned(filter: { kind: { eq: \"Pod\" } }@) { edges { node { id } } }".to_owned(),
    ]
}

fn with(question: &str, argument: &str) -> String {
    let all = format!("{{ {} }}", question.replace('@', argument));
    all.replace("(,", "(").replace("()", "")
}

async fn answers(app: &App, argument: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    for question in questions() {
        let mut reply = app.try_ask(&with(&question, argument)).await;
        // What is not there is an error of its own, which must be the same too.
        let errors = reply.body["errors"].take();
        let known = [Value::Null, json!("NOT_FOUND")];
        assert!(
            known.contains(&errors[0]["extensions"]["code"]),
            "{question}: {errors}"
        );
        answers.push(json!([
            with(&question, ""),
            reply.body["data"],
            errors[0]["message"]
        ]));
    }
    answers
}

/// What happens, a second apart.
async fn happen(app: &App, second: usize) {
    let mut c = Changes::default();
    let (a, b) = (pod("cart-1-a"), pod("cart-1-b"));
    match second {
        1 => {
            c.delete(b);
            fleet::slice(
                &mut c,
                "cart-v4",
                vec![fleet::endpoint(&a, "10.0.0.1", None, Some(fleet::uid(&a)))],
            );
        }
        2 => {
            c.plain(
                b.clone(),
                vec![plain(&b, RelationKind::RunsOn, &at(Kind::Node, "", "node-a"))],
            );
        }
        3 => {
            let attributes = NodeAttributes {
                zone: Some("z2".to_owned()),
                ready: Some("False".to_owned()),
                ..NodeAttributes::default()
            };
            let node = at(Kind::Node, "", "node-a");
            let edges = vec![plain(&node, RelationKind::InZone, &at(Kind::Zone, "", "z2"))];
            c.put(node, attributes, edges);
        }
        4 => {
            c.delete(at(Kind::Secret, "shop", "db"));
            c.delete(at(Kind::Service, "shop", "cart"));
        }
        _ => {
            c.plain(at(Kind::Service, "shop", "cart"), vec![]);
        }
    }
    c.apply(&*app.store, fleet::prod(), START + second as i64 * 1_000)
        .await;
}

#[tokio::test]
async fn every_question_is_answered_as_it_was_then() {
    let app = App::new().await;
    let mut then = vec![answers(&app, "").await];
    for second in 1..=5 {
        happen(&app, second).await;
        then.push(answers(&app, "").await);
    }
    for (second, then) in then.iter().enumerate().rev() {
        for part in ["", ".5", ".999"] {
            let argument = format!(", asOf: \"2026-11-24T00:00:0{second}{part}Z\"");
            assert_eq!(answers(&app, &argument).await, *then, "second {second}{part}");
        }
    }
    let differ = |i: usize| then.iter().any(|all| all[i] != then[0][i]);
    let same: Vec<String> = (0..questions().len())
        .filter(|i| !differ(*i))
        .map(|i| questions()[i].clone())
        .collect();
    // Nobody owns anything in this fleet, then or now.
    assert!(
        same.iter().all(|q| q.starts_with("owned")),
        "these never changed: {same:?}"
    );
}

#[tokio::test]
async fn every_question_takes_an_instant() {
    let app = App::new().await;
    let schema = app
        .ask("{ __schema { queryType { fields { name args { name } } } } }")
        .await;
    let fields = schema["__schema"]["queryType"]["fields"]
        .as_array()
        .unwrap()
        .clone();
    let asked: Vec<String> = questions()
        .iter()
        .map(|q| q.split('(').next().unwrap().to_owned())
        .collect();
    for field in fields {
        let name = text(&field["name"]);
        let takes = each(&field["args"], "name").contains(&"asOf".to_owned());
        assert_eq!(takes, !WITHOUT.contains(&name.as_str()), "{name}");
        assert!(
            !takes || asked.contains(&name),
            "{name} is not compared with what was answered then"
        );
    }
}

#[tokio::test]
async fn an_answer_about_the_past_says_as_of_when() {
    let app = App::new().await;
    happen(&app, 1).await;
    let reply = app
        .try_ask(r#"{ assets(asOf: "2026-11-24T00:00:00.25Z") { freshness { asOf complete maxLagSeconds staleClusters { cluster } } } }"#)
        .await;
    let freshness = json!({ "asOf": "2026-11-24T00:00:00.25Z", "complete": true, "maxLagSeconds": 0.0, "staleClusters": [] });
    assert_eq!(reply.body["data"]["assets"]["freshness"], freshness);
    assert_eq!(
        reply.body["extensions"]["freshness"]["asOf"],
        "2026-11-24T00:00:00.25Z"
    );
    // What was never proven up to that instant is stale then too.
    app.status.update("lab", |s| s.reachable = false);
    app.status
        .update_kind("lab", Kind::Pod, |k| k.fresh_ms = Some(START - 60_000));
    let stale = app
        .ask(r#"{ assets(asOf: "2026-11-24T00:00:01Z") { freshness { complete staleClusters { cluster reason } } } }"#)
        .await;
    assert_eq!(
        stale["assets"]["freshness"],
        json!({ "complete": false, "staleClusters": [{ "cluster": "lab", "reason": "UNREACHABLE" }] })
    );
}

#[tokio::test]
async fn a_cluster_that_was_not_mirrored_yet_is_named() {
    let app = App::new().await;
    let late = planisphere_schema::Cluster {
        id: planisphere_schema::ClusterId(uuid::Uuid::from_u128(3)),
        name: "late".to_owned(),
    };
    let map = planisphere_schema::AssetRef::new(late.id, Kind::ConfigMap, "shop", "one");
    Changes::default()
        .plain(map, vec![])
        .apply(&*app.store, late, START + 5_000)
        .await;
    let found = app
        .ask(
            r#"{ assets(asOf: "2026-11-24T00:00:04Z", filter: { cluster: { eq: "late" } }) {
                    nodes { id } freshness { complete staleClusters { cluster reason } } } }"#,
        )
        .await;
    assert_eq!(
        found["assets"],
        json!({ "nodes": [], "freshness": { "complete": false, "staleClusters": [{ "cluster": "late", "reason": "UNKNOWN" }] } })
    );
}

#[tokio::test]
async fn one_request_is_about_one_instant() {
    let app = App::new().await;
    let (at, other) = (
        r#"asOf: "2026-11-24T00:00:01Z""#,
        r#"asOf: "2026-11-24T00:00:02Z""#,
    );
    let count = "{ totalCount { value } }";
    for query in [
        format!("{{ a: assets({at}) {count} b: assets({other}) {count} }}"),
        format!("{{ a: assets({at}) {count} b: assets {count} }}"),
        format!("{{ a: assets({at}) {count} ...F }} fragment F on Query {{ b: assets {count} }}"),
        format!("{{ a: assets({at}) {count} ... {{ b: assets({other}) {count} }} }}"),
        format!("query($t: Instant) {{ a: assets({at}) {count} b: assets(asOf: $t) {count} }}"),
        format!(
            "query($t: Instant = \"2026-11-24T00:00:02Z\") {{ a: assets({at}) {count} b: assets(asOf: $t) {count} }}"
        ),
    ] {
        let (code, message) = app.refusal(&query).await;
        assert_eq!(code, "BAD_USER_INPUT", "{query}");
        assert!(message.contains("one version of the graph"), "{message}");
    }
    // The same instant in other words, beside what has none.
    let same = r#"asOf: "2026-11-24T01:00:01+01:00""#;
    app.ask(&format!(
        "{{ a: assets({at}) {count} b: assets({same}) {count} sync {{ version }} __typename }}"
    ))
    .await;
    app.ask_with(
        &format!("query($t: Instant) {{ a: assets(asOf: $t) {count} b: assets {count} }}"),
        json!({ "t": null }),
    )
    .await;
}

#[tokio::test]
async fn what_is_no_instant_has_not_come_or_is_not_kept_is_never_answered_with_the_present() {
    let app = App::new().await;
    for wrong in [
        "\"yesterday\"",
        "\"\"",
        "7",
        "true",
        "\"2026-11-24\"",
        "\"2026-02-30T00:00:00Z\"",
        "NOW",
    ] {
        let (code, message) = app
            .refusal(&format!(
                "{{ assets(asOf: {wrong}) {{ totalCount {{ value }} }} }}"
            ))
            .await;
        assert_eq!(code, "BAD_USER_INPUT", "{wrong}");
        assert!(message.contains("RFC 3339"), "{wrong}: {message}");
    }
    let query = "query($t: Instant) { assets(asOf: $t) { totalCount { value } } }";
    for (instant, status, code) in [
        ("2026-11-24T00:00:10.001Z", 400, "BAD_USER_INPUT"),
        ("9999-12-30T00:00:00Z", 400, "BAD_USER_INPUT"),
        ("2026-11-23T23:59:59.999Z", 400, "HISTORY_EXPIRED"),
        ("1969-12-31T23:59:59Z", 400, "HISTORY_EXPIRED"),
    ] {
        let reply = app
            .post(json!({ "query": query, "variables": { "t": instant } }).to_string())
            .await;
        let error = &reply.body["errors"][0];
        assert_eq!(
            (reply.status.as_u16(), &error["extensions"]["code"]),
            (status, &json!(code)),
            "{instant}: {error}"
        );
        assert_eq!(reply.body.get("data"), None);
        if code == "HISTORY_EXPIRED" {
            assert_eq!(error["extensions"]["oldest"], "2026-11-24T00:00:00Z");
            assert!(
                text(&error["message"]).contains("since 2026-11-24T00:00:00Z"),
                "{error}"
            );
        }
    }
    let now = app.ask_with(query, json!({ "t": "2026-11-24T00:00:10Z" })).await;
    assert_eq!(
        now,
        app.ask(&query.replace("($t: Instant)", "").replace("(asOf: $t)", ""))
            .await
    );
}

#[tokio::test]
async fn pages_of_the_past_are_pages_of_that_instant() {
    let app = App::new().await;
    happen(&app, 1).await;
    let page = |at: &str, after: &str| {
        format!(
            r#"{{ assets(first: 4, filter: {{ namespace: {{ eq: "shop" }} }}{at}{after}) {{ nodes {{ name }} pageInfo {{ endCursor hasNextPage }} }} }}"#
        )
    };
    let at = r#", asOf: "2026-11-24T00:00:00Z""#;
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let found = app.ask(&page(at, &after)).await["assets"].take();
        names.extend(each(&found["nodes"], "name"));
        let cursor = text(&found["pageInfo"]["endCursor"]);
        let (code, _) = app.refusal(&page("", &format!(r#", after: "{cursor}""#))).await;
        assert_eq!(
            code, "CURSOR_MISMATCH",
            "a cursor of the past goes on in the past alone"
        );
        if found["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(r#", after: "{cursor}""#);
    }
    assert!(names.contains(&"cart-1-b".to_owned()), "{names:?}");
    assert_eq!(names.len(), 17, "{names:?}");
}
