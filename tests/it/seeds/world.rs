//! A world made from a seed: clusters, networks, a disk, a clock, one process after the other; first everything goes wrong,
//! then nothing does.

use super::broken::Broken;
use super::checkers;
use super::clock::WallClock;
use super::disk::Disk;
use super::graph::Graph;
use super::network::{Line, Network};
use super::process::{Command, Process};
use super::recorder::{Recorder, Violation};
use super::truth::{Cluster, Moment};
use planisphere_fixtures::{FleetSpec, Options, SimCluster, Simulation};
use planisphere_schema::{AssetId, AssetRef, ClusterId, Kind};
use planisphere_sync::cluster::Resource;
use planisphere_sync::reflect::Limits;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The kinds that these worlds hold: enough for every sort of edge that two objects make.
pub const KINDS: &[Kind] = &[
    Kind::Namespace,
    Kind::Node,
    Kind::Pod,
    Kind::Service,
    Kind::ConfigMap,
    Kind::PersistentVolumeClaim,
    Kind::PersistentVolume,
];

/// What may happen in a world.
#[derive(Clone, Copy, Debug)]
pub struct Character {
    pub clusters: usize,
    /// All that goes wrong goes wrong in the first cluster alone.
    pub quiet_second: bool,
    /// Servers do not tell the truth, or go back in time.
    pub lies: bool,
    /// Another cluster comes to answer at an address.
    pub replaces: bool,
    pub sets_clock: bool,
    pub steps: u32,
}

impl Character {
    fn of(seed: u64) -> Self {
        let nature = seed % 10;
        Self {
            clusters: if nature == 0 { 1 } else { 2 },
            quiet_second: (1..3).contains(&nature),
            lies: (3..5).contains(&nature),
            replaces: nature == 5,
            sets_clock: nature == 6,
            steps: 30,
        }
    }
}

/// A cluster and the way to it.
pub struct Site {
    pub name: String,
    pub network: Arc<Network>,
    pub server: SimCluster,
    pub id: ClusterId,
    /// When the line is repaired.
    pub line_until: Option<Instant>,
    /// When it is named again; none while it is.
    pub unnamed_until: Option<Instant>,
}

/// What became of a world.
pub struct Outcome {
    pub violations: Vec<Violation>,
    pub fingerprint: u64,
    pub kills: u64,
    /// Panics of the mirror.
    pub defects: u64,
    pub commits: usize,
    pub requests: u64,
    /// Whole lists by reason.
    pub lists: BTreeMap<&'static str, u64>,
    /// From the end of all faults until the graph was right again.
    pub converged_after: Option<Duration>,
}

pub struct World {
    pub random: StdRng,
    pub character: Character,
    pub recorder: Arc<Recorder>,
    pub disk: Arc<Disk>,
    pub clock: Arc<WallClock>,
    pub sites: Vec<Site>,
    pub process: Option<Process>,
    pub began: Instant,
    pub lives: u64,
    /// Answers at no address yet.
    pub spare: SimCluster,
    restart_at: Option<Instant>,
    committed: BTreeMap<ClusterId, Graph>,
    lists: BTreeMap<&'static str, u64>,
    defects: u64,
    seed: u64,
    broken: Option<Broken>,
    editions: u64,
    _fleet: Simulation,
}

/// Runs a world to its end, on this thread and in virtual time; prints all that happens where that is to be `told`.
pub fn run(seed: u64, broken: Option<Broken>, told: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::new(seed, broken);
        world.recorder.lock().told = told;
        world.live().await
    })
}

