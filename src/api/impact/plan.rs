//! In which order nodes may be taken down, what stands on one leg already, and what may have broken something: as callers
//! ask and see it.

use super::services::ImpactState;
use crate::api::ask::Ask;
use crate::api::asset::AssetNode;
use crate::api::connection::{PageInfo, freshness_of};
use crate::api::edge::Edge;
use crate::api::filter::{AssetFilter, selection};
use crate::api::freshness::Freshness;
use crate::api::reference::AssetRefInput;
use crate::query::impact::drain::{self, drain_plan};
use crate::query::impact::risks::{self, RiskKind as Leg, standing_risks};
use crate::query::{QueryError, edges, names, records, why};
use crate::store::{Filter, Record};
use async_graphql::{Context, Enum, SimpleObject};
use planisphere_schema::{AssetId, Time};
use std::sync::Arc;

/// Nodes that one plan may order.
const MOST_NODES: usize = 200;
/// Services that one page of risks looks at.
const MOST_SERVICES: usize = 50_000;
/// Minutes that a window may reach back: a month.
const MOST_MINUTES: i64 = 60 * 24 * 31;

/// Nodes that may be taken down together.
#[derive(SimpleObject)]
pub struct DrainWave {
    /// The nodes.
    nodes: Vec<AssetNode>,
}

/// Why a node cannot be taken down without breaking something.
#[derive(SimpleObject)]
pub struct DrainObstacle {
    /// The node.
    node: AssetNode,
    /// The Service that would fall below its need.
    service: Option<AssetNode>,
    /// The state that it would be in.
    state: ImpactState,
    /// The pod that may not be evicted.
    pod: Option<AssetNode>,
    /// The budget that forbids it.
    budget: Option<AssetNode>,
    /// Why, in one sentence.
    reason: String,
    /// What would help, in one sentence.
    advice: String,
}

/// An order in which nodes may be taken down. Between waves, pods that can be placed elsewhere are taken to be back, and
/// nodes to have returned: ask again before each wave.
#[derive(SimpleObject)]
pub struct DrainPlan {
    /// The waves, in order.
    waves: Vec<DrainWave>,
    /// Who is in the way of the nodes that are in no wave.
    obstacles: Vec<DrainObstacle>,
    /// Whether every node is in a wave.
    possible: bool,
    /// Whether everything was looked at.
    complete: bool,
    /// How fresh it is.
    freshness: Freshness,
}

/// Orders nodes.
pub async fn plan(
    ctx: &Context<'_>,
    nodes: Option<Vec<AssetRefInput>>,
    select: Option<AssetFilter>,
) -> Result<DrainPlan, QueryError> {
    let ask = Ask::of(ctx);
    let graph = ask.graph().await;
    let input = super::FailureInput {
        assets: nodes.unwrap_or_default(),
        select,
        ..super::FailureInput::default()
    };
    let nodes = super::failed(graph, input).await?;
    if nodes.len() > MOST_NODES {
        return Err(QueryError::Input(format!(
            "{} nodes; one plan orders up to {MOST_NODES}",
            nodes.len()
        )));
    }
    let clusters: Vec<_> = nodes.iter().map(|n| n.asset.reference.key().cluster).collect();
    let found = drain_plan(graph, nodes).await?;
    let node = |r: Arc<Record>| AssetNode::new(r);
    let obstacle = |o: drain::Obstacle| DrainObstacle {
        node: node(o.node),
        service: o.service.map(node),
        state: o.state.into(),
        pod: o.pod.map(node),
        budget: o.budget.map(node),
        reason: o.reason,
        advice: o.advice,
    };
    let wave = |w: Vec<Arc<Record>>| DrainWave {
        nodes: w.into_iter().map(node).collect(),
    };
    Ok(DrainPlan {
        possible: found.obstacles.is_empty(),
        complete: found.cuts.is_empty(),
        waves: found.waves.into_iter().map(wave).collect(),
        obstacles: found.obstacles.into_iter().map(obstacle).collect(),
        freshness: ask.freshness(|_, id| id.is_some_and(|id| clusters.contains(&id))),
    })
}

/// On what a Service depends alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Leg")]
pub enum RiskKind {
    /// One instance.
    Singleton,
    /// More instances, all on one node.
    Node,
    /// More instances on more nodes, all in one zone of a cluster that has more.
    Zone,
    /// More instances that mount one volume.
    Volume,
    /// All instances need one ConfigMap or Secret to start.
    Config,
}

/// Something on which a Service depends alone.
#[derive(SimpleObject)]
pub struct StandingRisk {
    /// The Service.
    service: AssetNode,
    /// In which way.
    kind: RiskKind,
    /// On what: the pod, node, claim or configuration; for a zone one of its nodes.
    on: AssetNode,
}

/// How many risks there are of a kind.
#[derive(SimpleObject)]
pub struct RiskCount {
    /// The kind.
    kind: RiskKind,
    /// How many.
    count: u64,
}

