//! The objects that make pods: what is kept of them, and what their templates refer to.

use super::metadata::{equalities, filled, instant, selector};
use super::pod::{conditions, is_sidecar, probes, resources};
use super::policy::timed_conditions;
use super::references::{self, Whose};
use super::{Draft, Extract, image};
use crate::wire::workload::DeploymentCondition;
use crate::wire::{self, Container, IntOrString, PodSpec};
use planisphere_schema::RelationKind::{Claims, GovernedBy};
use planisphere_schema::attributes::{
    Condition, CronJobAttributes, DaemonSetAttributes, DeploymentAttributes, JobAttributes,
    PodTemplateAttributes, ReplicaSetAttributes, ReplicationControllerAttributes, Selector,
    StatefulSetAttributes, TemplateContainer,
};
use planisphere_schema::{Attributes, Detail, Kind};

/// How many claims of one StatefulSet are drawn.
const CLAIMS_MAX: i64 = 1_000;
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Declares what a template refers to. A workload that another one controls declares nothing: its owner's template and its
/// pods say the same, and old ReplicaSets would hold on to configuration that nothing uses any more.
fn template(draft: &mut Draft, spec: PodSpec, claimed: &[String]) -> Vec<TemplateContainer> {
    if draft.controller.is_none() {
        references::declare(draft, &spec, Whose::Template { claimed });
        image::pulls(draft, &spec);
    }
    let of = |container: Container, role: &str| TemplateContainer {
        role: role.to_owned(),
        probes: probes(&container),
        requests: resources(container.resources.requests),
        limits: resources(container.resources.limits),
        name: container.name,
        image: container.image,
    };
    let main = spec.containers.into_iter().map(|c| of(c, "container"));
    let init = spec.init_containers.into_iter().map(|c| {
        let role = if is_sidecar(&c) { "sidecar" } else { "init" };
        of(c, role)
    });
    main.chain(init).collect()
}

fn revision(draft: &Draft) -> Option<String> {
    draft.asset.annotation(REVISION).map(str::to_owned)
}

impl Extract for wire::Deployment {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Deployment { spec, status, .. } = self;
        let condition = |c: DeploymentCondition| Condition {
            kind: c.kind,
            status: c.status,
            reason: filled(c.reason),
            since: instant(c.last_transition_time),
        };
        let rolling = spec.strategy.rolling_update;
        DeploymentAttributes {
            replicas: spec.replicas.unwrap_or(1),
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            updated_replicas: status.updated_replicas,
            paused: spec.paused,
            strategy: filled(spec.strategy.kind),
            max_unavailable: rolling.max_unavailable.and_then(number),
            max_surge: rolling.max_surge.and_then(number),
            revision: revision(draft),
            selector: selector(spec.selector),
            containers: template(draft, spec.template.spec, &[]),
            conditions: status.conditions.into_iter().map(condition).collect(),
            min_ready_seconds: spec.min_ready_seconds,
        }
        .into()
    }
}

/// A number or percentage, where 0 is a value of its own.
pub(super) fn number(value: IntOrString) -> Option<String> {
    value.into_text().or_else(|| Some("0".into()))
}

impl Extract for wire::ReplicaSet {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::ReplicaSet { spec, status, .. } = self;
        ReplicaSetAttributes {
            replicas: spec.replicas.unwrap_or(1),
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            revision: revision(draft),
            selector: selector(spec.selector),
            containers: template(draft, spec.template.spec, &[]),
        }
        .into()
    }
}

