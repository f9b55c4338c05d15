//! In which order nodes may be taken down: waves that keep every Service at its need and every budget honoured, or who
//! makes that impossible and what would help. One reading for all nodes; each wave is judged on plain numbers.
//!
//! Between waves, pods that can be placed elsewhere are taken to be back, and nodes to have returned: the plan says
//! "may", and whoever drains looks again before each wave.

use super::closure::Closure;
use super::evaluate::{Cause, evaluate};
use super::model::{Maker, Model, State};
use super::scene::Scene;
use super::{Cut, reason};
use crate::query::QueryError;
use crate::store::{Record, Snapshot};
use planisphere_schema::Kind;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Why a node cannot be taken down, or not without breaking something.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// The node.
    pub node: Arc<Record>,
    /// The Service that would fall below its need; none where a budget, or a pod, is in the way.
    pub service: Option<Arc<Record>>,
    /// The pod that may not be evicted.
    pub pod: Option<Arc<Record>>,
    /// The budget that forbids it.
    pub budget: Option<Arc<Record>>,
    /// The state that the Service would be in.
    pub state: State,
    /// Why, in one sentence.
    pub reason: String,
    /// What would help, in one sentence.
    pub advice: String,
}

/// An order in which nodes may be taken down.
#[derive(Clone, Debug, Default)]
pub struct DrainPlan {
    /// Nodes that may be taken down together, wave by wave.
    pub waves: Vec<Vec<Arc<Record>>>,
    /// Who is in the way of the nodes that are in no wave.
    pub obstacles: Vec<Obstacle>,
    /// What was not looked at.
    pub cuts: Vec<Cut>,
}

/// Orders nodes into waves.
///
/// # Errors
/// When there are no nodes, something is no node, or the store fails.
pub async fn drain_plan(snapshot: &dyn Snapshot, nodes: Vec<Arc<Record>>) -> Result<DrainPlan, QueryError> {
    if nodes.is_empty() {
        return Err(QueryError::Input(
            "there are no nodes to order; name at least one".into(),
        ));
    }
    if let Some(other) = nodes.iter().find(|n| n.asset.kind() != Kind::Node) {
        return Err(QueryError::Input(format!(
            "{:?} is no Node; only nodes are drained",
            other.asset.reference
        )));
    }
    let mut closure = Closure::of(snapshot, nodes.clone()).await?;
    let scene = Scene::read(snapshot, &mut closure, true, false).await?;
    let mut plan = DrainPlan {
        cuts: std::mem::take(&mut closure.cuts),
        ..DrainPlan::default()
    };
    let numbers: HashMap<_, _> = scene.nodes.iter().zip(0..).map(|(id, n)| (*id, n)).collect();
    let mut waiting: Vec<(Arc<Record>, Option<usize>)> = Vec::new();
    for node in nodes {
        let number = numbers.get(&node.asset.reference.id()).copied();
        let obstacles = number.map_or_else(Vec::new, |n| obstacles(&scene, &node, n));
        if obstacles.is_empty() {
            waiting.push((node, number));
        }
        plan.obstacles.extend(obstacles);
    }
    while !waiting.is_empty() {
        let (mut wave, mut down, mut rest) = (Vec::new(), BTreeSet::new(), Vec::new());
        for (node, number) in waiting {
            let mut with = down.clone();
            with.extend(number);
            // Alone it passed, so that each wave takes at least one.
            if wave.is_empty() || keeps_all(&scene.model, &with) {
                down = with;
                wave.push(node);
            } else {
                rest.push((node, number));
            }
        }
        plan.waves.push(wave);
        waiting = rest;
    }
    Ok(plan)
}

/// The model with exactly these nodes taken down.
fn with_down(model: &Model, down: &BTreeSet<usize>) -> Model {
    let mut model = model.clone();
    for (number, node) in model.nodes.iter_mut().enumerate() {
        node.failed = down.contains(&number);
    }
    for pod in &mut model.pods {
        pod.failed = pod.node.is_some_and(|n| down.contains(&n));
    }
    model
}

/// Whether every Service stays at its need, and no budget is asked for more than it has to spare.
fn keeps_all(model: &Model, down: &BTreeSet<usize>) -> bool {
    let model = with_down(model, down);
    evaluate(&model).iter().all(|v| v.state < State::Degraded)
        && model.budgets.iter().all(|b| spared(&model, b))
}

fn spared(model: &Model, budget: &super::model::Budget) -> bool {
    let evicted = budget.pods.iter().map(|p| &model.pods[*p]);
    let evicted = evicted
        .filter(|p| p.failed && p.healthy && is_evicted(p.maker))
        .count() as i64;
    evicted == 0 || evicted <= budget.current - budget.desired
}

/// A drain leaves DaemonSets' and static pods alone.
fn is_evicted(maker: Maker) -> bool {
    !matches!(maker, Maker::DaemonSet | Maker::StaticFile)
}

/// Who is in the way of one node alone.
fn obstacles(scene: &Scene, node: &Arc<Record>, number: usize) -> Vec<Obstacle> {
    let model = with_down(&scene.model, &BTreeSet::from([number]));
    let mut found = Vec::new();
    for (index, verdict) in evaluate(&model).into_iter().enumerate() {
        if verdict.state < State::Degraded || verdict.causes.first() == Some(&Cause::AliasOf) {
            continue;
        }
        let advice = if verdict.before == 1 {
            "run a second instance on another node first".to_owned()
        } else if verdict.need > verdict.before.saturating_sub(1) {
            format!(
                "it needs {} of {}: run one more instance first",
                verdict.need, verdict.before
            )
        } else {
            "spread its instances over more nodes first".to_owned()
        };
        found.push(Obstacle {
            node: Arc::clone(node),
            service: Some(Arc::clone(&scene.services[index])),
            pod: None,
            budget: None,
            state: verdict.state,
            reason: reason::reason(&verdict),
            advice,
        });
    }
    let mut budgets_of: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, budget) in model.budgets.iter().enumerate() {
        for pod in &budget.pods {
            budgets_of.entry(*pod).or_default().push(index);
        }
    }
    for (index, pod) in model
        .pods
        .iter()
        .enumerate()
        .filter(|(_, p)| p.failed && is_evicted(p.maker))
    {
        let budgets = budgets_of.get(&index).map_or(&[][..], Vec::as_slice);
        let spent = budgets
            .iter()
            .find(|b| pod.healthy && model.budgets[**b].current <= model.budgets[**b].desired);
        let (budget, told, advice) = match (budgets, spent) {
            ([first, _, ..], _) => (
                *first,
                "two budgets cover the pod, so it can never be evicted",
                "let one budget cover it alone",
            ),
            (_, Some(spent)) => (
                *spent,
                "its disruption budget has nothing to spare, so the eviction is refused",
                "run more instances, or let the budget allow one disruption",
            ),
            _ => continue,
        };
        found.push(Obstacle {
            node: Arc::clone(node),
            service: None,
            pod: Some(Arc::clone(&scene.pods[index])),
            budget: scene.budgets.get(budget).map(Arc::clone),
            state: State::Unaffected,
            reason: told.to_owned(),
            advice: advice.to_owned(),
        });
    }
    found
}
