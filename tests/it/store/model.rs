//! The contract's semantics in the plainest form: maps, copied whole for every batch. Implements [`Store`], so that it
//! can be asked wherever a store is asked, and is the oracle for all others. Slow on purpose, shares nothing with them.

mod log;

use async_trait::async_trait;
use planisphere::store::{
    Applied, Claim, ClusterState, Direction, Facet, Filter, Link, ListQuery, NeighbourQuery, Neighbours,
    Page, Presence, Record, Revision, Snapshot, Store, StoreError, Totals,
};
use planisphere_schema::asset::content_hash;
use planisphere_schema::{
    Asset, AssetId, Batch, Change, Cluster, ClusterId, Detail, Edge, How, Observed, Op, RelationKind, Version,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// (declarer, relation, from, to).
pub type EdgeKey = (AssetId, RelationKind, AssetId, AssetId);

/// What there is of an asset.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub asset: Asset,
    pub since: Version,
    pub hash: u64,
    pub stub: bool,
}

/// One version of everything.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub nodes: BTreeMap<AssetId, Node>,
    pub edges: BTreeMap<EdgeKey, (Version, Detail)>,
    pub history: BTreeMap<AssetId, Vec<Revision>>,
    /// With the fence.
    pub clusters: BTreeMap<ClusterId, (ClusterState, u64)>,
    /// How the last batch learnt what it changed.
    learnt: BTreeMap<AssetId, (How, Option<i64>)>,
}

/// A store that is only maps.
#[derive(Default)]
pub struct Model(Mutex<Arc<Picture>>, Mutex<log::Log>);

/// A world with the answers that are handed out by reference.
#[derive(Default)]
pub struct Picture {
    pub world: World,
    clusters: Vec<ClusterState>,
}

impl Picture {
    fn new(world: World) -> Self {
        let mut clusters: Vec<_> = world.clusters.values().map(|(state, _)| state.clone()).collect();
        clusters.sort_by(|a, b| a.cluster.name.cmp(&b.cluster.name));
        Self { world, clusters }
    }
}

impl Model {
    pub fn world(&self) -> World {
        self.0.lock().expect("unpoisoned").world.clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut current = self.0.lock().expect("unpoisoned");
        let mut world = current.world.clone();
        let answer = change(&mut world)?;
        *current = Arc::new(Picture::new(world));
        Ok(answer)
    }
}

#[async_trait]
impl Store for Model {
    async fn claim(&self, cluster: &Cluster) -> Result<Claim, StoreError> {
        self.change(|world| {
            let (state, fence) = world.cluster(cluster);
            *fence += 1;
            Ok(Claim {
                fence: *fence,
                sources: state.sources.clone(),
            })
        })
    }

    async fn apply(&self, batch: Batch) -> Result<Applied, StoreError> {
        let (cluster, before) = (batch.cluster.id, self.world());
        let applied = self.change(|world| world.apply(batch))?;
        self.1
            .lock()
            .expect("unpoisoned")
            .add(cluster, applied.version, before, self.world());
        Ok(applied)
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(self.0.lock().expect("unpoisoned").clone())
    }
}

impl World {
    fn cluster(&mut self, cluster: &Cluster) -> &mut (ClusterState, u64) {
        let taken = |s: &ClusterState| s.cluster.name == cluster.name && s.cluster.id != cluster.id;
        if let Some((other, _)) = self.clusters.values_mut().find(|(s, _)| taken(s)) {
            other.cluster.name = format!("{}~{}", cluster.name, &other.cluster.id.to_string()[..8]);
        }
        let entry = self.clusters.entry(cluster.id).or_insert_with(|| {
            let state = ClusterState {
                cluster: cluster.clone(),
                version: Version::default(),
                first: Version::default(),
                sources: Vec::new(),
            };
            (state, 0)
        });
        entry.0.cluster.name.clone_from(&cluster.name);
        entry
    }

