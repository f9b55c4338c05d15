//! How a command ends: its exit code, and the one line that says why it failed.

use super::client::ClientError;
use super::get::GetError;
use super::query::QueryError;
use crate::config::ConfigError;
use crate::telemetry::TelemetryError;
use std::io;
use std::process::ExitCode;

/// How a command ended when nothing went wrong on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The answer is that something failed; it has been said.
    Failed,
    /// Answered, but not all of it or not of now: a script can refuse that.
    Incomplete,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Incomplete => 3,
        })
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logs could not be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The server did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// `get` was asked for something that there is not.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The query could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(io::Error),
    /// The system refuses what every process needs.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// What another room of the program could not do, in its own words.
    #[error("{0}")]
    Run(String),
}

impl Failure {
    /// 2 where the command line or the configuration is to blame, else 1.
    pub fn exit_code(&self) -> ExitCode {
        let usage = match self {
            Failure::Config(_) | Failure::Query(_) => true,
            Failure::Get(error) => error.is_usage(),
            _ => false,
        };
        ExitCode::from(if usage { 2 } else { 1 })
    }

    /// Whether the reader of our answer has gone, as `| head` does; nobody needs to hear of it.
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Failure::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}
