//! Scenarios against the pure part alone: extraction and the Linker, without I/O; once in the order of the file, and once
//! more from what is left at the end, in the opposite order.

use super::expectation::{Edge, Ends, Expectation, Found, Says};
use super::script::{Act, Scenario};
use super::{details, fields, shown};
use planisphere_schema::{
    Asset, AssetId, AssetRef, Change, Cluster, ClusterId, Edge as Drawn, How, Kind, Observed, Scope,
};
use planisphere_sync::extract::{Catalog, Context, Entry};
use planisphere_sync::link::{Ignored, Linker};
use planisphere_sync::rules::{Rules, shipped};
use planisphere_sync::{Extractor, Observation};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// One cluster: its objects, and the graph that the changes make.
struct World {
    cluster: Cluster,
    linker: Linker,
    version: u64,
    objects: BTreeMap<AssetId, Value>,
    assets: BTreeMap<AssetId, Asset>,
    edges: BTreeMap<AssetId, Vec<Drawn>>,
    seen: BTreeSet<String>,
    /// What its definitions say of its custom kinds.
    catalog: Arc<Catalog>,
    rules: Arc<Rules>,
}

/// Runs a scenario; gives all that is not as expected.
pub fn run(scenario: &Scenario) -> Vec<String> {
    run_with(scenario, &Arc::new(shipped().unwrap()))
}

/// As [`run`], under other rules than the shipped ones.
pub fn run_with(scenario: &Scenario, rules: &Arc<Rules>) -> Vec<String> {
    let mut faults = Vec::new();
    let last = scenario.steps.len() - 1;
    walk(scenario, rules, |number, expectation, world| {
        let mut place = scenario.place(&scenario.steps[number]);
        let mut those = expectation.faults(&world.found(), &world.seen);
        if number == last && those.is_empty() {
            place += ", from its end in the opposite order";
            those = expectation.faults(&world.anew().found(), &world.seen);
        }
        faults.extend(those.into_iter().map(|f| format!("{place}: {f}")));
    });
    faults
}

/// What is found at each expectation, by its place among the steps.
pub fn found_at(scenario: &Scenario) -> BTreeMap<usize, Found> {
    let mut found = BTreeMap::new();
    walk(scenario, &Arc::new(shipped().unwrap()), |number, _, world| {
        found.insert(number, world.found());
    });
    found
}

fn walk(scenario: &Scenario, rules: &Arc<Rules>, mut expect: impl FnMut(usize, &Expectation, &World)) {
    let named = |name: String| (name.clone(), World::new(&name, rules));
    let mut worlds: BTreeMap<String, World> = scenario.clusters().into_iter().map(named).collect();
    for (number, step) in scenario.steps.iter().enumerate() {
        let Some(world) = worlds.get_mut(&step.cluster) else {
            continue;
        };
        match &step.act {
            Act::Apply(object) => world.apply(object),
            Act::Delete(key) => world.delete(key),
            Act::Expect(expectation) => expect(number, expectation, world),
            Act::Nothing => {}
        }
    }
}