    fn apply(&mut self, batch: Batch) -> Result<Applied, StoreError> {
        let before = self.clone();
        if let Some((state, fence)) = self.clusters.get(&batch.cluster.id)
            && batch.fence < *fence
        {
            let cluster = state.cluster.name.clone();
            return Err(StoreError::Fenced {
                cluster,
                stored: *fence,
                ours: batch.fence,
            });
        }
        if !self.clusters.contains_key(&batch.cluster.id) {
            self.cluster(&batch.cluster);
        }
        let last = self.clusters[&batch.cluster.id].0.version;
        let version = last.next(batch.at_ms);
        let mut learnt: BTreeMap<AssetId, (How, Option<i64>)> = BTreeMap::new();
        let mut redrawn = BTreeMap::new();
        let mut applied = Applied {
            version: last,
            ..Applied::default()
        };
        for Observed {
            change,
            how,
            last_seen_ms,
        } in batch.changes.iter().cloned()
        {
            let subject = change.subject();
            let was = (self.content(subject), self.declared(subject));
            self.change(change);
            let is = (self.content(subject), self.declared(subject));
            if was.0 != is.0 {
                learnt.insert(subject, (how, last_seen_ms));
            } else if was.1 != is.1 {
                redrawn.insert(subject, (how, last_seen_ms));
            }
            applied.unchanged += usize::from(was == is);
        }
        self.forget_lonely_stubs();
        let changed = self.date(&before, version, &learnt, &mut applied);
        let (state, fence) = self.clusters.get_mut(&batch.cluster.id).expect("made above");
        let sources = state.sources.clone();
        for source in batch.sources {
            state.sources.retain(|s| s.kind != source.kind);
            state.sources.push(source);
        }
        state.sources.sort_by_key(|s| s.kind.to_string());
        if changed || state.sources != sources {
            state.version = version;
            if state.first == Version(0) {
                state.first = version;
            }
            redrawn.extend(learnt);
            self.learnt = redrawn;
            *fence = (*fence).max(batch.fence);
            applied.version = version;
        } else {
            let nodes = std::mem::take(&mut self.nodes);
            *self = World { nodes, ..before };
        }
        Ok(applied)
    }

    fn content(&self, id: AssetId) -> Option<u64> {
        self.nodes.get(&id).filter(|n| !n.stub).map(|n| n.hash)
    }

