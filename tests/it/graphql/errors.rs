//! Every error has a code of the closed list and says what to do; what is inside stays inside.

use super::app::{App, NOW, text};
use super::fleet::{at, pod};
use async_trait::async_trait;
use planisphere::store::{
    Applied, ChangePage, ChangeQuery, Claim, Extent, Past, Retained, Snapshot, Store, StoreError,
};
use planisphere_schema::{Batch, Cluster, Kind};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn what_cannot_be_understood_is_bad_input_and_says_what_is_known() {
    let app = App::new().await;
    let named = |cluster: &str, kind: &str, namespace: &str, name: &str| {
        format!(
            r#"{{ asset(ref: {{ key: {{ cluster: "{cluster}", kind: "{kind}", {namespace} name: "{name}" }} }}) {{ id }} }}"#
        )
    };
    let shop = r#"namespace: "shop","#;
    for (query, said) in [
        ("{ nonsense }".to_owned(), "Unknown field \"nonsense\""),
        ("{ assets(".to_owned(), "expected"),
        (
            "query A { sync { version } } query B { sync { version } }".to_owned(),
            "Operation name required",
        ),
        (
            r#"{ assets(first: "many") { nodes { id } } }"#.to_owned(),
            "expected type",
        ),
        (
            named("moon", "Pod", shop, "x"),
            "no cluster \"moon\"; known: lab, prod",
        ),
        (
            named("prod", "Gadget", shop, "one"),
            "is ambiguous: give one of Gadget.a.org, Gadget.b.org",
        ),
        (
            named("prod", "Podd", shop, "x"),
            "no kind \"Podd\"; known: Cluster, Namespace, Node, Pod",
        ),
        (
            named("prod", "Thing.none.org", shop, "x"),
            "no kind \"Thing.none.org\"",
        ),
        (named("prod", "Pod", "", "x"), "a Pod lives in a namespace"),
        (named("prod", "Node", shop, "x"), "a Node lives in no namespace"),
        (r#"{ node(id: "7") { id } }"#.to_owned(), "\"7\" is no asset id"),
        (
            r#"{ assets(filter: { kind: { eq: "Podd" } }) { nodes { id } } }"#.to_owned(),
            "no kind \"Podd\"",
        ),
        (
            r#"{ assets(filter: { not: { dangling: true } }) { nodes { id } } }"#.to_owned(),
            "at the top of a filter alone",
        ),
        (
            r#"{ assets(after: "!!") { nodes { id } } }"#.to_owned(),
            "`after` is no cursor",
        ),
        (
            "{ facets(by: [{ by: LABEL }]) { buckets { value } } }".to_owned(),
            "a LABEL facet needs `label`",
        ),
        (r#"{ asset(ref: {}) { id } }"#.to_owned(), "exactly one field"),
    ] {
        let (code, message) = app.refusal(&query).await;
        assert_eq!(code, "BAD_USER_INPUT", "{query}: {message}");
        assert!(message.contains(said), "{query}: {message}");
    }
}

#[tokio::test]
async fn a_kind_is_taken_by_its_full_name_where_the_bare_one_is_ambiguous() {
    let app = App::new().await;
    let found = app
        .ask(
            r#"{ asset(ref: { key: { cluster: "prod", kind: "gadget.A.org", namespace: "shop", name: "one" } }) { kind name }
                 assets(filter: { kind: { in: ["Gadget.a.org", "Gadget.b.org"] } }) { nodes { name } } }"#,
        )
        .await;
    assert_eq!(found["asset"], json!({ "kind": "Gadget.a.org", "name": "one" }));
    assert_eq!(
        found["assets"]["nodes"],
        json!([{ "name": "one" }, { "name": "two" }])
    );
}

#[tokio::test]
async fn an_unknown_asset_is_null_with_an_error_and_the_other_fields_are_answered() {
    let app = App::new().await;
    for (reference, said) in [
        (
            r#"key: { cluster: "prod", kind: "Pod", namespace: "shop", name: "nobody" }"#,
            "cluster \"prod\" has no shop/Pod/nobody",
        ),
        (
            r#"id: "00000000-0000-0000-0000-00000000dead""#,
            "no asset has the id",
        ),
        (
            r#"uid: "00000000-0000-0000-0000-00000000dead""#,
            "no asset has the uid",
        ),
    ] {
        let reply = app
            .try_ask(&format!(
                "{{ asset(ref: {{ {reference} }}) {{ id }} assets(first: 1) {{ nodes {{ cluster }} }} }}"
            ))
            .await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.body["data"],
            json!({ "asset": null, "assets": { "nodes": [{ "cluster": "lab" }] } })
        );
        let error = &reply.body["errors"][0];
        assert_eq!(
            (&error["extensions"]["code"], &error["path"]),
            (&json!("NOT_FOUND"), &json!(["asset"]))
        );
        assert!(text(&error["message"]).contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_question_is_refused() {
    let app = App::new().await;
    let page = app.ask("{ assets(first: 2) { pageInfo { endCursor } } }").await;
    let cursor = text(&page["assets"]["pageInfo"]["endCursor"]);
    let id = pod("cart-1-a").id();
    for query in [
        format!(r#"{{ assets(after: "{cursor}", orderBy: NAME) {{ nodes {{ id }} }} }}"#),
        format!(
            r#"{{ assets(after: "{cursor}", filter: {{ name: {{ eq: "cart" }} }}) {{ nodes {{ id }} }} }}"#
        ),
        format!(r#"{{ node(id: "{id}") {{ edges(after: "{cursor}") {{ nodes {{ id }} }} }} }}"#),
    ] {
        let (code, message) = app.refusal(&query).await;
        assert_eq!(code, "CURSOR_MISMATCH");
        assert!(message.contains("ask again without it"), "{message}");
    }
    // Another page size is the same question.
    app.ask(&format!(
        r#"{{ assets(after: "{cursor}", first: 3) {{ nodes {{ id }} }} }}"#
    ))
    .await;
}

/// A store that fails, or says one thing and does another.
struct Failing(fn() -> StoreError);

#[async_trait]
impl Past for Failing {
    async fn snapshot_at(&self, _: i64) -> Result<Arc<dyn Snapshot>, StoreError> {
        Err((self.0)())
    }

    async fn changes(&self, _: &ChangeQuery<'_>) -> Result<ChangePage, StoreError> {
        Err((self.0)())
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        Err((self.0)())
    }

    async fn retain(&self, _: i64, _: usize) -> Result<Retained, StoreError> {
        Err((self.0)())
    }

    async fn compact(&self) -> Result<bool, StoreError> {
        Err((self.0)())
    }

    fn published(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

#[async_trait]
impl Store for Failing {
    async fn claim(&self, _: &Cluster) -> Result<Claim, StoreError> {
        Err((self.0)())
    }

    async fn apply(&self, _: Batch) -> Result<Applied, StoreError> {
        Err((self.0)())
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Err((self.0)())
    }
}

#[tokio::test]
async fn a_store_that_fails_is_masked_under_the_id_of_the_request() {
    let mut app = App::new().await;
    let unavailable = || StoreError::Unavailable("bolt://user:secret@db:7687".to_owned());
    let damaged = || StoreError::Damaged {
        path: "/secret/path".to_owned(),
        reason: "x".to_owned(),
    };
    for (failure, code) in [
        (unavailable as fn() -> StoreError, "STORE_UNAVAILABLE"),
        (damaged, "INTERNAL"),
    ] {
        app.store = Arc::new(Failing(failure));
        let request = axum::http::Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .header("x-request-id", "incident-7")
            .body(json!({ "query": "{ sync { version } }" }).to_string().into());
        let reply = app.send(request.unwrap()).await;
        assert_eq!(reply.status, 503);
        let error = &reply.body["errors"][0];
        assert_eq!(
            error["extensions"],
            json!({ "code": code, "requestId": "incident-7" })
        );
        assert!(!reply.body.to_string().contains("secret"), "{}", reply.body);
    }
}

#[tokio::test]
async fn one_request_sees_one_version_while_the_graph_changes() {
    let app = App::new().await;
    let before = app.store.snapshot().await.unwrap();
    let mut changes = super::fleet::Changes::default();
    changes.delete(at(Kind::Secret, "shop", "db"));
    changes.apply(&*app.store, super::fleet::prod(), NOW).await;
    let id = at(Kind::Secret, "shop", "db").id();
    assert!(
        before.get(&[id]).await.unwrap()[0]
            .as_ref()
            .is_some_and(|r| !r.stub)
    );
    let found = app
        .ask(&format!(r#"{{ node(id: "{id}") {{ dangling }} assets(filter: {{ dangling: true, kind: {{ eq: "Secret" }} }}) {{ nodes {{ id }} freshness {{ version }} }} sync {{ version }} }}"#))
        .await;
    assert_eq!(found["node"]["dangling"], true);
    assert_eq!(found["assets"]["nodes"], json!([{ "id": id.to_string() }]));
    assert_eq!(found["assets"]["freshness"]["version"], found["sync"]["version"]);
    assert_ne!(found["sync"]["version"], Value::Null);
}

#[tokio::test]
async fn a_field_that_fails_makes_null_what_holds_it_and_is_never_just_left_out() {
    let app = App::new().await;
    let id = pod("cart-1-a").id();
    let reply = app
        .try_ask(&format!(
            r#"{{ pod: node(id: "{id}") {{ id edges(first: 900) {{ nodes {{ id }} }} }} sync {{ clusters {{ name }} }} }}"#
        ))
        .await;
    assert_eq!(
        reply.body["data"],
        json!({ "pod": null, "sync": { "clusters": [{ "name": "lab" }, { "name": "prod" }] } })
    );
    assert_eq!(reply.body["errors"][0]["path"], json!(["pod", "edges"]));
    let reply = app
        .try_ask("{ sync { clusters { name } } assets(first: 900) { nodes { id } } }")
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.body.get("data")),
        (200, Some(&Value::Null))
    );
    assert_eq!(reply.body["errors"][0]["path"], json!(["assets"]));
}
