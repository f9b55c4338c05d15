//! The rules of the house, checked on the sources: arrows between rooms, file sizes, files that no `mod` names, and
//! paths or types that the docs name but do not exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files with one of these endings below the folder, relative to the root; build outputs left out.
fn files(below: &str, endings: &[&str]) -> Vec<String> {
    fn walk(folder: &Path, endings: &[&str], found: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    walk(&path, endings, found);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(
                    path.strip_prefix(root())
                        .unwrap_or(&path)
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(below), endings, &mut found);
    found.sort();
    found
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_default()
}

fn assert_none(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

/// The source lines of a file that are code: comments and test modules' files are looked at elsewhere.
fn code_lines(file: &str) -> Vec<(usize, String)> {
    let text = read(file);
    let lines = text
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line.trim().to_owned()));
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

#[test]
fn data_moves_one_way() {
    // (files, what must not stand in them, why)
    let arrows: &[(&str, &[&str], &str)] = &[
        (
            "schema/src",
            &[
                "tokio",
                "kube::",
                "rusqlite",
                "axum",
                "std::fs",
                "std::net",
                "SystemTime",
                "Instant::now",
            ],
            "schema holds words only: no I/O, no async, no clock",
        ),
        (
            "sync/src",
            &[
                "planisphere::",
                "rusqlite",
                "axum",
                "async_graphql",
                "planisphere_fixtures",
            ],
            "sync knows no store and no answer",
        ),
        (
            "fixtures/src",
            &["planisphere::", "planisphere_sync"],
            "fixtures know nothing of what they test",
        ),
        (
            "src/store",
            &[
                "crate::query",
                "crate::api",
                "crate::ingest",
                "planisphere_sync",
                "kube::",
            ],
            "a store knows no Kubernetes, question or API",
        ),
        (
            "src/query",
            &[
                "crate::api",
                "crate::ingest",
                "store::embedded",
                "rusqlite",
                "kube::",
            ],
            "a question sees the Store contract alone",
        ),
        (
            "src/export",
            &[
                "crate::api",
                "crate::cli",
                "crate::ingest",
                "store::embedded",
                "async_graphql",
                "axum",
            ],
            "an export sees the questions and the Store contract alone",
        ),
        (
            "src/api",
            &[
                "store::embedded",
                "rusqlite",
                "kube::",
                "planisphere_sync::reflect",
                "planisphere_sync::link",
            ],
            "the API never sees a store or Kubernetes",
        ),
        (
            "src/ingest",
            &["crate::query", "crate::api", "store::embedded", "rusqlite"],
            "ingest sees the Store contract alone",
        ),
    ];
    let mut faults = Vec::new();
    for (room, forbidden, why) in arrows {
        let sources = files("", &[".rs"]).into_iter().filter(|f| {
            f.strip_prefix(room)
                .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
        });
        let mut any = false;
        for file in sources {
            any = true;
            for (number, line) in code_lines(&file) {
                for word in forbidden.iter().filter(|word| line.contains(**word)) {
                    faults.push(format!("{file}:{number}: `{word}`: {why}"));
                }
            }
        }
        assert!(any, "no sources in {room}: the rule checks nothing");
    }
    assert_none("arrows that point up", &faults);
}

#[test]
fn only_kubernetes_rooms_know_kube_and_only_the_configuration_reads_the_environment() {
    let mut faults = Vec::new();
    for file in files("", &[".rs"]).into_iter().filter(|f| f.contains("src/")) {
        for (number, line) in code_lines(&file) {
            if line.contains("env::var") && !file.starts_with("src/config") && !file.contains("/tests") {
                faults.push(format!(
                    "{file}:{number}: the environment is read in src/config.rs alone"
                ));
            }
            if line.contains("kube::") && !file.starts_with("sync/") {
                faults.push(format!("{file}:{number}: kube is known to sync alone"));
            }
        }
    }
    assert_none("rooms that know too much", &faults);
}

#[test]
fn files_stay_small_and_say_what_they_are_for() {
    let mut faults = Vec::new();
    for file in files("", &[".rs", ".go", ".py", ".sh", ".js"]) {
        let text = read(&file);
        let lines = text.lines().count();
        if lines > MAX_LINES {
            faults.push(format!("{file}: {lines} lines, more than {MAX_LINES}"));
        }
        if file.ends_with(".rs") && !text.trim_start().starts_with("//!") {
            faults.push(format!(
                "{file}: does not open with `//!` lines that say what it is for"
            ));
        }
        if file.ends_with("/mod.rs") {
            faults.push(format!("{file}: rooms are `name.rs` and `name/`, never `mod.rs`"));
        }
    }
    assert_none("files", &faults);
}

#[test]
fn every_source_file_is_named_by_a_mod() {
    let mut faults = Vec::new();
    for file in files("", &[".rs"]) {
        let path = Path::new(&file);
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let folder = path
            .parent()
            .unwrap_or(Path::new(""))
            .to_string_lossy()
            .into_owned();
        let is_root = ["lib", "main", "build"].contains(&stem.as_str())
            || folder.ends_with("tests/bench")
            || folder.ends_with("benches")
            || folder.ends_with("examples")
            || folder.ends_with("sync/tests")
            || folder.ends_with("fixtures/tests");
        if is_root {
            continue;
        }
        let parents = [
            format!("{folder}.rs"),
            format!("{folder}/lib.rs"),
            format!("{folder}/main.rs"),
        ];
        let named = parents.iter().any(|parent| {
            read(parent).lines().any(|line| {
                let line = line.trim();
                let line = line
                    .strip_prefix("pub ")
                    .or(line.strip_prefix("pub(crate) "))
                    .or(line.strip_prefix("pub(super) "))
                    .unwrap_or(line);
                line == format!("mod {stem};")
            })
        });
        let by_path = files("tests", &[".rs"])
            .iter()
            .any(|test| read(test).contains(&format!("{stem}.rs\"")));
        if !named && !by_path {
            faults.push(format!(
                "{file}: no `mod {stem};` names it, so it is never compiled"
            ));
        }
    }
    assert_none("forgotten files", &faults);
}

#[test]
fn the_docs_name_only_what_exists() {
    let sources: String = files("", &[".rs", ".go", ".toml", "Makefile", ".graphql"])
        .iter()
        .map(|file| read(file))
        .collect();
    let known: BTreeSet<&str> = sources
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let mut faults = Vec::new();
    let mut docs = files("docs", &[".md"]);
    docs.push("README.md".into());
    for doc in docs {
        let text = read(&doc);
        // What stands in `code` outside fenced blocks.
        let prose: Vec<&str> = text.split("```").step_by(2).collect();
        for code in prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2)) {
            let looks_like_path = code.contains('/')
                && [
                    "src/",
                    "sync/",
                    "schema/",
                    "tests/",
                    "fixtures/",
                    "docs/",
                    "deploy/",
                ]
                .iter()
                .any(|r| code.starts_with(r))
                && !code.contains([' ', '*', '{', '<', '…', '$']);
            if looks_like_path && !root().join(code.trim_end_matches('/')).exists() {
                faults.push(format!("{doc}: the path `{code}` does not exist"));
            }
            let looks_like_type = code.len() > 2
                && code.starts_with(|c: char| c.is_ascii_uppercase())
                && code.contains(|c: char| c.is_ascii_lowercase())
                && code
                    .split("::")
                    .all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'));
            if looks_like_type && !code.split("::").all(|part| known.contains(part)) {
                faults.push(format!("{doc}: nothing is called `{code}`"));
            }
        }
    }
    assert_none("docs", &faults);
}

#[test]
fn the_user_fixed_the_top_level() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "schema",
        "sync",
        "deploy",
        "tests",
        "fixtures",
        "docs",
        "benches",
        "target",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "Makefile",
        "rust-toolchain.toml",
        "rustfmt.toml",
        "clippy.toml",
        "deny.toml",
    ];
    let entries = fs::read_dir(root()).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let extra: Vec<String> = names
        .filter(|n| !n.starts_with('.') && !allowed.contains(&n.as_str()))
        .collect();
    assert_none("files that nobody expects at the top", &extra);
}
