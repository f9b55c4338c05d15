//! On a real API server: versions that have expired, a server that is killed, another cluster behind the old address. Each
//! ends in equality with kubectl's answer, and says meanwhile what is not current.

use super::controlplane::ControlPlane;
use super::objects;
use crate::mirrored::equals;
use crate::program::{Program, until};
use crate::site::sync;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Without controllers nothing changes by itself.
const QUIET: &[&str] = &["--kwok=false", "--controllers=false"];

fn configmap(plane: &ControlPlane, cluster: &str, name: &str, value: &str) {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default", "labels": { "value": value } } });
    plane.kubectl(cluster, &["apply", "-f", "-"], &object.to_string());
}

/// How many lists of a kind were read for a reason.
async fn lists(program: &Program, cluster: &str, kind: &str, reason: &str) -> u64 {
    let status = sync(program, cluster).await;
    let kinds = status["kinds"].as_array().cloned().unwrap_or_default();
    let lists = kinds
        .iter()
        .find(|k| k["kind"] == kind)
        .map(|k| k["lists"].clone());
    let lists = lists
        .and_then(|lists| lists.as_array().cloned())
        .unwrap_or_default();
    let of_reason = lists.iter().find(|list| list["reason"] == reason);
    of_reason.and_then(|list| list["count"].as_u64()).unwrap_or(0)
}

async fn freshness(program: &Program) -> Value {
    let query = "{ assets(first: 1) { freshness { complete staleClusters { cluster reason } } } }";
    program.data(query, json!({})).await["assets"]["freshness"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_version_that_has_expired_is_listed_for_and_nothing_of_the_gap_is_lost() {
    let compacting = [QUIET, &["--compaction-interval=2s", "--watch-cache=false"]].concat();
    let plane = ControlPlane::start(&["east"], &compacting);
    let data = tempfile::tempdir().unwrap();
    let start = || Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    configmap(&plane, "east", "stays", "1");
    configmap(&plane, "east", "goes", "1");
    let program = start();
    program.ready().await;
    equals(&program, "east", || objects(&plane, "east")).await;
    program.kill();
    let version = plane.kubectl(
        "east",
        &[
            "get",
            "configmap",
            "goes",
            "-o",
            "jsonpath={.metadata.resourceVersion}",
        ],
        "",
    );
    plane.kubectl("east", &["delete", "configmap", "goes"], "");
    configmap(&plane, "east", "comes", "1");
    // Two rounds of compaction later nobody can watch on from there.
    until("the version has expired", || async {
        configmap(&plane, "east", "stays", &version);
        let path = format!("/api/v1/configmaps?watch=1&timeoutSeconds=1&resourceVersion={version}");
        let answer = plane.try_kubectl("east", &["get", "--raw", &path], "");
        let told = [answer.stdout, answer.stderr].concat();
        // Told in the stream or instead of it, in words that differ between releases.
        let told = String::from_utf8_lossy(&told).into_owned();
        told.contains("Expired") || told.contains("too old") || told.contains("compacted")
    })
    .await;
    let program = start();
    equals(&program, "east", || objects(&plane, "east")).await;
    assert_eq!(lists(&program, "east", "ConfigMap", "410").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_api_server_that_is_killed_is_called_unreachable_until_it_is_back() {
    let plane = ControlPlane::start(&["east"], QUIET);
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    configmap(&plane, "east", "before", "1");
    equals(&program, "east", || objects(&plane, "east")).await;
    plane.control("kill-apiserver east");
    until("it is told that the cluster does not answer", || async {
        freshness(&program).await["staleClusters"] == json!([{ "cluster": "east", "reason": "UNREACHABLE" }])
    })
    .await;
    plane.control("start-apiserver east");
    configmap(&plane, "east", "after", "1");
    equals(&program, "east", || objects(&plane, "east")).await;
    until("all is current again", || async {
        freshness(&program).await["complete"] == true
    })
    .await;
    assert_eq!(lists(&program, "east", "ConfigMap", "410").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_cluster_restored_from_a_backup_is_mirrored_as_it_is_now() {
    let plane = ControlPlane::start(&["east"], QUIET);
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    configmap(&plane, "east", "kept", "before");
    equals(&program, "east", || objects(&plane, "east")).await;
    plane.control("backup-etcd east");
    // Whatever happens from here on will not have happened.
    for number in 0..5 {
        configmap(&plane, "east", "kept", &number.to_string());
        configmap(&plane, "east", &format!("lost-{number}"), "1");
    }
    plane.kubectl("east", &["create", "namespace", "lost"], "");
    equals(&program, "east", || objects(&plane, "east")).await;
    plane.control("restore-etcd east");
    equals(&program, "east", || objects(&plane, "east")).await;
    until("all is current again", || async {
        freshness(&program).await["complete"] == true
    })
    .await;
    let lists = lists(&program, "east", "ConfigMap", "rewound").await;
    assert!(lists > 0, "a server that went back is found out as one");
    assert!(program.stop().success());
}

/// Passes connections on to a server that can be changed.
struct Passage {
    address: SocketAddr,
    to: Arc<Mutex<(String, CancellationToken)>>,
}

impl Passage {
    async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let to = Arc::new(Mutex::new((server.to_owned(), CancellationToken::new())));
        let now = Arc::clone(&to);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, ended) = now.lock().unwrap().clone();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(server).await else {
                        return;
                    };
                    ended
                        .run_until_cancelled(copy_bidirectional(&mut client, &mut server))
                        .await;
                });
            }
        });
        Self { address, to }
    }

    /// Breaks all connections; new ones go there.
    fn turn_to(&self, server: &str) {
        let mut to = self.to.lock().unwrap();
        to.1.cancel();
        *to = (server.to_owned(), CancellationToken::new());
    }
}

