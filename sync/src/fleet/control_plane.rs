//! Looks at the control plane of a cluster from time to time, beside the reflectors, so that a server that hangs holds
//! nothing else up. What could not be asked stays as it is known, and the status says since when.

use super::live::describe;
use super::{AFTER_PANIC, Fleet};
use crate::cluster::Connection;
use crate::extract::control_plane::observations;
use crate::observe::Event;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Asks until told to stop, or until nobody listens. A panic is a defect of ours, contained: it is shown, and asked again.
pub(super) async fn follow(
    fleet: Fleet,
    connection: Arc<Connection>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let asking = || ask(fleet.clone(), connection.clone(), events.clone(), stop.clone());
    while let Err(panic) = tokio::spawn(asking()).await {
        tracing::error!(cluster = connection.name(), %panic, "a defect: the control plane is asked anew");
        if stop.run_until_cancelled(sleep(AFTER_PANIC)).await.is_none() {
            return;
        }
    }
}

async fn ask(
    fleet: Fleet,
    connection: Arc<Connection>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let Some(pause) = fleet.limits.control_plane else {
        return;
    };
    let looks = async {
        while look(&fleet, &connection, &events).await {
            sleep(jittered(pause, (fleet.random)())).await;
        }
    };
    stop.run_until_cancelled(looks).await;
}

/// Up to a quarter shorter or longer, so that many clusters are not asked at once.
fn jittered(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(0.75 + random / 2.0)
}

async fn look(fleet: &Fleet, connection: &Connection, events: &mpsc::Sender<Event>) -> bool {
    let name = connection.name();
    match connection.ask_control_plane().await {
        Ok(told) => {
            let event = Event::ControlPlane {
                parts: observations(connection.id(), &told),
                whole: told.is_whole(),
                cluster: Box::new(describe(
                    connection,
                    &told.version.git_version,
                    &told.version.platform,
                )),
            };
            let read_ms = (fleet.clock)();
            let listened = events.send(event).await.is_ok();
            fleet.status.update(name, |status| {
                status.control_plane.read_ms = Some(read_ms);
                status.control_plane.error = None;
            });
            listened
        }
        Err(error) => {
            fleet.status.update(name, |status| {
                status.control_plane.error = Some(error.sentence());
            });
            true
        }
    }
}
