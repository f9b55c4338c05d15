//! What `planisphere check` reports of a cluster: each thing that must be so for it to be mirrored, tried for real, with
//! what to do where it is not. It reads and asks for reviews of its own rights; it changes nothing.

use crate::cluster::{Access, ClusterConfig, ConnectError, Discovery, Resource, Served, body_of, send};
use futures::StreamExt;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The mirror works, with less than all.
    Warn,
    /// The cluster cannot be mirrored.
    Fail,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked: `reachable`, `permission Pod`.
    pub what: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do; none where all is well.
    pub next_step: Option<String>,
}

/// All checks of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The cluster's configured name.
    pub cluster: String,
    /// In the order in which they were made; a check that fails ends those that need it.
    pub checks: Vec<Check>,
}

impl Report {
    /// The worst of its verdicts.
    pub fn verdict(&self) -> Verdict {
        self.checks
            .iter()
            .map(|check| check.verdict)
            .max()
            .unwrap_or(Verdict::Ok)
    }

    fn add(&mut self, what: &str, verdict: Verdict, detail: String, next_step: Option<&str>) {
        self.checks.push(Check {
            what: what.to_owned(),
            verdict,
            detail,
            next_step: next_step.map(str::to_owned),
        });
    }

    fn ok(&mut self, what: &str, detail: String) {
        self.add(what, Verdict::Ok, detail, None);
    }

    fn fail(mut self, what: &str, error: &ConnectError) -> Self {
        self.add(what, Verdict::Fail, error.to_string(), Some(&error.next_step()));
        self
    }
}

/// Clocks further apart than this are told of: ages and times of changes come from both.
const CLOCK_TOLERANCE_MS: i64 = 5_000;

/// Answers slower than this make a first sync slow.
const SLOW: Duration = Duration::from_millis(500);

/// Checks one cluster. `now` tells our own clock in Unix milliseconds.
pub async fn check(config: &ClusterConfig, now: &(dyn Fn() -> i64 + Send + Sync)) -> Report {
    let report = Report {
        cluster: config.name.clone(),
        checks: Vec::new(),
    };
    match Access::of(config).await {
        Ok(access) => check_access(report, &access, config.patience, now).await,
        Err(e) => report.fail("credentials", &e),
    }
}

async fn check_access(
    mut report: Report,
    access: &Access,
    patience: Duration,
    now: &(dyn Fn() -> i64 + Send + Sync),
) -> Report {
    report.ok("credentials", format!("for {}", access.endpoint.server));
    let version = match access.version(patience).await {
        Ok(version) => version,
        Err(e) => return report.fail("reachable", &e),
    };
    report.ok("reachable", access.endpoint.server.clone());
    report.ok("version", version.git_version);
    if let Err(e) = latency_and_clock(&mut report, access, patience, now).await {
        return report.fail("latency", &e);
    }
    match access.identity(patience).await {
        Ok(id) => report.ok("identity", format!("{} (the UID of kube-system)", id.0)),
        Err(e) => return report.fail("identity", &e),
    }
    let discovery = match Discovery::read(access, patience).await {
        Ok(discovery) => discovery,
        Err(e) => return report.fail("discovery", &e),
    };
    let resources: Vec<Resource> = Resource::all()
        .into_iter()
        .map(|resource| discovery.preferred(resource))
        .collect();
    let (served, missing): (Vec<_>, Vec<_>) = resources
        .iter()
        .partition(|resource| discovery.serves(resource) != Served::No);
    if missing.is_empty() {
        report.ok("kinds", format!("all {} are served", served.len()));
    } else {
        let names: Vec<String> = missing
            .iter()
            .map(|r| format!("{} ({})", r.kind, r.version))
            .collect();
        let detail = format!(
            "{} of {} are served; not {}",
            served.len(),
            resources.len(),
            names.join(", ")
        );
        let step = "nothing where the cluster has them not; else an older or newer Kubernetes is needed";
        report.add("kinds", Verdict::Warn, detail, Some(step));
    }
    permissions(&mut report, access, &served, patience).await;
    report
}

