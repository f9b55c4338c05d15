//! On a real control plane: what it says of its objects is told with them, of either API, as long as it may be read; and nothing
//! of it is stored.

use super::controlplane::ControlPlane;
use crate::program::{Program, run, until};
use serde_json::{Value, json};

const NOTED: &str = "n0tedZq7Xw";

fn unschedulable() -> String {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "alone", "namespace": "default" },
        "spec": { "containers": [{ "name": "a", "image": "registry.example/a" }] } })
    .to_string()
}

/// As an older controller writes it, of the core group.
fn old_event() -> String {
    json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": "told.1", "namespace": "kube-system" },
        "involvedObject": { "apiVersion": "v1", "kind": "Namespace", "name": "kube-system", "namespace": "kube-system" },
        "reason": "Told", "type": "Normal", "message": format!("{NOTED} see https://bob:hunter2@registry.example/x"),
        "source": { "component": "tester" }, "count": 3,
        "firstTimestamp": "2026-11-24T03:00:00Z", "lastTimestamp": "2026-11-24T03:05:00Z" })
    .to_string()
}

async fn events(program: &Program, kind: &str, name: &str) -> Value {
    let query = "query($kind: String!, $name: String!) { assets(filter: {kind: {eq: $kind}, name: {eq: $name}}) { nodes { events(first: 5) {
        totalCount coverage nodes { type reason note count reportingController firstAt lastAt stale } } } } }";
    let data = program.data(query, json!({ "kind": kind, "name": name })).await;
    data.pointer("/assets/nodes/0/events")
        .cloned()
        .unwrap_or_default()
}

async fn reason(program: &Program, kind: &str, name: &str) -> Value {
    let events = events(program, kind, name).await;
    events.pointer("/nodes/0/reason").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_real_cluster_says_of_an_object_is_told_with_it_and_not_stored() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false"]);
    let apply = |object: String| plane.kubectl("east", &["apply", "-f", "-"], &object);
    apply(old_event());
    let data = tempfile::tempdir().unwrap();
    let start = || Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    let program = start();
    program.ready().await;
    apply(unschedulable());
    until("the scheduler's words are there", || async {
        reason(&program, "Pod", "alone").await == "FailedScheduling"
    })
    .await;
    let pod = events(&program, "Pod", "alone").await;
    let said = &pod["nodes"][0];
    assert_eq!(
        (&said["type"], &said["reportingController"], &said["stale"]),
        (&json!("Warning"), &json!("default-scheduler"), &json!(false)),
        "{pod:#}"
    );
    assert!(
        said["note"].as_str().unwrap().contains("no nodes available"),
        "{said:#}"
    );
    let listed = events(&program, "Namespace", "kube-system").await;
    let told = &listed["nodes"][0];
    let note = format!("{NOTED} see https://***@registry.example/x");
    assert_eq!(
        (&told["note"], &told["count"], &told["lastAt"]),
        (&json!(note), &json!(3), &json!("2026-11-24T03:05:00Z")),
        "{listed:#}"
    );
    let named = [
        "get",
        "namespace",
        "kube-system",
        "-o",
        "yaml",
        "--server",
        &program.graphql,
    ];
    let (_, shown, refused) = run(&named);
    assert!(shown.contains(NOTED), "{shown}{refused}");

    // Gone with the process, and read again from what the cluster still holds.
    program.kill();
    for entry in data.path().read_dir().unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(NOTED), "it was stored");
    }
    let program = start();
    until("it is told again", || async {
        reason(&program, "Namespace", "kube-system").await == "Told"
    })
    .await;
    assert!(program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_refusal_of_events_is_told_and_stops_nothing() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false", "--controllers=false"]);
    let role = [
        "create",
        "clusterrole",
        "reader",
        "--verb=get,list,watch",
        "--resource=namespaces",
    ];
    plane.kubectl("east", &role, "");
    let bind = [
        "create",
        "clusterrolebinding",
        "reader",
        "--clusterrole=reader",
        "--user=viewer",
    ];
    plane.kubectl("east", &bind, "");
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east-viewer"]);
    until("the refusal is told", || async {
        let data = program
            .data("{ sync { clusters { events { coverage error } } } }", json!({}))
            .await;
        data["sync"]["clusters"][0]["events"] == json!({ "coverage": "DENIED", "error": null })
    })
    .await;
    until("namespaces are there all the same", || async {
        events(&program, "Namespace", "kube-system").await["coverage"] == "DENIED"
    })
    .await;
}
