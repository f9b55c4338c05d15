//! Writes a batch down: one transaction holds the rows that exist now, the rows of history, the resume points and the
//! version. Rows go in the order of their keys. Decides nothing: the delta says what changes.

use super::chunk::{NewEdge, Standing};
use super::delta::{AssetDelta, Delta, EdgeDelta};
use super::draft::Draft;
use super::file::{Database, kind_number};
use super::rows::{EdgeKey, asset_sum, cluster_seal, coverage_word, edge_sum, how_word, op_word, uid_bytes};
use crate::store::StoreError;
use planisphere_schema::{Op, SourceState, Version};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// What a transaction is about.
pub(super) struct Commit<'a> {
    pub(super) draft: &'a mut Draft,
    pub(super) delta: &'a Delta,
    /// Whose batch it is.
    pub(super) shard: u32,
    /// The version at which it becomes visible.
    pub(super) version: Version,
    /// Sources whose state moved.
    pub(super) sources: &'a [SourceState],
    /// Unix milliseconds, where a writer takes the cluster.
    pub(super) claimed_ms: Option<i64>,
}

impl Database {
    /// Writes it all or nothing.
    pub(super) fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let synced = commit.claimed_ms.is_some();
        let result = self.try_commit(commit, synced);
        if result.is_err() {
            // Numbers given inside the lost transaction mean nothing any more.
            self.kinds.clear();
        }
        if synced {
            // Back to normal whatever happened; should that fail, commits are only slower.
            let _ = self.connection.pragma_update(None, "synchronous", "NORMAL");
        }
        result.map_err(|e| self.error(e))
    }

    fn try_commit(&mut self, commit: Commit<'_>, synced: bool) -> rusqlite::Result<()> {
        if synced {
            self.connection.pragma_update(None, "synchronous", "FULL")?;
        }
        let transaction = self.connection.transaction()?;
        let mut rows = Rows {
            connection: &transaction,
            kinds: &mut self.kinds,
            relations: &self.relations,
            shard: commit.shard + 1,
            version: commit.version,
            sum: 0,
        };
        rows.identities(commit.draft, commit.delta)?;
        rows.assets(commit.draft, commit.delta)?;
        rows.edges(commit.draft, &commit.delta.edges)?;
        rows.redraws(commit.draft, commit.delta)?;
        rows.ended_stubs(commit.draft, commit.delta)?;
        rows.sources(commit.sources)?;
        let sum = rows.sum;
        let entry = Arc::make_mut(&mut commit.draft.next.clusters[commit.shard as usize]);
        entry.sum = entry.sum.wrapping_add(sum);
        write_clusters(&transaction, commit.draft)?;
        if let Some(ms) = commit.claimed_ms {
            let shard = commit.shard + 1;
            transaction.execute(
                "UPDATE cluster SET claimed_ms = ?2 WHERE shard = ?1",
                params![shard, ms],
            )?;
        }
        transaction.commit()
    }
}

fn write_clusters(connection: &Connection, draft: &Draft) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO cluster (shard, id, name, fence, v, sum, known, seal, first)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (shard) DO UPDATE
         SET name = ?3, fence = ?4, v = ?5, sum = ?6, known = ?7, seal = ?8, first = ?9",
    )?;
    for (number, entry) in draft.next.clusters.iter().enumerate() {
        if draft
            .base
            .clusters
            .get(number)
            .is_some_and(|old| Arc::ptr_eq(old, entry))
        {
            continue;
        }
        statement.execute(params![
            number as i64 + 1,
            &entry.id.0.as_bytes()[..],
            &*entry.name,
            entry.fence as i64,
            entry.version.0,
            entry.sum as i64,
            entry.known,
            cluster_seal(entry) as i64,
            entry.first.0,
        ])?;
    }
    Ok(())
}

pub(super) struct Rows<'a> {
    pub(super) connection: &'a Connection,
    kinds: &'a mut HashMap<planisphere_schema::Kind, i64>,
    relations: &'a [i64],
    pub(super) shard: u32,
    pub(super) version: Version,
    sum: u64,
}

