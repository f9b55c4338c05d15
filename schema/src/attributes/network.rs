//! What is kept of services, their endpoints and the ways to them.

use super::kept::kept;
use serde::Serialize;

/// What is kept of a Service.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ServiceAttributes {
    /// ClusterIP, NodePort, LoadBalancer or ExternalName.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "graphql", graphql(name = "type"))]
    #[prost(string, tag = "1")]
    pub service_type: String,
    /// Its cluster addresses; `None` for a headless one.
    #[serde(rename = "clusterIPs")]
    #[cfg_attr(feature = "graphql", graphql(name = "clusterIPs"))]
    #[prost(string, repeated, tag = "2")]
    pub cluster_i_ps: Vec<String>,
    /// Has no cluster address of its own.
    #[prost(bool, tag = "3")]
    pub headless: bool,
    /// The name that an ExternalName stands for.
    #[prost(message, optional, tag = "4")]
    pub external_name: Option<String>,
    /// Labels that its pods must have, each as `key=value`. None: nothing is selected.
    #[prost(string, repeated, tag = "5")]
    pub selector: Vec<String>,
    /// Ports.
    #[prost(message, repeated, tag = "6")]
    pub ports: Vec<ServicePort>,
    /// Outside addresses that it also answers on.
    #[serde(rename = "externalIPs")]
    #[cfg_attr(feature = "graphql", graphql(name = "externalIPs"))]
    #[prost(string, repeated, tag = "7")]
    pub external_i_ps: Vec<String>,
    /// Addresses or names of its load balancer.
    #[prost(string, repeated, tag = "8")]
    pub load_balancer: Vec<String>,
    /// The class of its load balancer.
    #[prost(message, optional, tag = "9")]
    pub load_balancer_class: Option<String>,
    /// Cluster or Local.
    #[prost(message, optional, tag = "10")]
    pub external_traffic_policy: Option<String>,
    /// Cluster or Local.
    #[prost(message, optional, tag = "11")]
    pub internal_traffic_policy: Option<String>,
    /// Endpoints count as ready whatever their pods say.
    #[prost(bool, tag = "12")]
    pub publish_not_ready_addresses: bool,
    /// None or ClientIP.
    #[prost(message, optional, tag = "13")]
    pub session_affinity: Option<String>,
    /// IPv4, IPv6.
    #[prost(string, repeated, tag = "14")]
    pub ip_families: Vec<String>,
}

/// A port of a Service.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ServicePort {
    /// The name.
    #[prost(message, optional, tag = "1")]
    pub name: Option<String>,
    /// TCP, UDP or SCTP.
    #[prost(string, tag = "2")]
    pub protocol: String,
    /// The Service's port.
    #[prost(int32, tag = "3")]
    pub port: i32,
    /// The pods' port, by name or number.
    #[prost(message, optional, tag = "4")]
    pub target_port: Option<String>,
    /// The nodes' port.
    #[prost(message, optional, tag = "5")]
    pub node_port: Option<i32>,
    /// The application protocol, as claimed.
    #[prost(message, optional, tag = "6")]
    pub app_protocol: Option<String>,
}

/// What is kept of an EndpointSlice; its endpoints are edges.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct EndpointSliceAttributes {
    /// The Service that it is a part of.
    #[prost(message, optional, tag = "1")]
    pub service_name: Option<String>,
    /// IPv4, IPv6 or FQDN.
    #[prost(string, tag = "2")]
    pub address_type: String,
    /// The controller that writes it.
    #[prost(message, optional, tag = "3")]
    pub managed_by: Option<String>,
    /// How many endpoints it holds.
    #[prost(int32, tag = "4")]
    pub endpoints: i32,
    /// How many of them are ready.
    #[prost(int32, tag = "5")]
    pub ready_endpoints: i32,
}

/// What is kept of an Ingress.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct IngressAttributes {
    /// Its class; from the old annotation where the field is not set.
    #[prost(message, optional, tag = "1")]
    pub ingress_class_name: Option<String>,
    /// The hosts that its rules name.
    #[prost(string, repeated, tag = "2")]
    pub hosts: Vec<String>,
    /// Addresses or names where it is reached.
    #[prost(string, repeated, tag = "3")]
    pub load_balancer: Vec<String>,
    /// Backends that are not Services, each as `Kind.group/name`.
    #[prost(string, repeated, tag = "4")]
    pub resource_backends: Vec<String>,
}

/// What is kept of an address where no pod stands: it is known by name only.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ExternalEndpointAttributes {
    /// IPv4, IPv6 or FQDN.
    #[prost(message, optional, tag = "1")]
    pub address_type: Option<String>,
}

kept! {
    /// What is kept of an IngressClass.
    IngressClassAttributes {
        /// The controller that serves Ingresses of this class.
        1 controller: string;
        /// Ingresses that name no class have this one.
        2 is_default: bool = "default";
    }
}
