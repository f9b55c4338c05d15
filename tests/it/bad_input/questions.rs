//! Questions that are not answered, over the real port: refused with a code, a reason and what to do.

use crate::program::{Program, client};
use crate::site::Site;
use planisphere_fixtures::{FleetSpec, Options, Simulation};
use serde_json::{Value, json};
use std::io::{Read, Write};

async fn program(args: &[&str]) -> (Simulation, Site, Program) {
    let simulation = Simulation::start(FleetSpec::DEMO, Options::default())
        .await
        .unwrap();
    let site = Site::of(&simulation);
    let program = site.serve(args);
    program.ready().await;
    (simulation, site, program)
}

/// Sends a body and gives status and answer.
async fn post(program: &Program, kind: &str, body: String) -> (u16, Value) {
    let request = client()
        .post(format!("{}/graphql", program.graphql))
        .header("content-type", kind)
        .header("accept", "application/graphql-response+json");
    let response = request.body(body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn ask(program: &Program, query: &str) -> (u16, Value) {
    post(program, "application/json", json!({ "query": query }).to_string()).await
}

/// That it was refused as a whole, with this status and code, in these words.
fn refused((status, answer): &(u16, Value), expected: u16, code: &str, words: &[&str]) {
    assert_eq!(*status, expected, "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], code, "{answer}");
    assert!(answer["data"].is_null(), "{answer}");
    let message = error["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

/// Sends a body in so many chunks of so many bytes, without its length, and gives the status line's beginning.
fn status_of_chunks(program: &Program, chunks: usize, bytes: usize) -> String {
    let address = program.graphql.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let body = format!("{bytes:x}\r\n{}\r\n", " ".repeat(bytes)).repeat(chunks);
    // The server may answer, and close, before all is sent.
    let _ = stream.write_all(format!("{head}{body}0\r\n\r\n").as_bytes());
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// That it still answers.
async fn goes_on(program: &Program) {
    let data = program
        .data("{ assets(first: 1) { nodes { name } } }", json!({}))
        .await;
    assert_eq!(data["assets"]["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_that_is_nested_too_deep_is_refused_by_the_limit_of_the_flag() {
    let (_fleet, _site, program) = program(&["--limit-depth", "6"]).await;
    let deep = "{ assets { nodes { edges { edges { target { edges { edges { target { name } } } } } } } } }";
    let answer = ask(&program, deep).await;
    refused(&answer, 400, "DEPTH_EXCEEDED", &["over the limit of 6"]);
    // Hundreds of thousands of brackets must not overflow a stack either.
    let answer = ask(&program, &"{ a ".repeat(50_000)).await;
    refused(&answer, 400, "DEPTH_EXCEEDED", &["nested too deep"]);
    goes_on(&program).await;
}

#[tokio::test]
async fn a_question_that_costs_too_much_is_refused_by_the_limit_of_the_flag() {
    let (_fleet, _site, program) = program(&["--limit-cost", "1000"]).await;
    let answer = ask(
        &program,
        "{ assets(first: 500) { nodes { name kind namespace } } }",
    )
    .await;
    refused(&answer, 400, "COST_EXCEEDED", &["over the limit of 1000"]);
    let limit = &answer.1["errors"][0]["extensions"];
    assert_eq!(
        (&limit["limit"], &limit["maximum"]),
        (&json!("cost"), &json!(1000))
    );
    goes_on(&program).await;
}

#[tokio::test]
async fn a_malformed_question_is_refused_with_the_place() {
    let (_fleet, _site, program) = program(&[]).await;
    for (query, word) in [
        ("{ assets(", "expected"),
        ("{ nonsense }", "nonsense"),
        ("", "expected"),
    ] {
        let answer = ask(&program, query).await;
        refused(&answer, 400, "BAD_USER_INPUT", &[word]);
    }
    let answer = ask(&program, "{\n  nonsense\n}").await;
    assert_eq!(
        answer.1["errors"][0]["locations"],
        json!([{ "line": 2, "column": 3 }])
    );
    for (body, word) in [
        ("{", "no JSON"),
        ("[]", "batches are not taken"),
        ("{\"question\": 1}", "no GraphQL request"),
        (
            "{\"query\": \"{ sync { version } }\", \"variables\": 7}",
            "variables",
        ),
    ] {
        let answer = post(&program, "application/json", body.to_owned()).await;
        refused(&answer, 400, "BAD_USER_INPUT", &[word]);
    }
    let answer = post(&program, "text/plain", "{ sync { version } }".to_owned()).await;
    refused(&answer, 415, "BAD_USER_INPUT", &["application/json"]);
    goes_on(&program).await;
}

#[tokio::test]
async fn an_unknown_asset_is_null_with_an_error_that_names_it() {
    let (_fleet, _site, program) = program(&["--all-contexts"]).await;
    let named = |cluster: &str, kind: &str, name: &str| {
        let key =
            format!("{{cluster: \"{cluster}\", kind: \"{kind}\", namespace: \"shop\", name: \"{name}\"}}");
        format!("{{ asset(ref: {{key: {key}}}) {{ name }} }}")
    };
    let (status, answer) = ask(&program, &named("demo-eu", "Pod", "nobody")).await;
    assert_eq!((status, &answer["data"]), (200, &json!({ "asset": null })));
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["extensions"]["code"], &error["path"]),
        (&json!("NOT_FOUND"), &json!(["asset"]))
    );
    assert!(error["message"].as_str().unwrap().contains("nobody"), "{error}");
    for (query, word) in [
        (
            named("mars", "Pod", "checkout"),
            "no cluster \"mars\"; known: demo-eu, demo-us",
        ),
        (named("demo-eu", "Podd", "checkout"), "no kind \"Podd\""),
    ] {
        let (_, answer) = ask(&program, &query).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_the_limit_of_the_flag() {
    let (_fleet, _site, program) = program(&["--limit-body-bytes", "4096"]).await;
    let long = json!({ "query": "{ sync { version } }", "variables": { "pad": "x".repeat(5000) } });
    let answer = post(&program, "application/json", long.to_string()).await;
    refused(
        &answer,
        413,
        "BAD_USER_INPUT",
        &["too many bytes", "limit of 4096"],
    );
    // Also where the sender does not say how much it will send.
    assert_eq!(status_of_chunks(&program, 100, 100), "HTTP/1.1 413");
    goes_on(&program).await;
}

#[tokio::test]
async fn a_page_elsewhere_cannot_ask_through_a_readers_browser() {
    let (_fleet, _site, program) = program(&[]).await;
    for (header, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let request = client()
            .post(format!("{}/graphql", program.graphql))
            .header("content-type", "application/json")
            .header(header, value)
            .body(json!({ "query": "{ sync { version } }" }).to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403, "{header}: {value}");
        assert_eq!(
            response.json::<Value>().await.unwrap()["errors"][0]["extensions"]["code"],
            "FORBIDDEN"
        );
    }
    goes_on(&program).await;
}

#[tokio::test]
async fn the_command_line_tells_a_refused_question_and_exits_with_one() {
    let (_fleet, _site, program) = program(&[]).await;
    let refusal = crate::site::refused(&["query", "{ nonsense }", "--server", &program.graphql]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal.error.contains("error: BAD_USER_INPUT: ") && refusal.error.contains("nonsense"),
        "{}",
        refusal.error
    );
    let refusal = crate::site::refused(&["get", "pod", "nobody", "--server", &program.graphql]);
    refusal.says(1, &["there is no Pod `nobody`"]);
}

#[tokio::test]
async fn an_instant_that_cannot_be_asked_about_is_refused_in_words() {
    let (_fleet, _site, program) = program(&[]).await;
    let server = ["--server", program.graphql.as_str()];
    let refused = |args: &[&str]| crate::site::refused(&[args, &server].concat());
    for (args, code, words) in [
        (["get", "pods", "--as-of", "yesterday"], 2, "how long ago"),
        (
            ["get", "pods", "--as-of", "3d"],
            1,
            "HISTORY_EXPIRED: history is kept since",
        ),
        (
            ["impact", "node/n", "--as-of", "2999-01-01T00:00:00Z"],
            1,
            "BAD_USER_INPUT: 2999-01-01T00:00:00Z has not come yet",
        ),
        (["owners", "pods", "--as-of", "3d"], 1, "HISTORY_EXPIRED"),
        (["why", "svc/a", "--as-of", "3d"], 1, "HISTORY_EXPIRED"),
        (["drain-plan", "nodes", "--as-of", "3d"], 1, "HISTORY_EXPIRED"),
    ] {
        let refusal = refused(&args);
        assert_eq!(refusal.code, Some(code), "{args:?}: {}", refusal.error);
        assert!(refusal.error.contains(words), "{args:?}: {}", refusal.error);
    }
    goes_on(&program).await;
}
