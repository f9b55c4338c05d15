//! Tokens that are wrong or expire: told as such, and renewed ones are taken up.

use crate::mirrored::equals;
use crate::program::until;
use crate::site::{Site, count, objects, sync};
use planisphere_fixtures::{Fault, FleetSpec, Options, Simulation, Times};
use serde_json::Value;

async fn fleet() -> Simulation {
    let spec = FleetSpec {
        seed: 5,
        clusters: 1,
        objects: 150,
    };
    let options = Options {
        token: Some("first-t0ken".to_owned()),
        ..Options::default()
    };
    Simulation::start(spec, options).await.unwrap()
}

fn says_unauthorized(sync: &Value) -> bool {
    let words = sync["error"].as_str().unwrap_or_default();
    words.contains("does not accept the credentials") && words.contains("renew the token")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_told_without_quoting_it_and_a_right_one_is_taken_up_without_a_restart() {
    let fleet = fleet().await;
    let cluster = &fleet.clusters[0];
    let site = Site::of(&fleet);
    let right = fleet.kubeconfig_yaml();
    site.write("kubeconfig", right.replace("first-t0ken", "wr0ng-t0ken"));
    let program = site.serve(&[]);
    program.ready().await;
    let told = sync(&program, cluster.name()).await;
    assert!(says_unauthorized(&told), "{told}");
    assert_eq!(told["reachable"], false);
    assert_eq!(count(&program, cluster.name(), None).await, 0);
    site.write("kubeconfig", right);
    equals(&program, cluster.name(), || objects(cluster)).await;
    let logged = program.logged();
    assert!(
        logged.contains("does not accept the credentials"),
        "it is logged too"
    );
    assert!(!logged.contains("t0ken"), "a token is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expires_costs_nothing_and_a_renewed_one_in_the_kubeconfig_is_taken_up() {
    let fleet = fleet().await;
    let cluster = &fleet.clusters[0];
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    equals(&program, cluster.name(), || objects(cluster)).await;
    let before = count(&program, cluster.name(), None).await;
    cluster.faults().require_token(Some("second-t0ken"));
    // A watch is asked for its token only when it starts.
    cluster.faults().inject("*", Fault::WatchCut, Times::Times(40));
    until("the expiry is told", || async {
        says_unauthorized(&sync(&program, cluster.name()).await)
    })
    .await;
    assert_eq!(count(&program, cluster.name(), None).await, before);
    assert_eq!(program.admin("/readyz").await.0, 200);
    cluster.faults().clear_all();
    cluster.delete("ConfigMap", "kube-system", "kube-root-ca.crt");
    let renewed = fleet.kubeconfig_yaml();
    assert!(
        renewed.contains("second-t0ken"),
        "the fleet names the token it wants"
    );
    site.write("kubeconfig", renewed);
    equals(&program, cluster.name(), || objects(cluster)).await;
    assert!(!program.logged().contains("t0ken"), "a token is in the log");
}
