//! What `get` is asked for: kinds, names and references as people write and copy them, turned into filters of the API.

use super::GetError;
use super::kinds::ALL;
use crate::cli::GetArgs;
use planisphere_schema::Kind;
use serde_json::{Value, json};

/// One question: assets of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The kind.
    pub kind: Kind,
    /// The name that was asked for, where one was: it is an error if there is none of it.
    pub named: Option<String>,
    /// The API's `AssetFilter`.
    pub filter: Value,
}

/// Settles what was asked for.
///
/// # Errors
/// On kinds, references and selectors that cannot be read.
pub fn targets(args: &GetArgs) -> Result<Vec<Target>, GetError> {
    if args.what.contains('/') {
        let references = std::iter::once(&args.what).chain(&args.names);
        return references.map(|text| by_reference(args, text)).collect();
    }
    let mut targets = Vec::new();
    for kind in kinds(&args.what)? {
        if args.names.is_empty() {
            targets.push(target(args, kind, None, None, None)?);
        }
        for name in &args.names {
            targets.push(target(args, kind, None, None, Some(name))?);
        }
    }
    Ok(targets)
}

/// The kinds of a list such as `pods,svc`; `all` for those that people deploy.
fn kinds(text: &str) -> Result<Vec<Kind>, GetError> {
    let mut kinds = Vec::new();
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        match word {
            "all" => kinds.extend_from_slice(ALL),
            _ => kinds.push(kind(word)?),
        }
    }
    if kinds.is_empty() {
        return Err(GetError::Kind {
            word: text.to_owned(),
            nearest: None,
        });
    }
    Ok(kinds)
}

