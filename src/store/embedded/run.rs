//! A sorted list in shared pieces: members of a group, edges at a hub. A change copies one piece of at most 128 entries
//! and the list of pieces. Knows nothing of the order: each call brings its comparison.

use std::cmp::Ordering;
use std::sync::Arc;

const PIECE: usize = 128;

/// Sorted values, shared piece by piece between versions. No piece is empty.
#[derive(Clone, Debug)]
pub(super) struct Run<T> {
    pieces: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Run<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

/// A place in a run: piece, and entry in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor(usize, usize);

impl<T: Copy> Run<T> {
    /// A run of values that are in order already.
    pub(super) fn from_sorted(values: &[T]) -> Self {
        Self {
            pieces: values
                .chunks(PIECE / 4 * 3)
                .map(|c| Arc::new(c.to_vec()))
                .collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|p| p.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The first place whose value is not `before`; values before it must all be so.
    pub(super) fn partition(&self, mut before: impl FnMut(T) -> bool) -> Cursor {
        let piece = self
            .pieces
            .partition_point(|p| p.last().is_some_and(|last| before(*last)));
        let entry = self
            .pieces
            .get(piece)
            .map_or(0, |p| p.partition_point(|value| before(*value)));
        Cursor(piece, entry)
    }

    /// How many values stand from `from` up to `to`.
    pub(super) fn between(&self, from: Cursor, to: Cursor) -> usize {
        if from.0 >= to.0 {
            return if from.0 == to.0 {
                to.1.saturating_sub(from.1)
            } else {
                0
            };
        }
        let whole: usize = self.pieces[from.0..to.0].iter().map(|p| p.len()).sum();
        whole - from.1 + to.1
    }

    /// The values from a place on.
    pub(super) fn iter_from(&self, from: Cursor) -> impl Iterator<Item = T> + '_ {
        let first = self.pieces.get(from.0).map_or(&[][..], |p| &p[from.1..]);
        let rest = self.pieces.iter().skip(from.0 + 1).flat_map(|p| p.iter());
        first.iter().chain(rest).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.iter_from(Cursor::default())
    }

    /// The value that `order` finds equal: `order` tells how a value stands to the wanted one.
    pub(super) fn find(&self, mut order: impl FnMut(T) -> Ordering) -> Option<T> {
        let at = self.partition(|value| order(value) == Ordering::Less);
        let value = *self.pieces.get(at.0)?.get(at.1)?;
        (order(value) == Ordering::Equal).then_some(value)
    }

    /// Inserts a value at its place.
    pub(super) fn insert(&mut self, value: T, mut order: impl FnMut(T) -> Ordering) {
        let mut at = self.partition(|other| order(other) == Ordering::Less);
        if at.0 == self.pieces.len() {
            let Some(last) = self.pieces.last() else {
                self.pieces.push(Arc::new(vec![value]));
                return;
            };
            at = Cursor(at.0 - 1, last.len());
        }
        let piece = Arc::make_mut(&mut self.pieces[at.0]);
        piece.insert(at.1, value);
        if piece.len() > PIECE {
            let upper = piece.split_off(PIECE / 2);
            self.pieces.insert(at.0 + 1, Arc::new(upper));
        }
    }

    /// Removes the value that `order` finds equal; tells whether it was there.
    pub(super) fn remove(&mut self, mut order: impl FnMut(T) -> Ordering) -> bool {
        let at = self.partition(|value| order(value) == Ordering::Less);
        let Some(shared) = self.pieces.get_mut(at.0) else {
            return false;
        };
        if shared
            .get(at.1)
            .is_none_or(|value| order(*value) != Ordering::Equal)
        {
            return false;
        }
        let piece = Arc::make_mut(shared);
        piece.remove(at.1);
        if piece.is_empty() {
            self.pieces.remove(at.0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_holds_what_a_sorted_vector_would() {
        let (mut run, mut model, mut seed) = (Run::default(), Vec::new(), 7_u64);
        for _ in 0..20_000 {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let value = (seed >> 33) % 2_000;
            match model.binary_search(&value) {
                Ok(place) if seed & 1 == 0 => {
                    model.remove(place);
                    assert!(run.remove(|v: u64| v.cmp(&value)));
                }
                Ok(_) => assert_eq!(run.find(|v: u64| v.cmp(&value)), Some(value)),
                Err(place) if seed & 2 == 0 => {
                    model.insert(place, value);
                    run.insert(value, |v| v.cmp(&value));
                }
                Err(_) => assert!(!run.remove(|v| v.cmp(&value))),
            }
        }
        assert!(run.iter().eq(model.iter().copied()));
        let (from, to) = (run.partition(|v| v < 500), run.partition(|v| v < 1_500));
        let expected = model.iter().filter(|v| (500..1_500).contains(*v)).count();
        assert_eq!(run.between(from, to), expected);
        assert_eq!(
            run.iter_from(from).next(),
            model.iter().copied().find(|v| *v >= 500)
        );
    }
}
