//! What the contract promises, promise by promise.

use super::Specimen;
use super::words::*;
use planisphere::store::{Applied, Presence, StoreError};
use planisphere_schema::{AssetRef, Change, Detail, How, Kind, Op, RelationKind, Time};
use std::sync::Arc;
use uuid::Uuid;

pub async fn an_older_fence_is_refused_and_changes_nothing(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let first = store.claim(&cluster(1)).await.unwrap();
    let second = store.claim(&cluster(1)).await.unwrap();
    assert!(second.fence > first.fence);
    let mut late = batch(1, vec![upsert(asset(&pod("a"), "x"), vec![])]);
    late.fence = first.fence;
    late.sources = vec![source(Kind::Pod, "9")];
    let refused = store.apply(late.clone()).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Fenced { cluster, .. } if cluster == "cluster-1"),
        "{refused}"
    );
    assert!(get(&store, &pod("a")).await.is_none());
    late.fence = second.fence;
    store.apply(late).await.unwrap();
    assert_eq!(
        store.claim(&cluster(1)).await.unwrap().sources,
        [source(Kind::Pod, "9")]
    );
    drop(store);
    specimen.reopen().await;
}

pub async fn fences_and_resume_points_outlive_the_process(specimen: &mut dyn Specimen) {
    let fence = specimen.store().claim(&cluster(1)).await.unwrap().fence;
    let mut batch = batch(1, vec![]);
    (batch.fence, batch.sources) = (fence, vec![source(Kind::Pod, "12"), source(Kind::Node, "7")]);
    specimen.store().apply(batch).await.unwrap();
    specimen.reopen().await;
    let claim = specimen.store().claim(&cluster(1)).await.unwrap();
    assert_eq!(claim.sources, [source(Kind::Node, "7"), source(Kind::Pod, "12")]);
    assert!(claim.fence > fence);
}

pub async fn a_cluster_keeps_its_data_when_its_name_changes_or_is_taken(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    store.claim(&cluster(1)).await.unwrap();
    store
        .apply(batch(1, vec![upsert(asset(&pod("a"), "x"), vec![])]))
        .await
        .unwrap();
    let mut renamed = cluster(1);
    renamed.name = "prod".into();
    store.claim(&renamed).await.unwrap();
    assert_eq!(&*get(&store, &pod("a")).await.unwrap().cluster_name, "prod");
    let mut other = cluster(2);
    other.name = "prod".into();
    store.claim(&other).await.unwrap();
    let aside = format!("prod~{}", &cluster(1).id.to_string()[..8]);
    assert_eq!(*get(&store, &pod("a")).await.unwrap().cluster_name, aside);
    drop(store);
    specimen.reopen().await;
    let snapshot = specimen.store().snapshot().await.unwrap();
    let names: Vec<_> = snapshot
        .clusters()
        .iter()
        .map(|c| (c.cluster.id, c.cluster.name.as_str()))
        .collect();
    if !names.is_empty() {
        assert_eq!(names, [(cluster(2).id, "prod"), (cluster(1).id, aside.as_str())]);
    }
}

pub async fn an_upsert_replaces_all_edges_of_its_declarer_and_no_others(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let (a, b, slice) = (pod("a"), node("b"), named(Kind::EndpointSlice, "s"));
    let service = named(Kind::Service, "web");
    let runs = edge(&a, RelationKind::RunsOn, &b);
    let routes = edge(&service, RelationKind::RoutesTo, &a);
    let first = batch(
        1,
        vec![
            upsert(
                asset(&a, "x"),
                vec![
                    runs.clone(),
                    edge(&a, RelationKind::Reads, &named(Kind::Secret, "key")),
                ],
            ),
            upsert(asset(&slice, "x"), vec![routes]),
        ],
    );
    let applied = store.apply(first.clone()).await.unwrap();
    assert_eq!(
        (applied.created, applied.edges_started, applied.unchanged),
        (2, 3, 0)
    );
    let again = store.apply(first).await.unwrap();
    assert_eq!(
        again,
        Applied {
            version: applied.version,
            unchanged: 2,
            ..Applied::default()
        }
    );
    let applied = store
        .apply(batch(2, vec![upsert(asset(&a, "x"), vec![runs])]))
        .await
        .unwrap();
    assert_eq!(
        (applied.updated, applied.edges_started, applied.edges_ended),
        (0, 0, 1)
    );
    let relations: Vec<_> = links(&store, &a)
        .await
        .iter()
        .map(|l| (l.relation, l.declared_by))
        .collect();
    assert_eq!(
        relations,
        [
            (RelationKind::RunsOn, a.id()),
            (RelationKind::RoutesTo, slice.id())
        ]
    );
    assert!(
        get(&store, &named(Kind::Secret, "key")).await.is_none(),
        "nothing names it any more"
    );
    assert!(get(&store, &service).await.unwrap().is_dangling());
}

