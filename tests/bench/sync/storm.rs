//! Many changes: how many a second become visible, how long one takes while a thousand a second come, what that weighs,
//! and what it is to one cluster that another is broken.

use super::percentile;
use super::running::Running;
use planisphere_fixtures::{Fault, FleetSpec, Options, SimCluster, Simulation, Times};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Objects that the storm goes round.
const FILLERS: usize = 5_000;
/// How often the latency is taken for one row.
const PROBES: usize = 200;
/// How often a flood looks whether it is time.
const TURN: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(300);

fn object(name: &str, value: usize) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default", "labels": { "bench": value.to_string() } } })
}

/// Waits until an object is answered with a value.
async fn shown(ours: &Running, id: &str, value: usize) {
    let began = Instant::now();
    let value = value.to_string();
    loop {
        let query = "query($id: ID!) { node(id: $id) { labels } }";
        let data = ours.ask(query, json!({ "id": id })).await;
        if data["node"]["labels"]["bench"] == value.as_str() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{value} does not show up");
    }
}

async fn id_of(ours: &Running, cluster: &SimCluster, name: &str) -> String {
    let began = Instant::now();
    loop {
        let query = "query($cluster: String!, $name: String!) {
            assets(filter: {cluster: {eq: $cluster}, name: {eq: $name}}, first: 1) { nodes { id } } }";
        let data = ours
            .ask(query, json!({ "cluster": cluster.name(), "name": name }))
            .await;
        if let Some(id) = data["assets"]["nodes"][0]["id"].as_str() {
            return id.to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "{name} does not show up");
    }
}

