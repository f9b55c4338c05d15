//! Roles and their bindings: k8s.io/api/rbac/v1/generated.proto.

use super::network::ResourceBackend;
use super::{LabelSelector, ObjectMeta, wire};

wire! {
    Role {
        1 metadata: ObjectMeta;
        2 rules: [AccessRule];
    }

    ClusterRole {
        1 metadata: ObjectMeta;
        2 rules: [AccessRule];
        3 aggregation_rule: AggregationRule;
    }

    AccessRule {
        1 verbs: [string];
        2 api_groups: [string];
        3 resources: [string];
        4 resource_names: [string];
        5 non_resource_urls: [string] = "nonResourceURLs";
    }

    AggregationRule {
        1 cluster_role_selectors: [LabelSelector];
    }

    /// In a namespace or in the cluster.
    RoleBinding {
        1 metadata: ObjectMeta;
        2 subjects: [Subject];
        3 role_ref: ResourceBackend;
    }

    Subject {
        1 kind: string;
        3 name: string;
        4 namespace: string;
    }
}