pub async fn a_deleted_asset_stays_as_a_stub_while_others_point_at_it(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let (a, b, zone) = (pod("a"), node("b"), named(Kind::Zone, "z"));
    let first = vec![
        upsert(asset(&a, "x"), vec![edge(&a, RelationKind::RunsOn, &b)]),
        upsert(
            asset(&b, "x"),
            vec![
                edge(&b, RelationKind::InZone, &zone),
                edge(&zone, RelationKind::InRegion, &named(Kind::Region, "r")),
            ],
        ),
    ];
    store.apply(batch(1, first)).await.unwrap();
    let stub = get(&store, &zone).await.unwrap();
    assert!(stub.stub && !stub.is_dangling(), "a zone exists by being named");
    let applied = store.apply(batch(2, vec![delete(&b)])).await.unwrap();
    assert_eq!((applied.deleted, applied.edges_ended), (1, 2));
    let gone = get(&store, &b).await.unwrap();
    assert!(gone.is_dangling() && gone.asset.labels.is_empty() && gone.since == applied.version);
    assert!(get(&store, &zone).await.is_none());
    assert_eq!(
        store.apply(batch(3, vec![delete(&b)])).await.unwrap().unchanged,
        1
    );
    store.apply(batch(4, vec![delete(&a)])).await.unwrap();
    assert!(get(&store, &a).await.is_none() && get(&store, &b).await.is_none());
    drop(store);
    specimen.reopen().await;
}

pub async fn a_redraw_touches_one_relation_of_one_declarer(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let (a, web, shop) = (
        pod("a"),
        named(Kind::Service, "web"),
        named(Kind::Service, "shop"),
    );
    let runs = edge(&a, RelationKind::RunsOn, &node("b"));
    let selects = |service| edge(service, RelationKind::Selects, &a);
    let redraw = |edges| Change::Redraw {
        declarer: a.id(),
        relation: RelationKind::Selects,
        edges,
    };
    let ignored = store
        .apply(batch(1, vec![redraw(vec![selects(&web)])]))
        .await
        .unwrap();
    assert_eq!((ignored.unchanged, ignored.edges_started), (1, 0));
    assert!(get(&store, &web).await.is_none());
    let made = store
        .apply(batch(2, vec![upsert(asset(&a, "x"), vec![runs, selects(&web)])]))
        .await
        .unwrap();
    let redrawn = store
        .apply(batch(3, vec![redraw(vec![selects(&shop)])]))
        .await
        .unwrap();
    assert_eq!(
        (redrawn.edges_started, redrawn.edges_ended, redrawn.updated),
        (1, 1, 0)
    );
    let found = links(&store, &a).await;
    assert_eq!(
        found.iter().map(|l| l.since).collect::<Vec<_>>(),
        [made.version, redrawn.version]
    );
    assert_eq!(
        get(&store, &a).await.unwrap().since,
        made.version,
        "the asset itself did not change"
    );
}