/// Where a server listens.
fn server(plane: &ControlPlane, cluster: &str) -> String {
    let path = "jsonpath={.clusters[0].cluster.server}";
    let url = plane.kubectl(cluster, &["config", "view", "--minify", "-o", path], "");
    url.trim_start_matches("https://").to_owned()
}

/// Mirrors, as `shop`, what stands behind an address: the server of `east` at first.
async fn behind_one_address(plane: &ControlPlane, folder: &Path) -> (Passage, Program) {
    let passage = Passage::to(&server(plane, "east")).await;
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "shop",
        "clusters": [{ "name": "shop", "cluster": {
            "server": format!("https://{}", passage.address), "insecure-skip-tls-verify": true } }],
        "users": [{ "name": "admin", "user": { "token": "admin-token" } }],
        "contexts": [{ "name": "shop", "context": { "cluster": "shop", "user": "admin" } }],
    });
    let kubeconfig = folder.join("kubeconfig");
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let program = Program::serve(&kubeconfig, &folder.join("data"), &[]);
    (passage, program)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_real_servers_that_take_turns_behind_one_address_are_one_cluster() {
    let plane = ControlPlane::start(&["east"], &[QUIET, &["--second-servers=other=east"]].concat());
    let folder = tempfile::tempdir().unwrap();
    let (passage, program) = behind_one_address(&plane, folder.path()).await;
    program.ready().await;
    for turn in 0..6 {
        let (here, there) = if turn % 2 == 0 {
            ("east", "other")
        } else {
            ("other", "east")
        };
        // Written through the one that does not answer us yet, read through the one that may not know it yet.
        configmap(&plane, here, "stays", &turn.to_string());
        configmap(&plane, here, &format!("turn-{turn}"), "1");
        passage.turn_to(&server(&plane, there));
        if turn > 0 {
            let before = format!("turn-{}", turn - 1);
            plane.kubectl(here, &["delete", "configmap", &before], "");
        }
        equals(&program, "shop", || objects(&plane, here)).await;
    }
    until("all is current", || async {
        freshness(&program).await["complete"] == true
    })
    .await;
    for reason in ["410", "rewound", "probe", "malformed"] {
        assert_eq!(lists(&program, "shop", "ConfigMap", reason).await, 0, "{reason}");
    }
    let data = program.data("{ sync { clusters { name } } }", json!({})).await;
    assert_eq!(data["sync"]["clusters"], json!([{ "name": "shop" }]), "{data}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_cluster_made_anew_behind_the_old_address_is_mirrored_and_not_mixed_with_the_old_one() {
    let plane = ControlPlane::start(&["east", "west"], QUIET);
    let folder = tempfile::tempdir().unwrap();
    configmap(&plane, "east", "of-the-old-one", "1");
    configmap(&plane, "west", "of-the-new-one", "1");
    let (passage, program) = behind_one_address(&plane, folder.path()).await;
    program.ready().await;
    equals(&program, "shop", || objects(&plane, "east")).await;
    passage.turn_to(&server(&plane, "west"));
    equals(&program, "shop", || objects(&plane, "west")).await;
    let query = "{ assets(filter: {name: {startsWith: \"of-the-\"}}) { nodes { name cluster }
        freshness { staleClusters { cluster reason } } } }";
    let data = program.data(query, json!({})).await;
    let nodes = data["assets"]["nodes"].as_array().unwrap();
    let place = |name: &str| nodes.iter().find(|n| n["name"] == name).unwrap()["cluster"].clone();
    assert_eq!(place("of-the-new-one"), "shop");
    let old = place("of-the-old-one");
    assert!(old.as_str().unwrap().starts_with("shop~"), "{data}");
    assert_eq!(
        data["assets"]["freshness"]["staleClusters"],
        json!([{ "cluster": old, "reason": "UNCONFIGURED" }])
    );
}