fn kind(word: &str) -> Result<Kind, GetError> {
    // Kubernetes has no plural for what it does not serve: clusters, zones, regions.
    let singular = || Kind::parse(word.strip_suffix('s')?).filter(|k| !k.is_served());
    Kind::parse(word).or_else(singular).ok_or_else(|| {
        let rows = Kind::BUILT_IN.iter().filter_map(|k| k.row());
        let names = rows.flat_map(|r| [r.plural.to_owned(), r.kind.to_ascii_lowercase()]);
        let lower = word.to_ascii_lowercase();
        let scored = names.map(|name| (strsim::jaro_winkler(&lower, &name), name));
        let nearest = scored
            .filter(|(score, _)| *score > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        GetError::Kind {
            word: word.to_owned(),
            nearest: nearest.map(|(_, name)| name),
        }
    })
}

/// A reference: `cluster/ns/Kind/name`, `cluster/Kind/name` for what lives in no namespace, or without the cluster.
/// Read from its end, since a cluster's name may hold slashes (`arn:aws:eks:…:cluster/prod`) and others cannot.
fn by_reference(args: &GetArgs, text: &str) -> Result<Target, GetError> {
    let wrong = || GetError::Reference(text.to_owned());
    let (rest, name) = text.rsplit_once('/').ok_or_else(wrong)?;
    let (rest, word) = match rest.rsplit_once('/') {
        Some((rest, word)) => (Some(rest), word),
        None => (None, rest),
    };
    if name.is_empty() || word.is_empty() {
        return Err(wrong());
    }
    let kind = kind(word)?;
    // What a custom kind's scope is, only the cluster knows: with a namespace where there is room for one.
    let namespaced = kind.is_namespaced() || matches!(kind, Kind::Custom(_));
    let (cluster, namespace) = match rest {
        None => (None, None),
        Some(rest) if !namespaced => (Some(rest.trim_end_matches('/')), None),
        Some(rest) => match rest.rsplit_once('/') {
            Some((cluster, namespace)) => (Some(cluster), Some(namespace)),
            None => (None, Some(rest)),
        },
    };
    target(
        args,
        kind,
        cluster,
        namespace.filter(|n| !n.is_empty()),
        Some(name),
    )
}

fn target(
    args: &GetArgs,
    kind: Kind,
    cluster: Option<&str>,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Target, GetError> {
    let mut filter = json!({"kind": {"eq": kind.to_string()}});
    let mut equal = |field: &str, value: Option<&str>| {
        if let Some(value) = value {
            filter[field] = json!({"eq": value});
        }
    };
    equal("cluster", cluster.or(args.cluster.as_deref()));
    let namespace = namespace.or(args.namespace.as_deref());
    let scoped = kind.is_namespaced() || matches!(kind, Kind::Custom(_));
    equal("namespace", namespace.filter(|_| scoped));
    equal("name", name);
    let labels = selectors(&args.selector)?;
    if !labels.is_empty() {
        filter["and"] = labels.into();
    }
    Ok(Target {
        kind,
        named: name.map(str::to_owned),
        filter,
    })
}

/// Label selectors as kubectl takes them, each as a filter.
pub fn selectors(texts: &[String]) -> Result<Vec<Value>, GetError> {
    let requirements = texts.iter().flat_map(|text| split_outside_parentheses(text));
    requirements.map(|text| requirement(text.trim())).collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
    .collect()
}

fn requirement(text: &str) -> Result<Value, GetError> {
    let wrong = || GetError::Selector(text.to_owned());
    let label = |key: &str, operator: &str, value: Value| -> Result<Value, GetError> {
        let key = key.trim();
        let valid = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "()=!,".contains(c));
        valid
            .then(|| json!({"label": {"key": key, operator: value}}))
            .ok_or_else(wrong)
    };
    let not = |filter: Value| json!({"not": filter});
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(not(label(key, "eq", value.trim().into())?));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return label(key, "eq", value.trim().into());
    }
    if let Some((key, set)) = text.split_once('(') {
        let set = set.trim_end().strip_suffix(')').ok_or_else(wrong)?;
        let values: Vec<_> = set.split(',').map(str::trim).collect();
        let (key, operator) = key
            .trim_end()
            .rsplit_once(char::is_whitespace)
            .ok_or_else(wrong)?;
        return match operator {
            "in" => label(key, "in", json!(values)),
            "notin" => Ok(not(label(key, "in", json!(values))?)),
            _ => Err(wrong()),
        };
    }
    match text.strip_prefix('!') {
        Some(key) => label(key, "exists", false.into()),
        None => label(text, "exists", true.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn asked(words: &[&str]) -> Vec<Target> {
        targets(&args(words)).unwrap()
    }

    fn args(words: &[&str]) -> GetArgs {
        GetArgs {
            what: words[0].to_owned(),
            names: words[1..].iter().map(|w| (*w).to_owned()).collect(),
            ..GetArgs::default()
        }
    }

    #[test]
    fn several_kinds_and_names_are_a_question_each() {
        let kinds: Vec<_> = asked(&["pods,svc"]).iter().map(|t| t.kind).collect();
        assert_eq!(kinds, [Kind::Pod, Kind::Service]);
        let names: Vec<_> = asked(&["deploy", "a", "b"])
            .into_iter()
            .map(|t| t.named)
            .collect();
        assert_eq!(names, [Some("a".to_owned()), Some("b".to_owned())]);
        assert_eq!(asked(&["all"]).len(), ALL.len());
    }

    #[test]
    fn a_reference_is_read_from_its_end() {
        let full = asked(&["arn:aws:eks:eu:1:cluster/prod/shop/Pod/web-0"]).remove(0);
        let filter = json!({"kind": {"eq": "Pod"}, "cluster": {"eq": "arn:aws:eks:eu:1:cluster/prod"},
            "namespace": {"eq": "shop"}, "name": {"eq": "web-0"}});
        assert_eq!(full.filter, filter);
        let node = asked(&["prod/Node/worker-1"]).remove(0);
        assert_eq!(
            node.filter,
            json!({"kind": {"eq": "Node"}, "cluster": {"eq": "prod"}, "name": {"eq": "worker-1"}})
        );
        let bare = asked(&["shop/deploy/web"]).remove(0);
        let filter =
            json!({"kind": {"eq": "Deployment.apps"}, "namespace": {"eq": "shop"}, "name": {"eq": "web"}});
        assert_eq!(bare.filter, filter);
    }

    #[test]
    fn an_unknown_kind_names_the_nearest_one() {
        let error = targets(&args(&["podz"])).unwrap_err().to_string();
        assert!(error.contains("`podz`") && error.contains("`pod`"), "{error}");
    }

    #[test]
    fn selectors_read_as_kubectl_reads_them() {
        let read = |text: &str| selectors(&[text.to_owned()]).unwrap();
        let label = |key: &str, op: &str, value: Value| json!({"label": {"key": key, op: value}});
        assert_eq!(
            read("app=web, tier!=db"),
            [
                label("app", "eq", "web".into()),
                json!({"not": label("tier", "eq", "db".into())})
            ]
        );
        assert_eq!(
            read("env in (a, b),!canary,team"),
            [
                label("env", "in", json!(["a", "b"])),
                label("canary", "exists", false.into()),
                label("team", "exists", true.into())
            ]
        );
        for bad in ["", "=x", "a b", "env in (a", "env of (a)"] {
            assert!(selectors(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