pub async fn an_edge_that_says_something_else_is_another_edge(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let (slice, web, a) = (
        named(Kind::EndpointSlice, "s"),
        named(Kind::Service, "web"),
        pod("a"),
    );
    let routes = |is| {
        upsert(
            asset(&slice, "x"),
            vec![ready(edge(&web, RelationKind::RoutesTo, &a), is)],
        )
    };
    store.apply(batch(1, vec![routes(true)])).await.unwrap();
    let applied = store.apply(batch(2, vec![routes(false)])).await.unwrap();
    assert_eq!((applied.edges_started, applied.edges_ended), (1, 1));
    let found = links(&store, &a).await;
    let expected = Detail {
        ready: Some(false),
        ..Detail::default()
    };
    assert_eq!((found[0].since, &found[0].detail), (applied.version, &expected));
    assert_eq!(found.len(), 1);
}

pub async fn a_new_uid_is_a_new_incarnation_in_the_same_history(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let a = pod("a");
    let mut second = asset(&a, "x");
    second.uid = Uuid::from_u128(8);
    store
        .apply(batch(1, vec![upsert(asset(&a, "x"), vec![])]))
        .await
        .unwrap();
    let mut changes = batch(2, vec![upsert(second, vec![])]);
    let change = &mut Arc::get_mut(&mut changes.changes).unwrap()[0];
    (change.how, change.last_seen_ms) = (How::List, Some(1));
    store.apply(changes).await.unwrap();
    store.apply(batch(3, vec![delete(&a)])).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let history = snapshot.history(a.id(), None, 10).await.unwrap();
    let ops: Vec<_> = history
        .iter()
        .map(|r| (r.op, r.before.as_ref().map(|b| b.uid.as_u128())))
        .collect();
    assert_eq!(
        ops,
        [(Op::Delete, Some(8)), (Op::Update, Some(7)), (Op::Create, None)]
    );
    assert_eq!((history[1].how, history[1].last_seen_ms), (How::List, Some(1)));
    let older = snapshot
        .history(a.id(), Some(history[1].version), 10)
        .await
        .unwrap();
    assert_eq!(older, history[2..]);
}

pub async fn an_unchanged_asset_keeps_its_version_but_not_its_resource_version(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let mut a = asset(&pod("a"), "x");
    let first = store
        .apply(batch(1, vec![upsert(a.clone(), vec![])]))
        .await
        .unwrap();
    a.resource_version = 99;
    let second = store
        .apply(batch(2, vec![upsert(a.clone(), vec![])]))
        .await
        .unwrap();
    assert_eq!(
        second,
        Applied {
            version: first.version,
            unchanged: 1,
            ..Applied::default()
        }
    );
    let record = get(&store, &pod("a")).await.unwrap();
    assert_eq!((record.since, record.asset.resource_version), (first.version, 99));
    assert_eq!(
        store
            .snapshot()
            .await
            .unwrap()
            .history(pod("a").id(), None, 9)
            .await
            .unwrap()
            .len(),
        1
    );
}

pub async fn a_batch_of_sources_alone_commits_and_an_empty_one_does_nothing(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    store.claim(&cluster(1)).await.unwrap();
    let mut sources = batch(1, vec![]);
    sources.sources = vec![source(Kind::Pod, "1")];
    let first = store.apply(sources.clone()).await.unwrap();
    assert!(first.version.unix_ms() == 1);
    sources.at_ms = 2;
    assert_eq!(
        store.apply(sources).await.unwrap().version,
        first.version,
        "the same state again"
    );
    assert_eq!(
        store.apply(batch(3, vec![])).await.unwrap().version,
        first.version
    );
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.clusters()[0].sources, [source(Kind::Pod, "1")]);
    assert_eq!(snapshot.clusters()[0].version, first.version);
}

pub async fn what_happens_inside_a_batch_never_shows(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let (a, b) = (pod("a"), pod("b"));
    let on = |node: &AssetRef| vec![edge(&a, RelationKind::RunsOn, node)];
    let first = store
        .apply(batch(1, vec![upsert(asset(&a, "x"), on(&node("n")))]))
        .await
        .unwrap();
    let inside = store
        .apply(batch(
            2,
            vec![
                delete(&a),
                upsert(asset(&b, "x"), vec![]),
                upsert(asset(&a, "y"), on(&node("m"))),
                delete(&b),
                upsert(asset(&a, "x"), on(&node("n"))),
            ],
        ))
        .await
        .unwrap();
    assert_eq!(
        inside,
        Applied {
            version: first.version,
            ..Applied::default()
        }
    );
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.history(a.id(), None, 9).await.unwrap().len(), 1);
    assert!(snapshot.history(b.id(), None, 9).await.unwrap().is_empty());
    assert_eq!(links(&store, &a).await[0].since, first.version);
    assert!(get(&store, &b).await.is_none() && get(&store, &node("m")).await.is_none());
    drop(store);
    specimen.reopen().await;
}

