//! On a real API server: rights that are taken and given back, and tokens that are replaced while the program runs.

use super::controlplane::ControlPlane;
use super::objects;
use crate::mirrored::equals;
use crate::program::Program;
use crate::site::{count, kind};
use serde_json::json;
use std::time::{Duration, Instant};

const QUIET: &[&str] = &["--kwok=false", "--controllers=false"];
/// What is refused is asked for again each minute, and the machine is busy.
const PATIENCE: Duration = Duration::from_secs(180);

async fn patiently<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A role that may read everything but what is left out.
fn role(plane: &ControlPlane, without: &str) {
    let mut resources = vec![
        "configmaps",
        "namespaces",
        "nodes",
        "pods",
        "secrets",
        "services",
        "serviceaccounts",
        "limitranges",
        "podtemplates",
        "replicationcontrollers",
        "resourcequotas",
    ];
    resources.extend(["persistentvolumes", "persistentvolumeclaims"]);
    resources.retain(|resource| *resource != without);
    let others = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "batch",
        "discovery.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "autoscaling",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ];
    let read = ["get", "list", "watch"];
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": "reader" }, "rules": [
            { "apiGroups": [""], "resources": resources, "verbs": read },
            { "apiGroups": others, "resources": ["*"], "verbs": read },
        ] });
    plane.kubectl("east", &["apply", "-f", "-"], &role.to_string());
}

fn bind(plane: &ControlPlane, subject: &str) {
    let args = [
        "create",
        "clusterrolebinding",
        "reader",
        "--clusterrole=reader",
        subject,
    ];
    plane.kubectl("east", &args, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_right_that_is_taken_ends_nothing_and_given_back_brings_what_changed() {
    let plane = ControlPlane::start(&["east"], QUIET);
    let data = tempfile::tempdir().unwrap();
    role(&plane, "");
    bind(&plane, "--user=viewer");
    for name in ["stays", "goes"] {
        plane.kubectl("east", &["create", "configmap", name], "");
    }
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east-viewer"]);
    program.ready().await;
    equals(&program, "east-viewer", || objects(&plane, "east")).await;
    let held = count(&program, "east-viewer", Some("ConfigMap")).await;

    role(&plane, "configmaps");
    // A watch that is open goes on; the next is refused.
    plane.control("restart-apiserver east");
    patiently("the refusal is told", || async {
        kind(&program, "east-viewer", "ConfigMap").await["coverage"] == "DENIED"
    })
    .await;
    plane.kubectl("east", &["delete", "configmap", "goes"], "");
    plane.kubectl("east", &["create", "namespace", "later"], "");
    patiently("another kind goes on", || async {
        count(&program, "east-viewer", Some("Namespace")).await
            == objects(&plane, "east")["namespaces"].len() as u64
    })
    .await;
    assert_eq!(
        count(&program, "east-viewer", Some("ConfigMap")).await,
        held,
        "a refusal is no deletion"
    );
    let query = "{ assets(first: 1) { freshness { complete incomplete { kind reason } } } }";
    let freshness = program.data(query, json!({})).await["assets"]["freshness"].take();
    assert_eq!(freshness["complete"], false);
    // A server that has just started refuses more than it will, until it has read its roles.
    let missing = freshness["incomplete"].as_array().cloned().unwrap_or_default();
    assert!(
        missing.contains(&json!({ "kind": "ConfigMap", "reason": "DENIED" })),
        "{missing:?}"
    );

    role(&plane, "");
    patiently("it is watched again", || async {
        kind(&program, "east-viewer", "ConfigMap").await["coverage"] == "WATCHED"
    })
    .await;
    equals(&program, "east-viewer", || objects(&plane, "east")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_token_that_ends_is_replaced_from_the_kubeconfig() {
    let plane = ControlPlane::start(&["east"], QUIET);
    let folder = tempfile::tempdir().unwrap();
    role(&plane, "");
    for account in ["first", "second"] {
        plane.kubectl("east", &["create", "serviceaccount", account], "");
    }
    bind(&plane, "--group=system:serviceaccounts");
    let cluster = plane.kubectl("east", &["config", "view", "--raw", "--minify", "-o", "json"], "");
    let cluster: serde_json::Value = serde_json::from_str(&cluster).unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let write = |account: &str| {
        let token = plane.kubectl("east", &["create", "token", account], "");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "east",
            "clusters": [{ "name": "east", "cluster": cluster["clusters"][0]["cluster"] }],
            "users": [{ "name": "reader", "user": { "token": token.trim() } }],
            "contexts": [{ "name": "east", "context": { "cluster": "east", "user": "reader" } }],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
    };
    write("first");
    let program = Program::serve(&kubeconfig, &folder.path().join("data"), &[]);
    program.ready().await;
    equals(&program, "east", || objects(&plane, "east")).await;
    write("second");
    // With its account goes the token; whoever still has it is refused.
    plane.kubectl("east", &["delete", "serviceaccount", "first"], "");
    plane.control("restart-apiserver east");
    plane.kubectl("east", &["create", "configmap", "later"], "");
    equals(&program, "east", || objects(&plane, "east")).await;
}
