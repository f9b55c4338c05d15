//! One kind that the cluster refuses to us: that kind is called denied, what is known of it stays, the others go on.

use crate::mirrored::equals;
use crate::program::{Program, until};
use crate::site::{Site, count, kind, objects, sync};
use planisphere_fixtures::{Fault, FleetSpec, Options, SimCluster, Simulation, Times};
use serde_json::{Value, json};

async fn fleet() -> Simulation {
    Simulation::start(FleetSpec::DEMO, Options::default())
        .await
        .unwrap()
}

fn deny(cluster: &SimCluster, resource: &str) {
    for fault in [Fault::ListStatus(403, None), Fault::WatchStatus(403, None)] {
        cluster.faults().inject(resource, fault, Times::Always);
    }
}

async fn denied(program: &Program, cluster: &SimCluster) -> Value {
    until("the refusal is told", || async {
        kind(program, cluster.name(), "Secret").await["coverage"] == "DENIED"
    })
    .await;
    let query = "{ assets(filter: {kind: {eq: \"Secret\"}}, first: 1) { freshness { complete incomplete { cluster kind reason } } } }";
    let mut data = program.data(query, json!({})).await;
    data["assets"]["freshness"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_was_always_refused_is_called_denied_and_the_others_are_whole() {
    let fleet = fleet().await;
    let cluster = &fleet.clusters[0];
    deny(cluster, "secrets");
    let site = Site::of(&fleet);
    let program = site.serve(&["--all-contexts"]);
    program.ready().await;
    let freshness = denied(&program, cluster).await;
    assert_eq!(freshness["complete"], false);
    assert_eq!(
        freshness["incomplete"],
        json!([{ "cluster": cluster.name(), "kind": "Secret", "reason": "DENIED" }])
    );
    let secret = kind(&program, cluster.name(), "Secret").await;
    let words = secret["lastError"].as_str().unwrap_or_default();
    assert!(words.contains("403") || words.contains("forbidden"), "{words}");
    let sync = sync(&program, cluster.name()).await;
    assert_eq!((&sync["reachable"], &sync["error"]), (&json!(true), &Value::Null));
    for (kind, resource) in [
        ("Pod", "pods"),
        ("ConfigMap", "configmaps"),
        ("Service", "services"),
    ] {
        assert_eq!(
            count(&program, cluster.name(), Some(kind)).await,
            cluster.count(resource) as u64
        );
    }
    assert_eq!(count(&program, cluster.name(), Some("Secret")).await, 0);
    // The other cluster does not refuse it.
    let other = &fleet.clusters[1];
    equals(&program, other.name(), || objects(other)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_that_is_withdrawn_deletes_nothing_and_comes_back_with_a_restart() {
    let fleet = fleet().await;
    let cluster = &fleet.clusters[0];
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    equals(&program, cluster.name(), || objects(cluster)).await;
    let before = count(&program, cluster.name(), Some("Secret")).await;
    assert!(before > 3, "there are secrets to lose");
    deny(cluster, "secrets");
    cluster.faults().inject("secrets", Fault::WatchCut, Times::Once);
    let freshness = denied(&program, cluster).await;
    assert_eq!(freshness["complete"], false);
    assert_eq!(count(&program, cluster.name(), Some("Secret")).await, before);
    // Still denied in a new process: still there, and still called incomplete.
    assert!(program.stop().success());
    let program = site.serve(&[]);
    program.ready().await;
    denied(&program, cluster).await;
    assert_eq!(count(&program, cluster.name(), Some("Secret")).await, before);
    assert!(program.stop().success());
    // While nobody looked, one went.
    let secret = cluster.objects("secrets").next().unwrap();
    let name = |field: &str| secret["metadata"][field].as_str().unwrap().to_owned();
    cluster.delete("Secret", &name("namespace"), &name("name"));
    cluster.faults().clear_all();
    let program = site.serve(&[]);
    equals(&program, cluster.name(), || objects(cluster)).await;
    assert_eq!(
        kind(&program, cluster.name(), "Secret").await["coverage"],
        "WATCHED"
    );
}
