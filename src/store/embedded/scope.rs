//! Where in the graph the assets that pass a filter can stand: clusters, kinds, namespaces, names or ids that its outer
//! conditions name, so that a page of one namespace never looks at another.

use super::chunk::View;
use super::condition::Condition;
use super::state::{ClusterEntry, Group, Namespaces, State, kind_name};
use crate::store::{Filter, Presence, Text};
use planisphere_schema::AssetId;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Where to look. None means everywhere.
#[derive(Default)]
pub(super) struct Scope<'a> {
    clusters: Option<BTreeSet<&'a str>>,
    kinds: Option<BTreeSet<&'a str>>,
    namespaces: Option<BTreeSet<&'a str>>,
    names: Option<BTreeSet<&'a str>>,
    pub(super) ids: Option<BTreeSet<AssetId>>,
}

/// A place in the order of keys from which on to look: cluster, kind, namespace, name.
pub(super) type From<'a> = (&'a str, &'a str, &'a str, &'a str);

impl<'a> Scope<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        let mut scope = Self::default();
        scope.narrow(filter);
        scope
    }

    fn narrow(&mut self, filter: &'a Filter) {
        match filter {
            Filter::And(all) => all.iter().for_each(|f| self.narrow(f)),
            Filter::Ids(ids) => meet(&mut self.ids, Some(ids.iter().copied().collect())),
            Filter::Cluster(text) => meet(&mut self.clusters, values(text)),
            Filter::Kinds(kinds) => meet(
                &mut self.kinds,
                Some(kinds.iter().map(|k| kind_name(*k)).collect()),
            ),
            Filter::Namespace(text) => meet(&mut self.namespaces, values(text)),
            Filter::Name(text) => meet(&mut self.names, values(text)),
            _ => {}
        }
    }

    /// Calls for every group in scope from a place on, in the order of keys.
    pub(super) fn groups<'s>(
        &self,
        state: &'s State,
        from: Option<From<'_>>,
        mut call: impl FnMut(&'s ClusterEntry, &'s Group) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for number in state.by_name.iter() {
            let (Some(cluster), Some(shelf)) = (state.cluster(*number), state.shelves.get(*number as usize))
            else {
                continue;
            };
            let named =
                |names: &BTreeSet<&str>| names.contains(&*cluster.name) || names.contains(&*cluster.id_text);
            if self.clusters.as_ref().is_some_and(|names| !named(names)) {
                continue;
            }
            // Beyond the first cluster, the place says nothing any more.
            let from = match from {
                Some(from) if *cluster.name < *from.0 => continue,
                Some(from) if *cluster.name == *from.0 => Some(from),
                _ => None,
            };
            let mut visit = |kind: &str, namespaces: &Namespaces| {
                let from = match from {
                    Some(from) if *kind < *from.1 => return ControlFlow::Continue(()),
                    Some(from) if *kind == *from.1 => from.2,
                    _ => "",
                };
                self.namespaces(namespaces, from, |number| match state.group(number) {
                    Some(group) => call(cluster, group),
                    None => ControlFlow::Continue(()),
                })
            };
            match &self.kinds {
                Some(kinds) => kinds.iter().try_for_each(|kind| match shelf.kinds.get(kind) {
                    Some(namespaces) => visit(kind, namespaces),
                    None => ControlFlow::Continue(()),
                })?,
                None => shelf
                    .kinds
                    .iter()
                    .try_for_each(|(kind, namespaces)| visit(kind, namespaces))?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether it names the ids, names or namespaces to look at: then few assets are looked at.
    fn is_narrow(&self) -> bool {
        self.ids.is_some() || self.names.is_some() || self.namespaces.is_some()
    }

    fn namespaces(
        &self,
        namespaces: &Namespaces,
        from: &str,
        mut call: impl FnMut(u32) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.namespaces {
            Some(wanted) => wanted
                .range(from..)
                .filter_map(|namespace| namespaces.get(*namespace))
                .try_for_each(|group| call(*group)),
            None => {
                let bounds = (std::ops::Bound::Included(from), std::ops::Bound::Unbounded);
                namespaces
                    .range::<str, _>(bounds)
                    .try_for_each(|(_, group)| call(*group))
            }
        }
    }

    /// Whether the names of assets narrow it, so that a group is never taken as a whole.
    pub(super) fn takes_groups(&self) -> bool {
        self.names.is_none() && self.ids.is_none()
    }

    /// Calls for every member of a group in scope, by name, from a name on.
    fn members<'s>(
        &self,
        state: &'s State,
        group: &'s Group,
        from: &str,
        mut call: impl FnMut(View<'s>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let name = |slot: u32| state.view(slot).map_or(&[][..], |view| view.name_bytes());
        let mut visit = |slot: u32| match state.view(slot) {
            Some(view) => call(view),
            None => ControlFlow::Continue(()),
        };
        match &self.names {
            Some(names) => names
                .range(from..)
                .filter_map(|wanted| group.members.find(|slot| name(slot).cmp(wanted.as_bytes())))
                .try_for_each(visit),
            None if from.is_empty() => group.members.iter().try_for_each(visit),
            None => {
                let first = group.members.partition(|slot| name(slot) < from.as_bytes());
                group.members.iter_from(first).try_for_each(&mut visit)
            }
        }
    }
}

/// What a question asks for.
pub(super) struct Search<'a> {
    pub(super) state: &'a State,
    pub(super) scope: Scope<'a>,
    pub(super) condition: Condition<'a>,
    pub(super) presence: Presence,
}

