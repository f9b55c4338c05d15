//! Why a cluster cannot be reached, in words that say what was wrong, where, and what to do about it.

use crate::frame::Status;
use rustls::CertificateError;
use std::error::Error;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The server that a client talks to, as far as words about it need.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Its URL.
    pub server: String,
    /// The program that gives the credentials, where there is one.
    pub plugin: Option<String>,
    /// What that program says about how to install it.
    pub install_hint: Option<String>,
}

impl Endpoint {
    pub(crate) fn named(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            plugin: None,
            install_hint: None,
        }
    }
}

/// Why a cluster cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the message of each variant is its meaning, and its fields are named in it"
)]
pub enum ConnectError {
    #[error("no kubeconfig: {} does not exist", .path.display())]
    KubeconfigMissing { path: PathBuf },
    #[error("the kubeconfig {} cannot be read: {why}", .path.display())]
    KubeconfigUnreadable { path: PathBuf, why: String },
    #[error("the kubeconfig {} is malformed at line {line}, column {column}", .path.display())]
    KubeconfigMalformed { path: PathBuf, line: u64, column: u64 },
    #[error("the kubeconfig has no current context{}", there_are(.known))]
    NoCurrentContext { known: Vec<String> },
    #[error("the kubeconfig has no context {context:?}{}", there_are(.known))]
    NoSuchContext { context: String, known: Vec<String> },
    #[error("the context {context:?} cannot be used: {why}")]
    BadContext { context: String, why: String },
    #[error("there are no in-cluster credentials: {why}")]
    NotInCluster { why: String },
    #[error("the credentials cannot be had: {why}")]
    Credentials { why: String },
    #[error("the credential plugin {plugin:?} failed: {why}")]
    Plugin {
        plugin: String,
        why: String,
        install_hint: Option<String>,
    },
    #[error("{server} refuses connections")]
    Refused { server: String },
    #[error("{server} cannot be found: {why}")]
    Unresolved { server: String, why: String },
    #[error("{server} cannot be reached: {why}")]
    Broken { server: String, why: String },
    #[error("{server} did not answer within {seconds} s")]
    TimedOut { server: String, seconds: u64 },
    #[error("the certificate of {server} is not signed by the authority that the configuration trusts")]
    WrongAuthority { server: String },
    #[error("the certificate of {server} is not valid now: {why}")]
    CertificateNotValidNow { server: String, why: String },
    #[error("the certificate of {server} is for another name: {why}")]
    WrongName { server: String, why: String },
    #[error("{server} does not accept our client certificate: {why}")]
    ClientCertificate { server: String, why: String },
    #[error("no TLS connection to {server}: {why}")]
    Tls { server: String, why: String },
    #[error("{server} does not accept the credentials: {message}")]
    Unauthorized { server: String, message: String },
    #[error("{server} does not allow {what}: {message}")]
    Forbidden {
        server: String,
        what: String,
        message: String,
    },
    #[error("{server} is not a Kubernetes API server: {why}")]
    NotKubernetes { server: String, why: String },
    #[error("{server} answered {code} to {what}: {message}")]
    Answered {
        server: String,
        what: String,
        code: u16,
        message: String,
    },
}

fn there_are(known: &[String]) -> String {
    if known.is_empty() {
        "; it has none at all".into()
    } else {
        format!("; there are {}", known.join(", "))
    }
}

impl ConnectError {
    /// What somebody can do about it.
    pub fn next_step(&self) -> String {
        match self {
            Self::KubeconfigMissing { .. } => "name another file with --kubeconfig or KUBECONFIG".into(),
            Self::KubeconfigUnreadable { .. } => "let this user read the file".into(),
            Self::KubeconfigMalformed { .. } => {
                "correct that line; `kubectl config view` reads the same file".into()
            }
            Self::NoCurrentContext { .. } => {
                "choose one with --context, or run `kubectl config use-context`".into()
            }
            Self::NoSuchContext { .. } => "choose one of them with --context".into(),
            Self::BadContext { .. } => {
                "correct the context, its cluster or its user in the kubeconfig".into()
            }
            Self::NotInCluster { .. } => {
                "run in a pod with a mounted service account token, or name a kubeconfig".into()
            }
            Self::Credentials { .. } => "correct the context's user in the kubeconfig".into(),
            Self::Plugin { install_hint, .. } => install_hint
                .clone()
                .unwrap_or_else(|| "run that program by hand: it must print an ExecCredential".into()),
            Self::Refused { .. } => "is the API server running, and the port right?".into(),
            Self::Unresolved { .. } => "is the host name right, and the DNS (or VPN) there?".into(),
            Self::Broken { .. } => "look at the network between here and there".into(),
            Self::TimedOut { .. } => "is a firewall or VPN in the way, or the server overloaded?".into(),
            Self::WrongAuthority { .. } => "take certificate-authority-data from the cluster itself".into(),
            Self::CertificateNotValidNow { .. } => {
                "renew the server's certificate, and compare the clocks".into()
            }
            Self::WrongName { .. } => {
                "use a name from the certificate as the server, or set tls-server-name".into()
            }
            Self::ClientCertificate { .. } => "renew the client certificate in the kubeconfig".into(),
            Self::Tls { .. } => "does the address speak TLS, and is it the API server's?".into(),
            Self::Unauthorized { .. } => "log in again or renew the token: it may have expired".into(),
            Self::Forbidden { what, .. } => format!("allow this user to get {what} by RBAC"),
            Self::NotKubernetes { .. } => "correct the server's URL".into(),
            Self::Answered { .. } => "look at the API server's own log and health".into(),
        }
    }

