//! Which assets: the filter that every store understands.

use crate::store::{Direction, Record};
use planisphere_schema::{AssetId, Kind, RelationKind, Time};
use uuid::Uuid;

/// A condition on an asset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All of them hold; an empty list holds.
    And(Vec<Filter>),
    /// One of them holds; an empty list does not.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// One of these.
    Ids(Vec<AssetId>),
    /// The incarnation that stands there now has one of these Kubernetes uids.
    Uids(Vec<Uuid>),
    /// The cluster's configured name, or its identity.
    Cluster(Text),
    /// One of these kinds.
    Kinds(Vec<Kind>),
    /// The namespace; empty for what lives in the cluster itself.
    Namespace(Text),
    /// The name.
    Name(Text),
    /// A label's value; [`Text::Exists`] asks for the key alone.
    Label(String, Text),
    /// An annotation's value, of those that are kept.
    Annotation(String, Text),
    /// The words, split at white space, all stand in the name, namespace, kind or a label's value, in any case.
    Search(String),
    /// Created at or after the first and before the second instant, as the cluster claims.
    Created(Option<Time>, Option<Time>),
    /// Changed at or after the first and before the second instant.
    Changed(Option<Time>, Option<Time>),
    /// An edge of this relation leads to an asset for which the filter holds.
    Related(RelationKind, Direction, Box<Filter>),
}

impl Filter {
    /// Holds for every asset.
    pub const ALL: Filter = Filter::And(Vec::new());

    /// Whether it holds for a record; none where it needs the graph to tell ([`Filter::Related`]).
    pub fn holds(&self, record: &Record) -> Option<bool> {
        let key = record.asset.reference.key();
        Some(match self {
            Filter::And(all) => {
                let mut unknown = false;
                for filter in all {
                    match filter.holds(record) {
                        Some(false) => return Some(false),
                        None => unknown = true,
                        Some(true) => {}
                    }
                }
                return (!unknown).then_some(true);
            }
            Filter::Or(any) => {
                let mut unknown = false;
                for filter in any {
                    match filter.holds(record) {
                        Some(true) => return Some(true),
                        None => unknown = true,
                        Some(false) => {}
                    }
                }
                return (!unknown).then_some(false);
            }
            Filter::Not(filter) => !filter.holds(record)?,
            Filter::Ids(ids) => ids.contains(&record.asset.reference.id()),
            Filter::Uids(uids) => uids.contains(&record.asset.uid),
            Filter::Cluster(text) => {
                text.matches(Some(&record.cluster_name)) || text.matches(Some(&key.cluster.to_string()))
            }
            Filter::Kinds(kinds) => kinds.contains(&key.kind),
            Filter::Namespace(text) => text.matches((!key.namespace.is_empty()).then_some(&key.namespace)),
            Filter::Name(text) => text.matches(Some(&key.name)),
            Filter::Label(label, text) => text.matches(record.asset.label(label)),
            Filter::Annotation(annotation, text) => text.matches(record.asset.annotation(annotation)),
            Filter::Search(words) => words.split_whitespace().all(|word| {
                let word = word.to_lowercase();
                let has = |text: &str| text.to_lowercase().contains(&word);
                has(&key.name)
                    || has(&key.namespace)
                    || has(&key.kind.to_string())
                    || record.asset.labels.iter().any(|l| has(&l.value))
            }),
            Filter::Created(from, to) => record.asset.created.is_some_and(|t| within(t, *from, *to)),
            Filter::Changed(from, to) => within(record.since.time(), *from, *to),
            Filter::Related(..) => return None,
        })
    }
}

fn within(time: Time, from: Option<Time>, to: Option<Time>) -> bool {
    from.is_none_or(|f| time >= f) && to.is_none_or(|t| time < t)
}

/// A condition on a text that may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    /// Equal.
    Eq(String),
    /// Not equal; holds for an absent text.
    Ne(String),
    /// One of these.
    In(Vec<String>),
    /// None of these; holds for an absent text.
    NotIn(Vec<String>),
    /// Starts so.
    StartsWith(String),
    /// Contains it.
    Contains(String),
    /// Is there, or is not.
    Exists(bool),
    /// All of these hold.
    All(Vec<Text>),
}

impl Text {
    /// Whether it holds for this text.
    pub fn matches(&self, text: Option<&str>) -> bool {
        match self {
            Text::Eq(value) => text == Some(value),
            Text::Ne(value) => text != Some(value),
            Text::In(values) => text.is_some_and(|t| values.iter().any(|v| v == t)),
            Text::NotIn(values) => text.is_none_or(|t| values.iter().all(|v| v != t)),
            Text::StartsWith(value) => text.is_some_and(|t| t.starts_with(value.as_str())),
            Text::Contains(value) => text.is_some_and(|t| t.contains(value.as_str())),
            Text::Exists(wanted) => text.is_some() == *wanted,
            Text::All(all) => all.iter().all(|t| t.matches(text)),
        }
    }
}

/// Whether stubs count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Presence {
    /// What exists, things known by name (zones, addresses) included.
    #[default]
    Present,
    /// What is referred to but does not exist.
    Dangling,
    /// Both.
    Any,
}

impl Presence {
    /// Whether a record counts.
    pub fn admits(self, record: &Record) -> bool {
        match self {
            Presence::Present => !record.is_dangling(),
            Presence::Dangling => record.is_dangling(),
            Presence::Any => true,
        }
    }
}

/// A value to count by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Facet {
    /// The cluster's configured name.
    Cluster,
    /// The kind, with group.
    Kind,
    /// The namespace; empty for what lives in the cluster itself.
    Namespace,
    /// The value of a label; empty where it is absent.
    Label(String),
}

impl Facet {
    /// The record's value.
    pub fn value(&self, record: &Record) -> String {
        let key = record.asset.reference.key();
        match self {
            Facet::Cluster => record.cluster_name.to_string(),
            Facet::Kind => key.kind.to_string(),
            Facet::Namespace => key.namespace.to_string(),
            Facet::Label(label) => record.asset.label(label).unwrap_or_default().to_owned(),
        }
    }
}
