//! The graph as it was: the published version with the changes after an instant undone. All that did not change since is
//! shared with the version it begins with, and every read is answered by the same code as one of the present.

use super::chunk::{Head, NewEdge, Standing};
use super::delta::Dating;
use super::draft::Draft;
use super::names::Names;
use super::state::State;
use crate::store::StoreError;
use planisphere_schema::asset::content_hash;
use planisphere_schema::{Op, Time, Version};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why what was cannot be worked out.
pub(super) enum Fault {
    Sql(rusqlite::Error),
    /// The rows contradict each other.
    Wrong(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sql(error)
    }
}

impl Fault {
    pub(super) fn wrong(reason: impl Into<String>) -> Self {
        Fault::Wrong(reason.into())
    }

    pub(super) fn into_error(self, path: &std::path::Path) -> StoreError {
        match self {
            Fault::Sql(error) => super::file::sql_error(path, error),
            Fault::Wrong(reason) => StoreError::Damaged {
                path: path.display().to_string(),
                reason: format!("its history: {reason}"),
            },
        }
    }
}

/// A version of the graph from before another.
pub(super) struct Undone {
    pub(super) state: State,
    /// Bytes that it does not share with the version that it was worked out from.
    pub(super) own_bytes: usize,
}

/// Works out `base` as it was at `bound`. `base` must be no older than that.
pub(super) fn undo(connection: &Connection, base: Arc<State>, bound: Version) -> Result<Undone, Fault> {
    let mut undo = Undo {
        connection,
        names: Names::new(connection)?,
        draft: Draft::new(base),
        bound,
    };
    let versions = undo.draft.base.clusters.iter().map(|c| c.version);
    let later: Vec<(u32, Version)> = (1..).zip(versions).filter(|(_, v)| *v > bound).collect();
    for (shard, version) in &later {
        undo.shard(*shard, *version)?;
        Arc::make_mut(&mut undo.draft.next.clusters[*shard as usize - 1]).version = bound;
    }
    for (shard, version) in &later {
        undo.stubs(*shard, *version)?;
    }
    // Of files of the first format, which kept no rows of stubs, only this much is known.
    for touched in undo.draft.touched.values_mut() {
        let head = &mut touched.head;
        if head.standing == Standing::Stub && (head.since > bound || head.since == Version(0)) {
            head.since = bound;
        }
    }
    let delta = undo.draft.finish(Dating::AsItWas);
    let chunks: BTreeSet<usize> = undo
        .draft
        .touched
        .keys()
        .map(|slot| State::chunk_of(*slot))
        .collect();
    let state = undo.draft.seal(delta);
    let own_bytes = chunks.iter().map(|chunk| state.chunk_bytes(*chunk)).sum();
    Ok(Undone { state, own_bytes })
}

struct Undo<'a> {
    connection: &'a Connection,
    names: Names<'a>,
    draft: Draft,
    bound: Version,
}

