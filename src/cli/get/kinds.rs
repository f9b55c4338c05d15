//! Which columns each kind shows and which GraphQL fields they come from: to show one more kind is one row here.

use super::cells;
use planisphere_schema::Kind;
use serde_json::Value;

/// How a column reads an asset.
#[derive(Clone, Copy)]
pub enum Show {
    /// The field of the column itself, lists joined by commas.
    Field,
    /// Two numbers as `a/b`: fields of the column, in order.
    Ratio,
    /// How long ago the field's time is.
    Age,
    /// As this function reads it; it is given the whole asset.
    Read(fn(&Value) -> String),
}

/// One column.
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// Shown by `-o wide` alone.
    pub wide: bool,
    /// The GraphQL fields that it needs, as they stand in a selection.
    pub select: &'static str,
    /// How it reads them.
    pub show: Show,
}

/// A kind, and its columns between NAME and AGE.
pub struct KindColumns {
    /// The kind.
    pub kind: Kind,
    /// Its columns; those of `-o wide` come after AGE.
    pub columns: &'static [Column],
}

/// What `get all` means, as kubectl has it: what people deploy, not what configures it.
pub const ALL: &[Kind] = &[
    Kind::Pod,
    Kind::Service,
    Kind::DaemonSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::StatefulSet,
    Kind::CronJob,
    Kind::Job,
];

macro_rules! columns {
    ($($kind:ident { $($title:literal $($wide:ident)? = $select:literal $show:expr;)* })*) => {
        /// All kinds that show more than name and age.
        pub const KINDS: &[KindColumns] = &[$(KindColumns {
            kind: Kind::$kind,
            columns: &[$(Column {
                title: $title, wide: columns!(@wide $($wide)?), select: $select, show: $show,
            },)*],
        },)*];
    };
    (@wide) => { false };
    (@wide wide) => { true };
}

use Show::{Age, Field, Ratio, Read};

