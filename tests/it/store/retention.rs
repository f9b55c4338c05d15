//! History that is shortened: what is kept stays right, what is gone is refused.

use super::clock;
use super::compare::assert_same_assets;
use super::random::{self, Move, everybody};
use super::words::{batch, cluster};
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{ChangeQuery, Past, Snapshot, Store, StoreError};
use planisphere_schema::Version;
use std::path::Path;
use std::sync::Arc;

pub const START: i64 = 1_700_000_000_000;

pub fn open(directory: &Path) -> EmbeddedStore {
    EmbeddedStore::open(directory, clock()).unwrap()
}

/// Forty batches a second apart; tells what was to be seen after each.
pub async fn filled(store: &EmbeddedStore) -> Vec<Arc<dyn Snapshot>> {
    let mut seen = Vec::new();
    for second in 0..40 {
        let n = (second * 7 % 20) as u8;
        let moves = [
            Move::Upsert {
                who: n,
                uid: (second % 2) as u8,
                app: (second % 3) as u8,
                edges: vec![
                    (0, n % 4, (n + 3) % 20, (second % 3) as u8),
                    (0, 1, (n + 9) % 20, 1),
                ],
            },
            Move::Delete { who: (n + 5) % 20 },
        ];
        let changes = moves.iter().map(|m| random::change(1, m)).collect();
        store.apply(batch(START + second * 1_000, changes)).await.unwrap();
        seen.push(store.snapshot().await.unwrap());
    }
    seen
}

async fn assert_holds(store: &EmbeddedStore, seen: &[Arc<dyn Snapshot>], from: usize) {
    for (second, then) in seen.iter().enumerate() {
        let asked = store.snapshot_at(START + second as i64 * 1_000).await;
        if second >= from {
            assert_same_assets(&*asked.unwrap(), &**then, &everybody()).await;
        } else {
            assert!(
                matches!(asked, Err(StoreError::HistoryExpired { .. })),
                "second {second}"
            );
        }
    }
}

pub fn log_after(version: Version) -> ChangeQuery<'static> {
    ChangeQuery {
        cluster: cluster(1).id,
        after: version,
        until: Version(i64::MAX),
        subjects: None,
        newest_first: false,
        resume: None,
        limit: 1_000,
    }
}

#[tokio::test]
async fn history_goes_in_chunks_and_what_is_left_stays_right() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let seen = filled(&store).await;
    assert_holds(&store, &seen, 0).await;
    let limit = START + 20_500;
    let mut chunks = 0;
    loop {
        // From the first chunk on the limit holds, whatever rows are still there.
        let step = store.retain(limit, 3).await.unwrap();
        assert!(step.removed <= 3);
        assert_holds(&store, &seen, 21).await;
        chunks += 1;
        if !step.more {
            break;
        }
    }
    assert!(chunks > 5, "{chunks}");
    assert_eq!(store.extent().await.unwrap().oldest_ms, Some(limit));
    let refused = store.changes(&log_after(Version::as_of(START))).await;
    assert!(
        matches!(refused, Err(StoreError::HistoryExpired { .. })),
        "a cursor from before"
    );
    let kept = store.changes(&log_after(Version::as_of(limit))).await.unwrap();
    assert!(!kept.entries.is_empty());
    drop(store);
    let store = open(directory.path());
    store.retain(START, 1_000).await.unwrap();
    assert_eq!(
        store.extent().await.unwrap().oldest_ms,
        Some(limit),
        "it never moves back"
    );
    assert_holds(&store, &seen, 21).await;
    while store.compact().await.unwrap() {}
    assert_holds(&store, &seen, 21).await;
}

#[tokio::test]
async fn an_instant_that_has_not_come_is_refused() {
    let store = EmbeddedStore::in_memory(clock()).unwrap();
    let nothing = store.snapshot_at(START).await;
    assert!(matches!(
        nothing,
        Err(StoreError::HistoryExpired { oldest_ms: None, .. })
    ));
    filled(&store).await;
    assert!(matches!(
        store.snapshot_at(START + 40_000).await,
        Err(StoreError::Future { .. })
    ));
}
