//! Pages, counts and facets of the assets that pass a filter.

use super::body::{LABELS, value};
use super::chunk::View;
use super::scope::Search;
use super::state::{Group, State, kind_name};
use crate::store::{Facet, Filter, ListQuery, Order, Page, Position, Presence, StoreError};
use planisphere_schema::AssetId;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::ControlFlow;

/// The place of an asset in an order, as [`Position`] has it, without copies of its texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    time: i64,
    /// The name, where it comes first; else empty.
    lead: &'a str,
    cluster: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    id: AssetId,
}

impl<'a> Rank<'a> {
    fn of(state: &'a State, view: View<'a>, order: Order) -> Option<Self> {
        let head = view.head();
        let group = state.group(head.group)?;
        Some(Self {
            time: match order {
                Order::Key | Order::Name => 0,
                Order::CreatedDesc => head.created().map_or(i64::MAX, |t| -t.seconds),
                Order::ChangedDesc => -head.since.0,
            },
            lead: if order == Order::Name { view.name() } else { "" },
            cluster: &state.cluster(group.cluster)?.name,
            kind: kind_name(group.kind),
            namespace: &group.namespace,
            name: view.name(),
            id: head.id,
        })
    }

    fn of_position(position: &'a Position, order: Order) -> Self {
        let named = usize::from(order == Order::Name);
        let text = |index: usize| position.texts.get(index).map_or("", String::as_str);
        Self {
            time: position.time,
            lead: if named == 1 { text(0) } else { "" },
            cluster: text(named),
            kind: text(named + 1),
            namespace: text(named + 2),
            name: text(named + 3),
            id: position.id,
        }
    }
}

impl State {
    pub(super) fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        let search = Search::new(self, &query.filter, query.presence);
        let after = query
            .after
            .as_ref()
            .map(|position| Rank::of_position(position, query.order));
        let mut views = if query.order == Order::Key && search.scope.ids.is_none() {
            self.first_by_key(&search, after, query.limit)
        } else {
            self.first_ranked(&search, after, query.order, query.limit)
        };
        let more = views.len() > query.limit;
        views.truncate(query.limit);
        let records = views.into_iter().map(|view| self.record(view));
        Ok(Page {
            records: records.collect::<Result<_, _>>()?,
            more,
        })
    }

    /// One more than `limit` assets in the order of keys: groups are in that order already.
    fn first_by_key<'a>(
        &'a self,
        search: &Search<'a>,
        after: Option<Rank<'_>>,
        limit: usize,
    ) -> Vec<View<'a>> {
        let mut views = Vec::new();
        let from = after.map(|a| (a.cluster, a.kind, a.namespace, a.name));
        let _ = search.visit(from, |view| {
            let passed = after.is_none_or(|a| Rank::of(self, view, Order::Key).is_some_and(|r| r > a));
            if passed {
                views.push(view);
            }
            if views.len() > limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        views
    }

    /// One more than `limit` assets in an order for which every asset that passes must be looked at.
    fn first_ranked<'a>(
        &'a self,
        search: &Search<'a>,
        after: Option<Rank<'_>>,
        order: Order,
        limit: usize,
    ) -> Vec<View<'a>> {
        let mut heap: BinaryHeap<Ranked<'a>> = BinaryHeap::new();
        let _ = search.visit(None, |view| {
            let Some(rank) = Rank::of(self, view, order) else {
                return ControlFlow::Continue(());
            };
            let passed = after.is_none_or(|a| rank > a);
            if passed && (heap.len() <= limit || heap.peek().is_some_and(|worst| rank < worst.0)) {
                heap.push(Ranked(rank, view));
                if heap.len() > limit.saturating_add(1) {
                    heap.pop();
                }
            }
            ControlFlow::Continue(())
        });
        heap.into_sorted_vec()
            .into_iter()
            .map(|ranked| ranked.1)
            .collect()
    }

    pub(super) fn count(&self, filter: &Filter, presence: Presence, cap: usize) -> usize {
        let search = Search::new(self, filter, presence);
        let mut count = 0_usize;
        let mut add = |some: usize| {
            count = count.saturating_add(some);
            if count >= cap {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let _ = if search.scope.takes_groups() {
            search.scope.groups(self, None, |cluster, group| {
                match search.condition.holds_for_group(cluster, group) {
                    Some(false) => ControlFlow::Continue(()),
                    Some(true) => add(search.admitted(group)),
                    None => search.group(group, None, "", |_| add(1)),
                }
            })
        } else {
            search.visit(None, |_| add(1))
        };
        count.min(cap)
    }

    pub(super) fn facets(
        &self,
        filter: &Filter,
        presence: Presence,
        by: &[Facet],
    ) -> Vec<(Vec<String>, usize)> {
        let search = Search::new(self, filter, presence);
        let labelled = by.iter().any(|facet| matches!(facet, Facet::Label(_)));
        let mut sums: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        if !search.scope.takes_groups() {
            let _ = search.visit(None, |view| {
                if let Some(group) = self.group(view.head().group) {
                    *sums.entry(self.facet_values(group, Some(view), by)).or_default() += 1;
                }
                ControlFlow::Continue(())
            });
            return sums.into_iter().collect();
        }
        let _ = search.scope.groups(self, None, |cluster, group| {
            let verdict = search.condition.holds_for_group(cluster, group);
            if verdict == Some(false) {
                return ControlFlow::Continue(());
            }
            if verdict == Some(true) && !labelled {
                let count = search.admitted(group);
                if count > 0 {
                    *sums.entry(self.facet_values(group, None, by)).or_default() += count;
                }
                return ControlFlow::Continue(());
            }
            // Assets of one group differ in their labels alone: count those first.
            let mut counts: HashMap<Vec<String>, (usize, View<'_>)> = HashMap::new();
            let counted = search.group(group, verdict, "", |view| {
                let body = view.body();
                let labels = by.iter().map(|facet| match facet {
                    Facet::Label(key) => value(&body, LABELS, key).unwrap_or_default().to_owned(),
                    _ => String::new(),
                });
                counts.entry(labels.collect()).or_insert((0, view)).0 += 1;
                ControlFlow::Continue(())
            });
            for (count, view) in counts.into_values() {
                *sums.entry(self.facet_values(group, Some(view), by)).or_default() += count;
            }
            counted
        });
        sums.into_iter().collect()
    }

    fn facet_values(&self, group: &Group, view: Option<View<'_>>, by: &[Facet]) -> Vec<String> {
        let values = by.iter().map(|facet| match facet {
            Facet::Cluster => self.cluster(group.cluster).map_or("", |c| &c.name).to_owned(),
            Facet::Kind => kind_name(group.kind).to_owned(),
            Facet::Namespace => group.namespace.to_string(),
            Facet::Label(key) => {
                let body = view.map(|view| view.body()).unwrap_or_default();
                value(&body, LABELS, key).unwrap_or_default().to_owned()
            }
        });
        values.collect()
    }
}

struct Ranked<'a>(Rank<'a>, View<'a>);

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Ranked<'_> {}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
