//! Claims and volumes. Whether the two are bound is decided where both are seen, not here.

use super::cluster::ZONE;
use super::metadata::{amount, filled};
use super::placement::node_terms;
use super::{Draft, Extract};
use crate::wire;
use crate::wire::NodeSelector;
use planisphere_schema::RelationKind::{AttachedTo, InstalledOn, OfClass, PinnedTo, ReservedFor, UsesDriver};
use planisphere_schema::attributes::{
    CSIDriverAttributes, CSINodeAttributes, InstalledDriver, PersistentVolumeAttributes,
    PersistentVolumeClaimAttributes, StorageClassAttributes, VolumeAttachmentAttributes,
};
use planisphere_schema::{Attributes, Detail, Kind};

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

impl Extract for wire::PersistentVolumeClaim {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::PersistentVolumeClaim { spec, status, .. } = self;
        let old_class = || draft.asset.annotation(OLD_CLASS).map(str::to_owned);
        let class = spec.storage_class_name.or_else(old_class);
        of_class(draft, class.as_deref());
        PersistentVolumeClaimAttributes {
            phase: filled(status.phase),
            volume_name: filled(spec.volume_name),
            storage_class_name: class,
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
        if let Some(driver) = driver.as_deref().and_then(csi_driver) {
            let to = draft.neighbour(Kind::CSIDriver, driver);
            draft.point(UsesDriver, to);
        }
        let old_class = || draft.asset.annotation(OLD_CLASS).map(str::to_owned);
        let class = filled(spec.storage_class_name).or_else(old_class);
        of_class(draft, class.as_deref());
        PersistentVolumeAttributes {
            phase: filled(status.phase),
            capacity: amount(spec.capacity, "storage"),
            access_modes: spec.access_modes,
            storage_class_name: class,
            reclaim_policy: filled(spec.reclaim_policy),
            volume_mode: filled(spec.volume_mode),
            claim_namespace: filled(claim.namespace),
            claim_name: filled(claim.name),
            claim_uid,
            driver,
            volume_handle,
            node_affinity: node_terms(spec.node_affinity.and_then(|a| a.required).unwrap_or_default()),
        }
        .into()
    }
}

/// OF_CLASS. An empty class is none; which class an absent one means, another object says.
fn of_class(draft: &mut Draft, class: Option<&str>) {
    if let Some(class) = class.filter(|c| !c.is_empty()) {
        let to = draft.neighbour(Kind::StorageClass, class);
        draft.point(OfClass, to);
    }
}

impl Extract for wire::CSIDriver {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        let spec = self.spec;
        CSIDriverAttributes {
            attach_required: spec.attach_required.unwrap_or(true),
            pod_info_on_mount: spec.pod_info_on_mount,
            storage_capacity: spec.storage_capacity,
            volume_lifecycle_modes: spec.volume_lifecycle_modes,
            fs_group_policy: filled(spec.fs_group_policy),
        }
        .into()
    }
}

impl Extract for wire::StorageClass {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        if let Some(driver) = csi_driver(&self.provisioner) {
            let to = draft.neighbour(Kind::CSIDriver, driver);
            // A provisioner need not be a CSI driver: then nothing of that name has to be there.
            let detail = Detail {
                optional: Some(true),
                ..Detail::default()
            };
            draft.declare(UsesDriver, to, detail);
        }
        StorageClassAttributes {
            is_default: draft.asset.annotation(DEFAULT_CLASS) == Some("true"),
            provisioner: self.provisioner,
            reclaim_policy: filled(self.reclaim_policy),
            volume_binding_mode: filled(self.volume_binding_mode),
            allow_volume_expansion: self.allow_volume_expansion,
            allowed_topologies: self.allowed_topologies.into_iter().map(topology).collect(),
        }
        .into()
    }
}

impl Extract for wire::CSINode {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        // It has the name of its node.
        let me = draft.me();
        let node = draft.neighbour(Kind::Node, &me.key().name);
        for driver in self.spec.drivers.iter().filter(|d| !d.name.is_empty()) {
            let from = draft.neighbour(Kind::CSIDriver, &driver.name);
            draft.declare_between(from, InstalledOn, node.clone(), Detail::default());
        }
        let installed = |d: wire::CsiNodeDriver| InstalledDriver {
            name: d.name,
            node_id: d.node_id,
            topology_keys: d.topology_keys,
            volumes_max: d.allocatable.count,
        };
        CSINodeAttributes {
            drivers: self.spec.drivers.into_iter().map(installed).collect(),
        }
        .into()
    }
}

impl Extract for wire::VolumeAttachment {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::VolumeAttachment { spec, status, .. } = self;
        let volume_name = filled(spec.source.persistent_volume_name);
        let node_name = filled(spec.node_name);
        if let (Some(volume), Some(node)) = (&volume_name, &node_name) {
            let from = draft.neighbour(Kind::PersistentVolume, volume);
            let to = draft.neighbour(Kind::Node, node);
            let detail = Detail {
                attached: Some(status.attached),
                ..Detail::default()
            };
            draft.declare_between(from, AttachedTo, to, detail);
        }
        if let Some(driver) = csi_driver(&spec.attacher) {
            let to = draft.neighbour(Kind::CSIDriver, driver);
            draft.point(UsesDriver, to);
        }
        VolumeAttachmentAttributes {
            attacher: spec.attacher,
            volume_name,
            node_name,
            attached: status.attached,
            attach_failed: status.attach_error.is_some(),
            detach_failed: status.detach_error.is_some(),
        }
        .into()
    }
}

fn topology(term: wire::TopologyTerm) -> String {
    let requirement = |r: wire::TopologyRequirement| format!("{}={}", r.key, r.values.join(","));
    let requirements = term.match_label_expressions.into_iter().map(requirement);
    requirements.collect::<Vec<_>>().join(";")
}

/// The CSI driver of a provisioner or an in-tree source: in-tree types are served by the driver that they are migrated to.
fn csi_driver(name: &str) -> Option<&str> {
    Some(match name {
        "" | "kubernetes.io/no-provisioner" => return None,
        "kubernetes.io/aws-ebs" | "awsElasticBlockStore" => "ebs.csi.aws.com",
        "kubernetes.io/gce-pd" | "gcePersistentDisk" => "pd.csi.storage.gke.io",
        "kubernetes.io/azure-disk" | "azureDisk" => "disk.csi.azure.com",
        "kubernetes.io/azure-file" | "azureFile" => "file.csi.azure.com",
        "kubernetes.io/cinder" | "cinder" => "cinder.csi.openstack.org",
        "kubernetes.io/vsphere-volume" | "vsphereVolume" => "csi.vsphere.vmware.com",
        "kubernetes.io/portworx-volume" | "portworxVolume" => "pxd.portworx.com",
        other => other,
    })
    .filter(|driver| driver.contains('.') && !driver.starts_with("kubernetes.io/"))
}

/// PINNED_TO: the nodes and zones that a volume's affinity or an allocation lists. Terms are alternatives, so their union is drawn.
pub(super) fn pin(draft: &mut Draft, required: &NodeSelector) {
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
