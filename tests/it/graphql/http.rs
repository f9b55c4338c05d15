//! GraphQL over HTTP: forms, methods, hosts, compression.

use super::app::{App, Reply, text};
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

const QUERY: &str = "{ sync { clusters { name } } }";

async fn send(app: &App, method: Method, uri: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(body.to_owned().into()).unwrap()).await
}

fn body(query: &str) -> String {
    json!({ "query": query }).to_string()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const TELLING: (&str, &str) = (
    "accept",
    "application/graphql-response+json, application/json;q=0.9",
);

#[tokio::test]
async fn the_new_form_tells_by_status_and_the_old_one_keeps_200() {
    let app = App::new().await;
    for (query, status) in [(QUERY, 200), ("{ nonsense }", 400), ("{", 400)] {
        let new = send(&app, Method::POST, "/graphql", &[JSON, TELLING], &body(query)).await;
        assert_eq!(new.status.as_u16(), status, "{query}");
        assert_eq!(new.headers["content-type"], "application/graphql-response+json");
        let old = send(&app, Method::POST, "/graphql", &[JSON], &body(query)).await;
        assert_eq!(old.status, StatusCode::OK);
        assert_eq!(old.headers["content-type"], "application/json");
        assert_eq!(new.body, old.body);
        assert_eq!(new.body.get("data").is_some(), status == 200);
    }
}

#[tokio::test]
async fn queries_come_by_get_as_well_with_variables() {
    let app = App::new().await;
    let uri = "/graphql?query=query%20Q(%24n%3AInt!)%7Bassets(first%3A%24n)%7Bnodes%7Bcluster%7D%7D%7D&operationName=Q&variables=%7B%22n%22%3A1%7D";
    let reply = send(&app, Method::GET, uri, &[TELLING], "").await;
    assert_eq!(
        reply.body["data"],
        json!({ "assets": { "nodes": [{ "cluster": "lab" }] } })
    );
    let none = send(&app, Method::GET, "/graphql", &[TELLING], "").await;
    assert_eq!(none.status, 400);
    assert!(text(&none.body["errors"][0]["message"]).contains("no query"));
    let bad = send(
        &app,
        Method::GET,
        "/graphql?query=%7Bsync%7Bversion%7D%7D&variables=7",
        &[TELLING],
        "",
    )
    .await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn what_is_no_graphql_request_is_refused_with_the_reason() {
    let app = App::new().await;
    for (method, headers, content, status, said) in [
        (
            Method::POST,
            [JSON, TELLING],
            "[{}]".to_owned(),
            400,
            "batches are not taken",
        ),
        (Method::POST, [JSON, TELLING], "{".to_owned(), 400, "no JSON"),
        (
            Method::POST,
            [JSON, TELLING],
            "{}".to_owned(),
            400,
            "missing field `query`",
        ),
        (
            Method::POST,
            [("content-type", "text/plain"), TELLING],
            body(QUERY),
            415,
            "send application/json",
        ),
        (
            Method::POST,
            [("x-none", ""), TELLING],
            body(QUERY),
            415,
            "send application/json",
        ),
        (Method::PUT, [JSON, TELLING], body(QUERY), 405, "by POST"),
    ] {
        let reply = send(&app, method, "/graphql", &headers, &content).await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.body);
        let error = &reply.body["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
        assert!(text(&error["message"]).contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_mutation_does_not_exist() {
    let app = App::new().await;
    assert_eq!(app.refusal("mutation { drop }").await.0, "BAD_USER_INPUT");
}

#[tokio::test]
async fn only_this_machines_names_are_answered_on_loopback() {
    let mut app = App::new().await;
    app.hosts = Some(
        planisphere::api::LOOPBACK_HOSTS
            .iter()
            .map(|h| (*h).to_owned())
            .collect(),
    );
    for (host, origin, status) in [
        ("localhost:4000", None, 200),
        ("127.0.0.1:4000", Some("http://127.0.0.1:4000"), 200),
        ("[::1]:4000", None, 200),
        ("evil.example", None, 403),
        ("localhost.evil.example:4000", None, 403),
        ("localhost:4000", Some("https://evil.example"), 403),
        ("localhost:4000", Some("null"), 403),
    ] {
        let mut headers = vec![JSON, TELLING, ("host", host)];
        headers.extend(origin.map(|o| ("origin", o)));
        let reply = send(&app, Method::POST, "/graphql", &headers, &body(QUERY)).await;
        assert_eq!(reply.status.as_u16(), status, "{host} {origin:?}");
        if status == 403 {
            assert_eq!(reply.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
        }
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_take_it() {
    let app = App::new().await;
    let query = body("{ assets(first: 40) { nodes { id name kind } } }");
    let reply = send(
        &app,
        Method::POST,
        "/graphql",
        &[JSON, ("accept-encoding", "gzip")],
        &query,
    )
    .await;
    assert_eq!(reply.headers["content-encoding"], "gzip");
    let plain = send(&app, Method::POST, "/graphql", &[JSON], &query).await;
    assert!(plain.headers.get("content-encoding").is_none());
}
