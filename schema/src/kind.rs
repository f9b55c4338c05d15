//! The closed table of built-in kinds, one row each, plus [`CustomKind`] for what only a CRD knows.
//! A kind is named with its group wherever a string names one, as kubectl does: `Pod`, `Deployment.apps`.

mod custom;

pub use custom::{CustomKind, MOST_MENTIONED, Spoken, usual_plural};

use std::fmt;

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster itself.
    Cluster,
}

/// How assets of a kind come to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Listed and watched whole.
    Watched,
    /// Listed and watched as PartialObjectMetadata: the values never reach the process.
    Metadata,
    /// Made by Planisphere itself (the cluster).
    Made,
    /// Only named by others (a zone, an address): it exists because something refers to it.
    Named,
}

/// One row of the table.
#[derive(Debug)]
pub struct KindRow {
    /// The kind's name without a group.
    pub kind: &'static str,
    /// API group; empty for the core group.
    pub group: &'static str,
    /// The API versions that we can read, the preferred one first; all say the same of what is read.
    pub versions: &'static [&'static str],
    /// Plural resource name as in URLs; empty for what Kubernetes does not serve.
    pub plural: &'static str,
    /// Short names that kubectl takes.
    pub short: &'static [&'static str],
    /// Namespaced or not.
    pub scope: Scope,
    /// How its assets come to be known.
    pub supply: Supply,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $group:literal $($version:literal)|+ $plural:literal [$($short:literal),*] $scope:ident $supply:ident;)*) => {
        /// A kind of asset.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// A kind that the table does not know: a custom resource, or one of an API group that is not read yet.
            Custom(CustomKind),
        }

        impl Kind {
            /// All built-in kinds, in the table's order.
            pub const BUILT_IN: &[Kind] = &[$(Kind::$name,)*];

            /// The kind's row; none for a custom kind.
            pub fn row(self) -> Option<&'static KindRow> {
                match self {
                    $(Kind::$name => Some(&KindRow {
                        kind: stringify!($name), group: $group, versions: &[$($version),+], plural: $plural,
                        short: &[$($short),*], scope: Scope::$scope, supply: Supply::$supply,
                    }),)*
                    Kind::Custom(_) => None,
                }
            }
        }

        /// Calls `$macro! { Name, Name, … }` with every built-in kind: how the API writes one GraphQL type a kind.
        #[macro_export]
        macro_rules! for_each_kind {
            ($callback:ident) => { $callback! { $($name),* } };
        }
    };
}

