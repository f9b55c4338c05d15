//! Refusals against the truth: which evictions budgets refuse, which lost pods find no room, who is evicted for others, and
//! what cannot start again without its account; predicted, then done on a real control plane.

use super::controlplane::ControlPlane;
use super::failures::{Agreement, behind, mirrored, ready_pods, wait};
use super::node;
use crate::graphql::app::text;
use crate::program::Program;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes of 32 cores; of each Deployment that asks for 20, one pod fits on a node.
const NODES: u32 = 4;

fn deployment(name: &str, replicas: usize, spec: &str) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{{spec}}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"
    )
}

fn asking(cpu: &str) -> String {
    format!("containers: [{{name: main, image: 'app:1', resources: {{requests: {{cpu: '{cpu}'}}}}}}]")
}

fn budget(name: &str, app: &str, least: usize) -> String {
    format!(
        "---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}}}
spec: {{minAvailable: {least}, selector: {{matchLabels: {{app: {app}}}}}}}
"
    )
}

/// Applied in this order, each until all of its pods are ready.
fn manifests() -> Vec<(String, BTreeMap<&'static str, usize>)> {
    let important = "---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: important}
value: 1000
";
    let account = "---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
";
    let apart = |name: &str| {
        format!(
            "affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{{topologyKey: kubernetes.io/hostname, \
             labelSelector: {{matchLabels: {{app: {name}}}}}}}]}}}}, {}",
            asking("100m")
        )
    };
    let vip = format!("priorityClassName: important, {}", asking("12"));
    let here = format!(
        "nodeSelector: {{kubernetes.io/hostname: node-0}}, {}",
        asking("100m")
    );
    vec![
        (deployment("big", 4, &asking("19")), [("big", 4)].into()),
        (
            format!("{important}{}", deployment("vip", 1, &vip)),
            [("vip", 1)].into(),
        ),
        (deployment("filler", 3, &asking("10")), [("filler", 3)].into()),
        (
            [
                account.to_owned(),
                deployment("here", 1, &here),
                deployment("apart", 4, &apart("apart")),
                deployment("guarded", 4, &apart("guarded")),
                budget("guarded", "guarded", 4),
                deployment("spare", 4, &apart("spare")),
                budget("spare", "spare", 3),
                deployment("twice", 4, &apart("twice")),
                budget("twice-a", "twice", 1),
                budget("twice-b", "twice", 1),
                deployment(
                    "robots",
                    3,
                    &format!("serviceAccountName: robot, {}", asking("100m")),
                ),
            ]
            .concat(),
            [
                ("here", 1),
                ("apart", 4),
                ("guarded", 4),
                ("spare", 4),
                ("twice", 4),
                ("robots", 3),
            ]
            .into(),
        ),
    ]
}

fn key(kind: &str, name: &str) -> Value {
    json!({"key": {"cluster": "east", "kind": kind, "name": name}})
}

fn pods(plane: &ControlPlane) -> BTreeMap<String, Value> {
    let all = plane.objects("east", &["pods"]).into_iter();
    let mine = all.filter(|p| p["metadata"]["namespace"] == "truth");
    mine.map(|p| (text(&p["metadata"]["name"]), p)).collect()
}

/// Asks for every eviction without doing it, node by node, as a drain would.
async fn evictions(program: &Program, plane: &ControlPlane, agreement: &mut Agreement) {
    let query = "query($nodes: [AssetRef!]) { drainPlan(nodes: $nodes) { obstacles { pod { name } budget { name } reason } } }";
    let nodes: Vec<Value> = (0..NODES).map(|n| key("Node", &format!("node-{n}"))).collect();
    let data = program.data(query, json!({ "nodes": nodes })).await;
    let obstacles = data["drainPlan"]["obstacles"].as_array().unwrap();
    let refused: BTreeSet<String> = obstacles
        .iter()
        .filter(|o| !o["budget"].is_null())
        .map(|o| text(&o["pod"]["name"]))
        .collect();
    for (name, _) in pods(plane) {
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "truth"},
            "deleteOptions": {"dryRun": ["All"]}});
        let path = format!("/api/v1/namespaces/truth/pods/{name}/eviction");
        let answer = plane.try_kubectl(
            "east",
            &["create", "--raw", &path, "-f", "-"],
            &eviction.to_string(),
        );
        let told = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(
            answer.status.success()
                || told.contains("disruption budget")
                || told.contains("PodDisruptionBudget"),
            "another error: {told}"
        );
        agreement.note(
            "drain: evictions that budgets refuse",
            refused.contains(&name) != answer.status.success(),
            || format!("{name}: predicted refused {}, {told}", refused.contains(&name)),
        );
    }
}