pub async fn a_snapshot_shows_one_version_whatever_comes_after(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let (a, b) = (pod("a"), pod("b"));
    let on = |pod: &AssetRef| vec![edge(pod, RelationKind::RunsOn, &node("n"))];
    store
        .apply(batch(1, vec![upsert(asset(&a, "x"), on(&a))]))
        .await
        .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let then = vec![
        upsert(asset(&b, "x"), on(&b)),
        upsert(asset(&node("n"), "x"), vec![]),
        delete(&a),
    ];
    store.apply(batch(2, then)).await.unwrap();
    let got = snapshot.get(&[a.id(), b.id(), node("n").id()]).await.unwrap();
    assert!(got[0].as_ref().is_some_and(|r| !r.stub) && got[1].is_none());
    assert!(got[2].as_ref().is_some_and(|r| r.stub));
    assert_eq!(links_of(&*snapshot, node("n").id()).await.len(), 1);
    assert_eq!(snapshot.history(a.id(), None, 9).await.unwrap().len(), 1);
    assert!(snapshot.history(b.id(), None, 9).await.unwrap().is_empty());
    assert_eq!(snapshot.clusters()[0].version.unix_ms(), 1);
    let all = planisphere::store::Filter::ALL;
    assert_eq!(snapshot.count(&all, Presence::Any, 99).await.unwrap(), 2);
}

pub async fn a_clock_that_goes_back_moves_no_version_back(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    let first = store
        .apply(batch(1_000, vec![upsert(asset(&pod("a"), "x"), vec![])]))
        .await
        .unwrap();
    drop(store);
    specimen.reopen().await;
    let store = specimen.store();
    let second = store
        .apply(batch(10, vec![upsert(asset(&pod("a"), "y"), vec![])]))
        .await
        .unwrap();
    assert!(second.version > first.version);
}

pub async fn every_field_of_a_record_is_kept(specimen: &mut dyn Specimen) {
    let mut full = asset(&pod("a"), "x");
    full.resource_version = u64::MAX;
    full.deleting = Some(Time { seconds: -5 });
    full.annotations = full.labels.clone();
    full.problems = vec!["spec.nodeName is a number".into()];
    let store = specimen.store();
    store
        .apply(batch(1, vec![upsert(full.clone(), vec![])]))
        .await
        .unwrap();
    assert_eq!(get(&store, &pod("a")).await.unwrap().asset, full);
    drop(store);
    specimen.reopen().await;
    if let Some(record) = get(&specimen.store(), &pod("a")).await {
        assert_eq!(record.asset, full);
    }
}

macro_rules! tests {
    ($specimen:expr) => {
        $crate::store::contract::tests!($specimen;
            an_older_fence_is_refused_and_changes_nothing
            fences_and_resume_points_outlive_the_process
            a_cluster_keeps_its_data_when_its_name_changes_or_is_taken
            an_upsert_replaces_all_edges_of_its_declarer_and_no_others
            a_deleted_asset_stays_as_a_stub_while_others_point_at_it
            a_redraw_touches_one_relation_of_one_declarer
            an_edge_that_says_something_else_is_another_edge
            a_new_uid_is_a_new_incarnation_in_the_same_history
            an_unchanged_asset_keeps_its_version_but_not_its_resource_version
            a_batch_of_sources_alone_commits_and_an_empty_one_does_nothing
            what_happens_inside_a_batch_never_shows
            a_snapshot_shows_one_version_whatever_comes_after
            a_clock_that_goes_back_moves_no_version_back
            every_field_of_a_record_is_kept
        );
    };
    ($specimen:expr; $($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            $crate::store::contract::$name(&mut $specimen).await;
        })*
    };
}
pub(crate) use tests;
