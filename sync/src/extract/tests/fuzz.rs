//! Fuzzing of what strangers write: objects, Events, rule files. Structured, from a seed: an object that is well is spoiled in a few
//! places, so that what is behind the first check is reached too. Whatever comes, nothing panics; what still has a name is
//! kept, and takes nothing else with it. `PLANISPHERE_FUZZ_SECONDS` says how long (each test 2 s where left out),
//! `PLANISPHERE_FUZZ_SEED` runs one case again.

mod spoil;

use super::encodings::{unwrapped, upstream};
use super::*;
use crate::extract::{Catalog, Context};
use crate::link::{Ignored, Linker};
use crate::rules::{Rules, SHIPPED, load, shipped};
use planisphere_schema::{Asset, Change, Cluster, How};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use spoil::{spoil_bytes, spoil_identity, spoil_text, spoil_value};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A text of a hundred kilobytes in a place where none belongs must not come out in a message.
const MESSAGE_MAX: usize = 600;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Says which case it was, where that panics.
struct Case<'a>(&'a str, u64);

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "again: PLANISPHERE_FUZZ_SEED={} cargo test -p planisphere-sync fuzz::{}",
                self.1, self.0
            );
        }
    }
}

/// Runs cases for as long as there is time; gives how many.
fn fuzz(name: &str, mut case: impl FnMut(&mut StdRng)) -> u64 {
    let one = setting("PLANISPHERE_FUZZ_SEED");
    let seconds = setting("PLANISPHERE_FUZZ_SECONDS").unwrap_or(2);
    let until = Instant::now() + Duration::from_secs(seconds);
    // Other cases each time, where time is given; the same ones in each run of a developer's tests.
    let first = match (one, setting("PLANISPHERE_FUZZ_SECONDS")) {
        (Some(seed), _) => seed,
        (None, Some(_)) => rand::random::<u64>() >> 1,
        (None, None) => 0,
    };
    let mut seed = first;
    while seed == first || (one.is_none() && Instant::now() < until) {
        let _case = Case(name, seed);
        case(&mut StdRng::seed_from_u64(seed));
        seed += 1;
    }
    println!("{name}: {} cases from seed {first}", seed - first);
    seed - first
}

/// The kinds that are read, each with the API's own example.
fn examples() -> Vec<(Kind, Value, Option<Vec<u8>>)> {
    let example = |(kind, _): (Kind, Extractor)| {
        let json = complete(serde_json::from_slice(&upstream(kind, "json")).unwrap());
        let protobuf = (kind.group() != JSON_ALONE)
            .then(|| {
                PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                    .join(format!("../fixtures/recorded/upstream/{}.pb", kind.short_name()))
            })
            .and_then(|path| std::fs::read(path).ok());
        (kind, json, protobuf.map(|bytes| unwrapped(&bytes)))
    };
    let mut all: Vec<_> = kinds().map(example).collect();
    for (group, kind) in [
        ("cert-manager.io", "Certificate"),
        ("argoproj.io", "Application"),
        ("argoproj.io", "Rollout"),
        ("networking.istio.io", "VirtualService"),
        ("keda.sh", "ScaledObject"),
        ("aquasecurity.github.io", "VulnerabilityReport"),
        ("example.org", "Widget"),
    ] {
        let object = json!({"apiVersion": format!("{group}/v1"), "kind": kind,
            "spec": {"secretName": "s", "issuerRef": {"kind": "Issuer", "name": "i"}, "dnsNames": ["a"], "http": [{"route": [{"destination": {"host": "a.b.svc"}}]}],
                "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "scaleTargetRef": {"name": "w"}, "triggers": [{"authenticationRef": {"name": "t"}}],
                "source": {"repoURL": "https://a"}, "destination": {"server": "https://b", "namespace": "n"}},
            "report": {"artifact": {"repository": "r", "digest": "sha256:00"}, "summary": {"criticalCount": 1}},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "R", "lastTransitionTime": "2026-01-01T00:00:00Z"}], "notAfter": "2026-01-01T00:00:00Z"}});
        all.push((Kind::declared(group, kind), complete(object), None));
    }
    all
}

/// What is observed keeps to its bounds and reads back as it was; and it deletes nothing.
fn is_sound(observation: Observation, kind: Kind, linker: &mut Linker) {
    let asset = &observation.asset;
    assert_eq!(asset.kind(), kind);
    assert!(asset.reference.key().name.len() <= 253 && asset.reference.key().namespace.len() <= 253);
    assert!(asset.problems.len() <= 20 && observation.edges.len() <= 10_000);
    for problem in &asset.problems {
        assert!(problem.len() <= MESSAGE_MAX, "{problem}");
    }
    let ends: BTreeSet<_> = observation
        .edges
        .iter()
        .map(|e| (e.from.id(), e.relation, e.to.id()))
        .collect();
    assert_eq!(
        ends.len(),
        observation.edges.len(),
        "two edges with the same ends"
    );
    let mut again = Asset::named(asset.reference.clone());
    again.decode_body(&asset.encode_body()).unwrap();
    assert_eq!(
        (&again.attributes, &again.problems),
        (&asset.attributes, &asset.problems)
    );
    let mut changes = Vec::new();
    linker.applied(observation, How::List, &mut changes, &mut Ignored::default());
    let deletes = changes.iter().any(|c| matches!(c.change, Change::Delete { .. }));
    assert!(!deletes, "an object that is read takes nothing away");
}

