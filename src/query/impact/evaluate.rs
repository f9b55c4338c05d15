//! Rules 1 to 3: who is left behind each Service, how many it needs, and what that makes of it. Pure: the model in, one
//! verdict a Service out. Nothing flows between Services here but names for one another.

use super::model::{Alias, Budget, Model, Service, State, Who};
use super::recovery::{Recovery, recovery};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Why a Service is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It, its namespace or its cluster is in the failed set.
    Failed,
    /// Nobody is left.
    NobodyLeft,
    /// Too few are left to agree.
    QuorumLost,
    /// Fewer are left than it needs.
    TooFew,
    /// Nodes that had an instance have none any more, and their traffic stays on them.
    LocalNodeEmptied,
    /// One is left where there were more.
    LastInstance,
    /// All that are left share a node.
    OneNode,
    /// All that are left share a zone.
    OneZone,
    /// Just enough are left to agree.
    AtQuorum,
    /// A budget has nothing to spare any more.
    BudgetSpent,
    /// A pod of it could not start again.
    StartBlocked,
    /// A pod of it would be evicted to make room for others.
    Preempted,
    /// A lost pod does not come back by itself.
    NotReplaced,
    /// It is only a name for another Service.
    AliasOf,
    /// The name that it stands for is not there.
    AliasMissing,
}

/// What a need rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NeedBy {
    /// Half of those that served.
    #[default]
    Half,
    /// The fraction that users ask for.
    Fraction,
    /// A budget that covers exactly its pods.
    Budget,
    /// So many must agree.
    Quorum,
}

/// An instance that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Who.
    pub who: Who,
    /// How it comes back; none for what is no pod.
    pub recovery: Option<Recovery>,
}

/// What the failure makes of a Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The state.
    pub state: State,
    /// Why: every cause that holds of that state, the telling one first.
    pub causes: Vec<Cause>,
    /// How many served.
    pub before: usize,
    /// How many are left.
    pub after: usize,
    /// How many it needs.
    pub need: usize,
    /// What the need rests on.
    pub need_by: NeedBy,
    /// Instances that are lost.
    pub lost: Vec<Lost>,
    /// Pods of it that could not start again.
    pub blocked: Vec<usize>,
    /// Pods of it that would be evicted to make room for others.
    pub evicted: Vec<usize>,
}

/// An instance that serves.
struct Instance {
    who: Who,
    node: Option<usize>,
    fails: bool,
}

/// What the failure makes of each Service, in their order.
pub fn evaluate(model: &Model) -> Vec<Verdict> {
    let mut budgets_of: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, budget) in model.budgets.iter().enumerate() {
        for pod in &budget.pods {
            budgets_of.entry(*pod).or_default().push(index);
        }
    }
    let mut verdicts: Vec<Verdict> = model
        .services
        .iter()
        .map(|service| judge(model, service, &budgets_of))
        .collect();
    for index in 0..verdicts.len() {
        if model.services[index].alias == Alias::None || model.services[index].failed {
            continue;
        }
        let (state, cause) = follow(model, &verdicts, index);
        verdicts[index].state = state;
        verdicts[index].causes = cause.into_iter().collect();
    }
    verdicts
}

/// What a Service that is only a name stands for; names that stand for each other stand for nothing.
fn follow(model: &Model, verdicts: &[Verdict], start: usize) -> (State, Option<Cause>) {
    let (mut at, mut seen) = (start, HashSet::new());
    while seen.insert(at) {
        match model.services[at].alias {
            Alias::None => return (verdicts[at].state, Some(Cause::AliasOf)),
            _ if at != start && model.services[at].failed => return (State::Down, Some(Cause::AliasOf)),
            Alias::Missing => return (State::AlreadyDown, Some(Cause::AliasMissing)),
            Alias::Outside => return (State::Unaffected, None),
            Alias::Service(next) => at = next,
        }
    }
    (State::AlreadyDown, Some(Cause::AliasMissing))
}

fn judge(model: &Model, service: &Service, budgets_of: &HashMap<usize, Vec<usize>>) -> Verdict {
    let mut verdict = Verdict::default();
    if service.alias != Alias::None {
        if service.failed {
            verdict.state = State::Down;
            verdict.causes.push(Cause::Failed);
        }
        return verdict;
    }
    let instances = serving(model, service);
    let pods: BTreeSet<usize> = service
        .endpoints
        .iter()
        .filter_map(|e| match e.who {
            Who::Pod(pod) => Some(pod),
            _ => None,
        })
        .collect();
    verdict.before = instances.len();
    verdict.after = instances.iter().filter(|i| !i.fails).count();
    verdict.blocked = pods.iter().copied().filter(|p| model.pods[*p].blocked).collect();
    verdict.evicted = pods.iter().copied().filter(|p| model.pods[*p].evicted).collect();
    let lost = instances.iter().filter(|i| i.fails).map(|i| Lost {
        who: i.who,
        recovery: match i.who {
            Who::Pod(pod) => Some(recovery(model, &model.pods[pod])),
            _ => None,
        },
    });
    verdict.lost = lost.collect();
    let near: BTreeSet<usize> = pods
        .iter()
        .filter_map(|pod| budgets_of.get(pod))
        .flatten()
        .copied()
        .collect();
    let near: Vec<&Budget> = near.into_iter().map(|b| &model.budgets[b]).collect();
    (verdict.need, verdict.need_by) = need(service, verdict.before, &pods, &near);
    (verdict.state, verdict.causes) = state(model, service, &verdict, &instances, &near);
    verdict
}