impl<'a> Search<'a> {
    pub(super) fn new(state: &'a State, filter: &'a Filter, presence: Presence) -> Self {
        Self {
            state,
            scope: Scope::new(filter),
            condition: Condition::new(filter),
            presence,
        }
    }

    /// Whether an answer may look at every asset of a kind or cluster, which takes from a millisecond on.
    pub(super) fn is_wide(&self) -> bool {
        !self.scope.is_narrow() && self.condition.looks_at_assets()
    }

    /// Calls for every asset that passes, from a place on; in the order of keys unless ids are given.
    pub(super) fn visit(
        &self,
        from: Option<From<'_>>,
        mut call: impl FnMut(View<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let state = self.state;
        if let Some(ids) = &self.scope.ids {
            return ids
                .iter()
                .filter_map(|id| state.view(state.find(*id)?))
                .filter(|view| {
                    self.presence_admits(state.is_dangling(*view)) && self.condition.holds(state, *view)
                })
                .try_for_each(call);
        }
        self.scope.groups(state, from, |cluster, group| {
            let verdict = self.condition.holds_for_group(cluster, group);
            if verdict == Some(false) || self.admitted(group) == 0 {
                return ControlFlow::Continue(());
            }
            let name = match from {
                Some((c, k, n, name))
                    if *c == *cluster.name && *k == *kind_name(group.kind) && *n == *group.namespace =>
                {
                    name
                }
                _ => "",
            };
            self.group(group, verdict, name, &mut call)
        })
    }

    /// Calls for every asset of a group that passes; `verdict` is what the filter says of the whole group.
    pub(super) fn group(
        &self,
        group: &'a Group,
        verdict: Option<bool>,
        from: &str,
        mut call: impl FnMut(View<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let all = self.presence == Presence::Any || self.admitted(group) == group.members.len();
        self.scope.members(self.state, group, from, |view| {
            let admitted = all || self.presence_admits(self.state.is_dangling(view));
            if admitted && (verdict == Some(true) || self.condition.holds(self.state, view)) {
                call(view)
            } else {
                ControlFlow::Continue(())
            }
        })
    }

    /// How many assets of a group count, whatever the filter says.
    pub(super) fn admitted(&self, group: &Group) -> usize {
        match self.presence {
            Presence::Present => group.members.len() - group.dangling(),
            Presence::Dangling => group.dangling(),
            Presence::Any => group.members.len(),
        }
    }

    fn presence_admits(&self, dangling: bool) -> bool {
        match self.presence {
            Presence::Present => !dangling,
            Presence::Dangling => dangling,
            Presence::Any => true,
        }
    }
}

/// The texts for which it can hold, where they are few.
fn values(text: &Text) -> Option<BTreeSet<&str>> {
    match text {
        Text::Eq(value) => Some(BTreeSet::from([value.as_str()])),
        Text::In(values) => Some(values.iter().map(String::as_str).collect()),
        Text::All(all) => {
            let mut met = None;
            all.iter().for_each(|t| meet(&mut met, values(t)));
            met
        }
        // What is absent is kept as an empty text.
        Text::Exists(false) => Some(BTreeSet::from([""])),
        _ => None,
    }
}

fn meet<T: Ord>(narrowed: &mut Option<BTreeSet<T>>, by: Option<BTreeSet<T>>) {
    match (narrowed.as_mut(), by) {
        (Some(set), Some(by)) => set.retain(|value| by.contains(value)),
        (None, by) => *narrowed = by,
        (Some(_), None) => {}
    }
}
