//! Sixteen assets side by side: the unit that versions of the graph share. Names, bodies and edge details lie in one
//! buffer per chunk, so that a copy is a few memory moves, with no reference counts, and an asset costs few bytes.
//!
//! An edge is kept once, with its declarer ([`Edge`]); each of its ends that is not the declarer has a [`Half`] that
//! leads there. Bodies are packed against the first one in the chunk.

use super::pack::{SHORTEST, pack, unpack};
use super::run::Run;
use planisphere_schema::{AssetId, RelationKind, Time, Version};
use std::borrow::Cow;
use std::ops::Range;
use uuid::Uuid;

/// Assets in a chunk.
pub(super) const SLOTS: usize = 16;
/// Halves at one asset from which on they are kept as a [`Run`].
pub(super) const HUB: usize = 192;
/// No slot, no group.
pub(super) const NONE: u32 = u32::MAX;
const NEVER: i64 = i64::MIN;

/// Where an asset stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is here; `group` is the next free slot.
    #[default]
    Vacant,
    /// Known by name only.
    Stub,
    /// Observed.
    Present,
}

/// What is known of an asset beside its texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) id: AssetId,
    pub(super) uid: Uuid,
    pub(super) resource_version: u64,
    created: i64,
    pub(super) since: Version,
    pub(super) hash: u64,
    /// Its number in the file; 0 until it has one.
    pub(super) pk: u32,
    /// Cluster, kind and namespace.
    pub(super) group: u32,
    pub(super) standing: Standing,
    name_len: u32,
    /// What the body takes here.
    body_len: u32,
    /// The length of the body itself: the same where it is not packed.
    unpacked_len: u32,
    bytes_end: u32,
    edges_end: u32,
    halves_end: u32,
}

impl Head {
    pub(super) const VACANT: Head = Head {
        id: AssetId(Uuid::nil()),
        uid: Uuid::nil(),
        resource_version: 0,
        created: NEVER,
        since: Version(0),
        hash: 0,
        pk: 0,
        group: NONE,
        standing: Standing::Vacant,
        name_len: 0,
        body_len: 0,
        unpacked_len: 0,
        bytes_end: 0,
        edges_end: 0,
        halves_end: 0,
    };

    /// The head of a vacant slot; `next` is the one to use after it.
    pub(super) fn vacant(next: u32) -> Self {
        Self {
            group: next,
            ..Self::VACANT
        }
    }

    /// The head of an asset of which only the name is known.
    pub(super) fn stub(id: AssetId, pk: u32, group: u32) -> Self {
        Self {
            id,
            pk,
            group,
            standing: Standing::Stub,
            ..Self::VACANT
        }
    }

    pub(super) fn created(&self) -> Option<Time> {
        (self.created != NEVER).then_some(Time {
            seconds: self.created,
        })
    }

    pub(super) fn set_created(&mut self, created: Option<Time>) {
        self.created = created.map_or(NEVER, |t| t.seconds);
    }
}

/// An edge as its declarer keeps it. A declarer's edges are sorted by (relation, from, to). There are millions: packed.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed)]
pub(super) struct Edge {
    pub(super) since: Version,
    pub(super) from: u32,
    pub(super) to: u32,
    /// Where its detail ends in the asset's bytes; it begins where the one before ends.
    detail_end: u32,
    pub(super) relation: u8,
}

/// An edge that is on its way into a chunk.
#[derive(Clone, Debug)]
pub(super) struct NewEdge {
    pub(super) since: Version,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) relation: u8,
    pub(super) detail: Box<[u8]>,
}

/// An edge at one of its ends that did not declare it. There are millions: packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed)]
pub(super) struct Half {
    pub(super) other: u32,
    pub(super) declarer: u32,
    /// The relation, twice; plus one where the edge ends here.
    pub(super) way: u8,
}

impl Half {
    pub(super) fn relation(self) -> u8 {
        self.way >> 1
    }

    pub(super) fn incoming(self) -> bool {
        self.way & 1 == 1
    }
}

/// The number of a relation in memory; the file has its own.
pub(super) fn relation_number(relation: RelationKind) -> u8 {
    relation as u8
}

/// The relation of a number.
pub(super) fn relation_of(number: u8) -> RelationKind {
    RelationKind::ALL[usize::from(number)]
}

/// The halves at an asset, sorted by (way, other's id, declarer's id).
#[derive(Clone, Debug)]
pub(super) enum Halves {
    Few(Vec<Half>),
    Many(Run<Half>),
}

impl Halves {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Halves::Few(few) => few.is_empty(),
            Halves::Many(many) => many.is_empty(),
        }
    }
}

/// What changes of one asset; what is none stays.
#[derive(Debug, Default)]
pub(super) struct Patch {
    pub(super) head: Option<Head>,
    pub(super) texts: Option<(Box<str>, Vec<u8>)>,
    pub(super) edges: Option<Vec<NewEdge>>,
    pub(super) halves: Option<Halves>,
}

