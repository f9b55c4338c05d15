//! What extraction knows beside the object: its cluster, the scopes of the cluster's custom kinds, and the rules.

use crate::rules::KindRules;
use planisphere_schema::{ClusterId, Kind, Scope};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, RwLock};

/// How many kinds whose scope was guessed are remembered.
const GUESSES_MAX: usize = 1_000;

/// What one cluster tells of its custom kinds; shared by all that read its objects.
#[derive(Debug, Default)]
pub struct Catalog(RwLock<Entries>);

#[derive(Debug, Default)]
struct Entries {
    known: HashMap<Kind, Entry>,
    /// Kinds that were taken to be namespaced, and the kinds whose objects named them.
    guessed: HashMap<Kind, BTreeSet<Kind>>,
}

/// A custom kind of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether its objects live in a namespace.
    pub scope: Scope,
    /// The name of its CustomResourceDefinition, where it has one.
    pub definition: Option<String>,
}

impl Catalog {
    /// Takes in what the cluster says of a kind; gives the kinds whose objects were read under another assumption.
    pub fn learn(&self, kind: Kind, entry: Entry) -> BTreeSet<Kind> {
        let mut entries = self.0.write().unwrap_or_else(|e| e.into_inner());
        let guessed = entries.guessed.remove(&kind).unwrap_or_default();
        let scope = entry.scope;
        entries.known.insert(kind, entry);
        if scope == Scope::Cluster {
            guessed
        } else {
            BTreeSet::new()
        }
    }

    fn entry(&self, kind: Kind) -> Option<Entry> {
        let entries = self.0.read().unwrap_or_else(|e| e.into_inner());
        entries.known.get(&kind).cloned()
    }

    fn scope(&self, kind: Kind, named_by: Kind) -> Option<Scope> {
        let entries = self.0.read().unwrap_or_else(|e| e.into_inner());
        let known = entries.known.get(&kind).map(|e| e.scope);
        let noted = known.is_some()
            || entries
                .guessed
                .get(&kind)
                .is_some_and(|by| by.contains(&named_by));
        drop(entries);
        if !noted {
            let mut entries = self.0.write().unwrap_or_else(|e| e.into_inner());
            if entries.guessed.len() < GUESSES_MAX || entries.guessed.contains_key(&kind) {
                entries.guessed.entry(kind).or_default().insert(named_by);
            }
        }
        known
    }
}

/// What the extraction of one kind's objects knows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context(Arc<Known>);

#[derive(Debug)]
struct Known {
    cluster: ClusterId,
    catalog: Arc<Catalog>,
    rules: Arc<KindRules>,
}

impl Context {
    /// The objects of one kind, of this cluster and with the rules of that kind.
    pub fn new(cluster: ClusterId, catalog: Arc<Catalog>, rules: Arc<KindRules>) -> Self {
        Self(Arc::new(Known {
            cluster,
            catalog,
            rules,
        }))
    }

    pub(super) fn cluster(&self) -> ClusterId {
        self.0.cluster
    }

    pub(super) fn rules(&self) -> &KindRules {
        &self.0.rules
    }

    /// The name of a kind's definition, where the cluster says that it has one.
    pub(super) fn definition(&self, kind: Kind) -> Option<String> {
        self.0.catalog.entry(kind)?.definition
    }

    /// The namespace of an object of `kind`, where `namespace` is what is said of it. A custom kind whose scope is not
    /// known is taken as it comes.
    pub(super) fn namespace<'n>(&self, kind: Kind, namespace: &'n str, named_by: Kind) -> &'n str {
        let scope = match kind {
            Kind::Custom(_) if namespace.is_empty() => None,
            Kind::Custom(_) => self.0.catalog.scope(kind, named_by),
            _ => kind.row().map(|r| r.scope),
        };
        if scope == Some(Scope::Cluster) {
            ""
        } else {
            namespace
        }
    }
}

impl From<ClusterId> for Context {
    fn from(cluster: ClusterId) -> Self {
        Self::new(cluster, Arc::default(), Arc::default())
    }
}
