//! Who answers for what: the order of claims, inheritance, conflicts, rules from files and by hand.

use crate::graphql::app::{App, text};
use crate::impact::world::{store_of, uid};
use planisphere::owners::Owners;
use planisphere::store::Store;
use serde_json::{Value, json};
use std::sync::Arc;

fn meta(namespace: Option<&str>, name: &str, labels: Value, annotations: Value) -> Value {
    json!({"name": name, "namespace": namespace, "uid": uid(name), "resourceVersion": "5",
        "labels": labels, "annotations": annotations})
}

fn owned_by(mut metadata: Value, api: &str, kind: &str, name: &str) -> Value {
    metadata["ownerReferences"] =
        json!([{"apiVersion": api, "kind": kind, "name": name, "uid": uid(name), "controller": true}]);
    metadata
}

/// A pod under a ReplicaSet under a Deployment in a namespace; each level's labels as given.
fn objects(pod: Value, deployment: Value, namespace: Value) -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta(None, "shop", namespace, Value::Null)}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(Some("shop"), "cart",
            deployment, json!({"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"})), "spec": {}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {},
            "metadata": owned_by(meta(Some("shop"), "cart-1", Value::Null, Value::Null), "apps/v1", "Deployment", "cart")}),
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": []},
            "metadata": owned_by(meta(Some("shop"), "cart-1-a", pod, Value::Null), "apps/v1", "ReplicaSet", "cart-1")}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta(Some("shop"), "db", Value::Null, Value::Null)}),
    ]
}

async fn app(objects: &[Value]) -> App {
    let mut app = App::new().await;
    let store: Arc<dyn Store> = store_of(objects).await;
    app.store = store;
    app
}

async fn ownership(app: &App, kind: &str, name: &str) -> Value {
    let query = format!(
        r#"{{ asset(ref: {{key: {{cluster: "prod", kind: "{kind}", namespace: "shop", name: "{name}"}}}}) {{ ownership {{
            owner {{ name reference contacts {{ channel address }} }}
            claim {{ source level evidence weak rule via {{ kind name }} }}
            conflicts {{ owner {{ name }} rank source }} controllers {{ kind name }}
            applications {{ source name namespace via {{ name }} }} }} }} }}"#
    );
    app.ask(&query).await["asset"]["ownership"].clone()
}

fn owner(ownership: &Value) -> String {
    text(&ownership["owner"]["name"])
}

#[tokio::test]
async fn the_nearest_level_wins_and_others_that_name_somebody_else_are_conflicts() {
    let team = |name: &str| json!({ "team": name });
    let all = app(&objects(team("pods"), team("carts"), team("shops"))).await;
    let found = ownership(&all, "Pod", "cart-1-a").await;
    assert_eq!(owner(&found), "pods");
    assert_eq!(
        (&found["claim"]["level"], &found["claim"]["source"]),
        (&json!("OWN"), &json!("LABEL"))
    );
    let conflicts = json!([
        {"owner": {"name": "carts"}, "rank": 2, "source": "LABEL"},
        {"owner": {"name": "shops"}, "rank": 3, "source": "LABEL"},
    ]);
    assert_eq!(found["conflicts"], conflicts);
    assert_eq!(
        found["controllers"],
        json!([{"kind": "ReplicaSet.apps", "name": "cart-1"}, {"kind": "Deployment.apps", "name": "cart"}])
    );
    let above = app(&objects(Value::Null, team("carts"), team("shops"))).await;
    let found = ownership(&above, "Pod", "cart-1-a").await;
    assert_eq!(
        (owner(&found).as_str(), &found["claim"]["evidence"]),
        ("carts", &json!("label team=carts on Deployment.apps shop/cart"))
    );
    assert_eq!(owner(&ownership(&above, "Secret", "db").await), "shops");
    let none = app(&objects(Value::Null, Value::Null, Value::Null)).await;
    assert_eq!(ownership(&none, "Pod", "cart-1-a").await["owner"], Value::Null);
}

