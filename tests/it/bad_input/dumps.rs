//! Dumps that are not whole: nothing of them is taken, what was known stays, and no other cluster notices.

use crate::mirrored::equals;
use crate::program::{Program, until};
use crate::site::{Site, count, objects, sync, text};
use planisphere_fixtures::{FleetSpec, Options, Simulation};
use serde_json::{Value, json};

fn config_map(name: &str, uid: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default", "uid": format!("00000000-0000-4000-8000-{uid:012}"), "resourceVersion": "7" },
    })
}

fn unname(object: &mut Value) {
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("name").unwrap();
}

fn list() -> Value {
    let items: Vec<Value> = (0..50)
        .map(|number| config_map(&format!("config-{number}"), number))
        .collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// That a dump of this text, beside a good live cluster, is not taken for these reasons.
async fn is_not_taken(name: &str, dump: &[u8], words: &[&str]) {
    let fleet = Simulation::start(FleetSpec::DEMO, Options::default())
        .await
        .unwrap();
    let cluster = &fleet.clusters[0];
    let site = Site::of(&fleet);
    let path = site.write(name, dump);
    let program = site.serve(&["--context", cluster.name(), "--dump", text(&path)]);
    program.ready().await;
    tells(&program, "snapshot", &[&[text(&path)], words].concat()).await;
    assert_eq!(
        count(&program, "snapshot", None).await,
        0,
        "nothing of it was taken"
    );
    let data = program
        .data(
            "{ assets(first: 1) { freshness { complete staleClusters { cluster reason error } } } }",
            json!({}),
        )
        .await;
    let freshness = &data["assets"]["freshness"];
    assert_eq!(freshness["complete"], false);
    assert_eq!(freshness["staleClusters"][0]["cluster"], "snapshot");
    assert_eq!(freshness["staleClusters"][0]["reason"], "DUMP");
    equals(&program, cluster.name(), || objects(cluster)).await;
    assert!(
        program.logged().contains("the dump was not taken over"),
        "it is logged too"
    );
}

async fn tells(program: &Program, cluster: &str, words: &[&str]) {
    let sync = sync(program, cluster).await;
    let error = sync["error"].as_str().unwrap_or_default();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_dump_that_was_cut_off_is_not_taken_at_all() {
    let whole = list().to_string();
    let half = &whole.as_bytes()[..whole.len() / 2];
    is_not_taken(
        "snapshot.json",
        half,
        &[
            "is not whole",
            "it ends in the middle at line 1",
            "nothing of this dump was taken",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yaml_dump_that_was_cut_off_within_a_value_is_not_taken_at_all() {
    let whole = serde_saphyr::to_string(&list()).unwrap();
    let end = whole.rfind("uid: ").unwrap();
    let cut = &whole[..end];
    // What is left is an object without its uid and the rest: of a list that ends early nobody can tell, of a broken
    // value one can.
    let cut = format!("{cut}uid: \"00000000-");
    is_not_taken(
        "snapshot.yaml",
        cut.as_bytes(),
        &["is not whole", "nothing of this dump was taken"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_which_one_file_of_many_is_cut_off_is_not_taken_at_all() {
    let fleet = Simulation::start(FleetSpec::empty(1), Options::default())
        .await
        .unwrap();
    let site = Site::of(&fleet);
    site.write("snapshot/a.json", list().to_string());
    site.write("snapshot/b.yaml", "apiVersion: v1\nkind: List\nitems:\n- {");
    let path = site.path("snapshot");
    let program = site.serve_only(&["--dump", text(&path)]);
    program.ready().await;
    tells(&program, "snapshot", &["b.yaml", "is not whole"]).await;
    assert_eq!(count(&program, "snapshot", None).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_hold_no_objects_say_what_to_write_instead() {
    is_not_taken(
        "snapshot.json",
        b"{\"hello\": \"world\"}",
        &["no `kind`", "kubectl get"],
    )
    .await;
    is_not_taken("snapshot.yaml", b"", &["no object of a kind", "kubectl get"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_does_not_exist_is_told_and_the_other_cluster_is_mirrored() {
    let fleet = Simulation::start(FleetSpec::DEMO, Options::default())
        .await
        .unwrap();
    let cluster = &fleet.clusters[0];
    let site = Site::of(&fleet);
    let path = site.path("snapshot.json");
    let program = site.serve(&["--context", cluster.name(), "--dump", text(&path)]);
    program.ready().await;
    tells(&program, "snapshot", &[text(&path), "cannot read"]).await;
    equals(&program, cluster.name(), || objects(cluster)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_off_dump_leaves_what_an_earlier_whole_one_brought() {
    let site = Site::new();
    let path = site.write("snapshot.json", list().to_string());
    let serve = || site.serve_only(&["--dump", text(&path)]);
    let program = serve();
    program.ready().await;
    assert_eq!(count(&program, "snapshot", Some("ConfigMap")).await, 50);
    assert!(program.stop().success());
    let whole = list().to_string();
    std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    let program = serve();
    program.ready().await;
    tells(&program, "snapshot", &["is not whole"]).await;
    assert_eq!(count(&program, "snapshot", Some("ConfigMap")).await, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_cannot_be_read_are_told_and_none_of_their_kind_is_taken_for_deleted() {
    let site = Site::new();
    let with_services = |services: u32| {
        let mut list = list();
        let service = |number: u32| {
            let mut service = config_map(&format!("service-{number}"), 1_000 + number);
            service["kind"] = json!("Service");
            service["spec"] = json!({ "type": "ClusterIP" });
            service
        };
        let items = list["items"].as_array_mut().unwrap();
        items.extend((0..services).map(service));
        list
    };
    let path = site.write("snapshot.json", with_services(2).to_string());
    let serve = || site.serve_only(&["--dump", text(&path)]);
    let program = serve();
    program.ready().await;
    assert_eq!(count(&program, "snapshot", Some("ConfigMap")).await, 50);
    assert_eq!(count(&program, "snapshot", Some("Service")).await, 2);
    assert!(program.stop().success());
    // Two of ten objects cannot be told apart: they may be any two of the fifty.
    let mut damaged = with_services(1);
    damaged["items"].as_array_mut().unwrap().drain(10..50);
    for number in [3, 5] {
        unname(&mut damaged["items"][number]);
    }
    std::fs::write(&path, damaged.to_string()).unwrap();
    let program = serve();
    program.ready().await;
    tells(
        &program,
        "snapshot",
        &["objects that cannot be read: 2", "ConfigMap"],
    )
    .await;
    assert_eq!(count(&program, "snapshot", Some("ConfigMap")).await, 50);
    // Of another kind, which is whole, one is gone.
    until("the other kind is taken in", || async {
        count(&program, "snapshot", Some("Service")).await == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_cannot_be_read_does_not_keep_the_rest_of_a_first_dump_away() {
    let site = Site::new();
    let mut damaged = list();
    unname(&mut damaged["items"][7]);
    let path = site.write("snapshot.json", damaged.to_string());
    let program = site.serve_only(&["--dump", text(&path)]);
    program.ready().await;
    until("the others are taken in", || async {
        count(&program, "snapshot", Some("ConfigMap")).await == 49
    })
    .await;
    tells(&program, "snapshot", &["objects that cannot be read: 1"]).await;
}
