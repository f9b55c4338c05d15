//! Rules applied to one object: the fields that are kept, and the edges that its references become. What is of a wrong
//! form becomes a problem that names rule and place and quotes nothing.

use super::Draft;
use super::draft::NAME_MAX;
use super::image;
use super::metadata::filled;
use crate::rules::{
    AttributeRule, Captured, Holds, ImageRule, InNamespace, Path, RelationRule, Rule, TEXT_MAX, When,
};
use planisphere_schema::attributes::{CustomField, FieldType};
use planisphere_schema::{AssetRef, Detail, Kind, Time};
use serde_json::Value;
use std::borrow::Cow;

/// Values of one field that are kept.
const VALUES_MAX: usize = 100;

/// Applies the rules of the object's kind; `body` is what their projection read of it.
pub(super) fn apply(draft: &mut Draft, body: &Value) -> Vec<CustomField> {
    let context = draft.context.clone();
    let mut fields: Vec<CustomField> = Vec::new();
    for rule in &context.rules().rules {
        if !all_hold(&rule.when, draft, body) {
            continue;
        }
        for attribute in &rule.attributes {
            if fields.iter().all(|f| f.name != attribute.name) {
                fields.extend(field(rule, attribute, draft, body));
            }
        }
        for relation in &rule.relations {
            if all_hold(&relation.when, draft, body) {
                relate(rule, relation, draft, body);
            }
        }
    }
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    fields
}

/// What stands at a path; and whether something of a wrong form stood in the way.
fn places<'v>(path: &Path, draft: &Draft, body: &'v Value) -> (Vec<Cow<'v, Value>>, bool) {
    let text = |t: &str| vec![Cow::Owned(Value::from(t))];
    let key = draft.asset.reference.key();
    if let Some(label) = path.label() {
        return (draft.asset.label(label).map_or_else(Vec::new, text), false);
    }
    if let Some(kept) = path.annotation().and_then(|a| draft.asset.annotation(a)) {
        return (text(kept), false);
    }
    match path.own() {
        Some("name") => return (text(&key.name), false),
        Some(_) => {
            return (
                filled(key.namespace.to_string()).map_or_else(Vec::new, |n| text(&n)),
                false,
            );
        }
        None => {}
    }
    let (mut found, mut wrong) = (Vec::new(), false);
    path.walk(body, &mut |value| found.push(Cow::Borrowed(value)), &mut || {
        wrong = true
    });
    (found, wrong)
}

fn one_text(path: &Path, draft: &Draft, body: &Value) -> Option<String> {
    let (found, _) = places(path, draft, body);
    found
        .first()?
        .as_str()
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
}

fn all_hold(conditions: &[When], draft: &Draft, body: &Value) -> bool {
    conditions.iter().all(|when| {
        let (found, _) = places(&when.path, draft, body);
        match &when.holds {
            Holds::Exists(wanted) => found.is_empty() != *wanted,
            Holds::OneOf(texts) => found.iter().any(|value| match &**value {
                Value::String(text) => texts.contains(text),
                Value::Bool(_) | Value::Number(_) => texts.contains(&value.to_string()),
                _ => false,
            }),
        }
    })
}

fn field(rule: &Rule, attribute: &AttributeRule, draft: &mut Draft, body: &Value) -> Option<CustomField> {
    let (found, mut wrong) = places(&attribute.path, draft, body);
    let mut values = Vec::new();
    for value in found.iter().take(VALUES_MAX) {
        match text_of(value, attribute.of) {
            Ok(text) => values.push(text),
            Err(Unkept::Wrong) => wrong = true,
            Err(Unkept::Because(why)) => {
                draft.problem(format!("rule {}: {} {why}", rule.name, attribute.path))
            }
        }
    }
    if wrong {
        let of = match attribute.of {
            FieldType::String => "a text",
            FieldType::Number => "a number",
            FieldType::Bool => "true or false",
            FieldType::Quantity => "a quantity",
            FieldType::Timestamp => "a timestamp",
        };
        draft.problem(format!("rule {}: {} is not {of}", rule.name, attribute.path));
    }
    if found.len() > VALUES_MAX {
        draft.problem(format!(
            "rule {}: {} has {} values: {VALUES_MAX} are kept",
            rule.name,
            attribute.path,
            found.len()
        ));
    }
    (!values.is_empty()).then(|| CustomField {
        name: attribute.name.clone(),
        of: attribute.of.into(),
        many: attribute.path.is_many(),
        values,
    })
}

