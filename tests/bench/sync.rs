//! What a first sync, a change and a start cost, measured on the program as users run it: `cargo bench --bench sync`.
//! Prints tables; docs/benchmarks.md says what they mean and what was found. Asserts that what is measured is right,
//! and nothing about how long it takes.
//!
//! ```text
//! cargo bench --bench sync -- [--real] [--only first|latency|restart|storm] [--pods N] [--rounds N] [--objects N] [--events N] [--storm-objects N] [--budget MB]
//! ```
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "its tables are what it is for")]

#[path = "../real/controlplane.rs"]
#[allow(dead_code, reason = "tests use the rest of it")]
mod controlplane;
#[path = "sync/first.rs"]
mod first;
#[path = "sync/floor.rs"]
mod floor;
#[path = "sync/latency.rs"]
mod latency;
#[path = "sync/restart.rs"]
mod restart;
#[path = "sync/running.rs"]
mod running;
#[path = "sync/storm.rs"]
mod storm;

use controlplane::ControlPlane;

/// What is asked for.
struct Asked {
    /// The parts that need a real control plane too.
    real: bool,
    /// One part alone.
    only: Option<String>,
    /// Pods on the real API server.
    pods: usize,
    /// Rounds of the first sync.
    rounds: usize,
    /// Objects of the simulated fleet.
    objects: u32,
    /// Changes whose latency is measured.
    changes: usize,
    /// Changes in the storm.
    events: usize,
    /// Objects of the fleet in which it blows.
    storm_objects: u32,
    /// MB that the program may take in it.
    budget: f64,
}

impl Asked {
    fn of(mut words: impl Iterator<Item = String>) -> Self {
        let mut asked = Self {
            real: false,
            only: None,
            pods: 10_000,
            rounds: 5,
            objects: 157_000,
            changes: 200,
            events: 100_000,
            storm_objects: 100_000,
            budget: 512.0,
        };
        while let Some(word) = words.next() {
            let mut number = || {
                words
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("a number follows")
            };
            match word.as_str() {
                "--real" => asked.real = true,
                "--pods" => asked.pods = number(),
                "--rounds" => asked.rounds = number().max(1),
                "--objects" => asked.objects = u32::try_from(number()).unwrap(),
                "--changes" => asked.changes = number().max(1),
                "--events" => asked.events = number().max(1),
                "--storm-objects" => asked.storm_objects = u32::try_from(number()).unwrap(),
                "--budget" => asked.budget = number() as f64,
                "--only" => asked.only = words.next(),
                // Cargo says so.
                "--bench" => {}
                other => panic!(
                    "unknown word {other:?}; the head of tests/bench/sync.rs lists those that there are"
                ),
            }
        }
        asked
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Asked::of(std::env::args().skip(1));
    if asked.wants("restart") {
        restart::measure(asked.objects).await;
    }
    if asked.wants("storm") {
        storm::measure(asked.events, asked.storm_objects, asked.budget).await;
    }
    if !asked.real {
        println!(
            "\nleft out: first sync and latency on a real control plane (--real; build it with `make real`)"
        );
        return;
    }
    let plane = ControlPlane::start(
        &["bench"],
        &[
            "--load",
            "--controllers=false",
            "--kwok=false",
            "--disable-serviceaccount-admission",
        ],
    );
    first::load(&plane, asked.pods);
    if asked.wants("first") {
        first::measure(&plane, asked.rounds).await;
    }
    if asked.wants("latency") {
        latency::measure(&plane, asked.changes).await;
    }
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that this share of all does not exceed.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
