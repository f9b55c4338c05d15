//! The wall clock of the whole process is set by years, forward and back, while it runs and while it is away: libfaketime
//! lies to it. Order, history and freshness must not depend on what the clock says.

use super::network::stale;
use super::world::World;
use crate::mirrored::{equalled, equals, instant};
use crate::program::{Program, command, debian, until};
use crate::site::objects;
use serde_json::json;

/// How the program is lied to; the file says by how much, and is read at each look at the clock.
struct Clock<'a>(&'a World);

impl Clock<'_> {
    fn set(&self, by: &str) {
        // Put in place whole: an empty file would be no lie.
        let fresh = self.0.site.write("clock.new", by);
        std::fs::rename(fresh, self.0.site.path("clock")).unwrap();
    }

    fn serve(&self) -> Program {
        let mut command = command();
        command
            .env("LD_PRELOAD", debian("libfaketime.so.1"))
            .env("FAKETIME_TIMESTAMP_FILE", self.0.site.path("clock"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        self.0
            .site
            .serve_by(command, &["--all-contexts", "--stale-after", "5s"])
    }
}

/// What was there at an instant, by the objects.
struct Moment {
    instant: String,
    objects: crate::truth::Objects,
}

/// Changes the first cluster, waits until the change is answered as the present, and notes when.
async fn change(world: &World, program: &Program, value: &str) -> Moment {
    let cluster = world.first();
    let probe = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "probe", "namespace": "default", "labels": { "value": value } } });
    cluster.apply(probe).unwrap();
    let gone = cluster
        .objects("configmaps")
        .find(|o| o["metadata"]["name"] != "probe");
    let gone = gone.unwrap()["metadata"].clone();
    let of = |field: &str| gone[field].as_str().unwrap();
    cluster.delete("ConfigMap", of("namespace"), of("name")).unwrap();
    equals(program, cluster.name(), || objects(cluster)).await;
    until("it is called current", || async {
        stale(program).await.is_empty()
    })
    .await;
    Moment {
        instant: instant(program).await,
        objects: objects(cluster),
    }
}

/// Where nothing is heard any more, that is said, whatever the clock says.
async fn silence_is_told(world: &World, program: &Program) {
    world.first().go_offline().await;
    until("the silent cluster is called stale", || async {
        stale(program).await == [world.first().name()]
    })
    .await;
    world.first().go_online().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_by_ten_years_changes_neither_order_nor_history_nor_what_is_called_stale() {
    let world = World::new(94, 2, 250).await;
    let clock = Clock(&world);
    clock.set("+0");
    let mut program = clock.serve();
    world.is_mirrored(&program).await;
    let mut moments = vec![change(&world, &program, "at first").await];
    for step in ["+10y", "-10y"] {
        clock.set(step);
        moments.push(change(&world, &program, step).await);
        silence_is_told(&world, &program).await;
    }
    for step in ["-10y", "+20y", "+0"] {
        // What is told after the newest change is forgotten with the process: see the known limits.
        change(&world, &program, &format!("before {step}")).await;
        assert!(program.stop().success());
        clock.set(step);
        program = clock.serve();
        program.ready().await;
        moments.push(change(&world, &program, &format!("restarted {step}")).await);
        silence_is_told(&world, &program).await;
    }
    let instants: Vec<_> = moments.iter().map(|m| m.instant.as_str()).collect();
    assert!(instants.is_sorted_by(|a, b| a < b), "{instants:#?}");
    assert!(
        &instants[1][..4] > "2030" && instants[4] > instants[1],
        "{instants:#?}"
    );
    for moment in moments.iter().rev() {
        equalled(&program, world.first().name(), &moment.instant, &moment.objects).await;
    }
}
