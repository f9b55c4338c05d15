//! A small HTTP server on loopback that answers each path with a fixed text, and kubeconfigs that lead to it.

use crate::cluster::{ClusterConfig, Source};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What the server answers to a path: status, Content-Type, body.
pub type Route = (&'static str, u16, &'static str, &'static str);

pub const JSON: &str = "application/json";
pub const VERSION: Route = (
    "/version",
    200,
    JSON,
    r#"{"major":"1","minor":"36","gitVersion":"v1.36.3"}"#,
);
pub const KUBE_SYSTEM: Route = (
    "/api/v1/namespaces/kube-system",
    200,
    JSON,
    r#"{"kind":"Namespace","metadata":{"name":"kube-system","uid":"00000000-0000-0000-0000-00000000002a"}}"#,
);

/// Requests as they came: method, path, Authorization.
pub type Seen = Arc<Mutex<Vec<(String, String, String)>>>;

/// Answers on a free port until the test ends. A path that is not among the routes is 404.
pub async fn serve(routes: Vec<Route>, token: Arc<Mutex<String>>) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let known = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(
                socket,
                routes.clone(),
                Arc::clone(&token),
                Arc::clone(&known),
            ));
        }
    });
    (server, seen)
}

/// Answers requests of one connection; where a token is wanted, others are refused.
pub async fn answer(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    routes: Vec<Route>,
    token: Arc<Mutex<String>>,
    seen: Seen,
) {
    let mut buffer = Vec::new();
    while let Some(end) = head_end(&mut socket, &mut buffer).await {
        let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
        let length: usize = header(&head, "content-length").parse().unwrap_or(0);
        while buffer.len() < length {
            socket.read_buf(&mut buffer).await.unwrap();
        }
        let asked = String::from_utf8(buffer.drain(..length).collect()).unwrap();
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let authorization = header(&head, "authorization");
        seen.lock()
            .unwrap()
            .push((method.into(), path.into(), authorization.into()));
        let wanted = token.lock().unwrap().clone();
        let refused = !wanted.is_empty() && authorization != format!("Bearer {wanted}");
        // A route may name a word that the body must have, behind a blank.
        let route = routes.iter().find(|(route, ..)| match route.split_once(' ') {
            Some((route, word)) => route == path && asked.contains(word),
            None => *route == path,
        });
        let (status, kind, body) = match route {
            _ if refused => (
                401,
                JSON,
                r#"{"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"}"#,
            ),
            Some((_, status, kind, body)) => (*status, *kind, *body),
            None => (404, "text/plain", "404 page not found"),
        };
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Date: Tue, 24 Nov 2026 03:12:00 GMT\r\n\r\n{body}",
            body.len()
        );
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn head_end(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), buffer: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            return Some(at + 4);
        }
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        // Somebody who wants TLS is told off, as real servers do.
        if buffer.first() == Some(&0x16) {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim());
    values.next().unwrap_or_default()
}

/// Writes a kubeconfig with one context `here`.
pub fn kubeconfig(directory: &Path, cluster: &str, user: &str) -> PathBuf {
    let path = directory.join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A cluster of that kubeconfig, with little patience.
pub fn config(path: PathBuf) -> ClusterConfig {
    let source = Source::Kubeconfig {
        files: vec![path],
        context: None,
    };
    ClusterConfig {
        patience: Duration::from_secs(5),
        ..ClusterConfig::new("here", source)
    }
}