kinds! {
    /// A Kubernetes cluster, known by the UID of its `kube-system` namespace.
    Cluster "" "" "" [] Cluster Made;
    /// A namespace.
    Namespace "" "v1" "namespaces" ["ns"] Cluster Watched;
    /// A machine that runs pods.
    Node "" "v1" "nodes" ["no"] Cluster Watched;
    /// A pod.
    Pod "" "v1" "pods" ["po"] Namespaced Watched;
    /// A Deployment.
    Deployment "apps" "v1" "deployments" ["deploy"] Namespaced Watched;
    /// A ReplicaSet.
    ReplicaSet "apps" "v1" "replicasets" ["rs"] Namespaced Watched;
    /// A StatefulSet.
    StatefulSet "apps" "v1" "statefulsets" ["sts"] Namespaced Watched;
    /// A DaemonSet.
    DaemonSet "apps" "v1" "daemonsets" ["ds"] Namespaced Watched;
    /// A Job.
    Job "batch" "v1" "jobs" [] Namespaced Watched;
    /// A CronJob.
    CronJob "batch" "v1" "cronjobs" ["cj"] Namespaced Watched;
    /// A Service.
    Service "" "v1" "services" ["svc"] Namespaced Watched;
    /// A part of the endpoints of a Service: the truth about its instances.
    EndpointSlice "discovery.k8s.io" "v1" "endpointslices" [] Namespaced Watched;
    /// An Ingress.
    Ingress "networking.k8s.io" "v1" "ingresses" ["ing"] Namespaced Watched;
    /// A ConfigMap; its values are never read.
    ConfigMap "" "v1" "configmaps" ["cm"] Namespaced Metadata;
    /// A Secret; its values are never read.
    Secret "" "v1" "secrets" [] Namespaced Metadata;
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim "" "v1" "persistentvolumeclaims" ["pvc"] Namespaced Watched;
    /// A PersistentVolume.
    PersistentVolume "" "v1" "persistentvolumes" ["pv"] Cluster Watched;
    /// A ServiceAccount.
    ServiceAccount "" "v1" "serviceaccounts" ["sa"] Namespaced Watched;
    /// A PodDisruptionBudget: how many pods must stay when others are evicted.
    PodDisruptionBudget "policy" "v1" "poddisruptionbudgets" ["pdb"] Namespaced Watched;
    /// A HorizontalPodAutoscaler.
    HorizontalPodAutoscaler "autoscaling" "v2" "horizontalpodautoscalers" ["hpa"] Namespaced Watched;
    /// A StorageClass.
    StorageClass "storage.k8s.io" "v1" "storageclasses" ["sc"] Cluster Watched;
    /// A VolumeAttributesClass: how volumes of a driver are to behave, which may change while they are used.
    VolumeAttributesClass "storage.k8s.io" "v1" | "v1beta1" "volumeattributesclasses" ["vac"] Cluster Watched;
    /// A CSIDriver: who attaches and mounts volumes.
    CSIDriver "storage.k8s.io" "v1" "csidrivers" [] Cluster Watched;
    /// An IngressClass.
    IngressClass "networking.k8s.io" "v1" "ingressclasses" [] Cluster Watched;
    /// A NetworkPolicy: which pods may talk to which.
    NetworkPolicy "networking.k8s.io" "v1" "networkpolicies" ["netpol"] Namespaced Watched;
    /// A PriorityClass: which pods go before which.
    PriorityClass "scheduling.k8s.io" "v1" "priorityclasses" ["pc"] Cluster Watched;
    /// A Role: what may be done in its namespace.
    Role "rbac.authorization.k8s.io" "v1" "roles" [] Namespaced Watched;
    /// A ClusterRole: what may be done in the cluster, or in the namespace of a RoleBinding that grants it.
    ClusterRole "rbac.authorization.k8s.io" "v1" "clusterroles" [] Cluster Watched;
    /// A RoleBinding: grants a role in its namespace.
    RoleBinding "rbac.authorization.k8s.io" "v1" "rolebindings" [] Namespaced Watched;
    /// A ClusterRoleBinding: grants a role in the whole cluster.
    ClusterRoleBinding "rbac.authorization.k8s.io" "v1" "clusterrolebindings" [] Cluster Watched;
    /// A ResourceQuota: how much its namespace may have.
    ResourceQuota "" "v1" "resourcequotas" ["quota"] Namespaced Watched;
    /// A LimitRange: how much a pod or container of its namespace may have.
    LimitRange "" "v1" "limitranges" ["limits"] Namespaced Watched;
    /// A RuntimeClass: by which runtime pods are run.
    RuntimeClass "node.k8s.io" "v1" "runtimeclasses" [] Cluster Watched;
    /// A CSINode: the drivers of a node.
    CSINode "storage.k8s.io" "v1" "csinodes" [] Cluster Watched;
    /// A VolumeAttachment: a volume that is to be attached to a node.
    VolumeAttachment "storage.k8s.io" "v1" "volumeattachments" [] Cluster Watched;
    /// A PodTemplate.
    PodTemplate "" "v1" "podtemplates" [] Namespaced Watched;
    /// A ReplicationController.
    ReplicationController "" "v1" "replicationcontrollers" ["rc"] Namespaced Watched;
    /// A ValidatingWebhookConfiguration: who is asked whether objects may be stored.
    ValidatingWebhookConfiguration "admissionregistration.k8s.io" "v1" "validatingwebhookconfigurations" [] Cluster Watched;
    /// A MutatingWebhookConfiguration: who may change objects before they are stored.
    MutatingWebhookConfiguration "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" [] Cluster Watched;
    /// A ValidatingAdmissionPolicy: which objects the API server itself refuses.
    ValidatingAdmissionPolicy "admissionregistration.k8s.io" "v1" "validatingadmissionpolicies" [] Cluster Watched;
    /// A ValidatingAdmissionPolicyBinding: where a policy holds.
    ValidatingAdmissionPolicyBinding "admissionregistration.k8s.io" "v1" "validatingadmissionpolicybindings" [] Cluster Watched;
    /// An APIService: who serves a group and version of the API.
    APIService "apiregistration.k8s.io" "v1" "apiservices" [] Cluster Watched;
    /// A CustomResourceDefinition.
    CustomResourceDefinition "apiextensions.k8s.io" "v1" "customresourcedefinitions" ["crd", "crds"] Cluster Watched;
    /// A ResourceClaim: devices that pods share or have for themselves.
    ResourceClaim "resource.k8s.io" "v1" "resourceclaims" [] Namespaced Watched;
    /// A DeviceClass.
    DeviceClass "resource.k8s.io" "v1" "deviceclasses" [] Cluster Watched;
    /// A ResourceSlice: devices of a driver, and where they can be reached.
    ResourceSlice "resource.k8s.io" "v1" "resourceslices" [] Cluster Watched;
    /// A GatewayClass of the Gateway API.
    GatewayClass "gateway.networking.k8s.io" "v1" | "v1beta1" "gatewayclasses" ["gc"] Cluster Watched;
    /// A Gateway: where traffic comes into the cluster.
    Gateway "gateway.networking.k8s.io" "v1" | "v1beta1" "gateways" ["gtw"] Namespaced Watched;
    /// A ListenerSet: listeners that are added to a Gateway.
    ListenerSet "gateway.networking.k8s.io" "v1" "listenersets" ["lset"] Namespaced Watched;
    /// An HTTPRoute.
    HTTPRoute "gateway.networking.k8s.io" "v1" | "v1beta1" "httproutes" [] Namespaced Watched;
    /// A GRPCRoute.
    GRPCRoute "gateway.networking.k8s.io" "v1" | "v1alpha2" "grpcroutes" [] Namespaced Watched;
    /// A TLSRoute: TLS that is passed on by the server's name.
    TLSRoute "gateway.networking.k8s.io" "v1" | "v1alpha3" | "v1alpha2" "tlsroutes" [] Namespaced Watched;
    /// A TCPRoute.
    TCPRoute "gateway.networking.k8s.io" "v1" | "v1alpha2" "tcproutes" [] Namespaced Watched;
    /// A UDPRoute.
    UDPRoute "gateway.networking.k8s.io" "v1" | "v1alpha2" "udproutes" [] Namespaced Watched;
    /// A ReferenceGrant: who may refer to objects of its namespace from another one.
    ReferenceGrant "gateway.networking.k8s.io" "v1" | "v1beta1" "referencegrants" ["refgrant"] Namespaced Watched;
    /// A BackendTLSPolicy: how a Gateway speaks TLS to a Service.
    BackendTLSPolicy "gateway.networking.k8s.io" "v1" | "v1alpha3" "backendtlspolicies" ["btlspolicy"] Namespaced Watched;
    /// A failure domain that nodes name by label `topology.kubernetes.io/zone`.
    Zone "" "" "" [] Cluster Named;
    /// A region that nodes name by label `topology.kubernetes.io/region`.
    Region "" "" "" [] Cluster Named;
    /// An address behind a Service where no pod stands: from a slice endpoint without a targetRef to a pod.
    ExternalEndpoint "" "" "" [] Namespaced Named;
    /// A user that bindings name; whoever it is, another system says.
    User "" "" "" [] Cluster Named;
    /// A group of users that bindings name.
    Group "" "" "" [] Cluster Named;
    /// An image that containers run, by its digest: `repository@sha256:…`.
    Image "" "" "" [] Cluster Named;
    /// A registry that images are pulled from, by its host.
    Registry "" "" "" [] Cluster Named;
    /// The virtual machine behind a node, by the provider's id of it.
    VirtualMachine "" "" "" [] Cluster Named;
    /// A name outside of the cluster that a Service stands for.
    DNSName "" "" "" [] Cluster Named;
    /// An address or name at which something is reached from outside.
    Address "" "" "" [] Cluster Named;
    /// A program that a cluster consists of, with its version: `kubelet@v1.36.3`.
    Component "" "" "" [] Cluster Named;
    /// A part of a cluster's control plane: its API server, and what else its pods and leases in `kube-system` show.
    ControlPlaneComponent "" "" "" [] Cluster Named;
}

