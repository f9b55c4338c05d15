//! What surrounds some assets: breadth-first from all roots at once, one store call a hop (more
//! where a hop is very wide), within a budget; what the
//! budget cut off is said.

use super::{QueryError, edges, records};
use crate::store::{Direction, Link, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{AssetId, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How far to go.
#[derive(Clone, Debug)]
pub struct Expand {
    /// In which direction.
    pub direction: Direction,
    /// Over which relations; none means all.
    pub relations: Option<Vec<RelationKind>>,
    /// How many hops from the nearest root.
    pub max_depth: usize,
    /// How many assets, the roots included.
    pub max_nodes: usize,
    /// How many edges of one asset.
    pub max_edges_per_node: usize,
    /// How many edges in all.
    pub max_edges: usize,
}

/// Why something is missing from a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cut {
    /// Assets lie further away than was asked for.
    MaxDepth,
    /// There were more assets than were asked for.
    MaxNodes,
    /// An asset has more edges than were asked for.
    MaxEdgesPerNode,
    /// There were more edges between these assets than an answer holds.
    MaxEdges,
    /// The edge names an earlier incarnation of its target, so it leads nowhere.
    StaleReference,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Why.
    pub reason: Cut,
    /// At which asset.
    pub at: AssetId,
    /// How many edges were not followed there.
    pub skipped: usize,
}

/// An asset in a topology.
#[derive(Clone, Debug)]
pub struct Place {
    /// The asset.
    pub record: Arc<Record>,
    /// Hops from the nearest root.
    pub depth: usize,
    /// The asset that it was reached from; none for a root.
    pub parent: Option<AssetId>,
    /// Every edge of it that was asked for is in the answer.
    pub expanded: bool,
    /// How many are not.
    pub hidden: usize,
}

/// Some assets and the edges between them.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// The assets, by depth, in the order of discovery.
    pub nodes: Vec<Place>,
    /// The edges between them, each once.
    pub links: Vec<Link>,
    /// What is missing.
    pub truncation: Vec<Truncation>,
}

struct Expansion<'a> {
    expand: &'a Expand,
    answer: Topology,
    index: HashMap<AssetId, usize>,
    drawn: HashSet<(AssetId, RelationKind, AssetId, AssetId)>,
}

/// The surroundings of `roots`.
///
/// # Errors
/// When the store fails.
pub async fn topology(
    snapshot: &dyn Snapshot,
    roots: Vec<Arc<Record>>,
    expand: &Expand,
) -> Result<Topology, QueryError> {
    let mut state = Expansion {
        expand,
        answer: Topology::default(),
        index: HashMap::new(),
        drawn: HashSet::new(),
    };
    for root in roots {
        if state.answer.nodes.len() < expand.max_nodes {
            state.place(root, 0, None);
        }
    }
    let mut level: Vec<AssetId> = state.answer.nodes.iter().map(|n| id_of(&n.record)).collect();
    // The last turn follows nothing new: it draws the edges inside the answer and counts those that lead out.
    for depth in 0..=expand.max_depth {
        if level.is_empty() {
            break;
        }
        let mut next = Vec::new();
        for ids in super::calls(&level, expand.max_edges_per_node) {
            next.extend(state.hop(snapshot, ids, depth).await?);
        }
        level = next;
    }
    Ok(state.answer)
}

impl Expansion<'_> {
    /// Takes the edges at some assets of one depth in; returns the assets that are new.
    async fn hop(
        &mut self,
        snapshot: &dyn Snapshot,
        ids: &[AssetId],
        depth: usize,
    ) -> Result<Vec<AssetId>, QueryError> {
        let found = snapshot
            .neighbours(&NeighbourQuery {
                ids,
                direction: self.expand.direction,
                relations: self.expand.relations.as_deref(),
                limit: self.expand.max_edges_per_node,
                after: None,
            })
            .await?;
        let mut unseen: Vec<AssetId> = Vec::new();
        let mut once = HashSet::new();
        for (at, neighbours) in ids.iter().zip(&found) {
            let others = neighbours.links.iter().map(|l| edges::other_end(l, *at));
            unseen.extend(others.filter(|id| !self.index.contains_key(id) && once.insert(*id)));
        }
        let others = records(snapshot, &unseen).await?;
        let others: HashMap<AssetId, Arc<Record>> = unseen.into_iter().zip(others).collect();
        let mut new = Vec::new();
        for (at, neighbours) in ids.iter().zip(found) {
            let over = neighbours.total.saturating_sub(neighbours.links.len());
            self.cut(*at, Cut::MaxEdgesPerNode, over);
            new.extend(self.follow(*at, neighbours.links, &others, depth));
        }
        Ok(new)
    }

    /// Takes the edges at one asset in; returns the assets that are new.
    fn follow(
        &mut self,
        at: AssetId,
        links: Vec<Link>,
        others: &HashMap<AssetId, Arc<Record>>,
        depth: usize,
    ) -> Vec<AssetId> {
        let mut new = Vec::new();
        let (mut stale, mut too_deep, mut too_many, mut crowded) = (0, 0, 0, 0);
        for link in links {
            let other = edges::other_end(&link, at);
            let Some(target) = self.record(link.to, others) else {
                continue;
            };
            if edges::is_stale(&link, &target) {
                stale += 1;
                continue;
            }
            if !self.index.contains_key(&other) {
                if depth == self.expand.max_depth {
                    too_deep += 1;
                    continue;
                }
                if self.answer.nodes.len() >= self.expand.max_nodes {
                    too_many += 1;
                    continue;
                }
                if let Some(record) = others.get(&other) {
                    self.place(Arc::clone(record), depth + 1, Some(at));
                    new.push(other);
                }
            }
            let edge = (link.from, link.relation, link.to, link.declared_by);
            if self.drawn.contains(&edge) {
                continue;
            }
            if self.answer.links.len() >= self.expand.max_edges {
                crowded += 1;
                continue;
            }
            self.drawn.insert(edge);
            self.answer.links.push(link);
        }
        self.cut(at, Cut::MaxEdges, crowded);
        self.cut(at, Cut::StaleReference, stale);
        self.cut(at, Cut::MaxDepth, too_deep);
        self.cut(at, Cut::MaxNodes, too_many);
        new
    }

    fn place(&mut self, record: Arc<Record>, depth: usize, parent: Option<AssetId>) {
        let id = id_of(&record);
        if self.index.contains_key(&id) {
            return;
        }
        self.index.insert(id, self.answer.nodes.len());
        self.answer.nodes.push(Place {
            record,
            depth,
            parent,
            expanded: true,
            hidden: 0,
        });
    }

    fn record(&self, id: AssetId, others: &HashMap<AssetId, Arc<Record>>) -> Option<Arc<Record>> {
        let placed = self.index.get(&id).map(|i| &self.answer.nodes[*i].record);
        placed.or_else(|| others.get(&id)).map(Arc::clone)
    }

    fn cut(&mut self, at: AssetId, reason: Cut, skipped: usize) {
        if skipped == 0 {
            return;
        }
        if let Some(index) = self.index.get(&at) {
            let node = &mut self.answer.nodes[*index];
            node.expanded = false;
            node.hidden += skipped;
        }
        self.answer.truncation.push(Truncation { reason, at, skipped });
    }
}

fn id_of(record: &Record) -> AssetId {
    record.asset.reference.id()
}