/// Sixteen assets.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    heads: Box<[Head]>,
    bytes: Box<[u8]>,
    /// Where the first body lies, which the others are packed against.
    base: Range<u32>,
    edges: Box<[Edge]>,
    halves: Box<[Half]>,
    hubs: Vec<(usize, Run<Half>)>,
}

impl Chunk {
    /// A chunk of vacant slots.
    pub(super) fn vacant() -> Self {
        Self {
            heads: Box::new([Head::VACANT; SLOTS]),
            bytes: Box::default(),
            base: 0..0,
            edges: Box::default(),
            halves: Box::default(),
            hubs: Vec::new(),
        }
    }

    pub(super) fn view(&self, place: usize) -> View<'_> {
        View { chunk: self, place }
    }

    /// Bytes in memory, about: what hubs share with other versions is left out.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.heads) + self.bytes.len() + size_of_val(&*self.edges) + size_of_val(&*self.halves)
    }

    fn base(&self) -> &[u8] {
        &self.bytes[range(&self.base)]
    }

    /// This chunk with some assets changed.
    pub(super) fn patched(&self, mut patches: [Option<Patch>; SLOTS]) -> Self {
        let mut made = Builder::with_capacity(self.bytes.len(), self.edges.len(), self.halves.len());
        for (place, patch) in patches.iter_mut().enumerate() {
            made.push(self.view(place), patch.take().unwrap_or_default());
        }
        made.finish()
    }

    /// Puts halves into a chunk that has none yet.
    pub(super) fn set_halves(&mut self, halves: [Vec<Half>; SLOTS]) {
        let mut flat = Vec::with_capacity(halves.iter().map(Vec::len).sum());
        for (place, list) in halves.into_iter().enumerate() {
            if list.len() >= HUB {
                self.hubs.push((place, Run::from_sorted(&list)));
            } else {
                flat.extend(list);
            }
            self.heads[place].halves_end = flat.len() as u32;
        }
        self.halves = flat.into_boxed_slice();
    }
}

#[derive(Default)]
pub(super) struct Builder {
    heads: Vec<Head>,
    bytes: Vec<u8>,
    base: Range<u32>,
    packed: Vec<u8>,
    edges: Vec<Edge>,
    halves: Vec<Half>,
    hubs: Vec<(usize, Run<Half>)>,
}

impl Builder {
    fn with_capacity(bytes: usize, edges: usize, halves: usize) -> Self {
        Self {
            heads: Vec::with_capacity(SLOTS),
            bytes: Vec::with_capacity(bytes + 256),
            base: 0..0,
            packed: Vec::new(),
            edges: Vec::with_capacity(edges + 8),
            halves: Vec::with_capacity(halves + 8),
            hubs: Vec::new(),
        }
    }

    /// Adds the next asset: `old`, changed by `patch`.
    pub(super) fn push(&mut self, old: View<'_>, patch: Patch) {
        let mut head = patch.head.unwrap_or(*old.head());
        let begin = self.bytes.len();
        match &patch.texts {
            Some((name, body)) => {
                self.bytes.extend_from_slice(name.as_bytes());
                head.name_len = name.len() as u32;
                self.body(&mut head, body);
            }
            None => {
                self.bytes.extend_from_slice(old.name_bytes());
                head.name_len = old.head().name_len;
                if old.is_packed() && *old.chunk.base() == self.bytes[range(&self.base)] {
                    self.bytes.extend_from_slice(old.stored_body());
                    (head.body_len, head.unpacked_len) = (old.head().body_len, old.head().unpacked_len);
                } else {
                    self.body(&mut head, &old.body());
                }
            }
        }
        let mut edge = |since, from, to, relation, detail: &[u8]| {
            self.bytes.extend_from_slice(detail);
            let detail_end = (self.bytes.len() - begin) as u32;
            self.edges.push(Edge {
                since,
                from,
                to,
                detail_end,
                relation,
            });
        };
        match &patch.edges {
            Some(edges) => edges
                .iter()
                .for_each(|e| edge(e.since, e.from, e.to, e.relation, &e.detail)),
            None => old
                .edges()
                .for_each(|(e, detail)| edge(e.since, e.from, e.to, e.relation, detail)),
        }
        match (patch.halves, old.many_halves()) {
            (None, None) => self.halves.extend_from_slice(old.few_halves()),
            (None, Some(many)) => self.hubs.push((self.heads.len(), many.clone())),
            (Some(Halves::Few(few)), _) if few.len() < HUB => self.halves.extend(few),
            (Some(Halves::Few(few)), _) => self.hubs.push((self.heads.len(), Run::from_sorted(&few))),
            (Some(Halves::Many(many)), _) if many.len() < HUB / 2 => self.halves.extend(many.iter()),
            (Some(Halves::Many(many)), _) => self.hubs.push((self.heads.len(), many)),
        }
        head.bytes_end = self.bytes.len() as u32;
        head.edges_end = self.edges.len() as u32;
        head.halves_end = self.halves.len() as u32;
        self.heads.push(head);
    }

