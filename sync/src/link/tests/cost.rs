//! What a change costs among 100,000 pods of one namespace, or among 100,000 routes: it is counted, not timed.

use super::*;
use planisphere_schema::RelationKind;
use planisphere_schema::attributes::{GrantFrom, GrantTo, HTTPRouteAttributes, ReferenceGrantAttributes};

const APPS: usize = 1_000;
const PODS: usize = 100;

fn named(app: usize, number: usize, more: &[(&str, &str)]) -> Asset {
    let (app, name) = (format!("app-{app}"), format!("app-{app}-{number}"));
    // Each pod has a label of its own, as those of a StatefulSet have: no two share a label set.
    let own = [("app", app.as_str()), ("pod", name.as_str()), ("team", "shop")];
    let mut labels = [&own[..], more].concat();
    labels.sort_unstable();
    pod(&name, &labels)
}

fn of_app(name: &str, app: usize) -> Asset {
    service(name, &[&format!("app=app-{app}"), "team=shop"])
}

/// What happened, and how often a selector was held against a label set meanwhile.
fn counted(case: &mut Case, act: impl FnOnce(&mut Case) -> Vec<Observed>) -> (usize, u64) {
    let before = case.linker.evaluated();
    let changes = act(case).iter().filter_map(selectors).count();
    (changes, case.linker.evaluated() - before)
}

#[test]
fn a_change_among_a_hundred_thousand_pods_looks_at_its_own_and_no_others() {
    let mut case = Case::new();
    for app in 0..APPS {
        case.event(of_app(&format!("s-{app}"), app));
    }
    for number in 0..APPS * PODS {
        case.event(named(number % APPS, number / APPS, &[]));
    }
    let edges = (APPS * PODS) as u64;
    // The first Service found all pods having `team=shop` to itself; the others were told apart by their app.
    assert!(
        case.linker.evaluated() <= 2 * edges,
        "{}",
        case.linker.evaluated()
    );

    let same = counted(&mut case, |c| {
        let mut pod = named(5, 5, &[]);
        pod.created = Some(planisphere_schema::Time { seconds: 5 });
        c.event(pod)
    });
    assert_eq!(same, (1, 0), "a pod whose labels stay");
    let relabelled = counted(&mut case, |c| c.event(named(5, 5, &[("canary", "yes")])));
    assert_eq!(relabelled.0, 1);
    assert!(relabelled.1 <= 2, "a pod whose labels change: {relabelled:?}");

    let moved = counted(&mut case, |c| c.event(of_app("s-6", 7)));
    assert_eq!(moved, (2 * PODS, 2 * PODS as u64), "a selector that moves on");
    let narrowed = counted(&mut case, |c| {
        c.event(service("s-8", &["app=app-8", "pod=app-8-3", "team=shop"]))
    });
    assert_eq!(narrowed.0, PODS - 1, "those that it leaves out now");
    assert!(narrowed.1 <= PODS as u64, "{narrowed:?}");
    let gone = counted(&mut case, |c| c.delete(of_app("s-9", 9)));
    assert_eq!(gone, (PODS, 0), "a selector that goes");
    let elsewhere = counted(&mut case, |c| {
        c.event(service("nothing", &["app=none", "team=shop"]))
    });
    assert_eq!(elsewhere, (0, 0), "a selector that no pod meets");
}

const NAMESPACES: usize = 1_000;
const ROUTES: usize = 100;

/// A route that names a Service of another namespace.
fn route(number: usize, namespace: usize) -> Asset {
    let name = format!("route-{number}");
    let mut route = Asset::named(AssetRef::new(CLUSTER, Kind::HTTPRoute, "shop", &name));
    route.attributes = HTTPRouteAttributes {
        foreign_references: vec![format!("back-{namespace}/Service/pay")],
        ..HTTPRouteAttributes::default()
    }
    .into();
    route
}

fn grant(name: &str, namespace: usize, service: Option<&str>) -> Asset {
    let mut grant = Asset::named(AssetRef::new(
        CLUSTER,
        Kind::ReferenceGrant,
        &format!("back-{namespace}"),
        name,
    ));
    grant.attributes = ReferenceGrantAttributes {
        from: vec![GrantFrom {
            from_kind: Kind::HTTPRoute.to_string(),
            from_namespace: "shop".into(),
        }],
        to: vec![GrantTo {
            to_kind: "Service".into(),
            to_name: service.map(str::to_owned),
        }],
    }
    .into();
    grant
}

/// Whose grants became others, and how often a grant was looked at.
fn granted(case: &mut Case, act: impl FnOnce(&mut Case) -> Vec<Observed>) -> (usize, u64) {
    let before = case.linker.evaluated();
    let changes = act(case);
    let is_drawn = |change: &&Observed| match &change.change {
        Change::Redraw { relation, .. } => *relation == RelationKind::GrantedBy,
        Change::Upsert { edges, .. } => edges.iter().any(|e| e.relation == RelationKind::GrantedBy),
        Change::Delete { .. } => false,
    };
    (
        changes.iter().filter(is_drawn).count(),
        case.linker.evaluated() - before,
    )
}

#[test]
fn a_grant_looks_at_those_who_name_its_namespace_and_at_no_others() {
    let mut case = Case::new();
    for number in 0..NAMESPACES * ROUTES {
        case.event(route(number, number % NAMESPACES));
    }
    assert_eq!(case.linker.evaluated(), 0, "there is no grant yet");
    let routes = ROUTES as u64;
    let first = granted(&mut case, |c| c.event(grant("first", 5, None)));
    assert_eq!(first, (ROUTES, routes), "a grant comes");
    for namespace in (0..NAMESPACES).filter(|n| *n != 5) {
        case.event(grant("first", namespace, None));
    }
    // What stood there before and what stands there now.
    let other = granted(&mut case, |c| c.event(grant("second", 5, Some("ledger"))));
    assert_eq!(other, (0, 3 * routes), "a grant that lets nobody in");
    let narrowed = granted(&mut case, |c| c.event(grant("first", 5, Some("ledger"))));
    assert_eq!(narrowed, (ROUTES, 4 * routes), "a grant that lets fewer in");
    let gone = granted(&mut case, |c| c.delete(grant("second", 5, None)));
    assert_eq!(gone, (0, 3 * routes), "a grant goes");
    let moved = granted(&mut case, |c| c.event(route(5, 7)));
    assert_eq!(moved, (1, 1), "a route names another namespace");
}
