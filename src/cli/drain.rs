//! `planisphere drain-plan` and `planisphere why`: in which order nodes may be taken down, and what may have broken
//! something.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::get::freshness::SELECT;
use super::graph::Graph;
use super::incident::{DrainArgs, GraphOutput, WhyArgs, found, name, reference, text, warn};
use super::table::Table;
use serde_json::{Value, json};
use std::io::Write;

/// Orders nodes into waves; exit code 1 where some cannot be taken down without breaking something.
///
/// # Errors
/// When a reference cannot be read or names nothing, there is no answer, or it cannot be written.
pub async fn plan(
    client: &Client,
    args: &DrainArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let nodes = found(client, &args.references).await?;
    let references: Vec<Value> = nodes.iter().map(|n| json!({ "id": n["id"] })).collect();
    let asset = "cluster kind namespace name";
    let query = format!(
        "query($nodes: [AssetRef!], $asOf: Instant) {{ drainPlan(nodes: $nodes, asOf: $asOf) {{ possible complete
            waves {{ nodes {{ {asset} }} }}
            obstacles {{ node {{ {asset} }} service {{ {asset} }} pod {{ {asset} }} budget {{ {asset} }} state reason advice }}
            {SELECT} }} }}"
    );
    let mut data = client
        .data(
            &query,
            json!({ "nodes": references, "asOf": args.references.when.as_of }),
            None,
        )
        .await?;
    let answer = data["drainPlan"].take();
    let printed = args.output.print("drain_plan", &answer, waves, plan_graph);
    out.write_all(printed.as_bytes()).map_err(Failure::Output)?;
    let exit = warn(&answer, err)?;
    Ok(if answer["possible"] == true {
        exit
    } else {
        Exit::Failed
    })
}

fn waves(answer: &Value) -> String {
    let mut waves = Table::new(["WAVE", "NODES"]);
    for (number, wave) in answer["waves"].as_array().into_iter().flatten().enumerate() {
        let nodes = wave["nodes"].as_array().into_iter().flatten();
        let names: Vec<String> = nodes.map(name).collect();
        waves.row([(number + 1).to_string(), names.join(", ")]);
    }
    let mut told = if waves.is_empty() {
        String::new()
    } else {
        waves.to_string()
    };
    let mut obstacles = Table::new(["NODE", "IN THE WAY", "WHY", "WHAT HELPS"]);
    for obstacle in answer["obstacles"].as_array().into_iter().flatten() {
        let who = ["service", "pod"]
            .iter()
            .map(|f| &obstacle[*f])
            .find(|v| !v.is_null());
        obstacles.row([
            name(&obstacle["node"]),
            who.map(reference).unwrap_or_default(),
            text(&obstacle["reason"]),
            text(&obstacle["advice"]),
        ]);
    }
    if !obstacles.is_empty() {
        if !told.is_empty() {
            told.push('\n');
        }
        told.push_str(&obstacles.to_string());
    }
    told
}

/// The waves one after the other, each with its nodes, and who is in the way of the rest.
fn plan_graph(answer: &Value) -> Graph {
    let mut graph = Graph::default();
    let mut before: Option<String> = None;
    for (number, wave) in answer["waves"].as_array().into_iter().flatten().enumerate() {
        let label = format!("wave {}", number + 1);
        let this = graph.named(label.clone(), &label, "");
        if let Some(before) = before.replace(this.clone()) {
            graph.edge(&before, &this, "THEN");
        }
        for node in wave["nodes"].as_array().into_iter().flatten() {
            let node = graph.asset(node, &label.to_uppercase());
            graph.edge(&this, &node, "DRAINS");
        }
    }
    for obstacle in answer["obstacles"].as_array().into_iter().flatten() {
        let node = graph.asset(&obstacle["node"], "BLOCKED");
        let (service, pod, budget) = (&obstacle["service"], &obstacle["pod"], &obstacle["budget"]);
        if !service.is_null() {
            let service = graph.asset(service, &text(&obstacle["state"]));
            graph.edge(&node, &service, "BREAKS");
        }
        if !pod.is_null() {
            let pod = graph.asset(pod, "");
            graph.edge(&node, &pod, "EVICTS");
            if !budget.is_null() {
                let budget = graph.asset(budget, "");
                graph.edge(&budget, &pod, "FORBIDS");
            }
        }
    }
    graph
}

/// What may have broken something.
///
/// # Errors
/// When a reference cannot be read or names nothing, there is no answer, or it cannot be written.
pub async fn why(
    client: &Client,
    args: &WhyArgs,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let asset = "cluster kind namespace name";
    let query = format!(
        "query($id: ID!, $window: Int!, $asOf: Instant) {{ why(ref: {{ id: $id }}, windowMinutes: $window, asOf: $asOf) {{
            asset {{ {asset} }} trouble lookedAt truncated
            suspects {{ asset {{ {asset} }} distance trouble changedAt score
                path {{ relation source {{ {asset} }} target {{ {asset} }} }} }} {SELECT} }} }}"
    );
    let mut exit = Exit::Done;
    let mut answers = Vec::new();
    for broken in found(client, &args.references).await? {
        let variables =
            json!({ "id": broken["id"], "window": args.window, "asOf": args.references.when.as_of });
        let mut data = client.data(&query, variables, None).await?;
        let answer = data["why"].take();
        if warn(&answer, err)? == Exit::Incomplete {
            exit = Exit::Incomplete;
        }
        answers.push(answer);
    }
    let printed = match args.output {
        GraphOutput::Table => answers.iter().map(suspects).collect(),
        GraphOutput::Json => answers.iter().map(|answer| format!("{answer:#}\n")).collect(),
        // One graph for all: whoever broke two things is in it once.
        GraphOutput::Dot => suspects_graph(&answers).dot("why"),
        GraphOutput::Mermaid => suspects_graph(&answers).mermaid(),
    };
    out.write_all(printed.as_bytes()).map_err(Failure::Output)?;
    Ok(exit)
}

/// What is broken, and the paths down to each suspect.
fn suspects_graph(answers: &[Value]) -> Graph {
    let mut graph = Graph::default();
    for answer in answers {
        for suspect in answer["suspects"].as_array().into_iter().flatten() {
            let trouble = suspect["trouble"].as_str().map(str::to_owned);
            let changed = suspect["changedAt"].as_str().map(|at| format!("changed {at}"));
            graph.asset(&suspect["asset"], &trouble.or(changed).unwrap_or_default());
            graph.path(&suspect["path"]);
        }
        graph.asset(&answer["asset"], "BROKEN");
    }
    graph
}

fn suspects(answer: &Value) -> String {
    let mut told = match answer["trouble"].as_str() {
        Some(trouble) => format!("{}: {trouble}\n", reference(&answer["asset"])),
        None => format!("{}\n", reference(&answer["asset"])),
    };
    let mut table = Table::new(["SCORE", "SUSPECT", "HOPS", "TROUBLE", "CHANGED"]);
    for suspect in answer["suspects"].as_array().into_iter().flatten() {
        table.row([
            text(&suspect["score"]),
            reference(&suspect["asset"]),
            text(&suspect["distance"]),
            suspect["trouble"].as_str().unwrap_or("-").to_owned(),
            suspect["changedAt"].as_str().unwrap_or("-").to_owned(),
        ]);
    }
    if table.is_empty() {
        let looked = &answer["lookedAt"];
        told.push_str(&format!(
            "nothing below it is unhealthy or changed lately ({looked} assets were looked at)\n"
        ));
    } else {
        told.push_str(&table.to_string());
    }
    told
}
