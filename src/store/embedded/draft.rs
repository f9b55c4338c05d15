//! A batch on its way: changes are laid over the published version, which stays as it is, so that a batch that the file
//! refuses is simply dropped. What happened in between never shows: only the difference of before and after counts.
//! Knows no file.

use super::chunk::{Edge, Head, NONE, NewEdge, Standing, View, relation_number};
use super::state::State;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use planisphere_schema::asset::content_hash;
use planisphere_schema::{Asset, AssetId, AssetRef, Change, Edge as Declared, How, Observed, RelationKind};
use prost::Message;
use std::sync::Arc;

/// The published version, and what a batch makes of it.
pub(super) struct Draft {
    pub(super) base: Arc<State>,
    /// Becomes the next version. Its slots and index are those of `base` until the draft is sealed.
    pub(super) next: State,
    pub(super) touched: HashMap<u32, Touched>,
    created: HashMap<AssetId, u32>,
}

/// An asset that a batch touches.
pub(super) struct Touched {
    /// It was not in the graph before.
    pub(super) fresh: bool,
    /// It leaves the graph.
    pub(super) vacated: bool,
    pub(super) head: Head,
    pub(super) texts: Option<(Box<str>, Vec<u8>)>,
    pub(super) edges: Option<Vec<NewEdge>>,
    pub(super) how: How,
    pub(super) last_seen_ms: Option<i64>,
    /// `how` tells of the asset itself, not of its edges alone.
    pub(super) told: bool,
}

impl Draft {
    pub(super) fn new(base: Arc<State>) -> Self {
        Self {
            next: (*base).clone(),
            base,
            touched: HashMap::new(),
            created: HashMap::new(),
        }
    }

    /// Lays a change over the version; tells whether it changes anything that is kept in the file.
    pub(super) fn change(&mut self, observed: &Observed) -> bool {
        let (how, last_seen_ms) = (observed.how, observed.last_seen_ms);
        let effect = match &observed.change {
            Change::Upsert { asset, edges } => Some(self.upsert(asset, edges)),
            Change::Redraw {
                declarer,
                relation,
                edges,
            } => self.redraw(*declarer, *relation, edges),
            Change::Delete { id } => self.delete(*id),
        };
        let Some((changed, content, slot)) = effect else {
            return false;
        };
        if changed
            && let Some(touched) = self.touched.get_mut(&slot)
            && (content || !touched.told)
        {
            (touched.how, touched.last_seen_ms) = (how, last_seen_ms);
            touched.told = content;
        }
        changed
    }

    /// Tells whether anything changed, whether the asset itself did, and its slot.
    fn upsert(&mut self, asset: &Asset, edges: &[Declared]) -> (bool, bool, u32) {
        let slot = self.slot_for(&asset.reference);
        let body = asset.encode_body();
        let hash = content_hash(asset.uid, asset.created, &body);
        let touched = self.touch(slot);
        let changed = touched.head.standing != Standing::Present || touched.head.hash != hash;
        touched.head.resource_version = asset.resource_version;
        if changed {
            touched.head.standing = Standing::Present;
            touched.head.uid = asset.uid;
            touched.head.set_created(asset.created);
            touched.head.hash = hash;
            touched.texts = Some((asset.reference.key().name.clone(), body));
        }
        let edges = self.resolve(edges.iter());
        let redrawn = self.declare(slot, edges);
        (changed || redrawn, changed, slot)
    }

    fn redraw(
        &mut self,
        declarer: AssetId,
        relation: RelationKind,
        edges: &[Declared],
    ) -> Option<(bool, bool, u32)> {
        let slot = self.find(declarer)?;
        if self.head(slot).standing != Standing::Present {
            return None;
        }
        let mut all = self.resolve(edges.iter().filter(|e| e.relation == relation));
        let number = relation_number(relation);
        all.extend(self.edges_of(slot).into_iter().filter(|e| e.relation != number));
        Some((self.declare(slot, all), false, slot))
    }

    fn delete(&mut self, id: AssetId) -> Option<(bool, bool, u32)> {
        let slot = self.find(id)?;
        if self.head(slot).standing != Standing::Present {
            return None;
        }
        let name: Box<str> = self.name(slot).into();
        let touched = self.touch(slot);
        touched.head = Head::stub(id, touched.head.pk, touched.head.group);
        touched.texts = Some((name, Vec::new()));
        touched.edges = Some(Vec::new());
        Some((true, true, slot))
    }

