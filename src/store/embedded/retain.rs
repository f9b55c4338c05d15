//! How far back history reaches, and how it is shortened: a chunk of rows a transaction, so that the writer is never kept
//! waiting for long. The graph itself and the identities of all assets stay.

use super::file::Database;
use crate::store::{Extent, Retained, StoreError};
use planisphere_schema::Version;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Pages that one step of compaction gives back.
const PAGES: i64 = 512;
/// Free pages that stay for new rows: as many as this, or one of so many. Else the file shrank and grew all the time.
const SPARE: i64 = 64;
const SPARE_OF: i64 = 16;

/// The instant before which history is gone or going, in Unix ms.
pub(super) fn horizon(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT oldest_ms FROM horizon")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// The sizes of history; the oldest instant is left to the caller, who knows the clusters.
pub(super) fn extent(connection: &Connection) -> rusqlite::Result<Extent> {
    // Rows are appended in the order of time and removed in it: what lies between first and last is there.
    let changes: i64 = connection.query_row(
        "SELECT coalesce((SELECT max(seq) FROM change) - (SELECT min(seq) FROM change) + 1, 0)",
        [],
        |row| row.get(0),
    )?;
    let pragma = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(Extent {
        oldest_ms: None,
        changes: changes.unsigned_abs(),
        bytes: (pages * pragma("page_size")?).unsigned_abs(),
    })
}

impl Database {
    /// Removes up to `chunk` changes from before an instant; tells the limit that is in force then.
    pub(super) fn retain(&mut self, oldest_ms: i64, chunk: usize) -> Result<(Retained, i64), StoreError> {
        self.try_retain(oldest_ms, chunk).map_err(|e| self.error(e))
    }

    fn try_retain(&mut self, oldest_ms: i64, chunk: usize) -> rusqlite::Result<(Retained, i64)> {
        let transaction = self.connection.transaction()?;
        let oldest_ms = horizon(&transaction)?.map_or(oldest_ms, |old| old.max(oldest_ms));
        transaction.execute(
            "INSERT INTO horizon (id, oldest_ms) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET oldest_ms = ?1",
            params![oldest_ms],
        )?;
        // The graph as of the instant itself needs the rows after it; a window that begins with it those of its millisecond too.
        let bound = Version::as_of(oldest_ms - 1).0;
        let shards: Vec<u32> = transaction
            .prepare_cached("SELECT shard FROM cluster")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut removed = 0;
        for shard in shards {
            removed += remove(&transaction, shard, bound, chunk - removed)?;
        }
        transaction.commit()?;
        let more = removed >= chunk;
        Ok((Retained { removed, more }, oldest_ms))
    }

    /// Gives a piece of free space back; tells whether there is more.
    pub(super) fn compact(&mut self) -> Result<bool, StoreError> {
        let compact = || -> rusqlite::Result<bool> {
            let free: i64 = self
                .connection
                .pragma_query_value(None, "freelist_count", |r| r.get(0))?;
            let mode: i64 = self
                .connection
                .pragma_query_value(None, "auto_vacuum", |r| r.get(0))?;
            let pages: i64 = self
                .connection
                .pragma_query_value(None, "page_count", |r| r.get(0))?;
            let excess = free - SPARE.max(pages / SPARE_OF);
            // A file of the first format was not made for it: there, new rows use the space again.
            let (mut step, mut pages) = (0, pages);
            if excess > 0 && mode == 2 {
                step = excess.min(PAGES);
                self.connection
                    .execute_batch(&format!("PRAGMA incremental_vacuum({step})"))?;
                pages -= step;
            }
            if excess > step && step > 0 {
                return Ok(true);
            }
            // The file itself gets smaller when the log is folded into it. Whoever reads at this moment is not waited for: then
            // a later call does it.
            let size: i64 = self
                .connection
                .pragma_query_value(None, "page_size", |r| r.get(0))?;
            let needed = (pages * size).unsigned_abs();
            if std::fs::metadata(&self.path).is_ok_and(|file| file.len() > needed) {
                self.connection
                    .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
            }
            Ok(false)
        };
        compact().map_err(|e| self.error(e))
    }
}

fn remove(transaction: &Transaction<'_>, shard: u32, bound: i64, chunk: usize) -> rusqlite::Result<usize> {
    let limit = i64::try_from(chunk).unwrap_or(i64::MAX);
    let mut find = transaction.prepare_cached(
        "SELECT v, pk, seq FROM change INDEXED BY change_at WHERE shard = ?1 AND v <= ?2
         UNION ALL SELECT v, pk, NULL FROM redraw WHERE shard = ?1 AND v <= ?2
         ORDER BY v, pk LIMIT ?3",
    )?;
    let rows: Vec<(i64, u32, Option<i64>)> = find
        .query_map(params![shard, bound, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut change = transaction.prepare_cached("DELETE FROM change WHERE seq = ?1")?;
    let mut redraw =
        transaction.prepare_cached("DELETE FROM redraw WHERE shard = ?1 AND v = ?2 AND pk = ?3")?;
    let mut edges = transaction.prepare_cached(
        "DELETE FROM ended_edge WHERE seq IN
         (SELECT seq FROM ended_edge INDEXED BY ended_edge_of WHERE declarer = ?1 AND until = ?2)",
    )?;
    for (v, pk, seq) in &rows {
        match seq {
            Some(seq) => change.execute(params![seq])?,
            None => redraw.execute(params![shard, v, pk])?,
        };
        edges.execute(params![pk, v])?;
    }
    let last = rows
        .last()
        .map_or(bound, |(v, ..)| if rows.len() < chunk { bound } else { *v });
    transaction
        .prepare_cached("DELETE FROM ended_stub WHERE shard = ?1 AND until <= ?2")?
        .execute(params![shard, last])?;
    Ok(rows.len())
}
