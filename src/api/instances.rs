//! The instances of a Service as callers see them.

use super::ask::Ask;
use super::asset::AssetNode;
use super::connection::{Count, PageInfo};
use super::cursor::Question;
use super::freshness::Freshness;
use super::kinds::{Nodes, Typed};
use crate::query::instances::{self, Instance, Instances, place};
use crate::query::{QueryError, ownership, records};
use crate::store::Record;
use async_graphql::{Context, Object};
use planisphere_schema::AssetId;
use planisphere_schema::detail::Port;
use std::sync::Arc;

/// Fields of a Service beyond what is kept of it.
pub struct ServiceFields(pub Arc<Record>);

#[Object]
impl ServiceFields {
    /// The pods and other addresses that stand behind it, by its EndpointSlices: the truth, where a selector is only
    /// the intent. A pod counts once, however many slices and address families name it.
    async fn instances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those that are ready, or are not.")] ready: Option<bool>,
    ) -> Result<InstanceConnection, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        let question = ask.question(&("instances", self.0.asset.reference.id(), ready));
        let after: Option<(String, String, AssetId)> = question.position("after", after.as_deref())?;
        let found = instances::instances(ask.graph().await, &self.0).await?;
        let chosen: Vec<usize> = (0..found.all.len())
            .filter(|i| ready.is_none_or(|ready| found.all[*i].ready == ready))
            .collect();
        let start = after.map_or(0, |(namespace, name, id)| {
            chosen.partition_point(|i| place(&found.all[*i]) <= (namespace.as_str(), name.as_str(), id))
        });
        let page = chosen[start..].iter().copied().take(limit).collect::<Vec<_>>();
        Ok(InstanceConnection {
            more: start + page.len() < chosen.len(),
            chosen: chosen.len(),
            page,
            found,
            question,
            at: Arc::clone(&self.0),
        })
    }
}

/// A page of the instances of a Service.
pub struct InstanceConnection {
    at: Arc<Record>,
    found: Instances,
    chosen: usize,
    page: Vec<usize>,
    more: bool,
    question: Question,
}

impl InstanceConnection {
    fn page(&self) -> impl Iterator<Item = &Instance> {
        self.page.iter().map(|i| &self.found.all[*i])
    }

    fn cursor(&self, instance: &Instance) -> String {
        self.question.cursor(&place(instance))
    }

    fn count(&self, which: impl Fn(&Instance) -> bool) -> u64 {
        self.found.all.iter().filter(|i| which(i)).count() as u64
    }
}

/// Who stands behind a Service.
#[Object]
impl InstanceConnection {
    /// The instances, with what the slices say of each.
    async fn edges(&self) -> Vec<InstanceEdge> {
        let all = self.page().map(|i| InstanceEdge {
            cursor: self.cursor(i),
            instance: i.clone(),
        });
        all.collect()
    }

    /// The pods, and the addresses where no pod stands (ExternalEndpoint).
    async fn nodes(&self) -> Vec<AssetNode> {
        self.page()
            .map(|i| AssetNode::new(Arc::clone(&i.asset)))
            .collect()
    }

    /// Where the page ends.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.more,
            end_cursor: self.page().last().map(|i| self.cursor(i)),
        }
    }

    /// How many instances there are on all pages, of those that were asked for.
    async fn total_count(&self) -> Count {
        Count {
            value: self.chosen as u64,
            exact: self.found.cut_off == 0,
        }
    }

    /// How many instances the Service has, ready or not.
    async fn total(&self) -> u64 {
        self.found.all.len() as u64
    }

    /// How many of them take new traffic.
    async fn ready(&self) -> u64 {
        self.count(|i| i.ready)
    }

    /// How many of them answer, terminating ones included.
    async fn serving(&self) -> u64 {
        self.count(|i| i.serving)
    }

    /// How many of them are being deleted.
    async fn terminating(&self) -> u64 {
        self.count(|i| i.terminating)
    }

    /// Endpoints in the slices that name a pod which is not there, or another incarnation of it: no instances.
    async fn stale(&self) -> u64 {
        self.found.stale as u64
    }

    /// How fresh it is.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        Ask::of(ctx).freshness_at(&self.at)
    }
}

/// An instance in a page.
pub struct InstanceEdge {
    cursor: String,
    instance: Instance,
}

/// An instance of a Service, with what its slices say of it.
#[Object]
impl InstanceEdge {
    /// Its place: give it as `after`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The pod; an ExternalEndpoint where no pod stands.
    async fn node(&self) -> AssetNode {
        AssetNode::new(Arc::clone(&self.instance.asset))
    }

    /// Takes new traffic: one of its endpoints at least is ready. Absent in a slice counts as ready.
    async fn ready(&self) -> bool {
        self.instance.ready
    }

    /// Answers, even while terminating: one of its endpoints at least does. Absent in a slice counts as ready says.
    async fn serving(&self) -> bool {
        self.instance.serving
    }

    /// Is being deleted: all of its endpoints say so.
    async fn terminating(&self) -> bool {
        self.instance.terminating
    }

    /// Its addresses, of all address families.
    async fn addresses(&self) -> &[String] {
        &self.instance.addresses
    }

    /// Its ports.
    async fn ports(&self) -> Vec<Port> {
        self.instance.ports.clone()
    }

    /// The slices that name it, by name.
    async fn slices(&self, ctx: &Context<'_>) -> Result<Vec<AssetNode>, QueryError> {
        let mut slices = records(Ask::of(ctx).graph().await, &self.instance.slices).await?;
        slices.sort_by(|a, b| ownership::place(a).cmp(&ownership::place(b)));
        Ok(slices.into_iter().map(AssetNode::new).collect())
    }

    /// The node that the slices name for it, or the pod's own where they name none; null where there is neither.
    async fn host(&self, ctx: &Context<'_>) -> Result<Option<Typed<Nodes>>, QueryError> {
        let Some(id) = self.instance.node else {
            return Ok(None);
        };
        let found = Ask::of(ctx).graph().await.get(&[id]).await?.pop().flatten();
        Ok(found.and_then(Typed::new))
    }

    /// The name of its node; null where there is none.
    async fn node_name(&self) -> Option<&str> {
        self.instance.node_name.as_deref()
    }

    /// The zone that the slices name for it, or its node's own where they name none.
    async fn zone(&self) -> Option<&str> {
        self.instance.zone.as_deref()
    }

    /// The host name that the slices give it.
    async fn hostname(&self) -> Option<&str> {
        self.instance.hostname.as_deref()
    }
}
