//! The command line: what can be asked for and how it is explained. It settles nothing: settings come from the table of
//! keys, with their flags made here, and the work is done elsewhere.

pub mod as_of;
pub mod check;
pub mod client;
pub mod drain;
pub mod exit;
pub mod export;
pub mod get;
mod graph;
mod help;
pub mod history;
pub mod impact;
pub mod incident;
pub mod owners;
pub mod progress;
pub mod query;
pub mod screen;
pub mod table;
pub mod verify;

use as_of::AsOf;
use export::ExportArgs;
use history::{DiffArgs, HistoryArgs};
use incident::{DrainArgs, ImpactArgs, OwnersArgs, WhyArgs};
use verify::VerifyArgs;

use crate::config::{Flag, KEYS, Key, Shape};
use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// A CMDB for Kubernetes fleets: a live graph of every cluster, answered over GraphQL.
#[derive(Debug, Parser)]
#[command(
    name = "planisphere",
    version,
    propagate_version = false,
    disable_help_subcommand = true
)]
#[command(after_help = help::ROOT, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Configuration file, TOML or YAML; without it ~/.config/planisphere/config.toml, where it exists [env: PLANISPHERE_CONFIG]
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Logs and configuration"
    )]
    pub config: Option<PathBuf>,
    /// Print every setting with its value and who said so, as a configuration file, and exit
    #[arg(long, global = true, help_heading = "Logs and configuration")]
    pub print_config: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Mirror clusters and answer questions about them; run this where a kubeconfig is, or in a cluster
    #[command(after_help = help::SERVE)]
    Serve,
    /// Try it without any cluster: a simulated fleet that changes, and questions with their answers
    #[command(after_help = help::DEMO)]
    Demo(DemoArgs),
    /// Show assets as a table, as kubectl does, for all clusters at once
    #[command(after_help = help::GET)]
    Get(GetArgs),
    /// Ask a question in GraphQL; use this in scripts, and when `get` shows too little
    #[command(after_help = help::QUERY)]
    Query(QueryArgs),
    /// Show what breaks if something breaks: Services, how lost pods come back, whom to tell
    #[command(after_help = help::IMPACT)]
    Impact(ImpactArgs),
    /// Show what may have broken something: what is below it and unhealthy, gone or changed lately
    #[command(after_help = help::WHY)]
    Why(WhyArgs),
    /// Order nodes into waves that may be taken down without breaking a Service or a disruption budget
    #[command(name = "drain-plan", after_help = help::DRAIN)]
    DrainPlan(DrainArgs),
    /// Show who answers for something, and why; or count what every owner has
    #[command(after_help = help::OWNERS)]
    Owners(OwnersArgs),
    /// Write assets to a file for auditors and other tools, with a manifest of sums, freshness and a signature
    #[command(after_help = help::EXPORT)]
    Export(ExportArgs),
    /// Check that an export is whole, unchanged and signed
    #[command(name = "verify-export", after_help = help::VERIFY)]
    VerifyExport(VerifyArgs),
    /// Show what changed in a window: fields before and after, edges that came and went
    #[command(after_help = help::HISTORY)]
    History(HistoryArgs),
    /// Show what differs between two instants
    #[command(after_help = help::DIFF)]
    Diff(DiffArgs),
    /// Print the GraphQL schema, for editors and code generators
    #[command(after_help = help::SCHEMA)]
    Schema,
    /// Check before serving: are the clusters reachable, what may we read, do the clocks agree
    #[command(after_help = help::CHECK)]
    Check(CheckArgs),
    /// Print a completion script for a shell
    #[command(after_help = help::COMPLETION)]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    #[command(after_help = help::VERSION)]
    Version {
        /// How to print it: text or json
        #[arg(
            short,
            long,
            value_name = "FORMAT",
            default_value = "text",
            hide_possible_values = true
        )]
        output: VersionOutput,
    },
}

/// Arguments of `demo` that are no settings.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Exit after the questions are answered, instead of serving on
    #[arg(long)]
    pub once: bool,
}

