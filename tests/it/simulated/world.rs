//! A simulated fleet with a place to mirror it from.

use crate::mirrored::equals;
use crate::program::Program;
use crate::site::{Site, kind, objects, sync};
use planisphere_fixtures::{FleetSpec, Options, SimCluster, Simulation, Verb};
use serde_json::Value;

/// A fleet and a site that names all its clusters.
pub struct World {
    pub fleet: Simulation,
    pub site: Site,
}

impl World {
    pub async fn new(seed: u64, clusters: u32, objects: u32) -> Self {
        let spec = FleetSpec {
            seed,
            clusters,
            objects,
        };
        let options = Options {
            bookmark_interval: std::time::Duration::from_millis(500),
            ..Options::default()
        };
        let fleet = Simulation::start(spec, options).await.unwrap();
        let site = Site::of(&fleet);
        Self { fleet, site }
    }

    pub fn serve(&self) -> Program {
        self.site.serve(&["--all-contexts"])
    }

    pub fn first(&self) -> &SimCluster {
        &self.fleet.clusters[0]
    }

    /// Waits until each cluster is answered as its objects say.
    pub async fn is_mirrored(&self, program: &Program) {
        for cluster in &self.fleet.clusters {
            equals(program, cluster.name(), || objects(cluster)).await;
        }
    }

    /// How many requests each cluster has had.
    pub fn marks(&self) -> Vec<usize> {
        self.fleet.clusters.iter().map(SimCluster::request_mark).collect()
    }

    /// The whole lists, streamed ones too, that were asked for since then.
    pub fn lists_since(&self, marks: &[usize]) -> Vec<String> {
        let all = self.fleet.clusters.iter().zip(marks);
        all.flat_map(|(cluster, mark)| {
            let asked = cluster.requests_since(*mark).into_iter();
            // Events are no part of the mirror, and are read anew by each process; one object with a count is a probe.
            let lists = asked
                .filter(|r| r.resource != "events" && r.query != "limit=1")
                .filter(|r| r.verb == Verb::List || r.query.contains("sendInitialEvents=true"));
            lists.map(|r| format!("{} {}?{}", cluster.name(), r.path, r.query))
        })
        .collect()
    }

    pub async fn go_offline(&self) {
        for cluster in &self.fleet.clusters {
            cluster.go_offline().await;
        }
    }

    pub async fn go_online(&self) {
        for cluster in &self.fleet.clusters {
            cluster.go_online().await.unwrap();
        }
    }
}

/// How many lists of a kind were read for a reason.
pub async fn lists(program: &Program, cluster: &SimCluster, of: &str, reason: &str) -> u64 {
    let kind = kind(program, cluster.name(), of).await;
    let lists = kind["lists"].as_array().cloned().unwrap_or_default();
    let of_reason = lists.iter().find(|l| l["reason"] == reason);
    of_reason.and_then(|l| l["count"].as_u64()).unwrap_or(0)
}

/// The kinds of a cluster for which something holds.
pub async fn kinds_where(
    program: &Program,
    cluster: &SimCluster,
    holds: impl Fn(&Value) -> bool,
) -> Vec<String> {
    let sync = sync(program, cluster.name()).await;
    let kinds = sync["kinds"].as_array().cloned().unwrap_or_default();
    let those = kinds.iter().filter(|k| holds(k));
    those.map(|k| k["kind"].as_str().unwrap().to_owned()).collect()
}
