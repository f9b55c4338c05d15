//! What really happened in the simulated clusters: each object's states by version and by time. From it follows which
//! states a mirror may show. Knows no mirror.

use planisphere_schema::{AssetId, ClusterId, Kind};
use std::collections::BTreeMap;
use tokio::time::Instant;
use uuid::Uuid;

/// A state of an object: its uid, and which edition of it.
pub type State = (Uuid, String);

/// An object came to be in a state, or went.
#[derive(Clone, Debug)]
pub struct Moment {
    pub at: Instant,
    /// What the clock of the mirror's machine told.
    pub wall_ms: i64,
    pub version: u64,
    pub state: Option<State>,
}

/// From when on a state is allowed.
#[derive(Clone, Copy, Debug)]
pub enum Since {
    Version(u64),
    /// What happened before this reading of the clock counts.
    Wall(i64),
    Instant(Instant),
}

/// All that happened in one cluster.
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    objects: BTreeMap<AssetId, (Kind, Vec<Moment>)>,
    /// What the server told was not the whole truth, or it went back in time: only the end can be judged.
    pub unreliable: bool,
    /// Another cluster answers at its address now.
    pub replaced: bool,
}

impl Cluster {
    pub fn new(id: ClusterId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            objects: BTreeMap::new(),
            unreliable: false,
            replaced: false,
        }
    }

    pub fn happened(&mut self, id: AssetId, kind: Kind, moment: Moment) {
        self.objects
            .entry(id)
            .or_insert((kind, Vec::new()))
            .1
            .push(moment);
    }

    /// The state now.
    pub fn now(&self, id: AssetId) -> Option<&State> {
        self.objects.get(&id)?.1.last()?.state.as_ref()
    }

    /// Every object that ever was, with its kind.
    pub fn objects(&self) -> impl Iterator<Item = (AssetId, Kind)> + '_ {
        self.objects.iter().map(|(id, (kind, _))| (*id, *kind))
    }

    /// Whether an object was in this state at the given moment or later.
    pub fn was(&self, id: AssetId, state: Option<&State>, since: Since) -> bool {
        let Some((_, moments)) = self.objects.get(&id) else {
            return state.is_none();
        };
        let counts = |moment: &Moment| match since {
            Since::Version(version) => moment.version <= version,
            Since::Wall(ms) => moment.wall_ms < ms,
            Since::Instant(at) => moment.at < at,
        };
        // The clock may have gone back: what is sure is what came before the first moment that does not count.
        let sure = moments.iter().position(|m| !counts(m)).unwrap_or(moments.len());
        let before = sure.checked_sub(1).map(|last| &moments[last]);
        let allowed = moments[sure..].iter().map(|m| m.state.as_ref());
        let mut allowed = allowed.chain([before.and_then(|m| m.state.as_ref())]);
        allowed.any(|allowed| allowed == state)
    }

    /// When, by the clock of the mirror's machine, this incarnation went.
    pub fn gone_ms(&self, id: AssetId, uid: Uuid) -> Option<i64> {
        let (_, moments) = self.objects.get(&id)?;
        let of = |moment: &Moment| moment.state.as_ref().is_some_and(|state| state.0 == uid);
        let last = moments.iter().rposition(of)?;
        moments.get(last + 1).map(|moment| moment.wall_ms)
    }
}

/// All clusters, also those that are no more.
pub type Truth = BTreeMap<ClusterId, Cluster>;