/// Loses the node of the important pod, with room counted.
async fn room(program: &Program, plane: &ControlPlane, agreement: &mut Agreement) {
    let of = |app: &str, pods: &BTreeMap<String, Value>| -> BTreeSet<String> {
        let mine = pods.iter().filter(|(_, p)| p["metadata"]["labels"]["app"] == app);
        mine.map(|(name, _)| name.clone()).collect()
    };
    let before = pods(plane);
    let vip = of("vip", &before).into_iter().next().unwrap();
    let lost_node = text(&before[&vip]["spec"]["nodeName"]);
    let query = "query($input: ImpactInput!) { impact(input: $input) { services(first: 100) { nodes {
        service { name } evicted { name } lost(first: 100) { asset { name } recovery evicts { name } } } } } }";
    let input = json!({"failed": {"nodes": [key("Node", &lost_node)]}, "reschedule": true});
    let data = program.data(query, json!({ "input": input })).await;
    let services = data["impact"]["services"]["nodes"].as_array().unwrap().clone();
    let lost: Vec<(String, String)> = services
        .iter()
        .flat_map(|s| s["lost"].as_array().unwrap().clone())
        .map(|l| (text(&l["asset"]["name"]), text(&l["recovery"])))
        .collect();
    let evicted: BTreeSet<String> = services
        .iter()
        .flat_map(|s| s["evicted"].as_array().unwrap().clone())
        .map(|p| text(&p["name"]))
        .collect();
    let app_of = |pod: &str| text(&before[pod]["metadata"]["labels"]["app"]);
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    for (pod, class) in &lost {
        *waiting.entry(app_of(pod)).or_default() += usize::from(class == "NO_FIT");
    }
    for pod in &evicted {
        // Who is evicted finds no other place here: every node is as full.
        *waiting.entry(app_of(pod)).or_default() += 1;
    }
    plane.kubectl("east", &["delete", "node", &lost_node], "");
    let is_pending =
        |p: &Value| p["status"]["phase"] == "Pending" && p["metadata"]["deletionTimestamp"].is_null();
    let pending = || -> BTreeMap<String, usize> {
        let now = pods(plane);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for pod in now.values().filter(|p| is_pending(p)) {
            *counts.entry(text(&pod["metadata"]["labels"]["app"])).or_default() += 1;
        }
        counts
    };
    wait("the important pod serves again, and lost pods are gone", || {
        let now = pods(plane);
        let gone = now.values().all(|p| p["spec"]["nodeName"] != *lost_node);
        gone && ready_pods(plane).get("vip") == Some(&1)
    })
    .await;
    let wanted: BTreeMap<String, usize> = waiting
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(a, n)| (a.clone(), *n))
        .collect();
    // It settles; where it never does, the comparison below says what differs.
    let settled = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while pending() != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    });
    let _ = settled.await;
    let (now, found) = (pods(plane), pending());
    for app in waiting.keys() {
        let (is, was) = (found.get(app).copied().unwrap_or_default(), waiting[app]);
        agreement.note("rule 5: successors that stay Pending", is == was, || {
            format!("{app}: {is} pending, predicted {was}; {lost:?}")
        });
    }
    // Of pods that are alike, the scheduler may choose another than we name.
    let apps: BTreeSet<String> = before.keys().map(|pod| app_of(pod)).collect();
    for app in apps {
        let elsewhere =
            |name: &&String| before[*name]["spec"]["nodeName"] != *lost_node && app_of(name) == app;
        let gone = before
            .keys()
            .filter(elsewhere)
            .filter(|name| !now.contains_key(*name))
            .count();
        let told = evicted.iter().filter(|pod| app_of(pod) == app).count();
        agreement.note("rule 5: pods evicted for others", gone == told, || {
            format!("{app}: {gone} gone, predicted {told}")
        });
    }
}

