//! A finished draft becomes the next version: chunks that it touched are built anew, the index and the groups follow.

use super::chunk::{Chunk, Halves, Head, Patch, SLOTS, Standing};
use super::delta::Delta;
use super::draft::{Draft, Touched};
use super::state::State;
use std::array;
use std::collections::BTreeSet;

impl Draft {
    /// The next version.
    pub(super) fn seal(mut self, mut delta: Delta) -> State {
        let mut slots: Vec<u32> = self.touched.keys().copied().collect();
        slots.sort_unstable();
        let emptied = self.leave_groups(&slots);
        for chunk in slots.chunk_by(|a, b| *a as usize / SLOTS == *b as usize / SLOTS) {
            let number = chunk[0] as usize / SLOTS;
            let mut patches: [Option<Patch>; SLOTS] = array::from_fn(|_| None);
            for slot in chunk {
                if let Some(touched) = self.touched.get_mut(slot) {
                    let halves = delta.halves.remove(slot);
                    patches[*slot as usize % SLOTS] = Some(patch(&mut self.next, *slot, touched, halves));
                }
            }
            let vacant;
            let old = match self.base.slots.get(number) {
                Some(old) => old,
                None => {
                    vacant = Chunk::vacant();
                    &vacant
                }
            };
            // Slots are allocated one after the other, and every allocated one is touched: no number is skipped.
            self.next.slots.set(number, old.patched(patches));
        }
        self.enter_groups(&slots);
        for group in emptied {
            if self.next.group(group).is_some_and(|g| g.members.is_empty()) {
                self.next.drop_group(group);
            }
        }
        for edge in &delta.edges {
            let relation = edge.after.as_ref().or(edge.before.as_ref()).map(|e| e.relation);
            let count = &mut self.next.edges[usize::from(relation.unwrap_or_default())];
            match (&edge.before, &edge.after) {
                (None, Some(_)) => *count += 1,
                (Some(_), None) => *count -= 1,
                _ => {}
            }
        }
        self.next
    }

    /// Takes assets that go out of the index and their groups, while their names are still there to find them by.
    /// Tells the groups that may have become empty.
    fn leave_groups(&mut self, slots: &[u32]) -> BTreeSet<u32> {
        let mut emptied = BTreeSet::new();
        for &slot in slots {
            let Some(touched) = self.touched.get(&slot) else {
                continue;
            };
            if touched.vacated {
                emptied.insert(touched.head.group);
            }
            let base = &self.base;
            let Some(view) = base.view(slot).filter(|v| v.standing() != Standing::Vacant) else {
                continue;
            };
            if view.standing() == Standing::Stub || touched.vacated {
                let Some(group) = self.next.groups.get_mut(view.head().group as usize) else {
                    continue;
                };
                group.stubs -= usize::from(view.standing() == Standing::Stub);
                if touched.vacated {
                    let name = view.name_bytes();
                    group
                        .members
                        .remove(|other| base.view(other).map(|v| v.name_bytes()).cmp(&Some(name)));
                    self.next.index_remove(slot, view.head().id);
                }
            }
        }
        emptied
    }

    /// Puts new assets into the index and their groups.
    fn enter_groups(&mut self, slots: &[u32]) {
        for &slot in slots {
            let Some(touched) = self.touched.get(&slot).filter(|t| !t.vacated) else {
                continue;
            };
            let next = &mut self.next;
            if touched.fresh {
                next.index_insert(slot, touched.head.id);
            }
            let slots = &next.slots;
            let name = |slot: u32| {
                let chunk = slots.get(slot as usize / SLOTS);
                chunk.map(|c| c.view(slot as usize % SLOTS).name_bytes())
            };
            let stub = touched.head.standing == Standing::Stub;
            if !stub && !touched.fresh {
                continue;
            }
            if let Some(group) = next.groups.get_mut(touched.head.group as usize) {
                group.stubs += usize::from(stub);
                if touched.fresh {
                    group.members.insert(slot, |other| name(other).cmp(&name(slot)));
                }
            }
        }
    }
}

fn patch(next: &mut State, slot: u32, touched: &mut Touched, halves: Option<Halves>) -> Patch {
    if touched.vacated {
        let follows = std::mem::replace(&mut next.vacant, slot);
        return Patch {
            head: Some(Head::vacant(follows)),
            texts: Some(("".into(), Vec::new())),
            edges: Some(Vec::new()),
            halves: Some(Halves::Few(Vec::new())),
        };
    }
    Patch {
        head: Some(touched.head),
        texts: touched.texts.take(),
        edges: touched.edges.take(),
        halves,
    }
}
