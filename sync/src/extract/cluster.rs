//! Namespaces and nodes, and the zone and region that a node's labels name.

use super::metadata::{amounts, filled};
use super::pod::conditions;
use super::{Draft, Extract};
use crate::wire;
use planisphere_schema::RelationKind::{InRegion, InZone, IsMachine, PartOf, RunsComponent};
use planisphere_schema::attributes::{NamespaceAttributes, NodeAttributes, Taint};
use planisphere_schema::{Attributes, Detail, Kind};

/// Labels that name the zone: today's, then the one before 1.17.
pub(super) const ZONE: &[&str] = &[
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/zone",
];
const REGION: &[&str] = &[
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/region",
];
const INSTANCE_TYPE: &[&str] = &[
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
];

impl Extract for wire::Namespace {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        part_of_cluster(draft);
        NamespaceAttributes {
            phase: filled(self.status.phase),
        }
        .into()
    }
}

impl Extract for wire::Node {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Node { spec, status, .. } = self;
        let (zone, region) = (label(draft, ZONE), label(draft, REGION));
        part_of_cluster(draft);
        place(draft, zone.as_deref(), region.as_deref());
        let ready = status
            .conditions
            .iter()
            .find(|c| c.kind == "Ready")
            .map(|c| c.status.clone());
        let taint = |t: wire::cluster::Taint| Taint {
            key: t.key,
            value: filled(t.value),
            effect: t.effect,
        };
        let info = status.node_info;
        if !spec.provider_id.is_empty() {
            let machine = draft.neighbour(Kind::VirtualMachine, &spec.provider_id);
            draft.point(IsMachine, machine);
        }
        components(draft, &info);
        NodeAttributes {
            zone,
            region,
            instance_type: label(draft, INSTANCE_TYPE),
            provider_id: filled(spec.provider_id),
            unschedulable: spec.unschedulable,
            taints: spec.taints.into_iter().map(taint).collect(),
            ready,
            conditions: conditions(status.conditions),
            addresses: status
                .addresses
                .into_iter()
                .map(|a| [&*a.kind, "=", &*a.address].concat())
                .collect(),
            capacity: amounts(status.capacity),
            allocatable: amounts(status.allocatable),
            kubelet_version: filled(info.kubelet_version),
            container_runtime_version: filled(info.container_runtime_version),
            kernel_version: filled(info.kernel_version),
            os_image: filled(info.os_image),
            operating_system: filled(info.operating_system),
            architecture: filled(info.architecture),
        }
        .into()
    }
}

/// RUNS_COMPONENT: each program of the machine with its version, so that one can ask where it runs.
fn components(draft: &mut Draft, info: &wire::cluster::NodeSystemInfo) {
    let runtime = info.container_runtime_version.split_once("://");
    let (runtime, runtime_version) = runtime.unwrap_or(("", ""));
    for (name, version) in [
        ("kubelet", &*info.kubelet_version),
        ("kube-proxy", &*info.kube_proxy_version),
        (runtime, runtime_version),
        ("kernel", &*info.kernel_version),
        ("os", &*info.os_image),
    ] {
        if !name.is_empty() && !version.is_empty() {
            let component = draft.neighbour(Kind::Component, &[name, "@", version].concat());
            draft.point(RunsComponent, component);
        }
    }
}

fn part_of_cluster(draft: &mut Draft) {
    let cluster = planisphere_schema::AssetRef::cluster(draft.cluster);
    draft.declare(PartOf, cluster, Detail::default());
}

/// IN_ZONE and IN_REGION: a node names its zone, and declares the region of that zone; its own region only without zone.
fn place(draft: &mut Draft, zone: Option<&str>, region: Option<&str>) {
    let zone = zone.map(|name| draft.neighbour(Kind::Zone, name));
    let region = region.map(|name| draft.neighbour(Kind::Region, name));
    if let Some(zone) = &zone {
        draft.declare(InZone, zone.clone(), Detail::default());
    }
    if let Some(region) = region {
        let from = zone.unwrap_or_else(|| draft.me());
        draft.declare_between(from, InRegion, region, Detail::default());
    }
}

/// The value of the first of these labels that has one.
fn label(draft: &Draft, keys: &[&str]) -> Option<String> {
    let value = keys
        .iter()
        .find_map(|key| draft.asset.label(key).filter(|v| !v.is_empty()));
    value.map(str::to_owned)
}
