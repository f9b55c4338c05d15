//! Readers of the feed that are killed and resumed at random, over every transport, rebuild exactly what the store has.

use super::app::{App, NOW, Served};
use crate::store::random::{Move, change, everybody};
use crate::store::words::{batch, cluster};
use futures::{SinkExt, StreamExt};
use planisphere::store::{Direction, Filter, ListQuery, NeighbourQuery, Order, Presence, Snapshot};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

const PATIENCE: Duration = Duration::from_secs(120);
const BATCHES: u32 = 400;
const FIELDS: &str =
    "feed(filter: { status: true }, after: $after, since: $since, first: 7) { cursor more nodes { op
    asset { id uid labels } edgesStarted { ...edge } edgesEnded { ...edge } } }";
const EDGE: &str =
    "fragment edge on EdgeChange { relation source { id } target { id } detail { ready addresses } }";

fn moves(random: &mut StdRng) -> Vec<Move> {
    let some = |random: &mut StdRng| match random.random_range(0..4) {
        0 => Move::Delete {
            who: random.random_range(0..20),
        },
        _ => Move::Upsert {
            who: random.random_range(0..20),
            uid: random.random_range(0..2),
            app: random.random_range(0..3),
            edges: (0..random.random_range(0..3))
                .map(|_| {
                    (
                        0,
                        random.random_range(0..4),
                        random.random_range(0..20),
                        random.random_range(0..3),
                    )
                })
                .collect(),
        },
    };
    (0..random.random_range(1..5)).map(|_| some(random)).collect()
}

/// What a reader knows: assets by id, edges by declarer and ends.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    assets: BTreeMap<String, Value>,
    edges: BTreeMap<[String; 4], Value>,
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Known {
    /// Applies a page; safe to repeat from any place before it.
    fn apply(&mut self, page: &Value) {
        for change in page["nodes"].as_array().unwrap() {
            let id = word(&change["asset"]["id"]);
            match change["op"].as_str() {
                Some("DELETE") => drop(self.assets.remove(&id)),
                Some(_) => drop(self.assets.insert(id.clone(), change["asset"].clone())),
                None => {}
            }
            let key = |edge: &Value| {
                let [source, target] = ["source", "target"].map(|end| word(&edge[end]["id"]));
                [id.clone(), source, word(&edge["relation"]), target]
            };
            for edge in change["edgesEnded"].as_array().unwrap() {
                self.edges.remove(&key(edge));
            }
            for edge in change["edgesStarted"].as_array().unwrap() {
                self.edges.insert(key(edge), edge["detail"].clone());
            }
        }
    }

    /// What there is.
    async fn of(graph: &dyn Snapshot, like: &Known) -> Self {
        let query = ListQuery {
            filter: Filter::ALL,
            presence: Presence::Present,
            order: Order::Key,
            after: None,
            limit: 100_000,
        };
        let ours = [cluster(1).id, cluster(2).id];
        let mut known = Known::default();
        for record in graph.list(&query).await.unwrap().records {
            // What edges alone name (zones) is told by its edges.
            if record.stub || !ours.contains(&record.asset.reference.key().cluster) {
                continue;
            }
            let id = record.asset.reference.id().to_string();
            let labels = record.asset.labels.iter();
            let labels: serde_json::Map<String, Value> = labels
                .map(|l| (l.key.to_string(), l.value.to_string().into()))
                .collect();
            let uid = (!record.asset.uid.is_nil()).then(|| record.asset.uid.to_string());
            known
                .assets
                .insert(id.clone(), json!({ "id": id, "uid": uid, "labels": labels }));
        }
        let ids = everybody();
        let query = NeighbourQuery {
            ids: &ids,
            direction: Direction::Out,
            relations: None,
            limit: 100_000,
            after: None,
        };
        for link in graph
            .neighbours(&query)
            .await
            .unwrap()
            .into_iter()
            .flat_map(|n| n.links)
        {
            let [declarer, from, to] = [link.declared_by, link.from, link.to].map(|id| id.to_string());
            let key = [declarer, from, link.relation.name().to_owned(), to];
            let detail = json!({ "ready": link.detail.ready, "addresses": link.detail.addresses });
            known.edges.insert(key, detail);
        }
        assert!(!like.assets.is_empty());
        known
    }
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Pages,
    Events,
    Socket,
}

