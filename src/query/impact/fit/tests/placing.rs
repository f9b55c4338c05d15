//! The scheduler's traps, one test each: pods among others. And random clusters, in which nothing may be placed against the
//! rules.

use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[test]
fn the_number_of_pods_and_extended_resources_count_as_room() {
    let mut field = Field::new(vec![host_of("n", &[], room("8", "1"))]);
    assert!(field.stand(guest("there", &[], on("n", PodAttributes::default()))));
    let outcome = place(&mut field, vec![guest("p", &[], PodAttributes::default())]);
    assert_eq!(outcome, [Outcome::Nowhere([(Refusal::Room, 1)].into())]);
    let mut gpu = pod("1");
    gpu.containers[0].requests.as_mut().unwrap().other = vec!["example.com/gpu=1".to_owned()];
    let mut node = room("8", "10");
    let lacking = place(
        &mut Field::new(vec![host_of("n", &[], node.clone())]),
        vec![guest("p", &[], gpu.clone())],
    );
    assert_eq!(placed(&lacking[0]), None);
    node.allocatable.push("example.com/gpu=1".to_owned());
    let two = vec![guest("p", &[], gpu.clone()), guest("q", &[], gpu)];
    let outcome = place(&mut Field::new(vec![host_of("n", &[], node)]), two);
    assert_eq!((placed(&outcome[0]), placed(&outcome[1])), (Some(0), None));
}

#[test]
fn great_pods_are_placed_before_small_ones_so_that_both_fit() {
    let field = || {
        Field::new(vec![
            host_of("n1", &[], room("3", "9")),
            host_of("n2", &[], room("2", "9")),
        ])
    };
    let small_first = vec![
        guest("a", &[], pod("1")),
        guest("b", &[], pod("1")),
        guest("c", &[], pod("3")),
    ];
    let outcome = place(&mut field(), small_first);
    assert!(outcome.iter().all(|o| placed(o).is_some()), "{outcome:?}");
}

#[test]
fn a_port_of_the_node_is_taken_once_for_each_protocol_and_address() {
    let asks = |port: &str| {
        asking(Placement {
            host_ports: vec![port.to_owned()],
            ..Placement::default()
        })
    };
    for (taken, asked, fits) in [
        ("TCP/80", "TCP/80", false),
        ("TCP/80", "UDP/80", true),
        ("10.0.0.1/TCP/80", "TCP/80", false),
        ("10.0.0.1/TCP/80", "10.0.0.2/TCP/80", true),
    ] {
        let mut field = Field::new(vec![host("n", &[])]);
        field.stand(guest("there", &[], on("n", asks(taken))));
        let outcome = place(&mut field, vec![guest("p", &[], asks(asked))]);
        assert_eq!(placed(&outcome[0]).is_some(), fits, "{taken} {asked}");
    }
}

#[test]
fn anti_affinity_keeps_apart_in_both_directions_and_only_where_the_label_is() {
    let apart = Placement {
        pod_anti_affinity: vec![near("app=db", "zone")],
        ..Placement::default()
    };
    let hosts = || {
        vec![
            host("a1", &["zone=a"]),
            host("a2", &["zone=a"]),
            host("b1", &["zone=b"]),
        ]
    };
    let mut field = Field::new(hosts());
    field.stand(guest("there", &["app=db"], on("a1", pod("1"))));
    let outcome = place(&mut field, vec![guest("p", &["app=web"], asking(apart.clone()))]);
    assert_eq!(placed(&outcome[0]), Some(2));
    // It is the one that stands which does not want the other.
    let mut field = Field::new(hosts());
    field.stand(guest("there", &["app=web"], on("a1", asking(apart.clone()))));
    let outcome = place(&mut field, vec![guest("p", &["app=db"], pod("1"))]);
    assert_eq!(placed(&outcome[0]), Some(2));
    let mut field = Field::new(vec![host("n", &[])]);
    field.stand(guest("there", &["app=db"], on("n", pod("1"))));
    let outcome = place(&mut field, vec![guest("p", &["app=web"], asking(apart))]);
    assert_eq!(
        placed(&outcome[0]),
        Some(0),
        "without the label there is no part to share"
    );
}

