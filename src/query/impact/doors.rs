//! The doors in front of ways in: load balancers whose Service has nobody left, and Gateways and ListenerSets that fail,
//! themselves or because of their load balancer. What has no open door any more is down, whatever is behind it.

use super::Affected;
use super::closure::Closure;
use super::model::State;
use super::scene::neighbours;
use crate::query::QueryError;
use crate::store::{Direction, Filter, ListQuery, Order, Presence, Snapshot, Text};
use planisphere_schema::{AssetId, Attributes, ClusterId, Kind, RelationKind};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A way in whose doors are shut.
pub(super) struct Shut {
    /// All of them; otherwise some.
    pub(super) all: bool,
    /// Why, in one sentence.
    pub(super) reason: String,
}

/// Whether routes hang on assets of a kind.
pub(super) fn is_door(kind: Kind) -> bool {
    matches!(kind, Kind::Gateway | Kind::ListenerSet)
}

fn is_open(shut: &HashMap<AssetId, Shut>, id: &AssetId) -> bool {
    shut.get(id).is_none_or(|shut| !shut.all)
}

/// The ways in with a shut door, and the doors themselves.
pub(super) async fn shut(
    snapshot: &dyn Snapshot,
    closure: &Closure,
    services: &[Affected],
) -> Result<HashMap<AssetId, Shut>, QueryError> {
    let mut shut = behind_failed_balancers(snapshot, services).await?;
    let roots = closure.roots.iter().filter(|r| is_door(r.asset.kind()));
    for root in roots {
        let reason = "it is in the failed set itself".to_owned();
        shut.insert(root.asset.reference.id(), Shut { all: true, reason });
    }
    // A ListenerSet hangs on a Gateway as a route does, and routes on it: all is seen once no more door shuts.
    let mut fresh: Vec<AssetId> = shut.keys().copied().collect();
    fresh.sort_unstable();
    while !fresh.is_empty() {
        let found = neighbours(snapshot, &fresh, Direction::In, RelationKind::HasParent, 1_000).await?;
        let behind: HashSet<AssetId> = found.into_iter().flat_map(|n| n.links).map(|l| l.from).collect();
        let mut behind: Vec<AssetId> = behind.into_iter().filter(|id| is_open(&shut, id)).collect();
        behind.sort_unstable();
        let parents = neighbours(snapshot, &behind, Direction::Out, RelationKind::HasParent, 1_000).await?;
        fresh.clear();
        for (id, parents) in behind.into_iter().zip(parents) {
            let parents: HashSet<AssetId> = parents.links.into_iter().map(|l| l.to).collect();
            let closed: Vec<AssetId> = parents.iter().copied().filter(|p| !is_open(&shut, p)).collect();
            let all = closed.len() == parents.len();
            let reason = match (&*closed, all) {
                ([door], true) => {
                    let door = snapshot.get(&[*door]).await?.remove(0);
                    let name = door.map_or_else(String::new, |d| format!(", {},", d.asset.reference.key()));
                    format!("the gateway in front of it{name} is down")
                }
                (closed, true) => format!("all {} gateways in front of it are down", closed.len()),
                (closed, false) => {
                    format!(
                        "{} of the {} gateways in front of it are shut",
                        closed.len(),
                        parents.len()
                    )
                }
            };
            if all {
                fresh.push(id);
            }
            shut.insert(id, Shut { all, reason });
        }
    }
    Ok(shut)
}

/// Ways in that are reached at an address whose load balancer leads to a Service that is down: the controller that serves
/// them has nobody left.
async fn behind_failed_balancers(
    snapshot: &dyn Snapshot,
    services: &[Affected],
) -> Result<HashMap<AssetId, Shut>, QueryError> {
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
                Filter::Kinds(vec![Kind::Ingress, Kind::Gateway]),
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
                let reached_at = match &record.asset.attributes {
                    Attributes::Ingress(kept) => &kept.load_balancer,
                    Attributes::Gateway(kept) => &kept.addresses,
                    _ => continue,
                };
                if let Some(name) = reached_at.iter().find_map(|a| addresses.get(a)) {
                    let reason = format!("the load balancer in front of it leads to {name}, which is down");
                    found.insert(record.asset.reference.id(), Shut { all: true, reason });
                }
            }
            if !page.more {
                break;
            }
        }
    }
    Ok(found)
}
