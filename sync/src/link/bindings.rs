//! Which claim is bound to which volume: both sides must agree, and the volume must name the claim's uid, or it is still
//! kept for an earlier claim of that name.

use super::Redraw;
use planisphere_schema::attributes::{PersistentVolumeAttributes, PersistentVolumeClaimAttributes};
use planisphere_schema::{Asset, AssetId, AssetRef, Detail, Edge, Kind, RelationKind};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The claims and volumes of one cluster.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    claims: HashMap<AssetId, Claim>,
    volumes: HashMap<AssetId, Volume>,
    /// The claims that name a volume.
    naming: HashMap<AssetId, BTreeSet<AssetId>>,
}

#[derive(Debug)]
struct Claim {
    reference: AssetRef,
    uid: Uuid,
    volume: AssetRef,
}

#[derive(Debug, PartialEq, Eq)]
struct Volume {
    phase: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    uid: Option<String>,
}

impl Bindings {
    /// The edge from a claim to the volume that it names.
    pub(super) fn binding(&self, asset: &Asset, claim: &PersistentVolumeClaimAttributes) -> Option<Edge> {
        named(asset, claim).map(|c| self.edge(&c))
    }

    pub(super) fn put_claim(&mut self, asset: &Asset, claim: &PersistentVolumeClaimAttributes) {
        self.remove_claim(asset.reference.id());
        if let Some(claim) = named(asset, claim) {
            self.naming
                .entry(claim.volume.id())
                .or_default()
                .insert(asset.reference.id());
            self.claims.insert(asset.reference.id(), claim);
        }
    }

    pub(super) fn remove_claim(&mut self, id: AssetId) {
        let Some(claim) = self.claims.remove(&id) else {
            return;
        };
        if let Some(claims) = self.naming.get_mut(&claim.volume.id()) {
            claims.remove(&id);
            if claims.is_empty() {
                self.naming.remove(&claim.volume.id());
            }
        }
    }

    pub(super) fn put_volume(&mut self, asset: &Asset, volume: &PersistentVolumeAttributes) -> Vec<Redraw> {
        let PersistentVolumeAttributes {
            phase,
            claim_namespace,
            claim_name,
            claim_uid,
            ..
        } = volume.clone();
        let volume = Volume {
            phase,
            namespace: claim_namespace,
            name: claim_name,
            uid: claim_uid,
        };
        if self.volumes.get(&asset.reference.id()) == Some(&volume) {
            return Vec::new();
        }
        self.volumes.insert(asset.reference.id(), volume);
        self.redraw(asset.reference.id())
    }

    pub(super) fn remove_volume(&mut self, id: AssetId) -> Vec<Redraw> {
        self.volumes.remove(&id);
        self.redraw(id)
    }

    fn redraw(&self, volume: AssetId) -> Vec<Redraw> {
        let claims = self
            .naming
            .get(&volume)
            .into_iter()
            .flatten()
            .filter_map(|id| self.claims.get(id));
        claims
            .map(|claim| Redraw {
                declarer: claim.reference.id(),
                relation: RelationKind::BoundTo,
                edges: vec![self.edge(claim)],
            })
            .collect()
    }

    fn edge(&self, claim: &Claim) -> Edge {
        let reason = self.why_not_bound(claim);
        Edge {
            from: claim.reference.clone(),
            relation: RelationKind::BoundTo,
            to: claim.volume.clone(),
            detail: Detail {
                bound: Some(reason.is_none()),
                reason,
                ..Detail::default()
            },
        }
    }

    fn why_not_bound(&self, claim: &Claim) -> Option<String> {
        let Some(volume) = self.volumes.get(&claim.volume.id()) else {
            return Some("there is no such volume".to_owned());
        };
        let key = claim.reference.key();
        let (Some(namespace), Some(name)) = (&volume.namespace, &volume.name) else {
            return Some("the volume is kept for no claim".to_owned());
        };
        if **namespace != *key.namespace || **name != *key.name {
            return Some(format!("the volume is kept for {namespace}/{name}"));
        }
        if volume.uid.as_deref() != Some(claim.uid.to_string().as_str()) {
            return Some("the volume is kept for an earlier claim of this name".to_owned());
        }
        match volume.phase.as_deref() {
            Some("Bound") => None,
            phase => Some(format!("the volume is {}", phase.unwrap_or("in no phase"))),
        }
    }
}

fn named(asset: &Asset, claim: &PersistentVolumeClaimAttributes) -> Option<Claim> {
    let volume = claim.volume_name.as_deref().filter(|name| !name.is_empty())?;
    let volume = AssetRef::new(asset.reference.key().cluster, Kind::PersistentVolume, "", volume);
    Some(Claim {
        reference: asset.reference.clone(),
        uid: asset.uid,
        volume,
    })
}
