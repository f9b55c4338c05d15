//! The table of relations: ends, meaning, and which way failure flows over each.

use std::fmt;

/// What the failure of an edge's target means for its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureFlow {
    /// The source needs the target all the time.
    Hard,
    /// Any one target is enough: count who is left.
    Redundant,
    /// The source needs the target to start, not to go on running.
    StartOnly,
    /// Failure does not flow.
    None,
}

/// One row of the table.
#[derive(Debug)]
pub struct RelationRow {
    /// The name, as in the API, in Cypher and in the store.
    pub name: &'static str,
    /// The ends, as a reader needs them.
    pub ends: &'static str,
    /// Where Kubernetes says so.
    pub source: &'static str,
    /// What the target's failure means for the source.
    pub failure: FailureFlow,
}

macro_rules! relations {
    ($($(#[$doc:meta])* $name:ident $text:literal $flow:ident $ends:literal $source:literal;)*) => {
        /// How one asset stands to another.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
        pub enum RelationKind { $($(#[$doc])* $name,)* }

        const ROWS: &[RelationRow] = &[$(RelationRow {
            name: $text, ends: $ends, source: $source, failure: FailureFlow::$flow,
        },)*];

        impl RelationKind {
            /// All relations, in the table's order.
            pub const ALL: &[RelationKind] = &[$(RelationKind::$name,)*];
        }
    };
}

relations! {
    /// The object's owner by metadata.ownerReferences. The edge holds the owner's uid: another uid under that name is not the owner.
    OwnedBy "OWNED_BY" None "any -> owner" "metadata.ownerReferences";
    /// The node that a pod is placed on.
    RunsOn "RUNS_ON" Hard "Pod -> Node" "spec.nodeName";
    /// The truth about a Service's instances: who gets its traffic, with ready, serving and terminating.
    RoutesTo "ROUTES_TO" Redundant "Service -> Pod, ExternalEndpoint" "EndpointSlice endpoints, declared by the slice";
    /// What a Service's selector matches: the intent, ready or not.
    Selects "SELECTS" None "Service -> Pod" "Service spec.selector against the pod's labels, declared by the pod";
    /// The Service that a slice is a part of.
    SliceOf "SLICE_OF" None "EndpointSlice -> Service" "label kubernetes.io/service-name";
    /// An ExternalName that names another Service of the cluster.
    AliasOf "ALIAS_OF" Hard "Service -> Service" "spec.externalName of the form name.namespace.svc…";
    /// Sends traffic to a Service, or to what else a route names. A backend with weight 0 gets none.
    ForwardsTo "FORWARDS_TO" Redundant "Ingress, HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute -> Service" "spec.defaultBackend, spec.rules[].http.paths[].backend, spec.rules[].backendRefs";
    /// Sends a copy of its traffic there, whose answers nobody hears.
    MirrorsTo "MIRRORS_TO" None "HTTPRoute, GRPCRoute -> Service" "spec.rules[].filters[].requestMirror.backendRef";
    /// On what a route or a set of listeners hangs: a Service where it is one of a mesh.
    HasParent "HAS_PARENT" Hard "HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute, ListenerSet -> Gateway, ListenerSet, Service" "spec.parentRefs, spec.parentRef";
    /// The grant that lets an object name another one in the grant's namespace; without any, what it names there has no effect.
    GrantedBy "GRANTED_BY" None "HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute, Gateway, ListenerSet -> ReferenceGrant" "ReferenceGrant spec.from and spec.to against what the other names, declared by the other";
    /// What a policy is about.
    Targets "TARGETS" None "BackendTLSPolicy -> Service" "spec.targetRefs";
    /// Terminates TLS with a Secret.
    UsesTls "USES_TLS" StartOnly "Ingress, Gateway, ListenerSet -> Secret" "spec.tls[].secretName, spec.listeners[].tls.certificateRefs";
    /// Reads a ConfigMap or Secret: environment, volumes, projected volumes, image pull, also in init containers; or the class that mounts secrets from elsewhere.
    Reads "READS" StartOnly "Pod, workload, ServiceAccount, BackendTLSPolicy -> ConfigMap, Secret, SecretProviderClass" "volumes, envFrom, env.valueFrom, imagePullSecrets, spec.validation.caCertificateRefs";
    /// Mounts a claim.
    Mounts "MOUNTS" Hard "Pod, workload -> PersistentVolumeClaim" "volumes[].persistentVolumeClaim, volumes[].ephemeral";
    /// A claim and its volume; bound only where both agree.
    BoundTo "BOUND_TO" Hard "PersistentVolumeClaim -> PersistentVolume" "PVC spec.volumeName, PV spec.claimRef with the claim's uid";
    /// The claim that a volume is kept for; a Released volume still names its old claim. The pods that may use a claim's devices.
    ReservedFor "RESERVED_FOR" None "PersistentVolume -> PersistentVolumeClaim; ResourceClaim -> Pod" "spec.claimRef, status.reservedFor";
    /// A volume, or the devices of a claim or slice, can be reached only from there.
    PinnedTo "PINNED_TO" Hard "PersistentVolume, ResourceClaim, ResourceSlice -> Node, Zone" "spec.nodeAffinity.required, status.allocation.nodeSelector, spec.nodeName, spec.nodeSelector";
    /// The claims that a StatefulSet's templates make for its ordinals.
    Claims "CLAIMS" None "StatefulSet -> PersistentVolumeClaim" "spec.volumeClaimTemplates, spec.replicas, spec.ordinals.start";
    /// The headless Service that names a StatefulSet's pods.
    GovernedBy "GOVERNED_BY" None "StatefulSet -> Service" "spec.serviceName";
    /// The account that a pod runs as.
    RunsAs "RUNS_AS" StartOnly "Pod, workload -> ServiceAccount" "spec.serviceAccountName";
    /// What an autoscaler scales.
    Scales "SCALES" None "HorizontalPodAutoscaler -> workload" "spec.scaleTargetRef";
    /// The class that an object names; not the default one, where it names none.
    OfClass "OF_CLASS" StartOnly "Ingress -> IngressClass; PersistentVolumeClaim, PersistentVolume -> StorageClass, VolumeAttributesClass; ResourceClaim -> DeviceClass; Gateway -> GatewayClass" "spec.ingressClassName, spec.storageClassName, spec.volumeAttributesClassName, spec.devices.requests[], spec.gatewayClassName";
    /// Where a class keeps more settings.
    HasParameters "HAS_PARAMETERS" StartOnly "IngressClass, GatewayClass -> any" "spec.parameters, spec.parametersRef";
    /// The driver of a volume or of the volumes of a class. In-tree types are named by the driver that they are migrated to.
    UsesDriver "USES_DRIVER" StartOnly "StorageClass, VolumeAttributesClass, PersistentVolume, VolumeAttachment -> CSIDriver" "provisioner, driverName, spec.csi.driver, spec.attacher";
    /// How important a pod is.
    HasPriority "HAS_PRIORITY" None "Pod, workload -> PriorityClass" "spec.priorityClassName";
    /// The pods that a budget protects from eviction.
    Protects "PROTECTS" None "PodDisruptionBudget -> Pod" "PodDisruptionBudget spec.selector against the pod's labels, declared by the pod";
    /// The pods whose traffic a policy restricts.
    AppliesTo "APPLIES_TO" None "NetworkPolicy -> Pod" "NetworkPolicy spec.podSelector against the pod's labels, declared by the pod";
    /// The role that a binding grants.
    Grants "GRANTS" None "RoleBinding -> Role, ClusterRole; ClusterRoleBinding -> ClusterRole" "roleRef";
    /// Whom a binding grants its role to.
    GrantedTo "GRANTED_TO" None "RoleBinding, ClusterRoleBinding -> ServiceAccount, User, Group" "subjects";
    /// The roles whose rules a role gathers.
    Aggregates "AGGREGATES" None "ClusterRole -> ClusterRole" "aggregationRule.clusterRoleSelectors against the other's labels, declared by the other";
    /// What a quota or limit is about: its namespace, and of its pods those of some priority classes.
    Limits "LIMITS" None "ResourceQuota, LimitRange -> Namespace; ResourceQuota -> PriorityClass" "metadata.namespace, spec.scopeSelector";
    /// The runtime that runs a pod.
    HasRuntime "HAS_RUNTIME" StartOnly "Pod, workload -> RuntimeClass" "spec.runtimeClassName";
    /// Claims devices.
    UsesClaim "USES_CLAIM" Hard "Pod, workload -> ResourceClaim" "spec.resourceClaims, status.resourceClaimStatuses";
    /// The nodes that have a driver.
    InstalledOn "INSTALLED_ON" None "CSIDriver -> Node" "CSINode spec.drivers, declared by the CSINode";
    /// The node that a volume is attached to.
    AttachedTo "ATTACHED_TO" None "PersistentVolume -> Node" "VolumeAttachment spec.source and spec.nodeName, declared by the attachment";
    /// The Service that is asked before objects are stored or converted. Where it does not answer, nothing of that kind is stored any more.
    CallsWebhook "CALLS_WEBHOOK" Hard "ValidatingWebhookConfiguration, MutatingWebhookConfiguration, CustomResourceDefinition -> Service" "webhooks[].clientConfig.service, spec.conversion.webhook.clientConfig.service";
    /// The Service that answers for a part of the API.
    ServedBy "SERVED_BY" Hard "APIService -> Service" "spec.service";
    /// The policy that a binding enforces.
    Enforces "ENFORCES" None "ValidatingAdmissionPolicyBinding -> ValidatingAdmissionPolicy" "spec.policyName";
    /// The images that a pod's containers run, or that it mounts by their digests. It needs them to start.
    UsesImage "USES_IMAGE" StartOnly "Pod -> Image" "status.containerStatuses[].imageID, also of init and ephemeral containers; spec.volumes[].image";
    /// The registries that a template's images come from. A workload that another one controls names none.
    PullsFrom "PULLS_FROM" StartOnly "workload, Pod without one -> Registry" "spec.containers[].image, also of init containers; spec.volumes[].image";
    /// The virtual machine that a node is.
    IsMachine "IS_MACHINE" Hard "Node -> VirtualMachine" "spec.providerID";
    /// The name outside of the cluster that a Service stands for.
    ExternalName "EXTERNAL_NAME" Hard "Service -> DNSName" "spec.externalName that names no Service of the cluster";
    /// Where something is reached from outside.
    ReachedAt "REACHED_AT" Redundant "Service, Ingress, Gateway, ControlPlaneComponent -> Address" "status.loadBalancer.ingress, spec.externalIPs, status.addresses; slices of the Service kubernetes in default";
    /// The programs that a machine or a part of the control plane runs, by name and version.
    RunsComponent "RUNS_COMPONENT" None "Node, Pod of the control plane, ControlPlaneComponent -> Component" "status.nodeInfo; labels tier and component of pods in kube-system; kube-proxy's pods; /version";
    /// The zone that a node stands in.
    InZone "IN_ZONE" Hard "Node -> Zone" "label topology.kubernetes.io/zone";
    /// The region of a zone, or of a node that names no zone.
    InRegion "IN_REGION" Hard "Zone, Node -> Region" "label topology.kubernetes.io/region";
    /// The cluster that a node or namespace is a part of.
    PartOf "PART_OF" Hard "Node, Namespace -> Cluster" "the cluster that serves it";
    /// The definition that makes a custom resource a kind.
    CrOf "CR_OF" None "custom resource -> CustomResourceDefinition" "its group and kind";
    /// The delivery tool's own object that put this object here: an Application, a Kustomization, a release.
    ManagedBy "MANAGED_BY" None "any -> Application, Kustomization, HelmRelease" "rules: labels and annotations of delivery tools";
    /// A report that says something about an object: vulnerabilities, violations of policies.
    ReportsOn "REPORTS_ON" None "report -> any" "rules: what the report names";
    /// Needs it all the time, as a rule says, or as the control plane is built; the edge's `labels` say in which role.
    DependsOn "DEPENDS_ON" Hard "custom resource, ControlPlaneComponent -> any" "rules; pods and leases of the control plane";
    /// Names it, as a rule says; the edge's `labels` say in which role.
    RefersTo "REFERS_TO" None "any -> any" "rules";
    /// The pods that a part of the control plane consists of.
    RunBy "RUN_BY" Redundant "ControlPlaneComponent -> Pod" "labels tier and component of pods in kube-system, declared by the pod";
}

impl RelationKind {
    /// The relation's row.
    pub fn row(self) -> &'static RelationRow {
        &ROWS[self as usize]
    }

    /// The name, as in the API and in the store: `RUNS_ON`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Reads a name, in any case, with `-` for `_`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase().replace('-', "_");
        Self::ALL.iter().copied().find(|r| r.name() == text)
    }
}

impl fmt::Display for RelationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for RelationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relation_reads_back_from_its_name_and_no_name_stands_twice() {
        for relation in RelationKind::ALL {
            assert_eq!(
                RelationKind::parse(&relation.name().to_lowercase()),
                Some(*relation)
            );
        }
    }
}
