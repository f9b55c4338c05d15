//! Settings, kubeconfigs and command lines that cannot be used: the program ends at once and says why.

use crate::program::Program;
use crate::site::{Site, kubeconfig, refused, text};
use serde_json::json;

/// A kubeconfig of two clusters that nobody needs to reach.
fn two_contexts() -> String {
    let cluster = json!({ "server": "https://127.0.0.1:1" });
    kubeconfig(&[("east", cluster.clone(), json!({})), ("west", cluster, json!({}))])
}

#[test]
fn a_kubeconfig_that_does_not_exist_is_named() {
    let site = Site::new();
    let path = site.kubeconfig();
    site.refuse(&[])
        .says(1, &[text(&path), "does not exist", "--kubeconfig"]);
    assert!(!site.data().exists(), "nothing was made for a start that failed");
}

#[test]
fn without_any_cluster_it_says_where_it_looked_and_what_to_name() {
    let site = Site::new();
    let data = site.data();
    let args = ["serve", "--data-dir", text(&data), "--listen", "127.0.0.1:0"];
    let refusal = refused(&args);
    refusal.says(
        2,
        &["no cluster to read", "--kubeconfig", "--dump", "planisphere demo"],
    );
}

#[test]
fn a_context_that_does_not_exist_names_those_that_do() {
    let site = Site::new();
    site.write("kubeconfig", two_contexts());
    let refusal = site.refuse(&["--context", "east", "--context", "nowhere"]);
    refusal.says(1, &["\"nowhere\"", "east, west", "--context"]);
}

#[test]
fn a_kubeconfig_without_a_current_context_says_how_to_choose_one() {
    let site = Site::new();
    site.write(
        "kubeconfig",
        two_contexts().replace("\"current-context\":\"east\",", ""),
    );
    site.refuse(&[])
        .says(1, &["no current context", "east, west", "--context"]);
}

#[test]
fn a_malformed_kubeconfig_is_told_by_line_and_never_quoted() {
    let site = Site::new();
    let broken = "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user:\n    token: \"s3cr3t-t0ken\n\
        current-context: [\n";
    let path = site.write("kubeconfig", broken);
    let refusal = site.refuse(&[]);
    refusal.says(1, &[text(&path), "malformed at line "]);
    assert!(!refusal.error.contains("line 0"), "{}", refusal.error);
    assert!(!refusal.error.contains("s3cr3t"), "{}", refusal.error);
}

#[test]
fn a_kubeconfig_of_the_wrong_shape_is_told_by_line_and_never_quoted() {
    let site = Site::new();
    let wrong = "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user:\n    token: [s3cr3t-t0ken]\n";
    let path = site.write("kubeconfig", wrong);
    let refusal = site.refuse(&[]);
    refusal.says(1, &[text(&path), "malformed at line "]);
    assert!(!refusal.error.contains("line 0"), "{}", refusal.error);
    assert!(!refusal.error.contains("s3cr3t"), "{}", refusal.error);
}

#[test]
fn two_sources_of_one_name_are_refused_before_one_hides_the_other() {
    let site = Site::new();
    site.write("kubeconfig", two_contexts());
    let dump = site.write("east.json", "{}");
    let refusal = site.refuse(&["--context", "east", "--dump", text(&dump)]);
    refusal.says(1, &["two sources are called \"east\"", "rename"]);
}

#[test]
fn an_unknown_key_of_the_configuration_file_names_the_nearest_one() {
    let site = Site::new();
    site.write("kubeconfig", two_contexts());
    let file = site.write("planisphere.toml", "data_dri = \"/somewhere\"\n");
    let refusal = refused(&["serve", "--config", text(&file)]);
    refusal.says(2, &["`data_dri`", text(&file), "`data_dir`", "--print-config"]);
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_it_is_asked_for() {
    for flag in ["--listen", "--admin-listen"] {
        let site = Site::new();
        site.write("kubeconfig", two_contexts());
        let refusal = site.refuse(&[flag, "0.0.0.0:0"]);
        refusal.says(2, &["0.0.0.0:0", "--insecure-no-auth", "127.0.0.1"]);
        assert_eq!(refusal.output, "", "no address was taken");
    }
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_taken_where_it_is_asked_for() {
    let site = Site::new();
    let (kubeconfig, data) = (site.write("kubeconfig", two_contexts()), site.data());
    let sources = [
        "serve",
        "--kubeconfig",
        text(&kubeconfig),
        "--data-dir",
        text(&data),
    ];
    let open = [
        "--listen",
        "0.0.0.0:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--insecure-no-auth",
    ];
    let program = Program::start(&[sources, open].concat());
    assert!(
        program.graphql.starts_with("http://0.0.0.0:"),
        "{}",
        program.graphql
    );
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_chooses_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--admin-listen"] {
        let site = Site::new();
        site.write("kubeconfig", two_contexts());
        let refusal = site.refuse(&[flag, &address]);
        refusal.says(1, &[&address, "in use", flag]);
    }
}

#[test]
fn get_of_an_unknown_kind_names_the_nearest_one_without_asking_anybody() {
    let refusal = refused(&["get", "podz", "--server", "http://127.0.0.1:1"]);
    refusal.says(2, &["unknown kind `podz`", "`pod`"]);
}

#[test]
fn query_variables_that_are_no_json_object_are_refused_with_an_example() {
    for bad in ["{first: 10}", "[1]", "{\"first\": 10"] {
        let server = ["--server", "http://127.0.0.1:1"];
        let query = ["query", "{ sync { version } }", "--variables", bad];
        refused(&[&query[..], &server].concat()).says(2, &["--variables", "{\"first\": 10}"]);
    }
}

#[test]
fn a_server_that_is_not_there_is_named_with_how_to_name_another() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for command in [&["get", "pods"][..], &["query", "{ sync { version } }"]] {
        let refusal = refused(&[command, &["--server", &server]].concat());
        refusal.says(1, &[&server, "planisphere serve", "--server"]);
    }
}

#[tokio::test]
async fn a_server_that_is_something_else_is_told_from_one_that_is_not_there() {
    let site = Site::new();
    site.write("kubeconfig", two_contexts());
    let program = site.serve(&[]);
    // The admin port answers HTTP, but no GraphQL.
    let refusal = refused(&["get", "pods", "--server", &program.admin]);
    refusal.says(1, &[&program.admin, "does not speak GraphQL", "404"]);
}
