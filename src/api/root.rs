//! The query root: each question one resolver.

use super::ask::Ask;
use super::asset::AssetNode;
use super::changes::{Between, ChangeConnection, ChangeFilter, DiffConnection, Timeline};
use super::connection::{self, AssetConnection};
use super::export::{self, ExportJob};
use super::feed::{FeedFilter, FeedPage, Start};
use super::filter::{AssetFilter, selection};
use super::graph::{ExpandInput, FacetInput, Facets, PathAnswer, TopologyAnswer, nest, within};
use super::impact::{self, DrainPlan, ImpactAnswer, ImpactInput, RiskKind, StandingRisks, WhyAnswer};
use super::instant::Instant;
use super::ownership::{self, OwnedConnection, OwnerTally, OwnershipRule};
use super::reference::{AssetOrder, AssetRefInput, Direction};
use super::sync::Sync;
use crate::query::ownership::owned::Whose;
use crate::query::path::PathQuery;
use crate::query::{QueryError, names, path, topology};
use crate::store::{ListQuery, Record};
use async_graphql::{Context, Error, ID, Object};
use planisphere_schema::RelationKind;
use std::sync::Arc;

/// Assets that one request may name.
const MOST_NAMED: usize = 500;

/// Roots that one topology may have.
const MOST_ROOTS: usize = 100;

/// Facets that one answer may nest.
const MOST_FACETS: usize = 4;

/// The questions.
pub struct Query;

