//! The admin endpoints, as a kubelet and a Prometheus ask them.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use planisphere::admin::{Admin, Checks, Metrics, Outcome, StoreOp, router};
use planisphere_schema::{Coverage, Kind, RelationKind};
use planisphere_sync::status::SyncStatus;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

fn admin(status: SyncStatus) -> Admin {
    Admin {
        live: Checks::live(),
        ready: Checks::default(),
        metrics: Arc::new(Metrics::new(status)),
    }
}

async fn get(admin: &Admin, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router(admin.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn ready_is_when_every_check_passes_and_not_before() {
    let admin = admin(SyncStatus::default());
    let store = admin.ready.add("store", "opening");
    let sync = admin.ready.add("first-sync", "2 of 3 clusters");
    store.pass();
    let (status, text) = get(&admin, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        text,
        "[+]store ok\n[-]first-sync failed: 2 of 3 clusters\nreadyz check failed\n"
    );
    assert!(!admin.ready.passed());
    sync.pass();
    assert_eq!(get(&admin, "/readyz").await, (StatusCode::OK, "ok".to_owned()));
    assert_eq!(get(&admin, "/healthz").await, (StatusCode::OK, "ok".to_owned()));
    let verbose = "[+]store ok\n[+]first-sync ok\nreadyz check passed\n".to_owned();
    assert_eq!(get(&admin, "/readyz?verbose").await, (StatusCode::OK, verbose));
    store.fail("disk is full");
    assert_eq!(get(&admin, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn checks_can_be_asked_for_one_by_one_and_left_out() {
    let admin = admin(SyncStatus::default());
    admin.ready.add("store", "").pass();
    let _waiting = admin.ready.add("first-sync", "connecting");
    assert_eq!(
        get(&admin, "/readyz/store").await,
        (StatusCode::OK, "ok".to_owned())
    );
    let (status, text) = get(&admin, "/readyz/first-sync").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("connecting"), "{text}");
    let (status, text) = get(&admin, "/readyz/nonsense").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("store, first-sync"), "{text}");
    assert_eq!(get(&admin, "/readyz?exclude=first-sync").await.0, StatusCode::OK);
}

#[tokio::test]
async fn alive_does_not_depend_on_being_ready_or_on_any_cluster() {
    let status = SyncStatus::default();
    status.update("dead", |c| c.error = Some("no route to host".to_owned()));
    let admin = admin(status);
    let _never = admin.ready.add("first-sync", "connecting");
    assert_eq!(get(&admin, "/livez").await, (StatusCode::OK, "ok".to_owned()));
    let (_, verbose) = get(&admin, "/livez?verbose").await;
    assert_eq!(verbose, "[+]ping ok\nlivez check passed\n");
    admin.live.add("ingest", "the writer ended");
    assert_eq!(get(&admin, "/livez").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn whoever_waits_for_readiness_is_woken_by_the_last_check() {
    let ready = Checks::default();
    let (a, b) = (ready.add("a", ""), ready.add("b", ""));
    let waiting = tokio::spawn({
        let ready = ready.clone();
        async move { ready.wait().await }
    });
    a.pass();
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    b.pass();
    waiting.await.unwrap();
}

#[tokio::test]
async fn metrics_follow_the_mirror_and_never_name_an_object() {
    let status = SyncStatus::default();
    status.update("eu", |c| c.reachable = true);
    status.update_kind("eu", Kind::Deployment, |k| {
        k.coverage = Some(Coverage::Watched);
        k.objects = 7;
        k.fresh_ms = Some(1_700_000_000_500);
        k.last_contact_ms = Some(1_700_000_001_000);
        k.lists.insert("start", 1);
        k.lists.insert("410", 2);
        k.watches = 3;
        k.events = 11;
        k.errors = 1;
        k.ignored.insert("older", 4);
    });
    status.update_kind("eu", Kind::Secret, |k| k.coverage = Some(Coverage::Denied));
    let admin = admin(status.clone());
    admin.metrics.set_relations(&[(RelationKind::RunsOn, 5)]);
    admin.metrics.store_tx(StoreOp::Apply, Duration::from_millis(3));
    admin.metrics.set_queue_depth(9);
    admin.metrics.set_extent(&planisphere::store::Extent {
        oldest_ms: Some(1_700_000_000_250),
        changes: 12,
        bytes: 4_096,
    });
    admin
        .metrics
        .graphql_request(Some("PlanisphereGet"), Outcome::Ok, Duration::from_millis(2));
    admin.metrics.graphql_request(
        Some("somebody's secret"),
        Outcome::Error,
        Duration::from_millis(2),
    );
    admin.metrics.graphql_rejected("COST_EXCEEDED");
    let (_, text) = get(&admin, "/metrics").await;
    let of = r#"cluster="eu",resource="deployments""#;
    for line in [
        concat!(
            "planisphere_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        )
        .to_owned(),
        r#"planisphere_cluster_reachable{cluster="eu"} 1.0"#.to_owned(),
        r#"planisphere_cluster_last_contact_timestamp_seconds{cluster="eu"} 1700000001.0"#.to_owned(),
        format!("planisphere_resource_synced_timestamp_seconds{{{of}}} 1700000000.5"),
        format!("planisphere_objects{{{of}}} 7.0"),
        format!("planisphere_coverage{{{of},state=\"watched\"}} 1.0"),
        r#"planisphere_coverage{cluster="eu",resource="secrets",state="denied"} 1.0"#.to_owned(),
        format!("planisphere_list_total{{{of},result=\"success\"}} 3.0"),
        format!("planisphere_relist_total{{{of},reason=\"410\"}} 2.0"),
        format!("planisphere_watch_total{{{of}}} 3.0"),
        format!("planisphere_errors_total{{{of}}} 1.0"),
        format!("planisphere_events_total{{{of}}} 11.0"),
        format!("planisphere_events_ignored_total{{{of},reason=\"older\"}} 4.0"),
        r#"planisphere_relations{type="RUNS_ON"} 5"#.to_owned(),
        "planisphere_queue_depth 9".to_owned(),
        "planisphere_history_oldest_timestamp_seconds 1700000000.25".to_owned(),
        "planisphere_history_changes 12".to_owned(),
        "planisphere_store_size_bytes 4096".to_owned(),
        r#"planisphere_store_tx_duration_seconds_count{op="apply"} 1"#.to_owned(),
        r#"planisphere_graphql_requests_total{operation="PlanisphereGet",outcome="ok"} 1"#.to_owned(),
        r#"planisphere_graphql_requests_total{operation="other",outcome="error"} 1"#.to_owned(),
        r#"planisphere_graphql_rejected_total{reason="COST_EXCEEDED"} 1"#.to_owned(),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n") && !text.contains("secret\""), "{text}");
    status.update_kind("eu", Kind::Deployment, |k| k.objects = 8);
    assert!(
        get(&admin, "/metrics")
            .await
            .1
            .contains(&format!("planisphere_objects{{{of}}} 8.0"))
    );
}

#[tokio::test]
async fn every_metric_is_described_and_typed_once() {
    let status = SyncStatus::default();
    for cluster in ["a", "b"] {
        status.update_kind(cluster, Kind::Pod, |k| k.coverage = Some(Coverage::Watched));
    }
    let (_, text) = get(&admin(status), "/metrics").await;
    let mut types: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")).collect();
    let count = types.len();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), count, "{text}");
    let named = |t: &&str| t.starts_with("planisphere_") && t.matches("planisphere").count() == 1;
    assert!(types.iter().all(named), "{types:?}");
}
