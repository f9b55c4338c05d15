//! Rules as they are written become rules that can be applied, or a list of mistakes.

use super::error::Faults;
use super::form::{
    AttributeForm, ImageForm, NamespaceForm, RelationForm, RuleForm, TypeForm, WhenForm, part,
};
use super::{AttributeRule, Holds, ImageRule, InNamespace, Path, Pattern, RelationRule, Rule, Subject, When};
use planisphere_schema::attributes::FieldType;
use planisphere_schema::{Kind, RelationKind};
use serde_json::Value;
use std::collections::BTreeSet;

/// Relations that a rule may draw: those whose meaning no other code depends on.
const DRAWN: &[RelationKind] = &[
    RelationKind::DependsOn,
    RelationKind::RefersTo,
    RelationKind::ManagedBy,
    RelationKind::ReportsOn,
    RelationKind::Reads,
    RelationKind::UsesTls,
    RelationKind::ForwardsTo,
    RelationKind::RunsAs,
    RelationKind::RunsOn,
];

/// Attributes or relations that one rule may have.
const PARTS_MAX: usize = 64;
/// The longest name of a rule, attribute or label, in bytes.
const NAME_MAX: usize = 63;

/// Compiles one rule; none where anything is wrong with it.
pub(super) fn rule(value: &Value, number: usize, faults: &mut Faults<'_>) -> Option<Rule> {
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
    faults.rule = match name {
        "" => format!("{number}"),
        name => format!("`{}`", &name[..name.floor_char_boundary(NAME_MAX)]),
    };
    let before = faults.found.len();
    let form: RuleForm = part(value, "", faults)?;
    if !is_name(&form.name) {
        faults.add(
            "name",
            format!("a name has 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`"),
        );
    }
    let subject = faults.ok("kind", subject(&form.kind));
    let when = conditions(&form.when, "when", faults);
    for (what, parts) in [("attributes", &form.attributes), ("relations", &form.relations)] {
        if parts.len() > PARTS_MAX {
            faults.add(
                what,
                format!("{} of them; a rule may have up to {PARTS_MAX}", parts.len()),
            );
        }
    }
    if form.attributes.is_empty() && form.relations.is_empty() {
        faults.add("", "it has neither attributes nor relations");
    }
    let attributes = attributes(&form.attributes, faults);
    let mut relations = Vec::new();
    for (index, value) in form.relations.iter().take(PARTS_MAX).enumerate() {
        relations.extend(relation(value, &format!("relations[{index}]"), faults));
    }
    let rule = Rule {
        print: twox_hash::XxHash3_64::oneshot(value.to_string().as_bytes()),
        name: form.name,
        subject: subject?,
        when,
        attributes,
        relations,
    };
    limits(&rule, faults);
    (faults.found.len() == before).then_some(rule)
}

fn is_name(name: &str) -> bool {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(valid)
}

fn subject(text: &str) -> Result<Subject, String> {
    match text {
        "*" => Ok(Subject::Any),
        "*.*" => Ok(Subject::Custom),
        _ => match text.strip_prefix("*.") {
            Some(group) if Kind::mentioned(group, "X").is_some() || is_group(group) => {
                Ok(Subject::Group(group.to_owned()))
            }
            Some(group) => Err(format!("{group:?} is no API group")),
            None => kind(text).map(Subject::Kind),
        },
    }
}

fn is_group(group: &str) -> bool {
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    !group.is_empty() && group.len() <= 253 && group.bytes().all(valid)
}

/// A kind as rules name it: `Kind.group`, or the bare name of a built-in kind where it is the only one.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    let (name, group) = text.split_once('.').map_or((text, None), |(n, g)| (n, Some(g)));
    let full = |k: &&Kind| k.to_string() == text;
    if let Some(known) = Kind::BUILT_IN.iter().find(full) {
        return Ok(*known);
    }
    let Some(group) = group else {
        let same = Kind::BUILT_IN.iter().filter(|k| k.short_name() == name);
        let same: Vec<String> = same.map(Kind::to_string).collect();
        return match same.as_slice() {
            [one] => Kind::parse(one).ok_or_else(|| format!("there is no kind {text:?}")),
            [] => Err(format!(
                "{text:?} could be any kind of that name: write it with its group, as in Widget.example.org"
            )),
            _ => Err(format!("{text:?} is ambiguous: write one of {}", same.join(", "))),
        };
    };
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Err(format!(
            "{text:?} does not begin with a capital: write the kind, not the resource, as in Widget.example.org"
        ));
    }
    let valid = name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if !valid || !is_group(group) {
        return Err(format!("{text:?} is no kind; write it as in Widget.example.org"));
    }
    Ok(Kind::declared(group, name))
}

