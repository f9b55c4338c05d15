//! Services, the truth about their instances, and the ways to them.

use super::metadata::{equalities, filled};
use super::{Draft, Extract, control_plane};
use crate::wire;
use crate::wire::network::{Endpoint, EndpointPort, LoadBalanced};
use planisphere_schema::RelationKind::{
    AliasOf, ExternalName, ForwardsTo, HasParameters, OfClass, ReachedAt, RoutesTo, SliceOf, UsesTls,
};
use planisphere_schema::attributes::{
    EndpointSliceAttributes, IngressAttributes, IngressClassAttributes, ServiceAttributes, ServicePort,
};
use planisphere_schema::detail::{Port, Route};
use planisphere_schema::{AssetRef, Attributes, Detail, Kind};

const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// How many ports and addresses of a slice are kept; Kubernetes allows 100 of each.
const PARTS_MAX: usize = 100;

impl Extract for wire::Service {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Service { spec, status, .. } = self;
        let external = spec.kind == "ExternalName";
        if external {
            match cluster_name(&spec.external_name) {
                Some((name, namespace)) => {
                    let to = draft.elsewhere(Kind::Service, &namespace, &name);
                    draft.point(AliasOf, to);
                }
                None => name_outside(draft, &spec.external_name),
            }
        }
        let load_balancer = load_balancer(status);
        reached_at(draft, load_balancer.iter().chain(&spec.external_ips));
        let addresses = if spec.cluster_ips.is_empty() {
            filled(spec.cluster_ip).into_iter().collect()
        } else {
            spec.cluster_ips
        };
        ServiceAttributes {
            service_type: filled(spec.kind).unwrap_or_else(|| "ClusterIP".into()),
            headless: addresses.iter().any(|a| a == "None"),
            cluster_i_ps: addresses,
            external_name: filled(spec.external_name),
            // Kubernetes ignores the selector of an ExternalName.
            selector: if external {
                Vec::new()
            } else {
                equalities(spec.selector)
            },
            ports: spec.ports.into_iter().map(service_port).collect(),
            external_i_ps: spec.external_ips,
            load_balancer,
            load_balancer_class: filled(spec.load_balancer_class),
            external_traffic_policy: filled(spec.external_traffic_policy),
            internal_traffic_policy: filled(spec.internal_traffic_policy),
            publish_not_ready_addresses: spec.publish_not_ready_addresses,
            session_affinity: filled(spec.session_affinity),
            ip_families: spec.ip_families,
        }
        .into()
    }
}

fn service_port(port: wire::network::ServicePort) -> ServicePort {
    ServicePort {
        name: filled(port.name),
        protocol: filled(port.protocol).unwrap_or_else(|| "TCP".into()),
        port: port.port,
        target_port: port.target_port.into_text(),
        node_port: Some(port.node_port).filter(|p| *p != 0),
        app_protocol: filled(port.app_protocol),
    }
}

fn load_balancer(status: LoadBalanced) -> Vec<String> {
    let name = |i: wire::network::LoadBalancerIngress| filled(i.ip).or_else(|| filled(i.hostname));
    status
        .load_balancer
        .ingress
        .into_iter()
        .filter_map(name)
        .collect()
}

/// REACHED_AT: addresses, and names in one spelling.
pub(super) fn reached_at<'a>(draft: &mut Draft, addresses: impl Iterator<Item = &'a String>) {
    for address in addresses.filter(|a| !a.is_empty()) {
        let address = draft.neighbour(Kind::Address, &address.to_ascii_lowercase());
        draft.point(ReachedAt, address);
    }
}

/// EXTERNAL_NAME, in one spelling.
fn name_outside(draft: &mut Draft, name: &str) {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if !name.is_empty() {
        let to = draft.neighbour(Kind::DNSName, &name);
        draft.point(ExternalName, to);
    }
}

/// Name and namespace of a Service by its name in the cluster's DNS: `name.namespace.svc`, maybe with the cluster's domain.
fn cluster_name(dns: &str) -> Option<(String, String)> {
    let dns = dns.strip_suffix('.').unwrap_or(dns).to_ascii_lowercase();
    let mut labels = dns.split('.');
    let (name, namespace, svc) = (labels.next()?, labels.next()?, labels.next()?);
    let whole = !name.is_empty() && !namespace.is_empty() && svc == "svc" && labels.all(|l| !l.is_empty());
    whole.then(|| (name.to_owned(), namespace.to_owned()))
}

impl Extract for wire::EndpointSlice {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(mut self, draft: &mut Draft) -> Attributes {
        let name = draft
            .asset
            .label("kubernetes.io/service-name")
            .filter(|n| !n.is_empty())
            .map(str::to_owned);
        let managed_by = draft
            .asset
            .label("endpointslice.kubernetes.io/managed-by")
            .map(str::to_owned);
        let ready = self.endpoints.iter().filter(|e| is_ready(e)).count();
        let attributes = EndpointSliceAttributes {
            service_name: name.clone(),
            address_type: self.address_type,
            managed_by,
            endpoints: self.endpoints.len().try_into().unwrap_or(i32::MAX),
            ready_endpoints: ready.try_into().unwrap_or(i32::MAX),
        };
        if let Some(name) = name {
            let service = draft.neighbour(Kind::Service, &name);
            draft.declare(SliceOf, service.clone(), Detail::default());
            if self.ports.len() > PARTS_MAX {
                draft.problem(format!("more than {PARTS_MAX} ports: the rest is left out"));
                self.ports.truncate(PARTS_MAX);
            }
            let ports: Vec<Port> = self.ports.into_iter().map(endpoint_port).collect();
            if control_plane::is_api_server(draft, &name) {
                control_plane::endpoints(draft, &self.endpoints, &ports);
            }
            for endpoint in self.endpoints {
                route(draft, &service, endpoint, &ports);
            }
        }
        attributes.into()
    }
}

