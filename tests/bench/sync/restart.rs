//! A simulated fleet: its first sync, what an asset weighs, and a start from the file with no cluster in reach.

use super::running::{Running, file_size};
use planisphere_fixtures::{FleetSpec, Options, Simulation};

/// Measures and prints.
pub async fn measure(objects: u32) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let kubeconfig = folder.path().join("kubeconfig");
    let spec = FleetSpec {
        objects,
        clusters: 1,
        ..FleetSpec::DEMO
    };
    // A runtime of its own, on threads of its own: what is measured must not wait for the measuring.
    let fleet = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let simulation = fleet
        .spawn(Simulation::start(spec, Options::default()))
        .await
        .unwrap()
        .unwrap();
    std::fs::write(&kubeconfig, simulation.kubeconfig_yaml()).unwrap();

    let first = Running::start(&kubeconfig, &data_dir);
    first.ready().await;
    let synced = first.started.elapsed().as_secs_f64();
    let counts = first.counts().await;
    let assets: u64 = counts.values().sum();
    let settled = first.settled().await;
    let (_, peak) = first.weight();
    drop(first);
    let file = file_size(&data_dir);
    drop(simulation);
    fleet.shutdown_background();

    let second = Running::start(&kubeconfig, &data_dir);
    let announced = second.announced.duration_since(second.started).as_secs_f64();
    second.holds(&counts).await;
    let answered = second.started.elapsed().as_secs_f64();
    let restarted = second.settled().await;
    let (_, restarted_peak) = second.weight();

    println!("\n## A simulated fleet of {objects} objects: {assets} assets\n");
    println!("| | seconds | MB resident | MB peak | bytes an asset |\n| --- | --- | --- | --- | --- |");
    let each = |megabytes: f64| megabytes * 1e6 / assets as f64;
    println!(
        "| first sync, from the start of the process | {synced:.2} | {settled:.0} | {peak:.0} | {:.0} |",
        each(settled)
    );
    println!(
        "| start from the file, no cluster in reach: all assets answered | {answered:.2} (ports {announced:.2}) | {restarted:.0} | {restarted_peak:.0} | {:.0} |",
        each(restarted)
    );
    println!("\nThe file: {file:.1} MB, {:.0} bytes an asset", each(file));
}
