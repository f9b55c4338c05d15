//! Every dependency's licence is one that `deny.toml` allows; no second crypto provider slips in.

use serde_json::Value;
use std::process::Command;

/// The texts in quotes of the line of `deny.toml` that starts so.
fn listed(start: &str) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with(start)).unwrap();
    line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether an SPDX expression can be met by allowed licences alone: one alternative of each part that is required.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let met = |licence: &str| allowed.iter().any(|a| a == licence.trim());
    expression
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|l| met(l.split(" WITH ").next().unwrap())))
}

#[test]
fn every_dependency_is_under_an_allowed_licence() {
    let allowed = listed("allow = ");
    let refused: Vec<String> = packages()
        .iter()
        .map(|p| {
            (
                p["name"].to_string(),
                p["license"].as_str().unwrap_or("none").to_owned(),
            )
        })
        .filter(|(_, licence)| !is_met(licence, &allowed))
        .map(|(name, licence)| format!("{name}: {licence}"))
        .collect();
    assert!(
        refused.is_empty(),
        "licences that deny.toml does not allow: {refused:#?}"
    );
    assert!(!is_met("GPL-3.0-only", &allowed) && !is_met("MIT AND GPL-3.0-only", &allowed));
}

#[test]
fn one_crypto_provider_is_built_in() {
    let names: Vec<String> = packages()
        .iter()
        .map(|p| p["name"].as_str().unwrap().to_owned())
        .collect();
    for unwanted in ["aws-lc-rs", "openssl"] {
        assert!(
            !names.iter().any(|name| name == unwanted),
            "{unwanted} is among the dependencies"
        );
    }
    assert!(names.iter().any(|name| name == "ring"));
}
