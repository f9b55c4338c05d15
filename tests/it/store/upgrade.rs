//! Files of the first format: taken over with their history, in one step that can be cut off anywhere, and left alone where
//! they are damaged.

use super::random::everybody;
use super::retention::{START, filled, log_after, open};
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{ChangeEntry, Past, Snapshot, Store, StoreError};
use planisphere_schema::Version;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const UPGRADE: &str = include_str!("../../../src/store/embedded/upgrade_2.sql");

fn graph(directory: &Path) -> PathBuf {
    directory.join("graph.sqlite")
}

/// A closed file of the first format, with what was to be seen after each of its batches, and its log.
async fn first_format() -> (TempDir, Vec<Arc<dyn Snapshot>>, Vec<ChangeEntry>) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let seen = filled(&store).await;
    let log = store.changes(&log_after(Version(0))).await.unwrap().entries;
    drop(store);
    let file = Connection::open(graph(directory.path())).unwrap();
    file.execute_batch(
        "DROP INDEX change_at; DROP TABLE redraw; DROP INDEX ended_edge_of; DROP TABLE ended_stub; DROP TABLE horizon;
         ALTER TABLE cluster DROP COLUMN first; PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    (directory, seen, log)
}

async fn assert_taken_over(store: &EmbeddedStore, seen: &[Arc<dyn Snapshot>], log: &[ChangeEntry]) {
    let upgraded = store.changes(&log_after(Version(0))).await.unwrap().entries;
    let places = |log: &[ChangeEntry]| -> Vec<_> {
        log.iter()
            .map(|e| (e.position(), e.op, e.started.clone(), e.ended.clone()))
            .collect()
    };
    assert_eq!(places(&upgraded), places(log));
    for (second, then) in seen.iter().enumerate() {
        let asked = store.snapshot_at(START + second as i64 * 1_000).await.unwrap();
        let (ids, mut differ) = (everybody(), Vec::new());
        let (ours, theirs) = (asked.get(&ids).await.unwrap(), then.get(&ids).await.unwrap());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let state = |r: &Option<Arc<planisphere::store::Record>>| r.as_ref().map(|r| (r.stub, r.hash));
            if state(ours) != state(theirs) {
                differ.push(second);
            }
        }
        assert!(differ.is_empty(), "{differ:?}");
    }
    let present = store.snapshot().await.unwrap();
    let first = seen[0].clusters()[0].version;
    assert_eq!(
        present.clusters()[0].first,
        first,
        "known from the first batch on"
    );
}

#[tokio::test]
async fn a_file_of_the_first_format_is_taken_over_with_its_history() {
    let (directory, seen, log) = first_format().await;
    assert_taken_over(&open(directory.path()), &seen, &log).await;
    assert_taken_over(&open(directory.path()), &seen, &log).await;
}

#[tokio::test]
async fn an_upgrade_that_was_cut_off_anywhere_begins_anew() {
    let (directory, seen, log) = first_format().await;
    let steps: Vec<&str> = UPGRADE.split_inclusive(";\n").collect();
    assert!(steps.len() > 6, "{steps:?}");
    for done in 1..=steps.len() {
        let cut = tempfile::tempdir().unwrap();
        fs::copy(graph(directory.path()), graph(cut.path())).unwrap();
        let file = Connection::open(graph(cut.path())).unwrap();
        // Hardly any memory: what is not committed yet goes to the log already.
        file.execute_batch("PRAGMA cache_size = 1; BEGIN").unwrap();
        for step in &steps[..done] {
            file.execute_batch(step).unwrap();
        }
        // What a process leaves that is killed here.
        let left = tempfile::tempdir().unwrap();
        for name in ["graph.sqlite", "graph.sqlite-wal"] {
            fs::copy(cut.path().join(name), left.path().join(name)).unwrap();
        }
        drop(file);
        assert_taken_over(&open(left.path()), &seen, &log).await;
    }
}

#[tokio::test]
async fn a_damaged_file_of_the_first_format_is_refused_and_not_upgraded() {
    let (directory, ..) = first_format().await;
    let whole = fs::read(graph(directory.path())).unwrap();
    let mut refused = 0;
    for at in (100..whole.len()).step_by(101) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let copy = tempfile::tempdir().unwrap();
        fs::write(graph(copy.path()), &bytes).unwrap();
        match EmbeddedStore::open(copy.path(), super::clock()) {
            Err(StoreError::Damaged { .. } | StoreError::Format { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
            // Free space, or a row of history.
            Ok(_) => continue,
        }
        assert!(
            fs::read(graph(copy.path())).unwrap() == bytes,
            "byte {at}: it was written to"
        );
    }
    assert!(refused > 5, "{refused} refused");
}
