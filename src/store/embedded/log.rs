//! Reads the log of what was accepted: rows of `change` and `redraw` in the order of versions, with the edges that came and
//! went. Knows nothing of what is asked for.

use super::chunk::relation_of;
use super::history::state_at;
use super::names::{Names, number_of};
use super::past::Fault;
use super::rows::{how_of, op_of};
use super::state::State;
use crate::store::{ChangeEntry, ChangePage, ChangeQuery, Link};
use planisphere_schema::{Asset, AssetId, AssetRef, ClusterId, Detail, How, Op, Version};
use prost::Message;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// A question for the log that waits on another thread.
pub(super) struct Window {
    cluster: ClusterId,
    after: Version,
    until: Version,
    subjects: Option<Vec<AssetId>>,
    newest_first: bool,
    resume: Option<crate::store::ChangePosition>,
    limit: usize,
}

impl Window {
    pub(super) fn new(query: &ChangeQuery<'_>) -> Self {
        Self {
            cluster: query.cluster,
            after: query.after,
            until: query.until,
            subjects: query.subjects.map(<[AssetId]>::to_vec),
            newest_first: query.newest_first,
            resume: query.resume,
            limit: query.limit,
        }
    }

    /// The oldest version whose row the answer may need to have.
    pub(super) fn begins(&self) -> Version {
        match self.resume {
            Some(place) if !self.newest_first => place.version.max(self.after),
            _ => self.after,
        }
    }

    /// The page that the file has of it, up to the versions of `state`.
    pub(super) fn read(&self, connection: &Connection, state: &Arc<State>) -> Result<ChangePage, Fault> {
        let Some(number) = state.cluster_number(self.cluster) else {
            return Ok(ChangePage::default());
        };
        let newest = state.cluster(number).map_or(Version(0), |c| c.version);
        let mut reader = Reader {
            connection,
            state,
            names: Names::new(connection)?,
            shard: number + 1,
        };
        let bounds = self.bounds(connection, newest)?;
        let mut keys = match &self.subjects {
            None => reader.keys(&bounds, self.newest_first, self.limit + 1)?,
            Some(ids) => {
                let mut keys = Vec::new();
                for id in ids {
                    if let Some(pk) = number_of(connection, *id)? {
                        keys.extend(reader.keys_of(pk, &bounds, self.newest_first, self.limit + 1)?);
                    }
                }
                keys.sort_unstable();
                keys.dedup();
                if self.newest_first {
                    keys.reverse();
                }
                keys
            }
        };
        let more = keys.len() > self.limit;
        keys.truncate(self.limit);
        let entries = keys.into_iter().map(|key| reader.entry(key));
        Ok(ChangePage {
            entries: entries.collect::<Result<_, _>>()?,
            more,
        })
    }

    /// Which keys are wanted, as (v, pk): greater than the first, less than the second.
    fn bounds(&self, connection: &Connection, newest: Version) -> Result<Bounds, Fault> {
        let mut bounds = Bounds {
            above: (self.after.0, i64::MAX),
            below: (self.until.min(newest).0.saturating_add(1), -1),
        };
        if let Some(place) = self.resume {
            let subject = place.subject.map(|id| number_of(connection, id)).transpose()?;
            let subject = subject.flatten().map(i64::from);
            if self.newest_first {
                bounds.below = bounds.below.min((place.version.0, subject.unwrap_or(-1)));
            } else {
                bounds.above = bounds.above.max((place.version.0, subject.unwrap_or(i64::MAX)));
            }
        }
        Ok(bounds)
    }
}

struct Bounds {
    above: (i64, i64),
    below: (i64, i64),
}

/// (v, pk, its row of `change`, where there is one).
type Key = (i64, u32, Option<i64>);

struct Reader<'a> {
    connection: &'a Connection,
    state: &'a State,
    names: Names<'a>,
    shard: u32,
}