#[tokio::test]
async fn on_one_object_owner_comes_before_team_and_an_application_is_used_last() {
    let labels = json!({"owner": "ann", "team": "carts", "backstage.io/owner": "group_carts", "app.kubernetes.io/part-of": "shop"});
    let found = ownership(
        &app(&objects(Value::Null, labels, Value::Null)).await,
        "Deployment.apps",
        "cart",
    )
    .await;
    assert_eq!(owner(&found), "ann");
    let names: Vec<String> = found["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| text(&c["owner"]["name"]))
        .collect();
    assert_eq!(names, ["carts", "group_carts", "shop"]);
    let part = json!({"app.kubernetes.io/part-of": "shop"});
    let weak = app(&objects(part.clone(), Value::Null, json!({"team": "shops"}))).await;
    let found = ownership(&weak, "Pod", "cart-1-a").await;
    assert_eq!(
        owner(&found),
        "shops",
        "a weak claim gives way to any level's stronger one"
    );
    let alone = app(&objects(part, Value::Null, Value::Null)).await;
    let found = ownership(&alone, "Pod", "cart-1-a").await;
    assert_eq!(
        (owner(&found).as_str(), &found["claim"]["weak"]),
        ("shop", &json!(true))
    );
    let applications = json!([
        {"source": "PART_OF", "name": "shop", "namespace": null, "via": {"name": "cart-1-a"}},
        {"source": "HELM_RELEASE", "name": "shop", "namespace": "shop", "via": {"name": "cart"}},
    ]);
    assert_eq!(found["applications"], applications);
}

#[tokio::test]
async fn rules_of_files_are_stronger_than_labels_and_those_set_by_hand_than_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.yaml");
    let rules = "rules:\n- {name: low, priority: 1, match: {namespace: shop}, owner: low}\n- {name: high, priority: 9, match: {namespace: 'sh*'}, owner: 'group:default/high'}\nowners: {high: {email: high@example.org}}\n";
    std::fs::write(&path, rules).unwrap();
    let mut app = app(&objects(Value::Null, json!({"team": "carts"}), Value::Null)).await;
    let open = || Owners::open(std::slice::from_ref(&path), vec![], Some(folder.path())).unwrap();
    app.owners = Arc::new(open());
    let found = ownership(&app, "Deployment.apps", "cart").await;
    assert_eq!(
        (owner(&found).as_str(), &found["claim"]["rule"]),
        ("high", &json!("high"))
    );
    assert_eq!(
        found["owner"]["contacts"],
        json!([{"channel": "email", "address": "high@example.org"}])
    );
    let names: Vec<String> = found["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| text(&c["owner"]["name"]))
        .collect();
    assert_eq!(names, ["low", "carts"]);

    let set = r#"mutation { setOwner(asset: {key: {cluster: "prod", kind: "Deployment.apps", namespace: "shop", name: "cart"}},
        owner: "me", reason: "I am on call") { owner { name } claim { source } } }"#;
    let set = app.ask(set).await["setOwner"].clone();
    assert_eq!(
        set,
        json!({"owner": {"name": "me"}, "claim": {"source": "MANUAL"}})
    );
    // What was set by hand outlives the process.
    app.owners = Arc::new(open());
    assert_eq!(owner(&ownership(&app, "Deployment.apps", "cart").await), "me");
    assert_eq!(
        owner(&ownership(&app, "Pod", "cart-1-a").await),
        "high",
        "rules match the pod itself, which is nearer"
    );
}

#[tokio::test]
async fn a_dry_run_shows_what_a_rule_would_do_and_does_nothing() {
    let app = app(&objects(Value::Null, json!({"team": "carts"}), Value::Null)).await;
    let ask = |dry: &str| {
        format!(
            r#"mutation {{ upsertOwnershipRule(name: "secrets", priority: 5, match: {{namespace: "shop", kind: "Secret"}}, owner: "vault"{dry}) {{
                applied matches changes complete changed {{ asset {{ name }} before {{ name }} after {{ name }} }} rule {{ name file }} }} }}"#
        )
    };
    let dry = app.ask(&ask("")).await["upsertOwnershipRule"].clone();
    assert_eq!(
        dry,
        json!({"applied": false, "matches": 1, "changes": 1, "complete": true, "rule": {"name": "secrets", "file": null},
            "changed": [{"asset": {"name": "db"}, "before": null, "after": {"name": "vault"}}]})
    );
    assert_eq!(ownership(&app, "Secret", "db").await["owner"], Value::Null);
    let done = app.ask(&ask(", dryRun: false")).await["upsertOwnershipRule"].clone();
    assert_eq!(done["applied"], true);
    assert_eq!(owner(&ownership(&app, "Secret", "db").await), "vault");
    app.ask(r#"mutation { deleteOwnershipRule(name: "secrets") }"#)
        .await;
    assert_eq!(ownership(&app, "Secret", "db").await["owner"], Value::Null);
    let (code, _) = app
        .refusal(r#"mutation { deleteOwnershipRule(name: "secrets") }"#)
        .await;
    assert_eq!(code, "NOT_FOUND");
}

#[tokio::test]
async fn a_rule_for_everything_is_refused_and_so_is_a_change_by_get() {
    let app = app(&objects(Value::Null, Value::Null, Value::Null)).await;
    let all = r#"mutation { upsertOwnershipRule(name: "all", match: {namespace: "*"}, owner: "me", dryRun: false) { applied } }"#;
    let (code, told) = app.refusal(all).await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(told.contains("matches everything"), "{told}");
    let uri = "/graphql?query=mutation%20%7B%20deleteOwnershipRule(name:%20%22x%22)%20%7D";
    let request = axum::http::Request::get(uri)
        .body(axum::body::Body::empty())
        .unwrap();
    let reply = app.send(request).await;
    assert!(
        text(&reply.body["errors"][0]["message"]).contains("POST"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn what_somebody_owns_and_what_nobody_owns_are_found_with_all_that_inherits() {
    let app = app(&objects(Value::Null, json!({"team": "carts"}), Value::Null)).await;
    let carts = app
        .ask(r#"{ owned(owner: "group:default/carts") { nodes { name } pageInfo { hasNextPage } } }"#)
        .await;
    let names: Vec<String> = carts["owned"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| text(&n["name"]))
        .collect();
    assert_eq!(names, ["cart", "cart-1-a", "cart-1"]);
    let query = r#"query($after: String) { unowned(filter: {kind: {in: ["Secret", "Namespace", "Pod"]}}, first: 1, after: $after) {
        nodes { name } pageInfo { hasNextPage endCursor } } }"#;
    let first = app.ask_with(query, json!({})).await["unowned"].clone();
    assert_eq!(first["nodes"], json!([{"name": "shop"}]));
    let rest = app
        .ask_with(query, json!({"after": first["pageInfo"]["endCursor"]}))
        .await["unowned"]
        .clone();
    assert_eq!(
        (&rest["nodes"], &rest["pageInfo"]["hasNextPage"]),
        (&json!([{"name": "db"}]), &json!(false))
    );
    let counts = app
        .ask("{ owners { counts { owner { name } assets } complete } }")
        .await["owners"]
        .clone();
    assert_eq!(
        counts,
        json!({"counts": [{"owner": {"name": "carts"}, "assets": 1}], "complete": true})
    );
}
