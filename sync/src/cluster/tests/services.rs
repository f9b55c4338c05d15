//! What a cluster that is well tells of itself.

use super::server::{JSON, KUBE_SYSTEM, Route, VERSION, config, kubeconfig, serve};
use crate::cluster::{Connection, Resource, Served};
use planisphere_schema::Kind;
use std::sync::{Arc, Mutex};

const CORE: Route = (
    "/api",
    200,
    JSON,
    r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{},"versions":[{"version":"v1","freshness":"Current","resources":[
        {"resource":"pods","verbs":["get","list","watch"]},{"resource":"bindings","verbs":["create"]},
        {"resource":"secrets","verbs":["get","list"]}]}]}]}"#,
);
const NAMED: Route = (
    "/apis",
    200,
    JSON,
    r#"{"kind":"APIGroupDiscoveryList","items":[
        {"metadata":{"name":"apps"},"versions":[{"version":"v1beta1","resources":[{"resource":"deployments","verbs":["list","watch"]}]}]},
        {"metadata":{"name":"batch"},"versions":[{"version":"v1","freshness":"Stale","resources":null}]}]}"#,
);

fn served(connection: &Connection, kind: Kind) -> Served {
    connection.discovery().serves(&Resource::of(kind).unwrap())
}

#[tokio::test]
async fn a_cluster_tells_who_it_is_and_what_it_serves() {
    let (server, _) = serve(vec![VERSION, KUBE_SYSTEM, CORE, NAMED], Arc::default()).await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), ""));
    let connection = Connection::open(&config).await.unwrap();
    assert_eq!(
        (connection.version(), connection.id().0.as_u128()),
        ("v1.36.3", 42)
    );
    assert_eq!((connection.name(), connection.server()), ("here", server));
    assert_eq!(served(&connection, Kind::Pod), Served::Yes);
    // Not watchable; another version only; a group whose server is down.
    assert_eq!(served(&connection, Kind::Secret), Served::No);
    assert_eq!(served(&connection, Kind::Deployment), Served::No);
    assert_eq!(served(&connection, Kind::Job), Served::Unknown);
}

#[tokio::test]
async fn an_old_server_is_asked_group_by_group_and_a_dead_group_is_unknown() {
    let routes = vec![
        VERSION,
        KUBE_SYSTEM,
        ("/api", 200, JSON, r#"{"kind":"APIVersions","versions":["v1"]}"#),
        (
            "/api/v1",
            200,
            JSON,
            r#"{"resources":[{"name":"pods","verbs":["list","watch"]},{"name":"pods/log","verbs":["get"]}]}"#,
        ),
        (
            "/apis",
            200,
            JSON,
            r#"{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"version":"v1"}]},
            {"name":"batch","versions":[{"version":"v1"}]},{"name":"example.com","versions":[{"version":"v1"}]}]}"#,
        ),
        (
            "/apis/apps/v1",
            200,
            JSON,
            r#"{"resources":[{"name":"deployments","verbs":["list","watch"]}]}"#,
        ),
        (
            "/apis/batch/v1",
            503,
            JSON,
            r#"{"kind":"Status","code":503,"message":"down"}"#,
        ),
    ];
    let (server, seen) = serve(routes, Arc::default()).await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), ""));
    let connection = Connection::open(&config).await.unwrap();
    assert_eq!(served(&connection, Kind::Pod), Served::Yes);
    assert_eq!(served(&connection, Kind::Deployment), Served::Yes);
    assert_eq!(served(&connection, Kind::Job), Served::Unknown);
    assert_eq!(served(&connection, Kind::Ingress), Served::No);
    let asked = seen.lock().unwrap();
    assert!(asked.iter().any(|(_, path, _)| path == "/apis/example.com/v1"));
}

#[tokio::test]
async fn discovery_that_is_forbidden_leaves_everything_worth_a_try() {
    let forbidden = (
        "/api",
        403,
        JSON,
        r#"{"kind":"Status","code":403,"message":"no"}"#,
    );
    let (server, _) = serve(vec![VERSION, KUBE_SYSTEM, forbidden], Arc::default()).await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), ""));
    let connection = Connection::open(&config).await.unwrap();
    assert_eq!(served(&connection, Kind::Pod), Served::Unknown);
}