impl Extract for wire::StatefulSet {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::StatefulSet { spec, status, .. } = self;
        let replicas = spec.replicas.unwrap_or(1);
        let claimed: Vec<String> = spec
            .volume_claim_templates
            .into_iter()
            .map(|t| t.metadata.name)
            .collect();
        claims(draft, &claimed, replicas, spec.ordinals.start);
        if !spec.service_name.is_empty() {
            let service = draft.neighbour(Kind::Service, &spec.service_name);
            draft.declare(GovernedBy, service, Detail::default());
        }
        StatefulSetAttributes {
            replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            updated_replicas: status.updated_replicas,
            service_name: filled(spec.service_name),
            pod_management_policy: filled(spec.pod_management_policy),
            strategy: filled(spec.update_strategy.kind),
            ordinals_start: spec.ordinals.start,
            current_revision: filled(status.current_revision),
            update_revision: filled(status.update_revision),
            selector: selector(spec.selector),
            containers: template(draft, spec.template.spec, &claimed),
            claim_templates: claimed,
        }
        .into()
    }
}

/// CLAIMS: `<template>-<set>-<ordinal>` for each ordinal. The claims themselves name no owner.
fn claims(draft: &mut Draft, templates: &[String], replicas: i32, start: i32) {
    let set = draft.me();
    let wanted = i64::from(replicas.max(0)) * templates.len() as i64;
    if wanted > CLAIMS_MAX {
        draft.problem(format!(
            "claims {wanted} volumes: the first {CLAIMS_MAX} are drawn"
        ));
    }
    let names = (0..i64::from(replicas.max(0))).flat_map(|n| templates.iter().map(move |t| (n, t)));
    for (n, template) in names.take(CLAIMS_MAX as usize) {
        let name = format!("{template}-{}-{}", set.key().name, i64::from(start) + n);
        let claim = draft.neighbour(Kind::PersistentVolumeClaim, &name);
        draft.declare(Claims, claim, Detail::default());
    }
}

impl Extract for wire::DaemonSet {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::DaemonSet { spec, status, .. } = self;
        DaemonSetAttributes {
            desired: status.desired_number_scheduled,
            current: status.current_number_scheduled,
            ready: status.number_ready,
            available: status.number_available,
            updated: status.updated_number_scheduled,
            misscheduled: status.number_misscheduled,
            strategy: filled(spec.update_strategy.kind),
            selector: selector(spec.selector),
            containers: template(draft, spec.template.spec, &[]),
        }
        .into()
    }
}

impl Extract for wire::Job {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Job { spec, status, .. } = self;
        JobAttributes {
            completions: spec.completions,
            parallelism: spec.parallelism,
            active: status.active,
            succeeded: status.succeeded,
            failed: status.failed,
            suspended: spec.suspend,
            started_at: instant(status.start_time),
            completed_at: instant(status.completion_time),
            conditions: conditions(status.conditions),
            containers: template(draft, spec.template.spec, &[]),
        }
        .into()
    }
}

impl Extract for wire::CronJob {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::CronJob { spec, status, .. } = self;
        CronJobAttributes {
            schedule: spec.schedule,
            time_zone: filled(spec.time_zone),
            suspended: spec.suspend,
            concurrency_policy: filled(spec.concurrency_policy),
            last_schedule_at: instant(status.last_schedule_time),
            last_successful_at: instant(status.last_successful_time),
            active: status.active.len().try_into().unwrap_or(i32::MAX),
            containers: template(draft, spec.job_template.spec.template.spec, &[]),
        }
        .into()
    }
}

impl Extract for wire::ReplicationController {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::ReplicationController { spec, status, .. } = self;
        let match_labels = equalities(spec.selector);
        // An empty selector would be everything; here it is none.
        let selector = (!match_labels.is_empty()).then_some(Selector {
            match_labels,
            match_expressions: Vec::new(),
        });
        ReplicationControllerAttributes {
            replicas: spec.replicas.unwrap_or(1),
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            selector,
            containers: template(draft, spec.template.spec, &[]),
            conditions: timed_conditions(status.conditions),
        }
        .into()
    }
}

impl Extract for wire::StoredPodTemplate {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        PodTemplateAttributes {
            containers: template(draft, self.template.spec, &[]),
        }
        .into()
    }
}
