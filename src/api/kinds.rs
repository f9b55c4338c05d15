//! One GraphQL object type a kind, made from the kind table and the attribute structs: the fields of every asset, what
//! the kind keeps, its shortcuts over relations and what is worked out for it. A new kind needs no line here.

use super::asset::AssetNode;
use super::instances::ServiceFields;
use super::rollouts::DeploymentFields;
use super::shortcuts;
use super::workloads::{PodFields, WorkloadFields};
use crate::store::Record;
use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
};
use planisphere_schema::attributes::CustomAttributes;
use planisphere_schema::{Attributes, Kind};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

type Fields = IndexMap<String, MetaField>;

/// The name of a kind's object type.
pub fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Custom(_) => "CustomAsset",
        _ => kind.short_name(),
    }
}

/// Registers the types of all kinds as implementations of `Asset`; returns their names.
pub fn register(registry: &mut Registry, common: &Fields) -> IndexSet<String> {
    let built_in = Kind::BUILT_IN.iter().copied().map(Some);
    let mut names = IndexSet::new();
    for kind in built_in.chain([None]) {
        let name = kind.map_or("CustomAsset", type_name);
        let mut fields = common.clone();
        if let Some(kind) = kind {
            fields.extend(attribute_fields(kind, registry));
            fields.extend(shortcuts::fields(kind, registry));
            fields.extend(derived_fields(kind, registry));
        } else {
            fields.extend(fields_of::<CustomAttributes>(registry));
        }
        registry.add_implements(name, "Asset");
        registry
            .types
            .insert(name.to_owned(), object(name, description(kind), fields));
        names.insert(name.to_owned());
    }
    names
}

fn description(kind: Option<Kind>) -> String {
    match kind.map(|k| (k, k.group())) {
        None => "An asset of a kind that has no type of its own, for example a custom resource.".to_owned(),
        Some((kind, _)) if !kind.is_served() => {
            format!("A {}: made or named by other objects.", kind.short_name())
        }
        Some((kind, "")) => format!("A Kubernetes {}.", kind.short_name()),
        Some((kind, group)) => format!("A Kubernetes {} of API group {group}.", kind.short_name()),
    }
}

fn object(name: &str, description: String, fields: Fields) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(description),
        fields,
        cache_control: Default::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: Some(std::any::type_name::<AssetNode>()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// The fields of an object type, for another type to have as its own.
pub fn fields_of<T: OutputType>(registry: &mut Registry) -> Fields {
    match registry.create_fake_output_type::<T>() {
        MetaType::Object { fields, .. } => fields,
        _ => Fields::new(),
    }
}

/// As [`fields_of`], of the type that `_kept` reads: the attribute structs are known by their kinds' names alone.
fn fields_of_kept<T: OutputType>(registry: &mut Registry, _kept: fn(&Attributes) -> Option<&T>) -> Fields {
    fields_of::<T>(registry)
}

/// The name of one kind's type, for fields that always lead to that kind.
pub trait TypeOf: Send + Sync {
    /// The kind.
    const KIND: Kind;
}

/// Leads to pods.
pub struct Pods;
/// Leads to nodes.
pub struct Nodes;

impl TypeOf for Pods {
    const KIND: Kind = Kind::Pod;
}

impl TypeOf for Nodes {
    const KIND: Kind = Kind::Node;
}

/// An asset of a kind that is known beforehand: its fields can be asked for without a fragment.
pub struct Typed<K>(AssetNode, PhantomData<K>);

impl<K: TypeOf> Typed<K> {
    /// The asset; none where it is of another kind.
    pub fn new(record: Arc<Record>) -> Option<Self> {
        (record.asset.kind() == K::KIND).then(|| Self(AssetNode::new(record), PhantomData))
    }
}

impl<K: TypeOf> OutputType for Typed<K> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(type_name(K::KIND))
    }

    fn create_type_info(registry: &mut Registry) -> String {
        AssetNode::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

macro_rules! attributes {
    ($($kind:ident),* $(,)?) => {
        fn attribute_fields(kind: Kind, registry: &mut Registry) -> Fields {
            match kind {
                $(Kind::$kind => fields_of_kept(registry, |attributes| match attributes {
                    Attributes::$kind(kept) => Some(kept),
                    _ => None,
                }),)*
                Kind::Custom(_) => Fields::new(),
            }
        }

        async fn resolve_attribute(attributes: &Attributes, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
            match attributes {
                $(Attributes::$kind(kept) => kept.resolve_field(ctx).await,)*
                Attributes::Custom(kept) => kept.resolve_field(ctx).await,
            }
        }
    };
}

planisphere_schema::for_each_kind!(attributes);

/// Resolves a field that only the asset's kind has.
pub async fn resolve(record: &Arc<Record>, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
    if let Some(value) = resolve_attribute(&record.asset.attributes, ctx).await? {
        return Ok(Some(value));
    }
    if let Some(value) = shortcuts::resolve(record, ctx).await? {
        return Ok(Some(value));
    }
    match record.asset.kind() {
        Kind::Pod => PodFields(Arc::clone(record)).resolve_field(ctx).await,
        Kind::Service => ServiceFields(Arc::clone(record)).resolve_field(ctx).await,
        kind if makes_pods(kind) => {
            let found = WorkloadFields(Arc::clone(record)).resolve_field(ctx).await?;
            match kind {
                Kind::Deployment if found.is_none() => {
                    DeploymentFields(Arc::clone(record)).resolve_field(ctx).await
                }
                _ => Ok(found),
            }
        }
        _ => Ok(None),
    }
}

fn derived_fields(kind: Kind, registry: &mut Registry) -> Fields {
    match kind {
        Kind::Pod => fields_of::<PodFields>(registry),
        Kind::Service => fields_of::<ServiceFields>(registry),
        Kind::Deployment => {
            let mut fields = fields_of::<WorkloadFields>(registry);
            fields.extend(fields_of::<DeploymentFields>(registry));
            fields
        }
        kind if makes_pods(kind) => fields_of::<WorkloadFields>(registry),
        _ => Fields::new(),
    }
}

fn makes_pods(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
            | Kind::CronJob
    )
}
