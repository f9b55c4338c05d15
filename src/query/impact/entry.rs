//! The ways in that users see: what forwards to Services that are touched, what terminates TLS with a secret that is gone,
//! and what the controller behind a failed load balancer serves.

use super::Affected;
use super::closure::Closure;
use super::model::State;
use super::scene::neighbours;
use crate::query::QueryError;
use crate::store::{Direction, Filter, ListQuery, Order, Presence, Record, Snapshot, Text};
use planisphere_schema::{AssetId, Attributes, ClusterId, Kind, RelationKind};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// A way in: an Ingress or a route.
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
    let behind = behind_failed_balancers(snapshot, services).await?;
    ways.extend(behind.keys());
    ways.extend(
        closure
            .roots
            .iter()
            .filter(|r| r.asset.kind() == Kind::Ingress)
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
        answer.push(seen.judge(record, failed, exposed.contains(id), behind.get(id)));
    }
    answer.sort_by(|a, b| {
        b.state.cmp(&a.state).then_with(|| {
            crate::query::ownership::place(&a.asset).cmp(&crate::query::ownership::place(&b.asset))
        })
    });
    Ok(answer)
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

    fn judge(
        mut self,
        asset: Arc<Record>,
        failed: bool,
        exposed: bool,
        balancer: Option<&String>,
    ) -> EntryPoint {
        let all_down = self.all > 0 && self.down == self.all && self.worst == State::Down;
        let (state, mut reason) = if failed {
            (State::Down, "it is in the failed set itself".to_owned())
        } else if let Some(name) = balancer {
            (
                State::Down,
                format!("the load balancer in front of it leads to {name}, which is down"),
            )
        } else if all_down {
            (
                State::Down,
                format!("all {} Services behind it are down", self.all),
            )
        } else if self.worst >= State::Degraded {
            let n = self.touched.iter().filter(|(s, _)| *s >= State::Degraded).count();
            let text = format!("{n} of the {} Services behind it down or degraded", self.all);
            (State::Degraded, text)
        } else if self.worst == State::AtRisk {
            (State::AtRisk, "a Service behind it is at risk".to_owned())
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

/// Ways in that are reached at an address whose load balancer leads to a Service that is down: the controller that serves
/// them has nobody left.
async fn behind_failed_balancers(
    snapshot: &dyn Snapshot,
    services: &[Affected],
) -> Result<HashMap<AssetId, String>, QueryError> {
    let mut down: BTreeMap<ClusterId, HashMap<String, String>> = BTreeMap::new();
    for service in services.iter().filter(|s| s.state() == State::Down) {
        let Attributes::Service(kept) = &service.service.asset.attributes else {
            continue;
        };
        let key = service.service.asset.reference.key();
        for address in &kept.load_balancer {
            down.entry(key.cluster)
                .or_default()
                .insert(address.clone(), key.to_string());
        }
    }
    let mut found = HashMap::new();
    for (cluster, addresses) in down {
        let mut query = ListQuery {
            filter: Filter::And(vec![
                Filter::Kinds(vec![Kind::Ingress]),
                Filter::Cluster(Text::Eq(cluster.to_string())),
            ]),
            presence: Presence::Present,
            order: Order::Key,
            after: None,
            limit: 2_000,
        };
        loop {
            crate::query::breathe().await;
            let page = snapshot.list(&query).await?;
            query.after = page.records.last().map(|r| query.order.position(r));
            for record in &page.records {
                if let Attributes::Ingress(kept) = &record.asset.attributes
                    && let Some(name) = kept.load_balancer.iter().find_map(|a| addresses.get(a))
                {
                    found.insert(record.asset.reference.id(), name.clone());
                }
            }
            if !page.more {
                break;
            }
        }
    }
    Ok(found)
}
