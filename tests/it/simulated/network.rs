//! What a network does to single packets: in a network namespace of a test's own, the kernel drops or refuses those of
//! one cluster, and nobody is told.

use super::world::{World, kinds_where};
use crate::mirrored::equals;
use crate::program::{Program, debian, until};
use crate::site::{count, objects, sync};
use planisphere_fixtures::SimCluster;
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set where the test runs in its own namespace.
const INSIDE: &str = "PLANISPHERE_TEST_NAMESPACE";
/// After so long without a proof a cluster is called stale.
const STALE: &str = "15s";
/// A watch is given up after 65 s of silence; the rest is for a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(120);

/// Whether this is the run in the namespace. If not, makes that run, and passes on its failure.
fn in_a_namespace_of_its_own(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c"])
        .args(["ip link set lo up && exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare is missing: install the Debian package util-linux");
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    // A test that does not exist would pass as well.
    assert!(output.status.success() && told.contains(" 1 passed"), "{told}");
    false
}

/// Does this to the packets of a cluster's server until it heals.
fn packets(cluster: &SimCluster, verdict: &str) {
    let port = cluster.url().rsplit(':').next().unwrap().to_owned();
    // A refusal is told by a packet from there: it must come through.
    let back = match verdict.starts_with("reject") {
        true => String::new(),
        false => format!("tcp sport {port} {verdict}"),
    };
    let rules = format!(
        "table inet wire {{\n chain input {{\n type filter hook input priority 0\n tcp dport {port} {verdict}\n {back}\n }}\n }}\n"
    );
    tell_the_kernel(&rules);
}

fn heal() {
    tell_the_kernel("delete table inet wire\n");
}

fn tell_the_kernel(rules: &str) {
    let mut nft = Command::new(debian("nft"))
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success(), "{rules}");
}

/// The clusters that answers call stale.
pub async fn stale(program: &Program) -> Vec<String> {
    let query = "{ assets(first: 1) { freshness { staleClusters { cluster } } } }";
    let data = program.data(query, json!({})).await;
    let stale = data["assets"]["freshness"]["staleClusters"].as_array().unwrap();
    let names = stale.iter().map(|s| s["cluster"].as_str().unwrap().to_owned());
    names.collect()
}

/// Of the kinds that are watched, those of which nothing has gone wrong yet.
async fn untroubled(program: &Program, cluster: &SimCluster) -> Vec<String> {
    kinds_where(program, cluster, |kind| {
        kind["coverage"] == "WATCHED" && kind["errors"] == 0
    })
    .await
}

fn change(cluster: &SimCluster, value: &str) {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "probe", "namespace": "default", "labels": { "value": value } } });
    cluster.apply(object).unwrap();
    let gone = cluster
        .objects("configmaps")
        .find(|o| o["metadata"]["name"] != "probe");
    let gone = gone.unwrap();
    let of = |field: &str| gone["metadata"][field].as_str().unwrap().to_owned();
    cluster
        .delete("ConfigMap", &of("namespace"), &of("name"))
        .unwrap();
}

async fn is_mirrored(program: &Program, cluster: &SimCluster) {
    equals(program, cluster.name(), || objects(cluster)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_whose_packets_are_all_lost_are_called_stale_then_given_up_and_gone_on_with_without_a_list() {
    if !in_a_namespace_of_its_own(
        "watches_whose_packets_are_all_lost_are_called_stale_then_given_up_and_gone_on_with_without_a_list",
    ) {
        return;
    }
    let world = World::new(91, 2, 400).await;
    let program = world.site.serve(&["--all-contexts", "--stale-after", STALE]);
    world.is_mirrored(&program).await;
    let (lost, other) = (&world.fleet.clusters[0], &world.fleet.clusters[1]);
    assert_eq!(stale(&program).await, Vec::<String>::new());
    let (marks, before) = (world.marks(), count(&program, lost.name(), None).await);

    packets(lost, "drop");
    let began = Instant::now();
    change(lost, "1");
    change(other, "1");
    is_mirrored(&program, other).await;
    let mut called_stale = None;
    loop {
        if called_stale.is_none() && stale(&program).await == [lost.name()] {
            called_stale = Some(began.elapsed());
        }
        if untroubled(&program, lost).await.is_empty() {
            break;
        }
        assert!(
            began.elapsed() < GIVEN_UP,
            "{:#}",
            sync(&program, lost.name()).await
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(
        called_stale.is_some(),
        "nothing was said before the watches were given up"
    );
    // Nothing is known to be gone; the other cluster goes on.
    assert_eq!(count(&program, lost.name(), None).await, before);
    change(other, "2");
    is_mirrored(&program, other).await;
    assert_eq!(stale(&program).await, [lost.name()]);

    heal();
    is_mirrored(&program, lost).await;
    until("it is called current again", || async {
        stale(&program).await.is_empty()
    })
    .await;
    assert_eq!(world.lists_since(&marks), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_no_packet_reaches_is_told_in_words_and_mirrored_once_it_is_reached() {
    if !in_a_namespace_of_its_own(
        "a_cluster_that_no_packet_reaches_is_told_in_words_and_mirrored_once_it_is_reached",
    ) {
        return;
    }
    for (verdict, words) in [
        ("reject with tcp reset", "refuses connections"),
        ("drop", "did not answer within"),
    ] {
        let world = World::new(92, 2, 400).await;
        let (away, other) = (&world.fleet.clusters[0], &world.fleet.clusters[1]);
        packets(away, verdict);
        let program = world.serve();
        is_mirrored(&program, other).await;
        until(&format!("it is told that it {words}"), || async {
            let error = sync(&program, away.name()).await["error"].take();
            error.as_str().is_some_and(|e| e.contains(words))
        })
        .await;
        assert_eq!(stale(&program).await, [away.name()]);
        assert_eq!(count(&program, away.name(), None).await, 0);
        heal();
        is_mirrored(&program, away).await;
        assert_eq!(stale(&program).await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_loses_each_fifth_packet_delays_and_loses_no_change() {
    if !in_a_namespace_of_its_own("a_network_that_loses_each_fifth_packet_delays_and_loses_no_change") {
        return;
    }
    let world = World::new(93, 2, 400).await;
    packets(&world.fleet.clusters[0], "numgen random mod 5 == 0 drop");
    let program = world.serve();
    world.is_mirrored(&program).await;
    let mut fleet = world.fleet.fleet();
    for _ in 0..150 {
        fleet.step();
    }
    fleet.finish();
    world.is_mirrored(&program).await;
    until("it is called current", || async {
        stale(&program).await.is_empty()
    })
    .await;
}