    fn declared(&self, id: AssetId) -> BTreeMap<EdgeKey, Detail> {
        let mine = self.edges.iter().filter(|(key, _)| key.0 == id);
        mine.map(|(key, (_, detail))| (*key, detail.clone())).collect()
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Upsert { asset, edges } => {
                let id = asset.reference.id();
                let hash = content_hash(asset.uid, asset.created, &asset.encode_body());
                self.nodes.insert(
                    id,
                    Node {
                        asset: *asset,
                        since: Version(0),
                        hash,
                        stub: false,
                    },
                );
                self.edges.retain(|key, _| key.0 != id);
                self.declare(id, edges);
            }
            Change::Redraw {
                declarer,
                relation,
                edges,
            } => {
                let id = declarer;
                if self.content(id).is_some() {
                    self.edges.retain(|key, _| key.0 != id || key.1 != relation);
                    self.declare(id, edges.into_iter().filter(|e| e.relation == relation).collect());
                }
            }
            Change::Delete { id } => {
                if self.content(id).is_some() {
                    let reference = self.nodes[&id].asset.reference.clone();
                    self.edges.retain(|key, _| key.0 != id);
                    self.nodes.insert(id, stub(Asset::named(reference)));
                }
            }
        }
    }

    fn declare(&mut self, declarer: AssetId, edges: Vec<Edge>) {
        for edge in edges {
            let key = (declarer, edge.relation, edge.from.id(), edge.to.id());
            self.edges.insert(key, (Version(0), edge.detail));
            for end in [edge.from, edge.to] {
                self.nodes
                    .entry(end.id())
                    .or_insert_with(|| stub(Asset::named(end)));
            }
        }
    }

    fn forget_lonely_stubs(&mut self) {
        let ends: std::collections::BTreeSet<AssetId> = self
            .edges
            .keys()
            .flat_map(|(_, _, from, to)| [*from, *to])
            .collect();
        self.nodes.retain(|id, node| !node.stub || ends.contains(id));
    }

    /// Dates everything by comparing with the world before, and writes history; tells whether anything differs.
    fn date(
        &mut self,
        before: &World,
        version: Version,
        learnt: &BTreeMap<AssetId, (How, Option<i64>)>,
        applied: &mut Applied,
    ) -> bool {
        let mut changed = false;
        for (key, (since, detail)) in &mut self.edges {
            match before.edges.get(key) {
                Some((old, same)) if same == detail => *since = *old,
                _ => {
                    applied.edges_started += 1;
                    (*since, changed) = (version, true);
                }
            }
        }
        let ended = |(key, (since, _)): &(&EdgeKey, &(Version, Detail))| {
            self.edges.get(key).is_none_or(|(now, _)| now != since)
        };
        applied.edges_ended = before.edges.iter().filter(ended).count();
        changed |= applied.edges_ended > 0;
        for (id, node) in &mut self.nodes {
            node.since = match before.nodes.get(id) {
                Some(old) if (old.stub, old.hash) == (node.stub, node.hash) => old.since,
                _ => version,
            };
            changed |= node.since == version;
        }
        let ids = self.nodes.keys().chain(before.nodes.keys());
        let ids: std::collections::BTreeSet<AssetId> = ids.copied().collect();
        changed |= ids.len() != self.nodes.len();
        for id in ids {
            let there = |world: &World| world.nodes.get(&id).filter(|n| !n.stub).cloned();
            let (old, new) = (there(before), there(self));
            let op = match (&old, &new) {
                (None, Some(_)) => Op::Create,
                (Some(old), Some(new)) if old.hash != new.hash => Op::Update,
                (Some(_), None) => Op::Delete,
                _ => continue,
            };
            match op {
                Op::Create => applied.created += 1,
                Op::Update => applied.updated += 1,
                Op::Delete => applied.deleted += 1,
            }
            let (how, last_seen_ms) = learnt[&id];
            let before = old.map(|node| node.asset);
            let row = Revision {
                version,
                op,
                before,
                how,
                last_seen_ms,
            };
            self.history.entry(id).or_default().insert(0, row);
        }
        changed
    }
}

fn stub(asset: Asset) -> Node {
    Node {
        asset,
        since: Version(0),
        hash: 0,
        stub: true,
    }
}

