//! The scheduler's traps, one test each: what a node alone decides. `placing` has those of pods among others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod placing;

use super::amount::{parse, requests};
use super::*;
use crate::store::Record;
use planisphere_schema::attributes::*;
use planisphere_schema::{Asset, AssetRef, ClusterId, Kind, Label};
use std::sync::Arc;
use uuid::Uuid;

fn record(
    kind: Kind,
    name: &str,
    labels: &[&str],
    attributes: impl Into<planisphere_schema::Attributes>,
) -> Arc<Record> {
    let namespace = if kind.is_namespaced() { "shop" } else { "" };
    let mut asset = Asset::named(AssetRef::new(ClusterId(Uuid::nil()), kind, namespace, name));
    asset.attributes = attributes.into();
    let label = |pair: &&str| {
        let (key, value) = pair.split_once('=').unwrap();
        Label {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    };
    asset.labels = labels.iter().map(label).collect();
    Arc::new(Record {
        asset,
        cluster_name: "prod".into(),
        since: Default::default(),
        hash: 0,
        stub: false,
    })
}

fn host_of(name: &str, labels: &[&str], node: NodeAttributes) -> Host {
    Host::new(record(Kind::Node, name, labels, node), true)
}

fn room(cpu: &str, pods: &str) -> NodeAttributes {
    NodeAttributes {
        allocatable: vec![format!("cpu={cpu}"), format!("pods={pods}")],
        ..NodeAttributes::default()
    }
}

fn host(name: &str, labels: &[&str]) -> Host {
    host_of(name, labels, room("8", "10"))
}

fn container(role: &str, cpu: &str) -> ContainerAttributes {
    ContainerAttributes {
        role: role.to_owned(),
        requests: Some(Resources {
            cpu: Some(cpu.to_owned()),
            ..Resources::default()
        }),
        ..ContainerAttributes::default()
    }
}

fn asking(placement: Placement) -> PodAttributes {
    PodAttributes {
        placement: Some(Box::new(placement)),
        ..PodAttributes::default()
    }
}

fn pod(cpu: &str) -> PodAttributes {
    PodAttributes {
        containers: vec![container("container", cpu)],
        ..PodAttributes::default()
    }
}

fn guest(name: &str, labels: &[&str], pod: PodAttributes) -> Guest {
    Guest::new(record(Kind::Pod, name, labels, pod), Vec::new())
}

fn on(node: &str, pod: PodAttributes) -> PodAttributes {
    PodAttributes {
        node_name: Some(node.to_owned()),
        ..pod
    }
}

fn refusal_of(host: &Host, placement: Placement) -> Option<Refusal> {
    refuses(host, &guest("p", &[], asking(placement)))
}

fn require(key: &str, operator: &str, values: &[&str]) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: values.iter().map(|v| (*v).to_owned()).collect(),
    }
}

fn term(match_expressions: Vec<Requirement>) -> NodeTerm {
    NodeTerm {
        match_expressions,
        ..NodeTerm::default()
    }
}

fn selector(label: &str) -> Option<Selector> {
    Some(Selector {
        match_labels: vec![label.to_owned()],
        ..Selector::default()
    })
}

fn near(label: &str, key: &str) -> PodTerm {
    PodTerm {
        label_selector: selector(label),
        topology_key: key.to_owned(),
        ..PodTerm::default()
    }
}

fn placed(outcome: &Outcome) -> Option<usize> {
    match outcome {
        Outcome::Fits { host, .. } => Some(*host),
        Outcome::Nowhere(_) => None,
    }
}

