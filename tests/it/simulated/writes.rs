//! A process of which a thread dies, and all with it, at its n-th write, flush, cut or removal of a file, for every n: what it
//! leaves opens, as a part of what it was told, no resume point is ahead of its objects, and a start from there ends as if
//! nothing had happened.

use crate::program::{client, command};
use crate::seeds::graph::{Graph, graph};
use planisphere::store::Store;
use planisphere::store::embedded::EmbeddedStore;
use planisphere_schema::Kind;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// What changes a file, as the kernel knows it.
const CALLS: &[&str] = &["pwrite64", "fsync", "fdatasync", "ftruncate", "unlink"];
/// More calls than a run makes; the run that no call ends is the last one.
const MOST: usize = 500;

/// Objects that point at each other.
fn dump(folder: &Path) -> PathBuf {
    let mut items = Vec::new();
    for number in 0..20 {
        items.push(json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": format!("c{number}"), "namespace": "a", "uid": uuid::Uuid::from_u128(number + 1) } }));
        items.push(json!({ "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": format!("p{number}"), "namespace": "a", "uid": uuid::Uuid::from_u128(number + 101), "labels": { "app": "x" } },
            "spec": { "containers": [{ "name": "c", "image": "i", "envFrom": [{ "configMapRef": { "name": format!("c{number}") } }] }] } }));
    }
    items.push(json!({ "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "s", "namespace": "a", "uid": uuid::Uuid::from_u128(201) }, "spec": { "selector": { "app": "x" } } }));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let path = folder.join("dump.json");
    std::fs::write(&path, list.to_string()).unwrap();
    path
}

/// Starts the program so that its n-th call of this kind kills it; none lets it live.
fn start(dump: &Path, data: &Path, dies: Option<(&str, usize)>) -> Child {
    let program = command().get_program().to_owned();
    let mut started = match dies {
        None => Command::new(program),
        Some((call, nth)) => {
            let mut traced = Command::new("strace");
            traced
                .args(["-f", "-qqq", "-o", "/dev/null", "-e"])
                .arg(format!("trace={call}"))
                .arg("-e")
                .arg(format!("inject={call}:signal=KILL:when={nth}"))
                .arg(program);
            traced
        }
    };
    started
        .args(["serve", "--dump", dump.to_str().unwrap()])
        .args(["--data-dir", data.to_str().unwrap()])
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is there: `make prerequisites` says how to get it")
}

/// Runs until it dies, or until it was ready and stopped in good order.
async fn run(mut process: Child, traced: bool) -> ExitStatus {
    let stdout = BufReader::new(process.stdout.take().unwrap());
    let lines = stdout.lines().map_while(Result::ok);
    let admin = lines.into_iter().find_map(|line| {
        let (what, url) = line.split_once(' ')?;
        (what == "admin").then(|| url.to_owned())
    });
    if let Some(admin) = admin {
        loop {
            if let Some(ended) = process.try_wait().unwrap() {
                return ended;
            }
            let answer = client().get(format!("{admin}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let id = process.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let ours = if traced {
            children.unwrap_or_default().trim().to_owned()
        } else {
            id.to_string()
        };
        // Gone already where it died meanwhile.
        let _ = Command::new("kill")
            .args(["-TERM", &ours])
            .stderr(Stdio::null())
            .status();
    }
    process.wait().unwrap()
}

/// What is stored, and the kinds that are said to be whole.
async fn stored(data: &Path) -> (Graph, BTreeSet<Kind>) {
    let store = EmbeddedStore::open(data, Arc::new(|| 0)).unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let mut whole = BTreeSet::new();
    let mut found = Graph::default();
    for cluster in snapshot.clusters() {
        let sources = cluster.sources.iter().filter(|s| s.resume.is_some());
        whole.extend(sources.map(|s| s.kind));
        found = graph(&*snapshot, cluster.cluster.id).await;
    }
    (found, whole)
}

/// What a killed run left is a part of what a whole one leaves.
fn is_part_of(left: &(Graph, BTreeSet<Kind>), all: &Graph, when: &str) {
    let (graph, whole) = left;
    for (name, asset) in graph.assets.iter().filter(|(_, asset)| !asset.2) {
        assert_eq!(all.assets.get(name), Some(asset), "{name}, {when}");
    }
    let edges: Vec<&String> = graph.edges.difference(&all.edges).collect();
    assert!(edges.is_empty(), "{edges:?}, {when}");
    for kind in whole {
        let of_kind = |name: &String| name.split(' ').next() == Some(kind.to_string().as_str());
        for (name, asset) in all.assets.iter().filter(|(name, a)| of_kind(name) && !a.2) {
            assert_eq!(
                graph.assets.get(name),
                Some(asset),
                "{kind} counts as whole, {when}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_write_leaves_a_state_that_was_told_and_can_be_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let dump = dump(folder.path());
    let data = folder.path().join("whole");
    assert!(run(start(&dump, &data, None), false).await.success());
    let (all, kinds) = stored(&data).await;
    assert!(all.assets.len() > 40 && all.edges.len() > 20 && kinds.contains(&Kind::Pod));
    let (mut deaths, mut partial) = (0, 0);
    for call in CALLS {
        for nth in 1..MOST {
            let data = folder.path().join(format!("{call}-{nth}"));
            let ended = run(start(&dump, &data, Some((call, nth))), true).await;
            if ended.success() {
                break;
            }
            let when = format!("killed at {call} {nth}");
            // strace ends as the program did: by its signal, or with a code that says so.
            assert!(
                ended.signal() == Some(9) || ended.code() == Some(137),
                "{ended}, {when}"
            );
            deaths += 1;
            if data.join("graph.sqlite").exists() {
                let left = stored(&data).await;
                is_part_of(&left, &all, &when);
                partial += usize::from(left.0 != all);
            }
            if nth % 8 == 1 {
                assert!(run(start(&dump, &data, None), false).await.success(), "{when}");
                assert_eq!(stored(&data).await.0.difference(&all), None, "{when}");
            }
            std::fs::remove_dir_all(&data).unwrap();
        }
    }
    println!("{deaths} deaths, {partial} of them before all was stored");
    assert!(
        deaths > 50 && partial > 10,
        "{deaths} deaths, {partial} in between"
    );
}
