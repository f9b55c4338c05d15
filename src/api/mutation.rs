//! What may be changed from outside: the rules of ownership; and what is begun: exports. Nothing of a cluster is ever written.

use super::ask::Ask;
use super::export::{self, ExportFormat, ExportJob};
use super::filter::AssetFilter;
use super::instant::Instant;
use super::ownership::{Owner, Ownership, OwnershipRule};
use super::reference::AssetRefInput;
use crate::owners::{Owners, OwnersError};
use crate::query::ownership::book::{Match, Rule, RuleOrigin, plain};
use crate::query::ownership::resolve::ownerships;
use crate::query::{QueryError, names};
use crate::store::{Filter, ListQuery, Order, Presence, Record, StoreError};
use async_graphql::{Context, InputObject, Object, SimpleObject};
use std::sync::Arc;

use super::asset::AssetNode;

/// How many assets a dry run looks at.
const MOST_READ: usize = 200_000;
/// How many of the assets that would change are shown.
const MOST_SHOWN: usize = 100;
/// The rule of one asset is stronger than any that was given a priority.
const ONE_ASSET: i64 = 1_000_000;

impl From<OwnersError> for QueryError {
    fn from(error: OwnersError) -> Self {
        match error {
            OwnersError::File { .. } => StoreError::Unavailable(error.to_string()).into(),
            OwnersError::Unknown(_) => QueryError::NotFound(error.to_string()),
            _ => QueryError::Input(error.to_string()),
        }
    }
}

/// A label that an asset must have.
#[derive(InputObject)]
#[graphql(name = "LabelMatchInput")]
pub struct LabelInput {
    /// The key.
    key: String,
    /// The value; `*` or nothing takes any.
    #[graphql(default)]
    value: String,
}

/// Which assets a rule is about. All that is given must hold; `*` stands for any text; something must be given.
#[derive(InputObject)]
#[graphql(name = "OwnershipMatchInput")]
pub struct MatchInput {
    /// The cluster's configured name.
    cluster: Option<String>,
    /// The kind, with or without its group.
    kind: Option<String>,
    /// The namespace.
    namespace: Option<String>,
    /// The name.
    name: Option<String>,
    /// Labels.
    #[graphql(default)]
    labels: Vec<LabelInput>,
}

/// An asset that a rule gives to somebody else.
#[derive(SimpleObject)]
pub struct OwnershipChange {
    /// The asset.
    asset: AssetNode,
    /// Who answers for it without the rule; null for nobody.
    before: Option<Owner>,
    /// Who answers for it with the rule.
    after: Option<Owner>,
}

/// What a rule does.
#[derive(SimpleObject)]
pub struct RuleOutcome {
    /// The rule.
    rule: OwnershipRule,
    /// Whether it counts from now on; false for a dry run.
    applied: bool,
    /// How many assets match it.
    matches: u64,
    /// How many assets it gives to somebody else, those that inherit included.
    changes: u64,
    /// The first 100 of them.
    changed: Vec<OwnershipChange>,
    /// Whether every asset was looked at; false where there were too many.
    complete: bool,
}

/// The changes that may be asked for.
pub struct Mutation;

