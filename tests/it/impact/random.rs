//! Ten thousand random worlds and failures: what the graph answers is what the rules from scratch say.

use super::naive::evaluate;
use super::world::{
    Behind, Claim, Endpoint, Fails, Ground, Made, Pin, Pod, Service, Workload, World, store_of,
};
use planisphere::query::impact::model::State;
use planisphere::query::impact::recovery::RecoveryClass;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

/// Worlds that are tried; three failures each.
const WORLDS: u64 = 3_400;

fn maybe<T>(r: &mut StdRng, chance: f64, value: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    r.random_bool(chance).then(|| value(r))
}

fn world(r: &mut StdRng) -> World {
    let (namespaces, zones, nodes) = (r.random_range(1..3), r.random_range(1..4), r.random_range(1..6));
    let mut world = World {
        namespaces,
        secrets: 3,
        nodes: (0..nodes)
            .map(|_| maybe(r, 0.8, |r| r.random_range(0..zones)))
            .collect(),
        ..World::default()
    };
    world.grounds = (0..nodes)
        .map(|_| Ground {
            pool: r.random_range(0..2),
            tainted: r.random_bool(0.3),
            cordoned: r.random_bool(0.2),
        })
        .collect();
    for _ in 0..r.random_range(1..5) {
        let made = [
            Made::Deployment,
            Made::Deployment,
            Made::StatefulSet,
            Made::DaemonSet,
            Made::Job,
        ];
        world.workloads.push(Workload {
            made: made[r.random_range(0..made.len())],
            namespace: r.random_range(0..namespaces),
            replicas: r.random_range(0..6),
            image: ["app:1", "quay.io/coreos/etcd:v3"][r.random_range(0..2)],
        });
    }
    for _ in 0..r.random_range(0..4) {
        let pin = match r.random_range(0..3) {
            0 => Pin::Nowhere,
            1 => Pin::Node(r.random_range(0..nodes)),
            _ => Pin::Zone(r.random_range(0..zones)),
        };
        world.claims.push(Claim {
            namespace: r.random_range(0..namespaces),
            pin,
            bound: r.random_bool(0.8),
        });
    }
    for _ in 0..r.random_range(1..14) {
        let pod = pod(r, &world);
        world.pods.push(pod);
    }
    for s in 0..r.random_range(1..6) {
        let service = service(r, &world, s);
        world.services.push(service);
    }
    // A name may stand for a Service that comes later, or for itself over others.
    for s in 0..world.services.len() {
        if matches!(world.services[s].behind, Behind::Outside) && r.random_bool(0.7) {
            world.services[s].behind = Behind::Service(r.random_range(0..world.services.len()));
        }
    }
    world
}

fn pod(r: &mut StdRng, world: &World) -> Pod {
    let workload = maybe(r, 0.85, |r| r.random_range(0..world.workloads.len()));
    let namespace = workload.map_or_else(
        || r.random_range(0..world.namespaces),
        |w| world.workloads[w].namespace,
    );
    let node = maybe(r, 0.9, |r| r.random_range(0..world.nodes.len()));
    let here = |all: Vec<usize>, r: &mut StdRng| match all.is_empty() {
        true => None,
        false => Some(all[r.random_range(0..all.len())]),
    };
    let secrets: Vec<usize> = (0..world.secrets)
        .filter(|s| s % world.namespaces == namespace)
        .collect();
    let claims: Vec<usize> = (0..world.claims.len())
        .filter(|c| world.claims[*c].namespace == namespace)
        .collect();
    Pod {
        namespace,
        fixed: workload.is_none() && node.is_some() && r.random_bool(0.3),
        workload,
        node,
        done: r.random_bool(0.05),
        secret: here(secrets, r)
            .filter(|_| r.random_bool(0.4))
            .map(|s| (s, r.random_bool(0.3))),
        claim: here(claims, r).filter(|_| r.random_bool(0.4)),
        pool: maybe(r, 0.3, |r| r.random_range(0..2)),
        tolerates: r.random_bool(0.3),
    }
}

