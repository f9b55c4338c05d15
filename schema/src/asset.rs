//! An asset: identity, labels, what its kind keeps, and what was wrong with the object that it was read from.

use crate::{AssetRef, Attributes, Kind, Time};
use prost::{Message, encoding};
use std::hash::Hasher;
use uuid::Uuid;

/// A label or annotation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Label {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// One thing that a cluster declares or names.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Its identity and name.
    pub reference: AssetRef,
    /// The Kubernetes uid of this incarnation; nil where there is none.
    pub uid: Uuid,
    /// The object's resourceVersion. Moves without a change of what is kept, so it is no part of the hash.
    pub resource_version: u64,
    /// metadata.creationTimestamp, as the cluster claims it.
    pub created: Option<Time>,
    /// metadata.deletionTimestamp: terminating, not gone.
    pub deleting: Option<Time>,
    /// Labels, sorted by key.
    pub labels: Vec<Label>,
    /// Annotations that the allow-list lets through, sorted by key.
    pub annotations: Vec<Label>,
    /// What the kind keeps.
    pub attributes: Attributes,
    /// What was wrong with the object, in words: it is kept, with its faults named.
    pub problems: Vec<String>,
}

/// The stored form of an asset's content: everything but its identity, uid, resourceVersion and creation.
#[derive(Clone, PartialEq, prost::Message)]
struct Body {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    annotations: Vec<Label>,
    #[prost(string, repeated, tag = "3")]
    problems: Vec<String>,
    #[prost(message, optional, tag = "4")]
    deleting: Option<Time>,
    #[prost(bytes = "vec", tag = "5")]
    attributes: Vec<u8>,
}

impl Asset {
    /// An asset of which only the name is known.
    pub fn named(reference: AssetRef) -> Self {
        let attributes = Attributes::empty(reference.key().kind);
        Self {
            reference,
            uid: Uuid::nil(),
            resource_version: 0,
            created: None,
            deleting: None,
            labels: Vec::new(),
            annotations: Vec::new(),
            attributes,
            problems: Vec::new(),
        }
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.reference.key().kind
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        value_of(&self.labels, key)
    }

    /// The value of an annotation that was kept.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        value_of(&self.annotations, key)
    }

    /// The content in its stored form. Fields have numbers, so an older row reads into a newer program.
    pub fn encode_body(&self) -> Vec<u8> {
        // As `Body` would, without copying what goes into it: every observation of every object comes by here.
        let attributes = self.attributes.encode();
        let mut body = Vec::with_capacity(attributes.len() + 256);
        encoding::message::encode_repeated(1, &self.labels, &mut body);
        encoding::message::encode_repeated(2, &self.annotations, &mut body);
        encoding::string::encode_repeated(3, &self.problems, &mut body);
        if let Some(deleting) = &self.deleting {
            encoding::message::encode(4, deleting, &mut body);
        }
        if !attributes.is_empty() {
            encoding::bytes::encode(5, &attributes, &mut body);
        }
        body
    }

    /// Puts the stored content `body` into an asset that has its identity.
    ///
    /// # Errors
    /// When the bytes are not what [`Asset::encode_body`] wrote for this kind.
    pub fn decode_body(&mut self, body: &[u8]) -> Result<(), prost::DecodeError> {
        let body = Body::decode(body)?;
        self.attributes = Attributes::decode(self.kind(), &body.attributes)?;
        self.labels = body.labels;
        self.annotations = body.annotations;
        self.problems = body.problems;
        self.deleting = body.deleting;
        Ok(())
    }
}

/// The hash of an asset's content: another hash is a change worth a history row. Stable across processes.
pub fn content_hash(uid: Uuid, created: Option<Time>, body: &[u8]) -> u64 {
    let mut hash = twox_hash::XxHash3_64::with_seed(0);
    hash.write(uid.as_bytes());
    hash.write_i64(created.map_or(i64::MIN, |t| t.seconds));
    hash.write(body);
    hash.finish()
}

/// The value of a key in labels that are sorted by key, as an asset's are.
pub fn value_of<'a>(labels: &'a [Label], key: &str) -> Option<&'a str> {
    let index = labels.binary_search_by(|l| l.key.as_str().cmp(key)).ok()?;
    Some(&labels[index].value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClusterId;
    use crate::attributes::PodAttributes;

    #[test]
    fn a_body_is_written_as_its_message_would_be() {
        let label = |key: &str, value: &str| Label {
            key: key.into(),
            value: value.into(),
        };
        let mut asset = Asset::named(AssetRef::new(ClusterId(Uuid::nil()), Kind::Pod, "shop", "cart-0"));
        let mut written = vec![asset.clone()];
        asset.labels = vec![label("app", "cart"), label("empty", "")];
        asset.annotations = vec![label("note", &"x".repeat(300))];
        asset.problems = vec!["one".into(), String::new()];
        asset.deleting = Some(Time { seconds: 0 });
        asset.attributes = PodAttributes {
            node_name: Some("node-1".into()),
            ..PodAttributes::default()
        }
        .into();
        written.push(asset);
        for asset in written {
            let body = Body {
                labels: asset.labels.clone(),
                annotations: asset.annotations.clone(),
                problems: asset.problems.clone(),
                deleting: asset.deleting,
                attributes: asset.attributes.encode(),
            };
            assert_eq!(asset.encode_body(), body.encode_to_vec());
        }
    }
}
