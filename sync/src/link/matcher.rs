//! A label selector, ready to be asked. It knows labels alone: not whose they are, nor what a match means.

use planisphere_schema::Label;
use planisphere_schema::attributes::{Requirement as Written, Selector, ServiceAttributes};
use std::hash::Hasher;

/// What labels must be like: of any one alternative, all requirements hold. Without any requirement, all labels match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Matcher(Vec<Vec<Requirement>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    /// Holds too where the key is absent.
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
    /// Kubernetes takes no such requirement; whoever wrote it meant something, but not everything.
    Unreadable,
}

impl Matcher {
    /// What a selector matches; an absent one matches nothing, an empty one everything.
    pub(super) fn of(selector: Option<&Selector>) -> Option<Self> {
        Self::any_of(selector.into_iter())
    }

    /// What any one of several selectors matches; of none, nothing.
    pub(super) fn any_of<'a>(selectors: impl Iterator<Item = &'a Selector>) -> Option<Self> {
        let all = |selector: &Selector| {
            let equal = selector.match_labels.iter().map(|pair| equality(pair));
            let written = selector.match_expressions.iter().map(requirement);
            equal.chain(written).collect()
        };
        let alternatives: Vec<Vec<Requirement>> = selectors.map(all).collect();
        (!alternatives.is_empty()).then_some(Self(alternatives))
    }

    /// What a Service selects: nothing where it is an ExternalName, and nothing by an absent or empty selector.
    pub(super) fn of_service(service: &ServiceAttributes) -> Option<Self> {
        if service.service_type == "ExternalName" || service.selector.is_empty() {
            return None;
        }
        let requirements = service.selector.iter().map(|pair| equality(pair));
        Some(Self(vec![requirements.collect()]))
    }

    /// Whether these labels match, which are sorted by key.
    pub(super) fn matches(&self, labels: &[Label]) -> bool {
        let value = |key: &str| {
            let at = labels.binary_search_by(|l| l.key.as_str().cmp(key)).ok()?;
            Some(&labels[at].value)
        };
        let holds = |requirement: &Requirement| match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|v| values.contains(v)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|v| !values.contains(v)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::DoesNotExist(key) => value(key).is_none(),
            Requirement::Unreadable => false,
        };
        self.0.iter().any(|all| all.iter().all(holds))
    }

    /// Ways to find what may match without looking at everything: whatever matches has one of the terms of each.
    /// None where labels may match that have nothing in particular.
    pub(super) fn ways(&self) -> impl Iterator<Item = Vec<Term>> {
        let (single, several) = match &self.0[..] {
            [all] => (&all[..], None),
            // What matches one of several has a term of that one's way, so that a way of all has the terms of each.
            several => (
                &[][..],
                several.iter().map(|all| all.iter().find_map(way)).collect(),
            ),
        };
        let joined = several.map(|ways: Vec<Vec<Term>>| ways.concat());
        single.iter().filter_map(way).chain(joined)
    }
}

/// The terms of which labels have one where a requirement holds.
fn way(requirement: &Requirement) -> Option<Vec<Term>> {
    match requirement {
        Requirement::In(key, values) => Some(values.iter().map(|v| Term::pair(key, v)).collect()),
        Requirement::Exists(key) => Some(vec![Term::key(key)]),
        Requirement::Unreadable => Some(Vec::new()),
        Requirement::NotIn(..) | Requirement::DoesNotExist(_) => None,
    }
}

fn equality(pair: &str) -> Requirement {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    Requirement::In(key.to_owned(), vec![value.to_owned()])
}

fn requirement(written: &Written) -> Requirement {
    let Written {
        key,
        operator,
        values,
    } = written.clone();
    match operator.as_str() {
        "In" => Requirement::In(key, values),
        "NotIn" => Requirement::NotIn(key, values),
        "Exists" => Requirement::Exists(key),
        "DoesNotExist" => Requirement::DoesNotExist(key),
        _ => Requirement::Unreadable,
    }
}

