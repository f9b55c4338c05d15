//! Reads the whole graph from its file, in one pass over assets and edges side by side, and proves it: every body
//! against its hash, all rows against the sums that their batches left. What does not fit is damage, never an answer.

use super::chunk::{Builder, Chunk, Half, Head, NewEdge, Patch, SLOTS, Standing, relation_number};
use super::file::Database;
use super::rows::{EdgeKey, asset_sum, cluster_seal, coverage_of, edge_sum, kind_of};
use super::run::Run;
use super::state::{ClusterEntry, State};
use crate::store::StoreError;
use planisphere_schema::asset::content_hash;
use planisphere_schema::{AssetId, ClusterId, Kind, RelationKind, SourceState, Time, Version};
use rusqlite::{Connection, Row, Rows};
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use uuid::Uuid;

/// Why a row cannot be.
enum Fault {
    Sql(rusqlite::Error),
    Wrong(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sql(error)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Fault::Wrong(reason.to_owned())
    }
}

impl Database {
    /// The graph as a file of this format has it. Writes nothing.
    pub(super) fn load(&mut self, format: i64) -> Result<State, StoreError> {
        let loaded = self.try_load(format).map_err(|fault| match fault {
            Fault::Sql(error) => self.error(error),
            Fault::Wrong(reason) => self.damaged(reason),
        });
        loaded
            .inspect(|(_, kinds)| self.kinds.clone_from(kinds))
            .map(|l| l.0)
    }

    fn try_load(&self, format: i64) -> Result<(State, HashMap<Kind, i64>), Fault> {
        let connection = &self.connection;
        let mut kinds = HashMap::new();
        let mut statement = connection.prepare("SELECT id, name FROM kind")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            kinds.insert(
                row.get(0)?,
                kind_of(row.get_ref(1)?.as_str().map_err(|_| "a kind's name is no text")?),
            );
        }
        let mut state = State::default();
        self.clusters(format, &mut state, &kinds)?;
        let next: i64 =
            connection.query_row("SELECT coalesce(max(pk), 0) + 1 FROM identity", [], |r| r.get(0))?;
        state.next_pk = u32::try_from(next).map_err(|_| "it holds more identities than can be")?;

        let mut statement = connection.prepare("SELECT pk FROM asset ORDER BY pk")?;
        let pks = statement.query_map([], |r| r.get(0))?;
        let mut slots = vec![u32::MAX; next as usize];
        for pk in pks {
            let pk: u32 = pk?;
            let slot = slots.get_mut(pk as usize).ok_or("an asset has no identity")?;
            (*slot, state.allocated) = (state.allocated, state.allocated + 1);
        }
        let mut loader = Loader {
            relations: relation_numbers(connection)?,
            slots,
            ids: Vec::with_capacity(state.allocated as usize),
            halves: Vec::new(),
            chunks: Vec::with_capacity(state.allocated as usize / SLOTS + 1),
            sum: 0,
            state,
        };
        let mut assets = connection.prepare(
            "SELECT a.pk, a.uid, a.rv, a.created, a.since, a.hash, a.stub, a.body, i.id, i.shard, i.kind, i.namespace,
                    i.name FROM asset a CROSS JOIN identity i ON i.pk = a.pk ORDER BY a.pk",
        )?;
        let mut edges = connection.prepare(
            "SELECT declarer, relation, src, dst, since, detail FROM edge ORDER BY declarer, relation, src, dst",
        )?;
        loader.rows(assets.query([])?, edges.query([])?, &kinds)?;
        let state = loader.finish()?;
        // The pages that were read once are not needed again.
        connection.execute_batch("PRAGMA shrink_memory")?;
        let kinds = kinds.into_iter().map(|(number, kind)| (kind, number)).collect();
        Ok((state, kinds))
    }

    fn clusters(&self, format: i64, state: &mut State, kinds: &HashMap<i64, Kind>) -> Result<(), Fault> {
        let first = if format == 1 { "0" } else { "first" };
        let sql = format!(
            "SELECT shard, id, name, fence, v, sum, known, seal, {first} FROM cluster ORDER BY shard"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut seals = Vec::new();
        while let Some(row) = rows.next()? {
            seals.push(row.get::<_, i64>(7)? as u64);
            if row.get::<_, i64>(0)? != state.clusters.len() as i64 + 1 {
                return Err("a cluster is missing".into());
            }
            let id = ClusterId(uuid(row, 1)?.ok_or("a cluster has no identity")?);
            let name: String = row.get(2)?;
            state.clusters.push(Arc::new(ClusterEntry {
                id,
                id_text: id.to_string().into(),
                name: name.into(),
                fence: row.get::<_, i64>(3)? as u64,
                version: Version(row.get(4)?),
                first: Version(row.get(8)?),
                sources: Vec::new(),
                sum: row.get::<_, i64>(5)? as u64,
                known: row.get(6)?,
            }));
            state.shelves.push(Arc::default());
        }
        state.sort_clusters();
        let sql = "SELECT s.shard, s.kind, s.resume, s.fresh_ms, s.coverage FROM source s JOIN kind k ON k.id = s.kind
                   ORDER BY s.shard, k.name";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let shard = row.get::<_, u32>(0)? as usize;
            let cluster = state
                .clusters
                .get_mut(shard.wrapping_sub(1))
                .ok_or("a source has no cluster")?;
            let coverage: String = row.get(4)?;
            Arc::make_mut(cluster).sources.push(SourceState {
                kind: *kinds.get(&row.get(1)?).ok_or("a source has no kind")?,
                resume: row.get(2)?,
                fresh_ms: row.get(3)?,
                coverage: coverage_of(&coverage).ok_or("a source's coverage is no word that we know")?,
            });
        }
        let mut sealed = state.clusters.iter().zip(seals);
        if !sealed.all(|(entry, seal)| cluster_seal(entry) == seal) {
            return Err("a cluster's state is not what was written".into());
        }
        Ok(())
    }
}

