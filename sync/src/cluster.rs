//! A named cluster: how it is reached, who it is, what it serves. Knows kube's client and nothing of what is mirrored.
//! Files and environment values are passed in; only the paths that a configuration names are read here.

mod access;
mod client;
mod control_plane;
mod custom;
mod discovery;
mod error;
mod kubeconfig;
mod request;
mod resource;

pub use custom::{CustomResource, EXCLUDED, is_excluded, is_excluded_kind};
pub use discovery::{Discovery, Served};
pub use error::ConnectError;
pub use kubeconfig::{Contexts, clusters_of, kubeconfig_files};
pub use resource::Resource;

pub(crate) use access::Access;
pub(crate) use control_plane::{ServerVersion, Told, ToldControlPlane};
pub(crate) use error::Endpoint;
pub(crate) use request::{Answer, body_of, read_json, send};

use planisphere_schema::{ClusterId, Kind};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How requests name themselves. The API server indents JSON for some well-known agents, so this is never one of those.
pub const USER_AGENT: &str = concat!("planisphere/", env!("CARGO_PKG_VERSION"));

/// Between two attempts to have newer credentials.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(10);

/// Where a cluster's address and credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One context of kubeconfig files, merged as kubectl merges them.
    Kubeconfig {
        /// The files, the first one wins.
        files: Vec<PathBuf>,
        /// The context; none means the current one.
        context: Option<String>,
    },
    /// The service account of the pod that we run in.
    InCluster,
    /// A client that was made elsewhere.
    Given(GivenClient),
}

/// A client that was made elsewhere: over a connection that no kubeconfig can describe. Equal only to its own clones.
#[derive(Clone)]
pub struct GivenClient(Arc<kube::Client>);

impl From<kube::Client> for GivenClient {
    fn from(client: kube::Client) -> Self {
        Self(Arc::new(client))
    }
}

impl std::fmt::Debug for GivenClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may hold credentials.
        f.write_str("GivenClient")
    }
}

impl PartialEq for GivenClient {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for GivenClient {}

/// A cluster to be mirrored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The name that people use for it; unique in one configuration.
    pub name: String,
    /// Where its address and credentials come from.
    pub source: Source,
    /// Whether answers may be compressed; none means yes except on loopback, where it only costs time.
    pub gzip: Option<bool>,
    /// Whole lists that may be read at the same time.
    pub lists_at_once: usize,
    /// How long connecting, and each answer while connecting, may take.
    pub patience: Duration,
    /// Of the address and credentials as they were read: another one where they changed.
    pub fingerprint: u64,
}

impl ClusterConfig {
    /// A cluster with the usual settings.
    pub fn new(name: &str, source: Source) -> Self {
        Self {
            name: name.to_owned(),
            source,
            gzip: None,
            lists_at_once: 4,
            patience: Duration::from_secs(30),
            fingerprint: 0,
        }
    }
}

/// A cluster that was reached: shared by all that talk to it.
#[derive(Debug)]
pub struct Connection {
    name: String,
    id: ClusterId,
    version: ServerVersion,
    discovery: Discovery,
    config: Option<ClusterConfig>,
    access: Mutex<Access>,
    /// When credentials were last made anew; held while they are.
    renewal: tokio::sync::Mutex<Option<Instant>>,
    pub(crate) lists: Arc<Semaphore>,
    /// When its identity was last asked for and was the old one.
    verified: Mutex<Option<Instant>>,
    replaced: CancellationToken,
    streaming: AtomicBool,
    json_only: Mutex<BTreeSet<Kind>>,
}

impl Connection {
    /// Reaches a cluster and reads who it is and what it serves. Every step has a time-out.
    pub async fn open(config: &ClusterConfig) -> Result<Connection, ConnectError> {
        let access = Access::of(config).await?;
        let version = access.version(config.patience).await?;
        let id = access.identity(config.patience).await?;
        let discovery = Discovery::read(&access, config.patience).await?;
        Ok(Self::assemble(
            &config.name,
            id,
            version,
            discovery,
            access,
            Some(config.clone()),
        ))
    }

    /// A connection over a client that was made elsewhere. Its credentials cannot be renewed.
    pub fn over(name: &str, id: ClusterId, client: kube::Client, discovery: Discovery) -> Connection {
        let access = Access {
            client,
            endpoint: Endpoint::named(name),
            generation: 0,
        };
        Self::assemble(name, id, ServerVersion::default(), discovery, access, None)
    }

