//! Events are read from both APIs, forged ones do no harm, and what is kept is bounded in each way: of an asset, in all,
//! by age, and so that a loud cluster takes no room from a quiet one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use planisphere_schema::{AssetRef, Kind};
use serde_json::{Value, json};

const HERE: ClusterId = ClusterId(Uuid::from_u128(1));
const THERE: ClusterId = ClusterId(Uuid::from_u128(2));

fn event(uid: u128) -> RecentEvent {
    RecentEvent {
        uid: Uuid::from_u128(uid),
        ..RecentEvent::default()
    }
}

fn asset(number: u128) -> AssetId {
    AssetId(Uuid::from_u128(number))
}

fn limits(per_asset: usize, total: usize) -> RecentEvents {
    RecentEvents::new(EventLimits {
        per_asset,
        total,
        max_age: Duration::from_secs(60),
    })
}

fn uids(events: &[Arc<RecentEvent>]) -> Vec<u128> {
    events.iter().map(|e| e.uid.as_u128()).collect()
}

fn read_value(value: &Value) -> Option<(AssetId, RecentEvent)> {
    read(HERE, value.to_string().as_bytes())
}

#[test]
fn both_apis_say_the_same() {
    let uid = Uuid::from_u128(7).to_string();
    let regarding =
        json!({"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "cart", "uid": uid});
    let new = json!({"metadata": {"uid": uid, "name": "e"}, "regarding": regarding, "reason": "FailedScheduling", "type": "Warning",
        "note": "0/3 nodes", "reportingController": "default-scheduler", "action": "Scheduling",
        "eventTime": "2026-11-24T03:00:00.000001Z", "series": {"count": 5, "lastObservedTime": "2026-11-24T03:05:00.5Z"}});
    let old = json!({"metadata": {"uid": uid}, "involvedObject": regarding, "reason": "FailedScheduling", "type": "Warning",
        "message": "0/3 nodes", "source": {"component": "default-scheduler"}, "reportingComponent": "", "action": "Scheduling",
        "firstTimestamp": "2026-11-24T03:00:00Z", "lastTimestamp": "2026-11-24T03:05:00Z", "count": 5, "eventTime": null});
    let (asset, event) = read_value(&new).unwrap();
    assert_eq!(asset, AssetRef::new(HERE, Kind::Pod, "shop", "cart").id());
    assert_eq!((event.count, event.controller.as_str()), (5, "default-scheduler"));
    assert_eq!(event.last.unwrap().seconds - event.first.unwrap().seconds, 300);
    assert_eq!(read_value(&old).unwrap(), (asset, event));
}

#[test]
fn what_an_event_is_about_is_found_as_its_object_is() {
    let about = |value: Value| {
        let event = json!({"metadata": {"uid": Uuid::nil().to_string()}, "regarding": value});
        read_value(&event).map(|(asset, _)| asset)
    };
    let id = |kind, namespace, name| Some(AssetRef::new(HERE, kind, namespace, name).id());
    // Kubelets name no version and no namespace of their nodes, some name one.
    assert_eq!(
        about(json!({"kind": "Node", "name": "a"})),
        id(Kind::Node, "", "a")
    );
    assert_eq!(
        about(json!({"kind": "Node", "name": "a", "namespace": "default"})),
        id(Kind::Node, "", "a")
    );
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "s", "name": "d"});
    assert_eq!(about(deployment), id(Kind::Deployment, "s", "d"));
    let custom =
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "namespace": "s", "name": "c"});
    assert_eq!(
        about(custom),
        id(Kind::declared("cert-manager.io", "Certificate"), "s", "c")
    );
    assert_eq!(about(json!({"kind": "", "name": "a"})), None);
    assert_eq!(about(json!({"kind": "Pod", "name": "x".repeat(300)})), None);
    assert_eq!(about(json!(7)), None);
}

#[test]
fn notes_are_cut_put_into_one_line_and_lose_credentials() {
    let noted = |note: &str| {
        let event = json!({"metadata": {"uid": Uuid::nil().to_string()}, "regarding": {"kind": "Pod", "name": "p"}, "note": note});
        let (_, event) = read_value(&event).unwrap();
        (event.note, event.note_cut)
    };
    let (note, cut) =
        noted("pull https://bob:hunter2@registry.example/a@b and oci://x:hunter2@y\u{0}\u{1b}[31m\nnext");
    assert_eq!(
        note,
        "pull https://***@registry.example/a@b and oci://***@y  [31m next"
    );
    assert!(!cut);
    let (note, cut) = noted(&"ä".repeat(5000));
    assert_eq!((note.len(), cut), (1024, true));
    let huge = json!({"metadata": {"uid": Uuid::nil().to_string()}, "regarding": {"kind": "Pod", "name": "p"}, "note": "x".repeat(1 << 20)});
    assert_eq!(read_value(&huge), None, "an object of that size is no event");
}

#[test]
fn an_event_that_is_told_again_stands_for_its_earlier_telling() {
    let recent = limits(10, 10);
    for (uid, count) in [(1, 1), (2, 1), (1, 2)] {
        recent.put(HERE, asset(1), RecentEvent { count, ..event(uid) }, 0);
    }
    let found = recent.of(HERE, asset(1), 0);
    assert_eq!(uids(&found), [1, 2]);
    assert_eq!((found[0].count, recent.held(HERE)), (2, 2));
}

#[test]
fn an_asset_keeps_its_latest_and_a_loud_cluster_takes_room_from_itself() {
    let recent = limits(3, 10);
    for uid in 0..5 {
        recent.put(HERE, asset(1), event(uid), 0);
    }
    assert_eq!(uids(&recent.of(HERE, asset(1), 0)), [4, 3, 2]);
    recent.put(THERE, asset(1), event(100), 0);
    for uid in 0..1000 {
        recent.put(HERE, asset(uid + 10), event(1000 + uid), 0);
    }
    assert_eq!((recent.held(HERE), recent.held(THERE)), (9, 1));
    assert!(recent.of(HERE, asset(1), 0).is_empty(), "the oldest went first");
    assert_eq!(uids(&recent.of(HERE, asset(1009), 0)), [1999]);
    let none = limits(3, 0);
    none.put(HERE, asset(1), event(1), 0);
    assert_eq!(none.held(HERE), 0);
}

#[test]
fn what_was_told_long_ago_is_not_recent() {
    let recent = limits(10, 10);
    recent.put(HERE, asset(1), event(1), 0);
    recent.put(HERE, asset(2), event(2), 30_000);
    assert_eq!(uids(&recent.of(HERE, asset(1), 60_000)), [1]);
    assert!(recent.of(HERE, asset(1), 60_001).is_empty());
    recent.put(HERE, asset(2), event(3), 70_000);
    assert_eq!(
        (recent.held(HERE), uids(&recent.of(HERE, asset(2), 70_000))),
        (2, vec![3, 2])
    );
}