impl Rows<'_> {
    /// Gives numbers to assets that are new in memory: their old ones where the file has met them before.
    fn identities(&mut self, draft: &mut Draft, delta: &Delta) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO identity (pk, id, shard, kind, namespace, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO NOTHING",
        )?;
        let mut find = self
            .connection
            .prepare_cached("SELECT pk FROM identity WHERE id = ?1")?;
        for asset in delta.assets.iter().filter(|a| a.before == Standing::Vacant) {
            let (Some(touched), next) = (draft.touched.get_mut(&asset.slot), &mut draft.next) else {
                continue;
            };
            let id = touched.head.id.0;
            let Some(group) = next.groups.get(touched.head.group as usize) else {
                continue;
            };
            let kind = kind_number(self.connection, self.kinds, group.kind)?;
            let name = touched.texts.as_ref().map_or("", |(name, _)| name);
            let pk = next.next_pk;
            let row = params![
                pk,
                &id.as_bytes()[..],
                group.cluster + 1,
                kind,
                &*group.namespace,
                name
            ];
            touched.head.pk = if insert.execute(row)? == 1 {
                next.next_pk += 1;
                pk
            } else {
                find.query_row(params![&id.as_bytes()[..]], |r| r.get(0))
                    .optional()?
                    .unwrap_or(pk)
            };
        }
        Ok(())
    }

    fn assets(&mut self, draft: &Draft, delta: &Delta) -> rusqlite::Result<()> {
        let mut rows: Vec<(u32, &AssetDelta)> = delta.assets.iter().map(|a| (draft.pk(a.slot), a)).collect();
        rows.sort_unstable_by_key(|(pk, _)| *pk);
        let mut write = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO asset (pk, uid, rv, created, since, hash, stub, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let mut remove = self
            .connection
            .prepare_cached("DELETE FROM asset WHERE pk = ?1")?;
        for (pk, asset) in &rows {
            if let Some(view) = draft.base_view(asset.slot) {
                let sum = asset_sum(&draft.next, view.head(), view.name());
                self.sum = self.sum.wrapping_sub(sum);
            }
            let touched = draft
                .touched
                .get(&asset.slot)
                .filter(|_| asset.after != Standing::Vacant);
            let Some(touched) = touched else {
                remove.execute(params![pk])?;
                continue;
            };
            let (head, stub) = (&touched.head, asset.after == Standing::Stub);
            let texts = touched.texts.as_ref();
            let (name, body) = texts.map_or(("", &[][..]), |(name, body)| (name, body));
            write.execute(params![
                pk,
                uid_bytes(&head.uid),
                head.resource_version as i64,
                head.created().map(|t| t.seconds),
                head.since.0,
                head.hash as i64,
                stub,
                body,
            ])?;
            self.sum = self.sum.wrapping_add(asset_sum(&draft.next, head, name));
        }
        self.history(draft, &rows)
    }

    fn history(&self, draft: &Draft, rows: &[(u32, &AssetDelta)]) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO change (shard, v, pk, op, how, last_seen_ms, before_uid, before_rv, before_created,
                                 before_since, before_body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        for (pk, asset) in rows {
            let (Some(op), Some(touched)) = (asset.op, draft.touched.get(&asset.slot)) else {
                continue;
            };
            let before = draft.base_view(asset.slot).filter(|_| op != Op::Create);
            let head = before.map(|view| view.head());
            insert.execute(params![
                self.shard,
                self.version.0,
                pk,
                op_word(op),
                how_word(touched.how),
                touched.last_seen_ms,
                head.and_then(|h| uid_bytes(&h.uid)),
                head.map(|h| h.resource_version as i64),
                head.and_then(|h| h.created()).map(|t| t.seconds),
                head.map(|h| h.since.0),
                before.map(|view| view.body()),
            ])?;
        }
        Ok(())
    }

    fn edges(&mut self, draft: &Draft, deltas: &[EdgeDelta]) -> rusqlite::Result<()> {
        let pk = |slot: u32| draft.pk(slot);
        let mut rows: Vec<(EdgeKey, &EdgeDelta)> = deltas
            .iter()
            .filter_map(|delta| {
                let edge = delta.after.as_ref().or(delta.before.as_ref())?;
                let key = EdgeKey {
                    declarer: pk(delta.declarer),
                    relation: self.relations[usize::from(edge.relation)],
                    from: pk(edge.from),
                    to: pk(edge.to),
                };
                Some((key, delta))
            })
            .collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        let mut write = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO edge (declarer, relation, src, dst, since, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM edge WHERE declarer = ?1 AND relation = ?2 AND src = ?3 AND dst = ?4",
        )?;
        let mut end = self.connection.prepare_cached(
            "INSERT INTO ended_edge (shard, declarer, relation, src, dst, since, until, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let detail = |edge: &'_ NewEdge| (!edge.detail.is_empty()).then(|| edge.detail.to_vec());
        for (key, delta) in rows {
            let EdgeKey {
                declarer,
                relation,
                from,
                to,
            } = key;
            if let Some(old) = &delta.before {
                let (since, until) = (old.since.0, self.version.0);
                end.execute(params![
                    self.shard,
                    declarer,
                    relation,
                    from,
                    to,
                    since,
                    until,
                    detail(old)
                ])?;
                self.sum = self.sum.wrapping_sub(edge_sum(key, old.since, &old.detail));
            }
            if let Some(new) = &delta.after {
                let (since, detail) = (new.since.0, detail(new));
                write.execute(params![declarer, relation, from, to, since, detail])?;
                self.sum = self.sum.wrapping_add(edge_sum(key, new.since, &new.detail));
            } else {
                remove.execute(params![declarer, relation, from, to])?;
            }
        }
        Ok(())
    }

    fn sources(&mut self, sources: &[SourceState]) -> rusqlite::Result<()> {
        let mut write = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO source (shard, kind, resume, fresh_ms, coverage) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for source in sources {
            let kind = kind_number(self.connection, self.kinds, source.kind)?;
            let coverage = coverage_word(source.coverage);
            write.execute(params![
                self.shard,
                kind,
                source.resume,
                source.fresh_ms,
                coverage
            ])?;
        }
        Ok(())
    }
}
