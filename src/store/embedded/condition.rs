//! A filter made ready for many assets, and read from their stored form: whole groups of a cluster, kind and namespace are
//! taken or left without a look at their assets wherever the filter allows.

use super::body::{ANNOTATIONS, LABELS, pairs, value};
use super::chunk::{View, relation_number};
use super::state::{ClusterEntry, Group, State, kind_name};
use crate::store::{Direction, Filter, Text};
use planisphere_schema::{AssetId, Kind, Time};
use std::collections::HashSet;
use uuid::Uuid;

/// A filter, made ready.
pub(super) enum Condition<'a> {
    All(Vec<Condition<'a>>),
    Any(Vec<Condition<'a>>),
    Not(Box<Condition<'a>>),
    Ids(HashSet<AssetId>),
    Uids(HashSet<Uuid>),
    Cluster(&'a Text),
    Kinds(&'a [Kind]),
    Namespace(&'a Text),
    Name(&'a Text),
    Pair(u64, &'a str, &'a Text),
    /// Words in lower case.
    Search(Vec<String>),
    Created(Option<Time>, Option<Time>),
    Changed(Option<Time>, Option<Time>),
    Related(u8, Direction, Box<Condition<'a>>),
}

impl<'a> Condition<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        match filter {
            Filter::And(all) => Condition::All(all.iter().map(Condition::new).collect()),
            Filter::Or(any) => Condition::Any(any.iter().map(Condition::new).collect()),
            Filter::Not(inner) => Condition::Not(Box::new(Condition::new(inner))),
            Filter::Ids(ids) => Condition::Ids(ids.iter().copied().collect()),
            Filter::Uids(uids) => Condition::Uids(uids.iter().copied().collect()),
            Filter::Cluster(text) => Condition::Cluster(text),
            Filter::Kinds(kinds) => Condition::Kinds(kinds),
            Filter::Namespace(text) => Condition::Namespace(text),
            Filter::Name(text) => Condition::Name(text),
            Filter::Label(key, text) => Condition::Pair(LABELS, key, text),
            Filter::Annotation(key, text) => Condition::Pair(ANNOTATIONS, key, text),
            Filter::Search(words) => {
                Condition::Search(words.split_whitespace().map(str::to_lowercase).collect())
            }
            Filter::Created(from, to) => Condition::Created(*from, *to),
            Filter::Changed(from, to) => Condition::Changed(*from, *to),
            Filter::Related(relation, direction, inner) => Condition::Related(
                relation_number(*relation),
                *direction,
                Box::new(Condition::new(inner)),
            ),
        }
    }

    /// Whether it holds for all assets of a group, or for none of them; none where it depends on the asset.
    pub(super) fn holds_for_group(&self, cluster: &ClusterEntry, group: &Group) -> Option<bool> {
        match self {
            Condition::All(all) => all_hold(all.iter().map(|c| c.holds_for_group(cluster, group))),
            // One of them holds unless all of them do not.
            Condition::Any(any) => {
                let fails = |c: &Condition<'_>| c.holds_for_group(cluster, group).map(|holds| !holds);
                all_hold(any.iter().map(fails)).map(|fail| !fail)
            }
            Condition::Not(inner) => inner.holds_for_group(cluster, group).map(|holds| !holds),
            Condition::Cluster(text) => {
                Some(text.matches(Some(&cluster.name)) || text.matches(Some(&cluster.id_text)))
            }
            Condition::Kinds(kinds) => Some(kinds.contains(&group.kind)),
            Condition::Namespace(text) => {
                Some(text.matches((!group.namespace.is_empty()).then_some(&*group.namespace)))
            }
            _ => None,
        }
    }

    /// Whether it looks at single assets: where it does not, whole groups are taken or left.
    pub(super) fn looks_at_assets(&self) -> bool {
        match self {
            Condition::All(some) | Condition::Any(some) => some.iter().any(Condition::looks_at_assets),
            Condition::Not(inner) => inner.looks_at_assets(),
            Condition::Cluster(_) | Condition::Kinds(_) | Condition::Namespace(_) => false,
            _ => true,
        }
    }

    /// Whether it holds for an asset.
    pub(super) fn holds(&self, state: &State, view: View<'_>) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|c| c.holds(state, view)),
            Condition::Any(any) => any.iter().any(|c| c.holds(state, view)),
            Condition::Not(inner) => !inner.holds(state, view),
            Condition::Ids(ids) => ids.contains(&view.head().id),
            Condition::Uids(uids) => uids.contains(&view.head().uid),
            Condition::Cluster(_) | Condition::Kinds(_) | Condition::Namespace(_) => {
                let group = state.group(view.head().group);
                let verdict = group.and_then(|g| self.holds_for_group(state.cluster(g.cluster)?, g));
                verdict.unwrap_or_default()
            }
            Condition::Name(text) => text.matches(Some(view.name())),
            Condition::Pair(field, key, text) => text.matches(value(&view.body(), *field, key)),
            Condition::Search(words) => search(words, state, view),
            Condition::Created(from, to) => view.head().created().is_some_and(|t| within(t, *from, *to)),
            Condition::Changed(from, to) => within(view.head().since.time(), *from, *to),
            Condition::Related(relation, direction, inner) => {
                related(state, view, *relation, *direction, &|other| {
                    inner.holds(state, other)
                })
            }
        }
    }
}

/// Whether all hold, where that can be told.
fn all_hold(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut sum = Some(true);
    for verdict in verdicts {
        match verdict {
            Some(true) => {}
            Some(false) => return Some(false),
            None => sum = None,
        }
    }
    sum
}

fn within(time: Time, from: Option<Time>, to: Option<Time>) -> bool {
    from.is_none_or(|f| time >= f) && to.is_none_or(|t| time < t)
}

fn search(words: &[String], state: &State, view: View<'_>) -> bool {
    let group = state.group(view.head().group);
    let in_group = |word: &str| {
        group.is_some_and(|g| {
            contains(g.namespace.as_bytes(), word) || contains(kind_name(g.kind).as_bytes(), word)
        })
    };
    let elsewhere = |word: &String| !contains(view.name_bytes(), word) && !in_group(word);
    let in_labels: Vec<&String> = words.iter().filter(|word| elsewhere(word)).collect();
    // Most assets are settled by their names, without a look at the body.
    in_labels.is_empty() || {
        let body = view.body();
        let in_label = |word: &&String| pairs(&body, LABELS).any(|(_, value)| contains(value, word));
        in_labels.iter().all(in_label)
    }
}

/// Whether a text has a word, which is in lower case already, in any case.
fn contains(text: &[u8], word: &str) -> bool {
    let plain = word.as_bytes();
    let Some(first) = plain.first() else {
        return true;
    };
    // Most places differ in their first letter already.
    let begins = |part: &[u8]| part[0].eq_ignore_ascii_case(first) && part.eq_ignore_ascii_case(plain);
    if text.windows(plain.len()).any(begins) {
        return true;
    }
    // Letters beyond ASCII change length and bytes with their case.
    !text.is_ascii() && std::str::from_utf8(text).is_ok_and(|t| t.to_lowercase().contains(word))
}

/// Whether an edge of this relation leads to an asset that passes.
fn related(
    state: &State,
    view: View<'_>,
    relation: u8,
    direction: Direction,
    passes: &dyn Fn(View<'_>) -> bool,
) -> bool {
    let Some(slot) = state.find(view.head().id) else {
        return false;
    };
    let passes = |other: u32| state.view(other).is_some_and(passes);
    let (out, into) = (direction != Direction::In, direction != Direction::Out);
    let declared = view
        .edges()
        .map(|(edge, _)| edge)
        .filter(|e| e.relation == relation);
    let mut ends = declared.flat_map(|e| {
        let target = (out && e.from == slot).then_some(e.to);
        target.into_iter().chain((into && e.to == slot).then_some(e.from))
    });
    if ends.any(passes) {
        return true;
    }
    // A loop is kept once, as outgoing.
    let leads = |half: &super::chunk::Half| {
        half.relation() == relation
            && if half.incoming() {
                into
            } else {
                out || half.other == slot
            }
    };
    match view.many_halves() {
        Some(many) => {
            let first = many.partition(|half| half.relation() < relation);
            let halves = many
                .iter_from(first)
                .take_while(|half| half.relation() == relation);
            halves.filter(leads).any(|half| passes(half.other))
        }
        None => view
            .few_halves()
            .iter()
            .filter(|half| leads(half))
            .any(|half| passes(half.other)),
    }
}
