//! The label sets and selectors of one namespace, each indexed by the labels that lead to it. What an edge is, it does not know.

use super::super::matcher::{Matcher, Term};
use planisphere_schema::{AssetId, AssetRef, Label, RelationKind};
use slab::Slab;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) set: usize,
    index: usize,
}

#[derive(Debug)]
pub(super) struct Namespace {
    name: Box<str>,
    sets: Slab<Set>,
    by_labels: HashMap<Arc<[Label]>, usize>,
    /// The sets that have a term.
    having: HashMap<Term, Posting>,
    selectors: Slab<Selecting>,
    /// Selectors by the terms of one of their ways.
    led_to: HashMap<Term, Vec<usize>>,
    /// Selectors to which no label leads.
    anywhere: Vec<usize>,
}

/// Objects with the same labels.
#[derive(Debug)]
struct Set {
    labels: Arc<[Label]>,
    objects: Vec<(AssetId, Box<str>)>,
    /// The slots of the selectors that match.
    selected_by: Vec<usize>,
}

#[derive(Debug)]
struct Selecting {
    from: AssetRef,
    relation: RelationKind,
    matcher: Matcher,
    way: Option<Vec<Term>>,
}

/// Sets that have a term. Most terms are either nearly everywhere, or at one object alone (its own name).
#[derive(Debug)]
enum Posting {
    One(usize),
    Many(HashSet<usize>),
}

impl Namespace {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            sets: Slab::new(),
            by_labels: HashMap::new(),
            having: HashMap::new(),
            selectors: Slab::new(),
            led_to: HashMap::new(),
            anywhere: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn labels(&self, set: usize) -> &[Label] {
        &self.sets[set].labels
    }

    pub(super) fn objects(&self, set: usize) -> impl Iterator<Item = (AssetId, &str)> {
        self.sets[set].objects.iter().map(|(id, name)| (*id, &**name))
    }

    /// Who selects the objects of a set, by relation and id.
    pub(super) fn selecting(&self, set: usize) -> impl Iterator<Item = (RelationKind, &AssetRef)> {
        let by = self.sets[set]
            .selected_by
            .iter()
            .map(|slot| &self.selectors[*slot]);
        let mut by: Vec<_> = by.map(|s| (s.relation, &s.from)).collect();
        by.sort_by_key(|(relation, from)| (*relation, from.id()));
        by.into_iter()
    }

    pub(super) fn add_object(
        &mut self,
        id: AssetId,
        name: &str,
        labels: &[Label],
        evaluated: &mut u64,
    ) -> Place {
        let known = self.by_labels.get(labels).copied();
        let set = known.unwrap_or_else(|| self.add_set(labels, evaluated));
        let objects = &mut self.sets[set].objects;
        objects.push((id, name.into()));
        Place {
            set,
            index: objects.len() - 1,
        }
    }

    /// Gives the object that stands in the free place now, if another one does.
    pub(super) fn remove_object(&mut self, place: Place) -> Option<AssetId> {
        let objects = &mut self.sets[place.set].objects;
        objects.swap_remove(place.index);
        if objects.is_empty() {
            self.remove_set(place.set);
            return None;
        }
        objects.get(place.index).map(|(id, _)| *id)
    }

    fn add_set(&mut self, labels: &[Label], evaluated: &mut u64) -> usize {
        let led_to = Term::all(labels)
            .filter_map(|term| self.led_to.get(&term))
            .flatten();
        let mut candidates: Vec<usize> = led_to.chain(&self.anywhere).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        *evaluated += candidates.len() as u64;
        candidates.retain(|slot| self.selectors[*slot].matcher.matches(labels));
        let labels: Arc<[Label]> = labels.into();
        let set = self.sets.insert(Set {
            labels: labels.clone(),
            objects: Vec::with_capacity(1),
            selected_by: candidates,
        });
        for term in Term::all(&labels) {
            self.having
                .entry(term)
                .and_modify(|posting| posting.add(set))
                .or_insert(Posting::One(set));
        }
        self.by_labels.insert(labels, set);
        set
    }

    fn remove_set(&mut self, set: usize) {
        let Set { labels, .. } = self.sets.remove(set);
        self.by_labels.remove(&labels);
        for term in Term::all(&labels) {
            if self
                .having
                .get_mut(&term)
                .is_some_and(|posting| posting.remove(set))
            {
                self.having.remove(&term);
            }
        }
    }

    /// Gives the selector's slot, and the sets that it matches.
    pub(super) fn add_selector(
        &mut self,
        from: AssetRef,
        relation: RelationKind,
        matcher: Matcher,
        evaluated: &mut u64,
    ) -> (usize, Vec<usize>) {
        let selecting = Selecting {
            from,
            relation,
            way: self.least_used_way(&matcher),
            matcher,
        };
        let slot = self.selectors.insert(selecting);
        self.lead_to(slot);
        let sets = self.candidates(&self.selectors[slot].matcher);
        (slot, self.evaluate(slot, sets, evaluated))
    }

