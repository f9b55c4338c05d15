//! The reflectors of one cluster while it is mirrored: custom resources that appear are read, those that are proven gone
//! end, and what is to be read otherwise (other rules, another version) is read anew. What a dead API group served is left
//! as it is known.

use super::{AFTER_PANIC, Fleet};
use crate::cluster::{Connection, CustomResource, Discovery, Resource, Served};
use crate::extract::{Catalog, Context, Entry, Extractor};
use crate::frame::Encoding;
use crate::observe::Event;
use crate::reflect::{Extract, Reflector};
use crate::resume::ResumePoint;
use crate::rules::{KindRules, Rules};
use crate::sink::Start;
use crate::status::Phase;
use planisphere_schema::{Coverage, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// What a cluster serves is asked at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// After a definition changed: the API server needs moments to serve it, and definitions come in bursts.
const SETTLE: Duration = Duration::from_secs(1);
/// An absent resource must have been absent for this long.
const ABSENT_FOR: Duration = Duration::from_secs(5);

/// All reflectors of a cluster.
pub(super) struct Reflectors {
    fleet: Fleet,
    connection: Arc<Connection>,
    rules: Arc<Rules>,
    catalog: Arc<Catalog>,
    events: Option<mpsc::Sender<Event>>,
    stop: CancellationToken,
    /// From where the store can go on, for kinds that were not started yet.
    resumes: BTreeMap<Kind, ResumePoint>,
    running: BTreeMap<Kind, Running>,
    /// Custom kinds that the store remembers and that were not found yet, each with since when it has been absent.
    remembered: BTreeMap<Kind, Option<Instant>>,
    excluded: BTreeSet<Kind>,
    /// A definition changed.
    nudge: Arc<Notify>,
    look_at: Instant,
}

struct Running {
    resource: Resource,
    custom: Option<CustomResource>,
    reading: u64,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    absent_since: Option<Instant>,
}

impl Reflectors {
    /// None of them runs yet.
    pub(super) fn new(
        fleet: &Fleet,
        connection: &Arc<Connection>,
        start: &Start,
        known: BTreeSet<Kind>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let resumes = start.sources.iter().filter_map(|source| {
            let point = ResumePoint::parse(source.resume.as_deref()?);
            Some((source.kind, point))
        });
        let known = known.into_iter().filter(|k| matches!(k, Kind::Custom(_)));
        let reflectors = Self {
            fleet: fleet.clone(),
            connection: connection.clone(),
            rules: fleet.rules.borrow().clone(),
            catalog: Arc::default(),
            events: Some(events),
            stop: fleet.cancel.child_token(),
            resumes: resumes.collect(),
            running: BTreeMap::new(),
            remembered: known.map(|kind| (kind, None)).collect(),
            excluded: BTreeSet::new(),
            nudge: Arc::default(),
            look_at: Instant::now(),
        };
        // Before anything is read: then no scope need be guessed.
        reflectors.learn(&connection.discovery().custom());
        reflectors
    }

    /// Ends all of them once it is cancelled.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Whether anything may still be told from here.
    pub(super) fn tells(&self) -> bool {
        self.events.is_some()
    }

    /// Tells no more.
    pub(super) fn fall_silent(&mut self) {
        self.events = None;
    }

    /// Waits until it is time to look at what the cluster serves.
    pub(super) async fn due(&self) {
        tokio::select! {
            () = sleep_until(self.look_at) => {}
            () = self.nudge.notified() => sleep(SETTLE).await,
        }
    }

    /// This look found nothing out.
    pub(super) fn look_later(&mut self) {
        self.look_at = Instant::now() + LOOK_EVERY;
    }

    fn excludes(&self, kind: Kind) -> bool {
        let named = |word: &Kind| match (word, kind) {
            // People may name it as kubectl does, by plural or short name.
            (Kind::Custom(_), Kind::Custom(custom)) => {
                word.group() == kind.group() && custom.answers_to(word.short_name())
            }
            _ => false,
        };
        self.fleet
            .excluded
            .iter()
            .any(|word| *word == kind || named(word))
    }

    /// Waits until all have ended.
    pub(super) async fn end(&mut self) {
        for running in self.running.values_mut() {
            running.end().await;
        }
    }

    /// Takes in what the cluster says of its custom kinds; gives the kinds whose objects were read under another
    /// assumption.
    fn learn(&self, all: &[CustomResource]) -> BTreeSet<Kind> {
        let mut misread = BTreeSet::new();
        for custom in all {
            let entry = Entry {
                scope: custom.scope,
                definition: custom.definition.clone(),
            };
            misread.extend(self.catalog.learn(custom.resource.kind, entry));
        }
        misread
    }

    async fn tell(&self, event: Event) {
        if let Some(events) = &self.events {
            // Nobody listening is found out by whoever asked for this.
            let _ = events.send(event).await;
        }
    }

    /// Starts those of the built-in kinds.
    pub(super) async fn start_built_in(&mut self) {
        for resource in Resource::all() {
            let kind = resource.kind;
            let resource = self.connection.discovery().preferred(resource);
            let absent = self.connection.discovery().serves(&resource) == Served::No;
            let coverage = match () {
                () if self.fleet.excluded.contains(&kind) => Some(Coverage::Excluded),
                () if absent => Some(Coverage::Absent),
                () => None,
            };
            if let Some(coverage) = coverage {
                self.tell(Event::Covered { kind, coverage }).await;
            }
            if coverage == Some(Coverage::Excluded) {
                continue;
            }
            // What is not served now may be soon: an aggregated API whose server was down is one.
            let after = if absent {
                self.fleet.limits.refused
            } else {
                Duration::ZERO
            };
            self.start(resource, None, after).await;
        }
    }

    /// Reads everything by these rules from now on: what they read as before goes on, the rest is listed again.
    pub(super) async fn read_by(&mut self, rules: Arc<Rules>) {
        self.rules = rules;
        let changed = |(kind, running): (&Kind, &Running)| {
            let reading = reading(&self.rules.of(*kind), running.custom.as_ref());
            (reading != running.reading).then_some(*kind)
        };
        let changed: BTreeSet<Kind> = self.running.iter().filter_map(changed).collect();
        tracing::info!(
            cluster = self.connection.name(),
            kinds = changed.len(),
            "other rules: these kinds are read anew"
        );
        self.restart(changed).await;
    }

    /// Lists these kinds again.
    async fn restart(&mut self, kinds: BTreeSet<Kind>) {
        for kind in kinds {
            if let Some(mut running) = self.running.remove(&kind) {
                running.end().await;
                self.start(running.resource, running.custom, Duration::ZERO).await;
            }
        }
    }

    /// Starts what is new, starts anew what is served otherwise, and ends what is proven gone.
    pub(super) async fn look(&mut self, discovery: &Discovery) {
        self.look_later();
        let wanted = discovery.custom();
        let misread = self.learn(&wanted);
        let wanted: BTreeMap<Kind, CustomResource> = wanted
            .into_iter()
            .map(|custom| (custom.resource.kind, custom))
            .collect();
        self.end_gone(discovery, &wanted).await;
        let refused = self.refused(discovery, &wanted);
        for kind in &refused {
            if let Some(running) = self.running.get_mut(kind).filter(|r| r.custom.is_none()) {
                // It may be served in another version than was tried.
                running.resource = discovery.preferred(running.resource.clone());
            }
        }
        self.restart(refused).await;
        self.forget_gone(discovery, &wanted).await;
        for (kind, custom) in wanted {
            if self.running.contains_key(&kind) {
                continue;
            }
            self.remembered.remove(&kind);
            if self.excludes(kind) {
                if self.excluded.insert(kind) {
                    let coverage = Coverage::Excluded;
                    self.tell(Event::Covered { kind, coverage }).await;
                }
                continue;
            }
            self.start(custom.resource.clone(), Some(custom), Duration::ZERO)
                .await;
        }
        self.restart(misread).await;
    }

    /// Kinds that are served, but whose reflectors were told that they are not and wait: their definition went and came.
    fn refused(&self, discovery: &Discovery, wanted: &BTreeMap<Kind, CustomResource>) -> BTreeSet<Kind> {
        let served = |kind: &Kind, running: &Running| match running.custom {
            Some(_) => wanted.contains_key(kind),
            None => discovery.serves(&discovery.preferred(running.resource.clone())) == Served::Yes,
        };
        let waits = |kind: Kind| {
            let name = self.connection.name();
            self.fleet.status.update_kind(name, kind, |status| {
                let waiting = [Phase::Connecting, Phase::Backoff].contains(&status.phase);
                waiting && status.coverage == Some(Coverage::Absent)
            })
        };
        let running = self.running.iter();
        let refused = running.filter(|(kind, running)| waits(**kind) && served(kind, running));
        refused.map(|(kind, _)| *kind).collect()
    }

    async fn end_gone(&mut self, discovery: &Discovery, wanted: &BTreeMap<Kind, CustomResource>) {
        let custom = |(kind, r): (&Kind, &Running)| r.custom.as_ref().map(|_| *kind);
        let kinds: Vec<Kind> = self.running.iter().filter_map(custom).collect();
        for kind in kinds {
            let Some(running) = self.running.get_mut(&kind) else {
                continue;
            };
            match wanted.get(&kind) {
                Some(custom) if Some(custom) == running.custom.as_ref() => running.absent_since = None,
                Some(_) => {
                    // In another version, or it is another kind of the same name.
                    running.end().await;
                    self.running.remove(&kind);
                }
                None => {
                    let (since, resource) = (running.absent_since, running.resource.clone());
                    let absence = self.absence(kind, Some(&resource), since, discovery).await;
                    if let Some(running) = self.running.get_mut(&kind) {
                        running.absent_since = absence.since();
                    }
                    if absence == Absence::Proven
                        && let Some(mut running) = self.running.remove(&kind)
                    {
                        running.end().await;
                        self.vanished(kind).await;
                    }
                }
            }
        }
    }

    /// Ends what the store remembers of kinds that vanished while nobody looked.
    async fn forget_gone(&mut self, discovery: &Discovery, wanted: &BTreeMap<Kind, CustomResource>) {
        let kinds: Vec<Kind> = self.remembered.keys().copied().collect();
        for kind in kinds.into_iter().filter(|kind| !wanted.contains_key(kind)) {
            let since = self.remembered.get(&kind).copied().flatten();
            let absence = self.absence(kind, None, since, discovery).await;
            if absence == Absence::Proven {
                self.remembered.remove(&kind);
                self.vanished(kind).await;
                continue;
            }
            self.remembered.insert(kind, absence.since());
            let name = self.connection.name();
            self.fleet.status.update_kind(name, kind, |status| {
                if status.errors == 0 {
                    status.errors = 1;
                    status.phase = Phase::Backoff;
                    status.last_error = Some("the cluster does not serve it now".to_owned());
                }
            });
        }
    }

    async fn vanished(&mut self, kind: Kind) {
        let name = self.connection.name();
        tracing::info!(cluster = name, %kind, "the cluster serves this kind no more: its assets end");
        self.resumes.remove(&kind);
        self.fleet.status.update_kind(name, kind, |status| {
            status.phase = Phase::Stopped;
            status.last_error = None;
        });
        self.tell(Event::Vanished { kind }).await;
    }

    /// What follows from a kind's not being found.
    async fn absence(
        &self,
        kind: Kind,
        resource: Option<&Resource>,
        since: Option<Instant>,
        discovery: &Discovery,
    ) -> Absence {
        if !discovery.tells_absence_of(kind) {
            return Absence::Unknown;
        }
        let since = since.unwrap_or_else(Instant::now);
        if since.elapsed() < ABSENT_FOR {
            self.nudge.notify_one();
            return Absence::Since(since);
        }
        match self.connection.is_gone(kind, resource, discovery).await {
            true => Absence::Proven,
            false => Absence::Since(since),
        }
    }

    /// Starts a reflector: where the store stands if what it holds was read the same way, else with a list.
    async fn start(&mut self, resource: Resource, custom: Option<CustomResource>, after: Duration) {
        let kind = resource.kind;
        let (Some(extractor), Some(events)) = (Extractor::of(kind), self.events.clone()) else {
            return;
        };
        let rules = self.rules.of(kind);
        let reading = reading(&rules, custom.as_ref());
        let known = self.resumes.remove(&kind);
        let resume = known.filter(|r| r.reading == reading).map(|r| r.version);
        self.tell(Event::Reading { kind, reading }).await;
        let reflector = self.reflector(resource.clone(), extractor, rules, resume);
        let (stop, mut tasks) = (self.stop.child_token(), JoinSet::new());
        spawn(&mut tasks, reflector, events, stop.clone(), after);
        self.running.insert(
            kind,
            Running {
                resource,
                custom,
                reading,
                stop,
                tasks,
                absent_since: None,
            },
        );
    }

    fn reflector(
        &self,
        resource: Resource,
        extractor: Extractor,
        rules: Arc<KindRules>,
        resume: Option<String>,
    ) -> Reflector {
        let context = Context::new(self.connection.id(), self.catalog.clone(), rules);
        // What is served changes with these: whoever looks after that is told.
        let defines = ["CustomResourceDefinition", "APIService"].contains(&resource.kind.short_name());
        let nudge = defines.then(|| self.nudge.clone());
        let extract: Extract = Arc::new(move |encoding, object| {
            if let Some(nudge) = &nudge {
                nudge.notify_one();
            }
            match encoding {
                Encoding::Json => extractor.json_in(&context, object),
                Encoding::Protobuf => extractor.protobuf_in(&context, object),
            }
            .map_err(|e| e.to_string())
        });
        Reflector {
            cluster: self.connection.clone(),
            resource,
            resume,
            extract,
            status: self.fleet.status.clone(),
            clock: self.fleet.clock.clone(),
            random: self.fleet.random.clone(),
            limits: self.fleet.limits.clone(),
        }
    }
}

/// What is known of a kind that is not found.
#[derive(Clone, Copy, PartialEq)]
enum Absence {
    /// Nothing: the cluster did not tell all.
    Unknown,
    /// It has not been found since then; that is no proof yet.
    Since(Instant),
    /// It is gone.
    Proven,
}

impl Absence {
    fn since(self) -> Option<Instant> {
        match self {
            Absence::Since(since) => Some(since),
            Absence::Unknown | Absence::Proven => None,
        }
    }
}

impl Running {
    async fn end(&mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Tells one way of reading a kind from another: by its rules and, of a custom one, as what it is served.
fn reading(rules: &KindRules, custom: Option<&CustomResource>) -> u64 {
    let Some(custom) = custom else {
        return rules.fingerprint();
    };
    let mut hash = twox_hash::XxHash3_64::with_seed(rules.fingerprint());
    custom.resource.version.hash(&mut hash);
    custom.resource.plural.hash(&mut hash);
    custom.definition.hash(&mut hash);
    (custom.scope == planisphere_schema::Scope::Cluster).hash(&mut hash);
    hash.finish().max(1)
}

/// Runs a reflector. A panic in it is a defect of ours, contained: the others go on, it is shown, and it starts anew
/// with a whole list.
fn spawn(
    tasks: &mut JoinSet<()>,
    reflector: Reflector,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
    after: Duration,
) {
    let (connection, kind) = (reflector.cluster.clone(), reflector.resource.kind);
    let status = reflector.status.clone();
    let mut next = reflector.clone();
    next.resume = None;
    tasks.spawn(async move {
        if !after.is_zero() && stop.run_until_cancelled(sleep(after)).await.is_none() {
            return;
        }
        let mut reflector = reflector;
        while let Err(panic) = tokio::spawn(reflector.run(events.clone(), stop.clone())).await {
            tracing::error!(cluster = connection.name(), %kind, %panic, "a defect: the reflector starts anew");
            status.update_kind(connection.name(), kind, |status| {
                status.errors += 1;
                status.last_error = Some("a defect in planisphere; see its log".to_owned());
            });
            sleep(AFTER_PANIC).await;
            reflector = next.clone();
        }
    });
}
