//! Where the configuration's clusters come from: contexts of kubeconfigs, this pod's own cluster, dumps.

use crate::cli::exit::Failure;
use crate::config::{KubeconfigSource, Sources};
use planisphere_sync::cluster::{self, ClusterConfig, Contexts, Source};
use planisphere_sync::fleet::Origin;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the files are read again. What was read twice in a row is taken for what was meant.
const EVERY: Duration = Duration::from_secs(2);

/// The clusters that the sources name.
///
/// # Errors
/// When a kubeconfig cannot be read, has no such context, or two clusters would have one name.
pub fn origins(sources: &Sources) -> Result<Vec<Origin>, Failure> {
    let mut origins = Vec::new();
    if let Some(KubeconfigSource { files, contexts, .. }) = &sources.kubeconfig {
        let contexts = match contexts {
            crate::config::Contexts::Current => Contexts::Current,
            crate::config::Contexts::Named(names) => Contexts::Named(names.clone()),
            crate::config::Contexts::All => Contexts::All,
        };
        let clusters = cluster::clusters_of(files, &contexts).map_err(|e| Failure::Run(e.sentence()))?;
        origins.extend(clusters.into_iter().map(Origin::Live));
    }
    if sources.in_cluster {
        origins.push(Origin::Live(ClusterConfig::new("in-cluster", Source::InCluster)));
    }
    origins.extend(sources.dumps.iter().cloned().map(Origin::Dump));
    let mut names: Vec<String> = origins.iter().map(Origin::name).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let name = &twice[0];
        return Err(Failure::Run(format!(
            "two sources are called {name:?}; rename the context (`kubectl config rename-context`) or the dump's file"
        )));
    }
    Ok(origins)
}

/// The clusters that the sources name, as their files change. A file that cannot be read, or names none, changes nothing.
pub fn follow(sources: Sources, now: Vec<Origin>, cancel: CancellationToken) -> watch::Receiver<Vec<Origin>> {
    let (named, receiver) = watch::channel(now);
    let read = async move {
        let mut before = Ok(named.borrow().clone());
        loop {
            tokio::time::sleep(EVERY).await;
            let reader = sources.clone();
            let read = tokio::task::spawn_blocking(move || origins(&reader).map_err(|e| e.to_string())).await;
            let read = read.unwrap_or_else(|e| Err(e.to_string()));
            match &read {
                Ok(origins) if read == before => {
                    named.send_if_modified(|known| {
                        let changed = known != origins;
                        known.clone_from(origins);
                        changed
                    });
                }
                Err(error) if read != before => {
                    tracing::warn!(
                        error,
                        "the clusters cannot be read anew; those that are known stay"
                    );
                }
                _ => {}
            }
            before = read;
        }
    };
    tokio::spawn(async move { cancel.run_until_cancelled(read).await });
    receiver
}
