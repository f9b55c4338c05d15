//! Instants of a fleet that changes: answered later as they were recorded then, also by another process.

use super::world::World;
use crate::mirrored::{equalled, instant};
use crate::program::Program;
use crate::site::objects;
use crate::truth::Objects;

struct Moment {
    instant: String,
    clusters: Vec<(String, Objects)>,
}

async fn record(world: &World, program: &Program) -> Moment {
    world.is_mirrored(program).await;
    let clusters = world.fleet.clusters.iter();
    Moment {
        instant: instant(program).await,
        clusters: clusters.map(|c| (c.name().to_owned(), objects(c))).collect(),
    }
}

async fn assert_recalled(program: &Program, moments: &[Moment]) {
    // Not in the order of time: each is worked out from another one.
    let (odd, even): (Vec<_>, Vec<_>) = moments.iter().enumerate().partition(|(i, _)| i % 2 == 1);
    for (_, moment) in odd.iter().chain(even.iter().rev()) {
        for (cluster, objects) in &moment.clusters {
            equalled(program, cluster, &moment.instant, objects).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_instant_of_a_changing_fleet_is_answered_as_it_was_also_after_a_restart() {
    let world = World::new(61, 2, 250).await;
    let program = world.serve();
    let mut moments = vec![record(&world, &program).await];
    let mut fleet = world.fleet.fleet();
    for _ in 0..6 {
        for _ in 0..20 {
            fleet.step();
        }
        fleet.finish();
        moments.push(record(&world, &program).await);
    }
    let changed = moments.windows(2).all(|pair| {
        let of = |moment: &Moment| -> Vec<_> {
            moment
                .clusters
                .iter()
                .map(|(_, o)| crate::truth::assets(o))
                .collect()
        };
        of(&pair[0]) != of(&pair[1])
    });
    assert!(changed, "nothing happened between two of the instants");
    assert_recalled(&program, &moments).await;
    assert!(program.stop().success());
    let program = world.serve();
    world.is_mirrored(&program).await;
    assert_recalled(&program, &moments).await;
}
