//! On a real Kubernetes control plane: every custom resource is an asset, and definitions come and go while it runs.

use crate::program::{Program, until};
use crate::real::controlplane::ControlPlane;
use serde_json::{Value, json};

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

const DEFINED: &[(&str, &str, &str, &str)] = &[
    ("cert-manager.io", "Certificate", "certificates", "Namespaced"),
    ("cert-manager.io", "ClusterIssuer", "clusterissuers", "Cluster"),
    ("argoproj.io", "Application", "applications", "Namespaced"),
    (
        "networking.istio.io",
        "VirtualService",
        "virtualservices",
        "Namespaced",
    ),
    ("keda.sh", "ScaledObject", "scaledobjects", "Namespaced"),
];

fn objects() -> Vec<Value> {
    vec![
        json!({"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "le"}}),
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"secretName": "web-tls", "issuerRef": {"name": "le", "kind": "ClusterIssuer"}, "dnsNames": ["a.example"]}}),
        json!({"apiVersion": "argoproj.io/v1", "kind": "Application", "metadata": {"name": "app", "namespace": "default"}, "spec": {"project": "p"}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "vs", "namespace": "default"},
            "spec": {"http": [{"route": [{"destination": {"host": "kubernetes"}}]}]}}),
        json!({"apiVersion": "keda.sh/v1", "kind": "ScaledObject", "metadata": {"name": "so", "namespace": "default"},
            "spec": {"scaleTargetRef": {"name": "web"}}}),
    ]
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_custom_resources_are_assets_and_their_definitions_come_and_go() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false"]);
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    let apply = |text: &str| plane.kubectl("east", &["apply", "-f", "-"], text);
    for (group, kind, plural, scope) in DEFINED {
        apply(&definition(group, kind, plural, scope));
        let name = format!("crd/{plural}.{group}");
        plane.kubectl(
            "east",
            &["wait", "--for=condition=Established", &name, "--timeout=60s"],
            "",
        );
    }
    objects()
        .iter()
        .for_each(|object| drop(apply(&object.to_string())));
    until("the kinds that came while it ran are watched", || async {
        let kinds = mirrored_kinds(&program).await;
        DEFINED
            .iter()
            .all(|(group, kind, ..)| kinds.contains(&format!("{kind}.{group}")))
    })
    .await;

    // Every object that kubectl shows is an asset, kind by kind, but for what is left out on purpose.
    let resources = plane.kubectl(
        "east",
        &[
            "api-resources",
            "--verbs=list,watch",
            "--no-headers",
            "-o",
            "name",
        ],
        "",
    );
    for resource in resources.lines().map(str::trim) {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        if planisphere_sync::cluster::is_excluded(group, plural) {
            continue;
        }
        until(
            &format!("the {resource} are those that kubectl shows"),
            || async {
                let found = plane.objects("east", &[resource]);
                let Some(kind) = found.first().and_then(|o| o["kind"].as_str()) else {
                    return true;
                };
                let kind = if group.is_empty() {
                    kind.to_owned()
                } else {
                    format!("{kind}.{group}")
                };
                let mut shown: Vec<String> = found
                    .iter()
                    .map(|o| {
                        format!(
                            "{}/{}",
                            o["metadata"]["namespace"].as_str().unwrap_or(""),
                            o["metadata"]["name"].as_str().unwrap_or("")
                        )
                    })
                    .collect();
                shown.sort();
                named(&program, &kind).await == shown
            },
        )
        .await;
    }
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

    plane.kubectl(
        "east",
        &["delete", "crd", "scaledobjects.keda.sh", "--timeout=60s"],
        "",
    );
    until("what the definition defined is gone", || async {
        named(&program, "ScaledObject.keda.sh").await.is_empty()
            && !mirrored_kinds(&program)
                .await
                .contains(&"ScaledObject.keda.sh".to_owned())
    })
    .await;
    apply(&definition(
        "keda.sh",
        "ScaledObject",
        "scaledobjects",
        "Namespaced",
    ));
    plane.kubectl(
        "east",
        &[
            "wait",
            "--for=condition=Established",
            "crd/scaledobjects.keda.sh",
            "--timeout=60s",
        ],
        "",
    );
    apply(&objects()[4].to_string());
    until("the kind that came back is mirrored", || async {
        named(&program, "ScaledObject.keda.sh").await == ["default/so"]
    })
    .await;
    assert!(program.stop().success());
}
