//! What a batch comes to: the difference of the version before and the one after, net of all that happened in between.
//! Knows no file; the file's room writes it down.

use super::chunk::{Half, Halves, NewEdge, Standing};
use super::draft::{Draft, new_edge};
use super::state::order_halves;
use crate::store::Applied;
use hashbrown::HashMap;
use planisphere_schema::{AssetId, Op, Version};
use std::cmp::Ordering;

/// The difference that a batch makes.
#[derive(Default)]
pub(super) struct Delta {
    /// Assets whose row changes, in the order of their slots.
    pub(super) assets: Vec<AssetDelta>,
    /// Edges that start, end, or say something else.
    pub(super) edges: Vec<EdgeDelta>,
    /// The halves of edges at assets where they changed.
    pub(super) halves: HashMap<u32, Halves>,
}

/// An asset whose row changes.
pub(super) struct AssetDelta {
    pub(super) slot: u32,
    /// How it stood; vacant where it was not there.
    pub(super) before: Standing,
    pub(super) after: Standing,
    /// What its history says; nothing of stubs that come and go.
    pub(super) op: Option<Op>,
}

/// An edge that starts, ends, or says something else.
pub(super) struct EdgeDelta {
    pub(super) declarer: u32,
    pub(super) before: Option<NewEdge>,
    pub(super) after: Option<NewEdge>,
}

impl Delta {
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty() && self.edges.is_empty()
    }

    /// Adds up what happened.
    pub(super) fn count(&self, applied: &mut Applied) {
        for asset in &self.assets {
            match asset.op {
                Some(Op::Create) => applied.created += 1,
                Some(Op::Update) => applied.updated += 1,
                Some(Op::Delete) => applied.deleted += 1,
                None => {}
            }
        }
        applied.edges_started += self.edges.iter().filter(|e| e.after.is_some()).count();
        applied.edges_ended += self.edges.iter().filter(|e| e.before.is_some()).count();
    }
}

/// When states begin that a draft brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dating {
    /// What differs begins with this version.
    From(Version),
    /// The draft goes back to what was: every state has the version at which it began.
    AsItWas,
}

impl Draft {
    /// Works out the difference, and dates what differs.
    pub(super) fn finish(&mut self, dating: Dating) -> Delta {
        let mut delta = Delta::default();
        let mut slots: Vec<u32> = self.touched.keys().copied().collect();
        slots.sort_unstable();
        let mut halves: Vec<(u32, Half, bool)> = Vec::new();
        for &slot in &slots {
            self.finish_edges(slot, dating, &mut delta.edges, &mut halves);
        }
        halves.sort_unstable_by_key(|(slot, ..)| *slot);
        for changes in halves.chunk_by(|a, b| a.0 == b.0) {
            let slot = changes[0].0;
            self.touch(slot);
            delta.halves.insert(slot, self.halves_after(slot, changes));
        }
        let mut slots: Vec<u32> = self.touched.keys().copied().collect();
        slots.sort_unstable();
        for slot in slots {
            let alone = match delta.halves.get(&slot) {
                Some(halves) => halves.is_empty(),
                None => self.base_view(slot).is_none_or(|view| !view.has_halves()),
            };
            delta.assets.extend(self.finish_asset(slot, dating, alone));
        }
        delta
    }

    /// Compares the edges of a declarer with what they were; unchanged ones keep their version.
    fn finish_edges(
        &mut self,
        slot: u32,
        dating: Dating,
        edges: &mut Vec<EdgeDelta>,
        halves: &mut Vec<(u32, Half, bool)>,
    ) {
        let Some(mut after) = self.touched.get_mut(&slot).and_then(|t| t.edges.take()) else {
            return;
        };
        let before: Vec<NewEdge> = match self.base_view(slot) {
            Some(view) => view.edges().map(|(e, detail)| new_edge(e, detail)).collect(),
            None => Vec::new(),
        };
        let key = |e: &NewEdge| (e.relation, e.from, e.to);
        let mut old = before.into_iter().peekable();
        let mut ended = |edge: NewEdge| {
            halves_of(slot, &edge, |at, half| halves.push((at, half, false)));
            EdgeDelta {
                declarer: slot,
                before: Some(edge),
                after: None,
            }
        };
        let mut started = Vec::new();
        for edge in &mut after {
            while let Some(gone) = old.next_if(|o| key(o) < key(edge)) {
                edges.push(ended(gone));
            }
            let same = old.next_if(|o| key(o) == key(edge));
            let kept = match (dating, &same) {
                (Dating::From(_), Some(old)) => old.detail == edge.detail,
                (Dating::AsItWas, Some(old)) => old.since == edge.since,
                (_, None) => false,
            };
            match (dating, &same) {
                (Dating::From(_), Some(old)) if kept => edge.since = old.since,
                (Dating::From(version), _) => edge.since = version,
                (Dating::AsItWas, _) => {}
            }
            if same.is_none() {
                started.push(edge.clone());
            }
            if !kept {
                edges.push(EdgeDelta {
                    declarer: slot,
                    before: same,
                    after: Some(edge.clone()),
                });
            }
        }
        edges.extend(old.map(ended));
        for edge in &started {
            halves_of(slot, edge, |at, half| halves.push((at, half, true)));
        }
        if let Some(touched) = self.touched.get_mut(&slot) {
            touched.edges = Some(after);
        }
    }

