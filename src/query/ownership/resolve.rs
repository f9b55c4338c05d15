//! Who answers for an asset: the claims on itself, its controllers, its namespace and its cluster, the nearest level
//! first; all others that name somebody else are conflicts. Many assets cost one store call a level, not one each.

use super::application::{Application, applications};
use super::book::{Book, plain};
use super::claims::{Claim, Level, claims};
use crate::query::{QueryError, edges};
use crate::store::{Direction, NeighbourQuery, Record, Snapshot};
use planisphere_schema::{AssetId, AssetRef, Kind, RelationKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Chains of controllers are short; longer ones are cycles or attacks.
const MOST_LEVELS: usize = 12;

/// Owner references of one object that are looked at.
const MOST_OWNERS: usize = 64;

/// Who answers for an asset.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    /// The claim that counts; none where nobody is named at any level.
    pub claim: Option<Claim>,
    /// Claims that name somebody else, strongest first.
    pub conflicts: Vec<Claim>,
    /// The controllers above it, nearest first.
    pub controllers: Vec<Arc<Record>>,
    /// The applications that it belongs to, as its tools say.
    pub applications: Vec<Application>,
}

/// Who answers for each of these assets, in their order.
///
/// # Errors
/// When the store fails.
pub async fn ownerships(
    snapshot: &dyn Snapshot,
    book: &Book,
    assets: &[Arc<Record>],
) -> Result<Vec<Ownership>, QueryError> {
    let chains = controllers(snapshot, assets).await?;
    let above = places_above(snapshot, assets).await?;
    let answers = assets.iter().zip(chains).map(|(asset, chain)| {
        let key = asset.asset.reference.key();
        let mut all = claims(book, asset, Level::Own);
        for controller in &chain {
            all.extend(claims(book, controller, Level::Controller));
        }
        let namespace = namespace_of(asset).and_then(|id| above.get(&id));
        if let Some(namespace) = namespace {
            all.extend(claims(book, namespace, Level::Namespace));
        }
        let cluster = above.get(&AssetRef::cluster(key.cluster).id());
        if let Some(cluster) = cluster.filter(|_| key.kind != Kind::Cluster) {
            all.extend(claims(book, cluster, Level::Cluster));
        }
        let applications = applications(asset, &chain);
        let (claim, conflicts) = choose(all);
        Ownership {
            claim,
            conflicts,
            controllers: chain,
            applications,
        }
    });
    Ok(answers.collect())
}

/// The claim that counts, of claims in order of their levels and strengths; and those that contradict it.
fn choose(mut all: Vec<Claim>) -> (Option<Claim>, Vec<Claim>) {
    // Stable: within strong and weak ones the nearest level and the strongest evidence stay in front.
    all.sort_by_key(Claim::is_weak);
    if all.is_empty() {
        return (None, Vec::new());
    }
    let chosen = all.remove(0);
    all.retain(|c| plain(&c.owner) != plain(&chosen.owner));
    (Some(chosen), all)
}

/// Kinds that people make by hand: what controls them says nothing about who answers for them.
fn has_controllers(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::ConfigMap | Kind::Secret | Kind::PersistentVolumeClaim | Kind::ServiceAccount
    )
}

fn namespace_of(asset: &Record) -> Option<AssetId> {
    let key = asset.asset.reference.key();
    let there = !key.namespace.is_empty();
    there.then(|| AssetRef::new(key.cluster, Kind::Namespace, "", &key.namespace).id())
}

/// The namespaces and clusters that assets live in, as far as they are there.
async fn places_above(
    snapshot: &dyn Snapshot,
    assets: &[Arc<Record>],
) -> Result<HashMap<AssetId, Arc<Record>>, QueryError> {
    let clusters = assets
        .iter()
        .map(|a| AssetRef::cluster(a.asset.reference.key().cluster).id());
    let wanted: HashSet<AssetId> = assets
        .iter()
        .filter_map(|a| namespace_of(a))
        .chain(clusters)
        .collect();
    let wanted: Vec<AssetId> = wanted.into_iter().collect();
    let found = snapshot.get(&wanted).await?;
    let there = wanted.into_iter().zip(found);
    Ok(there.filter_map(|(id, record)| Some((id, record?))).collect())
}

/// The controllers above each asset, nearest first: one store call a level for all of them. A controller of a kind that
/// is not mirrored counts by its name; one of a mirrored kind that is gone, or was made anew, does not.
///
/// # Errors
/// When the store fails.
pub async fn controllers(
    snapshot: &dyn Snapshot,
    assets: &[Arc<Record>],
) -> Result<Vec<Vec<Arc<Record>>>, QueryError> {
    let mut chains: Vec<Vec<Arc<Record>>> = vec![Vec::new(); assets.len()];
    // Assets share controllers: each is looked at once.
    let mut above: HashMap<AssetId, Option<Arc<Record>>> = HashMap::new();
    let mut level: Vec<AssetId> = Vec::new();
    let mut seen = HashSet::new();
    for asset in assets.iter().filter(|a| has_controllers(a.asset.kind())) {
        let id = asset.asset.reference.id();
        if seen.insert(id) {
            level.push(id);
        }
    }
    for _ in 0..MOST_LEVELS {
        if level.is_empty() {
            break;
        }
        let next = next_controllers(snapshot, &level).await?;
        let ids: Vec<AssetId> = std::mem::take(&mut level);
        for (id, controller) in ids.into_iter().zip(next) {
            if let Some(controller) = &controller {
                let up = controller.asset.reference.id();
                if seen.insert(up) {
                    level.push(up);
                }
            }
            above.insert(id, controller);
        }
    }
    for (asset, chain) in assets.iter().zip(&mut chains) {
        let mut at = asset.asset.reference.id();
        let mut once = HashSet::from([at]);
        while let Some(Some(next)) = above.get(&at) {
            at = next.asset.reference.id();
            if !once.insert(at) || chain.len() >= MOST_LEVELS {
                break;
            }
            chain.push(Arc::clone(next));
        }
    }
    Ok(chains)
}

async fn next_controllers(
    snapshot: &dyn Snapshot,
    ids: &[AssetId],
) -> Result<Vec<Option<Arc<Record>>>, QueryError> {
    crate::query::breathe().await;
    let found = snapshot
        .neighbours(&NeighbourQuery {
            ids,
            direction: Direction::Out,
            relations: Some(&[RelationKind::OwnedBy]),
            limit: MOST_OWNERS,
            after: None,
        })
        .await?;
    let links: Vec<_> = found
        .into_iter()
        .map(|n| n.links.into_iter().find(|l| l.detail.controller == Some(true)))
        .collect();
    let targets: Vec<AssetId> = links.iter().flatten().map(|l| l.to).collect();
    let mut records = snapshot.get(&targets).await?.into_iter();
    let of = |link: Option<crate::store::Link>| {
        let link = link?;
        let record = records.next().flatten()?;
        let gone = record.is_dangling() && !matches!(record.asset.kind(), Kind::Custom(_));
        (!gone && !edges::is_stale(&link, &record)).then_some(record)
    };
    Ok(links.into_iter().map(of).collect())
}
