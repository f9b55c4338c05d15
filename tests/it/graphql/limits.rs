//! Every limit refuses what is over it, says which limit and by how much, and lets through what is not.

use super::app::{App, text};
use serde_json::json;
use std::time::Duration;

/// Fields nested `levels` deep.
fn nested(levels: usize) -> String {
    let opened = "nodes { edges(first: 1) { ".repeat(levels / 2);
    format!(
        "{{ assets(first: 1) {{ {opened} {} }} }}",
        "totalCount { value }".to_owned() + &" } }".repeat(levels / 2)
    )
}

/// That a query is refused because of this limit.
async fn refused(app: &App, query: &str, code: &str, limit: &str, maximum: usize, value: usize) {
    let reply = app.try_ask(query).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let error = &reply.body["errors"][0];
    assert_eq!(
        error["extensions"],
        json!({ "code": code, "limit": limit, "maximum": maximum, "value": value }),
        "{error}"
    );
    let message = text(&error["message"]);
    assert!(
        message.contains(&format!("{} over the limit of {maximum}", value - maximum)),
        "{message}"
    );
    assert_eq!(reply.body.get("data"), None);
}

#[tokio::test]
async fn a_query_that_is_nested_too_deep_is_refused() {
    let mut app = App::new().await;
    app.limits.depth = 7;
    assert_eq!(app.try_ask(&nested(4)).await.body.get("errors"), None);
    refused(&app, &nested(6), "DEPTH_EXCEEDED", "depth", 7, 9).await;
    // Fragments do not hide depth.
    let hidden = "{ assets { nodes { ...A } } } fragment A on Asset { edges { nodes { ...B } } } fragment B on Asset { edges { nodes { edges { nodes { id } } } } }";
    refused(&app, hidden, "DEPTH_EXCEEDED", "depth", 7, 9).await;
}

#[tokio::test]
async fn a_query_that_could_resolve_too_many_fields_is_refused_before_it_runs() {
    let app = App::new().await;
    // assets, nodes, 500 edges, 500 edge lists, 500 x 500 ids.
    let query = "{ assets(first: 500) { nodes { edges(first: 500) { nodes { id } } } } }";
    refused(
        &app,
        query,
        "COST_EXCEEDED",
        "cost",
        200_000,
        1 + 1 + 500 + 500 + 250_000,
    )
    .await;
    let modest = query.replace("first: 500", "first: 100");
    assert_eq!(app.try_ask(&modest).await.body.get("errors"), None);
}

#[tokio::test]
async fn page_sizes_in_variables_and_defaults_count_as_well() {
    let mut app = App::new().await;
    app.limits.cost = 100;
    let query = "query($n: Int! = 60) { assets(first: $n) { nodes { id name } } }";
    refused(&app, query, "COST_EXCEEDED", "cost", 100, 122).await;
    app.ask_with(query, json!({ "n": 40 })).await;
    refused(
        &app,
        "{ assets { nodes { id name kind } } }",
        "COST_EXCEEDED",
        "cost",
        100,
        152,
    )
    .await;
    let roots = r#"topology(roots: [], expand: { maxNodes: 200 }) { nodes { depth } }"#;
    refused(&app, &format!("{{ {roots} }}"), "COST_EXCEEDED", "cost", 100, 202).await;
    // Fields of the interface cost what the same fields of a type cost.
    let fields = "{ assets(first: 2) { nodes { edges(first: 50) { nodes { id } } } } }";
    refused(&app, fields, "COST_EXCEEDED", "cost", 100, 106).await;
}

#[tokio::test]
async fn too_many_aliases_and_root_fields_are_refused() {
    let app = App::new().await;
    let aliases: String = (0..31).map(|i| format!("a{i}: lagSeconds ")).collect();
    refused(
        &app,
        &format!("{{ sync {{ clusters {{ {aliases} }} }} }}"),
        "COST_EXCEEDED",
        "aliases",
        30,
        31,
    )
    .await;
    let roots: String = (0..11).map(|i| format!("a{i}: sync {{ version }} ")).collect();
    refused(
        &app,
        &format!("{{ {roots} }}"),
        "COST_EXCEEDED",
        "rootFields",
        10,
        11,
    )
    .await;
}

#[tokio::test]
async fn fragments_that_multiply_and_brackets_that_nest_are_refused_at_once() {
    let app = App::new().await;
    let mut bomb = "{ sync { ...F0 } } ".to_owned();
    for level in 0..30 {
        bomb += &format!(
            "fragment F{level} on Sync {{ ...F{next} ...F{next} }} ",
            next = level + 1
        );
    }
    bomb += "fragment F30 on Sync { version }";
    let (code, message) = app.refusal(&bomb).await;
    assert_eq!(code, "COST_EXCEEDED");
    assert!(message.contains("fragments counted each time"), "{message}");
    let brackets = "{a".repeat(50_000);
    refused(&app, &brackets, "DEPTH_EXCEEDED", "recursion", 64, 50_000).await;
    let hidden = format!(
        "{{ assets(search: \"\"\" \" \"\"\") {{ {} }}",
        "{a".repeat(10_000)
    );
    refused(&app, &hidden, "DEPTH_EXCEEDED", "recursion", 64, 10_002).await;
    let harmless = "{ assets(search: \"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{\") { totalCount { value } } }";
    assert_eq!(app.try_ask(harmless).await.body.get("errors"), None);
    let directives = "@skip(if: false) ".repeat(9);
    let (code, _) = app
        .refusal(&format!("{{ sync {{ version {directives} }} }}"))
        .await;
    assert_eq!(code, "BAD_USER_INPUT");
    let circle = "{ sync { ...A } } fragment A on Sync { ...A }";
    assert_eq!(app.refusal(circle).await.0, "BAD_USER_INPUT");
}

