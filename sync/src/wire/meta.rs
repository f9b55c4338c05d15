//! Metadata that every object has: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto.

use super::wire;
use planisphere_schema::Time;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, skip_field, string};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;

wire! {
    /// metadata. managedFields (17) has no field: it is skipped at the cost of its length.
    ObjectMeta {
        1 name: string;
        3 namespace: string;
        5 uid: string;
        6 resource_version: string;
        8 creation_timestamp: Time?;
        9 deletion_timestamp: Time?;
        11 labels: labels;
        12 annotations: annotations;
        13 owner_references: [OwnerReference];
    }

    /// metadata.ownerReferences[].
    OwnerReference {
        5 api_version: string;
        1 kind: string;
        3 name: string;
        4 uid: string;
        6 controller: bool;
    }

    /// An object of which only metadata is read: PartialObjectMetadata, or one whose rest does not decode.
    MetadataOnly {
        1 metadata: ObjectMeta;
    }

    /// Identity alone: what is read of an object of which nothing else can be.
    Identity {
        1 name: string;
        3 namespace: string;
        5 uid: string;
        6 resource_version: string;
    }

    /// An object of which only identity is read.
    Identified {
        1 metadata: Identity;
    }

    /// A label selector.
    LabelSelector {
        1 match_labels: labels;
        2 match_expressions: [LabelSelectorRequirement];
    }

    /// One requirement of a label selector.
    LabelSelectorRequirement {
        1 key: string;
        2 operator: string;
        3 values: [string];
    }
}

/// The longest annotation value that is read, in bytes.
const ANNOTATION_MAX: usize = 256;

/// Annotations that are read; every other one is skipped before its value is built.
const ANNOTATIONS: &[&str] = &[
    "argocd.argoproj.io/installation-id",
    "argocd.argoproj.io/tracking-id",
    "deployment.kubernetes.io/revision",
    "ingressclass.kubernetes.io/is-default-class",
    "kubernetes.io/config.source",
    "kubernetes.io/ingress.class",
    "owner",
    "storageclass.kubernetes.io/is-default-class",
    "team",
    "volume.beta.kubernetes.io/storage-class",
];

/// Prefixes of annotations that are read: of who owns an object and which tool made it.
const ANNOTATION_PREFIXES: &[&str] = &["app.kubernetes.io/", "backstage.io/", "meta.helm.sh/"];

pub(crate) fn is_read(key: &str) -> bool {
    ANNOTATIONS.binary_search(&key).is_ok() || ANNOTATION_PREFIXES.iter().any(|p| key.starts_with(p))
}

/// Whether a value may be kept: short, and no URL that carries a user or password.
fn is_kept(value: &str) -> bool {
    value.len() <= ANNOTATION_MAX
        && !value
            .split_once("://")
            .is_some_and(|(_, rest)| rest.contains('@'))
}

/// One annotation. Both fields stay empty where the allow-list does not have its key or the value may not be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Annotation {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Annotation {
    /// Whether it is one that may be kept.
    pub(crate) fn is_kept(&self) -> bool {
        is_read(&self.key) && is_kept(&self.value)
    }
}

// By hand, because a derived message would build each value before it is looked at.
impl prost::Message for Annotation {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        string::encode(1, &self.key, buf);
        string::encode(2, &self.value, buf);
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
            // A value that stands before its key is read, and judged by whoever reads the list.
            2 if self.key.is_empty() || is_read(&self.key) => {
                string::merge(wire_type, &mut self.value, buf, ctx)
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        string::encoded_len(1, &self.key) + string::encoded_len(2, &self.value)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Reads the annotations of the allow-list from a JSON object; the values of others are skipped.
pub(crate) fn annotations<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Annotation>, D::Error> {
    struct Key;
    impl<'de> DeserializeSeed<'de> for Key {
        type Value = Option<String>;
        fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
            d.deserialize_str(self)
        }
    }
    impl Visitor<'_> for Key {
        type Value = Option<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an annotation's key")
        }
        fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
            Ok(is_read(key).then(|| key.to_owned()))
        }
    }
    struct Annotations;
    impl<'de> Visitor<'de> for Annotations {
        type Value = Vec<Annotation>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of annotations")
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while let Some(key) = map.next_key_seed(Key)? {
                match key {
                    Some(key) => {
                        let value = map.next_value::<Option<String>>()?.unwrap_or_default();
                        kept.push(Annotation { key, value });
                    }
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(kept)
        }
    }
    d.deserialize_any(Annotations)
}
