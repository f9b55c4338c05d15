//! What a cluster tells of its control plane when it is asked: its version, its checks and who leads. A refusal is an answer;
//! only where there is none is anything wrong. What it means is the business of `extract`.

use super::error::ConnectError;
use super::{Access, Connection, request};
use crate::frame::Status;
use serde::Deserialize;
use std::time::Duration;

/// Parts of which only one instance works at a time: the one that holds the Lease of that name in `kube-system`.
const LEASES: &[&str] = &[
    "cloud-controller-manager",
    "kube-controller-manager",
    "kube-scheduler",
];
/// How many checks are read, and how long a name may be; API servers have about fifty.
const CHECKS_MAX: usize = 256;
const CHECK_NAME_MAX: usize = 128;
/// A Lease that was not renewed for this long is nobody's; usual is every two seconds.
const LEASE_OLD: Duration = Duration::from_secs(120);

/// The server's version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServerVersion {
    /// `v1.36.3`.
    pub(crate) git_version: String,
    /// `linux/amd64`; empty where it does not say.
    pub(crate) platform: String,
}

/// An answer that may be a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told<T> {
    /// It tells.
    Yes(T),
    /// We may not know.
    Denied,
    /// There is no such thing.
    Absent,
}

/// What `/readyz` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// As a whole.
    pub(crate) ready: bool,
    /// Each check by its name, and whether it passes.
    pub(crate) checks: Vec<(String, bool)>,
}

/// Who leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lease {
    /// As it calls itself.
    pub(crate) holder: String,
    /// It renewed the Lease lately, by the server's clock.
    pub(crate) renewed: bool,
}

/// What a control plane told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToldControlPlane {
    pub(crate) version: ServerVersion,
    pub(crate) readiness: Told<Readiness>,
    /// By the part's name.
    pub(crate) leases: Vec<(&'static str, Told<Lease>)>,
    /// There were more checks than are read.
    pub(crate) cut: bool,
}

impl ToldControlPlane {
    /// Whether a part that it does not tell of is not there.
    pub(crate) fn is_whole(&self) -> bool {
        !self.leases.iter().any(|(_, lease)| matches!(lease, Told::Denied))
    }
}

impl Connection {
    /// Asks the cluster about its control plane: five small answers.
    pub(crate) async fn ask_control_plane(&self) -> Result<ToldControlPlane, ConnectError> {
        let (access, patience) = (self.access(), self.patience());
        let version = access.version(patience).await?;
        let readiness = readiness(&access, patience).await?;
        let mut leases = Vec::with_capacity(LEASES.len());
        for name in LEASES {
            leases.push((*name, lease(&access, name, patience).await?));
        }
        let (readiness, cut) = match readiness {
            Told::Yes((readiness, cut)) => (Told::Yes(readiness), cut),
            Told::Denied => (Told::Denied, false),
            Told::Absent => (Told::Absent, false),
        };
        Ok(ToldControlPlane {
            version,
            readiness,
            leases,
            cut,
        })
    }
}

async fn readiness(access: &Access, patience: Duration) -> Result<Told<(Readiness, bool)>, ConnectError> {
    let path = "/readyz?verbose";
    let answer = request::send(access, path, "*/*", false, None, patience).await?;
    let (code, encoding) = (answer.code, answer.encoding);
    let body = request::body_of(access, answer.body, patience).await?;
    match code {
        // It answers 500 where a check fails, and says which.
        200 | 500 if body.starts_with(b"[") || code == 200 => {
            let (checks, cut) = checks(&String::from_utf8_lossy(&body));
            let ready = code == 200;
            Ok(Told::Yes((Readiness { ready, checks }, cut)))
        }
        403 => Ok(Told::Denied),
        404 => Ok(Told::Absent),
        _ => {
            let status = Status::of_response(code, encoding, body);
            Err(ConnectError::refused(&access.endpoint, path, &status))
        }
    }
}

/// The checks of a verbose answer, sorted by name: `[+]etcd ok`, `[-]etcd failed: reason withheld`. Why one fails is not read.
fn checks(text: &str) -> (Vec<(String, bool)>, bool) {
    let check = |line: &str| {
        let (passes, rest) = match line.strip_prefix("[+]") {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix("[-]")?),
        };
        let name = rest.split_ascii_whitespace().next()?;
        let plain = name.len() <= CHECK_NAME_MAX && name.bytes().all(|b| b.is_ascii_graphic());
        plain.then(|| (name.to_owned(), passes))
    };
    let mut found: Vec<(String, bool)> = text.lines().filter_map(check).collect();
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0);
    let cut = found.len() > CHECKS_MAX;
    found.truncate(CHECKS_MAX);
    (found, cut)
}

async fn lease(access: &Access, name: &str, patience: Duration) -> Result<Told<Lease>, ConnectError> {
    #[derive(Deserialize)]
    struct Object {
        #[serde(default)]
        spec: Option<Spec>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Spec {
        holder_identity: Option<String>,
        renew_time: Option<String>,
    }
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{name}");
    let answer = request::send(access, &path, "application/json", false, None, patience).await?;
    match answer.code {
        403 => return Ok(Told::Denied),
        404 => return Ok(Told::Absent),
        _ => {}
    }
    let now = answer.date.as_deref();
    let now = now.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    let object: Object = request::read_json(access, &path, answer, patience).await?;
    let spec = object.spec.unwrap_or_default();
    let renewed = spec.renew_time.and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let old = |renewed: jiff::Timestamp| {
        // By the server's clock, which is near to that of its own control plane; without it nobody can tell.
        now.as_ref().is_some_and(|now| {
            let age = now.timestamp().as_second() - renewed.as_second();
            age > LEASE_OLD.as_secs().try_into().unwrap_or(i64::MAX)
        })
    };
    let mut holder = spec.holder_identity.unwrap_or_default();
    holder.truncate(holder.floor_char_boundary(CHECK_NAME_MAX * 2));
    Ok(Told::Yes(Lease {
        holder,
        renewed: renewed.is_some_and(|at| !old(at)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_by_their_names_and_why_one_fails_is_not() {
        let text = "[+]ping ok\n[-]etcd failed: password=hunter2\n[+]a b excluded: ok\nreadyz check failed\n[+]\n[-]\u{7f} x\n[+]ping ok\n";
        let (found, cut) = checks(text);
        let named = |name: &str, passes| (name.to_owned(), passes);
        assert_eq!(
            found,
            [named("a", true), named("etcd", false), named("ping", true)]
        );
        assert!(!cut);
        let many: String = (0..1000).map(|n| format!("[+]c{n} ok\n")).collect();
        let (found, cut) = checks(&many);
        assert!(cut && found.len() == CHECKS_MAX);
        assert!(checks(&format!("[+]{} ok", "x".repeat(1_000_000))).0.is_empty());
    }
}
