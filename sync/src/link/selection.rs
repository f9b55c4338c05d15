//! Which selectors select which objects of one kind: pods are selected by a Service's, a budget's, a policy's; roles by
//! another role's. Objects with the same labels share one label set, which knows who selects it; so an object's event looks
//! at nothing but its set, a new set at the selectors that one of its labels leads to, and a changed selector at the sets
//! that one of its own labels leads to.

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
    /// Of the objects that are selected.
    kind: Kind,
    numbers: HashMap<Box<str>, usize>,
    /// Never fewer: namespaces are few, and what was in one goes with its objects.
    namespaces: Vec<Namespace>,
    labelled: HashMap<AssetId, (u32, Place)>,
    /// Where the selector of an object stands: its namespace and its slot there.
    selectors: HashMap<AssetId, (usize, usize)>,
    evaluated: u64,
}

impl Selection {
    pub(super) fn new(cluster: ClusterId, kind: Kind) -> Self {
        Self {
            cluster,
            kind,
            numbers: HashMap::new(),
            namespaces: Vec::new(),
            labelled: HashMap::new(),
            selectors: HashMap::new(),
            evaluated: 0,
        }
    }

    /// How often a selector was held against a set of labels.
    pub(super) fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// Takes in an object; gives the edges to it from all others whose selector matches it.
    pub(super) fn put_labels(&mut self, object: &AssetRef, labels: &[Label]) -> Vec<Edge> {
        let number = self.number(&object.key().namespace);
        let namespace = &mut self.namespaces[number];
        let known = self.labelled.get(&object.id()).map(|(_, place)| *place);
        let set = match known {
            Some(place) if *namespace.labels(place.set) == *labels => place.set,
            _ => {
                self.remove_labels(object.id());
                let namespace = &mut self.namespaces[number];
                let place =
                    namespace.add_object(object.id(), &object.key().name, labels, &mut self.evaluated);
                self.labelled.insert(object.id(), (number as u32, place));
                place.set
            }
        };
        let selecting = self.namespaces[number].selecting(set);
        selecting
            .filter(|(_, from)| *from != object)
            .map(|(relation, from)| edge(relation, from, object))
            .collect()
    }

    pub(super) fn remove_labels(&mut self, id: AssetId) {
        let Some((number, place)) = self.labelled.remove(&id) else {
            return;
        };
        let moved = self.namespaces[number as usize].remove_object(place);
        // The last object of the set has taken the place of the one that went.
        if let Some(known) = moved.and_then(|id| self.labelled.get_mut(&id)) {
            known.1 = place;
        }
    }

    /// Takes in what an object selects, if anything; gives its relation's edges of each object for which they are others now.
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
            redraws.extend(namespace.objects(*set).map(|(id, name)| {
                let object = self.object(id, namespace.name(), name);
                // Nothing selects itself: a role that gathers others may carry the label that it looks for.
                let others = from.iter().filter(|from| from.id() != id);
                Redraw {
                    declarer: id,
                    relation,
                    edges: others.map(|from| edge(relation, from, &object)).collect(),
                }
            }));
        }
        redraws
    }

    fn object(&self, id: AssetId, namespace: &str, name: &str) -> AssetRef {
        let key = AssetKey {
            cluster: self.cluster,
            kind: self.kind,
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

fn edge(relation: RelationKind, from: &AssetRef, to: &AssetRef) -> Edge {
    Edge {
        from: from.clone(),
        relation,
        to: to.clone(),
        detail: Detail::default(),
    }
}
