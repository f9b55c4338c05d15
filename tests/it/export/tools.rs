//! The tools that exports are for read them: CycloneDX' own validator, networkx, a spreadsheet library.

use super::files::{export, get};
use crate::graphql::app::{App, text};
use crate::impact::world::{store_of, uid};
use serde_json::{Value, json};
use std::process::Command;

/// The Python of `tests/real/python.sh`, which `make test` names.
fn python(program: &str, files: &[&std::path::Path]) -> String {
    let python = std::env::var("PLANISPHERE_REAL_PYTHON").expect(
        "PLANISPHERE_REAL_PYTHON names no Python: `make test` sets it, tests/real/python.sh prints it",
    );
    let output = Command::new(python)
        .arg("-c")
        .arg(program)
        .args(files)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Two pods of one Deployment with a name that needs escapes, and one bare pod.
async fn app() -> App {
    let digest = "a".repeat(64);
    let pod = |name: &str, owner: Option<&str>, id: Option<String>| {
        let owners = owner.map(|o| json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": o, "uid": uid(o), "controller": true}]));
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "uid": uid(name), "resourceVersion": "5",
                "labels": {"team": "a<b>&\"c\";]"}, "ownerReferences": owners},
            "spec": {"containers": [{"name": "main", "image": "reg:5000/shop/cart:v1"}]},
            "status": {"containerStatuses": [{"name": "main", "image": "reg:5000/shop/cart:v1", "imageID": id}]}})
    };
    let replicas = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {},
        "metadata": {"name": "cart-1", "namespace": "shop", "uid": uid("cart-1"), "resourceVersion": "5"}});
    let mut app = App::new().await;
    app.store = store_of(&[
        replicas,
        pod(
            "cart-1-a",
            Some("cart-1"),
            Some(format!("reg:5000/shop/cart@sha256:{digest}")),
        ),
        pod(
            "cart-1-b",
            Some("cart-1"),
            Some(format!("reg:5000/shop/cart@sha256:{digest}")),
        ),
        pod("bare", None, None),
    ])
    .await;
    app
}

async fn file(app: &App, arguments: &str) -> tempfile::NamedTempFile {
    let job = export(app, arguments).await;
    assert_eq!(job["status"], "DONE", "{job}");
    let (_, body) = get(app, &text(&job["url"]), None).await;
    let name = text(&job["url"]);
    let ending = name.rsplit_once('.').unwrap().1;
    let file = tempfile::Builder::new()
        .suffix(&format!(".{ending}"))
        .tempfile()
        .unwrap();
    std::fs::write(file.path(), body).unwrap();
    file
}

#[tokio::test]
async fn cyclonedx_passes_its_own_validator_and_says_where_each_image_runs() {
    let app = app().await;
    let bill = file(&app, "format: CYCLONEDX").await;
    let found = python(
        "import sys\n\
         from cyclonedx.schema import SchemaVersion\n\
         from cyclonedx.validation.json import JsonStrictValidator\n\
         text = open(sys.argv[1]).read()\n\
         print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))",
        &[bill.path()],
    );
    assert_eq!(found.trim(), "None");
    let bill: Value = serde_json::from_str(&std::fs::read_to_string(bill.path()).unwrap()).unwrap();
    let images: Vec<&Value> = bill["components"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["type"] == "container")
        .collect();
    assert_eq!(
        images.len(),
        2,
        "one by its digest, one that has not started: {bill:#}"
    );
    let purl = format!(
        "pkg:oci/cart@sha256%3A{}?repository_url=reg%3A5000/shop/cart&tag=v1",
        "a".repeat(64)
    );
    assert!(images.iter().any(|i| i["purl"] == purl.as_str()), "{images:?}");
    assert_eq!(
        bill["dependencies"].as_array().unwrap().len(),
        2,
        "the ReplicaSet and the bare pod"
    );
}

#[tokio::test]
async fn networkx_reads_the_graph_with_its_attributes() {
    let app = app().await;
    let graph = file(&app, r#"format: GRAPHML, filter: {namespace: {eq: "shop"}}"#).await;
    let found = python(
        "import sys, json, networkx\n\
         g = networkx.read_graphml(sys.argv[1], force_multigraph=True)\n\
         names = sorted(d['name'] for _, d in g.nodes(data=True))\n\
         owners = sorted({d['owner'] for _, d in g.nodes(data=True) if d['kind'] == 'Pod'})\n\
         edges = sorted((g.nodes[a]['name'], d['relation'], g.nodes[b]['name']) for a, b, d in g.edges(data=True))\n\
         print(json.dumps([names, owners, edges]))",
        &[graph.path()],
    );
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found[0], json!(["bare", "cart-1", "cart-1-a", "cart-1-b"]));
    assert_eq!(found[1], json!(["a<b>&\"c\";]"]));
    assert_eq!(
        found[2],
        json!([
            ["cart-1-a", "OWNED_BY", "cart-1"],
            ["cart-1-b", "OWNED_BY", "cart-1"]
        ])
    );
}

#[tokio::test]
async fn a_spreadsheet_library_reads_the_table() {
    let app = app().await;
    let table = file(&app, r#"format: CSV, filter: {kind: {eq: "Pod"}}"#).await;
    let found = python(
        "import sys, json, pyexcel\n\
         rows = pyexcel.get_records(file_name=sys.argv[1])\n\
         print(json.dumps([[r['name'], r['controller'], json.loads(r['labels'])['team']] for r in rows]))",
        &[table.path()],
    );
    let team = "a<b>&\"c\";]";
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        found,
        json!([
            ["bare", "", team],
            ["cart-1-a", "ReplicaSet.apps/cart-1", team],
            ["cart-1-b", "ReplicaSet.apps/cart-1", team]
        ])
    );
}
