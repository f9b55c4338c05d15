//! `kill -9` at any moment: the file is always whole, holds at least what was answered, and the end is the truth.

use super::world::World;
use crate::program::{Program, until};
use crate::site::count;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Everything that is known of what exists, with the version at which it became so. (An object's resourceVersion is left
/// out: where nothing else has changed, it is not worth a write.)
async fn known(program: &Program, world: &World) -> BTreeSet<String> {
    let query = "query($cluster: String!, $after: String) {
        assets(filter: {cluster: {eq: $cluster}}, first: 500, after: $after) {
            nodes { id uid version edges(direction: OUT, first: 20) { edges { relation target { id } } } }
            pageInfo { hasNextPage endCursor } } }";
    let mut known = BTreeSet::new();
    for cluster in &world.fleet.clusters {
        let nodes = crate::mirrored::all(program, query, json!({ "cluster": cluster.name() })).await;
        known.extend(nodes.iter().map(Value::to_string));
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_during_the_first_sync_leave_a_file_from_which_it_goes_on() {
    let world = World::new(41, 2, 1_000).await;
    let churn = world.fleet.fleet().run(100);
    let mut last = 0;
    // After the first request, while kinds are discovered, listed, watched: the moments are those of the API server.
    for requests in [1, 3, 5, 7, 9, 12, 16, 22] {
        let mark = world.first().request_mark();
        let program = world.serve();
        let now = count(&program, world.first().name(), None).await;
        assert!(
            now >= last.min(1),
            "what was stored before the kill is there before any list"
        );
        world.first().until(|c| c.request_mark() >= mark + requests).await;
        last = count(&program, world.first().name(), None).await;
        program.kill();
    }
    let program = world.serve();
    program.ready().await;
    drop(churn);
    world.is_mirrored(&program).await;
    assert!(program.stop().success());
}

/// How often the program is killed where `PLANISPHERE_KILLS` asks for nothing else.
const KILLS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_the_fleet_changes_lose_nothing_that_was_answered_and_list_nothing_again() {
    let world = World::new(42, 2, 500).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    program.kill();
    let marks = world.marks();
    // It never rests, also not while nobody looks.
    let churn = world.fleet.fleet().run(150);
    let kills = std::env::var("PLANISPHERE_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    for moment in (0..kills).map(|kill| kill % KILLS) {
        let program = world.serve();
        // Killed in the middle of taking changes in: after this many more objects' versions.
        let start = world.first().version();
        let version = || async {
            let data = program.data("{ sync { version } }", json!({})).await;
            data["sync"]["version"].as_str().unwrap().to_owned()
        };
        let first = version().await;
        until("changes are taken in", || async {
            world.first().version() > start + 7 * moment && version().await != first
        })
        .await;
        program.kill();
    }
    assert_eq!(
        world.lists_since(&marks),
        Vec::<String>::new(),
        "a kind was listed again"
    );
    let program = world.serve();
    drop(churn);
    world.is_mirrored(&program).await;
    assert_eq!(world.lists_since(&marks), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_the_file_alone_gives_the_very_answers_from_before() {
    let world = World::new(43, 2, 400).await;
    let mut fleet = world.fleet.fleet();
    for _ in 0..3 {
        let program = world.serve();
        program.ready().await;
        for _ in 0..60 {
            fleet.step();
        }
        fleet.finish();
        world.is_mirrored(&program).await;
        let before = known(&program, &world).await;
        assert!(before.len() > 300, "{}", before.len());
        program.kill();
        world.go_offline().await;
        let program = world.serve();
        let after = known(&program, &world).await;
        let lost: Vec<_> = before.difference(&after).take(3).collect();
        let new: Vec<_> = after.difference(&before).take(3).collect();
        assert!(lost.is_empty() && new.is_empty(), "lost {lost:#?}, new {new:#?}");
        program.kill();
        world.go_online().await;
    }
}
