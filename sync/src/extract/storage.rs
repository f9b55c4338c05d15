//! Claims and volumes. Whether the two are bound is decided where both are seen, not here.

use super::cluster::ZONE;
use super::metadata::{amount, filled};
use super::{Draft, Extract};
use crate::wire;
use crate::wire::NodeSelector;
use planisphere_schema::RelationKind::{PinnedTo, ReservedFor};
use planisphere_schema::attributes::{PersistentVolumeAttributes, PersistentVolumeClaimAttributes};
use planisphere_schema::{Attributes, Detail, Kind};

const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

impl Extract for wire::PersistentVolumeClaim {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::PersistentVolumeClaim { spec, status, .. } = self;
        let old_class = || draft.asset.annotation(OLD_CLASS).map(str::to_owned);
        PersistentVolumeClaimAttributes {
            phase: filled(status.phase),
            volume_name: filled(spec.volume_name),
            storage_class_name: spec.storage_class_name.or_else(old_class),
            access_modes: spec.access_modes,
            volume_mode: filled(spec.volume_mode),
            requested: amount(spec.resources.requests, "storage"),
            capacity: amount(status.capacity, "storage"),
        }
        .into()
    }
}

impl Extract for wire::PersistentVolume {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::PersistentVolume { spec, status, .. } = self;
        if let Some(required) = spec.node_affinity.as_ref().and_then(|a| a.required.as_ref()) {
            pin(draft, required);
        }
        let claim = spec.claim_ref.unwrap_or_default();
        let claim_uid = filled(claim.uid);
        if !claim.name.is_empty() {
            let to = draft.elsewhere(Kind::PersistentVolumeClaim, &claim.namespace, &claim.name);
            draft.declare(
                ReservedFor,
                to,
                Detail {
                    uid: claim_uid.clone(),
                    ..Detail::default()
                },
            );
        }
        let in_tree = spec.source.in_tree().map(str::to_owned);
        let (driver, volume_handle) = match spec.source.csi {
            Some(csi) => (filled(csi.driver), filled(csi.volume_handle)),
            None => (in_tree, None),
        };
        let old_class = || draft.asset.annotation(OLD_CLASS).map(str::to_owned);
        PersistentVolumeAttributes {
            phase: filled(status.phase),
            capacity: amount(spec.capacity, "storage"),
            access_modes: spec.access_modes,
            storage_class_name: filled(spec.storage_class_name).or_else(old_class),
            reclaim_policy: filled(spec.reclaim_policy),
            volume_mode: filled(spec.volume_mode),
            claim_namespace: filled(claim.namespace),
            claim_name: filled(claim.name),
            claim_uid,
            driver,
            volume_handle,
        }
        .into()
    }
}

/// PINNED_TO: the nodes and zones that the volume's affinity lists. Terms are alternatives, so their union is drawn.
fn pin(draft: &mut Draft, required: &NodeSelector) {
    for term in &required.node_selector_terms {
        let by_name = term
            .match_fields
            .iter()
            .filter(|r| r.key == "metadata.name")
            .map(|r| (Kind::Node, r));
        let by_label = term
            .match_expressions
            .iter()
            .filter_map(|r| match r.key.as_str() {
                "kubernetes.io/hostname" => Some((Kind::Node, r)),
                key if ZONE.contains(&key) => Some((Kind::Zone, r)),
                _ => None,
            });
        for (kind, requirement) in by_label.chain(by_name).filter(|(_, r)| r.operator == "In") {
            for name in requirement.values.iter().filter(|v| !v.is_empty()) {
                let to = draft.neighbour(kind, name);
                draft.declare(PinnedTo, to, Detail::default());
            }
        }
    }
}