#[tokio::test]
async fn credentials_are_renewed_from_the_file_and_by_one_of_many() {
    let token = Arc::new(Mutex::new("old".to_owned()));
    let (server, seen) = serve(vec![VERSION, KUBE_SYSTEM, CORE, NAMED], Arc::clone(&token)).await;
    let home = tempfile::tempdir().unwrap();
    let cluster = format!("server: \"{server}\"");
    let config = config(kubeconfig(home.path(), &cluster, "token: old"));
    let connection = Connection::open(&config).await.unwrap();
    *token.lock().unwrap() = "new".to_owned();
    assert!(connection.identity().await.is_err());
    kubeconfig(home.path(), &cluster, "token: new");
    connection.renew(0).await.unwrap();
    assert_eq!(connection.identity().await.unwrap(), connection.id());
    // Another reflector saw the same generation refused: the work is done already.
    connection.renew(0).await.unwrap();
    assert_eq!(connection.access().generation, 1);
    assert_eq!(seen.lock().unwrap().last().unwrap().2, "Bearer new");
}

#[tokio::test]
async fn a_plugins_token_is_used() {
    let (server, seen) = serve(vec![VERSION, KUBE_SYSTEM, CORE, NAMED], Arc::default()).await;
    let home = tempfile::tempdir().unwrap();
    let user = r#"exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: ['{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"from-plugin"}}']}"#;
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), user));
    Connection::open(&config).await.unwrap();
    assert!(
        seen.lock()
            .unwrap()
            .iter()
            .all(|(.., token)| token == "Bearer from-plugin")
    );
}

#[tokio::test]
async fn the_preflight_tells_what_is_missing_with_the_next_step() {
    use crate::preflight::{Verdict, check};
    const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let routes = vec![
        VERSION,
        KUBE_SYSTEM,
        CORE,
        NAMED,
        (
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews \"jobs\"",
            201,
            JSON,
            r#"{"status":{"allowed":false}}"#,
        ),
        (REVIEWS, 201, JSON, r#"{"status":{"allowed":true}}"#),
    ];
    let (server, seen) = serve(routes, Arc::default()).await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), &format!("server: \"{server}\""), ""));
    // The server's clock says 03:12:00.
    let noon: jiff::Timestamp = "2026-11-24T03:10:00Z".parse().unwrap();
    let report = check(&config, &move || noon.as_millisecond()).await;
    let row = |what: &str| {
        report
            .checks
            .iter()
            .find(|c| c.what == what)
            .unwrap_or_else(|| panic!("{what}: {report:?}"))
    };
    assert_eq!(row("version").detail, "v1.36.3");
    assert_eq!(row("clock").verdict, Verdict::Warn);
    assert_eq!(row("clock").detail, "the server is 120 s ahead of us");
    assert!(row("kinds").detail.contains("Secret (v1)"), "{:?}", row("kinds"));
    let jobs = row("permission Job.batch");
    assert_eq!(jobs.detail, "no list and watch of jobs: it will be missing");
    assert!(
        jobs.next_step
            .as_ref()
            .unwrap()
            .contains("apiGroups: [batch], resources: [jobs]")
    );
    assert_eq!(row("permissions").verdict, Verdict::Ok);
    assert_eq!(report.verdict(), Verdict::Warn);
    assert!(
        seen.lock()
            .unwrap()
            .iter()
            .all(|(method, path, _)| method == "GET" || path == REVIEWS)
    );
}

#[tokio::test]
async fn the_preflight_of_an_unreachable_cluster_fails_with_one_row() {
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(home.path(), "server: \"http://127.0.0.1:1\"", ""));
    let report = crate::preflight::check(&config, &|| 0).await;
    assert_eq!(report.verdict(), crate::preflight::Verdict::Fail);
    let last = report.checks.last().unwrap();
    assert!(
        last.detail.contains("refuses connections") && last.next_step.is_some(),
        "{last:?}"
    );
}

#[tokio::test]
async fn credentials_that_stay_refused_are_not_looked_for_all_the_time() {
    let token = Arc::new(Mutex::new("old".to_owned()));
    let (server, _) = serve(vec![VERSION, KUBE_SYSTEM, CORE, NAMED], Arc::clone(&token)).await;
    let home = tempfile::tempdir().unwrap();
    let config = config(kubeconfig(
        home.path(),
        &format!("server: \"{server}\""),
        "token: old",
    ));
    let connection = Connection::open(&config).await.unwrap();
    for refused in 0..5 {
        connection.renew(refused).await.unwrap();
    }
    assert_eq!(connection.access().generation, 1);
}
