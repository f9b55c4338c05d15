//! The bounds of a namespace: k8s.io/api/core/v1/generated.proto.

use super::{ObjectMeta, wire};

wire! {
    ResourceQuota {
        1 metadata: ObjectMeta;
        2 spec: QuotaSpec;
        3 status: QuotaStatus;
    }

    QuotaSpec {
        1 hard: amounts;
        2 scopes: [string];
        3 scope_selector: ScopeSelector;
    }

    ScopeSelector {
        1 match_expressions: [ScopeRequirement];
    }

    ScopeRequirement {
        1 scope_name: string;
        2 operator: string;
        3 values: [string];
    }

    QuotaStatus {
        2 used: amounts;
    }

    LimitRange {
        1 metadata: ObjectMeta;
        2 spec: LimitSpec;
    }

    LimitSpec {
        1 limits: [Limit];
    }

    Limit {
        1 kind: string = "type";
        2 max: amounts;
        3 min: amounts;
        4 default_limit: amounts = "default";
        5 default_request: amounts;
        6 max_limit_request_ratio: amounts;
    }
}
