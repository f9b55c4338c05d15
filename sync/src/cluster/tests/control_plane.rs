//! What a control plane tells when it is asked, refuses included.

use super::server::{JSON, KUBE_SYSTEM, Route, config, kubeconfig, serve};
use crate::cluster::Connection;
use crate::extract::control_plane::observations;
use planisphere_schema::Attributes;
use serde_json::{Value, json};
use std::sync::Arc;

const VERSION: Route = (
    "/version",
    200,
    JSON,
    r#"{"gitVersion":"v1.36.3","platform":"linux/amd64"}"#,
);
const NONE: Route = (
    "/api",
    200,
    JSON,
    r#"{"kind":"APIGroupDiscoveryList","items":[]}"#,
);
const NAMED: Route = ("/apis", 200, JSON, NONE.3);
const FORBIDDEN: &str = r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"no"}"#;
const SCHEDULER: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";
const MANAGER: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager";
const CLOUD: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cloud-controller-manager";

/// Asks a server with these routes; gives each part's name with what is kept and with its edges, and whether all was told.
async fn asked(routes: Vec<Route>) -> (Vec<(String, Value, Vec<String>)>, bool) {
    let (server, _) = serve(
        [vec![VERSION, KUBE_SYSTEM, NONE, NAMED], routes].concat(),
        Arc::default(),
    )
    .await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), ""));
    let connection = Connection::open(&config).await.unwrap();
    assert_eq!(
        (connection.version(), connection.platform()),
        ("v1.36.3", "linux/amd64")
    );
    let told = connection.ask_control_plane().await.unwrap();
    let parts = observations(connection.id(), &told).into_iter().map(|part| {
        let edges = part
            .edges
            .iter()
            .map(|e| format!("{} {}", e.relation, e.to.key()));
        let kept = Attributes::to_json(&part.asset.attributes);
        (part.asset.reference.key().name.to_string(), kept, edges.collect())
    });
    (parts.collect(), told.is_whole())
}

#[tokio::test]
async fn an_api_server_tells_its_checks_and_leases_who_leads() {
    // The server's clock says 03:12:00.
    let (parts, whole) = asked(vec![
        (
            "/readyz?verbose",
            500,
            "text/plain",
            "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n",
        ),
        (
            SCHEDULER,
            200,
            JSON,
            r#"{"spec":{"holderIdentity":"a_1","renewTime":"2026-11-24T03:11:58.123456Z"}}"#,
        ),
        (
            MANAGER,
            200,
            JSON,
            r#"{"spec":{"holderIdentity":"b_2","renewTime":"2026-11-24T03:02:00.000000Z"}}"#,
        ),
    ])
    .await;
    assert!(whole);
    let checks = json!([{"name": "etcd", "passes": false}, {"name": "ping", "passes": true}]);
    assert_eq!(parts[0].0, "kube-apiserver");
    assert_eq!(
        (&parts[0].1["ready"], &parts[0].1["checks"]),
        (&json!(false), &checks)
    );
    assert_eq!(
        (&parts[0].1["gitVersion"], &parts[0].1["withheld"]),
        (&json!("v1.36.3"), &json!([]))
    );
    assert_eq!(parts[0].2, ["RUNS_COMPONENT Component/kube-apiserver@v1.36.3"]);
    let led: Vec<_> = parts[1..]
        .iter()
        .map(|(name, kept, edges)| (&**name, &kept["leader"], &kept["leading"], edges.len()))
        .collect();
    assert_eq!(
        led,
        [
            ("kube-controller-manager", &json!("b_2"), &json!(false), 1),
            ("kube-scheduler", &json!("a_1"), &json!(true), 1)
        ]
    );
}

#[tokio::test]
async fn what_a_control_plane_refuses_is_said_and_proves_nothing_gone() {
    let (parts, whole) = asked(vec![
        ("/readyz?verbose", 403, JSON, FORBIDDEN),
        (SCHEDULER, 403, JSON, FORBIDDEN),
        (MANAGER, 403, JSON, FORBIDDEN),
        (CLOUD, 403, JSON, FORBIDDEN),
    ])
    .await;
    assert!(!whole, "a scheduler that we may not see may be there");
    assert_eq!(parts.len(), 1);
    assert_eq!(
        (&parts[0].1["ready"], &parts[0].1["withheld"]),
        (
            &Value::Null,
            &json!([
                "/readyz: we may not read it",
                "leases of kube-system: we may not read them"
            ])
        )
    );
    // A managed control plane shows only its API server; an old one has no such page.
    let (parts, whole) = asked(Vec::new()).await;
    assert!(whole && parts.len() == 1);
    assert_eq!(parts[0].1["withheld"], json!(["/readyz: it is not served"]));
}

#[tokio::test]
async fn a_control_plane_that_fails_to_answer_tells_nothing() {
    let (server, _) = serve(
        vec![
            VERSION,
            KUBE_SYSTEM,
            NONE,
            NAMED,
            ("/readyz?verbose", 503, JSON, r#"{"kind":"Status","code":503}"#),
        ],
        Arc::default(),
    )
    .await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), ""));
    let connection = Connection::open(&config).await.unwrap();
    assert!(connection.ask_control_plane().await.is_err());
}
