//! Logs: lines for people on a terminal, JSON for machines otherwise, always on standard error. Standard output belongs
//! to answers and addresses.

use crate::config::{LogFormat, LogSettings};
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Libraries that say at `info` what only we should say. Directives of the reader come later and win.
const QUIET: &str = "hyper=warn,hyper_util=warn,rustls=warn,tower=warn,kube_client=warn,h2=warn";

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is no level; the configuration checks it before.
    #[error("cannot read the log level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else has taken the logs of this process.
    #[error("logs are set up already: {0}")]
    Taken(#[from] SetGlobalDefaultError),
}

/// Logs through `writer` from now on, for the whole process.
///
/// # Errors
/// When it was called before.
pub fn init<W>(settings: &LogSettings, writer: W) -> Result<(), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let terminal = std::io::stderr().is_terminal();
    Ok(tracing::subscriber::set_global_default(subscriber(
        settings, terminal, writer,
    )?)?)
}

/// What writes logs as set, knowing whether `writer` ends at a terminal.
///
/// # Errors
/// When the level is no level.
pub fn subscriber<W>(
    settings: &LogSettings,
    terminal: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.level))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    let text = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    Ok(if text {
        Box::new(
            builder
                .with_ansi(settings.color.on(terminal))
                .with_target(false)
                .finish(),
        )
    } else {
        Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .finish(),
        )
    })
}