fn service(r: &mut StdRng, world: &World, _number: usize) -> Service {
    let namespace = r.random_range(0..world.namespaces);
    let condition = |r: &mut StdRng, yes: f64| match r.random_range(0..4) {
        0 => None,
        _ => Some(r.random_bool(yes)),
    };
    let behind = match r.random_range(0..12) {
        0 => Behind::Missing,
        1 => Behind::Outside,
        _ => {
            let number = r.random_range(0..8);
            let all_draining = r.random_bool(0.1);
            let endpoint = |r: &mut StdRng| Endpoint {
                pod: r.random_range(0..world.pods.len()),
                ready: if all_draining {
                    Some(false)
                } else {
                    condition(r, 0.8)
                },
                serving: condition(r, 0.7),
                terminating: condition(r, if all_draining { 0.8 } else { 0.2 }),
                stale: r.random_bool(0.08),
            };
            // A finished pod is in no slice.
            let endpoints = (0..number)
                .map(|_| endpoint(r))
                .filter(|e| !world.pods[e.pod].done);
            // Of one slice, a pod is named once.
            let mut once = BTreeMap::new();
            endpoints.for_each(|e| {
                once.insert(e.pod, e);
            });
            Behind::Endpoints(once.into_values().collect())
        }
    };
    Service {
        namespace,
        behind,
        local: r.random_bool(0.2),
        selects: maybe(r, 0.7, |r| r.random_range(0..world.workloads.len())),
        fraction: maybe(r, 0.2, |r| ["0.3", "0.7", "0.9", "1"][r.random_range(0..4)]),
    }
}

fn failure(r: &mut StdRng, world: &World) -> Vec<Fails> {
    let one = |r: &mut StdRng| match r.random_range(0..24) {
        0 => Fails::Cluster,
        1..3 => Fails::Zone(world.nodes.iter().flatten().next().copied().unwrap_or(0)),
        3..10 => Fails::Node(r.random_range(0..world.nodes.len())),
        10 => Fails::Namespace(r.random_range(0..world.namespaces)),
        11..13 => Fails::Workload(r.random_range(0..world.workloads.len())),
        13..17 => Fails::Pod(r.random_range(0..world.pods.len())),
        17 => Fails::Service(r.random_range(0..world.services.len())),
        18 if !world.claims.is_empty() => Fails::Claim(r.random_range(0..world.claims.len())),
        19 if !world.claims.is_empty() => Fails::Volume(r.random_range(0..world.claims.len())),
        _ => Fails::Secret(r.random_range(0..world.secrets)),
    };
    (0..r.random_range(1..4)).map(|_| one(r)).collect()
}

#[tokio::test]
async fn ten_thousand_random_failures_are_judged_as_the_rules_from_scratch_say() {
    let mut states: BTreeMap<State, usize> = BTreeMap::new();
    let mut recoveries: BTreeMap<RecoveryClass, usize> = BTreeMap::new();
    let mut judged = 0;
    for seed in 0..WORLDS {
        let mut r = StdRng::seed_from_u64(seed);
        let world = world(&mut r);
        let store = store_of(&world.objects()).await;
        for _ in 0..3 {
            let (fails, planned) = (failure(&mut r, &world), r.random_bool(0.3));
            let zone_exists = |f: &Fails| !matches!(f, Fails::Zone(z) if !world.nodes.contains(&Some(*z)));
            let fails: Vec<Fails> = fails.into_iter().filter(zone_exists).collect();
            if fails.is_empty() {
                continue;
            }
            let found = world.impact(&*store, &fails, planned).await;
            let expected = evaluate(&world, &fails, planned);
            judged += 1;
            for (s, expected) in expected.iter().enumerate() {
                let id = world.reference(Fails::Service(s)).id();
                let service = found
                    .services
                    .iter()
                    .find(|a| a.service.asset.reference.id() == id);
                let about =
                    || format!("seed {seed}, {fails:?}, planned {planned}, svc{s}: {expected:?}\n{world:#?}");
                let Some(service) = service else {
                    // What is not touched is not told, and stands as before.
                    let untouched = expected.state <= State::Unaffected && expected.lost.is_empty();
                    assert!(untouched, "missing: {}", about());
                    continue;
                };
                *states.entry(service.own).or_default() += 1;
                let lost: BTreeMap<String, _> = service
                    .lost
                    .iter()
                    .map(|l| {
                        let pod = (0..world.pods.len())
                            .find(|p| world.reference(Fails::Pod(*p)).id() == l.asset)
                            .unwrap();
                        (format!("p{pod}"), l.recovery.unwrap().class)
                    })
                    .collect();
                for class in lost.values() {
                    *recoveries.entry(*class).or_default() += 1;
                }
                let got = (service.own, service.verdict.before, service.verdict.after, lost);
                let wanted = (
                    expected.state,
                    expected.before,
                    expected.after,
                    expected.lost.clone(),
                );
                assert_eq!(got, wanted, "{}\n{}", service.reason, about());
            }
        }
    }
    assert!(judged >= 10_000, "only {judged} failures were judged");
    // Worlds that bring nothing about would prove nothing.
    for state in [
        State::Idle,
        State::AlreadyDown,
        State::Unaffected,
        State::AtRisk,
        State::Degraded,
        State::Down,
    ] {
        let seen = states.get(&state).copied().unwrap_or_default();
        assert!(seen > 100, "{state:?} was seen {seen} times only");
    }
    assert!(recoveries[&RecoveryClass::NoFit] > 100, "{recoveries:?}");
}
