//! What Planisphere answers about a cluster, in the terms of [`crate::truth`], and the comparison of both.

use crate::program::{PATIENCE, Program};
use crate::truth::{self, Instance, Objects};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::{Duration, Instant};

const ASSETS: &str = "query($cluster: String!, $after: String, $asOf: Instant, $kinds: [String!]!) {
  assets(filter: {cluster: {eq: $cluster}, kind: {in: $kinds}}, first: 500, after: $after, asOf: $asOf) {
    nodes { uid kind namespace name } pageInfo { hasNextPage endCursor }
  } }";

const INSTANCES: &str = "query($cluster: String!, $after: String, $asOf: Instant) {
  assets(filter: {cluster: {eq: $cluster}, kind: {eq: \"Service\"}}, first: 10, after: $after, asOf: $asOf) {
    nodes { namespace name ... on Service { instances(first: 500) { edges { node { name } ready serving terminating nodeName zone } } } }
    pageInfo { hasNextPage endCursor }
  } }";

const READERS: &str = "query($cluster: String!, $after: String, $asOf: Instant, $dangling: Boolean!) {
  assets(filter: {cluster: {eq: $cluster}, kind: {eq: \"Secret\"}, dangling: $dangling}, first: 10, after: $after, asOf: $asOf) {
    nodes { namespace name edges(direction: IN, relations: [READS], first: 500) { edges { source { kind namespace name } } } }
    pageInfo { hasNextPage endCursor }
  } }";

const OWNERS: &str = "query($cluster: String!, $after: String, $asOf: Instant, $kinds: [String!]!) {
  assets(filter: {cluster: {eq: $cluster}, kind: {in: $kinds}, related: {relation: OWNED_BY, direction: OUT, some: {}}}, first: 100, after: $after, asOf: $asOf) {
    nodes { kind namespace name edges(direction: OUT, relations: [OWNED_BY], first: 10) { edges { stale detail { controller uid } } } }
    pageInfo { hasNextPage endCursor }
  } }";

fn own(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// All nodes of all pages.
pub async fn all(program: &Program, query: &str, mut variables: Value) -> Vec<Value> {
    let mut nodes = Vec::new();
    loop {
        let mut data = program.data(query, variables.clone()).await;
        nodes.append(data["assets"]["nodes"].as_array_mut().unwrap());
        let page = &data["assets"]["pageInfo"];
        if page["hasNextPage"] != true {
            return nodes;
        }
        variables["after"] = page["endCursor"].clone();
    }
}

/// More kinds than these are mirrored: custom resources have tests of their own.
fn compared() -> Value {
    let kinds: Vec<&str> = truth::RESOURCES.iter().map(|(_, kind)| *kind).collect();
    json!({ "kinds": kinds })
}

/// What is asked about: a cluster, and an instant where it is not now.
#[derive(Clone, Copy)]
struct About<'a> {
    program: &'a Program,
    cluster: &'a str,
    as_of: Option<&'a str>,
}

impl About<'_> {
    async fn all(self, query: &str, mut variables: Value) -> Vec<Value> {
        variables["cluster"] = self.cluster.into();
        variables["asOf"] = self.as_of.into();
        all(self.program, query, variables).await
    }
}

async fn assets(about: About<'_>) -> BTreeSet<(String, String, String, String)> {
    let nodes = about.all(ASSETS, compared()).await;
    nodes
        .iter()
        .map(|n| {
            (
                own(&n["kind"]),
                own(&n["namespace"]),
                own(&n["name"]),
                own(&n["uid"]),
            )
        })
        .collect()
}

async fn instances(about: About<'_>) -> BTreeMap<String, BTreeSet<Instance>> {
    let nodes = about.all(INSTANCES, json!({})).await;
    nodes
        .iter()
        .map(|service| {
            let edges = service["instances"]["edges"].as_array().unwrap();
            let instance = |e: &Value| Instance {
                name: own(&e["node"]["name"]),
                node: own(&e["nodeName"]),
                zone: own(&e["zone"]),
                ready: e["ready"] == true,
                serving: e["serving"] == true,
                terminating: e["terminating"] == true,
            };
            (
                format!("{}/{}", own(&service["namespace"]), own(&service["name"])),
                edges.iter().map(instance).collect(),
            )
        })
        .collect()
}

