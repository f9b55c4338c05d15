//! What a pod asks of its node: k8s.io/api/core/v1/generated.proto. What is preferred has no field.

use super::{LabelSelector, NodeSelector, wire};

wire! {
    Affinity {
        1 node_affinity: PodNodeAffinity;
        2 pod_affinity: PodAffinity;
        3 pod_anti_affinity: PodAffinity;
    }

    PodNodeAffinity {
        1 required: NodeSelector? = "requiredDuringSchedulingIgnoredDuringExecution";
    }

    /// Pod affinity or anti-affinity.
    PodAffinity {
        1 required: [PodAffinityTerm] = "requiredDuringSchedulingIgnoredDuringExecution";
    }

    /// The API server has put matchLabelKeys into the selector already.
    PodAffinityTerm {
        1 label_selector: LabelSelector?;
        2 namespaces: [string];
        3 topology_key: string;
        4 namespace_selector: LabelSelector?;
    }

    TopologySpreadConstraint {
        1 max_skew: int32;
        2 topology_key: string;
        3 when_unsatisfiable: string;
        4 label_selector: LabelSelector?;
        5 min_domains: int32?;
        6 node_affinity_policy: string;
        7 node_taints_policy: string;
        8 match_label_keys: [string];
    }

    Toleration {
        1 key: string;
        2 operator: string;
        3 value: string;
        4 effect: string;
        5 toleration_seconds: int64?;
    }
}
