//! The embedded store's file: who may open it, what is refused and in which words, and what damage does.

use super::words::*;
use super::{clock, compare, random};
use planisphere::store::embedded::EmbeddedStore;
use planisphere::store::{Store, StoreError};
use planisphere_schema::{Kind, RelationKind};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn open(directory: &Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(directory, clock())
}

fn refusal(directory: &Path) -> StoreError {
    open(directory).err().expect("it must be refused")
}

fn graph(directory: &Path) -> PathBuf {
    directory.join("graph.sqlite")
}

/// A directory with a graph of a few hundred assets, closed.
async fn filled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let place = |n: usize| {
        let pod = pod(&format!("p{n}"));
        upsert(
            asset(&pod, "x"),
            vec![edge(&pod, RelationKind::RunsOn, &node(&format!("n{}", n % 7)))],
        )
    };
    let mut batch = batch(1, (0..300).map(place).collect());
    batch.sources = vec![source(Kind::Pod, "300")];
    store.apply(batch).await.unwrap();
    directory
}

#[tokio::test]
async fn a_second_store_on_the_same_directory_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let refused = refusal(directory.path());
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("--data-dir"), "{refused}");
    let snapshot = first.snapshot().await.unwrap();
    drop(first);
    let second = open(directory.path()).expect("a snapshot that somebody still reads holds nothing");
    drop((second, snapshot));
}

#[test]
fn a_directory_that_is_not_there_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("a/b");
    open(&deep).unwrap();
    assert!(graph(&deep).exists());
}

