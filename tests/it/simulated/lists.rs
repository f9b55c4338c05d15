//! Whole lists: streamed, paged, refused half-way.

use super::world::World;
use crate::site::{count, kind};
use planisphere_fixtures::{Fault, Times};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_streaming_lists_are_refused_pages_give_the_same() {
    let world = World::new(21, 1, 2_000).await;
    let cluster = world.first();
    assert!(
        cluster.count("pods") > 500,
        "more than one page: {}",
        cluster.count("pods")
    );
    cluster
        .faults()
        .inject("*", Fault::WatchListRefused, Times::Always);
    let program = world.serve();
    world.is_mirrored(&program).await;
    let paged = cluster.requests_since(0);
    let pages = paged.iter().filter(|r| r.query.contains("continue=")).count();
    assert!(pages > 0, "nothing was read in pages");
    assert_eq!(
        kind(&program, cluster.name(), "Pod").await["lists"][0]["count"],
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_further_pages_expire_the_whole_list_gives_the_same() {
    let world = World::new(22, 1, 2_000).await;
    let cluster = world.first();
    cluster
        .faults()
        .inject("*", Fault::WatchListRefused, Times::Always);
    cluster
        .faults()
        .inject("pods", Fault::ContinueExpires, Times::Always);
    let program = world.serve();
    world.is_mirrored(&program).await;
    // Not one page of the list that failed was taken for the whole.
    assert_eq!(
        count(&program, cluster.name(), Some("Pod")).await,
        cluster.count("pods") as u64
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_fail_for_a_while_are_read_again_until_they_are_whole() {
    let world = World::new(23, 2, 400).await;
    for cluster in &world.fleet.clusters {
        let faults = cluster.faults();
        faults.inject("pods", Fault::WatchStatus(500, None), Times::Once);
        faults.inject("services", Fault::WatchStatus(429, Some(1)), Times::Once);
        faults.inject("nodes", Fault::WatchStatus(503, None), Times::Once);
        faults.inject("secrets", Fault::WatchBreaksMidEvent, Times::Once);
        faults.inject("configmaps", Fault::WatchGarblesEvent, Times::Once);
    }
    let program = world.serve();
    world.is_mirrored(&program).await;
    let pods = kind(&program, world.first().name(), "Pod").await;
    assert!(
        pods["errors"].as_u64().unwrap() > 0,
        "the fault did not strike: {pods}"
    );
}