impl Reader<'_> {
    fn keys(&self, bounds: &Bounds, newest_first: bool, limit: usize) -> rusqlite::Result<Vec<Key>> {
        let order = if newest_first { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT v, pk, seq FROM change INDEXED BY change_at
             WHERE shard = ?1 AND (v, pk) > (?2, ?3) AND (v, pk) < (?4, ?5)
             UNION ALL
             SELECT v, pk, NULL FROM redraw WHERE shard = ?1 AND (v, pk) > (?2, ?3) AND (v, pk) < (?4, ?5)
             ORDER BY v {order}, pk {order} LIMIT ?6"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let Bounds { above, below } = bounds;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(
            params![self.shard, above.0, above.1, below.0, below.1, limit],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        rows.collect()
    }

    fn keys_of(
        &self,
        pk: u32,
        bounds: &Bounds,
        newest_first: bool,
        limit: usize,
    ) -> rusqlite::Result<Vec<Key>> {
        let order = if newest_first { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT v, pk, seq FROM change INDEXED BY change_of
             WHERE pk = ?6 AND shard = ?1 AND v >= ?2 AND v <= ?4 AND (v, pk) > (?2, ?3) AND (v, pk) < (?4, ?5)
             UNION ALL
             SELECT v, pk, NULL FROM redraw INDEXED BY redraw_of
             WHERE pk = ?6 AND shard = ?1 AND v >= ?2 AND v <= ?4 AND (v, pk) > (?2, ?3) AND (v, pk) < (?4, ?5)
             ORDER BY v {order} LIMIT ?7"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let Bounds { above, below } = bounds;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(
            params![self.shard, above.0, above.1, below.0, below.1, pk, limit],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        rows.collect()
    }

    fn entry(&mut self, (v, pk, change): Key) -> Result<ChangeEntry, Fault> {
        let subject = self.names.reference(self.state, pk)?;
        let mut entry = ChangeEntry {
            version: Version(v),
            subject,
            op: None,
            before: None,
            after: None,
            how: How::Derived,
            last_seen_ms: None,
            started: Vec::new(),
            ended: Vec::new(),
            ends: Vec::new(),
        };
        match change {
            Some(seq) => self.content(&mut entry, pk, seq)?,
            None => self.redrawn(&mut entry, pk)?,
        }
        let ended = "SELECT relation, src, dst, since, detail FROM ended_edge INDEXED BY ended_edge_of
                     WHERE declarer = ?1 AND until = ?2";
        entry.ended = self.links(ended, pk, &mut entry)?;
        let started = "SELECT relation, src, dst, since, detail FROM edge WHERE declarer = ?1 AND since = ?2
                       UNION ALL
                       SELECT relation, src, dst, since, detail FROM ended_edge INDEXED BY ended_edge_of
                       WHERE declarer = ?1 AND until > ?2 AND since = ?2";
        entry.started = self.links(started, pk, &mut entry)?;
        entry.ends.sort_unstable_by_key(AssetRef::id);
        entry.ends.dedup();
        Ok(entry)
    }

    fn content(&self, entry: &mut ChangeEntry, pk: u32, seq: i64) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT op, how, last_seen_ms, before_uid, before_rv, before_created, before_body
             FROM change WHERE seq = ?1",
        )?;
        let mut rows = statement.query(params![seq])?;
        let row = rows
            .next()?
            .ok_or_else(|| Fault::wrong(format!("change {seq} is missing")))?;
        let (op, how): (String, String) = (row.get(0)?, row.get(1)?);
        let words = op_of(&op).zip(how_of(&how));
        let (op, how) = words.ok_or_else(|| Fault::wrong(format!("change {seq} is {op:?} by {how:?}")))?;
        (entry.op, entry.how, entry.last_seen_ms) = (Some(op), how, row.get(2)?);
        if op != Op::Create {
            entry.before = Some(state_at(row, 3, &entry.subject)?.map_err(Fault::Wrong)?);
        }
        if op != Op::Delete {
            entry.after = self.after(entry, pk)?;
        }
        Ok(())
    }

    /// The state that a change began: what the next one ended, or what is there now.
    fn after(&self, entry: &ChangeEntry, pk: u32) -> Result<Option<Asset>, Fault> {
        let read = |sql: &str, v: i64| -> Result<Option<Asset>, Fault> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params![pk, v])?;
            let state = rows
                .next()?
                .map(|row| state_at(row, 0, &entry.subject))
                .transpose()?;
            state.transpose().map_err(Fault::Wrong)
        };
        let next =
            "SELECT before_uid, before_rv, before_created, before_body FROM change INDEXED BY change_of
                    WHERE pk = ?1 AND v > ?2 ORDER BY v LIMIT 1";
        if let Some(asset) = read(next, entry.version.0)? {
            return Ok(Some(asset));
        }
        let now = "SELECT uid, rv, created, body FROM asset WHERE pk = ?1 AND stub = 0 AND since <= ?2";
        read(now, entry.version.0)
    }

    fn redrawn(&self, entry: &mut ChangeEntry, pk: u32) -> Result<(), Fault> {
        let row: Option<(String, Option<i64>)> = self
            .connection
            .prepare_cached("SELECT how, last_seen_ms FROM redraw WHERE shard = ?1 AND v = ?2 AND pk = ?3")?
            .query_row(params![self.shard, entry.version.0, pk], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if let Some((how, last_seen_ms)) = row {
            let word = how_of(&how);
            entry.how = word.ok_or_else(|| Fault::wrong(format!("a redraw was learnt by {how:?}")))?;
            entry.last_seen_ms = last_seen_ms;
        }
        Ok(())
    }

    fn links(&mut self, sql: &str, pk: u32, entry: &mut ChangeEntry) -> Result<Vec<Link>, Fault> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![pk, entry.version.0])?;
        let mut links = Vec::new();
        while let Some(row) = rows.next()? {
            let from = self.names.reference(self.state, row.get(1)?)?;
            let to = self.names.reference(self.state, row.get(2)?)?;
            let detail = row.get_ref(4)?.as_blob_or_null().unwrap_or_default();
            let detail = Detail::decode(detail.unwrap_or_default())
                .map_err(|error| Fault::wrong(format!("an edge of asset {pk}: {error}")))?;
            links.push(Link {
                from: from.id(),
                relation: relation_of(self.names.relation(row.get(0)?)?),
                to: to.id(),
                declared_by: entry.subject.id(),
                since: Version(row.get(3)?),
                detail,
            });
            entry.ends.extend([from, to]);
        }
        links.sort_unstable_by_key(|link| (link.relation, link.from, link.to));
        Ok(links)
    }
}
