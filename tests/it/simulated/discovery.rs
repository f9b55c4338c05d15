//! What an API server says that it serves, and when it says so.

use super::world::World;
use crate::program::until;
use crate::site::{count, kind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_was_not_served_at_the_start_is_mirrored_once_it_is() {
    let world = World::new(17, 1, 150).await;
    let cluster = world.first();
    cluster.faults().hide_group("apps", true);
    let program = world.serve();
    let is = async |coverage: &str| {
        let deployments = kind(&program, cluster.name(), "Deployment.apps").await;
        deployments["coverage"] == coverage
    };
    until("Deployments are said to be absent", || is("ABSENT")).await;
    assert_eq!(count(&program, cluster.name(), Some("Deployment")).await, 0);
    cluster.faults().hide_group("apps", false);
    until("Deployments are watched", || is("WATCHED")).await;
    world.is_mirrored(&program).await;
    assert!(program.stop().success());
}
