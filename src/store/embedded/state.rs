//! One version of the graph: assets by slot, the index of ids, groups of one cluster, kind and namespace sorted by name,
//! and the clusters. Immutable once published; a copy shares all that did not change. Knows no file.

use super::chunk::{Chunk, Half, NONE, SLOTS, Standing, View};
use super::run::Run;
use super::tree::Tree;
use hashbrown::HashTable;
use planisphere_schema::{AssetId, AssetKey, AssetRef, ClusterId, Kind, RelationKind, SourceState, Version};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

/// Pieces of the id index: a new asset copies one of them.
const SHARDS: usize = 256;
/// How many relations there are.
pub(super) const RELATIONS: usize = RelationKind::ALL.len();

/// The kind's name with its group, as it stands in the file and in every order.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    static BUILT_IN: LazyLock<HashMap<Kind, String>> =
        LazyLock::new(|| Kind::BUILT_IN.iter().map(|k| (*k, k.to_string())).collect());
    match kind {
        Kind::Custom(custom) => custom.name(),
        _ => BUILT_IN.get(&kind).map_or("", String::as_str),
    }
}

/// One cluster: a shard of the file.
#[derive(Clone, Debug)]
pub(super) struct ClusterEntry {
    pub(super) id: ClusterId,
    pub(super) id_text: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) fence: u64,
    pub(super) version: Version,
    /// The version of its first batch; 0 before that.
    pub(super) first: Version,
    /// By name of the kind.
    pub(super) sources: Vec<SourceState>,
    /// The sum over all rows that this cluster's batches added, less those that they removed.
    pub(super) sum: u64,
    /// Claimed or written to; else only named by an edge.
    pub(super) known: bool,
}

/// The assets of one cluster, kind and namespace.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) cluster: u32,
    pub(super) kind: Kind,
    pub(super) namespace: Arc<str>,
    /// By name.
    pub(super) members: Run<u32>,
    /// How many of them are stubs.
    pub(super) stubs: usize,
}

impl Group {
    /// How many of its assets are dangling.
    pub(super) fn dangling(&self) -> usize {
        if self.kind.is_named() { 0 } else { self.stubs }
    }
}

/// The groups of one cluster, by kind name and namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    pub(super) kinds: BTreeMap<&'static str, Arc<Namespaces>>,
}

/// The groups of one cluster and kind, by namespace.
pub(super) type Namespaces = BTreeMap<Arc<str>, u32>;

/// One version of the graph.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) slots: Tree<Chunk>,
    /// Slots that were ever used.
    pub(super) allocated: u32,
    /// The first vacant slot; each names the next.
    pub(super) vacant: u32,
    pub(super) index: Arc<Vec<Arc<HashTable<u32>>>>,
    pub(super) groups: Tree<Group>,
    pub(super) free_groups: Arc<Vec<u32>>,
    pub(super) shelves: Vec<Arc<Shelf>>,
    /// By number; the file's number is one more.
    pub(super) clusters: Vec<Arc<ClusterEntry>>,
    /// Numbers of clusters by name.
    pub(super) by_name: Arc<Vec<u32>>,
    /// Edges by relation.
    pub(super) edges: [usize; RELATIONS],
    /// The next number that the file gives to an asset.
    pub(super) next_pk: u32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            slots: Tree::default(),
            allocated: 0,
            vacant: NONE,
            index: Arc::new(vec![Arc::default(); SHARDS]),
            groups: Tree::default(),
            free_groups: Arc::default(),
            shelves: Vec::new(),
            clusters: Vec::new(),
            by_name: Arc::default(),
            edges: [0; RELATIONS],
            next_pk: 1,
        }
    }
}

/// Where the index keeps an id: the piece, and the hash in it. Ids are SHA-1 already.
fn place_of(id: AssetId) -> (usize, u64) {
    let (high, low) = id.0.as_u64_pair();
    ((low & (SHARDS as u64 - 1)) as usize, high ^ low.rotate_left(17))
}

