//! What differs between two instants: both graphs read side by side in the order of keys, page by page. What changed and
//! changed back is no difference.

use super::changes::goes_on;
use super::{QueryError, breathe, calls};
use crate::store::{
    Direction, Filter, Link, ListQuery, NeighbourQuery, Order, Position, Presence, Record, Snapshot,
};
use planisphere_schema::AssetId;
use planisphere_schema::revision::{FieldChange, Op, diff as differ};
use std::collections::HashMap;
use std::sync::Arc;

/// Assets of either instant that one page looks at.
const MOST_READ: usize = 20_000;
/// Assets that are read at a time.
const CHUNK: usize = 500;
/// Edges of one asset that are compared.
const MOST_EDGES: usize = 1_000;

/// An asset that differs.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What the way from the first instant to the second did; none where only edges differ.
    pub op: Option<Op>,
    /// At the second instant; of what is gone, at the first.
    pub asset: Arc<Record>,
    /// The fields that differ; none for what came or went.
    pub fields: Vec<FieldChange>,
    /// Another object stands under the name.
    pub incarnation: bool,
    /// Edges from it that came to be, or say something else.
    pub started: Vec<Link>,
    /// Edges from it that ended, or said something else.
    pub ended: Vec<Link>,
}

/// A page of differences.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// They, in the order of keys.
    pub found: Vec<Difference>,
    /// Where the next page goes on; none where there is no more.
    pub next: Option<Position>,
    /// An asset has more edges than were compared.
    pub truncated: bool,
}

/// One asset at both instants.
type Pair = (Option<Arc<Record>>, Option<Arc<Record>>);

/// A page of what differs among the assets that pass a filter at one of two instants. `status` also tells what
/// controllers and kubelets report.
///
/// # Errors
/// When the store fails.
pub async fn diff(
    (then, later): (&dyn Snapshot, &dyn Snapshot),
    scope: &Filter,
    status: bool,
    mut after: Option<Position>,
    limit: usize,
) -> Result<Differences, QueryError> {
    let mut answer = Differences::default();
    let mut read = 0;
    loop {
        breathe().await;
        let (pairs, bound) = pairs((then, later), scope, after.as_ref()).await?;
        read += pairs.len();
        let mut place = after.clone();
        let edges = Edges::read((then, later), &pairs, &mut answer.truncated).await?;
        for pair in pairs {
            let Some(any) = pair.1.as_ref().or(pair.0.as_ref()) else {
                continue;
            };
            if answer.found.len() == limit {
                answer.next = place;
                return Ok(answer);
            }
            place = Some(Order::Key.position(any));
            let id = any.asset.reference.id();
            answer.found.extend(compare(pair, edges.of(id), status));
        }
        if bound.is_none() {
            return Ok(answer);
        }
        after = bound;
        if read >= MOST_READ {
            answer.next = after;
            return Ok(answer);
        }
    }
}

/// The next assets in the order of keys, each as it stands at both instants; and up to where that is all, if there is more.
async fn pairs(
    (then, later): (&dyn Snapshot, &dyn Snapshot),
    scope: &Filter,
    after: Option<&Position>,
) -> Result<(Vec<Pair>, Option<Position>), QueryError> {
    let query = ListQuery {
        filter: scope.clone(),
        presence: Presence::Present,
        order: Order::Key,
        after: after.cloned(),
        limit: CHUNK,
    };
    let (old, new) = (then.list(&query).await?, later.list(&query).await?);
    // Beyond the end of a page that is not the last, only the other one is known.
    let end = |page: &crate::store::Page| {
        let last = page.records.last().filter(|_| page.more);
        last.map(|record| Order::Key.position(record))
    };
    let bound = [end(&old), end(&new)].into_iter().flatten().min();
    let mut pairs: Vec<(Position, Pair)> = Vec::new();
    let within = |place: &Position| bound.as_ref().is_none_or(|bound| place <= bound);
    let placed = |records: Vec<Arc<Record>>| {
        let all = records.into_iter().map(|r| (Order::Key.position(&r), r));
        all.filter(|(place, _)| within(place)).collect::<Vec<_>>()
    };
    let mut new = placed(new.records).into_iter().peekable();
    for (place, record) in placed(old.records) {
        while let Some((place, record)) = new.next_if(|(p, _)| *p < place) {
            pairs.push((place, (None, Some(record))));
        }
        let same = new.next_if(|(p, _)| *p == place).map(|(_, r)| r);
        pairs.push((place, (Some(record), same)));
    }
    pairs.extend(new.map(|(place, record)| (place, (None, Some(record)))));
    // What passes the filter at one instant alone may be there at the other.
    let alone: Vec<AssetId> = pairs
        .iter()
        .filter(|(_, (old, new))| old.is_none() || new.is_none())
        .map(|(place, _)| place.id)
        .collect();
    let (old, new) = (then.get(&alone).await?, later.get(&alone).await?);
    let mut found = old.into_iter().zip(new);
    for (_, pair) in pairs
        .iter_mut()
        .filter(|(_, (old, new))| old.is_none() || new.is_none())
    {
        let there = |record: Option<Arc<Record>>| record.filter(|r| !r.stub);
        if let Some((old, new)) = found.next() {
            *pair = (there(old), there(new));
        }
    }
    Ok((pairs.into_iter().map(|(_, pair)| pair).collect(), bound))
}

