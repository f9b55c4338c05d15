//! What is kept of the bounds of a namespace: quotas, and limits of single pods and containers.

use super::Requirement;
use super::kept::kept;

kept! {
    /// What is kept of a ResourceQuota.
    ResourceQuotaAttributes {
        /// What its namespace may have, each as `resource=quantity`.
        1 hard: [string];
        /// What its namespace has, each as `resource=quantity`.
        2 used: [string];
        /// What it counts: pods of these scopes alone. None: everything.
        3 scopes: [string];
        /// What it counts, by scopes with values; all must hold.
        4 scope_selector: [Requirement];
    }

    /// What is kept of a LimitRange.
    LimitRangeAttributes {
        /// Its limits, one for each type of thing.
        1 limits: [Limit];
    }

    /// The limits of one type of thing; each as `resource=quantity`.
    Limit as "LimitRangeLimit" {
        /// Pod, Container or PersistentVolumeClaim.
        1 kind: string = "type";
        /// The most.
        2 max: [string];
        /// The least.
        3 min: [string];
        /// The limit of a container that sets none.
        4 default_limit: [string] = "default";
        /// The request of a container that sets none.
        5 default_request: [string];
        /// How many times its request a limit may be.
        6 max_limit_request_ratio: [string];
    }
}
