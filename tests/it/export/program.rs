//! `planisphere export` and `verify-export` against the real program, with OpenSSL as the other implementation.

use crate::program::run;
use crate::site::Site;
use planisphere_fixtures::{FleetSpec, Options, Simulation};
use std::path::Path;
use std::process::Command;

async fn simulation() -> Simulation {
    let spec = FleetSpec {
        seed: 1,
        clusters: 1,
        objects: 200,
    };
    Simulation::start(spec, Options::default()).await.unwrap()
}

fn openssl(args: &[&str]) -> bool {
    Command::new("openssl")
        .args(args)
        .output()
        .unwrap()
        .status
        .success()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_can_prove_that_an_export_is_whole_and_signed() {
    let simulation = simulation().await;
    let site = Site::of(&simulation);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    let (key, public) = (at("key.pem"), at("key.pub.pem"));
    assert!(openssl(&["genpkey", "-algorithm", "ed25519", "-out", &key]));
    assert!(openssl(&["pkey", "-in", &key, "-pubout", "-out", &public]));
    let program = site.serve(&["--export-key", &key]);
    program.ready().await;
    let (file, manifest) = (at("fleet.csv"), at("fleet.csv.manifest.json"));
    let signature = at("fleet.csv.manifest.json.sig");
    let (status, out, err) = run(&["export", "--to", &file, "--server", &program.graphql]);
    assert_eq!((status.code(), out.as_str()), (Some(0), ""), "{err}");
    assert!(err.contains(" rows, ") && err.contains("sha256 "), "{err}");

    let verify = |args: &[&str]| run(&[&["verify-export", &file][..], args].concat());
    let (status, out, err) = verify(&["--public-key", &public]);
    assert_eq!(status.code(), Some(0), "{err}");
    assert!(out.contains("whole, signed"), "{out}");
    assert!(openssl(&[
        "pkeyutl", "-verify", "-pubin", "-inkey", &public, "-rawin", "-in", &manifest, "-sigfile", &signature
    ]));
    let (status, out, _) = verify(&[]);
    assert_eq!(status.code(), Some(3));
    assert!(out.contains("give --public-key"), "{out}");

    // Another key, a changed manifest, a changed file, a file cut short: each is found.
    let (other, other_public) = (at("other.pem"), at("other.pub.pem"));
    assert!(openssl(&["genpkey", "-algorithm", "ed25519", "-out", &other]));
    assert!(openssl(&[
        "pkey",
        "-in",
        &other,
        "-pubout",
        "-out",
        &other_public
    ]));
    assert_eq!(verify(&["--public-key", &other_public]).0.code(), Some(1));
    assert_eq!(
        verify(&["--public-key", &key]).0.code(),
        Some(1),
        "a private key is no public one"
    );
    let said = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(
        &manifest,
        said.replace("\"complete\": true", "\"complete\": false"),
    )
    .unwrap();
    let (status, _, err) = verify(&["--public-key", &public]);
    assert_eq!(status.code(), Some(1));
    assert!(err.contains("is no signature of this manifest"), "{err}");
    std::fs::write(&manifest, &said).unwrap();
    let table = std::fs::read_to_string(&file).unwrap();
    for changed in [table.replacen('a', "b", 1), table[..table.len() - 1].to_owned()] {
        std::fs::write(&file, changed).unwrap();
        let (status, _, err) = verify(&["--public-key", &public]);
        assert_eq!(status.code(), Some(1));
        assert!(err.contains("its manifest says"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_through_a_pipe_and_bad_input_is_told() {
    let simulation = simulation().await;
    let site = Site::of(&simulation);
    let program = site.serve(&[]);
    program.ready().await;
    let server = ["--server", &program.graphql];
    let export = |args: &[&str]| run(&[&["export"][..], args, &server].concat());
    let (status, out, err) = export(&["svc", "--format", "ndjson"]);
    assert_eq!(status.code(), Some(0), "{err}");
    assert!(
        !out.is_empty()
            && out
                .lines()
                .all(|l| l.starts_with('{') && l.contains("\"Service\""))
    );
    let (status, _, err) = export(&["deploymnts"]);
    assert_eq!(status.code(), Some(2));
    assert!(err.contains("did you mean"), "{err}");
    let (status, _, err) = export(&["--to", "/nonexistent/fleet.csv"]);
    assert_eq!(status.code(), Some(1));
    assert!(err.contains("cannot write /nonexistent/fleet.csv"), "{err}");
    let (status, _, err) = run(&["export", "--server", "http://127.0.0.1:1"]);
    assert_eq!(status.code(), Some(1));
    assert!(err.contains("is `planisphere serve` running?"), "{err}");
}

#[test]
fn a_key_of_another_kind_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let key = path(folder.path(), "rsa.pem");
    assert!(openssl(&["genpkey", "-algorithm", "rsa", "-out", &key]));
    let dump = path(folder.path(), "dump.yaml");
    std::fs::write(
        &dump,
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n",
    )
    .unwrap();
    let (data, free) = (path(folder.path(), "data"), "127.0.0.1:0");
    let (status, _, err) = run(&[
        "serve",
        "--dump",
        &dump,
        "--data-dir",
        &data,
        "--listen",
        free,
        "--admin-listen",
        free,
        "--export-key",
        &key,
    ]);
    assert_eq!(status.code(), Some(1));
    assert!(
        err.contains("holds no private key for Ed25519") && err.contains("openssl genpkey"),
        "{err}"
    );
}