#[test]
fn affinity_needs_somebody_near_but_the_first_of_its_own_kind_may_stand_alone() {
    let together = || {
        asking(Placement {
            pod_affinity: vec![near("app=db", "zone")],
            ..Placement::default()
        })
    };
    let hosts = || vec![host("n", &[]), host("a1", &["zone=a"]), host("b1", &["zone=b"])];
    let mut field = Field::new(hosts());
    field.stand(guest("there", &["app=db"], on("b1", pod("1"))));
    let outcome = place(&mut field, vec![guest("p", &["app=web"], together())]);
    assert_eq!(placed(&outcome[0]), Some(2));
    let outcome = place(
        &mut Field::new(hosts()),
        vec![guest("p", &["app=web"], together())],
    );
    assert_eq!(outcome, [Outcome::Nowhere([(Refusal::Peers, 3)].into())]);
    let outcome = place(
        &mut Field::new(hosts()),
        vec![guest("p", &["app=db"], together())],
    );
    assert_eq!(placed(&outcome[0]), Some(1), "but where the label is");
}

fn spread(max_skew: i32, more: impl FnOnce(&mut SpreadConstraint)) -> PodAttributes {
    let mut constraint = SpreadConstraint {
        max_skew,
        topology_key: "zone".to_owned(),
        label_selector: selector("app=db"),
        ..SpreadConstraint::default()
    };
    more(&mut constraint);
    asking(Placement {
        topology_spread: vec![constraint],
        ..Placement::default()
    })
}

#[test]
fn spread_counts_parts_with_nobody_and_parts_of_drained_nodes_too() {
    let db = |name: &str, pod: PodAttributes| guest(name, &["app=db"], pod);
    let hosts = || vec![host("a1", &["zone=a"]), host("b1", &["zone=b"])];
    let mut field = Field::new(hosts());
    field.stand(db("there", on("a1", pod("1"))));
    assert_eq!(
        placed(&place(&mut field, vec![db("p", spread(1, |_| ()))])[0]),
        Some(1)
    );
    // A zone that is drained goes on counting as one with nobody.
    let mut drained = host("c1", &["zone=c"]);
    drained.live = false;
    let field = |hosts: Vec<Host>| {
        let mut field = Field::new(hosts);
        for (name, node) in [("one", "a1"), ("two", "b1")] {
            field.stand(db(name, on(node, pod("1"))));
        }
        field
    };
    let with_drained = || {
        let mut all = hosts();
        all.push(drained.clone());
        all
    };
    assert_eq!(
        placed(&place(&mut field(hosts()), vec![db("p", spread(1, |_| ()))])[0]),
        Some(0)
    );
    assert_eq!(
        place(&mut field(with_drained()), vec![db("p", spread(1, |_| ()))])[0],
        Outcome::Nowhere([(Refusal::Spread, 2)].into())
    );
    let honoring = spread(1, |s| s.honors_taints = true);
    assert_eq!(
        placed(&place(&mut field(with_drained()), vec![db("p", honoring)])[0]),
        Some(0)
    );
    let three_zones = spread(1, |s| s.min_domains = Some(3));
    assert_eq!(
        placed(&place(&mut field(hosts()), vec![db("p", three_zones)])[0]),
        None
    );
}

#[test]
fn room_is_made_by_evicting_as_few_and_as_unimportant_pods_as_can_be() {
    let of = |priority: i32, cpu: &str| PodAttributes {
        priority: Some(priority),
        ..pod(cpu)
    };
    let field = || {
        let mut field = Field::new(vec![
            host_of("n1", &[], room("4", "9")),
            host_of("n2", &[], room("4", "9")),
        ]);
        for (name, node, priority, cpu) in [
            ("important", "n1", 50, "4"),
            ("small", "n2", 10, "1"),
            ("great", "n2", 10, "2"),
            ("equal", "n2", 100, "1"),
        ] {
            field.stand(guest(name, &[], on(node, of(priority, cpu))));
        }
        field
    };
    let outcome = place(&mut field(), vec![guest("p", &[], of(100, "2"))]);
    let Outcome::Fits { host: 1, evicts } = &outcome[0] else {
        panic!("{outcome:?}");
    };
    assert_eq!(evicts, &[2], "the small one is spared");
    let outcome = place(&mut field(), vec![guest("p", &[], of(10, "2"))]);
    assert_eq!(placed(&outcome[0]), None, "equals are not evicted");
    let mut meek = of(100, "2");
    meek.placement = Some(Box::new(Placement {
        never_preempts: true,
        ..Placement::default()
    }));
    assert_eq!(placed(&place(&mut field(), vec![guest("p", &[], meek)])[0]), None);
}

