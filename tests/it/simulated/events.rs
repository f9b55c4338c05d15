//! Events are read beside the mirror: neither a storm of them nor a server that keeps them to itself holds anything else up.

use super::world::World;
use crate::program::{Program, until};
use crate::site::sync;
use planisphere_fixtures::{Fault, SimCluster, Times};
use serde_json::{Value, json};

fn event(number: usize, pod: &str, note: &str) -> Value {
    json!({ "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": { "name": format!("{pod}.{number}"), "namespace": "default" },
        "regarding": { "apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": pod },
        "reason": "BackOff", "type": "Warning", "note": note, "reportingController": "kubelet",
        "eventTime": "2026-11-24T03:00:00.000000Z" })
}

async fn status(program: &Program, cluster: &SimCluster) -> Value {
    let query = "query($name: String!) { sync { clusters(names: [$name]) { events { coverage kept skipped unreadable error } } } }";
    let mut data = program.data(query, json!({ "name": cluster.name() })).await;
    data["sync"]["clusters"][0]["events"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_events_is_bounded_and_starves_no_mirror() {
    let world = World::new(71, 1, 150).await;
    let cluster = world.first();
    let program = world.site.serve(&[
        "--all-contexts",
        "--events-total",
        "50",
        "--events-per-asset",
        "5",
    ]);
    world.is_mirrored(&program).await;
    until("events are read", || async {
        status(&program, cluster).await["coverage"] == "WATCHED"
    })
    .await;
    let note = "x".repeat(900);
    for number in 0..8_000 {
        cluster
            .apply(event(number, &format!("pod-{}", number % 40), &note))
            .unwrap();
    }
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "pod-1", "namespace": "default" },
        "spec": { "containers": [{ "name": "a", "image": "registry.example/a" }] } });
    cluster.apply(pod).unwrap();
    world.is_mirrored(&program).await;
    until("the storm is over: what was too much is told", || async {
        let status = status(&program, cluster).await;
        status["kept"] == 50 && status["skipped"].as_u64() > Some(0)
    })
    .await;
    let query = "{ assets(filter: {kind: {eq: \"Pod\"}, name: {eq: \"pod-1\"}}) { nodes { events(first: 3) { totalCount coverage nodes { type reason note noteCut count reportingController lastAt stale } } } } }";
    let data = program.data(query, json!({})).await;
    let events = &data["assets"]["nodes"][0]["events"];
    assert!(
        events["totalCount"].as_u64() <= Some(5) && events["coverage"] == "WATCHED",
        "{events}"
    );
    let kinds = sync(&program, cluster.name()).await["kinds"].to_string();
    assert!(!kinds.contains("\"Event"), "they are no assets: {kinds}");
    assert!(program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_about_events_holds_up_nothing_else() {
    let world = World::new(72, 1, 150).await;
    world
        .first()
        .faults()
        .inject("events", Fault::ListHangs, Times::Always);
    let program = world.serve();
    program.ready().await;
    world.is_mirrored(&program).await;
    assert_eq!(status(&program, world.first()).await["coverage"], Value::Null);
    assert!(program.stop().success());
}