#[test]
fn quantities_are_read_in_every_spelling_of_kubernetes() {
    for (text, thousandths) in [
        ("1", 1_000),
        ("100m", 100),
        ("1.5", 1_500),
        ("0.0001", 1),
        ("1e3", 1_000_000),
        ("12E-1", 1_200),
        ("2k", 2_000_000),
        ("1Ki", 1_024_000),
        ("0.5Mi", 524_288_000),
        ("1E", 1_000_000_000_000_000_000_000),
        ("100n", 1),
        ("-1", -1_000),
    ] {
        assert_eq!(parse(text), Some(thousandths), "{text}");
    }
    for text in ["", "Mi", "1X", "1.2.3", "e3"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn a_pod_requests_what_runs_together_or_the_most_that_starting_takes() {
    let cpu = |containers: Vec<ContainerAttributes>, placement: Option<Placement>| {
        let kept = PodAttributes {
            containers,
            placement: placement.map(Box::new),
            ..PodAttributes::default()
        };
        requests(&kept).get("cpu").copied()
    };
    let main = || container("container", "1");
    assert_eq!(cpu(vec![main(), main()], None), Some(2_000));
    assert_eq!(cpu(vec![main(), container("init", "3")], None), Some(3_000));
    // A sidecar started before an init container runs beside it, one started after it does not.
    let before = vec![main(), container("sidecar", "1"), container("init", "3")];
    assert_eq!(cpu(before, None), Some(4_000));
    let after = vec![main(), container("init", "3"), container("sidecar", "1")];
    assert_eq!(cpu(after, None), Some(3_000));
    assert_eq!(cpu(vec![main(), container("ephemeral", "9")], None), Some(1_000));
    let whole = Placement {
        requests: Some(Resources {
            cpu: Some("5".to_owned()),
            ..Resources::default()
        }),
        overhead: Some(Resources {
            cpu: Some("250m".to_owned()),
            ..Resources::default()
        }),
        ..Placement::default()
    };
    assert_eq!(cpu(vec![main()], Some(whole)), Some(5_250));
    assert_eq!(requests(&PodAttributes::default()).get("pods"), Some(&1_000));
}

#[test]
fn taints_keep_out_what_does_not_tolerate_their_key_value_and_effect() {
    let tainted = |effect: &str| {
        let taint = Taint {
            key: "gpu".to_owned(),
            value: Some("4".to_owned()),
            effect: effect.to_owned(),
        };
        host_of(
            "n",
            &[],
            NodeAttributes {
                taints: vec![taint],
                ..NodeAttributes::default()
            },
        )
    };
    let tolerating =
        |key: Option<&str>, operator: Option<&str>, value: Option<&str>, effect: Option<&str>| Placement {
            tolerations: vec![Toleration {
                key: key.map(str::to_owned),
                operator: operator.map(str::to_owned),
                value: value.map(str::to_owned),
                effect: effect.map(str::to_owned),
                toleration_seconds: None,
            }],
            ..Placement::default()
        };
    let refused = |placement: Placement| refusal_of(&tainted("NoSchedule"), placement).is_some();
    assert_eq!(
        refusal_of(&tainted("NoExecute"), Placement::default()),
        Some(Refusal::Taint)
    );
    assert_eq!(
        refusal_of(&tainted("PreferNoSchedule"), Placement::default()),
        None
    );
    assert!(!refused(tolerating(Some("gpu"), None, Some("4"), None)));
    assert!(refused(tolerating(Some("gpu"), None, Some("5"), None)));
    assert!(
        refused(tolerating(Some("gpu"), None, None, None)),
        "no value is the empty value"
    );
    assert!(!refused(tolerating(
        Some("gpu"),
        Some("Exists"),
        None,
        Some("NoSchedule")
    )));
    assert!(refused(tolerating(
        Some("gpu"),
        Some("Exists"),
        None,
        Some("NoExecute")
    )));
    assert!(
        !refused(tolerating(None, Some("Exists"), None, None)),
        "every key"
    );
    assert!(refused(tolerating(Some("cpu"), Some("Exists"), None, None)));
    assert!(!refused(tolerating(Some("gpu"), Some("Gt"), Some("3"), None)));
    assert!(refused(tolerating(Some("gpu"), Some("Gt"), Some("4"), None)));
    assert!(!refused(tolerating(Some("gpu"), Some("Lt"), Some("5"), None)));
    assert!(refused(tolerating(Some("gpu"), Some("Lt"), Some("five"), None)));
}

#[test]
fn a_cordoned_node_takes_only_what_tolerates_that() {
    let cordoned = host_of(
        "n",
        &[],
        NodeAttributes {
            unschedulable: true,
            ..NodeAttributes::default()
        },
    );
    assert_eq!(
        refusal_of(&cordoned, Placement::default()),
        Some(Refusal::Cordoned)
    );
    let everything = Placement {
        tolerations: vec![Toleration {
            operator: Some("Exists".to_owned()),
            ..Toleration::default()
        }],
        ..Placement::default()
    };
    assert_eq!(refusal_of(&cordoned, everything), None);
}

#[test]
fn node_affinity_is_any_of_its_terms_and_all_of_a_term() {
    let node = host("n1", &["cores=16", "disk=ssd"]);
    let wanting = |terms: Vec<NodeTerm>| {
        refusal_of(
            &node,
            Placement {
                node_affinity: terms,
                ..Placement::default()
            },
        )
        .is_none()
    };
    let holds = |r: Requirement| wanting(vec![term(vec![r])]);
    assert!(holds(require("disk", "In", &["hdd", "ssd"])));
    assert!(!holds(require("disk", "NotIn", &["ssd"])));
    assert!(
        holds(require("missing", "NotIn", &["ssd"])),
        "an absent label is not in"
    );
    assert!(holds(require("disk", "Exists", &[])) && !holds(require("missing", "Exists", &[])));
    assert!(holds(require("missing", "DoesNotExist", &[])));
    assert!(holds(require("cores", "Gt", &["15"])) && !holds(require("cores", "Gt", &["16"])));
    assert!(holds(require("cores", "Lt", &["17"])) && !holds(require("missing", "Lt", &["17"])));
    assert!(!holds(require("disk", "Gt", &["1"])), "no number");
    let (yes, no) = (
        require("disk", "Exists", &[]),
        require("disk", "DoesNotExist", &[]),
    );
    assert!(!wanting(vec![term(vec![yes.clone(), no.clone()])]));
    assert!(wanting(vec![term(vec![no]), term(vec![yes])]));
    assert!(
        !wanting(vec![NodeTerm::default()]),
        "an empty term matches no node"
    );
    let named = |name: &str| NodeTerm {
        match_fields: vec![require("metadata.name", "In", &[name])],
        ..NodeTerm::default()
    };
    assert!(wanting(vec![named("n1")]) && !wanting(vec![named("n2")]));
    let selecting = |label: &str| Placement {
        node_selector: vec![label.to_owned()],
        ..Placement::default()
    };
    assert_eq!(refusal_of(&node, selecting("disk=ssd")), None);
    assert_eq!(refusal_of(&node, selecting("disk=hdd")), Some(Refusal::Affinity));
}

#[test]
fn a_volume_lets_a_pod_only_where_it_can_be_reached() {
    let volume = vec![term(vec![require("zone", "In", &["a"])])];
    let wants = Guest::new(record(Kind::Pod, "p", &[], pod("1")), vec![volume, Vec::new()]);
    assert_eq!(refuses(&host("n", &["zone=a"]), &wants), None);
    assert_eq!(refuses(&host("n", &["zone=b"]), &wants), Some(Refusal::Volume));
}

#[test]
fn pods_stay_on_a_silent_node_as_long_as_they_tolerate_it() {
    let tolerating = |seconds: &[Option<i64>], given: bool| {
        let toleration = |s: &Option<i64>| Toleration {
            key: Some("node.kubernetes.io/unreachable".to_owned()),
            operator: Some("Exists".to_owned()),
            toleration_seconds: *s,
            ..Toleration::default()
        };
        asking(Placement {
            tolerations: seconds.iter().map(toleration).collect(),
            without_default_tolerations: !given,
            ..Placement::default()
        })
    };
    assert_eq!(stay_seconds(&PodAttributes::default()), Some(300));
    assert_eq!(stay_seconds(&tolerating(&[], false)), Some(0));
    assert_eq!(stay_seconds(&tolerating(&[Some(30)], false)), Some(30));
    assert_eq!(stay_seconds(&tolerating(&[None], true)), Some(300));
    assert_eq!(stay_seconds(&tolerating(&[None], false)), None, "for ever");
}

#[test]
fn the_refusals_are_told_in_one_sentence() {
    let told = sentence(&[(Refusal::Taint, 2), (Refusal::Room, 1)].into());
    assert_eq!(
        told,
        "none of the 3 nodes left takes it: 2 have a taint that it does not tolerate, 1 has too little room"
    );
    assert_eq!(sentence(&BTreeMap::new()), "no node is left");
}
