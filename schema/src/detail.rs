//! What an edge says beyond its two ends. One flat message: only the fields of the edge's relation are set.

use serde::{Deserialize, Serialize};

/// The properties of an edge.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Message)]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "EdgeDetail")
)]
pub struct Detail {
    /// OWNED_BY: whether the owner is the managing controller.
    #[prost(message, optional, tag = "1")]
    pub controller: Option<bool>,
    /// OWNED_BY, RESERVED_FOR, ROUTES_TO: the uid that the reference names. Another uid under that name is another object.
    #[prost(message, optional, tag = "2")]
    pub uid: Option<String>,
    /// ROUTES_TO: takes new traffic. Absent in the slice counts as true.
    #[prost(message, optional, tag = "3")]
    pub ready: Option<bool>,
    /// ROUTES_TO: answers, even while terminating. Absent in the slice counts as ready.
    #[prost(message, optional, tag = "4")]
    pub serving: Option<bool>,
    /// ROUTES_TO: is being deleted.
    #[prost(message, optional, tag = "5")]
    pub terminating: Option<bool>,
    /// ROUTES_TO: the endpoint's addresses.
    #[prost(string, repeated, tag = "6")]
    pub addresses: Vec<String>,
    /// ROUTES_TO: the slice's ports.
    #[prost(message, repeated, tag = "7")]
    pub ports: Vec<Port>,
    /// ROUTES_TO: the node that the slice names for this endpoint.
    #[prost(message, optional, tag = "8")]
    pub node_name: Option<String>,
    /// ROUTES_TO: the zone that the slice names for this endpoint.
    #[prost(message, optional, tag = "9")]
    pub zone: Option<String>,
    /// ROUTES_TO: the endpoint's host name.
    #[prost(message, optional, tag = "10")]
    pub hostname: Option<String>,
    /// CALLS_WEBHOOK: the names of the webhooks. GRANTED_BY: what is named. HAS_PARENT: the listeners. READS: how: `env`, `envFrom`, `volume`, `projected`, `csi`, `imagePullSecrets`, `secrets`.
    #[prost(string, repeated, tag = "11")]
    pub via: Vec<String>,
    /// READS: every such reference is optional, so that its absence stops nothing. CALLS_WEBHOOK: things go on without an answer.
    /// OF_CLASS: one of several alternatives. USES_DRIVER: a provisioner, which need not be a driver.
    #[prost(message, optional, tag = "12")]
    pub optional: Option<bool>,
    /// MOUNTS: mounted read-only.
    #[prost(message, optional, tag = "13")]
    pub read_only: Option<bool>,
    /// MOUNTS: the claim is made for this pod by a generic ephemeral volume.
    #[prost(message, optional, tag = "14")]
    pub ephemeral: Option<bool>,
    /// FORWARDS_TO: hosts, paths and ports that lead to this Service.
    #[prost(message, repeated, tag = "15")]
    pub routes: Vec<Route>,
    /// USES_TLS: the hosts that the certificate is for.
    #[prost(string, repeated, tag = "16")]
    pub hosts: Vec<String>,
    /// BOUND_TO: both sides agree, and the volume names the claim's uid.
    #[prost(message, optional, tag = "17")]
    pub bound: Option<bool>,
    /// BOUND_TO: why the claim is not bound, in words.
    #[prost(message, optional, tag = "18")]
    pub reason: Option<String>,
    /// READS, RUNS_AS, MOUNTS of a workload: declared by its pod template.
    #[prost(message, optional, tag = "19")]
    pub template: Option<bool>,
    /// ATTACHED_TO: the volume is attached, not only to be.
    #[prost(message, optional, tag = "20")]
    pub attached: Option<bool>,
    /// HAS_PARENT: the parent took the route, as its controller says.
    #[prost(message, optional, tag = "21")]
    pub accepted: Option<bool>,
    /// FORWARDS_TO: how much of the traffic of its rule, in proportion to the others; absent means 1.
    #[prost(message, optional, tag = "22")]
    pub weight: Option<i32>,
    /// Edges that rules draw: in which roles, as the rules call them.
    #[prost(string, repeated, tag = "40")]
    pub labels: Vec<String>,
}

/// A port of an endpoint.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Message)]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "EndpointPort")
)]
pub struct Port {
    /// The port's name; empty where it has none.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The number; none means all ports.
    #[prost(message, optional, tag = "2")]
    pub port: Option<i32>,
    /// TCP, UDP or SCTP.
    #[prost(string, tag = "3")]
    pub protocol: String,
    /// The application protocol, as the slice claims it.
    #[prost(message, optional, tag = "4")]
    pub app_protocol: Option<String>,
}

/// One way from an Ingress or a route to a Service.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, prost::Message)]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "IngressRoute")
)]
pub struct Route {
    /// The host; none means all hosts. The default backend has neither host nor path.
    #[prost(message, optional, tag = "1")]
    pub host: Option<String>,
    /// The path.
    #[prost(message, optional, tag = "2")]
    pub path: Option<String>,
    /// Exact, Prefix or ImplementationSpecific.
    #[prost(message, optional, tag = "3")]
    pub path_type: Option<String>,
    /// The Service's port, by name or number.
    #[prost(message, optional, tag = "4")]
    pub port: Option<String>,
}

impl Detail {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
