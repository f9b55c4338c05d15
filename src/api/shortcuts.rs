//! Relations that people ask for so often that they have names of their own: one row each. `many` is the page of edges
//! of that relation; `one` is the asset at the other end of the only such edge.

use super::ask::Ask;
use super::edge::EdgeConnection;
use super::kinds::{fields_of, type_name};
use crate::query::{QueryError, edges};
use crate::store::{Direction, Record};
use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaField, Registry};
use async_graphql::{Context, Error, Object, OutputType, ServerResult, Value};
use planisphere_schema::{Kind, RelationKind};
use std::sync::Arc;

use super::asset::AssetNode;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// At most one, of this kind.
    One(Kind),
    /// Any number.
    Many,
}

struct Shortcut {
    kind: Kind,
    name: &'static str,
    relation: RelationKind,
    direction: Direction,
    ends: Ends,
    text: &'static str,
}

macro_rules! shortcuts {
    ($($kind:ident . $name:literal = $direction:ident $relation:ident $ends:expr, $text:literal;)*) => {
        const SHORTCUTS: &[Shortcut] = &[$(Shortcut {
            kind: Kind::$kind,
            name: $name,
            relation: RelationKind::$relation,
            direction: Direction::$direction,
            ends: $ends,
            text: $text,
        },)*];
    };
}

use Ends::{Many, One};

shortcuts! {
    Pod."node" = Out RunsOn One(Kind::Node), "The node that it is placed on.";
    Pod."services" = In RoutesTo Many, "The Services that have it as an endpoint; once for each slice.";
    Pod."serviceAccount" = Out RunsAs One(Kind::ServiceAccount), "The account that it runs as.";
    Pod."reads" = Out Reads Many, "The ConfigMaps and Secrets that it reads.";
    Pod."mounts" = Out Mounts Many, "The claims that it mounts.";
    Node."pods" = In RunsOn Many, "The pods that are placed on it.";
    Service."ingresses" = In ForwardsTo Many, "The Ingresses that forward to it.";
    Service."slices" = In SliceOf Many, "Its EndpointSlices.";
    Ingress."services" = Out ForwardsTo Many, "The Services that it forwards to.";
    Ingress."certificates" = Out UsesTls Many, "The Secrets that it terminates TLS with.";
    ConfigMap."usedBy" = In Reads Many, "The pods, workloads and accounts that read it.";
    Secret."usedBy" = In Reads Many, "The pods, workloads and accounts that read it.";
    PersistentVolumeClaim."volume" = Out BoundTo One(Kind::PersistentVolume), "The volume that it is bound to.";
    PersistentVolumeClaim."usedBy" = In Mounts Many, "The pods and workloads that mount it.";
    PersistentVolume."claim" = In BoundTo One(Kind::PersistentVolumeClaim), "The claim that is bound to it.";
    ServiceAccount."usedBy" = In RunsAs Many, "The pods and workloads that run as it.";
    PodDisruptionBudget."pods" = Out Protects Many, "The pods that it protects.";
    NetworkPolicy."pods" = Out AppliesTo Many, "The pods that it applies to.";
    HorizontalPodAutoscaler."scales" = Out Scales Many, "What it scales.";
    StorageClass."usedBy" = In OfClass Many, "The claims and volumes that name it.";
    IngressClass."usedBy" = In OfClass Many, "The Ingresses that name it.";
    PriorityClass."usedBy" = In HasPriority Many, "The pods and workloads that name it.";
    Role."bindings" = In Grants Many, "The bindings that grant it.";
    ClusterRole."bindings" = In Grants Many, "The bindings that grant it.";
    ClusterRole."aggregates" = Out Aggregates Many, "The roles whose rules it gathers.";
    RoleBinding."grantedTo" = Out GrantedTo Many, "Whom it grants its role to.";
    ClusterRoleBinding."grantedTo" = Out GrantedTo Many, "Whom it grants its role to.";
    ServiceAccount."bindings" = In GrantedTo Many, "The bindings that grant it a role.";
    User."bindings" = In GrantedTo Many, "The bindings that grant it a role.";
    Group."bindings" = In GrantedTo Many, "The bindings that grant it a role.";
    Namespace."limits" = In Limits Many, "The quotas and limit ranges that bound it.";
    RuntimeClass."usedBy" = In HasRuntime Many, "The pods and workloads that name it.";
    CSIDriver."nodes" = Out InstalledOn Many, "The nodes that have it.";
    Node."volumes" = In AttachedTo Many, "The volumes that are attached to it.";
    PersistentVolume."attachedTo" = Out AttachedTo Many, "The nodes that it is attached to.";
    ResourceClaim."usedBy" = In UsesClaim Many, "The pods and workloads that use it.";
    DeviceClass."usedBy" = In OfClass Many, "The claims that name it.";
    Service."webhooks" = In CallsWebhook Many, "The webhook configurations and definitions that ask it.";
    Service."apis" = In ServedBy Many, "The parts of the API that it answers for.";
    ValidatingAdmissionPolicy."bindings" = In Enforces Many, "The bindings that enforce it.";
    Service."routes" = In ForwardsTo Many, "The Ingresses and routes that forward to it.";
    Gateway."routes" = In HasParent Many, "The routes and sets of listeners that hang on it.";
    Gateway."certificates" = Out UsesTls Many, "The Secrets that it terminates TLS with.";
    ReferenceGrant."lets" = In GrantedBy Many, "What it lets name objects of its namespace.";
    GatewayClass."usedBy" = In OfClass Many, "The Gateways that name it.";
    HTTPRoute."services" = Out ForwardsTo Many, "What it forwards to.";
    HTTPRoute."gateways" = Out HasParent Many, "What it hangs on.";
    GRPCRoute."services" = Out ForwardsTo Many, "What it forwards to.";
    GRPCRoute."gateways" = Out HasParent Many, "What it hangs on.";
    TLSRoute."services" = Out ForwardsTo Many, "What it forwards to.";
    TLSRoute."gateways" = Out HasParent Many, "What it hangs on.";
    TCPRoute."services" = Out ForwardsTo Many, "What it forwards to.";
    TCPRoute."gateways" = Out HasParent Many, "What it hangs on.";
    UDPRoute."services" = Out ForwardsTo Many, "What it forwards to.";
    UDPRoute."gateways" = Out HasParent Many, "What it hangs on.";
    Image."pods" = In UsesImage Many, "The pods that run it.";
    Pod."images" = Out UsesImage Many, "The images that it runs.";
    Registry."usedBy" = In PullsFrom Many, "The workloads and bare pods whose images come from it.";
    VirtualMachine."nodes" = In IsMachine Many, "The nodes that it is.";
    Node."machine" = Out IsMachine One(Kind::VirtualMachine), "The virtual machine behind it.";
    Node."components" = Out RunsComponent Many, "The programs that it runs, with their versions.";
    Component."runningOn" = In RunsComponent Many, "The nodes, pods and parts of control planes that run it.";
    ControlPlaneComponent."pods" = Out RunBy Many, "The pods that it consists of, where the cluster shows them.";
    ControlPlaneComponent."endpoints" = Out ReachedAt Many, "Where the API server answers.";
    ControlPlaneComponent."programs" = Out RunsComponent Many, "The programs that it runs, with their versions.";
    ControlPlaneComponent."needs" = Out DependsOn Many, "The parts of the control plane that it needs.";
    DNSName."services" = In ExternalName Many, "The Services that stand for it.";
    Address."reaches" = In ReachedAt Many, "What is reached at it.";
    Zone."nodes" = In InZone Many, "The nodes that stand in it.";
}