    /// Makes these the edges of a declarer; tells whether they differ from what they were.
    fn declare(&mut self, slot: u32, mut edges: Vec<NewEdge>) -> bool {
        let key = |e: &NewEdge| (e.relation, e.from, e.to);
        // The sort is stable, so of two edges with the same ends the last one given stays.
        edges.reverse();
        edges.sort_by_key(key);
        edges.dedup_by_key(|e| key(e));
        let same = match (self.touched.get(&slot), self.base_view(slot)) {
            (Some(Touched { edges: Some(old), .. }), _) => {
                old.len() == edges.len()
                    && old
                        .iter()
                        .zip(&edges)
                        .all(|(a, b)| key(a) == key(b) && a.detail == b.detail)
            }
            (_, Some(view)) => {
                view.edges().len() == edges.len()
                    && view
                        .edges()
                        .zip(&edges)
                        .all(|((a, detail), b)| (a.relation, a.from, a.to) == key(b) && *detail == *b.detail)
            }
            (_, None) => edges.is_empty(),
        };
        if !same {
            self.touch(slot).edges = Some(edges);
        }
        !same
    }

    fn resolve<'e>(&mut self, edges: impl Iterator<Item = &'e Declared>) -> Vec<NewEdge> {
        let resolved = edges.map(|edge| NewEdge {
            since: planisphere_schema::Version(0),
            relation: relation_number(edge.relation),
            from: self.slot_for(&edge.from),
            to: self.slot_for(&edge.to),
            detail: edge.detail.encode_to_vec().into_boxed_slice(),
        });
        resolved.collect()
    }

    pub(super) fn find(&self, id: AssetId) -> Option<u32> {
        self.created.get(&id).copied().or_else(|| self.base.find(id))
    }

    /// The slot of an asset; where it is new, a stub's.
    pub(super) fn slot_for(&mut self, reference: &AssetRef) -> u32 {
        if let Some(slot) = self.find(reference.id()) {
            return slot;
        }
        let key = reference.key();
        let cluster = match self.next.cluster_number(key.cluster) {
            Some(number) => number,
            None => {
                let name = key.cluster.to_string();
                self.next.name_cluster(key.cluster, &name).0
            }
        };
        let group = self.next.group_of(cluster, key.kind, &key.namespace);
        let slot = self.allocate();
        self.created.insert(reference.id(), slot);
        let fresh = Touched {
            fresh: true,
            vacated: false,
            head: Head::stub(reference.id(), 0, group),
            texts: Some((key.name.clone(), Vec::new())),
            edges: None,
            how: How::Derived,
            last_seen_ms: None,
            told: false,
        };
        self.touched.insert(slot, fresh);
        slot
    }

    fn allocate(&mut self) -> u32 {
        let vacant = self.next.vacant;
        match self.base.view(vacant) {
            Some(view) if vacant != NONE => {
                self.next.vacant = view.head().group;
                vacant
            }
            _ => {
                self.next.allocated += 1;
                self.next.allocated - 1
            }
        }
    }

    /// What the published version has in a slot; none where it has nothing.
    pub(super) fn base_view(&self, slot: u32) -> Option<View<'_>> {
        let view = self.base.view(slot)?;
        (view.standing() != Standing::Vacant).then_some(view)
    }

    pub(super) fn head(&self, slot: u32) -> &Head {
        match self.touched.get(&slot) {
            Some(touched) => &touched.head,
            None => self.base.view(slot).map_or(&Head::VACANT, |view| view.head()),
        }
    }

    /// The number of an asset in the file.
    pub(super) fn pk(&self, slot: u32) -> u32 {
        let base = self.base_view(slot).map(|view| view.head().pk);
        base.unwrap_or_else(|| self.head(slot).pk)
    }

    fn name(&self, slot: u32) -> &str {
        match self.touched.get(&slot) {
            Some(Touched {
                texts: Some((name, _)),
                ..
            }) => name,
            _ => self.base.view(slot).map_or("", |view| view.name()),
        }
    }

    pub(super) fn edges_of(&self, slot: u32) -> Vec<NewEdge> {
        match (self.touched.get(&slot), self.base_view(slot)) {
            (
                Some(Touched {
                    edges: Some(edges), ..
                }),
                _,
            ) => edges.clone(),
            (_, Some(view)) => view.edges().map(|(e, detail)| new_edge(e, detail)).collect(),
            (_, None) => Vec::new(),
        }
    }

    pub(super) fn touch(&mut self, slot: u32) -> &mut Touched {
        match self.touched.entry(slot) {
            Entry::Occupied(touched) => touched.into_mut(),
            Entry::Vacant(place) => {
                let view = self.base.view(slot);
                place.insert(Touched {
                    fresh: false,
                    vacated: false,
                    head: view.map_or(Head::VACANT, |v| *v.head()),
                    texts: None,
                    edges: None,
                    how: How::Derived,
                    last_seen_ms: None,
                    told: false,
                })
            }
        }
    }

    /// Whether no cluster is new or changed: what is, must not be published before the file has it.
    pub(super) fn same_clusters(&self) -> bool {
        let (base, next) = (&self.base.clusters, &self.next.clusters);
        base.len() == next.len() && base.iter().zip(next).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

pub(super) fn new_edge(edge: &Edge, detail: &[u8]) -> NewEdge {
    NewEdge {
        since: edge.since,
        from: edge.from,
        to: edge.to,
        relation: edge.relation,
        detail: detail.into(),
    }
}
