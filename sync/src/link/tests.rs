//! Each trap of selection, binding and lists, without any I/O.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cost;
mod random;

use super::*;
use planisphere_schema::attributes::{
    PersistentVolumeAttributes, PersistentVolumeClaimAttributes, PodAttributes, ServiceAttributes,
};
use planisphere_schema::{AssetRef, ClusterId, Label};
use uuid::Uuid;

const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(7));

struct Case {
    linker: Linker,
    out: Vec<Observed>,
    ignored: Ignored,
    version: u64,
}

impl Case {
    fn new() -> Self {
        let linker = Linker::new(Cluster {
            id: CLUSTER,
            name: "test".into(),
        });
        Self {
            linker,
            out: Vec::new(),
            ignored: Ignored::default(),
            version: 0,
        }
    }

    fn event(&mut self, asset: Asset) -> Vec<Observed> {
        self.apply(asset, How::Event)
    }

    fn apply(&mut self, mut asset: Asset, how: How) -> Vec<Observed> {
        if asset.resource_version == 0 {
            self.version += 1;
            asset.resource_version = self.version;
        }
        let observation = Observation {
            asset: Box::new(asset),
            edges: Vec::new(),
        };
        self.linker
            .applied(observation, how, &mut self.out, &mut self.ignored);
        std::mem::take(&mut self.out)
    }

    fn delete(&mut self, mut asset: Asset) -> Vec<Observed> {
        self.version += 1;
        asset.resource_version = self.version;
        let observation = Observation {
            asset: Box::new(asset),
            edges: Vec::new(),
        };
        self.linker
            .deleted(&observation, &mut self.out, &mut self.ignored);
        std::mem::take(&mut self.out)
    }

    fn end_list(&mut self, kind: Kind, resume: &str) -> Vec<Observed> {
        self.linker.list_ended(kind, resume, Some(5), &mut self.out);
        std::mem::take(&mut self.out)
    }
}

fn pod(name: &str, labels: &[(&str, &str)]) -> Asset {
    let mut asset = Asset::named(AssetRef::new(CLUSTER, Kind::Pod, "shop", name));
    asset.attributes = PodAttributes::default().into();
    asset.labels = labels
        .iter()
        .map(|(k, v)| Label {
            key: (*k).to_owned(),
            value: (*v).to_owned(),
        })
        .collect();
    asset
}

fn service(name: &str, selector: &[&str]) -> Asset {
    let mut asset = Asset::named(AssetRef::new(CLUSTER, Kind::Service, "shop", name));
    let selector = selector.iter().map(|s| (*s).to_owned()).collect();
    asset.attributes = ServiceAttributes {
        selector,
        ..Default::default()
    }
    .into();
    asset
}

fn claim(uid: u128, volume: Option<&str>) -> Asset {
    let mut asset = Asset::named(AssetRef::new(
        CLUSTER,
        Kind::PersistentVolumeClaim,
        "shop",
        "data",
    ));
    asset.uid = Uuid::from_u128(uid);
    let volume_name = volume.map(str::to_owned);
    asset.attributes = PersistentVolumeClaimAttributes {
        volume_name,
        ..Default::default()
    }
    .into();
    asset
}

fn volume(claim_uid: u128, phase: &str) -> Asset {
    let mut asset = Asset::named(AssetRef::new(CLUSTER, Kind::PersistentVolume, "", "pv-1"));
    asset.attributes = PersistentVolumeAttributes {
        phase: Some(phase.into()),
        claim_namespace: Some("shop".into()),
        claim_name: Some("data".into()),
        claim_uid: Some(Uuid::from_u128(claim_uid).to_string()),
        ..Default::default()
    }
    .into();
    asset
}

/// The names of the Services that a change says to select its pod; none where it says nothing about selection.
fn selectors(observed: &Observed) -> Option<Vec<String>> {
    let edges = match &observed.change {
        Change::Upsert { asset, edges } if asset.kind() == Kind::Pod => edges,
        Change::Redraw {
            relation: RelationKind::Selects,
            edges,
            ..
        } => edges,
        _ => return None,
    };
    let mut names: Vec<String> = edges.iter().map(|e| e.from.key().name.to_string()).collect();
    names.sort();
    Some(names)
}

fn bound(changes: &[Observed]) -> Vec<(Option<bool>, Option<String>)> {
    let edges = changes.iter().flat_map(|o| match &o.change {
        Change::Upsert { edges, .. } | Change::Redraw { edges, .. } => edges.as_slice(),
        Change::Delete { .. } => &[],
    });
    edges
        .filter(|e| e.relation == RelationKind::BoundTo)
        .map(|e| (e.detail.bound, e.detail.reason.clone()))
        .collect()
}

#[test]
fn a_service_selects_pods_whichever_comes_first() {
    let mut case = Case::new();
    let before = case.event(pod("a", &[("app", "cart")]));
    assert_eq!(
        before.iter().filter_map(selectors).collect::<Vec<_>>(),
        [Vec::<String>::new()]
    );
    let drawn = case.event(service("cart", &["app=cart"]));
    assert_eq!(
        drawn.iter().filter_map(selectors).collect::<Vec<_>>(),
        [vec!["cart".to_owned()]]
    );
    let after = case.event(pod("b", &[("app", "cart"), ("tier", "web")]));
    assert_eq!(
        after.iter().filter_map(selectors).collect::<Vec<_>>(),
        [vec!["cart".to_owned()]]
    );
}

