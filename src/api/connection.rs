//! Pages: what all connections share, and the connection of assets.

use super::ask::Ask;
use super::asset::AssetNode;
use super::cursor::Question;
use super::freshness::Freshness;
use crate::query::QueryError;
use crate::store::{Filter, ListQuery, Page, Text};
use async_graphql::{Context, Object, Result, SimpleObject};
use std::sync::Arc;

/// Where a page ends.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct PageInfo {
    /// Whether there is more after this page.
    pub has_next_page: bool,
    /// Where the next page goes on: give it as `after`. Null on an empty page.
    pub end_cursor: Option<String>,
}

/// A number of things.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Count {
    /// How many.
    pub value: u64,
    /// Whether that is all; false where counting stopped.
    pub exact: bool,
}

impl Count {
    /// A number that is known.
    pub fn of(value: usize) -> Self {
        Self {
            value: value as u64,
            exact: true,
        }
    }
}

/// A page of assets.
pub struct AssetConnection {
    query: ListQuery,
    page: Page,
    question: Question,
}

/// An asset in a page.
#[derive(SimpleObject)]
pub struct AssetEdge {
    /// Its place: give it as `after`.
    cursor: String,
    /// The asset.
    node: AssetNode,
}

impl AssetConnection {
    /// The page that `query` asks for.
    pub async fn read(
        ctx: &Context<'_>,
        mut query: ListQuery,
        after: Option<&str>,
    ) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let question = ask.question(&(&query.filter, query.presence, query.order));
        query.after = question.position("after", after)?;
        let page = ask.graph().await.list(&query).await?;
        Ok(Self {
            query,
            page,
            question,
        })
    }

    fn cursor(&self, record: &crate::store::Record) -> String {
        self.question.cursor(&self.query.order.position(record))
    }
}

/// A page of assets.
#[Object]
impl AssetConnection {
    /// The assets with their places.
    async fn edges(&self) -> Vec<AssetEdge> {
        let all = self.page.records.iter().map(|r| AssetEdge {
            cursor: self.cursor(r),
            node: AssetNode::new(Arc::clone(r)),
        });
        all.collect()
    }

    /// The assets.
    async fn nodes(&self) -> Vec<AssetNode> {
        self.page
            .records
            .iter()
            .map(|r| AssetNode::new(Arc::clone(r)))
            .collect()
    }

    /// Where the page ends.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.more,
            end_cursor: self.page.records.last().map(|r| self.cursor(r)),
        }
    }

    /// How many assets pass the filter, on all pages. Worked out only where asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Count, QueryError> {
        let ask = Ask::of(ctx);
        let cap = ask.limits.count;
        let graph = ask.graph().await;
        let value = graph.count(&self.query.filter, self.query.presence, cap).await?;
        Ok(Count {
            value: value.min(cap) as u64,
            exact: value < cap,
        })
    }

    /// How fresh the page is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        freshness_of(Ask::of(ctx), &self.query.filter)
    }
}

/// The freshness of an answer that a filter selects: where it names clusters, of those alone.
pub fn freshness_of(ask: &Ask, filter: &Filter) -> Freshness {
    ask.freshness(|name, id| {
        let id = id.map(|id| id.to_string());
        admits(filter, &|text| {
            text.matches(Some(name)) || id.as_deref().is_some_and(|id| text.matches(Some(id)))
        })
    })
}

fn admits(filter: &Filter, matches: &dyn Fn(&Text) -> bool) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|f| admits(f, matches)),
        Filter::Or(any) => any.is_empty() || any.iter().any(|f| admits(f, matches)),
        Filter::Cluster(text) => matches(text),
        _ => true,
    }
}