impl Picture {
    fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.world.nodes.values().map(|node| self.record(node))
    }

    fn record(&self, node: &Node) -> Record {
        let cluster = node.asset.reference.key().cluster;
        let name = match self.world.clusters.get(&cluster) {
            Some((state, _)) => state.cluster.name.clone(),
            None => cluster.to_string(),
        };
        Record {
            asset: node.asset.clone(),
            cluster_name: name.into(),
            since: node.since,
            hash: node.hash,
            stub: node.stub,
        }
    }

    fn holds(&self, filter: &Filter, record: &Record) -> bool {
        match filter {
            Filter::And(all) => all.iter().all(|f| self.holds(f, record)),
            Filter::Or(any) => any.iter().any(|f| self.holds(f, record)),
            Filter::Not(inner) => !self.holds(inner, record),
            Filter::Related(relation, direction, inner) => {
                let id = record.asset.reference.id();
                self.world.edges.keys().any(|(_, kind, from, to)| {
                    let leads = |at: &AssetId, other: &AssetId| {
                        *at == id && self.holds(inner, &self.record(&self.world.nodes[other]))
                    };
                    kind == relation
                        && ((*direction != Direction::In && leads(from, to))
                            || (*direction != Direction::Out && leads(to, from)))
                })
            }
            other => other.holds(record).expect("needs no graph"),
        }
    }

    fn passing(&self, filter: &Filter, presence: Presence) -> Vec<Record> {
        self.records()
            .filter(|r| presence.admits(r) && self.holds(filter, r))
            .collect()
    }

    fn neighbours_of(&self, id: AssetId, query: &NeighbourQuery<'_>) -> Neighbours {
        let mut links: Vec<Link> = self
            .world
            .edges
            .iter()
            .map(|((declared_by, relation, from, to), (since, detail))| Link {
                from: *from,
                relation: *relation,
                to: *to,
                declared_by: *declared_by,
                since: *since,
                detail: detail.clone(),
            })
            .filter(|link| match query.direction {
                Direction::Out => link.from == id,
                Direction::In => link.to == id,
                Direction::Both => link.from == id || link.to == id,
            })
            .filter(|link| query.relations.is_none_or(|r| r.contains(&link.relation)))
            .filter(|link| query.after.is_none_or(|after| link.position(id) > after))
            .collect();
        links.sort_by_key(|link| link.position(id));
        let total = links.len();
        links.truncate(query.limit);
        Neighbours { links, total }
    }
}

#[async_trait]
impl Snapshot for Picture {
    fn clusters(&self) -> &[ClusterState] {
        &self.clusters
    }

    async fn get(&self, ids: &[AssetId]) -> Result<Vec<Option<Arc<Record>>>, StoreError> {
        let get = |id| self.world.nodes.get(id).map(|node| Arc::new(self.record(node)));
        Ok(ids.iter().map(get).collect())
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        let mut records = self.passing(&query.filter, query.presence);
        records.retain(|r| {
            query
                .after
                .as_ref()
                .is_none_or(|after| query.order.position(r) > *after)
        });
        records.sort_by_key(|r| query.order.position(r));
        let more = records.len() > query.limit;
        records.truncate(query.limit);
        Ok(Page {
            records: records.into_iter().map(Arc::new).collect(),
            more,
        })
    }

    async fn count(&self, filter: &Filter, presence: Presence, cap: usize) -> Result<usize, StoreError> {
        Ok(self.passing(filter, presence).len().min(cap))
    }

    async fn facets(
        &self,
        filter: &Filter,
        presence: Presence,
        by: &[Facet],
    ) -> Result<Vec<(Vec<String>, usize)>, StoreError> {
        let mut sums: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for record in self.passing(filter, presence) {
            *sums
                .entry(by.iter().map(|facet| facet.value(&record)).collect())
                .or_default() += 1;
        }
        Ok(sums.into_iter().collect())
    }

    async fn neighbours(&self, query: &NeighbourQuery<'_>) -> Result<Vec<Neighbours>, StoreError> {
        Ok(query
            .ids
            .iter()
            .map(|id| self.neighbours_of(*id, query))
            .collect())
    }

    async fn history(
        &self,
        id: AssetId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        let rows = self.world.history.get(&id).into_iter().flatten();
        let rows = rows.filter(|row| before.is_none_or(|b| row.version < b));
        Ok(rows.take(limit).cloned().collect())
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        let mut assets = BTreeMap::new();
        let mut totals = Totals::default();
        for record in self.records() {
            if record.is_dangling() {
                totals.dangling += 1;
                continue;
            }
            let key = record.asset.reference.key();
            let name = (record.cluster_name.to_string(), key.kind.to_string());
            assets.entry(name).or_insert((key.cluster, key.kind, 0)).2 += 1;
        }
        totals.assets = assets.into_values().collect();
        let mut edges = BTreeMap::new();
        for (_, relation, ..) in self.world.edges.keys() {
            *edges.entry(*relation).or_insert(0) += 1;
        }
        totals.edges = edges.into_iter().collect();
        Ok(totals)
    }
}
