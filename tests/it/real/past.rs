//! The past against the truth: kubectl's JSON is recorded while a real cluster changes, and each instant is asked for later;
//! rollouts are what `kubectl rollout history` tells.

use super::controlplane::ControlPlane;
use super::{furnish, objects};
use crate::mirrored::{equalled, equals, instant};
use crate::program::{Program, until};
use crate::truth::Objects;
use serde_json::{Value, json};

/// Instants that are recorded.
const INSTANTS: usize = 20;

/// What is done to the cluster in the `n`-th step.
fn churn(plane: &ControlPlane, n: usize) {
    let kubectl = |args: &[&str]| plane.kubectl("east", args, "");
    let shop = |args: &[&str]| kubectl(&[&args[..1], &["-n", "shop"], &args[1..]].concat());
    match n % 7 {
        0 => shop(&[
            "scale",
            "deployment/checkout",
            &format!("--replicas={}", 1 + n % 5),
        ]),
        1 => plane.kubectl(
            "east",
            &[
                "set",
                "image",
                "-n",
                "shop",
                "deployment/frontend",
                &format!("server=registry.example/frontend:{n}"),
            ],
            "",
        ),
        2 => shop(&["delete", "pod", "-l", "app=cart", "--wait=false"]),
        3 => shop(&["create", "configmap", &format!("made-{n}"), "--from-literal=a=b"]),
        4 => shop(&["delete", "service/ads", "--ignore-not-found"]),
        5 => shop(&["create", "service", "clusterip", "ads", "--tcp=80:8080"]),
        _ => shop(&[
            "label",
            "deployment",
            "--all",
            &format!("step=n{n}"),
            "--overwrite",
        ]),
    };
}

/// The revisions that kubectl tells of a Deployment.
fn revisions(plane: &ControlPlane, deployment: &str) -> Vec<u64> {
    let told = plane.kubectl("east", &["rollout", "history", "-n", "shop", deployment], "");
    let first = told.lines().filter_map(|line| line.split_whitespace().next());
    first.filter_map(|word| word.parse().ok()).collect()
}

/// The images that kubectl tells of a revision, sorted.
fn images(plane: &ControlPlane, deployment: &str, revision: u64) -> Vec<String> {
    let flag = format!("--revision={revision}");
    let told = plane.kubectl(
        "east",
        &["rollout", "history", "-n", "shop", deployment, &flag],
        "",
    );
    let lines = told.lines().filter_map(|line| line.trim().strip_prefix("Image:"));
    let mut images: Vec<String> = lines.map(|image| image.trim().to_owned()).collect();
    images.sort();
    images
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instants_of_a_real_cluster_and_its_rollouts_are_what_kubectl_told() {
    let plane = ControlPlane::start(&["east"], &[]);
    let data = tempfile::tempdir().unwrap();
    furnish(&plane, "east");
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    let mut recorded: Vec<(String, Objects)> = Vec::new();
    for n in 0..INSTANTS {
        churn(&plane, n);
        // Two recordings on either side of an instant that agree: nothing happened in between, so it is the truth of it.
        loop {
            let before = objects(&plane, "east");
            equals(&program, "east", || objects(&plane, "east")).await;
            let at = instant(&program).await;
            let after = objects(&plane, "east");
            if named(&before) == named(&after) {
                recorded.push((at, after));
                break;
            }
        }
    }
    let mut different: Vec<_> = recorded.iter().map(|(_, objects)| named(objects)).collect();
    different.dedup();
    assert!(
        different.len() > INSTANTS / 2,
        "the cluster changed between the instants"
    );
    for (at, objects) in recorded.iter().step_by(2).chain(recorded.iter().rev()) {
        equalled(&program, "east", at, objects).await;
    }
    eprintln!("{} instants are as they were recorded", recorded.len());

    // Back to the first revision, which gets a new number.
    plane.kubectl(
        "east",
        &[
            "rollout",
            "undo",
            "-n",
            "shop",
            "deployment/frontend",
            "--to-revision=1",
        ],
        "",
    );
    plane.kubectl(
        "east",
        &[
            "rollout",
            "status",
            "-n",
            "shop",
            "deployment/frontend",
            "--timeout=90s",
        ],
        "",
    );
    let told = revisions(&plane, "deployment/frontend");
    assert!(told.len() >= 3 && !told.contains(&1), "{told:?}");
    let query = "{ asset(ref: {key: {cluster: \"east\", kind: \"Deployment\", namespace: \"shop\", name: \"frontend\"}}) {
        ... on Deployment { rollouts(first: 100) { revision images beganAt readyAt replicaSet { name } } } } }";
    let rollouts = async || program.data(query, json!({})).await["asset"]["rollouts"].take();
    let newest_ready = |found: &Value| {
        found[0]["revision"].as_u64() == told.iter().copied().max() && found[0]["readyAt"].is_string()
    };
    until("the rollout is mirrored", || async {
        newest_ready(&rollouts().await)
    })
    .await;
    let found = rollouts().await;
    let found = found.as_array().unwrap();
    let numbers: Vec<u64> = found
        .iter()
        .rev()
        .map(|r| r["revision"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, told);
    for rollout in found {
        let revision = rollout["revision"].as_u64().unwrap();
        let images_told = rollout["images"].as_array().unwrap().iter();
        let mut ours: Vec<String> = images_told.map(|i| i.as_str().unwrap().to_owned()).collect();
        ours.sort();
        assert_eq!(
            ours,
            images(&plane, "deployment/frontend", revision),
            "revision {revision}"
        );
        assert!(rollout["beganAt"].is_string(), "{rollout}");
    }
    assert!(program.stop().success());
}

/// Every object with its resourceVersion, node heartbeats aside.
fn named(objects: &Objects) -> Vec<String> {
    let all = objects.iter().filter(|(resource, _)| **resource != "nodes");
    let all = all.flat_map(|(resource, objects)| objects.iter().map(move |o| (resource, o)));
    all.map(|(resource, o)| {
        format!(
            "{resource} {} {}",
            o["metadata"]["uid"], o["metadata"]["resourceVersion"]
        )
    })
    .collect()
}
