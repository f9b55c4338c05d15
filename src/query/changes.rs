//! What changed in a window, newest first: the logs of all clusters in one order, filtered, page by page. A page stops
//! after it has looked at a bounded number of entries, and says where it goes on.

mod near;
mod wanted;

pub use near::{Near, Nearby, nearby};
pub use wanted::Wanted;
pub(super) use wanted::subjects;

use super::window::Window;
use super::{QueryError, breathe};
use crate::store::{ChangeEntry, ChangePosition, ChangeQuery, Link, Record, Snapshot, Store};
use planisphere_schema::revision::{FieldChange, diff};
use planisphere_schema::{Asset, AssetId, AssetRef, ClusterId, Version};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Entries that one page looks at.
const MOST_READ: usize = 20_000;
/// Entries that are read of one cluster at a time, at the most.
const CHUNK: usize = 500;

/// The place of a change among those of all clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Place {
    version: Version,
    cluster: ClusterId,
    subject: Option<AssetId>,
}

impl Place {
    /// When it happened, in Unix ms.
    pub fn unix_ms(&self) -> i64 {
        self.version.unix_ms()
    }
}

/// One change, as it is told.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the store keeps of it.
    pub entry: ChangeEntry,
    /// The asset in the state that began; of a deletion, in the one that ended.
    pub asset: Arc<Record>,
    /// The fields that differ; none for a creation or deletion.
    pub fields: Vec<FieldChange>,
    /// Another object stands under the name than before.
    pub incarnation: bool,
    /// Hops from the asset that is asked about, where one is.
    pub distance: Option<usize>,
}

impl Change {
    /// Its place among those of all clusters.
    pub fn place(&self) -> Place {
        place(&self.entry)
    }

    /// The uid of the incarnation that it is about.
    pub fn uid(&self) -> Option<Uuid> {
        let state = self.entry.after.as_ref().or(self.entry.before.as_ref());
        let uid = state.map_or(self.asset.asset.uid, |a| a.uid);
        (!uid.is_nil()).then_some(uid)
    }
}

fn place(entry: &ChangeEntry) -> Place {
    Place {
        version: entry.version,
        cluster: entry.subject.key().cluster,
        subject: Some(entry.subject.id()),
    }
}

/// A page of changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The changes, newest first.
    pub changes: Vec<Change>,
    /// Where the next page goes on; none where there is no more.
    pub next: Option<Place>,
    /// Entries that were looked at.
    pub looked_at: usize,
}

/// A page of the changes in a window.
///
/// # Errors
/// When the store fails, or history went away meanwhile.
pub async fn changes(
    store: &dyn Store,
    graph: &dyn Snapshot,
    window: Window,
    wanted: &Wanted,
    after: Option<Place>,
    limit: usize,
) -> Result<Changes, QueryError> {
    let mut logs = Logs::new(store, graph, window, wanted, after);
    logs.chunk = limit.saturating_mul(2).clamp(20, CHUNK);
    let mut answer = Changes::default();
    let mut last = after;
    while let Some(entries) = logs.next().await? {
        breathe().await;
        let states = states(graph, &entries).await?;
        for entry in entries {
            if answer.changes.len() == limit {
                answer.next = last;
                return Ok(answer);
            }
            last = Some(place(&entry));
            answer.looked_at += 1;
            let id = entry.subject.id();
            let told = tell(graph, entry, states.get(&id), wanted);
            answer.changes.extend(told.filter(|change| wanted.holds(change)));
        }
        if answer.looked_at >= MOST_READ {
            answer.next = last;
            return Ok(answer);
        }
    }
    Ok(answer)
}

/// The assets of entries that speak of edges alone, as the graph has them now.
pub(super) async fn states(
    graph: &dyn Snapshot,
    entries: &[ChangeEntry],
) -> Result<HashMap<AssetId, Arc<Record>>, QueryError> {
    let bare = entries.iter().filter(|e| e.op.is_none());
    let ids: HashSet<AssetId> = bare.map(|e| e.subject.id()).collect();
    let ids: Vec<AssetId> = ids.into_iter().collect();
    let found = graph.get(&ids).await?;
    Ok(ids
        .into_iter()
        .zip(found)
        .filter_map(|(id, r)| Some((id, r?)))
        .collect())
}

/// An entry of the log with what it means; none where what is asked for is near an asset, and it is not.
pub(super) fn tell(
    graph: &dyn Snapshot,
    entry: ChangeEntry,
    now: Option<&Arc<Record>>,
    wanted: &Wanted,
) -> Option<Change> {
    let state = entry.after.as_ref().or(entry.before.as_ref());
    let asset = match (state, now) {
        (Some(state), _) => record(graph, state.clone(), entry.version, false),
        (None, Some(now)) => Arc::clone(now),
        (None, None) => record(graph, Asset::named(entry.subject.clone()), entry.version, true),
    };
    let (fields, incarnation) = match (&entry.before, &entry.after) {
        (Some(before), Some(after)) => (diff(before, after), before.uid != after.uid),
        (None, Some(_)) => (Vec::new(), true),
        _ => (Vec::new(), false),
    };
    let distance = match &wanted.near {
        Some(near) => Some(near.distance(entry.subject.id())?),
        None => None,
    };
    Some(Change {
        entry,
        asset,
        fields,
        incarnation,
        distance,
    })
}

