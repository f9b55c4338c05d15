//! Pods: what is kept of one, where it runs, and why it is as it is.

use super::metadata::{filled, instant};
use super::placement::placement;
use super::references::{self, Whose, account_name};
use super::{Draft, Extract, control_plane, image};
use crate::wire::{self, Container, ContainerStatus, NodeCondition, PodSpec, PodStatus};
use planisphere_schema::attributes::{Condition, ContainerAttributes, PodAttributes, Resources};
use planisphere_schema::{Attributes, Detail, Kind, RelationKind};

impl Extract for wire::Pod {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Pod { spec, status, .. } = self;
        references::declare(draft, &spec, Whose::Pod);
        if !spec.node_name.is_empty() {
            let node = draft.neighbour(Kind::Node, &spec.node_name);
            draft.declare(RelationKind::RunsOn, node, Detail::default());
        }
        let statuses = [
            &status.container_statuses,
            &status.init_container_statuses,
            &status.ephemeral_container_statuses,
        ];
        image::uses(draft, &spec, statuses.into_iter().flatten());
        if draft.controller.is_none() {
            image::pulls(draft, &spec);
        }
        control_plane::pod(draft, &spec);
        for claim in &status.resource_claim_statuses {
            if !claim.resource_claim_name.is_empty() {
                let to = draft.neighbour(Kind::ResourceClaim, &claim.resource_claim_name);
                draft.point(RelationKind::UsesClaim, to);
            }
        }
        attributes(draft, spec, status).into()
    }
}

fn attributes(draft: &Draft, mut spec: PodSpec, status: PodStatus) -> PodAttributes {
    let reason = reason(draft.asset.deleting.is_some(), &spec, &status);
    let controller = draft.controller.as_ref();
    let statuses = [
        &status.container_statuses,
        &status.init_container_statuses,
        &status.ephemeral_container_statuses,
    ];
    let restarts = statuses
        .iter()
        .flat_map(|s| s.iter())
        .fold(0_i32, |n, s| n.saturating_add(s.restart_count));
    PodAttributes {
        placement: placement(&mut spec).map(Box::new),
        ready: is_true(&status.conditions, "Ready"),
        reason,
        node_name: filled(spec.node_name.clone()),
        host_ip: filled(status.host_ip),
        host_network: spec.host_network,
        service_account_name: Some(account_name(&spec).to_owned()),
        priority_class_name: filled(spec.priority_class_name),
        priority: spec.priority,
        qos_class: filled(status.qos_class),
        restart_policy: filled(spec.restart_policy),
        restarts,
        started_at: instant(status.start_time),
        containers: containers(
            (spec.containers, status.container_statuses),
            (spec.init_containers, status.init_container_statuses),
            (
                spec.ephemeral_containers.into_iter().map(|e| e.common).collect(),
                status.ephemeral_container_statuses,
            ),
        ),
        conditions: conditions(status.conditions),
        owner_kind: controller.map(|(kind, _)| kind.to_string()),
        owner_name: controller.map(|(_, name)| name.clone()),
        hostname: filled(spec.hostname),
        subdomain: filled(spec.subdomain),
        scheduler_name: filled(spec.scheduler_name).filter(|s| s != "default-scheduler"),
        runtime_class_name: filled(spec.runtime_class_name),
        pod_i_ps: if status.pod_ips.is_empty() {
            filled(status.pod_ip).into_iter().collect()
        } else {
            status.pod_ips.into_iter().map(|p| p.ip).collect()
        },
        phase: filled(status.phase),
    }
}

type WithStatuses = (Vec<Container>, Vec<ContainerStatus>);

fn containers(main: WithStatuses, init: WithStatuses, ephemeral: WithStatuses) -> Vec<ContainerAttributes> {
    let mut all = Vec::with_capacity(main.0.len() + init.0.len() + ephemeral.0.len());
    for ((containers, mut statuses), roles) in [
        (main, ["container", "container"]),
        (init, ["init", "sidecar"]),
        (ephemeral, ["ephemeral", "ephemeral"]),
    ] {
        for container in containers {
            let role = roles[usize::from(is_sidecar(&container))];
            let status = statuses.iter().position(|s| s.name == container.name);
            let status = status
                .map(|index| statuses.swap_remove(index))
                .unwrap_or_default();
            all.push(container_attributes(container, status, role));
        }
    }
    all
}

/// An init container that goes on running beside the others.
pub(super) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy == "Always"
}

fn container_attributes(container: Container, status: ContainerStatus, role: &str) -> ContainerAttributes {
    let (state, reason, exit_code) = match (
        status.state.waiting,
        status.state.running,
        status.state.terminated,
    ) {
        (Some(waiting), _, _) => (Some("waiting"), waiting.reason, None),
        (_, Some(_), _) => (Some("running"), String::new(), None),
        (_, _, Some(ended)) => (Some("terminated"), ended.reason, Some(ended.exit_code)),
        _ => (None, String::new(), None),
    };
    ContainerAttributes {
        role: role.to_owned(),
        image_id: filled(status.image_id),
        ready: status.ready,
        state: state.map(str::to_owned),
        reason: filled(reason),
        exit_code,
        restarts: status.restart_count,
        ports: container.ports.iter().map(|p| p.container_port).collect(),
        probes: probes(&container),
        requests: resources(container.resources.requests),
        limits: resources(container.resources.limits),
        name: container.name,
        image: container.image,
    }
}