/// The edges from some assets at both instants.
struct Edges([HashMap<AssetId, Vec<Link>>; 2]);

impl Edges {
    async fn read(
        (then, later): (&dyn Snapshot, &dyn Snapshot),
        pairs: &[Pair],
        truncated: &mut bool,
    ) -> Result<Self, QueryError> {
        let any = pairs
            .iter()
            .filter_map(|(old, new)| new.as_ref().or(old.as_ref()));
        let ids: Vec<AssetId> = any.map(|r| r.asset.reference.id()).collect();
        let mut edges = [HashMap::new(), HashMap::new()];
        for (graph, edges) in [then, later].into_iter().zip(&mut edges) {
            for ids in calls(&ids, MOST_EDGES) {
                breathe().await;
                let query = NeighbourQuery {
                    ids,
                    direction: Direction::Out,
                    relations: None,
                    limit: MOST_EDGES,
                    after: None,
                };
                for (id, found) in ids.iter().zip(graph.neighbours(&query).await?) {
                    *truncated |= found.total > found.links.len();
                    edges.insert(*id, found.links);
                }
            }
        }
        Ok(Self(edges))
    }

    fn of(&self, id: AssetId) -> (Vec<Link>, Vec<Link>) {
        let [then, later] = &self.0;
        let at = |edges: &'_ HashMap<AssetId, Vec<Link>>| edges.get(&id).cloned().unwrap_or_default();
        (at(then), at(later))
    }
}

fn compare(pair: Pair, (then, later): (Vec<Link>, Vec<Link>), status: bool) -> Option<Difference> {
    let same = |a: &Link, b: &Link| {
        (a.from, a.relation, a.to, a.declared_by) == (b.from, b.relation, b.to, b.declared_by)
            && a.detail == b.detail
    };
    let missing = |from: &[Link], among: &[Link]| -> Vec<Link> {
        let gone = from.iter().filter(|l| !among.iter().any(|o| same(l, o)));
        gone.cloned().collect()
    };
    let (mut started, mut ended) = (missing(&later, &then), missing(&then, &later));
    if !status {
        let (came, went) = (started.clone(), ended.clone());
        started.retain(|l| !goes_on(l, &went));
        ended.retain(|l| !goes_on(l, &came));
    }
    let (op, asset, fields, incarnation) = match pair {
        (None, Some(new)) => (Some(Op::Create), new, Vec::new(), true),
        (Some(old), None) => (Some(Op::Delete), old, Vec::new(), false),
        (Some(old), Some(new)) => {
            let mut fields = match old.hash == new.hash {
                true => Vec::new(),
                false => differ(&old.asset, &new.asset),
            };
            let incarnation = old.asset.uid != new.asset.uid;
            if !status && !incarnation {
                fields.retain(|f| !f.is_status());
            }
            let changed = incarnation || !fields.is_empty();
            (changed.then_some(Op::Update), new, fields, incarnation)
        }
        (None, None) => return None,
    };
    let differs = op.is_some() || !started.is_empty() || !ended.is_empty();
    differs.then_some(Difference {
        op,
        asset,
        fields,
        incarnation,
        started,
        ended,
    })
}
