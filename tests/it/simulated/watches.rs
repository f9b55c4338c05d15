//! Watches on fleets that change, and what goes wrong with them.

use super::world::{World, lists};
use crate::mirrored::equals;
use crate::program::until;
use crate::site::{count, kind, objects};
use planisphere_fixtures::{Fault, Times};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_changes_and_rests_is_answered_as_its_objects_say() {
    let world = World::new(11, 2, 500).await;
    let program = world.serve();
    // It changes while it is read for the first time, too.
    let mut fleet = world.fleet.fleet();
    for _ in 0..200 {
        fleet.step();
    }
    program.ready().await;
    for _ in 0..3 {
        for _ in 0..150 {
            fleet.step();
            tokio::task::yield_now().await;
        }
        fleet.finish();
        world.is_mirrored(&program).await;
    }
    let resting = |k: &serde_json::Value| k["lists"].as_array().is_some_and(|l| l.len() == 1);
    let once = super::world::kinds_where(&program, world.first(), resting).await;
    assert!(
        once.contains(&"Pod".to_owned()),
        "all of it came by watches: {once:?}"
    );
    assert!(program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_that_end_break_repeat_or_garble_lose_nothing() {
    let world = World::new(12, 2, 400).await;
    let program = world.serve();
    world.is_mirrored(&program).await;
    let mut fleet = world.fleet.fleet();
    for fault in [
        Fault::WatchCut,
        Fault::WatchBreaksMidEvent,
        Fault::WatchGarblesEvent,
        Fault::EventRepeated,
    ] {
        for cluster in &world.fleet.clusters {
            for resource in ["pods", "endpointslices", "replicasets"] {
                cluster.faults().inject(resource, fault, Times::Times(2));
            }
        }
        for _ in 0..60 {
            fleet.step();
        }
        fleet.finish();
        world.is_mirrored(&program).await;
    }
    let pods = kind(&program, world.first().name(), "Pod").await;
    assert!(
        pods["watches"].as_u64().unwrap() > 1,
        "no watch ended: the faults did not strike: {pods}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_never_told_is_mended_by_the_next_list() {
    let world = World::new(13, 1, 150).await;
    let cluster = world.first();
    // A bookmark would prove us current up to after the loss: only without one does the next list come.
    cluster
        .faults()
        .inject("configmaps", Fault::NoBookmarks, Times::Always);
    let program = world.serve();
    world.is_mirrored(&program).await;
    let before = count(&program, cluster.name(), Some("ConfigMap")).await;
    cluster
        .faults()
        .inject("configmaps", Fault::EventLost, Times::Once);
    cluster
        .delete("ConfigMap", "kube-system", "kube-root-ca.crt")
        .unwrap();
    // A later change of another kind arrives, that of the ConfigMap does not.
    cluster
        .apply(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "later" } }))
        .unwrap();
    until("the later change arrived", || async {
        count(&program, cluster.name(), Some("Namespace")).await == cluster.count("namespaces") as u64
    })
    .await;
    assert_eq!(
        count(&program, cluster.name(), Some("ConfigMap")).await,
        before,
        "the event was lost"
    );
    cluster.compact("configmaps");
    cluster
        .faults()
        .inject("configmaps", Fault::WatchCut, Times::Once);
    equals(&program, cluster.name(), || objects(cluster)).await;
    assert_eq!(lists(&program, cluster, "ConfigMap", "410").await, 1);
}
