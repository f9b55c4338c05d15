//! Calls that the graph itself declares: a route that hangs on a Service sends whoever calls that Service on to the Services
//! that it forwards to. They hold at the instant that is asked about, so no book keeps them.

use super::propagate::{Call, Strength};
use super::scene::neighbours;
use crate::query::dependencies::{CallBook, Evidence, Observed};
use crate::query::{QueryError, records};
use crate::store::{Direction, Link, Record, Snapshot};
use planisphere_schema::{AssetId, Kind, RelationKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// More routes at one Service, or ends of one route, are not looked at.
const MOST_ROUTES: usize = 1_000;

/// The calls over which a failure of these Services could spread: those in the book, and those that routes declare.
pub(super) async fn upstream_of(
    snapshot: &dyn Snapshot,
    book: &CallBook,
    hit: Vec<AssetId>,
) -> Result<Vec<Observed>, QueryError> {
    let mut seen: HashSet<AssetId> = hit.iter().copied().collect();
    let (mut starts, mut fresh) = (hit.clone(), hit);
    let (mut declared, mut asked) = (Vec::new(), HashSet::new());
    while !fresh.is_empty() {
        // Who calls those that were reached may be a Service that routes lead to as well.
        let callers: BTreeSet<AssetId> = book
            .upstream_of(fresh.clone())
            .iter()
            .map(|o| o.call.caller)
            .collect();
        fresh.extend(callers.into_iter().filter(|id| seen.insert(*id)));
        let routes = ends(snapshot, &fresh, Direction::In, RelationKind::ForwardsTo).await?;
        let parents = ends(snapshot, &routes, Direction::Out, RelationKind::HasParent).await?;
        let found = records(snapshot, &parents).await?;
        let services = found.iter().filter(|r| r.asset.kind() == Kind::Service);
        fresh.clear();
        for service in services {
            let id = service.asset.reference.id();
            if asked.insert(id) {
                declared.extend(calls_of(snapshot, service).await?);
                starts.push(id);
            }
            if seen.insert(id) {
                fresh.push(id);
            }
        }
    }
    declared.sort_by_key(|o: &Observed| (o.call.caller, o.call.callee));
    declared.dedup_by_key(|o| (o.call.caller, o.call.callee));
    let mut all = book.upstream_of(starts);
    all.extend(declared);
    Ok(all)
}

/// What the routes that hang on a Service send its callers on to.
async fn calls_of(snapshot: &dyn Snapshot, service: &Arc<Record>) -> Result<Vec<Observed>, QueryError> {
    let me = service.asset.reference.id();
    let routes = ends(snapshot, &[me], Direction::In, RelationKind::HasParent).await?;
    let names: HashMap<AssetId, Arc<Record>> = routes
        .iter()
        .copied()
        .zip(records(snapshot, &routes).await?)
        .collect();
    let found = neighbours(
        snapshot,
        &routes,
        Direction::Out,
        RelationKind::ForwardsTo,
        MOST_ROUTES,
    )
    .await?;
    let links: Vec<Link> = found.into_iter().flat_map(|n| n.links).collect();
    // Where some of its calls stay with it, what it leads to besides cannot take it down.
    let strength = match links.iter().any(|l| l.to == me) {
        true => Strength::Soft,
        false => Strength::Hard,
    };
    let now = snapshot
        .clusters()
        .iter()
        .find(|c| c.cluster.id == service.asset.reference.key().cluster)
        .map_or(0, |c| c.version.unix_ms());
    let calls = links.into_iter().filter(|l| l.to != me).map(|link| Observed {
        call: Call {
            caller: me,
            callee: link.to,
            strength,
            // All of them are ways on: as with an Ingress, it is down with the last.
            route: Some(0),
        },
        evidence: Evidence {
            source: names
                .get(&link.from)
                .map_or_else(String::new, |route| route.asset.reference.key().to_string()),
            rate: None,
            first_seen_ms: link.since.unix_ms(),
            last_seen_ms: now,
            stale: false,
            declared: true,
        },
    });
    Ok(calls.collect())
}

/// What stands at the other end of these assets' edges, each once, in order.
async fn ends(
    snapshot: &dyn Snapshot,
    ids: &[AssetId],
    direction: Direction,
    relation: RelationKind,
) -> Result<Vec<AssetId>, QueryError> {
    let found = neighbours(snapshot, ids, direction, relation, MOST_ROUTES).await?;
    let links = found.into_iter().flat_map(|n| n.links);
    let others: BTreeSet<AssetId> = links
        .map(|l| if direction == Direction::In { l.from } else { l.to })
        .collect();
    Ok(others.into_iter().collect())
}
