//! The filter as callers write it, turned into the one that stores understand. Kinds are looked up, so that a misspelt
//! one is an error and not an empty answer.

use super::reference::Direction;
use crate::query::{QueryError, names};
use crate::store::{self, Filter, Presence, Snapshot, Text};
use async_graphql::{ID, InputObject};
use planisphere_schema::{RelationKind, Time};
use std::pin::Pin;

/// A condition on a text. All that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TextFilter {
    /// Equal.
    eq: Option<String>,
    /// Not equal; holds where there is no text.
    ne: Option<String>,
    /// One of these.
    r#in: Option<Vec<String>>,
    /// None of these; holds where there is no text.
    nin: Option<Vec<String>>,
    /// Starts so.
    starts_with: Option<String>,
    /// Contains it.
    contains: Option<String>,
    /// Is there, or is not.
    exists: Option<bool>,
}

/// A condition on a kind. All that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct KindFilter {
    /// This kind.
    eq: Option<String>,
    /// Any other kind.
    ne: Option<String>,
    /// One of these.
    r#in: Option<Vec<String>>,
    /// None of these.
    nin: Option<Vec<String>>,
}

/// A condition on a label or annotation.
#[derive(Clone, Debug, InputObject)]
pub struct LabelFilter {
    /// The key.
    key: String,
    /// The value is equal.
    eq: Option<String>,
    /// The value is not equal; holds where the key is absent.
    ne: Option<String>,
    /// The value is one of these.
    r#in: Option<Vec<String>>,
    /// The value is none of these; holds where the key is absent.
    nin: Option<Vec<String>>,
    /// The key is there, or is not. Without any other condition: is there.
    exists: Option<bool>,
}

/// A span of time.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TimeFilter {
    /// At this instant or later.
    gte: Option<Time>,
    /// Before this instant.
    lt: Option<Time>,
}

/// A condition on the other end of an edge.
#[derive(Clone, Debug, InputObject)]
pub struct RelatedFilter {
    /// The relation.
    relation: RelationKind,
    /// Which way the edge points, seen from the asset that is filtered.
    direction: Direction,
    /// What must hold for one asset at the other end; `{}` for any.
    some: Box<AssetFilter>,
}

/// Which assets. All that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AssetFilter {
    /// All of these hold.
    and: Option<Vec<AssetFilter>>,
    /// One of these holds.
    or: Option<Vec<AssetFilter>>,
    /// This does not hold.
    not: Option<Box<AssetFilter>>,
    /// One of these assets.
    ids: Option<Vec<ID>>,
    /// The cluster's configured name, or its identity.
    cluster: Option<TextFilter>,
    /// The kind.
    kind: Option<KindFilter>,
    /// The namespace; absent for what lives in the cluster itself.
    namespace: Option<TextFilter>,
    /// The name.
    name: Option<TextFilter>,
    /// A label.
    label: Option<LabelFilter>,
    /// An annotation, of those that are kept.
    annotation: Option<LabelFilter>,
    /// When it was created, as the cluster claims.
    created_at: Option<TimeFilter>,
    /// When it last changed.
    changed_at: Option<TimeFilter>,
    /// True: only assets that are referred to but do not exist. False, or left out: only those that exist.
    /// Stands at the top of a filter alone.
    dangling: Option<bool>,
    /// It has such an edge.
    related: Option<RelatedFilter>,
}

/// The filter and which assets count, by a filter and search words.
///
/// # Errors
/// When a kind or id is none, or `dangling` stands where it cannot.
pub async fn selection(
    snapshot: &dyn Snapshot,
    filter: Option<AssetFilter>,
    search: Option<String>,
) -> Result<(Filter, Presence), QueryError> {
    if let Some(words) = &search {
        let number = words.split_whitespace().count();
        if number > MOST_WORDS {
            return Err(QueryError::Input(format!(
                "`search` has {number} words; it may have up to {MOST_WORDS}"
            )));
        }
    }
    let mut filter = filter.unwrap_or_default();
    let presence = match filter.dangling.take() {
        Some(true) => Presence::Dangling,
        Some(false) | None => Presence::Present,
    };
    let mut read = read(snapshot, filter).await?;
    let (size, related) = size(&read);
    if size > MOST_CONDITIONS {
        return Err(QueryError::Input(format!(
            "the filter has {size} conditions and values; it may have up to {MOST_CONDITIONS}"
        )));
    }
    if related > MOST_RELATED {
        return Err(QueryError::Input(format!(
            "the filter has `related` in `related` {related} deep; it may go {MOST_RELATED} deep, and topology further"
        )));
    }
    if let Some(words) = search.filter(|s| !s.trim().is_empty()) {
        let words = Filter::Search(words);
        read = match read {
            Filter::And(mut all) => {
                all.push(words);
                Filter::And(all)
            }
            other => Filter::And(vec![other, words]),
        };
    }
    Ok((read, presence))
}

/// Words that a search may have. Stores compare them with every asset.
const MOST_WORDS: usize = 16;

/// Conditions and values that a filter may have. Stores compare them with every asset.
const MOST_CONDITIONS: usize = 500;

/// How deep `related` may stand in `related`: each level multiplies by the edges of an asset.
const MOST_RELATED: usize = 2;

