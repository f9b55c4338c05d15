//! Interned names of the kinds outside the table, with the other names that people use for them. Names that a cluster,
//! a file of ours or a user declares are always taken; names that stand in objects, which anybody may write, only while
//! there is room, so that forged references cannot fill the memory. Knows nothing of what a kind keeps.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many kinds may be known before names that stand in objects alone are refused. Each costs less than 400 bytes, and
/// fleets with more kinds have not been seen.
pub const MOST_MENTIONED: usize = 8_192;

/// The longest kind, as Kubernetes allows it (a DNS label), in bytes.
const KIND_MAX: usize = 63;
/// The longest group, as Kubernetes allows it (a DNS subdomain), in bytes.
const GROUP_MAX: usize = 253;

/// The interned name of a kind outside the table, `Kind.group`. It lives as long as the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomKind(u32);

/// How people name a kind, beside its own name: what discovery tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    /// As in URLs: `widgets`.
    pub plural: String,
    /// As in sentences: `widget`.
    pub singular: String,
    /// What kubectl takes for it: `wd`.
    pub short: Vec<String>,
}

#[derive(Default)]
struct Names {
    list: Vec<(&'static str, Arc<Spoken>)>,
    index: HashMap<&'static str, u32>,
}

static NAMES: LazyLock<RwLock<Names>> = LazyLock::new(RwLock::default);

fn read() -> RwLockReadGuard<'static, Names> {
    NAMES.read().unwrap_or_else(|e| e.into_inner())
}

fn write() -> RwLockWriteGuard<'static, Names> {
    NAMES.write().unwrap_or_else(|e| e.into_inner())
}

impl CustomKind {
    /// The kind of this name, `Kind.group`. Only for names that were declared: by discovery, the store, the user.
    pub fn new(name: String) -> Self {
        Self::known(&name).unwrap_or_else(|| write().add(name))
    }

    /// The kind that an object mentions; none where it can be no kind, or is new when there is no more room.
    pub fn mentioned(group: &str, kind: &str) -> Option<Self> {
        if !is_kind(kind) || !is_group(group) {
            return None;
        }
        let name = full_name(group, kind);
        Self::known(&name).or_else(|| {
            let mut names = write();
            (names.list.len() < MOST_MENTIONED).then(|| names.add(name))
        })
    }

    fn known(name: &str) -> Option<Self> {
        read().index.get(name).copied().map(Self)
    }

    /// The kind's name with its group.
    pub fn name(self) -> &'static str {
        read().list[self.0 as usize].0
    }

    /// Remembers how people name it. The last cluster to tell is believed.
    pub fn learn(self, spoken: Spoken) {
        let mut names = write();
        let known = &mut names.list[self.0 as usize].1;
        if **known != spoken {
            *known = Arc::new(spoken);
        }
    }

    /// Whether people may mean it by this word, without a group and in any case. Before a cluster told its plural it is
    /// taken to be formed as Kubernetes' tools form one.
    pub fn answers_to(self, word: &str) -> bool {
        let (name, spoken) = read().list[self.0 as usize].clone();
        let kind = name.split_once('.').map_or(name, |(kind, _)| kind);
        let told = [&spoken.plural, &spoken.singular];
        kind.eq_ignore_ascii_case(word)
            || told
                .into_iter()
                .chain(&spoken.short)
                .any(|n| !n.is_empty() && n.eq_ignore_ascii_case(word))
            || spoken.plural.is_empty() && usual_plural(kind).eq_ignore_ascii_case(word)
    }
}

impl Names {
    fn add(&mut self, name: String) -> CustomKind {
        if let Some(number) = self.index.get(name.as_str()) {
            return CustomKind(*number);
        }
        let name: &'static str = String::leak(name);
        let number = self.list.len() as u32;
        self.list.push((name, Arc::default()));
        self.index.insert(name, number);
        CustomKind(number)
    }
}

/// The plural that Kubernetes' tools guess for a kind, in lower case.
pub fn usual_plural(kind: &str) -> String {
    let singular = kind.to_ascii_lowercase();
    match singular.as_bytes() {
        [.., b's'] => singular + "es",
        [.., before, b'y'] if !b"aeiou".contains(before) => singular[..singular.len() - 1].to_owned() + "ies",
        _ => singular + "s",
    }
}

/// `Kind.group`, or the kind alone in the core group.
pub fn full_name(group: &str, kind: &str) -> String {
    match group {
        "" => kind.to_owned(),
        _ => [kind, ".", group].concat(),
    }
}

fn is_kind(kind: &str) -> bool {
    kind.len() <= KIND_MAX
        && kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_group(group: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    group.len() <= GROUP_MAX && group.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_kind_is_not_remembered() {
        for (group, kind) in [
            ("", ""),
            ("", "Wid get"),
            ("", "Wid\0get"),
            ("", "1Widget"),
            ("Example.org", "Widget"),
            ("exa/mple", "Widget"),
            ("", &"x".repeat(64)),
            (&"x".repeat(254), "Widget"),
            ("", "Ẅidget"),
        ] {
            assert_eq!(CustomKind::mentioned(group, kind), None, "{group:?} {kind:?}");
        }
    }

    #[test]
    fn a_kind_answers_to_what_its_cluster_calls_it_and_to_the_usual_plural_before() {
        let kind = CustomKind::new("GatewayPolicy.names.example.org".into());
        assert!(kind.answers_to("gatewaypolicies") && kind.answers_to("GATEWAYPOLICY"));
        assert!(!kind.answers_to("gp") && !kind.answers_to(""));
        kind.learn(Spoken {
            plural: "gwpolicies".into(),
            singular: "gwpolicy".into(),
            short: vec!["gp".into()],
        });
        assert!(["gwpolicies", "gwpolicy", "gp", "gatewaypolicy"].map(|w| kind.answers_to(w)) == [true; 4]);
        assert!(!kind.answers_to("gatewaypolicies"));
    }

    #[test]
    fn plurals_are_formed_as_kubernetes_forms_them() {
        let plurals = ["Widget", "Policy", "Gateway", "Ingress"].map(usual_plural);
        assert_eq!(plurals, ["widgets", "policies", "gateways", "ingresses"]);
    }
}
