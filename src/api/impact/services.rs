//! A Service that a failure touches, as callers see it, and the pages of them.

use crate::api::ask::Ask;
use crate::api::asset::AssetNode;
use crate::api::connection::{Count, PageInfo};
use crate::api::cursor::Question;
use crate::api::edge::Edge;
use crate::api::ownership::Ownership;
use crate::query::impact::evaluate::NeedBy;
use crate::query::impact::model::State;
use crate::query::impact::recovery::RecoveryClass as Class;
use crate::query::impact::{Affected, Flow, Impact, LostPod};
use crate::query::{QueryError, edges, records};
use crate::store::Link;
use async_graphql::{Context, Enum, Object, SimpleObject};
use planisphere_schema::{AssetId, Time};
use std::sync::Arc;

/// How something stands after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub enum ImpactState {
    /// Nothing serves, and nothing is wanted to.
    Idle,
    /// Nothing served before, so that no failure changes anything.
    AlreadyDown,
    /// The failure leaves enough.
    Unaffected,
    /// It serves as before, but one more failure, or a restart, may be too much.
    AtRisk,
    /// It serves with less than it needs.
    Degraded,
    /// It serves nobody.
    Down,
}

/// All states, the best first.
pub(super) const STATES: &[State] = &[
    State::Idle,
    State::AlreadyDown,
    State::Unaffected,
    State::AtRisk,
    State::Degraded,
    State::Down,
];

/// How a lost pod comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Class")]
pub enum RecoveryClass {
    /// Nothing makes it again: a bare pod, or what made it failed too.
    Never,
    /// With its node: a DaemonSet's pod, or a static one.
    WithNode,
    /// A StatefulSet's pod on a dead node: its name is held until somebody deletes the node or taints it out of service.
    Stuck,
    /// Its volume can be reached from failed nodes alone.
    Pinned,
    /// Something that it needs to start is gone.
    Blocked,
    /// The control plane that would place it is gone.
    NoControlPlane,
    /// No live node takes it: none passes its selector, required affinity, taints and volumes, or, with `reschedule`, none has
    /// room.
    NoFit,
    /// Its controller makes another one, and a node can take that one.
    Reschedules,
}

/// What a need rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "NeedBy")]
pub enum NeedSource {
    /// Half of those that served.
    Half,
    /// The fraction that the Service's label `planisphere.io/needed-fraction` asks for.
    Fraction,
    /// A budget that covers exactly its pods.
    Budget,
    /// So many must agree.
    Quorum,
}

/// An instance that is lost.
#[derive(SimpleObject)]
pub struct LostInstance {
    /// The pod; the node or address where no pod stands.
    asset: AssetNode,
    /// How it comes back; null for what is no pod.
    recovery: Option<RecoveryClass>,
    /// Seconds until it serves again, as far as that can be told; null where it waits for somebody.
    recovery_seconds: Option<i64>,
    /// A node that can take it, with `reschedule`.
    candidate: Option<AssetNode>,
    /// Pods of lower priority that would be evicted for it, with `reschedule`.
    evicts: Vec<AssetNode>,
    /// Why no node takes it, in one sentence.
    obstacle: Option<String>,
}

/// What reached something over what it calls.
#[derive(SimpleObject)]
pub struct Propagation {
    /// The worst that reached it.
    state: ImpactState,
    /// Whom it calls.
    callee: AssetNode,
    /// Whose failure it is that came this far.
    origin: AssetNode,
    /// Where the call was seen.
    source: String,
    /// Calls a second, where that is known.
    rate: Option<f64>,
    /// When it was last seen.
    last_seen_at: Time,
    /// It was seen long ago, or where it is seen cannot be asked now.
    stale: bool,
    /// It is written down somewhere, and was not seen to happen.
    declared: bool,
}

/// A Service that a failure touches.
pub struct AffectedService {
    answer: Arc<Impact>,
    index: usize,
}