impl World {
    fn new(seed: u64, broken: Option<Broken>) -> Self {
        let character = Character::of(seed);
        let spec = FleetSpec {
            seed,
            ..FleetSpec::empty(3)
        };
        let options = Options {
            bookmark_interval: Duration::from_secs(60),
            log_capacity: 60,
            ..Options::default()
        };
        let fleet = Simulation::in_process(spec, options);
        let recorder = Arc::new(Recorder::default());
        let clock = WallClock::new();
        let sites = (0..character.clusters).map(|number| {
            let server = fleet.clusters[number].clone();
            Site {
                name: server.name().to_owned(),
                network: Network::new(seed ^ (number as u64 + 1) << 32, &server, broken, &recorder),
                id: ClusterId(server.uid().parse().unwrap()),
                server,
                line_until: None,
                unnamed_until: None,
            }
        });
        let mut world = Self {
            random: StdRng::seed_from_u64(seed),
            character,
            disk: Disk::new(recorder.clone(), clock.clone()),
            sites: sites.collect(),
            recorder,
            clock,
            process: None,
            began: Instant::now(),
            lives: 0,
            spare: fleet.clusters[2].clone(),
            restart_at: None,
            committed: BTreeMap::new(),
            lists: BTreeMap::new(),
            defects: 0,
            seed,
            broken,
            editions: 0,
            _fleet: fleet,
        };
        for site in 0..world.sites.len() {
            world.meet(site);
        }
        world
    }

    /// Writes down what a cluster holds from the beginning.
    pub fn meet(&mut self, site: usize) {
        let site = &self.sites[site];
        let mut history = self.recorder.lock();
        let cluster = history
            .truth
            .entry(site.id)
            .or_insert_with(|| Cluster::new(site.id, &site.name));
        for kind in KINDS {
            for object in site.server.objects(&kind.to_string()) {
                let text = |path: &str| object.pointer(path).and_then(|v| v.as_str()).unwrap_or_default();
                let namespace = text("/metadata/namespace");
                let reference = AssetRef::new(site.id, *kind, namespace, text("/metadata/name"));
                let moment = Moment {
                    at: self.began,
                    wall_ms: 0,
                    version: 0,
                    state: Some((text("/metadata/uid").parse().unwrap(), String::new())),
                };
                cluster.happened(reference.id(), *kind, moment);
            }
        }
    }

    async fn live(mut self) -> Outcome {
        self.start();
        for _ in 0..self.character.steps {
            let pause = match self.random.random_range(0..4) {
                0 => self.random.random_range(0..200),
                _ => self.random.random_range(0..30_000),
            };
            self.pass(Duration::from_millis(pause)).await;
            self.act();
        }
        self.heal();
        let healed = Instant::now();
        // A lie that leaves the counts as they are is found by the next comparison only.
        let patience = match self.character.lies {
            true => Duration::from_secs(45 * 60),
            false => Duration::from_secs(5 * 60),
        };
        let mut wrong = checkers::differs(&self);
        while !wrong.is_empty() && healed.elapsed() < patience {
            // Who was lied to needs long, and looking costs.
            let pause = if self.character.lies { 60 } else { 5 };
            self.pass(Duration::from_secs(pause)).await;
            wrong = checkers::differs(&self);
        }
        let converged_after = wrong.is_empty().then(|| healed.elapsed());
        if !wrong.is_empty() {
            self.tell_states();
        }
        for violation in wrong {
            self.recorder.violated(violation.promise, violation.words);
        }
        if self.seed.is_multiple_of(4) {
            checkers::replays(&self.recorder, self.broken).await;
        }
        self.count_lists();
        let history = self.recorder.lock();
        Outcome {
            violations: history.violations.clone(),
            fingerprint: history.fingerprint(),
            kills: self.lives - 1,
            defects: self.defects,
            commits: history.batches.len(),
            requests: self.sites.iter().map(|s| s.network.traffic().requests).sum(),
            lists: self.lists.clone(),
            converged_after,
        }
    }

    /// Time passes; whoever died is buried, and started again in time.
    async fn pass(&mut self, pause: Duration) {
        sleep(pause).await;
        if self.process.as_ref().is_some_and(Process::is_dead) {
            self.kill();
        }
        if self.process.is_none() && self.restart_at.is_none_or(|at| at <= Instant::now()) {
            self.start();
            sleep(Duration::from_millis(1)).await;
        }
        for site in &mut self.sites {
            if site.line_until.is_some_and(|until| until <= Instant::now()) {
                site.line_until = None;
                site.network.line(Line::Up);
            }
        }
        let now = Instant::now();
        let due = |site: &&mut Site| site.unnamed_until.is_some_and(|until| until <= now);
        let named = self
            .sites
            .iter_mut()
            .filter(due)
            .map(|site| site.unnamed_until = None);
        if named.count() > 0 {
            self.name();
        }
        checkers::during(self);
    }

