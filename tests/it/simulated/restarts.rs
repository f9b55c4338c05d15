//! Restarts: from the file at once, then on from the resume points, and a list only where they have expired.

use super::world::{World, kinds_where, lists};
use crate::program::until;
use crate::site::count;
use crate::truth::RESOURCES;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_while_it_was_away_is_taken_in_without_a_list() {
    let world = World::new(31, 2, 400).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    let mut fleet = world.fleet.fleet();
    assert!(program.stop().success());
    for _ in 0..150 {
        fleet.step();
    }
    fleet.finish();
    let marks = world.marks();
    let program = world.serve();
    program.ready().await;
    world.is_mirrored(&program).await;
    assert_eq!(world.lists_since(&marks), Vec::<String>::new());
    let unwatched = kinds_where(&program, world.first(), |k| {
        k["coverage"] == "WATCHED" && k["watches"] == 0
    })
    .await;
    assert_eq!(unwatched, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_points_that_expired_while_it_was_away_give_a_list_and_no_ghosts() {
    let world = World::new(32, 2, 400).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    assert!(program.stop().success());
    let mut fleet = world.fleet.fleet();
    for _ in 0..150 {
        fleet.step();
    }
    fleet.finish();
    for cluster in &world.fleet.clusters {
        let gone = cluster.objects("configmaps").next().unwrap();
        let name = |field: &str| gone["metadata"][field].as_str().unwrap().to_owned();
        cluster
            .delete("ConfigMap", &name("namespace"), &name("name"))
            .unwrap();
        for (resource, _) in RESOURCES {
            cluster.compact(resource);
        }
    }
    let program = world.serve();
    world.is_mirrored(&program).await;
    for cluster in &world.fleet.clusters {
        assert_eq!(lists(&program, cluster, "ConfigMap", "410").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_answers_from_the_file_while_no_cluster_can_be_reached_and_says_so() {
    let world = World::new(33, 2, 400).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    assert!(program.stop().success());
    world.go_offline().await;
    let program = world.serve();
    // The file alone: nobody else could have told.
    world.is_mirrored(&program).await;
    until("it is ready without them", || async {
        program.admin("/readyz").await.0 == 200
    })
    .await;
    let query = "{ assets(first: 1) { freshness { complete staleClusters { cluster reason asOf } } } }";
    let data = program.data(query, json!({})).await;
    let freshness = &data["assets"]["freshness"];
    assert_eq!(freshness["complete"], false);
    for (number, cluster) in world.fleet.clusters.iter().enumerate() {
        let stale = &freshness["staleClusters"][number];
        assert_eq!(
            (&stale["cluster"], &stale["reason"]),
            (&json!(cluster.name()), &json!("UNREACHABLE"))
        );
        assert!(stale["asOf"].is_string(), "until when it was proven: {stale}");
    }
    world.go_online().await;
    let mut fleet = world.fleet.fleet();
    for _ in 0..50 {
        fleet.step();
    }
    world.is_mirrored(&program).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_configured_no_more_is_remembered_and_called_so() {
    let world = World::new(34, 2, 200).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    assert!(program.stop().success());
    let [kept, left] = &world.fleet.clusters[..] else {
        panic!("two clusters")
    };
    let program = world.site.serve(&["--context", kept.name()]);
    program.ready().await;
    assert!(count(&program, left.name(), None).await > 0);
    let query = "{ assets(first: 1) { freshness { complete staleClusters { cluster reason } } } }";
    let data = program.data(query, json!({})).await;
    assert_eq!(
        data["assets"]["freshness"],
        json!({ "complete": false, "staleClusters": [{ "cluster": left.name(), "reason": "UNCONFIGURED" }] })
    );
}
