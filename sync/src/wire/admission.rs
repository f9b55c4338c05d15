//! Who may refuse or change objects: k8s.io/api/admissionregistration/v1/generated.proto. Expressions, messages and certificates
//! have no field; of a URL only the host leaves extraction.

use super::{LabelSelector, ObjectMeta, inlined, wire};
use serde::{Deserialize, Deserializer};

wire! {
    ValidatingWebhookConfiguration {
        1 metadata: ObjectMeta;
        2 webhooks: [ValidatingWebhook];
    }

    ValidatingWebhook {
        1 name: string;
        2 client_config: WebhookClient;
        3 rules: [AdmissionRule];
        4 failure_policy: string;
        5 namespace_selector: LabelSelector?;
        6 side_effects: string;
        7 timeout_seconds: int32?;
        9 match_policy: string;
        10 object_selector: LabelSelector?;
    }

    MutatingWebhookConfiguration {
        1 metadata: ObjectMeta;
        2 webhooks: [MutatingWebhook];
    }

    MutatingWebhook {
        1 name: string;
        2 client_config: WebhookClient;
        3 rules: [AdmissionRule];
        4 failure_policy: string;
        5 namespace_selector: LabelSelector?;
        6 side_effects: string;
        7 timeout_seconds: int32?;
        9 match_policy: string;
        10 reinvocation_policy: string;
        11 object_selector: LabelSelector?;
    }

    /// Who answers; the same for admission and for conversion.
    WebhookClient {
        1 service: ServiceName?;
        3 url: string;
    }

    ServiceName {
        1 namespace: string;
        2 name: string;
    }

    AdmissionOperations {
        1 operations: [string];
    }

    AdmissionScope {
        1 api_groups: [string];
        2 api_versions: [string];
        3 resources: [string];
        4 scope: string;
    }

    ResourceNames {
        1 resource_names: [string];
    }

    ValidatingAdmissionPolicy {
        1 metadata: ObjectMeta;
        2 spec: AdmissionPolicySpec;
    }

    AdmissionPolicySpec {
        1 param_kind: ParamKind;
        2 match_constraints: MatchResources;
        4 failure_policy: string;
    }

    ParamKind {
        1 api_version: string;
        2 kind: string;
    }

    MatchResources {
        1 namespace_selector: LabelSelector?;
        2 object_selector: LabelSelector?;
        3 resource_rules: [NamedAdmissionRule];
        4 exclude_resource_rules: [NamedAdmissionRule];
    }

    ValidatingAdmissionPolicyBinding {
        1 metadata: ObjectMeta;
        2 spec: AdmissionBindingSpec;
    }

    AdmissionBindingSpec {
        1 policy_name: string;
        2 param_ref: ParamRef;
        3 match_resources: MatchResources;
        4 validation_actions: [string];
    }

    ParamRef {
        1 name: string;
        2 namespace: string;
    }
}

/// What a webhook is about; JSON inlines its second part.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AdmissionRule {
    #[prost(string, repeated, tag = 1)]
    pub(crate) operations: Vec<String>,
    #[prost(message, required, tag = 2)]
    pub(crate) about: AdmissionScope,
}

impl<'de> Deserialize<'de> for AdmissionRule {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (AdmissionOperations { operations }, about) = inlined(d)?;
        Ok(Self { operations, about })
    }
}

/// What a policy is about; JSON inlines its second part.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NamedAdmissionRule {
    #[prost(string, repeated, tag = 1)]
    pub(crate) resource_names: Vec<String>,
    #[prost(message, required, tag = 2)]
    pub(crate) rule: AdmissionRule,
}

impl<'de> Deserialize<'de> for NamedAdmissionRule {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (ResourceNames { resource_names }, rule) = inlined(d)?;
        Ok(Self { resource_names, rule })
    }
}
