//! Who calls whom, as it was observed or declared: the book that impact reads. Pure: whoever observes fills it; it knows
//! neither where calls were seen nor the store.

use crate::query::impact::propagate::Call;
use planisphere_schema::AssetId;
use std::collections::{HashMap, HashSet};

/// What shows that one calls another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Where it was seen: the preset or file.
    pub source: String,
    /// Calls a second, where that is known.
    pub rate: Option<f64>,
    /// Unix milliseconds at which it was first seen.
    pub first_seen_ms: i64,
    /// Unix milliseconds at which it was last seen.
    pub last_seen_ms: i64,
    /// It was seen long ago, or where it is seen cannot be asked now.
    pub stale: bool,
    /// It is written down somewhere, and was not seen to happen.
    pub declared: bool,
}

/// One calls another, and what shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Who calls whom.
    pub call: Call<AssetId>,
    /// What shows it.
    pub evidence: Evidence,
}

/// All calls that are known, by whom they end at and start at.
#[derive(Clone, Debug, Default)]
pub struct CallBook {
    calls: Vec<Observed>,
    by_callee: HashMap<AssetId, Vec<usize>>,
    by_caller: HashMap<AssetId, Vec<usize>>,
}

impl CallBook {
    /// A book of these calls.
    pub fn new(calls: Vec<Observed>) -> Self {
        let mut book = Self {
            calls,
            ..Self::default()
        };
        for (index, observed) in book.calls.iter().enumerate() {
            book.by_callee
                .entry(observed.call.callee)
                .or_default()
                .push(index);
            book.by_caller
                .entry(observed.call.caller)
                .or_default()
                .push(index);
        }
        book
    }

    /// What was known at an instant, in Unix ms, as far as it is known still. What is written down has no time.
    pub fn as_of(&self, at_ms: i64) -> Self {
        let known = |o: &&Observed| o.evidence.declared || o.evidence.first_seen_ms <= at_ms;
        Self::new(self.calls.iter().filter(known).cloned().collect())
    }

    /// All calls.
    pub fn all(&self) -> &[Observed] {
        &self.calls
    }

    /// The calls that somebody gets.
    pub fn callers_of(&self, callee: AssetId) -> impl Iterator<Item = &Observed> {
        let found = self.by_callee.get(&callee).into_iter().flatten();
        found.map(|index| &self.calls[*index])
    }

    /// The calls that somebody makes.
    pub fn calls_of(&self, caller: AssetId) -> impl Iterator<Item = &Observed> {
        let found = self.by_caller.get(&caller).into_iter().flatten();
        found.map(|index| &self.calls[*index])
    }

    /// The calls over which a failure of these could spread: those that end at them or at any of their callers, and the
    /// other ways that those callers have.
    pub fn upstream_of(&self, start: Vec<AssetId>) -> Vec<Observed> {
        let mut seen: HashSet<AssetId> = start.iter().copied().collect();
        let (mut queue, mut found) = (start, HashSet::new());
        while let Some(callee) = queue.pop() {
            for index in self.by_callee.get(&callee).into_iter().flatten() {
                found.insert(*index);
                let caller = self.calls[*index].call.caller;
                if seen.insert(caller) {
                    queue.push(caller);
                }
                let routed = |i: &usize| self.calls[*i].call.route.is_some();
                found.extend(
                    self.by_caller
                        .get(&caller)
                        .into_iter()
                        .flatten()
                        .copied()
                        .filter(routed),
                );
            }
        }
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_unstable();
        found.into_iter().map(|index| self.calls[index].clone()).collect()
    }
}
