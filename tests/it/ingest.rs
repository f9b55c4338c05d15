//! The only writer, between mirrors and a store.

use crate::store::Embedded;
use crate::store::Specimen;
use crate::store::words::{asset, batch, cluster, get, pod, upsert};
use planisphere::ingest::{Ingest, Meter};
use planisphere_sync::sink::{Sink, SinkClosed};
use planisphere_sync::status::SyncStatus;
use std::sync::Arc;
use std::time::Duration;

struct Unmeasured;

impl Meter for Unmeasured {
    fn applied(&self, _: Duration, _: bool) {}
}

#[tokio::test]
async fn a_batch_of_an_older_claim_that_still_waits_cuts_off_nobody_who_claimed_since() {
    let store = Embedded::default().store();
    let (ingest, writer) = Ingest::start(store.clone(), SyncStatus::default(), Arc::new(Unmeasured));
    let mut claims = Vec::new();
    for _ in 0..2 {
        claims.push(ingest.claim(&cluster(1)).await.unwrap().fence);
    }
    let of = |fence, name| {
        let mut batch = batch(1, vec![upsert(asset(&pod(name), "x"), vec![])]);
        batch.fence = fence;
        batch
    };
    ingest.send(of(claims[0], "late")).await.unwrap();
    // Once the store refused it, whoever sends with that fence hears so.
    crate::program::until("the older claim is cut off", || async {
        matches!(ingest.send(of(claims[0], "later")).await, Err(SinkClosed))
    })
    .await;
    ingest.send(of(claims[1], "new")).await.unwrap();
    drop(ingest);
    writer.await.unwrap();
    assert!(get(&store, &pod("new")).await.is_some());
    for name in ["late", "later"] {
        assert!(get(&store, &pod(name)).await.is_none(), "{name}");
    }
}
