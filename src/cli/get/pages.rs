//! Follows the pages of one question to their end, or to the limit.

use super::freshness;
use super::kinds::graphql_type;
use super::target::Target;
use crate::cli::GetArgs;
use crate::cli::client::{Client, ClientError};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many assets a page has: so few that all fields of a page of the widest kind stay below the API's limit of fields.
const PAGE: usize = 400;
/// As [`PAGE`], of those of one name, of which more is shown.
const NAMED_PAGE: usize = 50;

/// What the server answered to one question.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The question.
    pub target: Target,
    /// The assets, as GraphQL answered them.
    pub assets: Vec<Value>,
    /// What is not well with the answer.
    pub warnings: BTreeSet<String>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// Asks page by page. `select` is what to ask of an asset beyond what every asset has.
pub(super) async fn fetch(
    client: &Client,
    target: Target,
    args: &GetArgs,
    select: &str,
) -> Result<Fetched, ClientError> {
    let query = query(graphql_type(target.kind), select);
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut fetched = Fetched {
        target,
        assets: Vec::new(),
        warnings: BTreeSet::new(),
        more: false,
    };
    let mut after = Value::Null;
    loop {
        let page = if fetched.target.named.is_some() {
            NAMED_PAGE
        } else {
            PAGE
        };
        let first = page.min(limit - fetched.assets.len());
        let variables = json!({
            "filter": fetched.target.filter, "search": args.search, "first": first, "after": after,
            "asOf": args.when.as_of,
        });
        let mut data = client.data(&query, variables, Some("PlanisphereGet")).await?;
        let connection = &mut data["assets"];
        fetched.warnings.append(&mut freshness::warnings(connection));
        if let Value::Array(nodes) = connection["nodes"].take() {
            fetched.assets.extend(nodes);
        }
        let more = connection["pageInfo"]["hasNextPage"] == true;
        let next = connection["pageInfo"]["endCursor"].take();
        // A server that says "more" without saying where would be asked for ever.
        if !more || next.is_null() || next == after || fetched.assets.len() >= limit {
            fetched.more = more;
            return Ok(fetched);
        }
        after = next;
    }
}

fn query(asset_type: &str, select: &str) -> String {
    let typed = match select {
        "" => String::new(),
        fields => format!("... on {asset_type} {{ {fields} }}"),
    };
    format!(
        "query PlanisphereGet($filter: AssetFilter, $search: String, $first: Int!, $after: String, $asOf: Instant) {{ \
         assets(filter: $filter, search: $search, first: $first, after: $after, asOf: $asOf) {{ \
         nodes {{ {common} {typed} }} pageInfo {{ hasNextPage endCursor }} {fresh} }} }}",
        common = super::selection::COMMON,
        fresh = freshness::SELECT,
    )
}
