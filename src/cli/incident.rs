//! The arguments of the questions that people have in an incident, and what these commands share: references turned into a
//! filter, answers printed. They ask the public API alone.

use super::as_of::AsOf;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::get::target::targets;
use super::get::{GetError, freshness};
use super::graph::Graph;
use super::{GetArgs, Output};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::io::Write;

/// References to what is asked about.
#[derive(Clone, Debug, Default, Args)]
pub struct References {
    /// References: node/worker-1, shop/Secret/db, prod/shop/Deployment.apps/cart, zone/eu-1a, cluster/ID, or kind and names
    #[arg(value_name = "REF", required = true)]
    pub what: String,
    /// More references, or names of that kind
    #[arg(value_name = "REF")]
    pub more: Vec<String>,
    /// Only in this namespace
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Only in this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// When it was.
    #[command(flatten)]
    pub when: AsOf,
}

/// How an answer that can be drawn is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphOutput {
    /// Columns
    #[default]
    Table,
    /// The whole answer
    Json,
    /// A graph for Graphviz
    Dot,
    /// A graph for Mermaid
    Mermaid,
}

impl GraphOutput {
    /// An answer, printed so; `name` is what Graphviz calls the graph.
    pub(super) fn print(
        self,
        name: &str,
        answer: &Value,
        table: impl Fn(&Value) -> String,
        graph: impl Fn(&Value) -> Graph,
    ) -> String {
        match self {
            Self::Table => table(answer),
            Self::Json => format!("{answer:#}\n"),
            Self::Dot => graph(answer).dot(name),
            Self::Mermaid => graph(answer).mermaid(),
        }
    }
}

/// How other answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlainOutput {
    /// Columns
    #[default]
    Table,
    /// The whole answer
    Json,
}

/// Arguments of `impact` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct ImpactArgs {
    /// What is asked about.
    #[command(flatten)]
    pub references: References,
    /// It is planned: nodes are drained, and still answer meanwhile
    #[arg(long)]
    pub planned: bool,
    /// Also look for room: which lost pods can be placed on what is left, and who would be evicted for them
    #[arg(long)]
    pub reschedule: bool,
    /// Also show Services that are touched and stay unaffected
    #[arg(long)]
    pub all: bool,
    /// How to print it: table, json, dot or mermaid
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: GraphOutput,
}

/// Arguments of `owners` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct OwnersArgs {
    /// References of which to tell the owners; without any: every owner with a count of workloads and Services
    #[arg(value_name = "REF")]
    pub what: Option<String>,
    /// More references, or names of that kind
    #[arg(value_name = "REF")]
    pub more: Vec<String>,
    /// Only in this namespace
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Only in this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// When it was.
    #[command(flatten)]
    pub when: AsOf,
    /// How to print it: table, json, dot or mermaid
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: GraphOutput,
}

/// Arguments of `why` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct WhyArgs {
    /// What is asked about.
    #[command(flatten)]
    pub references: References,
    /// How many minutes back changes count
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub window: i64,
    /// How to print it: table, json, dot or mermaid
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: GraphOutput,
}

/// Arguments of `drain-plan` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct DrainArgs {
    /// What is asked about.
    #[command(flatten)]
    pub references: References,
    /// How to print it: table, json, dot or mermaid
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: GraphOutput,
}

impl References {
    /// The API's filter of the assets that are named, with how each is told when it is not there.
    ///
    /// # Errors
    /// When a reference cannot be read.
    pub fn filter(&self) -> Result<(Value, Vec<Value>), GetError> {
        let args = GetArgs {
            what: self.what.clone(),
            names: self.more.clone(),
            namespace: self.namespace.clone(),
            cluster: self.cluster.clone(),
            output: Output::Name,
            ..GetArgs::default()
        };
        let filters: Vec<Value> = targets(&args)?.into_iter().map(|t| t.filter).collect();
        Ok((json!({ "or": filters }), filters))
    }
}

/// Whether an asset, with its cluster, kind, namespace and name, is one that a filter names.
fn is_named(asset: &Value, filter: &Value) -> bool {
    ["kind", "namespace", "name"].iter().all(|field| {
        let wanted = &filter[*field]["eq"];
        wanted.is_null() || asset[*field] == *wanted
    })
}

/// Fails where a named asset is not among those that were found.
pub(super) fn all_there(found: &Value, filters: &[Value]) -> Result<(), Failure> {
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    let missing: Vec<String> = filters
        .iter()
        .filter(|filter| !found.iter().any(|asset| is_named(asset, filter)))
        .map(|filter| {
            let text = |field: &str| filter[field]["eq"].as_str().unwrap_or_default().to_owned();
            let place = match text("namespace").as_str() {
                "" => String::new(),
                namespace => format!(" in namespace `{namespace}`"),
            };
            format!("there is no {} `{}`{place}", text("kind"), text("name"))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(GetError::NotFound(missing).into())
}

/// The assets that references name, with their ids.
pub(super) async fn found(client: &Client, references: &References) -> Result<Vec<Value>, Failure> {
    let (filter, filters) = references.filter()?;
    let query =
        "query($filter: AssetFilter, $asOf: Instant) { assets(filter: $filter, first: 500, asOf: $asOf) {
        nodes { id cluster kind namespace name } } }";
    let variables = json!({ "filter": filter, "asOf": references.when.as_of });
    let data = client.data(query, variables, None).await?;
    let nodes = &data["assets"]["nodes"];
    all_there(nodes, &filters)?;
    Ok(nodes.as_array().cloned().unwrap_or_default())
}

/// Says what is not well with an answer, and how the command ends for it.
pub(super) fn warn(answer: &Value, err: &mut (dyn Write + Send)) -> Result<Exit, Failure> {
    let mut warnings = freshness::warnings(answer);
    if answer["truncation"].as_array().is_some_and(|t| !t.is_empty()) || answer["truncated"] == true {
        warnings.insert("not everything was looked at: the answer is cut off".to_owned());
    }
    for warning in &warnings {
        writeln!(err, "warning: {warning}").map_err(Failure::Output)?;
    }
    Ok(if warnings.is_empty() {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

/// A name as people write it: namespace and name, or the name alone.
pub(super) fn name(asset: &Value) -> String {
    let text = |field: &str| asset[field].as_str().unwrap_or_default();
    match text("namespace") {
        "" => text("name").to_owned(),
        namespace => format!("{namespace}/{}", text("name")),
    }
}

/// A reference that other commands take.
pub(super) fn reference(asset: &Value) -> String {
    let text = |field: &str| asset[field].as_str().unwrap_or_default();
    match text("namespace") {
        "" => format!("{}/{}", text("kind"), text("name")),
        namespace => format!("{namespace}/{}/{}", text("kind"), text("name")),
    }
}

/// Text of a field; nothing where there is none.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
