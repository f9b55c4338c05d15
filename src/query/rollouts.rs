//! The rollouts of a Deployment: the ReplicaSets that it controls, by revision, with what they run and when each was
//! ready for the first time.

use super::{QueryError, breathe, edges, records};
use crate::store::{Direction, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{Asset, AssetId, Attributes, Kind, RelationKind, Version};
use std::sync::Arc;

/// ReplicaSets of one Deployment that are looked at.
const MOST_SETS: usize = 1_000;
/// States of one ReplicaSet that are looked at.
const MOST_STATES: usize = 500;

/// One revision of a Deployment.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// The revision's number. One that was rolled back to has a new number, and the old one is gone.
    pub revision: u64,
    /// The ReplicaSet that stands for it.
    pub replica_set: Arc<Record>,
    /// The version at which the ReplicaSet got this number.
    pub began: Option<Version>,
    /// The version at which all replicas that were wanted were ready for the first time since then.
    pub ready: Option<Version>,
}

/// The newest rollouts of a Deployment.
///
/// # Errors
/// When the store fails.
pub async fn rollouts(
    graph: &dyn Snapshot,
    deployment: &Arc<Record>,
    limit: usize,
) -> Result<Vec<Rollout>, QueryError> {
    let query = NeighbourQuery {
        ids: &[deployment.asset.reference.id()],
        direction: Direction::In,
        relations: Some(&[RelationKind::OwnedBy]),
        limit: MOST_SETS,
        after: None,
    };
    let links = graph.neighbours(&query).await?.pop().unwrap_or_default().links;
    let mine = |l: &&crate::store::Link| l.detail.controller == Some(true) && !edges::is_stale(l, deployment);
    let ids: Vec<AssetId> = links.iter().filter(mine).map(|l| l.from).collect();
    let sets = records(graph, &ids).await?;
    let sets = sets
        .into_iter()
        .filter(|r| r.asset.kind() == Kind::ReplicaSet && !r.stub);
    let mut found: Vec<Rollout> = sets
        .filter_map(|replica_set| {
            Some(Rollout {
                revision: revision(&replica_set.asset)?,
                replica_set,
                began: None,
                ready: None,
            })
        })
        .collect();
    found.sort_by_key(|r| std::cmp::Reverse(r.revision));
    found.truncate(limit);
    for rollout in &mut found {
        breathe().await;
        date(graph, rollout).await?;
    }
    Ok(found)
}

/// Finds out when a rollout began and was ready, from the states that its ReplicaSet went through.
async fn date(graph: &dyn Snapshot, rollout: &mut Rollout) -> Result<(), QueryError> {
    let id = rollout.replica_set.asset.reference.id();
    let rows = graph.history(id, None, MOST_STATES).await?;
    // From the newest state back: a row began the state after it, and ended the one before.
    let mut state = Some(rollout.replica_set.asset.clone());
    for row in rows {
        let Some(began) = state.filter(|s| revision(s) == Some(rollout.revision)) else {
            break;
        };
        rollout.began = Some(row.version);
        if is_ready(&began) {
            rollout.ready = Some(row.version);
        }
        state = row.before;
    }
    Ok(())
}

fn revision(asset: &Asset) -> Option<u64> {
    match &asset.attributes {
        Attributes::ReplicaSet(set) => set.revision.as_deref()?.parse().ok(),
        _ => None,
    }
}

fn is_ready(asset: &Asset) -> bool {
    match &asset.attributes {
        Attributes::ReplicaSet(set) => set.replicas > 0 && set.ready_replicas >= set.replicas,
        _ => false,
    }
}
