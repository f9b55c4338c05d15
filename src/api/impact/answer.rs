//! The answer about a failure: how many Services are in which state, pages of them, ways in, and whom to tell.

use super::services::{AffectedConnection, ImpactState, STATES};
use crate::api::ask::Ask;
use crate::api::asset::AssetNode;
use crate::api::connection::Count;
use crate::api::freshness::Freshness;
use crate::api::ownership::{Contact, Owner};
use crate::query::QueryError;
use crate::query::impact::model::State;
use crate::query::impact::{EntryPoint, Impact, Refusal};
use crate::query::ownership::book::plain;
use crate::query::ownership::resolve::ownerships;
use crate::store::Record;
use async_graphql::{Context, ID, Object, SimpleObject};
use planisphere_schema::ClusterId;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What a failure breaks.
pub struct ImpactAnswer(Arc<Impact>);

/// How many Services are in a state.
#[derive(SimpleObject)]
pub struct ImpactCount {
    /// The state.
    state: ImpactState,
    /// How many Services, and workloads that call without standing behind one.
    services: u64,
}

/// Somebody to tell, with what is theirs.
#[derive(SimpleObject)]
pub struct OwnerNotice {
    /// Who; null for the Services that nobody answers for.
    owner: Option<Owner>,
    /// How they are reached.
    contacts: Vec<Contact>,
    /// The worst state of their Services.
    worst: ImpactState,
    /// Their Services, the worst first.
    services: Vec<AssetNode>,
}

/// A way in that users see.
#[derive(SimpleObject)]
pub struct ImpactEntryPoint {
    /// The Ingress or route.
    asset: AssetNode,
    /// How it stands, by what it forwards to.
    state: ImpactState,
    /// A secret that it terminates TLS with fails: users see warnings, or nothing.
    exposure_degraded: bool,
    /// Services behind it that are touched, the worst first.
    services: Vec<ID>,
    /// Why, in one sentence.
    reason: String,
}

/// What a cluster refuses while a Service that the failure takes down does not answer.
#[derive(SimpleObject)]
pub struct ImpactRefusal {
    /// The webhook configuration, or the definition of custom resources that are converted.
    by: AssetNode,
    /// The Service that does not answer.
    service: AssetNode,
    /// Its webhooks that must answer, by name; `conversion` for a definition.
    webhooks: Vec<String>,
    /// What is refused, as `OPERATION group/resource`.
    refused: Vec<String>,
    /// New pods are among it, at least in some namespaces: what is lost may not come back.
    refuses_pods: bool,
    /// Why, in one sentence.
    reason: String,
}

/// Something that was not looked at.
#[derive(SimpleObject)]
pub struct ImpactTruncation {
    /// At which asset; null for the whole question.
    at: Option<ID>,
    /// How many edges were not followed; 0 where that is not known.
    skipped: u64,
}

impl ImpactAnswer {
    /// As callers see it.
    pub fn new(answer: Impact) -> Self {
        Self(Arc::new(answer))
    }
}

/// What a failure breaks. It tells what can be told from what clusters declare and report; load, time-outs and what is
/// inside programs are not known here.
#[Object(name = "ImpactResult")]
impl ImpactAnswer {
    /// What was said to fail.
    async fn failed(&self) -> Vec<AssetNode> {
        self.0
            .roots
            .iter()
            .map(|r| AssetNode::new(Arc::clone(r)))
            .collect()
    }

    /// How many assets fail with it, itself included.
    async fn failed_assets(&self) -> Count {
        self.count(self.0.failed_assets)
    }

    /// How many pods fail.
    async fn failed_pods(&self) -> Count {
        self.count(self.0.failed_pods)
    }

    /// How many running pods go on, but could not start again.
    async fn start_blocked_pods(&self) -> Count {
        self.count(self.0.blocked_pods)
    }

    /// How many pods would be evicted to make room for those that fail, with `reschedule`.
    async fn evicted_pods(&self) -> Count {
        self.count(self.0.evicted_pods)
    }

    /// How many Services are in which state, the worst first. Those that the failure does not touch are not counted.
    async fn summary(&self) -> Vec<ImpactCount> {
        let all = STATES.iter().rev().map(|state| {
            let of = self.0.services.iter().filter(|s| s.state() == *state);
            ImpactCount {
                state: (*state).into(),
                services: of.count() as u64,
            }
        });
        all.filter(|c| c.services > 0).collect()
    }

