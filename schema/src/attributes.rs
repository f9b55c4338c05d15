//! What each kind keeps: the allow-list, one struct a kind. What has no field here is never stored.
//!
//! Fields are numbered (prost tags) because history rows outlive programs: never reuse a number. Optional scalars are
//! written as wrapper messages (`message, optional`), which tells absent from empty and keeps prost from adding
//! accessors that would clash with the GraphQL fields of the same names.

mod kept;

pub mod admission;
pub mod cluster;
pub mod config;
pub mod control_plane;
pub mod custom;
pub mod device;
pub mod extension;
pub mod gateway;
pub mod limits;
pub mod named;
pub mod network;
pub mod placement;
pub mod pod;
pub mod policy;
pub mod rbac;
pub mod storage;
pub mod workload;

pub use admission::*;
pub use cluster::*;
pub use config::*;
pub use control_plane::*;
pub use custom::*;
pub use device::*;
pub use extension::*;
pub use gateway::*;
pub use limits::*;
pub use named::*;
pub use network::*;
pub use placement::*;
pub use pod::*;
pub use policy::*;
pub use rbac::*;
pub use storage::*;
pub use workload::*;

use crate::Kind;
use prost::Message;

macro_rules! attributes {
    ($($kind:ident($struct:ident)),* $(,)?; $($named:ident),* $(,)?) => {
        /// What an asset keeps of its object, by kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Attributes {
            $(#[doc = concat!("What a ", stringify!($kind), " keeps.")] $kind($struct),)*
            $(#[doc = concat!("Of a ", stringify!($named), " only the name is known.")] $named(NameOnly),)*
            /// A kind outside the table keeps its metadata, its conditions and what rules name.
            Custom(CustomAttributes),
        }

        impl Attributes {
            /// The attributes of an asset of which only the name is known.
            pub fn empty(kind: Kind) -> Self {
                match kind {
                    $(Kind::$kind => Attributes::$kind($struct::default()),)*
                    $(Kind::$named => Attributes::$named(NameOnly {}),)*
                    Kind::Custom(_) => Attributes::Custom(CustomAttributes::default()),
                }
            }

            /// The stored form.
            pub fn encode(&self) -> Vec<u8> {
                match self {
                    $(Attributes::$kind(a) => a.encode_to_vec(),)*
                    $(Attributes::$named(_))|* => Vec::new(),
                    Attributes::Custom(a) => a.encode_to_vec(),
                }
            }

            /// Reads the stored form.
            ///
            /// # Errors
            /// When the bytes are no attributes of this kind.
            pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, prost::DecodeError> {
                Ok(match kind {
                    $(Kind::$kind => Attributes::$kind($struct::decode(bytes)?),)*
                    $(Kind::$named => Attributes::$named(NameOnly {}),)*
                    Kind::Custom(_) => Attributes::Custom(CustomAttributes::decode(bytes)?),
                })
            }

            /// As JSON, with Kubernetes' own spelling of names.
            pub fn to_json(&self) -> serde_json::Value {
                let value = match self {
                    $(Attributes::$kind(a) => serde_json::to_value(a),)*
                    $(Attributes::$named(_))|* => Ok(serde_json::json!({})),
                    Attributes::Custom(a) => serde_json::to_value(a),
                };
                value.unwrap_or_default()
            }
        }

        impl From<CustomAttributes> for Attributes {
            fn from(attributes: CustomAttributes) -> Self {
                Attributes::Custom(attributes)
            }
        }

        $(impl From<$struct> for Attributes {
            fn from(attributes: $struct) -> Self {
                Attributes::$kind(attributes)
            }
        })*
    };
}

attributes! {
    Cluster(ClusterAttributes),
    Namespace(NamespaceAttributes),
    Node(NodeAttributes),
    Pod(PodAttributes),
    Deployment(DeploymentAttributes),
    ReplicaSet(ReplicaSetAttributes),
    StatefulSet(StatefulSetAttributes),
    DaemonSet(DaemonSetAttributes),
    Job(JobAttributes),
    CronJob(CronJobAttributes),
    Service(ServiceAttributes),
    EndpointSlice(EndpointSliceAttributes),
    Ingress(IngressAttributes),
    ConfigMap(ConfigMapAttributes),
    Secret(SecretAttributes),
    PersistentVolumeClaim(PersistentVolumeClaimAttributes),
    PersistentVolume(PersistentVolumeAttributes),
    ServiceAccount(ServiceAccountAttributes),
    PodDisruptionBudget(PodDisruptionBudgetAttributes),
    HorizontalPodAutoscaler(HorizontalPodAutoscalerAttributes),
    StorageClass(StorageClassAttributes),
    VolumeAttributesClass(VolumeAttributesClassAttributes),
    CSIDriver(CSIDriverAttributes),
    IngressClass(IngressClassAttributes),
    NetworkPolicy(NetworkPolicyAttributes),
    PriorityClass(PriorityClassAttributes),
    Role(RoleAttributes),
    ClusterRole(ClusterRoleAttributes),
    RoleBinding(RoleBindingAttributes),
    ClusterRoleBinding(ClusterRoleBindingAttributes),
    ResourceQuota(ResourceQuotaAttributes),
    LimitRange(LimitRangeAttributes),
    RuntimeClass(RuntimeClassAttributes),
    CSINode(CSINodeAttributes),
    VolumeAttachment(VolumeAttachmentAttributes),
    PodTemplate(PodTemplateAttributes),
    ReplicationController(ReplicationControllerAttributes),
    ValidatingWebhookConfiguration(ValidatingWebhookConfigurationAttributes),
    MutatingWebhookConfiguration(MutatingWebhookConfigurationAttributes),
    ValidatingAdmissionPolicy(ValidatingAdmissionPolicyAttributes),
    ValidatingAdmissionPolicyBinding(ValidatingAdmissionPolicyBindingAttributes),
    APIService(APIServiceAttributes),
    CustomResourceDefinition(CustomResourceDefinitionAttributes),
    ResourceClaim(ResourceClaimAttributes),
    DeviceClass(DeviceClassAttributes),
    ResourceSlice(ResourceSliceAttributes),
    GatewayClass(GatewayClassAttributes),
    Gateway(GatewayAttributes),
    ListenerSet(ListenerSetAttributes),
    HTTPRoute(HTTPRouteAttributes),
    GRPCRoute(GRPCRouteAttributes),
    TLSRoute(TLSRouteAttributes),
    TCPRoute(TCPRouteAttributes),
    UDPRoute(UDPRouteAttributes),
    ReferenceGrant(ReferenceGrantAttributes),
    BackendTLSPolicy(BackendTLSPolicyAttributes),
    Zone(ZoneAttributes),
    Region(RegionAttributes),
    ExternalEndpoint(ExternalEndpointAttributes),
    ControlPlaneComponent(ControlPlaneComponentAttributes);
    User,
    Group,
    Image,
    Registry,
    VirtualMachine,
    DNSName,
    Address,
    Component,
}
