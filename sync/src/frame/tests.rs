//! Any chunking gives the same objects; what is cut, absurd or random is an error, never a guess and never a panic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;
use prost::Message;

fn field(number: u32, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut out);
    prost::encoding::encode_varint(value.len() as u64, &mut out);
    out.extend_from_slice(value);
    out
}

fn wrapped(kind: &str, raw: &[u8]) -> Vec<u8> {
    let unknown = wire::Unknown {
        type_meta: Some(wire::TypeMeta {
            api_version: "v1".into(),
            kind: kind.into(),
        }),
        raw: Bytes::copy_from_slice(raw),
        ..Default::default()
    };
    [wire::MAGIC, &unknown.encode_to_vec()].concat()
}

fn protobuf_list(items: &[Vec<u8>], version: &str) -> Vec<u8> {
    let meta = wire::ListMeta {
        resource_version: version.into(),
        next: "more".into(),
        remaining: Some(7),
    };
    let mut raw = field(1, &meta.encode_to_vec());
    for item in items {
        raw.extend(field(2, item));
    }
    wrapped("PodList", &raw)
}

fn protobuf_event(change: &str, object: &[u8], wrap: bool) -> Vec<u8> {
    let event = wire::WatchEvent {
        change: change.into(),
        object: Some(wire::RawExtension {
            raw: Bytes::copy_from_slice(object),
        }),
    };
    let message = if wrap {
        wrapped("WatchEvent", &event.encode_to_vec())
    } else {
        event.encode_to_vec()
    };
    [&(message.len() as u32).to_be_bytes()[..], &message].concat()
}

fn chunks<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut from = 0;
    cuts.into_iter()
        .map(|to| &bytes[std::mem::replace(&mut from, to)..to])
        .collect()
}

fn read_list(encoding: Encoding, chunks: &[&[u8]]) -> Result<(Vec<Bytes>, ListMeta), FrameError> {
    let mut decoder = ListDecoder::new(encoding);
    let mut items = Vec::new();
    for chunk in chunks {
        decoder.push(chunk)?;
        while let Some(item) = decoder.next_item()? {
            items.push(item);
        }
    }
    decoder.end()?;
    while let Some(item) = decoder.next_item()? {
        items.push(item);
    }
    Ok((items, decoder.meta().clone()))
}

fn read_watch(encoding: Encoding, chunks: &[&[u8]]) -> Result<Vec<WatchFrame>, FrameError> {
    let mut decoder = WatchDecoder::new(encoding);
    let mut frames = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    decoder.end().map(|()| frames)
}

fn meta(version: &str) -> ListMeta {
    ListMeta {
        resource_version: version.into(),
        next: Some("more".into()),
        remaining: Some(7),
    }
}

proptest! {
    #[test]
    fn a_protobuf_list_is_the_same_in_whatever_chunks_it_comes(
        items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let bytes = protobuf_list(&items, "12");
        let (read, told) = read_list(Encoding::Protobuf, &chunks(&bytes, &cuts)).unwrap();
        prop_assert_eq!(read, items);
        prop_assert_eq!(told, meta("12"));
    }

    #[test]
    fn a_list_cut_anywhere_is_never_taken_for_a_whole_one(
        items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5),
        cut in any::<usize>(),
    ) {
        let bytes = protobuf_list(&items, "12");
        let cut = cut % bytes.len();
        prop_assert!(read_list(Encoding::Protobuf, &[&bytes[..cut]]).is_err());
        let json = br#"{"kind":"PodList","metadata":{"resourceVersion":"12"},"items":[{"a":1},{"b":2}]}"#;
        let cut = cut % json.len();
        prop_assert_eq!(
            read_list(Encoding::Json, &[&json[..cut]]),
            Err(FrameError::Truncated { what: "the list" })
        );
    }

    #[test]
    fn a_watch_is_the_same_in_whatever_chunks_it_comes(
        objects in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..200), any::<bool>()), 0..12),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for (object, wrap) in &objects {
            bytes.extend(protobuf_event("MODIFIED", &wrapped("Pod", object), *wrap));
            lines.extend_from_slice(format!("{{\"type\":\"MODIFIED\",\"object\":{{\"n\":{:?}}}}}\n", object).as_bytes());
        }
        let read = read_watch(Encoding::Protobuf, &chunks(&bytes, &cuts)).unwrap();
        let expected: Vec<_> = objects.iter().map(|(object, _)| WatchFrame::Object {
            change: ChangeType::Modified,
            object: Bytes::copy_from_slice(object),
        }).collect();
        prop_assert_eq!(read, expected);
        let read = read_watch(Encoding::Json, &chunks(&lines, &cuts)).unwrap();
        prop_assert_eq!(read, read_watch(Encoding::Json, &[&lines]).unwrap());
    }

    #[test]
    fn random_bytes_never_panic_and_are_never_a_list(
        bytes in proptest::collection::vec(any::<u8>(), 1..400), magic in any::<bool>(),
    ) {
        let bytes = if magic { [wire::MAGIC, &bytes].concat() } else { bytes };
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            if let Ok((_, told)) = read_list(encoding, &[&bytes]) {
                prop_assert!(told.resource_version.is_empty(), "{:?} became a list", bytes);
            }
            let _ = read_watch(encoding, &[&bytes]);
        }
        let _ = Status::of_response(500, Some(Encoding::Protobuf), bytes.clone().into());
        let _ = Status::of_response(500, None, bytes.into());
    }
}

