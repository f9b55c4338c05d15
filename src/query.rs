//! Questions about the graph, one a file, written once for every store over the [`Snapshot`] contract.
//! This room knows no GraphQL, no HTTP and no store's inside. Budgets are exact: one store call a hop.

pub mod changes;
pub mod dependencies;
pub mod diff;
pub mod edges;
pub mod feed;
pub mod freshness;
pub mod history;
pub mod impact;
pub mod instances;
pub mod names;
pub mod ownership;
pub mod path;
pub mod rollouts;
pub mod timeline;
pub mod topology;
pub mod why;
pub mod window;

use crate::store::{Record, Snapshot, StoreError};
use planisphere_schema::AssetId;
use std::sync::Arc;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question cannot be understood; says what is known instead.
    #[error("{0}")]
    Input(String),
    /// It names something that is not there.
    #[error("{0}")]
    NotFound(String),
    /// A cursor was made by another question.
    #[error(
        "the cursor in `{argument}` belongs to another question (another filter, order or asset); ask again without it"
    )]
    CursorMismatch {
        /// The argument that held it.
        argument: &'static str,
    },
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An edge leads to an asset of which the store knows not even the name.
    #[error("an edge leads to {0}, of which the store keeps nothing")]
    Broken(AssetId),
}

/// A store in memory answers at once, so a long question gives way here after some work: others go on, and a time limit
/// can end this one.
pub async fn breathe() {
    tokio::task::consume_budget().await;
}

/// How many edges one store call may bring at the most: what is held at a time stays small on any graph.
const EDGES_A_CALL: usize = 100_000;

/// Cuts assets into groups that one store call may ask the edges of, with up to `limit` edges each.
fn calls(ids: &[AssetId], limit: usize) -> std::slice::Chunks<'_, AssetId> {
    ids.chunks((EDGES_A_CALL / limit.max(1)).max(1))
}

/// The assets of these ids, in their order.
///
/// # Errors
/// When the store fails, or keeps an edge to something that it does not keep.
pub async fn records(snapshot: &dyn Snapshot, ids: &[AssetId]) -> Result<Vec<Arc<Record>>, QueryError> {
    breathe().await;
    let found = snapshot.get(ids).await?;
    ids.iter()
        .zip(found)
        .map(|(id, record)| record.ok_or(QueryError::Broken(*id)))
        .collect()
}