#[tokio::test]
async fn introspection_is_answered_but_not_in_circles() {
    let app = App::new().await;
    let chain = "ofType { name ".repeat(9) + &" }".repeat(9);
    let usual = format!(
        "{{ __schema {{ types {{ name fields {{ name args {{ name type {{ name {chain} }} }} type {{ name {chain} }} }} inputFields {{ name type {{ name {chain} }} }} enumValues {{ name }} }} directives {{ name }} }} }}"
    );
    let reply = app.try_ask(&usual).await;
    assert_eq!(reply.body.get("errors"), None);
    let circle = "types { fields { type { fields { type { fields { type { fields { name } } } } } } } }";
    let (code, _) = app.refusal(&format!("{{ __schema {{ {circle} }} }}")).await;
    assert_eq!(code, "COST_EXCEEDED");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_its_size_is_announced_or_not() {
    let app = App::new().await;
    let query =
        json!({ "query": "{ sync { version } }", "variables": { "x": "x".repeat(300_000) } }).to_string();
    let size = query.len();
    let reply = app.post(query.clone()).await;
    assert_eq!(reply.status, 413);
    let extensions = &reply.body["errors"][0]["extensions"];
    assert_eq!(
        *extensions,
        json!({ "code": "BAD_USER_INPUT", "limit": "bodyBytes", "maximum": 262_144, "value": extensions["value"] })
    );
    assert!([size, 262_145].contains(&(extensions["value"].as_u64().unwrap() as usize)));
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(query)]);
    let reply = app.post(axum::body::Body::from_stream(chunks)).await;
    assert_eq!(
        (
            reply.status.as_u16(),
            &reply.body["errors"][0]["extensions"]["value"]
        ),
        (413, &json!(262_145))
    );
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_ended_even_where_the_store_answers_at_once() {
    let mut app = App::new().await;
    app.limits.time = Duration::from_millis(5);
    app.limits.depth = 30;
    app.limits.cost = usize::MAX;
    // Walks to and fro over the same edges, which would take minutes.
    let query = format!(
        "{{ assets {{ nodes {{ {} id {} }} }} }}",
        "edges { nodes { ".repeat(12),
        "} } ".repeat(12)
    );
    let reply = app.try_ask(&query).await;
    assert_eq!(reply.status, 504, "{}", reply.status);
    let error = &reply.body["errors"][0];
    assert_eq!(
        error["extensions"],
        json!({ "code": "TIMEOUT", "limit": "timeMs", "maximum": 5, "value": 5 })
    );
    assert!(text(&error["message"]).contains("limit of 0.005 s"));
}

#[tokio::test]
async fn numbers_that_are_out_of_bounds_are_named_with_their_bounds() {
    let app = App::new().await;
    let nodes: String = (0..501)
        .map(|_| r#""00000000-0000-0000-0000-000000000000" "#)
        .collect();
    for (query, said) in [
        (
            "{ assets(first: 501) { totalCount { value } } }".to_owned(),
            "`first` is 501; it may be 0 to 500",
        ),
        (
            "{ assets(first: -1) { totalCount { value } } }".to_owned(),
            "`first` is -1",
        ),
        (
            "{ topology(roots: [], expand: { maxDepth: 11 }) { nodes { depth } } }".to_owned(),
            "`maxDepth` is 11; it may be 0 to 10",
        ),
        (
            format!(
                "{{ assets(search: \"{}\") {{ nodes {{ id }} }} }}",
                "a ".repeat(17)
            ),
            "`search` has 17 words; it may have up to 16",
        ),
        (
            format!("{{ assets(filter: {{ name: {{ in: [{nodes}] }} }}) {{ nodes {{ id }} }} }}"),
            "the filter has 501 conditions and values",
        ),
        (
            format!(
                "{{ assets(filter: {{ {} {} }}) {{ nodes {{ id }} }} }}",
                "related: { relation: READS, direction: IN, some: { ".repeat(3),
                "} }".repeat(3)
            ),
            "`related` in `related` 3 deep",
        ),
        (
            format!("{{ nodes(ids: [{nodes}]) {{ id }} }}"),
            "`ids` has 501 entries; it may have up to 500",
        ),
    ] {
        let (code, message) = app.refusal(&query).await;
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains(said), "{message}");
    }
}
