//! Objects that no well-behaved cluster has: of wrong types, huge, with characters that nobody expects, with forged owners.
//! Each is kept with its problem, none costs another one, and none is taken for deleted.

use crate::program::{Program, until};
use crate::site::{Site, count};
use planisphere_fixtures::{FleetSpec, Options, SimCluster, Simulation};
use serde_json::{Value, json};

/// Bytes of a huge object.
const HUGE: usize = 50_000_000;

fn object(api: &str, kind: &str, name: &str, more: Value) -> Value {
    let mut object =
        json!({ "apiVersion": api, "kind": kind, "metadata": { "name": name, "namespace": "default" } });
    for (key, value) in more.as_object().unwrap() {
        match key.as_str() {
            "metadata" => {
                for (key, value) in value.as_object().unwrap() {
                    object["metadata"][key] = value.clone();
                }
            }
            _ => object[key] = value.clone(),
        }
    }
    object
}

/// Objects, each with words of the problem that it has; none where it has none.
fn odd() -> Vec<(Value, Option<&'static str>)> {
    let owner = |kind: &str, name: &str| json!({ "metadata": { "ownerReferences": [{ "apiVersion": "v1", "kind": kind, "name": name, "uid": "not-a-uid", "controller": true }] } });
    vec![
        (
            object("v1", "Pod", "wrong-spec", json!({ "spec": "text" })),
            Some("could not be read"),
        ),
        (
            object(
                "v1",
                "Pod",
                "wrong-list",
                json!({ "spec": { "containers": { "a": 1 } } }),
            ),
            Some("could not be read"),
        ),
        (
            object(
                "v1",
                "Service",
                "wrong-number",
                json!({ "spec": { "ports": [{ "port": "many" }] } }),
            ),
            Some("could not be read"),
        ),
        (
            object(
                "apps/v1",
                "Deployment",
                "wrong-depth",
                json!({ "spec": { "selector": [[[[]]]] } }),
            ),
            Some("could not be read"),
        ),
        (
            object("v1", "Secret", "wrong-type", json!({ "type": { "a": [] } })),
            None,
        ),
        (
            object(
                "v1",
                "Pod",
                "nul",
                json!({ "metadata": { "labels": { "a": "x\u{0}y\u{7}" } }, "spec": { "nodeName": "n\u{0}" } }),
            ),
            None,
        ),
        (
            object(
                "v1",
                "Pod",
                "unicode",
                json!({ "metadata": { "labels": { "a": "\u{202e}\u{200b}e\u{301}\u{1f9ed}\u{fffd}" } } }),
            ),
            None,
        ),
        (
            object("v1", "Pod", "forged-kind", owner("Kind/../../etc", "x")),
            Some("can be no kind"),
        ),
        (
            object("v1", "Pod", "forged-name", owner("Pod", "../\u{0}\u{202e}")),
            None,
        ),
        (
            object("v1", "Pod", "forged-itself", owner("Pod", "forged-itself")),
            None,
        ),
        (
            object(
                "v1",
                "ConfigMap",
                "huge",
                json!({ "data": { "a": "x".repeat(HUGE) } }),
            ),
            None,
        ),
        (
            object(
                "v1",
                "Pod",
                "huge-pod",
                json!({ "metadata": { "annotations": { "a": "x".repeat(HUGE) } }, "spec": { "nodeName": "n" } }),
            ),
            None,
        ),
    ]
}

fn apply(cluster: &SimCluster, objects: Vec<(Value, Option<&'static str>)>) {
    for (object, _) in objects {
        cluster.apply(object).unwrap();
    }
}

async fn problems(program: &Program, kind: &str, name: &str) -> Option<Vec<Value>> {
    let query = "query($k: String!, $n: String!) { assets(filter: {kind: {eq: $k}, name: {eq: $n}}) { nodes { problems } } }";
    let data = program.data(query, json!({ "k": kind, "n": name })).await;
    data["assets"]["nodes"][0]["problems"].as_array().cloned()
}

async fn are_kept(program: &Program) {
    for (object, words) in odd() {
        let (api, kind) = (
            object["apiVersion"].as_str().unwrap(),
            object["kind"].as_str().unwrap(),
        );
        let kind = api
            .split_once('/')
            .map_or(kind.to_owned(), |(group, _)| format!("{kind}.{group}"));
        let name = object["metadata"]["name"].as_str().unwrap();
        until(&format!("{name} is kept with its problem"), || async {
            match (problems(program, &kind, name).await, words) {
                (Some(told), Some(words)) => told.iter().any(|p| p.as_str().unwrap().contains(words)),
                (Some(_), None) => true,
                (None, _) => false,
            }
        })
        .await;
    }
}

/// The most memory that a process ever had, in bytes.
fn peak(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_objects_are_kept_with_their_problems_listed_or_watched_and_none_is_taken_for_deleted() {
    let fleet = Simulation::start(FleetSpec::empty(1), Options::default())
        .await
        .unwrap();
    let cluster = &fleet.clusters[0];
    apply(cluster, odd());
    for number in 0..20 {
        cluster
            .apply(object(
                "v1",
                "Pod",
                &format!("sound-{number}"),
                json!({ "spec": { "nodeName": "n" } }),
            ))
            .unwrap();
    }
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    program.ready().await;
    are_kept(&program).await;
    let pods = count(&program, cluster.name(), Some("Pod")).await;
    // A sound object becomes odd, and odd ones change: by events this time.
    let broken = object("v1", "Pod", "sound-7", json!({ "spec": ["n"], "status": 5 }));
    cluster.apply(broken).unwrap();
    let mut again = odd();
    for (object, _) in &mut again {
        object["metadata"]["annotations"] = json!({ "owner": "again" });
    }
    apply(cluster, again);
    until("the change is told", || async {
        let told = problems(&program, "Pod", "sound-7").await.unwrap_or_default();
        told.iter()
            .any(|p| p.as_str().unwrap().contains("could not be read"))
    })
    .await;
    are_kept(&program).await;
    assert_eq!(count(&program, cluster.name(), Some("Pod")).await, pods);
    let logged = program.logged();
    assert!(!logged.contains("panicked"), "{logged}");
    // Two lists and two watches hold one huge object each at most, and what it is read into.
    let most = peak(&program);
    assert!(most < 12 * HUGE as u64, "{} MB", most / 1_000_000);
    assert!(program.stop().success());
}
