//! What those who run it see: addresses, checks, numbers, logs, and how it ends.

use crate::program::{Program, client, until};
use crate::site::{Site, count, sync};
use planisphere_fixtures::{Fault, FleetSpec, Options, Simulation, Times};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// How long an orderly end may take where nobody holds it up.
const SECONDS: Duration = Duration::from_secs(5);

async fn fleet() -> (Simulation, Site) {
    let fleet = Simulation::start(FleetSpec::DEMO, Options::default())
        .await
        .unwrap();
    let site = Site::of(&fleet);
    (fleet, site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_the_only_lines_on_standard_output_and_answer() {
    let (_fleet, site) = fleet().await;
    let program = site.serve(&[]);
    program.ready().await;
    let printed = program.printed();
    assert_eq!(
        printed,
        [
            format!("graphql {}/graphql", program.graphql),
            format!("admin {}", program.admin)
        ]
    );
    for address in [&program.graphql, &program.admin] {
        let port = address.rsplit(':').next().unwrap();
        assert_ne!(port, "0", "the address that it got, not the one it was asked for");
    }
    let page = client()
        .get(format!("{}/graphiql", program.graphql))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("<html"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_sync_makes_it_ready_and_each_check_is_told() {
    let (fleet, site) = fleet().await;
    let cluster = &fleet.clusters[0];
    for fault in [Fault::ListHangs, Fault::WatchHangs] {
        cluster.faults().inject("pods", fault, Times::Always);
    }
    let program = site.serve(&["--all-contexts"]);
    let (status, text) = program.admin("/livez?verbose").await;
    assert_eq!((status, text.as_str()), (200, "[+]ping ok\nlivez check passed\n"));
    until("only the kind that hangs is waited for", || async {
        let (status, text) = program.admin("/readyz?verbose").await;
        assert_eq!(status, 503);
        text.contains("[+]store ok\n")
            && text.contains("[-]first-sync failed: the first sync is not done: demo-eu\n")
            && text.ends_with("readyz check failed\n")
    })
    .await;
    // Answers are given all the same.
    until("the other kinds are answered", || async {
        count(&program, "demo-eu", Some("Service")).await > 0
    })
    .await;
    assert_eq!(program.admin("/livez").await.0, 200);
    drop(program);
    cluster.faults().clear_all();
    let program = site.serve(&["--all-contexts"]);
    program.ready().await;
    let (_, text) = program.admin("/readyz?verbose").await;
    assert_eq!(text, "[+]store ok\n[+]first-sync ok\nreadyz check passed\n");
    assert_eq!(program.admin("/readyz").await, (200, "ok".to_owned()));
    assert_eq!(program.admin("/readyz/nothing").await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_told_per_cluster_and_kind_and_never_name_an_object() {
    let (fleet, site) = fleet().await;
    let program = site.serve(&["--all-contexts"]);
    program.ready().await;
    let pods = fleet.clusters[0].count("pods");
    count(&program, "demo-eu", None).await;
    until("the pods are counted", || async {
        let (status, text) = program.admin("/metrics").await;
        assert_eq!(status, 200);
        assert!(text.ends_with("# EOF\n"), "OpenMetrics ends so");
        let counted = format!("planisphere_objects{{cluster=\"demo-eu\",resource=\"pods\"}} {pods}");
        text.lines().any(|line| line.trim_end_matches(".0") == counted)
    })
    .await;
    program.ask("{ nonsense }", json!({})).await;
    let (_, text) = program.admin("/metrics").await;
    for name in [
        "planisphere_build_info",
        "planisphere_store_tx_duration_seconds_bucket",
        "planisphere_queue_depth",
        "planisphere_cluster_reachable{cluster=\"demo-us\"} 1",
        "planisphere_graphql_requests_total{operation=\"other\",outcome=\"ok\"}",
        "planisphere_graphql_rejected_total{reason=\"BAD_USER_INPUT\"} 1",
    ] {
        assert!(
            text.contains(&format!("\n{name}")) || text.starts_with(name),
            "{name} is missing in\n{text}"
        );
    }
    for pod in fleet.clusters[0].objects("pods") {
        let name = pod["metadata"]["name"].as_str().unwrap();
        assert!(!text.contains(name), "{name} is in the numbers");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_json_lines_where_nobody_looks_and_text_where_asked_for() {
    let (fleet, site) = fleet().await;
    let program = site.serve(&[]);
    program.ready().await;
    fleet.clusters[0].go_offline().await;
    until("the loss is logged", || async {
        program.logged().contains("refuses connections")
    })
    .await;
    for line in program.logged().lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for field in ["timestamp", "level", "message", "target"] {
            assert!(entry[field].is_string(), "{field} is missing in {line}");
        }
    }
    drop(program);
    let program = site.serve(&["--log-format", "text"]);
    until("the loss is logged", || async {
        program.logged().contains("refuses connections")
    })
    .await;
    let logged = program.logged();
    let first = logged.lines().next().unwrap();
    assert!(serde_json::from_str::<Value>(first).is_err(), "{first}");
    assert!(
        !first.contains('\u{1b}'),
        "no colours where nobody looks: {first}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_signal_ends_it_in_good_order_within_seconds() {
    for signal in ["TERM", "INT"] {
        let (_fleet, site) = fleet().await;
        let program = site.serve(&["--all-contexts"]);
        program.ready().await;
        program.signal(signal);
        let status = program.ends_within(SECONDS).await;
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_hangs_from_the_start_does_not_hold_up_the_end() {
    let (fleet, site) = fleet().await;
    fleet.clusters[1].faults().hang_all(true);
    let program = site.serve(&["--all-contexts"]);
    until("the other one is complete and this one was asked", || async {
        sync(&program, "demo-eu").await["complete"] == true && fleet.clusters[1].request_mark() > 0
    })
    .await;
    program.signal("TERM");
    assert_eq!(program.ends_within(SECONDS).await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_hangs_in_the_middle_does_not_hold_up_the_end() {
    let (fleet, site) = fleet().await;
    let program = site.serve(&["--all-contexts"]);
    program.ready().await;
    let hanging = &fleet.clusters[1];
    hanging.faults().hang_all(true);
    let mark = hanging.request_mark();
    hanging.faults().inject("*", Fault::WatchCut, Times::Times(30));
    hanging.until(|c| c.request_mark() > mark + 3).await;
    program.signal("TERM");
    assert_eq!(program.ends_within(SECONDS).await.code(), Some(0));
}

/// A client that has begun to ask and never ends its question: an orderly end waits for it for a while.
fn slow_client(program: &Program) -> std::net::TcpStream {
    let address = program.graphql.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // From now on somebody waits for the body.
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_signal_ends_it_at_once() {
    let (_fleet, site) = fleet().await;
    let program = site.serve(&[]);
    program.ready().await;
    let _held = slow_client(&program);
    program.signal("TERM");
    until("it is stopping", || async {
        program.logged().contains("a second signal stops at once")
    })
    .await;
    program.signal("TERM");
    let status = program.ends_within(SECONDS).await;
    assert_eq!(
        (status.code(), status.signal()),
        (Some(143), None),
        "as shells count a process that SIGTERM ended"
    );
    // What was committed before is there.
    let program = site.serve(&[]);
    assert!(count(&program, "demo-eu", None).await > 0);
}
