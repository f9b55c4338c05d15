//! `planisphere get`: assets as kubectl shows them, for all clusters at once. It asks the public API alone, as anybody
//! could, and knows nothing of the graph behind it.

pub mod cells;
pub mod freshness;
pub mod kinds;
mod pages;
mod print;
mod selection;
pub mod target;

pub use pages::Fetched;
pub use print::{Printing, print};

use super::client::Client;
use super::exit::{Exit, Failure};
use super::{GetArgs, Output};
use std::io::Write;
use target::Target;

/// Why `get` cannot show what it was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GetError {
    /// No such kind.
    #[error("unknown kind `{word}`{}; kinds are named as in kubectl (pods, deploy, Job.batch, Widget.example.org)", hint(.nearest))]
    Kind {
        /// The word.
        word: String,
        /// The known kind that looks most like it.
        nearest: Option<String>,
    },
    /// No reference.
    #[error(
        "`{0}` is no reference; write cluster/namespace/Kind/name, or cluster/Kind/name for what lives in no namespace"
    )]
    Reference(String),
    /// No selector.
    #[error("`{0}` is no label selector; write key=value, key!=value, key, !key or key in (a,b)")]
    Selector(String),
    /// Nothing of that name.
    #[error("{}", .0.join("\n"))]
    NotFound(Vec<String>),
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|n| format!(", did you mean `{n}`?"))
        .unwrap_or_default()
}

impl GetError {
    /// Whether the command line is to blame.
    pub fn is_usage(&self) -> bool {
        !matches!(self, GetError::NotFound(_))
    }
}

/// Asks and prints: answers on `out`, warnings on `err`. Ages count from `now_ms`.
///
/// # Errors
/// When the command line cannot be read, there is no answer, or nothing has the name that was asked for.
pub async fn run(
    client: &Client,
    args: &GetArgs,
    now_ms: i64,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let targets = target::targets(args)?;
    // Of the past, ages count from that moment.
    let now_ms = args.when.unix_ms().unwrap_or(now_ms);
    let schema = match args.output {
        Output::Json | Output::Yaml => Some(selection::Schema::ask(client).await?),
        _ => None,
    };
    let mut fetched = Vec::new();
    for target in targets {
        let select = match &schema {
            Some(schema) if target.named.is_some() => schema.details(kinds::graphql_type(target.kind)),
            Some(schema) => schema.all_fields(kinds::graphql_type(target.kind)),
            None => selection::of_columns(target.kind, args.output),
        };
        fetched.push(pages::fetch(client, target, args, &select).await?);
    }
    finish(fetched, args, now_ms, out, err)
}

/// Prints what was fetched and settles how the command ends.
///
/// # Errors
/// When it cannot be written, or nothing has the name that was asked for.
pub fn finish(
    fetched: Vec<Fetched>,
    args: &GetArgs,
    now_ms: i64,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let missing: Vec<String> = fetched.iter().filter_map(missing).collect();
    let warnings: std::collections::BTreeSet<String> =
        fetched.iter().flat_map(|f| f.warnings.clone()).collect();
    let printing = Printing::of(args, now_ms);
    print(fetched, &printing, out, err).map_err(Failure::Output)?;
    for warning in &warnings {
        writeln!(err, "warning: {warning}").map_err(Failure::Output)?;
    }
    if !missing.is_empty() {
        return Err(GetError::NotFound(missing).into());
    }
    Ok(if warnings.is_empty() {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

fn missing(fetched: &Fetched) -> Option<String> {
    let Target { kind, named, filter } = &fetched.target;
    let name = named.as_ref().filter(|_| fetched.assets.is_empty())?;
    let at = |field: &str| filter[field]["eq"].as_str().map(|v| format!(" in {field} `{v}`"));
    let place = [at("namespace"), at("cluster")]
        .into_iter()
        .flatten()
        .collect::<String>();
    Some(format!("there is no {kind} `{name}`{place}"))
}
