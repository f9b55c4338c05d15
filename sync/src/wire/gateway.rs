//! The Gateway API: gateway.networking.k8s.io. It is served as JSON alone; the numbers are our own and mean nothing.

use super::{LabelSelector, NodeCondition, ObjectMeta, wire};

wire! {
    GatewayClass {
        1 metadata: ObjectMeta;
        2 spec: GatewayClassSpec;
        3 status: ConditionStatus;
    }

    GatewayClassSpec {
        1 controller_name: string;
        2 parameters_ref: ObjectRef?;
    }

    ConditionStatus {
        1 conditions: [NodeCondition];
    }

    /// A reference to an object of any kind. An absent kind and namespace mean what depends on where it stands.
    ObjectRef {
        1 group: string;
        2 kind: string;
        3 namespace: string;
        4 name: string;
    }

    Gateway {
        1 metadata: ObjectMeta;
        2 spec: GatewaySpec;
        3 status: GatewayStatus;
    }

    GatewaySpec {
        1 gateway_class_name: string;
        2 listeners: [Listener];
    }

    GatewayStatus {
        1 addresses: [GatewayAddress];
        2 conditions: [NodeCondition];
    }

    GatewayAddress {
        1 value: string;
    }

    Listener {
        1 name: string;
        2 hostname: string;
        3 port: int32;
        4 protocol: string;
        5 tls: ListenerTls;
        6 allowed_routes: AllowedRoutes;
    }

    ListenerTls {
        1 mode: string;
        2 certificate_refs: [ObjectRef];
    }

    AllowedRoutes {
        1 namespaces: RouteNamespaces;
    }

    RouteNamespaces {
        1 from: string;
        2 selector: LabelSelector?;
    }

    ListenerSet {
        1 metadata: ObjectMeta;
        2 spec: ListenerSetSpec;
        3 status: ConditionStatus;
    }

    ListenerSetSpec {
        1 parent_ref: ParentRef;
        2 listeners: [Listener];
    }

    /// A parent. An absent group is that of the Gateway API, an empty one the core group.
    ParentRef {
        1 group: string?;
        2 kind: string;
        3 namespace: string;
        4 name: string;
        5 section_name: string;
    }

    /// A route of any protocol.
    Route {
        1 metadata: ObjectMeta;
        2 spec: RouteSpec;
        3 status: RouteStatus;
    }

    RouteSpec {
        1 parent_refs: [ParentRef];
        2 hostnames: [string];
        3 rules: [RouteRule];
    }

    RouteRule {
        1 matches: [RouteMatch];
        2 filters: [RouteFilter];
        3 backend_refs: [BackendRef];
    }

    RouteMatch {
        1 path: PathMatch?;
    }

    PathMatch {
        1 kind: string = "type";
        2 value: string;
    }

    RouteFilter {
        1 request_mirror: RequestMirror?;
    }

    RequestMirror {
        1 backend_ref: BackendRef;
    }

    BackendRef {
        1 group: string;
        2 kind: string;
        3 namespace: string;
        4 name: string;
        5 port: int32?;
        6 weight: int32?;
    }

    RouteStatus {
        1 parents: [ParentStatus];
    }

    ParentStatus {
        1 parent_ref: ParentRef;
        2 controller_name: string;
        3 conditions: [NodeCondition];
    }

    ReferenceGrant {
        1 metadata: ObjectMeta;
        2 spec: ReferenceGrantSpec;
    }

    ReferenceGrantSpec {
        1 from: [ObjectRef];
        2 to: [ObjectRef];
    }

    BackendTLSPolicy {
        1 metadata: ObjectMeta;
        2 spec: BackendTlsSpec;
    }

    BackendTlsSpec {
        1 target_refs: [ObjectRef];
        2 validation: BackendTlsValidation;
    }

    BackendTlsValidation {
        1 hostname: string;
        2 ca_certificate_refs: [ObjectRef] = "caCertificateRefs";
        3 well_known_ca_certificates: string = "wellKnownCACertificates";
    }
}
