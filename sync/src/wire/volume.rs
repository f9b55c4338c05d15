//! The volumes of a pod, as far as they name other objects: k8s.io/api/core/v1/generated.proto.

use super::{LocalName, Present, inlined, wire};
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, skip_field, string};
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
        30 image: ImageVolumeSource?;
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
        1 driver: string;
        4 volume_attributes: VolumeAttributes?;
        5 node_publish_secret_ref: LocalName?;
    }

    ImageVolumeSource {
        1 reference: string;
    }
}

/// Of the attributes that a volume gives to its driver, those that name other objects; every other one is skipped before
/// its value is built.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct VolumeAttributes {
    #[serde(deserialize_with = "super::nullable")]
    pub(crate) secret_provider_class: String,
    /// The key of the entry that is being read.
    #[serde(skip)]
    key: String,
}

const SECRET_PROVIDER_CLASS: &str = "secretProviderClass";

// A map is its entries, one after the other, each with its key before its value: merged into one message they are read here.
impl prost::Message for VolumeAttributes {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        string::encode(1, &SECRET_PROVIDER_CLASS.to_owned(), buf);
        string::encode(2, &self.secret_provider_class, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        match tag {
            1 => string::merge(wire_type, &mut self.key, buf, ctx),
            2 if self.key == SECRET_PROVIDER_CLASS => {
                string::merge(wire_type, &mut self.secret_provider_class, buf, ctx)
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        string::encoded_len(1, &SECRET_PROVIDER_CLASS.to_owned())
            + string::encoded_len(2, &self.secret_provider_class)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::CsiVolumeSource;
    use prost::Message;

    /// A message's field with bytes in it.
    fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
        [&[tag << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    #[test]
    fn of_a_drivers_attributes_only_those_that_name_objects_are_read_in_both_encodings() {
        let entry = |key: &str, value: &str| {
            field(
                4,
                &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat(),
            )
        };
        let entries = [
            field(1, b"d"),
            entry("after", "hidden"),
            entry("secretProviderClass", "vault"),
            entry("usePodIdentity", "hidden"),
        ];
        let json = r#"{"driver": "d", "volumeAttributes": {"a": "hidden", "secretProviderClass": "vault", "b": "hidden"}}"#;
        for read in [
            CsiVolumeSource::decode(entries.concat().as_slice()).unwrap(),
            serde_json::from_str(json).unwrap(),
        ] {
            assert!(!format!("{read:?}").contains("hidden"), "{read:?}");
            assert_eq!(read.volume_attributes.unwrap().secret_provider_class, "vault");
        }
    }
}
