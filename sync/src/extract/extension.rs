//! How the API itself is extended: groups that a Service answers for, and definitions of custom resources.

use super::admission::calls;
use super::metadata::filled;
use super::policy::timed_conditions;
use super::{Draft, Extract};
use crate::wire;
use planisphere_schema::RelationKind::ServedBy;
use planisphere_schema::attributes::{
    APIServiceAttributes, CustomResourceDefinitionAttributes, DefinedVersion,
};
use planisphere_schema::{Attributes, Kind};

impl Extract for wire::APIService {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let spec = self.spec;
        // Without a Service, the API server itself answers.
        let service = spec.service.unwrap_or_default();
        if !service.name.is_empty() && !service.namespace.is_empty() {
            let to = draft.elsewhere(Kind::Service, &service.namespace, &service.name);
            draft.point(ServedBy, to);
        }
        APIServiceAttributes {
            api_group: spec.group,
            api_version: spec.version,
            service_namespace: filled(service.namespace),
            service_name: filled(service.name),
            insecure_skip_tls_verify: spec.insecure_skip_tls_verify,
            conditions: timed_conditions(self.status.conditions),
        }
        .into()
    }
}

impl Extract for wire::CustomResourceDefinition {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::CustomResourceDefinition { spec, status, .. } = self;
        let conversion = spec.conversion;
        // What it says about a webhook counts only where objects are converted by one.
        if conversion.strategy == "Webhook" {
            calls(draft, &conversion.webhook.client_config, "conversion", false);
        }
        let version = |v: wire::DefinedVersion| DefinedVersion {
            name: v.name,
            served: v.served,
            storage: v.storage,
            deprecated: v.deprecated,
        };
        CustomResourceDefinitionAttributes {
            api_group: spec.group,
            defined_kind: spec.names.kind,
            plural: spec.names.plural,
            short_names: spec.names.short_names,
            scope: spec.scope,
            versions: spec.versions.into_iter().map(version).collect(),
            stored_versions: status.stored_versions,
            conversion: filled(conversion.strategy),
            conditions: timed_conditions(status.conditions),
            categories: spec.names.categories,
        }
        .into()
    }
}
