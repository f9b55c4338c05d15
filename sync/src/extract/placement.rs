//! What a pod asks of its node. What the API server gives to every pod is left out: most pods ask for nothing.

use super::metadata::{equalities, filled, selector};
use super::pod::{is_sidecar, resources};
use crate::wire::{self, PodSpec};
use planisphere_schema::attributes::{
    NodeTerm, Placement, PodTerm, Requirement, SpreadConstraint, Toleration,
};

/// Taints that the API server lets every pod tolerate for a while, if the pod says nothing about them.
const GIVEN: &[&str] = &["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const GIVEN_SECONDS: i64 = 300;

/// Takes what the pod asks of its node out of its spec; none where it asks for nothing.
pub(super) fn placement(spec: &mut PodSpec) -> Option<Placement> {
    let affinity = std::mem::take(&mut spec.affinity).unwrap_or_default();
    // A pod that tolerates nothing at all was never seen by an API server that gives: it stands for what it will become.
    let given = spec.tolerations.is_empty()
        || GIVEN
            .iter()
            .all(|key| spec.tolerations.iter().any(|t| is_given(t, key)));
    let mut tolerations = std::mem::take(&mut spec.tolerations);
    if given {
        tolerations.retain(|t| !GIVEN.iter().any(|key| is_given(t, key)));
    }
    let required = affinity.node_affinity.required.unwrap_or_default();
    let spread = std::mem::take(&mut spec.topology_spread_constraints);
    let terms = |terms: Vec<wire::PodAffinityTerm>| terms.into_iter().map(pod_term).collect();
    let placement = Placement {
        node_selector: equalities(std::mem::take(&mut spec.node_selector)),
        node_affinity: node_terms(required),
        tolerations: tolerations.into_iter().map(toleration).collect(),
        without_default_tolerations: !given,
        pod_affinity: terms(affinity.pod_affinity.required),
        pod_anti_affinity: terms(affinity.pod_anti_affinity.required),
        topology_spread: spread
            .into_iter()
            .filter(|s| s.when_unsatisfiable == "DoNotSchedule")
            .map(spread_constraint)
            .collect(),
        host_ports: host_ports(spec),
        overhead: resources(std::mem::take(&mut spec.overhead)),
        requests: resources(std::mem::take(&mut spec.resources.requests)),
        never_preempts: spec.preemption_policy == "Never",
    };
    (placement != Placement::default()).then_some(placement)
}

/// The terms of a node selector, any one of which must hold.
pub(super) fn node_terms(selector: wire::NodeSelector) -> Vec<NodeTerm> {
    let requirements = |all: Vec<wire::NodeSelectorRequirement>| {
        let requirement = |r: wire::NodeSelectorRequirement| Requirement {
            key: r.key,
            operator: r.operator,
            values: r.values,
        };
        all.into_iter().map(requirement).collect()
    };
    let term = |t: wire::NodeSelectorTerm| NodeTerm {
        match_expressions: requirements(t.match_expressions),
        match_fields: requirements(t.match_fields),
    };
    selector.node_selector_terms.into_iter().map(term).collect()
}

fn is_given(toleration: &wire::Toleration, key: &str) -> bool {
    toleration.key == key
        && toleration.operator == "Exists"
        && toleration.effect == "NoExecute"
        && toleration.toleration_seconds == Some(GIVEN_SECONDS)
}

fn toleration(t: wire::Toleration) -> Toleration {
    Toleration {
        key: filled(t.key),
        operator: filled(t.operator).filter(|o| o != "Equal"),
        value: filled(t.value),
        effect: filled(t.effect),
        toleration_seconds: t.toleration_seconds,
    }
}

fn pod_term(term: wire::PodAffinityTerm) -> PodTerm {
    PodTerm {
        label_selector: selector(term.label_selector),
        namespaces: term.namespaces,
        namespace_selector: selector(term.namespace_selector),
        topology_key: term.topology_key,
    }
}

fn spread_constraint(spread: wire::TopologySpreadConstraint) -> SpreadConstraint {
    SpreadConstraint {
        max_skew: spread.max_skew,
        topology_key: spread.topology_key,
        label_selector: selector(spread.label_selector),
        min_domains: spread.min_domains,
        counts_excluded_nodes: spread.node_affinity_policy == "Ignore",
        honors_taints: spread.node_taints_policy == "Honor",
        match_label_keys: spread.match_label_keys,
    }
}

/// Ports of the node. Init containers that end give theirs back before the others start.
fn host_ports(spec: &PodSpec) -> Vec<String> {
    let sidecars = spec.init_containers.iter().filter(|c| is_sidecar(c));
    let ports = spec.containers.iter().chain(sidecars).flat_map(|c| &c.ports);
    let asked = ports.filter(|p| p.host_port != 0).map(|p| {
        let protocol = if p.protocol.is_empty() {
            "TCP"
        } else {
            &*p.protocol
        };
        match &*p.host_ip {
            "" | "0.0.0.0" | "::" => format!("{protocol}/{}", p.host_port),
            address => format!("{address}/{protocol}/{}", p.host_port),
        }
    });
    let mut asked: Vec<String> = asked.collect();
    asked.sort();
    asked.dedup();
    asked
}
