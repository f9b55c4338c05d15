//! Asks two snapshots the same questions, all that there are, and expects the same answers.

use planisphere::store::{
    Direction, EdgePosition, Facet, Filter, ListQuery, NeighbourQuery, Order, Position, Presence, Record,
    Snapshot, Text,
};
use planisphere_schema::{AssetId, Kind, RelationKind, Time};
use std::sync::Arc;

/// Compares everything that can be asked about these assets.
pub async fn assert_same(one: &dyn Snapshot, other: &dyn Snapshot, ids: &[AssetId]) {
    assert_same_assets(one, other, ids).await;
    assert_eq!(one.clusters(), other.clusters());
    assert_eq!(one.totals().await.unwrap(), other.totals().await.unwrap());
    for filter in filters(ids) {
        for presence in [Presence::Present, Presence::Dangling, Presence::Any] {
            assert_same_lists(one, other, &filter, presence).await;
        }
    }
    for id in ids {
        let whole = one.history(*id, None, 1_000).await.unwrap();
        assert_eq!(
            plain_history(&whole),
            plain_history(&other.history(*id, None, 1_000).await.unwrap())
        );
        let mut paged = Vec::new();
        while let Some(page) = Some(one.history(*id, paged.last().map(version_of), 2).await.unwrap())
            && !page.is_empty()
        {
            paged.extend(page);
        }
        assert_eq!(paged, whole);
    }
}

/// Compares the assets and their edges.
pub async fn assert_same_assets(one: &dyn Snapshot, other: &dyn Snapshot, ids: &[AssetId]) {
    let (ours, theirs) = (one.get(ids).await.unwrap(), other.get(ids).await.unwrap());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.as_ref().map(plain), theirs.as_ref().map(plain));
    }
    let relations: [Option<&[RelationKind]>; 3] = [
        None,
        Some(&[RelationKind::RoutesTo, RelationKind::RunsOn]),
        Some(&[RelationKind::InZone]),
    ];
    for direction in [Direction::Out, Direction::In, Direction::Both] {
        for relations in relations {
            let ask = |limit, after| NeighbourQuery {
                ids,
                direction,
                relations,
                limit,
                after,
            };
            let ours = one.neighbours(&ask(usize::MAX, None)).await.unwrap();
            assert_eq!(ours, other.neighbours(&ask(usize::MAX, None)).await.unwrap());
            for (id, whole) in ids.iter().zip(ours) {
                let mut paged = Vec::new();
                let mut after: Option<EdgePosition> = None;
                loop {
                    let query = NeighbourQuery {
                        ids: &[*id],
                        direction,
                        relations,
                        limit: 2,
                        after,
                    };
                    let page = one.neighbours(&query).await.unwrap().remove(0);
                    assert_eq!(page.total, whole.total - paged.len());
                    let Some(last) = page.links.last() else { break };
                    after = Some(last.position(*id));
                    paged.extend(page.links);
                }
                assert_eq!(paged, whole.links);
            }
        }
    }
}

async fn assert_same_lists(one: &dyn Snapshot, other: &dyn Snapshot, filter: &Filter, presence: Presence) {
    for order in [Order::Key, Order::Name, Order::CreatedDesc, Order::ChangedDesc] {
        let ask = |after: Option<Position>, limit| ListQuery {
            filter: filter.clone(),
            presence,
            order,
            after,
            limit,
        };
        let whole = other.list(&ask(None, 10_000)).await.unwrap();
        let mut paged: Vec<Arc<Record>> = Vec::new();
        loop {
            let after = paged.last().map(|r| order.position(r));
            let page = one.list(&ask(after, 7)).await.unwrap();
            paged.extend(page.records.iter().cloned());
            assert_eq!(
                page.more,
                paged.len() < whole.records.len(),
                "{filter:?} {order:?}"
            );
            if !page.more {
                break;
            }
        }
        let plain = |records: &[Arc<Record>]| records.iter().map(plain).collect::<Vec<_>>();
        assert_eq!(
            plain(&paged),
            plain(&whole.records),
            "{filter:?} {presence:?} {order:?}"
        );
    }
    for cap in [0, 2, usize::MAX] {
        let ours = one.count(filter, presence, cap).await.unwrap();
        assert_eq!(
            ours,
            other.count(filter, presence, cap).await.unwrap(),
            "{filter:?} {presence:?}"
        );
    }
    let app = Facet::Label("app".into());
    for by in [
        vec![Facet::Kind, Facet::Namespace],
        vec![Facet::Cluster, app],
        vec![],
    ] {
        let ours = one.facets(filter, presence, &by).await.unwrap();
        assert_eq!(
            ours,
            other.facets(filter, presence, &by).await.unwrap(),
            "{filter:?} {presence:?}"
        );
    }
}

