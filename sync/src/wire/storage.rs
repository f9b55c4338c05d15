//! Claims and volumes: k8s.io/api/core/v1/generated.proto.

use super::network::TargetRef;
use super::{ObjectMeta, Present, inlined, wire};
use serde::{Deserialize, Deserializer};

wire! {
    PersistentVolumeClaim {
        1 metadata: ObjectMeta;
        2 spec: ClaimSpec;
        3 status: ClaimStatus;
    }

    ClaimSpec {
        1 access_modes: [string];
        2 resources: ClaimResources;
        3 volume_name: string;
        5 storage_class_name: string?;
        6 volume_mode: string;
    }

    ClaimResources {
        2 requests: amounts;
    }

    ClaimStatus {
        1 phase: string;
        3 capacity: amounts;
    }

    PersistentVolume {
        1 metadata: ObjectMeta;
        2 spec: VolumeSpec;
        3 status: VolumeStatus;
    }

    VolumeStatus {
        1 phase: string;
    }

    /// spec of a PersistentVolume without its source.
    VolumeTerms {
        1 capacity: amounts;
        3 access_modes: [string];
        4 claim_ref: TargetRef?;
        5 persistent_volume_reclaim_policy: string;
        6 storage_class_name: string;
        8 volume_mode: string;
        9 node_affinity: NodeAffinity?;
    }

    NodeAffinity {
        1 required: NodeSelector?;
    }

    NodeSelector {
        1 node_selector_terms: [NodeSelectorTerm];
    }

    NodeSelectorTerm {
        1 match_expressions: [NodeSelectorRequirement];
        2 match_fields: [NodeSelectorRequirement];
    }

    NodeSelectorRequirement {
        1 key: string;
        2 operator: string;
        3 values: [string];
    }

    /// Its parameters have no field.
    StorageClass {
        1 metadata: ObjectMeta;
        2 provisioner: string;
        4 reclaim_policy: string;
        6 allow_volume_expansion: bool;
        7 volume_binding_mode: string;
        8 allowed_topologies: [TopologyTerm];
    }

    CSIDriver {
        1 metadata: ObjectMeta;
        2 spec: CsiDriverSpec;
    }

    CsiDriverSpec {
        1 attach_required: bool?;
        2 pod_info_on_mount: bool;
        3 volume_lifecycle_modes: [string];
        4 storage_capacity: bool;
        5 fs_group_policy: string;
    }

    CSINode {
        1 metadata: ObjectMeta;
        2 spec: CsiNodeSpec;
    }

    CsiNodeSpec {
        1 drivers: [CsiNodeDriver];
    }

    CsiNodeDriver {
        1 name: string;
        2 node_id: string = "nodeID";
        3 topology_keys: [string];
        4 allocatable: CsiNodeRoom;
    }

    CsiNodeRoom {
        1 count: int32?;
    }

    VolumeAttachment {
        1 metadata: ObjectMeta;
        2 spec: AttachmentSpec;
        3 status: AttachmentStatus;
    }

    AttachmentSpec {
        1 attacher: string;
        2 source: AttachmentSource;
        3 node_name: string;
    }

    AttachmentSource {
        1 persistent_volume_name: string;
    }

    AttachmentStatus {
        1 attached: bool;
        3 attach_error: Present?;
        4 detach_error: Present?;
    }

    TopologyTerm {
        1 match_label_expressions: [TopologyRequirement];
    }

    TopologyRequirement {
        1 key: string;
        2 values: [string];
    }

    /// Where a volume's data is. Of all but CSI only the type is read.
    PersistentVolumeSource {
        1 gce_persistent_disk: Present?;
        2 aws_elastic_block_store: Present?;
        3 host_path: Present?;
        4 glusterfs: Present?;
        5 nfs: Present?;
        6 rbd: Present?;
        7 iscsi: Present?;
        8 cinder: Present?;
        9 cephfs: Present?;
        10 fc: Present?;
        11 flocker: Present?;
        12 flex_volume: Present?;
        13 azure_file: Present?;
        14 vsphere_volume: Present?;
        15 quobyte: Present?;
        16 azure_disk: Present?;
        17 photon_persistent_disk: Present?;
        18 portworx_volume: Present?;
        19 scale_io: Present? = "scaleIO";
        20 local: Present?;
        21 storageos: Present?;
        22 csi: CsiPersistentVolumeSource?;
    }

    CsiPersistentVolumeSource {
        1 driver: string;
        2 volume_handle: string;
    }
}

/// spec of a PersistentVolume; JSON inlines its source, which protobuf has in field 2.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct VolumeSpec {
    #[prost(message, repeated, tag = 1)]
    pub(crate) capacity: Vec<super::Amount>,
    #[prost(message, required, tag = 2)]
    pub(crate) source: PersistentVolumeSource,
    #[prost(string, repeated, tag = 3)]
    pub(crate) access_modes: Vec<String>,
    #[prost(message, optional, tag = 4)]
    pub(crate) claim_ref: Option<TargetRef>,
    #[prost(string, tag = 5)]
    pub(crate) reclaim_policy: String,
    #[prost(string, tag = 6)]
    pub(crate) storage_class_name: String,
    #[prost(string, tag = 8)]
    pub(crate) volume_mode: String,
    #[prost(message, optional, tag = 9)]
    pub(crate) node_affinity: Option<NodeAffinity>,
}

impl<'de> Deserialize<'de> for VolumeSpec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (terms, source): (VolumeTerms, _) = inlined(d)?;
        Ok(Self {
            capacity: terms.capacity,
            source,
            access_modes: terms.access_modes,
            claim_ref: terms.claim_ref,
            reclaim_policy: terms.persistent_volume_reclaim_policy,
            storage_class_name: terms.storage_class_name,
            volume_mode: terms.volume_mode,
            node_affinity: terms.node_affinity,
        })
    }
}

impl PersistentVolumeSource {
    /// The name of an in-tree type, as its field is called in JSON.
    pub(crate) fn in_tree(&self) -> Option<&'static str> {
        let types = [
            (&self.gce_persistent_disk, "gcePersistentDisk"),
            (&self.aws_elastic_block_store, "awsElasticBlockStore"),
            (&self.host_path, "hostPath"),
            (&self.glusterfs, "glusterfs"),
            (&self.nfs, "nfs"),
            (&self.rbd, "rbd"),
            (&self.iscsi, "iscsi"),
            (&self.cinder, "cinder"),
            (&self.cephfs, "cephfs"),
            (&self.fc, "fc"),
            (&self.flocker, "flocker"),
            (&self.flex_volume, "flexVolume"),
            (&self.azure_file, "azureFile"),
            (&self.vsphere_volume, "vsphereVolume"),
            (&self.quobyte, "quobyte"),
            (&self.azure_disk, "azureDisk"),
            (&self.photon_persistent_disk, "photonPersistentDisk"),
            (&self.portworx_volume, "portworxVolume"),
            (&self.scale_io, "scaleIO"),
            (&self.local, "local"),
            (&self.storageos, "storageos"),
        ];
        types
            .into_iter()
            .find_map(|(source, name)| source.as_ref().map(|_| name))
    }
}
