//! The edges at an asset, with both of their ends; and which of them speak of an earlier incarnation of their target.

use super::{QueryError, records};
use crate::store::{Direction, EdgePosition, Link, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{AssetId, RelationKind};
use std::sync::Arc;
use uuid::Uuid;

/// An edge with its ends.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The edge.
    pub link: Link,
    /// The asset that it was found at.
    pub at: Arc<Record>,
    /// The asset at its other end.
    pub other: Arc<Record>,
}

impl Edge {
    /// Where it starts.
    pub fn source(&self) -> &Arc<Record> {
        if self.is_incoming() { &self.other } else { &self.at }
    }

    /// Where it ends.
    pub fn target(&self) -> &Arc<Record> {
        if self.is_incoming() { &self.at } else { &self.other }
    }

    /// Whether it ends at the asset that it was found at.
    pub fn is_incoming(&self) -> bool {
        self.link.from != self.at.asset.reference.id()
    }

    /// See [`is_stale`].
    pub fn is_stale(&self) -> bool {
        is_stale(&self.link, self.target())
    }
}

/// Whether an edge names its target's uid, and an object of another uid stands there now: owner references, claim
/// references and endpoints mean the incarnation that they name, not its successor. A target that is gone is
/// dangling, not stale.
pub fn is_stale(link: &Link, target: &Record) -> bool {
    let Some(named) = link.detail.uid.as_deref().filter(|uid| !uid.is_empty()) else {
        return false;
    };
    if target.stub || target.asset.uid.is_nil() {
        return false;
    }
    Uuid::parse_str(named) != Ok(target.asset.uid)
}

/// A page of the edges at one asset.
#[derive(Clone, Debug, Default)]
pub struct EdgePage {
    /// The edges, in the store's order.
    pub edges: Vec<Edge>,
    /// How many there are from the page's first on.
    pub total: usize,
}

/// Which edges of an asset.
#[derive(Clone, Debug)]
pub struct EdgesOf {
    /// In which direction.
    pub direction: Direction,
    /// Which relations; none means all.
    pub relations: Option<Vec<RelationKind>>,
    /// How many at the most.
    pub limit: usize,
    /// After this one.
    pub after: Option<EdgePosition>,
}

/// The edges at an asset.
///
/// # Errors
/// When the store fails.
pub async fn edges_of(
    snapshot: &dyn Snapshot,
    at: &Arc<Record>,
    query: &EdgesOf,
) -> Result<EdgePage, QueryError> {
    let id = at.asset.reference.id();
    let mut found = snapshot
        .neighbours(&NeighbourQuery {
            ids: &[id],
            direction: query.direction,
            relations: query.relations.as_deref(),
            limit: query.limit,
            after: query.after,
        })
        .await?;
    let neighbours = found.pop().unwrap_or_default();
    let others: Vec<AssetId> = neighbours.links.iter().map(|l| other_end(l, id)).collect();
    let others = records(snapshot, &others).await?;
    let edges = neighbours
        .links
        .into_iter()
        .zip(others)
        .map(|(link, other)| Edge {
            link,
            at: Arc::clone(at),
            other,
        })
        .collect();
    Ok(EdgePage {
        edges,
        total: neighbours.total,
    })
}

/// Every edge of one relation at an asset, page by page, up to `limit`; and how many more there are.
///
/// # Errors
/// When the store fails.
pub async fn all_edges(
    snapshot: &dyn Snapshot,
    at: &Arc<Record>,
    direction: Direction,
    relation: RelationKind,
    limit: usize,
) -> Result<EdgePage, QueryError> {
    const PAGE: usize = 1_000;
    let mut query = EdgesOf {
        direction,
        relations: Some(vec![relation]),
        limit: PAGE.min(limit),
        after: None,
    };
    let mut all = EdgePage::default();
    loop {
        let page = edges_of(snapshot, at, &query).await?;
        let rest = page.total.saturating_sub(page.edges.len());
        let got = !page.edges.is_empty();
        all.edges.extend(page.edges);
        all.total = all.edges.len() + rest;
        let Some(last) = all
            .edges
            .last()
            .filter(|_| got && rest > 0 && all.edges.len() < limit)
        else {
            return Ok(all);
        };
        query.after = Some(last.link.position(at.asset.reference.id()));
        query.limit = PAGE.min(limit - all.edges.len());
    }
}

/// The end of an edge that is not `at`.
pub fn other_end(link: &Link, at: AssetId) -> AssetId {
    if link.from == at { link.to } else { link.from }
}
