//! `planisphere owners`: who answers for what is named, with the evidence; or every owner with a count.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::get::freshness::SELECT;
use super::graph::Graph;
use super::incident::{OwnersArgs, References, found, reference, text, warn};
use super::table::Table;
use serde_json::{Value, json};
use std::io::Write;

/// Asks and prints.
///
/// # Errors
/// When a reference cannot be read or names nothing, there is no answer, or it cannot be written.
pub async fn run(
    client: &Client,
    args: &OwnersArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let (printed, exit) = match &args.what {
        None => tally(client, args, err).await?,
        Some(what) => {
            let references = References {
                what: what.clone(),
                more: args.more.clone(),
                namespace: args.namespace.clone(),
                cluster: args.cluster.clone(),
                when: args.when.clone(),
            };
            (named(client, args, &references).await?, Exit::Done)
        }
    };
    out.write_all(printed.as_bytes()).map_err(Failure::Output)?;
    Ok(exit)
}

async fn tally(
    client: &Client,
    args: &OwnersArgs,
    err: &mut (dyn Write + Send),
) -> Result<(String, Exit), Failure> {
    let mut filter = json!({"kind": {"in": ["Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "CronJob.batch", "Service"]}});
    for (field, value) in [("namespace", &args.namespace), ("cluster", &args.cluster)] {
        if let Some(value) = value {
            filter[field] = json!({ "eq": value });
        }
    }
    let query = format!(
        "query($filter: AssetFilter, $asOf: Instant) {{ owners(filter: $filter, asOf: $asOf) {{
            counts {{ owner {{ name contacts {{ channel address }} }} assets }} complete {SELECT} }} }}"
    );
    let mut data = client
        .data(&query, json!({ "filter": filter, "asOf": args.when.as_of }), None)
        .await?;
    let answer = data["owners"].take();
    let exit = warn(&answer, err)?;
    let printed = args.output.print("owners", &answer, tally_table, tally_graph);
    Ok((printed, exit))
}

fn tally_table(answer: &Value) -> String {
    let mut table = Table::new(["OWNER", "ASSETS", "CONTACT"]);
    for count in answer["counts"].as_array().into_iter().flatten() {
        let contacts = count["owner"]["contacts"].as_array().into_iter().flatten();
        let contacts: Vec<String> = contacts.map(|c| text(&c["address"])).collect();
        table.row([
            text(&count["owner"]["name"]),
            text(&count["assets"]),
            contacts.join(", "),
        ]);
    }
    table.to_string()
}

/// Every owner, with how much it answers for.
fn tally_graph(answer: &Value) -> Graph {
    let mut graph = Graph::default();
    for count in answer["counts"].as_array().into_iter().flatten() {
        let assets = format!("{} assets", count["assets"]);
        owner(&mut graph, &count["owner"], &assets);
    }
    graph
}

/// Adds an owner; nobody is a box, too.
fn owner(graph: &mut Graph, owner: &Value, note: &str) -> String {
    let name = owner["name"].as_str().unwrap_or("nobody");
    graph.named(format!("owner {name}"), name, note)
}

async fn named(client: &Client, args: &OwnersArgs, references: &References) -> Result<String, Failure> {
    let ids: Vec<Value> = found(client, references)
        .await?
        .iter()
        .map(|a| a["id"].clone())
        .collect();
    let query = "query($ids: [ID!]!, $asOf: Instant) { nodes(ids: $ids, asOf: $asOf) { cluster kind namespace name ownership {
        owner { name contacts { channel address } } claim { evidence source level weak }
        conflicts { owner { name } evidence }
        controllers { cluster kind namespace name } applications { source name namespace } } } }";
    let data = client
        .data(query, json!({ "ids": ids, "asOf": args.when.as_of }), None)
        .await?;
    let nodes = &data["nodes"];
    Ok(args.output.print("owners", nodes, named_table, named_graph))
}

fn named_table(nodes: &Value) -> String {
    let mut table = Table::new(["ASSET", "OWNER", "BECAUSE", "OTHERS SAY"]);
    for asset in nodes.as_array().into_iter().flatten() {
        let ownership = &asset["ownership"];
        let conflicts = ownership["conflicts"].as_array().into_iter().flatten();
        let others: Vec<String> = conflicts.map(|c| text(&c["owner"]["name"])).collect();
        table.row([
            reference(asset),
            text(&ownership["owner"]["name"]),
            text(&ownership["claim"]["evidence"]),
            if others.is_empty() {
                "-".to_owned()
            } else {
                others.join(", ")
            },
        ]);
    }
    table.to_string()
}

/// Each asset under its controllers, its applications and its owner, with who else claims it.
fn named_graph(nodes: &Value) -> Graph {
    let mut graph = Graph::default();
    for asset in nodes.as_array().into_iter().flatten() {
        let ownership = &asset["ownership"];
        let key = graph.asset(asset, "");
        let mut below = key.clone();
        for controller in ownership["controllers"].as_array().into_iter().flatten() {
            let above = graph.asset(controller, "");
            graph.edge(&below, &above, "CONTROLLED_BY");
            below = above;
        }
        for application in ownership["applications"].as_array().into_iter().flatten() {
            let label = format!("{} {}", text(&application["source"]), text(&application["name"]));
            let place = format!("{label} {}", text(&application["namespace"]));
            let application = graph.named(place, &label, "");
            graph.edge(&key, &application, "PART_OF");
        }
        let name = owner(&mut graph, &ownership["owner"], "");
        graph.edge(&key, &name, &text(&ownership["claim"]["evidence"]));
        for conflict in ownership["conflicts"].as_array().into_iter().flatten() {
            let other = owner(&mut graph, &conflict["owner"], "");
            graph.edge(&key, &other, &format!("but {}", text(&conflict["evidence"])));
        }
    }
    graph
}