/// One filter at least of every sort, and some that combine.
pub fn filters(ids: &[AssetId]) -> Vec<Filter> {
    let eq = |text: &str| Text::Eq(text.into());
    let label = |text| Filter::Label("app".into(), text);
    let is = |kind| Filter::Kinds(vec![kind]);
    let at = |seconds| Some(Time { seconds });
    let related = |relation, direction, filter| Filter::Related(relation, direction, Box::new(filter));
    vec![
        Filter::ALL,
        Filter::Or(Vec::new()),
        Filter::Ids(ids.iter().step_by(3).copied().collect()),
        Filter::Uids(vec![uuid::Uuid::from_u128(2), uuid::Uuid::from_u128(9)]),
        Filter::And(vec![Filter::Ids(ids.to_vec()), is(Kind::Pod)]),
        Filter::Cluster(eq("cluster-1")),
        Filter::Cluster(Text::Ne("cluster-1".into())),
        Filter::Cluster(eq(&super::words::cluster(2).id.to_string())),
        Filter::And(vec![
            is(Kind::Pod),
            Filter::Namespace(eq("a")),
            Filter::Cluster(eq("cluster-1")),
        ]),
        Filter::And(vec![is(Kind::Pod), is(Kind::Service)]),
        Filter::Kinds(vec![Kind::Zone, Kind::Node, Kind::ConfigMap]),
        Filter::Namespace(Text::Exists(false)),
        Filter::Namespace(eq("")),
        Filter::Namespace(Text::All(vec![
            Text::In(vec!["a".into(), "b".into()]),
            Text::Ne("a".into()),
        ])),
        Filter::Name(Text::In(vec!["n1".into(), "n3".into()])),
        Filter::And(vec![
            Filter::Name(eq("n0")),
            Filter::Namespace(Text::Exists(true)),
        ]),
        Filter::Name(Text::StartsWith("n".into())),
        Filter::Not(Box::new(Filter::Or(vec![is(Kind::Pod), label(eq("x"))]))),
        Filter::Or(vec![
            Filter::And(vec![is(Kind::Pod), label(Text::Ne("x".into()))]),
            is(Kind::Node),
        ]),
        label(Text::Exists(true)),
        label(Text::NotIn(vec!["x".into(), "y".into()])),
        Filter::Annotation("app".into(), Text::Contains("o".into())),
        Filter::Search("POD n1".into()),
        Filter::Search("Ÿ".into()),
        Filter::Search(" ".into()),
        Filter::Created(at(1_001), at(1_003)),
        Filter::Created(None, at(1_002)),
        Filter::Changed(at(1_700_000_003), None),
        related(RelationKind::RunsOn, Direction::Out, Filter::Name(eq("n1"))),
        related(RelationKind::RoutesTo, Direction::In, Filter::ALL),
        related(
            RelationKind::RoutesTo,
            Direction::Both,
            related(RelationKind::RunsOn, Direction::Both, Filter::ALL),
        ),
        Filter::Not(Box::new(related(
            RelationKind::Reads,
            Direction::Out,
            label(Text::Exists(true)),
        ))),
    ]
}

/// A record without what a store may forget: the resourceVersion of a state that did not change.
fn plain(record: &Arc<Record>) -> Record {
    let mut record = (**record).clone();
    record.asset.resource_version = 0;
    record
}

fn plain_history(revisions: &[planisphere::store::Revision]) -> Vec<planisphere::store::Revision> {
    let mut revisions = revisions.to_vec();
    for revision in &mut revisions {
        if let Some(before) = &mut revision.before {
            before.resource_version = 0;
        }
    }
    revisions
}

fn version_of(revision: &planisphere::store::Revision) -> planisphere_schema::Version {
    revision.version
}
