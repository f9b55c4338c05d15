//! Disruption budgets: what a Service needs by them, when they are spent, and which eviction of a drain they refuse.

use super::scenarios::{app, world};
use super::world::{Budget, Made, World};
use crate::graphql::app::{App, text};
use serde_json::{Value, json};

const IMPACT: &str = "query($input: ImpactInput!) { impact(input: $input) { services { nodes { state reason requiredInstances requiredBy } } } }";
const PLAN: &str = "query($nodes: [AssetRef!]) { drainPlan(nodes: $nodes) { possible waves { nodes { name } }
    obstacles { node { name } service { name } pod { name } budget { name } reason advice } } }";

fn key(node: &str) -> Value {
    json!({"key": {"cluster": "prod", "kind": "Node", "name": node}})
}

async fn lose(app: &App, node: &str) -> Value {
    let input = json!({"failed": {"nodes": [key(node)]}});
    let answer = app.ask_with(IMPACT, json!({ "input": input })).await;
    answer["impact"]["services"]["nodes"][0].clone()
}

async fn plan(objects: &[Value], nodes: &[&str]) -> Value {
    let nodes: Vec<Value> = nodes.iter().map(|n| key(n)).collect();
    let answer = app(objects).await.ask_with(PLAN, json!({ "nodes": nodes })).await;
    answer["drainPlan"].clone()
}

fn guarded(on: &[usize], desired: usize) -> World {
    let mut world = world(Made::Deployment, "app:1", on);
    world.budgets.push(Budget {
        namespace: 0,
        selects: Some(0),
        desired,
        current: on.len(),
    });
    world
}

fn waves(plan: &Value) -> Vec<Vec<String>> {
    let names = |w: &Value| {
        w["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| text(&n["name"]))
            .collect()
    };
    plan["waves"].as_array().unwrap().iter().map(names).collect()
}

#[tokio::test]
async fn rule_2_a_budget_that_covers_exactly_the_pods_says_the_need_also_where_it_is_less_than_half() {
    let more = lose(&app(&guarded(&[0, 1, 2, 3], 4).objects()).await, "n0").await;
    assert_eq!(
        (&more["state"], &more["requiredInstances"], &more["requiredBy"]),
        (&json!("DEGRADED"), &json!(4), &json!("BUDGET"))
    );
    let less = lose(&app(&guarded(&[0, 0, 0, 1, 2], 1).objects()).await, "n0").await;
    assert_eq!(
        (&less["state"], &less["requiredInstances"]),
        (&json!("UNAFFECTED"), &json!(1)),
        "half would have been three: {less}"
    );
}

#[tokio::test]
async fn rule_3_a_budget_that_the_failure_spends_puts_at_risk_what_lost_a_pod_of_it() {
    let mut world = guarded(&[0, 1, 2, 3], 3);
    // Covering more than the pods of the Service it says no need.
    world.budgets[0].selects = None;
    world.pods.push(super::world::Pod {
        workload: Some(0),
        node: Some(1),
        ..Default::default()
    });
    world.budgets[0].current = 4;
    let spent = lose(&app(&world.objects()).await, "n0").await;
    assert_eq!(
        (&spent["state"], &spent["requiredBy"]),
        (&json!("AT_RISK"), &json!("HALF"))
    );
    assert!(
        text(&spent["reason"]).contains("its disruption budget has nothing to spare"),
        "{spent}"
    );
    world.budgets[0].current = 5;
    let spare = lose(&app(&world.objects()).await, "n0").await;
    assert_eq!(spare["state"], "UNAFFECTED", "{spare}");
}

#[tokio::test]
async fn a_drain_names_the_pod_that_a_budget_without_room_keeps_and_the_budget() {
    let plan = plan(&guarded(&[0, 1, 2], 3).objects(), &["n0", "n3"]).await;
    assert_eq!(
        (&plan["possible"], waves(&plan)),
        (&json!(false), vec![vec!["n3".to_owned()]])
    );
    let obstacles = plan["obstacles"].as_array().unwrap();
    let blocked: Vec<&Value> = obstacles.iter().filter(|o| !o["pod"].is_null()).collect();
    assert_eq!(blocked.len(), 1, "{plan:#}");
    assert_eq!(
        (
            &blocked[0]["node"]["name"],
            &blocked[0]["pod"]["name"],
            &blocked[0]["budget"]["name"]
        ),
        (&json!("n0"), &json!("p0"), &json!("b0"))
    );
    assert_eq!(
        blocked[0]["reason"],
        "its disruption budget has nothing to spare, so the eviction is refused"
    );
}

#[tokio::test]
async fn a_budget_makes_evictions_take_turns_and_nodes_go_one_after_the_other() {
    // Both pods of node 0 go, one after the other; the Service never falls below what the budget asks for.
    let world = guarded(&[0, 0, 1, 2], 3);
    let plan_ = plan(&world.objects(), &["n0"]).await;
    assert_eq!(
        (&plan_["possible"], waves(&plan_)),
        (&json!(true), vec![vec!["n0".to_owned()]])
    );
    let plan_ = plan(&world.objects(), &["n1", "n2", "n3"]).await;
    assert_eq!(
        waves(&plan_),
        [vec!["n1".to_owned(), "n3".to_owned()], vec!["n2".to_owned()]],
        "one at a time"
    );
    // Where a successor finds no node, nothing serves in its place.
    let mut pinned = world;
    pinned.pods[0].pool = Some(7);
    pinned.pods[1].pool = Some(7);
    let plan_ = plan(&pinned.objects(), &["n0"]).await;
    assert_eq!(plan_["obstacles"][0]["service"]["name"], "svc0", "{plan_:#}");
}

#[tokio::test]
async fn two_budgets_over_one_pod_never_let_it_go_and_a_pod_behind_no_service_counts_too() {
    let mut world = guarded(&[0, 1], 1);
    world.budgets.push(Budget {
        desired: 0,
        ..world.budgets[0].clone()
    });
    let both = plan(&world.objects(), &["n0"]).await;
    assert!(
        text(&both["obstacles"][0]["reason"]).contains("two budgets cover the pod"),
        "{both:#}"
    );
    let mut alone = guarded(&[0, 1], 2);
    alone.services.clear();
    let kept = plan(&alone.objects(), &["n0"]).await;
    assert_eq!(kept["obstacles"][0]["budget"]["name"], "b0", "{kept:#}");
}

#[tokio::test]
async fn a_pod_that_is_not_ready_may_go_only_while_enough_others_are_unless_its_budget_lets_it() {
    let mut objects = guarded(&[0, 1, 2], 3).objects();
    for object in &mut objects {
        if object["metadata"]["name"] == "p0" {
            object["status"]["conditions"][0]["status"] = json!("False");
        }
        if object["kind"] == "PodDisruptionBudget" {
            object["status"]["currentHealthy"] = json!(2);
        }
    }
    let refused = |plan: &Value| {
        let all = plan["obstacles"].as_array().unwrap();
        all.iter().filter(|o| !o["budget"].is_null()).count()
    };
    assert_eq!(refused(&plan(&objects, &["n0"]).await), 1);
    for object in &mut objects {
        if object["kind"] == "PodDisruptionBudget" {
            object["spec"]["unhealthyPodEvictionPolicy"] = json!("AlwaysAllow");
        }
    }
    assert_eq!(refused(&plan(&objects, &["n0"]).await), 0);
}