/// Rule 1: the instances that serve now, each once however many slices name it: those that are ready, or, only where none
/// is, those that answer while they are being deleted.
fn serving(model: &Model, service: &Service) -> Vec<Instance> {
    let any_ready = service.endpoints.iter().any(|e| e.ready);
    let mut found: BTreeMap<Who, Option<usize>> = BTreeMap::new();
    for endpoint in &service.endpoints {
        let serves = if any_ready {
            endpoint.ready
        } else {
            endpoint.serving && endpoint.terminating
        };
        if serves {
            let node = found.entry(endpoint.who).or_default();
            *node = node.or(endpoint.node);
        }
    }
    let instances = found.into_iter().map(|(who, named)| Instance {
        who,
        node: model.node_of(who, named),
        fails: model.fails(who, named),
    });
    instances.collect()
}

/// Rule 2.
fn need(service: &Service, before: usize, pods: &BTreeSet<usize>, near: &[&Budget]) -> (usize, NeedBy) {
    let mut said: Vec<(usize, NeedBy)> = Vec::new();
    for budget in near.iter().filter(|b| covers_exactly(b, pods)) {
        said.push((budget.desired.max(0) as usize, NeedBy::Budget));
    }
    said.extend(service.fraction.map(|f| (share(f, before), NeedBy::Fraction)));
    said.extend(service.quorum.map(|q| (q, NeedBy::Quorum)));
    let (need, by) = said
        .into_iter()
        .max_by_key(|(need, _)| *need)
        .unwrap_or((before.div_ceil(2), NeedBy::Half));
    (need.max(1), by)
}

fn share(fraction: f64, of: usize) -> usize {
    // A product such as 0.7 × 10 must not become 8 for its last binary digit.
    ((fraction * of as f64) - 1e-9).ceil().max(0.0) as usize
}

fn covers_exactly(budget: &Budget, pods: &BTreeSet<usize>) -> bool {
    let covered: BTreeSet<usize> = budget.pods.iter().copied().collect();
    covered == *pods
}

/// Rule 3.
fn state(
    model: &Model,
    service: &Service,
    verdict: &Verdict,
    instances: &[Instance],
    near: &[&Budget],
) -> (State, Vec<Cause>) {
    let Verdict {
        before, after, need, ..
    } = *verdict;
    if before == 0 {
        let state = if service.idle {
            State::Idle
        } else {
            State::AlreadyDown
        };
        return (state, Vec::new());
    }
    if service.failed {
        return (State::Down, vec![Cause::Failed]);
    }
    let blocked = !verdict.blocked.is_empty();
    let preempted = !verdict.evicted.is_empty();
    if after == before {
        let causes = [(blocked, Cause::StartBlocked), (preempted, Cause::Preempted)];
        let causes: Vec<Cause> = causes
            .into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, c)| c)
            .collect();
        return match causes.is_empty() {
            true => (State::Unaffected, causes),
            false => (State::AtRisk, causes),
        };
    }
    if after == 0 {
        return (State::Down, vec![Cause::NobodyLeft]);
    }
    if service.quorum.is_some_and(|q| after < q) {
        return (State::Down, vec![Cause::QuorumLost]);
    }
    let mut causes = Vec::new();
    if after < need {
        causes.push(Cause::TooFew);
    }
    if service.local_traffic && empties_a_live_node(model, instances) {
        causes.push(Cause::LocalNodeEmptied);
    }
    if !causes.is_empty() {
        return (State::Degraded, causes);
    }
    let node = |i: &Instance| i.node;
    let zone = |i: &Instance| i.node.and_then(|n| model.nodes[n].zone);
    let mut when = |holds: bool, cause| {
        if holds {
            causes.push(cause);
        }
    };
    when(after == 1 && before > 1, Cause::LastInstance);
    when(narrows_to_one(instances, node), Cause::OneNode);
    when(narrows_to_one(instances, zone), Cause::OneZone);
    when(service.quorum == Some(after), Cause::AtQuorum);
    when(near.iter().any(|b| is_spent(model, b)), Cause::BudgetSpent);
    when(blocked, Cause::StartBlocked);
    when(preempted, Cause::Preempted);
    let lasting = |l: &Lost| l.recovery.is_some_and(|r| r.class.is_lasting());
    when(verdict.lost.iter().any(lasting), Cause::NotReplaced);
    match causes.is_empty() {
        true => (State::Unaffected, causes),
        false => (State::AtRisk, causes),
    }
}

/// Whether all that are left are in one place, where there were more places before.
fn narrows_to_one(instances: &[Instance], place: impl Fn(&Instance) -> Option<usize>) -> bool {
    let before: HashSet<usize> = instances.iter().filter_map(&place).collect();
    let mut left = instances.iter().filter(|i| !i.fails).map(&place);
    let Some(Some(first)) = left.next() else {
        return false;
    };
    before.len() > 1 && left.all(|p| p == Some(first))
}

fn empties_a_live_node(model: &Model, instances: &[Instance]) -> bool {
    let left: HashSet<usize> = instances
        .iter()
        .filter(|i| !i.fails)
        .filter_map(|i| i.node)
        .collect();
    let lost = instances.iter().filter(|i| i.fails).filter_map(|i| i.node);
    lost.into_iter()
        .any(|node| !model.nodes[node].failed && !left.contains(&node))
}

/// Whether the failure takes a budget's healthy pods to what it asks for, or below: nothing more may be evicted.
fn is_spent(model: &Model, budget: &Budget) -> bool {
    let lost = budget
        .pods
        .iter()
        .filter(|p| model.pods[**p].failed && model.pods[**p].healthy)
        .count();
    lost > 0 && budget.current - lost as i64 <= budget.desired
}
