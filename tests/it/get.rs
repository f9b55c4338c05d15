//! `get` and `query` against a server whose GraphQL answers are written down here.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use planisphere::cli::client::Client;
use planisphere::cli::exit::{Exit, Failure};
use planisphere::cli::{Command, GetArgs, QueryArgs, get, parse, query};
use planisphere::config::ClientSettings;
use planisphere::lifecycle::{Port, bind, serve_http};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

type Answer = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// A server that answers by a function and keeps what it was asked.
pub struct Server {
    pub client: Client,
    pub asked: Arc<Mutex<Vec<Value>>>,
}

async fn answered(
    State((answer, asked)): State<(Answer, Arc<Mutex<Vec<Value>>>)>,
    axum::Json(request): axum::Json<Value>,
) -> axum::Json<Value> {
    let reply = answer(&request);
    asked.lock().unwrap().push(request);
    axum::Json(reply)
}

async fn server(answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Server {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer: Answer = Arc::new(answer);
    let router = Router::new()
        .route("/graphql", post(answered))
        .with_state((answer, asked.clone()));
    serve(router, asked).await
}

pub async fn serve(router: Router, asked: Arc<Mutex<Vec<Value>>>) -> Server {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (listener, addr) = bind("127.0.0.1:0".parse().unwrap(), Port::Graphql).await.unwrap();
    tokio::spawn(serve_http(listener, router, CancellationToken::new()));
    let settings = ClientSettings {
        server: format!("http://{addr}"),
        timeout: Duration::from_secs(5),
    };
    let client = Client::new(settings).unwrap();
    Server { client, asked }
}

fn page(nodes: &[Value], next: Option<&str>) -> Value {
    json!({"data": {"assets": {"nodes": nodes, "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next},
        "freshness": {"complete": true, "staleClusters": [], "incomplete": []}}}})
}

fn pod(cluster: &str, namespace: &str, name: &str) -> Value {
    json!({"id": name, "cluster": cluster, "kind": "Pod", "namespace": namespace, "name": name,
        "createdAt": "2026-01-01T00:00:00Z", "deletionTimestamp": null, "phase": "Running", "reason": null,
        "restarts": 2, "containers": [{"role": "container", "ready": true}], "podIPs": ["10.0.0.1"],
        "nodeName": "worker-1", "ownerKind": "ReplicaSet.apps", "ownerName": "web"})
}

/// Five days and three hours after the pods were made.
const NOW_MS: i64 = 1_767_225_600_000 + (5 * 24 + 3) * 3_600_000;

fn arguments(line: &str) -> GetArgs {
    let words = line.split(' ').map(OsString::from);
    match parse(words).unwrap().cli.command {
        Command::Get(args) => args,
        other => panic!("{other:?}"),
    }
}

pub struct Shown {
    pub result: Result<Exit, Failure>,
    pub out: String,
    pub err: String,
}

pub async fn shown(server: &Server, line: &str) -> Shown {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let result = get::run(&server.client, &arguments(line), NOW_MS, &mut out, &mut err).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Shown {
        result,
        out: text(out),
        err: text(err),
    }
}

#[tokio::test]
async fn pods_read_as_kubectl_shows_them() {
    let server = server(|_| page(&[pod("eu", "shop", "web-0"), pod("eu", "billing", "api-0")], None)).await;
    let table = shown(&server, "planisphere get pods").await;
    assert_eq!(
        table.out,
        "NAMESPACE   NAME    READY   STATUS    RESTARTS   AGE\n\
         shop        web-0   1/1     Running   2          5d3h\n\
         billing     api-0   1/1     Running   2          5d3h\n"
    );
    assert!(matches!(table.result, Ok(Exit::Done)) && table.err.is_empty());
    let wide = shown(&server, "planisphere get po -n shop -o wide").await.out;
    assert!(
        wide.starts_with("NAME    READY   STATUS    RESTARTS   AGE    IP         NODE       OWNER\n"),
        "{wide}"
    );
    assert!(wide.contains("10.0.0.1   worker-1   ReplicaSet/web\n"), "{wide}");
    let bare = shown(&server, "planisphere get pods --no-headers -n shop")
        .await
        .out;
    assert!(bare.starts_with("web-0   1/1"), "{bare}");
}

#[tokio::test]
async fn the_cluster_is_shown_where_there_is_more_than_one() {
    let server = server(|_| page(&[pod("eu", "shop", "a"), pod("us", "shop", "a")], None)).await;
    let table = shown(&server, "planisphere get pods").await.out;
    assert!(table.starts_with("NAMESPACE   CLUSTER   NAME   READY"), "{table}");
    assert!(table.contains("shop        us        a      1/1"), "{table}");
}

#[tokio::test]
async fn every_kind_shows_placeholders_where_an_answer_has_nothing() {
    let server = server(|request| {
        let kind = request["variables"]["filter"]["kind"]["eq"].clone();
        page(
            &[json!({"cluster": "eu", "kind": kind, "namespace": null, "name": "x", "createdAt": null})],
            None,
        )
    })
    .await;
    for row in get::kinds::KINDS {
        let table = shown(&server, &format!("planisphere get {} -o wide", row.kind)).await;
        let lines: Vec<_> = table.out.lines().collect();
        let cells = |line: &str| line.split("   ").filter(|c| !c.trim().is_empty()).count();
        assert_eq!(cells(lines[0]), row.columns.len() + 2, "{}", table.out);
        assert_eq!(cells(lines[1]), row.columns.len() + 2, "{}", table.out);
        assert!(table.out.contains("<unknown>"), "{}", table.out);
    }
}

#[tokio::test]
async fn several_kinds_are_a_table_each_with_names_that_tell_them_apart() {
    let server = server(|request| match request["variables"]["filter"]["kind"]["eq"].as_str() {
        Some("Pod") => page(&[pod("eu", "shop", "web-0")], None),
        _ => page(
            &[json!({"cluster": "eu", "kind": "Service", "namespace": "shop", "name": "web", "type": "ClusterIP",
                "createdAt": "2026-01-01T00:00:00Z", "clusterIPs": ["10.1.0.1", "fd00::1"],
                "ports": [{"port": 80, "protocol": "TCP", "nodePort": null}, {"port": 53, "protocol": "UDP", "nodePort": 30053}],
                "instances": {"ready": 2, "total": 3}})],
            None,
        ),
    })
    .await;
    let out = shown(&server, "planisphere get pods,svc -n shop").await.out;
    let (pods, services) = out.split_once("\n\n").unwrap();
    assert!(pods.contains("pod/web-0"), "{out}");
    assert_eq!(
        services,
        "NAME          TYPE        CLUSTER-IP   PORTS                 INSTANCES   AGE\n\
         service/web   ClusterIP   10.1.0.1     80/TCP,53:30053/UDP   2/3         5d3h\n"
    );
}

#[tokio::test]
async fn all_pages_are_followed_up_to_the_limit() {
    let server = server(|request| {
        let variables = &request["variables"];
        let from: usize = variables["after"].as_str().map_or(0, |a| a.parse().unwrap());
        let first = variables["first"].as_u64().unwrap() as usize;
        let to = (from + first).min(1200);
        let nodes: Vec<_> = (from..to).map(|i| pod("eu", "shop", &format!("p{i}"))).collect();
        page(&nodes, (to < 1200).then(|| to.to_string()).as_deref())
    })
    .await;
    let all = shown(&server, "planisphere get pods -o name").await;
    assert_eq!(all.out.lines().count(), 1200);
    assert_eq!(all.out.lines().next_back(), Some("eu/shop/Pod/p1199"));
    let some = shown(&server, "planisphere get pods -o name --limit 501").await;
    assert_eq!(some.out.lines().count(), 501);
    assert!(some.err.contains("--limit"), "{}", some.err);
    let firsts: Vec<_> = server
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|r| r["variables"]["first"].clone())
        .collect();
    assert_eq!(firsts, [400, 400, 400, 400, 101]);
}

