//! Assets with many edges: where a store changes its way of keeping them, the answers stay.

use super::Specimen;
use super::compare::assert_same_assets;
use super::model::Model;
use super::words::*;
use planisphere::store::Store;
use planisphere_schema::{AssetRef, Change, Kind, RelationKind};

pub async fn a_hub_grows_and_shrinks_as_the_oracle_says(specimen: &mut dyn Specimen) {
    let oracle = Model::default();
    let hub = node("hub");
    let pods: Vec<AssetRef> = (0..450).map(|n| pod(&format!("p{n}"))).collect();
    let (service, slice) = (named(Kind::Service, "web"), named(Kind::EndpointSlice, "s"));
    let place = |n: usize| {
        let runs = edge(&pods[n], RelationKind::RunsOn, &hub);
        upsert(
            asset(&pods[n], "x"),
            vec![runs, edge(&hub, RelationKind::Reads, &pods[n])],
        )
    };
    let routes = |count: usize| {
        let to = |pod| edge(&service, RelationKind::RoutesTo, pod);
        upsert(asset(&slice, "x"), pods[..count].iter().map(to).collect())
    };
    let away = |n: usize| delete(&pods[n]);
    let steps: Vec<Vec<Change>> = vec![
        (0..150).map(place).collect(),
        (150..450).step_by(2).map(place).chain([routes(120)]).collect(),
        (151..450).step_by(2).map(place).chain([routes(450)]).collect(),
        vec![upsert(
            asset(&hub, "x"),
            vec![edge(&hub, RelationKind::InZone, &named(Kind::Zone, "z"))],
        )],
        (0..450).step_by(3).map(away).chain([routes(300)]).collect(),
        (1..450)
            .step_by(3)
            .map(away)
            .chain([routes(40), delete(&hub)])
            .collect(),
        (2..430).step_by(3).map(away).collect(),
        (0..300).map(place).chain([delete(&slice)]).collect(),
        (0..450).map(away).collect(),
    ];
    let ids: Vec<_> = [&hub, &service, &slice, &pods[0], &pods[431]]
        .map(AssetRef::id)
        .to_vec();
    for (at_ms, changes) in (1..).zip(steps) {
        let batch = batch(at_ms, changes);
        let ours = specimen.store().apply(batch.clone()).await.unwrap();
        assert_eq!(ours, oracle.apply(batch).await.unwrap());
        let theirs = oracle.snapshot().await.unwrap();
        assert_same_assets(&*specimen.store().snapshot().await.unwrap(), &*theirs, &ids).await;
        specimen.reopen().await;
        assert_same_assets(&*specimen.store().snapshot().await.unwrap(), &*theirs, &ids).await;
    }
}

macro_rules! tests {
    ($specimen:expr) => {
        #[tokio::test]
        async fn a_hub_grows_and_shrinks_as_the_oracle_says() {
            $crate::store::hub::a_hub_grows_and_shrinks_as_the_oracle_says(&mut $specimen).await;
        }
    };
}
pub(crate) use tests;
