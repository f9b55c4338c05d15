//! The volumes of lost pods: whether failed nodes alone reach them, and whether a dead node holds on to them.

use super::{Scene, neighbours};
use crate::query::QueryError;
use crate::query::impact::closure::Closure;
use crate::store::{Direction, Record, Snapshot};
use planisphere_schema::attributes::NodeTerm;
use planisphere_schema::{AssetId, Attributes, Kind, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Sources of volumes that no node has to let go of first.
const NEVER_ATTACHED: &[&str] = &["local", "hostPath", "nfs", "cephfs", "glusterfs"];

/// What a volume means for a pod that must move.
#[derive(Clone, Debug, Default)]
struct Volume {
    pinned: bool,
    held: bool,
    terms: Vec<NodeTerm>,
}

impl Scene {
    /// Looks at the volumes of these pods, by their numbers in the model.
    pub(super) async fn volumes(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
        pods: &[usize],
    ) -> Result<(), QueryError> {
        let ids: Vec<AssetId> = pods.iter().map(|p| self.pods[*p].asset.reference.id()).collect();
        let mounts = neighbours(snapshot, &ids, Direction::Out, RelationKind::Mounts, 256).await?;
        let claims: HashSet<AssetId> = mounts.iter().flat_map(|n| &n.links).map(|l| l.to).collect();
        if claims.is_empty() {
            return Ok(());
        }
        let claims: Vec<AssetId> = claims.into_iter().collect();
        let bound = neighbours(snapshot, &claims, Direction::Out, RelationKind::BoundTo, 8).await?;
        let mut volume_of: HashMap<AssetId, AssetId> = HashMap::new();
        for (claim, neighbours) in claims.iter().zip(bound) {
            let link = neighbours
                .links
                .into_iter()
                .find(|l| l.detail.bound == Some(true));
            volume_of.extend(link.map(|l| (*claim, l.to)));
        }
        let ids: Vec<AssetId> = volume_of.values().copied().collect();
        let volumes = self.look_at(snapshot, closure, &ids).await?;
        for (pod, neighbours) in pods.iter().zip(mounts) {
            for link in neighbours.links {
                let volume = volume_of.get(&link.to).and_then(|v| volumes.get(v));
                if let Some(volume) = volume {
                    if !volume.terms.is_empty() {
                        self.volume_terms
                            .entry(*pod)
                            .or_default()
                            .push(volume.terms.clone());
                    }
                    self.model.pods[*pod].pinned |= volume.pinned;
                    self.model.pods[*pod].held |= volume.held;
                }
            }
        }
        Ok(())
    }

    async fn look_at(
        &self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
        ids: &[AssetId],
    ) -> Result<HashMap<AssetId, Volume>, QueryError> {
        let records = snapshot.get(ids).await?;
        let pins = neighbours(snapshot, ids, Direction::Out, RelationKind::PinnedTo, 1_000).await?;
        let places: HashSet<AssetId> = pins.iter().flat_map(|n| &n.links).map(|l| l.to).collect();
        let places: Vec<AssetId> = places.into_iter().collect();
        let found = snapshot.get(&places).await?;
        let places: HashMap<AssetId, Arc<Record>> = places
            .into_iter()
            .zip(found)
            .filter_map(|(id, r)| Some((id, r?)))
            .collect();
        let live = live_places(snapshot, closure, &places).await?;
        let mut volumes = HashMap::new();
        for ((id, record), neighbours) in ids.iter().zip(records).zip(pins) {
            let is_node = |id: &AssetId| places.get(id).is_some_and(|r| r.asset.kind() == Kind::Node);
            let mut to: Vec<AssetId> = neighbours.links.iter().map(|l| l.to).collect();
            // A host name says more than the zone beside it.
            if to.iter().any(is_node) {
                to.retain(is_node);
            }
            let kept = record.as_ref().map(|r| &r.asset.attributes);
            let held = match kept {
                Some(Attributes::PersistentVolume(kept)) => {
                    let one = |m: &String| m == "ReadWriteOnce" || m == "ReadWriteOncePod";
                    let driver = kept.driver.as_deref().unwrap_or_default();
                    !kept.access_modes.is_empty()
                        && kept.access_modes.iter().all(one)
                        && !NEVER_ATTACHED.contains(&driver)
                }
                _ => false,
            };
            let terms = match kept {
                Some(Attributes::PersistentVolume(kept)) => kept.node_affinity.clone(),
                _ => Vec::new(),
            };
            let pinned = !to.is_empty() && !to.iter().any(|place| live.contains(place));
            volumes.insert(*id, Volume { pinned, held, terms });
        }
        Ok(volumes)
    }
}

/// Nodes that are there and do not fail, and zones that have such a node.
async fn live_places(
    snapshot: &dyn Snapshot,
    closure: &Closure,
    places: &HashMap<AssetId, Arc<Record>>,
) -> Result<HashSet<AssetId>, QueryError> {
    let mut live = HashSet::new();
    let mut zones = Vec::new();
    for (id, record) in places {
        match record.asset.kind() {
            Kind::Node if !record.stub && !closure.failed.contains(id) => {
                live.insert(*id);
            }
            Kind::Zone => zones.push(*id),
            _ => {}
        }
    }
    let found = neighbours(snapshot, &zones, Direction::In, RelationKind::InZone, 10_000).await?;
    for (zone, neighbours) in zones.iter().zip(found) {
        if neighbours.links.iter().any(|l| !closure.failed.contains(&l.from)) {
            live.insert(*zone);
        }
    }
    Ok(live)
}
