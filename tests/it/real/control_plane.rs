//! On a real control plane: its API server is an asset with its version and checks, the others as far as their pods and leases
//! show them; and nothing is written where nothing changed.

use super::controlplane::ControlPlane;
use crate::program::{Program, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// It is asked about every minute, and the machine is busy.
const PATIENCE: Duration = Duration::from_secs(240);

const PODS: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: etcd-a, namespace: kube-system, labels: {component: etcd, tier: control-plane}}
spec: {containers: [{name: etcd, image: "registry.example/etcd:3.6.8-0"}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [10.9.8.7]}]
ports: [{name: https, port: 6443}]
"#;

fn lease(renewed: &str) -> String {
    json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "kube-scheduler", "namespace": "kube-system" },
        "spec": { "holderIdentity": "master-1_42", "leaseDurationSeconds": 15, "renewTime": renewed } })
    .to_string()
}

async fn parts(program: &Program) -> Vec<Value> {
    let query = "{ assets(filter: {kind: {eq: \"ControlPlaneComponent\"}}) { nodes { name history(first: 5) { nodes { op } }
        ... on ControlPlaneComponent { gitVersion ready leader leading withheld checks { name passes }
            pods { edges { node { name } } } endpoints { edges { node { name } } } programs { edges { node { name } } }
            needs { edges { node { name } } } } } } }";
    let data = program.data(query, json!({})).await;
    data["assets"]["nodes"].as_array().cloned().unwrap_or_default()
}

fn named<'a>(parts: &'a [Value], name: &str) -> &'a Value {
    parts.iter().find(|p| p["name"] == name).unwrap_or(&Value::Null)
}

fn names(part: &Value, field: &str) -> Vec<String> {
    let edges = part[field]["edges"].as_array().cloned().unwrap_or_default();
    let names = edges.iter().filter_map(|e| e["node"]["name"].as_str());
    names.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_control_plane_is_made_of_assets_and_is_asked_from_time_to_time() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false"]);
    plane.kubectl("east", &["apply", "-f", "-"], PODS);
    plane.kubectl(
        "east",
        &["apply", "-f", "-"],
        &lease("2020-01-01T00:00:00.000000Z"),
    );
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    until("the parts are there", || async {
        let parts = parts(&program).await;
        named(&parts, "kube-scheduler")["leading"] == false && !named(&parts, "etcd").is_null()
    })
    .await;
    let before = parts(&program).await;
    let server = named(&before, "kube-apiserver");
    assert_eq!(
        (&server["gitVersion"], &server["ready"]),
        (&json!("v1.36.3"), &json!(true))
    );
    let checks = server["checks"].as_array().unwrap();
    assert!(
        checks.contains(&json!({"name": "etcd", "passes": true})),
        "{server:#}"
    );
    assert!(checks.len() > 20 && server["withheld"] == json!([]), "{server:#}");
    assert_eq!(names(server, "needs"), ["etcd"]);
    assert_eq!(names(server, "endpoints"), ["10.9.8.7:6443"]);
    assert_eq!(names(server, "programs"), ["kube-apiserver@v1.36.3"]);
    let scheduler = named(&before, "kube-scheduler");
    assert_eq!(scheduler["leader"], "master-1_42");
    assert_eq!(names(scheduler, "needs"), ["kube-apiserver"]);
    assert_eq!(names(named(&before, "etcd"), "pods"), ["etcd-a"]);

    // The next look finds the Lease gone, and with it the only thing that showed a scheduler.
    plane.kubectl(
        "east",
        &["delete", "-n", "kube-system", "lease/kube-scheduler"],
        "",
    );
    let began = Instant::now();
    while !named(&parts(&program).await, "kube-scheduler").is_null() {
        assert!(began.elapsed() < PATIENCE, "the scheduler is still there");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let after = parts(&program).await;
    assert_eq!(
        named(&after, "kube-apiserver"),
        server,
        "nothing changed, and nothing was written"
    );
    let sync = program
        .data(
            "{ sync { clusters { controlPlane { readAt error } } } }",
            json!({}),
        )
        .await;
    let looked = &sync["sync"]["clusters"][0]["controlPlane"];
    assert!(
        looked["readAt"].is_string() && looked["error"].is_null(),
        "{looked}"
    );
    assert!(program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_viewer_is_told_what_of_the_control_plane_is_withheld() {
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
    until("the API server is there with what it withholds", || async {
        let parts = parts(&program).await;
        // Everybody who logged in may read /readyz; leases are for those who are let.
        named(&parts, "kube-apiserver")["withheld"] == json!(["leases of kube-system: we may not read them"])
            && named(&parts, "kube-apiserver")["ready"] == true
    })
    .await;
}
