//! What is kept of who may do what: roles with their rules, and the bindings that grant them. To whom a role is granted
//! are edges.

use super::Selector;
use super::kept::kept;

kept! {
    /// What is kept of a Role.
    RoleAttributes {
        /// What it allows, any one of them; in its own namespace.
        1 rules: [AccessRule];
    }

    /// What is kept of a ClusterRole.
    ClusterRoleAttributes {
        /// What it allows, any one of them. Of one that aggregates others: what a controller gathered from them.
        1 rules: [AccessRule];
        /// The roles whose rules it gathers, those that any one of these selects.
        2 cluster_role_selectors: [Selector];
    }

    /// What one rule of a role allows; `*` stands for everything.
    AccessRule {
        /// API groups; empty for the core group.
        1 api_groups: [string];
        /// Resources, also as `resource/subresource`.
        2 resources: [string];
        /// Only objects of these names. None: all.
        3 resource_names: [string];
        /// Paths outside of the resources.
        4 non_resource_urls: [string] = "nonResourceURLs";
        /// What may be done with them.
        5 verbs: [string];
    }

    /// What is kept of a RoleBinding.
    RoleBindingAttributes {
        /// Role or ClusterRole.
        1 role_kind: string?;
        /// The name of the role that it grants.
        2 role_name: string?;
        /// How many users, groups and accounts it grants the role to.
        3 subjects: int;
    }

    /// What is kept of a ClusterRoleBinding.
    ClusterRoleBindingAttributes {
        /// The name of the ClusterRole that it grants, in the whole cluster.
        1 role_name: string?;
        /// How many users, groups and accounts it grants the role to.
        2 subjects: int;
    }
}