/// The probes that a container has.
pub(super) fn probes(container: &Container) -> Vec<String> {
    let probes = [
        (&container.liveness_probe, "liveness"),
        (&container.readiness_probe, "readiness"),
        (&container.startup_probe, "startup"),
    ];
    probes
        .into_iter()
        .filter(|(probe, _)| probe.is_some())
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// CPU and memory apart from other resources; none where nothing is named.
pub(super) fn resources(amounts: Vec<wire::Amount>) -> Option<Resources> {
    if amounts.is_empty() {
        return None;
    }
    let mut resources = Resources::default();
    for amount in amounts {
        match amount.key.as_str() {
            "cpu" => resources.cpu = Some(amount.value.text),
            "memory" => resources.memory = Some(amount.value.text),
            other => resources.other.push([other, "=", &amount.value.text].concat()),
        }
    }
    resources.other.sort();
    Some(resources)
}

/// Conditions without their probe and heartbeat times.
pub(super) fn conditions(conditions: Vec<NodeCondition>) -> Vec<Condition> {
    let condition = |c: NodeCondition| Condition {
        kind: c.kind,
        status: c.status,
        reason: filled(c.reason),
        since: instant(c.last_transition_time),
    };
    conditions.into_iter().map(condition).collect()
}

fn is_true(conditions: &[NodeCondition], kind: &str) -> bool {
    conditions.iter().any(|c| c.kind == kind && c.status == "True")
}

/// The STATUS column of `kubectl get pods` (printPod in kubernetes/pkg/printers), none where it is the phase itself.
fn reason(deleting: bool, spec: &PodSpec, status: &PodStatus) -> Option<String> {
    let phase = status.phase.as_str();
    let mut reason = if status.reason.is_empty() {
        phase.to_owned()
    } else {
        status.reason.clone()
    };
    if status
        .conditions
        .iter()
        .any(|c| c.kind == "PodScheduled" && c.reason == "SchedulingGated")
    {
        reason = "SchedulingGated".into();
    }
    let initializing = init_reason(spec, status);
    if initializing.is_none() || is_true(&status.conditions, "Initialized") {
        reason = main_reason(status, initializing.unwrap_or(reason));
    } else if let Some(initializing) = initializing {
        reason = initializing;
    }
    if deleting && status.reason == "NodeLost" {
        reason = "Unknown".into();
    } else if deleting && !matches!(phase, "Succeeded" | "Failed") {
        reason = "Terminating".into();
    }
    filled(reason).filter(|r| r != phase)
}

/// The first init container that is not done, if any, and what it waits for.
fn init_reason(spec: &PodSpec, status: &PodStatus) -> Option<String> {
    for (index, container) in status.init_container_statuses.iter().enumerate() {
        let sidecar = || {
            spec.init_containers
                .iter()
                .any(|c| c.name == container.name && is_sidecar(c))
        };
        return Some(match (&container.state.terminated, &container.state.waiting) {
            (Some(ended), _) if ended.exit_code == 0 => continue,
            _ if container.started && sidecar() => continue,
            (Some(ended), _) => ["Init:", &end_reason(ended)].concat(),
            (_, Some(waiting)) if !matches!(waiting.reason.as_str(), "" | "PodInitializing") => {
                ["Init:", &waiting.reason].concat()
            }
            _ => format!("Init:{index}/{}", spec.init_containers.len()),
        });
    }
    None
}

fn main_reason(status: &PodStatus, mut reason: String) -> String {
    let (mut running, mut error) = (false, None);
    for container in status.container_statuses.iter().rev() {
        match (&container.state.waiting, &container.state.terminated) {
            (Some(waiting), _) if !waiting.reason.is_empty() => reason.clone_from(&waiting.reason),
            (_, Some(ended)) => {
                reason = end_reason(ended);
                if ended.exit_code != 0 {
                    error = Some(reason.clone());
                }
            }
            _ => running |= container.ready && container.state.running.is_some(),
        }
    }
    match (reason.as_str(), running, error) {
        ("Completed", true, _) if is_true(&status.conditions, "Ready") => "Running".into(),
        ("Completed", _, Some(error)) => error,
        ("Completed", true, None) => "NotReady".into(),
        _ => reason,
    }
}

fn end_reason(ended: &wire::container::ContainerStateTerminated) -> String {
    match (ended.reason.as_str(), ended.signal) {
        ("", 0) => format!("ExitCode:{}", ended.exit_code),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}
