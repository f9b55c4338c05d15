//! The shipped rules: an object of each ecosystem in, its edges out. And custom resources that are wrong.

use super::*;
use crate::extract::Context;
use crate::rules::shipped;
use proptest::prelude::*;
use std::sync::Arc;

/// Reads a custom resource `shop/cart` with the shipped rules.
fn ruled(group: &str, kind: &str, object: Value) -> Observation {
    let kind = Kind::of(group, kind);
    let context = Context::new(CLUSTER, Arc::default(), shipped().unwrap().of(kind));
    let bytes = complete(object).to_string();
    Extractor::of(kind)
        .unwrap()
        .json_in(&context, bytes.as_bytes())
        .unwrap()
}

fn edges(observation: &Observation) -> Vec<String> {
    let mut all: Vec<String> = observation
        .edges
        .iter()
        .map(|e| format!("{} {} {}", e.relation, e.detail.labels.join(","), e.to.key()))
        .collect();
    all.sort();
    all
}

#[test]
fn the_shipped_rules_draw_what_each_ecosystem_means() {
    let cases: Vec<(&str, &str, Value, &[&str])> = vec![
        (
            "argoproj.io",
            "Application",
            json!({"spec": {"project": "p"}}),
            &["REFERS_TO project shop/AppProject.argoproj.io/p"],
        ),
        (
            "argoproj.io",
            "Rollout",
            json!({"spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
            "strategy": {"canary": {"stableService": "s", "canaryService": "c"}}}}),
            &[
                "REFERS_TO canary shop/Service/c",
                "REFERS_TO stable shop/Service/s",
                "REFERS_TO workload shop/Deployment.apps/d",
            ],
        ),
        (
            "kustomize.toolkit.fluxcd.io",
            "Kustomization",
            json!({"spec": {"sourceRef": {"kind": "GitRepository", "name": "g", "namespace": "flux-system"},
            "dependsOn": [{"name": "infra"}]}}),
            &[
                "DEPENDS_ON source flux-system/GitRepository.source.toolkit.fluxcd.io/g",
                "REFERS_TO after shop/Kustomization.kustomize.toolkit.fluxcd.io/infra",
            ],
        ),
        (
            "example.org",
            "Widget",
            json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "ops"}}}),
            &["MANAGED_BY release ops/HelmRelease.helm.sh/r"],
        ),
        (
            "networking.istio.io",
            "VirtualService",
            json!({"spec": {"gateways": ["mesh", "istio/gw"], "http": [{"route": [
            {"destination": {"host": "reviews"}}, {"destination": {"host": "api.example.com"}}, {"destination": {"host": "r.prod.svc.cluster.local"}}]}]}}),
            &[
                "FORWARDS_TO http prod/Service/r",
                "FORWARDS_TO http shop/Service/reviews",
                "REFERS_TO gateway istio/Gateway.networking.istio.io/gw",
            ],
        ),
        (
            "serving.knative.dev",
            "Route",
            json!({"status": {"traffic": [{"revisionName": "r-1"}, {"revisionName": "r-1"}, {"revisionName": "r-2"}]}}),
            &[
                "FORWARDS_TO traffic shop/Revision.serving.knative.dev/r-1",
                "FORWARDS_TO traffic shop/Revision.serving.knative.dev/r-2",
            ],
        ),
        (
            "cert-manager.io",
            "Certificate",
            json!({"spec": {"secretName": "tls", "issuerRef": {"name": "le", "kind": "ClusterIssuer"}}}),
            &[
                "DEPENDS_ON issuer shop/ClusterIssuer.cert-manager.io/le",
                "REFERS_TO secret shop/Secret/tls",
            ],
        ),
        (
            "external-secrets.io",
            "ExternalSecret",
            json!({"spec": {"secretStoreRef": {"name": "vault"}, "target": {"name": "made"}}}),
            &[
                "DEPENDS_ON store shop/SecretStore.external-secrets.io/vault",
                "REFERS_TO target shop/Secret/made",
            ],
        ),
        (
            "keda.sh",
            "ScaledObject",
            json!({"spec": {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": "cron", "authenticationRef": {"name": "a"}}]}}),
            &[
                "DEPENDS_ON authentication shop/TriggerAuthentication.keda.sh/a",
                "REFERS_TO scales shop/Deployment.apps/web",
            ],
        ),
        (
            "cluster.x-k8s.io",
            "Cluster",
            json!({"spec": {"infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "AWSCluster", "name": "c"}}}),
            &["DEPENDS_ON infrastructure shop/AWSCluster.infrastructure.cluster.x-k8s.io/c"],
        ),
        (
            "karpenter.sh",
            "NodeClaim",
            json!({"metadata": {"labels": {"karpenter.sh/nodepool": "np"}}, "status": {"nodeName": "n1"}}),
            &[
                "REFERS_TO node Node/n1",
                "REFERS_TO node-pool NodePool.karpenter.sh/np",
            ],
        ),
        (
            "monitoring.coreos.com",
            "Prometheus",
            json!({"spec": {"serviceAccountName": "prom", "alerting": {"alertmanagers": [{"name": "am", "namespace": "mon", "port": "web"}]}}}),
            &[
                "DEPENDS_ON alertmanager mon/Service/am",
                "RUNS_AS  shop/ServiceAccount/prom",
            ],
        ),
        (
            "platform.example.org",
            "XDatabase",
            json!({"spec": {"compositionRef": {"name": "c"}, "resourceRefs": [{"apiVersion": "s3.aws/v1", "kind": "Bucket", "name": "b", "namespace": "x"}]}}),
            &[
                "DEPENDS_ON composed x/Bucket.s3.aws/b",
                "REFERS_TO composition Composition.apiextensions.crossplane.io/c",
            ],
        ),
        (
            "constraints.gatekeeper.sh",
            "K8sRequiredLabels",
            json!({"status": {"violations": [{"group": "", "kind": "Pod", "name": "p", "namespace": "x"}]}}),
            &["REPORTS_ON violation x/Pod/p"],
        ),
        (
            "wgpolicyk8s.io",
            "PolicyReport",
            json!({"scope": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "namespace": "shop"}}),
            &["REPORTS_ON scope shop/Deployment.apps/d"],
        ),
        (
            "aquasecurity.github.io",
            "VulnerabilityReport",
            json!({"metadata": {"labels": {"trivy-operator.resource.kind": "ReplicaSet",
            "trivy-operator.resource.name": "rs", "trivy-operator.resource.namespace": "shop"}}, "report": {"summary": {"criticalCount": 2}}}),
            &["REPORTS_ON workload shop/ReplicaSet.apps/rs"],
        ),
    ];
    for (group, kind, object, expected) in cases {
        let observation = ruled(group, kind, object);
        assert_eq!(edges(&observation), expected, "{kind}.{group}");
        assert_eq!(observation.asset.problems, [""; 0], "{kind}.{group}");
    }
}

#[test]
fn of_a_custom_resource_only_what_rules_name_and_its_conditions_are_kept() {
    let object = json!({"spec": {"secretName": "tls", "password": "hunter2", "issuerRef": {"name": "i", "token": "hunter2"}},
        "status": {"notAfter": "2027-01-01T00:00:00Z", "conditions": [{"type": "Ready", "status": "True", "message": "hunter2"}]}, "data": {"x": "hunter2"}});
    let certificate = ruled("cert-manager.io", "Certificate", object);
    assert!(!format!("{certificate:?}").contains("hunter2"));
    let kept = kept(&certificate);
    assert_eq!(kept["fields"], json!({"notAfter": "2027-01-01T00:00:00Z"}));
    assert_eq!(kept["conditions"][0]["type"], "Ready");
}

#[test]
fn what_is_wrong_in_a_custom_resource_is_a_problem_that_quotes_nothing() {
    let object = json!({"spec": {"secretName": "a/hunter2", "issuerRef": ["hunter2"], "dnsNames": [7, "x\u{0}hunter2", "ok"]},
        "status": {"notAfter": "hunter2", "conditions": "hunter2"}});
    let certificate = ruled("cert-manager.io", "Certificate", object);
    assert!(
        certificate.asset.problems.len() >= 5,
        "{:?}",
        certificate.asset.problems
    );
    assert!(!format!("{:?}", certificate.asset.problems).contains("hunter2"));
    assert_eq!(kept(&certificate)["fields"]["dnsNames"], json!(["ok"]));
    // 50 MB of what nobody reads.
    let large = ruled(
        "cert-manager.io",
        "Certificate",
        json!({"spec": {"secretName": "s", "x": "x".repeat(50_000_000)}}),
    );
    assert_eq!(edges(&large), ["REFERS_TO secret shop/Secret/s"]);
}

#[test]
fn a_report_that_tells_its_image_in_a_wrong_way_keeps_what_else_it_says() {
    let digest = format!("sha256:{}", "a1".repeat(32));
    let report = |report: Value| {
        ruled(
            "aquasecurity.github.io",
            "VulnerabilityReport",
            json!({"report": report}),
        )
    };
    let whole = report(
        json!({"registry": {"server": "quay.io"}, "artifact": {"repository": "x/cart", "digest": digest}}),
    );
    assert_eq!(
        edges(&whole),
        [format!("REPORTS_ON image Image/quay.io/x/cart@{digest}")]
    );
    let local = report(json!({"artifact": {"repository": "cart", "digest": digest}}));
    assert_eq!(edges(&local), [format!("REPORTS_ON image Image/cart@{digest}")]);
    let silent = report(json!({"artifact": {"repository": "cart"}}));
    assert_eq!((silent.edges.len(), silent.asset.problems.len()), (0, 0));
    for (wrong, words) in [
        (
            json!({"artifact": {"repository": "cart", "digest": "latest hidden"}}),
            "no digest",
        ),
        (
            json!({"artifact": {"repository": "cart hidden", "digest": digest}}),
            "no digest",
        ),
        (
            json!({"artifact": {"repository": ["hidden"], "digest": digest}}),
            "form",
        ),
        (json!({"artifact": "hidden"}), "form"),
        (json!("hidden"), "form"),
    ] {
        let observation = report(wrong);
        assert!(observation.edges.is_empty(), "{observation:?}");
        let problems = observation.asset.problems.join("; ");
        assert!(
            problems.contains(words) && !problems.contains("hidden"),
            "{problems}"
        );
    }
}

#[test]
fn forged_owners_of_kinds_that_cannot_be_are_problems_and_no_edges() {
    let owners = json!([{"apiVersion": "v1", "kind": "Zone", "name": "z", "uid": UID},
        {"apiVersion": "a b/v1", "kind": "\u{0}", "name": "z", "uid": UID}]);
    let widget = ruled(
        "example.org",
        "Widget",
        json!({"metadata": {"ownerReferences": owners}}),
    );
    assert_eq!(
        (widget.edges.len(), widget.asset.problems.len()),
        (0, 1),
        "{:?}",
        widget.asset.problems
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop_oneof!["spec|status|conditions|http|route|destination|host|gateways|name|kind|apiVersion|traffic|revisionName", "[a-z]{1,4}"];
        prop_oneof![prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6).prop_map(|m| Value::Object(m.into_iter().collect()))]
    })
}

proptest! {
    #[test]
    fn no_body_of_a_custom_resource_makes_extraction_panic_or_lose_it(spec in any_json(), status in any_json()) {
        for (group, kind) in [("networking.istio.io", "VirtualService"), ("serving.knative.dev", "Service"), ("cluster.x-k8s.io", "Cluster")] {
            let seen = ruled(group, kind, json!({"spec": spec.clone(), "status": status.clone()}));
            prop_assert_eq!(&*seen.asset.reference.key().name, "cart");
        }
    }

    #[test]
    fn no_text_makes_the_rule_reader_panic(text in "(rules: )?[\\PC\\n]{0,200}", value in any_json()) {
        for (name, text) in [("a.yaml", text.clone()), ("a.toml", text), ("b.yaml", json!({"rules": [value]}).to_string())] {
            let read = crate::rules::load(&[(name.into(), text)], false);
            prop_assert!(read.is_ok() || !read.unwrap_err().is_empty());
        }
    }
}