/// Our numbers of relations, by those of the file.
pub(super) fn relation_numbers(connection: &Connection) -> rusqlite::Result<HashMap<i64, u8>> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM relation")?;
    let mut rows = statement.query([])?;
    let mut relations = HashMap::new();
    while let Some(row) = rows.next()? {
        // What is no text names nothing that we know.
        let relation = row.get_ref(1)?.as_str().ok().and_then(RelationKind::parse);
        if let Some(relation) = relation {
            relations.insert(row.get(0)?, relation_number(relation));
        }
    }
    Ok(relations)
}

struct Loader {
    relations: HashMap<i64, u8>,
    /// Slots by number in the file.
    slots: Vec<u32>,
    /// Ids by slot.
    ids: Vec<AssetId>,
    halves: Vec<(u32, Half)>,
    chunks: Vec<Chunk>,
    sum: u64,
    state: State,
}

impl Loader {
    fn rows(
        &mut self,
        mut assets: Rows<'_>,
        mut edges: Rows<'_>,
        kinds: &HashMap<i64, Kind>,
    ) -> Result<(), Fault> {
        let vacant = Chunk::vacant();
        let mut builder = Builder::default();
        let mut edge = next_edge(&mut edges)?;
        let mut groups: HashMap<(u32, i64), HashMap<Box<str>, u32>> = HashMap::new();
        let mut members: Vec<Vec<(Box<[u8]>, u32)>> = Vec::new();
        while let Some(row) = assets.next()? {
            let slot = self.ids.len() as u32;
            let (head, name, body) = self.asset(row, kinds, &mut groups)?;
            self.ids.push(head.id);
            let mut declared = Vec::new();
            while let Some((key, since, detail)) = edge.take_if(|(key, ..)| key.declarer <= head.pk) {
                if key.declarer < head.pk {
                    return Err("an edge has no declarer".into());
                }
                declared.push(self.edge(slot, key, since, detail)?);
                edge = next_edge(&mut edges)?;
            }
            // The file sorts by its own numbers, memory by slot and by our numbers of relations.
            declared.sort_unstable_by_key(|e| (e.relation, e.from, e.to));
            if members.len() <= head.group as usize {
                members.resize_with(head.group as usize + 1, Vec::new);
            }
            members[head.group as usize].push((name.as_bytes().into(), slot));
            let patch = Patch {
                head: Some(head),
                texts: Some((name, body)),
                edges: Some(declared),
                halves: None,
            };
            builder.push(vacant.view(0), patch);
            if builder.len() == SLOTS {
                self.chunks.push(mem::take(&mut builder).finish());
            }
        }
        if builder.len() > 0 {
            self.chunks.push(builder.finish());
        }
        if edge.is_some() {
            return Err("an edge has no declarer".into());
        }
        if self.ids.len() != self.state.allocated as usize {
            return Err("an asset has no identity".into());
        }
        for (number, mut named) in members.into_iter().enumerate() {
            named.sort_unstable();
            let sorted: Vec<u32> = named.into_iter().map(|(_, slot)| slot).collect();
            if let Some(group) = self.state.groups.get_mut(number) {
                group.members = Run::from_sorted(&sorted);
            }
        }
        Ok(())
    }

