//! Impact against the truth: predict, then do it on a real control plane with real controllers, and count how often both
//! agree: who is left behind each Service, which lost pods come back, which do not.

use super::controlplane::ControlPlane;
use super::node;
use crate::graphql::app::text;
use crate::program::Program;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Orphaned pods are collected after about a minute, and the machine is busy.
const PATIENCE: Duration = Duration::from_secs(300);

fn workload(kind: &str, name: &str, replicas: usize) -> String {
    let replicas = if kind == "DaemonSet" {
        String::new()
    } else {
        format!("replicas: {replicas}, ")
    };
    let governed = if kind == "StatefulSet" {
        format!("serviceName: {name}, podManagementPolicy: Parallel, ")
    } else {
        String::new()
    };
    format!(
        "---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}}}
spec: {{{replicas}{governed}selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: main, image: 'app:1'}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"
    )
}

fn manifest() -> String {
    let mut all: String = (1..=6)
        .map(|n| workload("Deployment", &format!("web-{n}"), n))
        .collect();
    all.push_str(&workload("StatefulSet", "db", 3));
    all.push_str(&workload("DaemonSet", "agent", 0));
    let bare = "---
apiVersion: v1
kind: Pod
metadata: {name: bare, labels: {app: bare}}
spec: {nodeName: node-0, containers: [{name: main, image: 'app:1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: bare}
spec: {selector: {app: bare}, ports: [{port: 80}]}
";
    all + bare
}

/// The uids of the ready pods behind each Service, as the API server says.
pub(super) fn behind(plane: &ControlPlane) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for slice in plane.objects("east", &["endpointslices"]) {
        if slice["metadata"]["namespace"] != "truth" {
            continue;
        }
        let service = text(&slice["metadata"]["labels"]["kubernetes.io/service-name"]);
        let pods = found.entry(service).or_default();
        for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
            if endpoint["conditions"]["ready"] == true {
                pods.insert(text(&endpoint["targetRef"]["uid"]));
            }
        }
    }
    found
}

pub(super) fn ready_pods(plane: &ControlPlane) -> BTreeMap<String, usize> {
    behind(plane)
        .into_iter()
        .map(|(service, pods)| (service, pods.len()))
        .collect()
}

pub(super) async fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within {PATIENCE:?}: {what}");
}

/// What is predicted of each Service: uids that are lost with how they come back, and how many are left.
type Predicted = BTreeMap<String, (BTreeMap<String, String>, u64)>;

async fn predict(program: &Program, input: Value) -> Predicted {
    let query = "query($input: ImpactInput!) { impact(input: $input) { services(first: 500) { nodes {
        service { namespace name } instancesLeft lost(first: 500) { asset { uid } recovery } } } } }";
    let data = program.data(query, json!({ "input": input })).await;
    let nodes = data["impact"]["services"]["nodes"].as_array().unwrap();
    let mine = nodes.iter().filter(|n| n["service"]["namespace"] == "truth");
    mine.map(|n| {
        let lost = n["lost"].as_array().unwrap().iter();
        let lost = lost.map(|l| (text(&l["asset"]["uid"]), text(&l["recovery"])));
        (
            text(&n["service"]["name"]),
            (lost.collect(), n["instancesLeft"].as_u64().unwrap()),
        )
    })
    .collect()
}

/// Waits until the mirror has everybody behind each Service as the API server says.
pub(super) async fn mirrored(program: &Program, plane: &ControlPlane) {
    let query = "{ assets(filter: {kind: {eq: \"Service\"}, namespace: {eq: \"truth\"}}, first: 100) { nodes { name ... on Service { instances(ready: true, first: 100) { nodes { ... on Pod { uid } } } } } } }";
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let data = program.data(query, json!({})).await;
            let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for service in data["assets"]["nodes"].as_array().unwrap() {
                let pods = service["instances"]["nodes"].as_array().unwrap().iter();
                found.insert(text(&service["name"]), pods.map(|p| text(&p["uid"])).collect());
            }
            if found == behind(plane) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    assert!(waited.await.is_ok(), "the mirror does not catch up");
}

