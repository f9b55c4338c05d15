//! Clusters that cannot be reached, or stop answering: told in words, tried again, and no harm to the others.

use crate::mirrored::equals;
use crate::program::{Program, until};
use crate::site::{Site, count, kubeconfig, objects, sync};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use planisphere_fixtures::{Fault, FleetSpec, Options, SimCluster, Simulation, Times};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const FRESHNESS: &str = "{ assets(first: 1) { freshness { complete
    staleClusters { cluster reason asOf error } incomplete { cluster kind reason } } } }";

async fn fleet(clusters: u32) -> Simulation {
    let spec = FleetSpec {
        seed: 3,
        clusters,
        objects: 150 * clusters,
    };
    Simulation::start(spec, Options::default()).await.unwrap()
}

async fn stale(program: &Program, cluster: &str) -> Value {
    let data = program.data(FRESHNESS, json!({})).await;
    let freshness = &data["assets"]["freshness"];
    let clusters = freshness["staleClusters"].as_array().unwrap();
    let stale = clusters.iter().find(|c| c["cluster"] == cluster);
    assert!(stale.is_none() || freshness["complete"] == false);
    stale.cloned().unwrap_or_default()
}

async fn error(program: &Program, cluster: &str) -> String {
    let sync = sync(program, cluster).await;
    sync["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusing_and_a_hanging_cluster_are_told_in_words_while_the_others_are_mirrored() {
    let fleet = fleet(3).await;
    let [good, dead, hanging] = &fleet.clusters[..] else {
        panic!("three clusters")
    };
    dead.go_offline().await;
    hanging.faults().hang_all(true);
    let site = Site::of(&fleet);
    let program = site.serve(&["--all-contexts"]);
    // The one that answers is there at once, whatever the others do.
    equals(&program, good.name(), || objects(good)).await;
    until("the refusal is told", || async {
        let words = error(&program, dead.name()).await;
        words.contains(dead.url())
            && words.contains("refuses connections")
            && words.contains("is the API server running")
    })
    .await;
    assert_eq!(stale(&program, dead.name()).await["reason"], "UNREACHABLE");
    assert_eq!(stale(&program, hanging.name()).await["reason"], "UNREACHABLE");
    assert_eq!(
        stale(&program, good.name()).await,
        Value::Null,
        "the good cluster is the present"
    );
    until("the hanging one is told", || async {
        let words = error(&program, hanging.name()).await;
        words.contains(hanging.url()) && words.contains("did not answer within")
    })
    .await;
    program.ready().await;
    // Both come back, and are taken in without a restart.
    dead.go_online().await.unwrap();
    hanging.faults().hang_all(false);
    for cluster in [dead, hanging] {
        equals(&program, cluster.name(), || objects(cluster)).await;
        assert_eq!(error(&program, cluster.name()).await, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_goes_away_keeps_its_assets_and_is_called_unreachable_until_it_is_back() {
    let fleet = fleet(1).await;
    let cluster = &fleet.clusters[0];
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    equals(&program, cluster.name(), || objects(cluster)).await;
    let before = count(&program, cluster.name(), None).await;
    cluster.go_offline().await;
    until("the loss is told", || async {
        stale(&program, cluster.name()).await["reason"] == "UNREACHABLE"
            && error(&program, cluster.name())
                .await
                .contains("refuses connections")
    })
    .await;
    assert_eq!(
        count(&program, cluster.name(), None).await,
        before,
        "nothing is taken for deleted"
    );
    assert_eq!(program.admin("/readyz").await.0, 200);
    cluster.delete("ConfigMap", "kube-system", "kube-root-ca.crt");
    cluster.go_online().await.unwrap();
    equals(&program, cluster.name(), || objects(cluster)).await;
    assert_eq!(stale(&program, cluster.name()).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_never_answers_leaves_the_other_kinds_alone_and_is_called_missing() {
    let fleet = fleet(1).await;
    let cluster = &fleet.clusters[0];
    for fault in [Fault::ListHangs, Fault::WatchHangs] {
        cluster.faults().inject("pods", fault, Times::Always);
    }
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    until("the other kinds are complete", || async {
        let sync = sync(&program, cluster.name()).await;
        let kinds = sync["kinds"].as_array().cloned().unwrap_or_default();
        // 17 kinds of a cluster are mirrored here at least; all but one are done. What it does not serve is not waited for.
        let missing = |k: &&Value| k["complete"] != true && k["coverage"] != "ABSENT";
        kinds.len() >= 17 && kinds.iter().filter(missing).count() == 1
    })
    .await;
    let data = program.data(FRESHNESS, json!({})).await;
    let freshness = &data["assets"]["freshness"];
    assert_eq!(
        freshness["incomplete"],
        json!([{ "cluster": cluster.name(), "kind": "Pod", "reason": "LISTING" }])
    );
    assert_eq!(
        count(&program, cluster.name(), Some("Service")).await,
        cluster.count("services") as u64
    );
    cluster.faults().clear_all();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinds_that_wait_for_their_turn_are_called_missing_from_the_start() {
    let fleet = fleet(1).await;
    let cluster = &fleet.clusters[0];
    for fault in [Fault::ListHangs, Fault::WatchHangs] {
        cluster.faults().inject("*", fault, Times::Always);
    }
    let site = Site::of(&fleet);
    let program = site.serve(&[]);
    until("the cluster is reached", || async {
        sync(&program, cluster.name()).await["reachable"] == true
    })
    .await;
    let data = program.data(FRESHNESS, json!({})).await;
    let freshness = &data["assets"]["freshness"];
    assert_eq!(freshness["complete"], false, "{freshness}");
    let missing = freshness["incomplete"].as_array().unwrap();
    for kind in ["Pod", "Service", "Ingress.networking.k8s.io", "Secret"] {
        assert!(
            missing.iter().any(|m| m["kind"] == kind),
            "{kind} is not among {missing:?}"
        );
    }
    assert_eq!(program.admin("/readyz").await.0, 503);
    cluster.faults().clear_all();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_no_api_server_is_told() {
    let fleet = fleet(1).await;
    let site = Site::of(&fleet);
    let other = site.serve(&[]);
    let beside = Site::new();
    let cluster = json!({ "server": other.admin });
    beside.write("kubeconfig", kubeconfig(&[("wrong", cluster, json!({}))]));
    let program = beside.serve(&[]);
    until("it is told", || async {
        error(&program, "wrong")
            .await
            .contains("not a Kubernetes API server")
    })
    .await;
    program.ready().await;
}

fn pem(certificate: &CertifiedKey<rcgen::KeyPair>) -> String {
    let der = BASE64.encode(certificate.cert.der());
    format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n")
}

/// Serves a cluster over TLS with this certificate, on loopback; gives the address.
async fn over_tls(cluster: &SimCluster, certificate: &CertifiedKey<rcgen::KeyPair>) -> String {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let behind = cluster.url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                // A client that does not trust us ends the handshake: that is its right.
                let Ok(mut outside) = acceptor.accept(stream).await else {
                    return;
                };
                let mut inside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    format!("https://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_is_told_and_one_of_the_right_authority_is_taken() {
    let fleet = fleet(2).await;
    let [right, wrong] = &fleet.clusters[..] else {
        panic!("two clusters")
    };
    let certificate = || generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (ours, other) = (certificate(), certificate());
    let authority = BASE64.encode(pem(&ours));
    let context = |server: String| json!({ "server": server, "certificate-authority-data": authority });
    let (good, bad) = (over_tls(right, &ours).await, over_tls(wrong, &other).await);
    let site = Site::new();
    site.write(
        "kubeconfig",
        kubeconfig(&[
            ("right", context(good), json!({})),
            ("wrong", context(bad.clone()), json!({})),
        ]),
    );
    let program = site.serve(&["--all-contexts"]);
    program.ready().await;
    equals(&program, "right", || objects(right)).await;
    let words = error(&program, "wrong").await;
    assert!(
        words.contains(&bad) && words.contains("not signed by the authority"),
        "{words}"
    );
    assert_eq!(stale(&program, "wrong").await["reason"], "UNREACHABLE");
    assert_eq!(
        wrong.request_mark(),
        0,
        "nothing was sent to a server that is not trusted"
    );
}
