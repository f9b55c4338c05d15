//! How long a change takes from the API server's reply until GraphQL answers with it.

use super::controlplane::ControlPlane;
use super::floor::ApiServer;
use super::percentile;
use super::running::Running;
use serde_json::{Value, json};
use std::time::Instant;

const QUERY: &str = "query($id: ID!) { node(id: $id) { labels } }";

/// Measures and prints.
pub async fn measure(plane: &ControlPlane, changes: usize) {
    let server = ApiServer::of(plane);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = plane.kubeconfig().with_file_name("bench.kubeconfig");
    let ours = Running::start(&kubeconfig, &folder.path().join("data"));
    ours.ready().await;
    let find = "{ assets(filter: {kind: {in: [\"Pod\"]}}, first: 20) { nodes { id namespace name } } }";
    let found = ours.ask(find, json!({})).await;
    let pods = found["assets"]["nodes"].as_array().unwrap();
    let (mut sent, mut replied) = (Vec::new(), Vec::new());
    for number in 0..changes {
        let pod = &pods[number % pods.len()];
        let path = format!(
            "api/v1/namespaces/{}/pods/{}",
            pod["namespace"].as_str().unwrap(),
            pod["name"].as_str().unwrap()
        );
        let value = format!("v{number}");
        let patch = json!({"metadata": {"labels": {"bench": value}}});
        let request = server
            .request(reqwest::Method::PATCH, &path)
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string());
        let start = Instant::now();
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        let reply = Instant::now();
        drop(answer);
        loop {
            let data: Value = ours.ask(QUERY, json!({"id": pod["id"]})).await;
            if data["node"]["labels"]["bench"] == value.as_str() {
                break;
            }
            assert!(start.elapsed().as_secs() < 30, "change {number} does not show up");
        }
        sent.push(start.elapsed().as_secs_f64() * 1e3);
        replied.push(reply.elapsed().as_secs_f64() * 1e3);
    }
    println!("\n## Latency: {changes} changes of a pod's label, one after the other\n");
    println!("| until GraphQL answers with it | p50 ms | p99 ms |\n| --- | --- | --- |");
    for (what, values) in [
        ("from the API server's reply", &mut replied),
        ("from sending the change", &mut sent),
    ] {
        println!(
            "| {what} | {:.1} | {:.1} |",
            percentile(values, 0.5),
            percentile(values, 0.99)
        );
    }
}