#[test]
fn a_path_that_cannot_be_a_data_directory_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    let refused = refusal(&file);
    assert!(matches!(refused, StoreError::File { .. }), "{refused}");
    assert!(refused.to_string().contains("--data-dir"), "{refused}");
    // What nobody can open, not even root: a directory where the file should be.
    fs::create_dir_all(graph(&directory.path().join("d"))).unwrap();
    let refused = refusal(&directory.path().join("d"));
    assert!(matches!(refused, StoreError::File { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a directory");
}

#[cfg(unix)]
#[test]
fn a_directory_without_write_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let writable = fs::write(directory.path().join("probe"), "").is_ok();
    // Root may write everywhere, which leaves nothing to see.
    if !writable {
        let refused = refusal(directory.path());
        assert!(matches!(refused, StoreError::File { .. }), "{refused}");
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn another_format_is_refused_and_left_as_it_is() {
    let directory = filled().await;
    let file = Connection::open(graph(directory.path())).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let before = fs::read(graph(directory.path())).unwrap();
    let refused = refusal(directory.path());
    assert!(
        matches!(&refused, StoreError::Format { found, .. } if found == "99"),
        "{refused}"
    );
    assert_eq!(fs::read(graph(directory.path())).unwrap(), before);
}

#[test]
fn the_file_of_another_program_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = Connection::open(graph(directory.path())).unwrap();
    file.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(file);
    let before = fs::read(graph(directory.path())).unwrap();
    let refused = refusal(directory.path());
    assert!(matches!(refused, StoreError::Format { .. }), "{refused}");
    assert_eq!(fs::read(graph(directory.path())).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_or_is_cut_short_is_damaged() {
    let directory = filled().await;
    let whole = fs::read(graph(directory.path())).unwrap();
    for bytes in [
        b"hello".to_vec(),
        vec![0; 4096],
        whole[..50].to_vec(),
        whole[..whole.len() / 2].to_vec(),
    ] {
        fs::write(graph(directory.path()), &bytes).unwrap();
        let refused = refusal(directory.path());
        assert!(
            matches!(refused, StoreError::Damaged { .. }),
            "{} bytes: {refused}",
            bytes.len()
        );
        assert!(refused.to_string().contains("move it away"), "{refused}");
    }
}

#[tokio::test]
async fn a_new_process_that_died_before_it_made_its_tables_leaves_a_file_that_can_be_used() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(graph(directory.path()), b"").unwrap();
    open(directory.path()).unwrap();
    open(directory.path()).unwrap();
}

#[tokio::test]
async fn no_flipped_byte_is_ever_answered_as_if_it_were_data() {
    let directory = filled().await;
    let store: Arc<dyn Store> = Arc::new(open(directory.path()).unwrap());
    let ids: Vec<_> = (0..300)
        .map(|n| pod(&format!("p{n}")).id())
        .chain((0..7).map(|n| node(&format!("n{n}")).id()))
        .collect();
    let truth = store.snapshot().await.unwrap();
    drop(store);
    let whole = fs::read(graph(directory.path())).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    // A prime step visits every page, headers and rows alike.
    for at in (100..whole.len()).step_by(997) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(graph(directory.path()), &bytes).unwrap();
        for log in ["graph.sqlite-wal", "graph.sqlite-shm"] {
            let _ = fs::remove_file(directory.path().join(log));
        }
        match open(directory.path()) {
            // Free space, an index or a row of history: the graph itself must be what it was.
            Ok(store) => {
                let now = store.snapshot().await.unwrap();
                compare::assert_same_assets(&*now, &*truth, &ids).await;
                assert_eq!(now.clusters(), truth.clusters());
                harmless += 1;
            }
            Err(StoreError::Damaged { .. } | StoreError::Format { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(
        refused > 20 && harmless > 0,
        "{refused} refused, {harmless} harmless"
    );
}

#[tokio::test]
async fn a_copy_of_the_files_at_any_moment_opens_as_a_state_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(open(directory.path()).unwrap());
    let ids = random::everybody();
    for at_ms in 1..40 {
        let n = (at_ms * 7 % 20) as u8;
        let moves = [
            random::Move::Upsert {
                who: n,
                uid: 0,
                app: (at_ms % 3) as u8,
                edges: vec![(0, n % 4, (n + 3) % 20, 1)],
            },
            random::Move::Delete { who: (n + 5) % 20 },
        ];
        let mut batch = batch(at_ms, moves.iter().map(|m| random::change(1, m)).collect());
        batch.sources = vec![source(Kind::Pod, &at_ms.to_string())];
        store.apply(batch).await.unwrap();
        // What a killed process leaves behind: its pages in the file and the log, nothing closed.
        let copy = tempfile::tempdir().unwrap();
        for file in ["graph.sqlite", "graph.sqlite-wal"] {
            fs::copy(directory.path().join(file), copy.path().join(file)).unwrap();
        }
        let reopened = open(copy.path()).unwrap().snapshot().await.unwrap();
        let live = store.snapshot().await.unwrap();
        compare::assert_same_assets(&*reopened, &*live, &ids).await;
        assert_eq!(reopened.clusters(), live.clusters());
    }
}

#[tokio::test]
async fn a_damaged_file_and_the_log_that_a_killed_process_left_are_refused_and_left_as_they_are() {
    let directory = filled().await;
    let store = open(directory.path()).unwrap();
    let late = upsert(asset(&pod("late"), "x"), Vec::new());
    store.apply(batch(2, vec![late])).await.unwrap();
    let names = ["graph.sqlite", "graph.sqlite-wal"];
    let [whole, log] = names.map(|name| fs::read(directory.path().join(name)).unwrap());
    assert!(!log.is_empty(), "what is newest stands in the log alone");
    let mut refused = 0;
    for at in (100..whole.len()).step_by(1_999) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let copy = tempfile::tempdir().unwrap();
        for (name, bytes) in names.iter().zip([&bytes, &log]) {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
        if open(copy.path()).is_ok() {
            // Free space, an index, or a page that the log has anew.
            continue;
        }
        refused += 1;
        for (name, bytes) in names.iter().zip([&bytes, &log]) {
            assert!(
                fs::read(copy.path().join(name)).unwrap() == *bytes,
                "byte {at}: {name} was changed"
            );
        }
    }
    assert!(refused > 5, "{refused} refused");
}
