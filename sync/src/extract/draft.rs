//! The observation while it is written: edges and problems are added, and at the end what was declared twice is one edge.

use super::{Context, metadata};
use crate::Observation;
use crate::wire::ObjectMeta;
use planisphere_schema::{Asset, AssetRef, Attributes, ClusterId, Detail, Edge, Kind, RelationKind};
use std::collections::HashSet;
use std::hash::Hash;

/// The longest name of a Kubernetes object, in bytes (DNS subdomain).
pub(super) const NAME_MAX: usize = 253;
/// How many edges one object may declare. A slice holds at most 1,000 endpoints, a StatefulSet may claim more.
const EDGES_MAX: usize = 10_000;
/// How many problems are kept of one object.
const PROBLEMS_MAX: usize = 20;

/// An observation in the making.
pub(super) struct Draft {
    pub(super) context: Context,
    pub(super) cluster: ClusterId,
    pub(super) asset: Box<Asset>,
    /// The managing controller, if any: kind and name.
    pub(super) controller: Option<(Kind, String)>,
    edges: Vec<Edge>,
    overflow: bool,
}

impl Draft {
    /// Starts with what every object has: identity, labels, annotations, owners.
    pub(super) fn new(context: &Context, kind: Kind, mut meta: ObjectMeta) -> Self {
        let owners = std::mem::take(&mut meta.owner_references);
        let mut draft = Self {
            context: context.clone(),
            cluster: context.cluster(),
            asset: Box::new(metadata::asset(context, kind, meta)),
            controller: None,
            edges: Vec::with_capacity(8),
            overflow: false,
        };
        metadata::declare_owners(&mut draft, owners);
        draft
    }

    /// The object itself.
    pub(super) fn me(&self) -> AssetRef {
        self.asset.reference.clone()
    }

    /// An object of this kind and name: in the object's own namespace where the kind has one.
    pub(super) fn neighbour(&mut self, kind: Kind, name: &str) -> AssetRef {
        let namespace = if kind.is_namespaced() {
            &*self.asset.reference.key().namespace
        } else {
            ""
        };
        AssetRef::new(
            self.cluster,
            kind,
            namespace,
            cut(name, NAME_MAX, &mut self.asset.problems),
        )
    }

    /// An object of this kind and name in a given namespace.
    pub(super) fn elsewhere(&mut self, kind: Kind, namespace: &str, name: &str) -> AssetRef {
        let namespace = cut(namespace, NAME_MAX, &mut self.asset.problems);
        AssetRef::new(
            self.cluster,
            kind,
            namespace,
            cut(name, NAME_MAX, &mut self.asset.problems),
        )
    }

    /// As [`Draft::neighbour`], of any kind: of a custom one the cluster tells the scope.
    pub(super) fn beside(&mut self, kind: Kind, name: &str) -> AssetRef {
        match kind {
            Kind::Custom(_) => {
                let me = self.me();
                let context = self.context.clone();
                let namespace = context.namespace(kind, &me.key().namespace, me.key().kind);
                self.elsewhere(kind, namespace, name)
            }
            _ => self.neighbour(kind, name),
        }
    }

    /// The kind that an object names by its API version; none, with the problem noted, where it can be no kind.
    pub(super) fn kind_of(&mut self, api_version: &str, kind: &str) -> Option<Kind> {
        // The version is no part of a kind's identity.
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.kind_in(group, kind)
    }

    /// As [`Draft::kind_of`], by its group.
    pub(super) fn kind_in(&mut self, group: &str, kind: &str) -> Option<Kind> {
        if kind.is_empty() {
            return None;
        }
        let found = Kind::mentioned(group, kind);
        if found.is_none() {
            self.problem("it names what can be no kind, or one kind too many: that reference is left out");
        }
        found
    }

    /// Declares an edge from the object itself that says no more than that it is there.
    pub(super) fn point(&mut self, relation: RelationKind, to: AssetRef) {
        self.declare(relation, to, Detail::default());
    }

    /// Declares an edge from the object itself.
    pub(super) fn declare(&mut self, relation: RelationKind, to: AssetRef, detail: Detail) {
        self.declare_between(self.me(), relation, to, detail);
    }