    /// The cluster answered, and does not let us.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Forbidden { .. })
    }

    /// The error and what to do, in one line.
    pub fn sentence(&self) -> String {
        format!("{self}; {}", self.next_step())
    }

    /// The words for an error of kube's client, or of a body that it reads.
    pub(crate) fn of(endpoint: &Endpoint, error: kube::Error) -> Self {
        if let kube::Error::Auth(auth) = error {
            return Self::of_auth(endpoint, &auth);
        }
        Self::of_any(endpoint, &error)
    }

    fn of_any(endpoint: &Endpoint, error: &(dyn Error + 'static)) -> Self {
        let server = endpoint.server.clone();
        if let Some(auth) = find::<kube::client::AuthError>(error) {
            return Self::of_auth(endpoint, auth);
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::of_tls(server, tls);
        }
        let why = chain(error);
        if why.contains("dns error") {
            return Self::Unresolved { server, why };
        }
        match find_io(error) {
            Some(ErrorKind::ConnectionRefused) => Self::Refused { server },
            Some(ErrorKind::TimedOut) => Self::TimedOut {
                server,
                seconds: super::client::CONNECT.as_secs(),
            },
            _ => Self::Broken { server, why },
        }
    }

    fn of_auth(endpoint: &Endpoint, error: &kube::client::AuthError) -> Self {
        let Some(plugin) = endpoint.plugin.clone() else {
            return Self::Credentials { why: chain(error) };
        };
        // The command line and its environment may hold secrets, so only the program's own words are told.
        let why = match error {
            kube::client::AuthError::AuthExecRun { out, .. } => {
                let said = String::from_utf8_lossy(&out.stderr);
                format!("{}; it said: {}", out.status, said.trim().replace('\n', " / "))
            }
            kube::client::AuthError::AuthExecParse(_) => "what it prints is not an ExecCredential".into(),
            other => chain(other),
        };
        Self::Plugin {
            plugin,
            why,
            install_hint: endpoint.install_hint.clone(),
        }
    }

    fn of_tls(server: String, error: &rustls::Error) -> Self {
        let why = error.to_string();
        match error {
            rustls::Error::InvalidCertificate(invalid) => match invalid {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Self::WrongAuthority { server }
                }
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::CertificateNotValidNow { server, why },
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::WrongName { server, why }
                }
                _ => Self::Tls { server, why },
            },
            rustls::Error::AlertReceived(_) => Self::ClientCertificate { server, why },
            _ => Self::Tls { server, why },
        }
    }

    /// The words for an answer that refuses.
    pub(crate) fn refused(endpoint: &Endpoint, what: &str, status: &Status) -> Self {
        let (server, what) = (endpoint.server.clone(), what.to_owned());
        let message = if status.message.is_empty() {
            status.reason.clone()
        } else {
            status.message.clone()
        };
        match status.code {
            401 => Self::Unauthorized { server, message },
            403 => Self::Forbidden {
                server,
                what,
                message,
            },
            404 if status.reason.is_empty() => Self::NotKubernetes {
                server,
                why: format!("it does not know {what}"),
            },
            code => Self::Answered {
                server,
                what,
                code,
                message,
            },
        }
    }
}

/// The first error of a type in the chain, also where an `io::Error` hides it.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref::<T>() {
        return Some(found);
    }
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(|io| io.get_ref())
        .and_then(|inner| find::<T>(inner));
    inner.or_else(|| error.source().and_then(find::<T>))
}

fn find_io(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let here = error.downcast_ref::<std::io::Error>().map(|io| io.kind());
    match here {
        Some(kind) if kind != ErrorKind::Other => Some(kind),
        _ => error.source().and_then(find_io),
    }
}

/// The words of an error and of what caused it, each once.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}
