//! One cluster that answers, from the moment when it was reached: what the store remembers of it, its mirror, its
//! reflectors, and what makes either start anew. Knows nothing of other clusters.

use super::reflectors::Reflectors;
use super::{AFTER_PANIC, Fleet, IDENTITY_EVERY, control_plane, events};
use crate::cluster::{Connection, Resource};
use crate::extract::Extractor;
use crate::sink::SinkClosed;
use planisphere_schema::attributes::ClusterAttributes;
use planisphere_schema::{Attributes, Cluster, Kind};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Events that wait between the reflectors of a cluster and its mirror. Few: in a list each holds hundreds of objects,
/// and what waits here weighs more than the graph that becomes of it.
const EVENTS: usize = 8;

impl Fleet {
    /// Mirrors a cluster until cancelled, or until another cluster answers at its address.
    pub(super) async fn follow(&self, connection: Arc<Connection>) -> Result<(), SinkClosed> {
        let cluster = Cluster {
            id: connection.id(),
            name: connection.name().to_owned(),
        };
        self.introduce(&cluster, &connection);
        // A store that does not answer is waited for; the end is not to wait with it.
        let restored = self.restored(&cluster, self.clock.clone());
        let Some(restored) = self.cancel.run_until_cancelled(restored).await else {
            return Err(SinkClosed);
        };
        let (mut mirror, start) = restored?;
        mirror.describe(describe(&connection, connection.version(), connection.platform()));
        let (told, received) = mpsc::channel(EVENTS);
        let mut reflectors = Reflectors::new(self, &connection, &start, mirror.kinds(), told.clone());
        let stop = reflectors.stop().clone();
        // Who leaves here, by a panic too, takes all along that was started here.
        let _ends_with_us = stop.clone().drop_guard();
        let looks = control_plane::follow(self.clone(), connection.clone(), told, stop.clone());
        let looks = tokio::spawn(looks);
        let said = events::follow(self.clone(), connection.clone(), stop.clone());
        let said = tokio::spawn(said);
        let sink = self.sink.clone();
        let mut mirror = tokio::spawn(async move { mirror.run(received, &*sink).await });
        reflectors.start_built_in().await;
        reflectors.look(connection.discovery()).await;
        let mut rules = self.rules.clone();
        let mut verify_at = Instant::now() + IDENTITY_EVERY;
        loop {
            // Who brings rules may be done with that: then they stay as they are.
            let changed = async {
                if rules.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                ended = &mut mirror => {
                    stop.cancel();
                    reflectors.end().await;
                    // They were told to stop, and nothing hangs on how they did.
                    let _ = looks.await;
                    let _ = said.await;
                    return match ended {
                        Ok(ended) => ended,
                        Err(panic) => {
                            tracing::error!(cluster = cluster.name, %panic, "a defect: the mirror starts anew from the store");
                            self.status.update(&cluster.name, |status| {
                                status.error = Some("a defect in planisphere; see its log".to_owned());
                            });
                            tokio::time::sleep(AFTER_PANIC).await;
                            Ok(())
                        }
                    };
                }
                // The mirror ends when nobody is left who could tell it anything.
                () = stop.cancelled(), if reflectors.tells() => reflectors.fall_silent(),
                () = connection.replaced(), if !stop.is_cancelled() => {
                    tracing::warn!(cluster = cluster.name, was = %cluster.id, "another cluster answers at this address");
                    stop.cancel();
                }
                () = changed, if !stop.is_cancelled() => {
                    let rules = rules.borrow_and_update().clone();
                    stop.run_until_cancelled(reflectors.read_by(rules)).await;
                }
                () = reflectors.due(), if !stop.is_cancelled() => {
                    let look = async {
                        // Where the cluster does not tell, all stays as it is.
                        match connection.rediscover().await {
                            Some(found) => reflectors.look(&found).await,
                            None => reflectors.look_later(),
                        }
                    };
                    stop.run_until_cancelled(look).await;
                }
                // Silence says nothing: the reflectors tell when the cluster cannot be reached.
                () = sleep_until(verify_at) => {
                    verify_at = Instant::now() + IDENTITY_EVERY;
                    stop.run_until_cancelled(connection.verify(Instant::now())).await;
                }
            }
        }
    }

    /// Shows the cluster as reached.
    fn introduce(&self, cluster: &Cluster, connection: &Connection) {
        let built_in = Resource::all().into_iter().map(|resource| resource.kind);
        let custom = connection.discovery().custom();
        let custom = custom.iter().map(|custom| custom.resource.kind);
        let kinds: Vec<Kind> = built_in.chain(custom).collect();
        self.status.update(&cluster.name, |status| {
            if status
                .cluster
                .as_ref()
                .is_some_and(|known| known.id != cluster.id)
            {
                // Another cluster under the old name: nothing that was known of that one holds for it.
                status.kinds.clear();
            }
            // All of them from the start: one that waits for its turn to be read is missing, not unheard of.
            for kind in kinds {
                if Extractor::of(kind).is_some() {
                    status.kinds.entry(kind).or_default();
                }
            }
            status.cluster = Some(cluster.clone());
            status.reachable = true;
            status.error = None;
        });
    }
}

/// What is kept of the cluster itself.
pub(super) fn describe(connection: &Connection, version: &str, platform: &str) -> Attributes {
    ClusterAttributes {
        configured_name: connection.name().to_owned(),
        server: Some(connection.server()),
        git_version: Some(version.to_owned()),
        platform: Some(platform.to_owned()).filter(|p| !p.is_empty()),
    }
    .into()
}