impl AffectedService {
    fn get(&self) -> &Affected {
        &self.answer.services[self.index]
    }
}

/// A Service that a failure touches, or a workload that calls one and stands behind none.
#[Object]
impl AffectedService {
    /// The Service.
    async fn service(&self) -> AssetNode {
        AssetNode::new(Arc::clone(&self.get().service))
    }

    /// The worse of `own` and what reached it over calls.
    async fn state(&self) -> ImpactState {
        self.get().state().into()
    }

    /// How it stands by its own instances.
    async fn own(&self) -> ImpactState {
        self.get().own.into()
    }

    /// What reached it over what it calls; null where nothing did.
    async fn propagated(&self, ctx: &Context<'_>) -> Result<Option<Propagation>, QueryError> {
        match &self.get().flow {
            Some(flow) => propagation(ctx, flow).await.map(Some),
            None => Ok(None),
        }
    }

    /// Why, in one sentence.
    async fn reason(&self) -> &str {
        &self.get().reason
    }

    /// Whether it lost instances itself, could not start them again, or would lose them to make room.
    async fn direct(&self) -> bool {
        let own = self.get();
        !own.lost.is_empty() || !own.blocked.is_empty() || !own.evicted.is_empty()
    }

    /// How many instances served before.
    async fn instances_before(&self) -> u64 {
        self.get().verdict.before as u64
    }

    /// How many are lost.
    async fn instances_lost(&self) -> u64 {
        self.get().verdict.lost.len() as u64
    }

    /// How many are left.
    async fn instances_left(&self) -> u64 {
        self.get().verdict.after as u64
    }

    /// How many it needs; null where it has no instances of its own.
    async fn required_instances(&self) -> Option<u64> {
        let need = self.get().verdict.need as u64;
        (need > 0).then_some(need)
    }

    /// What that need rests on.
    async fn required_by(&self) -> Option<NeedSource> {
        let verdict = &self.get().verdict;
        (verdict.need > 0).then(|| verdict.need_by.into())
    }

    /// The instances that are lost, and how they come back.
    async fn lost(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 10)] first: i32,
    ) -> Result<Vec<LostInstance>, QueryError> {
        let ask = Ask::of(ctx);
        let some: Vec<&LostPod> = self.get().lost.iter().take(ask.page(first)?).collect();
        let ids: Vec<AssetId> = some.iter().map(|l| l.asset).collect();
        let graph = ask.graph().await;
        let found = records(graph, &ids).await?;
        let fits = some.iter().filter_map(|l| l.fit.as_ref());
        let others: Vec<AssetId> = fits
            .flat_map(|f| f.node.iter().chain(&f.evicts))
            .copied()
            .collect();
        let mut others = records(graph, &others).await?.into_iter().map(AssetNode::new);
        let all = some.into_iter().zip(found).map(|(lost, record)| {
            let fit = lost.fit.clone().unwrap_or_default();
            LostInstance {
                asset: AssetNode::new(record),
                recovery: lost.recovery.map(|r| r.class.into()),
                recovery_seconds: lost.recovery.and_then(|r| r.seconds),
                candidate: fit.node.and_then(|_| others.next()),
                evicts: others.by_ref().take(fit.evicts.len()).collect(),
                obstacle: fit.obstacle,
            }
        });
        Ok(all.collect())
    }

    /// Pods of it that go on running, but could not start again.
    async fn start_blocked(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 10)] first: i32,
    ) -> Result<Vec<AssetNode>, QueryError> {
        let ask = Ask::of(ctx);
        let some = self.get().blocked.iter().copied().take(ask.page(first)?);
        let found = records(ask.graph().await, &some.collect::<Vec<_>>()).await?;
        Ok(found.into_iter().map(AssetNode::new).collect())
    }

    /// Pods of it that would be evicted to make room for others, with `reschedule`.
    async fn evicted(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 10)] first: i32,
    ) -> Result<Vec<AssetNode>, QueryError> {
        let ask = Ask::of(ctx);
        let some = self.get().evicted.iter().copied().take(ask.page(first)?);
        let found = records(ask.graph().await, &some.collect::<Vec<_>>()).await?;
        Ok(found.into_iter().map(AssetNode::new).collect())
    }

    /// How many of its pods could not start again.
    async fn start_blocked_count(&self) -> u64 {
        self.get().blocked.len() as u64
    }

    /// The path that explains it: from the Service over an instance to what failed, edge by edge.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<Edge>, QueryError> {
        let graph = Ask::of(ctx).graph().await;
        let links = &self.get().path;
        let (from, to): (Vec<AssetId>, Vec<AssetId>) = links.iter().map(|l| (l.from, l.to)).unzip();
        let (from, to) = (records(graph, &from).await?, records(graph, &to).await?);
        let edge = |((link, at), other): ((&Link, _), _)| {
            Edge(edges::Edge {
                link: link.clone(),
                at,
                other,
            })
        };
        Ok(links.iter().zip(from).zip(to).map(edge).collect())
    }

    /// Who answers for it.
    async fn ownership(&self, ctx: &Context<'_>) -> Result<Ownership, QueryError> {
        Ownership::of(ctx, &self.get().service).await
    }
}

