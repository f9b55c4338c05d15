//! Scenarios against the whole service: simulated API servers, list and watch, ingest, a store, and GraphQL over it. What
//! comes before the first expectation is listed, what comes after it is watched.

use super::expectation::{Answer, Edge, Ends, Expectation, Found, Says};
use super::script::{Act, Scenario, Step};
use super::{details, fields, shown};
use crate::program::{client, until};
use crate::store::Specimen;
use axum::body::Body;
use axum::http::Request;
use planisphere::api::{ApiLimits, ApiState, router};
use planisphere::clock::Clock;
use planisphere::ingest::{Ingest, Meter};
use planisphere::query::edges::{EdgesOf, edges_of};
use planisphere::store::{Direction, Filter, ListQuery, Order, Presence, Record, Snapshot, Store, Text};
use planisphere_fixtures::{FleetSpec, Options, SimCluster, Simulation};
use planisphere_schema::Coverage;
use planisphere_sync::cluster::{Contexts, clusters_of};
use planisphere_sync::fleet::{Fleet, Origin, Taken};
use planisphere_sync::reflect::{Limits, system_random};
use planisphere_sync::status::SyncStatus;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// More assets or edges than any scenario has.
const ALL: usize = 10_000;

/// A scenario on its way through the whole service.
struct Service {
    simulation: Simulation,
    numbers: BTreeMap<String, usize>,
    seen: BTreeMap<String, BTreeSet<String>>,
    store: Arc<dyn Store>,
    status: SyncStatus,
    cancel: CancellationToken,
    mirrors: Option<tokio::task::JoinHandle<()>>,
    folder: tempfile::TempDir,
}

struct Unmeasured;

impl Meter for Unmeasured {
    fn applied(&self, _: Duration, _: bool) {}
}

/// Runs a scenario on a store; gives all that is not as expected.
pub async fn run(scenario: &Scenario, specimen: &mut dyn Specimen) -> Vec<String> {
    let mut faults = Vec::new();
    let mut service = Service::new(scenario, specimen.store()).await;
    for step in &scenario.steps {
        match &step.act {
            Act::Apply(object) => service.apply(step, object),
            Act::Delete(key) => service.delete(step, key),
            Act::Expect(expectation) => {
                let those = service.faults(step, expectation).await;
                faults.extend(
                    those
                        .into_iter()
                        .map(|f| format!("{}: {f}", scenario.place(step))),
                );
            }
            Act::Nothing => {}
        }
    }
    service.end().await;
    faults
}

/// The data of each answer, by the place of its expectation among the steps.
pub async fn answers(scenario: &Scenario, specimen: &mut dyn Specimen) -> BTreeMap<usize, Vec<Value>> {
    let mut answers = BTreeMap::new();
    let mut service = Service::new(scenario, specimen.store()).await;
    for (number, step) in scenario.steps.iter().enumerate() {
        match &step.act {
            Act::Apply(object) => service.apply(step, object),
            Act::Delete(key) => service.delete(step, key),
            Act::Expect(expectation) => {
                service.has_caught_up().await;
                let mut data = Vec::new();
                for answer in &expectation.answers {
                    let mut told = service.ask(&answer.query).await;
                    assert!(told.get("errors").is_none(), "{}: {told:#}", scenario.place(step));
                    data.push(told["data"].take());
                }
                answers.insert(number, data);
            }
            Act::Nothing => {}
        }
    }
    service.end().await;
    answers
}

impl Service {
    async fn new(scenario: &Scenario, store: Arc<dyn Store>) -> Self {
        let numbers: BTreeMap<String, usize> = scenario
            .clusters()
            .into_iter()
            .enumerate()
            .map(|(n, name)| (name, n))
            .collect();
        // Identities of its own, so that scenarios may share a store.
        let mut seed = std::hash::DefaultHasher::new();
        seed.write(scenario.name.as_bytes());
        let spec = FleetSpec {
            seed: seed.finish(),
            ..FleetSpec::empty(numbers.len() as u32)
        };
        let options = Options {
            bookmark_interval: Duration::from_millis(50),
            ..Options::default()
        };
        let folder = tempfile::tempdir().unwrap();
        Self {
            simulation: Simulation::start(spec, options).await.unwrap(),
            numbers,
            seen: BTreeMap::new(),
            store,
            status: SyncStatus::default(),
            cancel: CancellationToken::new(),
            mirrors: None,
            folder,
        }
    }

    fn cluster(&self, name: &str) -> &SimCluster {
        &self.simulation.clusters[self.numbers[name]]
    }

    fn apply(&mut self, step: &Step, object: &Value) {
        self.cluster(&step.cluster).apply(object.clone()).unwrap();
    }

    fn delete(&mut self, step: &Step, key: &str) {
        let parts: Vec<&str> = key.split('/').collect();
        let (namespace, kind, name) = match parts[..] {
            [kind, name] => ("", kind, name),
            [namespace, kind, name] => (namespace, kind, name),
            _ => panic!("{key} is no `[namespace/]Kind/name`"),
        };
        let kind = planisphere_schema::Kind::parse(kind).unwrap();
        let resource = kind.row().map_or(kind.short_name(), |row| row.plural);
        let resource = match kind.group() {
            "" => resource.to_owned(),
            group => format!("{resource}.{group}"),
        };
        let deleted = self.cluster(&step.cluster).delete(&resource, namespace, name);
        assert!(deleted.is_some(), "there is no {key} to delete");
    }

