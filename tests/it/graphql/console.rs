//! The console is served whole, offline and small.

use super::app::{App, text};
use axum::body::Body;
use axum::http::Request;

#[tokio::test]
async fn the_console_needs_no_other_server_and_says_so_to_the_browser() {
    let app = App::new().await;
    let mut size = 0;
    for (path, content) in [
        ("/graphiql", "text/html; charset=utf-8"),
        ("/graphiql/console.css", "text/css; charset=utf-8"),
        ("/graphiql/console.js", "text/javascript; charset=utf-8"),
    ] {
        let reply = app.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], content);
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("http"),
            "{policy}"
        );
        let file = text(&reply.body);
        assert!(
            !file.contains("://") && !file.contains("url(") && !file.contains("innerHTML"),
            "{path}"
        );
        // The policy allows no scripts or styles inside the page.
        assert!(
            !file.contains("onclick=") && !file.contains("style=") && !file.contains("<style"),
            "{path}"
        );
        size += file.len();
    }
    assert!(size < 40_000, "{size} bytes");
}

#[tokio::test]
async fn the_root_leads_to_the_console() {
    let app = App::new().await;
    let reply = app.send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.headers["location"].to_str().unwrap()),
        (307, "/graphiql")
    );
}

#[tokio::test]
async fn every_example_of_the_console_is_answered() {
    let app = App::new().await;
    let script = text(
        &app.send(Request::get("/graphiql/console.js").body(Body::empty()).unwrap())
            .await
            .body,
    );
    let start = script.find("const EXAMPLES").unwrap();
    let end = script.find("const INTROSPECTION").unwrap();
    let queries: Vec<&str> = script[start..end].split('`').skip(1).step_by(2).collect();
    assert!(queries.len() >= 5);
    for query in queries {
        let variables = serde_json::json!({ "name": "db", "namespace": "shop", "cluster": "prod" });
        let query = query.replace("name: $name", "name: \"cart\"");
        let query = query.replace(
            "query Around($cluster: String!, $namespace: String!, $name: String!)",
            "query Around($cluster: String!, $namespace: String!)",
        );
        app.ask_with(&query, variables).await;
    }
    let introspection = script[end..].split('`').nth(1).unwrap();
    let schema = app.ask(introspection).await;
    assert_eq!(schema["__schema"]["queryType"]["name"], "Query");
}
