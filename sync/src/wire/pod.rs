//! Pods and the templates that make them: k8s.io/api/core/v1/generated.proto.

use super::container::EphemeralContainer;
use super::{
    Affinity, Container, ContainerStatus, LocalName, NodeCondition, ObjectMeta, ResourceRequirements,
    Toleration, TopologySpreadConstraint, Volume, wire,
};
use planisphere_schema::Time;

wire! {
    Pod {
        1 metadata: ObjectMeta;
        2 spec: PodSpec;
        3 status: PodStatus;
    }

    /// spec.template of a workload; its metadata is not read.
    PodTemplate {
        2 spec: PodSpec;
    }

    PodSpec {
        1 volumes: [Volume];
        2 containers: [Container];
        3 restart_policy: string;
        7 node_selector: labels;
        8 service_account_name: string;
        9 service_account: string;
        10 node_name: string;
        11 host_network: bool;
        15 image_pull_secrets: [LocalName];
        16 hostname: string;
        17 subdomain: string;
        18 affinity: Affinity?;
        19 scheduler_name: string;
        20 init_containers: [Container];
        22 tolerations: [Toleration];
        24 priority_class_name: string;
        25 priority: int32?;
        29 runtime_class_name: string;
        31 preemption_policy: string;
        32 overhead: amounts;
        33 topology_spread_constraints: [TopologySpreadConstraint];
        34 ephemeral_containers: [EphemeralContainer];
        39 resource_claims: [PodResourceClaim];
        40 resources: ResourceRequirements;
    }

    PodStatus {
        1 phase: string;
        2 conditions: [NodeCondition];
        4 reason: string;
        5 host_ip: string = "hostIP";
        6 pod_ip: string = "podIP";
        7 start_time: Time?;
        8 container_statuses: [ContainerStatus];
        9 qos_class: string;
        10 init_container_statuses: [ContainerStatus];
        12 pod_ips: [PodIp] = "podIPs";
        13 ephemeral_container_statuses: [ContainerStatus];
        15 resource_claim_statuses: [PodResourceClaimStatus];
    }

    /// A claim by its name; one made from a template is named by the status.
    PodResourceClaim {
        3 resource_claim_name: string;
    }

    PodResourceClaimStatus {
        2 resource_claim_name: string;
    }

    PodIp {
        1 ip: string;
    }
}
