//! Pages of assets by who answers for them, and how many each owner has.

use super::{Owner, Ownership};
use crate::api::ask::Ask;
use crate::api::asset::AssetNode;
use crate::api::connection::{PageInfo, freshness_of};
use crate::api::cursor::Question;
use crate::api::filter::{AssetFilter, selection};
use crate::api::freshness::Freshness;
use crate::query::QueryError;
use crate::query::ownership::owned::{OwnedPage, Whose, owned, owner_counts};
use crate::store::Filter;
use async_graphql::{Context, Object, SimpleObject};
use planisphere_schema::Kind;
use std::sync::Arc;

/// How many assets a count of owners looks at.
const MOST_COUNTED: usize = 200_000;

/// An asset with who answers for it.
#[derive(SimpleObject)]
pub struct OwnedAsset {
    /// The asset.
    node: AssetNode,
    /// Who answers for it.
    ownership: Ownership,
}

/// A page of assets by who answers for them, in the order of their keys. Ownership is inherited, so a page is found by
/// looking: it may be short, or empty, and still have a next one.
pub struct OwnedConnection {
    page: OwnedPage,
    filter: Filter,
    question: Question,
}

impl OwnedConnection {
    /// The page of the assets of somebody, or of nobody.
    pub async fn read(
        ctx: &Context<'_>,
        whose: Whose,
        filter: Option<AssetFilter>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        let graph = ask.graph().await;
        let (filter, _) = selection(graph, filter, None).await?;
        let question = ask.question(&("owned", &whose, &filter));
        let after = question.position("after", after)?;
        let page = owned(graph, &ask.book, filter.clone(), &whose, after, limit).await?;
        Ok(Self {
            page,
            filter,
            question,
        })
    }
}

/// A page of assets by who answers for them.
#[Object]
impl OwnedConnection {
    /// The assets with who answers for them.
    async fn edges(&self) -> Vec<OwnedAsset> {
        let found = self.page.found.iter().map(|(record, ownership)| OwnedAsset {
            node: AssetNode::new(Arc::clone(record)),
            ownership: Ownership(ownership.clone()),
        });
        found.collect()
    }

    /// The assets.
    async fn nodes(&self) -> Vec<AssetNode> {
        let found = self.page.found.iter();
        found.map(|(r, _)| AssetNode::new(Arc::clone(r))).collect()
    }

    /// Where the page ends. It goes on wherever not every asset was looked at.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.next.is_some(),
            end_cursor: self.page.next.as_ref().map(|p| self.question.cursor(p)),
        }
    }

    /// How many assets were looked at for this page.
    async fn looked_at(&self) -> u64 {
        self.page.read as u64
    }

    /// How fresh the page is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        freshness_of(Ask::of(ctx), &self.filter)
    }
}

/// How many assets somebody answers for.
#[derive(SimpleObject)]
pub struct OwnerCount {
    /// Who; null for the assets that nobody answers for.
    owner: Option<Owner>,
    /// How many assets.
    assets: u64,
}

/// How many assets each owner answers for.
#[derive(SimpleObject)]
pub struct OwnerTally {
    /// By owner's name; the assets of nobody first.
    counts: Vec<OwnerCount>,
    /// Whether every asset was looked at; false where there were too many.
    complete: bool,
    /// How fresh it is.
    freshness: Freshness,
}

/// Counts assets by who answers for them; workloads and Services where no filter says otherwise.
pub async fn counts(ctx: &Context<'_>, filter: Option<AssetFilter>) -> Result<OwnerTally, QueryError> {
    let ask = Ask::of(ctx);
    let graph = ask.graph().await;
    let filter = match filter {
        Some(filter) => selection(graph, Some(filter), None).await?.0,
        None => Filter::Kinds(vec![
            Kind::Deployment,
            Kind::StatefulSet,
            Kind::DaemonSet,
            Kind::CronJob,
            Kind::Service,
        ]),
    };
    let found = owner_counts(graph, &ask.book, filter.clone(), MOST_COUNTED).await?;
    let count = |(owner, assets): (String, usize)| OwnerCount {
        owner: Some(owner).filter(|o| !o.is_empty()).map(Owner),
        assets: assets as u64,
    };
    Ok(OwnerTally {
        counts: found.counts.into_iter().map(count).collect(),
        complete: found.whole,
        freshness: freshness_of(ask, &filter),
    })
}
