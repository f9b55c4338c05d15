//! What is kept of claims and volumes.

use super::NodeTerm;
use super::kept::kept;
use serde::Serialize;

/// What is kept of a PersistentVolumeClaim.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct PersistentVolumeClaimAttributes {
    /// Pending, Bound or Lost.
    #[prost(message, optional, tag = "1")]
    pub phase: Option<String>,
    /// The volume that it names.
    #[prost(message, optional, tag = "2")]
    pub volume_name: Option<String>,
    /// The class; the old annotation where the field is not set. Empty: none; absent: the default class.
    #[prost(message, optional, tag = "3")]
    pub storage_class_name: Option<String>,
    /// Access modes.
    #[prost(string, repeated, tag = "4")]
    pub access_modes: Vec<String>,
    /// Filesystem or Block.
    #[prost(message, optional, tag = "5")]
    pub volume_mode: Option<String>,
    /// The size asked for, as written.
    #[prost(message, optional, tag = "6")]
    pub requested: Option<String>,
    /// The size that it has, as written.
    #[prost(message, optional, tag = "7")]
    pub capacity: Option<String>,
}

/// What is kept of a PersistentVolume.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct PersistentVolumeAttributes {
    /// Available, Bound, Released or Failed.
    #[prost(message, optional, tag = "1")]
    pub phase: Option<String>,
    /// The size, as written.
    #[prost(message, optional, tag = "2")]
    pub capacity: Option<String>,
    /// Access modes.
    #[prost(string, repeated, tag = "3")]
    pub access_modes: Vec<String>,
    /// The class.
    #[prost(message, optional, tag = "4")]
    pub storage_class_name: Option<String>,
    /// Retain, Delete or Recycle.
    #[prost(message, optional, tag = "5")]
    pub reclaim_policy: Option<String>,
    /// Filesystem or Block.
    #[prost(message, optional, tag = "6")]
    pub volume_mode: Option<String>,
    /// The namespace of the claim that it is kept for.
    #[prost(message, optional, tag = "7")]
    pub claim_namespace: Option<String>,
    /// The name of the claim that it is kept for.
    #[prost(message, optional, tag = "8")]
    pub claim_name: Option<String>,
    /// The uid of the claim that it is kept for.
    #[prost(message, optional, tag = "9")]
    pub claim_uid: Option<String>,
    /// The CSI driver, else the type of its in-tree source.
    #[prost(message, optional, tag = "10")]
    pub driver: Option<String>,
    /// The driver's name for it.
    #[prost(message, optional, tag = "11")]
    pub volume_handle: Option<String>,
    /// The nodes that can reach it: any one of these terms must hold; every node where there are none.
    #[prost(message, repeated, tag = "12")]
    pub node_affinity: Vec<NodeTerm>,
}

kept! {
    /// What is kept of a StorageClass. Its parameters have no field.
    StorageClassAttributes {
        /// Who makes its volumes.
        1 provisioner: string;
        /// Claims that name no class have this one; of several the newest.
        2 is_default: bool = "default";
        /// Delete or Retain.
        3 reclaim_policy: string?;
        /// Immediate or WaitForFirstConsumer.
        4 volume_binding_mode: string?;
        /// Claims may grow.
        5 allow_volume_expansion: bool;
        /// Where volumes may be, any one of them; each as `key=value,value`, several requirements joined by `;`.
        6 allowed_topologies: [string];
    }

    /// What is kept of a CSIDriver.
    CSIDriverAttributes {
        /// Volumes are attached to a node before they are mounted; absent in the object means yes.
        1 attach_required: bool;
        /// It is told about the pod at the mount.
        2 pod_info_on_mount: bool;
        /// It tells how much room there is.
        3 storage_capacity: bool;
        /// Persistent, Ephemeral.
        4 volume_lifecycle_modes: [string];
        /// ReadWriteOnceWithFSType, File or None.
        5 fs_group_policy: string?;
    }

    /// What is kept of a CSINode.
    CSINodeAttributes {
        /// The drivers that its node has.
        1 drivers: [InstalledDriver];
    }

    /// A driver of a node.
    InstalledDriver as "CSINodeDriver" {
        /// The driver's name.
        1 name: string;
        /// The driver's name for the node.
        2 node_id: string = "nodeID";
        /// Labels of the node by which the driver tells where volumes can be reached.
        3 topology_keys: [string];
        /// How many volumes it can attach to the node. Absent: nobody says.
        4 volumes_max: int?;
    }

    /// What is kept of a VolumeAttachment. What went wrong is told by words, which have no field.
    VolumeAttachmentAttributes {
        /// The driver that attaches.
        1 attacher: string;
        /// The volume. Absent: one without an object of its own.
        2 volume_name: string?;
        /// The node.
        3 node_name: string?;
        /// The volume is attached.
        4 attached: bool;
        /// The last try to attach it failed.
        5 attach_failed: bool;
        /// The last try to detach it failed.
        6 detach_failed: bool;
    }
}
