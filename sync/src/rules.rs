//! Rules: what is kept of custom resources and what their fields refer to, as data that users write. This room reads,
//! checks and compiles rule files; it sees no object (`extract` applies what is compiled here) and no cluster.

mod compile;
mod error;
mod files;
mod form;
mod path;
mod pattern;
mod projection;
mod shipped;
#[cfg(test)]
mod tests;

pub use error::RuleError;
pub use files::{Loaded, load, read_files};
pub use path::{Path, Step};
pub(crate) use pattern::Captured;
pub use pattern::Pattern;
pub(crate) use projection::{Projection, TEXT_MAX};
pub use shipped::{SHIPPED, shipped};

use planisphere_schema::attributes::FieldType;
use planisphere_schema::{Kind, RelationKind};
use std::hash::Hasher;
use std::sync::Arc;

/// All rules that hold, compiled.
#[derive(Debug, Default)]
pub struct Rules {
    all: Vec<Arc<Rule>>,
}

/// The rules that hold for one kind.
#[derive(Debug, Default)]
pub struct KindRules {
    /// In the order of their names.
    pub(crate) rules: Vec<Arc<Rule>>,
    /// What is read of an object: nothing else is ever built.
    pub(crate) projection: Projection,
    fingerprint: u64,
}

/// Which objects a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Objects of one kind.
    Kind(Kind),
    /// Custom resources of one group: `*.example.org`.
    Group(String),
    /// All custom resources: `*.*`.
    Custom,
    /// All objects, as far as their labels and annotations go: `*`.
    Any,
}

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub name: String,
    pub subject: Subject,
    pub when: Vec<When>,
    pub attributes: Vec<AttributeRule>,
    pub relations: Vec<RelationRule>,
    print: u64,
}

/// A condition on the object.
#[derive(Debug)]
pub(crate) struct When {
    pub path: Path,
    pub holds: Holds,
}

/// What must be so at a path.
#[derive(Debug)]
pub(crate) enum Holds {
    /// Something stands there, or nothing does.
    Exists(bool),
    /// One of these texts stands there.
    OneOf(Vec<String>),
}

/// One field that is kept.
#[derive(Debug)]
pub(crate) struct AttributeRule {
    pub name: String,
    pub path: Path,
    pub of: FieldType,
}

/// One reference that becomes edges.
#[derive(Debug)]
pub(crate) struct RelationRule {
    pub relation: RelationKind,
    pub label: Option<String>,
    pub path: Path,
    /// The place holds an object that names its target by `kind`, `name` and so on; else a text.
    pub is_ref: bool,
    pub kind: Option<Kind>,
    pub group: Option<String>,
    pub kind_path: Option<Path>,
    pub namespace: Option<InNamespace>,
    pub patterns: Vec<Pattern>,
    pub except: Vec<String>,
    pub or_own_name: bool,
    /// The place holds an object that says which image it speaks of.
    pub image: Option<ImageRule>,
    pub when: Vec<When>,
}

/// What tells an image, each from the place of the reference on.
#[derive(Debug)]
pub(crate) struct ImageRule {
    pub digest: Path,
    /// Without it the digest alone is its name.
    pub repository: Option<Path>,
    pub registry: Option<Path>,
}

/// Where a target lives.
#[derive(Debug)]
pub(crate) enum InNamespace {
    /// In the object's own namespace, whatever the reference says.
    Own,
    /// In none.
    None,
    /// Always there.
    Fixed(String),
    /// Where this path says; the object's own where it says nothing.
    Path(Path),
}

/// Counts up when the same rules come to mean something else, so that what was read before is read again.
const MEANING: u64 = 1;

impl Rules {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The names of all rules, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|r| r.name.as_str())
    }

    /// Those that hold for a kind.
    pub fn of(&self, kind: Kind) -> Arc<KindRules> {
        let custom = matches!(kind, Kind::Custom(_));
        let rules: Vec<_> = self
            .all
            .iter()
            .filter(|r| match &r.subject {
                Subject::Kind(of) => *of == kind,
                Subject::Group(group) => custom && kind.group() == group,
                Subject::Custom => custom,
                Subject::Any => true,
            })
            .cloned()
            .collect();
        let mut projection = Projection::default();
        if custom {
            projection.add_conditions();
            rules.iter().for_each(|rule| rule.project(&mut projection));
            projection.finish();
        }
        let fingerprint = match rules.is_empty() {
            true => 0,
            false => {
                let mut hash = twox_hash::XxHash3_64::with_seed(MEANING);
                rules.iter().for_each(|r| hash.write_u64(r.print));
                hash.finish().max(1)
            }
        };
        Arc::new(KindRules {
            rules,
            projection,
            fingerprint,
        })
    }
}

impl KindRules {
    /// Tells these rules from others; 0 where there are none. What was read under another fingerprint is read again.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl Rule {
    fn project(&self, projection: &mut Projection) {
        let conditions = self.relations.iter().flat_map(|r| &r.when);
        for when in self.when.iter().chain(conditions) {
            projection.add(&when.path, &[]);
        }
        for attribute in &self.attributes {
            projection.add(&attribute.path, &[]);
        }
        for relation in &self.relations {
            match &relation.image {
                Some(image) => {
                    let parts = [
                        Some(&image.digest),
                        image.repository.as_ref(),
                        image.registry.as_ref(),
                    ];
                    for part in parts.into_iter().flatten() {
                        projection.add(&relation.path.join(part), &[]);
                    }
                }
                None => {
                    let fields: &[&str] = if relation.is_ref { REF_FIELDS } else { &[] };
                    projection.add(&relation.path, fields);
                }
            }
            if let Some(path) = &relation.kind_path {
                projection.add(path, &[]);
            }
            if let Some(InNamespace::Path(path)) = &relation.namespace {
                projection.add(path, &[]);
            }
        }
    }
}

/// What is read of an object that names another one.
pub(crate) const REF_FIELDS: &[&str] = &[
    "apiVersion",
    "apiGroup",
    "group",
    "kind",
    "name",
    "namespace",
    "uid",
];
