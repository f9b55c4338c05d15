//! The Gateway API: gateways and what is said about them. Routes have a room of their own.

use super::metadata::{filled, selector};
use super::network::reached_at;
use super::pod::conditions;
use super::{Draft, Extract};
use crate::wire::{self, ObjectRef};
use planisphere_schema::RelationKind::{HasParameters, OfClass, Reads, Targets, UsesTls};
use planisphere_schema::attributes::{
    BackendTLSPolicyAttributes, GatewayAttributes, GatewayClassAttributes, GrantFrom, GrantTo, Listener,
    ListenerSetAttributes, ReferenceGrantAttributes,
};
use planisphere_schema::{AssetRef, Attributes, Detail, Kind};

mod route;

impl Extract for wire::GatewayClass {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        if let Some(parameters) = self.spec.parameters_ref.filter(|p| !p.name.is_empty())
            && let Some(kind) = draft.kind_in(&parameters.group, &parameters.kind)
        {
            // A class has no namespace of its own: parameters without one live in the cluster.
            let to = draft.elsewhere(kind, &parameters.namespace, &parameters.name);
            draft.point(HasParameters, to);
        }
        GatewayClassAttributes {
            controller_name: self.spec.controller_name,
            conditions: conditions(self.status.conditions),
        }
        .into()
    }
}

impl Extract for wire::Gateway {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Gateway { spec, status, .. } = self;
        if !spec.gateway_class_name.is_empty() {
            let class = draft.neighbour(Kind::GatewayClass, &spec.gateway_class_name);
            draft.point(OfClass, class);
        }
        let addresses = status.addresses.into_iter().filter_map(|a| filled(a.value));
        let addresses: Vec<String> = addresses.collect();
        reached_at(draft, addresses.iter());
        let (listeners, foreign_references) = listeners(draft, spec.listeners);
        GatewayAttributes {
            gateway_class_name: spec.gateway_class_name,
            listeners,
            foreign_references,
            addresses,
            conditions: conditions(status.conditions),
        }
        .into()
    }
}

impl Extract for wire::ListenerSet {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        route::parent(draft, &self.spec.parent_ref, None);
        let (listeners, foreign_references) = listeners(draft, self.spec.listeners);
        ListenerSetAttributes {
            listeners,
            foreign_references,
            conditions: conditions(self.status.conditions),
        }
        .into()
    }
}

/// What is kept of listeners, and what they name in other namespaces; declares USES_TLS of their certificates.
fn listeners(draft: &mut Draft, listeners: Vec<wire::Listener>) -> (Vec<Listener>, Vec<String>) {
    let mut all = Vec::with_capacity(listeners.len());
    let mut foreign = Vec::new();
    for listener in listeners {
        let hostname = filled(listener.hostname);
        for certificate in &listener.tls.certificate_refs {
            if let Some(secret) = object(draft, certificate, Kind::Secret) {
                note_foreign(draft, &secret, &mut foreign);
                let detail = Detail {
                    hosts: hostname.iter().cloned().collect(),
                    ..Detail::default()
                };
                draft.declare(UsesTls, secret, detail);
            }
        }
        let namespaces = listener.allowed_routes.namespaces;
        all.push(Listener {
            name: listener.name,
            hostname,
            port: listener.port,
            protocol: listener.protocol,
            tls_mode: filled(listener.tls.mode),
            routes_from: filled(namespaces.from),
            routes_selector: selector(namespaces.selector),
        });
    }
    (all, foreign)
}

/// Notes an object of another namespace, once.
fn note_foreign(draft: &Draft, object: &AssetRef, foreign: &mut Vec<String>) {
    let (mine, its) = (&draft.asset.reference.key().namespace, &object.key().namespace);
    if !its.is_empty() && its != mine {
        let written = object.key().to_string();
        if !foreign.contains(&written) {
            foreign.push(written);
        }
    }
}

/// The object that a reference names: in its own namespace where none is named, of a usual kind where none is named.
fn object(draft: &mut Draft, reference: &ObjectRef, usual: Kind) -> Option<AssetRef> {
    if reference.name.is_empty() {
        return None;
    }
    let kind = match &*reference.kind {
        "" => usual,
        kind => draft.kind_in(&reference.group, kind)?,
    };
    Some(match &*reference.namespace {
        "" => draft.beside(kind, &reference.name),
        namespace => draft.elsewhere(kind, namespace, &reference.name),
    })
}

impl Extract for wire::ReferenceGrant {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let mut kind = |r: &ObjectRef| {
            let kind = draft.kind_in(&r.group, &r.kind);
            kind.map(|k| k.to_string()).unwrap_or_default()
        };
        let from = self.spec.from.into_iter().map(|r| GrantFrom {
            from_kind: kind(&r),
            from_namespace: r.namespace,
        });
        let from = from.collect();
        let to = self.spec.to.into_iter().map(|r| GrantTo {
            to_kind: kind(&r),
            to_name: filled(r.name),
        });
        ReferenceGrantAttributes {
            from,
            to: to.collect(),
        }
        .into()
    }
}

impl Extract for wire::BackendTLSPolicy {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        for target in &self.spec.target_refs {
            if let Some(to) = object(draft, target, Kind::Service) {
                draft.point(Targets, to);
            }
        }
        let validation = self.spec.validation;
        for certificate in &validation.ca_certificate_refs {
            if let Some(to) = object(draft, certificate, Kind::ConfigMap) {
                let detail = Detail {
                    via: vec!["caCertificateRefs".to_owned()],
                    optional: Some(false),
                    ..Detail::default()
                };
                draft.declare(Reads, to, detail);
            }
        }
        BackendTLSPolicyAttributes {
            hostname: filled(validation.hostname),
            well_known_ca_certificates: filled(validation.well_known_ca_certificates),
        }
        .into()
    }
}
