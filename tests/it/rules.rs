//! Rule files on the command line: what is checked before serving, what keeps a server from starting, and what a dump says
//! by rules, also by other ones later.

use crate::program::{run, until};
use crate::site::{Site, text};
use serde_json::{Value, json};

const DUMP: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec: {group: example.org, scope: Cluster, names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wd]}}
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: w, uid: 00000000-0000-0000-0000-000000000001, resourceVersion: "5"}
spec: {size: 3, node: n1, password: hunter2}
---
apiVersion: v1
kind: Node
metadata:
  name: n1
  uid: 00000000-0000-0000-0000-000000000002
  resourceVersion: "6"
  ownerReferences: [{apiVersion: example.org/v1, kind: Widget, name: w, uid: 00000000-0000-0000-0000-000000000001}]
"#;

const YAML: &str = "rules: [{name: w, kind: Widget.example.org, relations: [{relation: RUNS_ON, path: spec.node, kind: Node}]}]";
const TOML: &str = r#"
[[rules]]
name = "v"
kind = "Widget.example.org"
attributes = [{name = "size", path = "spec.size", type = "number"}]
"#;

/// The widget as it is answered.
async fn widget(program: &crate::program::Program) -> Value {
    let query = r#"{ assets(filter: {kind: {eq: "wd"}}) { nodes { name ... on CustomAsset { fields }
        edges(direction: OUT) { edges { relation node { kind name dangling } } } } } }"#;
    program.data(query, json!({})).await["assets"]["nodes"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_says_of_custom_resources_what_the_rules_name_and_other_things_by_other_rules() {
    let site = Site::new();
    let dump = site.write("east.yaml", DUMP);
    site.write("rules/a.yaml", YAML);
    let toml = site.write("rules/b.toml", TOML);
    site.write("rules/README.md", "no rules");
    let rules = site.path("rules");
    let program = site.serve_only(&["--dump", text(&dump), "--rules", text(&rules)]);
    program.ready().await;
    let edges = json!({"edges": [
        {"relation": "CR_OF", "node": {"kind": "CustomResourceDefinition.apiextensions.k8s.io", "name": "widgets.example.org", "dangling": false}},
        {"relation": "RUNS_ON", "node": {"kind": "Node", "name": "n1", "dangling": false}},
    ]});
    let expected = json!({"name": "w", "fields": {"size": 3}, "edges": edges});
    let sorted = |mut widget: Value| {
        if let Some(edges) = widget["edges"]["edges"].as_array_mut() {
            edges.sort_by_key(|e| e["relation"].to_string());
        }
        widget
    };
    until("the dump is taken over", || async {
        sorted(widget(&program).await) == expected
    })
    .await;
    // The scope of the owner's kind is what its definition says.
    let query = r#"{ assets(filter: {kind: {eq: "Node"}}) { nodes { problems edges(direction: OUT, relations: [OWNED_BY]) { edges { stale node { name dangling } } } } } }"#;
    let node = program.data(query, json!({})).await["assets"]["nodes"][0].clone();
    let owner = json!([{"stale": false, "node": {"name": "w", "dangling": false}}]);
    assert_eq!(node["edges"]["edges"], owner, "{node}");
    std::fs::write(
        &toml,
        TOML.replace("size\"", "much\"").replace("spec.much", "spec.size"),
    )
    .unwrap();
    until("the dump is read by the other rules", || async {
        widget(&program).await["fields"] == json!({"much": 3})
    })
    .await;
}

#[test]
fn check_tells_of_each_file_how_many_rules_it_has_and_of_each_mistake_where_it_is() {
    let site = Site::new();
    site.write("rules/a.yaml", YAML);
    site.write("rules/b.toml", TOML);
    let rules = site.path("rules");
    let (status, output, error) = run(&["check", "--rules", text(&rules)]);
    assert!(status.success(), "{output}{error}");
    assert!(
        output.contains("a.yaml: 1 rules") && output.contains("b.toml: 1 rules"),
        "{output}"
    );
    site.write(
        "rules/c.yaml",
        YAML.replace("path: spec.node", "path: 'spec[0]', knid: x")
            .replace("name: w", "name: z"),
    );
    site.write("rules/d.yaml", YAML);
    let (status, output, _) = run(&["check", "--rules", text(&rules)]);
    assert_eq!(status.code(), Some(1), "{output}");
    for part in [
        "c.yaml: rule `z`, relations[0]",
        "knid",
        "d.yaml: rule `w`, name",
        "stands in",
    ] {
        assert!(output.contains(part), "{part:?} is not in {output}");
    }
    assert!(
        !output.contains("a.yaml: 1 rules"),
        "no file counts while one has a mistake"
    );
}

#[test]
fn a_mistake_in_the_rules_keeps_a_server_from_starting() {
    let site = Site::new();
    let dump = site.write("east.yaml", DUMP);
    for (name, rules, words) in [
        (
            "a.yaml",
            "rules: [{name: r, kind: Widget, attributes: []}]",
            "rule `r`, kind",
        ),
        ("b.yaml", "rule: []", "unknown key"),
        ("c.toml", "rules = 3", "is no list"),
        (
            "d.yaml",
            "rules: [{name: r, kind: \"Widget.example.org\", attributes: [{name: s, path: \"data..x\", type: string}]}]",
            "attributes[0].path",
        ),
    ] {
        let file = site.write(name, rules);
        let data = site.data();
        let args = [
            "serve",
            "--data-dir",
            text(&data),
            "--dump",
            text(&dump),
            "--rules",
            text(&file),
            "--listen",
            "127.0.0.1:0",
        ];
        let (status, _, error) = run(&args);
        assert_eq!(status.code(), Some(1), "{error}");
        assert!(
            error.contains(name) && error.contains(words),
            "{words:?} is not in {error}"
        );
    }
    let missing = site.path("nowhere");
    let (status, _, error) = run(&["check", "--rules", text(&missing)]);
    assert!(!status.success(), "{error}");
}
