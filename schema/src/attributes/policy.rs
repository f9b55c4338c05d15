//! What is kept of the rules about pods: who may disrupt, scale, reach and outrank them.

use super::kept::kept;
use super::{Condition, Selector};
use crate::Time;

kept! {
    /// What is kept of a PodDisruptionBudget.
    PodDisruptionBudgetAttributes {
        /// How many must stay, as a number or percentage.
        1 min_available: string?;
        /// How many may be missing, as a number or percentage.
        2 max_unavailable: string?;
        /// The pods of its namespace that it protects. Empty: all of them; absent: none.
        3 selector: Selector?;
        /// Whether pods that are not healthy may always be evicted: IfHealthyBudget or AlwaysAllow.
        4 unhealthy_pod_eviction_policy: string?;
        /// How many may be evicted now, by its controller's count.
        5 disruptions_allowed: int;
        /// How many are healthy, by its controller's count.
        6 current_healthy: int;
        /// How many must be healthy, by its controller's count.
        7 desired_healthy: int;
        /// How many there should be, by its controller's count.
        8 expected_pods: int;
        /// Conditions.
        9 conditions: [Condition];
    }

    /// What is kept of a HorizontalPodAutoscaler.
    HorizontalPodAutoscalerAttributes {
        /// The kind that it scales, with group.
        1 target_kind: string?;
        /// The name of what it scales.
        2 target_name: string?;
        /// The fewest pods; absent in the object means 1.
        3 min_replicas: int;
        /// The most pods.
        4 max_replicas: int;
        /// How many pods there are.
        5 current_replicas: int;
        /// How many pods it wants.
        6 desired_replicas: int;
        /// What it scales by.
        7 metrics: [Metric];
        /// Conditions.
        8 conditions: [Condition];
        /// When it last scaled.
        9 last_scale_at: Time?;
    }

    /// A metric that an autoscaler scales by.
    Metric as "AutoscalerMetric" {
        /// Resource, ContainerResource, Pods, Object or External.
        1 kind: string = "type";
        /// The name of the resource or metric.
        2 name: string;
        /// What it should be, as a percentage or quantity.
        3 target: string?;
    }

    /// What is kept of a NetworkPolicy.
    NetworkPolicyAttributes {
        /// The pods of its namespace that it applies to. Empty: all of them.
        1 pod_selector: Selector?;
        /// Ingress, Egress or both: in a direction that stands here, only what a rule allows is allowed.
        2 policy_types: [string];
        /// What may come in. No rule: nothing.
        3 ingress: [PolicyRule];
        /// What may go out. No rule: nothing.
        4 egress: [PolicyRule];
    }

    /// What one rule of a NetworkPolicy allows.
    PolicyRule as "NetworkPolicyRule" {
        /// From or to whom, any one of them. None: everybody.
        1 peers: [PolicyPeer];
        /// On which ports, any one of them. None: all.
        2 ports: [PolicyPort];
    }

    /// Whom a rule of a NetworkPolicy allows. Both selectors together: such pods in such namespaces.
    PolicyPeer as "NetworkPolicyPeer" {
        /// Such pods; without a namespace selector, of the policy's own namespace.
        1 pod_selector: Selector?;
        /// Such namespaces. Empty: all of them.
        2 namespace_selector: Selector?;
        /// Such addresses.
        3 cidr: string?;
        /// Addresses within them that are not meant.
        4 except: [string];
    }

    /// A port that a rule of a NetworkPolicy allows.
    PolicyPort as "NetworkPolicyPort" {
        /// TCP, UDP or SCTP.
        1 protocol: string;
        /// By name or number. None: all ports of the protocol.
        2 port: string?;
        /// The last one of a range.
        3 end_port: int?;
    }

    /// What is kept of a PriorityClass.
    PriorityClassAttributes {
        /// The priority; higher goes first.
        1 value: int;
        /// Pods that name no class have this one.
        2 global_default: bool;
        /// PreemptLowerPriority or Never.
        3 preemption_policy: string?;
    }

    /// What is kept of a RuntimeClass.
    RuntimeClassAttributes {
        /// The runtime's name for how it runs such pods.
        1 handler: string;
        /// What each pod needs beyond its containers, each as `resource=quantity`.
        2 overhead: [string];
        /// Labels that nodes must have to run such pods, each as `key=value`.
        3 node_selector: [string];
    }
}