    fn assemble(
        name: &str,
        id: ClusterId,
        version: ServerVersion,
        discovery: Discovery,
        access: Access,
        config: Option<ClusterConfig>,
    ) -> Connection {
        let lists = config.as_ref().map_or(4, |c| c.lists_at_once.max(1));
        Connection {
            name: name.to_owned(),
            id,
            version,
            discovery,
            config,
            access: Mutex::new(access),
            renewal: tokio::sync::Mutex::default(),
            lists: Arc::new(Semaphore::new(lists)),
            verified: Mutex::default(),
            replaced: CancellationToken::new(),
            streaming: AtomicBool::new(true),
            json_only: Mutex::default(),
        }
    }

    /// The configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The identity: the UID of its namespace `kube-system`.
    pub fn id(&self) -> ClusterId {
        self.id
    }

    /// The server's version as it tells it: `v1.36.3`.
    pub fn version(&self) -> &str {
        &self.version.git_version
    }

    /// The server's platform as it tells it: `linux/amd64`; empty where it does not.
    pub fn platform(&self) -> &str {
        &self.version.platform
    }

    /// The server's address.
    pub fn server(&self) -> String {
        self.access().endpoint.server
    }

    /// What the cluster serves.
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// Asks again who the cluster is: another answer than [`Self::id`] means another cluster behind the old address.
    pub async fn identity(&self) -> Result<ClusterId, ConnectError> {
        self.access().identity(self.patience()).await
    }

    fn patience(&self) -> Duration {
        self.config
            .as_ref()
            .map_or(Duration::from_secs(30), |c| c.patience)
    }

    /// Whether the cluster is still the same, as proven at this moment or later.
    pub(crate) async fn verify(&self, since: Instant) -> Result<bool, ConnectError> {
        let verified = lock(&self.verified).is_some_and(|at| at >= since);
        if !self.is_replaced() && !verified {
            let asked = Instant::now();
            if self.identity().await? == self.id {
                lock(&self.verified).replace(asked);
            } else {
                self.replaced.cancel();
            }
        }
        Ok(!self.is_replaced())
    }

    fn is_replaced(&self) -> bool {
        self.replaced.is_cancelled()
    }

    /// Waits until it is found out that another cluster answers at this address.
    pub(crate) async fn replaced(&self) {
        self.replaced.cancelled().await;
    }

    pub(crate) fn access(&self) -> Access {
        lock(&self.access).clone()
    }

    /// Makes the client anew from its source, whose files or plugin may have newer credentials by now. Of many that saw
    /// the same generation refused, one does the work; and not more often than each few seconds, for a plugin may ask
    /// somebody else each time.
    pub(crate) async fn renew(&self, refused: u64) -> Result<(), ConnectError> {
        let mut last = self.renewal.lock().await;
        if last.is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS) {
            return Ok(());
        }
        let Some(config) = self
            .config
            .as_ref()
            .filter(|_| self.access().generation == refused)
        else {
            return Ok(());
        };
        *last = Some(Instant::now());
        let mut fresh = Access::of(config).await?;
        fresh.generation = refused + 1;
        *lock(&self.access) = fresh;
        tracing::info!(cluster = self.name, "renewed the credentials");
        Ok(())
    }

    /// Whether streaming lists are worth a try: until the cluster once refused or misunderstood them.
    pub(crate) fn streams_lists(&self) -> bool {
        self.streaming.load(Ordering::Relaxed)
    }

    pub(crate) fn stop_streaming_lists(&self, why: &str) {
        if self.streaming.swap(false, Ordering::Relaxed) {
            tracing::info!(
                cluster = self.name,
                why,
                "no streaming lists here: reading pages instead"
            );
        }
    }

    /// Whether protobuf is worth a try for a kind: until it was refused or could not be read.
    pub(crate) fn speaks_protobuf(&self, kind: Kind) -> bool {
        kind.row().is_some() && !lock(&self.json_only).contains(&kind)
    }

    pub(crate) fn stop_protobuf(&self, kind: Kind, why: &str) {
        if lock(&self.json_only).insert(kind) {
            tracing::info!(cluster = self.name, %kind, why, "no protobuf for this kind: reading JSON instead");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests;