impl World {
    /// With what every cluster has.
    fn new(name: &str, rules: &Arc<Rules>) -> Self {
        let mut world = Self::of(
            Cluster {
                id: ClusterId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())),
                name: name.to_owned(),
            },
            Arc::default(),
            rules.clone(),
        );
        for namespace in ["kube-system", "default"] {
            world.apply(
                &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
            );
        }
        world
    }

    fn of(cluster: Cluster, catalog: Arc<Catalog>, rules: Arc<Rules>) -> Self {
        let itself = Asset::named(AssetRef::cluster(cluster.id));
        Self {
            linker: Linker::new(cluster.clone()),
            version: 0,
            objects: BTreeMap::new(),
            assets: BTreeMap::from([(itself.reference.id(), itself)]),
            edges: BTreeMap::new(),
            seen: BTreeSet::new(),
            catalog,
            rules,
            cluster,
        }
    }

    /// A world that saw nothing but what is left, as lists of kinds, in the opposite order.
    fn anew(&self) -> Self {
        let mut world = Self::of(self.cluster.clone(), self.catalog.clone(), self.rules.clone());
        let mut left: Vec<&Value> = self.objects.values().collect();
        left.reverse();
        for object in left {
            let observation = world.observe(object);
            world.take(|linker, out| linker.applied(observation, How::List, out, &mut Ignored::default()));
        }
        world
    }

    fn apply(&mut self, object: &Value) {
        let mut object = object.clone();
        self.complete(&mut object);
        self.learn(&object);
        let observation = self.observe(&object);
        let reference = observation.asset.reference.clone();
        self.objects.insert(reference.id(), object);
        self.seen.insert(shown(reference.key()));
        self.take(|linker, out| linker.applied(observation, How::Event, out, &mut Ignored::default()));
    }

    fn delete(&mut self, key: &str) {
        let known = self.assets.values().find(|a| shown(a.reference.key()) == key);
        let id = known
            .unwrap_or_else(|| panic!("there is no {key} to delete"))
            .reference
            .id();
        let mut object = self.objects.remove(&id).unwrap();
        self.complete(&mut object);
        let observation = self.observe(&object);
        self.take(|linker, out| linker.deleted(&observation, out, &mut Ignored::default()));
    }

    /// Adds what an API server adds.
    fn complete(&mut self, object: &mut Value) {
        self.version += 1;
        let kind = object["kind"].clone();
        let name = object["metadata"]["name"].clone();
        let namespace = object["metadata"]["namespace"].clone();
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        if object["metadata"]["uid"].is_null() {
            let path = format!("{kind}/{namespace}/{name}");
            object["metadata"]["uid"] = Uuid::new_v5(&self.cluster.id.0, path.as_bytes())
                .to_string()
                .into();
        }
    }

    /// Takes in what a definition says, as discovery would.
    fn learn(&self, object: &Value) {
        if object["kind"] != "CustomResourceDefinition" {
            return;
        }
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap();
        let kind = Kind::declared(text("/spec/group"), text("/spec/names/kind"));
        let scope = match text("/spec/scope") {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let definition = Some(text("/metadata/name").to_owned());
        self.catalog.learn(kind, Entry { scope, definition });
    }

    fn observe(&self, object: &Value) -> Observation {
        let group = object["apiVersion"]
            .as_str()
            .unwrap()
            .split_once('/')
            .map_or("", |(g, _)| g);
        let kind = Kind::of(group, object["kind"].as_str().unwrap());
        let extractor = Extractor::of(kind).unwrap_or_else(|| panic!("{kind} is not read"));
        let context = Context::new(self.cluster.id, self.catalog.clone(), self.rules.of(kind));
        extractor
            .json_in(&context, object.to_string().as_bytes())
            .unwrap()
    }

    fn take(&mut self, act: impl FnOnce(&mut Linker, &mut Vec<Observed>)) {
        let mut changes = Vec::new();
        act(&mut self.linker, &mut changes);
        for Observed { change, .. } in changes {
            match change {
                Change::Upsert { asset, edges } => {
                    self.edges.insert(asset.reference.id(), edges);
                    self.assets.insert(asset.reference.id(), *asset);
                }
                Change::Redraw {
                    declarer,
                    relation,
                    edges,
                } => {
                    let declared = self.edges.get_mut(&declarer).expect("whoever declares is there");
                    declared.retain(|e| e.relation != relation);
                    declared.extend(edges);
                }
                Change::Delete { id } => {
                    self.assets.remove(&id);
                    self.edges.remove(&id);
                }
            }
        }
    }

    fn found(&self) -> Found {
        let with_problems = self.assets.values().filter(|a| !a.problems.is_empty());
        Found {
            edges: self
                .edges
                .iter()
                .flat_map(|(by, edges)| edges.iter().map(|edge| self.edge(*by, edge)))
                .collect(),
            problems: with_problems
                .map(|a| (shown(a.reference.key()), a.problems.join("; ")))
                .collect(),
            fields: self.assets.values().filter_map(fields).collect(),
        }
    }

    fn edge(&self, by: AssetId, edge: &Drawn) -> Edge {
        let target = self.assets.get(&edge.to.id());
        let uid = edge
            .detail
            .uid
            .as_deref()
            .and_then(|uid| Uuid::parse_str(uid).ok());
        Edge {
            ends: Ends {
                from: shown(edge.from.key()),
                relation: edge.relation.name().to_owned(),
                to: shown(edge.to.key()),
            },
            says: Says {
                by: Some(shown(self.assets[&by].reference.key())),
                dangling: target.is_none() && !edge.to.key().kind.is_named(),
                stale: target.is_some_and(|t| !t.uid.is_nil() && uid.is_some_and(|uid| uid != t.uid)),
                detail: details(&edge.detail),
            },
        }
    }
}
