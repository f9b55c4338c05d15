//! Why a Service is as it is, in one sentence that a person on call can act on. It decides nothing.

use super::Affected;
use super::evaluate::{Cause, NeedBy, Verdict};
use super::model::State;
use super::recovery::RecoveryClass;
use crate::query::QueryError;
use crate::store::Snapshot;
use planisphere_schema::AssetId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The sentence for a Service's own state.
pub(super) fn reason(verdict: &Verdict) -> String {
    let Verdict {
        before, after, need, ..
    } = *verdict;
    let left = format!("{after} of {before} {} left", instances(before));
    let Some(cause) = verdict.causes.first() else {
        return match verdict.state {
            State::Idle => "every workload behind it wants no pods".to_owned(),
            State::AlreadyDown => "nothing served before the failure".to_owned(),
            _ if before == after => "none of its instances is lost".to_owned(),
            _ => format!("{left}, {need} {} enough ({})", are(need), by(verdict.need_by)),
        };
    };
    let told = match cause {
        Cause::Failed => "it is in the failed set itself, or its namespace or cluster is".to_owned(),
        Cause::NobodyLeft if before == 1 => "its only instance is lost".to_owned(),
        Cause::NobodyLeft => format!("all {before} instances are lost"),
        Cause::QuorumLost => format!("{left}, fewer than must agree"),
        Cause::TooFew => format!("{left}, {need} {} needed ({})", are(need), by(verdict.need_by)),
        Cause::LocalNodeEmptied => {
            format!("{left}; a node that goes on has none, and its traffic stays on the node")
        }
        Cause::LastInstance => format!("{left}: one more failure takes it down"),
        Cause::OneNode => format!("{left}, all on one node"),
        Cause::OneZone => format!("{left}, all in one zone"),
        Cause::AtQuorum => format!("{left}, just enough to agree"),
        Cause::BudgetSpent => format!("{left}; its disruption budget has nothing to spare"),
        Cause::StartBlocked => {
            let n = verdict.blocked.len();
            let goes = if n == 1 { "goes" } else { "go" };
            format!("{n} of its pods {goes} on running but could not start again")
        }
        Cause::Preempted => {
            let n = verdict.evicted.len();
            format!("{n} of its pods would be evicted to make room for what is lost and more important")
        }
        Cause::NotReplaced => format!("{left}; {}", lasting(verdict)),
        Cause::AliasOf => return "it is a name for another Service, and stands as that does".to_owned(),
        Cause::AliasMissing => return "it is a name for a Service that is not there".to_owned(),
    };
    let more: Vec<&str> = verdict.causes[1..].iter().map(|c| word(*c)).collect();
    if more.is_empty() {
        told
    } else {
        format!("{told}; also: {}", more.join(", "))
    }
}

fn instances(n: usize) -> &'static str {
    if n == 1 { "instance is" } else { "instances are" }
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

fn by(need: NeedBy) -> &'static str {
    match need {
        NeedBy::Half => "half of those that served",
        NeedBy::Fraction => "the fraction that its label asks for",
        NeedBy::Budget => "its disruption budget",
        NeedBy::Quorum => "so many must agree",
    }
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Failed => "failed itself",
        Cause::NobodyLeft => "nobody is left",
        Cause::QuorumLost => "too few to agree",
        Cause::TooFew => "too few are left",
        Cause::LocalNodeEmptied => "a live node lost its own instance",
        Cause::LastInstance => "one instance is left",
        Cause::OneNode => "all on one node",
        Cause::OneZone => "all in one zone",
        Cause::AtQuorum => "just enough to agree",
        Cause::BudgetSpent => "the disruption budget is spent",
        Cause::StartBlocked => "some could not start again",
        Cause::Preempted => "some would be evicted",
        Cause::NotReplaced => "not all that is lost comes back by itself",
        Cause::AliasOf => "a name for another Service",
        Cause::AliasMissing => "a name for nothing",
    }
}

/// How many of the lost pods do not come back by themselves, and why.
fn lasting(verdict: &Verdict) -> String {
    let mut classes: BTreeMap<RecoveryClass, usize> = BTreeMap::new();
    for class in verdict.lost.iter().filter_map(|l| l.recovery).map(|r| r.class) {
        if class.is_lasting() {
            *classes.entry(class).or_default() += 1;
        }
    }
    let told = classes.into_iter().map(|(class, n)| {
        let why = match class {
            RecoveryClass::Never => "nothing makes it again",
            RecoveryClass::Stuck => "its name is held until the dead node is deleted",
            RecoveryClass::Pinned => "its volume is on failed nodes",
            RecoveryClass::Blocked => "something that it needs to start is gone",
            RecoveryClass::NoControlPlane => "no control plane places it",
            RecoveryClass::NoFit => "no live node takes it",
            RecoveryClass::WithNode | RecoveryClass::Reschedules => "it comes back",
        };
        format!(
            "{n} lost {} not come back by itself: {why}",
            if n == 1 { "pod does" } else { "pods do" }
        )
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Adds to each Service what reached it over calls.
pub(super) async fn of_flows(snapshot: &dyn Snapshot, services: &mut [Affected]) -> Result<(), QueryError> {
    let flows = services.iter().filter_map(|s| s.flow.as_ref());
    let ids: HashSet<AssetId> = flows.flat_map(|f| [f.callee, f.from]).collect();
    let ids: Vec<AssetId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found = snapshot.get(&ids).await?;
    let names: HashMap<AssetId, String> = ids
        .into_iter()
        .zip(found)
        .filter_map(|(id, record)| Some((id, record?.asset.reference.key().to_string())))
        .collect();
    let name = |id: &AssetId| names.get(id).cloned().unwrap_or_else(|| id.to_string());
    for service in services {
        let Some(flow) = &service.flow else { continue };
        let state = match flow.state {
            State::Down => "down",
            State::Degraded => "degraded",
            _ => "at risk",
        };
        let over = if flow.callee == flow.from {
            String::new()
        } else {
            format!(", which depends on {}", name(&flow.from))
        };
        let told = format!("{state} because it calls {}{over}", name(&flow.callee));
        service.reason = match service.reason.is_empty() {
            true => told,
            false if flow.state > service.own => format!("{told}; by itself: {}", service.reason),
            false => std::mem::take(&mut service.reason),
        };
    }
    Ok(())
}
