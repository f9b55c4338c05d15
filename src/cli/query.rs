//! `planisphere query`: sends a query as it is and prints the data as it came.

use super::QueryArgs;
use super::client::{Answer, Client};
use super::exit::{Exit, Failure};
use serde_json::{Map, Value};
use std::io::{self, Read, Write};
use std::path::Path;

/// Why there is nothing to send.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query cannot be read.
    #[error("cannot read the query from {place}: {reason}")]
    Unreadable {
        /// File or standard input.
        place: String,
        /// Why.
        reason: String,
    },
    /// There is none.
    #[error(
        "the query is empty; give it as an argument, with -f FILE, or on standard input: planisphere query '{{ sync {{ clusters {{ name }} }} }}'"
    )]
    Empty,
    /// The variables are no JSON object.
    #[error("--variables must be a JSON object such as '{{\"first\": 10}}': {0}")]
    Variables(String),
    /// A variable has no value.
    #[error("--var {0} has no value; write --var name=value")]
    Variable(String),
}

/// Asks, prints the data on `out` and the errors on `err`.
///
/// # Errors
/// When there is nothing to send, or no answer.
pub async fn run(
    client: &Client,
    args: &QueryArgs,
    input: &mut (dyn Read + Send),
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let query = query(args, input)?;
    let variables = variables(args)?;
    let answer = client.ask(&query, variables, args.operation.as_deref()).await?;
    print(&answer, out, err).map_err(Failure::Output)
}

/// Prints an answer.
///
/// # Errors
/// When it cannot be written.
pub fn print(answer: &Answer, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    if let Some(data) = &answer.data {
        writeln!(out, "{data:#}")?;
    }
    for problem in &answer.errors {
        writeln!(err, "error: {problem}")?;
    }
    Ok(if answer.errors.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// The query of the arguments, else of the file, else of the input.
fn query(args: &QueryArgs, input: &mut dyn Read) -> Result<String, QueryError> {
    let unreadable = |place: String| {
        move |e: io::Error| QueryError::Unreadable {
            place,
            reason: e.to_string(),
        }
    };
    let text = match (&args.query, args.file.as_deref()) {
        (Some(query), _) => query.clone(),
        (None, Some(path)) if path != Path::new("-") => {
            std::fs::read_to_string(path).map_err(unreadable(path.display().to_string()))?
        }
        (None, _) => io::read_to_string(input).map_err(unreadable("standard input".to_owned()))?,
    };
    if text.trim().is_empty() {
        Err(QueryError::Empty)
    } else {
        Ok(text)
    }
}

/// All variables; one given by `--var` wins over one of `--variables`.
pub fn variables(args: &QueryArgs) -> Result<Value, QueryError> {
    let mut all: Map<String, Value> = match &args.variables {
        None => Map::new(),
        Some(text) => serde_json::from_str(text).map_err(|e| QueryError::Variables(e.to_string()))?,
    };
    for var in &args.vars {
        let (name, text) = var
            .split_once('=')
            .ok_or_else(|| QueryError::Variable(var.clone()))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        all.insert(name.trim_start_matches('$').to_owned(), value);
    }
    Ok(Value::Object(all))
}
