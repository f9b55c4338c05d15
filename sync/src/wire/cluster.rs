//! Nodes and namespaces: k8s.io/api/core/v1/generated.proto. Heartbeats have no field.

use super::{ObjectMeta, wire};
use planisphere_schema::Time;

wire! {
    Namespace {
        1 metadata: ObjectMeta;
        3 status: NamespaceStatus;
    }

    NamespaceStatus {
        1 phase: string;
    }

    Node {
        1 metadata: ObjectMeta;
        2 spec: NodeSpec;
        3 status: NodeStatus;
    }

    NodeSpec {
        3 provider_id: string = "providerID";
        4 unschedulable: bool;
        5 taints: [Taint];
    }

    Taint {
        1 key: string;
        2 value: string;
        3 effect: string;
    }

    NodeStatus {
        1 capacity: amounts;
        2 allocatable: amounts;
        4 conditions: [NodeCondition];
        5 addresses: [NodeAddress];
        7 node_info: NodeSystemInfo;
    }

    /// A condition of a node, pod or job: these three have the same numbers.
    NodeCondition {
        1 kind: string = "type";
        2 status: string;
        4 last_transition_time: Time?;
        5 reason: string;
    }

    NodeAddress {
        1 kind: string = "type";
        2 address: string;
    }

    NodeSystemInfo {
        4 kernel_version: string;
        5 os_image: string;
        6 container_runtime_version: string;
        7 kubelet_version: string;
        8 kube_proxy_version: string;
        9 operating_system: string;
        10 architecture: string;
    }
}
