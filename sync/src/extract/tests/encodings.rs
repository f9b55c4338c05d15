//! JSON and protobuf of one object give one observation.

use super::*;
use std::path::PathBuf;

/// A file of the Kubernetes API's own round-trip data, which fills every field.
pub(super) fn upstream(kind: Kind, extension: &str) -> Vec<u8> {
    let name = format!("../fixtures/recorded/upstream/{}.{extension}", kind.short_name());
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The message inside of the envelope: `k8s\0`, then Unknown {1: TypeMeta, 2: raw}.
pub(super) fn unwrapped(enveloped: &[u8]) -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Unknown {
        #[prost(bytes = "vec", tag = 2)]
        raw: Vec<u8>,
    }
    let unknown: Unknown = prost::Message::decode(enveloped.strip_prefix(b"k8s\0").unwrap()).unwrap();
    unknown.raw
}

#[test]
fn every_kind_that_is_read_has_an_extractor_and_no_other_kind_has() {
    for kind in Kind::BUILT_IN {
        assert_eq!(Extractor::of(*kind).is_some(), kind.is_served(), "{kind}");
    }
    assert!(Extractor::of(Kind::of("example.com", "Widget")).is_some());
}

#[test]
fn the_api_s_own_objects_with_every_field_filled_read_the_same_from_both_encodings() {
    for (kind, extractor) in kinds() {
        if JSON_ALONE == kind.group() {
            continue;
        }
        let json = extractor.json(CLUSTER, &upstream(kind, "json")).unwrap();
        let protobuf = extractor
            .protobuf(CLUSTER, &unwrapped(&upstream(kind, "pb")))
            .unwrap();
        assert_eq!(json, protobuf, "{kind}");
        let unread = json
            .asset
            .problems
            .iter()
            .find(|p| p.starts_with("could not be read"));
        assert_eq!(unread, None, "{kind}");
    }
}
