//! Connecting where something is wrong.

use super::server::{JSON, KUBE_SYSTEM, Route, VERSION, answer, config, kubeconfig, serve};
use crate::cluster::{ConnectError, Connection};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

async fn open(cluster: &str, user: &str) -> ConnectError {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(kubeconfig(home.path(), cluster, user));
    config.patience = Duration::from_secs(2);
    Connection::open(&config).await.expect_err("it cannot be reached")
}

async fn open_served(routes: Vec<Route>) -> ConnectError {
    let (server, _) = serve(routes, Arc::default()).await;
    open(&format!("server: \"{server}\""), "").await
}

#[tokio::test]
async fn a_server_that_is_not_there_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = open(&format!("server: \"{server}\""), "").await;
    assert_eq!(error, ConnectError::Refused { server });
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for scheme in ["http", "https"] {
        let server = format!("{scheme}://{}", listener.local_addr().unwrap());
        let error = open(&format!("server: \"{server}\""), "").await;
        assert_eq!(error, ConnectError::TimedOut { server, seconds: 2 });
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told() {
    let error = open("server: \"https://api.nowhere.invalid:6443\"", "").await;
    assert!(matches!(error, ConnectError::Unresolved { .. }), "{error:?}");
}

#[tokio::test]
async fn credentials_that_are_refused_and_rights_that_are_missing_are_told_apart() {
    let refused: Route = (
        "/version",
        401,
        JSON,
        r#"{"kind":"Status","code":401,"message":"Unauthorized"}"#,
    );
    let error = open_served(vec![refused]).await;
    assert!(matches!(error, ConnectError::Unauthorized { .. }), "{error:?}");
    assert!(error.sentence().contains("log in again"), "{error}");

    let forbidden: Route = (
        KUBE_SYSTEM.0,
        403,
        JSON,
        r#"{"kind":"Status","code":403,"message":"not you"}"#,
    );
    let error = open_served(vec![VERSION, forbidden]).await;
    assert!(
        error
            .sentence()
            .ends_with("allow this user to get /api/v1/namespaces/kube-system by RBAC"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_of_another_kind_is_not_taken_for_kubernetes() {
    for page in [
        ("/version", 200, "text/html", "<html>hello"),
        ("/", 200, "text/html", "<html>hello"),
    ] {
        let error = open_served(vec![page]).await;
        assert!(matches!(error, ConnectError::NotKubernetes { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_fails_is_told_in_its_own_words_and_without_its_command_line() {
    let user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: IfAvailable, \
                args: [-c, 'echo please log in >&2; exit 3 # hunter2']}";
    let error = open("server: \"http://127.0.0.1:1\"", user).await;
    let words = error.sentence();
    assert!(words.contains("the credential plugin \"sh\" failed"), "{words}");
    assert!(
        words.contains("please log in") && !words.contains("hunter2"),
        "{words}"
    );
    let missing =
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-login, installHint: get it}";
    let error = open("server: \"http://127.0.0.1:1\"", missing).await;
    assert_eq!(error.next_step(), "get it", "{error}");
}

#[tokio::test]
async fn a_plugin_that_never_ends_is_given_up() {
    let home = tempfile::tempdir().unwrap();
    let user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['2']}";
    let mut config = config(kubeconfig(home.path(), "server: \"http://127.0.0.1:1\"", user));
    config.patience = Duration::from_secs(1);
    let error = Connection::open(&config).await.expect_err("the plugin sleeps");
    assert!(error.sentence().contains("took more than 1 s"), "{error}");
}

/// A TLS server with a certificate of its own making for these names, and the authority that signed it.
async fn serve_tls(names: &[&str], expired: bool) -> (String, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    let mut leaf = rcgen::CertificateParams::new(names).unwrap();
    if expired {
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    let chain = vec![certificate.der().clone()];
    let key = key.serialize_der().try_into().unwrap();
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(socket) = acceptor.accept(socket).await {
                tokio::spawn(answer(
                    socket,
                    vec![VERSION, KUBE_SYSTEM],
                    Arc::default(),
                    Arc::default(),
                ));
            }
        }
    });
    use std::fmt::Write;
    // PEM and then base64 of it, as kubeconfigs have it.
    let der = authority_certificate.der();
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    writeln!(pem, "{}\n-----END CERTIFICATE-----", base64(der)).unwrap();
    (server, base64(pem.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let word =
            group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digit = |at: usize| char::from(DIGITS[(word >> (18 - 6 * at)) as usize & 63]);
        (0..4)
            .map(|at| if at <= group.len() { digit(at) } else { '=' })
            .collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_apart() {
    let (server, right) = serve_tls(&["127.0.0.1"], false).await;
    let (_, other) = serve_tls(&["127.0.0.1"], false).await;
    let cluster = |server: &str, authority: &str| {
        format!("server: \"{server}\", certificate-authority-data: {authority}")
    };
    // With the right authority TLS is well, and only discovery is missing.
    let error = open(&cluster(&server, &right), "").await;
    assert!(error.to_string().contains("it does not know /api"), "{error:?}");
    let error = open(&cluster(&server, &other), "").await;
    assert!(matches!(error, ConnectError::WrongAuthority { .. }), "{error:?}");
    let (server, authority) = serve_tls(&["127.0.0.1"], true).await;
    let error = open(&cluster(&server, &authority), "").await;
    assert!(
        matches!(error, ConnectError::CertificateNotValidNow { .. }),
        "{error:?}"
    );
    let (server, authority) = serve_tls(&["elsewhere.example"], false).await;
    let error = open(&cluster(&server, &authority), "").await;
    assert!(matches!(error, ConnectError::WrongName { .. }), "{error:?}");
    let (plain, _) = serve(vec![VERSION], Arc::default()).await;
    let error = open(&cluster(&plain.replace("http:", "https:"), &authority), "").await;
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
}
