//! Who made it: the chain of controllers above an asset and the pods below one. Owners count only in the incarnation
//! that the reference names. Who answers for it is in `ownership/resolve.rs`.

pub mod application;
pub mod book;
pub mod claims;
pub mod owned;
pub mod resolve;

use super::{QueryError, edges, records};
use crate::store::{Direction, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{AssetId, Kind, RelationKind};
use std::collections::HashSet;
use std::sync::Arc;

/// Chains of controllers are short; longer ones are cycles or attacks.
const MOST_LEVELS: usize = 12;

/// More pods of one workload are not looked for.
pub const MOST_PODS: usize = 50_000;

/// The topmost controller above an asset, by owner references with `controller: true`; none where nothing controls it.
/// A controller of a kind that is not mirrored counts by its name; one of a mirrored kind that is gone does not.
///
/// # Errors
/// When the store fails.
pub async fn topmost_controller(
    snapshot: &dyn Snapshot,
    asset: &Arc<Record>,
) -> Result<Option<Arc<Record>>, QueryError> {
    let mut top: Option<Arc<Record>> = None;
    let mut seen = HashSet::from([asset.asset.reference.id()]);
    for _ in 0..MOST_LEVELS {
        let at = top.as_ref().unwrap_or(asset);
        let page = edges::all_edges(snapshot, at, Direction::Out, RelationKind::OwnedBy, 64).await?;
        let next = page.edges.into_iter().find(|e| {
            let gone = e.other.is_dangling() && !matches!(e.other.asset.kind(), Kind::Custom(_));
            e.link.detail.controller == Some(true) && !e.is_stale() && !gone
        });
        let Some(next) = next.filter(|e| seen.insert(e.link.to)) else {
            break;
        };
        top = Some(next.other);
    }
    Ok(top)
}

/// The pods that an asset controls, itself or through others, by namespace, name and id; and whether all were found.
///
/// # Errors
/// When the store fails.
pub async fn controlled_pods(
    snapshot: &dyn Snapshot,
    top: &Arc<Record>,
) -> Result<(Vec<Arc<Record>>, bool), QueryError> {
    let mut pods: Vec<Arc<Record>> = Vec::new();
    let mut seen = HashSet::from([top.asset.reference.id()]);
    let mut level = vec![Arc::clone(top)];
    let mut whole = true;
    for _ in 0..MOST_LEVELS {
        let ids: Vec<AssetId> = level.iter().map(|r| r.asset.reference.id()).collect();
        if ids.is_empty() {
            break;
        }
        let found = snapshot
            .neighbours(&NeighbourQuery {
                ids: &ids,
                direction: Direction::In,
                relations: Some(&[RelationKind::OwnedBy]),
                limit: MOST_PODS,
                after: None,
            })
            .await?;
        let mut children = Vec::new();
        for (owner, neighbours) in level.iter().zip(found) {
            whole &= neighbours.total == neighbours.links.len();
            for link in neighbours.links {
                let mine = link.detail.controller == Some(true) && !edges::is_stale(&link, owner);
                if mine && seen.insert(link.from) {
                    children.push(link.from);
                }
            }
        }
        level = records(snapshot, &children).await?;
        pods.extend(level.extract_if(.., |r| r.asset.kind() == Kind::Pod && !r.stub));
        if pods.len() >= MOST_PODS {
            pods.truncate(MOST_PODS);
            whole = false;
            break;
        }
    }
    pods.sort_by(|a, b| place(a).cmp(&place(b)));
    Ok((pods, whole))
}

/// The place of an asset in an order by name.
pub fn place(record: &Record) -> (&str, &str, AssetId) {
    let key = record.asset.reference.key();
    (&key.namespace, &key.name, record.asset.reference.id())
}
