//! What is kept of configuration: names and sizes of nothing. Values never reach the process.

use serde::Serialize;

/// What is kept of a ConfigMap: its metadata alone.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ConfigMapAttributes {
    /// The tool that writes it, by label app.kubernetes.io/managed-by.
    #[prost(message, optional, tag = "1")]
    pub owner_tool: Option<String>,
}

/// What is kept of a Secret: its metadata alone.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct SecretAttributes {
    /// The tool that writes it, by label app.kubernetes.io/managed-by.
    #[prost(message, optional, tag = "1")]
    pub owner_tool: Option<String>,
}

/// What is kept of a ServiceAccount.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ServiceAccountAttributes {
    /// Whether pods get its token without asking; absent means yes.
    #[prost(message, optional, tag = "1")]
    pub automount_token: Option<bool>,
}
