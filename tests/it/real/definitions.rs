//! On a real API server: a definition that is served in another version, one that cannot convert what is stored, and an
//! aggregated API that is dead. Each is the matter of one kind; the others go on, and nothing is taken for deleted.

use super::controlplane::ControlPlane;
use crate::program::{Program, until};
use serde_json::{Value, json};

const GADGET: &str = "Gadget.example.org";

fn version(name: &str, storage: bool) -> Value {
    json!({ "name": name, "served": true, "storage": storage, "schema": { "openAPIV3Schema":
        { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } })
}

/// Defines gadgets in these versions, converted in this way.
fn define(plane: &ControlPlane, versions: &[Value], conversion: &Value) {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "gadgets.example.org" },
        "spec": { "group": "example.org", "scope": "Namespaced", "conversion": conversion, "versions": versions,
            "names": { "kind": "Gadget", "plural": "gadgets", "singular": "gadget" } },
    });
    plane.kubectl("east", &["apply", "-f", "-"], &definition.to_string());
    let wait = [
        "wait",
        "--for=condition=Established",
        "crd/gadgets.example.org",
        "--timeout=60s",
    ];
    plane.kubectl("east", &wait, "");
}

fn configmap(plane: &ControlPlane, name: &str) {
    plane.kubectl("east", &["create", "configmap", name], "");
}

/// The gadgets and the ConfigMaps of this name, with what happened to them.
async fn shown(program: &Program, name: &str) -> Value {
    let query = "query($name: String!) { assets(filter: {name: {eq: $name}}) { nodes { kind uid history { nodes { op uid } } } } }";
    let data = program.data(query, json!({ "name": name })).await;
    data["assets"]["nodes"].clone()
}

/// What is known of the mirror of gadgets.
async fn mirror(program: &Program) -> Value {
    let query = "{ sync { clusters { kinds { kind coverage resume watches lists { count } lastError } } } }";
    let data = program.data(query, json!({})).await;
    let kinds = data["sync"]["clusters"][0]["kinds"].as_array().unwrap();
    let found = kinds.iter().find(|kind| kind["kind"] == GADGET);
    found.cloned().unwrap_or_default()
}

async fn is_shown(program: &Program, name: &str) {
    until(&format!("{name} is mirrored"), || async {
        shown(program, name).await.as_array().map(Vec::len) == Some(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_definitions_that_change_and_apis_that_are_dead_touch_one_kind_alone() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false", "--controllers=false"]);
    let none = json!({ "strategy": "None" });
    define(&plane, &[version("v1beta1", true)], &none);
    let gadget = json!({ "apiVersion": "example.org/v1beta1", "kind": "Gadget",
        "metadata": { "name": "gadget", "namespace": "default" } });
    plane.kubectl("east", &["apply", "-f", "-"], &gadget.to_string());
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    is_shown(&program, "gadget").await;
    let before = shown(&program, "gadget").await;

    // Another version is preferred: the objects are read anew in it, and stay who they are.
    define(&plane, &[version("v1", true), version("v1beta1", false)], &none);
    until("they are read in the version that is preferred now", || async {
        let lists = mirror(&program).await["lists"].as_array().cloned();
        let read = lists.unwrap_or_default();
        read.iter().filter_map(|list| list["count"].as_u64()).sum::<u64>() > 1
    })
    .await;
    assert_eq!(shown(&program, "gadget").await, before);

    // An aggregated API whose server is not there: what is defined afterwards is found all the same.
    let dead = json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": { "name": "v1.dead.example.org" },
        "spec": { "group": "dead.example.org", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
            "insecureSkipTLSVerify": true, "service": { "namespace": "default", "name": "nowhere" } } });
    plane.kubectl("east", &["apply", "-f", "-"], &dead.to_string());
    let widgets = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.org" },
        "spec": { "group": "example.org", "scope": "Namespaced", "versions": [version("v1", true)],
            "names": { "kind": "Widget", "plural": "widgets", "singular": "widget" } },
    });
    plane.kubectl("east", &["apply", "-f", "-"], &widgets.to_string());
    let wait = [
        "wait",
        "--for=condition=Established",
        "crd/widgets.example.org",
        "--timeout=60s",
    ];
    plane.kubectl("east", &wait, "");
    let widget = json!({ "apiVersion": "example.org/v1", "kind": "Widget",
        "metadata": { "name": "widget", "namespace": "default" } });
    plane.kubectl("east", &["apply", "-f", "-"], &widget.to_string());
    is_shown(&program, "widget").await;
    assert_eq!(shown(&program, "gadget").await, before);

    // What is stored in the old version cannot be converted any more: that kind alone fails, and keeps what it had.
    let webhook = json!({ "strategy": "Webhook", "webhook": { "conversionReviewVersions": ["v1"],
        "clientConfig": { "url": "https://127.0.0.1:1/convert" } } });
    define(
        &plane,
        &[version("v1", true), version("v1beta1", false)],
        &webhook,
    );
    until("the failure is told", || async {
        let error = mirror(&program).await["lastError"].clone();
        error.as_str().is_some_and(|words| words.contains("conver"))
    })
    .await;
    configmap(&plane, "meanwhile");
    is_shown(&program, "meanwhile").await;
    assert_eq!(shown(&program, "gadget").await, before);
    define(&plane, &[version("v1", true), version("v1beta1", false)], &none);
    until("all is well again", || async {
        mirror(&program).await["lastError"].is_null()
    })
    .await;
    assert_eq!(shown(&program, "gadget").await, before);
    assert!(program.stop().success());
}
