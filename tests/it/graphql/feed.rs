//! The feed over its transports: it begins where it is told to, says how far it is, refuses cursors that are not its own,
//! and cuts off who does not read.

use super::app::{App, NOW};
use crate::store::words::{asset, batch, pod, upsert};
use planisphere::store::StoreError;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: &str = "cursor more nodes { op asset { name } }";

async fn put(app: &App, second: i64, name: &str, app_label: &str) {
    let change = upsert(asset(&pod(name), app_label), Vec::new());
    app.store
        .apply(batch(NOW + second * 1_000, vec![change]))
        .await
        .unwrap();
}

fn names(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|n| n["asset"]["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn pages_go_on_behind_a_cursor_an_answer_or_an_instant_without_a_gap() {
    let app = App::new().await;
    let now = app
        .ask(&format!(
            "{{ feed {{ {PAGE} }} sync {{ freshness {{ version }} }} }}"
        ))
        .await;
    assert_eq!(names(&now["feed"]), [""; 0], "without a beginning it is now");
    for (second, name) in ["a", "b", "c"].into_iter().enumerate() {
        put(&app, second as i64, name, "x").await;
    }
    let mut cursor = now["feed"]["cursor"].clone();
    let mut read = Vec::new();
    loop {
        let page = app
            .ask_with(
                &format!("query($after: String) {{ feed(after: $after, first: 2) {{ {PAGE} }} }}"),
                json!({ "after": cursor }),
            )
            .await;
        read.extend(names(&page["feed"]).into_iter().map(str::to_owned));
        cursor = page["feed"]["cursor"].clone();
        if page["feed"]["more"] == false {
            break;
        }
    }
    assert_eq!(read, ["a", "b", "c"]);
    let version = &now["sync"]["freshness"]["version"];
    let since = app
        .ask(&format!("{{ feed(since: {version}) {{ {PAGE} }} }}"))
        .await;
    assert_eq!(names(&since["feed"]), ["a", "b", "c"]);
    let (code, _) = app
        .refusal(&format!(
            "{{ feed(since: {version}, after: {cursor}) {{ cursor }} }}"
        ))
        .await;
    assert_eq!(code, "BAD_USER_INPUT", "one place");
}

#[tokio::test]
async fn a_cursor_of_another_filter_or_from_before_retention_is_refused() {
    let app = App::new().await;
    let page = app.ask("{ feed(filter: { ops: [CREATE] }) { cursor } }").await;
    let cursor = &page["feed"]["cursor"];
    let (code, _) = app
        .refusal(&format!("{{ feed(after: {cursor}) {{ cursor }} }}"))
        .await;
    assert_eq!(code, "CURSOR_MISMATCH");
    let (code, _) = app.refusal("{ feed(after: \"nonsense\") { cursor } }").await;
    assert_eq!(code, "BAD_USER_INPUT");
    let (code, _) = app
        .refusal("{ feed(from: \"2001-01-01T00:00:00Z\") { cursor } }")
        .await;
    assert_eq!(code, "HISTORY_EXPIRED");
    let ours = format!("filter: {{ ops: [CREATE] }}, after: {cursor}");
    put(&app, 1, "a", "x").await;
    app.store.retain(NOW + 5_000, 1_000).await.unwrap();
    let (code, _) = app.refusal(&format!("{{ feed({ours}) {{ cursor }} }}")).await;
    assert_eq!(code, "HISTORY_EXPIRED", "what came after it is gone");
}

#[tokio::test]
async fn a_reader_that_missed_nothing_is_not_too_late_after_retention() {
    let app = App::new().await;
    put(&app, 0, "a", "x").await;
    app.store.retain(NOW + 5_000, 1_000).await.unwrap();
    // Quiet for longer than history is kept: an empty page moves the cursor on.
    let page = app.ask("{ feed { cursor nodes { op } } }").await;
    app.store.retain(NOW + 9_000, 1_000).await.unwrap();
    let after = |page: &Value| format!("{{ feed(after: {}) {{ {PAGE} }} }}", page["feed"]["cursor"]);
    let page = app.ask(&after(&page)).await;
    assert_eq!(names(&page["feed"]), [""; 0]);
    // Observed before the limit and committed after it: it is told all the same.
    put(&app, 1, "b", "x").await;
    let page = app.ask(&after(&page)).await;
    assert_eq!(names(&page["feed"]), ["b"]);
    let gone = app.store.snapshot_at(NOW).await;
    assert!(matches!(gone, Err(StoreError::HistoryExpired { .. })));
}

fn events(query: &str) -> String {
    let body = json!({ "query": query }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_past_the_limit_are_refused_until_one_ends() {
    let mut app = App::new().await;
    app.limits.subscriptions = 1;
    let server = app.serve().await;
    let ask = || async {
        let request = reqwest::Client::new()
            .post(format!("http://{}/graphql", server.address))
            .header("accept", "text/event-stream")
            .json(&json!({ "query": "subscription { feed { cursor } }" }));
        request.send().await.unwrap()
    };
    let mut first = ask().await;
    assert_eq!(first.headers()["content-type"], "text/event-stream");
    let begun = first.chunk().await.unwrap().unwrap();
    assert!(begun.starts_with(b"event: next\n"), "{begun:?}");
    let second = ask().await;
    assert_eq!(second.status(), 429);
    let told: Value = second.json().await.unwrap();
    assert_eq!(told["errors"][0]["extensions"]["code"], "TOO_MANY_SUBSCRIPTIONS");
    drop(first);
    let again = async { while ask().await.status() != 200 {} };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_reads_is_cut_off_and_holds_nobody_up() {
    let mut app = App::new().await;
    app.limits.patience = Duration::from_millis(200);
    let refused = app.refused.clone();
    let server = app.serve().await;
    let query = "subscription { feed(filter: { status: true }) { cursor nodes { asset { annotations } } } }";
    let mut stalled = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stalled.write_all(events(query).as_bytes()).await.unwrap();
    let mut other = reqwest::Client::new()
        .post(format!("http://{}/graphql", server.address))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "subscription { feed(filter: { status: true }) { cursor } }" }))
        .send()
        .await
        .unwrap();
    let mut head = [0; 15];
    stalled.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    // From here on it reads nothing, while large changes come.
    let mut round = 0;
    let cut_off = async {
        while !refused.lock().contains(&"SLOW_READER") {
            round += 1;
            let mut large = asset(&pod("large"), &round.to_string());
            large.annotations = (0..20)
                .map(|i| planisphere_schema::Label {
                    key: format!("k{i}"),
                    value: format!("{round}-{}", "x".repeat(60_000)),
                })
                .collect();
            let change = batch(NOW + round, vec![upsert(large, Vec::new())]);
            server.app.store.apply(change).await.unwrap();
            let event = other.chunk().await.unwrap();
            assert!(event.is_some(), "the other reader goes on");
        }
    };
    tokio::time::timeout(PATIENCE, cut_off).await.unwrap();
    // It was told so, should it ever read on.
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = stalled.read(&mut buffer).await.unwrap_or(0);
            rest.extend_from_slice(&buffer[..n]);
            let text = String::from_utf8_lossy(&rest);
            if n == 0 || text.contains("event: complete") {
                break;
            }
        }
    });
    read.await.unwrap();
    let text = String::from_utf8_lossy(&rest);
    assert!(text.contains("SLOW_READER"), "it is told why");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_subscription_has_no_stream() {
    let app = App::new().await;
    let server = app.serve().await;
    for (query, code) in [
        ("{ sync { version } }", "BAD_USER_INPUT"),
        (
            "subscription { sync { version } feed { cursor } }",
            "BAD_USER_INPUT",
        ),
        ("subscription { feed(first: 501) { cursor } }", "BAD_USER_INPUT"),
        ("subscription { feed(after: \"x\") { cursor } }", "BAD_USER_INPUT"),
    ] {
        let answer = reqwest::Client::new()
            .post(format!("http://{}/graphql", server.address))
            .header("accept", "text/event-stream")
            .json(&json!({ "query": query }))
            .send();
        let text = answer.await.unwrap().text().await.unwrap();
        assert!(text.contains(code), "{query}: {text}");
    }
}

