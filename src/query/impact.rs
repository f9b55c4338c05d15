//! What breaks if this breaks: a failed set in, and for each Service that it touches a state, the reason in one sentence,
//! how each lost pod comes back, and the path that explains it. docs/impact.md tells the rules with examples.
//!
//! Reading and judging are apart: `closure` and `scene` read the graph hop by hop, `evaluate`, `recovery` and `propagate`
//! judge plain numbers. Nothing here knows GraphQL, or which store answers.

mod admission;
mod closure;
mod doors;
pub mod drain;
mod entry;
pub mod evaluate;
pub mod fit;
mod mesh;
pub mod model;
pub mod propagate;
pub mod quorum;
mod reason;
pub mod recovery;
pub mod risks;
mod scene;

pub use admission::Refusal;
pub use entry::EntryPoint;
pub use scene::Fit;

use crate::query::QueryError;
use crate::query::dependencies::{CallBook, Evidence};
use crate::query::ownership::place;
use crate::store::{Link, Record, Snapshot};
use closure::Closure;
use evaluate::{Verdict, evaluate};
use model::{State, Who};
use planisphere_schema::AssetId;
use propagate::{Call, propagate};
use recovery::Recovery;
use scene::{Purpose, Scene};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What fails.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// Assets: nodes, zones, clusters, namespaces, workloads, pods, volumes, configuration.
    pub assets: Vec<Arc<Record>>,
    /// It is planned: nodes are drained and still answer meanwhile.
    pub planned: bool,
    /// Lost pods are placed on what is left, as far as there is room.
    pub reschedule: bool,
}

/// Something that was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// At which asset; none for the whole question.
    pub at: Option<AssetId>,
    /// How many were left out, as far as that is known.
    pub skipped: usize,
}

impl Cut {
    fn more_edges(at: AssetId, skipped: usize) -> Self {
        Self {
            at: Some(at),
            skipped,
        }
    }

    fn more_pods(most: usize) -> Self {
        let _ = most;
        Self { at: None, skipped: 0 }
    }
}

/// A pod that is lost.
#[derive(Clone, Debug)]
pub struct LostPod {
    /// The pod, or the address where none stands.
    pub asset: AssetId,
    /// How it comes back; none for what is no pod.
    pub recovery: Option<Recovery>,
    /// Where it can go, or why nowhere, as far as that was looked at.
    pub fit: Option<Fit>,
}

/// What reached a Service from others that it calls.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The worst that reached it.
    pub state: State,
    /// Whom it calls.
    pub callee: AssetId,
    /// Whose failure it is that came this far.
    pub from: AssetId,
    /// What shows that it calls.
    pub evidence: Evidence,
}

/// What a failure makes of a Service.
#[derive(Clone, Debug)]
pub struct Affected {
    /// The Service, or a workload that calls one and stands behind none.
    pub service: Arc<Record>,
    /// By its own instances.
    pub own: State,
    /// By what it calls.
    pub flow: Option<Flow>,
    /// Instances that served, are left, and are needed.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// Pods that are lost, and how they come back.
    pub lost: Vec<LostPod>,
    /// Pods that could not start again.
    pub blocked: Vec<AssetId>,
    /// Pods that would be evicted to make room for others.
    pub evicted: Vec<AssetId>,
    /// From the Service to what failed, edge by edge.
    pub path: Vec<Link>,
}

impl Affected {
    /// The worse of its own state and what reached it.
    pub fn state(&self) -> State {
        let flown = self.flow.as_ref().map(|f| f.state).unwrap_or_default();
        match self.own {
            // A failure never changes what was down, or idle, before.
            State::Idle | State::AlreadyDown => self.own,
            own => own.max(flown),
        }
    }
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// What was said to fail.
    pub roots: Vec<Arc<Record>>,
    /// How many assets fail.
    pub failed_assets: usize,
    /// How many pods fail.
    pub failed_pods: usize,
    /// How many running pods could not start again.
    pub blocked_pods: usize,
    /// How many pods would be evicted to make room for those that fail.
    pub evicted_pods: usize,
    /// Services that are touched, the worst first, then by name.
    pub services: Vec<Affected>,
    /// Ways in that users see.
    pub entry_points: Vec<EntryPoint>,
    /// What clusters refuse to store meanwhile, what refuses pods first.
    pub refusals: Vec<Refusal>,
    /// What was not looked at; empty where the answer is whole.
    pub cuts: Vec<Cut>,
}