    /// Mirrors the clusters from now on, under the names that the scenario gives them.
    fn mirror(&mut self) {
        let entry = |name: &String, part: &str, value: Value| json!({ "name": name, part: value });
        let of = |part: &str, value: &dyn Fn(&String) -> Value| -> Vec<Value> {
            self.numbers
                .keys()
                .map(|name| entry(name, part, value(name)))
                .collect()
        };
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config",
            "clusters": of("cluster", &|name| json!({ "server": self.cluster(name).url() })),
            "users": of("user", &|_| json!({})),
            "contexts": of("context", &|name| json!({ "cluster": name, "user": name })),
        });
        let path = self.folder.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        // Chooses the TLS provider, which the mirrors' client wants too.
        drop(client());
        let configs = clusters_of(&[path], &Contexts::All).unwrap();
        let (ingest, _) = Ingest::start(self.store.clone(), self.status.clone(), Arc::new(Unmeasured));
        let fleet = Fleet {
            sink: Arc::new(ingest),
            status: self.status.clone(),
            clock: Clock::of_the_machine().reader(),
            cancel: self.cancel.clone(),
            random: system_random(),
            limits: Limits {
                // Objects are what a scenario is about, not what a server says of itself.
                control_plane: None,
                events: false,
                ..Limits::default()
            },
            excluded: Vec::new(),
            taken: Taken::default(),
            rules: planisphere::rules::shipped_only().unwrap(),
        };
        self.mirrors = Some(tokio::spawn(
            fleet.run(configs.into_iter().map(Origin::Live).collect()),
        ));
    }

    /// Waits until all that happened in the clusters is in the store: each watch was told of the latest version.
    async fn has_caught_up(&mut self) {
        if self.mirrors.is_none() {
            self.mirror();
        }
        until("the mirrors have caught up", || async {
            let all = self.status.all();
            self.numbers.keys().all(|name| {
                let version = self.cluster(name).version();
                let status = all.iter().find(|s| s.name == *name && s.cluster.is_some());
                status.is_some_and(|status| {
                    !status.kinds.is_empty()
                        && status.kinds.values().all(|kind| match kind.coverage {
                            Some(Coverage::Watched) => {
                                let resume = kind.resume.as_deref().and_then(|r| r.parse::<u64>().ok());
                                resume.is_some_and(|resume| resume >= version)
                            }
                            Some(_) => true,
                            None => false,
                        })
                })
            })
        })
        .await;
    }

    async fn faults(&mut self, step: &Step, expectation: &Expectation) -> Vec<String> {
        self.has_caught_up().await;
        let snapshot = self.store.snapshot().await.unwrap();
        let (found, assets) = found(&*snapshot, &step.cluster).await;
        let seen = self.seen.entry(step.cluster.clone()).or_default();
        seen.extend(assets);
        let mut faults = expectation.faults(&found, seen);
        for Answer { query, data } in &expectation.answers {
            let answer = self.ask(query).await;
            if answer["data"] != *data || answer.get("errors").is_some() {
                let told = answer.get("errors").unwrap_or(&answer["data"]);
                faults.push(format!("~ {query} is answered\n{told:#}\nnot\n{data:#}"));
            }
        }
        faults
    }

    async fn ask(&self, query: &str) -> Value {
        let state = ApiState {
            observer: Arc::new(()),
            store: self.store.clone(),
            status: self.status.clone(),
            clock: Clock::of_the_machine().reader(),
            cancel: Default::default(),
            limits: ApiLimits::default(),
            hosts: None,
            owners: Arc::default(),
            calls: Arc::default(),
            exports: Arc::new(planisphere::export::desk::Desk::temporary().unwrap()),
        };
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .body(Body::from(json!({ "query": query }).to_string()));
        let response = router(state).oneshot(request.unwrap()).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn end(mut self) {
        self.cancel.cancel();
        if let Some(mirrors) = self.mirrors.take() {
            mirrors.await.unwrap();
        }
        self.simulation.stop().await;
    }
}

/// A cluster's edges and problems, and its assets.
async fn found(snapshot: &dyn Snapshot, cluster: &str) -> (Found, Vec<String>) {
    let query = ListQuery {
        filter: Filter::Cluster(Text::Eq(cluster.to_owned())),
        presence: Presence::Any,
        order: Order::Key,
        after: None,
        limit: ALL,
    };
    let records = snapshot.list(&query).await.unwrap().records;
    let named = |record: &Arc<Record>| shown(record.asset.reference.key());
    let mut found = Found::default();
    for at in &records {
        found.fields.extend(fields(&at.asset));
        if !at.asset.problems.is_empty() {
            found.problems.insert(named(at), at.asset.problems.join("; "));
        }
        let all = EdgesOf {
            direction: Direction::Out,
            relations: None,
            limit: ALL,
            after: None,
        };
        for edge in edges_of(snapshot, at, &all).await.unwrap().edges {
            let by = records
                .iter()
                .find(|r| r.asset.reference.id() == edge.link.declared_by);
            found.edges.push(Edge {
                ends: Ends {
                    from: named(edge.source()),
                    relation: edge.link.relation.name().to_owned(),
                    to: named(edge.target()),
                },
                says: Says {
                    by: by.map(named),
                    dangling: edge.target().is_dangling(),
                    stale: edge.is_stale(),
                    detail: details(&edge.link.detail),
                },
            });
        }
    }
    let assets = records.iter().filter(|r| !r.stub).map(named).collect();
    (found, assets)
}
