//! Labels and annotations read from a stored body without decoding the rest: a filter looks at thousands of assets and
//! wants one label of each. Reads protobuf's wire format: `Body` has labels as field 1 and annotations as field 2.

/// The field of labels in a stored body.
pub(super) const LABELS: u64 = 1;
/// The field of annotations in a stored body.
pub(super) const ANNOTATIONS: u64 = 2;

/// The keys and values of a field in a stored body, as bytes; ends early where the bytes are no body.
pub(super) fn pairs(body: &[u8], field: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = fields(body).filter(move |(number, _)| *number == field);
    pairs.map(|(_, pair)| {
        let (mut key, mut value) = (&[][..], &[][..]);
        for (number, text) in fields(pair) {
            match number {
                1 => key = text,
                2 => value = text,
                _ => {}
            }
        }
        (key, value)
    })
}

/// The value of a key in a field of a stored body.
pub(super) fn value<'a>(body: &'a [u8], field: u64, key: &str) -> Option<&'a str> {
    let found = pairs(body, field).find(|(k, _)| *k == key.as_bytes());
    found.and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// The length-delimited fields of a message.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let tag = varint(&mut bytes)?;
            let len = match tag & 7 {
                0 => {
                    varint(&mut bytes)?;
                    continue;
                }
                1 => 8,
                5 => 4,
                2 => usize::try_from(varint(&mut bytes)?).ok()?,
                _ => return None,
            };
            let (field, rest) = bytes.split_at_checked(len)?;
            bytes = rest;
            if tag & 7 == 2 {
                return Some((tag >> 3, field));
            }
        }
    })
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use planisphere_schema::{Asset, AssetRef, ClusterId, Kind, Label, Time};

    #[test]
    fn labels_and_annotations_are_found_in_a_body_as_schema_writes_it() {
        let label = |key: &str, value: &str| Label {
            key: key.into(),
            value: value.into(),
        };
        let mut asset = Asset::named(AssetRef::new(
            ClusterId(uuid::Uuid::nil()),
            Kind::Pod,
            "shop",
            "cart-0",
        ));
        asset.labels = vec![
            label("app", "cart"),
            label("empty", ""),
            label("tier", &"x".repeat(300)),
        ];
        asset.annotations = vec![label("app", "not a label")];
        asset.problems = vec!["none".into()];
        asset.deleting = Some(Time { seconds: 1 << 40 });
        let body = asset.encode_body();
        for key in ["app", "empty", "tier", "absent"] {
            assert_eq!(value(&body, LABELS, key), asset.label(key), "{key}");
            assert_eq!(value(&body, ANNOTATIONS, key), asset.annotation(key), "{key}");
        }
        assert_eq!(pairs(&body, LABELS).count(), 3);
    }

    #[test]
    fn bytes_that_are_no_body_end_the_search() {
        for bytes in [
            &[0xff; 20][..],
            &[0x0a, 0x7f, 1],
            &[0x0b],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert_eq!(value(bytes, LABELS, "app"), None);
        }
    }
}
