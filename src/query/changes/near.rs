//! What was near an asset at any time in a window: reached over the edges that there were when it began, and those that
//! came to be in it, so that what came and went between is found too.

use crate::query::window::Window;
use crate::query::{QueryError, breathe};
use crate::store::{ChangeEntry, ChangeQuery, Direction, Link, NeighbourQuery, Snapshot, Store};
use planisphere_schema::{AssetId, ClusterId, RelationKind};
use std::collections::{HashMap, HashSet};

/// Assets that are near one.
const MOST_ASSETS: usize = 2_000;
/// Edges of one asset that are followed.
const MOST_EDGES: usize = 1_000;
/// Entries of the log that are looked at for edges that came to be.
const MOST_READ: usize = 20_000;
const CHUNK: usize = 1_000;

/// What counts as near.
#[derive(Clone, Debug)]
pub struct Near {
    /// What.
    pub asset: AssetId,
    /// Its cluster.
    pub cluster: ClusterId,
    /// Hops at the most.
    pub hops: usize,
    /// Over which relations; none means all.
    pub relations: Option<Vec<RelationKind>>,
}

/// The assets that were near.
#[derive(Clone, Debug)]
pub struct Nearby {
    /// The cluster in which they are.
    pub(super) cluster: ClusterId,
    distances: HashMap<AssetId, usize>,
    /// Not all that was near is known: there was too much of it, or of what happened.
    pub truncated: bool,
}

impl Nearby {
    /// Hops to an asset; none where it was not near.
    pub fn distance(&self, id: AssetId) -> Option<usize> {
        self.distances.get(&id).copied()
    }

    pub(super) fn ids(&self) -> Vec<AssetId> {
        let mut ids: Vec<AssetId> = self.distances.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}

/// What was near an asset in a window.
///
/// # Errors
/// When the store fails, or history went away meanwhile.
pub async fn nearby(store: &dyn Store, window: Window, near: &Near) -> Result<Nearby, QueryError> {
    let then = store.snapshot_at(window.from_ms).await?;
    let (came, whole) = came_to_be(store, window, near).await?;
    let mut answer = Nearby {
        cluster: near.cluster,
        distances: HashMap::from([(near.asset, 0)]),
        truncated: !whole,
    };
    // Where the log is too long to look through, the other end of the window tells of what is still there.
    let mut graphs = vec![then];
    if !whole {
        graphs.push(store.snapshot_at(window.to_ms - 1).await?);
    }
    let mut level = vec![near.asset];
    for distance in 1..=near.hops {
        let mut found: HashSet<AssetId> = level
            .iter()
            .filter_map(|id| came.get(id))
            .flatten()
            .copied()
            .collect();
        for graph in &graphs {
            found.extend(around(&**graph, near, &level, &mut answer.truncated).await?);
        }
        level = found
            .into_iter()
            .filter(|id| !answer.distances.contains_key(id))
            .collect();
        level.sort_unstable();
        let room = MOST_ASSETS.saturating_sub(answer.distances.len());
        answer.truncated |= level.len() > room;
        level.truncate(room);
        answer.distances.extend(level.iter().map(|id| (*id, distance)));
    }
    Ok(answer)
}

async fn around(
    graph: &dyn Snapshot,
    near: &Near,
    ids: &[AssetId],
    truncated: &mut bool,
) -> Result<Vec<AssetId>, QueryError> {
    let mut found = Vec::new();
    for ids in ids.chunks(100) {
        breathe().await;
        let query = NeighbourQuery {
            ids,
            direction: Direction::Both,
            relations: near.relations.as_deref(),
            limit: MOST_EDGES,
            after: None,
        };
        for neighbours in graph.neighbours(&query).await? {
            *truncated |= neighbours.total > neighbours.links.len();
            found.extend(neighbours.links.iter().flat_map(ends));
        }
    }
    Ok(found)
}

/// What an edge leads to, and who says so: a slice is one hop from what it leads a Service to.
fn ends(link: &Link) -> [AssetId; 3] {
    [link.from, link.to, link.declared_by]
}

/// Who got edges to whom in the window, and whether all of it was looked at.
async fn came_to_be(
    store: &dyn Store,
    window: Window,
    near: &Near,
) -> Result<(HashMap<AssetId, Vec<AssetId>>, bool), QueryError> {
    let mut came: HashMap<AssetId, Vec<AssetId>> = HashMap::new();
    let (mut resume, mut read) = (None, 0);
    loop {
        breathe().await;
        let page = store
            .changes(&ChangeQuery {
                cluster: near.cluster,
                after: window.after(),
                until: window.until(),
                subjects: None,
                newest_first: false,
                resume,
                limit: CHUNK,
            })
            .await?;
        let wanted = |link: &&Link| {
            let relations = near.relations.as_ref();
            relations.is_none_or(|r| r.contains(&link.relation))
        };
        for link in page.entries.iter().flat_map(|e| &e.started).filter(wanted) {
            for one in ends(link) {
                came.entry(one).or_default().extend(ends(link));
            }
        }
        read += page.entries.len();
        resume = page.entries.last().map(ChangeEntry::position);
        if !page.more {
            return Ok((came, true));
        }
        if read >= MOST_READ {
            return Ok((came, false));
        }
    }
}
