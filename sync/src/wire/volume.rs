//! The volumes of a pod, as far as they name other objects: k8s.io/api/core/v1/generated.proto.

use super::{LocalName, Present, inlined, wire};
use serde::{Deserialize, Deserializer};

/// A volume of a pod; JSON inlines its source.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Volume {
    #[prost(string, tag = 1)]
    pub(crate) name: String,
    #[prost(message, required, tag = 2)]
    pub(crate) source: VolumeSource,
}

impl<'de> Deserialize<'de> for Volume {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (LocalName { name }, source) = inlined(d)?;
        Ok(Self { name, source })
    }
}

wire! {
    VolumeSource {
        6 secret: SecretVolumeSource?;
        10 persistent_volume_claim: ClaimVolumeSource?;
        19 config_map: ConfigMapVolumeSource?;
        26 projected: ProjectedVolumeSource?;
        28 csi: CsiVolumeSource?;
        29 ephemeral: Present?;
    }

    SecretVolumeSource {
        1 secret_name: string;
        4 optional: bool;
    }

    /// A ConfigMap volume, or a ConfigMap or Secret in a projected volume.
    ConfigMapVolumeSource {
        1 name: local_name;
        4 optional: bool;
    }

    ClaimVolumeSource {
        1 claim_name: string;
        2 read_only: bool;
    }

    ProjectedVolumeSource {
        1 sources: [VolumeProjection];
    }

    VolumeProjection {
        1 secret: ConfigMapVolumeSource?;
        3 config_map: ConfigMapVolumeSource?;
    }

    CsiVolumeSource {
        5 node_publish_secret_ref: LocalName?;
    }
}
