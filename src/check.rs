//! `planisphere check`: everything that must be so for the sources to be mirrored, tried for real before serving.

use crate::cli::check::{Row, State};
use crate::cli::exit::Failure;
use crate::clock::wall_ms;
use crate::config::Sources;
use crate::origins::origins;
use crate::rules;
use planisphere_sync::dump::Dump;
use planisphere_sync::fleet::Origin;
use planisphere_sync::preflight::{self, Check, Report, Verdict};
use std::path::PathBuf;

/// Checks each source and the files of rules; one that fails never keeps the others from being checked.
///
/// # Errors
/// When the sources cannot be named at all.
pub async fn check(sources: Option<&Sources>, paths: &[PathBuf]) -> Result<Vec<Row>, Failure> {
    let mut rows = ruled(paths);
    let Some(sources) = sources else {
        return Ok(rows);
    };
    for origin in origins(sources)? {
        match origin {
            Origin::Live(config) => {
                let Report { cluster, checks } = preflight::check(&config, &wall_ms).await;
                rows.extend(checks.into_iter().map(|check| row(&cluster, check)));
            }
            Origin::Dump(ref path) => {
                let (state, detail) = match Dump::read(path) {
                    Ok(dump) => (State::Ok, format!("cluster {}", dump.cluster)),
                    Err(error) => (State::Fail, error.to_string()),
                };
                rows.push(Row {
                    cluster: origin.name(),
                    what: "dump".into(),
                    state,
                    detail,
                    next: String::new(),
                });
            }
        }
    }
    Ok(rows)
}

/// One row for each file that is right, or for each mistake.
fn ruled(paths: &[PathBuf]) -> Vec<Row> {
    let row = |state, detail, next: &str| Row {
        cluster: String::new(),
        what: "rules".into(),
        state,
        detail,
        next: next.to_owned(),
    };
    match rules::read(paths) {
        Ok((_, loaded)) => {
            let told = |(path, count): &(PathBuf, usize)| format!("{}: {count} rules", path.display());
            let files = loaded.files.iter().map(told);
            files.map(|detail| row(State::Ok, detail, "")).collect()
        }
        Err(errors) => errors
            .iter()
            .map(|error| {
                let next = "correct the file; until then `serve` does not start with it, and one that runs keeps the rules that it has";
                row(State::Fail, error.to_string(), next)
            })
            .collect(),
    }
}

fn row(cluster: &str, check: Check) -> Row {
    let Check {
        what,
        verdict,
        detail,
        next_step,
    } = check;
    let state = match verdict {
        Verdict::Ok => State::Ok,
        Verdict::Warn => State::Warn,
        Verdict::Fail => State::Fail,
    };
    Row {
        cluster: cluster.to_owned(),
        what,
        state,
        detail,
        next: next_step.unwrap_or_default(),
    }
}
