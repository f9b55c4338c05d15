//! The rules of custom resources that hold: those that are shipped, and the user's files. Knows no cluster.

use crate::cli::exit::Failure;
use planisphere_sync::rules::{RuleError, Rules};
use std::sync::Arc;
use tokio::sync::watch;

/// The rules that are shipped; no others will come.
///
/// # Errors
/// Where one of them is wrong, which is a defect.
pub fn shipped_only() -> Result<watch::Receiver<Arc<Rules>>, Failure> {
    let rules = planisphere_sync::rules::shipped().map_err(failure)?;
    let (_, receiver) = watch::channel(Arc::new(rules));
    Ok(receiver)
}

fn failure(errors: Vec<RuleError>) -> Failure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::Run(lines.join("\n"))
}