/// Three requests over a connection that stands: the middle one counts.
async fn latency_and_clock(
    report: &mut Report,
    access: &Access,
    patience: Duration,
    now: &(dyn Fn() -> i64 + Send + Sync),
) -> Result<(), ConnectError> {
    let mut times = Vec::new();
    let mut offset = None;
    for _ in 0..3 {
        let (began, sent) = (Instant::now(), now());
        let answer = send(access, "/version", "application/json", false, None, patience).await?;
        times.push(began.elapsed());
        let theirs = answer.date.as_deref().and_then(http_date_ms);
        // The header is cut to the second: its middle, against the middle of the request.
        offset = theirs.map(|theirs| theirs + 500 - (sent + now()) / 2).or(offset);
        body_of(access, answer.body, patience).await?;
    }
    times.sort();
    let detail = format!("{:.1} ms", times[1].as_secs_f64() * 1000.0);
    if times[1] > SLOW {
        let step = "run Planisphere nearer to the cluster: the first sync will be slow";
        report.add("latency", Verdict::Warn, detail, Some(step));
    } else {
        report.ok("latency", detail);
    }
    match offset {
        None => report.add(
            "clock",
            Verdict::Warn,
            "the server tells no time".into(),
            Some("a proxy may drop its Date header"),
        ),
        Some(ms) if ms.abs() > CLOCK_TOLERANCE_MS => {
            let side = if ms > 0 { "ahead of" } else { "behind" };
            let detail = format!("the server is {:.0} s {side} us", ms.abs() as f64 / 1000.0);
            report.add(
                "clock",
                Verdict::Warn,
                detail,
                Some("let both follow NTP: ages will look wrong"),
            );
        }
        Some(_) => report.ok("clock", format!("within {} s of ours", CLOCK_TOLERANCE_MS / 1000)),
    }
    Ok(())
}

fn http_date_ms(text: &str) -> Option<i64> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp().as_millisecond())
}

/// One row where everything is allowed, else one for each kind that is not.
async fn permissions(report: &mut Report, access: &Access, served: &[&Resource], patience: Duration) {
    let asked = served
        .iter()
        .flat_map(|resource| ["list", "watch"].map(|verb| (*resource, verb)));
    let answers: Vec<_> =
        futures::stream::iter(asked)
            .map(|(resource, verb)| async move {
                (resource, verb, allowed(access, resource, verb, patience).await)
            })
            .buffered(8)
            .collect()
            .await;
    let mut denied = 0;
    for pair in answers.chunks(2) {
        let resource = pair[0].0;
        let group = if resource.group.is_empty() {
            "\"\""
        } else {
            &resource.group
        };
        let refused: Vec<&str> = pair
            .iter()
            .filter(|(_, _, answer)| matches!(answer, Ok(false)))
            .map(|(_, verb, _)| *verb)
            .collect();
        let what = format!("permission {}", resource.kind);
        if let Some(error) = pair.iter().find_map(|(_, _, answer)| answer.as_ref().err()) {
            denied += 1;
            let detail = format!("cannot be told: {error}");
            report.add(&what, Verdict::Warn, detail, Some(&error.next_step()));
        } else if !refused.is_empty() {
            denied += 1;
            let detail = format!(
                "no {} of {}: it will be missing",
                refused.join(" and "),
                resource.plural
            );
            let step = format!(
                "grant it: a ClusterRole with apiGroups: [{group}], resources: [{}], verbs: [list, watch]",
                resource.plural
            );
            report.add(&what, Verdict::Warn, detail, Some(&step));
        }
    }
    let readable = served.len() - denied;
    if readable == 0 {
        let step = "bind a ClusterRole with list and watch to this user, for example `view` and nodes";
        report.add(
            "permissions",
            Verdict::Fail,
            "nothing may be read".into(),
            Some(step),
        );
    } else {
        report.ok(
            "permissions",
            format!("list and watch of {readable} of {} kinds", served.len()),
        );
    }
}

/// Asks by a SelfSubjectAccessReview, which every user may.
async fn allowed(
    access: &Access,
    resource: &Resource,
    verb: &str,
    patience: Duration,
) -> Result<bool, ConnectError> {
    #[derive(serde::Deserialize)]
    struct Review {
        status: ReviewStatus,
    }
    #[derive(serde::Deserialize)]
    struct ReviewStatus {
        #[serde(default)]
        allowed: bool,
    }
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let review = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "group": resource.group, "version": resource.version, "resource": resource.plural, "verb": verb,
        }},
    });
    let answer = send(
        access,
        path,
        "application/json",
        false,
        Some(review.to_string()),
        patience,
    )
    .await?;
    let review: Review = crate::cluster::read_json(access, path, answer, patience).await?;
    Ok(review.status.allowed)
}
