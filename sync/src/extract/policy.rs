//! Rules about pods: budgets, autoscalers, network policies, priorities. Which pods a selector matches is the Linker's business.

use super::metadata::{amounts, equalities, filled, instant, selector};
use super::pod::conditions;
use super::workload::number;
use super::{Draft, Extract};
use crate::wire::{self, MetricSpec, MetricTarget, TimedCondition};
use planisphere_schema::RelationKind::Scales;
use planisphere_schema::attributes::{
    Condition, HorizontalPodAutoscalerAttributes, Metric, NetworkPolicyAttributes,
    PodDisruptionBudgetAttributes, PolicyPeer, PolicyPort, PolicyRule, PriorityClassAttributes,
    RuntimeClassAttributes,
};
use planisphere_schema::{Attributes, Detail};

impl Extract for wire::PodDisruptionBudget {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        let wire::PodDisruptionBudget { spec, status, .. } = self;
        PodDisruptionBudgetAttributes {
            min_available: spec.min_available.and_then(number),
            max_unavailable: spec.max_unavailable.and_then(number),
            selector: selector(spec.selector),
            unhealthy_pod_eviction_policy: filled(spec.unhealthy_pod_eviction_policy),
            disruptions_allowed: status.disruptions_allowed,
            current_healthy: status.current_healthy,
            desired_healthy: status.desired_healthy,
            expected_pods: status.expected_pods,
            conditions: conditions(status.conditions),
        }
        .into()
    }
}

impl Extract for wire::HorizontalPodAutoscaler {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::HorizontalPodAutoscaler { spec, status, .. } = self;
        let target = spec.scale_target_ref;
        // Anything with a scale subresource may be scaled, so the kind may be a custom one.
        let kind = draft.kind_of(&target.api_version, &target.kind);
        if let Some(kind) = kind.filter(|_| !target.name.is_empty()) {
            let to = draft.beside(kind, &target.name);
            draft.declare(Scales, to, Detail::default());
        }
        HorizontalPodAutoscalerAttributes {
            target_kind: kind.map(|k| k.to_string()),
            target_name: filled(target.name),
            min_replicas: spec.min_replicas.unwrap_or(1),
            max_replicas: spec.max_replicas,
            current_replicas: status.current_replicas,
            desired_replicas: status.desired_replicas,
            metrics: spec.metrics.into_iter().map(metric).collect(),
            conditions: timed_conditions(status.conditions),
            last_scale_at: instant(status.last_scale_time),
        }
        .into()
    }
}

fn metric(spec: MetricSpec) -> Metric {
    let of_resource = spec.resource.or(spec.container_resource);
    let of_metric = spec.pods.or(spec.external);
    let (name, target) = of_resource
        .map(|m| (m.name, m.target))
        .or(of_metric.map(|m| (m.metric.name, m.target)))
        .or(spec.object.map(|m| (m.metric.name, m.target)))
        .unwrap_or_default();
    Metric {
        kind: spec.kind,
        name,
        target: wanted(target),
    }
}

fn wanted(target: MetricTarget) -> Option<String> {
    let percent = target.average_utilization.map(|n| format!("{n}%"));
    percent.or(target.average_value.or(target.value).map(|q| q.text))
}

/// Conditions whose time stands before their reason.
pub(super) fn timed_conditions(conditions: Vec<TimedCondition>) -> Vec<Condition> {
    let condition = |c: TimedCondition| Condition {
        kind: c.kind,
        status: c.status,
        reason: filled(c.reason),
        since: instant(c.last_transition_time),
    };
    conditions.into_iter().map(condition).collect()
}

impl Extract for wire::NetworkPolicy {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        let spec = self.spec;
        // Without policyTypes it is about Ingress, and about Egress where it has egress rules.
        let policy_types = if spec.policy_types.is_empty() {
            let egress = (!spec.egress.is_empty()).then(|| "Egress".to_owned());
            std::iter::once("Ingress".to_owned()).chain(egress).collect()
        } else {
            spec.policy_types
        };
        let ingress = spec.ingress.into_iter().map(|r| rule(r.from, r.ports));
        let egress = spec.egress.into_iter().map(|r| rule(r.to, r.ports));
        NetworkPolicyAttributes {
            pod_selector: selector(Some(spec.pod_selector)),
            policy_types,
            ingress: ingress.collect(),
            egress: egress.collect(),
        }
        .into()
    }
}

fn rule(peers: Vec<wire::PolicyPeer>, ports: Vec<wire::PolicyPort>) -> PolicyRule {
    let peer = |p: wire::PolicyPeer| {
        let block = p.ip_block.unwrap_or_default();
        PolicyPeer {
            pod_selector: selector(p.pod_selector),
            namespace_selector: selector(p.namespace_selector),
            cidr: filled(block.cidr),
            except: block.except,
        }
    };
    let port = |p: wire::PolicyPort| PolicyPort {
        protocol: p.protocol.and_then(filled).unwrap_or_else(|| "TCP".into()),
        port: p.port.and_then(number),
        end_port: p.end_port,
    };
    PolicyRule {
        peers: peers.into_iter().map(peer).collect(),
        ports: ports.into_iter().map(port).collect(),
    }
}

impl Extract for wire::PriorityClass {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        PriorityClassAttributes {
            value: self.value,
            global_default: self.global_default,
            preemption_policy: filled(self.preemption_policy),
        }
        .into()
    }
}

impl Extract for wire::RuntimeClass {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        RuntimeClassAttributes {
            handler: self.handler,
            overhead: amounts(self.overhead.pod_fixed),
            node_selector: equalities(self.scheduling.node_selector),
        }
        .into()
    }
}