    /// Declares an edge between two others.
    pub(super) fn declare_between(
        &mut self,
        from: AssetRef,
        relation: RelationKind,
        to: AssetRef,
        detail: Detail,
    ) {
        if self.edges.len() < EDGES_MAX {
            self.edges.push(Edge {
                from,
                relation,
                to,
                detail,
            });
        } else {
            self.overflow = true;
        }
    }

    /// Notes a problem of the object, in words.
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        note(&mut self.asset.problems, problem.into());
    }

    /// The observation.
    pub(super) fn finish(mut self, attributes: Attributes) -> Observation {
        if self.overflow {
            self.problem(format!("more than {EDGES_MAX} references: the rest is left out"));
        }
        self.asset.attributes = attributes;
        merge_equal_ends(&mut self.edges);
        Observation {
            asset: self.asset,
            edges: self.edges,
        }
    }
}

/// `text` cut to `max` bytes; noted where it was longer.
pub(super) fn cut<'a>(text: &'a str, max: usize, problems: &mut Vec<String>) -> &'a str {
    if text.len() <= max {
        return text;
    }
    note(
        problems,
        format!("a name of {} bytes is cut to {max}", text.len()),
    );
    &text[..text.floor_char_boundary(max)]
}

/// Adds a problem, unless it is there already or there are too many.
pub(super) fn note(problems: &mut Vec<String>, problem: String) {
    if problems.len() < PROBLEMS_MAX && !problems.contains(&problem) {
        problems.push(problem);
    }
}

/// Within one declarer (from, relation, to) is unique: edges with equal ends become one. The order is that of relation and
/// ends, so that equal objects give equal observations.
fn merge_equal_ends(edges: &mut Vec<Edge>) {
    let ends = |e: &Edge| (e.relation, e.from.id(), e.to.id());
    edges.sort_by_key(ends);
    let mut merged = false;
    edges.dedup_by(|next, kept| {
        let equal = ends(next) == ends(kept);
        if equal {
            merged = true;
            merge(&mut kept.detail, std::mem::take(&mut next.detail));
        }
        equal
    });
    if merged {
        for Edge { detail, .. } in edges {
            distinct(&mut detail.addresses);
            distinct(&mut detail.ports);
            distinct(&mut detail.routes);
            distinct(&mut detail.hosts);
            distinct(&mut detail.via);
            distinct(&mut detail.labels);
        }
    }
}

/// One edge says what both said. Only the fields of one relation are set, so one rule a field is enough.
fn merge(kept: &mut Detail, next: Detail) {
    let any = |a: Option<bool>, b: Option<bool>| a.zip(b).map(|(a, b)| a || b).or(a).or(b);
    let all = |a: Option<bool>, b: Option<bool>| a.zip(b).map(|(a, b)| a && b).or(a).or(b);
    kept.controller = any(kept.controller, next.controller);
    kept.ready = any(kept.ready, next.ready);
    kept.serving = any(kept.serving, next.serving);
    kept.terminating = all(kept.terminating, next.terminating);
    kept.optional = all(kept.optional, next.optional);
    kept.read_only = all(kept.read_only, next.read_only);
    kept.ephemeral = all(kept.ephemeral, next.ephemeral);
    kept.accepted = any(kept.accepted, next.accepted);
    // Several rules that send to one backend: as much as the one that sends most.
    kept.weight = kept.weight.max(next.weight);
    kept.attached = any(kept.attached, next.attached);
    kept.uid = kept.uid.take().or(next.uid);
    kept.node_name = kept.node_name.take().or(next.node_name);
    kept.zone = kept.zone.take().or(next.zone);
    kept.hostname = kept.hostname.take().or(next.hostname);
    kept.addresses.extend(next.addresses);
    kept.ports.extend(next.ports);
    kept.routes.extend(next.routes);
    kept.hosts.extend(next.hosts);
    kept.via.extend(next.via);
    kept.labels.extend(next.labels);
}

fn distinct<T: Eq + Hash + Clone>(list: &mut Vec<T>) {
    if list.len() > 1 {
        let mut seen = HashSet::with_capacity(list.len());
        list.retain(|item| seen.insert(item.clone()));
    }
}