fn conditions(values: &[Value], place: &str, faults: &mut Faults<'_>) -> Vec<When> {
    let mut all = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let place = format!("{place}[{index}]");
        let Some(form) = part::<WhenForm>(value, &place, faults) else {
            continue;
        };
        let holds = match (form.exists, form.equals, form.one_of) {
            (Some(exists), None, None) => Some(Holds::Exists(exists)),
            (None, Some(text), None) => Some(Holds::OneOf(vec![text])),
            (None, None, Some(texts)) => Some(Holds::OneOf(texts)),
            _ => {
                faults.add(&*place, "one of `exists`, `equals` and `oneOf` must stand in it");
                None
            }
        };
        let path = faults.ok(&format!("{place}.path"), path(&form.path));
        all.extend(path.zip(holds).map(|(path, holds)| When { path, holds }));
    }
    all
}

/// Of metadata only names, labels and annotations are read: the rest is Kubernetes' own, or kept already.
fn path(text: &str) -> Result<Path, String> {
    let path = Path::parse(text)?;
    let named = path.label().is_some() || path.annotation().is_some() || path.own().is_some();
    if path.is_metadata() && !named {
        return Err(format!(
            "{text:?}: of metadata, name, namespace, labels[\"KEY\"] and annotations[\"KEY\"] may be named"
        ));
    }
    if path.annotation() == Some("kubectl.kubernetes.io/last-applied-configuration") {
        return Err(format!(
            "{text:?} holds the whole object, secrets included: it is never read"
        ));
    }
    Ok(path)
}

fn attributes(values: &[Value], faults: &mut Faults<'_>) -> Vec<AttributeRule> {
    let mut all: Vec<AttributeRule> = Vec::new();
    for (index, value) in values.iter().take(PARTS_MAX).enumerate() {
        let place = format!("attributes[{index}]");
        let Some(form) = part::<AttributeForm>(value, &place, faults) else {
            continue;
        };
        if !is_name(&form.name) {
            faults.add(
                format!("{place}.name"),
                format!("a name has 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`"),
            );
        }
        if all.iter().any(|a| a.name == form.name) {
            faults.add(
                format!("{place}.name"),
                format!("{:?} stands here twice", form.name),
            );
        }
        let of = match form.of {
            TypeForm::String => FieldType::String,
            TypeForm::Number => FieldType::Number,
            TypeForm::Bool => FieldType::Bool,
            TypeForm::Quantity => FieldType::Quantity,
            TypeForm::Timestamp => FieldType::Timestamp,
        };
        let path = faults.ok(&format!("{place}.path"), path(&form.path));
        all.extend(path.map(|path| AttributeRule {
            name: form.name,
            path,
            of,
        }));
    }
    all
}

fn relation(value: &Value, place: &str, faults: &mut Faults<'_>) -> Option<RelationRule> {
    let form: RelationForm = part(value, place, faults)?;
    let at = |key: &str| format!("{place}.{key}");
    let drawn = RelationKind::parse(&form.relation).filter(|r| DRAWN.contains(r));
    let relation = drawn.ok_or_else(|| {
        let known: Vec<&str> = DRAWN.iter().map(|r| r.name()).collect();
        format!(
            "rules do not draw {:?}; they may draw {}",
            form.relation,
            known.join(", ")
        )
    });
    let relation = faults.ok(&at("relation"), relation);
    let open = matches!(relation, Some(RelationKind::DependsOn | RelationKind::RefersTo));
    match &form.label {
        None if open => faults.add(
            at("label"),
            format!("{} says what it means by its label only: give one", form.relation),
        ),
        Some(label) if !is_name(label) => {
            faults.add(
                at("label"),
                format!("a label has 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`"),
            );
        }
        _ => {}
    }
    let path_of = |key: &str, text: Option<&String>, faults: &mut Faults<'_>| {
        let text = text?;
        let read = path(text).and_then(|path| match path.is_many() {
            true => Err(format!(
                "{text:?} may lead to many places: here it must lead to one"
            )),
            false => Ok(path),
        });
        faults.ok(&at(key), read)
    };
    let mut patterns = Vec::new();
    for (index, text) in form.patterns.iter().enumerate() {
        patterns.extend(faults.ok(&format!("{}[{index}]", at("patterns")), Pattern::parse(text)));
    }
    if form.is_ref
        && !(form.patterns.is_empty()
            && form.kind_path.is_none()
            && !form.or_own_name
            && form.except.is_empty())
    {
        faults.add(
            place,
            "`ref` reads an object: `patterns`, `kindPath`, `except` and `orOwnName` are for texts",
        );
    }
    let kind = form
        .kind
        .as_ref()
        .and_then(|text| faults.ok(&at("kind"), kind(text)));
    let image = form
        .image
        .as_ref()
        .and_then(|image| image_of(image, &form, &at("image"), faults));
    let tells_kind = form.is_ref
        || form.image.is_some()
        || form.kind.is_some()
        || form.kind_path.is_some()
        || patterns.iter().any(Pattern::names_kind);
    if !tells_kind {
        faults.add(
            place,
            "it does not say of what kind the target is: give `kind`, `kindPath` or `ref: true`",
        );
    }
    if let Some(group) = form.group.as_ref().filter(|g| !g.is_empty() && !is_group(g)) {
        faults.add(at("group"), format!("{group:?} is no API group"));
    }
    let namespace = match &form.namespace {
        Some(NamespaceForm::Own) => Some(InNamespace::Own),
        Some(NamespaceForm::None) => Some(InNamespace::None),
        Some(NamespaceForm::Fixed(name)) => Some(InNamespace::Fixed(name.clone())),
        Some(NamespaceForm::Path(text)) => {
            path_of("namespace.path", Some(text), faults).map(InNamespace::Path)
        }
        None => None,
    };
    Some(RelationRule {
        relation: relation?,
        label: form.label,
        path: faults.ok(&at("path"), path(&form.path))?,
        is_ref: form.is_ref,
        kind,
        group: form.group,
        kind_path: path_of("kindPath", form.kind_path.as_ref(), faults),
        namespace,
        patterns,
        except: form.except,
        or_own_name: form.or_own_name,
        image,
        when: conditions(&form.when, &at("when"), faults),
    })
}

