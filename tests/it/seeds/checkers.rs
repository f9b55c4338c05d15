//! What must hold of a world: at every moment, in the end, and when its history is replayed.

use super::broken::Broken;
use super::disk::sync;
use super::graph::{Graph, expected, graph};
use super::recorder::{Promise, Recorder, Violation, differences};
use super::truth::Since;
use super::world::{KINDS, World};
use planisphere::query::freshness::{Evidence, Freshness};
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{Snapshot, Store};
use planisphere_schema::{Batch, ClusterId, Coverage};
use planisphere_sync::status::ClusterStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What an answer calls stale is older than this.
const BOUND_SECONDS: f64 = 120.0;

/// What must hold while things go wrong.
pub fn during(world: &World) {
    let Some(process) = &world.process else { return };
    let Some(snapshot) = world.disk.snapshot() else {
        return;
    };
    let statuses = process.status.all();
    let answer = freshness(world, &*snapshot, &statuses);
    honest(world, &*snapshot, &statuses, &answer);
    isolated(world, &*snapshot, &statuses);
    bounded(world);
}

fn freshness(world: &World, snapshot: &dyn Snapshot, statuses: &[ClusterStatus]) -> Freshness {
    Evidence {
        clusters: snapshot.clusters(),
        statuses,
        now_ms: world.clock.now(),
        past: false,
        bound_seconds: BOUND_SECONDS,
    }
    .freshness(|_, _| true)
}

/// P5: what is stored is no older than it is said to be, and what is not called stale is younger than the bound.
fn honest(world: &World, snapshot: &dyn Snapshot, statuses: &[ClusterStatus], answer: &Freshness) {
    let mut history = world.recorder.lock();
    let (now, delay) = (world.clock.now(), history.longest_delay_ms);
    let mut wrong = Vec::new();
    for status in statuses {
        let Some(cluster) = status.cluster.as_ref().and_then(|c| history.truth.get(&c.id)) else {
            continue;
        };
        if cluster.unreliable {
            continue;
        }
        let proven = |kind| {
            let kind = status.kinds.get(&kind)?;
            let counts = kind.complete && kind.coverage == Some(Coverage::Watched);
            kind.fresh_ms.filter(|ms| counts && *ms <= now)
        };
        let since = |kind| proven(kind).map(|ms| Since::Wall(ms - delay));
        differences(cluster, snapshot, since, &mut wrong);
        let stale = answer.stale.iter().any(|s| s.cluster == status.name);
        let gap = |kind| {
            answer
                .gaps
                .iter()
                .any(|g| g.cluster == status.name && g.kind == kind)
        };
        for kind in KINDS.iter().filter(|kind| !stale && !gap(**kind)) {
            let lag = proven(*kind).map(|ms| (now - ms) as f64 / 1000.0);
            let denied = status.kinds.get(kind).and_then(|k| k.coverage);
            let excused = matches!(denied, Some(Coverage::Absent | Coverage::Excluded));
            if !excused && lag.is_none_or(|lag| lag > BOUND_SECONDS) {
                wrong.push(format!(
                    "{kind} of {} counts as current, proven {lag:?} s ago",
                    status.name
                ));
            }
        }
    }
    for words in wrong {
        history.violated(Promise::HonestStaleness, words);
    }
}

/// P8: a cluster in which nothing goes wrong is current, whatever happens in the other.
fn isolated(world: &World, snapshot: &dyn Snapshot, statuses: &[ClusterStatus]) {
    let up = world.process.as_ref().map(|process| process.started.elapsed());
    if !world.character.quiet_second || up.is_none_or(|up| up < Duration::from_secs(30)) {
        return;
    }
    let mut history = world.recorder.lock();
    let (quiet, now) = (&world.sites[1], world.clock.now());
    let mut wrong = Vec::new();
    let since = Instant::now() - Duration::from_secs(5);
    differences(
        &history.truth[&quiet.id],
        snapshot,
        |_| Some(Since::Instant(since)),
        &mut wrong,
    );
    let status = statuses.iter().find(|s| s.name == quiet.name);
    for kind in KINDS {
        let fresh = status.and_then(|s| s.kinds.get(kind)).and_then(|k| k.fresh_ms);
        if fresh.is_none_or(|ms| now - ms > 75_000) {
            let age = fresh.map(|ms| now - ms);
            wrong.push(format!("{kind} of {} was proven {age:?} ms ago", quiet.name));
        }
    }
    for words in wrong {
        history.violated(Promise::Isolation, words);
    }
}

