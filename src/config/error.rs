//! What can be wrong with a configuration. Every message names the key, where it was found, and what to do.

use std::net::SocketAddr;

/// Why there are no settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A key that no row of the table has.
    #[error("unknown key `{key}` in {place}{}; `planisphere serve --print-config` lists all keys", nearest_hint(.nearest))]
    UnknownKey {
        /// The key as it was found.
        key: String,
        /// File or environment.
        place: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value that its key cannot have.
    #[error("`{key}` is `{value}` ({origin}); {allowed}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value as written, secrets masked.
        value: String,
        /// Where it comes from.
        origin: String,
        /// What would be right.
        allowed: String,
    },
    /// Settings that contradict each other.
    #[error("{first} and {second} cannot be used together: {reason}")]
    Conflict {
        /// One of them, with its origin.
        first: String,
        /// The other, with its origin.
        second: String,
        /// Why.
        reason: &'static str,
    },
    /// The configuration file cannot be used.
    #[error("cannot use the configuration file {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable that is not text.
    #[error("the environment variable {name} is not UTF-8 text")]
    NotText {
        /// The variable.
        name: String,
    },
    /// An address that others can reach, without saying so.
    #[error(
        "`{key}` is {addr} ({origin}), which others can reach, and there is no authentication yet: anybody who reaches it could read everything; listen on a loopback address such as 127.0.0.1:{port}, or add --insecure-no-auth where something else (a network policy, a proxy) guards it", port = .addr.port()
    )]
    Exposed {
        /// The key.
        key: &'static str,
        /// The address.
        addr: SocketAddr,
        /// Where it comes from.
        origin: String,
    },
    /// Nothing to read.
    #[error(
        "no cluster to read: {looked}; name a kubeconfig with --kubeconfig or KUBECONFIG, or files with --dump, or see it work with `planisphere demo`"
    )]
    NoCluster {
        /// Where we looked.
        looked: String,
    },
    /// No place for the data.
    #[error(
        "no place for the graph's file: neither XDG_DATA_HOME nor HOME is set; name a directory with --data-dir"
    )]
    NoDataDir,
}

fn nearest_hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|n| format!(", did you mean `{n}`?"))
        .unwrap_or_default()
}
