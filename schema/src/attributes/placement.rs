//! What a pod asks of the node that it runs on, beside what its containers request, and of which nodes a volume can be
//! reached. What prefers only has no field: it never keeps a pod from a node.

use super::{Requirement, Resources, Selector};
use serde::Serialize;

/// What a pod asks of its node; kept only where it asks for anything.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct Placement {
    /// Labels that the node must have, each as `key=value`.
    #[prost(string, repeated, tag = "1")]
    pub node_selector: Vec<String>,
    /// Required node affinity: any one of these terms must hold.
    #[prost(message, repeated, tag = "2")]
    pub node_affinity: Vec<NodeTerm>,
    /// Taints that it tolerates, without the two that every pod is given: not ready and unreachable, for 300 seconds.
    #[prost(message, repeated, tag = "3")]
    pub tolerations: Vec<Toleration>,
    /// It was not given those two.
    #[prost(bool, tag = "4")]
    pub without_default_tolerations: bool,
    /// Required pod affinity: all must hold.
    #[prost(message, repeated, tag = "5")]
    pub pod_affinity: Vec<PodTerm>,
    /// Required pod anti-affinity: all must hold.
    #[prost(message, repeated, tag = "6")]
    pub pod_anti_affinity: Vec<PodTerm>,
    /// Constraints of spread that keep a pod from a node (DoNotSchedule).
    #[prost(message, repeated, tag = "7")]
    pub topology_spread: Vec<SpreadConstraint>,
    /// Ports of the node, each as `protocol/port`, or `address/protocol/port` where one address is asked for.
    #[prost(string, repeated, tag = "8")]
    pub host_ports: Vec<String>,
    /// What its runtime class adds to its requests.
    #[prost(message, optional, tag = "9")]
    pub overhead: Option<Resources>,
    /// What the pod as a whole requests, where that is said.
    #[prost(message, optional, tag = "10")]
    pub requests: Option<Resources>,
    /// It never evicts others to find room.
    #[prost(bool, tag = "11")]
    pub never_preempts: bool,
}

/// A term about nodes: all of its requirements must hold; one without requirements matches no node.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "NodeSelectorTerm")
)]
pub struct NodeTerm {
    /// About labels; operators Gt and Lt besides those of a label selector.
    #[prost(message, repeated, tag = "1")]
    pub match_expressions: Vec<Requirement>,
    /// About fields: `metadata.name` alone.
    #[prost(message, repeated, tag = "2")]
    pub match_fields: Vec<Requirement>,
}

/// A term about other pods in a part of the cluster.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "PodAffinityTerm")
)]
pub struct PodTerm {
    /// Which pods; absent: none.
    #[prost(message, optional, tag = "1")]
    pub label_selector: Option<Selector>,
    /// In these namespaces; the pod's own where neither they nor a selector are there.
    #[prost(string, repeated, tag = "2")]
    pub namespaces: Vec<String>,
    /// And in namespaces with these labels; an empty selector means all.
    #[prost(message, optional, tag = "3")]
    pub namespace_selector: Option<Selector>,
    /// The node label that tells the parts apart.
    #[prost(string, tag = "4")]
    pub topology_key: String,
}

/// How evenly pods must be spread.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "TopologySpreadConstraint")
)]
pub struct SpreadConstraint {
    /// How many more pods one part may have than the part that has the fewest.
    #[prost(int32, tag = "1")]
    pub max_skew: i32,
    /// The node label that tells the parts apart.
    #[prost(string, tag = "2")]
    pub topology_key: String,
    /// Which pods are counted; absent: none.
    #[prost(message, optional, tag = "3")]
    pub label_selector: Option<Selector>,
    /// With fewer parts than these, the fewest counts as none.
    #[prost(message, optional, tag = "4")]
    pub min_domains: Option<i32>,
    /// Nodes that its selector and affinity exclude are counted too.
    #[prost(bool, tag = "5")]
    pub counts_excluded_nodes: bool,
    /// Nodes with taints that it does not tolerate are left out.
    #[prost(bool, tag = "6")]
    pub honors_taints: bool,
    /// Pods must have the same value of these labels to be counted.
    #[prost(string, repeated, tag = "7")]
    pub match_label_keys: Vec<String>,
}

/// A taint, or taints, that a pod tolerates.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct Toleration {
    /// The key; absent: every key.
    #[prost(message, optional, tag = "1")]
    pub key: Option<String>,
    /// Exists, Gt or Lt; absent: Equal.
    #[prost(message, optional, tag = "2")]
    pub operator: Option<String>,
    /// The value.
    #[prost(message, optional, tag = "3")]
    pub value: Option<String>,
    /// NoSchedule, PreferNoSchedule or NoExecute; absent: every effect.
    #[prost(message, optional, tag = "4")]
    pub effect: Option<String>,
    /// For how many seconds it stays on a node that has it (NoExecute); absent: for ever.
    #[prost(message, optional, tag = "5")]
    pub toleration_seconds: Option<i64>,
}
