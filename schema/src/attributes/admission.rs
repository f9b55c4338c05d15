//! What is kept of who may refuse or change objects before they are stored. Expressions and certificates have no field.

use super::Selector;
use super::kept::kept;

kept! {
    /// What is kept of a ValidatingWebhookConfiguration.
    ValidatingWebhookConfigurationAttributes {
        /// Its webhooks.
        1 webhooks: [Webhook];
    }

    /// What is kept of a MutatingWebhookConfiguration.
    MutatingWebhookConfigurationAttributes {
        /// Its webhooks.
        1 webhooks: [Webhook];
    }

    /// A webhook that is asked about objects.
    Webhook as "AdmissionWebhook" {
        /// Its name.
        1 name: string;
        /// What happens when it does not answer: Fail refuses the object, Ignore lets it pass.
        2 failure_policy: string?;
        /// The namespace of the Service that answers.
        3 service_namespace: string?;
        /// The name of the Service that answers.
        4 service_name: string?;
        /// The host that answers, where it is no Service.
        5 host: string?;
        /// What it is asked about, any one of them.
        6 rules: [AdmissionRule];
        /// Only objects in such namespaces. Empty: all of them.
        7 namespace_selector: Selector?;
        /// Only such objects. Empty: all of them.
        8 object_selector: Selector?;
        /// How long an answer may take, in seconds.
        9 timeout_seconds: int?;
        /// Whether it does more than answer: None, NoneOnDryRun.
        10 side_effects: string?;
        /// Exact, or Equivalent: also objects in another version.
        11 match_policy: string?;
        /// Never, or IfNeeded: asked again when others changed the object.
        12 reinvocation_policy: string?;
    }

    /// What a webhook or a policy is about; `*` stands for everything.
    AdmissionRule {
        /// CREATE, UPDATE, DELETE, CONNECT.
        1 operations: [string];
        /// API groups; empty for the core group.
        2 api_groups: [string];
        /// API versions.
        3 api_versions: [string];
        /// Resources, also as `resource/subresource`.
        4 resources: [string];
        /// Cluster, Namespaced or `*`.
        5 scope: string?;
        /// Only objects of these names. None: all.
        6 resource_names: [string];
    }

    /// What is kept of a ValidatingAdmissionPolicy. Its expressions have no field.
    ValidatingAdmissionPolicyAttributes {
        /// What happens when it cannot be evaluated: Fail or Ignore.
        1 failure_policy: string?;
        /// The kind of its parameters, with group.
        2 param_kind: string?;
        /// What it is about, any one of them.
        3 rules: [AdmissionRule];
        /// What it is not about.
        4 exclude_rules: [AdmissionRule];
        /// Only objects in such namespaces. Empty or absent: all of them.
        5 namespace_selector: Selector?;
        /// Only such objects. Empty or absent: all of them.
        6 object_selector: Selector?;
    }

    /// What is kept of a ValidatingAdmissionPolicyBinding.
    ValidatingAdmissionPolicyBindingAttributes {
        /// The policy that it enforces.
        1 policy_name: string?;
        /// Deny, Warn, Audit.
        2 validation_actions: [string];
        /// The name of its parameters; they are of the kind that the policy names.
        3 param_name: string?;
        /// The namespace of its parameters. Absent: that of the object in question.
        4 param_namespace: string?;
        /// Only objects in such namespaces. Empty or absent: all of them.
        5 namespace_selector: Selector?;
        /// Only such objects. Empty or absent: all of them.
        6 object_selector: Selector?;
        /// What it is about, of what the policy is about.
        7 rules: [AdmissionRule];
    }
}
