//! The parts of a control plane as the cluster shows them: pods that say by their labels which part they are, the endpoints
//! of the API server, and what it tells when it is asked. A managed control plane shows no more than its API server.
//! Pure; asking is the business of `cluster`.

use super::Draft;
use super::draft::{NAME_MAX, note};
use super::metadata::filled;
use crate::Observation;
use crate::cluster::{Told, ToldControlPlane};
use crate::wire::{PodSpec, network::Endpoint};
use planisphere_schema::RelationKind::{DependsOn, ReachedAt, RunBy, RunsComponent};
use planisphere_schema::attributes::{ControlPlaneComponentAttributes, ReadinessCheck};
use planisphere_schema::detail::Port;
use planisphere_schema::{Asset, AssetRef, ClusterId, Detail, Edge, Kind};

const API_SERVER: &str = "kube-apiserver";
const ETCD: &str = "etcd";
const KUBE_PROXY: &str = "kube-proxy";
/// Parts that do nothing without the API server.
const CLIENTS: &[&str] = &[
    "cloud-controller-manager",
    "kube-controller-manager",
    "kube-scheduler",
];

/// RUN_BY, RUNS_COMPONENT and DEPENDS_ON: what a pod of `kube-system` says of the control plane, and of its node's kube-proxy.
pub(super) fn pod(draft: &mut Draft, spec: &PodSpec) {
    if &*draft.asset.reference.key().namespace != "kube-system" {
        return;
    }
    let label = |key| draft.asset.label(key).filter(|n| !n.is_empty());
    let version = version(spec).map(str::to_owned);
    if label("tier") == Some("control-plane")
        && let Some(name) = label("component").map(str::to_owned)
    {
        let (me, part) = (draft.me(), draft.neighbour(Kind::ControlPlaneComponent, &name));
        draft.declare_between(part.clone(), RunBy, me, Detail::default());
        if let Some(version) = &version {
            let program = program(draft, &name, version);
            draft.point(RunsComponent, program.clone());
            draft.declare_between(part.clone(), RunsComponent, program, Detail::default());
        }
        if let Some((from, to, role)) = need(&name) {
            let from = draft.neighbour(Kind::ControlPlaneComponent, from);
            let to = draft.neighbour(Kind::ControlPlaneComponent, to);
            draft.declare_between(from, DependsOn, to, role_of(role));
        }
    } else if label("k8s-app") == Some(KUBE_PROXY)
        && let Some(version) = &version
    {
        let program = program(draft, KUBE_PROXY, version);
        draft.point(RunsComponent, program.clone());
        if !spec.node_name.is_empty() {
            // The kubelet no longer says of which version its node's proxy is.
            let node = draft.neighbour(Kind::Node, &spec.node_name);
            draft.declare_between(node, RunsComponent, program, Detail::default());
        }
    }
}

/// REACHED_AT of the API server: the endpoints of the Service `kubernetes`, which API servers write themselves.
pub(super) fn endpoints(draft: &mut Draft, endpoints: &[Endpoint], ports: &[Port]) {
    let server = draft.neighbour(Kind::ControlPlaneComponent, API_SERVER);
    let ports: Vec<i32> = ports.iter().filter_map(|p| p.port).collect();
    for address in endpoints.iter().filter_map(|e| e.addresses.first()) {
        for port in &ports {
            let bracketed = address.contains(':');
            let text = match bracketed {
                true => format!("[{address}]:{port}"),
                false => format!("{address}:{port}"),
            };
            let to = draft.neighbour(Kind::Address, &text);
            draft.declare_between(server.clone(), ReachedAt, to, Detail::default());
        }
    }
}

/// Whether a slice is one of the API server's own.
pub(super) fn is_api_server(draft: &Draft, service: &str) -> bool {
    &*draft.asset.reference.key().namespace == "default" && service == "kubernetes"
}

/// Which part needs which other one, where a part of this name is seen.
fn need(name: &str) -> Option<(&str, &str, &'static str)> {
    match name {
        ETCD => Some((API_SERVER, ETCD, "storage")),
        _ if CLIENTS.contains(&name) => Some((name, API_SERVER, "api")),
        _ => None,
    }
}

fn role_of(role: &str) -> Detail {
    Detail {
        labels: vec![role.to_owned()],
        ..Detail::default()
    }
}

/// The tag of the first container's image.
fn version(spec: &PodSpec) -> Option<&str> {
    let image = &spec.containers.first()?.image;
    let image = image.split_once('@').map_or(&**image, |(image, _)| image);
    let (_, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    Some(tag).filter(|tag| !tag.is_empty())
}

fn program(draft: &mut Draft, name: &str, version: &str) -> AssetRef {
    draft.neighbour(Kind::Component, &[name, "@", version].concat())
}

/// What a control plane told, as observations: the API server, and those of the others whose leases are there.
pub(crate) fn observations(cluster: ClusterId, told: &ToldControlPlane) -> Vec<Observation> {
    let mut all = vec![api_server(cluster, told)];
    for (name, lease) in &told.leases {
        let Told::Yes(lease) = lease else { continue };
        let attributes = ControlPlaneComponentAttributes {
            leader: filled(lease.holder.clone()),
            leading: Some(lease.renewed && !lease.holder.is_empty()),
            ..Default::default()
        };
        let mut part = part(cluster, name, attributes);
        part.edges.push(Edge {
            from: part.asset.reference.clone(),
            relation: DependsOn,
            to: AssetRef::new(cluster, Kind::ControlPlaneComponent, "", API_SERVER),
            detail: role_of("api"),
        });
        all.push(part);
    }
    all
}

fn api_server(cluster: ClusterId, told: &ToldControlPlane) -> Observation {
    let mut attributes = ControlPlaneComponentAttributes {
        git_version: filled(told.version.git_version.clone()),
        platform: filled(told.version.platform.clone()),
        ..Default::default()
    };
    match &told.readiness {
        Told::Yes(readiness) => {
            let check = |(name, passes): &(String, bool)| ReadinessCheck {
                name: name.clone(),
                passes: *passes,
            };
            attributes.ready = Some(readiness.ready);
            attributes.checks = readiness.checks.iter().map(check).collect();
        }
        Told::Denied => attributes.withheld.push("/readyz: we may not read it".into()),
        Told::Absent => attributes.withheld.push("/readyz: it is not served".into()),
    }
    if told.leases.iter().any(|(_, lease)| matches!(lease, Told::Denied)) {
        let words = "leases of kube-system: we may not read them";
        attributes.withheld.push(words.into());
    }
    let mut part = part(cluster, API_SERVER, attributes);
    let mut version = told.version.git_version.clone();
    if !version.is_empty() {
        version.truncate(version.floor_char_boundary(NAME_MAX - API_SERVER.len() - 1));
        part.edges.push(Edge {
            from: part.asset.reference.clone(),
            relation: RunsComponent,
            to: AssetRef::new(
                cluster,
                Kind::Component,
                "",
                &[API_SERVER, "@", &version].concat(),
            ),
            detail: Detail::default(),
        });
    }
    if told.cut {
        note(
            &mut part.asset.problems,
            "it tells of too many checks: the rest is left out".into(),
        );
    }
    part
}

fn part(cluster: ClusterId, name: &str, attributes: ControlPlaneComponentAttributes) -> Observation {
    let mut asset = Asset::named(AssetRef::new(cluster, Kind::ControlPlaneComponent, "", name));
    asset.attributes = attributes.into();
    Observation {
        asset: Box::new(asset),
        edges: Vec::new(),
    }
}
