//! From kubeconfig files, or a pod's service account, to a client. Which files, and in what order, is said by the caller.

use super::error::ConnectError;
use super::{ClusterConfig, Source};
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::ffi::OsStr;
use std::hash::Hasher;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Which contexts of a kubeconfig become clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contexts {
    /// The current one.
    Current,
    /// These.
    Named(Vec<String>),
    /// All of them.
    All,
}

/// The files that kubectl would read: the one given by flag, else those that exist of the list in `KUBECONFIG`, else the
/// default one. Fails where none of them exists.
pub fn kubeconfig_files(
    flag: Option<&Path>,
    variable: Option<&OsStr>,
    default: &Path,
) -> Result<Vec<PathBuf>, ConnectError> {
    let listed: Vec<PathBuf> = match (flag, variable.filter(|v| !v.is_empty())) {
        (Some(flag), _) => vec![flag.to_owned()],
        (None, Some(list)) => std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        (None, None) => vec![default.to_owned()],
    };
    let there: Vec<PathBuf> = listed.iter().filter(|path| path.exists()).cloned().collect();
    if there.is_empty() {
        let path = listed.into_iter().next().unwrap_or_else(|| default.to_owned());
        return Err(ConnectError::KubeconfigMissing { path });
    }
    Ok(there)
}

/// The clusters that contexts of these files name; each is called like its context.
pub fn clusters_of(files: &[PathBuf], contexts: &Contexts) -> Result<Vec<ClusterConfig>, ConnectError> {
    let kubeconfig = read(files)?;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
    let chosen = match contexts {
        Contexts::All if known.is_empty() => return Err(ConnectError::NoCurrentContext { known }),
        Contexts::All => known.clone(),
        Contexts::Named(names) => names.clone(),
        Contexts::Current => match kubeconfig.current_context.clone().filter(|name| !name.is_empty()) {
            Some(name) => vec![name],
            None => return Err(ConnectError::NoCurrentContext { known }),
        },
    };
    if let Some(context) = chosen.iter().find(|name| !known.contains(name)) {
        let context = context.clone();
        return Err(ConnectError::NoSuchContext { context, known });
    }
    let source = |context: &String| Source::Kubeconfig {
        files: files.to_vec(),
        context: Some(context.clone()),
    };
    Ok(chosen
        .iter()
        .map(|name| {
            let mut config = ClusterConfig::new(name, source(name));
            config.fingerprint = fingerprint(&kubeconfig, name);
            config
        })
        .collect())
}

/// Changes with what the files say of a context: its server, its credentials, and the files that these name. A token file
/// is left out: kube reads it again by itself.
fn fingerprint(kubeconfig: &Kubeconfig, name: &str) -> u64 {
    let mut hash = twox_hash::XxHash3_64::with_seed(0);
    let context = kubeconfig.contexts.iter().find(|c| c.name == name);
    let inner = context.and_then(|c| c.context.as_ref());
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|c| inner.is_some_and(|i| i.cluster == c.name));
    let user = kubeconfig
        .auth_infos
        .iter()
        .find(|u| inner.is_some_and(|i| i.user.as_ref() == Some(&u.name)));
    hash.write(&serde_json::to_vec(&(context, cluster, user)).unwrap_or_default());
    let cluster = cluster.and_then(|c| c.cluster.as_ref());
    let user = user.and_then(|u| u.auth_info.as_ref());
    let named = [
        cluster.and_then(|c| c.certificate_authority.as_ref()),
        user.and_then(|u| u.client_certificate.as_ref()),
        user.and_then(|u| u.client_key.as_ref()),
    ];
    for file in named.into_iter().flatten() {
        hash.write(&std::fs::read(file).unwrap_or_default());
    }
    hash.finish()
}

fn read(files: &[PathBuf]) -> Result<Kubeconfig, ConnectError> {
    let mut merged = Kubeconfig::default();
    for path in files {
        let one = Kubeconfig::read_from(path).map_err(|e| of_file(path, e))?;
        merged = merged.merge(one).map_err(|e| of_file(path, e))?;
    }
    Ok(merged)
}

fn of_file(path: &Path, error: KubeconfigError) -> ConnectError {
    let path = path.to_owned();
    match error {
        KubeconfigError::ReadConfig(e, _) if e.kind() == ErrorKind::NotFound => {
            ConnectError::KubeconfigMissing { path }
        }
        KubeconfigError::ReadConfig(e, _) => ConnectError::KubeconfigUnreadable {
            path,
            why: e.to_string(),
        },
        // The parser's own words quote the file, which may hold tokens: only the place is told.
        KubeconfigError::Parse(e) => {
            let (line, column) = e.location().map_or((0, 0), |at| (at.line(), at.column()));
            ConnectError::KubeconfigMalformed { path, line, column }
        }
        other => ConnectError::KubeconfigUnreadable {
            path,
            why: other.to_string(),
        },
    }
}

/// Reads the configuration that a source names.
pub(super) async fn resolve(source: &Source) -> Result<kube::Config, ConnectError> {
    match source {
        Source::InCluster => {
            kube::Config::incluster().map_err(|e| ConnectError::NotInCluster { why: e.to_string() })
        }
        Source::Given(_) => Err(ConnectError::Credentials {
            why: "the client was made elsewhere".into(),
        }),
        Source::Kubeconfig { files, context } => of_context(files, context.as_deref()).await,
    }
}

async fn of_context(files: &[PathBuf], context: Option<&str>) -> Result<kube::Config, ConnectError> {
    let mut kubeconfig = read(files)?;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
    let Some(name) = context.map(str::to_owned).or(kubeconfig.current_context.clone()) else {
        return Err(ConnectError::NoCurrentContext { known });
    };
    if !known.contains(&name) {
        return Err(ConnectError::NoSuchContext { context: name, known });
    }
    let execs = kubeconfig
        .auth_infos
        .iter_mut()
        .filter_map(|user| user.auth_info.as_mut()?.exec.as_mut());
    for exec in execs {
        // A mirror has nobody at its terminal; without one, what the plugin says on failure can be told.
        if exec.interactive_mode != Some(ExecInteractiveMode::Always) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let options = KubeConfigOptions {
        context: Some(name.clone()),
        ..KubeConfigOptions::default()
    };
    // kube would take a proxy from the environment for every cluster, loopback included: only the kubeconfig's own counts.
    let proxy = proxy_of(&kubeconfig, &name);
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|e| ConnectError::BadContext {
            context: name,
            why: e.to_string(),
        })?;
    config.proxy_url = config.proxy_url.filter(|_| proxy);
    Ok(config)
}

fn proxy_of(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let context = kubeconfig.contexts.iter().find(|c| c.name == context);
    let cluster = context.and_then(|c| c.context.as_ref()).map(|c| &c.cluster);
    let cluster = kubeconfig.clusters.iter().find(|c| Some(&c.name) == cluster);
    let proxy = cluster.and_then(|c| c.cluster.as_ref()?.proxy_url.as_deref());
    proxy.is_some_and(|url| !url.is_empty())
}