enum Unkept {
    Wrong,
    Because(&'static str),
}

fn text_of(value: &Value, of: FieldType) -> Result<String, Unkept> {
    if value.as_str().is_some_and(|t| t.len() > TEXT_MAX) {
        return Err(Unkept::Because("is too long to be kept"));
    }
    match (of, value) {
        (FieldType::String, Value::String(text)) if text.contains(char::is_control) => {
            Err(Unkept::Because("holds control characters and is left out"))
        }
        (FieldType::String, Value::String(text)) if carries_credentials(text) => {
            Err(Unkept::Because("is a URL with credentials and is left out"))
        }
        (FieldType::String, Value::String(text)) => Ok(text.clone()),
        (FieldType::Number, Value::Number(number)) => Ok(number.to_string()),
        (FieldType::Bool, Value::Bool(value)) => Ok(value.to_string()),
        (FieldType::Quantity, Value::Number(number)) => Ok(number.to_string()),
        (FieldType::Quantity, Value::String(text)) if is_quantity(text) => Ok(text.clone()),
        (FieldType::Timestamp, Value::String(text)) => {
            instant(text).map(|t| t.to_string()).ok_or(Unkept::Wrong)
        }
        _ => Err(Unkept::Wrong),
    }
}

fn carries_credentials(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// A number with a suffix, as Kubernetes writes amounts.
fn is_quantity(text: &str) -> bool {
    let number = text.trim_start_matches(['+', '-']);
    let end = number
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(number.len());
    let (number, suffix) = number.split_at(end);
    let exponent = suffix
        .strip_prefix(['e', 'E'])
        .is_some_and(|e| e.parse::<i8>().is_ok());
    let known = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    number.parse::<f64>().is_ok() && (exponent || known.contains(&suffix))
}

/// An instant in RFC 3339.
pub(super) fn instant(text: &str) -> Option<Time> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Time {
        seconds: at.as_second(),
    })
}

/// A target before its namespace is settled.
struct Target<'t> {
    kind: Kind,
    name: Cow<'t, str>,
    namespace: Option<Cow<'t, str>>,
    uid: Option<String>,
}

fn relate(rule: &Rule, relation: &RelationRule, draft: &mut Draft, body: &Value) {
    let (mut found, wrong) = places(&relation.path, draft, body);
    let problem =
        |draft: &mut Draft, why: &str| draft.problem(format!("rule {}: {} {why}", rule.name, relation.path));
    if wrong {
        problem(draft, "is not of the form that the rule expects");
    }
    if relation.or_own_name && found.iter().all(|v| v.as_str() == Some("")) {
        found = vec![Cow::Owned(Value::from(&*draft.asset.reference.key().name))];
    }
    let kind_text = relation
        .kind_path
        .as_ref()
        .and_then(|path| one_text(path, draft, body));
    let elsewhere = match &relation.namespace {
        Some(InNamespace::Path(path)) => one_text(path, draft, body),
        Some(InNamespace::Fixed(name)) => Some(name.clone()),
        _ => None,
    };
    for value in &found {
        let me = draft.me();
        let target = match &**value {
            Value::Object(_) if relation.is_ref => of_object(relation, value),
            Value::Object(_) if relation.image.is_some() => of_image(relation.image.as_ref(), value),
            Value::String(text) if !relation.is_ref && relation.image.is_none() => {
                of_text(relation, text, kind_text.as_deref(), &me)
            }
            _ => Err("is not of the form that the rule expects"),
        };
        match target {
            Ok(None) => {}
            Ok(Some(target)) => {
                let own = &*me.key().namespace;
                let said = match relation.namespace {
                    Some(InNamespace::Own) => own,
                    Some(InNamespace::None) => "",
                    _ => target
                        .namespace
                        .as_deref()
                        .or(elsewhere.as_deref())
                        .unwrap_or(own),
                };
                let namespace = draft.context.namespace(target.kind, said, me.key().kind);
                let to = AssetRef::new(draft.cluster, target.kind, namespace, &target.name);
                if target.kind.is_namespaced() && namespace.is_empty() {
                    problem(draft, "names no namespace");
                } else if to.id() == me.id() {
                    problem(draft, "names the object itself");
                } else {
                    let detail = Detail {
                        labels: relation.label.iter().cloned().collect(),
                        uid: target.uid,
                        ..Detail::default()
                    };
                    draft.declare(relation.relation, to, detail);
                }
            }
            Err(why) => problem(draft, why),
        }
    }
}

type Told<'t> = Result<Option<Target<'t>>, &'static str>;

fn of_text<'t>(relation: &RelationRule, text: &'t str, kind: Option<&str>, me: &AssetRef) -> Told<'t> {
    if text.is_empty() || relation.except.iter().any(|e| e == text) {
        return Ok(None);
    }
    let captured = if relation.patterns.is_empty() {
        Captured {
            name: text,
            ..Captured::default()
        }
    } else {
        // A text of another form is no reference: a host outside, a tracking id that speaks of another object.
        match relation.patterns.iter().find_map(|p| p.read(text, me.key())) {
            Some(captured) => captured,
            None => return Ok(None),
        }
    };
    let kind = match captured.kind.or(kind) {
        Some(kind) => kind_of(relation, captured.group, kind)?,
        None => relation.kind.ok_or("names no kind")?,
    };
    let namespace = captured.namespace.map(Cow::Borrowed);
    target(kind, captured.name.into(), namespace, None)
}

