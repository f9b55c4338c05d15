//! History is kept within an age and a size while the store is read and written, and what is gone is refused.

use crate::graphql::app::{App, NOW};
use crate::store::words::{asset, batch, get, node, pod, upsert};
use planisphere::retention::{Retention, round, run};
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{Extent, Past, Store, StoreError};
use planisphere_schema::{Change, Label};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

const START: i64 = 1_700_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A store whose clock stands a day after the start.
fn open(directory: &Path) -> Arc<EmbeddedStore> {
    let clock = Arc::new(|| START + 86_400_000);
    Arc::new(EmbeddedStore::open(directory, clock).unwrap())
}

fn unbounded() -> Retention {
    Retention {
        max_age: None,
        max_bytes: None,
        ..Retention::default()
    }
}

/// One asset in its `n`-th state, two kilobytes that do not repeat.
fn state(n: u64) -> Change {
    let mut changed = asset(&node("a"), &n.to_string());
    changed.annotations = vec![Label {
        key: "notes".into(),
        value: (0..250)
            .map(|i| format!("{:x}", (n + 1).wrapping_mul(i * 7_919 + 1_000_003)))
            .collect(),
    }];
    upsert(changed, Vec::new())
}

/// So many changes, a minute apart.
async fn fill(store: &EmbeddedStore, changes: u64) {
    for n in 0..changes {
        let at_ms = START + n as i64 * 60_000;
        store.apply(batch(at_ms, vec![state(n)])).await.unwrap();
    }
}

async fn shortened(retention: &Retention, store: &EmbeddedStore, now_ms: i64) -> Extent {
    round(retention, store, now_ms, &CancellationToken::new())
        .await
        .unwrap()
}

