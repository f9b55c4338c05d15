//! Clients that ask much at once, that never read what they are sent, or that go away before the answer: the mirror goes
//! on meanwhile, others are answered, and nothing piles up.

use super::world::World;
use crate::program::{Program, until};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What breaks if the whole cluster fails: the largest question about it.
const IMPACT: &str = "query($clusters: [String!]!) { impact(input: {failed: {clusters: $clusters}}) { failedPods { value } summary { state services } } }";

/// Many objects in one answer.
const MUCH: &str = "{ assets(first: 500) { nodes { id kind namespace name labels annotations uid
    edges(first: 5) { edges { relation node { id name } } } } } }";

/// Changes an object and waits until that is answered.
async fn a_change_shows(world: &World, program: &Program, value: &str) {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "probe", "namespace": "default", "labels": { "value": value } } });
    world.first().apply(object).unwrap();
    until("the change is answered", || async {
        let query = "{ assets(filter: {name: {eq: \"probe\"}}) { nodes { labels } } }";
        let data = program.data(query, json!({})).await;
        data["assets"]["nodes"][0]["labels"]["value"] == value
    })
    .await;
}

/// A request as it goes over the wire.
async fn send(program: &Program, query: &str, variables: Value) -> TcpStream {
    let address = program.graphql.trim_start_matches("http://");
    let body = json!({ "query": query, "variables": variables }).to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

/// Resident memory of a process, in bytes.
fn memory(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

/// The sum of the samples of a metric.
async fn metric(program: &Program, name: &str) -> f64 {
    let text = program.admin("/metrics").await.1;
    let samples = text.lines().filter(|line| line.starts_with(name));
    samples
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_large_questions_at_once_are_answered_and_hold_up_no_change() {
    let world = World::new(71, 1, 600).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    let ask = || program.ask(IMPACT, json!({ "clusters": [world.first().name()] }));
    let alone = ask().await;
    assert!(
        alone["data"]["impact"]["failedPods"]["value"].as_u64() > Some(0),
        "{alone}"
    );
    let (answers, ()) = tokio::join!(join_all((0..200).map(|_| ask())), async {
        for value in ["1", "2", "3"] {
            a_change_shows(&world, &program, value).await;
        }
    });
    for answer in answers {
        // What changes meanwhile is no pod.
        assert_eq!(answer["data"]["impact"], alone["data"]["impact"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_hold_nobody_up_and_cost_no_more_than_their_answers() {
    let world = World::new(72, 1, 600).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    let largest = program.ask(MUCH, json!({})).await.to_string().len() as u64;
    let before = memory(&program);
    let mut silent = Vec::new();
    for _ in 0..60 {
        let mut stream = send(&program, MUCH, json!({})).await;
        // The answer has begun, and nobody will read the rest of it.
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 1);
        silent.push(stream);
    }
    a_change_shows(&world, &program, "1").await;
    let (after, few) = (memory(&program), 60 * largest * 3 + 50_000_000);
    assert!(after < before + few, "{before} bytes before, {after} after");
    // One that reads a byte at a time, and then the rest, gets all of it.
    let mut slow = silent.pop().unwrap();
    let (mut byte, mut read) = ([0; 1], 1);
    for _ in 0..20 {
        read += slow.read(&mut byte).await.unwrap();
    }
    assert_eq!(read, 21);
    assert!(program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_for_a_client_that_went_away_ends() {
    let world = World::new(73, 1, 600).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    let variables = json!({ "clusters": [world.first().name()] });
    // As much as one request may ask for: it is not done before the client is gone.
    let asked = "impact(input: {failed: {clusters: $clusters}}) { failedPods { value } }";
    let asked: String = (0..8).map(|n| format!("a{n}: {asked} ")).collect();
    let long = format!("query($clusters: [String!]!) {{ {asked} }}");
    let answer = program.ask(&long, variables.clone()).await;
    assert!(answer["errors"].is_null(), "{answer}");
    until("the work for one of them was given up", || async {
        drop(send(&program, &long, variables.clone()).await);
        metric(&program, "planisphere_graphql_abandoned_total").await > 0.0
    })
    .await;
    a_change_shows(&world, &program, "1").await;
}
