//! How the process lives: it takes its ports or says why not, serves, and goes in good order on the first signal and at
//! once on the second.

mod http;

pub use http::serve_http;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use futures::{Stream, StreamExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Why a port could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else has it.
    #[error(
        "{addr} for {what} is in use by another process; stop that one, or choose another port with --{flag} (port 0 takes a free one)"
    )]
    InUse {
        /// The address.
        addr: SocketAddr,
        /// What should listen there.
        what: &'static str,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// The system does not let us.
    #[error("this user may not listen on {addr} for {what}; choose a port from 1024 up with --{flag}")]
    Denied {
        /// The address.
        addr: SocketAddr,
        /// What should listen there.
        what: &'static str,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// The machine has no such address.
    #[error("{addr} for {what} is no address of this machine; choose one that it has with --{flag}, such as 127.0.0.1:{port}", port = .addr.port())]
    NotOurs {
        /// The address.
        addr: SocketAddr,
        /// What should listen there.
        what: &'static str,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// Something else.
    #[error("cannot listen on {addr} for {what}: {source}; choose another address with --{flag}")]
    Other {
        /// The address.
        addr: SocketAddr,
        /// What should listen there.
        what: &'static str,
        /// The flag that sets it.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// What listens: its name in messages, and the flag that sets its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The answers' port.
    Graphql,
    /// The port of those who run it.
    Admin,
}

/// Takes an address, and tells which one it got: port 0 takes a free one.
///
/// # Errors
/// When it cannot be taken.
pub async fn bind(addr: SocketAddr, port: Port) -> Result<(TcpListener, SocketAddr), BindError> {
    let (what, flag) = match port {
        Port::Graphql => ("GraphQL", "listen"),
        Port::Admin => ("the admin endpoints", "admin-listen"),
    };
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { addr, what, flag },
        io::ErrorKind::PermissionDenied => BindError::Denied { addr, what, flag },
        io::ErrorKind::AddrNotAvailable => BindError::NotOurs { addr, what, flag },
        _ => BindError::Other {
            addr,
            what,
            flag,
            source,
        },
    };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let got = listener.local_addr().map_err(refused)?;
    Ok((listener, got))
}

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What supervisors send.
    Terminate,
}

impl Signal {
    /// The exit code of a process that a signal ended, as shells count it.
    pub fn exit_code(self) -> i32 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// Cancels the token on the first signal to this process, and ends the process on the second. Needs a tokio runtime.
///
/// # Errors
/// When the system does not let us listen to signals.
pub fn cancelled_by_signals() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let signals = signals()?;
    let stop = token.clone();
    tokio::spawn(async move {
        let signal = second_signal(signals, stop).await;
        tracing::warn!(
            "second signal: stopping at once; what was not committed is read again at the next start"
        );
        #[expect(clippy::disallowed_methods, reason = "the second signal means at once")]
        std::process::exit(signal.exit_code());
    });
    Ok(token)
}

/// Cancels on the first signal; returns the second.
pub async fn second_signal(signals: impl Stream<Item = Signal>, stop: CancellationToken) -> Signal {
    let mut signals = pin!(signals);
    if let Some(first) = signals.next().await {
        tracing::info!(signal = ?first, "stopping; a second signal stops at once");
        stop.cancel();
        if let Some(second) = signals.next().await {
            return second;
        }
    }
    std::future::pending().await
}

#[cfg(unix)]
fn signals() -> io::Result<impl Stream<Item = Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupts = signal(SignalKind::interrupt())?;
    let terminations = signal(SignalKind::terminate())?;
    Ok(futures::stream::unfold(
        (interrupts, terminations),
        |(mut interrupts, mut terminations)| async move {
            let signal = tokio::select! {
                Some(()) = interrupts.recv() => Signal::Interrupt,
                Some(()) = terminations.recv() => Signal::Terminate,
                else => return None,
            };
            Some((signal, (interrupts, terminations)))
        },
    ))
}

#[cfg(not(unix))]
fn signals() -> io::Result<impl Stream<Item = Signal>> {
    Ok(futures::stream::unfold((), |()| async {
        tokio::signal::ctrl_c().await.ok()?;
        Some((Signal::Interrupt, ()))
    }))
}
