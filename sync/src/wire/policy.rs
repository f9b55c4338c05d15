//! Rules about pods: generated.proto of k8s.io/api/{autoscaling/v2,networking/v1,node/v1,policy/v1,scheduling/v1}. Descriptions and the
//! label selectors of metrics have no field.

use super::{IntOrString, LabelSelector, NodeCondition, ObjectMeta, Quantity, wire};
use planisphere_schema::Time;

wire! {
    PodDisruptionBudget {
        1 metadata: ObjectMeta;
        2 spec: BudgetSpec;
        3 status: BudgetStatus;
    }

    BudgetSpec {
        1 min_available: IntOrString?;
        2 selector: LabelSelector?;
        3 max_unavailable: IntOrString?;
        4 unhealthy_pod_eviction_policy: string;
    }

    BudgetStatus {
        3 disruptions_allowed: int32;
        4 current_healthy: int32;
        5 desired_healthy: int32;
        6 expected_pods: int32;
        7 conditions: [NodeCondition];
    }

    HorizontalPodAutoscaler {
        1 metadata: ObjectMeta;
        2 spec: AutoscalerSpec;
        3 status: AutoscalerStatus;
    }

    AutoscalerSpec {
        1 scale_target_ref: ScaleTarget;
        2 min_replicas: int32?;
        3 max_replicas: int32;
        4 metrics: [MetricSpec];
    }

    ScaleTarget {
        1 kind: string;
        2 name: string;
        3 api_version: string;
    }

    MetricSpec {
        1 kind: string = "type";
        2 object: ObjectMetric?;
        3 pods: NamedMetric?;
        4 resource: ResourceMetric?;
        5 external: NamedMetric?;
        7 container_resource: ResourceMetric?;
    }

    ResourceMetric {
        1 name: string;
        2 target: MetricTarget;
    }

    NamedMetric {
        1 metric: MetricName;
        2 target: MetricTarget;
    }

    ObjectMetric {
        2 target: MetricTarget;
        3 metric: MetricName;
    }

    MetricName {
        1 name: string;
    }

    MetricTarget {
        2 value: Quantity?;
        3 average_value: Quantity?;
        4 average_utilization: int32?;
    }

    AutoscalerStatus {
        2 last_scale_time: Time?;
        3 current_replicas: int32;
        4 desired_replicas: int32;
        6 conditions: [TimedCondition];
    }

    /// A condition whose time stands before its reason: of an autoscaler, an API service, a resource definition.
    TimedCondition {
        1 kind: string = "type";
        2 status: string;
        3 last_transition_time: Time?;
        4 reason: string;
    }

    NetworkPolicy {
        1 metadata: ObjectMeta;
        2 spec: NetworkPolicySpec;
    }

    NetworkPolicySpec {
        1 pod_selector: LabelSelector;
        2 ingress: [IngressAllowed];
        3 egress: [EgressAllowed];
        4 policy_types: [string];
    }

    IngressAllowed {
        1 ports: [PolicyPort];
        2 from: [PolicyPeer];
    }

    EgressAllowed {
        1 ports: [PolicyPort];
        2 to: [PolicyPeer];
    }

    PolicyPeer {
        1 pod_selector: LabelSelector?;
        2 namespace_selector: LabelSelector?;
        3 ip_block: IpBlock?;
    }

    IpBlock {
        1 cidr: string;
        2 except: [string];
    }

    PolicyPort {
        1 protocol: string?;
        2 port: IntOrString?;
        3 end_port: int32?;
    }

    PriorityClass {
        1 metadata: ObjectMeta;
        2 value: int32;
        3 global_default: bool;
        5 preemption_policy: string;
    }

    RuntimeClass {
        1 metadata: ObjectMeta;
        2 handler: string;
        3 overhead: Overhead;
        4 scheduling: RuntimeScheduling;
    }

    Overhead {
        1 pod_fixed: amounts;
    }

    RuntimeScheduling {
        1 node_selector: labels;
    }
}
