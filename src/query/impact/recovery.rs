//! Rule 4: whether and when a lost pod comes back by itself. Pure.

use super::model::{Maker, Model, Pod};

/// How a lost pod comes back. In the order in which they are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecoveryClass {
    /// Nothing makes it again: a bare pod, or what made it failed too.
    Never,
    /// With its node: a DaemonSet's pod, or a static one.
    WithNode,
    /// A StatefulSet's pod on a dead node: its name is held until somebody deletes the node or taints it out of service.
    Stuck,
    /// Its volume can be reached from failed nodes alone.
    Pinned,
    /// Something that it needs to start is gone.
    Blocked,
    /// The control plane that would place it is gone.
    NoControlPlane,
    /// No live node takes it: none passes its selector, required affinity, taints and volumes, or, where that was asked,
    /// none has room.
    NoFit,
    /// It can be placed on another node.
    Reschedules,
}

impl RecoveryClass {
    /// Whether a Service that lost such a pod is left with fewer for good. What returns with its node does not count.
    pub fn is_lasting(self) -> bool {
        !matches!(self, RecoveryClass::WithNode | RecoveryClass::Reschedules)
    }
}

/// Seconds until a node that does not answer is noticed: the node monitor's grace period.
pub const DETECT_SECONDS: i64 = 50;
/// Seconds until a volume is torn from a node that does not answer.
pub const DETACH_SECONDS: i64 = 360;

/// How and when a lost pod comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How.
    pub class: RecoveryClass,
    /// Seconds until it serves again, as far as that can be told; none where it waits for somebody.
    pub seconds: Option<i64>,
}

/// How a pod of the failed set comes back.
pub fn recovery(model: &Model, pod: &Pod) -> Recovery {
    let class = class(model, pod);
    let seconds = match class {
        RecoveryClass::Reschedules => seconds(model, pod),
        // Deleted from a node that lives on, it is made again at once.
        RecoveryClass::WithNode if !is_on_failed_node(model, pod) => Some(pod.start_seconds),
        _ => None,
    };
    Recovery { class, seconds }
}

fn class(model: &Model, pod: &Pod) -> RecoveryClass {
    if pod.maker == Maker::Nobody || pod.maker_failed {
        return RecoveryClass::Never;
    }
    if matches!(pod.maker, Maker::DaemonSet | Maker::StaticFile) {
        return RecoveryClass::WithNode;
    }
    if pod.maker == Maker::StatefulSet && is_on_failed_node(model, pod) && !model.planned {
        return RecoveryClass::Stuck;
    }
    if pod.pinned {
        return RecoveryClass::Pinned;
    }
    if pod.blocked || pod.volume_failed {
        return RecoveryClass::Blocked;
    }
    if pod.unscheduled {
        return RecoveryClass::NoControlPlane;
    }
    if pod.misfit {
        return RecoveryClass::NoFit;
    }
    RecoveryClass::Reschedules
}

fn is_on_failed_node(model: &Model, pod: &Pod) -> bool {
    pod.node.is_some_and(|n| model.nodes[n].failed)
}

fn seconds(model: &Model, pod: &Pod) -> Option<i64> {
    if model.planned || !is_on_failed_node(model, pod) {
        return Some(pod.start_seconds);
    }
    let detach = if pod.held { DETACH_SECONDS } else { 0 };
    Some(DETECT_SECONDS + pod.tolerates_seconds? + detach + pod.start_seconds)
}
