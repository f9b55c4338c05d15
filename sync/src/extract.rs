//! Extraction: one Kubernetes object in, one [`Observation`] out. Pure, by allow-list, and it cannot fail: an object
//! that does not decode is kept by its metadata with the problem named. It sees one object at a time, so it never knows
//! whether what an edge points at exists, and it draws no edge that a selector or both sides decide (the Linker does).

mod admission;
mod cluster;
mod config;
mod context;
pub(crate) mod control_plane;
mod custom;
mod device;
mod draft;
mod extension;
mod gateway;
mod image;
mod limits;
mod metadata;
mod network;
mod placement;
mod pod;
mod policy;
mod rbac;
mod references;
mod ruled;
mod storage;
#[cfg(test)]
mod tests;
mod workload;

use crate::Observation;
use crate::wire;
pub use context::{Catalog, Context, Entry};
use draft::Draft;
use planisphere_schema::{Attributes, ClusterId, Kind};
use serde::de::DeserializeOwned;

/// An object of which not even name, uid and resourceVersion could be read. Nothing may be concluded from the stream
/// that brought it: whoever reads the stream lists again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a {kind} of {bytes} bytes has no readable name, uid and resourceVersion ({reason}); list {kind} again"
)]
pub struct Undecodable {
    /// The kind that it should have been.
    pub kind: Kind,
    /// Its size.
    pub bytes: usize,
    /// What was wrong, without any of its content.
    pub reason: String,
}

/// Reads the objects of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Extractor {
    kind: Kind,
    json: Read,
    protobuf: Read,
    /// Writes an object of JSON in protobuf, as far as it is read.
    #[cfg(test)]
    to_protobuf: fn(&str) -> Option<Vec<u8>>,
}

type Read = fn(Kind, &Context, &[u8]) -> Result<Observation, Undecodable>;

macro_rules! extractors {
    ($($kind:ident($wire:ident),)*) => {
        impl Extractor {
            /// The extractor of a kind; none for what Kubernetes does not serve.
            pub fn of(kind: Kind) -> Option<Extractor> {
                match kind {
                    $(Kind::$kind => Some(Self::reading::<wire::$wire>(kind)),)*
                    Kind::Custom(_) => Some(Self::custom(kind)),
                    _ => None,
                }
            }
        }
    };
}

// Every served kind has its line; a test says so.
extractors! {
    Namespace(Namespace),
    Node(Node),
    Pod(Pod),
    Deployment(Deployment),
    ReplicaSet(ReplicaSet),
    StatefulSet(StatefulSet),
    DaemonSet(DaemonSet),
    Job(Job),
    CronJob(CronJob),
    Service(Service),
    EndpointSlice(EndpointSlice),
    Ingress(Ingress),
    ConfigMap(MetadataOnly),
    Secret(MetadataOnly),
    PersistentVolumeClaim(PersistentVolumeClaim),
    PersistentVolume(PersistentVolume),
    ServiceAccount(ServiceAccount),
    PodDisruptionBudget(PodDisruptionBudget),
    HorizontalPodAutoscaler(HorizontalPodAutoscaler),
    StorageClass(StorageClass),
    VolumeAttributesClass(VolumeAttributesClass),
    CSIDriver(CSIDriver),
    IngressClass(IngressClass),
    NetworkPolicy(NetworkPolicy),
    PriorityClass(PriorityClass),
    Role(Role),
    ClusterRole(ClusterRole),
    RoleBinding(RoleBinding),
    ClusterRoleBinding(RoleBinding),
    ResourceQuota(ResourceQuota),
    LimitRange(LimitRange),
    RuntimeClass(RuntimeClass),
    CSINode(CSINode),
    VolumeAttachment(VolumeAttachment),
    PodTemplate(StoredPodTemplate),
    ReplicationController(ReplicationController),
    ValidatingWebhookConfiguration(ValidatingWebhookConfiguration),
    MutatingWebhookConfiguration(MutatingWebhookConfiguration),
    ValidatingAdmissionPolicy(ValidatingAdmissionPolicy),
    ValidatingAdmissionPolicyBinding(ValidatingAdmissionPolicyBinding),
    APIService(APIService),
    CustomResourceDefinition(CustomResourceDefinition),
    ResourceClaim(ResourceClaim),
    DeviceClass(DeviceClass),
    ResourceSlice(ResourceSlice),
    GatewayClass(GatewayClass),
    Gateway(Gateway),
    ListenerSet(ListenerSet),
    HTTPRoute(Route),
    GRPCRoute(Route),
    TLSRoute(Route),
    TCPRoute(Route),
    UDPRoute(Route),
    ReferenceGrant(ReferenceGrant),
    BackendTLSPolicy(BackendTLSPolicy),
}

impl Extractor {
    fn custom(kind: Kind) -> Self {
        Self {
            kind,
            json: custom::read,
            protobuf: custom::no_protobuf,
            #[cfg(test)]
            to_protobuf: |_| None,
        }
    }

    fn reading<T: Extract>(kind: Kind) -> Self {
        Self {
            kind,
            json: read::<T, Json>,
            protobuf: read::<T, Protobuf>,
            #[cfg(test)]
            to_protobuf: |json| {
                serde_json::from_str::<T>(json)
                    .ok()
                    .map(|object| object.encode_to_vec())
            },
        }
    }