    fn halves_after(&self, slot: u32, changes: &[(u32, Half, bool)]) -> Halves {
        let id = |slot: u32| self.head(slot).id;
        let order = |a: Half, b: Half| order_halves(a, b, id);
        let old = self
            .base_view(slot)
            .map_or_else(|| Halves::Few(Vec::new()), |view| view.halves());
        match old {
            Halves::Many(mut many) => {
                for (_, half, adds) in changes {
                    if *adds {
                        many.insert(*half, |other| order(other, *half));
                    } else {
                        many.remove(|other| order(other, *half));
                    }
                }
                Halves::Many(many)
            }
            Halves::Few(mut few) => {
                let gone: Vec<Half> = changes.iter().filter(|c| !c.2).map(|c| c.1).collect();
                few.retain(|half| !gone.contains(half));
                let mut new: Vec<(u8, AssetId, AssetId, Half)> = changes
                    .iter()
                    .filter(|c| c.2)
                    .map(|c| (c.1.way, id(c.1.other), id(c.1.declarer), c.1))
                    .collect();
                new.sort_unstable_by_key(|(way, other, declarer, _)| (*way, *other, *declarer));
                Halves::Few(merged(few, new.into_iter().map(|n| n.3), order))
            }
        }
    }

    /// Where the asset stands after all; none where its row stays as it is.
    fn finish_asset(&mut self, slot: u32, dating: Dating, alone: bool) -> Option<AssetDelta> {
        let base = self.base_view(slot).map(|view| *view.head());
        let touched = self.touched.get_mut(&slot)?;
        let before = base.map_or(Standing::Vacant, |head| head.standing);
        let mut after = touched.head.standing;
        if after == Standing::Stub && alone {
            after = Standing::Vacant;
            touched.vacated = true;
        }
        let Dating::From(version) = dating else {
            // No row is written of the past.
            return None;
        };
        let op = match (before, after, base) {
            (Standing::Present, Standing::Present, Some(base)) if base.hash == touched.head.hash => {
                touched.head.since = base.since;
                return None;
            }
            (Standing::Stub, Standing::Stub, Some(base)) => {
                touched.head.since = base.since;
                return None;
            }
            (Standing::Vacant, Standing::Vacant, _) => return None,
            (Standing::Present, Standing::Present, _) => Some(Op::Update),
            (_, Standing::Present, _) => Some(Op::Create),
            (Standing::Present, ..) => Some(Op::Delete),
            _ => None,
        };
        touched.head.since = version;
        Some(AssetDelta {
            slot,
            before,
            after,
            op,
        })
    }
}

/// Tells the ends of an edge that did not declare it.
pub(super) fn halves_of(declarer: u32, edge: &NewEdge, mut tell: impl FnMut(u32, Half)) {
    let way = edge.relation << 1;
    if edge.from != declarer {
        let (other, way) = (edge.to, way);
        tell(edge.from, Half { other, declarer, way });
    }
    // A loop is told once, as outgoing.
    if edge.to != declarer && edge.to != edge.from {
        let (other, way) = (edge.from, way | 1);
        tell(edge.to, Half { other, declarer, way });
    }
}

/// Two sorted lists in one.
fn merged(
    old: Vec<Half>,
    new: impl ExactSizeIterator<Item = Half>,
    order: impl Fn(Half, Half) -> Ordering,
) -> Vec<Half> {
    let mut all = Vec::with_capacity(old.len() + new.len());
    let mut old = old.into_iter().peekable();
    for half in new {
        while let Some(first) = old.next_if(|o| order(*o, half) == Ordering::Less) {
            all.push(first);
        }
        all.push(half);
    }
    all.extend(old);
    all
}
