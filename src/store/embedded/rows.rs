//! How values stand in the rows of the file: words for enums, and the sums that tell damage. Words, not numbers: the
//! file outlives the order of our enums.

use super::chunk::{Head, Standing};
use super::state::{ClusterEntry, State, kind_name};
use planisphere_schema::{Coverage, How, Kind, Op, Version};
use twox_hash::XxHash3_64;
use uuid::Uuid;

macro_rules! words {
    ($to:ident $from:ident $type:ident { $($variant:ident $word:literal),* $(,)? }) => {
        pub(super) fn $to(value: $type) -> &'static str {
            match value { $($type::$variant => $word,)* }
        }

        pub(super) fn $from(word: &str) -> Option<$type> {
            match word { $($word => Some($type::$variant),)* _ => None }
        }
    };
}

words!(op_word op_of Op { Create "C", Update "U", Delete "D" });
words!(how_word how_of How {
    Event "event", List "list", Probe "probe", Dump "dump", Derived "derived",
});
words!(coverage_word coverage_of Coverage {
    Watched "watched", Dumped "dumped", Denied "denied", Absent "absent", Excluded "excluded",
});

/// The kind of this name, as the file has it; one that the table does not know is a custom kind.
pub(super) fn kind_of(name: &str) -> Kind {
    let built_in = Kind::BUILT_IN.iter().find(|k| kind_name(**k) == name);
    let custom = || Kind::Custom(planisphere_schema::CustomKind::new(name.to_owned()));
    built_in.copied().unwrap_or_else(custom)
}

/// A uid as a row has it: absent where there is none.
pub(super) fn uid_bytes(uid: &Uuid) -> Option<&[u8]> {
    (!uid.is_nil()).then_some(uid.as_bytes())
}

/// The part of an asset in the sum of its cluster: its row, and who it is. The hash covers the body. The resourceVersion
/// is left out: in memory it moves on alone.
pub(super) fn asset_sum(state: &State, head: &Head, name: &str) -> u64 {
    let mut bytes = Vec::with_capacity(192);
    bytes.extend_from_slice(&head.pk.to_le_bytes());
    bytes.extend_from_slice(&head.since.0.to_le_bytes());
    bytes.extend_from_slice(&head.hash.to_le_bytes());
    bytes.push(u8::from(head.standing == Standing::Stub));
    bytes.extend_from_slice(head.id.0.as_bytes());
    if let Some(group) = state.group(head.group) {
        if let Some(cluster) = state.cluster(group.cluster) {
            bytes.extend_from_slice(cluster.id.0.as_bytes());
        }
        for text in [kind_name(group.kind), "\0", &group.namespace, "\0", name] {
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    XxHash3_64::oneshot(&bytes)
}

/// The seal of a row of `cluster` and its rows of `source`.
pub(super) fn cluster_seal(entry: &ClusterEntry) -> u64 {
    let mut bytes = entry.id.0.as_bytes().to_vec();
    for number in [
        entry.fence,
        entry.version.0 as u64,
        entry.sum,
        u64::from(entry.known),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(entry.name.as_bytes());
    for source in &entry.sources {
        let resume = source.resume.as_deref();
        for text in [
            kind_name(source.kind),
            if resume.is_some() { "from" } else { "none" },
            resume.unwrap_or_default(),
            coverage_word(source.coverage),
        ] {
            bytes.push(0);
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(&source.fresh_ms.to_le_bytes());
    }
    XxHash3_64::oneshot(&bytes)
}

/// An edge by the numbers of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EdgeKey {
    pub(super) declarer: u32,
    pub(super) relation: i64,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The part of a row of `edge` in the sum of its cluster.
pub(super) fn edge_sum(key: EdgeKey, since: Version, detail: &[u8]) -> u64 {
    let mut bytes = [0_u8; 36];
    bytes[..4].copy_from_slice(&key.declarer.to_le_bytes());
    bytes[4..12].copy_from_slice(&key.relation.to_le_bytes());
    bytes[12..16].copy_from_slice(&key.from.to_le_bytes());
    bytes[16..20].copy_from_slice(&key.to.to_le_bytes());
    bytes[20..28].copy_from_slice(&since.0.to_le_bytes());
    bytes[28..].copy_from_slice(&XxHash3_64::oneshot(detail).to_le_bytes());
    XxHash3_64::oneshot(&bytes)
}
