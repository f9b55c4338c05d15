//! The rollouts of a Deployment, as callers see them.

use super::ask::Ask;
use super::asset::AssetNode;
use super::instant::Instant;
use crate::query::QueryError;
use crate::query::rollouts::{self, rollouts};
use crate::store::Record;
use async_graphql::{Context, Object, SimpleObject};
use planisphere_schema::Attributes;
use std::sync::Arc;

/// Fields of a Deployment beyond what is kept of it and what all workloads have.
pub struct DeploymentFields(pub Arc<Record>);

#[Object]
impl DeploymentFields {
    /// Its rollouts, newest first: what `kubectl rollout history` tells, with what each ran and when it was ready.
    async fn rollouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 10)] first: i32,
    ) -> Result<Vec<Rollout>, QueryError> {
        let ask = Ask::of(ctx);
        let found = rollouts(ask.graph().await, &self.0, ask.page(first)?).await?;
        Ok(found.into_iter().map(Rollout::new).collect())
    }
}

/// One revision of a Deployment.
#[derive(SimpleObject)]
pub struct Rollout {
    /// The revision's number. One that was rolled back to has a new number, and its old one is gone.
    revision: u64,
    /// The ReplicaSet that stands for it.
    replica_set: AssetNode,
    /// The images of its containers.
    images: Vec<String>,
    /// When the ReplicaSet got this number, as far as history goes back.
    began_at: Option<Instant>,
    /// When all replicas that were wanted were ready for the first time since then; null where they never were, or not as
    /// far as history goes back.
    ready_at: Option<Instant>,
}

impl Rollout {
    fn new(rollout: rollouts::Rollout) -> Self {
        let images = match &rollout.replica_set.asset.attributes {
            Attributes::ReplicaSet(set) => set.containers.iter().map(|c| c.image.clone()).collect(),
            _ => Vec::new(),
        };
        Self {
            revision: rollout.revision,
            images,
            replica_set: AssetNode::new(rollout.replica_set),
            began_at: rollout.began.map(Instant::from),
            ready_at: rollout.ready.map(Instant::from),
        }
    }
}
