//! What breaks if this breaks, as callers ask it and see it: newtypes around the answer of the query room.

mod answer;
mod plan;
mod services;

pub use answer::ImpactAnswer;
pub use plan::{DrainPlan, RiskKind, StandingRisks, WhyAnswer, plan, risks, why};

use super::ask::Ask;
use super::filter::{AssetFilter, selection};
use super::reference::AssetRefInput;
use crate::query::impact::{Failure, impact};
use crate::query::{QueryError, names};
use crate::store::{ListQuery, Order, Record, Snapshot};
use async_graphql::{Context, InputObject};
use planisphere_schema::{AssetRef, Kind};
use std::collections::HashSet;
use std::sync::Arc;

/// Assets that one failed set may name.
const MOST_NAMED: usize = 500;
/// Assets that a selection may bring.
const MOST_SELECTED: usize = 10_000;

/// What fails. At least one asset must come of it.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "FailureSet")]
pub struct FailureInput {
    /// Assets of any kind: nodes, namespaces, workloads, pods, volumes, claims, ConfigMaps, Secrets, accounts.
    #[graphql(default)]
    assets: Vec<AssetRefInput>,
    /// Nodes.
    #[graphql(default)]
    nodes: Vec<AssetRefInput>,
    /// Zones by name, in every cluster that has one.
    #[graphql(default)]
    zones: Vec<String>,
    /// Clusters by configured name or identity.
    #[graphql(default)]
    clusters: Vec<String>,
    /// All assets that pass a filter.
    select: Option<AssetFilter>,
}

/// A question about a failure.
#[derive(Clone, Debug, InputObject)]
pub struct ImpactInput {
    /// What fails.
    failed: FailureInput,
    /// It is planned: nodes are drained, and still answer meanwhile.
    #[graphql(default)]
    planned: bool,
    /// Lost pods are placed on the nodes that are left, as far as there is room for them: it tells which cannot be placed, and
    /// who would be evicted for others. It reads all pods of the clusters in question.
    #[graphql(default)]
    reschedule: bool,
}

/// Answers the question.
pub async fn ask(ctx: &Context<'_>, input: ImpactInput) -> Result<ImpactAnswer, QueryError> {
    let ask = Ask::of(ctx);
    let graph = ask.graph().await;
    let assets = failed(graph, input.failed).await?;
    let failure = Failure {
        assets,
        planned: input.planned,
        reschedule: input.reschedule,
    };
    let answer = impact(graph, &ask.calls, failure).await?;
    Ok(ImpactAnswer::new(answer))
}

/// The assets of a failed set.
pub async fn failed(graph: &dyn Snapshot, input: FailureInput) -> Result<Vec<Arc<Record>>, QueryError> {
    let named = input.assets.len() + input.nodes.len() + input.zones.len() + input.clusters.len();
    if named > MOST_NAMED {
        return Err(QueryError::Input(format!(
            "the failed set names {named} assets; it may name up to {MOST_NAMED}, and select {MOST_SELECTED}"
        )));
    }
    let mut found: Vec<Arc<Record>> = Vec::new();
    for reference in input.assets {
        found.push(names::find(graph, &reference.into()).await?);
    }
    for reference in input.nodes {
        let record = names::find(graph, &reference.into()).await?;
        if record.asset.kind() != Kind::Node {
            return Err(QueryError::Input(format!(
                "{:?} is no Node; name it in `assets`",
                record.asset.reference
            )));
        }
        found.push(record);
    }
    for zone in input.zones {
        let all = graph.clusters().iter();
        let ids: Vec<_> = all
            .map(|c| AssetRef::new(c.cluster.id, Kind::Zone, "", &zone).id())
            .collect();
        let zones: Vec<_> = graph.get(&ids).await?.into_iter().flatten().collect();
        if zones.is_empty() {
            return Err(QueryError::NotFound(format!("no cluster has a zone {zone:?}")));
        }
        found.extend(zones);
    }
    for name in input.clusters {
        let id = names::cluster(graph, &name)?.id;
        let record = graph.get(&[AssetRef::cluster(id).id()]).await?.pop().flatten();
        let record =
            record.ok_or_else(|| QueryError::NotFound(format!("cluster {name:?} was never read")))?;
        found.push(record);
    }
    if let Some(filter) = input.select {
        found.extend(selected(graph, filter).await?);
    }
    let mut once = HashSet::new();
    found.retain(|r| once.insert(r.asset.reference.id()));
    Ok(found)
}

async fn selected(graph: &dyn Snapshot, filter: AssetFilter) -> Result<Vec<Arc<Record>>, QueryError> {
    let (filter, presence) = selection(graph, Some(filter), None).await?;
    let query = ListQuery {
        filter,
        presence,
        order: Order::Key,
        after: None,
        limit: MOST_SELECTED + 1,
    };
    let page = graph.list(&query).await?;
    if page.records.len() > MOST_SELECTED {
        return Err(QueryError::Input(format!(
            "`select` brings more than {MOST_SELECTED} assets; narrow the filter, or name a namespace or cluster"
        )));
    }
    Ok(page.records)
}
