//! Which clusters to mirror, from what was said and from what lies around. It reads no kubeconfig; it only says which.

use super::read::Reader;
use super::{ConfigError, Surroundings};
use planisphere_schema::Kind;
use std::path::PathBuf;

/// Everything to mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Clusters of kubeconfig files.
    pub kubeconfig: Option<KubeconfigSource>,
    /// The cluster that this process runs in.
    pub in_cluster: bool,
    /// Files or directories of objects.
    pub dumps: Vec<PathBuf>,
    /// Kinds to leave out.
    pub exclude_kinds: Vec<Kind>,
}

/// Clusters of kubeconfig files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigSource {
    /// The files, merged as kubectl does: the first to name something wins.
    pub files: Vec<PathBuf>,
    /// Which of their contexts.
    pub contexts: Contexts,
    /// Who named the files, for messages.
    pub origin: String,
}

/// Which contexts of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contexts {
    /// The current one.
    Current,
    /// These.
    Named(Vec<String>),
    /// All.
    All,
}

/// Settles what to mirror. What was said counts; only if nothing was, what lies around: the current context of
/// KUBECONFIG or `~/.kube/config`, else the cluster of this pod.
pub(super) fn resolve(read: &Reader<'_>, around: &Surroundings) -> Result<Sources, ConfigError> {
    let named = read.effective("contexts");
    let all = read.switch("all_contexts")?;
    if all && !named.values.is_empty() {
        return Err(ConfigError::Conflict {
            first: format!("`all_contexts` ({})", read.effective("all_contexts").origin),
            second: format!("`contexts` ({})", named.origin),
            reason: "either name the contexts or take all of them",
        });
    }
    let contexts = match (all, named.values.is_empty()) {
        (true, _) => Contexts::All,
        (false, false) => Contexts::Named(named.values),
        (false, true) => Contexts::Current,
    };
    let kubeconfig = read.effective("kubeconfig");
    // KUBECONFIG is set in many a shell for kubectl's sake: it must not add a cluster to `--dump` or `--in-cluster`.
    let asked =
        (kubeconfig.is_given() && kubeconfig.origin != "env KUBECONFIG") || contexts != Contexts::Current;
    let dumps: Vec<PathBuf> = read
        .effective("dumps")
        .values
        .into_iter()
        .map(PathBuf::from)
        .collect();
    let in_cluster = read.switch("in_cluster")?;
    let mut sources = Sources {
        kubeconfig: None,
        in_cluster,
        exclude_kinds: read.kinds("exclude_kinds")?,
        dumps,
    };
    if !asked && (in_cluster || !sources.dumps.is_empty()) {
        return Ok(sources);
    }
    match (files(read, around)?, asked) {
        (Some((files, origin)), _) => {
            sources.kubeconfig = Some(KubeconfigSource {
                files,
                contexts,
                origin,
            });
        }
        (None, false) if around.in_pod()? => sources.in_cluster = true,
        (None, _) => {
            let looked = match around.text("HOME")? {
                Some(home) => format!("there is no {home}/.kube/config and this is not a pod"),
                None => "HOME is not set and this is not a pod".to_owned(),
            };
            return Err(ConfigError::NoCluster { looked });
        }
    }
    Ok(sources)
}

/// The kubeconfig files and who named them. Named ones are taken as they are, so that a wrong name is an error later;
/// the default one only where it exists.
fn files(read: &Reader<'_>, around: &Surroundings) -> Result<Option<(Vec<PathBuf>, String)>, ConfigError> {
    let given = read.effective("kubeconfig");
    if !given.values.is_empty() {
        let named: Vec<PathBuf> = given.values.into_iter().map(PathBuf::from).collect();
        let there: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
        // kubectl skips what is missing of the list in KUBECONFIG; a file that a flag names must be there.
        let skip = given.origin.starts_with("env ") && !there.is_empty();
        return Ok(Some((if skip { there } else { named }, given.origin)));
    }
    let home = around.text("HOME")?.map(PathBuf::from);
    let default = home.map(|home| home.join(".kube").join("config"));
    let found = default.filter(|path| path.exists());
    Ok(found.map(|path| (vec![path], super::DEFAULT.to_owned())))
}
