//! On a real Kubernetes control plane: what is answered is what the API server says, while everything changes.

use crate::mirrored::equals;
use crate::program::{Program, until};
use crate::truth::{self, Objects, RESOURCES};
use controlplane::ControlPlane;
use serde_json::{Value, json};

mod access;
mod control_plane;
#[path = "../real/controlplane.rs"]
pub mod controlplane;
mod credentials;
mod definitions;
mod failures;
mod outages;
mod past;
mod refusals;

const SHOP: &str = include_str!("real/shop.yaml");
const NODES: u32 = 6;

/// A node that kwok keeps ready; every other one in another zone.
fn node(number: u32) -> Value {
    let name = format!("node-{number}");
    let zone = ["eu-1a", "eu-1b", "eu-1c"][number as usize % 3];
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "eu-1",
            },
        },
        "status": {
            "capacity": {"cpu": "32", "memory": "128Gi", "pods": "110"},
            "allocatable": {"cpu": "32", "memory": "128Gi", "pods": "110"},
            "addresses": [{"type": "InternalIP", "address": format!("10.0.0.{}", number + 1)}],
        },
    })
}

fn objects(plane: &ControlPlane, cluster: &str) -> Objects {
    let resources: Vec<&str> = RESOURCES.iter().map(|(resource, _)| *resource).collect();
    truth::by_resource(plane.objects(cluster, &resources))
}

fn furnish(plane: &ControlPlane, cluster: &str) {
    for number in 0..NODES {
        plane.kubectl(cluster, &["apply", "-f", "-"], &node(number).to_string());
    }
    plane.kubectl(cluster, &["create", "namespace", "shop"], "");
    plane.kubectl(cluster, &["apply", "-n", "shop", "-f", "-"], SHOP);
    let deployments = plane.objects(cluster, &["deployments"]);
    assert!(deployments.len() >= 12, "the shop has a dozen Deployments");
    plane.kubectl(
        cluster,
        &[
            "wait",
            "-n",
            "shop",
            "--for=condition=Available",
            "deployment",
            "--all",
            "--timeout=90s",
        ],
        "",
    );
}

/// Applies an application that others wrote, where the shared test data lies beside the repository.
fn furnish_with_shared_data(plane: &ControlPlane, cluster: &str) {
    let manifest = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/manifests/online-boutique.yaml"
    );
    match std::fs::read_to_string(manifest) {
        Ok(manifest) => {
            plane.kubectl(cluster, &["create", "namespace", "boutique"], "");
            plane.kubectl(cluster, &["apply", "-n", "boutique", "-f", "-"], &manifest);
        }
        Err(error) => {
            eprintln!("without the shared application ({error}); the shop of the repository is there")
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_clusters_are_mirrored_without_ghost_or_loss_while_they_change() {
    let plane = ControlPlane::start(&["east", "west"], &[]);
    let data = tempfile::tempdir().unwrap();
    furnish(&plane, "east");
    let kubeconfig = plane.kubeconfig();
    let start = |args: &[&str]| {
        Program::serve(
            &kubeconfig,
            data.path(),
            &[&["--context", "east", "--context", "west"], args].concat(),
        )
    };
    let program = start(&[]);
    program.ready().await;
    furnish(&plane, "west");
    furnish_with_shared_data(&plane, "west");
    for cluster in ["east", "west"] {
        equals(&program, cluster, || objects(&plane, cluster)).await;
    }

    // Every watch breaks, and goes on where it was.
    plane.control("restart-apiserver west");
    plane.kubectl(
        "west",
        &["delete", "-n", "shop", "service/reviews", "secret/reviews-secret"],
        "",
    );
    equals(&program, "west", || objects(&plane, "west")).await;

    let kubectl = |args: &[&str]| plane.kubectl("east", args, "");
    kubectl(&["scale", "-n", "shop", "deployment/checkout", "--replicas=7"]);
    kubectl(&[
        "set",
        "image",
        "-n",
        "shop",
        "deployment/frontend",
        "server=registry.example/frontend:2",
    ]);
    kubectl(&["delete", "pod", "-n", "shop", "-l", "app=cart", "--wait=false"]);
    kubectl(&[
        "rollout",
        "status",
        "-n",
        "shop",
        "deployment/frontend",
        "--timeout=60s",
    ]);
    equals(&program, "east", || objects(&plane, "east")).await;

    // The same name, another object.
    kubectl(&[
        "delete",
        "-n",
        "shop",
        "deployment/ads",
        "service/ads",
        "configmap/ads-config",
    ]);
    plane.kubectl("east", &["apply", "-n", "shop", "-f", "-"], SHOP);
    kubectl(&["delete", "node", "node-0"]);
    kubectl(&["create", "namespace", "gone"]);
    plane.kubectl("east", &["apply", "-n", "gone", "-f", "-"], SHOP);
    kubectl(&["delete", "namespace", "gone", "--timeout=60s"]);
    equals(&program, "east", || objects(&plane, "east")).await;

    // What changed while it was away is there after a kill, and nothing is listed again.
    program.kill();
    kubectl(&["scale", "-n", "shop", "deployment/checkout", "--replicas=2"]);
    kubectl(&["delete", "-n", "shop", "service/ads"]);
    let program = start(&[]);
    program.ready().await;
    equals(&program, "east", || objects(&plane, "east")).await;
    let sync = program
        .data(
            "{ sync { clusters { name kinds { kind coverage lists { reason count } watches } } } }",
            json!({}),
        )
        .await;
    for cluster in sync["sync"]["clusters"].as_array().unwrap() {
        for kind in cluster["kinds"].as_array().unwrap() {
            assert_eq!(
                kind["lists"],
                json!([]),
                "{kind} of {} was listed again",
                cluster["name"]
            );
            let absent = kind["coverage"] == "ABSENT";
            assert!(absent || kind["watches"].as_u64() > Some(0), "{kind} is watched");
        }
    }
    assert!(program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_refusals_of_one_kind_leave_the_others_alone() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false"]);
    let data = tempfile::tempdir().unwrap();
    // The viewer may read everything but secrets.
    plane.kubectl("east", &["create", "clusterrole", "reader", "--verb=get,list,watch",
        "--resource=namespaces,nodes,pods,services,configmaps,serviceaccounts,persistentvolumes,persistentvolumeclaims,deployments.apps,replicasets.apps,statefulsets.apps,daemonsets.apps,jobs.batch,cronjobs.batch,endpointslices.discovery.k8s.io,ingresses.networking.k8s.io"], "");
    plane.kubectl(
        "east",
        &[
            "create",
            "clusterrolebinding",
            "reader",
            "--clusterrole=reader",
            "--user=viewer",
        ],
        "",
    );
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east-viewer"]);
    program.ready().await;
    let query = "{ assets(filter: {kind: {eq: \"Secret\"}}) { nodes { name } freshness { complete incomplete { kind reason } } }
        sync { clusters { kinds { kind coverage lastError } } } }";
    until("the refusal is told", || async {
        let data = program.data(query, json!({})).await;
        let kinds = data["sync"]["clusters"][0]["kinds"].as_array().unwrap().clone();
        let coverage = |kind: &str| {
            kinds
                .iter()
                .find(|k| k["kind"] == kind)
                .map(|k| k["coverage"].clone())
        };
        coverage("Secret") == Some(json!("DENIED"))
            && coverage("Pod") == Some(json!("WATCHED"))
            && data["assets"]["freshness"]["complete"] == false
    })
    .await;
}
