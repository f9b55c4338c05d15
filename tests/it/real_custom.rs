//! On a real Kubernetes control plane: every custom resource is an asset, and definitions come and go while it runs.

use crate::program::{Program, until};
use crate::real::controlplane::ControlPlane;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Within this, what a deleted definition defined is gone.
const ENDED: Duration = Duration::from_secs(30);

/// A definition whose schema keeps every field: namespaced, one version.
fn definition(group: &str, kind: &str, plural: &str, scope: &str) -> String {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
        "spec": {"group": group, "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    })
    .to_string()
}

/// Definitions of seven ecosystems, and one of nobody's.
const DEFINED: &[(&str, &str, &str, &str)] = &[
    ("cert-manager.io", "Certificate", "certificates", "Namespaced"),
    ("cert-manager.io", "ClusterIssuer", "clusterissuers", "Cluster"),
    ("argoproj.io", "Application", "applications", "Namespaced"),
    ("argoproj.io", "Rollout", "rollouts", "Namespaced"),
    (
        "kustomize.toolkit.fluxcd.io",
        "Kustomization",
        "kustomizations",
        "Namespaced",
    ),
    (
        "networking.istio.io",
        "VirtualService",
        "virtualservices",
        "Namespaced",
    ),
    ("keda.sh", "ScaledObject", "scaledobjects", "Namespaced"),
    ("example.org", "Widget", "widgets", "Namespaced"),
];

fn object(group: &str, kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    let mut object =
        json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": name}, "spec": spec});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

fn objects() -> Vec<Value> {
    vec![
        object("cert-manager.io", "ClusterIssuer", "", "le", json!({})),
        object(
            "cert-manager.io",
            "Certificate",
            "default",
            "web",
            json!({"secretName": "web-tls", "issuerRef": {"name": "le", "kind": "ClusterIssuer"}, "dnsNames": ["a.example"]}),
        ),
        object(
            "argoproj.io",
            "Application",
            "default",
            "app",
            json!({"project": "p"}),
        ),
        object(
            "argoproj.io",
            "Rollout",
            "default",
            "r",
            json!({"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}),
        ),
        object(
            "kustomize.toolkit.fluxcd.io",
            "Kustomization",
            "default",
            "k",
            json!({"sourceRef": {"kind": "GitRepository", "name": "g"}}),
        ),
        object(
            "networking.istio.io",
            "VirtualService",
            "default",
            "vs",
            json!({"http": [{"route": [{"destination": {"host": "kubernetes"}}]}]}),
        ),
        scaled(),
        object(
            "example.org",
            "Widget",
            "default",
            "w",
            json!({"size": 3, "password": "x", "config": "settings", "keys": "login"}),
        ),
    ]
}

fn scaled() -> Value {
    object(
        "keda.sh",
        "ScaledObject",
        "default",
        "so",
        json!({"scaleTargetRef": {"name": "web"}}),
    )
}

const ONE: &str = r#"rules: [{name: widget, kind: Widget.example.org, attributes: [{name: size, path: spec.size, type: number}],
    relations: [{relation: READS, label: config, path: spec.config, kind: ConfigMap}]}]"#;
const OTHER: &str = r#"rules: [{name: widget, kind: Widget.example.org, attributes: [{name: much, path: spec.size, type: number}],
    relations: [{relation: READS, label: keys, path: spec.keys, kind: Secret}]}]"#;

/// What is kept of the widget, and what it reads.
async fn widget(program: &Program) -> Value {
    let query = r#"{ assets(filter: {kind: {eq: "Widget.example.org"}}) { nodes { ... on CustomAsset { fields }
        edges(direction: OUT, relations: [READS]) { edges { node { kind name } } } } } }"#;
    program.data(query, json!({})).await["assets"]["nodes"][0].clone()
}

fn reads(field: &str, kind: &str, name: &str) -> Value {
    json!({"fields": {field: 3}, "edges": {"edges": [{"node": {"kind": kind, "name": name}}]}})
}

/// Defines a kind, and waits until the API server serves it.
fn define(plane: &ControlPlane, (group, kind, plural, scope): (&str, &str, &str, &str)) {
    plane.kubectl(
        "east",
        &["apply", "-f", "-"],
        &definition(group, kind, plural, scope),
    );
    let name = format!("crd/{plural}.{group}");
    let wait = ["wait", "--for=condition=Established", &name, "--timeout=60s"];
    plane.kubectl("east", &wait, "");
}