/// Reads the feed on after a place until nobody takes pages any more.
async fn read(server: Arc<Served>, transport: Transport, variables: Value, pages: mpsc::Sender<Value>) {
    let operation = match transport {
        Transport::Pages => "query",
        Transport::Events | Transport::Socket => "subscription",
    };
    let query = format!("{operation}($after: String, $since: String) {{ {FIELDS} }} {EDGE}");
    let url = format!("http://{}/graphql", server.address);
    match transport {
        Transport::Pages => {
            let mut variables = variables;
            loop {
                let mut data = server.app.ask_with(&query, variables).await;
                let page = data["feed"].take();
                variables = json!({ "after": page["cursor"] });
                if pages.send(page).await.is_err() {
                    return;
                }
            }
        }
        Transport::Events => {
            // As a browser resumes: by the id of the last event, whatever the query says.
            let request = reqwest::Client::new()
                .post(url)
                .header("accept", "text/event-stream");
            let request = match variables["after"].as_str() {
                Some(cursor) => request.header("last-event-id", cursor),
                None => request,
            };
            let since = json!({ "since": variables["since"] });
            let mut response = request
                .json(&json!({ "query": query, "variables": since }))
                .send()
                .await
                .unwrap();
            let mut text = String::new();
            while let Some(chunk) = response.chunk().await.unwrap() {
                text.push_str(std::str::from_utf8(&chunk).unwrap());
                while let Some((event, rest)) =
                    text.split_once("\n\n").map(|(e, r)| (e.to_owned(), r.to_owned()))
                {
                    text = rest;
                    let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else {
                        continue;
                    };
                    let mut answer: Value = serde_json::from_str(data).unwrap();
                    assert!(answer.get("errors").is_none(), "{answer}");
                    if pages.send(answer["data"]["feed"].take()).await.is_err() {
                        return;
                    }
                }
            }
        }
        Transport::Socket => {
            let mut request = url.replace("http", "ws").into_client_request().unwrap();
            let protocol = "graphql-transport-ws".parse().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", protocol);
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            let hello = json!({ "type": "connection_init" });
            let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": query, "variables": variables } });
            socket.send(Message::text(hello.to_string())).await.unwrap();
            // Pings come at any time.
            let ack = loop {
                if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                    break text;
                }
            };
            let ack: Value = serde_json::from_str(&ack).unwrap();
            assert_eq!(ack["type"], "connection_ack");
            socket.send(Message::text(subscribe.to_string())).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                let mut next: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(next["type"], "next", "{next}");
                assert!(next["payload"].get("errors").is_none(), "{next}");
                if pages.send(next["payload"]["data"]["feed"].take()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Rebuilds the graph from the feed, killed and resumed again and again; at times it forgets the cursor of its last pages.
async fn rebuild(
    server: Arc<Served>,
    transport: Transport,
    since: Value,
    written: Arc<AtomicBool>,
) -> (Known, usize) {
    let mut random = StdRng::seed_from_u64(transport as u64);
    let (mut known, mut kept, mut lives) = (Known::default(), json!({ "since": since }), 0);
    loop {
        lives += 1;
        // Asked before the page is: what is told to be all then is all.
        let last = written.load(Ordering::SeqCst);
        let (sender, mut pages) = mpsc::channel(1);
        let reader = tokio::spawn(read(server.clone(), transport, kept.clone(), sender));
        let pages_to_live = random.random_range(1..30);
        for _ in 0..pages_to_live {
            let page = pages.recv().await.unwrap();
            known.apply(&page);
            if random.random_range(0..2) == 0 {
                kept = json!({ "after": page["cursor"] });
            }
            if last && page["nodes"] == json!([]) && page["more"] == false {
                return (known, lives);
            }
        }
        reader.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_readers_killed_and_resumed_at_random_rebuild_exactly_what_the_store_has() {
    let mut app = App::new().await;
    app.limits.heartbeat = Duration::from_millis(100);
    let version = app.ask("{ sync { freshness { version } } }").await;
    let since = version["sync"]["freshness"]["version"].clone();
    let server = Arc::new(app.serve().await);
    let written = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = [Transport::Pages, Transport::Events, Transport::Socket]
        .map(|transport| {
            let reader = rebuild(server.clone(), transport, since.clone(), written.clone());
            tokio::spawn(reader)
        })
        .into();
    let mut random = StdRng::seed_from_u64(8);
    for n in 0..BATCHES {
        let c = random.random_range(1..3_u8);
        let changes = moves(&mut random).iter().map(|m| change(c, m)).collect();
        // Clusters' clocks are apart: what is committed later may be of an earlier time.
        let at_ms = NOW + i64::from(n) - i64::from(c) * 5_000;
        let mut batch = batch(at_ms, changes);
        batch.cluster = cluster(c);
        server.app.store.apply(batch).await.unwrap();
        tokio::task::yield_now().await;
    }
    written.store(true, Ordering::SeqCst);
    let graph = server.app.store.snapshot().await.unwrap();
    for reader in readers {
        let (known, lives) = tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap();
        let truth = Known::of(&*graph, &known).await;
        assert_eq!(known.assets, truth.assets);
        assert_eq!(known.edges, truth.edges);
        assert!(lives > 2, "it was killed: {lives}");
    }
}
