//! How a cluster is reached: credentials, identity, discovery, and what each failure says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod control_plane;
mod errors;
mod kubeconfigs;
pub(crate) mod server;
mod services;
