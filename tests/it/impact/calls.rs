//! Who calls whom: from a file and from a real Prometheus; how failures reach callers; sources that fail.

use super::scenarios::app;
use super::world::{NOW, store_of, uid};
use crate::graphql::app::text;
use crate::program::PATIENCE;
use axum::Router;
use axum::routing::get;
use planisphere::observe::{Observer, Source};
use planisphere::query::dependencies::CallBook;
use planisphere::store::Store;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Services that each have a Deployment of their name with one pod, all on one node but `far`.
fn objects(names: &[&str]) -> Vec<Value> {
    let mut all = vec![
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "near", "uid": uid("near"), "resourceVersion": "5"}}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "far", "uid": uid("far"), "resourceVersion": "5"}}),
    ];
    for name in names {
        let meta = |suffix: &str, owner: Value| {
            json!({"name": format!("{name}{suffix}"), "namespace": "shop", "uid": uid(&format!("{name}{suffix}")),
                "resourceVersion": "5", "ownerReferences": owner, "labels": {"kubernetes.io/service-name": name}})
        };
        let owner = |kind: &str, suffix: &str| {
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": format!("{name}{suffix}"),
                "uid": uid(&format!("{name}{suffix}")), "controller": true}])
        };
        let node = if *name == "db" { "near" } else { "far" };
        all.extend([
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("", Value::Null), "spec": {}}),
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta("-rs", owner("Deployment", "")), "spec": {}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("-pod", owner("ReplicaSet", "-rs")),
                "spec": {"nodeName": node, "containers": []}, "status": {"phase": "Running"}}),
        ]);
        if *name != "batch" {
            all.extend([
                json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("", Value::Null), "spec": {"type": "ClusterIP"}}),
                json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta("-x", Value::Null), "addressType": "IPv4",
                    "endpoints": [{"addresses": ["10.1.1.1"], "targetRef": {"kind": "Pod", "name": format!("{name}-pod"), "namespace": "shop",
                        "uid": uid(&format!("{name}-pod"))}}]}),
            ]);
        }
    }
    all
}

/// As the program does first: more than one TLS library may be compiled in.
fn observer(sources: Vec<Source>, data_dir: Option<&std::path::Path>) -> Observer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Observer::new(sources, data_dir)
}

const QUESTION: &str = r#"{ impact(input: {failed: {nodes: [{key: {cluster: "prod", kind: "Node", name: "near"}}]}}) {
    services { nodes { service { kind name } state own reason
        propagated { state callee { name } origin { name } source stale declared rate } } } } }"#;

async fn answer(objects: &[Value], book: CallBook) -> Vec<Value> {
    let app = app(objects).await;
    app.calls.set(book);
    app.ask(QUESTION).await["impact"]["services"]["nodes"]
        .as_array()
        .unwrap()
        .clone()
}

fn states(services: &[Value]) -> Vec<String> {
    let of = |s: &Value| {
        format!(
            "{} {} {}",
            text(&s["service"]["name"]),
            text(&s["own"]),
            text(&s["state"])
        )
    };
    services.iter().map(of).collect()
}