/// Absent means ready: an endpoint without conditions takes traffic.
fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.ready.unwrap_or(true)
}

fn endpoint_port(port: EndpointPort) -> Port {
    Port {
        name: port.name,
        port: port.port,
        protocol: filled(port.protocol).unwrap_or_else(|| "TCP".into()),
        app_protocol: filled(port.app_protocol),
    }
}

fn route(draft: &mut Draft, service: &AssetRef, mut endpoint: Endpoint, ports: &[Port]) {
    let ready = is_ready(&endpoint);
    let pod = endpoint
        .target_ref
        .take()
        .filter(|t| t.kind == "Pod" && !t.name.is_empty());
    let (to, uid) = match (pod, endpoint.addresses.first()) {
        (Some(pod), _) if pod.namespace.is_empty() => {
            (draft.neighbour(Kind::Pod, &pod.name), filled(pod.uid))
        }
        (Some(pod), _) => (
            draft.elsewhere(Kind::Pod, &pod.namespace, &pod.name),
            filled(pod.uid),
        ),
        (None, Some(address)) if !address.is_empty() => {
            (draft.neighbour(Kind::ExternalEndpoint, address), None)
        }
        (None, _) => {
            draft.problem("an endpoint has neither a pod nor an address");
            return;
        }
    };
    endpoint.addresses.truncate(PARTS_MAX);
    let detail = Detail {
        uid,
        ready: Some(ready),
        serving: Some(endpoint.conditions.serving.unwrap_or(ready)),
        terminating: Some(endpoint.conditions.terminating.unwrap_or(false)),
        addresses: endpoint.addresses,
        ports: ports.to_vec(),
        node_name: filled(endpoint.node_name),
        zone: filled(endpoint.zone),
        hostname: filled(endpoint.hostname),
        ..Detail::default()
    };
    draft.declare_between(service.clone(), RoutesTo, to, detail);
}

impl Extract for wire::Ingress {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::Ingress { spec, status, .. } = self;
        if !spec.ingress_class_name.is_empty() {
            let class = draft.neighbour(Kind::IngressClass, &spec.ingress_class_name);
            draft.point(OfClass, class);
        }
        // The old annotation names a controller where the field names a class; both say who serves it.
        let old_class = || {
            draft
                .asset
                .annotation("kubernetes.io/ingress.class")
                .map(str::to_owned)
        };
        let ingress_class_name = filled(spec.ingress_class_name).or_else(old_class);
        let load_balancer = load_balancer(status);
        reached_at(draft, load_balancer.iter());
        let mut attributes = IngressAttributes {
            ingress_class_name,
            load_balancer,
            ..IngressAttributes::default()
        };
        if let Some(backend) = spec.default_backend {
            forward(draft, backend, Route::default(), &mut attributes);
        }
        for rule in spec.rules {
            let host = filled(rule.host);
            for path in rule.value.http.paths {
                let route = Route {
                    host: host.clone(),
                    path: filled(path.path),
                    path_type: filled(path.path_type),
                    port: None,
                };
                forward(draft, path.backend, route, &mut attributes);
            }
            attributes.hosts.extend(host);
        }
        attributes.hosts.sort();
        attributes.hosts.dedup();
        for tls in spec.tls {
            // Without a secret the controller's own certificate is used.
            if !tls.secret_name.is_empty() {
                let secret = draft.neighbour(Kind::Secret, &tls.secret_name);
                draft.declare(
                    UsesTls,
                    secret,
                    Detail {
                        hosts: tls.hosts,
                        ..Detail::default()
                    },
                );
            }
        }
        attributes.into()
    }
}

impl Extract for wire::IngressClass {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let parameters = self.spec.parameters.filter(|p| !p.name.is_empty());
        if let Some(parameters) = parameters
            && let Some(kind) = draft.kind_in(&parameters.api_group, &parameters.kind)
        {
            // Without scope the parameters live in the cluster, whatever namespace is named.
            let namespace = match &*parameters.scope {
                "Namespace" => &*parameters.namespace,
                _ => "",
            };
            let to = draft.elsewhere(kind, namespace, &parameters.name);
            draft.point(HasParameters, to);
        }
        IngressClassAttributes {
            controller: self.spec.controller,
            is_default: draft.asset.annotation(DEFAULT_CLASS) == Some("true"),
        }
        .into()
    }
}

fn forward(
    draft: &mut Draft,
    backend: wire::IngressBackend,
    mut route: Route,
    attributes: &mut IngressAttributes,
) {
    if let Some(service) = backend.service.filter(|s| !s.name.is_empty()) {
        route.port = filled(service.port.name).or_else(|| {
            Some(service.port.number)
                .filter(|n| *n != 0)
                .map(|n| n.to_string())
        });
        let to = draft.neighbour(Kind::Service, &service.name);
        draft.declare(
            ForwardsTo,
            to,
            Detail {
                routes: vec![route],
                ..Detail::default()
            },
        );
    }
    if let Some(resource) = backend.resource {
        let group = if resource.api_group.is_empty() {
            String::new()
        } else {
            format!(".{}", resource.api_group)
        };
        let text = format!("{}{group}/{}", resource.kind, resource.name);
        if !attributes.resource_backends.contains(&text) {
            attributes.resource_backends.push(text);
        }
    }
}
