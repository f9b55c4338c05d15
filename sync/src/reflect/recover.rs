//! What is done about each failure: list again, wait, ask otherwise. Never a deletion.

use super::Course;
use super::failure::Failure;
use crate::status::Phase;
use planisphere_schema::Coverage;
use std::time::Duration;

impl Course {
    /// What a failure means for the next step, and how long to wait before it.
    pub(super) async fn after(&mut self, failure: Failure) -> Duration {
        self.note(&failure);
        if !matches!(failure, Failure::Dirty { .. } | Failure::Expired(_)) {
            self.probe.hurry();
        }
        let kind = self.reflector.resource.kind;
        match failure {
            Failure::Expired(_) => self.relist("410"),
            Failure::Dirty { reason, words } => {
                if reason == "undecodable" {
                    self.reflector.cluster.stop_protobuf(kind, &words);
                }
                self.relist(reason)
            }
            Failure::Denied(_) | Failure::Absent(_) => {
                let coverage = match failure {
                    Failure::Denied(_) => Coverage::Denied,
                    _ => Coverage::Absent,
                };
                // Nobody listening is found out at the next step.
                let _ = self.cover(coverage).await;
                // Not all kinds at the same moment.
                let refused = self.limits().refused;
                self.reflector.about(refused)
            }
            Failure::Unauthorized { generation, .. } => {
                // Newer credentials may be there now, or later: it is looked for each time, but tried at once only once.
                let first = !std::mem::replace(&mut self.renewed, true);
                match self.reflector.cluster.renew(generation).await {
                    Ok(()) if first => Duration::ZERO,
                    Ok(()) => self.backoff.next(),
                    Err(e) => {
                        self.note(&Failure::of_connection(&e));
                        self.backoff.next()
                    }
                }
            }
            Failure::Throttled { after, .. } => after.unwrap_or_else(|| self.backoff.next()),
            Failure::TooNew(_) => {
                self.refusals.too_new += 1;
                // Another replica is behind for moments; a server that was restored from a backup is for ever.
                if self.refusals.too_new >= 5 && self.resume.is_some() {
                    self.refusals.too_new = 0;
                    return self.relist("rewound");
                }
                self.backoff.next()
            }
            Failure::Silent(_) => {
                self.refusals.silent += 1;
                self.backoff.next()
            }
            Failure::Server(_) => self.backoff.next().min(self.limits().backoff_server),
            Failure::Unreachable(_)
            | Failure::Broken(_)
            | Failure::NotAcceptable(_)
            | Failure::StreamingRefused(_) => self.backoff.next(),
            Failure::Suspicious { .. } => self.limits().suspicious,
            // Whoever runs us knows, and ends this.
            Failure::Replaced => self.limits().refused,
            Failure::NobodyListens => Duration::ZERO,
        }
    }

    /// A list is due. At once where the last one is long ago; a loop of lists is slowed down.
    fn relist(&mut self, reason: &'static str) -> Duration {
        let first = self.resume.take().is_some();
        self.reason = reason;
        let long_ago = self
            .listed_at
            .is_none_or(|at| at.elapsed() >= self.limits().healthy);
        if first && long_ago {
            Duration::ZERO
        } else {
            self.backoff.next()
        }
    }

    pub(super) fn note(&self, failure: &Failure) {
        let (name, kind) = (self.reflector.cluster.name(), self.reflector.resource.kind);
        let words = failure.to_string();
        let mut known = true;
        self.status(|status| {
            status.phase = Phase::Backoff;
            status.errors += 1;
            known = status.last_error.as_deref() == Some(&words);
            status.last_error = Some(words.clone());
        });
        if let Failure::Unreachable(_) | Failure::Unauthorized { .. } = failure {
            self.reflector.status.update(name, |cluster| {
                cluster.reachable = false;
                cluster.error = Some(words.clone());
            });
        }
        // What a cluster does not serve, such as a kind that it was said to have a moment ago, is nobody's fault.
        if known || matches!(failure, Failure::Absent(_)) {
            tracing::debug!(cluster = name, %kind, "{words}");
        } else {
            tracing::warn!(cluster = name, %kind, "{words}");
        }
    }
}