fn of_object<'t>(relation: &RelationRule, object: &'t Value) -> Told<'t> {
    let text = |key: &str| match &object[key] {
        Value::String(text) => Ok(Some(text.as_str())),
        Value::Null => Ok(None),
        _ => Err("is not of the form that the rule expects"),
    };
    let Some(name) = text("name")?.filter(|n| !n.is_empty()) else {
        return Ok(None);
    };
    let version = text("apiVersion")?.filter(|v| !v.is_empty());
    let group = match version.map(|v| v.split_once('/').map_or("", |(group, _)| group)) {
        Some(group) => Some(group),
        None => text("apiGroup")?.or(text("group")?),
    };
    let kind = match text("kind")?.filter(|k| !k.is_empty()) {
        Some(kind) => kind_of(relation, group, kind)?,
        None => relation.kind.ok_or("names no kind")?,
    };
    let namespace = text("namespace")?.filter(|n| !n.is_empty());
    let uid = text("uid")?
        .filter(|u| uuid::Uuid::parse_str(u).is_ok())
        .map(str::to_owned);
    target(kind, name.into(), namespace.map(Cow::Borrowed), uid)
}

/// What a registry that has two names is called in the names of images.
const SAME_REGISTRY: (&str, &str) = ("index.docker.io", "docker.io");

fn of_image<'t>(image: Option<&ImageRule>, object: &'t Value) -> Told<'t> {
    let text = |path: &Path| {
        let (mut found, mut wrong) = (None, false);
        path.walk(object, &mut |value| found = Some(value), &mut || wrong = true);
        match found {
            Some(Value::String(text)) if !wrong => Ok(Some(text.as_str()).filter(|t| !t.is_empty())),
            None if !wrong => Ok(None),
            _ => Err("is not of the form that the rule expects"),
        }
    };
    let part = |path: Option<&Path>| path.map_or(Ok(None), &text);
    let Some(image) = image else {
        return Ok(None);
    };
    let (digest, repository, registry) = (
        text(&image.digest)?,
        part(image.repository.as_ref())?,
        part(image.registry.as_ref())?.map(|server| match server == SAME_REGISTRY.0 {
            true => SAME_REGISTRY.1,
            false => server,
        }),
    );
    let Some(digest) = digest else {
        return Ok(None);
    };
    let whole = match (registry, repository) {
        (Some(registry), Some(repository)) => format!("{registry}/{repository}@{digest}"),
        (None, Some(repository)) => format!("{repository}@{digest}"),
        (_, None) => digest.to_owned(),
    };
    let odd = |c: char| c.is_control() || c.is_whitespace();
    let name = image::digest(&whole).filter(|name| !name.contains(odd));
    Ok(Some(Target {
        kind: Kind::Image,
        name: name.ok_or("tells no digest of an image")?.to_owned().into(),
        namespace: None,
        uid: None,
    }))
}

fn target<'t>(
    kind: Kind,
    name: Cow<'t, str>,
    namespace: Option<Cow<'t, str>>,
    uid: Option<String>,
) -> Told<'t> {
    let valid = |n: &str| {
        n.len() <= NAME_MAX && !n.contains(|c: char| c.is_control() || c.is_whitespace() || "/%".contains(c))
    };
    if !valid(&name) || !namespace.as_deref().is_none_or(valid) {
        return Err("names what can be no object");
    }
    Ok(Some(Target {
        kind,
        name,
        namespace,
        uid,
    }))
}

/// A kind by the name that a reference gives it. Without a group it is the rule's own kind or group, or the only built-in
/// kind of that name.
fn kind_of(relation: &RelationRule, group: Option<&str>, kind: &str) -> Result<Kind, &'static str> {
    let mentioned = |group: &str| Kind::mentioned(group, kind).ok_or("names what can be no kind");
    if let Some(group) = group {
        return mentioned(group);
    }
    if let Some(own) = relation.kind.filter(|k| k.short_name() == kind) {
        return Ok(own);
    }
    if let Some(group) = &relation.group {
        return mentioned(group);
    }
    let mut built_in = Kind::BUILT_IN
        .iter()
        .filter(|k| k.is_served() && k.short_name() == kind);
    match (built_in.next(), built_in.next()) {
        (Some(one), None) => Ok(*one),
        _ => Err("names a kind without its group"),
    }
}
