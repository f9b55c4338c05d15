//! Clusters that come, change and go while the program runs, and clusters that are not what they seem.

use super::world::World;
use crate::mirrored::equals;
use crate::program::until;
use crate::site::{Site, objects, sync};
use planisphere_fixtures::{FleetSpec, Options, Simulation};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_added_to_the_kubeconfig_is_mirrored_without_a_restart() {
    let world = World::new(51, 2, 300).await;
    let site = Site::new();
    let whole = world.fleet.kubeconfig_yaml();
    let second = world.fleet.clusters[1].name();
    let one: String = Simulation::start(FleetSpec::empty(1), Options::default())
        .await
        .unwrap()
        .kubeconfig_yaml();
    site.write("kubeconfig", one);
    let program = site.serve(&["--all-contexts"]);
    // Half a file names nothing and ends nothing.
    site.write("kubeconfig", &whole[..whole.len() / 3]);
    program.ready().await;
    site.write("kubeconfig", &whole);
    until("the second cluster is there", || async {
        let query = "{ sync { clusters { name complete } } }";
        let data = program.data(query, serde_json::json!({})).await;
        let clusters = data["sync"]["clusters"].as_array().unwrap();
        clusters
            .iter()
            .any(|c| c["name"] == second && c["complete"] == true)
    })
    .await;
    equals(&program, second, || objects(&world.fleet.clusters[1])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_rotated_in_the_kubeconfig_is_taken_and_nothing_is_listed_again() {
    let spec = FleetSpec {
        seed: 52,
        clusters: 1,
        objects: 200,
    };
    let options = Options {
        token: Some("first".into()),
        ..Options::default()
    };
    let fleet = Simulation::start(spec, options).await.unwrap();
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    let cluster = &fleet.clusters[0];
    equals(&program, cluster.name(), || objects(cluster)).await;
    let mark = cluster.request_mark();
    cluster.faults().require_token(Some("second"));
    site.write("kubeconfig", fleet.kubeconfig_yaml());
    cluster
        .until(|c| {
            let asked = c.requests_since(mark);
            asked
                .iter()
                .any(|r| r.query.contains("watch=1") && r.resource == "pods")
        })
        .await;
    cluster
        .delete("ConfigMap", "kube-system", "kube-root-ca.crt")
        .unwrap();
    equals(&program, cluster.name(), || objects(cluster)).await;
    let asked = cluster.requests_since(mark);
    assert!(
        !asked
            .iter()
            .filter(|r| r.resource != "events")
            .any(|r| r.query.contains("sendInitialEvents") || r.query.contains("limit=500")),
        "a kind was listed again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cluster_under_two_names_is_mirrored_once_and_the_other_name_says_so() {
    let world = World::new(53, 1, 150).await;
    let name = world.first().name().to_owned();
    let twice = world.fleet.kubeconfig_yaml().replace(
        "contexts:\n",
        &format!("contexts:\n- name: again\n  context:\n    cluster: {name}\n    user: {name}\n"),
    );
    world.site.write("kubeconfig", twice);
    let program = world.serve();
    program.ready().await;
    let error = |status: &serde_json::Value| status["error"].as_str().unwrap_or_default().to_owned();
    until("one of the two names is refused", || async {
        let (one, other) = (sync(&program, &name).await, sync(&program, "again").await);
        [error(&one), error(&other)]
            .iter()
            .any(|e| e.contains("the same cluster as"))
    })
    .await;
    let refused = error(&sync(&program, "again").await).contains("the same cluster as");
    let mirrored = if refused { name.as_str() } else { "again" };
    equals(&program, mirrored, || objects(world.first())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_catches_up_when_it_goes_on() {
    let world = World::new(54, 1, 200).await;
    let program = world.site.serve(&["--all-contexts"]);
    world.is_mirrored(&program).await;
    program.signal("STOP");
    let mut fleet = world.fleet.fleet();
    for _ in 0..100 {
        fleet.step();
    }
    fleet.finish();
    program.signal("CONT");
    world.is_mirrored(&program).await;
}
