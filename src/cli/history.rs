//! `planisphere history` and `planisphere diff`: what changed in a window, and what differs between two instants.

mod follow;

use super::as_of::instant;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::get::freshness::SELECT;
use super::incident::{PlainOutput, References, found, reference, text, warn};
use super::table::Table;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// The API's largest page.
const PAGE: usize = 200;
/// How much of a change a table shows.
const SHOWN: usize = 3;

/// What both commands are asked about.
#[derive(Clone, Debug, Default, Args)]
pub struct Scope {
    /// Kinds (pods,svc) or references such as shop/Deployment/cart; everything where left out
    #[arg(value_name = "KIND|REF")]
    pub what: Option<String>,
    /// Names of that kind, or more references
    #[arg(value_name = "NAME")]
    pub more: Vec<String>,
    /// Only in this namespace
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Only in this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Also what controllers and kubelets report all the time: phases, conditions, counts of what is ready
    #[arg(long)]
    pub status: bool,
    /// At the most so many; 0 is all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// How to print it: table or json
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: PlainOutput,
}

/// Arguments of `history` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct HistoryArgs {
    /// What is asked about.
    #[command(flatten)]
    pub scope: Scope,
    /// From this instant on: RFC 3339, or how long ago (15m, 2h, 3d); the last hour where left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub from: Option<String>,
    /// Up to this instant, exclusive; now where left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub to: Option<String>,
    /// Only what was near this asset, as the graph then was
    #[arg(long, value_name = "REF")]
    pub near: Option<String>,
    /// Print what changes as it happens, from `--from` or from now on, until stopped; with -o json one object a line
    #[arg(long, conflicts_with_all = ["to", "near", "limit"])]
    pub follow: bool,
    /// How many hops are near
    #[arg(long, value_name = "N", default_value_t = 2, requires = "near")]
    pub hops: u8,
    /// Only where this field changed: a dotted path, * is any one part (containers.*.image). Repeat it for more
    #[arg(long = "path", value_name = "PATH")]
    pub paths: Vec<String>,
}

/// Arguments of `diff` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct DiffArgs {
    /// What is asked about.
    #[command(flatten)]
    pub scope: Scope,
    /// The first instant: RFC 3339, or how long ago (15m, 2h, 3d)
    #[arg(long, value_name = "INSTANT", value_parser = instant, required = true)]
    pub from: Option<String>,
    /// The second instant; now where left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub to: Option<String>,
}

impl Scope {
    /// The API's filter.
    fn filter(&self) -> Result<Value, Failure> {
        if let Some(what) = &self.what {
            let references = References {
                what: what.clone(),
                more: self.more.clone(),
                namespace: self.namespace.clone(),
                cluster: self.cluster.clone(),
                ..References::default()
            };
            return Ok(references.filter()?.0);
        }
        let mut filter = json!({});
        for (field, value) in [("namespace", &self.namespace), ("cluster", &self.cluster)] {
            if let Some(value) = value {
                filter[field] = json!({ "eq": value });
            }
        }
        Ok(filter)
    }
}

const ASSET: &str = "cluster kind namespace name";

fn told() -> String {
    let edge = format!("relation source {{ {ASSET} }} target {{ {ASSET} }}");
    format!(
        "asset {{ {ASSET} }} op newIncarnation fields {{ path before after }} edgesStarted {{ {edge} }} edgesEnded {{ {edge} }}"
    )
}

/// What changed in a window.
///
/// # Errors
/// When a reference cannot be read or names nothing, there is no answer, or it cannot be written.
pub async fn history(
    client: &Client,
    args: &HistoryArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    if args.follow {
        return follow::follow(client, args, out, err).await;
    }
    let near = match &args.near {
        None => Value::Null,
        Some(near) => {
            let references = References {
                what: near.clone(),
                namespace: args.scope.namespace.clone(),
                cluster: args.scope.cluster.clone(),
                ..References::default()
            };
            let found = found(client, &references).await?;
            json!({ "asset": { "id": found.first().map(|a| a["id"].clone()) }, "hops": args.hops })
        }
    };
    let query = format!(
        "query($filter: ChangeFilter, $first: Int!, $after: String) {{ answer: changes(filter: $filter, first: $first, after: $after) {{
            nodes {{ at how lastSeenAt version uid distance {} }} from to truncated pageInfo {{ hasNextPage endCursor }} {SELECT} }} }}",
        told()
    );
    let filter = json!({
        "scope": args.scope.filter()?,
        "from": args.from,
        "to": args.to,
        "near": near,
        "paths": (!args.paths.is_empty()).then_some(&args.paths),
        "status": args.scope.status,
    });
    let answer = pages(client, &query, json!({ "filter": filter }), args.scope.limit).await?;
    let mut table = Table::new(["WHEN", "OP", "ASSET", "CLUSTER", "WHAT"]);
    for change in nodes(&answer) {
        table.row([
            text(&change["at"]),
            op(change),
            reference(&change["asset"]),
            text(&change["asset"]["cluster"]),
            what(change),
        ]);
    }
    print(&answer, args.scope.output, &table, "nothing changed", out, err)
}