fn image_of(
    image: &ImageForm,
    form: &RelationForm,
    place: &str,
    faults: &mut Faults<'_>,
) -> Option<ImageRule> {
    let names = form.is_ref || form.kind.is_some() || form.group.is_some() || form.kind_path.is_some();
    let reads = form.or_own_name || !form.patterns.is_empty() || !form.except.is_empty();
    if names || reads || form.namespace.is_some() {
        faults.add(
            place,
            "an image is told by its digest: only `relation`, `label`, `path` and `when` may stand beside it",
        );
    }
    if path(&form.path).is_ok_and(|path| path.is_metadata()) {
        faults.add(place, "nothing in metadata is an object that tells an image");
    }
    let mut part = |key: &str, text: &str| {
        let read = Path::parse(text).and_then(|path| match path.is_many() {
            true => Err(format!(
                "{text:?} may lead to many places: here it must lead to one"
            )),
            false => Ok(path),
        });
        faults.ok(&format!("{place}.{key}"), read)
    };
    let digest = part("digest", &image.digest);
    let repository = image
        .repository
        .as_ref()
        .and_then(|text| part("repository", text));
    let registry = image.registry.as_ref().and_then(|text| part("registry", text));
    if image.registry.is_some() && image.repository.is_none() {
        faults.add(
            format!("{place}.registry"),
            "a registry alone tells no image: give `repository` too",
        );
    }
    Some(ImageRule {
        digest: digest?,
        repository,
        registry,
    })
}

/// What a rule may not say about its subject.
fn limits(rule: &Rule, faults: &mut Faults<'_>) {
    let custom = match &rule.subject {
        Subject::Kind(kind) => matches!(kind, Kind::Custom(_)),
        Subject::Group(_) | Subject::Custom => true,
        Subject::Any => false,
    };
    if !custom {
        if !rule.attributes.is_empty() {
            faults.add(
                "attributes",
                "they can be kept of custom resources alone: built-in kinds have theirs",
            );
        }
        let mut paths: Vec<&Path> = Vec::new();
        for relation in &rule.relations {
            paths.push(&relation.path);
            paths.extend(&relation.kind_path);
            paths.extend(relation.when.iter().map(|w| &w.path));
            if let Some(InNamespace::Path(path)) = &relation.namespace {
                paths.push(path);
            }
        }
        paths.extend(rule.when.iter().map(|w| &w.path));
        let read = |p: &&Path| {
            let annotation = p.annotation();
            p.is_metadata() && annotation.is_none_or(crate::wire::meta::is_read)
        };
        let unread: BTreeSet<String> = paths
            .into_iter()
            .filter(|p| !read(p))
            .map(Path::to_string)
            .collect();
        for path in unread {
            let why = "of built-in kinds, rules read labels, names and the annotations that are kept";
            faults.add("", format!("{path} is not read: {why}"));
        }
    }
    for (index, relation) in rule.relations.iter().enumerate() {
        let itself = relation.path.own() == Some("name")
            && relation.patterns.is_empty()
            && !matches!(
                relation.namespace,
                Some(InNamespace::Fixed(_) | InNamespace::Path(_))
            )
            && matches!((&rule.subject, relation.kind), (Subject::Kind(kind), Some(target)) if *kind == target);
        if itself {
            faults.add(
                format!("relations[{index}]"),
                "each object would refer to itself: a loop",
            );
        }
    }
}