#[tokio::test]
async fn what_is_asked_for_is_filtered_by_the_server() {
    let server = server(|_| page(&[], None)).await;
    let line = "planisphere get deploy -n shop --cluster eu -l app=web,tier!=db --search cart";
    let none = shown(&server, line).await;
    assert_eq!(
        (none.out.as_str(), none.err.as_str()),
        ("", "No resources found.\n")
    );
    let asked = server.asked.lock().unwrap()[0].clone();
    assert_eq!(
        asked["variables"],
        json!({"filter": {"kind": {"eq": "Deployment.apps"}, "cluster": {"eq": "eu"}, "namespace": {"eq": "shop"},
            "and": [{"label": {"key": "app", "eq": "web"}}, {"not": {"label": {"key": "tier", "eq": "db"}}}]},
            "search": "cart", "first": 400, "asOf": null, "after": null})
    );
    assert!(asked["query"].as_str().unwrap().contains("... on Deployment {"));
}

#[tokio::test]
async fn a_name_that_is_not_there_is_a_failure_and_the_others_are_shown() {
    let server = server(
        |request| match request["variables"]["filter"]["name"]["eq"].as_str() {
            Some("web-0") => page(&[pod("eu", "shop", "web-0")], None),
            _ => page(&[], None),
        },
    )
    .await;
    let shown = shown(&server, "planisphere get pod web-0 gone -n shop").await;
    assert!(shown.out.contains("web-0"));
    let error = shown.result.unwrap_err().to_string();
    assert_eq!(error, "there is no Pod `gone` in namespace `shop`");
}

