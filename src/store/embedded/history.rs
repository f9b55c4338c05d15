//! Reads what ended: the rows of `change`. Readers have connections of their own, so that none waits for the writer.

use super::file::{Database, sql_error};
use super::load::uuid;
use super::rows::{how_of, kind_of, op_of};
use super::state::State;
use crate::store::{Revision, StoreError};
use parking_lot::Mutex;
use planisphere_schema::{Asset, AssetId, AssetRef, Op, Time, Version};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Idle readers that are kept open.
const IDLE: usize = 4;

/// Where history is read from.
#[derive(Clone)]
pub(super) enum Archive {
    /// The file, by connections of its own.
    File(Arc<Readers>),
    /// The writer's own connection: a store in memory has no other.
    Memory(Arc<Mutex<Database>>),
}

/// Connections that only read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::default(),
        }
    }
}

impl Archive {
    /// Reads the file as it is at one moment, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &Path) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let archive = self.clone();
        let done = tokio::task::spawn_blocking(move || match archive {
            Archive::File(readers) => {
                let idle = readers.idle.lock().pop();
                let connection = idle.map_or_else(|| Database::reader(&readers.path), Ok)?;
                let answer = at_one_moment(&connection, &readers.path, read);
                let mut idle = readers.idle.lock();
                if answer.is_ok() && idle.len() < IDLE {
                    idle.push(connection);
                }
                answer
            }
            Archive::Memory(database) => {
                let database = database.lock();
                at_one_moment(&database.connection, &database.path, read)
            }
        });
        let done = done.await;
        done.map_err(|e| StoreError::Unavailable(format!("reading history was stopped: {e}")))?
    }

    /// The changes of an asset up to the version of `state`, newest first.
    pub(super) async fn history(
        &self,
        state: Arc<State>,
        id: AssetId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        self.read(move |connection, path| history(connection, path, &state, id, before, limit))
            .await
    }
}

fn at_one_moment<T>(
    connection: &Connection,
    path: &Path,
    read: impl FnOnce(&Connection, &Path) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let moment = connection
        .unchecked_transaction()
        .map_err(|e| sql_error(path, e))?;
    let answer = read(&moment, path);
    moment.finish().map_err(|e| sql_error(path, e))?;
    answer
}

fn history(
    connection: &Connection,
    path: &Path,
    state: &State,
    id: AssetId,
    before: Option<Version>,
    limit: usize,
) -> Result<Vec<Revision>, StoreError> {
    let damaged = |reason: &str| StoreError::Damaged {
        path: path.display().to_string(),
        reason: format!("the history of {id}: {reason}"),
    };
    let read = || -> rusqlite::Result<Option<Result<Vec<Revision>, StoreError>>> {
        let identity = connection
            .prepare_cached(
                "SELECT i.pk, i.shard, k.name, i.namespace, i.name FROM identity i JOIN kind k ON k.id = i.kind
                 WHERE i.id = ?1",
            )?
            .query_row(params![&id.0.as_bytes()[..]], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let Some((pk, shard, kind, namespace, name)): Option<(u32, u32, String, String, String)> = identity
        else {
            return Ok(None);
        };
        let Some(cluster) = state.cluster(shard.wrapping_sub(1)) else {
            // Met for the first time after this version.
            return Ok(None);
        };
        let reference = AssetRef::new(cluster.id, kind_of(&kind), &namespace, &name);
        let mut statement = connection.prepare_cached(
            "SELECT shard, v, op, how, last_seen_ms, before_uid, before_rv, before_created, before_body
             FROM change WHERE pk = ?1 AND v < ?2 ORDER BY v DESC",
        )?;
        // Of a state of long ago, most rows are later.
        let newest = state
            .clusters
            .iter()
            .map(|c| c.version.0)
            .max()
            .unwrap_or_default();
        let before = before.map_or(i64::MAX, |v| v.0).min(newest.saturating_add(1));
        let mut rows = statement.query(params![pk, before])?;
        let mut revisions = Vec::new();
        while revisions.len() < limit
            && let Some(row) = rows.next()?
        {
            let version = Version(row.get(1)?);
            let shard = state.cluster(row.get::<_, u32>(0)?.wrapping_sub(1));
            // Later batches do not show.
            if shard.is_none_or(|entry| version > entry.version) {
                continue;
            }
            match revision(row, version, &reference)? {
                Ok(revision) => revisions.push(revision),
                Err(reason) => return Ok(Some(Err(damaged(&reason)))),
            }
        }
        Ok(Some(Ok(revisions)))
    };
    read().map_err(|e| sql_error(path, e))?.unwrap_or(Ok(Vec::new()))
}

fn revision(
    row: &Row<'_>,
    version: Version,
    reference: &AssetRef,
) -> rusqlite::Result<Result<Revision, String>> {
    let (op, how): (String, String) = (row.get(2)?, row.get(3)?);
    let Some((op, how)) = op_of(&op).zip(how_of(&how)) else {
        return Ok(Err(format!("{op:?} by {how:?} is nothing that we know")));
    };
    let before = match (op, state_at(row, 5, reference)?) {
        (Op::Create, _) => None,
        (_, Ok(before)) => Some(before),
        (_, Err(error)) => {
            return Ok(Err(format!(
                "the state before {version:?} cannot be read: {error}"
            )));
        }
    };
    Ok(Ok(Revision {
        version,
        op,
        before,
        how,
        last_seen_ms: row.get(4)?,
    }))
}

/// A state of an asset from four columns of a row: uid, resourceVersion, created, body.
pub(super) fn state_at(
    row: &Row<'_>,
    first: usize,
    reference: &AssetRef,
) -> rusqlite::Result<Result<Asset, String>> {
    let mut asset = Asset::named(reference.clone());
    asset.uid = uuid(row, first)?.unwrap_or_default();
    asset.resource_version = row.get::<_, Option<i64>>(first + 1)?.unwrap_or_default() as u64;
    asset.created = row
        .get::<_, Option<i64>>(first + 2)?
        .map(|seconds| Time { seconds });
    let body = row.get_ref(first + 3)?.as_blob_or_null()?.unwrap_or_default();
    let decoded = asset.decode_body(body).map_err(|error| error.to_string());
    Ok(decoded.map(|()| asset))
}
