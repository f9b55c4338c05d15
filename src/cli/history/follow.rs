//! `planisphere history --follow`: the feed, fetched page by page and printed as it comes, until somebody stops it. A
//! server that is away for a while is asked again behind the last cursor.

use super::{HistoryArgs, nodes, op, told, what};
use crate::cli::client::{Client, ClientError};
use crate::cli::exit::{Exit, Failure};
use crate::cli::incident::{PlainOutput, reference, text};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// How long it waits before it asks again where nothing happened, or nobody answered.
const WAIT: Duration = Duration::from_secs(1);

/// Prints what changes, as it is accepted: a line each, JSON Lines where JSON is asked for.
///
/// # Errors
/// When the question is refused, or nothing more can be written.
pub async fn follow(
    client: &Client,
    args: &HistoryArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let query = format!(
        "query($filter: FeedFilter, $from: Instant, $after: String) {{ feed(filter: $filter, from: $from, after: $after) {{
            nodes {{ at how lastSeenAt version uid {} }} more cursor }} }}",
        told()
    );
    let filter = json!({
        "scope": args.scope.filter()?,
        "paths": (!args.paths.is_empty()).then_some(&args.paths),
        "status": args.scope.status,
    });
    let mut variables = json!({ "filter": filter, "from": args.from });
    let mut away = false;
    loop {
        let page = match client.data(&query, variables.clone(), None).await {
            Ok(mut data) => data["feed"].take(),
            Err(ClientError::Unreachable { .. } | ClientError::Timeout { .. })
                if !variables["after"].is_null() =>
            {
                if !away {
                    writeln!(err, "the server does not answer; trying again").map_err(Failure::Output)?;
                }
                away = true;
                tokio::time::sleep(WAIT).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        away = false;
        for change in nodes(&page) {
            line(change, args.scope.output, out)?;
        }
        out.flush().map_err(Failure::Output)?;
        variables = json!({ "filter": variables["filter"].take(), "after": page["cursor"] });
        if page["more"] == false && nodes(&page).is_empty() {
            tokio::time::sleep(WAIT).await;
        }
    }
}

fn line(change: &Value, output: PlainOutput, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let printed = match output {
        PlainOutput::Json => change.to_string(),
        PlainOutput::Table => {
            let (asset, cluster) = (&change["asset"], text(&change["asset"]["cluster"]));
            let (at, op) = (text(&change["at"]), op(change));
            format!("{at}  {op:<8}  {}  {cluster}  {}", reference(asset), what(change))
        }
    };
    writeln!(out, "{printed}").map_err(Failure::Output)
}
