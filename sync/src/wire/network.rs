//! Services, their endpoints and ingresses: generated.proto of k8s.io/api/{core,discovery,networking}/v1.

use super::{IntOrString, ObjectMeta, inlined, wire};
use serde::{Deserialize, Deserializer};

wire! {
    Service {
        1 metadata: ObjectMeta;
        2 spec: ServiceSpec;
        3 status: LoadBalanced;
    }

    ServiceSpec {
        1 ports: [ServicePort];
        2 selector: labels;
        3 cluster_ip: string = "clusterIP";
        4 kind: string = "type";
        5 external_ips: [string] = "externalIPs";
        7 session_affinity: string;
        10 external_name: string;
        11 external_traffic_policy: string;
        13 publish_not_ready_addresses: bool;
        18 cluster_ips: [string] = "clusterIPs";
        19 ip_families: [string];
        21 load_balancer_class: string;
        22 internal_traffic_policy: string;
    }

    ServicePort {
        1 name: string;
        2 protocol: string;
        3 port: int32;
        4 target_port: IntOrString;
        5 node_port: int32;
        6 app_protocol: string;
    }

    /// The status of a Service or an Ingress.
    LoadBalanced {
        1 load_balancer: LoadBalancer;
    }

    LoadBalancer {
        1 ingress: [LoadBalancerIngress];
    }

    LoadBalancerIngress {
        1 ip: string;
        2 hostname: string;
    }

    EndpointSlice {
        1 metadata: ObjectMeta;
        2 endpoints: [Endpoint];
        3 ports: [EndpointPort];
        4 address_type: string;
    }

    Endpoint {
        1 addresses: [string];
        2 conditions: EndpointConditions;
        3 hostname: string;
        4 target_ref: TargetRef?;
        6 node_name: string;
        7 zone: string;
    }

    EndpointConditions {
        1 ready: bool?;
        2 serving: bool?;
        3 terminating: bool?;
    }

    /// A reference to an object of another kind: an endpoint's target, a volume's claim, an account's secret.
    TargetRef {
        1 kind: string;
        2 namespace: string;
        3 name: string;
        4 uid: string;
    }

    EndpointPort {
        1 name: string;
        2 protocol: string;
        3 port: int32?;
        4 app_protocol: string;
    }

    Ingress {
        1 metadata: ObjectMeta;
        2 spec: IngressSpec;
        3 status: LoadBalanced;
    }

    IngressSpec {
        1 default_backend: IngressBackend?;
        2 tls: [IngressTls];
        3 rules: [IngressRule];
        4 ingress_class_name: string;
    }

    IngressBackend {
        3 resource: ResourceBackend?;
        4 service: ServiceBackend?;
    }

    ResourceBackend {
        1 api_group: string;
        2 kind: string;
        3 name: string;
    }

    ServiceBackend {
        1 name: string;
        2 port: BackendPort;
    }

    BackendPort {
        1 name: string;
        2 number: int32;
    }

    IngressTls {
        1 hosts: [string];
        2 secret_name: string;
    }

    IngressClass {
        1 metadata: ObjectMeta;
        2 spec: IngressClassSpec;
    }

    IngressClassSpec {
        1 controller: string;
        2 parameters: IngressClassParameters?;
    }

    IngressClassParameters {
        1 api_group: string;
        2 kind: string;
        3 name: string;
        4 scope: string;
        5 namespace: string;
    }

    IngressHost {
        1 host: string;
    }

    IngressRuleValue {
        1 http: IngressPaths;
    }

    IngressPaths {
        1 paths: [IngressPath];
    }

    IngressPath {
        1 path: string;
        2 backend: IngressBackend;
        3 path_type: string;
    }
}

/// A rule of an Ingress; JSON inlines its value.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IngressRule {
    #[prost(string, tag = 1)]
    pub(crate) host: String,
    #[prost(message, required, tag = 2)]
    pub(crate) value: IngressRuleValue,
}

impl<'de> Deserialize<'de> for IngressRule {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (IngressHost { host }, value) = inlined(d)?;
        Ok(Self { host, value })
    }
}
