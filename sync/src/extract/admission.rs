//! Who may refuse or change objects before they are stored: webhooks with the Services that answer, and policies.

use super::metadata::{filled, selector};
use super::{Draft, Extract};
use crate::wire::{self, NamedAdmissionRule, WebhookClient};
use planisphere_schema::RelationKind::{CallsWebhook, Enforces};
use planisphere_schema::attributes::{
    AdmissionRule, MutatingWebhookConfigurationAttributes, ValidatingAdmissionPolicyAttributes,
    ValidatingAdmissionPolicyBindingAttributes, ValidatingWebhookConfigurationAttributes, Webhook,
};
use planisphere_schema::{Attributes, Detail, Kind};

impl Extract for wire::ValidatingWebhookConfiguration {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let webhook = |w: wire::ValidatingWebhook| {
            calls(draft, &w.client_config, &w.name, w.failure_policy == "Ignore");
            Webhook {
                name: w.name,
                failure_policy: filled(w.failure_policy),
                rules: w.rules.into_iter().map(rule).collect(),
                namespace_selector: selector(w.namespace_selector),
                object_selector: selector(w.object_selector),
                timeout_seconds: w.timeout_seconds,
                side_effects: filled(w.side_effects),
                match_policy: filled(w.match_policy),
                ..answering(w.client_config)
            }
        };
        ValidatingWebhookConfigurationAttributes {
            webhooks: self.webhooks.into_iter().map(webhook).collect(),
        }
        .into()
    }
}

impl Extract for wire::MutatingWebhookConfiguration {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let webhook = |w: wire::MutatingWebhook| {
            calls(draft, &w.client_config, &w.name, w.failure_policy == "Ignore");
            Webhook {
                name: w.name,
                failure_policy: filled(w.failure_policy),
                rules: w.rules.into_iter().map(rule).collect(),
                namespace_selector: selector(w.namespace_selector),
                object_selector: selector(w.object_selector),
                timeout_seconds: w.timeout_seconds,
                side_effects: filled(w.side_effects),
                match_policy: filled(w.match_policy),
                reinvocation_policy: filled(w.reinvocation_policy),
                ..answering(w.client_config)
            }
        };
        MutatingWebhookConfigurationAttributes {
            webhooks: self.webhooks.into_iter().map(webhook).collect(),
        }
        .into()
    }
}

/// CALLS_WEBHOOK: the Service that answers, if it is one; `ignored` where things go on without its answer.
pub(super) fn calls(draft: &mut Draft, client: &WebhookClient, name: &str, ignored: bool) {
    let service = client.service.as_ref();
    let Some(service) = service.filter(|s| !s.name.is_empty() && !s.namespace.is_empty()) else {
        return;
    };
    let to = draft.elsewhere(Kind::Service, &service.namespace, &service.name);
    let detail = Detail {
        via: vec![name.to_owned()],
        optional: Some(ignored),
        ..Detail::default()
    };
    draft.declare(CallsWebhook, to, detail);
}

/// A webhook of which only who answers is known yet.
fn answering(client: WebhookClient) -> Webhook {
    let host = host(&client.url);
    let service = client.service.unwrap_or_default();
    Webhook {
        service_namespace: filled(service.namespace),
        service_name: filled(service.name),
        host,
        ..Webhook::default()
    }
}

/// The host of a URL: what stands around it may be secret.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit('@').next()?;
    let host = match address.split_once(']') {
        Some((inside, _)) => inside.strip_prefix('[')?,
        None => address.split(':').next()?,
    };
    filled(host.to_ascii_lowercase())
}

fn rule(rule: wire::AdmissionRule) -> AdmissionRule {
    AdmissionRule {
        operations: rule.operations,
        api_groups: rule.about.api_groups,
        api_versions: rule.about.api_versions,
        resources: rule.about.resources,
        scope: filled(rule.about.scope),
        resource_names: Vec::new(),
    }
}

fn named_rules(rules: Vec<NamedAdmissionRule>) -> Vec<AdmissionRule> {
    let named = |r: NamedAdmissionRule| AdmissionRule {
        resource_names: r.resource_names,
        ..rule(r.rule)
    };
    rules.into_iter().map(named).collect()
}

impl Extract for wire::ValidatingAdmissionPolicy {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let spec = self.spec;
        let param_kind = draft.kind_of(&spec.param_kind.api_version, &spec.param_kind.kind);
        let about = spec.match_constraints;
        ValidatingAdmissionPolicyAttributes {
            failure_policy: filled(spec.failure_policy),
            param_kind: param_kind.map(|k| k.to_string()),
            rules: named_rules(about.resource_rules),
            exclude_rules: named_rules(about.exclude_resource_rules),
            namespace_selector: selector(about.namespace_selector),
            object_selector: selector(about.object_selector),
        }
        .into()
    }
}

impl Extract for wire::ValidatingAdmissionPolicyBinding {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let spec = self.spec;
        if !spec.policy_name.is_empty() {
            let policy = draft.neighbour(Kind::ValidatingAdmissionPolicy, &spec.policy_name);
            draft.point(Enforces, policy);
        }
        let about = spec.match_resources;
        ValidatingAdmissionPolicyBindingAttributes {
            policy_name: filled(spec.policy_name),
            validation_actions: spec.validation_actions,
            param_name: filled(spec.param_ref.name),
            param_namespace: filled(spec.param_ref.namespace),
            namespace_selector: selector(about.namespace_selector),
            object_selector: selector(about.object_selector),
            rules: named_rules(about.resource_rules),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn of_a_url_only_the_host_is_kept() {
        for (url, expected) in [
            ("https://hooks.example.com/a/token", Some("hooks.example.com")),
            (
                "https://user:word@Hooks.example.com:8443?t=1",
                Some("hooks.example.com"),
            ),
            ("https://[2001:db8::1]:443/x", Some("2001:db8::1")),
            ("hooks.example.com/a", None),
            ("https:///a", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
    }
}
