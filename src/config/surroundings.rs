//! What surrounds the process: its environment variables and whether it runs in a pod. Read once, at the edge; tests
//! make their own.

use super::ConfigError;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Environment variables, and where a pod finds its service account.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    variables: BTreeMap<String, OsString>,
    service_account: PathBuf,
}

/// Where Kubernetes mounts the service account of a pod.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Surroundings {
    /// Those of this process. Variables whose very name is no text belong to somebody else.
    pub fn of_process() -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self {
            variables: std::env::vars_os().filter_map(named).collect(),
            service_account: PathBuf::from(SERVICE_ACCOUNT),
        }
    }

    /// Just these variables, outside of any pod.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), OsString::from(value));
        Self {
            variables: variables.iter().map(owned).collect(),
            service_account: PathBuf::new(),
        }
    }

    /// The same with a service account's directory, as a pod has one.
    pub fn with_service_account(mut self, directory: &Path) -> Self {
        self.service_account = directory.to_owned();
        self
    }

    /// Names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// A variable; an empty one counts as not set, as compose files and charts write it.
    ///
    /// # Errors
    /// When it is not text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text).filter(|t| !t.is_empty())),
                None => Err(ConfigError::NotText {
                    name: name.to_owned(),
                }),
            },
        }
    }

    /// The directory that `variable` names, else `below` the home directory; none without a home.
    ///
    /// # Errors
    /// When a variable is not text.
    pub fn directory(&self, variable: &str, below: impl AsRef<Path>) -> Result<Option<PathBuf>, ConfigError> {
        // The XDG specification says that a relative path there is to be ignored.
        let named = self
            .text(variable)?
            .map(PathBuf::from)
            .filter(|p| p.is_absolute());
        let home = self.text("HOME")?.map(|home| Path::new(home).join(below));
        Ok(named.or(home))
    }

    /// Whether this looks like a pod with a service account: what client-go looks for.
    ///
    /// # Errors
    /// When a variable is not text.
    pub fn in_pod(&self) -> Result<bool, ConfigError> {
        Ok(self.text("KUBERNETES_SERVICE_HOST")?.is_some() && self.service_account.join("token").exists())
    }
}