async fn propagation(ctx: &Context<'_>, flow: &Flow) -> Result<Propagation, QueryError> {
    let ask = Ask::of(ctx);
    Ok(Propagation {
        state: flow.state.into(),
        callee: AssetNode::new(ask.record(flow.callee).await?),
        origin: AssetNode::new(ask.record(flow.from).await?),
        source: flow.evidence.source.clone(),
        rate: flow.evidence.rate,
        last_seen_at: Time::from_unix_ms(flow.evidence.last_seen_ms),
        stale: flow.evidence.stale,
        declared: flow.evidence.declared,
    })
}

/// A page of Services that a failure touches.
pub struct AffectedConnection {
    answer: Arc<Impact>,
    page: Vec<usize>,
    total: usize,
    more: bool,
    question: Question,
}

impl AffectedConnection {
    /// The page of the Services in some states.
    pub(super) fn read(
        ask: &Ask,
        answer: &Arc<Impact>,
        states: Option<Vec<State>>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self, QueryError> {
        let roots: Vec<AssetId> = answer.roots.iter().map(|r| r.asset.reference.id()).collect();
        let question = ask.question(&("impact", roots, &states));
        let last: Option<AssetId> = question.position("after", after)?;
        let limit = ask.page(first)?;
        let admits = |s: &Affected| states.as_ref().is_none_or(|all| all.contains(&s.state()));
        let all: Vec<usize> = (0..answer.services.len())
            .filter(|i| admits(&answer.services[*i]))
            .collect();
        // States move while pages are read; a Service that is not listed any more starts the list anew.
        let is_last = |i: &usize| Some(answer.services[*i].service.asset.reference.id()) == last;
        let start = all.iter().position(is_last).map_or(0, |at| at + 1);
        let page: Vec<usize> = all.iter().copied().skip(start).take(limit).collect();
        Ok(Self {
            more: start + page.len() < all.len(),
            total: all.len(),
            page,
            question,
            answer: Arc::clone(answer),
        })
    }
}

/// A page of Services that a failure touches.
#[Object]
impl AffectedConnection {
    /// The Services.
    async fn nodes(&self) -> Vec<AffectedService> {
        let of = |index: &usize| AffectedService {
            answer: Arc::clone(&self.answer),
            index: *index,
        };
        self.page.iter().map(of).collect()
    }

    /// Where the page ends.
    async fn page_info(&self) -> PageInfo {
        let last = self.page.last().map(|i| &self.answer.services[*i].service);
        PageInfo {
            has_next_page: self.more,
            end_cursor: last.map(|r| self.question.cursor(&r.asset.reference.id())),
        }
    }

    /// How many Services there are on all pages.
    async fn total_count(&self) -> Count {
        Count::of(self.total)
    }
}
