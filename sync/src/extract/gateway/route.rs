//! Routes of the Gateway API, of any protocol: on what they hang, and where they send traffic. Whether another namespace
//! lets itself be referred to, is not decided here.

use super::super::metadata::filled;
use super::super::pod::conditions;
use super::super::{Draft, Extract};
use super::note_foreign;
use crate::wire::{self, BackendRef, ParentRef, ParentStatus, RouteRule};
use planisphere_schema::RelationKind::{ForwardsTo, HasParent, MirrorsTo};
use planisphere_schema::attributes::{
    GRPCRouteAttributes, HTTPRouteAttributes, RouteParent, TCPRouteAttributes, TLSRouteAttributes,
    UDPRouteAttributes,
};
use planisphere_schema::detail::Route;
use planisphere_schema::{AssetRef, Attributes, Detail, Kind};

const GROUP: &str = "gateway.networking.k8s.io";
/// How many ways from one route to one backend are kept.
const WAYS_MAX: usize = 100;

impl Extract for wire::Route {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Route { spec, status, .. } = self;
        for reference in &spec.parent_refs {
            let accepted = accepted(draft, reference, &status.parents);
            parent(draft, reference, accepted);
        }
        let mut foreign_references = Vec::new();
        for rule in &spec.rules {
            forward(draft, rule, &spec.hostnames, &mut foreign_references);
        }
        let hostnames = spec.hostnames;
        let parents = status.parents.into_iter().map(|p| told(draft, p)).collect();
        match draft.asset.kind() {
            Kind::GRPCRoute => GRPCRouteAttributes {
                hostnames,
                parents,
                foreign_references,
            }
            .into(),
            Kind::TLSRoute => TLSRouteAttributes {
                hostnames,
                parents,
                foreign_references,
            }
            .into(),
            Kind::TCPRoute => TCPRouteAttributes {
                parents,
                foreign_references,
            }
            .into(),
            Kind::UDPRoute => UDPRouteAttributes {
                parents,
                foreign_references,
            }
            .into(),
            _ => HTTPRouteAttributes {
                hostnames,
                parents,
                foreign_references,
            }
            .into(),
        }
    }
}

/// Declares HAS_PARENT.
pub(super) fn parent(draft: &mut Draft, reference: &ParentRef, accepted: Option<bool>) {
    if let Some(to) = parent_of(draft, reference) {
        let detail = Detail {
            via: filled(reference.section_name.clone()).into_iter().collect(),
            accepted,
            ..Detail::default()
        };
        draft.declare(HasParent, to, detail);
    }
}

fn parent_of(draft: &mut Draft, reference: &ParentRef) -> Option<AssetRef> {
    if reference.name.is_empty() {
        return None;
    }
    let kind = match &*reference.kind {
        "" => "Gateway",
        kind => kind,
    };
    let kind = draft.kind_in(reference.group.as_deref().unwrap_or(GROUP), kind)?;
    Some(match &*reference.namespace {
        "" => draft.beside(kind, &reference.name),
        namespace => draft.elsewhere(kind, namespace, &reference.name),
    })
}

/// Whether a parent took the route, if any controller says so.
fn accepted(draft: &mut Draft, reference: &ParentRef, parents: &[ParentStatus]) -> Option<bool> {
    let parent = parent_of(draft, reference)?;
    let mut said = None;
    for status in parents {
        let same = status.parent_ref.section_name == reference.section_name
            && parent_of(draft, &status.parent_ref).as_ref() == Some(&parent);
        let found = status.conditions.iter().find(|c| same && c.kind == "Accepted");
        if let Some(condition) = found {
            said = Some(said.unwrap_or(false) || condition.status == "True");
        }
    }
    said
}

fn told(draft: &mut Draft, status: ParentStatus) -> RouteParent {
    let parent = parent_of(draft, &status.parent_ref);
    RouteParent {
        parent: parent.map(|p| p.key().to_string()).unwrap_or_default(),
        controller_name: status.controller_name,
        conditions: conditions(status.conditions),
    }
}

fn forward(draft: &mut Draft, rule: &RouteRule, hostnames: &[String], foreign: &mut Vec<String>) {
    // A backend with weight 0 gets no traffic.
    for backend in rule.backend_refs.iter().filter(|b| b.weight != Some(0)) {
        if let Some(to) = service(draft, backend) {
            note_foreign(draft, &to, foreign);
            let detail = Detail {
                routes: ways(rule, hostnames, backend.port),
                weight: backend.weight,
                ..Detail::default()
            };
            draft.declare(ForwardsTo, to, detail);
        }
    }
    // A copy of the traffic, whose answers nobody hears.
    for mirror in rule.filters.iter().filter_map(|f| f.request_mirror.as_ref()) {
        if let Some(to) = service(draft, &mirror.backend_ref) {
            note_foreign(draft, &to, foreign);
            draft.point(MirrorsTo, to);
        }
    }
}

fn service(draft: &mut Draft, backend: &BackendRef) -> Option<AssetRef> {
    if backend.name.is_empty() {
        return None;
    }
    let kind = match &*backend.kind {
        "" => "Service",
        kind => kind,
    };
    let kind = draft.kind_in(&backend.group, kind)?;
    Some(match &*backend.namespace {
        "" => draft.beside(kind, &backend.name),
        namespace => draft.elsewhere(kind, namespace, &backend.name),
    })
}

/// Each host with each path of a rule; without any, all hosts and all paths.
fn ways(rule: &RouteRule, hostnames: &[String], port: Option<i32>) -> Vec<Route> {
    let port = port.map(|p| p.to_string());
    let hosts = hostnames
        .iter()
        .map(Some)
        .chain(hostnames.is_empty().then_some(None));
    let paths = || {
        let paths = rule.matches.iter().map(|m| m.path.as_ref());
        paths.chain(rule.matches.is_empty().then_some(None))
    };
    let ways = hosts.flat_map(|host| paths().map(move |path| (host, path)));
    ways.take(WAYS_MAX)
        .map(|(host, path)| Route {
            host: host.cloned(),
            path: path.and_then(|p| filled(p.value.clone())),
            path_type: path.and_then(|p| filled(p.kind.clone())),
            port: port.clone(),
        })
        .collect()
}