/// A state from the log as the graph would give it.
pub fn record(graph: &dyn Snapshot, asset: Asset, since: Version, stub: bool) -> Arc<Record> {
    let cluster = asset.reference.key().cluster;
    let named = graph.clusters().iter().find(|c| c.cluster.id == cluster);
    let name = named.map_or_else(|| cluster.to_string(), |c| c.cluster.name.clone());
    Arc::new(Record {
        asset,
        cluster_name: name.into(),
        since,
        hash: 0,
        stub,
    })
}

/// The assets at the ends of edges, by id: from the first graph that has them, else by name.
pub async fn ends(
    graphs: &[&dyn Snapshot],
    links: Vec<Link>,
    named: Vec<AssetRef>,
) -> Result<HashMap<AssetId, Arc<Record>>, QueryError> {
    let ids: HashSet<AssetId> = links.iter().flat_map(|l| [l.from, l.to]).collect();
    let mut missing: Vec<AssetId> = ids.into_iter().collect();
    let mut found: HashMap<AssetId, Arc<Record>> = HashMap::new();
    for graph in graphs {
        let records = graph.get(&missing).await?;
        let there = missing.iter().copied().zip(records);
        found.extend(there.filter_map(|(id, r)| Some((id, r?))));
        missing.retain(|id| !found.contains_key(id));
    }
    if let Some(graph) = graphs.first() {
        for reference in named {
            let stub = |_: &AssetId| record(*graph, Asset::named(reference.clone()), Version(0), true);
            let id = reference.id();
            found.entry(id).or_insert_with_key(stub);
        }
    }
    Ok(found)
}

/// Whether an edge that ended goes on saying something else.
pub fn goes_on(link: &Link, others: &[Link]) -> bool {
    others
        .iter()
        .any(|o| (o.from, o.relation, o.to) == (link.from, link.relation, link.to))
}

/// The logs of some clusters, merged.
struct Logs<'a> {
    store: &'a dyn Store,
    window: Window,
    subjects: Option<Vec<AssetId>>,
    chunk: usize,
    logs: Vec<Log>,
}

struct Log {
    cluster: ClusterId,
    resume: Option<ChangePosition>,
    /// Oldest first, so that the newest is taken from the end.
    read: Vec<ChangeEntry>,
    more: bool,
}

impl<'a> Logs<'a> {
    fn new(
        store: &'a dyn Store,
        graph: &dyn Snapshot,
        window: Window,
        wanted: &Wanted,
        after: Option<Place>,
    ) -> Self {
        let near = wanted.near.as_ref();
        let all = graph.clusters().iter().map(|c| c.cluster.id);
        let all = all.filter(|id| near.is_none_or(|near| near.cluster == *id));
        let logs = all.map(|cluster| {
            // Of one version, clusters come in the order of their ids, the greatest first.
            let resume = after.map(|place| match cluster.cmp(&place.cluster) {
                std::cmp::Ordering::Equal => ChangePosition {
                    version: place.version,
                    subject: place.subject,
                },
                std::cmp::Ordering::Less => ChangePosition {
                    version: Version(place.version.0.saturating_add(1)),
                    subject: None,
                },
                std::cmp::Ordering::Greater => ChangePosition {
                    version: place.version,
                    subject: None,
                },
            });
            Log {
                cluster,
                resume,
                read: Vec::new(),
                more: true,
            }
        });
        Self {
            store,
            window,
            subjects: near
                .map(Nearby::ids)
                .or_else(|| wanted::subjects(graph, &wanted.scope)),
            chunk: CHUNK,
            logs: logs.collect(),
        }
    }

    /// The next entries of the merged order; none at its end.
    async fn next(&mut self) -> Result<Option<Vec<ChangeEntry>>, QueryError> {
        for log in self.logs.iter_mut().filter(|log| log.read.is_empty() && log.more) {
            let page = self
                .store
                .changes(&ChangeQuery {
                    cluster: log.cluster,
                    after: self.window.after(),
                    until: self.window.until(),
                    subjects: self.subjects.as_deref(),
                    newest_first: true,
                    resume: log.resume,
                    limit: self.chunk,
                })
                .await?;
            log.more = page.more;
            log.resume = page.entries.last().map(ChangeEntry::position).or(log.resume);
            log.read = page.entries;
            log.read.reverse();
        }
        // Up to where some log must be read on, the order is known.
        let mut merged = Vec::new();
        while self.logs.iter().all(|log| !log.read.is_empty() || !log.more) {
            let key = |log: &Log| log.read.last().map(|e| (e.version, log.cluster));
            let Some(newest) = self.logs.iter_mut().max_by_key(|log| key(log)) else {
                break;
            };
            match newest.read.pop() {
                Some(entry) => merged.push(entry),
                None => break,
            }
        }
        Ok((!merged.is_empty()).then_some(merged))
    }
}