#[tokio::test]
async fn changes_older_than_the_age_go_and_questions_about_them_are_refused_not_answered_with_now() {
    let app = App::new().await;
    let of = |name: &str| upsert(asset(&pod(name), "x"), Vec::new());
    for (second, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let at_ms = NOW - 40_000 + second as i64 * 10_000;
        app.store.apply(batch(at_ms, vec![of(name)])).await.unwrap();
    }
    let retention = Retention {
        max_age: Some(Duration::from_secs(15)),
        ..unbounded()
    };
    let extent = round(&retention, &*app.store, NOW, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(extent.oldest_ms, Some(NOW - 15_000));
    let question = |ms: i64| {
        let instant = planisphere_schema::Time::from_unix_ms(ms);
        format!(
            r#"{{ assets(filter: {{ cluster: {{ eq: "cluster-1" }} }}, asOf: "{instant}") {{ totalCount {{ value }} nodes {{ name }} }} }}"#
        )
    };
    let (code, message) = app.refusal(&question(NOW - 20_000)).await;
    assert_eq!(code, "HISTORY_EXPIRED", "{message}");
    assert!(
        app.try_ask(&question(NOW - 20_000))
            .await
            .body
            .get("data")
            .is_none()
    );
    let kept = app.ask(&question(NOW - 11_000)).await;
    assert_eq!(kept["assets"]["totalCount"]["value"], 3);
    let sync = app.ask("{ sync { store { historySince } } }").await;
    let since: jiff::Timestamp = sync["sync"]["store"]["historySince"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(since.as_millisecond(), NOW - 15_000);
}

#[tokio::test]
async fn the_oldest_changes_go_until_the_size_is_kept_but_not_the_last_hour() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    fill(&store, 600).await;
    let now_ms = START + 600 * 60_000;
    let full = store.extent().await.unwrap();
    let retention = Retention {
        max_bytes: Some(full.bytes * 2 / 3),
        ..unbounded()
    };
    let left = shortened(&retention, &store, now_ms).await;
    assert!(
        left.bytes <= full.bytes * 2 / 3,
        "{} of {}",
        left.bytes,
        full.bytes
    );
    assert!(
        left.changes > 200,
        "no more than must be: {} of {}",
        left.changes,
        full.changes
    );
    let nothing = Retention {
        max_bytes: Some(1),
        ..unbounded()
    };
    let left = shortened(&nothing, &store, now_ms).await;
    assert_eq!(left.oldest_ms, Some(now_ms - 3_600_000));
    assert!(store.snapshot_at(now_ms - 3_600_000).await.is_ok());
    let gone = store.snapshot_at(now_ms - 3_600_001).await;
    assert!(matches!(gone, Err(StoreError::HistoryExpired { .. })));
}

#[tokio::test]
async fn nothing_goes_where_nothing_is_bounded_or_it_was_asked_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    fill(&store, 20).await;
    let full = store.extent().await.unwrap();
    assert_eq!(shortened(&unbounded(), &store, i64::MAX).await, full);
    let stopped = CancellationToken::new();
    stopped.cancel();
    let all = Retention {
        max_age: Some(Duration::from_secs(1)),
        max_bytes: Some(1),
        ..unbounded()
    };
    let left = round(&all, &*store, START + 86_400_000, &stopped).await.unwrap();
    assert_eq!(left.changes, full.changes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_gets_smaller_while_reads_and_writes_go_on() {
    let directory = tempfile::tempdir().unwrap();
    fill(&open(directory.path()), 1_200).await;
    let size = || {
        std::fs::metadata(directory.path().join("graph.sqlite"))
            .unwrap()
            .len()
    };
    let before = size();
    assert!(before > 2_000_000, "{before}");
    let store = open(directory.path());
    let small = |n: u64| upsert(asset(&node("a"), &n.to_string()), Vec::new());
    let first = batch(START + 80_000_000, vec![small(0)]);
    store.apply(first).await.unwrap();
    let cancel = CancellationToken::new();
    let (written, read) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    // One write a read: neither runs away from the other.
    let turns = Arc::new(Semaphore::new(1));
    let writer = {
        let (store, written, cancel, turns) = (store.clone(), written.clone(), cancel.clone(), turns.clone());
        tokio::spawn(async move {
            let mut n = 10_000;
            while !cancel.is_cancelled() {
                turns.acquire().await.unwrap().forget();
                n += 1;
                let at_ms = START + 80_000_000 + n as i64;
                store.apply(batch(at_ms, vec![small(n)])).await.unwrap();
                written.fetch_add(1, Ordering::Relaxed);
            }
            n
        })
    };
    let reader = {
        let (store, read, cancel) = (store.clone(), read.clone(), cancel.clone());
        tokio::spawn(async move {
            loop {
                if cancel.is_cancelled() {
                    turns.add_permits(1);
                    break;
                }
                let then = store.snapshot_at(START + 80_000_000).await.unwrap();
                assert!(then.get(&[node("a").id()]).await.unwrap()[0].is_some());
                read.fetch_add(1, Ordering::Relaxed);
                turns.add_permits(1);
            }
        })
    };
    let (told, mut heard) = watch::channel(Extent::default());
    let retention = Retention {
        max_age: None,
        max_bytes: Some(1),
        spared: Duration::from_millis(3_000_000),
        every: Duration::from_millis(20),
    };
    let running = tokio::spawn(run(
        retention,
        store.clone(),
        || START + 83_000_000,
        move |extent| {
            told.send_replace(extent);
        },
        cancel.clone(),
    ));
    let smaller = async {
        while size() >= before / 2
            || written.load(Ordering::Relaxed) < 20
            || read.load(Ordering::Relaxed) < 20
        {
            heard.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, smaller)
        .await
        .unwrap_or_else(|_| panic!("{} of {before} bytes", size()));
    assert_eq!(heard.borrow().oldest_ms, Some(START + 80_000_000));
    cancel.cancel();
    running.await.unwrap();
    reader.await.unwrap();
    let last = writer.await.unwrap();
    // What was written meanwhile is all there after a restart.
    drop(store);
    let store: Arc<dyn Store> = open(directory.path());
    let found = get(&store, &node("a")).await.unwrap();
    assert_eq!(&*found.asset.labels[0].value, last.to_string());
}
