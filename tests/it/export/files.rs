//! What is asked for by GraphQL and fetched as files.

use crate::graphql::app::{App, Reply, text};
use crate::impact::world::{store_of, uid};
use crate::program::until;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use planisphere::export::desk::Desk;
use planisphere::export::{ExportError, Format, Progress, Source, Wanted, hex, write};
use planisphere::query::freshness::Freshness;
use planisphere::store::{Filter, Presence, Store};
use serde_json::{Value, json};
use std::sync::Arc;

pub const JOB: &str = "id status rows bytes sha256 url manifestUrl signatureUrl asOf complete error";

/// An export that has ended.
pub async fn export(app: &App, arguments: &str) -> Value {
    let begun = app
        .ask(&format!("mutation {{ exportAssets({arguments}) {{ {JOB} }} }}"))
        .await;
    let id = text(&begun["exportAssets"]["id"]);
    let look = format!("{{ export(id: \"{id}\") {{ {JOB} }} }}");
    until("the export has ended", || async {
        app.ask(&look).await["export"]["status"] != "RUNNING"
    })
    .await;
    app.ask(&look).await["export"].clone()
}

pub async fn get(app: &App, path: &str, range: Option<&str>) -> (Reply, String) {
    let mut request = Request::get(path);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let reply = app.send(request.body(Body::empty()).unwrap()).await;
    let body = match &reply.body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (reply, body)
}

fn sum(text: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
}

fn config_map(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata":
        {"name": name, "namespace": "shop", "uid": uid(name), "resourceVersion": "5", "labels": labels}})
}

#[tokio::test]
async fn a_table_has_every_asset_once_and_its_manifest_says_what_it_is() {
    let app = App::new().await;
    let total = app.ask("{ assets { totalCount { value } } }").await["assets"]["totalCount"]["value"].clone();
    let job = export(&app, "format: CSV").await;
    assert_eq!((&job["status"], &job["error"]), (&json!("DONE"), &Value::Null));
    assert_eq!(
        (&job["rows"], &job["complete"], &job["signatureUrl"]),
        (&total, &json!(true), &Value::Null)
    );
    let (reply, table) = get(&app, &text(&job["url"]), None).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.headers["content-disposition"], "attachment");
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        (job["bytes"].as_u64().unwrap() as usize, text(&job["sha256"])),
        (table.len(), sum(&table))
    );
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let column = reader.headers().unwrap().iter().position(|h| h == "id").unwrap();
    let mut ids: Vec<String> = reader.records().map(|r| r.unwrap()[column].to_owned()).collect();
    ids.sort();
    let asked = app.ask("{ assets(first: 500) { nodes { id } } }").await;
    let mut expected: Vec<String> = asked["assets"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| text(&n["id"]))
        .collect();
    expected.sort();
    assert_eq!(ids, expected);
    let (_, manifest) = get(&app, &text(&job["manifestUrl"]), None).await;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["selection"], json!({}));
    assert_eq!(manifest["sha256"], job["sha256"]);
    let names: Vec<&str> = manifest["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["lab", "prod"]);
    assert!(
        manifest["clusters"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["stale"].is_null() && c["lagSeconds"] == 2.0)
    );
}

#[tokio::test]
async fn a_download_that_broke_is_taken_up_where_it_was() {
    let app = App::new().await;
    let job = export(&app, r#"format: NDJSON, filter: {kind: {eq: "Pod"}}"#).await;
    let (_, whole) = get(&app, &text(&job["url"]), None).await;
    let (reply, rest) = get(&app, &text(&job["url"]), Some("bytes=100-")).await;
    assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(rest, whole[100..]);
    for line in whole.lines() {
        let asset: Value = serde_json::from_str(line).unwrap();
        assert_eq!(asset["kind"], "Pod");
        assert!(asset["attributes"].is_object());
    }
}

#[tokio::test]
async fn a_name_that_a_spreadsheet_would_run_stays_text() {
    let mut app = App::new().await;
    let labels = json!({"team": "=cmd|' /C calc'!A0"});
    app.store = store_of(&[config_map("one", labels)]).await;
    let job = export(&app, r#"format: CSV, filter: {kind: {eq: "ConfigMap"}}"#).await;
    let (_, table) = get(&app, &text(&job["url"]), None).await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let column = reader
        .headers()
        .unwrap()
        .iter()
        .position(|h| h == "owner")
        .unwrap();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(&rows[0][column], "'=cmd|' /C calc'!A0");
}

#[tokio::test]
async fn what_is_stale_is_refused_where_the_present_is_asked_for_and_said_where_not() {
    let app = App::new().await;
    app.status.update("lab", |s| {
        s.reachable = false;
        s.error = Some("gone".to_owned());
    });
    let asked = format!("mutation {{ exportAssets(format: CSV, requireFresh: true) {{ {JOB} }} }}");
    let (code, message) = app.refusal(&asked).await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.contains("cluster lab is unreachable"), "{message}");
    let job = export(&app, "format: CSV").await;
    assert_eq!(
        (&job["status"], &job["complete"]),
        (&json!("DONE"), &json!(false))
    );
    let (_, manifest) = get(&app, &text(&job["manifestUrl"]), None).await;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["clusters"][0]["stale"], "UNREACHABLE");
    // A filter that leaves the stale cluster out is of the present.
    let job = export(
        &app,
        r#"format: CSV, requireFresh: true, filter: {cluster: {eq: "prod"}}"#,
    )
    .await;
    assert_eq!((&job["status"], &job["complete"]), (&json!("DONE"), &json!(true)));
}

