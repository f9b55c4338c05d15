//! Backstage's `catalog-info` entities: Components with their `spec.owner` become rules, Groups and Users how owners are
//! reached. A Component finds its objects as Backstage's Kubernetes plugin does: by label selector, by id, else by name.

use super::Read;
use crate::query::ownership::book::{Contact, Match, Rule, RuleOrigin};
use serde::Deserialize;
use std::collections::BTreeMap;

const ID: &str = "backstage.io/kubernetes-id";
const SELECTOR: &str = "backstage.io/kubernetes-label-selector";
const NAMESPACE: &str = "backstage.io/kubernetes-namespace";
const CLUSTER: &str = "backstage.io/kubernetes-cluster";

#[derive(Deserialize)]
struct Entity {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    url: String,
    #[serde(default)]
    title: Option<String>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    profile: Profile,
}

#[derive(Default, Deserialize)]
struct Profile {
    #[serde(default)]
    email: Option<String>,
}

/// Whether a text holds Backstage entities.
pub(super) fn is_catalog(text: &str) -> bool {
    text.lines()
        .any(|l| l.starts_with("apiVersion:") && l.contains("backstage.io/"))
}

/// Reads entities; those that own nothing and cannot be reached are passed over.
pub(super) fn read(text: &str, name: &str) -> Result<Read, String> {
    let entities: Vec<Entity> = serde_saphyr::from_multiple(text).map_err(|e| e.to_string())?;
    let mut read = Read::default();
    for entity in entities {
        match entity.kind.as_str() {
            "Group" | "User" => {
                let owner = entity.metadata.name;
                let email = entity.spec.profile.email.map(|address| Contact {
                    channel: "email".to_owned(),
                    address,
                });
                let links = entity.metadata.links.into_iter().map(|l| Contact {
                    channel: l.title.unwrap_or_else(|| "link".to_owned()),
                    address: l.url,
                });
                read.contacts
                    .extend(email.into_iter().chain(links).map(|c| (owner.clone(), c)));
            }
            "Component" | "Resource" => {
                let Some(owner) = entity.spec.owner.filter(|o| !o.trim().is_empty()) else {
                    continue;
                };
                read.rules.push(Rule {
                    name: format!("{name}:{}", entity.metadata.name),
                    priority: 0,
                    matching: matching(&entity.metadata)?,
                    owner,
                    origin: RuleOrigin::File(name.to_owned()),
                    reason: None,
                });
            }
            _ => {}
        }
    }
    Ok(read)
}

fn matching(metadata: &Metadata) -> Result<Match, String> {
    let note = |key: &str| metadata.annotations.get(key).filter(|v| !v.is_empty()).cloned();
    let mut matching = Match {
        namespace: note(NAMESPACE),
        cluster: note(CLUSTER),
        ..Match::default()
    };
    if let Some(selector) = note(SELECTOR) {
        for part in selector.split(',') {
            let Some((key, value)) = part.split_once('=').filter(|(k, _)| !k.ends_with('!')) else {
                return Err(format!(
                    "component {:?} has the selector {selector:?}; only key=value, separated by commas, is read",
                    metadata.name
                ));
            };
            let value = value.trim_start_matches('=').trim().to_owned();
            matching.labels.insert(key.trim().to_owned(), value);
        }
    } else if let Some(id) = note(ID) {
        matching.labels.insert(ID.to_owned(), id);
    } else if metadata.name.is_empty() {
        return Err("a component has no metadata.name".to_owned());
    } else {
        matching.name = Some(metadata.name.clone());
    }
    Ok(matching)
}

#[cfg(test)]
mod tests {
    #[test]
    fn components_become_rules_and_groups_become_contacts() {
        let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: cart\n  annotations:\n    backstage.io/kubernetes-label-selector: 'app=cart,tier==web'\nspec:\n  owner: group:default/shop\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: shop\nspec:\n  profile: {email: shop@example.org}\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: pay}\nspec: {owner: pay-team}\n";
        assert!(super::is_catalog(text));
        let read = super::read(text, "catalog-info.yaml").unwrap();
        assert_eq!(read.rules.len(), 2);
        let labels = &read.rules[0].matching.labels;
        assert_eq!((labels["app"].as_str(), labels["tier"].as_str()), ("cart", "web"));
        assert_eq!(read.rules[1].matching.name.as_deref(), Some("pay"));
        assert_eq!(read.contacts[0].0, "shop");
    }
}
