//! Topology, paths and facets as callers see them.

use super::ask::Ask;
use super::asset::AssetNode;
use super::connection::Count;
use super::edge::Edge;
use super::freshness::Freshness;
use super::reference::Direction;
use crate::query::topology::{Cut, Expand, Place, Topology};
use crate::query::{QueryError, edges, path};
use crate::store::{Facet, Record};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use planisphere_schema::{AssetId, ClusterId, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How far a topology reaches.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "Expand")]
pub struct ExpandInput {
    /// Which way edges are followed.
    #[graphql(default_with = "Direction::Both")]
    direction: Direction,
    /// Over which relations; all where left out.
    relations: Option<Vec<RelationKind>>,
    /// Hops from the nearest root, up to 10.
    #[graphql(default = 2)]
    max_depth: i32,
    /// Assets at the most, the roots included, up to 5000; and four times as many edges.
    #[graphql(default = 500)]
    max_nodes: i32,
    /// Edges of one asset at the most, up to 1000.
    #[graphql(default = 100)]
    max_edges_per_node: i32,
}

impl Default for ExpandInput {
    fn default() -> Self {
        Self {
            direction: Direction::Both,
            relations: None,
            max_depth: 2,
            max_nodes: 500,
            max_edges_per_node: 100,
        }
    }
}

/// How many edges a topology holds for each asset that was asked for.
const EDGES_A_NODE: usize = 4;

/// A bound that was asked for, if it is one.
pub fn within(name: &str, value: i32, least: i32, most: i32) -> Result<usize, QueryError> {
    if !(least..=most).contains(&value) {
        return Err(QueryError::Input(format!(
            "`{name}` is {value}; it may be {least} to {most}"
        )));
    }
    Ok(value as usize)
}

impl ExpandInput {
    /// As the query room wants it.
    pub fn read(self) -> Result<Expand, QueryError> {
        Ok(Expand {
            direction: self.direction.into(),
            relations: self.relations,
            max_depth: within("maxDepth", self.max_depth, 0, 10)?,
            max_nodes: within("maxNodes", self.max_nodes, 1, 5_000)?,
            max_edges_per_node: within("maxEdgesPerNode", self.max_edges_per_node, 1, 1_000)?,
            max_edges: EDGES_A_NODE.saturating_mul(self.max_nodes as usize),
        })
    }
}

/// Why something is missing from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Cut")]
pub enum TruncationReason {
    /// Assets lie further away than was asked for.
    MaxDepth,
    /// There were more assets than were asked for.
    MaxNodes,
    /// An asset has more edges than were asked for.
    MaxEdgesPerNode,
    /// There were more edges between these assets than four for each that was asked for.
    MaxEdges,
    /// The edge names an earlier incarnation of its target, so it leads nowhere.
    StaleReference,
}

/// Something that is missing from an answer.
#[derive(SimpleObject)]
pub struct Truncation {
    /// Why.
    reason: TruncationReason,
    /// At which asset.
    at: ID,
    /// How many edges were not followed there.
    skipped: u64,
}

/// Some assets and the edges between them.
pub struct TopologyAnswer {
    answer: Topology,
    index: HashMap<AssetId, usize>,
}

impl TopologyAnswer {
    /// As callers see it.
    pub fn new(answer: Topology) -> Self {
        let ids = answer.nodes.iter().map(|n| n.record.asset.reference.id());
        let index = ids.enumerate().map(|(i, id)| (id, i)).collect();
        Self { answer, index }
    }
}

/// Some assets and the edges between them.
#[Object(name = "Topology")]
impl TopologyAnswer {
    /// The assets, by their distance from the roots.
    async fn nodes(&self) -> Vec<TopologyNode<'_>> {
        self.answer.nodes.iter().map(TopologyNode).collect()
    }

    /// The edges between them, each once.
    async fn edges(&self) -> Vec<Edge> {
        let record = |id| Some(&self.answer.nodes.get(*self.index.get(id)?)?.record);
        let all = self.answer.links.iter().filter_map(|link| {
            Some(Edge(edges::Edge {
                at: Arc::clone(record(&link.from)?),
                other: Arc::clone(record(&link.to)?),
                link: link.clone(),
            }))
        });
        all.collect()
    }

    /// What is missing; empty where the answer is whole.
    async fn truncation(&self) -> Vec<Truncation> {
        let all = self.answer.truncation.iter().map(|t| Truncation {
            reason: t.reason.into(),
            at: ID(t.at.to_string()),
            skipped: t.skipped as u64,
        });
        all.collect()
    }

    /// How fresh it is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        freshness_of(Ask::of(ctx), self.answer.nodes.iter().map(|n| &n.record))
    }
}

fn freshness_of<'a>(ask: &Ask, records: impl Iterator<Item = &'a Arc<Record>>) -> Freshness {
    let clusters: HashSet<ClusterId> = records.map(|r| r.asset.reference.key().cluster).collect();
    ask.freshness(|_, id| id.is_some_and(|id| clusters.contains(&id)))
}