columns! {
    Cluster {
        "VERSION" = "gitVersion" Field;
        "NAMED" = "configuredName" Field;
        "PLATFORM" wide = "platform" Field;
        "SERVER" wide = "server" Field;
    }
    ControlPlaneComponent {
        "VERSION" = "gitVersion" Field;
        "READY" = "ready" Field;
        "LEADER" = "leader" Field;
        "LEADING" wide = "leading" Field;
    }
    Namespace {
        "STATUS" = "phase" Field;
    }
    Node {
        "STATUS" = "ready unschedulable" Read(cells::node_status);
        "ZONE" = "zone" Field;
        "VERSION" = "kubeletVersion" Field;
        "INTERNAL-IP" wide = "addresses" Read(cells::internal_ip);
        "INSTANCE-TYPE" wide = "instanceType" Field;
        "OS-IMAGE" wide = "osImage" Field;
        "KERNEL-VERSION" wide = "kernelVersion" Field;
        "CONTAINER-RUNTIME" wide = "containerRuntimeVersion" Field;
    }
    Pod {
        "READY" = "containers { role ready }" Read(cells::pod_ready);
        "STATUS" = "phase reason" Read(cells::pod_status);
        "RESTARTS" = "restarts" Field;
        "IP" wide = "podIPs" Read(cells::pod_ip);
        "NODE" wide = "nodeName" Field;
        "OWNER" wide = "ownerKind ownerName" Read(cells::pod_owner);
    }
    Deployment {
        "READY" = "readyReplicas replicas" Ratio;
        "UP-TO-DATE" = "updatedReplicas" Field;
        "AVAILABLE" = "availableReplicas" Field;
        "CONTAINERS" wide = "containers { name role image }" Read(cells::container_names);
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    ReplicaSet {
        "DESIRED" = "replicas" Field;
        "READY" = "readyReplicas" Field;
        "AVAILABLE" = "availableReplicas" Field;
        "REVISION" wide = "revision" Field;
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    StatefulSet {
        "READY" = "readyReplicas replicas" Ratio;
        "UP-TO-DATE" = "updatedReplicas" Field;
        "SERVICE" wide = "serviceName" Field;
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    DaemonSet {
        "DESIRED" = "desired" Field;
        "CURRENT" = "current" Field;
        "READY" = "ready" Field;
        "UP-TO-DATE" = "updated" Field;
        "AVAILABLE" = "available" Field;
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    Job {
        "STATUS" = "conditions { type status } suspended active" Read(cells::job_status);
        "COMPLETIONS" = "succeeded completions" Read(cells::completions);
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    CronJob {
        "SCHEDULE" = "schedule" Field;
        "SUSPEND" = "suspended" Field;
        "ACTIVE" = "active" Field;
        "LAST-SCHEDULE" = "lastScheduleAt" Age;
        "TIMEZONE" wide = "timeZone" Field;
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    Service {
        "TYPE" = "type" Field;
        "CLUSTER-IP" = "clusterIPs" Read(cells::cluster_ip);
        "PORTS" = "ports { port protocol nodePort }" Read(cells::ports);
        "INSTANCES" = "instances(first: 1) { ready total }" Read(cells::instances);
        "EXTERNAL-IP" wide = "externalIPs loadBalancer externalName" Read(cells::external_ip);
        "SELECTOR" wide = "selector" Field;
    }
    EndpointSlice {
        "SERVICE" = "serviceName" Field;
        "ADDRESSTYPE" = "addressType" Field;
        "READY" = "readyEndpoints endpoints" Ratio;
        "MANAGED-BY" wide = "managedBy" Field;
    }
    Ingress {
        "CLASS" = "ingressClassName" Field;
        "HOSTS" = "hosts" Field;
        "ADDRESS" = "loadBalancer" Field;
    }
    IngressClass {
        "CONTROLLER" = "controller" Field;
        "DEFAULT" = "default" Field;
    }
    NetworkPolicy {
        "POD-SELECTOR" = "podSelector { matchLabels matchExpressions { key operator values } }" Read(cells::pod_selector);
        "TYPES" = "policyTypes" Field;
    }
    PodDisruptionBudget {
        "MIN-AVAILABLE" = "minAvailable" Field;
        "MAX-UNAVAILABLE" = "maxUnavailable" Field;
        "ALLOWED-DISRUPTIONS" = "disruptionsAllowed" Field;
        "HEALTHY" wide = "currentHealthy expectedPods" Ratio;
    }
    HorizontalPodAutoscaler {
        "REFERENCE" = "targetKind targetName" Read(cells::reference);
        "MINPODS" = "minReplicas" Field;
        "MAXPODS" = "maxReplicas" Field;
        "REPLICAS" = "currentReplicas" Field;
    }
    PriorityClass {
        "VALUE" = "value" Field;
        "GLOBAL-DEFAULT" = "globalDefault" Field;
        "PREEMPTIONPOLICY" wide = "preemptionPolicy" Field;
    }
    StorageClass {
        "PROVISIONER" = "provisioner" Field;
        "DEFAULT" = "default" Field;
        "RECLAIMPOLICY" = "reclaimPolicy" Field;
        "VOLUMEBINDINGMODE" = "volumeBindingMode" Field;
        "ALLOWVOLUMEEXPANSION" wide = "allowVolumeExpansion" Field;
    }
    CSIDriver {
        "ATTACHREQUIRED" = "attachRequired" Field;
        "MODES" = "volumeLifecycleModes" Field;
    }
    ReplicationController {
        "DESIRED" = "replicas" Field;
        "READY" = "readyReplicas" Field;
        "AVAILABLE" = "availableReplicas" Field;
        "IMAGES" wide = "containers { name role image }" Read(cells::images);
    }
    ResourceQuota {
        "HARD" = "hard" Field;
        "USED" = "used" Field;
    }
    RuntimeClass {
        "HANDLER" = "handler" Field;
    }
    VolumeAttachment {
        "ATTACHER" = "attacher" Field;
        "PV" = "volumeName" Field;
        "NODE" = "nodeName" Field;
        "ATTACHED" = "attached" Field;
    }
    APIService {
        "SERVICE" = "serviceNamespace serviceName" Read(cells::service);
        "AVAILABLE" = "conditions { type status }" Read(cells::available);
    }
    CustomResourceDefinition {
        "KIND" = "definedKind" Field;
        "SCOPE" = "scope" Field;
        "VERSIONS" = "versions { name served }" Read(cells::served_versions);
    }
    ResourceClaim {
        "ALLOCATED" = "allocated" Field;
        "RESERVED" = "reservedFor" Field;
    }
    ValidatingAdmissionPolicyBinding {
        "POLICY" = "policyName" Field;
        "ACTIONS" = "validationActions" Field;
    }
    GatewayClass {
        "CONTROLLER" = "controllerName" Field;
    }
    Gateway {
        "CLASS" = "gatewayClassName" Field;
        "ADDRESS" = "addresses" Field;
    }
    HTTPRoute {
        "HOSTNAMES" = "hostnames" Field;
    }
    GRPCRoute {
        "HOSTNAMES" = "hostnames" Field;
    }
    RoleBinding {
        "ROLE" = "roleKind roleName" Read(cells::role);
        "SUBJECTS" = "subjects" Field;
    }
    ClusterRoleBinding {
        "ROLE" = "roleName" Field;
        "SUBJECTS" = "subjects" Field;
    }
    PersistentVolumeClaim {
        "STATUS" = "phase" Field;
        "VOLUME" = "volumeName" Field;
        "CAPACITY" = "capacity" Field;
        "ACCESS-MODES" = "accessModes" Read(cells::access_modes);
        "STORAGECLASS" = "storageClassName" Field;
        "VOLUMEMODE" wide = "volumeMode" Field;
    }
    PersistentVolume {
        "CAPACITY" = "capacity" Field;
        "ACCESS-MODES" = "accessModes" Read(cells::access_modes);
        "RECLAIM-POLICY" = "reclaimPolicy" Field;
        "STATUS" = "phase" Field;
        "CLAIM" = "claimNamespace claimName" Read(cells::claim);
        "STORAGECLASS" = "storageClassName" Field;
        "DRIVER" wide = "driver" Field;
    }
}

/// The columns of a kind; none for one that shows name and age alone.
pub fn columns(kind: Kind) -> &'static [Column] {
    KINDS
        .iter()
        .find(|row| row.kind == kind)
        .map_or(&[], |row| row.columns)
}

/// The GraphQL type of a kind: its own for a built-in one.
pub fn graphql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Custom(_) => "CustomAsset",
        _ => kind.short_name(),
    }
}

impl Column {
    /// The cell of an asset; `now_ms` is the time by which ages count.
    pub fn cell(&self, asset: &Value, now_ms: i64) -> String {
        let mut names = self.select.split(' ');
        let mut field = || names.next().map(|name| &asset[name]).unwrap_or(&Value::Null);
        match self.show {
            Field => cells::text(field()),
            Ratio => format!("{}/{}", cells::number(field()), cells::number(field())),
            Age => cells::age(field(), now_ms),
            Read(read) => read(asset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_no_blanks_and_age_is_not_theirs_to_show() {
        for row in KINDS {
            for column in row.columns {
                assert!(!column.title.contains(' '), "{:?} {}", row.kind, column.title);
                assert!(!["NAME", "AGE", "NAMESPACE", "CLUSTER"].contains(&column.title));
            }
        }
    }
}
