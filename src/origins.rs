//! Where the configuration's clusters come from: contexts of kubeconfigs, this pod's own cluster, dumps.

use crate::cli::exit::Failure;
use crate::config::{KubeconfigSource, Sources};
use planisphere_sync::cluster::{self, ClusterConfig, Contexts, Source};
use planisphere_sync::fleet::Origin;

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