/// How often prediction and truth agree, by what was compared.
#[derive(Default)]
pub(super) struct Agreement(BTreeMap<&'static str, (usize, usize)>, Vec<String>);

impl Agreement {
    pub(super) fn note(&mut self, what: &'static str, agrees: bool, told: impl Fn() -> String) {
        let (same, all) = self.0.entry(what).or_default();
        *all += 1;
        *same += usize::from(agrees);
        if !agrees {
            self.1.push(format!("{what}: {}", told()));
        }
    }
}

impl Agreement {
    /// Prints how often both agree, and fails where they do not.
    pub(super) fn told(&self) {
        for (what, (same, all)) in &self.0 {
            eprintln!("{what}: {same} of {all} agree");
        }
        assert!(self.1.is_empty(), "{:#?}", self.1);
    }
}

/// Predicts what the loss of these nodes does, takes them away, and compares.
async fn lose(
    program: &Program,
    plane: &ControlPlane,
    input: Value,
    nodes: &[&str],
    drain: bool,
    agreement: &mut Agreement,
) {
    mirrored(program, plane).await;
    let before = behind(plane);
    let wanted = ready_pods(plane);
    let predicted = predict(program, input).await;
    for node in nodes {
        if drain {
            plane.kubectl(
                "east",
                &[
                    "drain",
                    node,
                    "--ignore-daemonsets",
                    "--force",
                    "--delete-emptydir-data",
                    "--timeout=120s",
                ],
                "",
            );
        } else {
            plane.kubectl("east", &["delete", "node", node], "");
        }
    }
    // What comes back is back: each Service has as many as before, but those of which nothing makes pods again.
    let daemons = if drain { 0 } else { nodes.len() };
    let back = |service: &str, n: usize| match service {
        "bare" if predicted.contains_key("bare") => 0,
        "agent" => n - daemons,
        _ => n,
    };
    let lost: BTreeSet<&String> = predicted.values().flat_map(|(lost, _)| lost.keys()).collect();
    wait("lost pods are gone and their successors serve", || {
        let now = behind(plane);
        let gone = now.values().flatten().all(|uid| drain || !lost.contains(uid));
        gone && wanted
            .iter()
            .all(|(service, n)| now.get(service).map_or(0, BTreeSet::len) == back(service, *n))
    })
    .await;
    let after = behind(plane);
    for (service, pods) in &before {
        let none = (BTreeMap::new(), pods.len() as u64);
        let (lost, left) = predicted.get(service).unwrap_or(&none);
        let survivors: BTreeSet<&String> = pods.intersection(&after[service]).collect();
        // A drain leaves a DaemonSet's pods alone, which the prediction of a lost node does not.
        if !(drain && service == "agent") {
            agreement.note(
                "rules 0-1: instances left",
                survivors.len() as u64 == *left,
                || {
                    format!(
                        "{service}: {} survived of {pods:?}, predicted {left}",
                        survivors.len()
                    )
                },
            );
            for uid in pods {
                let survives = after[service].contains(uid);
                agreement.note(
                    "rule 0: which pods are lost",
                    survives != lost.contains_key(uid),
                    || format!("{service}: pod {uid} survives: {survives}"),
                );
            }
        }
        let returned = after[service].len() - survivors.len();
        let promised = lost
            .values()
            .filter(|class| ["RESCHEDULES", "STUCK"].contains(&class.as_str()))
            .count();
        agreement.note("rule 4: lost pods that came back", returned == promised, || {
            format!("{service}: {returned} came back, promised {promised}: {lost:?}")
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_predicted_of_lost_and_drained_nodes_is_what_happens() {
    let plane = ControlPlane::start(&["east"], &[]);
    for number in 0..9 {
        plane.kubectl("east", &["apply", "-f", "-"], &node(number).to_string());
    }
    plane.kubectl("east", &["create", "namespace", "truth"], "");
    plane.kubectl("east", &["apply", "-n", "truth", "-f", "-"], &manifest());
    let expected: BTreeMap<String, usize> = (1..=6)
        .map(|n| (format!("web-{n}"), n))
        .chain([
            ("db".to_owned(), 3),
            ("agent".to_owned(), 9),
            ("bare".to_owned(), 1),
        ])
        .collect();
    wait("every pod is ready", || ready_pods(&plane) == expected).await;
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;

    let mut agreement = Agreement::default();
    let key = |name: &str| json!({"key": {"cluster": "east", "kind": "Node", "name": name}});
    let drained = json!({"failed": {"nodes": [key("node-3")]}, "planned": true});
    lose(&program, &plane, drained, &["node-3"], true, &mut agreement).await;
    let node = json!({"failed": {"nodes": [key("node-0")]}});
    lose(&program, &plane, node, &["node-0"], false, &mut agreement).await;
    // The zone that node-0 is not of.
    let zone = json!({"failed": {"zones": ["eu-1b"]}});
    lose(
        &program,
        &plane,
        zone,
        &["node-1", "node-4", "node-7"],
        false,
        &mut agreement,
    )
    .await;

    agreement.told();
}