/// What a failure breaks.
///
/// # Errors
/// When nothing fails, or the store does.
pub async fn impact(
    snapshot: &dyn Snapshot,
    calls: &CallBook,
    failure: Failure,
) -> Result<Impact, QueryError> {
    if failure.assets.is_empty() {
        return Err(QueryError::Input(
            "nothing fails: name assets, nodes, zones, clusters or images, or a selection that is not empty"
                .into(),
        ));
    }
    let mut closure = Closure::of(snapshot, failure.assets).await?;
    let purpose = Purpose {
        planned: failure.planned,
        all_pods: failure.reschedule,
        reschedule: failure.reschedule,
        budgets: true,
    };
    let scene = Scene::read(snapshot, &mut closure, purpose).await?;
    let verdicts = evaluate(&scene.model);
    let mut services: Vec<Affected> = verdicts
        .into_iter()
        .enumerate()
        .map(|(index, verdict)| affected(&scene, &closure, index, verdict))
        .collect();
    flow(snapshot, calls, &mut services).await?;
    services.sort_by(|a, b| {
        b.state()
            .cmp(&a.state())
            .then_with(|| place(&a.service).cmp(&place(&b.service)))
    });
    let entry_points = entry::entry_points(snapshot, &closure, &services).await?;
    let refusals = admission::refusals(snapshot, &services).await?;
    Ok(Impact {
        failed_assets: closure.failed.len(),
        failed_pods: closure.pods.len(),
        blocked_pods: closure.blocked.len(),
        evicted_pods: closure.evicted.len(),
        roots: closure.roots,
        services,
        entry_points,
        refusals,
        cuts: closure.cuts,
    })
}

fn affected(scene: &Scene, closure: &Closure, index: usize, verdict: Verdict) -> Affected {
    let asset = |who: Who| match who {
        Who::Pod(pod) => scene.pods[pod].asset.reference.id(),
        Who::Node(node) => scene.nodes[node],
        Who::Outside(address, _) => scene.outside[address],
    };
    let lost = verdict.lost.iter().map(|l| LostPod {
        asset: asset(l.who),
        recovery: l.recovery,
        fit: match l.who {
            Who::Pod(pod) => scene.fits.get(&pod).cloned(),
            _ => None,
        },
    });
    let blocked = verdict.blocked.iter().map(|p| asset(Who::Pod(*p)));
    let evicted = verdict.evicted.iter().map(|p| asset(Who::Pod(*p)));
    let telling = verdict
        .lost
        .first()
        .map(|l| l.who)
        .or(verdict.blocked.first().map(|p| Who::Pod(*p)));
    Affected {
        own: verdict.state,
        flow: None,
        reason: reason::reason(&verdict),
        lost: lost.collect(),
        blocked: blocked.collect(),
        evicted: evicted.collect(),
        path: telling.map_or_else(Vec::new, |who| path(scene, closure, index, who)),
        service: Arc::clone(&scene.services[index]),
        verdict,
    }
}

/// From a Service over an instance to what failed.
fn path(scene: &Scene, closure: &Closure, service: usize, who: Who) -> Vec<Link> {
    let mut path: Vec<Link> = scene.routes.get(&(service, who)).cloned().into_iter().collect();
    let mut at = match who {
        Who::Pod(pod) => scene.pods[pod].asset.reference.id(),
        Who::Node(node) => scene.nodes[node],
        Who::Outside(address, _) => scene.outside[address],
    };
    let mut seen = HashSet::new();
    while let Some(link) = closure.cause.get(&at) {
        if !seen.insert(at) {
            break;
        }
        path.push(link.clone());
        at = link.to;
    }
    path
}

/// Rule 6: adds what reaches callers, and the callers that nothing else touched.
async fn flow(
    snapshot: &dyn Snapshot,
    calls: &CallBook,
    services: &mut Vec<Affected>,
) -> Result<(), QueryError> {
    let own: HashMap<AssetId, State> = services
        .iter()
        .map(|s| (s.service.asset.reference.id(), s.own))
        .collect();
    let hit = own
        .iter()
        .filter(|(_, s)| **s > State::Unaffected)
        .map(|(id, _)| *id);
    let near = mesh::upstream_of(snapshot, calls, hit.collect()).await?;
    let edges: Vec<Call<AssetId>> = near.iter().map(|c| c.call.clone()).collect();
    let mut reached = propagate(&own, &edges);
    for service in services.iter_mut() {
        let found = reached.remove(&service.service.asset.reference.id());
        service.flow = found.map(|r| Flow {
            state: r.state,
            callee: edges[r.call].callee,
            from: r.from,
            evidence: near[r.call].evidence.clone(),
        });
    }
    let more: Vec<(AssetId, propagate::Reached<AssetId>)> = reached.into_iter().collect();
    let ids: Vec<AssetId> = more.iter().map(|(id, _)| *id).collect();
    for ((_, reached), record) in more.into_iter().zip(snapshot.get(&ids).await?) {
        // A caller that is gone meanwhile has nothing to lose.
        let Some(record) = record.filter(|r| !r.stub) else {
            continue;
        };
        services.push(Affected {
            service: record,
            own: State::Unaffected,
            flow: Some(Flow {
                state: reached.state,
                callee: edges[reached.call].callee,
                from: reached.from,
                evidence: near[reached.call].evidence.clone(),
            }),
            verdict: Verdict::default(),
            reason: String::new(),
            lost: Vec::new(),
            blocked: Vec::new(),
            evicted: Vec::new(),
            path: Vec::new(),
        });
    }
    reason::of_flows(snapshot, services).await
}