    fn asset(
        &mut self,
        row: &Row<'_>,
        kinds: &HashMap<i64, Kind>,
        groups: &mut HashMap<(u32, i64), HashMap<Box<str>, u32>>,
    ) -> Result<(Head, Box<str>, Vec<u8>), Fault> {
        let text = |column| -> Result<&str, Fault> {
            let text = row.get_ref(column)?.as_str();
            text.map_err(|_| "a name is no text".into())
        };
        let name: Box<str> = text(12)?.into();
        let namespace = text(11)?;
        let wrong =
            |what: &str| Fault::Wrong(format!("{what} of {namespace}/{name} is not what was written"));
        let (cluster, kind_number) = (row.get::<_, u32>(9)?.wrapping_sub(1), row.get(10)?);
        let id = AssetId(uuid(row, 8)?.ok_or_else(|| wrong("the identity"))?);
        let by_namespace = groups.entry((cluster, kind_number)).or_default();
        let group = match by_namespace.get(namespace) {
            Some(group) => *group,
            None => {
                let kind = *kinds.get(&kind_number).ok_or_else(|| wrong("the kind"))?;
                if cluster as usize >= self.state.clusters.len() {
                    return Err(wrong("the cluster"));
                }
                let group = self.state.group_of(cluster, kind, namespace);
                by_namespace.insert(namespace.into(), group);
                group
            }
        };
        let mut head = Head::stub(id, row.get(0)?, group);
        let body = row.get_ref(7)?.as_blob().map_err(|_| wrong("the body"))?;
        head.uid = uuid(row, 1)?.unwrap_or_default();
        head.resource_version = row.get::<_, i64>(2)? as u64;
        head.set_created(row.get::<_, Option<i64>>(3)?.map(|seconds| Time { seconds }));
        head.since = Version(row.get(4)?);
        head.hash = row.get::<_, i64>(5)? as u64;
        let stub: bool = row.get(6)?;
        if stub {
            if let Some(group) = self.state.groups.get_mut(group as usize) {
                group.stubs += 1;
            }
        } else {
            head.standing = Standing::Present;
            if content_hash(head.uid, head.created(), body) != head.hash {
                return Err(wrong("the content"));
            }
        }
        self.sum = self.sum.wrapping_add(asset_sum(&self.state, &head, &name));
        Ok((head, name, body.to_vec()))
    }

    fn edge(
        &mut self,
        declarer: u32,
        key: EdgeKey,
        since: Version,
        detail: Box<[u8]>,
    ) -> Result<NewEdge, Fault> {
        self.sum = self.sum.wrapping_add(edge_sum(key, since, &detail));
        let relation = *self
            .relations
            .get(&key.relation)
            .ok_or("it holds a relation that this program does not know; a newer program wrote it")?;
        let slot = |pk: u32| {
            let slot = self
                .slots
                .get(pk as usize)
                .copied()
                .filter(|slot| *slot != u32::MAX);
            slot.ok_or("an edge leads to nothing")
        };
        let edge = NewEdge {
            since,
            from: slot(key.from)?,
            to: slot(key.to)?,
            relation,
            detail,
        };
        super::delta::halves_of(declarer, &edge, |at, half| self.halves.push((at, half)));
        self.state.edges[usize::from(relation)] += 1;
        Ok(edge)
    }

    fn finish(mut self) -> Result<State, Fault> {
        let expected = self
            .state
            .clusters
            .iter()
            .fold(0_u64, |sum, c| sum.wrapping_add(c.sum));
        if self.sum != expected {
            return Err("assets or edges are not what was written".into());
        }
        // Ids are compared once here, not for every pair of halves.
        let mut by_id: Vec<u32> = (0..self.ids.len() as u32).collect();
        by_id.sort_unstable_by_key(|slot| self.ids[*slot as usize]);
        let mut rank = vec![0_u32; self.ids.len()];
        for (place, slot) in (0..).zip(&by_id) {
            rank[*slot as usize] = place;
        }
        let rank = |slot: u32| rank[slot as usize];
        self.halves
            .sort_unstable_by_key(|(at, h)| (*at, h.way, rank(h.other), rank(h.declarer)));
        let mut halves = self.halves.into_iter().peekable();
        for (number, mut chunk) in self.chunks.into_iter().enumerate() {
            let mut lists: [Vec<Half>; SLOTS] = std::array::from_fn(|_| Vec::new());
            while let Some((at, half)) = halves.next_if(|(at, _)| *at as usize / SLOTS == number) {
                lists[at as usize % SLOTS].push(half);
            }
            chunk.set_halves(lists);
            self.state.slots.set(number, chunk);
        }
        for (slot, id) in (0..).zip(self.ids) {
            if self.state.find(id).is_some() {
                return Err("one asset stands in it twice".into());
            }
            self.state.index_insert(slot, id);
        }
        Ok(self.state)
    }
}

type EdgeRow = (EdgeKey, Version, Box<[u8]>);

fn next_edge(rows: &mut Rows<'_>) -> Result<Option<EdgeRow>, Fault> {
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let detail = row
        .get_ref(5)?
        .as_blob_or_null()
        .map_err(|_| "an edge's detail is no blob")?;
    let key = EdgeKey {
        declarer: row.get(0)?,
        relation: row.get(1)?,
        from: row.get(2)?,
        to: row.get(3)?,
    };
    Ok(Some((
        key,
        Version(row.get(4)?),
        detail.unwrap_or_default().into(),
    )))
}

/// A UUID of sixteen bytes, where there is one.
pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    Ok(bytes.and_then(|b| Uuid::from_slice(b).ok()))
}
