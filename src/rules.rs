//! The rules of custom resources that hold: those that are shipped, and the user's files, which are followed while the
//! process runs. Knows no cluster.

use crate::cli::exit::Failure;
use planisphere_sync::rules::{Loaded, RuleError, Rules, load, read_files};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the files are read again. What was read twice in a row is taken for what was meant.
const EVERY: Duration = Duration::from_secs(2);

/// The texts of the files.
type Texts = Vec<(PathBuf, String)>;

/// The rules that are shipped; no others will come.
///
/// # Errors
/// Where one of them is wrong, which is a defect.
pub fn shipped_only() -> Result<watch::Receiver<Arc<Rules>>, Failure> {
    let rules = planisphere_sync::rules::shipped().map_err(failure)?;
    let (_, receiver) = watch::channel(Arc::new(rules));
    Ok(receiver)
}

/// The rules of these files and directories with the shipped ones, as the files change. Files that cannot be read or have
/// a mistake change nothing.
///
/// # Errors
/// With every mistake that there is now.
pub fn follow(
    paths: Vec<PathBuf>,
    cancel: CancellationToken,
) -> Result<watch::Receiver<Arc<Rules>>, Failure> {
    if paths.is_empty() {
        return shipped_only();
    }
    let (texts, loaded) = read(&paths).map_err(failure)?;
    announce(&loaded);
    let (rules, receiver) = watch::channel(Arc::new(loaded.rules));
    tokio::spawn(async move {
        cancel.run_until_cancelled(watch(paths, texts, rules)).await;
    });
    Ok(receiver)
}

/// Reads and compiles all files.
///
/// # Errors
/// With every mistake in them.
pub fn read(paths: &[PathBuf]) -> Result<(Texts, Loaded), Vec<RuleError>> {
    let texts = read_files(paths)?;
    let loaded = load(&texts, true)?;
    Ok((texts, loaded))
}

async fn watch(paths: Vec<PathBuf>, mut known: Texts, rules: watch::Sender<Arc<Rules>>) {
    let mut before = Ok(known.clone());
    loop {
        tokio::time::sleep(EVERY).await;
        let read = paths.clone();
        let read = tokio::task::spawn_blocking(move || read_files(&read).map_err(words)).await;
        let read = read.unwrap_or_else(|e| Err(e.to_string()));
        match &read {
            Ok(texts) if read == before && *texts != known => {
                known.clone_from(texts);
                match load(texts, true) {
                    Ok(loaded) => {
                        announce(&loaded);
                        rules.send_replace(Arc::new(loaded.rules));
                    }
                    Err(errors) => warn(&words(errors)),
                }
            }
            Err(error) if read != before => warn(error),
            _ => {}
        }
        before = read;
    }
}

fn announce(loaded: &Loaded) {
    let own: usize = loaded.files.iter().map(|(_, count)| count).sum();
    tracing::info!(
        files = loaded.files.len(),
        own,
        all = loaded.rules.len(),
        "rules were read"
    );
}

fn warn(error: &str) {
    tracing::warn!(error, "the rules cannot be read anew; those that hold stay");
}

fn words(errors: Vec<RuleError>) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn failure(errors: Vec<RuleError>) -> Failure {
    Failure::Run(words(errors))
}