#[tokio::test]
async fn rule_6_a_failure_reaches_callers_as_far_as_they_need_what_fails() {
    let objects = objects(&["db", "cart", "front", "mail", "metrics", "batch"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.yaml");
    let calls = "calls:
- {from: {namespace: shop, workload: cart}, to: {namespace: shop, service: db}, rate: 12.5}
- {from: {service: front}, to: {service: cart}}
- {from: {service: mail}, to: {service: db}, strength: soft}
- {from: {service: metrics}, to: {service: db}, strength: unknown}
- {from: {namespace: shop, workload: batch}, to: {service: front}}
- {from: {service: cart}, to: {service: front}}
- {from: {service: nobody}, to: {service: db}}
";
    std::fs::write(&path, calls).unwrap();
    let snapshot = store_of(&objects).await.snapshot().await.unwrap();
    let mut watch = observer(vec![Source::File(path.clone())], Some(folder.path()));
    let book = watch.look(&*snapshot, NOW).await;
    assert_eq!((book.all().len(), watch.unknown), (6, 1));
    let found = answer(&objects, book).await;
    assert_eq!(
        states(&found),
        [
            "batch UNAFFECTED DOWN",
            "cart UNAFFECTED DOWN",
            "db DOWN DOWN",
            "front UNAFFECTED DOWN",
            "mail UNAFFECTED DEGRADED",
            "metrics UNAFFECTED AT_RISK",
        ]
    );
    assert_eq!(found[0]["service"]["kind"], "Deployment.apps");
    let flow = &found[3]["propagated"];
    assert_eq!(
        (&flow["callee"]["name"], &flow["origin"]["name"]),
        (&json!("cart"), &json!("db"))
    );
    assert_eq!(flow["declared"], true);
    assert_eq!(
        found[3]["reason"],
        "down because it calls shop/Service/cart, which depends on shop/Service/db"
    );
    assert_eq!(found[1]["propagated"]["rate"], 12.5);

    // A file that says nothing we can read loses nothing: what is known is marked, by a new process too.
    std::fs::write(&path, "calls: [{from: {servce: x}}]").unwrap();
    let mut watch = observer(vec![Source::File(path)], Some(folder.path()));
    let book = watch.look(&*snapshot, NOW + 60_000).await;
    assert_eq!(book.all().len(), 6);
    assert!(
        book.all()
            .iter()
            .all(|o| o.evidence.stale && o.evidence.first_seen_ms == NOW)
    );
    let fortnight = 14 * 24 * 3_600_000;
    assert!(
        watch.look(&*snapshot, NOW + fortnight).await.all().is_empty(),
        "what is old expires"
    );
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_tells_who_calls_whom_and_its_absence_marks_what_it_told() {
    let metrics = "# TYPE istio_requests_total counter
istio_requests_total{reporter=\"destination\",source_cluster=\"prod\",source_workload=\"cart\",source_workload_namespace=\"shop\",destination_cluster=\"prod\",destination_service_name=\"db\",destination_service_namespace=\"shop\",destination_workload=\"db\"} 7
istio_requests_total{reporter=\"source\",source_workload=\"front\",source_workload_namespace=\"shop\",destination_service_name=\"db\",destination_service_namespace=\"shop\"} 7
istio_requests_total{reporter=\"destination\",source_workload=\"unknown\",source_workload_namespace=\"unknown\",destination_service_name=\"db\",destination_service_namespace=\"shop\"} 7
# TYPE traces_service_graph_request_total counter
traces_service_graph_request_total{client=\"mail\",server=\"db\",connection_type=\"messaging_system\"} 3
# TYPE hubble_flows_processed_total counter
hubble_flows_processed_total{source_namespace=\"shop\",source_workload=\"front\",destination_namespace=\"shop\",destination_workload=\"cart\"} 3
";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scraped = listener.local_addr().unwrap();
    let router = Router::new().route("/metrics", get(move || async move { metrics }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    let yaml = format!(
        "scrape_configs:\n- job_name: mesh\n  scrape_interval: 1s\n  static_configs: [{{targets: ['{scraped}']}}]\n"
    );
    std::fs::write(&config, yaml).unwrap();
    let port = free_port();
    let mut prometheus = Stopped(
        Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus is missing: add what tests/real/debian.sh prints to the PATH"),
    );
    let objects = objects(&["db", "cart", "front", "mail"]);
    let snapshot = store_of(&objects).await.snapshot().await.unwrap();
    let source = |preset: &str| {
        format!("{preset}@http://127.0.0.1:{port}")
            .parse::<Source>()
            .unwrap()
    };
    let hubble = format!("hubble@http://127.0.0.1:{port}#prod").parse().unwrap();
    let sources = vec![source("istio"), source("servicegraph"), hubble];
    let mut watch = observer(sources, Some(folder.path()));
    let mut book = CallBook::default();
    tokio::time::timeout(PATIENCE, async {
        while book.all().len() < 3 {
            book = watch.look(&*snapshot, NOW).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await
    .expect("Prometheus has scraped");
    let found = answer(&objects, book).await;
    assert_eq!(
        states(&found),
        [
            "cart UNAFFECTED DOWN",
            "db DOWN DOWN",
            "mail UNAFFECTED DEGRADED",
            "front UNAFFECTED AT_RISK",
        ]
    );
    assert_eq!(found[0]["propagated"]["stale"], false);
    assert!(text(&found[0]["propagated"]["source"]).starts_with("istio at http://127.0.0.1"));

    prometheus.0.kill().unwrap();
    prometheus.0.wait().unwrap();
    let book = watch.look(&*snapshot, NOW + 1).await;
    assert_eq!(book.all().len(), 3, "nothing is lost");
    assert!(book.all().iter().all(|o| o.evidence.stale));
}

#[tokio::test]
async fn a_server_that_returns_rubbish_and_sources_that_are_none_are_told_as_such() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let router = Router::new().fallback(|| async { "<html>hello</html>" });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let snapshot = store_of(&objects(&["db"])).await.snapshot().await.unwrap();
    let source = format!("linkerd@http://{at}").parse().unwrap();
    let mut watch = observer(vec![source], None);
    assert!(watch.look(&*snapshot, NOW).await.all().is_empty());
    for (text, told) in [
        ("prom@http://x", "servicegraph"),
        ("istio", "PRESET@URL"),
        ("istio@ftp://x", "http or https"),
        ("istio@http://a:b@x", "without a password"),
    ] {
        let error = text.parse::<Source>().unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}