#[tokio::test]
async fn a_graph_of_too_many_assets_is_refused_and_leaves_no_file() {
    let mut app = App::new().await;
    let many: Vec<Value> = (0..2_001)
        .map(|n| config_map(&format!("c{n}"), Value::Null))
        .collect();
    app.store = store_of(&many).await;
    let job = export(&app, r#"format: DOT, filter: {kind: {eq: "ConfigMap"}}"#).await;
    assert_eq!((&job["status"], &job["url"]), (&json!("FAILED"), &Value::Null));
    assert!(text(&job["error"]).contains("up to 2000"), "{job}");
    let path = format!("/exports/{}/graph.dot", text(&job["id"]));
    assert_eq!(get(&app, &path, None).await.0.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_the_files_of_an_export_are_given_out() {
    let app = App::new().await;
    let job = export(&app, "format: CSV").await;
    let id = text(&job["id"]);
    for path in [
        format!("/exports/{id}/other.csv"),
        format!("/exports/{id}/..%2F..%2F..%2Fetc%2Fpasswd"),
        format!("/exports/{id}/manifest.json.sig"),
        "/exports/00000000-0000-0000-0000-000000000000/assets.csv".to_owned(),
        "/exports/none/assets.csv".to_owned(),
    ] {
        assert_eq!(
            get(&app, &path, None).await.0.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let (code, _) = app.refusal("{ export(id: \"none\") { status } }").await;
    assert_eq!(code, "BAD_USER_INPUT");
    let (code, _) = app
        .refusal("{ export(id: \"00000000-0000-0000-0000-000000000000\") { status } }")
        .await;
    assert_eq!(code, "NOT_FOUND");
}

async fn source(store: Arc<dyn Store>) -> Source {
    Source {
        snapshot: store.snapshot().await.unwrap(),
        book: Arc::default(),
        freshness: Freshness {
            as_of_ms: 0,
            versions: Vec::new(),
            complete: true,
            max_lag_seconds: None,
            stale: Vec::new(),
            gaps: Vec::new(),
        },
        clusters: Vec::new(),
    }
}

fn everything(format: Format) -> Wanted {
    Wanted {
        filter: Filter::ALL,
        presence: Presence::Present,
        format,
        require_fresh: false,
        selection: Value::Null,
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_not_a_short_file() {
    let app = App::new().await;
    let source = source(Arc::clone(&app.store)).await;
    for format in [Format::Csv, Format::JsonLines, Format::CycloneDx, Format::GraphMl] {
        // Always full, and real.
        let mut full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ended = write(&source, &everything(format), &mut full, &Progress::default()).await;
        assert!(matches!(ended, Err(ExportError::Write(_))), "{format:?}");
    }
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_removed_and_what_was_whole_is_found_again() {
    let app = App::new().await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Arc::new(Desk::open(folder.path(), None).unwrap());
    let job = desk
        .start(source(Arc::clone(&app.store)).await, everything(Format::Csv))
        .unwrap();
    until("the export is there", || async {
        desk.file(job.id, "assets.csv").is_some()
    })
    .await;
    let left = folder
        .path()
        .join("exports/unfinished-00000000-0000-0000-0000-000000000000");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("assets.csv"), "half").unwrap();
    let again = Desk::open(folder.path(), None).unwrap();
    assert!(!left.exists());
    let path = again.file(job.id, "assets.csv").unwrap();
    assert!(path.exists() && again.file(job.id, "manifest.json").unwrap().exists());
}

#[tokio::test]
async fn a_folder_that_is_gone_fails_the_export_in_words() {
    let app = App::new().await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Arc::new(Desk::open(folder.path(), None).unwrap());
    std::fs::remove_dir_all(folder.path().join("exports")).unwrap();
    let job = desk
        .start(source(Arc::clone(&app.store)).await, everything(Format::Csv))
        .unwrap();
    until("the export has failed", || async {
        matches!(job.state(), planisphere::export::desk::State::Failed(why) if why.contains("cannot write the export"))
    })
    .await;
}

#[tokio::test]
async fn an_export_of_an_instant_has_what_was_there_then() {
    let app = App::new().await;
    let refused = app
        .refusal(r#"mutation { exportAssets(format: CSV, asOf: "2001-01-01T00:00:00Z") { id } }"#)
        .await;
    assert_eq!(refused.0, "HISTORY_EXPIRED");
    let at = planisphere_schema::Time::from_unix_ms(crate::graphql::app::NOW).to_string();
    let job = export(&app, &format!("format: CSV, asOf: \"{at}\"")).await;
    assert_eq!((&job["status"], text(&job["asOf"])), (&json!("DONE"), at));
}