/// Milliseconds from a change until it is answered.
async fn latencies(ours: &Running, cluster: &SimCluster) -> Vec<f64> {
    cluster.apply(object("probe", 0)).unwrap();
    let id = id_of(ours, cluster, "probe").await;
    let mut taken = Vec::new();
    for value in 1..=PROBES {
        let began = Instant::now();
        cluster.apply(object("probe", value)).unwrap();
        shown(ours, &id, value).await;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    taken
}

/// How many lists the program has read of pods since it started.
async fn lists_of_pods(ours: &Running, cluster: &SimCluster) -> u64 {
    let query = "{ sync { clusters { name kinds { kind lists { count } } } } }";
    let data = ours.ask(query, json!({})).await;
    let clusters = data["sync"]["clusters"].as_array().unwrap();
    let ours = clusters.iter().find(|c| c["name"] == cluster.name()).unwrap();
    let kinds = ours["kinds"].as_array().unwrap();
    let pods = kinds.iter().find(|kind| kind["kind"] == "Pod").unwrap();
    let lists = pods["lists"].as_array().unwrap();
    lists.iter().filter_map(|list| list["count"].as_u64()).sum()
}

/// Measures and prints; ends badly where the program took more memory than this, in MB.
pub async fn measure(events: usize, objects: u32, budget: f64) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let spec = FleetSpec {
        objects,
        clusters: 2,
        ..FleetSpec::DEMO
    };
    // What is measured must not wait for the measuring.
    let fleet = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let started = fleet.spawn(Simulation::start(spec, Options::default()));
    let simulation = started.await.unwrap().unwrap();
    std::fs::write(&kubeconfig, simulation.kubeconfig_yaml()).unwrap();
    let ours = Running::start(&kubeconfig, &folder.path().join("data"));
    ours.ready().await;
    let cluster = simulation.clusters[0].clone();
    for number in 0..FILLERS {
        cluster.apply(object(&format!("filler-{number}"), 0)).unwrap();
    }
    let last = format!("filler-{}", (events - 1) % FILLERS);
    let id = id_of(&ours, &cluster, &last).await;
    let (before, _) = ours.weight();

    println!("\n## A storm of {events} changes in a fleet of {objects} objects\n");
    println!(
        "| | told in, s | told a second | visible after, s | visible a second | MB before | MB after | MB peak |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (round, what) in ["alone", "while every object is listed again"]
        .into_iter()
        .enumerate()
    {
        let lists = lists_of_pods(&ours, &cluster).await;
        if round > 0 {
            // Every watch breaks off, and its version has expired.
            cluster
                .faults()
                .inject("*", Fault::WatchStatus(410, None), Times::Times(80));
            cluster.faults().inject("*", Fault::WatchCut, Times::Times(80));
        }
        let first = round * events;
        let began = Instant::now();
        let storm = cluster.clone();
        let told = fleet.spawn_blocking(move || {
            for number in first..first + events {
                storm
                    .apply(object(&format!("filler-{}", number % FILLERS), number + 1))
                    .unwrap();
            }
            began.elapsed()
        });
        let told = told.await.unwrap().as_secs_f64();
        shown(&ours, &id, first + events).await;
        while round > 0 && lists_of_pods(&ours, &cluster).await == lists {
            assert!(began.elapsed() < PATIENCE, "the pods are not listed again");
        }
        let all = began.elapsed().as_secs_f64();
        cluster.faults().clear_all();
        let (after, peak) = ours.weight();
        let (fast, rate) = (events as f64 / told, events as f64 / all);
        println!(
            "| {what} | {told:.2} | {fast:.0} | {all:.2} | {rate:.0} | {before:.0} | {after:.0} | {peak:.0} |"
        );
        assert!(
            peak <= budget,
            "{peak:.0} MB are more than the budget of {budget:.0} MB"
        );
    }

    println!("\n## Latency while others change\n");
    println!("| until GraphQL answers with a change | p50 ms | p99 ms |\n| --- | --- | --- |");
    let other = &simulation.clusters[1];
    row("nothing else", latencies(&ours, other).await);
    let flood = Flood::start(&cluster, usize::MAX);
    row(
        "another cluster changes as fast as it can",
        latencies(&ours, other).await,
    );
    println!("\nThe other cluster: {:.0} changes a second.", flood.stop());

    println!("\n## Latency under 1,000 changes a second\n");
    println!("| until GraphQL answers with a change | p50 ms | p99 ms |\n| --- | --- | --- |");
    let flood = Flood::start(&cluster, 10);
    let other = other.faults();
    for (what, broken) in [
        ("all well", false),
        ("the other cluster broken", true),
        ("all well again", false),
    ] {
        if broken {
            other.inject("*", Fault::WatchStatus(500, None), Times::Always);
            other.inject("*", Fault::ListStalls, Times::Always);
            other.inject("*", Fault::WatchCut, Times::Always);
        } else {
            other.clear_all();
        }
        row(what, latencies(&ours, &cluster).await);
    }
    flood.stop();
    drop(simulation);
    fleet.shutdown_background();
}

fn row(what: &str, mut taken: Vec<f64>) {
    println!(
        "| {what} | {:.1} | {:.1} |",
        percentile(&mut taken, 0.5),
        percentile(&mut taken, 0.99)
    );
}

/// A cluster in which objects change without end, on a thread of its own.
struct Flood {
    ended: Arc<AtomicBool>,
    changes: JoinHandle<f64>,
}

impl Flood {
    /// At the most so many changes each 10 ms.
    fn start(cluster: &SimCluster, most: usize) -> Self {
        let (cluster, ended) = (cluster.clone(), Arc::new(AtomicBool::new(false)));
        let over = ended.clone();
        let changes = std::thread::spawn(move || {
            let (began, mut number) = (Instant::now(), 0);
            while !over.load(Ordering::Relaxed) {
                let turn = Instant::now();
                for _ in 0..most.min(1_000) {
                    number += 1;
                    let name = format!("filler-{}", number % FILLERS);
                    cluster.apply(object(&name, number)).unwrap();
                }
                if most < 1_000 {
                    std::thread::park_timeout(TURN.saturating_sub(turn.elapsed()));
                }
            }
            number as f64 / began.elapsed().as_secs_f64()
        });
        Self { ended, changes }
    }

    /// Changes a second that there were.
    fn stop(self) -> f64 {
        self.ended.store(true, Ordering::Relaxed);
        self.changes.join().unwrap()
    }
}