fn linker() -> Linker {
    Linker::new(Cluster {
        id: CLUSTER,
        name: "fuzzed".into(),
    })
}

#[test]
fn objects() {
    let (all, rules) = (examples(), Arc::new(shipped().unwrap()));
    let catalog: Arc<Catalog> = Arc::default();
    let mut linker = linker();
    let cases = fuzz("objects", |random| {
        let (kind, example, protobuf) = &all[random.random_range(0..all.len())];
        let extractor = Extractor::of(*kind).unwrap();
        let context = Context::new(CLUSTER, catalog.clone(), rules.of(*kind));
        let mut object = example.clone();
        for _ in 0..random.random_range(1..5) {
            spoil_value(random, &mut object);
        }
        spoil_identity(&mut object);
        let mut text = object.to_string().into_bytes();
        // Its name is whole and it is JSON: then it is kept, whatever else is wrong.
        let observation = extractor.json_in(&context, &text);
        is_sound(observation.unwrap_or_else(|e| panic!("{e}")), *kind, &mut linker);
        spoil_bytes(random, &mut text);
        match extractor.json_in(&context, &text) {
            Ok(observation) => is_sound(observation, *kind, &mut linker),
            Err(error) => assert!(error.to_string().len() <= MESSAGE_MAX, "{error}"),
        }
        if let Some(protobuf) = protobuf {
            let mut bytes = protobuf.clone();
            spoil_bytes(random, &mut bytes);
            match extractor.protobuf_in(&context, &bytes) {
                Ok(observation) => is_sound(observation, *kind, &mut linker),
                Err(error) => assert!(error.to_string().len() <= MESSAGE_MAX, "{error}"),
            }
        }
    });
    assert!(cases > 0);
}

#[test]
fn events() {
    let example = json!({"metadata": {"uid": UID, "name": "e", "namespace": "shop"}, "reason": "Failed", "type": "Warning", "action": "a", "note": "n",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "cart", "uid": UID}, "reportingController": "c",
        "eventTime": "2026-11-24T03:00:00.1Z", "series": {"count": 2, "lastObservedTime": "2026-11-24T03:00:00Z"}, "deprecatedCount": 3,
        "deprecatedSource": {"component": "k"}});
    fuzz("events", |random| {
        let mut object = example.clone();
        for _ in 0..random.random_range(0..4) {
            spoil_value(random, &mut object);
        }
        let mut text = object.to_string().into_bytes();
        if random.random_bool(0.3) {
            spoil_bytes(random, &mut text);
        }
        if let Some((_, event)) = crate::events::read(CLUSTER, &text) {
            let words = [&event.kind, &event.reason, &event.action, &event.controller];
            assert!(words.iter().all(|w| w.len() <= 128) && event.note.len() <= 2048);
            assert!(
                words
                    .iter()
                    .chain([&&event.note])
                    .all(|w| !w.contains(char::is_control))
            );
        }
    });
}

/// Rules that hold are applied to an object; those that do not are refused in words that name the file.
fn rules_are_sound(loaded: Result<Rules, Vec<String>>, object: &[u8]) {
    match loaded {
        Ok(rules) => {
            let kind = Kind::declared("cert-manager.io", "Certificate");
            let context = Context::new(CLUSTER, Arc::default(), rules.of(kind));
            let read = Extractor::of(kind).unwrap().json_in(&context, object);
            is_sound(read.unwrap(), kind, &mut linker());
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(error.contains("fuzzed.") && error.len() < 4_000, "{error}");
            }
        }
    }
}

#[test]
fn rule_files() {
    let object = complete(json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "spec": {"secretName": "s", "issuerRef": {"kind": "Issuer", "name": "i"}, "dnsNames": ["a", 7, null]}}));
    let object = object.to_string().into_bytes();
    let read = |path: &str, text: String| {
        load(&[(PathBuf::from(path), text)], false)
            .map(|loaded| loaded.rules)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    };
    fuzz("rule_files", |random| {
        let (_, text) = SHIPPED[random.random_range(0..SHIPPED.len())];
        let mut written = text.to_owned();
        for _ in 0..random.random_range(1..5) {
            written = spoil_text(random, &written);
        }
        rules_are_sound(read("fuzzed.yaml", written), &object);
        // The same spoilt as data: keys and values of other types, in JSON, which is YAML, and in TOML.
        let mut data: Value = serde_saphyr::from_str(text).unwrap();
        for _ in 0..random.random_range(1..4) {
            spoil_value(random, &mut data);
        }
        rules_are_sound(read("fuzzed.yaml", data.to_string()), &object);
        let toml = spoil_text(
            random,
            "[[rules]]\nname='a'\nkind='Certificate.cert-manager.io'\n",
        );
        rules_are_sound(read("fuzzed.toml", toml), &object);
    });
}
