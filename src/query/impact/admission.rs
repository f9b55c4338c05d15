//! What a cluster refuses while a Service has nobody left: objects about which an admission webhook must answer, and custom
//! resources that must be converted. Pods that run are not touched, but new ones may be refused.

use super::Affected;
use super::model::State;
use super::scene::neighbours;
use crate::query::{QueryError, records};
use crate::store::{Direction, Record, Snapshot};
use planisphere_schema::attributes::{AdmissionRule, Webhook};
use planisphere_schema::{AssetId, Attributes, RelationKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// More configurations that ask one Service are not looked at.
const MOST_ASKING: usize = 1_000;

/// Something that is refused because nobody answers.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The configuration, or the definition, that asks.
    pub by: Arc<Record>,
    /// The Service that does not answer.
    pub service: Arc<Record>,
    /// The webhooks by name; `conversion` for a definition.
    pub webhooks: Vec<String>,
    /// What is refused, as `OPERATION group/resource`.
    pub refused: Vec<String>,
    /// New pods are among it, at least in some namespaces: what is lost may not come back.
    pub refuses_pods: bool,
    /// Why, in one sentence.
    pub reason: String,
}

/// What is refused while those Services are down that the failure takes down, what refuses pods first.
pub(super) async fn refusals(
    snapshot: &dyn Snapshot,
    services: &[Affected],
) -> Result<Vec<Refusal>, QueryError> {
    let down: BTreeMap<AssetId, &Arc<Record>> = services
        .iter()
        .filter(|s| s.state() == State::Down)
        .map(|s| (s.service.asset.reference.id(), &s.service))
        .collect();
    let ids: Vec<AssetId> = down.keys().copied().collect();
    let found = neighbours(
        snapshot,
        &ids,
        Direction::In,
        RelationKind::CallsWebhook,
        MOST_ASKING,
    )
    .await?;
    let links = found.into_iter().flat_map(|n| n.links);
    // Where every webhook goes on without an answer, nothing is refused.
    let links: Vec<_> = links.filter(|l| l.detail.optional != Some(true)).collect();
    let asking: Vec<AssetId> = links.iter().map(|l| l.from).collect();
    let mut all = Vec::new();
    for (link, by) in links.into_iter().zip(records(snapshot, &asking).await?) {
        if by.stub {
            continue;
        }
        let service = Arc::clone(down[&link.to]);
        all.extend(match &by.asset.attributes {
            Attributes::ValidatingWebhookConfiguration(kept) => of_webhooks(&by, &service, &kept.webhooks),
            Attributes::MutatingWebhookConfiguration(kept) => of_webhooks(&by, &service, &kept.webhooks),
            _ => Some(of_definition(&by, &service)),
        });
    }
    all.sort_by(|a, b| {
        let key = |r: &Refusal| {
            (
                !r.refuses_pods,
                r.by.cluster_name.clone(),
                r.by.asset.reference.key().to_string(),
            )
        };
        key(a).cmp(&key(b))
    });
    Ok(all)
}

/// What the webhooks that this Service answers refuse without it.
fn of_webhooks(by: &Arc<Record>, service: &Arc<Record>, webhooks: &[Webhook]) -> Option<Refusal> {
    let key = service.asset.reference.key();
    let mine: Vec<&Webhook> = webhooks
        .iter()
        .filter(|w| {
            w.service_namespace.as_deref() == Some(&key.namespace)
                && w.service_name.as_deref() == Some(&key.name)
                && w.failure_policy.as_deref() != Some("Ignore")
        })
        .collect();
    if mine.is_empty() {
        return None;
    }
    let refused: BTreeSet<String> = mine.iter().flat_map(|w| &w.rules).flat_map(told).collect();
    let pods: Vec<&&Webhook> = mine
        .iter()
        .filter(|w| w.rules.iter().any(is_about_new_pods))
        .collect();
    let picky = |w: &&&Webhook| selects(&w.namespace_selector) || selects(&w.object_selector);
    let where_ = match pods.iter().all(picky) {
        true => "; new pods are among it, as far as its selectors choose them",
        false => "; new pods are among it",
    };
    Some(Refusal {
        by: Arc::clone(by),
        service: Arc::clone(service),
        webhooks: mine.iter().map(|w| w.name.clone()).collect(),
        refuses_pods: !pods.is_empty(),
        reason: format!(
            "{} must answer before such objects are stored, and {key} is down{}",
            if mine.len() == 1 { "a webhook" } else { "webhooks" },
            if pods.is_empty() { "" } else { where_ },
        ),
        refused: refused.into_iter().collect(),
    })
}

fn selects(selector: &Option<planisphere_schema::attributes::Selector>) -> bool {
    selector
        .as_ref()
        .is_some_and(|s| !s.match_labels.is_empty() || !s.match_expressions.is_empty())
}

/// Custom resources that are asked for in another version than they are stored in.
fn of_definition(by: &Arc<Record>, service: &Arc<Record>) -> Refusal {
    Refusal {
        by: Arc::clone(by),
        service: Arc::clone(service),
        webhooks: vec!["conversion".to_owned()],
        refused: vec![format!("* {}", by.asset.reference.key().name)],
        refuses_pods: false,
        reason: format!(
            "objects must be converted between versions, and {} is down",
            service.asset.reference.key()
        ),
    }
}

fn told(rule: &AdmissionRule) -> Vec<String> {
    let operations = rule.operations.join(",");
    let groups: Vec<&str> = match rule.api_groups.is_empty() {
        true => vec![""],
        false => rule.api_groups.iter().map(String::as_str).collect(),
    };
    let named = |group: &str, resource: &String| match group {
        "" => format!("{operations} {resource}"),
        group => format!("{operations} {group}/{resource}"),
    };
    groups
        .iter()
        .flat_map(|group| rule.resources.iter().map(|resource| named(group, resource)))
        .collect()
}

fn is_about_new_pods(rule: &AdmissionRule) -> bool {
    let any = |all: &[String], wanted: &[&str]| all.iter().any(|one| wanted.contains(&one.as_str()));
    any(&rule.operations, &["*", "CREATE"])
        && (rule.api_groups.is_empty() || any(&rule.api_groups, &["*", ""]))
        && any(&rule.resources, &["*", "*/*", "pods"])
        && rule.scope.as_deref() != Some("Cluster")
}
