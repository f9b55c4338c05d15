//! Dumps as clusters: what they answer is what the live cluster of the same objects answers, and no value that may be a
//! secret leaves the objects, from dumps and live clusters alike.

mod secrets;

use crate::mirrored::equals;
use crate::program::Program;
use crate::site::{Site, objects, sync, text};
use crate::truth::{Objects, RESOURCES};
use planisphere_fixtures::{FleetSpec, Options, SimCluster, Simulation};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A moment long ago: 2026-01-02T03:04:05Z.
const TAKEN: u64 = 1_767_323_045;

fn everything(cluster: &SimCluster) -> Vec<Value> {
    objects(cluster).into_values().flatten().collect()
}

/// As `kubectl get -A -o json` prints it.
fn as_json(items: Vec<Value>) -> String {
    format!(
        "{:#}",
        json!({ "apiVersion": "v1", "kind": "List", "items": items, "metadata": { "resourceVersion": "" } })
    )
}

/// As several `kubectl get -o yaml` in one file.
fn as_documents(items: &[Value]) -> String {
    let documents = items.iter().map(|item| serde_saphyr::to_string(item).unwrap());
    documents.map(|text| format!("---\n{text}")).collect()
}

/// A directory with a typed list for each resource, half of them JSON and half YAML.
fn as_directory(site: &Site, name: &str, objects: Objects) {
    for (number, (resource, kind)) in RESOURCES.iter().enumerate() {
        let kind = kind.split('.').next().unwrap();
        let mut items = objects[resource].clone();
        let api_version = items.first().map_or(json!("v1"), |o| o["apiVersion"].clone());
        // In a typed list, objects carry no kind of their own.
        for item in &mut items {
            item.as_object_mut()
                .unwrap()
                .retain(|key, _| key != "kind" && key != "apiVersion");
        }
        let list = json!({ "apiVersion": api_version, "kind": format!("{kind}List"), "items": items });
        match number % 2 {
            0 => site.write(&format!("{name}/{resource}.json"), list.to_string()),
            _ => site.write(
                &format!("{name}/{resource}.yaml"),
                serde_saphyr::to_string(&list).unwrap(),
            ),
        };
    }
    site.write(&format!("{name}/README.txt"), "no objects here");
}

fn taken_long_ago(path: &Path) {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(TAKEN);
    let paths = match path.is_dir() {
        true => path.read_dir().unwrap().map(|e| e.unwrap().path()).collect(),
        false => vec![path.to_owned()],
    };
    for path in paths {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(moment).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dumps_of_all_forms_answer_as_the_live_clusters_of_the_same_objects() {
    let spec = FleetSpec {
        seed: 51,
        clusters: 3,
        objects: 700,
    };
    let fleet = Simulation::start(spec, Options::default()).await.unwrap();
    let [first, second, third] = &fleet.clusters[..] else {
        panic!("three clusters")
    };
    let site = Site::new();
    site.write("first.json", as_json(everything(first)));
    site.write("second.yaml", as_documents(&everything(second)));
    as_directory(&site, "third", objects(third));
    let paths = ["first.json", "second.yaml", "third"].map(|name| site.path(name));
    paths.iter().for_each(|path| taken_long_ago(path));
    let dumps: Vec<&str> = paths.iter().flat_map(|path| ["--dump", text(path)]).collect();
    let program = site.serve_only(&dumps);
    program.ready().await;
    for (name, cluster) in [("first", first), ("second", second), ("third", third)] {
        equals(&program, name, || objects(cluster)).await;
        let sync = sync(&program, name).await;
        assert_eq!(
            (&sync["dump"], &sync["complete"], &sync["error"]),
            (&json!(true), &json!(true), &Value::Null)
        );
    }
    are_told_as_dumps(&program, &["first", "second", "third"]).await;

    // The same clusters live, in a data directory of their own, give the same ids and edges.
    let live = Site::of(&fleet);
    let live = live.serve(&["--all-contexts"]);
    live.ready().await;
    for (name, cluster) in [("first", first), ("second", second), ("third", third)] {
        equals(&live, cluster.name(), || objects(cluster)).await;
        assert_eq!(graph(&program, name).await, graph(&live, cluster.name()).await);
    }
}

async fn are_told_as_dumps(program: &Program, names: &[&str]) {
    let query = "{ assets(first: 1) { freshness { complete incomplete { kind } staleClusters { cluster reason asOf } } } }";
    let data = program.data(query, json!({})).await;
    let freshness = &data["assets"]["freshness"];
    let stale: Vec<Value> = names
        .iter()
        .map(|name| json!({ "cluster": name, "reason": "DUMP", "asOf": "2026-01-02T03:04:05Z" }))
        .collect();
    assert_eq!(
        *freshness,
        json!({ "complete": false, "incomplete": [], "staleClusters": stale })
    );
}

/// Each asset with its edges, as text; what differs by how it was learnt is left out, and what only a live server tells of itself.
async fn graph(program: &Program, cluster: &str) -> Vec<String> {
    let query = "query($cluster: String!, $after: String) {
        assets(filter: {cluster: {eq: $cluster}, kind: {nin: [\"Cluster\", \"Component\", \"ControlPlaneComponent\"]}}, first: 100, after: $after) {
            nodes { id uid kind namespace name labels annotations problems resourceVersion createdAt
                edges(direction: OUT, first: 50) { edges { relation stale target { id dangling } detail { controller uid ready via optional } } } }
            pageInfo { hasNextPage endCursor } } }";
    let nodes = crate::mirrored::all(program, query, json!({ "cluster": cluster })).await;
    assert!(nodes.len() > 100, "{cluster} has {} assets", nodes.len());
    nodes.iter().map(Value::to_string).collect()
}