/// What stands on one leg already, before anything fails.
#[derive(SimpleObject)]
pub struct StandingRisks {
    /// The risks, by Service.
    nodes: Vec<StandingRisk>,
    /// How many there are of each kind, of the Services that were looked at.
    counts: Vec<RiskCount>,
    /// How many Services were looked at.
    services: u64,
    /// Where it ends: it goes on wherever not every Service was looked at.
    page_info: PageInfo,
    /// How fresh it is.
    freshness: Freshness,
}

/// The standing risks of Services.
pub async fn risks(
    ctx: &Context<'_>,
    filter: Option<AssetFilter>,
    kinds: Option<Vec<RiskKind>>,
    first: i32,
    after: Option<&str>,
) -> Result<StandingRisks, QueryError> {
    let ask = Ask::of(ctx);
    let limit = ask.page(first)?;
    let graph = ask.graph().await;
    let filter = match filter {
        Some(filter) => selection(graph, Some(filter), None).await?.0,
        None => Filter::ALL,
    };
    let question = ask.question(&("risks", &filter));
    let after = question.position("after", after)?;
    let mut found = standing_risks(graph, filter.clone(), after, MOST_SERVICES).await?;
    let kinds: Option<Vec<Leg>> = kinds.map(|all| all.into_iter().map(Leg::from).collect());
    found
        .found
        .retain(|r| kinds.as_ref().is_none_or(|all| all.contains(&r.kind)));
    let counts = found.counts();
    found.found.truncate(limit);
    let ids: Vec<AssetId> = found.found.iter().map(|r| r.on).collect();
    let on = records(graph, &ids).await?;
    let risk = |(risk, on): (risks::Risk, Arc<Record>)| StandingRisk {
        service: AssetNode::new(risk.service),
        kind: risk.kind.into(),
        on: AssetNode::new(on),
    };
    let count = |(kind, count): (Leg, usize)| RiskCount {
        kind: kind.into(),
        count: count as u64,
    };
    Ok(StandingRisks {
        nodes: found.found.into_iter().zip(on).map(risk).collect(),
        counts: counts.into_iter().map(count).collect(),
        services: found.services as u64,
        page_info: PageInfo {
            has_next_page: found.next.is_some(),
            end_cursor: found.next.as_ref().map(|p| question.cursor(p)),
        },
        freshness: freshness_of(ask, &filter),
    })
}

/// Something that may be the cause.
#[derive(SimpleObject)]
pub struct Suspect {
    /// What.
    asset: AssetNode,
    /// Hops below the asset that was asked about.
    distance: u32,
    /// What is wrong with it now; null where it only changed.
    trouble: Option<String>,
    /// When it changed, where that was in the window.
    changed_at: Option<Time>,
    /// How telling it is; greater is more.
    score: u32,
    /// The edges that lead down to it.
    path: Vec<Edge>,
}

/// What may have broken an asset.
#[derive(SimpleObject)]
pub struct WhyAnswer {
    /// The asset that was asked about.
    asset: AssetNode,
    /// What is wrong with it now; null where nothing is.
    trouble: Option<String>,
    /// Suspects, the most telling first.
    suspects: Vec<Suspect>,
    /// How many assets below it were looked at.
    looked_at: u64,
    /// Whether more lay below than was looked at.
    truncated: bool,
    /// How fresh it is.
    freshness: Freshness,
}

/// What may have broken an asset, with changes of the last minutes.
pub async fn why(
    ctx: &Context<'_>,
    reference: AssetRefInput,
    minutes: i64,
    first: i32,
) -> Result<WhyAnswer, QueryError> {
    if !(1..=MOST_MINUTES).contains(&minutes) {
        return Err(QueryError::Input(format!(
            "`windowMinutes` is {minutes}; it may be 1 to {MOST_MINUTES}"
        )));
    }
    let ask = Ask::of(ctx);
    let limit = ask.page(first)?;
    let graph = ask.graph().await;
    let start = names::find(graph, &reference.into()).await?;
    let found = why::why(graph, &ask.calls, &start, ask.moment_ms() - minutes * 60_000).await?;
    let mut suspects = Vec::new();
    for suspect in found.suspects.into_iter().take(limit) {
        let ends = |end: fn(&crate::store::Link) -> AssetId| suspect.path.iter().map(end).collect::<Vec<_>>();
        let (from, to) = (ends(|l| l.from), ends(|l| l.to));
        let (from, to) = (records(graph, &from).await?, records(graph, &to).await?);
        let path = suspect.path.iter().zip(from).zip(to).map(|((link, at), other)| {
            Edge(edges::Edge {
                link: link.clone(),
                at,
                other,
            })
        });
        suspects.push(Suspect {
            path: path.collect(),
            asset: AssetNode::new(suspect.asset),
            distance: suspect.distance as u32,
            trouble: suspect.trouble,
            changed_at: suspect.changed_ms.map(Time::from_unix_ms),
            score: suspect.score,
        });
    }
    Ok(WhyAnswer {
        trouble: why::trouble(&start),
        freshness: ask.freshness_at(&start),
        asset: AssetNode::new(start),
        suspects,
        looked_at: found.looked_at as u64,
        truncated: found.truncated,
    })
}
