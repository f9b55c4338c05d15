//! What is kept of a pod. Commands, arguments and environment values have no field here.

use super::{Condition, Placement};
use crate::Time;
use serde::Serialize;

/// What is kept of a Pod.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct PodAttributes {
    /// Pending, Running, Succeeded, Failed or Unknown.
    #[prost(message, optional, tag = "1")]
    pub phase: Option<String>,
    /// The Ready condition.
    #[prost(bool, tag = "2")]
    pub ready: bool,
    /// Why it is as it is: the pod's own reason, else that of a waiting or terminated container.
    #[prost(message, optional, tag = "3")]
    pub reason: Option<String>,
    /// Where it is placed.
    #[prost(message, optional, tag = "4")]
    pub node_name: Option<String>,
    /// Its addresses.
    #[serde(rename = "podIPs")]
    #[cfg_attr(feature = "graphql", graphql(name = "podIPs"))]
    #[prost(string, repeated, tag = "5")]
    pub pod_i_ps: Vec<String>,
    /// The address of its node.
    #[serde(rename = "hostIP")]
    #[cfg_attr(feature = "graphql", graphql(name = "hostIP"))]
    #[prost(message, optional, tag = "6")]
    pub host_ip: Option<String>,
    /// Uses the network of its node.
    #[prost(bool, tag = "7")]
    pub host_network: bool,
    /// The account that it runs as.
    #[prost(message, optional, tag = "8")]
    pub service_account_name: Option<String>,
    /// Its priority class.
    #[prost(message, optional, tag = "9")]
    pub priority_class_name: Option<String>,
    /// Its priority.
    #[prost(message, optional, tag = "10")]
    pub priority: Option<i32>,
    /// Guaranteed, Burstable or BestEffort.
    #[prost(message, optional, tag = "11")]
    pub qos_class: Option<String>,
    /// Always, OnFailure or Never.
    #[prost(message, optional, tag = "12")]
    pub restart_policy: Option<String>,
    /// Restarts of all its containers.
    #[prost(int32, tag = "13")]
    pub restarts: i32,
    /// When the kubelet took it up.
    #[prost(message, optional, tag = "14")]
    pub started_at: Option<Time>,
    /// Containers, init and ephemeral ones included.
    #[prost(message, repeated, tag = "15")]
    pub containers: Vec<ContainerAttributes>,
    /// Conditions, without their probes.
    #[prost(message, repeated, tag = "16")]
    pub conditions: Vec<Condition>,
    /// The kind of its controller, with group.
    #[prost(message, optional, tag = "17")]
    pub owner_kind: Option<String>,
    /// The name of its controller.
    #[prost(message, optional, tag = "18")]
    pub owner_name: Option<String>,
    /// Its host name, where set.
    #[prost(message, optional, tag = "19")]
    pub hostname: Option<String>,
    /// Its subdomain, where set.
    #[prost(message, optional, tag = "20")]
    pub subdomain: Option<String>,
    /// The scheduler, where it is not the default one.
    #[prost(message, optional, tag = "21")]
    pub scheduler_name: Option<String>,
    /// Its runtime class.
    #[prost(message, optional, tag = "22")]
    pub runtime_class_name: Option<String>,
    /// What it asks of its node, where it asks for anything.
    #[prost(message, optional, boxed, tag = "23")]
    pub placement: Option<Box<Placement>>,
}

/// A container of a pod.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "Container")
)]
pub struct ContainerAttributes {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// container, init, sidecar or ephemeral.
    #[prost(string, tag = "2")]
    pub role: String,
    /// The image that the spec asks for.
    #[prost(string, tag = "3")]
    pub image: String,
    /// The image that runs, by digest; empty until started.
    #[serde(rename = "imageID")]
    #[cfg_attr(feature = "graphql", graphql(name = "imageID"))]
    #[prost(message, optional, tag = "4")]
    pub image_id: Option<String>,
    /// Passes its readiness probe.
    #[prost(bool, tag = "5")]
    pub ready: bool,
    /// waiting, running or terminated.
    #[prost(message, optional, tag = "6")]
    pub state: Option<String>,
    /// Why it waits or ended.
    #[prost(message, optional, tag = "7")]
    pub reason: Option<String>,
    /// How it ended.
    #[prost(message, optional, tag = "8")]
    pub exit_code: Option<i32>,
    /// Restarts.
    #[prost(int32, tag = "9")]
    pub restarts: i32,
    /// What it asks for.
    #[prost(message, optional, tag = "10")]
    pub requests: Option<Resources>,
    /// What it may use.
    #[prost(message, optional, tag = "11")]
    pub limits: Option<Resources>,
    /// Container ports.
    #[prost(int32, repeated, tag = "12")]
    pub ports: Vec<i32>,
    /// The probes it has: liveness, readiness, startup.
    #[prost(string, repeated, tag = "13")]
    pub probes: Vec<String>,
}

/// Quantities of CPU, memory and others.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct Resources {
    /// CPU, as written.
    #[prost(message, optional, tag = "1")]
    pub cpu: Option<String>,
    /// Memory, as written.
    #[prost(message, optional, tag = "2")]
    pub memory: Option<String>,
    /// Others, each as `resource=quantity`.
    #[prost(string, repeated, tag = "3")]
    pub other: Vec<String>,
}
