//! Patterns that read a reference out of a text: `{namespace}/{name}`, `{label}.{namespace}.svc.{any}`. No regular
//! expressions: what they match is plain to see, and they cannot run away.

use planisphere_schema::AssetKey;

/// What a hole of a pattern takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    /// The target's name.
    Name,
    /// The target's name, which has no dot.
    Label,
    /// The target's namespace.
    Namespace,
    /// The target's kind.
    Kind,
    /// The target's group.
    Group,
    /// Whatever it is.
    Any,
    /// What the object itself is called.
    OwnName,
    /// Where the object itself lives; anything where it lives in no namespace.
    OwnNamespace,
    /// The object's own kind, without group.
    OwnKind,
    /// The object's own group.
    OwnGroup,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Hole),
}

const HOLES: &[(&str, Hole)] = &[
    ("name", Hole::Name),
    ("label", Hole::Label),
    ("namespace", Hole::Namespace),
    ("kind", Hole::Kind),
    ("group", Hole::Group),
    ("any", Hole::Any),
    ("self.name", Hole::OwnName),
    ("self.namespace", Hole::OwnNamespace),
    ("self.kind", Hole::OwnKind),
    ("self.group", Hole::OwnGroup),
];

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

/// What a pattern took out of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captured<'t> {
    pub(crate) name: &'t str,
    pub(crate) namespace: Option<&'t str>,
    pub(crate) kind: Option<&'t str>,
    pub(crate) group: Option<&'t str>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after
                .split_once('}')
                .ok_or_else(|| format!("{text:?}: a brace is not closed"))?;
            let hole = HOLES.iter().find(|(name, _)| *name == word).ok_or_else(|| {
                let known: Vec<String> = HOLES.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                format!("{text:?}: there is no {{{word}}}; known are {}", known.join(", "))
            })?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            } else if matches!(parts.last(), Some(Part::Hole(_))) {
                return Err(format!("{text:?}: something must stand between two braces"));
            }
            parts.push(Part::Hole(hole.1));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let pattern = Self(parts);
        let names = [Hole::Name, Hole::Label]
            .map(|hole| pattern.count(hole))
            .iter()
            .sum::<usize>();
        if names != 1 {
            return Err(format!("{text:?}: {{name}} or {{label}} must stand in it once"));
        }
        if [Hole::Namespace, Hole::Kind, Hole::Group]
            .iter()
            .any(|hole| pattern.count(*hole) > 1)
        {
            return Err(format!("{text:?}: a brace stands in it twice"));
        }
        Ok(pattern)
    }

    fn count(&self, hole: Hole) -> usize {
        self.0.iter().filter(|p| **p == Part::Hole(hole)).count()
    }

    /// Whether it tells the target's kind.
    pub(crate) fn names_kind(&self) -> bool {
        self.count(Hole::Kind) > 0
    }

    /// What it takes out of a text; none where the text is not of this form. `own` is the object's own name.
    pub(crate) fn read<'t>(&self, text: &'t str, own: &AssetKey) -> Option<Captured<'t>> {
        let parts = self.with_own(own);
        let mut captured = Captured::default();
        let mut rest = text;
        let mut at = 0;
        while at < parts.len() {
            match &parts[at] {
                Part::Text(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Hole(hole) => {
                    let taken = match parts.get(at + 1) {
                        Some(Part::Text(next)) => &rest[..rest.find(next.as_str())?],
                        _ => rest,
                    };
                    take(*hole, taken, &mut captured)?;
                    rest = &rest[taken.len()..];
                }
            }
            at += 1;
        }
        rest.is_empty().then_some(captured)
    }

    /// With what the object is called in place of the holes for it.
    fn with_own(&self, own: &AssetKey) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text.as_str(),
                Part::Hole(Hole::OwnName) => &own.name,
                Part::Hole(Hole::OwnKind) => own.kind.short_name(),
                Part::Hole(Hole::OwnGroup) => own.kind.group(),
                Part::Hole(Hole::OwnNamespace) if own.namespace.is_empty() => {
                    parts.push(Part::Hole(Hole::OwnNamespace));
                    continue;
                }
                Part::Hole(Hole::OwnNamespace) => &own.namespace,
                Part::Hole(hole) => {
                    parts.push(Part::Hole(*hole));
                    continue;
                }
            };
            match parts.last_mut() {
                Some(Part::Text(before)) => before.push_str(text),
                _ => parts.push(Part::Text(text.to_owned())),
            }
        }
        parts
    }
}

fn take<'t>(hole: Hole, taken: &'t str, captured: &mut Captured<'t>) -> Option<()> {
    let plain = !taken.is_empty() && !taken.contains(['/', '*', ' ']);
    let ok = match hole {
        Hole::Name | Hole::Kind => plain,
        Hole::Label | Hole::Namespace => plain && !taken.contains('.'),
        _ => true,
    };
    if !ok {
        return None;
    }
    match hole {
        Hole::Name | Hole::Label => captured.name = taken,
        Hole::Namespace => captured.namespace = Some(taken),
        Hole::Kind => captured.kind = Some(taken),
        Hole::Group => captured.group = Some(taken),
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use planisphere_schema::{AssetRef, ClusterId, Kind};

    fn read<'t>(pattern: &str, text: &'t str) -> Option<Captured<'t>> {
        let own = AssetRef::new(ClusterId(uuid::Uuid::nil()), Kind::Deployment, "shop", "cart.v1");
        Pattern::parse(pattern).unwrap().read(text, own.key())
    }

    #[test]
    fn a_host_is_a_service_only_where_it_has_the_form_of_one() {
        let long = "{label}.{namespace}.svc.{any}";
        let found = read(long, "reviews.prod.svc.cluster.local").unwrap();
        assert_eq!((found.name, found.namespace), ("reviews", Some("prod")));
        assert_eq!(read(long, "api.example.com"), None);
        assert_eq!(read("{label}", "api.example.com"), None);
        assert_eq!(read("{label}", "reviews").unwrap().name, "reviews");
        assert_eq!(read("{label}", "*"), None);
        assert_eq!(read("{label}", ""), None);
    }

    #[test]
    fn a_tracking_id_must_be_about_the_object_that_carries_it() {
        let pattern = "{name}:{self.group}/{self.kind}:{self.namespace}/{self.name}";
        assert_eq!(
            read(pattern, "shop-app:apps/Deployment:shop/cart.v1")
                .unwrap()
                .name,
            "shop-app"
        );
        for copied in [
            "shop-app:apps/Deployment:shop/other",
            "a:apps/ReplicaSet:shop/cart.v1",
            "a:/Deployment:shop/cart.v1",
        ] {
            assert_eq!(read(pattern, copied), None, "{copied}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_words() {
        for text in [
            "",
            "x",
            "{name",
            "{nam}",
            "{name}{namespace}",
            "{name}/{label}",
            "{any}",
            "{name}/{kind}/{kind}",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
    }
}
