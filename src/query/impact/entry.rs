//! The ways in that users see: what forwards to Services that are touched, what terminates TLS with a secret that is gone,
//! and what has no open door in front of it any more.

use super::Affected;
use super::closure::Closure;
use super::doors::{self, Shut, is_door};
use super::model::State;
use super::scene::neighbours;
use crate::query::QueryError;
use crate::store::{Direction, Record, Snapshot};
use planisphere_schema::{AssetId, Kind, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A way in: an Ingress, a route, or the Gateway or ListenerSet in front of routes.
#[derive(Clone, Debug)]
pub struct EntryPoint {
    /// The way in.
    pub asset: Arc<Record>,
    /// How it stands, by what it forwards to.
    pub state: State,
    /// A secret that it terminates TLS with is in the failed set: users see warnings, or nothing.
    pub exposure_degraded: bool,
    /// Services that it forwards to and that are touched, the worst first.
    pub services: Vec<AssetId>,
    /// Why, in one sentence.
    pub reason: String,
}

#[derive(Default)]
struct Seen {
    all: usize,
    down: usize,
    worst: State,
    touched: Vec<(State, AssetId)>,
}

/// The ways in that a failure touches, the worst first.
pub(super) async fn entry_points(
    snapshot: &dyn Snapshot,
    closure: &Closure,
    services: &[Affected],
) -> Result<Vec<EntryPoint>, QueryError> {
    let states: HashMap<AssetId, State> = services
        .iter()
        .map(|s| (s.service.asset.reference.id(), s.state()))
        .collect();
    let hit = services.iter().filter(|s| s.state() > State::Unaffected);
    let hit: Vec<AssetId> = hit.map(|s| s.service.asset.reference.id()).collect();
    let found = neighbours(snapshot, &hit, Direction::In, RelationKind::ForwardsTo, 1_000).await?;
    let mut ways: HashSet<AssetId> = found.into_iter().flat_map(|n| n.links).map(|l| l.from).collect();
    let secrets = closure.roots.iter().filter(|r| r.asset.kind() == Kind::Secret);
    let secrets: Vec<AssetId> = secrets.map(|r| r.asset.reference.id()).collect();
    let found = neighbours(snapshot, &secrets, Direction::In, RelationKind::UsesTls, 1_000).await?;
    let exposed: HashSet<AssetId> = found.into_iter().flat_map(|n| n.links).map(|l| l.from).collect();
    ways.extend(&exposed);
    let shut = doors::shut(snapshot, closure, services).await?;
    ways.extend(shut.keys());
    ways.extend(
        closure
            .roots
            .iter()
            .filter(|r| is_way_in(r.asset.kind()))
            .map(|r| r.asset.reference.id()),
    );
    let mut ways: Vec<AssetId> = ways.into_iter().collect();
    ways.sort_unstable();
    let backends = neighbours(snapshot, &ways, Direction::Out, RelationKind::ForwardsTo, 1_000).await?;
    let mut answer = Vec::new();
    for ((id, record), backends) in ways.iter().zip(snapshot.get(&ways).await?).zip(backends) {
        let Some(record) = record.filter(|r| !r.stub) else {
            continue;
        };
        let mut seen = Seen::default();
        let mut once = HashSet::new();
        for link in backends.links.iter().filter(|l| once.insert(l.to)) {
            seen.take(link.to, states.get(&link.to).copied().unwrap_or_default());
        }
        let failed = closure.failed.contains(id) || closure.is_inside(&record);
        answer.push(seen.judge(record, failed, exposed.contains(id), shut.get(id)));
    }
    answer.sort_by(|a, b| {
        b.state.cmp(&a.state).then_with(|| {
            crate::query::ownership::place(&a.asset).cmp(&crate::query::ownership::place(&b.asset))
        })
    });
    Ok(answer)
}

fn is_way_in(kind: Kind) -> bool {
    is_door(kind)
        || matches!(
            kind,
            Kind::Ingress
                | Kind::HTTPRoute
                | Kind::GRPCRoute
                | Kind::TLSRoute
                | Kind::TCPRoute
                | Kind::UDPRoute
        )
}

impl Seen {
    fn take(&mut self, id: AssetId, state: State) {
        self.all += 1;
        self.down += usize::from(matches!(state, State::Down | State::AlreadyDown));
        self.worst = self.worst.max(state);
        if state > State::Unaffected {
            self.touched.push((state, id));
        }
    }

    fn judge(mut self, asset: Arc<Record>, failed: bool, exposed: bool, shut: Option<&Shut>) -> EntryPoint {
        let all_down = self.all > 0 && self.down == self.all && self.worst == State::Down;
        let (state, mut reason) = if failed {
            (State::Down, "it is in the failed set itself".to_owned())
        } else if let Some(shut) = shut.filter(|shut| shut.all) {
            (State::Down, shut.reason.clone())
        } else if all_down {
            (
                State::Down,
                format!("all {} Services behind it are down", self.all),
            )
        } else if self.worst >= State::Degraded {
            let n = self.touched.iter().filter(|(s, _)| *s >= State::Degraded).count();
            let text = format!("{n} of the {} Services behind it down or degraded", self.all);
            (State::Degraded, text)
        } else if let Some(shut) = shut {
            (State::Degraded, shut.reason.clone())
        } else if self.worst == State::AtRisk {
            (State::AtRisk, "a Service behind it is at risk".to_owned())
        } else if self.all == 0 {
            (
                State::Unaffected,
                "it forwards to no Service by itself".to_owned(),
            )
        } else {
            (State::Unaffected, "no Service behind it is touched".to_owned())
        };
        if exposed {
            reason = format!("a secret that it terminates TLS with fails; {reason}");
        }
        self.touched.sort_by(|a, b| b.cmp(a));
        EntryPoint {
            asset,
            state,
            exposure_degraded: exposed,
            services: self.touched.into_iter().map(|(_, id)| id).collect(),
            reason,
        }
    }
}
