//! What is worked out over ownership: the workload of a pod, the pods of a workload.

use super::ask::Ask;
use super::asset::AssetNode;
use super::connection::{Count, PageInfo};
use super::cursor::Question;
use super::freshness::Freshness;
use super::kinds::{Pods, Typed};
use crate::query::{QueryError, ownership};
use crate::store::Record;
use async_graphql::{Context, Object};
use planisphere_schema::AssetId;
use std::ops::Range;
use std::sync::Arc;

/// Fields of a Pod beyond what is kept of it.
pub struct PodFields(pub Arc<Record>);

/// Fields of what makes pods.
pub struct WorkloadFields(pub Arc<Record>);

#[Object]
impl PodFields {
    /// What made it: the topmost controller by owner references with `controller: true`; null for a bare pod.
    async fn workload(&self, ctx: &Context<'_>) -> Result<Option<AssetNode>, QueryError> {
        let graph = Ask::of(ctx).graph().await;
        let top = ownership::topmost_controller(graph, &self.0).await?;
        Ok(top.map(AssetNode::new))
    }
}

#[Object]
impl WorkloadFields {
    /// The pods that it controls, itself or through others (a ReplicaSet, a Job), by name.
    async fn pods(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<PodConnection, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        let question = ask.question(&("pods", self.0.asset.reference.id()));
        let place: Option<(String, String, AssetId)> = question.position("after", after.as_deref())?;
        let (pods, whole) = ownership::controlled_pods(ask.graph().await, &self.0).await?;
        let start = place.map_or(0, |(namespace, name, id)| {
            pods.partition_point(|p| ownership::place(p) <= (namespace.as_str(), name.as_str(), id))
        });
        let page = start..pods.len().min(start + limit);
        Ok(PodConnection {
            pods,
            page,
            whole,
            question,
            at: Arc::clone(&self.0),
        })
    }
}

/// A page of the pods of a workload.
pub struct PodConnection {
    pods: Vec<Arc<Record>>,
    page: Range<usize>,
    whole: bool,
    question: Question,
    at: Arc<Record>,
}

/// A page of the pods of a workload.
#[Object]
impl PodConnection {
    /// The pods.
    async fn nodes(&self) -> Vec<Typed<Pods>> {
        self.pods[self.page.clone()]
            .iter()
            .filter_map(|r| Typed::new(Arc::clone(r)))
            .collect()
    }

    /// Where the page ends.
    async fn page_info(&self) -> PageInfo {
        let last = self.pods[self.page.clone()].last();
        PageInfo {
            has_next_page: self.page.end < self.pods.len(),
            end_cursor: last.map(|r| self.question.cursor(&ownership::place(r))),
        }
    }

    /// How many pods there are on all pages.
    async fn total_count(&self) -> Count {
        Count {
            value: self.pods.len() as u64,
            exact: self.whole,
        }
    }

    /// How fresh the page is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        Ask::of(ctx).freshness_at(&self.at)
    }
}
