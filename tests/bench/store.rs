//! What the embedded store costs at about 157,000 assets: load, memory, start from file, reads, churn, bytes.
//! `cargo bench --bench store` prints one line each. Start from file is measured in a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "store/fleet.rs"]
mod fleet;

use fleet::{APPS, CLUSTERS, PODS, app_name, mix, named};
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{
    Direction, Filter, ListQuery, NeighbourQuery, Order, Presence, Snapshot, Store, Text,
};
use planisphere_schema::{AssetId, Change, Kind};
use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|a| a == "--open") {
        return start(Path::new(&arguments[place + 1])).await;
    }
    let directory = tempfile::tempdir().unwrap();
    if let Some(place) = arguments.iter().position(|a| a == "--keep") {
        let to = Path::new(&arguments[place + 1]);
        load(&open(to)).await;
        return start(to).await;
    }
    let store = open(directory.path());
    load(&store).await;
    println!("RSS after load                {:>10.0} MB", rss());
    println!(
        "file after load               {:>10.0} MB",
        size(directory.path())
    );
    let snapshot = store.snapshot().await.unwrap();
    reads(&*snapshot).await;
    drop(snapshot);
    churn(&store, directory.path()).await;
    println!("RSS after churn               {:>10.0} MB", rss());
    drop(store);
    println!(
        "file, closed                  {:>10.0} MB",
        size(directory.path())
    );
    for _ in 0..3 {
        let me = std::env::current_exe().unwrap();
        let done = std::process::Command::new(me)
            .arg("--open")
            .arg(directory.path())
            .status();
        assert!(done.unwrap().success());
    }
}

fn open(directory: &Path) -> EmbeddedStore {
    EmbeddedStore::open(directory, Arc::new(|| 0)).unwrap()
}

async fn load(store: &EmbeddedStore) {
    let (mut assets, mut spent, mut busy) = (0, Duration::ZERO, 0.0);
    for c in 0..CLUSTERS {
        let mut changes = fleet::changes(c);
        assets += changes.len();
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(1_000));
            let batch = fleet::batch(c, 1_700_000_000_000, std::mem::replace(&mut changes, rest));
            let (begin, cpu_begin) = (Instant::now(), cpu());
            store.apply(batch).await.unwrap();
            spent += begin.elapsed();
            busy += cpu() - cpu_begin;
        }
    }
    let totals = store.snapshot().await.unwrap().totals().await.unwrap();
    let edges: usize = totals.edges.iter().map(|(_, count)| count).sum();
    println!("assets {assets}, edges {edges}, dangling {}", totals.dangling);
    let rate = assets as f64 / spent.as_secs_f64();
    println!(
        "load, batches of 1,000        {rate:>10.0} objects/s, CPU {busy:.2} s of {:.2} s",
        spent.as_secs_f64()
    );
}

async fn reads(snapshot: &dyn Snapshot) {
    let page = |n: u64, order, label: bool| {
        let mut all = vec![
            Filter::Cluster(Text::Eq(fleet::cluster(n as usize % CLUSTERS).name)),
            Filter::Kinds(vec![Kind::Pod]),
            Filter::Namespace(Text::Eq(fleet::namespace(mix(n) as usize % 100))),
        ];
        if label {
            let app = app_name(mix(n) as usize % APPS);
            all.push(Filter::Label("app.kubernetes.io/name".into(), Text::Eq(app)));
        }
        let filter = Filter::And(all);
        ListQuery {
            filter,
            presence: Presence::Present,
            order,
            after: None,
            limit: 50,
        }
    };
    for (what, order, label) in [
        ("page of 50 pods of a namespace", Order::Key, false),
        ("the same, newest first        ", Order::CreatedDesc, false),
        ("the same, one label           ", Order::Key, true),
    ] {
        let times = timed(2_000, |n| {
            let query = page(n, order, label);
            async move { black_box(snapshot.list(&query).await.unwrap()).records.len() }
        });
        report(what, times.await);
    }
    let any = |n: u64| {
        let (c, app) = (n as usize % CLUSTERS, mix(n) as usize % APPS);
        fleet::pod(c, app, n as usize % PODS, 0).id()
    };
    report(
        "get one pod                   ",
        timed(
            5_000,
            |n| async move { snapshot.get(&[any(n)]).await.unwrap().len() },
        )
        .await,
    );
    let links = |n: u64| async move { neighbours(snapshot, &[any(n)], Direction::Both).await.len() };
    report("neighbours of a pod           ", timed(5_000, links).await);
    let node = |n: u64| fleet::node(n as usize % CLUSTERS, mix(n) as usize % 150).id();
    report(
        "neighbours of a node          ",
        timed(2_000, |n| async move {
            neighbours(snapshot, &[node(n)], Direction::In).await.len()
        })
        .await,
    );
    let config = |n: u64| {
        let app = mix(n) as usize % APPS;
        named(
            n as usize % CLUSTERS,
            Kind::ConfigMap,
            app,
            &format!("{}-config", app_name(app)),
        )
        .id()
    };
    report(
        "what needs a config, depth 5  ",
        timed(2_000, |n| spread(snapshot, config(n))).await,
    );
    report(
        "what needs a node, depth 5    ",
        timed(500, |n| spread(snapshot, node(n))).await,
    );
    let search = |n: u64| async move {
        let filter = Filter::Search(format!("checkout-{}", n % 90));
        snapshot
            .count(&filter, Presence::Present, usize::MAX)
            .await
            .unwrap()
    };
    report("search all by words           ", timed(20, search).await);
    let count = |_| async move {
        snapshot
            .count(&Filter::ALL, Presence::Present, usize::MAX)
            .await
            .unwrap()
    };
    report("count all                     ", timed(200, count).await);
}

