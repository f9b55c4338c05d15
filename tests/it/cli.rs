//! The command line as people and scripts meet it: help, usage errors, exit codes.

use planisphere::cli::check::{Row, State, passed, show};
use planisphere::cli::{CheckOutput, Command, command, parse};
use planisphere::config::KEYS;
use std::ffi::OsString;
use std::path::Path;
use std::process::Output;

fn program(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_planisphere"));
    program.args(args).env_clear().envs(env.iter().copied());
    program.stdin(std::process::Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

/// Compares with a file; `UPDATE_GOLDEN=1` writes it anew.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "{name}: UPDATE_GOLDEN=1 writes the file anew, where the change is meant"
    );
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn help_reads_as_agreed() {
    for name in [
        "",
        "serve",
        "demo",
        "get",
        "query",
        "check",
        "impact",
        "why",
        "drain-plan",
        "owners",
        "export",
        "verify-export",
    ] {
        let args = ["planisphere", name, "--help"]
            .into_iter()
            .filter(|a| !a.is_empty());
        let told = command().term_width(100).try_get_matches_from(args).unwrap_err();
        assert_eq!(told.exit_code(), 0);
        let file = if name.is_empty() {
            "help.txt".to_owned()
        } else {
            format!("help_{name}.txt")
        };
        golden(&file, &told.to_string());
    }
}

#[test]
fn every_command_says_when_to_use_it_and_shows_how() {
    for sub in command().get_subcommands() {
        let examples = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
        let shown = examples
            .lines()
            .filter(|l| l.trim_start().starts_with("planisphere "))
            .count();
        assert!(shown >= 2, "{}: {examples}", sub.get_name());
        assert!(sub.get_about().is_some(), "{}", sub.get_name());
    }
}

#[test]
fn every_setting_is_a_flag_of_its_commands() {
    let mut all = command();
    all.build();
    for key in KEYS {
        let commands: Vec<_> = match key.commands {
            [] => all.get_subcommands().collect(),
            names => names.iter().map(|n| all.find_subcommand(n).unwrap()).collect(),
        };
        for sub in commands {
            let arg = sub.get_arguments().find(|a| a.get_long() == Some(key.flag));
            let help = arg.unwrap().get_help().unwrap().to_string();
            assert!(
                help.contains(&format!("[env: {}]", key.env())),
                "{}: {help}",
                key.flag
            );
        }
    }
}

#[test]
fn examples_of_help_are_commands_that_parse() {
    for sub in command().get_subcommands() {
        for line in sub.get_after_help().unwrap().to_string().lines() {
            let line = line.trim();
            if line.starts_with("planisphere ") && !line.contains(['|', '>', '\'', '"']) {
                let words = line.split("   ").next().unwrap().split_whitespace();
                let parsed = parse(words.map(OsString::from));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }
}

#[test]
fn flags_of_settings_are_told_apart_from_defaults() {
    let line = "planisphere serve --context eu --context us --all-contexts=false --listen 127.0.0.1:0 --insecure-no-auth";
    let parsed = parse(words(line)).unwrap();
    let flags: Vec<_> = parsed
        .flags
        .iter()
        .map(|f| format!("{}={}", f.key, f.values.join("+")))
        .collect();
    assert_eq!(
        flags,
        [
            "contexts=eu+us",
            "all_contexts=false",
            "listen=127.0.0.1:0",
            "insecure_no_auth=true"
        ]
    );
    assert!(matches!(parsed.cli.command, Command::Serve));
    let global = parse(words("planisphere --log-level debug demo --once")).unwrap();
    assert_eq!(global.flags.len(), 1);
    assert!(matches!(global.cli.command, Command::Demo(args) if args.once));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_meant() {
    for (line, said) in [
        ("planisphere", "Usage"),
        ("planisphere sevre", "serve"),
        ("planisphere serve --lisen 127.0.0.1:1", "--listen"),
        ("planisphere get", "KIND|REF"),
        ("planisphere get pods -n a -A", "cannot be used with"),
        ("planisphere get pods -o csv", "csv"),
        ("planisphere completion tcsh", "bash"),
    ] {
        let told = parse(words(line)).unwrap_err();
        assert_eq!(told.exit_code(), 2, "{line}");
        assert!(told.to_string().contains(said), "{line}: {told}");
    }
}

#[test]
fn the_program_answers_on_standard_output_and_complains_on_standard_error() {
    let version = program(&["version", "-o", "json"], &[]);
    let json: serde_json::Value = serde_json::from_slice(&version.stdout).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    let wrong = program(&["serve", "--stale-after", "soon"], &[]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stdout.is_empty() && text(&wrong.stderr).contains("`stale_after` is `soon`"));
    let exposed = program(&["demo", "--listen", "0.0.0.0:0"], &[]);
    assert_eq!(exposed.status.code(), Some(2));
    assert!(text(&exposed.stderr).contains("--insecure-no-auth"));
}

#[test]
fn a_mistake_in_a_file_does_not_keep_the_version_from_being_told() {
    let env = [("PLANISPHERE_NONSENSE", "1")];
    assert_eq!(program(&["version"], &env).status.code(), Some(0));
    assert_eq!(program(&["get", "pods"], &env).status.code(), Some(2));
}

#[test]
fn completion_knows_the_flags_of_settings() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&program(&["completion", shell], &[]).stdout);
        assert!(script.contains("stale-after"), "{shell}");
    }
}

#[test]
fn print_config_shows_who_said_what_and_starts_nothing() {
    let env = [("HOME", "/nowhere"), ("PLANISPHERE_LISTEN", "127.0.0.1:9")];
    let printed = program(&["serve", "--print-config", "--stale-after", "5m"], &env);
    assert_eq!(printed.status.code(), Some(0));
    let out = text(&printed.stdout);
    let line = |key: &str| out.lines().find(|l| l.starts_with(key)).unwrap().to_owned();
    assert!(line("listen").ends_with("# env PLANISPHERE_LISTEN"), "{out}");
    assert!(
        line("stale_after = \"5m\"").ends_with("# flag --stale-after"),
        "{out}"
    );
    assert!(
        line("data_dir = \"/nowhere/.local/share/planisphere\"").ends_with("# default"),
        "{out}"
    );
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failed = program(&["get", "pods", "--server", &server], &[]);
    assert_eq!(failed.status.code(), Some(1));
    let said = text(&failed.stderr);
    for part in [server.as_str(), "refused", "planisphere serve", "--server"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_preflight_reads_as_a_table_with_what_to_do_below() {
    let row = |what: &str, state, detail: &str, next: &str| Row {
        cluster: "eu".to_owned(),
        what: what.to_owned(),
        state,
        detail: detail.to_owned(),
        next: next.to_owned(),
    };
    let rows = [
        row("reachable", State::Ok, "https://eu:6443", ""),
        row(
            "permission Secret",
            State::Warn,
            "may not list",
            "grant list and watch on secrets",
        ),
        row("clock", State::Fail, "97 s behind", "set the clock"),
    ];
    let shown = show(&rows, CheckOutput::Table);
    assert_eq!(
        shown,
        "CLUSTER   CHECK               STATE   DETAIL\n\
         eu        reachable           ok      https://eu:6443\n\
         eu        permission Secret   warn    may not list\n\
         eu        clock               FAIL    97 s behind\n\n\
         What to do:\n  eu: permission Secret: grant list and watch on secrets\n  eu: clock: set the clock\n\n\
         1 ok, 1 warned, 1 failed\n"
    );
    assert!(!passed(&rows) && passed(&rows[..2]));
    let json: serde_json::Value = serde_json::from_str(&show(&rows, CheckOutput::Json)).unwrap();
    assert_eq!(
        (json[1]["state"].as_str(), json[2]["what"].as_str()),
        (Some("warn"), Some("clock"))
    );
}
