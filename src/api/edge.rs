//! Edges as callers see them, and the pages of them at an asset.

use super::ask::Ask;
use super::asset::AssetNode;
use super::connection::{Count, PageInfo};
use super::cursor::Question;
use super::freshness::Freshness;
use super::reference::Direction;
use crate::query::{QueryError, edges};
use crate::store::{self, EdgePosition, NeighbourQuery, Record};
use async_graphql::{Context, Object, SimpleObject};
use planisphere_schema::{AssetId, Detail, RelationKind, Time};
use std::sync::Arc;

/// An edge.
pub struct Edge(pub edges::Edge);

/// One asset stands in a relation to another.
#[Object]
impl Edge {
    /// What it means.
    async fn relation(&self) -> RelationKind {
        self.0.link.relation
    }

    /// Where it starts.
    async fn source(&self) -> AssetNode {
        AssetNode::new(Arc::clone(self.0.source()))
    }

    /// Where it ends.
    async fn target(&self) -> AssetNode {
        AssetNode::new(Arc::clone(self.0.target()))
    }

    /// The asset whose observation says so; when it goes, the edge goes.
    async fn declared_by(&self, ctx: &Context<'_>) -> Result<AssetNode, QueryError> {
        let id = self.0.link.declared_by;
        let near = [&self.0.at, &self.0.other];
        if let Some(record) = near.into_iter().find(|r| r.asset.reference.id() == id) {
            return Ok(AssetNode::new(Arc::clone(record)));
        }
        Ask::of(ctx).record(id).await.map(AssetNode::new)
    }

    /// When it came to be as it is.
    async fn since(&self) -> Time {
        self.0.link.since.time()
    }

    /// It names an earlier incarnation of its target: another object stands under that name now.
    async fn stale(&self) -> bool {
        self.0.is_stale()
    }

    /// What it says beyond its ends.
    async fn detail(&self) -> Detail {
        self.0.link.detail.clone()
    }
}

/// An edge at an asset, with its place in the page.
#[derive(SimpleObject)]
pub struct RelationEdge {
    #[graphql(flatten)]
    edge: Edge,
    /// Its place: give it as `after`.
    cursor: String,
    /// The asset at its other end.
    node: AssetNode,
    /// Which way it points, seen from the asset that it was asked of.
    direction: Direction,
}

/// A page of the edges at an asset.
pub struct EdgeConnection {
    at: Arc<Record>,
    direction: store::Direction,
    relations: Option<Vec<RelationKind>>,
    page: edges::EdgePage,
    first_page: bool,
    question: Question,
}

impl EdgeConnection {
    /// The page of the edges at `at`.
    pub async fn read(
        ask: &Ask,
        at: &Arc<Record>,
        direction: store::Direction,
        relations: Option<Vec<RelationKind>>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self, QueryError> {
        let id = at.asset.reference.id();
        let question = ask.question(&("edges", id, direction, &relations));
        let place: Option<(String, AssetId, AssetId, bool)> = question.position("after", after)?;
        let position = place.and_then(|(relation, other, declared_by, incoming)| {
            Some(EdgePosition {
                relation: RelationKind::parse(&relation)?,
                other,
                declared_by,
                incoming,
            })
        });
        let query = edges::EdgesOf {
            direction,
            relations,
            limit: ask.page(first)?,
            after: position,
        };
        let page = edges::edges_of(ask.graph().await, at, &query).await?;
        Ok(Self {
            at: Arc::clone(at),
            direction,
            relations: query.relations,
            page,
            first_page: position.is_none(),
            question,
        })
    }

    fn cursor(&self, edge: &edges::Edge) -> String {
        let place = edge.link.position(self.at.asset.reference.id());
        self.question.cursor(&(
            place.relation.name(),
            place.other,
            place.declared_by,
            place.incoming,
        ))
    }
}

/// A page of the edges at an asset.
#[Object]
impl EdgeConnection {
    /// The edges.
    async fn edges(&self) -> Vec<RelationEdge> {
        let all = self.page.edges.iter().map(|edge| RelationEdge {
            cursor: self.cursor(edge),
            node: AssetNode::new(Arc::clone(&edge.other)),
            direction: if edge.is_incoming() {
                Direction::In
            } else {
                Direction::Out
            },
            edge: Edge(edge.clone()),
        });
        all.collect()
    }

    /// The assets at the other ends, one for each edge.
    async fn nodes(&self) -> Vec<AssetNode> {
        self.page
            .edges
            .iter()
            .map(|e| AssetNode::new(Arc::clone(&e.other)))
            .collect()
    }

    /// Where the page ends.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.total > self.page.edges.len(),
            end_cursor: self.page.edges.last().map(|e| self.cursor(e)),
        }
    }

    /// How many edges there are on all pages.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Count, QueryError> {
        if self.first_page {
            return Ok(Count::of(self.page.total));
        }
        let id = [self.at.asset.reference.id()];
        let query = NeighbourQuery {
            ids: &id,
            direction: self.direction,
            relations: self.relations.as_deref(),
            limit: 0,
            after: None,
        };
        let found = Ask::of(ctx).graph().await.neighbours(&query).await?;
        Ok(Count::of(found.first().map_or(0, |n| n.total)))
    }

    /// How fresh the page is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        Ask::of(ctx).freshness_at(&self.at)
    }
}