/// All that is reached against the direction of edges in five hops, one call a hop.
async fn spread(snapshot: &dyn Snapshot, from: AssetId) -> usize {
    let (mut seen, mut frontier) = (HashSet::from([from]), vec![from]);
    for _ in 0..5 {
        let found = neighbours(snapshot, &frontier, Direction::In).await;
        frontier = found.into_iter().filter(|id| seen.insert(*id)).collect();
    }
    seen.len()
}

async fn neighbours(snapshot: &dyn Snapshot, ids: &[AssetId], direction: Direction) -> Vec<AssetId> {
    let query = NeighbourQuery {
        ids,
        direction,
        relations: None,
        limit: 1_000,
        after: None,
    };
    let found = snapshot.neighbours(&query).await.unwrap();
    found
        .iter()
        .flat_map(|n| n.links.iter().map(|link| link.from))
        .collect()
}

/// Pods restart, come and go, slices follow: batches of 100 changes of one cluster.
async fn churn(store: &EmbeddedStore, directory: &Path) {
    let mut generations = vec![[0_usize; PODS]; CLUSTERS * APPS];
    let (mut changed, mut spent, mut rows) = (0, Duration::ZERO, 0);
    let before = size(directory);
    let mut longest = Duration::ZERO;
    let mut busy = 0.0;
    for round in 0..600_u64 {
        let c = round as usize % CLUSTERS;
        let mut changes: Vec<Change> = Vec::new();
        while changes.len() < 100 {
            let n = mix(round << 8 | changes.len() as u64);
            let (app, pod) = (n as usize % APPS, (n >> 32) as usize % PODS);
            let generation = &mut generations[c * APPS + app];
            if n >> 20 & 7 < 6 {
                let restarts = 1 + (n >> 40) as i32 % 1_000;
                changes.push(fleet::pod_change(c, app, pod, generation[pod], restarts));
            } else {
                changes.push(Change::Delete {
                    id: fleet::pod(c, app, pod, generation[pod]).id(),
                });
                generation[pod] += 1;
                changes.push(fleet::pod_change(c, app, pod, generation[pod], 0));
                changes.push(fleet::slice_change(c, app, generation, pod));
            }
        }
        changed += changes.len();
        let batch = fleet::batch(c, 1_700_000_001_000 + round as i64, changes);
        let (begin, cpu_begin) = (Instant::now(), cpu());
        let applied = store.apply(batch).await.unwrap();
        longest = longest.max(begin.elapsed());
        spent += begin.elapsed();
        busy += cpu() - cpu_begin;
        rows += applied.created + applied.updated + applied.deleted + applied.edges_ended;
    }
    println!(
        "churn, batches of 100         {:>10.0} changes/s, CPU {busy:.2} s of {:.2} s",
        changed as f64 / spent.as_secs_f64(),
        spent.as_secs_f64()
    );
    println!(
        "longest batch                 {:>10.1} ms",
        longest.as_secs_f64() * 1e3
    );
    let grown = (size(directory) - before) * 1e6;
    println!(
        "file and log grew by          {:>10.0} bytes a change, {:.0} a row of history",
        grown / changed as f64,
        grown / rows as f64
    );
}

async fn start(directory: &Path) {
    let empty = rss();
    let begin = Instant::now();
    let store = open(directory);
    let spent = begin.elapsed();
    let totals = store.snapshot().await.unwrap().totals().await.unwrap();
    let assets: usize = totals.assets.iter().map(|(.., count)| count).sum();
    println!(
        "start from file, {assets} assets {:>6.2} s, CPU {:.2} s, RSS {:.0} MB ({:.0} MB before), peak {:.0} MB",
        spent.as_secs_f64(),
        cpu(),
        rss(),
        empty,
        status("VmHWM:")
    );
    // The allocator gives back what was freed a second ago.
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("the same, settled             {:>10.0} MB", rss());
}

async fn timed<F: Future<Output = usize>>(times: u64, mut ask: impl FnMut(u64) -> F) -> (Vec<Duration>, f64) {
    let (mut spent, mut answers) = (Vec::new(), 0);
    for n in 0..times {
        let begin = Instant::now();
        answers += ask(n).await;
        spent.push(begin.elapsed());
    }
    spent.sort();
    (spent, answers as f64 / times as f64)
}

fn report(what: &str, (spent, answers): (Vec<Duration>, f64)) {
    let at = |part: usize| spent[(spent.len() - 1) * part / 100].as_secs_f64() * 1e3;
    println!(
        "{what}  p50 {:>8.4} ms, p99 {:>8.4} ms, {answers:.0} answers",
        at(50),
        at(99)
    );
}

/// Megabytes of the directory's files.
fn size(directory: &Path) -> f64 {
    let files = std::fs::read_dir(directory).unwrap();
    let bytes: u64 = files.map(|f| f.unwrap().metadata().unwrap().len()).sum();
    bytes as f64 / 1e6
}

/// Seconds of CPU that the process took, for machines where others compete; 0 where the system does not tell.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split(' ').filter_map(|f| f.parse().ok()).collect();
    // The name in the second field and the state in the third are no numbers: utime and stime stand two places earlier.
    fields
        .get(11..13)
        .map_or(0.0, |ticks| ticks.iter().sum::<f64>() / 100.0)
}

/// Resident megabytes; 0 where the system does not tell.
fn rss() -> f64 {
    status("VmRSS:")
}

fn status(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1e3
}
