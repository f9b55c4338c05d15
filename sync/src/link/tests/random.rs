//! Whatever happened in whatever order: the edges are those that a linker draws which saw nothing but how it ended.

use super::*;
use planisphere_schema::attributes::{PodDisruptionBudgetAttributes, Requirement, Selector};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The edges of the graph by their declarer, as text.
#[derive(Default)]
struct Graph {
    assets: BTreeMap<AssetId, Asset>,
    edges: BTreeMap<AssetId, Vec<Edge>>,
}

impl Graph {
    fn take(&mut self, changes: &[Observed]) {
        for observed in changes {
            match &observed.change {
                Change::Upsert { asset, edges } => {
                    let id = asset.reference.id();
                    self.assets.insert(id, (**asset).clone());
                    self.edges.insert(id, edges.clone());
                }
                Change::Redraw {
                    declarer,
                    relation,
                    edges,
                } => {
                    let declared = self.edges.get_mut(declarer).unwrap();
                    declared.retain(|e| e.relation != *relation);
                    declared.extend(edges.clone());
                }
                Change::Delete { id } => {
                    assert!(self.assets.remove(id).is_some(), "deleted, but never there");
                    self.edges.remove(id);
                }
            }
        }
    }

    fn lines(&self) -> BTreeSet<String> {
        let lines = self.edges.iter().flat_map(|(declarer, edges)| {
            let by = self.assets[declarer].reference.key().clone();
            edges
                .iter()
                .map(move |e| format!("{:?} {} {:?} by {by} {:?}", e.from, e.relation, e.to, e.detail))
        });
        let mut seen = BTreeSet::new();
        for line in lines {
            assert!(seen.insert(line.clone()), "drawn twice: {line}");
        }
        seen
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(Box<Asset>),
    Delete(Box<Asset>),
    /// A whole list of a kind that brings every second object that is known.
    List(Kind),
}

/// The objects of a step: few names and few labels, so that they meet.
fn object() -> impl Strategy<Value = Asset> {
    prop_oneof![
        4 => (0..6_u8, labels()).prop_map(|(name, labels)| {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(k, v)| (*k, *v)).collect();
            in_namespace(pod(&format!("pod-{name}"), &labels), name % 2)
        }),
        2 => (0..3_u8, labels(), 0..2_u8).prop_map(|(name, selector, namespace)| {
            let selector: Vec<String> = selector.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let selector: Vec<&str> = selector.iter().map(String::as_str).collect();
            in_namespace(service(&format!("service-{name}"), &selector), namespace)
        }),
        2 => (0..3_u8, prop::option::of(selector()), 0..2_u8).prop_map(|(name, selector, namespace)| {
            in_namespace(budget(&format!("budget-{name}"), selector), namespace)
        }),
        1 => (1..3_u128, prop::bool::ANY).prop_map(|(uid, named)| claim(uid, named.then_some("pv-1"))),
        1 => (1..3_u128, prop::bool::ANY).prop_map(|(uid, bound)| {
            volume(uid, if bound { "Bound" } else { "Released" })
        }),
    ]
}

fn selector() -> impl Strategy<Value = Selector> {
    let operators = vec!["In", "NotIn", "Exists", "DoesNotExist"];
    let expression = (
        prop::sample::select(vec!["app", "team", "tier"]),
        prop::sample::select(operators),
    );
    (labels(), prop::option::of(expression)).prop_map(|(labels, expression)| Selector {
        match_labels: labels.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        match_expressions: expression
            .into_iter()
            .map(|(key, operator)| Requirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: vec!["a".to_owned()],
            })
            .collect(),
    })
}

fn budget(name: &str, selector: Option<Selector>) -> Asset {
    let mut asset = Asset::named(AssetRef::new(CLUSTER, Kind::PodDisruptionBudget, "shop", name));
    asset.attributes = PodDisruptionBudgetAttributes {
        selector,
        ..Default::default()
    }
    .into();
    asset
}

fn labels() -> impl Strategy<Value = BTreeMap<&'static str, &'static str>> {
    prop::collection::btree_map(
        prop::sample::select(vec!["app", "team", "tier"]),
        prop::sample::select(vec!["a", "b"]),
        0..3,
    )
}

fn in_namespace(mut asset: Asset, number: u8) -> Asset {
    let key = asset.reference.key();
    let namespace = ["shop", "bank"][usize::from(number)];
    asset.reference = AssetRef::new(key.cluster, key.kind, namespace, &key.name);
    asset
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = vec![
        Kind::Pod,
        Kind::Service,
        Kind::PodDisruptionBudget,
        Kind::PersistentVolume,
    ];
    prop_oneof![
        6 => object().prop_map(|o| Step::Put(Box::new(o))),
        2 => object().prop_map(|o| Step::Delete(Box::new(o))),
        1 => prop::sample::select(kinds).prop_map(Step::List),
    ]
}

fn run(case: &mut Case, graph: &mut Graph, step: Step) {
    let changes = match step {
        Step::Put(asset) => case.event(*asset),
        Step::Delete(asset) => case.delete(*asset),
        Step::List(kind) => {
            case.linker.list_started(kind);
            let known: Vec<Asset> = graph
                .assets
                .values()
                .filter(|a| a.kind() == kind)
                .cloned()
                .collect();
            let mut changes = Vec::new();
            for asset in known.into_iter().step_by(2) {
                changes.extend(case.apply(asset, How::List));
            }
            case.version += 1;
            let resume = case.version.to_string();
            changes.extend(case.end_list(kind, &resume));
            changes
        }
    };
    graph.take(&changes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_edges_are_those_of_a_linker_that_saw_only_the_end(
        steps in prop::collection::vec(step(), 1..60),
        turn in 0..7_usize,
    ) {
        let (mut case, mut graph) = (Case::new(), Graph::default());
        for step in steps {
            run(&mut case, &mut graph, step);
        }
        // In another order than they came in.
        let mut left: Vec<Asset> = graph.assets.values().cloned().collect();
        let turn = turn.min(left.len());
        left.rotate_left(turn);
        let (mut fresh, mut again) = (Case::new(), Graph::default());
        for asset in &left {
            again.take(&fresh.apply(asset.clone(), How::List));
        }
        prop_assert_eq!(graph.lines(), again.lines());
        // A linker that was restored from what is stored draws on from there.
        let mut restored = Case::new();
        left.iter().for_each(|asset| restored.linker.restore(asset));
        let mut stored = Graph { assets: graph.assets.clone(), edges: graph.edges.clone() };
        let drawing = [Kind::Service, Kind::PodDisruptionBudget, Kind::PersistentVolume];
        for asset in left.iter().filter(|a| drawing.contains(&a.kind())) {
            restored.version = 1_000;
            let gone = restored.delete(asset.clone());
            stored.take(&gone);
            case.version = 1_000;
            let expected = case.delete(asset.clone());
            graph.take(&expected);
        }
        prop_assert_eq!(stored.lines(), graph.lines());
    }
}