impl Undo<'_> {
    /// Undoes the batches of one cluster that came after the bound and up to `version`.
    fn shard(&mut self, shard: u32, version: Version) -> Result<(), Fault> {
        // Of each asset the first change after the bound has the state that was; the index holds all that is read here.
        let mut subjects: BTreeMap<u32, Option<i64>> = BTreeMap::new();
        let window = params![shard, self.bound.0, version.0];
        let mut statement = self.connection.prepare_cached(
            "SELECT pk, seq FROM change INDEXED BY change_at WHERE shard = ?1 AND v > ?2 AND v <= ?3 ORDER BY v",
        )?;
        let mut rows = statement.query(window)?;
        while let Some(row) = rows.next()? {
            subjects.entry(row.get(0)?).or_insert(Some(row.get(1)?));
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT pk FROM redraw WHERE shard = ?1 AND v > ?2 AND v <= ?3")?;
        let mut rows = statement.query(window)?;
        while let Some(row) = rows.next()? {
            subjects.entry(row.get(0)?).or_default();
        }
        for (pk, change) in subjects {
            let reference = self.names.reference(&self.draft.base, pk)?;
            let slot = self.draft.slot_for(&reference);
            self.draft.touch(slot);
            if let Some(seq) = change {
                self.content(slot, pk, seq)?;
            }
            self.edges(slot, pk, version)?;
        }
        Ok(())
    }

    /// Gives an asset the content that its change `seq` ended.
    fn content(&mut self, slot: u32, pk: u32, seq: i64) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT op, before_uid, before_rv, before_created, before_since, before_body FROM change WHERE seq = ?1",
        )?;
        let mut rows = statement.query(params![seq])?;
        let row = rows
            .next()?
            .ok_or_else(|| Fault::wrong(format!("change {seq} is missing")))?;
        let op: String = row.get(0)?;
        let op = super::rows::op_of(&op).ok_or_else(|| Fault::wrong(format!("change {seq} is a {op:?}")))?;
        let group = self.draft.head(slot).group;
        let name = self.names.name(pk)?;
        let touched = self.draft.touch(slot);
        touched.head = Head::stub(touched.head.id, pk, group);
        if op == Op::Create {
            touched.texts = Some((name, Vec::new()));
            return Ok(());
        }
        let body: Vec<u8> = row.get(5)?;
        let head = &mut touched.head;
        head.standing = Standing::Present;
        head.uid = super::load::uuid(row, 1)?.unwrap_or_default();
        head.resource_version = row.get::<_, Option<i64>>(2)?.unwrap_or_default() as u64;
        head.set_created(row.get::<_, Option<i64>>(3)?.map(|seconds| Time { seconds }));
        head.since = Version(row.get(4)?);
        head.hash = content_hash(head.uid, head.created(), &body);
        touched.texts = Some((name, body));
        Ok(())
    }

    /// Gives an asset the edges that it declared: of those there are now the ones from before, and what ended since.
    fn edges(&mut self, slot: u32, pk: u32, version: Version) -> Result<(), Fault> {
        let bound = self.bound;
        let mut edges = self.draft.edges_of(slot);
        edges.retain(|edge| edge.since <= bound);
        let mut statement = self.connection.prepare_cached(
            "SELECT relation, src, dst, since, detail FROM ended_edge INDEXED BY ended_edge_of
             WHERE declarer = ?1 AND until > ?2 AND until <= ?3 AND since <= ?2",
        )?;
        let mut rows = statement.query(params![pk, bound.0, version.0])?;
        while let Some(row) = rows.next()? {
            let (from, to): (u32, u32) = (row.get(1)?, row.get(2)?);
            let from = self.names.reference(&self.draft.base, from)?;
            let to = self.names.reference(&self.draft.base, to)?;
            let detail: Option<Vec<u8>> = row.get(4)?;
            edges.push(NewEdge {
                since: Version(row.get(3)?),
                relation: self.names.relation(row.get(0)?)?,
                from: self.draft.slot_for(&from),
                to: self.draft.slot_for(&to),
                detail: detail.unwrap_or_default().into_boxed_slice(),
            });
        }
        edges.sort_unstable_by_key(|e| (e.relation, e.from, e.to));
        self.draft.touch(slot).edges = Some(edges);
        Ok(())
    }

    /// Dates the stubs that there were: those that ended since have rows, others say themselves since when.
    fn stubs(&mut self, shard: u32, version: Version) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT pk, since FROM ended_stub WHERE shard = ?1 AND until > ?2 AND until <= ?3 AND since <= ?2",
        )?;
        let mut rows = statement.query(params![shard, self.bound.0, version.0])?;
        while let Some(row) = rows.next()? {
            let reference = self.names.reference(&self.draft.base, row.get(0)?)?;
            if let Some(slot) = self.draft.find(reference.id())
                && self.draft.head(slot).standing == Standing::Stub
            {
                self.draft.touch(slot).head.since = Version(row.get(1)?);
            }
        }
        Ok(())
    }
}
