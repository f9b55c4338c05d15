//! `planisphere demo`: a simulated fleet that changes, mirrored through the same code as real clusters, and three questions
//! with their answers.

use crate::cli::exit::Failure;
use crate::cli::screen::Screen;
use crate::clock::Clock;
use crate::config::DemoSettings;
use crate::export::desk::Desk;
use crate::lifecycle::cancelled_by_signals;
use crate::observe::Observer;
use crate::retention::Retention;
use crate::rules;
use crate::serve::{Beside, Server};
use crate::store::embedded::EmbeddedStore;
use planisphere_fixtures::{FleetSpec, Options, Simulation};
use planisphere_sync::cluster::{self, Contexts};
use planisphere_sync::fleet::Origin;
use serde_json::{Value, json};
use std::io::{Stderr, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A question that a newcomer may have, and how to ask it.
struct Question {
    words: &'static str,
    query: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question {
        words: "Which pods stand behind the service shop/checkout, and where do they run?",
        query: include_str!("demo/instances.graphql"),
    },
    Question {
        words: "What uses the secret shop/checkout-db?",
        query: include_str!("demo/secret.graphql"),
    },
    Question {
        words: "What is referred to, but does not exist?",
        query: include_str!("demo/dangling.graphql"),
    },
];

/// Runs the demo; with `once` it ends after the answers.
///
/// # Errors
/// When it cannot start, or a question is not answered.
pub async fn demo(
    settings: DemoSettings,
    once: bool,
    screen: Option<Screen<Stderr>>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let cancel = cancelled_by_signals().map_err(Failure::Start)?;
    let rules = rules::follow(settings.rules.clone(), cancel.clone())?;
    let server = Server::bind(settings.listen).await?;
    let url = server.url();
    server.announce(out)?;

    let spec = FleetSpec {
        seed: settings.seed,
        clusters: settings.clusters.try_into().unwrap_or(u32::MAX),
        objects: settings.objects.try_into().unwrap_or(u32::MAX),
    };
    let simulation = Simulation::start(spec, Options::default())
        .await
        .map_err(Failure::Start)?;
    let folder = tempfile::tempdir().map_err(Failure::Start)?;
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, simulation.kubeconfig_yaml()).map_err(Failure::Start)?;
    let clusters =
        cluster::clusters_of(&[kubeconfig], &Contexts::All).map_err(|e| Failure::Run(e.sentence()))?;

    let clock = Clock::of_the_machine();
    let store = EmbeddedStore::open(&folder.path().join("data"), clock.reader())
        .map_err(|e| Failure::Run(e.to_string()))?;
    let beside = Beside {
        clock,
        exports: Arc::new(Desk::temporary().map_err(Failure::Start)?),
        events: planisphere_sync::events::EventLimits::default(),
        rules: Some(rules),
        owners: Arc::default(),
        observer: Observer::default(),
        look_every: Duration::default(),
        retention: Retention::default(),
    };
    let (_named, origins) = watch::channel(clusters.into_iter().map(Origin::Live).collect());
    let running = server
        .start(Arc::new(store), beside, origins, Vec::new(), cancel)
        .await?;
    running.show_progress(screen);
    if !running.synced().await {
        running.ended().await;
        return Ok(());
    }
    for question in QUESTIONS {
        let answer = ask(&url, question.query).await.map_err(Failure::Run)?;
        let text = format!("\n# {}\n{}\n{answer:#}\n", question.words, question.query.trim());
        out.write_all(text.as_bytes()).map_err(Failure::Output)?;
    }
    if once {
        running.stop();
        running.ended().await;
        return Ok(());
    }
    let steps = settings.changes_per_second.round() as u32;
    let changing = (steps > 0).then(|| simulation.fleet().run(steps));
    let text = format!(
        "\nThe fleet changes {steps} times a second. Ask for yourself: {url}/graphiql, or\n  planisphere get pods -n shop --server {url}\nCtrl-C stops it.\n"
    );
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Failure::Output)?;
    running.ended().await;
    drop(changing);
    Ok(())
}

/// Asks over HTTP, as anybody would.
async fn ask(url: &str, query: &str) -> Result<Value, String> {
    let request = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .json(&json!({ "query": query }));
    let response = request.send().await.map_err(|e| e.to_string())?;
    let mut answer: Value = response.json().await.map_err(|e| e.to_string())?;
    match answer.get("errors") {
        Some(errors) => Err(format!("the demo's own question was refused: {errors}")),
        None => Ok(answer["data"].take()),
    }
}
