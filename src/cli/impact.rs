//! `planisphere impact`: what breaks if this breaks, as a table, as JSON, or as a graph to paste somewhere.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::get::freshness::SELECT;
use super::graph::Graph;
use super::incident::{ImpactArgs, all_there, name, reference, text, warn};
use super::table::Table;
use serde_json::{Value, json};
use std::io::Write;

/// Asks page by page and prints.
///
/// # Errors
/// When a reference cannot be read or names nothing, there is no answer, or it cannot be written.
pub async fn run(
    client: &Client,
    args: &ImpactArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let (filter, filters) = args.references.filter()?;
    let answer = ask(client, args, &filter)
        .await
        .map_err(|failure| match failure {
            // The server's words speak of GraphQL's fields; ours name what was not found.
            Failure::Client(error) if error.to_string().contains("nothing fails") => {
                all_there(&Value::Null, &filters)
                    .err()
                    .unwrap_or(Failure::Client(error))
            }
            other => other,
        })?;
    all_there(&answer["failed"], &filters)?;
    let printed = args.output.print("impact", &answer, table, graph);
    out.write_all(printed.as_bytes()).map_err(Failure::Output)?;
    warn(&answer, err)
}

async fn ask(client: &Client, args: &ImpactArgs, filter: &Value) -> Result<Value, Failure> {
    let asset = "cluster kind namespace name";
    let query = format!(
        "query($input: ImpactInput!, $states: [ImpactState!], $after: String, $asOf: Instant) {{ impact(input: $input, asOf: $asOf) {{
            failed {{ {asset} }} failedAssets {{ value exact }} failedPods {{ value }} startBlockedPods {{ value }} evictedPods {{ value }}
            summary {{ state services }}
            services(state: $states, first: 200, after: $after) {{
                nodes {{ service {{ {asset} }} state own propagated {{ state callee {{ {asset} }} source stale }} reason
                    instancesBefore instancesLost instancesLeft requiredInstances requiredBy
                    lost(first: 20) {{ asset {{ {asset} }} recovery recoverySeconds obstacle candidate {{ {asset} }} evicts {{ {asset} }} }}
                    path {{ relation source {{ {asset} }} target {{ {asset} }} }}
                    ownership {{ owner {{ name }} }} }}
                pageInfo {{ hasNextPage endCursor }} }}
            entryPoints {{ asset {{ {asset} }} state exposureDegraded reason }}
            refusals {{ by {{ {asset} }} service {{ {asset} }} refused refusesPods reason }}
            notify {{ owner {{ name }} contacts {{ channel address }} worst services {{ {asset} }} }}
            truncation {{ at skipped }} {SELECT} }} }}"
    );
    let states = match args.all {
        true => Value::Null,
        false => json!(["DOWN", "DEGRADED", "AT_RISK"]),
    };
    let input =
        json!({ "failed": { "select": filter }, "planned": args.planned, "reschedule": args.reschedule });
    let mut after = Value::Null;
    let mut answer = Value::Null;
    loop {
        let variables =
            json!({ "input": input, "states": states, "after": after, "asOf": args.references.when.as_of });
        let mut data = client.data(&query, variables, None).await?;
        let page = data["impact"].take();
        let more = page["services"]["pageInfo"]["hasNextPage"] == true;
        after = page["services"]["pageInfo"]["endCursor"].clone();
        match answer["services"]["nodes"].as_array_mut() {
            Some(all) => all.extend(page["services"]["nodes"].as_array().cloned().unwrap_or_default()),
            None => answer = page,
        }
        if !more {
            return Ok(answer);
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What failed, the paths that the failure took, and the state of each Service.
fn graph(answer: &Value) -> Graph {
    let mut graph = Graph::default();
    for failed in list(&answer["failed"]) {
        graph.asset(failed, "FAILED");
    }
    for node in list(&answer["services"]["nodes"]) {
        let service = graph.asset(&node["service"], &text(&node["state"]));
        graph.path(&node["path"]);
        let callee = &node["propagated"]["callee"];
        if !callee.is_null() {
            let callee = graph.asset(callee, "");
            graph.edge(&service, &callee, "CALLS");
        }
    }
    for refusal in list(&answer["refusals"]) {
        let by = graph.asset(&refusal["by"], "REFUSES");
        let service = graph.asset(&refusal["service"], "");
        graph.edge(&by, &service, "CALLS_WEBHOOK");
    }
    graph
}

fn table(answer: &Value) -> String {
    let failed: Vec<String> = list(&answer["failed"]).iter().take(5).map(reference).collect();
    let counts: Vec<String> = list(&answer["summary"])
        .iter()
        .map(|c| {
            let state = text(&c["state"]).to_lowercase().replace('_', " ");
            format!("{} {state}", c["services"])
        })
        .collect();
    let counts = match counts.is_empty() {
        true => "no Service is touched".to_owned(),
        false => format!("Services: {}", counts.join(", ")),
    };
    let more = list(&answer["failed"]).len().saturating_sub(failed.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let mut told = format!(
        "If {}{more} fails: {} pods are lost, {} could not start again{}. {counts}.\n",
        failed.join(", "),
        answer["failedPods"]["value"],
        answer["startBlockedPods"]["value"],
        evicted(answer),
    );
    let mut services = Table::new([
        "STATE", "SERVICE", "CLUSTER", "LEFT", "NEED", "BACK", "OWNER", "WHY",
    ]);
    for node in list(&answer["services"]["nodes"]) {
        services.row([
            text(&node["state"]),
            name(&node["service"]),
            text(&node["service"]["cluster"]),
            format!("{}/{}", node["instancesLeft"], node["instancesBefore"]),
            text(&node["requiredInstances"]),
            back(node),
            text(&node["ownership"]["owner"]["name"]),
            text(&node["reason"]),
        ]);
    }
    if !services.is_empty() {
        told.push_str(&format!("\n{services}"));
    }
    let mut ways = Table::new(["STATE", "ENTRY POINT", "CLUSTER", "WHY"]);
    for way in list(&answer["entryPoints"]) {
        ways.row([
            text(&way["state"]),
            reference(&way["asset"]),
            text(&way["asset"]["cluster"]),
            text(&way["reason"]),
        ]);
    }
    if !ways.is_empty() {
        told.push_str(&format!("\n{ways}"));
    }
    let mut refusals = Table::new(["REFUSED BY", "CLUSTER", "WHAT", "WHY"]);
    for refusal in list(&answer["refusals"]) {
        let what: Vec<String> = list(&refusal["refused"]).iter().map(text).collect();
        refusals.row([
            reference(&refusal["by"]),
            text(&refusal["by"]["cluster"]),
            what.join("; "),
            text(&refusal["reason"]),
        ]);
    }
    if !refusals.is_empty() {
        told.push_str(&format!("\n{refusals}"));
    }
    let mut notices = Table::new(["TELL", "WORST", "SERVICES", "CONTACT"]);
    for notice in list(&answer["notify"]) {
        let contacts: Vec<String> = list(&notice["contacts"])
            .iter()
            .map(|c| text(&c["address"]))
            .collect();
        notices.row([
            text(&notice["owner"]["name"]),
            text(&notice["worst"]),
            list(&notice["services"]).len().to_string(),
            contacts.join(", "),
        ]);
    }
    if !notices.is_empty() {
        told.push_str(&format!("\n{notices}"));
    }
    told
}

fn evicted(answer: &Value) -> String {
    match answer["evictedPods"]["value"].as_u64() {
        Some(0) | None => String::new(),
        Some(n) => format!(", {n} would be evicted to make room"),
    }
}

/// When what is lost comes back: the slowest, or what keeps it.
fn back(node: &Value) -> String {
    let lost = list(&node["lost"]);
    let waits = lost
        .iter()
        .filter(|l| l["recoverySeconds"].is_null())
        .find_map(|l| l["recovery"].as_str());
    let slowest = lost.iter().filter_map(|l| l["recoverySeconds"].as_i64()).max();
    match (waits, slowest) {
        (Some(class), _) => class.to_lowercase().replace('_', " "),
        (None, Some(seconds)) => super::get::cells::human(seconds),
        (None, None) => "-".to_owned(),
    }
}
