//! Writes down what the rows of `change` and `ended_edge` do not tell by themselves: whose edges alone changed, and which
//! assets stopped to be stubs. Decides nothing.

use super::chunk::Standing;
use super::delta::Delta;
use super::draft::Draft;
use super::rows::how_word;
use super::write::Rows;
use rusqlite::params;
use std::collections::{BTreeSet, HashSet};

impl Rows<'_> {
    /// The assets of which only the edges changed.
    pub(super) fn redraws(&self, draft: &Draft, delta: &Delta) -> rusqlite::Result<()> {
        let told = delta.assets.iter().filter(|a| a.op.is_some());
        let told: HashSet<u32> = told.map(|a| a.slot).collect();
        let redrawn = delta.edges.iter().map(|edge| edge.declarer);
        let redrawn: BTreeSet<(u32, u32)> = redrawn
            .filter(|slot| !told.contains(slot))
            .map(|slot| (draft.pk(slot), slot))
            .collect();
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO redraw (shard, v, pk, how, last_seen_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (pk, slot) in redrawn {
            let Some(touched) = draft.touched.get(&slot) else {
                continue;
            };
            insert.execute(params![
                self.shard,
                self.version.0,
                pk,
                how_word(touched.how),
                touched.last_seen_ms
            ])?;
        }
        Ok(())
    }

    /// The assets that were known by name only and are not any more.
    pub(super) fn ended_stubs(&self, draft: &Draft, delta: &Delta) -> rusqlite::Result<()> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO ended_stub (shard, until, pk, since) VALUES (?1, ?2, ?3, ?4)")?;
        let ended = delta.assets.iter().filter(|a| a.before == Standing::Stub);
        for asset in ended.filter(|a| a.after != Standing::Stub) {
            let Some(view) = draft.base_view(asset.slot) else {
                continue;
            };
            let since = view.head().since.0;
            insert.execute(params![self.shard, self.version.0, draft.pk(asset.slot), since])?;
        }
        Ok(())
    }
}
