//! What a node alone decides: cordon, taints, labels, volumes. And for how long a pod stays on a node that does not answer.

use super::Refusal;
use super::field::{Guest, Host};
use super::labels::{any_term, has_all};
use planisphere_schema::attributes::{Placement, PodAttributes, Taint, Toleration};

const CORDONED: &str = "node.kubernetes.io/unschedulable";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// How long every pod is let stay on a node that does not answer, unless it says otherwise.
const GIVEN_SECONDS: i64 = 300;

/// Why a node takes a pod not, whatever else stands on it; none where it does.
pub fn refuses(host: &Host, guest: &Guest) -> Option<Refusal> {
    let none = Placement::default();
    let (node, placement) = (host.kept(), guest.kept().placement.as_deref().unwrap_or(&none));
    let cordon = Taint {
        key: CORDONED.to_owned(),
        value: None,
        effect: "NoSchedule".to_owned(),
    };
    if node.unschedulable && !tolerates(placement, &cordon) {
        return Some(Refusal::Cordoned);
    }
    let keeps_out = |t: &&Taint| t.effect != "PreferNoSchedule" && !tolerates(placement, t);
    if let Some(taint) = node.taints.iter().find(keeps_out) {
        return Some(match taint.key == CORDONED {
            true => Refusal::Cordoned,
            false => Refusal::Taint,
        });
    }
    if !wants(placement, host) {
        return Some(Refusal::Affinity);
    }
    let reaches = |terms: &Vec<_>| terms.is_empty() || any_term(terms, host.name(), |key| host.label(key));
    (!guest.volumes.iter().all(reaches)).then_some(Refusal::Volume)
}

/// Whether a pod's selector and required affinity let it onto a node.
pub(super) fn wants(placement: &Placement, host: &Host) -> bool {
    let terms = &placement.node_affinity;
    has_all(&placement.node_selector, |key| host.label(key))
        && (terms.is_empty() || any_term(terms, host.name(), |key| host.label(key)))
}

/// Whether a pod tolerates all taints of a node that keep pods out.
pub(super) fn tolerates_all(placement: &Placement, host: &Host) -> bool {
    let mut taints = host.kept().taints.iter();
    taints.all(|t| t.effect == "PreferNoSchedule" || tolerates(placement, t))
}

/// Whether any toleration of a pod covers a taint. The two that every pod is given are not asked: they let run for a while
/// what runs already, and a node that is not ready has a second taint that keeps pods out.
fn tolerates(placement: &Placement, taint: &Taint) -> bool {
    placement.tolerations.iter().any(|t| covers(t, taint))
}

fn covers(toleration: &Toleration, taint: &Taint) -> bool {
    let matches = |asked: &Option<String>, is: &str| asked.as_deref().is_none_or(|a| a == is);
    if !matches(&toleration.effect, &taint.effect) {
        return false;
    }
    let value = taint.value.as_deref().unwrap_or_default();
    let wanted = toleration.value.as_deref().unwrap_or_default();
    let numbers = || Some((value.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
    match toleration.operator.as_deref() {
        // Without a key it covers every taint.
        Some("Exists") => matches(&toleration.key, &taint.key),
        _ if toleration.key.as_deref() != Some(&*taint.key) => false,
        Some("Gt") => numbers().is_some_and(|(is, wanted)| is > wanted),
        Some("Lt") => numbers().is_some_and(|(is, wanted)| is < wanted),
        Some("Equal") | None => value == wanted,
        Some(_) => false,
    }
}

/// Seconds that a pod stays bound to a node that does not answer; none: for ever.
pub fn stay_seconds(pod: &PodAttributes) -> Option<i64> {
    let Some(placement) = &pod.placement else {
        return Some(GIVEN_SECONDS);
    };
    let taint = Taint {
        key: UNREACHABLE.to_owned(),
        value: None,
        effect: "NoExecute".to_owned(),
    };
    let mut used: Vec<Option<i64>> = placement
        .tolerations
        .iter()
        .filter(|t| covers(t, &taint))
        .map(|t| t.toleration_seconds)
        .collect();
    if !placement.without_default_tolerations {
        used.push(Some(GIVEN_SECONDS));
    }
    match used.is_empty() {
        true => Some(0),
        false => used.into_iter().flatten().min().map(|seconds| seconds.max(0)),
    }
}
