//! `get` against the real API on a small fleet: what the command line asks for is what the API has.

use crate::get::{Server, serve, shown};
use crate::graphql::app::App;
use planisphere::api::{ApiState, router};
use planisphere::cli::exit::Exit;
use planisphere::cli::get::kinds::KINDS;
use serde_json::Value;
use std::sync::Arc;

async fn fleet() -> Server {
    let app = App::new().await;
    let state = ApiState {
        observer: std::sync::Arc::new(()),
        cancel: Default::default(),
        store: app.store,
        owners: Default::default(),
        exports: Arc::new(planisphere::export::desk::Desk::temporary().unwrap()),
        calls: Default::default(),
        status: app.status,
        clock: Arc::new(|| crate::graphql::app::NOW),
        limits: app.limits,
        hosts: app.hosts,
    };
    serve(router(state), Arc::default()).await
}

#[tokio::test]
async fn every_column_of_every_kind_is_a_field_of_the_api() {
    let server = fleet().await;
    for row in KINDS {
        for output in ["wide", "json", "yaml", "name"] {
            let line = format!("planisphere get {} -o {output}", row.kind);
            let answer = shown(&server, &line).await;
            assert!(answer.result.is_ok(), "{line}: {}", answer.result.unwrap_err());
        }
    }
    let all = shown(&server, "planisphere get all,zones -A -l !canary").await;
    assert!(
        all.out.contains("pod/") && all.out.contains("service/cart"),
        "{}",
        all.out
    );
    let custom = shown(&server, "planisphere get Widget.example.org -o json").await;
    assert!(custom.result.is_ok(), "{}", custom.result.unwrap_err());
}

#[tokio::test]
async fn references_that_get_prints_are_references_that_it_takes() {
    let server = fleet().await;
    let printed = shown(&server, "planisphere get pods,nodes,services -o name")
        .await
        .out;
    let references: Vec<_> = printed.lines().collect();
    assert!(references.len() > 3, "{printed}");
    let again = shown(
        &server,
        &format!("planisphere get {} -o name", references.join(" ")),
    )
    .await;
    assert_eq!(again.out, printed);
    let json = shown(&server, &format!("planisphere get {} -o json", references[0]))
        .await
        .out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(
        json[0]["labels"].is_object() && json[0]["id"].is_string(),
        "{json:#}"
    );
}

#[tokio::test]
async fn a_service_shows_how_many_of_its_instances_are_ready() {
    let server = fleet().await;
    let table = shown(&server, "planisphere get svc --cluster prod").await;
    let line = table.out.lines().find(|l| l.contains("cart")).unwrap();
    assert!(line.contains("   2/3   "), "{}", table.out);
    assert!(matches!(table.result, Ok(Exit::Done)), "{}", table.err);
}