async fn secret_readers(about: About<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut readers = BTreeMap::new();
    let mut secrets = about.all(READERS, json!({ "dangling": false })).await;
    secrets.extend(about.all(READERS, json!({ "dangling": true })).await);
    for secret in secrets {
        let edges = secret["edges"]["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| &e["source"]);
        let pods: BTreeSet<String> = edges
            .filter(|source| source["kind"] == "Pod")
            .map(|pod| format!("{}/{}", own(&pod["namespace"]), own(&pod["name"])))
            .collect();
        if !pods.is_empty() {
            readers.insert(
                format!("{}/{}", own(&secret["namespace"]), own(&secret["name"])),
                pods,
            );
        }
    }
    readers
}

async fn controllers(about: About<'_>) -> BTreeMap<(String, String, String), String> {
    let mut owners = BTreeMap::new();
    for owned in about.all(OWNERS, compared()).await {
        for edge in owned["edges"]["edges"].as_array().unwrap() {
            if edge["detail"]["controller"] == true {
                owners.insert(
                    (own(&owned["kind"]), own(&owned["namespace"]), own(&owned["name"])),
                    own(&edge["detail"]["uid"]),
                );
            }
        }
    }
    owners
}

/// Waits until what is answered about a cluster is what `objects` says, which is read anew each time: no ghost, no loss.
pub async fn equals(program: &Program, cluster: &str, mut objects: impl FnMut() -> Objects) {
    let started = Instant::now();
    loop {
        let about = About {
            program,
            cluster,
            as_of: None,
        };
        let difference = difference(about, &objects()).await;
        if difference.is_empty() {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{cluster} is not what its objects say:\n{difference}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// That what is answered about an instant is what the objects of that instant say.
pub async fn equalled(program: &Program, cluster: &str, as_of: &str, objects: &Objects) {
    let about = About {
        program,
        cluster,
        as_of: Some(as_of),
    };
    let difference = difference(about, objects).await;
    assert!(
        difference.is_empty(),
        "{cluster} as of {as_of} is not what its objects said:\n{difference}"
    );
}

async fn difference(about: About<'_>, truth: &Objects) -> String {
    let difference = [
        differ("assets", &truth::assets(truth), &assets(about).await),
        differ(
            "instances",
            &sets(&truth::instances(truth)),
            &sets(&instances(about).await),
        ),
        differ(
            "readers of secrets",
            &sets(&truth::secret_readers(truth)),
            &sets(&secret_readers(about).await),
        ),
        differ(
            "controllers",
            &pairs(&truth::controllers(truth)),
            &pairs(&controllers(about).await),
        ),
    ];
    difference.into_iter().flatten().collect()
}

/// The instant at which the program answers now.
pub async fn instant(program: &Program) -> String {
    let data = program.data("{ sync { freshness { asOf } } }", json!({})).await;
    own(&data["sync"]["freshness"]["asOf"])
}

fn sets<T: Ord + Clone>(map: &BTreeMap<String, BTreeSet<T>>) -> BTreeSet<(String, Option<T>)> {
    // A key without members still counts: a service without instances must be there.
    let members = map
        .iter()
        .flat_map(|(key, set)| set.iter().map(move |t| (key.clone(), Some(t.clone()))));
    members.chain(map.keys().map(|key| (key.clone(), None))).collect()
}

fn pairs<K: Ord + Clone, V: Ord + Clone>(map: &BTreeMap<K, V>) -> BTreeSet<(K, V)> {
    map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn differ<T: Ord + Debug>(what: &str, truth: &BTreeSet<T>, answer: &BTreeSet<T>) -> Option<String> {
    let lost: Vec<&T> = truth.difference(answer).take(10).collect();
    let ghosts: Vec<&T> = answer.difference(truth).take(10).collect();
    let differs = !lost.is_empty() || !ghosts.is_empty();
    differs.then(|| format!("{what}: lost {lost:#?}, ghosts {ghosts:#?}\n"))
}
