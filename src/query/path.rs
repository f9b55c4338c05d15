//! How two assets hang together: a shortest path, searched breadth-first from both ends, one store call a hop.

use super::{QueryError, edges, records};
use crate::store::{Direction, Link, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{AssetId, RelationKind};
use std::collections::HashMap;
use std::sync::Arc;

/// Which paths.
#[derive(Clone, Debug)]
pub struct PathQuery {
    /// Which way the edges are walked, seen from the start.
    pub direction: Direction,
    /// Over which relations; none means all.
    pub relations: Option<Vec<RelationKind>>,
    /// How many hops at the most.
    pub max_depth: usize,
    /// How many assets are looked at before the search gives up.
    pub max_visited: usize,
    /// How many edges of one asset are looked at.
    pub max_edges_per_node: usize,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// The edge that is walked; one of those between these two assets.
    pub link: Link,
    /// The asset that the step starts at.
    pub at: Arc<Record>,
    /// The asset that it leads to.
    pub to: Arc<Record>,
}

/// What the search found.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// Whether there is a path.
    pub found: bool,
    /// Its steps; none where both ends are the same asset.
    pub steps: Vec<Step>,
    /// The budget ended the search or cut edges off: without a path that proves nothing, with one there may be a
    /// shorter one.
    pub truncated: bool,
}

/// One of the two searches: by asset, the edge that it was reached over and its depth.
struct Search {
    direction: Direction,
    reached: HashMap<AssetId, (Option<Link>, usize)>,
    level: Vec<AssetId>,
    depth: usize,
}

impl Search {
    fn from(id: AssetId, direction: Direction) -> Self {
        Self {
            direction,
            reached: HashMap::from([(id, (None, 0))]),
            level: vec![id],
            depth: 0,
        }
    }

    async fn hop(&mut self, snapshot: &dyn Snapshot, query: &PathQuery) -> Result<bool, QueryError> {
        let level = std::mem::take(&mut self.level);
        let mut truncated = false;
        self.depth += 1;
        for ids in super::calls(&level, query.max_edges_per_node) {
            if self.reached.len() > query.max_visited {
                return Ok(true);
            }
            let found = snapshot
                .neighbours(&NeighbourQuery {
                    ids,
                    direction: self.direction,
                    relations: query.relations.as_deref(),
                    limit: query.max_edges_per_node,
                    after: None,
                })
                .await?;
            let mut steps: Vec<(AssetId, Link)> = Vec::new();
            for (at, neighbours) in ids.iter().zip(found) {
                truncated |= neighbours.total > neighbours.links.len();
                let other = |link: &Link| edges::other_end(link, *at);
                let new = neighbours
                    .links
                    .into_iter()
                    .filter(|l| !self.reached.contains_key(&other(l)));
                steps.extend(new.map(|link| (other(&link), link)));
            }
            self.take(snapshot, steps).await?;
        }
        Ok(truncated)
    }

    /// Takes in what one step further reaches.
    async fn take(&mut self, snapshot: &dyn Snapshot, steps: Vec<(AssetId, Link)>) -> Result<(), QueryError> {
        // Only edges that name a uid can be stale.
        let named: Vec<AssetId> = steps
            .iter()
            .filter(|(_, l)| l.detail.uid.is_some())
            .map(|(_, l)| l.to)
            .collect();
        let targets: HashMap<AssetId, Arc<Record>> = named
            .iter()
            .copied()
            .zip(records(snapshot, &named).await?)
            .collect();
        for (other, link) in steps {
            let stale = targets.get(&link.to).is_some_and(|t| edges::is_stale(&link, t));
            if !stale && !self.reached.contains_key(&other) {
                self.reached.insert(other, (Some(link), self.depth));
                self.level.push(other);
            }
        }
        Ok(())
    }

    /// The edges from `id` back to where the search started.
    fn trace(&self, mut id: AssetId) -> Vec<(AssetId, Link)> {
        let mut steps = Vec::new();
        while let Some((Some(link), _)) = self.reached.get(&id) {
            steps.push((id, link.clone()));
            id = edges::other_end(link, id);
        }
        steps
    }
}

/// A shortest path from one asset to another.
///
/// # Errors
/// When the store fails.
pub async fn path(
    snapshot: &dyn Snapshot,
    from: &Arc<Record>,
    to: &Arc<Record>,
    query: &PathQuery,
) -> Result<Path, QueryError> {
    let (start, end) = (from.asset.reference.id(), to.asset.reference.id());
    let back = match query.direction {
        Direction::Out => Direction::In,
        Direction::In => Direction::Out,
        Direction::Both => Direction::Both,
    };
    let mut forward = Search::from(start, query.direction);
    let mut backward = Search::from(end, back);
    let mut truncated = false;
    loop {
        if let Some(meeting) = meeting(&forward, &backward) {
            let mut ids: Vec<(AssetId, Link)> = forward.trace(meeting);
            ids.reverse();
            // Steps of the backward search lead to the asset that each was reached from.
            ids.extend(backward.trace(meeting).into_iter().map(|(id, link)| {
                let next = edges::other_end(&link, id);
                (next, link)
            }));
            return Ok(Path {
                found: true,
                steps: steps(snapshot, from, ids).await?,
                truncated,
            });
        }
        let depth = forward.depth + backward.depth;
        if depth >= query.max_depth || forward.level.is_empty() || backward.level.is_empty() {
            break;
        }
        if forward.reached.len() + backward.reached.len() > query.max_visited {
            truncated = true;
            break;
        }
        let smaller = if forward.level.len() <= backward.level.len() {
            &mut forward
        } else {
            &mut backward
        };
        truncated |= smaller.hop(snapshot, query).await?;
    }
    Ok(Path {
        truncated,
        ..Path::default()
    })
}

/// Where the two searches meet with the fewest hops.
fn meeting(forward: &Search, backward: &Search) -> Option<AssetId> {
    let (small, large) = if forward.reached.len() <= backward.reached.len() {
        (forward, backward)
    } else {
        (backward, forward)
    };
    let both = small
        .reached
        .iter()
        .filter_map(|(id, (_, depth))| Some((depth + large.reached.get(id)?.1, *id)));
    both.min().map(|(_, id)| id)
}

async fn steps(
    snapshot: &dyn Snapshot,
    from: &Arc<Record>,
    ids: Vec<(AssetId, Link)>,
) -> Result<Vec<Step>, QueryError> {
    let to: Vec<AssetId> = ids.iter().map(|(id, _)| *id).collect();
    let to = records(snapshot, &to).await?;
    let mut at = Arc::clone(from);
    let mut steps = Vec::with_capacity(ids.len());
    for ((_, link), to) in ids.into_iter().zip(to) {
        let next = Arc::clone(&to);
        steps.push(Step { link, at, to });
        at = next;
    }
    Ok(steps)
}