impl Kind {
    /// The kind of this group and kind name: a built-in one, else a custom one. The version is ignored. Where an object
    /// mentions what can be no kind, or one kind too many, it is [`Kind::unknown`]; [`Kind::mentioned`] tells these apart.
    pub fn of(group: &str, kind: &str) -> Kind {
        Self::mentioned(group, kind).unwrap_or_else(Self::unknown)
    }

    /// The kind that an object mentions, maybe a forged one: none where it can be no kind that Kubernetes serves, or
    /// where it is new and there are too many already ([`MOST_MENTIONED`]).
    pub fn mentioned(group: &str, kind: &str) -> Option<Kind> {
        let row = Self::built_in(group, kind);
        match row {
            Some(found) => found.is_served().then_some(found),
            None => CustomKind::mentioned(group, kind).map(Kind::Custom),
        }
    }

    /// The kind that discovery, or a file of the user's, declares: a built-in one, else a custom one.
    pub fn declared(group: &str, kind: &str) -> Kind {
        Self::built_in(group, kind)
            .filter(|k| k.is_served())
            .unwrap_or_else(|| Kind::Custom(CustomKind::new(custom::full_name(group, kind))))
    }

    /// Stands for every kind that cannot be told.
    pub fn unknown() -> Kind {
        Kind::Custom(CustomKind::new("Unknown".to_owned()))
    }

