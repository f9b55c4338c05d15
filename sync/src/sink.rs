//! Where batches go. Sync does not know what keeps them; whoever does implements this.

use async_trait::async_trait;
use futures::stream::BoxStream;
use planisphere_schema::{Asset, Batch, Cluster, ClusterId, SourceState};

/// What a cluster's mirror starts from.
#[derive(Clone, Debug)]
pub struct Start {
    /// The fence that each batch carries.
    pub fence: u64,
    /// Where the mirror of each resource stood.
    pub sources: Vec<SourceState>,
}

/// Takes what is observed, in order, and remembers it.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Takes the cluster for writing.
    async fn claim(&self, cluster: &Cluster) -> Result<Start, SinkClosed>;

    /// Every asset of the cluster that was observed and not deleted, in any order.
    async fn known(&self, cluster: ClusterId) -> Result<BoxStream<'static, Asset>, SinkClosed>;

    /// Hands a batch over; waits while there is no room. Batches of one cluster are applied in order.
    async fn send(&self, batch: Batch) -> Result<(), SinkClosed>;
}

/// The sink takes no more: the process is stopping, or another writer has taken the cluster.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store takes no more changes of this cluster")]
pub struct SinkClosed;