    pub fn start(&mut self) {
        self.lives += 1;
        self.tell(|| "started".into());
        let dead = CancellationToken::new();
        self.clock.restart();
        let store = self.disk.mount(dead.clone(), &self.committed);
        let served = Resource::all().into_iter().map(|resource| resource.kind);
        let limits = Limits {
            page: 3,
            batch: 4,
            compare: match self.character.lies {
                true => Duration::from_secs(20 * 60),
                false => Limits::default().compare,
            },
            // What it tells changes with nothing that a world does.
            control_plane: None,
            events: false,
            ..Limits::default()
        };
        let clusters = self.sites.iter().map(|s| (s.name.clone(), s.network.clone()));
        let command = Command {
            clusters: clusters.collect(),
            excluded: served.filter(|kind| !KINDS.contains(kind)).collect(),
            limits,
            clock: self.clock.clone(),
            seed: self.seed ^ self.lives << 40,
            broken: self.broken,
        };
        self.process = Some(Process::start(command, store, dead));
        self.name();
        self.restart_at = None;
    }

    /// The process is told which clusters it is to mirror.
    pub fn name(&self) {
        if let Some(process) = &self.process {
            process.name(|number| self.sites[number].unnamed_until.is_none());
        }
    }

    /// The process dies now; it is started again after a while.
    pub fn kill(&mut self) {
        self.count_lists();
        self.tell(|| "killed".into());
        if let Some(process) = self.process.take() {
            process.kill();
            self.committed = self.disk.unmount();
            self.disk.trouble(|trouble| trouble.kill_at = None);
            let pause = self.random.random_range(0..90);
            self.restart_at = Some(Instant::now() + Duration::from_secs(pause));
        }
    }

    fn count_lists(&mut self) {
        let struck = self
            .process
            .as_ref()
            .map(|p| p.defect.struck.swap(0, Ordering::Relaxed));
        self.defects += struck.unwrap_or_default();
        let statuses = self.process.iter().flat_map(|process| process.status.all());
        for kind in statuses.flat_map(|status| status.kinds.into_values()) {
            for (reason, count) in kind.lists {
                *self.lists.entry(reason).or_default() += count;
            }
        }
    }

    /// All faults end.
    fn heal(&mut self) {
        self.tell(|| "all faults end".into());
        for site in &mut self.sites {
            site.line_until = None;
            site.unnamed_until = None;
            site.network.line(Line::Up);
            site.network.trouble(0);
            site.server.faults().clear_all();
        }
        self.disk
            .trouble(|trouble| *trouble = super::disk::Trouble::default());
        self.restart_at = None;
        if let Some(process) = &self.process {
            process.defect.due.store(false, Ordering::Relaxed);
        }
        self.name();
    }

    /// Prints what happens, where that is wanted.
    pub fn tell(&self, words: impl FnOnce() -> String) {
        if self.recorder.lock().told {
            println!("{} {}", self.clock.now(), words());
        }
    }

    /// Prints what the mirror says of each source.
    fn tell_states(&self) {
        for status in self.process.iter().flat_map(|process| process.status.all()) {
            let (reachable, error) = (status.reachable, &status.error);
            self.tell(|| format!("{}: reachable {reachable}, {error:?}", status.name));
            for (kind, kind_status) in &status.kinds {
                self.tell(|| format!("{} {kind}: {kind_status:?}", status.name));
            }
        }
    }

    /// A number that was not there before.
    pub fn edition(&mut self) -> u64 {
        self.editions += 1;
        self.editions
    }

    /// Writes down what was done to an object.
    pub fn happened(
        &self,
        site: usize,
        id: AssetId,
        kind: Kind,
        version: u64,
        state: Option<super::truth::State>,
    ) {
        self.tell(|| format!("truth {kind} {id} @{version} {state:?}"));
        let moment = Moment {
            at: Instant::now(),
            wall_ms: self.clock.now(),
            version,
            state,
        };
        let mut history = self.recorder.lock();
        if let Some(cluster) = history.truth.get_mut(&self.sites[site].id) {
            cluster.happened(id, kind, moment);
        }
    }
}
