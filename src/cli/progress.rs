//! How far the first sync is, for whoever started it: redrawn on a terminal, else one log line for each cluster when it
//! is complete. It reads the mirror's status and changes nothing.

use super::screen::Screen;
use planisphere_schema::Coverage;
use planisphere_sync::status::{ClusterStatus, KindStatus, Phase, SyncStatus};
use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(250);
/// Lines at the most, so that a fleet of many clusters fits on a screen.
const LINES: usize = 20;

/// Shows progress until every configured cluster was read whole, or it is cancelled. Without a screen it only logs.
pub async fn show<W: Write>(status: SyncStatus, screen: Option<Screen<W>>, cancel: CancellationToken) {
    let mut told = BTreeSet::new();
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let mut clusters = status.all();
        clusters.retain(|c| c.configured);
        for cluster in clusters.iter().filter(|c| c.is_complete()) {
            if told.insert(cluster.name.clone()) {
                let objects: u64 = cluster.kinds.values().map(|k| k.objects).sum();
                tracing::info!(
                    cluster = cluster.name,
                    objects,
                    kinds = cluster.kinds.len(),
                    "first sync complete"
                );
            }
        }
        if let Some(screen) = &screen {
            // A cluster that cannot be reached is no progress to look at: the log has told of it.
            let settled = clusters.iter().all(|c| c.is_complete() || c.error.is_some());
            screen.draw(&if settled { Vec::new() } else { lines(&clusters) });
        }
        if !clusters.is_empty() && clusters.iter().all(ClusterStatus::is_complete) {
            break;
        }
    }
    if let Some(screen) = &screen {
        screen.draw(&[]);
    }
}

/// One line a cluster, and one for each kind that is being read.
pub fn lines(clusters: &[ClusterStatus]) -> Vec<String> {
    let width = clusters.iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for cluster in clusters {
        lines.push(format!("{:<width$}  {}", cluster.name, summary(cluster)));
        let listing = cluster
            .kinds
            .iter()
            .filter(|(_, k)| k.phase == Phase::Listing && !k.complete);
        lines.extend(
            listing.map(|(kind, k)| format!("{:<width$}    {:<22} {}", "", kind.to_string(), so_far(k))),
        );
    }
    if lines.len() > LINES {
        let hidden = lines.len() - LINES + 1;
        lines.truncate(LINES - 1);
        lines.push(format!("… and {hidden} more lines"));
    }
    lines
}

fn summary(cluster: &ClusterStatus) -> String {
    let objects: u64 = cluster.kinds.values().map(so_far_count).sum();
    if cluster.is_complete() {
        return format!("complete: {} objects", grouped(objects));
    }
    if let Some(error) = &cluster.error {
        return format!("cannot be reached: {error}");
    }
    if cluster.kinds.is_empty() {
        return "connecting".to_owned();
    }
    let done = cluster.kinds.values().filter(|k| is_done(k)).count();
    format!(
        "{done} of {} kinds, {} objects",
        cluster.kinds.len(),
        grouped(objects)
    )
}

/// Read whole, or nothing that we could read.
fn is_done(kind: &KindStatus) -> bool {
    kind.complete || !matches!(kind.coverage, Some(Coverage::Watched) | None)
}

fn so_far_count(kind: &KindStatus) -> u64 {
    if kind.complete { kind.objects } else { kind.listed }
}

fn so_far(kind: &KindStatus) -> String {
    match kind.expected {
        Some(expected) => format!(
            "{} of {}",
            grouped(kind.listed),
            grouped(expected.max(kind.listed))
        ),
        None => grouped(kind.listed),
    }
}

/// `12,400`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use planisphere_schema::Kind;

    fn cluster(name: &str, change: impl FnOnce(&mut ClusterStatus)) -> ClusterStatus {
        let mut cluster = ClusterStatus::new(name);
        change(&mut cluster);
        cluster
    }

    fn kind(complete: bool, objects: u64, listed: u64, expected: Option<u64>) -> KindStatus {
        let phase = if complete { Phase::Watching } else { Phase::Listing };
        let coverage = Some(Coverage::Watched);
        KindStatus {
            phase,
            coverage,
            complete,
            objects,
            listed,
            expected,
            ..KindStatus::default()
        }
    }

    #[test]
    fn it_says_how_many_objects_of_how_many_per_cluster_and_kind() {
        let eu = cluster("eu", |c| {
            c.kinds.insert(Kind::Pod, kind(false, 0, 12_400, Some(31_000)));
            c.kinds.insert(Kind::Node, kind(true, 50, 0, None));
            c.kinds.insert(Kind::Job, kind(false, 0, 7, None));
        });
        let us = cluster("us-east", |c| c.error = Some("connection refused".to_owned()));
        assert_eq!(
            lines(&[eu, us, cluster("ap", |_| {})]),
            [
                "eu       1 of 3 kinds, 12,457 objects",
                "           Pod                    12,400 of 31,000",
                "           Job.batch              7",
                "us-east  cannot be reached: connection refused",
                "ap       connecting",
            ]
        );
    }

    #[test]
    fn many_clusters_fit_on_a_screen() {
        let many: Vec<_> = (0..50).map(|i| cluster(&format!("c{i}"), |_| {})).collect();
        let lines = lines(&many);
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.last().map(String::as_str), Some("… and 31 more lines"));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_all_clusters_are_complete_and_leaves_nothing_drawn() {
        let status = SyncStatus::default();
        status.add("eu");
        let screen = Screen::new(Vec::new());
        let shown = tokio::spawn(show(
            status.clone(),
            Some(screen.clone()),
            CancellationToken::new(),
        ));
        tokio::time::sleep(EVERY * 3).await;
        assert!(!shown.is_finished());
        status.update_kind("eu", Kind::Pod, |k| *k = kind(true, 3, 0, None));
        assert!(shown.await.is_ok());
        assert!(screen.text().ends_with("\r\x1b[J"), "{:?}", screen.text());
        assert!(screen.text().contains("connecting"));
    }
}