async fn named(program: &Program, kind: &str) -> Vec<String> {
    let query =
        "query($k: String!) { assets(first: 500, filter: {kind: {eq: $k}}) { nodes { name namespace } } }";
    let data = program.data(query, json!({ "k": kind })).await;
    let nodes = data["assets"]["nodes"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = nodes
        .iter()
        .map(|n| {
            format!(
                "{}/{}",
                n["namespace"].as_str().unwrap_or(""),
                n["name"].as_str().unwrap_or("")
            )
        })
        .collect();
    names.sort();
    names
}

async fn is_gone(program: &Program) -> bool {
    named(program, "ScaledObject.keda.sh").await.is_empty()
}

async fn mirrored_kinds(program: &Program) -> Vec<String> {
    let data = program
        .data("{ sync { clusters { kinds { kind coverage } } } }", json!({}))
        .await;
    let kinds = data["sync"]["clusters"][0]["kinds"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let watched = kinds.iter().filter(|k| k["coverage"] == "WATCHED");
    watched
        .filter_map(|k| k["kind"].as_str().map(str::to_owned))
        .collect()
}

/// Every object that kubectl shows is an asset, kind by kind, but for what is left out on purpose.
async fn equals_kubectl(plane: &ControlPlane, program: &Program) {
    let all = [
        "api-resources",
        "--verbs=list,watch",
        "--no-headers",
        "-o",
        "name",
    ];
    let resources = plane.kubectl("east", &all, "");
    let mut compared = 0;
    for resource in resources.lines().map(str::trim) {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        if planisphere_sync::cluster::is_excluded(group, plural) {
            continue;
        }
        compared += 1;
        until(
            &format!("the {resource} are those that kubectl shows"),
            || async {
                let found = plane.objects("east", &[resource]);
                let Some(kind) = found.first().and_then(|o| o["kind"].as_str()) else {
                    return true;
                };
                let kind = match group {
                    "" => kind.to_owned(),
                    _ => format!("{kind}.{group}"),
                };
                let text = |o: &Value, key: &str| o["metadata"][key].as_str().unwrap_or("").to_owned();
                let shown = found
                    .iter()
                    .map(|o| format!("{}/{}", text(o, "namespace"), text(o, "name")));
                let mut shown: Vec<String> = shown.collect();
                shown.sort();
                named(program, &kind).await == shown
            },
        )
        .await;
    }
    assert!(compared > 50, "{resources}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_custom_resources_are_assets_and_their_definitions_come_and_go() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false"]);
    let data = tempfile::tempdir().unwrap();
    let rules = data.path().join("rules.yaml");
    std::fs::write(&rules, ONE).unwrap();
    let store = data.path().join("store");
    let start = || {
        let args = ["--context", "east", "--rules", rules.to_str().unwrap()];
        Program::serve(&plane.kubeconfig(), &store, &args)
    };
    let program = start();
    program.ready().await;
    DEFINED.iter().for_each(|defined| define(&plane, *defined));
    let apply = |object: Value| plane.kubectl("east", &["apply", "-f", "-"], &object.to_string());
    objects().into_iter().for_each(|object| drop(apply(object)));
    until("the kinds that came while it ran are watched", || async {
        let kinds = mirrored_kinds(&program).await;
        DEFINED
            .iter()
            .all(|(group, kind, ..)| kinds.contains(&format!("{kind}.{group}")))
    })
    .await;
    equals_kubectl(&plane, &program).await;

    let query = r#"{ assets(filter: {kind: {eq: "certificates.cert-manager.io"}}) { nodes { __typename ... on CustomAsset { fields }
        edges(direction: OUT) { edges { relation node { kind namespace name } } } } } }"#;
    let certificate = program.data(query, json!({})).await["assets"]["nodes"][0].clone();
    assert_eq!(
        (&certificate["__typename"], &certificate["fields"]["dnsNames"]),
        (&json!("CustomAsset"), &json!(["a.example"]))
    );
    let text = certificate.to_string();
    let issuer = json!({"kind": "ClusterIssuer.cert-manager.io", "namespace": null, "name": "le"});
    let edges = certificate["edges"]["edges"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(edges.iter().any(|e| e["node"] == issuer), "{text}");
    assert!(
        ["CR_OF", "DEPENDS_ON", "REFERS_TO"]
            .iter()
            .all(|r| text.contains(r)),
        "{text}"
    );

    // Other rules re-link what is there; a mistake in them changes nothing.
    assert_eq!(widget(&program).await, reads("size", "ConfigMap", "settings"));
    std::fs::write(&rules, "rules: [{name: widget").unwrap();
    until("the mistake is told", || async {
        program.logged().contains("cannot be read anew")
    })
    .await;
    assert_eq!(widget(&program).await, reads("size", "ConfigMap", "settings"));
    std::fs::write(&rules, OTHER).unwrap();
    until("the other rules hold", || async {
        widget(&program).await == reads("much", "Secret", "login")
    })
    .await;

    // Gone and back at once, and then gone for good.
    let delete = ["delete", "crd", "scaledobjects.keda.sh", "--timeout=60s"];
    plane.kubectl("east", &delete, "");
    let deleted = Instant::now();
    until("what the definition defined is gone", || is_gone(&program)).await;
    let took = deleted.elapsed();
    assert!(took < ENDED, "it took {took:?}");
    define(&plane, ("keda.sh", "ScaledObject", "scaledobjects", "Namespaced"));
    apply(scaled());
    until("the kind that came back is mirrored", || async {
        named(&program, "ScaledObject.keda.sh").await == ["default/so"]
    })
    .await;

    // What was defined no more while nobody looked ends at the next start; of the rest nothing is listed again.
    program.kill();
    plane.kubectl("east", &delete, "");
    let program = start();
    program.ready().await;
    until("what is defined no more is gone", || is_gone(&program)).await;
    let query = "{ sync { clusters { kinds { kind coverage lists { reason count } watches } } } }";
    let sync = program.data(query, json!({})).await;
    for kind in sync["sync"]["clusters"][0]["kinds"].as_array().unwrap() {
        let known = kind["kind"] != "ScaledObject.keda.sh";
        assert!(!known || kind["lists"] == json!([]), "{kind} was listed again");
        assert!(known || kind["coverage"] == "ABSENT", "{kind}");
    }
    equals_kubectl(&plane, &program).await;
    assert!(program.stop().success());
}