/// P9: connections, requests and queues.
fn bounded(world: &World) {
    let kinds = KINDS.len() as u64;
    for site in &world.sites {
        let traffic = site.network.traffic();
        // A watch and a probe for each kind, and who asks for the identity; as much again by a process that just died.
        let connections = 2 * (2 * kinds + 2);
        if traffic.most_open as u64 > connections {
            let words = format!("{} connections to {}", traffic.most_open, site.name);
            world.recorder.violated(Promise::Bounded, words);
        }
        let seconds = world.began.elapsed().as_secs() + 60;
        if traffic.requests > kinds * (seconds + 60 * world.lives) {
            let words = format!("{} requests to {} in {seconds} s", traffic.requests, site.name);
            world.recorder.violated(Promise::Bounded, words);
        }
    }
    let waiting = world.process.as_ref().map_or(0, |p| p.ingest.waiting());
    if waiting > 2 + world.sites.len() {
        let words = format!("{waiting} batches wait");
        world.recorder.violated(Promise::Bounded, words);
    }
}

/// What differs, once nothing goes wrong any more, from what should be (P1, P3), and from being said to be so (P5).
pub fn differs(world: &World) -> Vec<Violation> {
    let (Some(process), Some(snapshot)) = (&world.process, world.disk.snapshot()) else {
        return vec![violation(Promise::Convergence, "nothing runs".into())];
    };
    let mut wrong = Vec::new();
    for site in &world.sites {
        let (ours, theirs) = sync(async {
            (
                graph(&*snapshot, site.id).await,
                expected(&site.server, KINDS).await,
            )
        });
        let extra = |(name, state): (&String, &(_, _, bool))| !state.2 && !theirs.assets.contains_key(name);
        if let Some(words) = ours.difference(&theirs) {
            let promise = match ours.assets.iter().any(extra) {
                true => Promise::NoLostDelete,
                false => Promise::Convergence,
            };
            wrong.push(violation(promise, format!("{}: {words}", site.name)));
        }
    }
    let names: BTreeSet<&str> = world.sites.iter().map(|s| s.name.as_str()).collect();
    let answer = freshness(world, &*snapshot, &process.status.all());
    let stale = answer.stale.iter().filter(|s| names.contains(s.cluster.as_str()));
    for stale in stale {
        wrong.push(violation(Promise::HonestStaleness, format!("still {stale:?}")));
    }
    // A cluster that was replaced is answered as it was last seen, gaps included.
    let gaps = answer.gaps.iter().filter(|g| names.contains(g.cluster.as_str()));
    for gap in gaps {
        wrong.push(violation(Promise::HonestStaleness, format!("still {gap:?}")));
    }
    wrong
}

fn violation(promise: Promise, words: String) -> Violation {
    Violation { promise, words }
}

/// P6: the same changes, each twice, some of them once more, or many of them as one batch, give the same graph.
pub async fn replays(recorder: &Recorder, broken: Option<Broken>) {
    let batches = recorder.lock().batches.clone();
    let once = replay(batches.iter().cloned()).await;
    let again = |batch: &Batch| match broken {
        Some(Broken::CountsRepeats) => Broken::repeat(batch),
        _ => batch.clone(),
    };
    let twice = batches.iter().flat_map(|batch| [batch.clone(), again(batch)]);
    let late = batches[batches.len() / 2..].iter().map(again);
    let late = batches.iter().cloned().chain(late);
    let ways = [
        ("twice", replay(twice).await),
        ("partly again", replay(late).await),
        ("as larger batches", replay(merged(&batches).into_iter()).await),
    ];
    for (way, other) in ways {
        for (cluster, graph) in &once {
            let found = other.get(cluster).cloned().unwrap_or_default();
            if let Some(difference) = found.difference(graph) {
                recorder.violated(Promise::Idempotent, format!("applied {way}: {difference}"));
            }
        }
    }
}

/// Neighbours of one cluster together.
fn merged(batches: &[Batch]) -> Vec<Batch> {
    let mut merged: Vec<Batch> = Vec::new();
    for batch in batches {
        match merged
            .last_mut()
            .filter(|last| last.cluster.id == batch.cluster.id)
        {
            Some(last) => {
                let changes = last.changes.iter().chain(batch.changes.iter()).cloned();
                last.changes = changes.collect::<Vec<_>>().into();
                last.sources.extend(batch.sources.iter().cloned());
                last.fence = batch.fence;
            }
            None => merged.push(batch.clone()),
        }
    }
    merged
}

async fn replay(batches: impl Iterator<Item = Batch>) -> BTreeMap<ClusterId, Graph> {
    let store = EmbeddedStore::in_memory(Arc::new(|| 0)).unwrap();
    for mut batch in batches {
        // Who wrote it is not what is replayed.
        batch.fence = 1;
        sync(store.apply(batch)).unwrap();
    }
    let snapshot = sync(store.snapshot()).unwrap();
    let clusters = snapshot.clusters().iter().map(|c| c.cluster.id);
    clusters.map(|id| (id, sync(graph(&*snapshot, id)))).collect()
}