    fn built_in(group: &str, kind: &str) -> Option<Kind> {
        let same = |k: &Kind| k.row().is_some_and(|r| r.kind == kind && r.group == group);
        Self::BUILT_IN.iter().copied().find(same)
    }

    /// Whether Kubernetes serves this kind as objects.
    pub fn is_served(self) -> bool {
        self.row()
            .is_none_or(|r| matches!(r.supply, Supply::Watched | Supply::Metadata))
    }

    /// Whether an asset of this kind exists because others name it, so that a stub of it is not dangling.
    pub fn is_named(self) -> bool {
        self.row().is_some_and(|r| r.supply == Supply::Named)
    }

    /// Whether its objects live in a namespace; custom kinds are taken as they come.
    pub fn is_namespaced(self) -> bool {
        self.row().is_some_and(|r| r.scope == Scope::Namespaced)
    }

    /// The API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Kind::Custom(custom) => custom.name().split_once('.').map_or("", |(_, group)| group),
            _ => self.row().map_or("", |r| r.group),
        }
    }

    /// The kind without its group: `Deployment`.
    pub fn short_name(self) -> &'static str {
        match self {
            Kind::Custom(custom) => custom
                .name()
                .split_once('.')
                .map_or(custom.name(), |(kind, _)| kind),
            _ => self.row().map_or("", |r| r.kind),
        }
    }

    /// Reads a kind as people write it: `Deployment.apps`, or `deployment`, `deployments`, `deploy` for a built-in
    /// one, in any case. Unknown names with a group are custom kinds; without one they are no kind.
    pub fn parse(text: &str) -> Option<Kind> {
        let lower = text.to_ascii_lowercase();
        let (name, group) = lower
            .split_once('.')
            .map_or((lower.as_str(), None), |(n, g)| (n, Some(g)));
        let known = Self::BUILT_IN.iter().copied().find(|k| {
            k.row().is_some_and(|r| {
                group.is_none_or(|g| g == r.group)
                    && (r.kind.eq_ignore_ascii_case(name)
                        || (!r.plural.is_empty() && r.plural == name)
                        || (r.plural.is_empty()
                            && name
                                .strip_suffix('s')
                                .is_some_and(|n| r.kind.eq_ignore_ascii_case(n)))
                        || r.short.contains(&name))
            })
        });
        known.or_else(|| group.map(|_| Kind::Custom(CustomKind::new(text.to_owned()))))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.row()) {
            (Kind::Custom(custom), _) => f.write_str(custom.name()),
            (_, Some(row)) if row.group.is_empty() => f.write_str(row.kind),
            (_, Some(row)) => write!(f, "{}.{}", row.kind, row.group),
            (_, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_every_name_that_people_use() {
        for text in [
            "Deployment.apps",
            "deployment",
            "deployments",
            "deploy",
            "DEPLOYMENTS.apps",
        ] {
            assert_eq!(Kind::parse(text), Some(Kind::Deployment), "{text}");
        }
        assert_eq!(Kind::parse("zones"), Some(Kind::Zone));
        assert_eq!(Kind::parse("nonsense"), None);
        assert_eq!(
            Kind::parse("Service.serving.knative.dev")
                .map(|k| k.to_string())
                .as_deref(),
            Some("Service.serving.knative.dev")
        );
    }

    #[test]
    fn a_custom_resource_called_service_is_not_a_service() {
        assert_eq!(Kind::of("", "Service"), Kind::Service);
        let knative = Kind::of("serving.knative.dev", "Service");
        assert_ne!(knative, Kind::Service);
        assert_eq!(
            (knative.group(), knative.short_name()),
            ("serving.knative.dev", "Service")
        );
    }

    #[test]
    fn what_kubernetes_does_not_serve_cannot_be_forged_by_an_owner_reference() {
        assert!(matches!(Kind::of("", "Cluster"), Kind::Custom(_)));
        assert!(matches!(Kind::of("", "Zone"), Kind::Custom(_)));
    }
}