    /// Reads one object in JSON.
    ///
    /// # Errors
    /// When not even its name, uid and resourceVersion can be read.
    pub fn json(&self, cluster: ClusterId, object: &[u8]) -> Result<Observation, Undecodable> {
        self.json_in(&cluster.into(), object)
    }

    /// Reads one object in JSON, knowing what its context knows.
    ///
    /// # Errors
    /// When not even its name, uid and resourceVersion can be read.
    pub fn json_in(&self, context: &Context, object: &[u8]) -> Result<Observation, Undecodable> {
        (self.json)(self.kind, context, object)
    }

    /// Reads one object in Kubernetes' protobuf: its own message, without the envelope (`k8s\0` and Unknown).
    ///
    /// # Errors
    /// When not even its name, uid and resourceVersion can be read.
    pub fn protobuf(&self, cluster: ClusterId, object: &[u8]) -> Result<Observation, Undecodable> {
        self.protobuf_in(&cluster.into(), object)
    }

    /// Reads one object in Kubernetes' protobuf, knowing what its context knows.
    ///
    /// # Errors
    /// When not even its name, uid and resourceVersion can be read.
    pub fn protobuf_in(&self, context: &Context, object: &[u8]) -> Result<Observation, Undecodable> {
        (self.protobuf)(self.kind, context, object)
    }
}

/// How the objects of a kind become an asset and edges.
trait Extract: prost::Message + DeserializeOwned + Default {
    /// Its metadata.
    fn metadata(&mut self) -> &mut wire::ObjectMeta;

    /// Declares its edges on the draft, and says what is kept of it. Its metadata was taken before.
    fn describe(self, draft: &mut Draft) -> Attributes;
}

/// An encoding; the error is said without any of the object's content.
trait Encoding {
    fn decode<T: prost::Message + DeserializeOwned + Default>(object: &[u8]) -> Result<T, String>;
}

struct Json;
struct Protobuf;

impl Encoding for Json {
    fn decode<T: prost::Message + DeserializeOwned + Default>(object: &[u8]) -> Result<T, String> {
        serde_json::from_slice(object).map_err(|error| reason(&error))
    }
}

/// Why JSON does not decode. serde quotes what it found; only what it expected instead may be repeated.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    let expected = expected.map(|e| e.rsplit_once(" at line ").map_or(e, |(expected, _)| expected));
    match (error.classify(), expected) {
        (serde_json::error::Category::Data, Some(expected)) if expected.len() <= 80 => {
            format!("a field is not {expected}")
        }
        (serde_json::error::Category::Data, _) => "a field has a wrong value".into(),
        _ => "it is not JSON, or cut off".into(),
    }
}

impl Encoding for Protobuf {
    fn decode<T: prost::Message + DeserializeOwned + Default>(object: &[u8]) -> Result<T, String> {
        // prost names the fields on the way to the fault and never their content.
        T::decode(object).map_err(|error| error.to_string())
    }
}

fn read<T: Extract, E: Encoding>(
    kind: Kind,
    context: &Context,
    object: &[u8],
) -> Result<Observation, Undecodable> {
    let undecodable = |reason: String| Undecodable {
        kind,
        bytes: object.len(),
        reason,
    };
    match E::decode::<T>(object) {
        Ok(mut whole) => {
            let metadata = std::mem::take(whole.metadata());
            if metadata.name.is_empty() {
                return Err(undecodable("it has no name".into()));
            }
            let mut draft = Draft::new(context, kind, metadata);
            let attributes = whole.describe(&mut draft);
            ruled::apply(&mut draft, &serde_json::Value::Null);
            Ok(draft.finish(attributes))
        }
        Err(reason) => salvage::<E>(kind, context, object, &reason).ok_or_else(|| undecodable(reason)),
    }
}

/// As [`salvage`], of a custom resource.
fn salvage_json(
    kind: Kind,
    context: &Context,
    object: &[u8],
    reason: String,
) -> Result<Observation, Undecodable> {
    salvage::<Json>(kind, context, object, &reason).ok_or(Undecodable {
        kind,
        bytes: object.len(),
        reason,
    })
}

/// Reads what can be read of an object that does not decode: its metadata, else its identity.
fn salvage<E: Encoding>(kind: Kind, context: &Context, object: &[u8], reason: &str) -> Option<Observation> {
    let (metadata, lost) = match E::decode::<wire::MetadataOnly>(object) {
        Ok(salvaged) => (salvaged.metadata, "only its metadata is kept"),
        Err(_) => {
            let wire::Identified { metadata: identity } = E::decode(object).ok()?;
            let metadata = wire::ObjectMeta {
                name: identity.name,
                namespace: identity.namespace,
                uid: identity.uid,
                resource_version: identity.resource_version,
                ..Default::default()
            };
            (metadata, "only its name is kept")
        }
    };
    let ordered = metadata.resource_version.parse::<u64>().is_ok();
    if metadata.name.is_empty() || metadata.uid.is_empty() || !ordered {
        return None;
    }
    let mut draft = Draft::new(context, kind, metadata);
    draft.problem(format!("could not be read ({reason}): {lost}"));
    Some(draft.finish(Attributes::empty(kind)))
}