    /// Gives the sets that it matched and does not match now, or the other way round.
    pub(super) fn change_selector(
        &mut self,
        slot: usize,
        matcher: Matcher,
        evaluated: &mut u64,
    ) -> Vec<usize> {
        if self.selectors[slot].matcher == matcher {
            return Vec::new();
        }
        self.lead_away_from(slot);
        let mut sets = self.candidates(&self.selectors[slot].matcher);
        sets.retain(|set| self.sets[*set].selected_by.contains(&slot));
        sets.extend(self.candidates(&matcher));
        sets.sort_unstable();
        sets.dedup();
        let way = self.least_used_way(&matcher);
        let selecting = &mut self.selectors[slot];
        (selecting.matcher, selecting.way) = (matcher, way);
        self.lead_to(slot);
        self.evaluate(slot, sets, evaluated)
    }

    /// Gives its relation, and the sets that it matched.
    pub(super) fn remove_selector(&mut self, slot: usize) -> (RelationKind, Vec<usize>) {
        self.lead_away_from(slot);
        let Selecting {
            relation, matcher, ..
        } = self.selectors.remove(slot);
        let mut sets = self.candidates(&matcher);
        sets.retain(|set| self.sets[*set].select(slot, false));
        (relation, sets)
    }

    /// Holds a selector against sets; gives those for which the result is another one.
    fn evaluate(&mut self, slot: usize, mut sets: Vec<usize>, evaluated: &mut u64) -> Vec<usize> {
        *evaluated += sets.len() as u64;
        let matcher = &self.selectors[slot].matcher;
        sets.retain(|set| {
            let set = &mut self.sets[*set];
            let matches = matcher.matches(&set.labels);
            set.select(slot, matches)
        });
        sets
    }

    /// The sets that may match: those to which the shortest way leads, or all.
    fn candidates(&self, matcher: &Matcher) -> Vec<usize> {
        let at = |term: &Term| self.having.get(term);
        let length = |way: &Vec<Term>| way.iter().filter_map(at).map(Posting::len).sum::<usize>();
        match matcher.ways().min_by_key(length) {
            Some(way) => way.iter().filter_map(at).flat_map(Posting::sets).collect(),
            None => self.sets.iter().map(|(set, _)| set).collect(),
        }
    }

    /// The way on which a new set meets the fewest other selectors.
    fn least_used_way(&self, matcher: &Matcher) -> Option<Vec<Term>> {
        let used = |way: &Vec<Term>| {
            let selectors = way.iter().filter_map(|term| self.led_to.get(term));
            let sets = way.iter().filter_map(|term| self.having.get(term));
            (
                selectors.map(Vec::len).sum::<usize>(),
                sets.map(Posting::len).sum::<usize>(),
            )
        };
        matcher.ways().min_by_key(used)
    }

    fn lead_to(&mut self, slot: usize) {
        match &self.selectors[slot].way {
            Some(way) => way
                .iter()
                .for_each(|term| self.led_to.entry(*term).or_default().push(slot)),
            None => self.anywhere.push(slot),
        }
    }

    fn lead_away_from(&mut self, slot: usize) {
        let Some(way) = &self.selectors[slot].way else {
            self.anywhere.retain(|s| *s != slot);
            return;
        };
        for term in way {
            if let Some(slots) = self.led_to.get_mut(term) {
                slots.retain(|s| *s != slot);
                if slots.is_empty() {
                    self.led_to.remove(term);
                }
            }
        }
    }
}

impl Set {
    /// Notes whether a selector selects it; true where that is news.
    fn select(&mut self, slot: usize, is: bool) -> bool {
        let at = self.selected_by.iter().position(|s| *s == slot);
        match (at, is) {
            (None, true) => self.selected_by.push(slot),
            (Some(at), false) => {
                self.selected_by.swap_remove(at);
            }
            _ => return false,
        }
        true
    }
}

impl Posting {
    fn len(&self) -> usize {
        match self {
            Posting::One(_) => 1,
            Posting::Many(sets) => sets.len(),
        }
    }

    fn sets(&self) -> Vec<usize> {
        match self {
            Posting::One(set) => vec![*set],
            Posting::Many(sets) => sets.iter().copied().collect(),
        }
    }

    fn add(&mut self, set: usize) {
        match self {
            Posting::One(one) => *self = Posting::Many(HashSet::from([*one, set])),
            Posting::Many(sets) => {
                sets.insert(set);
            }
        }
    }

    /// True where nothing is left.
    fn remove(&mut self, set: usize) -> bool {
        match self {
            Posting::One(one) => *one == set,
            Posting::Many(sets) => {
                sets.remove(&set);
                sets.is_empty()
            }
        }
    }
}
