//! Who may do what: roles and the bindings that grant them. Which roles another one gathers is the Linker's business.

use super::metadata::{filled, selector};
use super::{Draft, Extract};
use crate::wire::{self, AccessRule as Rule, Subject};
use planisphere_schema::RelationKind::{GrantedTo, Grants};
use planisphere_schema::attributes::{
    AccessRule, ClusterRoleAttributes, ClusterRoleBindingAttributes, RoleAttributes, RoleBindingAttributes,
};
use planisphere_schema::{AssetRef, Attributes, Kind};

/// A user of this form is a ServiceAccount, written in another way.
const ACCOUNT: &str = "system:serviceaccount:";

impl Extract for wire::Role {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        RoleAttributes {
            rules: self.rules.into_iter().map(rule).collect(),
        }
        .into()
    }
}

impl Extract for wire::ClusterRole {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        let selectors = self.aggregation_rule.cluster_role_selectors.into_iter();
        ClusterRoleAttributes {
            rules: self.rules.into_iter().map(rule).collect(),
            cluster_role_selectors: selectors.filter_map(|s| selector(Some(s))).collect(),
        }
        .into()
    }
}

fn rule(rule: Rule) -> AccessRule {
    AccessRule {
        api_groups: rule.api_groups,
        resources: rule.resources,
        resource_names: rule.resource_names,
        non_resource_urls: rule.non_resource_urls,
        verbs: rule.verbs,
    }
}

impl Extract for wire::RoleBinding {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let role = self.role_ref;
        // A RoleBinding may grant a ClusterRole, in its own namespace; the other way round there is nothing to grant.
        let kind = match &*role.kind {
            "ClusterRole" => Some(Kind::ClusterRole),
            "Role" if draft.asset.kind() == Kind::RoleBinding => Some(Kind::Role),
            _ => None,
        };
        match kind.filter(|_| !role.name.is_empty()) {
            Some(kind) => {
                let to = draft.neighbour(kind, &role.name);
                draft.point(Grants, to);
            }
            None => draft.problem("it names no role that it could grant"),
        }
        let subjects = self.subjects.len().try_into().unwrap_or(i32::MAX);
        for one in self.subjects {
            if let Some(to) = subject(draft, one) {
                draft.point(GrantedTo, to);
            }
        }
        let role_name = filled(role.name);
        match draft.asset.kind() {
            Kind::ClusterRoleBinding => ClusterRoleBindingAttributes { role_name, subjects }.into(),
            _ => RoleBindingAttributes {
                role_kind: filled(role.kind),
                role_name,
                subjects,
            }
            .into(),
        }
    }
}

fn subject(draft: &mut Draft, subject: Subject) -> Option<AssetRef> {
    let Subject {
        kind,
        name,
        namespace,
    } = subject;
    if name.is_empty() {
        draft.problem("a subject has no name");
        return None;
    }
    match &*kind {
        "User" => {
            let account = name.strip_prefix(ACCOUNT).and_then(|rest| rest.split_once(':'));
            Some(match account {
                Some((namespace, name)) => draft.elsewhere(Kind::ServiceAccount, namespace, name),
                None => draft.neighbour(Kind::User, &name),
            })
        }
        "Group" => Some(draft.neighbour(Kind::Group, &name)),
        "ServiceAccount" if !namespace.is_empty() => {
            Some(draft.elsewhere(Kind::ServiceAccount, &namespace, &name))
        }
        // Without a namespace it is one of the binding's own, which a binding of the whole cluster does not have.
        "ServiceAccount" if draft.asset.kind() == Kind::RoleBinding => {
            Some(draft.neighbour(Kind::ServiceAccount, &name))
        }
        "ServiceAccount" => {
            draft.problem("a ServiceAccount is named without its namespace: nobody gets the role by it");
            None
        }
        _ => {
            draft.problem("a subject is neither a user nor a group nor a ServiceAccount");
            None
        }
    }
}