    /// The Services that the failure touches, the worst first, then by namespace and name.
    async fn services(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In one of these states; all where left out.")] state: Option<Vec<ImpactState>>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<AffectedConnection, QueryError> {
        let states = state.map(|all| all.into_iter().map(State::from).collect());
        AffectedConnection::read(Ask::of(ctx), &self.0, states, first, after.as_deref())
    }

    /// The ways in that users see: what forwards to Services that are touched, or terminates TLS with a failed secret.
    async fn entry_points(&self) -> Vec<ImpactEntryPoint> {
        let of = |e: &EntryPoint| ImpactEntryPoint {
            asset: AssetNode::new(Arc::clone(&e.asset)),
            state: e.state.into(),
            exposure_degraded: e.exposure_degraded,
            services: e.services.iter().map(|id| ID(id.to_string())).collect(),
            reason: e.reason.clone(),
        };
        self.0.entry_points.iter().map(of).collect()
    }

    /// What clusters refuse to store meanwhile, because an admission or conversion webhook that must answer is down; what
    /// refuses pods first.
    async fn refusals(&self) -> Vec<ImpactRefusal> {
        let of = |r: &Refusal| ImpactRefusal {
            by: AssetNode::new(Arc::clone(&r.by)),
            service: AssetNode::new(Arc::clone(&r.service)),
            webhooks: r.webhooks.clone(),
            refused: r.refused.clone(),
            refuses_pods: r.refuses_pods,
            reason: r.reason.clone(),
        };
        self.0.refusals.iter().map(of).collect()
    }

    /// Whom to tell: the owners of Services that are down, degraded or at risk, the worst first.
    async fn notify(&self, ctx: &Context<'_>) -> Result<Vec<OwnerNotice>, QueryError> {
        let ask = Ask::of(ctx);
        let hit: Vec<_> = self
            .0
            .services
            .iter()
            .filter(|s| s.state() > State::Unaffected)
            .collect();
        let records: Vec<Arc<Record>> = hit.iter().map(|s| Arc::clone(&s.service)).collect();
        let found = ownerships(ask.graph().await, &ask.book, &records).await?;
        let mut by_owner: BTreeMap<String, (Option<String>, State, Vec<AssetNode>)> = BTreeMap::new();
        for (service, ownership) in hit.into_iter().zip(found) {
            let owner = ownership.claim.map(|c| c.owner);
            let name = owner.as_deref().map(plain).unwrap_or_default().to_owned();
            let notice = by_owner
                .entry(name)
                .or_insert((owner, State::Unaffected, Vec::new()));
            notice.1 = notice.1.max(service.state());
            notice.2.push(AssetNode::new(Arc::clone(&service.service)));
        }
        let mut notices: Vec<_> = by_owner.into_values().collect();
        // Stable: owners of equally bad things stay in the order of their names.
        notices.sort_by_key(|(_, worst, _)| std::cmp::Reverse(*worst));
        let notice = |(owner, worst, services): (Option<String>, State, Vec<AssetNode>)| OwnerNotice {
            contacts: Contact::of(ask, owner.as_deref()),
            owner: owner.map(Owner),
            worst: worst.into(),
            services,
        };
        Ok(notices.into_iter().map(notice).collect())
    }

    /// What was not looked at; empty where the answer is whole.
    async fn truncation(&self) -> Vec<ImpactTruncation> {
        let of = |cut: &crate::query::impact::Cut| ImpactTruncation {
            at: cut.at.map(|id| ID(id.to_string())),
            skipped: cut.skipped as u64,
        };
        self.0.cuts.iter().map(of).collect()
    }

    /// How fresh it is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        let touched = self.0.services.iter().map(|s| &s.service);
        let clusters: HashSet<ClusterId> = self
            .0
            .roots
            .iter()
            .chain(touched)
            .map(|r| r.asset.reference.key().cluster)
            .collect();
        Ask::of(ctx).freshness(|_, id| id.is_some_and(|id| clusters.contains(&id)))
    }
}

impl ImpactAnswer {
    fn count(&self, value: usize) -> Count {
        Count {
            value: value as u64,
            exact: self.0.cuts.is_empty(),
        }
    }
}
