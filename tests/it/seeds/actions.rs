//! What may happen in a world: objects change, and everything between them and the graph goes wrong.

use super::network::Line;
use super::world::World;
use planisphere_fixtures::{Fault, Times};
use planisphere_schema::{AssetRef, ClusterId, Kind};
use rand::RngExt;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The resources that faults are armed for.
const RESOURCES: &[&str] = &[
    "pods",
    "services",
    "configmaps",
    "namespaces",
    "persistentvolumeclaims",
    "*",
];

impl World {
    /// Something happens.
    pub fn act(&mut self) {
        let site = self.draw(self.sites.len());
        // Where one cluster is to stay quiet, all that goes wrong does so in the other one.
        let victim = if self.character.quiet_second { 0 } else { site };
        let shared = !self.character.quiet_second;
        match self.draw(100) {
            0..55 => {
                let many = [1, 1, 2, 5, 30][self.draw(5)];
                for _ in 0..many {
                    self.change(site);
                }
            }
            55..63 => self.disturb_line(victim),
            63..68 => {
                let percent = [0, 0, 10, 40, 90][self.draw(5)];
                self.tell(|| format!("trouble for {percent} % of {victim}"));
                self.sites[victim].network.trouble(percent);
            }
            68..82 => self.disturb_server(victim),
            82..86 => {
                let kind = RESOURCES[self.draw(RESOURCES.len() - 1)];
                self.sites[victim].server.compact(kind);
            }
            86..88 => {
                let site = &self.sites[victim];
                site.network.serve(&site.server);
            }
            88 => {
                let seconds = self.random.random_range(0..600);
                self.tell(|| format!("{victim} is named no more for {seconds} s"));
                self.sites[victim].unnamed_until = Some(Instant::now() + Duration::from_secs(seconds));
                self.name();
            }
            89..93 if shared => self.kill(),
            93..96 if shared => self.disturb_disk(),
            96 if shared => {
                self.tell(|| "whoever draws next panics".into());
                if let Some(process) = &self.process {
                    process.defect.due.store(true, Ordering::Relaxed);
                }
            }
            97..98 if self.character.sets_clock => {
                let minutes = self.random.random_range(-30_i64..30);
                self.clock.step(minutes * 60_000);
                self.tell(|| format!("clock set by {minutes} min"));
                self.recorder.lock().clock_was_set = true;
            }
            98 if self.character.lies => self.lie(victim),
            99 if self.character.replaces => self.replace(0),
            _ => self.change(site),
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.random.random_range(0..below)
    }

    /// An object comes, changes, goes, or goes and comes again as another incarnation.
    fn change(&mut self, site: usize) {
        let (kind, prefix, names) = [
            (Kind::Pod, "p", 30),
            (Kind::Pod, "p", 30),
            (Kind::Service, "s", 4),
            (Kind::ConfigMap, "c", 6),
            (Kind::Node, "n", 3),
            (Kind::PersistentVolumeClaim, "d", 4),
            (Kind::PersistentVolume, "v", 4),
            (Kind::Namespace, "t", 3),
        ][self.draw(8)];
        let name = format!("{prefix}{}", self.draw(names));
        let namespaced = !matches!(kind, Kind::Node | Kind::PersistentVolume | Kind::Namespace);
        let namespace = if namespaced { ["a", "b"][self.draw(2)] } else { "" };
        let id = AssetRef::new(self.sites[site].id, kind, namespace, &name).id();
        let known = {
            let history = self.recorder.lock();
            let cluster = &history.truth[&self.sites[site].id];
            cluster.now(id).map(|state| state.0)
        };
        let goes = known.is_some() && self.draw(3) == 0;
        if goes {
            let server = self.sites[site].server.clone();
            if let Some(version) = server.delete(&kind.to_string(), namespace, &name) {
                self.happened(site, id, kind, version, None);
            }
            if self.draw(2) == 0 {
                return;
            }
        }
        let edition = self.edition();
        let uid = known
            .filter(|_| !goes)
            .unwrap_or_else(|| Uuid::from_u128(u128::from(self.random.random::<u64>()) | 1 << 127));
        let object = self.object(kind, namespace, &name, uid, edition);
        let version = self.sites[site].server.apply(object).unwrap();
        self.happened(site, id, kind, version, Some((uid, edition.to_string())));
    }

    fn object(&mut self, kind: Kind, namespace: &str, name: &str, uid: Uuid, edition: u64) -> Value {
        let app = ["x", "y"][self.draw(2)];
        let (node, other) = (format!("n{}", self.draw(3)), self.draw(4));
        let mut metadata = json!({
            "name": name, "uid": uid, "labels": { "app": app, "edition": edition.to_string() },
        });
        if !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        let mut object = json!({ "apiVersion": "v1", "kind": kind.to_string(), "metadata": metadata });
        match kind {
            Kind::Pod => {
                object["spec"] = json!({
                    "nodeName": node,
                    "containers": [{ "name": "c", "image": "i",
                        "envFrom": [{ "configMapRef": { "name": format!("c{other}") } }] }],
                    "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": format!("d{other}") } }],
                });
                object["status"] = json!({ "phase": "Running" });
            }
            Kind::Service => object["spec"] = json!({ "selector": { "app": app } }),
            Kind::PersistentVolumeClaim => object["spec"] = json!({ "volumeName": format!("v{other}") }),
            Kind::PersistentVolume => {
                let claim = json!({ "namespace": "a", "name": format!("d{other}") });
                object["spec"] = json!({ "claimRef": claim });
            }
            _ => {}
        }
        object
    }

    fn disturb_line(&mut self, site: usize) {
        let line = [Line::Refusing, Line::Silent][self.draw(2)];
        let longest = [10_000, 100_000, 400_000][self.draw(3)];
        let until = Instant::now() + Duration::from_millis(self.random.random_range(0..longest));
        self.tell(|| format!("line of {site} {line:?} until {until:?}"));
        self.sites[site].network.line(line);
        self.sites[site].line_until = Some(until);
    }

    fn disturb_server(&mut self, site: usize) {
        let code = [500, 503, 429, 403, 401, 404][self.draw(6)];
        let retry_after = (code == 429).then_some(2);
        let fault = [
            Fault::ListStatus(code, retry_after),
            Fault::WatchStatus(code, retry_after),
            Fault::WatchStatus(410, None),
            Fault::ListHangs,
            Fault::ListStalls,
            Fault::ContinueExpires,
            Fault::WatchListRefused,
            Fault::WatchListEndless,
            Fault::WatchHangs,
            Fault::WatchCut,
            Fault::WatchBreaksMidEvent,
            Fault::WatchGarblesEvent,
            Fault::EventRepeated,
            Fault::NoBookmarks,
        ][self.draw(14)];
        let times = Times::Times(self.random.random_range(1..6));
        let resource = RESOURCES[self.draw(RESOURCES.len())];
        self.tell(|| format!("{resource} of {site}: {fault:?} {times:?}"));
        self.sites[site].server.faults().inject(resource, fault, times);
    }

    fn disturb_disk(&mut self) {
        let (now, draw) = (Instant::now(), self.draw(4));
        let seconds = self.random.random_range(0..120);
        self.tell(|| format!("disk trouble {draw} for {seconds} s"));
        let (slow, kill_before) = (self.random.random_range(0..8_000), self.draw(2) == 0);
        self.disk.trouble(|trouble| match draw {
            0 => trouble.fails_until = Some(now + Duration::from_secs(seconds)),
            1 => trouble.slow = Duration::from_millis(slow * (seconds % 2)),
            2 => trouble.silent = 3,
            _ => (trouble.kill_at, trouble.kill_before) = (Some(seconds as u32 % 12), kill_before),
        });
    }

    /// The server says what is not so, or forgets what it said.
    fn lie(&mut self, site: usize) {
        let id = self.sites[site].id;
        if let Some(cluster) = self.recorder.lock().truth.get_mut(&id) {
            cluster.unreliable = true;
        }
        let resource = RESOURCES[self.draw(RESOURCES.len())];
        let faults = self.sites[site].server.faults();
        match self.random.random_range(0..3) {
            0 => faults.inject(resource, Fault::EventLost, Times::Times(3)),
            1 => faults.inject(resource, Fault::ListEmpty, Times::Times(2)),
            _ => {
                let server = self.sites[site].server.clone();
                let backup = server.backup();
                for _ in 0..4 {
                    self.change(site);
                }
                server.restore(&backup);
            }
        }
    }

    /// Another cluster answers at the address from now on.
    fn replace(&mut self, site: usize) {
        let spare = self.spare.clone();
        let id = ClusterId(spare.uid().parse().unwrap());
        if self.sites[site].id == id {
            return;
        }
        if let Some(cluster) = self.recorder.lock().truth.get_mut(&self.sites[site].id) {
            cluster.replaced = true;
        }
        self.tell(|| "replaced".into());
        self.sites[site].network.serve(&spare);
        self.sites[site].server = spare;
        self.sites[site].id = id;
        self.meet(site);
    }
}
