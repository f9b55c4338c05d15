//! First sync on a real API server: the floor, client-go's informers, and ours until graph and file are complete, in
//! turns, so that a noisy moment of the machine meets all of them.

use super::controlplane::{ControlPlane, built};
use super::floor::{ApiServer, Encoding};
use super::median;
use super::running::{Running, file_size};
use serde_json::Value;
use std::process::Command;

/// Fills the cluster.
pub fn load(plane: &ControlPlane, pods: usize) {
    let output = Command::new(built().join("controlplane"))
        .arg("load")
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .args([
            "--context",
            "bench",
            "--nodes",
            "100",
            "--others",
            "500",
            "--pods",
        ])
        .arg(pods.to_string())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "controlplane load: {error}");
}

/// What others need to have the same objects in memory, as client-go-bench tells it.
fn informers(plane: &ControlPlane) -> Value {
    let output = Command::new(built().join("clientgo-bench"))
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .args(["--context", "bench"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "clientgo-bench: {error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[derive(Default)]
struct Figures {
    json: Vec<f64>,
    protobuf: Vec<f64>,
    informers: Vec<f64>,
    informers_resident: Vec<f64>,
    informers_peak: Vec<f64>,
    started: Vec<f64>,
    announced: Vec<f64>,
    processor: Vec<f64>,
    resident: Vec<f64>,
    peak: Vec<f64>,
    settled: Vec<f64>,
    file: Vec<f64>,
}

/// Measures and prints.
pub async fn measure(plane: &ControlPlane, rounds: usize) {
    let server = ApiServer::of(plane);
    let wanted = server.counts().await;
    let (mut figures, mut sizes) = (Figures::default(), (0.0, 0.0));
    // The kubeconfig of the one cluster: its context has the cluster's name.
    let kubeconfig = plane.kubeconfig().with_file_name("bench.kubeconfig");
    for _ in 0..rounds {
        let json = server.download(Encoding::Json).await;
        figures.json.push(json.seconds);
        let protobuf = server.download(Encoding::Protobuf).await;
        figures.protobuf.push(protobuf.seconds);
        sizes = (json.megabytes, protobuf.megabytes);
        let theirs = informers(plane);
        let number = |name: &str| theirs[name].as_f64().unwrap();
        figures.informers.push(number("seconds"));
        figures.informers_resident.push(number("rss_mb"));
        figures.informers_peak.push(number("peak_rss_mb"));

        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let ours = Running::start(&kubeconfig, &data_dir);
        ours.ready().await;
        ours.holds(&wanted).await;
        figures.started.push(ours.started.elapsed().as_secs_f64());
        figures.announced.push(ours.announced.elapsed().as_secs_f64());
        figures.processor.push(ours.processor());
        let (resident, peak) = ours.weight();
        figures.resident.push(resident);
        figures.peak.push(peak);
        figures.settled.push(ours.settled().await);
        figures.file.push(file_size(&data_dir));
        if std::env::var_os("PLANISPHERE_BENCH_LOG").is_some() {
            println!(
                "{}",
                std::fs::read_to_string(folder.path().join("data.log")).unwrap()
            );
        }
    }
    print(figures, sizes, wanted.values().sum(), rounds);
}

fn print(figures: Figures, (json, protobuf): (f64, f64), objects: u64, rounds: usize) {
    let informers = median(figures.informers);
    let ours = median(figures.announced);
    let (their_memory, our_memory) = (median(figures.informers_resident), median(figures.settled));
    println!(
        "\n## First sync: {objects} objects on a real API server, medians of {rounds} rounds in turns\n"
    );
    println!("| | seconds | MB resident | MB peak |\n| --- | --- | --- | --- |");
    let row = |what: &str, seconds: f64, resident: &str, peak: &str| {
        println!("| {what} | {seconds:.2} | {resident} | {peak} |");
    };
    row(
        &format!("download alone, JSON ({json:.1} MB)"),
        median(figures.json),
        "",
        "",
    );
    row(
        &format!("download alone, protobuf ({protobuf:.1} MB)"),
        median(figures.protobuf),
        "",
        "",
    );
    row(
        "client-go informers, protobuf: a cache in memory",
        informers,
        &format!("{their_memory:.0}"),
        &format!("{:.0}", median(figures.informers_peak)),
    );
    row(
        "planisphere: graph and file complete",
        ours,
        &format!("{:.0}, settled {our_memory:.0}", median(figures.resident)),
        &format!("{:.0}", median(figures.peak)),
    );
    row(
        "the same, from the start of the process",
        median(figures.started),
        "",
        "",
    );
    println!(
        "\nplanisphere / client-go: time {:.2}, memory {:.2}; its processor time {:.2} s, its file {:.1} MB",
        ours / informers,
        our_memory / their_memory,
        median(figures.processor),
        median(figures.file)
    );
}
