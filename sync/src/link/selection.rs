//! Which Services select which pods. A pod's event looks at the Services that one of its labels leads to; a changed
//! selector looks at the label sets of one namespace, not at its pods: pods of one template share one set.

use super::Redraw;
use planisphere_schema::attributes::ServiceAttributes;
use planisphere_schema::{Asset, AssetId, AssetRef, ClusterId, Detail, Edge, Kind, Label, RelationKind};
use std::collections::HashMap;
use std::sync::Arc;

type Labels = Arc<[Label]>;

/// The selectors and labels of one cluster.
#[derive(Debug, Default)]
pub(super) struct Selection {
    namespaces: HashMap<Box<str>, Namespace>,
    pods: HashMap<AssetId, (Box<str>, Labels)>,
    services: HashMap<AssetId, (Box<str>, Vec<Label>)>,
}

#[derive(Debug, Default)]
struct Namespace {
    /// Pods by their labels.
    pods: HashMap<Labels, HashMap<AssetId, Box<str>>>,
    /// Services by the first pair of their selector.
    services: HashMap<Label, HashMap<AssetId, Selector>>,
}

#[derive(Debug)]
struct Selector {
    service: AssetRef,
    pairs: Vec<Label>,
}

impl Selection {
    /// The edges from the Services that select this pod.
    pub(super) fn selecting(&self, pod: &Asset) -> Vec<Edge> {
        let key = pod.reference.key();
        let namespace = self.namespaces.get(&key.namespace);
        namespace.map_or_else(Vec::new, |n| n.selecting(&pod.reference, &pod.labels))
    }

    pub(super) fn put_pod(&mut self, pod: &Asset) {
        let id = pod.reference.id();
        if self
            .pods
            .get(&id)
            .is_some_and(|(_, labels)| **labels == *pod.labels)
        {
            return;
        }
        self.remove_pod(id);
        let key = pod.reference.key();
        let namespace = self.namespaces.entry(key.namespace.clone()).or_default();
        let shared = namespace
            .pods
            .get_key_value(pod.labels.as_slice())
            .map(|(labels, _)| labels.clone());
        let labels: Labels = shared.unwrap_or_else(|| pod.labels.as_slice().into());
        namespace
            .pods
            .entry(labels.clone())
            .or_default()
            .insert(id, key.name.clone());
        self.pods.insert(id, (key.namespace.clone(), labels));
    }

    pub(super) fn remove_pod(&mut self, id: AssetId) {
        let Some((name, labels)) = self.pods.remove(&id) else {
            return;
        };
        let Some(namespace) = self.namespaces.get_mut(&name) else {
            return;
        };
        if let Some(pods) = namespace.pods.get_mut(&labels) {
            pods.remove(&id);
            if pods.is_empty() {
                namespace.pods.remove(&labels);
            }
        }
        self.drop_if_empty(&name);
    }

    /// Takes in a Service; gives the SELECTS edges of each pod for which they are others now.
    pub(super) fn put_service(&mut self, service: &Asset, attributes: &ServiceAttributes) -> Vec<Redraw> {
        let key = service.reference.key();
        let pairs = selector(attributes);
        let old = self
            .services
            .get(&service.reference.id())
            .map(|(_, pairs)| pairs.clone())
            .unwrap_or_default();
        if old == pairs {
            return Vec::new();
        }
        self.forget(service.reference.id());
        if let Some(first) = pairs.first() {
            let namespace = self.namespaces.entry(key.namespace.clone()).or_default();
            let selector = Selector {
                service: service.reference.clone(),
                pairs: pairs.clone(),
            };
            namespace
                .services
                .entry(first.clone())
                .or_default()
                .insert(service.reference.id(), selector);
            self.services
                .insert(service.reference.id(), (key.namespace.clone(), pairs.clone()));
        }
        self.redraw(key.cluster, &key.namespace, &[old, pairs])
    }

    pub(super) fn remove_service(&mut self, cluster: ClusterId, id: AssetId) -> Vec<Redraw> {
        let Some((namespace, pairs)) = self.forget(id) else {
            return Vec::new();
        };
        let redraws = self.redraw(cluster, &namespace, &[pairs]);
        self.drop_if_empty(&namespace);
        redraws
    }

    fn forget(&mut self, id: AssetId) -> Option<(Box<str>, Vec<Label>)> {
        let (name, pairs) = self.services.remove(&id)?;
        let services = &mut self.namespaces.get_mut(&name)?.services;
        let same_first = services.get_mut(pairs.first()?)?;
        same_first.remove(&id);
        if same_first.is_empty() {
            services.remove(&pairs[0]);
        }
        Some((name, pairs))
    }

    /// The edges of all pods of a namespace that one of these selectors matches.
    fn redraw(&self, cluster: ClusterId, name: &str, selectors: &[Vec<Label>]) -> Vec<Redraw> {
        let Some(namespace) = self.namespaces.get(name) else {
            return Vec::new();
        };
        let touched = namespace
            .pods
            .iter()
            .filter(|(labels, _)| selectors.iter().any(|s| matches(s, labels)));
        touched
            .flat_map(|(labels, pods)| pods.iter().map(move |(id, pod)| (labels, id, pod)))
            .map(|(labels, id, pod)| Redraw {
                declarer: *id,
                relation: RelationKind::Selects,
                edges: namespace.selecting(&AssetRef::new(cluster, Kind::Pod, name, pod), labels),
            })
            .collect()
    }

    fn drop_if_empty(&mut self, name: &str) {
        if self
            .namespaces
            .get(name)
            .is_some_and(|n| n.pods.is_empty() && n.services.is_empty())
        {
            self.namespaces.remove(name);
        }
    }
}

impl Namespace {
    fn selecting(&self, pod: &AssetRef, labels: &[Label]) -> Vec<Edge> {
        let candidates = labels
            .iter()
            .filter_map(|label| self.services.get(label))
            .flat_map(HashMap::values);
        let mut edges: Vec<Edge> = candidates
            .filter(|selector| matches(&selector.pairs, labels))
            .map(|selector| Edge {
                from: selector.service.clone(),
                relation: RelationKind::Selects,
                to: pod.clone(),
                detail: Detail::default(),
            })
            .collect();
        edges.sort_by_key(|e| e.from.id());
        edges
    }
}

/// The pairs that a Service selects by, sorted. None for an ExternalName, and for an absent or empty selector: a Service
/// without one selects nothing (unlike a NetworkPolicy).
fn selector(service: &ServiceAttributes) -> Vec<Label> {
    if service.service_type == "ExternalName" {
        return Vec::new();
    }
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        Label {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    };
    let mut pairs: Vec<Label> = service.selector.iter().map(pair).collect();
    pairs.sort();
    pairs
}

/// Whether all pairs are among the labels, which are sorted by key. No pairs match nothing.
fn matches(pairs: &[Label], labels: &[Label]) -> bool {
    !pairs.is_empty() && pairs.iter().all(|pair| labels.binary_search(pair).is_ok())
}