struct Templates(Arc<Record>);

#[Object]
impl Templates {
    async fn many(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at the most, up to 500.", default = 50)] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<EdgeConnection, QueryError> {
        let ask = Ask::of(ctx);
        EdgeConnection::read(ask, &self.0, Direction::Both, None, first, after.as_deref()).await
    }
}

/// The fields of a kind's shortcuts.
pub fn fields(kind: Kind, registry: &mut Registry) -> IndexMap<String, MetaField> {
    let Some(template) = fields_of::<Templates>(registry).shift_remove("many") else {
        return IndexMap::new();
    };
    let rows = SHORTCUTS.iter().filter(|s| s.kind == kind);
    rows.map(|row| {
        let mut field = template.clone();
        row.name.clone_into(&mut field.name);
        let arrow = match row.direction {
            Direction::In => "edges that end here",
            _ => "edges that start here",
        };
        field.description = Some(format!("{} ({}, {arrow})", row.text, row.relation));
        if let Ends::One(other) = row.ends {
            type_name(other).clone_into(&mut field.ty);
            field.args.clear();
        }
        (row.name.to_owned(), field)
    })
    .collect()
}

/// Resolves a field that is a shortcut of the asset's kind.
pub async fn resolve(record: &Arc<Record>, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
    let kind = record.asset.kind();
    let name = ctx.item.node.name.node.as_str();
    let Some(row) = SHORTCUTS.iter().find(|s| s.kind == kind && s.name == name) else {
        return Ok(None);
    };
    let ask = Ask::of(ctx);
    let inner = ctx.with_selection_set(&ctx.item.node.selection_set);
    let failed = |e: QueryError| ctx.set_error_path(Error::from(e).into_server_error(ctx.item.pos));
    match row.ends {
        Ends::Many => {
            let (_, first) = ctx.param_value::<i32>("first", Some(|| 50))?;
            let (_, after) = ctx.param_value::<Option<String>>("after", None)?;
            let relations = Some(vec![row.relation]);
            let page = EdgeConnection::read(ask, record, row.direction, relations, first, after.as_deref());
            let page = page.await.map_err(failed)?;
            OutputType::resolve(&page, &inner, ctx.item).await.map(Some)
        }
        Ends::One(other) => {
            let graph = ask.graph().await;
            let page = edges::all_edges(graph, record, row.direction, row.relation, 8).await;
            let edges = page.map_err(failed)?.edges;
            let unbound = |e: &edges::Edge| e.link.detail.bound == Some(false);
            let found = edges
                .into_iter()
                .find(|e| e.other.asset.kind() == other && !e.is_stale() && !unbound(e));
            let found = found.map(|e| AssetNode::new(e.other));
            OutputType::resolve(&found, &inner, ctx.item).await.map(Some)
        }
    }
}