#[test]
fn a_changed_selector_touches_only_the_pods_that_it_matched_or_matches() {
    let mut case = Case::new();
    for (name, app) in [("a", "cart"), ("b", "shop"), ("c", "other")] {
        case.event(pod(name, &[("app", app)]));
    }
    case.event(service("s", &["app=cart"]));
    let changes = case.event(service("s", &["app=shop"]));
    let redraws: Vec<_> = changes.iter().filter_map(selectors).collect();
    assert_eq!(redraws.len(), 2, "{changes:?}");
    assert!(redraws.contains(&vec![]) && redraws.contains(&vec!["s".to_owned()]));
    let gone = case.delete(service("s", &["app=shop"]));
    assert_eq!(
        gone.iter().filter_map(selectors).collect::<Vec<_>>(),
        [Vec::<String>::new()]
    );
}

#[test]
fn an_empty_selector_and_an_external_name_select_nothing() {
    let mut case = Case::new();
    case.event(pod("a", &[("app", "cart")]));
    assert_eq!(case.event(service("none", &[])).len(), 1);
    let mut external = service("external", &["app=cart"]);
    external.attributes = ServiceAttributes {
        service_type: "ExternalName".into(),
        selector: vec!["app=cart".into()],
        ..Default::default()
    }
    .into();
    assert_eq!(case.event(external).len(), 1);
}

#[test]
fn a_claim_is_bound_only_where_the_volume_names_its_uid() {
    let mut case = Case::new();
    assert_eq!(bound(&case.event(claim(1, None))), []);
    assert_eq!(
        bound(&case.event(claim(1, Some("pv-1")))),
        [(Some(false), Some("there is no such volume".into()))]
    );
    assert_eq!(bound(&case.event(volume(1, "Bound"))), [(Some(true), None)]);
    let again = bound(&case.event(claim(2, Some("pv-1"))));
    assert_eq!(
        again,
        [(
            Some(false),
            Some("the volume is kept for an earlier claim of this name".into())
        )]
    );
    assert_eq!(
        bound(&case.event(volume(2, "Released"))),
        [(Some(false), Some("the volume is Released".into()))]
    );
    assert_eq!(
        bound(&case.delete(volume(2, "Released"))),
        [(Some(false), Some("there is no such volume".into()))]
    );
}

#[test]
fn only_a_whole_list_says_what_is_gone() {
    let mut case = Case::new();
    for name in ["a", "b"] {
        case.event(pod(name, &[]));
    }
    case.linker.list_started(Kind::Pod);
    assert_eq!(case.apply(pod("a", &[]), How::List).len(), 0, "the same as known");
    case.linker.list_failed(Kind::Pod);
    assert_eq!(
        case.end_list(Kind::Pod, "50").len(),
        0,
        "a list that failed ends nothing"
    );
    case.linker.list_started(Kind::Pod);
    case.apply(pod("a", &[]), How::List);
    let gone = case.end_list(Kind::Pod, "60");
    assert!(matches!(
        &gone[..],
        [Observed {
            change: Change::Delete { .. },
            how: How::List,
            last_seen_ms: Some(5)
        }]
    ));
    assert_eq!(case.linker.len(Kind::Pod), 1);
}

#[test]
fn what_is_not_newer_than_what_was_seen_is_a_replay() {
    let mut case = Case::new();
    let mut old = pod("a", &[("v", "1")]);
    old.resource_version = 5;
    let mut new = pod("a", &[("v", "2")]);
    new.resource_version = 9;
    assert_eq!((case.event(old.clone()).len(), case.event(new).len()), (1, 1));
    assert_eq!(case.event(old).len(), 0);
    assert_eq!(
        case.ignored,
        Ignored {
            older: 1,
            unchanged: 0
        }
    );
    case.version = 9;
    assert_eq!(case.delete(pod("a", &[])).len(), 1);
    let mut late = pod("a", &[]);
    late.resource_version = 8;
    assert_eq!(
        case.event(late).len(),
        0,
        "a late event does not bring back what was deleted"
    );
}

#[test]
fn a_restored_linker_draws_and_sweeps_like_one_that_saw_everything() {
    let mut case = Case::new();
    case.linker.restore(&pod("a", &[("app", "cart")]));
    case.linker.restore(&pod("b", &[]));
    case.linker.restore(&service("cart", &["app=cart"]));
    case.linker.resume(Kind::Pod, "100");
    let mut replay = pod("b", &[("app", "cart")]);
    replay.resource_version = 99;
    assert_eq!(case.event(replay).len(), 0);
    let gone = case.delete(service("cart", &["app=cart"]));
    assert_eq!(
        gone.iter().filter_map(selectors).collect::<Vec<_>>(),
        [Vec::<String>::new()]
    );
    case.linker.list_started(Kind::Pod);
    case.apply(pod("a", &[("app", "cart")]), How::List);
    assert_eq!(case.end_list(Kind::Pod, "200").len(), 1);
}

#[test]
fn an_event_that_is_older_than_what_a_broken_list_brought_is_a_replay() {
    let mut case = Case::new();
    let pod = |version: u64| {
        let mut pod = pod("p", &[("v", &version.to_string())]);
        pod.resource_version = version;
        pod
    };
    case.event(pod(5));
    case.linker.list_started(Kind::Pod);
    case.apply(pod(20), How::List);
    case.linker.list_failed(Kind::Pod);
    // The watch goes on from where it was before the list.
    assert!(case.event(pod(10)).is_empty());
    let deletion = Observation {
        asset: Box::new(pod(12)),
        edges: Vec::new(),
    };
    case.linker.deleted(&deletion, &mut case.out, &mut case.ignored);
    assert_eq!(
        (case.out.len(), case.linker.len(Kind::Pod), case.ignored.older),
        (0, 1, 2)
    );
    assert_eq!(case.event(pod(21)).len(), 1);
}
