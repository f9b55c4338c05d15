//! What a cluster tells of its control plane when it is asked: the API server's version and checks, and who leads. Of parts
//! that are seen by their pods alone nothing is kept beside their edges.

use serde::Serialize;

/// What is kept of a part of the control plane.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ControlPlaneComponentAttributes {
    /// The API server's version, `v1.36.3`.
    #[prost(message, optional, tag = "1")]
    pub git_version: Option<String>,
    /// The API server's platform, `linux/amd64`.
    #[prost(message, optional, tag = "2")]
    pub platform: Option<String>,
    /// The API server says that it is ready: none of its checks fails. Null where it does not tell us.
    #[prost(message, optional, tag = "3")]
    pub ready: Option<bool>,
    /// The checks behind that, as `/readyz?verbose` names them.
    #[prost(message, repeated, tag = "4")]
    pub checks: Vec<ReadinessCheck>,
    /// Who leads, by its Lease: the one instance of a scheduler or controller manager that works.
    #[prost(message, optional, tag = "5")]
    pub leader: Option<String>,
    /// The leader renews its Lease; false where nobody has for minutes, so that nobody does the work.
    #[prost(message, optional, tag = "6")]
    pub leading: Option<bool>,
    /// What the cluster does not let us read of it, in words.
    #[prost(string, repeated, tag = "7")]
    pub withheld: Vec<String>,
}

/// One check of an API server.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ReadinessCheck {
    /// Its name: `etcd`, `poststarthook/rbac/bootstrap-roles`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Whether it passes.
    #[prost(bool, tag = "2")]
    pub passes: bool,
}
