//! What questions about a failure cost, embedded: `cargo bench --bench impact` at about 157,000 assets,
//! `cargo bench --bench impact -- --clusters 64` at a million; `--rounds N` failures of a node.
//! One line a question; nothing is asserted about time.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "store/fleet.rs"]
#[expect(dead_code, reason = "the store's benchmark asks for more of the fleet")]
mod fleet;

use planisphere::query::impact::risks::standing_risks;
use planisphere::query::impact::{Failure, impact};
use planisphere::query::ownership::book::Book;
use planisphere::query::ownership::resolve::ownerships;
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{Filter, ListQuery, Order, Presence, Record, Snapshot, Store};
use planisphere_schema::{AssetRef, Attributes, Change, Kind};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |flag: &str, otherwise: usize| {
        let place = arguments.iter().position(|a| a == flag);
        place.map_or(otherwise, |at| arguments[at + 1].parse().unwrap())
    };
    let (clusters, rounds) = (number("--clusters", 10), number("--rounds", 300));
    let store = EmbeddedStore::in_memory(Arc::new(|| 0)).unwrap();
    let mut assets = 0;
    for c in 0..clusters {
        let mut changes = fleet::changes(c);
        changes.iter_mut().for_each(controlled);
        assets += changes.len();
        store
            .apply(fleet::batch(c, 1_700_000_000_000, changes))
            .await
            .unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    let edges: usize = snapshot
        .totals()
        .await
        .unwrap()
        .edges
        .iter()
        .map(|(_, n)| n)
        .sum();
    println!("assets {assets}, edges {edges}");
    failures(&*snapshot, clusters, rounds).await;
    others(&*snapshot).await;
}

/// Says of a pod that a ReplicaSet would make it again: otherwise no room would have to be found for it.
fn controlled(change: &mut Change) {
    if let Change::Upsert { asset, .. } = change
        && let Attributes::Pod(pod) = &mut asset.attributes
    {
        pod.owner_kind = Some("ReplicaSet.apps".to_owned());
        pod.owner_name = Some("made-by".to_owned());
    }
}

async fn get(snapshot: &dyn Snapshot, reference: AssetRef) -> Arc<Record> {
    snapshot
        .get(&[reference.id()])
        .await
        .unwrap()
        .pop()
        .unwrap()
        .unwrap()
}

async fn failures(snapshot: &dyn Snapshot, clusters: usize, rounds: usize) {
    let mut took = Vec::new();
    for n in 0..rounds {
        let node = get(snapshot, fleet::node(n % clusters, n * 7 % 150)).await;
        took.push(fail(snapshot, node, false).await);
    }
    // The first ones warm caches up.
    show("impact of a node", &took[20..]);
    let mut took = Vec::new();
    for n in 0..12 {
        let node = get(snapshot, fleet::node(n % clusters, n * 7 % 150)).await;
        took.push(fail(snapshot, node, true).await);
    }
    show("the same, with room counted", &took);
    let mut took = Vec::new();
    for n in 0..12 {
        let name = ["eu-west-1a", "eu-west-1b", "eu-west-1c"][n % 3];
        let zone = get(snapshot, fleet::named(n % clusters, Kind::Zone, 0, name)).await;
        took.push(fail(snapshot, zone, false).await);
    }
    show("impact of a zone", &took);
    let mut took = Vec::new();
    for c in 0..4 {
        let cluster = get(snapshot, AssetRef::cluster(fleet::cluster(c % clusters).id)).await;
        took.push(fail(snapshot, cluster, false).await);
    }
    show("impact of a cluster", &took);
}

async fn fail(snapshot: &dyn Snapshot, asset: Arc<Record>, reschedule: bool) -> (Duration, usize) {
    let failure = Failure {
        assets: vec![asset],
        reschedule,
        ..Failure::default()
    };
    let begin = Instant::now();
    let answer = impact(snapshot, &Default::default(), failure).await.unwrap();
    assert!(!answer.services.is_empty() && answer.cuts.is_empty());
    (begin.elapsed(), answer.services.len())
}

async fn others(snapshot: &dyn Snapshot) {
    let begin = Instant::now();
    let risks = standing_risks(snapshot, Filter::ALL, None, usize::MAX)
        .await
        .unwrap();
    show(
        "standing risks of all Services",
        &[(begin.elapsed(), risks.services)],
    );
    let query = ListQuery {
        filter: Filter::Kinds(vec![Kind::Pod]),
        presence: Presence::Present,
        order: Order::Key,
        after: None,
        limit: 500,
    };
    let pods = snapshot.list(&query).await.unwrap().records;
    let mut took = Vec::new();
    for _ in 0..50 {
        let begin = Instant::now();
        let found = ownerships(snapshot, &Book::default(), &pods).await.unwrap();
        took.push((begin.elapsed(), found.len()));
    }
    show("owners of 500 assets", &took);
}

fn show(what: &str, took: &[(Duration, usize)]) {
    let mut times: Vec<f64> = took.iter().map(|(t, _)| t.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let things = took.iter().map(|(_, n)| n).max().unwrap();
    println!(
        "{what:<32} p50 {:>9.3} ms   p99 {:>9.3} ms   of {things} at the most",
        at(0.5),
        at(0.99)
    );
}