/// What differs between two instants.
///
/// # Errors
/// When a reference cannot be read, there is no answer, or it cannot be written.
pub async fn diff(
    client: &Client,
    args: &DiffArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let query = format!(
        "query($scope: AssetFilter, $from: Instant!, $to: Instant, $status: Boolean!, $first: Int!, $after: String) {{
            answer: diff(scope: $scope, from: $from, to: $to, status: $status, first: $first, after: $after) {{
            nodes {{ {} }} from to truncated pageInfo {{ hasNextPage endCursor }} {SELECT} }} }}",
        told()
    );
    let variables = json!({
        "scope": args.scope.filter()?, "from": args.from, "to": args.to, "status": args.scope.status,
    });
    let answer = pages(client, &query, variables, args.scope.limit).await?;
    let mut table = Table::new(["OP", "ASSET", "CLUSTER", "WHAT"]);
    for difference in nodes(&answer) {
        table.row([
            op(difference),
            reference(&difference["asset"]),
            text(&difference["asset"]["cluster"]),
            what(difference),
        ]);
    }
    print(&answer, args.scope.output, &table, "nothing differs", out, err)
}

/// All pages up to the limit, as one answer.
async fn pages(client: &Client, query: &str, mut variables: Value, limit: usize) -> Result<Value, Failure> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut all: Vec<Value> = Vec::new();
    loop {
        variables["first"] = PAGE.min(limit - all.len()).into();
        let mut data = client.data(query, variables.clone(), None).await?;
        let mut page = data["answer"].take();
        if let Value::Array(nodes) = page["nodes"].take() {
            all.extend(nodes);
        }
        let more = page["pageInfo"]["hasNextPage"] == true;
        let next = page["pageInfo"]["endCursor"].clone();
        let same = next == variables["after"];
        variables["after"] = next;
        if !more || same || all.len() >= limit {
            page["nodes"] = all.into();
            return Ok(page);
        }
    }
}

fn nodes(answer: &Value) -> &[Value] {
    answer["nodes"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn op(change: &Value) -> String {
    match (change["op"].as_str(), change["newIncarnation"] == true) {
        (Some("UPDATE"), true) => "RECREATE".to_owned(),
        (Some(op), _) => op.to_owned(),
        (None, _) => "EDGES".to_owned(),
    }
}

/// Fields and edges in a few words.
fn what(change: &Value) -> String {
    let list = |field: &str| change[field].as_array().cloned().unwrap_or_default();
    let value = |value: &Value| match text(value).as_str() {
        "" => "-".to_owned(),
        text => text.chars().take(40).collect(),
    };
    let fields = list("fields").into_iter().map(|f| {
        format!(
            "{}: {} -> {}",
            text(&f["path"]),
            value(&f["before"]),
            value(&f["after"])
        )
    });
    let edge = |sign: &'static str| {
        move |e: Value| {
            format!(
                "{sign}{} {} {}",
                reference(&e["source"]),
                text(&e["relation"]),
                reference(&e["target"])
            )
        }
    };
    let parts: Vec<String> = fields
        .chain(list("edgesStarted").into_iter().map(edge("+")))
        .chain(list("edgesEnded").into_iter().map(edge("-")))
        .collect();
    let more = parts.len().saturating_sub(SHOWN);
    let mut shown = parts.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        shown.push_str(&format!(" and {more} more"));
    }
    shown
}

fn print(
    answer: &Value,
    output: PlainOutput,
    table: &Table,
    nothing: &str,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let window = format!("from {} to {}", text(&answer["from"]), text(&answer["to"]));
    let printed = match output {
        PlainOutput::Json => format!("{answer:#}\n"),
        PlainOutput::Table if table.is_empty() => format!("{nothing} {window}\n"),
        PlainOutput::Table => table.to_string(),
    };
    out.write_all(printed.as_bytes()).map_err(Failure::Output)?;
    if answer["pageInfo"]["hasNextPage"] == true {
        writeln!(err, "there is more {window}; raise --limit, or narrow the window")
            .map_err(Failure::Output)?;
    }
    warn(answer, err)
}