/// The next answer of a subscription by events.
async fn next(response: &mut reqwest::Response, text: &mut String) -> Value {
    loop {
        if let Some((event, rest)) = text.split_once("\n\n") {
            let data = event
                .lines()
                .find_map(|line| line.strip_prefix("data: "))
                .map(str::to_owned);
            *text = rest.to_owned();
            match data {
                Some(data) => return serde_json::from_str(&data).unwrap(),
                None => continue,
            }
        }
        let chunk = tokio::time::timeout(PATIENCE, response.chunk())
            .await
            .unwrap()
            .unwrap();
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_sent_again_when_they_change() {
    let server = App::new().await.serve().await;
    let node = r#"{ key: { cluster: "prod", kind: "Node", name: "node-a" } }"#;
    let impact = format!(
        "subscription {{ impact(input: {{ failed: {{ nodes: [{node}] }} }}) {{ failedPods {{ value }} }} }}"
    );
    // The first one runs on the node.
    let mut pods = ["cart-1-a", "cart-1-b"].into_iter();
    for query in [&impact, "subscription { sync { store { assets } } }"] {
        let mut response = reqwest::Client::new()
            .post(format!("http://{}/graphql", server.address))
            .header("accept", "text/event-stream")
            .json(&json!({ "query": query }))
            .send()
            .await
            .unwrap();
        let mut text = String::new();
        let first = next(&mut response, &mut text).await;
        assert!(first.get("errors").is_none(), "{first}");
        let id = super::fleet::pod(pods.next().unwrap()).id();
        let mut delete = batch(NOW + 1_000, vec![planisphere_schema::Change::Delete { id }]);
        delete.cluster = super::fleet::prod();
        server.app.store.apply(delete).await.unwrap();
        let second = tokio::time::timeout(PATIENCE, next(&mut response, &mut text))
            .await
            .unwrap();
        assert_ne!(first["data"], second["data"]);
    }
}
