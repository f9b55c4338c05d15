//! A client with what was needed to make it, and the first things that are asked of a server.

use super::control_plane::ServerVersion;
use super::error::{ConnectError, Endpoint};
use super::{ClusterConfig, Source, client, kubeconfig, request};
use planisphere_schema::ClusterId;
use std::time::Duration;
use uuid::Uuid;

/// A client and how often it was made anew.
#[derive(Clone)]
pub(crate) struct Access {
    pub client: kube::Client,
    pub endpoint: Endpoint,
    pub generation: u64,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds credentials.
        write!(f, "Access({}, {})", self.endpoint.server, self.generation)
    }
}

impl Access {
    /// Builds a client. Plugins that give credentials run here, so that it may take a while.
    pub(crate) async fn of(config: &ClusterConfig) -> Result<Access, ConnectError> {
        if let Source::Given(client) = &config.source {
            return Ok(Access {
                client: (*client.0).clone(),
                endpoint: Endpoint::named(&config.name),
                generation: 0,
            });
        }
        let (source, gzip, patience) = (config.source.clone(), config.gzip, config.patience);
        // kube runs exec plugins and reads files while it builds: off the workers, and not for ever.
        let built = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Handle::current();
            let config = runtime.block_on(kubeconfig::resolve(&source))?;
            client::build(config, gzip)
        });
        match tokio::time::timeout(patience, built).await {
            Ok(Ok(built)) => {
                let (client, endpoint) = built?;
                Ok(Access {
                    client,
                    endpoint,
                    generation: 0,
                })
            }
            Ok(Err(e)) => Err(ConnectError::Credentials { why: e.to_string() }),
            Err(_) => Err(ConnectError::Credentials {
                why: format!(
                    "reading the credentials took more than {} s; is a credential plugin waiting for input?",
                    patience.as_secs()
                ),
            }),
        }
    }

    pub(crate) async fn version(&self, patience: Duration) -> Result<ServerVersion, ConnectError> {
        request::json(self, "/version", patience).await
    }

    pub(crate) async fn identity(&self, patience: Duration) -> Result<ClusterId, ConnectError> {
        #[derive(serde::Deserialize)]
        struct Namespace {
            metadata: Metadata,
        }
        #[derive(serde::Deserialize)]
        struct Metadata {
            uid: Uuid,
        }
        let namespace: Namespace = request::json(self, "/api/v1/namespaces/kube-system", patience).await?;
        Ok(ClusterId(namespace.metadata.uid))
    }
}
