//! On a real API server: the kinds of credentials that tests elsewhere cannot stand in for, each until the mirror equals
//! what kubectl says.

use super::controlplane::ControlPlane;
use super::objects;
use crate::mirrored::equals;
use crate::program::{Program, command};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A client certificate for a user of a group, and the authority that signed it, all in PEM.
struct Signed {
    authority: String,
    certificate: String,
    key: String,
}

fn sign(user: &str, group: &str) -> Signed {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "clients of the test");
    let authority_key = KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let mut client = CertificateParams::default();
    client.distinguished_name.push(DnType::CommonName, user);
    client.distinguished_name.push(DnType::OrganizationName, group);
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    Signed {
        authority: authority_certificate.pem(),
        certificate: client.signed_by(&key, &issuer).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// The `cluster` part of the kubeconfig that the control plane wrote: its address and authority.
fn cluster_of(plane: &ControlPlane) -> Value {
    let config = plane.kubectl("east", &["config", "view", "--raw", "--minify", "-o", "json"], "");
    let config: Value = serde_json::from_str(&config).unwrap();
    config["clusters"][0]["cluster"].clone()
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_api_server_is_mirrored_with_a_client_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let signed = sign("auditor", "system:masters");
    let authority = write(folder.path(), "authority.pem", &signed.authority);
    let flag = format!("--apiserver-arg=--client-ca-file={}", authority.display());
    let plane = ControlPlane::start(&["east"], &[&flag, "--kwok=false"]);
    write(folder.path(), "client.pem", &signed.certificate);
    write(folder.path(), "client.key", &signed.key);
    // Paths in a kubeconfig are relative to the kubeconfig.
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "by-certificate",
        "clusters": [{"name": "east", "cluster": cluster_of(&plane)}],
        "users": [{"name": "auditor", "user": {"client-certificate": "client.pem", "client-key": "client.key"}}],
        "contexts": [{"name": "by-certificate", "context": {"cluster": "east", "user": "auditor"}}],
    });
    let kubeconfig = write(folder.path(), "kubeconfig", &config.to_string());
    let program = Program::serve(&kubeconfig, &folder.path().join("data"), &[]);
    program.ready().await;
    equals(&program, "by-certificate", || objects(&plane, "east")).await;
}

/// What a pod's file system and environment would hold, in a mount namespace of the program's own.
const AS_A_POD: &str = r#"
    run=$(readlink -f /var/run) && mount -t tmpfs tmpfs "$run" && mkdir -p "$run/secrets/kubernetes.io" &&
    cp -r "$1" "$run/secrets/kubernetes.io/serviceaccount" && shift && exec "$@""#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_cluster_is_mirrored_from_inside_with_the_service_account_of_the_pod() {
    let plane = ControlPlane::start(&["east"], &["--kwok=false"]);
    let kubectl = |args: &[&str]| plane.kubectl("east", args, "");
    kubectl(&["create", "serviceaccount", "planisphere"]);
    kubectl(&[
        "create",
        "clusterrolebinding",
        "planisphere",
        "--clusterrole=cluster-admin",
        "--serviceaccount=default:planisphere",
    ]);
    let token = kubectl(&["create", "token", "planisphere"]);
    let cluster = cluster_of(&plane);
    let server = cluster["server"].as_str().unwrap().trim_start_matches("https://");
    let (host, port) = server.split_once(':').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let account = folder.path().join("account");
    std::fs::create_dir(&account).unwrap();
    let authority = cluster["certificate-authority-data"].as_str().unwrap();
    let authority = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, authority).unwrap();
    write(&account, "ca.crt", std::str::from_utf8(&authority).unwrap());
    write(&account, "token", token.trim());
    write(&account, "namespace", "default");

    let mut pod = std::process::Command::new("unshare");
    pod.args(["--map-root-user", "--mount", "sh", "-c", AS_A_POD, "sh"])
        .arg(&account)
        .arg(command().get_program())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([
            ("KUBERNETES_SERVICE_HOST", host),
            ("KUBERNETES_SERVICE_PORT", port),
        ]);
    let data = folder.path().join("data");
    let addresses = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let serve = ["serve", "--in-cluster", "--data-dir", data.to_str().unwrap()];
    let program = Program::launch(pod, &[&serve[..], &addresses].concat());
    program.ready().await;
    equals(&program, "in-cluster", || objects(&plane, "east")).await;
}
