//! How the process takes ports, serves and ends.

use axum::Router;
use axum::routing::get;
use futures::StreamExt;
use futures::channel::mpsc;
use planisphere::lifecycle::{BindError, Port, Signal, bind, second_signal, serve_http};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn port_0_takes_a_free_one_and_tells_it() {
    let (_listener, got) = bind(free(), Port::Graphql).await.unwrap();
    assert_ne!(got.port(), 0);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    let (_listener, taken) = bind(free(), Port::Graphql).await.unwrap();
    let error = bind(taken, Port::Admin).await.unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }));
    let text = error.to_string();
    for part in [
        &taken.to_string(),
        "in use",
        "--admin-listen",
        "the admin endpoints",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused_with_what_to_do() {
    // TEST-NET-1 (RFC 5737) is nobody's address.
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 7117));
    let text = bind(elsewhere, Port::Graphql).await.unwrap_err().to_string();
    assert!(
        text.contains("192.0.2.1:7117") && text.contains("--listen"),
        "{text}"
    );
}

#[tokio::test]
async fn the_first_signal_stops_and_the_second_one_is_told() {
    let (send, signals) = mpsc::unbounded();
    let stop = CancellationToken::new();
    let second = tokio::spawn(second_signal(signals.boxed(), stop.clone()));
    assert!(!stop.is_cancelled());
    send.unbounded_send(Signal::Terminate).unwrap();
    stop.cancelled().await;
    assert!(!second.is_finished());
    send.unbounded_send(Signal::Interrupt).unwrap();
    assert_eq!(second.await.unwrap().exit_code(), 130);
}

/// A server whose only answer waits until it is let go.
async fn slow_server() -> (
    SocketAddr,
    Arc<Notify>,
    Arc<Notify>,
    CancellationToken,
    tokio::task::JoinHandle<()>,
) {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (asked, go) = (asked.clone(), go.clone());
        move || async move {
            asked.notify_one();
            go.notified().await;
            "late"
        }
    };
    let router = Router::new().route("/", get(handler));
    let (listener, addr) = bind(free(), Port::Graphql).await.unwrap();
    let cancel = CancellationToken::new();
    let server = tokio::spawn(serve_http(listener, router, cancel.clone()));
    (addr, asked, go, cancel, server)
}

#[tokio::test]
async fn stopping_lets_an_answer_end_and_takes_no_new_one() {
    let (addr, asked, go, cancel, server) = slow_server().await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    asked.notified().await;
    cancel.cancel();
    // The port is free again before the last answer is out.
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.is_finished());
    go.notify_one();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("late"),
        "{answer}"
    );
    server.await.unwrap();
}

#[tokio::test]
async fn clients_that_only_keep_a_connection_do_not_delay_the_stop() {
    let (addr, asked, go, cancel, server) = slow_server().await;
    let _silent = TcpStream::connect(addr).await.unwrap();
    let mut used = TcpStream::connect(addr).await.unwrap();
    used.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    go.notify_one();
    asked.notified().await;
    let mut some = [0; 64];
    assert!(used.read(&mut some).await.unwrap() > 0);
    cancel.cancel();
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_headers_is_cut_off() {
    let (addr, _asked, _go, _cancel, _server) = slow_server().await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let begun = tokio::time::Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection was kept for {:?}", begun.elapsed());
}