/// Questions about the mirrored clusters.
#[Object]
impl Query {
    /// The asset of this id; null where it was never heard of. (A Kubernetes Node is a type, so Relay's interface of
    /// that name is `Asset` here.)
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id that this API gave out.")] id: ID,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<Option<AssetNode>, QueryError> {
        let id = names::asset_id(&id)?;
        let found = Ask::of(ctx).graph().await.get(&[id]).await?.pop().flatten();
        Ok(found.map(AssetNode::new))
    }

    /// The assets of these ids, in their order; null where one was never heard of.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids that this API gave out, up to 500.")] ids: Vec<ID>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<Vec<Option<AssetNode>>, QueryError> {
        few("ids", ids.len(), MOST_NAMED)?;
        let ids: Result<Vec<_>, _> = ids.iter().map(|id| names::asset_id(id)).collect();
        let found = Ask::of(ctx).graph().await.get(&ids?).await?;
        Ok(found.into_iter().map(|r| r.map(AssetNode::new)).collect())
    }

    /// One asset. Null with an error NOT_FOUND where there is none of that name and nothing refers to it.
    async fn asset(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "ref", desc = "Which one.")] reference: AssetRefInput,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Option<AssetNode> {
        match find(ctx, reference).await {
            Ok(record) => Some(AssetNode::new(record)),
            Err(error) => {
                let error = Error::from(error).into_server_error(ctx.item.pos);
                ctx.add_error(ctx.set_error_path(error));
                None
            }
        }
    }

    /// The assets that pass a filter.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the GraphQL field"
    )]
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assets; all that exist where left out.")] filter: Option<AssetFilter>,
        #[graphql(
            desc = "Words that must all stand in the name, namespace, kind or a label's value, in any case."
        )]
        search: Option<String>,
        #[graphql(desc = "In which order.", default_with = "AssetOrder::Key")] order_by: AssetOrder,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<AssetConnection, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        let (filter, presence) = selection(ask.graph().await, filter, search).await?;
        let query = ListQuery {
            filter,
            presence,
            order: order_by.into(),
            after: None,
            limit,
        };
        AssetConnection::read(ctx, query, after.as_deref()).await
    }

    /// An export that was begun by `exportAssets`.
    async fn export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As `exportAssets` gave it.")] id: ID,
    ) -> Result<ExportJob, QueryError> {
        export::find(ctx, &id)
    }

    /// How many assets pass a filter, by the values of one or more facets.
    async fn facets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assets; all that exist where left out.")] filter: Option<AssetFilter>,
        #[graphql(desc = "As in `assets`.")] search: Option<String>,
        #[graphql(desc = "By what, nested in this order; up to 4.")] by: Vec<FacetInput>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<Facets, QueryError> {
        few("by", by.len(), MOST_FACETS)?;
        let facets: Result<Vec<_>, _> = by.iter().map(FacetInput::read).collect();
        let ask = Ask::of(ctx);
        let graph = ask.graph().await;
        let (filter, presence) = selection(graph, filter, search).await?;
        let rows = graph.facets(&filter, presence, &facets?).await?;
        Ok(Facets {
            buckets: nest(&by, &rows, 0),
            freshness: connection::freshness_of(ask, &filter),
        })
    }

    /// What surrounds some assets, breadth-first, within a budget. What the budget cut off is said.
    async fn topology(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to start, up to 100 assets.")] roots: Vec<AssetRefInput>,
        #[graphql(desc = "How far to go.", default)] expand: ExpandInput,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<TopologyAnswer, QueryError> {
        few("roots", roots.len(), MOST_ROOTS)?;
        let expand = expand.read()?;
        let mut records = Vec::with_capacity(roots.len());
        for root in roots {
            records.push(find(ctx, root).await?);
        }
        let graph = Ask::of(ctx).graph().await;
        let answer = topology::topology(graph, records, &expand).await?;
        Ok(TopologyAnswer::new(answer))
    }

    /// A shortest path between two assets.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the GraphQL field"
    )]
    async fn path(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where it starts.")] from: AssetRefInput,
        #[graphql(desc = "Where it ends.")] to: AssetRefInput,
        #[graphql(desc = "Over which relations; all where left out.")] relations: Option<Vec<RelationKind>>,
        #[graphql(
            desc = "Which way edges are walked, seen from the start.",
            default_with = "Direction::Both"
        )]
        direction: Direction,
        #[graphql(desc = "Hops at the most, up to 12.", default = 6)] max_depth: i32,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<PathAnswer, QueryError> {
        let query = PathQuery {
            direction: direction.into(),
            relations,
            max_depth: within("maxDepth", max_depth, 0, 12)?,
            max_visited: 100_000,
            max_edges_per_node: 1_000,
        };
        let (from, to) = (find(ctx, from).await?, find(ctx, to).await?);
        let graph = Ask::of(ctx).graph().await;
        let path = path::path(graph, &from, &to, &query).await?;
        Ok(PathAnswer { from, to, path })
    }

    /// What breaks if this breaks: for every Service that the failure touches a state and the reason, how lost pods come
    /// back, and whom to tell.
    async fn impact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What fails.")] input: ImpactInput,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<ImpactAnswer, QueryError> {
        impact::ask(ctx, input).await
    }

    /// In which order nodes may be taken down, so that every Service stays at its need and no eviction is refused by a
    /// disruption budget; or who is in the way.
    async fn drain_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The nodes, up to 200 in all.")] nodes: Option<Vec<AssetRefInput>>,
        #[graphql(desc = "All nodes that pass a filter.")] select: Option<AssetFilter>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<DrainPlan, QueryError> {
        impact::plan(ctx, nodes, select).await
    }

    /// What may have broken an asset: what lies below it and is unhealthy, gone, or changed lately.
    async fn why(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "ref", desc = "What is broken; a Service, mostly.")] reference: AssetRefInput,
        #[graphql(desc = "How far back changes count.", default = 60)] window_minutes: i64,
        #[graphql(desc = "How many suspects at the most, up to 500.", default = 20)] first: i32,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<WhyAnswer, QueryError> {
        impact::why(ctx, reference, window_minutes, first).await
    }

    /// What stands on one leg already: Services with one instance, on one node, in one zone, behind one volume or one piece
    /// of configuration.
    async fn standing_risks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which Services; all where left out.")] filter: Option<AssetFilter>,
        #[graphql(desc = "Of these kinds; all where left out.")] kinds: Option<Vec<RiskKind>>,
        #[graphql(desc = "How many risks are shown, up to 500; all are counted.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<StandingRisks, QueryError> {
        impact::risks(ctx, filter, kinds, first, after.as_deref()).await
    }

    /// How many assets each owner answers for, those of nobody included.
    async fn owners(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assets; workloads and Services where left out.")] filter: Option<AssetFilter>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<OwnerTally, QueryError> {
        ownership::counts(ctx, filter).await
    }

    /// The assets that somebody answers for, what they inherit included.
    async fn owned(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] owner: String,
        #[graphql(desc = "Which assets; all where left out.")] filter: Option<AssetFilter>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<OwnedConnection, QueryError> {
        OwnedConnection::read(ctx, Whose::Owner(owner), filter, first, after.as_deref()).await
    }

    /// The assets that nobody answers for: neither they nor anything above them names an owner.
    async fn unowned(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which assets; all where left out.")] filter: Option<AssetFilter>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(
            name = "asOf",
            desc = "As it was at the end of this millisecond; all questions of a request must give the same."
        )]
        _as_of: Option<Instant>,
    ) -> Result<OwnedConnection, QueryError> {
        OwnedConnection::read(ctx, Whose::Nobody, filter, first, after.as_deref()).await
    }

    /// What changed in a window, newest first: assets with their fields before and after, and edges that came and went.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which changes; those of the last hour where left out.")] filter: Option<
            ChangeFilter,
        >,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor, that is: older.")] after: Option<String>,
    ) -> Result<ChangeConnection, QueryError> {
        ChangeConnection::read(ctx, filter, first, after.as_deref()).await
    }

    /// What changed after a place in the feed, oldest first within each cluster, for readers that fetch: go on with the page's
    /// cursor as `after`, at once while there is more. Without a place to begin at, it is an empty page with the cursor of now.
    async fn feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which changes; all but those of the status where left out.")] filter: Option<
            FeedFilter,
        >,
        #[graphql(desc = "After this cursor of a page.")] after: Option<String>,
        #[graphql(desc = "After what an answer with this `freshness { version }` showed.")] since: Option<
            String,
        >,
        #[graphql(desc = "From this instant on.")] from: Option<Instant>,
        #[graphql(desc = "How many at the most, 1 to 500.", default = 100)] first: i32,
    ) -> Result<FeedPage, QueryError> {
        FeedPage::read(ctx, filter, Start { after, since, from }, first).await
    }

    /// How much changed when, for a chart.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which changes, as in `changes`.")] filter: Option<ChangeFilter>,
        #[graphql(desc = "Into how many buckets the window is cut, up to 500.", default = 60)] buckets: i32,
    ) -> Result<Timeline, QueryError> {
        Timeline::read(ctx, filter, buckets).await
    }

    /// What differs between two instants. What changed and changed back is no difference.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the GraphQL field"
    )]
    async fn diff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Among which assets; all where left out.")] scope: Option<AssetFilter>,
        #[graphql(desc = "The first instant.")] from: Instant,
        #[graphql(desc = "The second instant; now where left out.")] to: Option<Instant>,
        #[graphql(desc = "Also what controllers and kubelets report all the time.", default)] status: bool,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<DiffConnection, QueryError> {
        let between = Between { from, to, status };
        DiffConnection::read(ctx, scope, between, first, after.as_deref()).await
    }

    /// The rules of ownership, strongest first.
    async fn ownership_rules(&self, ctx: &Context<'_>) -> Vec<OwnershipRule> {
        Ask::of(ctx).book.rules().iter().map(OwnershipRule::new).collect()
    }

    /// How the mirrors stand, per cluster and kind.
    async fn sync(&self) -> Sync {
        Sync
    }
}

async fn find(ctx: &Context<'_>, reference: AssetRefInput) -> Result<Arc<Record>, QueryError> {
    names::find(Ask::of(ctx).graph().await, &reference.into()).await
}

fn few(name: &str, number: usize, most: usize) -> Result<(), QueryError> {
    if number > most {
        return Err(QueryError::Input(format!(
            "`{name}` has {number} entries; it may have up to {most}"
        )));
    }
    Ok(())
}
