//! Planisphere: a CMDB for Kubernetes fleets. Keep what `planisphere-sync` observes, ask about it, serve the answers.

pub mod admin;
pub mod api;
pub mod calls;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod export;
pub mod ingest;
pub mod lifecycle;
pub mod observe;
pub mod origins;
pub mod owners;
pub mod query;
pub mod retention;
pub mod rules;
pub mod serve;
pub mod store;
pub mod telemetry;

use clap_complete::generate;
use cli::client::Client;
use cli::exit::{Exit, Failure};
use cli::screen::Screen;
use cli::{Command, VersionOutput};
use config::{ConfigError, Settings, Surroundings};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Runs the command line to its end: all there is to the program.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // More than one TLS library may be compiled in; without a choice, the first connection would panic. It fails only
    // where the choice was made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let parsed = match cli::parse(args) {
        Ok(parsed) => parsed,
        Err(told) => {
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    let mut out = io::stdout();
    let answered = dispatch(parsed, Surroundings::of_process(), &mut out);
    let flushed = answered.and_then(|exit| out.flush().map(|()| exit).map_err(Failure::Output));
    match flushed {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_reader_gone() => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "planisphere: {failure}");
            failure.exit_code()
        }
    }
}

/// The one place that sees all rooms: which of them answers which command.
fn dispatch(parsed: cli::Parsed, around: Surroundings, out: &mut io::Stdout) -> Result<Exit, Failure> {
    let cli::Parsed { cli, flags } = parsed;
    let settings = || Settings::load(cli.config.as_deref(), around.clone(), &flags);
    if cli.print_config {
        return print(out, &settings()?.print());
    }
    match &cli.command {
        // These depend on no settings, so that a mistake in a file cannot keep them from answering.
        Command::Completion { shell } => {
            let mut script = Vec::new();
            generate(*shell, &mut cli::command(), "planisphere", &mut script);
            out.write_all(&script).map_err(Failure::Output)?;
            Ok(Exit::Done)
        }
        Command::Version { output } => print(out, &version(*output)),
        Command::Schema => print(out, &api::schema_sdl()),
        Command::Get(args) => {
            let client = ready_to_ask(&settings()?)?;
            let now_ms = clock::wall_ms();
            asking()?.block_on(cli::get::run(&client, args, now_ms, out, &mut io::stderr()))
        }
        Command::Query(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::query::run(
                &client,
                args,
                &mut io::stdin(),
                out,
                &mut io::stderr(),
            ))
        }
        Command::Impact(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::impact::run(&client, args, out, &mut io::stderr()))
        }
        Command::Why(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::drain::why(&client, args, out, &mut io::stderr()))
        }
        Command::DrainPlan(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::drain::plan(&client, args, out, &mut io::stderr()))
        }
        Command::Owners(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::owners::run(&client, args, out, &mut io::stderr()))
        }
        Command::Export(args) => {
            let settings = settings()?;
            let client = ready_to_ask(&settings)?;
            let screen = io::stderr().is_terminal().then(|| Screen::new(io::stderr()));
            asking()?.block_on(cli::export::run(&client, args, screen, out, &mut io::stderr()))
        }
        Command::VerifyExport(args) => cli::verify::run(args, out, &mut io::stderr()),
        Command::History(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::history::history(&client, args, out, &mut io::stderr()))
        }
        Command::Diff(args) => {
            let client = ready_to_ask(&settings()?)?;
            asking()?.block_on(cli::history::diff(&client, args, out, &mut io::stderr()))
        }
        Command::Check(args) => {
            let settings = settings()?;
            telemetry::init(&settings.log()?, io::stderr)?;
            let rules = settings.rules();
            let sources = match settings.sources() {
                // Rules can be checked where there is no cluster.
                Err(ConfigError::NoCluster { .. }) if !rules.is_empty() => None,
                sources => Some(sources?),
            };
            let rows = asking()?.block_on(check::check(sources.as_ref(), &rules))?;
            print(out, &cli::check::show(&rows, args.output))?;
            Ok(if cli::check::passed(&rows) {
                Exit::Done
            } else {
                Exit::Failed
            })
        }
        Command::Serve => {
            let settings = settings()?;
            let screen = logging(&settings)?;
            serving()?
                .block_on(serve::serve(settings.serve()?, screen, out))
                .map(|()| Exit::Done)
        }
        Command::Demo(args) => {
            let settings = settings()?;
            let screen = logging(&settings)?;
            let demo = demo::demo(settings.demo()?, args.once, screen, out);
            serving()?.block_on(demo).map(|()| Exit::Done)
        }
    }
}

/// Sets up logs; on a terminal they share a screen with what shows progress.
fn logging(settings: &Settings) -> Result<Option<Screen<io::Stderr>>, Failure> {
    let screen = io::stderr().is_terminal().then(|| Screen::new(io::stderr()));
    match &screen {
        Some(screen) => telemetry::init(&settings.log()?, screen.clone())?,
        None => telemetry::init(&settings.log()?, io::stderr)?,
    }
    Ok(screen)
}

fn ready_to_ask(settings: &Settings) -> Result<Client, Failure> {
    telemetry::init(&settings.log()?, io::stderr)?;
    Ok(Client::new(settings.client()?)?)
}

/// A runtime for one question at a time.
fn asking() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(Failure::Start)
}

/// A runtime for mirrors and many questions at once.
fn serving() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(Failure::Start)
}

fn print(out: &mut dyn Write, text: &str) -> Result<Exit, Failure> {
    out.write_all(text.as_bytes()).map_err(Failure::Output)?;
    Ok(Exit::Done)
}

/// The version alone: nothing of the machine that built it, so that builds can be compared.
fn version(output: VersionOutput) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match output {
        VersionOutput::Text => format!("planisphere {version}\n"),
        VersionOutput::Json => format!(
            "{:#}\n",
            serde_json::json!({"name": "planisphere", "version": version})
        ),
    }
}