/// An asset in a topology.
pub struct TopologyNode<'a>(&'a Place);

/// An asset in a topology.
#[Object]
impl TopologyNode<'_> {
    /// The asset.
    async fn asset(&self) -> AssetNode {
        AssetNode::new(Arc::clone(&self.0.record))
    }

    /// Hops from the nearest root.
    async fn depth(&self) -> u32 {
        self.0.depth as u32
    }

    /// The asset that it was reached from; null for a root.
    async fn parent(&self) -> Option<ID> {
        self.0.parent.map(|id| ID(id.to_string()))
    }

    /// Every edge of it that was asked for is in the answer.
    async fn expanded(&self) -> bool {
        self.0.expanded
    }

    /// How many of its edges that were asked for are not in the answer.
    async fn hidden_edges(&self) -> Count {
        Count::of(self.0.hidden)
    }
}

/// How two assets hang together.
pub struct PathAnswer {
    /// Where it starts.
    pub from: Arc<Record>,
    /// Where it should end.
    pub to: Arc<Record>,
    /// What was found.
    pub path: path::Path,
}

/// How two assets hang together.
#[Object(name = "Path")]
impl PathAnswer {
    /// Whether there is a path within the depth that was asked for.
    async fn found(&self) -> bool {
        self.path.found
    }

    /// How many hops it has; null where none was found.
    async fn length(&self) -> Option<u32> {
        self.path.found.then_some(self.path.steps.len() as u32)
    }

    /// The assets along it, both ends included.
    async fn nodes(&self) -> Vec<AssetNode> {
        let start = self.path.found.then(|| Arc::clone(&self.from));
        let rest = self.path.steps.iter().map(|s| Arc::clone(&s.to));
        start.into_iter().chain(rest).map(AssetNode::new).collect()
    }

    /// The edges along it, in order.
    async fn edges(&self) -> Vec<Edge> {
        let all = self.path.steps.iter().map(|step| {
            Edge(edges::Edge {
                link: step.link.clone(),
                at: Arc::clone(&step.at),
                other: Arc::clone(&step.to),
            })
        });
        all.collect()
    }

    /// Not everything was looked at: no path was found, but there may be one; or a shorter one than this.
    async fn truncated(&self) -> bool {
        self.path.truncated
    }

    /// How fresh it is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        let steps = self.path.steps.iter().map(|s| &s.to);
        freshness_of(Ask::of(ctx), [&self.from, &self.to].into_iter().chain(steps))
    }
}

/// What to count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "Facet")]
pub enum FacetName {
    /// The cluster's configured name.
    Cluster,
    /// The kind, with group.
    Kind,
    /// The namespace; empty for what lives in the cluster itself.
    Namespace,
    /// The value of a label; empty where it is absent.
    Label,
}

/// What to count by.
#[derive(Clone, Debug, InputObject)]
pub struct FacetInput {
    /// What.
    by: FacetName,
    /// The label's key, for LABEL.
    label: Option<String>,
}

impl FacetInput {
    /// As the store wants it.
    pub fn read(&self) -> Result<Facet, QueryError> {
        match (self.by, &self.label) {
            (FacetName::Cluster, None) => Ok(Facet::Cluster),
            (FacetName::Kind, None) => Ok(Facet::Kind),
            (FacetName::Namespace, None) => Ok(Facet::Namespace),
            (FacetName::Label, Some(key)) => Ok(Facet::Label(key.clone())),
            (FacetName::Label, None) => Err(QueryError::Input("a LABEL facet needs `label`, its key".into())),
            (_, Some(_)) => Err(QueryError::Input("`label` goes with `by: LABEL` alone".into())),
        }
    }
}

/// How many assets share a value.
#[derive(SimpleObject)]
pub struct FacetBucket {
    /// What is counted by.
    by: FacetName,
    /// The value.
    value: String,
    /// How many assets have it.
    count: u64,
    /// They, by the next facet.
    sub: Vec<FacetBucket>,
}

/// Numbers of assets by their values.
#[derive(SimpleObject)]
pub struct Facets {
    /// By the first facet, each in turn by the next.
    pub buckets: Vec<FacetBucket>,
    /// How fresh they are.
    pub freshness: Freshness,
}

/// Nests rows of values, in order, into buckets.
pub fn nest(by: &[FacetInput], rows: &[(Vec<String>, usize)], level: usize) -> Vec<FacetBucket> {
    let Some(facet) = by.get(level) else {
        return Vec::new();
    };
    let value = |row: &(Vec<String>, usize)| row.0.get(level).cloned().unwrap_or_default();
    let groups = rows.chunk_by(|a, b| value(a) == value(b));
    groups
        .map(|group| FacetBucket {
            by: facet.by,
            value: group.first().map(value).unwrap_or_default(),
            count: group.iter().map(|(_, count)| *count as u64).sum(),
            sub: nest(by, group, level + 1),
        })
        .collect()
}