#[test]
fn a_json_page_gives_its_items_and_null_is_an_empty_list() {
    let page = br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12","continue":"more",
        "remainingItemCount":7},"items":[{"a": 1},{"b":"]}"}]}"#;
    let (items, told) = read_list(Encoding::Json, &[&page[..50], &page[50..]]).unwrap();
    assert_eq!(items, [&br#"{"a": 1}"#[..], &br#"{"b":"]}"}"#[..]]);
    assert_eq!(told, meta("12"));
    let empty = br#"{"kind":"PodList","metadata":{"resourceVersion":"3"},"items":null}"#;
    assert_eq!(read_list(Encoding::Json, &[empty]).unwrap().0.len(), 0);
}

#[test]
fn what_is_not_a_list_is_not_an_empty_one() {
    let status = br#"{"kind":"Status","metadata":{"resourceVersion":"3"},"code":500}"#;
    assert!(read_list(Encoding::Json, &[status]).is_err());
    assert!(read_list(Encoding::Protobuf, &[&wrapped("Status", b"")]).is_err());
    assert!(read_list(Encoding::Protobuf, &[b""]).is_err());
    let two_lists = [&protobuf_list(&[], "1")[..], &field(2, b"")].concat();
    assert!(read_list(Encoding::Protobuf, &[&two_lists]).is_err());
}

#[test]
fn an_absurd_length_is_refused_before_anything_is_kept_for_it() {
    let mut frame = (u32::MAX).to_be_bytes().to_vec();
    frame.push(0);
    assert!(matches!(
        read_watch(Encoding::Protobuf, &[&frame]),
        Err(FrameError::TooLong { .. })
    ));
    let mut item = vec![0x12];
    prost::encoding::encode_varint(1 << 40, &mut item);
    let mut list = [wire::MAGIC, &[0x12]].concat();
    prost::encoding::encode_varint(1 << 41, &mut list);
    list.extend(item);
    assert!(matches!(
        read_list(Encoding::Protobuf, &[&list]),
        Err(FrameError::TooLong { .. })
    ));
}

#[test]
fn a_line_without_an_end_is_refused_at_the_limit() {
    let mut watch = JsonWatch::default();
    let chunk = vec![b'x'; 8 << 20];
    for _ in 0..8 {
        watch.push(&chunk);
        assert_eq!(watch.next_frame(), Ok(None));
    }
    watch.push(b"x");
    assert!(matches!(watch.next_frame(), Err(FrameError::TooLong { .. })));
}

#[test]
fn bookmarks_and_errors_are_read_in_both_encodings() {
    let mark = |end: bool| {
        let mut meta = wire::MarkedMeta {
            resource_version: "99".into(),
            ..Default::default()
        };
        if end {
            meta.annotations
                .insert("k8s.io/initial-events-end".into(), "true".into());
        }
        wire::Marked { metadata: Some(meta) }.encode_to_vec()
    };
    let bookmark = |list_end| WatchFrame::Bookmark {
        resource_version: "99".into(),
        list_end,
    };
    let status = wire::Status {
        code: 410,
        reason: "Expired".into(),
        message: "too old".into(),
        ..Default::default()
    };
    let expired = WatchFrame::Error(Status {
        code: 410,
        reason: "Expired".into(),
        message: "too old".into(),
        ..Default::default()
    });
    let protobuf = [
        protobuf_event("BOOKMARK", &wrapped("Pod", &mark(false)), true),
        protobuf_event("BOOKMARK", &wrapped("Pod", &mark(true)), false),
        protobuf_event("ERROR", &wrapped("Status", &status.encode_to_vec()), false),
    ]
    .concat();
    let expected = [bookmark(false), bookmark(true), expired];
    assert_eq!(read_watch(Encoding::Protobuf, &[&protobuf]).unwrap(), expected);
    let json = br#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"99","annotations":null}}}

{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"99","annotations":{"k8s.io/initial-events-end":"true"}}}}
{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}
"#;
    assert_eq!(read_watch(Encoding::Json, &[json]).unwrap(), expected);
}

#[test]
fn a_cut_line_is_an_error_even_when_the_next_one_is_whole() {
    let cut = b"{\"type\":\"MODIFIED\",\"object\":{\"me\n{\"type\":\"MODIFIED\",\"object\":{}}\n";
    assert!(matches!(
        read_watch(Encoding::Json, &[cut]),
        Err(FrameError::Malformed { .. })
    ));
    assert!(matches!(
        read_watch(Encoding::Json, &[&cut[..20]]),
        Err(FrameError::Truncated { .. })
    ));
}
