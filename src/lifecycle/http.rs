//! Serves a router over HTTP/1.1, for clients that mean well and for those that do not: `axum::serve` waits for ever for
//! a client that never ends its headers, and for ever for one that never reads the last answer.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a client may take for the headers of a request; also how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(15);
/// How long answers may still take once we are asked to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections at once; more wait in the listener's queue. Well below the usual limit of 1,024 open files, which the
/// store and the watches share.
const CONNECTIONS: usize = 512;

/// Serves until cancelled, then lets answers that are under way end, for a while.
pub async fn serve_http(listener: TcpListener, router: Router, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else { break };
        let connection = one_connection(stream, router.clone(), cancel.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("some answers were cut off: clients did not read them in time");
    }
}

async fn one_connection(stream: TcpStream, router: Router, cancel: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

type Accepted = (TcpStream, OwnedSemaphorePermit);

/// The next connection, once there is room for it; none when there will never be one.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<Accepted> {
    let permit = permits.clone().acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers should not wait for the kernel to fill a packet; where that fails they are just later.
                let _ = stream.set_nodelay(true);
                return Some((stream, permit));
            }
            // Too many open files, or a client that was gone before we looked: neither is ours to give up on.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
