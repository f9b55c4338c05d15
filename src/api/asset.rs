//! An asset: the interface `Asset` with the fields that all kinds share. The fields of each kind come from `kinds`.

use super::ask::Ask;
use super::edge::EdgeConnection;
use super::events::RecentEvents;
use super::history::HistoryConnection;
use super::kinds;
use super::ownership::Ownership;
use super::reference::Direction;
use crate::query::QueryError;
use crate::store::Record;
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::resolver_utils::resolve_container;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ID, InterfaceType, Json, Object, OutputType, Positioned,
    ServerResult, Value,
};
use planisphere_schema::{Label, RelationKind, Time};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An asset of any kind, as GraphQL's interface `Asset`; its `__typename` is its kind's.
#[derive(Clone, Debug)]
pub struct AssetNode(AssetFields);

/// The fields that all kinds share.
#[derive(Clone, Debug)]
pub struct AssetFields(pub Arc<Record>);

impl AssetNode {
    /// An asset.
    pub fn new(record: Arc<Record>) -> Self {
        Self(AssetFields(record))
    }

    /// What the store keeps of it.
    pub fn record(&self) -> &Arc<Record> {
        &self.0.0
    }
}

/// Fields of every asset.
#[Object]
impl AssetFields {
    /// The asset's id in this graph: the same for the same name in the same cluster, for ever.
    async fn id(&self) -> ID {
        ID(self.0.asset.reference.id().to_string())
    }

    /// The uid that Kubernetes gave to its present incarnation; null where there is none.
    async fn uid(&self) -> Option<String> {
        let uid = self.0.asset.uid;
        (!uid.is_nil()).then(|| uid.to_string())
    }

    /// The configured name of its cluster.
    async fn cluster(&self) -> &str {
        &self.0.cluster_name
    }

    /// Its kind with the group: `Pod`, `Deployment.apps`.
    async fn kind(&self) -> String {
        self.0.asset.kind().to_string()
    }

    /// Its namespace; null for what lives in the cluster itself.
    async fn namespace(&self) -> Option<&str> {
        let namespace = &*self.0.asset.reference.key().namespace;
        (!namespace.is_empty()).then_some(namespace)
    }

    /// Its name. A Cluster's is its identity.
    async fn name(&self) -> &str {
        &self.0.asset.reference.key().name
    }

    /// Its labels, as a JSON object.
    async fn labels(&self) -> Json<BTreeMap<&str, &str>> {
        Json(map(&self.0.asset.labels))
    }

    /// Its annotations, of those that are kept, as a JSON object.
    async fn annotations(&self) -> Json<BTreeMap<&str, &str>> {
        Json(map(&self.0.asset.annotations))
    }

    /// When it was created, as the cluster claims.
    async fn created_at(&self) -> Option<Time> {
        self.0.asset.created
    }

    /// When its present state began to be known.
    async fn changed_at(&self) -> Time {
        self.0.since.time()
    }

    /// When its deletion was asked for: it is terminating, not gone.
    async fn deletion_timestamp(&self) -> Option<Time> {
        self.0.asset.deleting
    }

    /// The object's resourceVersion; null where there is none.
    async fn resource_version(&self) -> Option<String> {
        let version = self.0.asset.resource_version;
        (version != 0).then(|| version.to_string())
    }

    /// Referred to, but not there: never seen, or gone. Only its name is known then; its other fields mean nothing.
    async fn dangling(&self) -> bool {
        self.0.is_dangling()
    }

    /// What was wrong with the object that it was read from.
    async fn problems(&self) -> &[String] {
        &self.0.asset.problems
    }

    /// The version at which its present state began.
    async fn version(&self) -> String {
        self.0.since.0.to_string()
    }

    /// Its edges.
    async fn edges(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which way they point.", default_with = "Direction::Both")] direction: Direction,
        #[graphql(desc = "Which relations; all where left out.")] relations: Option<Vec<RelationKind>>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<EdgeConnection, QueryError> {
        EdgeConnection::read(
            Ask::of(ctx),
            &self.0,
            direction.into(),
            relations,
            first,
            after.as_deref(),
        )
        .await
    }

    /// Who answers for it, with the evidence and what contradicts it.
    async fn ownership(&self, ctx: &Context<'_>) -> Result<Ownership, QueryError> {
        Ownership::of(ctx, &self.0).await
    }

    /// What happened to it, newest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many changes at the most, up to 500.", default = 20)] first: i32,
        #[graphql(desc = "Older than this cursor.")] before: Option<String>,
    ) -> Result<HistoryConnection, QueryError> {
        HistoryConnection::read(Ask::of(ctx), &self.0, first, before.as_deref()).await
    }

    /// What its cluster said of it of late (Kubernetes' Events), the latest first. Kept in memory alone: a restart forgets what the
    /// cluster no longer holds. Null where the question is as of an instant.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 20)] first: i32,
    ) -> Result<Option<RecentEvents>, QueryError> {
        RecentEvents::read(Ask::of(ctx), &self.0, first)
    }
}

fn map(labels: &[Label]) -> BTreeMap<&str, &str> {
    labels
        .iter()
        .map(|l| (l.key.as_str(), l.value.as_str()))
        .collect()
}

impl OutputType for AssetNode {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Asset")
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(kinds::type_name(self.record().asset.kind()))
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Interface, |registry| {
            let fields = kinds::fields_of::<AssetFields>(registry);
            let possible_types = kinds::register(registry, &fields);
            MetaType::Interface {
                name: "Asset".to_owned(),
                description: Some(
                    "One thing that a cluster declares or names. Each kind has a type of its own with more fields."
                        .to_owned(),
                ),
                fields,
                possible_types,
                extends: false,
                keys: None,
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                rust_typename: Some(std::any::type_name::<Self>()),
                directive_invocations: Vec::new(),
                requires_scopes: Vec::new(),
            }
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl ContainerType for AssetNode {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        if let Some(value) = self.0.resolve_field(ctx).await? {
            return Ok(Some(value));
        }
        kinds::resolve(self.record(), ctx).await
    }
}

impl InterfaceType for AssetNode {}
