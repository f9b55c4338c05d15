//! A growing table in shared pieces: a copy costs one pointer per 32 pieces, a change copies one piece and its branch.
//! Knows nothing of what it keeps.

use std::sync::Arc;

const FAN: usize = 32;

/// Values by number, shared piece by piece between versions.
#[derive(Debug)]
pub(super) struct Tree<T> {
    branches: Vec<Arc<Vec<Arc<T>>>>,
    len: usize,
}

impl<T> Clone for Tree<T> {
    fn clone(&self) -> Self {
        Self {
            branches: self.branches.clone(),
            len: self.len,
        }
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self {
            branches: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Tree<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let piece = self.branches.get(index / FAN)?.get(index % FAN)?;
        Some(piece)
    }

    /// Replaces the piece at `index`, or appends it where `index` is the length.
    pub(super) fn set(&mut self, index: usize, piece: T) {
        debug_assert!(index <= self.len);
        if index / FAN == self.branches.len() {
            self.branches.push(Arc::new(Vec::with_capacity(FAN)));
        }
        let branch = Arc::make_mut(&mut self.branches[index / FAN]);
        if index % FAN == branch.len() {
            branch.push(Arc::new(piece));
            self.len += 1;
        } else {
            branch[index % FAN] = Arc::new(piece);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.branches.iter().flat_map(|b| b.iter().map(|p| &**p))
    }
}

impl<T: Clone> Tree<T> {
    /// The piece at `index`, copied first where another version shares it.
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let branch = Arc::make_mut(self.branches.get_mut(index / FAN)?);
        branch.get_mut(index % FAN).map(Arc::make_mut)
    }
}