/// Nothing that was placed breaks a rule, looked at from scratch when all is done; and what was refused is refused there too,
/// as long as no spread or affinity can have changed that.
#[test]
fn in_random_clusters_no_node_is_overfull_and_nothing_stands_where_it_may_not() {
    let mut seen = (0, 0, 0);
    for seed in 0..2_000 {
        let mut r = StdRng::seed_from_u64(seed);
        let zones = ["zone=a", "zone=b", "zone=c"];
        let nodes = r.random_range(1..5);
        let hosts: Vec<Host> = (0..nodes)
            .map(|n| {
                let cpu = r.random_range(1..6).to_string();
                host_of(&format!("n{n}"), &[zones[r.random_range(0..3)]], room(&cpu, "4"))
            })
            .collect();
        let mut field = Field::new(hosts);
        let random = |r: &mut StdRng| {
            let mut kept = pod(&r.random_range(1..4).to_string());
            kept.priority = Some(r.random_range(0..3));
            let mut placement = Placement::default();
            if r.random_bool(0.3) {
                placement.node_selector = vec![zones[r.random_range(0..3)].to_owned()];
            }
            if r.random_bool(0.3) {
                placement.pod_anti_affinity = vec![near("app=db", "zone")];
            }
            kept.placement = Some(Box::new(placement));
            kept
        };
        let apps: Vec<&[&str]> = vec![&["app=db"], &["app=web"]];
        for n in 0..r.random_range(0..6) {
            let node = format!("n{}", r.random_range(0..nodes));
            // What stands already may be more than there is room for.
            let kept = on(&node, random(&mut r));
            field.stand(guest(&format!("old{n}"), apps[r.random_range(0..2)], kept));
        }
        let before: Vec<usize> = (0..field.standing.len()).collect();
        let guests: Vec<Guest> = (0..r.random_range(1..6))
            .map(|n| {
                let kept = random(&mut r);
                guest(&format!("new{n}"), apps[r.random_range(0..2)], kept)
            })
            .collect();
        let outcomes = place(&mut field, guests.clone());
        for (guest, outcome) in guests.iter().zip(&outcomes) {
            match outcome {
                Outcome::Fits { host, evicts } => {
                    assert_eq!(refuses(&field.hosts[*host], guest), None, "seed {seed}");
                    for victim in evicts {
                        let victim = &field.standing[*victim];
                        assert!(victim.gone && victim.host == *host, "seed {seed}");
                        assert!(victim.guest.priority() < guest.priority(), "seed {seed}");
                    }
                    seen.0 += 1;
                    seen.1 += usize::from(!evicts.is_empty());
                }
                Outcome::Nowhere(refusals) => {
                    assert_eq!(refusals.values().sum::<usize>(), field.hosts.len(), "seed {seed}");
                    seen.2 += 1;
                }
            }
        }
        let here: Vec<&super::super::field::Standing> = field.standing.iter().filter(|s| !s.gone).collect();
        for new in field.standing[before.len()..].iter() {
            let cpu: i128 = here
                .iter()
                .filter(|s| s.host == new.host)
                .map(|s| s.guest.needs["cpu"])
                .sum();
            let all = super::super::amount::of_list(&field.hosts[new.host].kept().allocatable)["cpu"];
            assert!(cpu <= all, "seed {seed}: {cpu} of {all}");
            let zone =
                |s: &super::super::field::Standing| field.hosts[s.host].label("zone").map(str::to_owned);
            let is_db = |s: &super::super::field::Standing| s.guest.labels()[0].value == "db";
            let shy = |s: &super::super::field::Standing| {
                !s.guest
                    .kept()
                    .placement
                    .as_ref()
                    .unwrap()
                    .pod_anti_affinity
                    .is_empty()
            };
            let name = |s: &super::super::field::Standing| s.guest.record.asset.reference.id();
            for other in here
                .iter()
                .filter(|o| name(o) != name(new) && zone(o) == zone(new))
            {
                assert!(
                    !(shy(new) && is_db(other) || shy(other) && is_db(new)),
                    "seed {seed}"
                );
            }
        }
    }
    assert!(seen.0 > 500 && seen.1 > 50 && seen.2 > 500, "{seen:?}");
}
