//! Every command that docs/impact.md shows, and every form of the four commands, on the demo as a reader runs it.

use crate::program::Program;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

const DOCS: &str = include_str!("../../../docs/impact.md");

async fn demo() -> Program {
    let program = Program::start(&["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    program.ready().await;
    program
}

/// What is told to a shell; its exit code and what it printed.
fn shell(program: &Program, line: &str) -> (Option<i32>, String, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_planisphere")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = std::process::Command::new("sh");
    let output = shell
        .args(["-c", line])
        .env_clear()
        .env("PATH", path)
        .env("PLANISPHERE_SERVER", &program.graphql)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What the docs tell to try: lines of shell blocks, and what follows `Try:` in backticks. Starting a server is not asked.
fn commands() -> Vec<String> {
    let blocks = DOCS
        .split("```sh\n")
        .skip(1)
        .map(|b| b.split("```").next().unwrap());
    let tried = DOCS
        .lines()
        .filter_map(|l| l.split_once("Try: "))
        .map(|(_, after)| after);
    let tried = tried.flat_map(|after| after.split('`').skip(1).step_by(2));
    let all = blocks.flat_map(str::lines).chain(tried);
    let asks = |l: &&str| l.starts_with("planisphere ") && !l.contains(" serve ") && !l.contains(" demo");
    all.filter(asks).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_docs_is_answered_on_the_demo() {
    let program = demo().await;
    let commands = commands();
    assert!(commands.len() > 12, "{commands:#?}");
    for line in commands {
        let (code, out, error) = shell(&program, &line);
        // A plan that is not possible is an answer, too.
        let answered =
            code == Some(0) || (code == Some(1) && line.contains("drain-plan") && error.is_empty());
        assert!(answered && !out.is_empty(), "{line}: {code:?} {out}{error}");
    }
    assert!(program.stop().success());
}

/// Checks that every arrow of a drawing starts and ends at a box of it; gives how many boxes it has.
fn boxes(drawing: &str, line: &str) -> usize {
    let of_dot = |l: &str| l.split('"').nth(1).map(str::to_owned);
    let (arrows, nodes): (Vec<&str>, Vec<&str>) = drawing
        .lines()
        .filter(|l| l.contains('['))
        .filter(|l| l.trim_start().starts_with('"'))
        .partition(|l| l.contains("\" -> \""));
    let known: BTreeSet<String> = nodes.into_iter().filter_map(of_dot).collect();
    for arrow in arrows {
        let ends: Vec<&str> = arrow.split('"').skip(1).step_by(2).take(2).collect();
        assert!(
            ends.iter().all(|e| known.contains(*e)),
            "{line}: {arrow}\n{drawing}"
        );
    }
    known.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_question_of_an_incident_is_answered_as_table_json_and_graph() {
    let program = demo().await;
    for (ask, name, boxed) in [
        (
            "impact zone/eu-central-1a",
            "impact",
            "Zone/eu-central-1a\\nFAILED",
        ),
        (
            "owners shop/Deployment.apps/checkout",
            "owners",
            "shop/Deployment.apps/checkout",
        ),
        ("owners", "owners", " assets"),
        (
            "why shop/Service/checkout",
            "why",
            "shop/Service/checkout\\nBROKEN",
        ),
        (
            "drain-plan nodes demo-eu-node-0001",
            "drain_plan",
            "Node/demo-eu-node-0001",
        ),
    ] {
        let told = |form: &str| {
            let line = format!("planisphere {ask} -o {form}");
            let (code, out, error) = shell(&program, &line);
            assert!(
                code == Some(0) || name == "drain_plan",
                "{line}: {code:?} {out}{error}"
            );
            out
        };
        assert!(told("table").lines().count() > 1, "{ask}");
        let json = told("json");
        assert!(
            serde_json::from_str::<serde_json::Value>(&json).is_ok(),
            "{ask}: {json}"
        );
        let dot = told("dot");
        assert!(
            dot.starts_with(&format!("digraph {name} {{\n")) && dot.ends_with("}\n"),
            "{ask}: {dot}"
        );
        assert!(dot.contains(boxed), "{ask}: {dot}");
        let mermaid = told("mermaid");
        assert!(mermaid.starts_with("flowchart LR\n"), "{ask}: {mermaid}");
        let drawn = mermaid
            .lines()
            .filter(|l| l.trim_start().starts_with('n') && l.contains("[\""))
            .count();
        assert!(drawn > 0 && drawn == boxes(&dot, ask), "{ask}: {mermaid}");
    }
    let (code, _, error) = shell(&program, "planisphere why shop/Service/checkout -o svg");
    assert_eq!(code, Some(2));
    assert!(
        error.contains("[possible values: table, json, dot, mermaid]"),
        "{error}"
    );
    assert!(program.stop().success());
}
