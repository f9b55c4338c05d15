//! Named checks that others pass or fail, each through a handle of its own, and their report as the Kubernetes API
//! server prints it.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// One check: its name, and why it does not pass.
type Row = (&'static str, Result<(), String>);

/// A set of checks; cheap to clone, one state behind.
#[derive(Clone, Debug)]
pub struct Checks {
    rows: Arc<Mutex<Vec<Row>>>,
    changed: watch::Sender<bool>,
}

/// The handle by which one check is passed or failed.
#[derive(Clone, Debug)]
pub struct Check {
    name: &'static str,
    checks: Checks,
}

/// How all checks stand at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report(pub Vec<Row>);

impl Default for Checks {
    fn default() -> Self {
        Self {
            rows: Arc::default(),
            changed: watch::Sender::new(true),
        }
    }
}

impl Checks {
    /// Those of `/livez`: one that passes whenever the process answers at all, as the API server has it.
    pub fn live() -> Self {
        let checks = Self::default();
        checks.add("ping", "").pass();
        checks
    }

    /// Adds a check that does not pass yet, for the reason `waiting`.
    pub fn add(&self, name: &'static str, waiting: &str) -> Check {
        self.set(name, Err(waiting.to_owned()));
        Check {
            name,
            checks: self.clone(),
        }
    }

    /// How they stand.
    pub fn report(&self) -> Report {
        Report(self.lock().clone())
    }

    /// Whether all pass.
    pub fn passed(&self) -> bool {
        self.report().passed()
    }

    /// Waits until all pass.
    pub async fn wait(&self) {
        let mut changed = self.changed.subscribe();
        // The sender lives in `self`, so the wait cannot end by its going.
        let _ = changed.wait_for(|passed| *passed).await;
    }

    fn set(&self, name: &'static str, state: Result<(), String>) {
        let passed = {
            let mut rows = self.lock();
            match rows.iter_mut().find(|(n, _)| *n == name) {
                Some(row) => row.1 = state,
                None => rows.push((name, state)),
            }
            rows.iter().all(|(_, state)| state.is_ok())
        };
        self.changed.send_replace(passed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Check {
    /// It passes.
    pub fn pass(&self) {
        self.checks.set(self.name, Ok(()));
    }

    /// It does not pass, for this reason: shown to whoever reaches the admin port, so no secrets.
    pub fn fail(&self, reason: impl Into<String>) {
        self.checks.set(self.name, Err(reason.into()));
    }
}

impl Report {
    /// Whether all pass.
    pub fn passed(&self) -> bool {
        self.0.iter().all(|(_, state)| state.is_ok())
    }

    /// `ok`, or every check in a line where `verbose` or where one fails.
    pub fn text(&self, endpoint: &str, verbose: bool) -> String {
        if self.passed() && !verbose {
            return "ok".to_owned();
        }
        let mut text = String::new();
        for (name, state) in &self.0 {
            // Writing to a String cannot fail.
            let _ = match state {
                Ok(()) => writeln!(text, "[+]{name} ok"),
                Err(reason) => writeln!(text, "[-]{name} failed: {reason}"),
            };
        }
        let verdict = if self.passed() { "passed" } else { "failed" };
        let _ = writeln!(text, "{endpoint} check {verdict}");
        text
    }
}