/// Changes of what Planisphere itself keeps. Clusters are never written to.
#[Object]
impl Mutation {
    /// Says by hand who answers for one asset, and with it for what it controls. Kept until it is said otherwise.
    async fn set_owner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which asset.")] asset: AssetRefInput,
        #[graphql(desc = "Who; empty takes back what was said by hand.")] owner: String,
        #[graphql(desc = "Why: others will ask.")] reason: String,
    ) -> Result<Ownership, QueryError> {
        let ask = Ask::of(ctx);
        let record = names::find(ask.graph().await, &asset.into()).await?;
        let id = record.asset.reference.id();
        let rule = Rule {
            name: format!("asset {id}"),
            priority: ONE_ASSET,
            matching: Match {
                id: Some(id),
                ..Match::default()
            },
            owner,
            origin: RuleOrigin::Manual,
            reason: Some(reason).filter(|r| !r.trim().is_empty()),
        };
        let owners = owners(ctx);
        if rule.owner.trim().is_empty() {
            owners.remove(&rule.name)?;
        } else {
            owners.put(&rule)?;
        }
        let found = ownerships(ask.graph().await, &owners.book(), &[record]).await?;
        Ok(Ownership(found.into_iter().next().unwrap_or_default()))
    }

    /// Sets a rule by hand, in place of one of that name; as a dry run, which is the default, only shows what it would do.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the GraphQL field"
    )]
    async fn upsert_ownership_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name.")] name: String,
        #[graphql(desc = "Higher is stronger.", default = 0)] priority: i64,
        #[graphql(name = "match", desc = "Which assets.")] matching: MatchInput,
        #[graphql(desc = "Whose they are.")] owner: String,
        #[graphql(desc = "Why: others will ask.")] reason: Option<String>,
        #[graphql(desc = "Only show what it would do.", default = true)] dry_run: bool,
    ) -> Result<RuleOutcome, QueryError> {
        let labels = matching.labels.into_iter().map(|l| (l.key, l.value));
        let rule = Rule {
            name,
            priority,
            matching: Match {
                id: None,
                cluster: matching.cluster,
                kind: matching.kind,
                namespace: matching.namespace,
                name: matching.name,
                labels: labels.collect(),
            },
            owner,
            origin: RuleOrigin::Manual,
            reason,
        };
        let outcome = outcome(ctx, &rule, !dry_run).await?;
        if !dry_run {
            owners(ctx).put(&rule)?;
        }
        Ok(outcome)
    }

    /// Begins an export of the assets that pass a filter, as they are or were; ask `export` how far it is.
    async fn export_assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assets; all that exist where left out.")] filter: Option<AssetFilter>,
        #[graphql(desc = "As in `assets`.")] search: Option<String>,
        #[graphql(desc = "In which form.")] format: ExportFormat,
        #[graphql(
            desc = "Refuse where it would not be the whole and the present.",
            default = false
        )]
        require_fresh: bool,
        #[graphql(name = "asOf", desc = "As they were at the end of this millisecond.")] _as_of: Option<
            Instant,
        >,
    ) -> Result<ExportJob, QueryError> {
        export::start(ctx, filter, search, format, require_fresh).await
    }

    /// Takes a rule back that was set by hand. True: there was one.
    async fn delete_ownership_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name.")] name: String,
    ) -> Result<bool, QueryError> {
        owners(ctx).remove(&name)?;
        Ok(true)
    }
}

fn owners<'a>(ctx: &'a Context<'_>) -> &'a Owners {
    ctx.data_unchecked::<Arc<Owners>>()
}

/// What a rule changes, worked out over all assets.
async fn outcome(ctx: &Context<'_>, rule: &Rule, applied: bool) -> Result<RuleOutcome, QueryError> {
    let ask = Ask::of(ctx);
    let (now, then) = (owners(ctx).book(), owners(ctx).book_if(rule)?);
    let mut answer = RuleOutcome {
        rule: OwnershipRule::new(rule),
        applied,
        matches: 0,
        changes: 0,
        changed: Vec::new(),
        complete: false,
    };
    let mut query = ListQuery {
        filter: Filter::ALL,
        presence: Presence::Present,
        order: Order::Key,
        after: None,
        limit: 500,
    };
    let mut read = 0;
    while read < MOST_READ {
        let graph = ask.graph().await;
        let page = graph.list(&query).await?;
        read += page.records.len();
        let before = ownerships(graph, &now, &page.records).await?;
        let after = ownerships(graph, &then, &page.records).await?;
        for ((record, before), after) in page.records.iter().zip(before).zip(after) {
            answer.matches += u64::from(rule.matching.holds(record));
            let name =
                |o: &crate::query::ownership::resolve::Ownership| o.claim.as_ref().map(|c| c.owner.clone());
            let (before, after) = (name(&before), name(&after));
            if before.as_deref().map(plain) != after.as_deref().map(plain) {
                answer.changes += 1;
                if answer.changed.len() < MOST_SHOWN {
                    answer.changed.push(change(record, before, after));
                }
            }
        }
        query.after = page.records.last().map(|r| query.order.position(r));
        if !page.more {
            answer.complete = true;
            break;
        }
    }
    Ok(answer)
}

fn change(record: &Arc<Record>, before: Option<String>, after: Option<String>) -> OwnershipChange {
    OwnershipChange {
        asset: AssetNode::new(Arc::clone(record)),
        before: before.map(Owner),
        after: after.map(Owner),
    }
}
