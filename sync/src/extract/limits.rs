//! The bounds of a namespace.

use super::metadata::amounts;
use super::{Draft, Extract};
use crate::wire;
use planisphere_schema::RelationKind::Limits;
use planisphere_schema::attributes::{Limit, LimitRangeAttributes, Requirement, ResourceQuotaAttributes};
use planisphere_schema::{Attributes, Kind};

impl Extract for wire::ResourceQuota {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        limits_namespace(draft);
        let spec = self.spec;
        let selected = spec.scope_selector.match_expressions;
        for classes in &selected {
            if classes.scope_name == "PriorityClass" && classes.operator == "In" {
                for name in classes.values.iter().filter(|n| !n.is_empty()) {
                    let class = draft.neighbour(Kind::PriorityClass, name);
                    draft.point(Limits, class);
                }
            }
        }
        let requirement = |r: wire::ScopeRequirement| Requirement {
            key: r.scope_name,
            operator: r.operator,
            values: r.values,
        };
        ResourceQuotaAttributes {
            hard: amounts(spec.hard),
            used: amounts(self.status.used),
            scopes: spec.scopes,
            scope_selector: selected.into_iter().map(requirement).collect(),
        }
        .into()
    }
}

impl Extract for wire::LimitRange {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        limits_namespace(draft);
        let limit = |l: wire::Limit| Limit {
            kind: l.kind,
            max: amounts(l.max),
            min: amounts(l.min),
            default_limit: amounts(l.default_limit),
            default_request: amounts(l.default_request),
            max_limit_request_ratio: amounts(l.max_limit_request_ratio),
        };
        LimitRangeAttributes {
            limits: self.spec.limits.into_iter().map(limit).collect(),
        }
        .into()
    }
}

fn limits_namespace(draft: &mut Draft) {
    let me = draft.me();
    let namespace = draft.neighbour(Kind::Namespace, &me.key().namespace);
    draft.point(Limits, namespace);
}
