//! Data directories that cannot be used: refused before anything is written, and left as they are.

use crate::program::{Program, until};
use crate::site::{Refusal, Site, count, text};
use planisphere_fixtures::{FleetSpec, Options, Simulation};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// A small fleet, mirrored once and stopped: the file is whole.
async fn mirrored() -> (Simulation, Site, PathBuf) {
    let simulation = Simulation::start(FleetSpec::empty(1), Options::default())
        .await
        .unwrap();
    let site = Site::of(&simulation);
    let program = site.serve(&[]);
    program.ready().await;
    until("the first sync is stored", || async {
        count(&program, "demo-eu", None).await > 2
    })
    .await;
    assert!(program.stop().success());
    let file = site.data().join("graph.sqlite");
    (simulation, site, file)
}

/// That a start is refused with these words, and that the file stays as it is, byte for byte.
fn refused_and_untouched(site: &Site, file: &Path, words: &[&str]) -> Refusal {
    let before = std::fs::read(file).unwrap();
    let refusal = site.refuse(&[]);
    refusal.says(1, &[&[text(file)], words].concat());
    assert_eq!(
        before,
        std::fs::read(file).unwrap(),
        "the refused file was changed"
    );
    refusal
}

#[tokio::test]
async fn a_data_directory_of_another_version_is_refused_and_left_alone() {
    let (_fleet, site, file) = mirrored().await;
    let known: i64 = {
        let connection = Connection::open(&file).unwrap();
        let known = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        known
    };
    let expected = format!("reads format {known}");
    refused_and_untouched(&site, &file, &["format 99", &expected, "--data-dir"]);
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_alone() {
    let site = Site::new();
    site.write(
        "kubeconfig",
        Simulation::start(FleetSpec::empty(1), Options::default())
            .await
            .unwrap()
            .kubeconfig_yaml(),
    );
    let file = site.data().join("graph.sqlite");
    std::fs::create_dir_all(site.data()).unwrap();
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    drop(connection);
    refused_and_untouched(&site, &file, &["another program", "--data-dir"]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_fleet, site, file) = mirrored().await;
    std::fs::write(&file, "not a database at all").unwrap();
    refused_and_untouched(&site, &file, &["damaged", "move it away"]);
}

#[tokio::test]
async fn a_file_with_overwritten_pages_is_refused_and_left_alone() {
    let (_fleet, site, file) = mirrored().await;
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() > 3 * 4096, "the file has pages to damage");
    bytes[4096..].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    refused_and_untouched(&site, &file, &["damaged", "move it away"]);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_and_left_alone() {
    let (_fleet, site, file) = mirrored().await;
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 8192 * 4096]).unwrap();
    refused_and_untouched(&site, &file, &["damaged", "move it away"]);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    // Permissions do not stop the superuser, whom tests often run as; a file in the way stops everybody.
    let site = Site::new();
    site.write("kubeconfig", Simulated::KUBECONFIG);
    let in_the_way = site.write("data", "a file, not a directory");
    site.refuse(&[])
        .says(1, &[text(&in_the_way), "cannot create", "--data-dir"]);
    assert_eq!(
        std::fs::read_to_string(&in_the_way).unwrap(),
        "a file, not a directory"
    );
}

#[test]
fn a_data_directory_whose_files_cannot_be_written_is_named() {
    let site = Site::new();
    site.write("kubeconfig", Simulated::KUBECONFIG);
    std::fs::create_dir_all(site.data().join("lock")).unwrap();
    let data = site.data();
    site.refuse(&[]).says(1, &[text(&data), "--data-dir"]);
}

struct Simulated;

impl Simulated {
    /// Nobody answers there, and nobody is asked.
    const KUBECONFIG: &str = "{apiVersion: v1, kind: Config, current-context: a, \
        contexts: [{name: a, context: {cluster: a, user: a}}], \
        clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: a, user: {}}]}";
}

#[tokio::test]
async fn a_second_process_on_the_same_data_directory_is_refused_while_the_first_goes_on() {
    let simulation = Simulation::start(FleetSpec::DEMO, Options::default())
        .await
        .unwrap();
    let site = Site::of(&simulation);
    let first: Program = site.serve(&[]);
    first.ready().await;
    let data = site.data();
    let refusal = site.refuse(&[]);
    refusal.says(1, &[text(&data), "in use by another planisphere", "--data-dir"]);
    assert_eq!(refusal.output, "", "no address was announced");
    // The first one still takes changes in.
    let cluster = &simulation.clusters[0];
    cluster
        .apply(serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "late", "namespace": "default" }
        }))
        .unwrap();
    crate::mirrored::equals(&first, cluster.name(), || crate::site::objects(cluster)).await;
    assert!(first.stop().success());
}
