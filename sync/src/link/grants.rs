//! Who lets whom refer to objects of another namespace: grants of a namespace against what others name there. It knows names
//! alone; whether what is named is there, it does not ask.

use super::Redraw;
use planisphere_schema::attributes::{Attributes, ReferenceGrantAttributes};
use planisphere_schema::{AssetId, AssetRef, Detail, Edge, RelationKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The grants of one cluster, and what needs them.
#[derive(Debug, Default)]
pub(super) struct Grants {
    namespaces: HashMap<Box<str>, Namespace>,
    /// The namespace of each grant.
    granting: HashMap<AssetId, Box<str>>,
    referring: HashMap<AssetId, Referrer>,
    evaluated: u64,
}

#[derive(Debug, Default)]
struct Namespace {
    grants: BTreeMap<AssetId, (AssetRef, ReferenceGrantAttributes)>,
    /// Who refers to something here from elsewhere.
    referred_by: BTreeSet<AssetId>,
}

#[derive(Debug)]
struct Referrer {
    object: AssetRef,
    needs: Vec<Foreign>,
}

/// An object of another namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Foreign {
    namespace: Box<str>,
    kind: Box<str>,
    name: Box<str>,
    written: Box<str>,
}

/// What an object names in other namespaces, where its kind does so.
pub(super) fn needs(attributes: &Attributes) -> Option<&[String]> {
    Some(match attributes {
        Attributes::Gateway(a) => &a.foreign_references,
        Attributes::ListenerSet(a) => &a.foreign_references,
        Attributes::HTTPRoute(a) => &a.foreign_references,
        Attributes::GRPCRoute(a) => &a.foreign_references,
        Attributes::TLSRoute(a) => &a.foreign_references,
        Attributes::TCPRoute(a) => &a.foreign_references,
        Attributes::UDPRoute(a) => &a.foreign_references,
        _ => return None,
    })
}

impl Grants {
    /// How often a grant was held against what an object names.
    pub(super) fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// Takes in what an object names elsewhere; gives its edges to the grants that let it.
    pub(super) fn put_references(&mut self, object: &AssetRef, needs: &[String]) -> Vec<Edge> {
        self.remove_references(object.id());
        let needs: Vec<Foreign> = needs.iter().filter_map(|n| foreign(n)).collect();
        if needs.is_empty() {
            return Vec::new();
        }
        for need in &needs {
            let namespace = self.namespaces.entry(need.namespace.clone()).or_default();
            namespace.referred_by.insert(object.id());
        }
        let referrer = Referrer {
            object: object.clone(),
            needs,
        };
        let (edges, evaluated) = self.edges(&referrer);
        self.evaluated += evaluated;
        self.referring.insert(object.id(), referrer);
        edges
    }

    /// Whether an object is known to name something elsewhere.
    pub(super) fn refers(&self, id: AssetId) -> bool {
        self.referring.contains_key(&id)
    }

    pub(super) fn remove_references(&mut self, id: AssetId) {
        for need in self.referring.remove(&id).into_iter().flat_map(|r| r.needs) {
            if let Some(namespace) = self.namespaces.get_mut(&need.namespace) {
                namespace.referred_by.remove(&id);
            }
            self.forget_if_empty(&need.namespace);
        }
    }

    /// Takes in a grant; gives the edges of all that refer to its namespace and for which they are others now.
    pub(super) fn put_grant(&mut self, object: &AssetRef, grant: &ReferenceGrantAttributes) -> Vec<Redraw> {
        let name = object.key().namespace.clone();
        self.granting.insert(object.id(), name.clone());
        self.change(&name, |namespace| {
            let grant = (object.clone(), grant.clone());
            namespace.grants.insert(object.id(), grant);
        })
    }

    pub(super) fn remove_grant(&mut self, id: AssetId) -> Vec<Redraw> {
        let Some(name) = self.granting.remove(&id) else {
            return Vec::new();
        };
        let redraws = self.change(&name, |namespace| {
            namespace.grants.remove(&id);
        });
        self.forget_if_empty(&name);
        redraws
    }

    fn change(&mut self, name: &str, act: impl FnOnce(&mut Namespace)) -> Vec<Redraw> {
        let namespace = self.namespaces.entry(name.into()).or_default();
        let referrers: Vec<AssetId> = namespace.referred_by.iter().copied().collect();
        let before = self.edges_of(&referrers);
        act(self.namespaces.entry(name.into()).or_default());
        let after = self.edges_of(&referrers);
        let changed = referrers
            .into_iter()
            .zip(before.into_iter().zip(after))
            .filter(|(_, (before, after))| before != after);
        changed
            .map(|(declarer, (_, edges))| Redraw {
                declarer,
                relation: RelationKind::GrantedBy,
                edges,
            })
            .collect()
    }

    fn edges_of(&mut self, referrers: &[AssetId]) -> Vec<Vec<Edge>> {
        let mut all = Vec::with_capacity(referrers.len());
        for id in referrers {
            let (edges, evaluated) = self.referring.get(id).map(|r| self.edges(r)).unwrap_or_default();
            self.evaluated += evaluated;
            all.push(edges);
        }
        all
    }

    /// GRANTED_BY: one edge a grant, which says for what; and how many grants were looked at.
    fn edges(&self, referrer: &Referrer) -> (Vec<Edge>, u64) {
        let key = referrer.object.key();
        let kind = key.kind.to_string();
        let (mut by_grant, mut evaluated) = (BTreeMap::<AssetId, Edge>::new(), 0);
        for need in &referrer.needs {
            let grants = self.namespaces.get(&need.namespace).map(|n| &n.grants);
            for (id, (to, grant)) in grants.into_iter().flatten() {
                evaluated += 1;
                let from = grant.from.iter();
                let lets = from
                    .clone()
                    .any(|f| f.from_kind == kind && *f.from_namespace == *key.namespace)
                    && grant.to.iter().any(|t| {
                        *t.to_kind == *need.kind && t.to_name.as_deref().is_none_or(|n| *n == *need.name)
                    });
                if lets {
                    let edge = by_grant.entry(*id).or_insert_with(|| Edge {
                        from: referrer.object.clone(),
                        relation: RelationKind::GrantedBy,
                        to: to.clone(),
                        detail: Detail::default(),
                    });
                    edge.detail.via.push(need.written.to_string());
                }
            }
        }
        (by_grant.into_values().collect(), evaluated)
    }

    fn forget_if_empty(&mut self, name: &str) {
        let is_empty = |n: &Namespace| n.grants.is_empty() && n.referred_by.is_empty();
        if self.namespaces.get(name).is_some_and(is_empty) {
            self.namespaces.remove(name);
        }
    }
}

/// Reads `namespace/Kind.group/name`.
fn foreign(written: &str) -> Option<Foreign> {
    let (namespace, rest) = written.split_once('/')?;
    let (kind, name) = rest.split_once('/')?;
    Some(Foreign {
        namespace: namespace.into(),
        kind: kind.into(),
        name: name.into(),
        written: written.into(),
    })
}
