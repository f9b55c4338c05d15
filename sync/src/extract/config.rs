//! ConfigMaps and Secrets, of which only metadata is ever read, and ServiceAccounts.

use super::{Draft, Extract};
use crate::wire;
use planisphere_schema::attributes::{ConfigMapAttributes, SecretAttributes, ServiceAccountAttributes};
use planisphere_schema::{Attributes, Detail, Kind, RelationKind};

impl Extract for wire::MetadataOnly {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let owner_tool = draft
            .asset
            .label("app.kubernetes.io/managed-by")
            .map(str::to_owned);
        match draft.asset.kind() {
            Kind::Secret => SecretAttributes { owner_tool }.into(),
            Kind::ConfigMap => ConfigMapAttributes { owner_tool }.into(),
            other => Attributes::empty(other),
        }
    }
}

impl Extract for wire::ServiceAccount {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        // An account's secrets live in its own namespace, whatever the reference says.
        let secrets = self.secrets.iter().map(|s| (&s.name, "secrets"));
        let pull = self
            .image_pull_secrets
            .iter()
            .map(|s| (&s.name, "imagePullSecrets"));
        for (name, via) in secrets.chain(pull).filter(|(name, _)| !name.is_empty()) {
            let secret = draft.neighbour(Kind::Secret, name);
            let detail = Detail {
                via: vec![via.to_owned()],
                optional: Some(false),
                ..Detail::default()
            };
            draft.declare(RelationKind::Reads, secret, detail);
        }
        ServiceAccountAttributes {
            automount_token: self.automount_service_account_token,
        }
        .into()
    }
}