/// Arguments of `get` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct GetArgs {
    /// Kinds separated by commas (pods,svc), `all`, or references such as cluster/namespace/Kind/name
    #[arg(value_name = "KIND|REF", required = true)]
    pub what: String,
    /// Names, or more references
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Only this namespace
    #[arg(short, long, value_name = "NAME", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// All namespaces; this is so unless one is named
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Only what has this label: key=value, key!=value, key or !key; several are separated by commas
    #[arg(short = 'l', long, value_name = "LABEL")]
    pub selector: Vec<String>,
    /// When it was.
    #[command(flatten)]
    pub when: AsOf,
    /// Only what has all these words in its name, namespace or a label's value
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// At the most so many of each kind; 0 is all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// How to print it: table, wide, json, yaml or name
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: Output,
    /// Leave out the titles of columns
    #[arg(long)]
    pub no_headers: bool,
}

/// Arguments of `query` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct QueryArgs {
    /// The query; without it and without --file it is read from standard input
    #[arg(value_name = "QUERY", conflicts_with = "file")]
    pub query: Option<String>,
    /// File that holds the query; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Variables, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub variables: Option<String>,
    /// One variable; the value is JSON where it reads as JSON, else text. Repeat it for more
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Which operation of the query to run
    #[arg(long, value_name = "NAME")]
    pub operation: Option<String>,
}

/// Arguments of `check` that are no settings.
#[derive(Clone, Copy, Debug, Args)]
pub struct CheckArgs {
    /// How to print it: table or json
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: CheckOutput,
}

/// How `get` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns of about 80 characters
    #[default]
    Table,
    /// More columns
    Wide,
    /// One JSON array
    Json,
    /// One YAML list
    Yaml,
    /// References, one a line: input for other commands
    Name,
}

/// How `check` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// Columns
    Table,
    /// One JSON array
    Json,
}

/// How `version` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VersionOutput {
    /// One line
    Text,
    /// One JSON object
    Json,
}

/// A parsed command line.
#[derive(Debug)]
pub struct Parsed {
    /// What was asked for.
    pub cli: Cli,
    /// Settings given as flags.
    pub flags: Vec<Flag>,
}

/// The whole definition, the flags of settings included.
pub fn command() -> clap::Command {
    let with_globals = KEYS
        .iter()
        .filter(|key| key.commands.is_empty())
        .fold(Cli::command(), |command, key| command.arg(flag(key).global(true)));
    let names: Vec<String> = with_globals
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    names.iter().fold(with_globals, |command, name| {
        let flags: Vec<Arg> = KEYS.iter().filter(|key| key.is_flag_of(name)).map(flag).collect();
        command.mut_subcommand(name, |sub| sub.args(flags))
    })
}

/// Reads a command line.
///
/// # Errors
/// On help, version and usage errors; clap's error knows how to print itself and with which code to exit.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    Ok(Parsed {
        cli: Cli::from_arg_matches(&matches)?,
        flags: matches
            .subcommand()
            .map(|(_, sub)| flags(sub))
            .unwrap_or_default(),
    })
}

/// The flag of a setting, explained by its row.
fn flag(key: &'static Key) -> Arg {
    let mut explained = format!("{} [env: {}]", key.help, key.env());
    if let Some(default) = key.default.filter(|_| key.shape != Shape::Switch) {
        explained.push_str(&format!(" [default: {default}]"));
    }
    let arg = Arg::new(key.name)
        .long(key.flag)
        .value_name(key.value_name)
        .help(explained)
        .help_heading(key.heading);
    match key.shape {
        Shape::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true)
            .value_parser(["true", "false"]),
        Shape::Choice(words) => arg.value_parser(PossibleValuesParser::new(words)),
        Shape::List | Shape::Paths => arg.action(ArgAction::Append),
        Shape::Text => arg.allow_hyphen_values(false),
    }
}

fn flags(matches: &ArgMatches) -> Vec<Flag> {
    let given = |key: &&Key| {
        let known = matches.try_contains_id(key.name).unwrap_or(false);
        known && matches.value_source(key.name) == Some(ValueSource::CommandLine)
    };
    let values = |key: &Key| {
        let texts = matches.get_many::<String>(key.name).into_iter().flatten();
        texts.cloned().collect()
    };
    let flag = |key: &'static Key| Flag {
        key: key.name,
        values: values(key),
    };
    KEYS.iter().filter(given).map(flag).collect()
}