/// A label or a label's key, as a number for an index. Two may share one: what an index finds is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Term(u64);

impl Term {
    fn pair(key: &str, value: &str) -> Self {
        Self::of(&[key.as_bytes(), b"=", value.as_bytes()])
    }

    fn key(key: &str) -> Self {
        Self::of(&[key.as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = super::xxh3();
        parts.iter().for_each(|part| hash.write(part));
        Self(hash.finish())
    }

    /// The terms of labels: each one's key, and each whole.
    pub(super) fn all(labels: &[Label]) -> impl Iterator<Item = Self> {
        labels
            .iter()
            .flat_map(|l| [Self::key(&l.key), Self::pair(&l.key, &l.value)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
        let label = |(key, value): &(&str, &str)| Label {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        pairs.iter().map(label).collect()
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> Option<Matcher> {
        Matcher::of(Some(&Selector {
            match_labels: Vec::new(),
            match_expressions: vec![Written {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
        }))
    }

    #[test]
    fn each_operator_says_of_present_absent_and_other_values_what_kubernetes_says() {
        let [same, other, absent] = [&[("tier", "web")][..], &[("tier", "db")], &[("app", "web")]];
        for (operator, values, expected) in [
            ("In", &["web"][..], [true, false, false]),
            ("In", &["web", "db"], [true, true, false]),
            ("In", &[], [false, false, false]),
            ("NotIn", &["web"], [false, true, true]),
            ("Exists", &[], [true, true, false]),
            ("DoesNotExist", &[], [false, false, true]),
            ("Gt", &["1"], [false, false, false]),
        ] {
            let matcher = expression("tier", operator, values).unwrap();
            let found = [same, other, absent].map(|l| matcher.matches(&labels(l)));
            assert_eq!(found, expected, "{operator} {values:?}");
        }
    }

    #[test]
    fn an_absent_selector_is_nothing_and_an_empty_one_everything_but_for_a_service() {
        assert_eq!(Matcher::of(None), None);
        assert!(Matcher::of(Some(&Selector::default())).unwrap().matches(&[]));
        assert_eq!(Matcher::of_service(&ServiceAttributes::default()), None);
    }

    #[test]
    fn one_of_several_selectors_is_enough_and_their_ways_lead_to_each() {
        let selector = |key: &str, operator: &str| Selector {
            match_labels: Vec::new(),
            match_expressions: vec![Written {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: Vec::new(),
            }],
        };
        let [a, b, not_c] = [
            selector("a", "Exists"),
            selector("b", "Exists"),
            selector("c", "DoesNotExist"),
        ];
        let either = Matcher::any_of([&a, &b].into_iter()).unwrap();
        let matched = [&[("a", "1")][..], &[("b", "1")], &[("c", "1")]].map(|l| either.matches(&labels(l)));
        assert_eq!(matched, [true, true, false]);
        assert_eq!(
            either.ways().collect::<Vec<_>>(),
            [vec![Term::key("a"), Term::key("b")]]
        );
        let anything = Matcher::any_of([&a, &not_c].into_iter()).unwrap();
        assert_eq!(anything.ways().count(), 0);
        assert_eq!(Matcher::any_of(std::iter::empty()), None);
    }

    #[test]
    fn whatever_matches_has_a_term_of_each_way() {
        let carried = labels(&[("a", "1"), ("b", "2")]);
        let terms: Vec<Term> = Term::all(&carried).collect();
        for (matcher, ways) in [
            (expression("a", "In", &["0", "1"]), 1),
            (expression("b", "Exists", &[]), 1),
            (expression("c", "NotIn", &["1"]), 0),
            (expression("c", "DoesNotExist", &[]), 0),
        ] {
            let matcher = matcher.unwrap();
            assert!(matcher.matches(&carried));
            assert_eq!(matcher.ways().count(), ways);
            assert!(matcher.ways().all(|way| way.iter().any(|t| terms.contains(t))));
        }
    }
}