/// How many conditions and values a filter has, and how deep `related` stands in `related`.
fn size(filter: &Filter) -> (usize, usize) {
    let text = |text: &Text| match text {
        Text::In(values) | Text::NotIn(values) => values.len(),
        Text::All(all) => all
            .iter()
            .map(|t| match t {
                Text::In(values) | Text::NotIn(values) => values.len(),
                _ => 1,
            })
            .sum(),
        _ => 1,
    };
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().map(size).fold((1, 0), |(n, deep), (m, other)| {
            (n.saturating_add(m), deep.max(other))
        }),
        Filter::Not(inner) => size(inner),
        Filter::Related(_, _, some) => {
            let (n, deep) = size(some);
            (n + 1, deep + 1)
        }
        Filter::Ids(ids) => (ids.len(), 0),
        Filter::Uids(uids) => (uids.len(), 0),
        Filter::Kinds(kinds) => (kinds.len(), 0),
        Filter::Cluster(t) | Filter::Namespace(t) | Filter::Name(t) => (text(t), 0),
        Filter::Label(_, t) | Filter::Annotation(_, t) => (text(t), 0),
        Filter::Search(_) | Filter::Created(..) | Filter::Changed(..) => (1, 0),
    }
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Filter, QueryError>> + Send + 'a>>;

fn read(snapshot: &dyn Snapshot, filter: AssetFilter) -> Reading<'_> {
    Box::pin(async move {
        if filter.dangling.is_some() {
            return Err(QueryError::Input(
                "`dangling` stands at the top of a filter alone, not inside `and`, `or`, `not` or `related`"
                    .into(),
            ));
        }
        let mut all = Vec::new();
        for one in filter.and.into_iter().flatten() {
            all.push(read(snapshot, one).await?);
        }
        if let Some(any) = filter.or {
            let mut read_any = Vec::with_capacity(any.len());
            for one in any {
                read_any.push(read(snapshot, one).await?);
            }
            all.push(Filter::Or(read_any));
        }
        if let Some(not) = filter.not {
            all.push(Filter::Not(Box::new(read(snapshot, *not).await?)));
        }
        if let Some(ids) = filter.ids {
            let ids: Result<Vec<_>, _> = ids.iter().map(|id| names::asset_id(id)).collect();
            all.push(Filter::Ids(ids?));
        }
        if let Some(kind) = filter.kind {
            kinds(snapshot, kind, &mut all).await?;
        }
        all.extend(filter.cluster.map(|t| Filter::Cluster(t.into())));
        all.extend(filter.namespace.map(|t| Filter::Namespace(t.into())));
        all.extend(filter.name.map(|t| Filter::Name(t.into())));
        all.extend(filter.label.map(|l| {
            let (key, text) = l.split();
            Filter::Label(key, text)
        }));
        all.extend(filter.annotation.map(|l| {
            let (key, text) = l.split();
            Filter::Annotation(key, text)
        }));
        all.extend(filter.created_at.map(|t| Filter::Created(t.gte, t.lt)));
        all.extend(filter.changed_at.map(|t| Filter::Changed(t.gte, t.lt)));
        if let Some(related) = filter.related {
            let some = read(snapshot, *related.some).await?;
            let direction = store::Direction::from(related.direction);
            all.push(Filter::Related(related.relation, direction, Box::new(some)));
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Filter::And(all),
        })
    })
}

async fn kinds(snapshot: &dyn Snapshot, filter: KindFilter, all: &mut Vec<Filter>) -> Result<(), QueryError> {
    let negate = |f: Filter| Filter::Not(Box::new(f));
    if let Some(text) = filter.eq {
        all.push(Filter::Kinds(vec![names::kind(snapshot, &text).await?]));
    }
    if let Some(text) = filter.ne {
        all.push(negate(Filter::Kinds(vec![names::kind(snapshot, &text).await?])));
    }
    for (texts, wanted) in [(filter.r#in, true), (filter.nin, false)] {
        let Some(texts) = texts else { continue };
        let mut kinds = Vec::with_capacity(texts.len());
        for text in texts {
            kinds.push(names::kind(snapshot, &text).await?);
        }
        let one_of = Filter::Kinds(kinds);
        all.push(if wanted { one_of } else { negate(one_of) });
    }
    Ok(())
}

impl From<TextFilter> for Text {
    fn from(filter: TextFilter) -> Self {
        let mut all = Vec::new();
        all.extend(filter.eq.map(Text::Eq));
        all.extend(filter.ne.map(Text::Ne));
        all.extend(filter.r#in.map(Text::In));
        all.extend(filter.nin.map(Text::NotIn));
        all.extend(filter.starts_with.map(Text::StartsWith));
        all.extend(filter.contains.map(Text::Contains));
        all.extend(filter.exists.map(Text::Exists));
        match all.len() {
            1 => all.remove(0),
            _ => Text::All(all),
        }
    }
}

impl LabelFilter {
    fn split(self) -> (String, Text) {
        let bare = self.eq.is_none() && self.ne.is_none() && self.r#in.is_none() && self.nin.is_none();
        let text = TextFilter {
            eq: self.eq,
            ne: self.ne,
            r#in: self.r#in,
            nin: self.nin,
            exists: self.exists.or(bare.then_some(true)),
            ..TextFilter::default()
        };
        (self.key, text.into())
    }
}
