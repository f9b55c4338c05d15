//! The demo, as somebody runs it who has no cluster: questions with answers, and a fleet that changes.

use crate::program::{PATIENCE, Program, run, until};
use serde_json::{Value, json};

#[test]
fn the_demo_prints_three_questions_with_their_answers_and_ends_well() {
    let args = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let (status, printed, error) = run(&[&["demo", "--once"][..], &args].concat());
    assert!(status.success(), "{error}");
    let questions: Vec<&str> = printed.split("\n# ").skip(1).collect();
    assert_eq!(questions.len(), 3, "{printed}");
    // Each answer is the JSON after the question's own braces.
    let answers: Vec<Value> = questions
        .iter()
        .map(|text| {
            let at = text.rfind("\n{\n").unwrap();
            serde_json::from_str(&text[at..]).unwrap()
        })
        .collect();
    let instances = &answers[0]["asset"]["instances"];
    let pods = instances["edges"].as_array().unwrap();
    assert!(pods.len() > 1 && instances["total"] == pods.len());
    assert!(pods.iter().all(|pod| pod["nodeName"].is_string()));
    assert_eq!(instances["freshness"]["complete"], true);
    for answer in &answers[1..] {
        let (_, root) = answer.as_object().unwrap().iter().next().unwrap();
        assert!(
            root.to_string().contains("\"name\""),
            "an answer without a name: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_goes_on_serving_a_fleet_that_changes() {
    let args = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let fleet = ["--objects", "300", "--changes-per-second", "50"];
    let program = Program::start(&[&["demo"][..], &args, &fleet].concat());
    program.ready().await;
    until("it says how to ask", || async {
        let printed = program.printed().join("\n");
        printed.contains(&format!("{}/graphiql", program.graphql)) && printed.contains("planisphere get")
    })
    .await;
    let version = || async {
        let data = program.data("{ sync { version } }", json!({})).await;
        data["sync"]["version"].as_str().unwrap().to_owned()
    };
    let mut last = version().await;
    for _ in 0..3 {
        until("the graph changes", || async { version().await != last }).await;
        last = version().await;
    }
    program.signal("INT");
    assert!(program.ends_within(PATIENCE).await.success());
}
