//! Which selectors select which pods: a Service's, a budget's, a policy's. Pods with the same labels share one label set,
//! which knows who selects it; so a pod's event looks at nothing but its set, a new set at the selectors that one of its
//! labels leads to, and a changed selector at the sets that one of its own labels leads to.

mod namespace;

use super::Redraw;
use super::matcher::Matcher;
use namespace::{Namespace, Place};
use planisphere_schema::{AssetId, AssetKey, AssetRef, ClusterId, Detail, Edge, Kind, Label, RelationKind};
use std::collections::HashMap;

/// The selectors and labels of one cluster.
#[derive(Debug)]
pub(super) struct Selection {
    cluster: ClusterId,
    numbers: HashMap<Box<str>, usize>,
    /// Never fewer: namespaces are few, and what was in one goes with its objects.
    namespaces: Vec<Namespace>,
    pods: HashMap<AssetId, (u32, Place)>,
    /// Where the selector of an object stands: its namespace and its slot there.
    selectors: HashMap<AssetId, (usize, usize)>,
    evaluated: u64,
}

impl Selection {
    pub(super) fn new(cluster: ClusterId) -> Self {
        Self {
            cluster,
            numbers: HashMap::new(),
            namespaces: Vec::new(),
            pods: HashMap::new(),
            selectors: HashMap::new(),
            evaluated: 0,
        }
    }

    /// How often a selector was held against a set of labels.
    pub(super) fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// Takes in a pod; gives the edges to it from all whose selector matches it.
    pub(super) fn put_pod(&mut self, pod: &AssetRef, labels: &[Label]) -> Vec<Edge> {
        let number = self.number(&pod.key().namespace);
        let namespace = &mut self.namespaces[number];
        let known = self.pods.get(&pod.id()).map(|(_, place)| *place);
        let set = match known {
            Some(place) if *namespace.labels(place.set) == *labels => place.set,
            _ => {
                self.remove_pod(pod.id());
                let namespace = &mut self.namespaces[number];
                let place = namespace.add_pod(pod.id(), &pod.key().name, labels, &mut self.evaluated);
                self.pods.insert(pod.id(), (number as u32, place));
                place.set
            }
        };
        let selecting = self.namespaces[number].selecting(set);
        selecting
            .map(|(relation, from)| edge(relation, from, pod))
            .collect()
    }

    pub(super) fn remove_pod(&mut self, id: AssetId) {
        let Some((number, place)) = self.pods.remove(&id) else {
            return;
        };
        let moved = self.namespaces[number as usize].remove_pod(place);
        // The last pod of the set has taken the place of the one that went.
        if let Some(known) = moved.and_then(|id| self.pods.get_mut(&id)) {
            known.1 = place;
        }
    }

    /// Takes in what an object selects, if anything; gives its relation's edges of each pod for which they are others now.
    pub(super) fn put_selector(
        &mut self,
        object: &AssetRef,
        relation: RelationKind,
        matcher: Option<Matcher>,
    ) -> Vec<Redraw> {
        let Some(matcher) = matcher else {
            return self.remove_selector(object.id());
        };
        let number = self.number(&object.key().namespace);
        let slot = self.selectors.get(&object.id()).map(|(_, slot)| *slot);
        let namespace = &mut self.namespaces[number];
        let (slot, changed) = match slot {
            Some(slot) => (
                slot,
                namespace.change_selector(slot, matcher, &mut self.evaluated),
            ),
            None => namespace.add_selector(object.clone(), relation, matcher, &mut self.evaluated),
        };
        self.selectors.insert(object.id(), (number, slot));
        self.redraw(number, relation, &changed)
    }

    pub(super) fn remove_selector(&mut self, id: AssetId) -> Vec<Redraw> {
        let Some((number, slot)) = self.selectors.remove(&id) else {
            return Vec::new();
        };
        let (relation, changed) = self.namespaces[number].remove_selector(slot);
        self.redraw(number, relation, &changed)
    }

    fn redraw(&self, number: usize, relation: RelationKind, sets: &[usize]) -> Vec<Redraw> {
        let namespace = &self.namespaces[number];
        let mut redraws = Vec::new();
        for set in sets {
            let from: Vec<&AssetRef> = namespace
                .selecting(*set)
                .filter(|(of, _)| *of == relation)
                .map(|(_, from)| from)
                .collect();
            redraws.extend(namespace.pods(*set).map(|(id, name)| {
                let pod = self.pod(id, namespace.name(), name);
                Redraw {
                    declarer: id,
                    relation,
                    edges: from.iter().map(|from| edge(relation, from, &pod)).collect(),
                }
            }));
        }
        redraws
    }

    fn pod(&self, id: AssetId, namespace: &str, name: &str) -> AssetRef {
        let key = AssetKey {
            cluster: self.cluster,
            kind: Kind::Pod,
            namespace: namespace.into(),
            name: name.into(),
        };
        AssetRef::known(id, key)
    }

    fn number(&mut self, namespace: &str) -> usize {
        if let Some(number) = self.numbers.get(namespace) {
            return *number;
        }
        let number = self.namespaces.len();
        self.namespaces.push(Namespace::new(namespace));
        self.numbers.insert(namespace.into(), number);
        number
    }
}

fn edge(relation: RelationKind, from: &AssetRef, pod: &AssetRef) -> Edge {
    Edge {
        from: from.clone(),
        relation,
        to: pod.clone(),
        detail: Detail::default(),
    }
}