#[tokio::test]
async fn a_stale_answer_is_shown_with_a_warning_and_its_own_exit_code() {
    let server = server(|_| {
        let mut answer = page(&[pod("eu", "shop", "web-0")], None);
        answer["data"]["assets"]["freshness"] = json!({"complete": false, "staleClusters":
            [{"cluster": "eu", "reason": "UNREACHABLE", "lagSeconds": 300.0, "error": "connection refused"}],
            "incomplete": []});
        answer
    })
    .await;
    let shown = shown(&server, "planisphere get pods,pods").await;
    assert!(matches!(shown.result, Ok(Exit::Incomplete)));
    assert!(shown.out.contains("web-0"));
    assert_eq!(
        shown.err,
        "warning: cluster eu cannot be reached, as of 5m ago: connection refused\n"
    );
}

#[tokio::test]
async fn json_and_yaml_hold_every_plain_field_of_the_type() {
    let server = server(|request| {
        if request["query"].as_str().unwrap().contains("__schema") {
            let scalar = json!({"name": "String", "kind": "SCALAR", "ofType": null});
            let field = |name: &str| json!({"name": name, "args": [], "type": scalar});
            return json!({"data": {"__schema": {"types": [
                {"name": "Pod", "interfaces": [{"name": "Asset"}], "fields": [field("name"), field("phase"), field("new")]}]}}});
        }
        assert!(request["query"].as_str().unwrap().contains("... on Pod { name phase new }"));
        page(&[json!({"name": "web-0", "phase": "Running", "new": "yes: \"no\""})], None)
    })
    .await;
    let json: Value =
        serde_json::from_str(&shown(&server, "planisphere get pods -o json").await.out).unwrap();
    assert_eq!(
        json,
        json!([{"name": "web-0", "phase": "Running", "new": "yes: \"no\""}])
    );
    let yaml = shown(&server, "planisphere get pods -o yaml").await.out;
    let back: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(back, json, "{yaml}");
}

#[tokio::test]
async fn a_refusal_of_the_server_is_told_with_its_code() {
    let refusal = json!({"errors": [{"message": "too deep", "extensions": {"code": "DEPTH_EXCEEDED"}}]});
    let server = server(move |_| refusal.clone()).await;
    let error = shown(&server, "planisphere get pods").await.result.unwrap_err();
    assert_eq!(error.to_string(), "DEPTH_EXCEEDED: too deep");
}

#[tokio::test]
async fn a_server_of_another_kind_is_recognised() {
    let server = serve(Router::new(), Arc::default()).await;
    let error = shown(&server, "planisphere get pods")
        .await
        .result
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("does not speak GraphQL") && error.contains("404"),
        "{error}"
    );
}

async fn queried(server: &Server, args: &QueryArgs, input: &str) -> Shown {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let result = query::run(&server.client, args, &mut input.as_bytes(), &mut out, &mut err).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Shown {
        result,
        out: text(out),
        err: text(err),
    }
}

#[tokio::test]
async fn a_query_is_sent_as_it_is_with_its_variables() {
    let server = server(|_| json!({"data": {"a": 1}})).await;
    let args = QueryArgs {
        variables: Some("{\"first\": 10, \"name\": \"x\"}".to_owned()),
        vars: vec!["name=web=0".to_owned(), "on=true".to_owned()],
        operation: Some("Q".to_owned()),
        ..QueryArgs::default()
    };
    let shown = queried(&server, &args, "query Q { a }").await;
    assert!(matches!(shown.result, Ok(Exit::Done)));
    assert_eq!(shown.out, "{\n  \"a\": 1\n}\n");
    assert_eq!(
        server.asked.lock().unwrap()[0],
        json!({"query": "query Q { a }", "operationName": "Q",
            "variables": {"first": 10, "name": "web=0", "on": true}})
    );
}

#[tokio::test]
async fn errors_go_to_standard_error_beside_the_data_that_there_is() {
    let server = server(|_| {
        json!({"data": {"asset": null}, "errors": [{"message": "no such asset", "path": ["asset", 0],
            "extensions": {"code": "NOT_FOUND"}}]})
    })
    .await;
    let args = QueryArgs {
        query: Some("{ asset }".to_owned()),
        ..QueryArgs::default()
    };
    let shown = queried(&server, &args, "").await;
    assert!(matches!(shown.result, Ok(Exit::Failed)));
    assert_eq!(shown.out, "{\n  \"asset\": null\n}\n");
    assert_eq!(shown.err, "error: NOT_FOUND: no such asset (at asset.0)\n");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is_asked() {
    let server = server(|_| json!({"data": {}})).await;
    for (args, said) in [
        (QueryArgs::default(), "the query is empty"),
        (
            QueryArgs {
                file: Some("/nowhere.graphql".into()),
                ..QueryArgs::default()
            },
            "/nowhere.graphql",
        ),
        (
            QueryArgs {
                query: Some("{a}".to_owned()),
                variables: Some("[]".to_owned()),
                ..QueryArgs::default()
            },
            "JSON object",
        ),
        (
            QueryArgs {
                query: Some("{a}".to_owned()),
                vars: vec!["x".to_owned()],
                ..QueryArgs::default()
            },
            "name=value",
        ),
    ] {
        let error = queried(&server, &args, " \n")
            .await
            .result
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(server.asked.lock().unwrap().is_empty());
}
