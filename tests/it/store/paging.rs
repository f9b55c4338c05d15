//! Pages while the cluster changes: what stays is shown once, in every order that promises it.

use super::Specimen;
use super::words::*;
use planisphere::store::{Filter, ListQuery, Order, Presence};
use planisphere_schema::Time;
use std::collections::BTreeMap;

pub async fn pages_lose_and_double_nothing_that_stays(specimen: &mut dyn Specimen) {
    let store = specimen.store();
    for order in [Order::Key, Order::Name, Order::CreatedDesc] {
        let name = |n: i64| format!("p-{:03}", n * 37 % 400);
        let make = |n: i64| {
            let mut pod = asset(&pod(&name(n)), "x");
            pod.created = Some(Time { seconds: n % 7 });
            upsert(pod, vec![])
        };
        store.apply(batch(1, (0..200).map(make).collect())).await.unwrap();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let (mut after, mut round) = (None, 0);
        loop {
            let query = ListQuery {
                filter: Filter::ALL,
                presence: Presence::Present,
                order,
                after,
                limit: 9,
            };
            let page = store.snapshot().await.unwrap().list(&query).await.unwrap();
            for record in &page.records {
                *seen
                    .entry(record.asset.reference.key().name.to_string())
                    .or_default() += 1;
            }
            after = page.records.last().map(|last| order.position(last));
            // Every third asset goes, and others come, anywhere; the last one of the page may be among them.
            let gone = (0..200)
                .filter(|n| n % 3 == 0 && n / 30 == round)
                .map(|n| delete(&pod(&name(n))));
            let come = (200..400).filter(|n| n / 10 == round + 20).map(make);
            store
                .apply(batch(2 + round, gone.chain(come).collect()))
                .await
                .unwrap();
            round += 1;
            if !page.more {
                break;
            }
        }
        for n in (0..200).filter(|n| n % 3 != 0) {
            assert_eq!(seen.get(&name(n)), Some(&1), "{order:?} {}", name(n));
        }
        assert!(seen.values().all(|times| *times == 1), "{order:?}");
        store
            .apply(batch(3, (0..400).map(|n| delete(&pod(&name(n)))).collect()))
            .await
            .unwrap();
    }
    drop(store);
    specimen.reopen().await;
}

macro_rules! tests {
    ($specimen:expr) => {
        #[tokio::test]
        async fn pages_lose_and_double_nothing_that_stays() {
            $crate::store::paging::pages_lose_and_double_nothing_that_stays(&mut $specimen).await;
        }
    };
}
pub(crate) use tests;
