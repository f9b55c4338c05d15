//! From something broken back to what may have broken it: what lies below it and is unhealthy, gone, or changed lately;
//! the nearest, latest and most telling first, each with its evidence.

use crate::query::dependencies::CallBook;
use crate::query::{QueryError, edges};
use crate::store::{Direction, Link, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{AssetId, Attributes, Kind, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Something that may be the cause.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// What.
    pub asset: Arc<Record>,
    /// Hops below the thing that is asked about.
    pub distance: usize,
    /// What is wrong with it now, in words; none where it only changed.
    pub trouble: Option<String>,
    /// It changed in the window: when, Unix milliseconds.
    pub changed_ms: Option<i64>,
    /// The edges that lead down to it.
    pub path: Vec<Link>,
    /// How telling it is; greater is more.
    pub score: u32,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Why {
    /// Suspects, the most telling first.
    pub suspects: Vec<Suspect>,
    /// How many assets were looked at.
    pub looked_at: usize,
    /// Whether more lay below than was looked at.
    pub truncated: bool,
}

/// What an asset needs lies at the other end of these.
const DOWN: &[RelationKind] = &[
    RelationKind::RoutesTo,
    RelationKind::Selects,
    RelationKind::AliasOf,
    RelationKind::ForwardsTo,
    RelationKind::UsesTls,
    RelationKind::RunsOn,
    RelationKind::OwnedBy,
    RelationKind::Reads,
    RelationKind::RunsAs,
    RelationKind::Mounts,
    RelationKind::BoundTo,
    RelationKind::PinnedTo,
    RelationKind::InZone,
];

const MOST_HOPS: usize = 5;
const MOST_ASSETS: usize = 5_000;
const MOST_EDGES: usize = 1_000;

/// What may have broken an asset; changes count from `since_ms` on.
///
/// # Errors
/// When the store fails.
pub async fn why(
    snapshot: &dyn Snapshot,
    calls: &CallBook,
    start: &Arc<Record>,
    since_ms: i64,
) -> Result<Why, QueryError> {
    let mut answer = Why::default();
    let mut paths: HashMap<AssetId, Vec<Link>> = HashMap::from([(start.asset.reference.id(), Vec::new())]);
    let mut level = vec![Arc::clone(start)];
    for distance in 0..=MOST_HOPS {
        answer.looked_at += level.len();
        for record in &level {
            let path = paths
                .get(&record.asset.reference.id())
                .cloned()
                .unwrap_or_default();
            answer.suspects.extend(suspect(record, distance, since_ms, path));
        }
        if distance == MOST_HOPS || level.is_empty() {
            answer.truncated |= !level.is_empty();
            break;
        }
        let mut next = Vec::new();
        for (link, from) in below(snapshot, calls, &level, &mut answer.truncated).await? {
            if paths.len() >= MOST_ASSETS {
                answer.truncated = true;
                break;
            }
            if !paths.contains_key(&link.to) {
                let mut path = paths.get(&from).cloned().unwrap_or_default();
                let to = link.to;
                path.push(link);
                paths.insert(to, path);
                next.push(to);
            }
        }
        level = snapshot.get(&next).await?.into_iter().flatten().collect();
    }
    answer
        .suspects
        .sort_by(|a, b| b.score.cmp(&a.score).then(b.changed_ms.cmp(&a.changed_ms)));
    Ok(answer)
}

/// The edges that lead down from some assets, each with where it starts.
async fn below(
    snapshot: &dyn Snapshot,
    calls: &CallBook,
    level: &[Arc<Record>],
    truncated: &mut bool,
) -> Result<Vec<(Link, AssetId)>, QueryError> {
    crate::query::breathe().await;
    let ids: Vec<AssetId> = level.iter().map(|r| r.asset.reference.id()).collect();
    let found = snapshot
        .neighbours(&NeighbourQuery {
            ids: &ids,
            direction: Direction::Out,
            relations: Some(DOWN),
            limit: MOST_EDGES,
            after: None,
        })
        .await?;
    let mut links = Vec::new();
    let mut targets = HashSet::new();
    for (id, neighbours) in ids.iter().zip(found) {
        *truncated |= neighbours.total > neighbours.links.len();
        for link in neighbours.links {
            let optional = link.detail.optional == Some(true);
            if !optional {
                targets.insert(link.to);
                links.push((link, *id));
            }
        }
        for observed in calls.calls_of(*id) {
            // A call has no edge in the store; it is shown as the alias that it is like.
            let link = Link {
                from: *id,
                relation: RelationKind::AliasOf,
                to: observed.call.callee,
                declared_by: *id,
                since: planisphere_schema::Version(0),
                detail: Default::default(),
            };
            targets.insert(link.to);
            links.push((link, *id));
        }
    }
    let targets: Vec<AssetId> = targets.into_iter().collect();
    let records: HashMap<AssetId, Arc<Record>> = targets
        .iter()
        .copied()
        .zip(snapshot.get(&targets).await?)
        .filter_map(|(id, record)| Some((id, record?)))
        .collect();
    links.retain(|(link, _)| {
        records
            .get(&link.to)
            .is_some_and(|target| !edges::is_stale(link, target))
    });
    Ok(links)
}

fn suspect(record: &Arc<Record>, distance: usize, since_ms: i64, path: Vec<Link>) -> Option<Suspect> {
    let trouble = trouble(record);
    let changed = record.since.time().seconds.saturating_mul(1_000);
    let changed_ms = (!record.stub && changed >= since_ms).then_some(changed);
    if trouble.is_none() && changed_ms.is_none() {
        return None;
    }
    // Trouble outweighs change; both together outweigh each; what is near outweighs what is far.
    let near = (MOST_HOPS - distance) as u32;
    let score = u32::from(trouble.is_some()) * 100
        + u32::from(changed_ms.is_some()) * 40
        + near * 4
        + weight(record.asset.kind());
    Some(Suspect {
        asset: Arc::clone(record),
        distance,
        trouble,
        changed_ms,
        path,
        score,
    })
}

/// How often a kind is the cause rather than a symptom.
fn weight(kind: Kind) -> u32 {
    match kind {
        Kind::Node | Kind::PersistentVolume => 30,
        Kind::Secret | Kind::ConfigMap | Kind::PersistentVolumeClaim => 25,
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => 20,
        Kind::ServiceAccount | Kind::Zone => 15,
        Kind::ReplicaSet => 5,
        _ => 0,
    }
}

/// What is wrong with an asset now, as far as it tells.
pub fn trouble(record: &Record) -> Option<String> {
    if record.is_dangling() {
        return Some(format!("{} does not exist", record.asset.reference.key()));
    }
    if record.asset.deleting.is_some() {
        return Some("it is being deleted".to_owned());
    }
    match &record.asset.attributes {
        Attributes::Pod(pod) => {
            let done = pod.phase.as_deref() == Some("Succeeded");
            let why = pod.reason.clone().or(pod.phase.clone()).unwrap_or_default();
            (!pod.ready && !done).then(|| format!("not ready: {why}"))
        }
        Attributes::Node(node) => match node.ready.as_deref() {
            Some("True") if node.unschedulable => Some("cordoned".to_owned()),
            Some("True") => node
                .conditions
                .iter()
                .find(|c| c.kind.ends_with("Pressure") && c.status == "True")
                .map(|c| c.kind.clone()),
            Some(other) => Some(format!("Ready is {other}")),
            None => None,
        },
        Attributes::PersistentVolumeClaim(claim) => {
            let phase = claim.phase.as_deref().filter(|p| *p != "Bound")?;
            Some(format!("the claim is {phase}"))
        }
        Attributes::PersistentVolume(volume) => {
            let phase = volume
                .phase
                .as_deref()
                .filter(|p| *p != "Bound" && *p != "Available")?;
            Some(format!("the volume is {phase}"))
        }
        Attributes::Deployment(d) => (d.available_replicas < d.replicas).then(|| {
            format!(
                "{} of {} replicas are available",
                d.available_replicas, d.replicas
            )
        }),
        Attributes::StatefulSet(s) => (s.ready_replicas < s.replicas)
            .then(|| format!("{} of {} replicas are ready", s.ready_replicas, s.replicas)),
        Attributes::DaemonSet(d) => {
            (d.ready < d.desired).then(|| format!("{} of {} pods are ready", d.ready, d.desired))
        }
        _ => None,
    }
}