/// Deletes the account of some pods and rolls out: what runs goes on, and nothing starts.
async fn account(program: &Program, plane: &ControlPlane, agreement: &mut Agreement) {
    mirrored(program, plane).await;
    let reference =
        json!({"key": {"cluster": "east", "kind": "ServiceAccount", "namespace": "truth", "name": "robot"}});
    let query =
        "query($input: ImpactInput!) { impact(input: $input) { failedPods { value } services { nodes {
        service { name } instancesLost startBlocked(first: 100) { name } } } } }";
    let data = program
        .data(query, json!({"input": {"failed": {"assets": [reference]}}}))
        .await;
    let impact = &data["impact"];
    let predicted: BTreeSet<String> = impact["services"]["nodes"][0]["startBlocked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| text(&p["name"]))
        .collect();
    let before = behind(plane)["robots"].clone();
    let names: BTreeSet<String> = pods(plane)
        .into_iter()
        .filter(|(_, p)| p["metadata"]["labels"]["app"] == "robots")
        .map(|(name, _)| name)
        .collect();
    plane.kubectl("east", &["delete", "serviceaccount", "-n", "truth", "robot"], "");
    plane.kubectl(
        "east",
        &["rollout", "restart", "-n", "truth", "deployment/robots"],
        "",
    );
    let refused = || {
        let events = plane.objects("east", &["events"]);
        events
            .iter()
            .any(|e| e["reason"] == "FailedCreate" && text(&e["message"]).contains("robot"))
    };
    wait("the rollout is refused", refused).await;
    let after = behind(plane)["robots"].clone();
    agreement.note(
        "rule 0: pods that lose what they need go on",
        after == before,
        || format!("{before:?} became {after:?}"),
    );
    let victim = names.iter().next().unwrap();
    plane.kubectl(
        "east",
        &["delete", "pod", "-n", "truth", victim, "--wait=true"],
        "",
    );
    wait("one serves less", || {
        behind(plane)["robots"].len() == names.len() - 1
    })
    .await;
    for name in &names {
        let blocked = predicted.contains(name);
        agreement.note("rule 0: pods that could not start again", blocked, || {
            format!("{name} was not predicted: {predicted:?}")
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_predicted_of_evictions_room_and_accounts_is_what_happens() {
    let plane = ControlPlane::start(&["east"], &[]);
    for number in 0..NODES {
        plane.kubectl("east", &["apply", "-f", "-"], &node(number).to_string());
    }
    plane.kubectl("east", &["create", "namespace", "truth"], "");
    let mut expected = BTreeMap::new();
    for (manifest, more) in manifests() {
        plane.kubectl("east", &["apply", "-n", "truth", "-f", "-"], &manifest);
        expected.extend(more.into_iter().map(|(name, n)| (name.to_owned(), n)));
        wait("every pod is ready", || ready_pods(&plane) == expected).await;
    }
    wait("budgets are counted", || {
        let all = plane.objects("east", &["poddisruptionbudgets"]);
        all.iter().all(|b| b["status"]["currentHealthy"] == 4)
    })
    .await;
    let data = tempfile::tempdir().unwrap();
    let program = Program::serve(&plane.kubeconfig(), data.path(), &["--context", "east"]);
    program.ready().await;
    mirrored(&program, &plane).await;

    let mut agreement = Agreement::default();
    evictions(&program, &plane, &mut agreement).await;
    account(&program, &plane, &mut agreement).await;
    mirrored(&program, &plane).await;
    room(&program, &plane, &mut agreement).await;
    agreement.told();
}