impl State {
    pub(super) fn view(&self, slot: u32) -> Option<View<'_>> {
        let slot = slot as usize;
        self.slots.get(slot / SLOTS).map(|chunk| chunk.view(slot % SLOTS))
    }

    /// The chunk in which a slot stands.
    pub(super) fn chunk_of(slot: u32) -> usize {
        slot as usize / SLOTS
    }

    /// Bytes of a chunk in memory, about.
    pub(super) fn chunk_bytes(&self, chunk: usize) -> usize {
        self.slots.get(chunk).map_or(0, Chunk::size)
    }

    /// The slot of an asset.
    pub(super) fn find(&self, id: AssetId) -> Option<u32> {
        let (shard, hash) = place_of(id);
        let found = self.index[shard].find(hash, |&slot| self.id(slot) == id);
        found.copied()
    }

    /// The id of an asset that is there.
    pub(super) fn id(&self, slot: u32) -> AssetId {
        self.view(slot)
            .map_or(AssetId(uuid::Uuid::nil()), |view| view.head().id)
    }

    pub(super) fn index_insert(&mut self, slot: u32, id: AssetId) {
        let (shard, hash) = place_of(id);
        let slots = &self.slots;
        let table = Arc::make_mut(&mut Arc::make_mut(&mut self.index)[shard]);
        table.insert_unique(hash, slot, |&other| place_of(id_in(slots, other)).1);
    }

    pub(super) fn index_remove(&mut self, slot: u32, id: AssetId) {
        let (shard, hash) = place_of(id);
        let table = Arc::make_mut(&mut Arc::make_mut(&mut self.index)[shard]);
        if let Ok(entry) = table.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
    }

    pub(super) fn group(&self, group: u32) -> Option<&Group> {
        self.groups.get(group as usize)
    }

    pub(super) fn cluster(&self, cluster: u32) -> Option<&ClusterEntry> {
        self.clusters.get(cluster as usize).map(|c| &**c)
    }

    pub(super) fn cluster_number(&self, id: ClusterId) -> Option<u32> {
        let found = self.clusters.iter().position(|c| c.id == id);
        found.map(|number| number as u32)
    }

    /// The group of a cluster, kind and namespace.
    pub(super) fn find_group(&self, cluster: u32, kind: Kind, namespace: &str) -> Option<u32> {
        let shelf = self.shelves.get(cluster as usize)?;
        shelf.kinds.get(kind_name(kind))?.get(namespace).copied()
    }

    /// The group of a cluster, kind and namespace; made where it is new.
    pub(super) fn group_of(&mut self, cluster: u32, kind: Kind, namespace: &str) -> u32 {
        if let Some(group) = self.find_group(cluster, kind, namespace) {
            return group;
        }
        let namespace: Arc<str> = namespace.into();
        let group = Group {
            cluster,
            kind,
            namespace: namespace.clone(),
            members: Run::default(),
            stubs: 0,
        };
        let number = Arc::make_mut(&mut self.free_groups)
            .pop()
            .unwrap_or(self.groups.len() as u32);
        self.groups.set(number as usize, group);
        let shelf = Arc::make_mut(&mut self.shelves[cluster as usize]);
        let namespaces = Arc::make_mut(shelf.kinds.entry(kind_name(kind)).or_default());
        namespaces.insert(namespace, number);
        number
    }

    /// Forgets a group that has no members.
    pub(super) fn drop_group(&mut self, number: u32) {
        let Some(group) = self.groups.get(number as usize) else {
            return;
        };
        let (cluster, name, namespace) = (
            group.cluster as usize,
            kind_name(group.kind),
            group.namespace.clone(),
        );
        let shelf = Arc::make_mut(&mut self.shelves[cluster]);
        if let Some(namespaces) = shelf.kinds.get_mut(name) {
            let namespaces = Arc::make_mut(namespaces);
            namespaces.remove(&namespace);
            if namespaces.is_empty() {
                shelf.kinds.remove(name);
            }
        }
        Arc::make_mut(&mut self.free_groups).push(number);
    }

    /// Adds a cluster, or gives the known one of that identity this name. Another identity under the name keeps its
    /// data under `name~` and the first digits of its identity. Tells its number and which entries changed.
    pub(super) fn name_cluster(&mut self, id: ClusterId, name: &str) -> (u32, Vec<u32>) {
        let mut changed = Vec::new();
        let number = self.cluster_number(id).unwrap_or_else(|| {
            self.clusters.push(Arc::new(ClusterEntry {
                id,
                id_text: id.to_string().into(),
                name: "".into(),
                fence: 0,
                version: Version::default(),
                first: Version::default(),
                sources: Vec::new(),
                sum: 0,
                known: false,
            }));
            self.shelves.push(Arc::default());
            self.clusters.len() as u32 - 1
        });
        if &*self.clusters[number as usize].name != name {
            if let Some(other) = self.clusters.iter().position(|c| &*c.name == name) {
                let aside = self.name_aside(name, self.clusters[other].id);
                Arc::make_mut(&mut self.clusters[other]).name = aside.into();
                changed.push(other as u32);
            }
            Arc::make_mut(&mut self.clusters[number as usize]).name = name.into();
            changed.push(number);
        }
        if !changed.is_empty() {
            self.sort_clusters();
        }
        (number, changed)
    }

    /// Puts the numbers of the clusters into the order of their names.
    pub(super) fn sort_clusters(&mut self) {
        let mut by_name: Vec<u32> = (0..self.clusters.len() as u32).collect();
        by_name.sort_by(|a, b| {
            let name = |n: &u32| &self.clusters[*n as usize].name;
            name(a).cmp(name(b))
        });
        self.by_name = Arc::new(by_name);
    }

    fn name_aside(&self, name: &str, id: ClusterId) -> String {
        let digits = id.0.simple().to_string();
        (8..=digits.len())
            .map(|n| format!("{name}~{}", &digits[..n]))
            .find(|aside| self.clusters.iter().all(|c| *c.name != **aside))
            .unwrap_or_else(|| format!("{name}~{id}~"))
    }

    /// The reference of an asset that is there.
    pub(super) fn reference(&self, view: View<'_>) -> Option<AssetRef> {
        let group = self.group(view.head().group)?;
        let key = AssetKey {
            cluster: self.cluster(group.cluster)?.id,
            kind: group.kind,
            namespace: (*group.namespace).into(),
            name: view.name().into(),
        };
        Some(AssetRef::known(view.head().id, key))
    }

    /// Whether an asset is a stub that dangles.
    pub(super) fn is_dangling(&self, view: View<'_>) -> bool {
        view.standing() == Standing::Stub && !self.group(view.head().group).is_some_and(|g| g.kind.is_named())
    }
}

fn id_in(slots: &Tree<Chunk>, slot: u32) -> AssetId {
    let slot = slot as usize;
    slots
        .get(slot / SLOTS)
        .map_or(AssetId(uuid::Uuid::nil()), |chunk| {
            chunk.view(slot % SLOTS).head().id
        })
}

/// How two halves at one asset stand to each other.
pub(super) fn order_halves(a: Half, b: Half, id: impl Fn(u32) -> AssetId) -> Ordering {
    let slots = |h: Half| (h.way, h.other, h.declarer);
    if slots(a) == slots(b) {
        return Ordering::Equal;
    }
    a.way
        .cmp(&b.way)
        .then_with(|| id(a.other).cmp(&id(b.other)))
        .then_with(|| id(a.declarer).cmp(&id(b.declarer)))
}