    /// Adds the body of the asset whose name was just added.
    fn body(&mut self, head: &mut Head, body: &[u8]) {
        let begin = self.bytes.len();
        head.unpacked_len = body.len() as u32;
        if pack(body, &self.bytes[range(&self.base)], &mut self.packed) {
            self.bytes.extend_from_slice(&self.packed);
        } else {
            self.bytes.extend_from_slice(body);
            if self.base.is_empty() && body.len() >= SHORTEST {
                self.base = begin as u32..self.bytes.len() as u32;
            }
        }
        head.body_len = (self.bytes.len() - begin) as u32;
    }

    /// How many assets were added.
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// The chunk; places that were not filled are vacant.
    pub(super) fn finish(mut self) -> Chunk {
        let vacant = Chunk::vacant();
        while self.heads.len() < SLOTS {
            self.push(vacant.view(0), Patch::default());
        }
        Chunk {
            heads: self.heads.into_boxed_slice(),
            bytes: self.bytes.into_boxed_slice(),
            base: self.base,
            edges: self.edges.into_boxed_slice(),
            halves: self.halves.into_boxed_slice(),
            hubs: self.hubs,
        }
    }
}

/// One asset in its chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    chunk: &'a Chunk,
    place: usize,
}

impl<'a> View<'a> {
    pub(super) fn head(&self) -> &'a Head {
        &self.chunk.heads[self.place]
    }

    pub(super) fn standing(&self) -> Standing {
        self.head().standing
    }

    fn since_before(&self, end: impl Fn(&Head) -> u32) -> Range<usize> {
        let begin = if self.place == 0 {
            0
        } else {
            end(&self.chunk.heads[self.place - 1])
        };
        begin as usize..end(self.head()) as usize
    }

    fn bytes(&self) -> &'a [u8] {
        &self.chunk.bytes[self.since_before(|h| h.bytes_end)]
    }

    /// The name as bytes, which sort as the text does.
    pub(super) fn name_bytes(&self) -> &'a [u8] {
        &self.bytes()[..self.head().name_len as usize]
    }

    pub(super) fn name(&self) -> &'a str {
        // It was written from a str; an empty name would only follow from memory that is broken.
        std::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// The content in its stored form.
    pub(super) fn body(&self) -> Cow<'a, [u8]> {
        let stored = self.stored_body();
        if self.is_packed() {
            unpack(stored, self.head().unpacked_len as usize, self.chunk.base()).into()
        } else {
            stored.into()
        }
    }

    fn is_packed(&self) -> bool {
        self.head().body_len != self.head().unpacked_len
    }

    fn stored_body(&self) -> &'a [u8] {
        let begin = self.head().name_len as usize;
        &self.bytes()[begin..begin + self.head().body_len as usize]
    }

    /// The edges that it declares, each with its detail in stored form.
    pub(super) fn edges(&self) -> impl ExactSizeIterator<Item = (&'a Edge, &'a [u8])> + use<'a> {
        let (bytes, edges) = (self.bytes(), self.edge_slice());
        let texts = self.head().name_len + self.head().body_len;
        (0..edges.len()).map(move |i| (&edges[i], detail_of(bytes, texts, edges, i)))
    }

    /// The edge that it declares with these ends.
    pub(super) fn edge(&self, relation: u8, from: u32, to: u32) -> Option<(&'a Edge, &'a [u8])> {
        let edges = self.edge_slice();
        let found = edges.binary_search_by_key(&(relation, from, to), |e| (e.relation, e.from, e.to));
        let index = found.ok()?;
        let texts = self.head().name_len + self.head().body_len;
        Some((&edges[index], detail_of(self.bytes(), texts, edges, index)))
    }

    fn edge_slice(&self) -> &'a [Edge] {
        &self.chunk.edges[self.since_before(|h| h.edges_end)]
    }

    /// The halves of edges that others declared at it, where they are few.
    pub(super) fn few_halves(&self) -> &'a [Half] {
        &self.chunk.halves[self.since_before(|h| h.halves_end)]
    }

    /// The halves of edges that others declared at it, where they are many.
    pub(super) fn many_halves(&self) -> Option<&'a Run<Half>> {
        let hub = self.chunk.hubs.iter().find(|(place, _)| *place == self.place);
        hub.map(|(_, run)| run)
    }

    pub(super) fn has_halves(&self) -> bool {
        self.many_halves().is_some() || !self.few_halves().is_empty()
    }

    /// A copy of the halves of edges that others declared at it.
    pub(super) fn halves(&self) -> Halves {
        match self.many_halves() {
            Some(many) => Halves::Many(many.clone()),
            None => Halves::Few(self.few_halves().to_vec()),
        }
    }
}

fn range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn detail_of<'a>(bytes: &'a [u8], texts: u32, edges: &'a [Edge], index: usize) -> &'a [u8] {
    let begin = if index == 0 {
        texts
    } else {
        edges[index - 1].detail_end
    };
    &bytes[begin as usize..edges[index].detail_end as usize]
}

#[cfg(test)]
mod tests;
