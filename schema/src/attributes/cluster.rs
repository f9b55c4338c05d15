//! The cluster itself, its namespaces and its nodes, and the failure domains that nodes name.

use crate::Time;
use serde::Serialize;

/// What is kept of a cluster.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ClusterAttributes {
    /// The name that the configuration gives it.
    #[prost(string, tag = "1")]
    pub configured_name: String,
    /// The API server's URL, without credentials.
    #[prost(message, optional, tag = "2")]
    pub server: Option<String>,
    /// The API server's version, `v1.36.3`.
    #[serde(rename = "gitVersion")]
    #[cfg_attr(feature = "graphql", graphql(name = "gitVersion"))]
    #[prost(message, optional, tag = "3")]
    pub git_version: Option<String>,
    /// The API server's platform, `linux/amd64`.
    #[prost(message, optional, tag = "4")]
    pub platform: Option<String>,
}

/// What is kept of a Namespace.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct NamespaceAttributes {
    /// Active or Terminating.
    #[prost(message, optional, tag = "1")]
    pub phase: Option<String>,
}

/// What is kept of a Node.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct NodeAttributes {
    /// The zone that its labels name.
    #[prost(message, optional, tag = "1")]
    pub zone: Option<String>,
    /// The region that its labels name.
    #[prost(message, optional, tag = "2")]
    pub region: Option<String>,
    /// The machine type that its labels name.
    #[prost(message, optional, tag = "3")]
    pub instance_type: Option<String>,
    /// The cloud's name for the machine.
    #[serde(rename = "providerID")]
    #[cfg_attr(feature = "graphql", graphql(name = "providerID"))]
    #[prost(message, optional, tag = "4")]
    pub provider_id: Option<String>,
    /// Cordoned.
    #[prost(bool, tag = "5")]
    pub unschedulable: bool,
    /// Taints.
    #[prost(message, repeated, tag = "6")]
    pub taints: Vec<Taint>,
    /// The Ready condition: True, False or Unknown.
    #[prost(message, optional, tag = "7")]
    pub ready: Option<String>,
    /// Conditions, without their heartbeats.
    #[prost(message, repeated, tag = "8")]
    pub conditions: Vec<Condition>,
    /// Addresses, each as `type=address`.
    #[prost(string, repeated, tag = "9")]
    pub addresses: Vec<String>,
    /// Capacity, each as `resource=quantity`.
    #[prost(string, repeated, tag = "10")]
    pub capacity: Vec<String>,
    /// What pods may request, each as `resource=quantity`.
    #[prost(string, repeated, tag = "11")]
    pub allocatable: Vec<String>,
    /// The kubelet's version.
    #[prost(message, optional, tag = "12")]
    pub kubelet_version: Option<String>,
    /// The container runtime with its version.
    #[prost(message, optional, tag = "13")]
    pub container_runtime_version: Option<String>,
    /// The kernel's version.
    #[prost(message, optional, tag = "14")]
    pub kernel_version: Option<String>,
    /// The operating system.
    #[prost(message, optional, tag = "15")]
    pub os_image: Option<String>,
    /// linux or windows.
    #[prost(message, optional, tag = "16")]
    pub operating_system: Option<String>,
    /// The processor architecture.
    #[prost(message, optional, tag = "17")]
    pub architecture: Option<String>,
}

/// A taint of a node.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct Taint {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<String>,
    /// NoSchedule, PreferNoSchedule or NoExecute.
    #[prost(string, tag = "3")]
    pub effect: String,
}

/// A condition, without its probe and heartbeat times.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct Condition {
    /// Its type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "graphql", graphql(name = "type"))]
    #[prost(string, tag = "1")]
    pub kind: String,
    /// True, False or Unknown.
    #[prost(string, tag = "2")]
    pub status: String,
    /// The reason, one word.
    #[prost(message, optional, tag = "3")]
    pub reason: Option<String>,
    /// When its status last changed.
    #[prost(message, optional, tag = "4")]
    pub since: Option<Time>,
}

/// What is kept of a zone: it is known by name only.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ZoneAttributes {
    /// The label that names it, where that is not the standard one.
    #[prost(message, optional, tag = "1")]
    pub name_source: Option<String>,
}

/// What is kept of a region: it is known by name only.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct RegionAttributes {
    /// The label that names it, where that is not the standard one.
    #[prost(message, optional, tag = "1")]
    pub name_source: Option<String>,
}
