//! The edges at an asset, from its own declarations and from the halves of what others declared, in one order.

use super::chunk::{Edge, Half, View, relation_number, relation_of};
use super::run::Cursor;
use super::state::State;
use crate::store::{Direction, EdgePosition, Link, NeighbourQuery, Neighbours, StoreError};
use planisphere_schema::{AssetId, Detail, RelationKind};
use prost::Message;

impl State {
    /// The edges at one asset that a query asks for.
    pub(super) fn neighbours(
        &self,
        id: AssetId,
        query: &NeighbourQuery<'_>,
    ) -> Result<Neighbours, StoreError> {
        let Some((slot, view)) = self.find(id).and_then(|slot| Some((slot, self.view(slot)?))) else {
            return Ok(Neighbours::default());
        };
        let mut found = Found {
            state: self,
            slot,
            query,
            relations: wanted(query.relations),
            places: Vec::new(),
            total: 0,
        };
        found.declared(view);
        found.halves(view);
        found.places.sort_unstable_by_key(|(position, _)| *position);
        found.places.truncate(query.limit);
        let links = found
            .places
            .iter()
            .map(|(position, at)| self.link(id, *position, *at));
        Ok(Neighbours {
            links: links.collect::<Result<_, _>>()?,
            total: found.total,
        })
    }

    fn link(&self, id: AssetId, position: EdgePosition, at: At<'_>) -> Result<Link, StoreError> {
        let (edge, detail) = match at {
            At::Declared(edge, detail) => (edge, detail),
            At::Half(declarer, from, to) => {
                let relation = relation_number(position.relation);
                let edge = self.view(declarer).and_then(|view| view.edge(relation, from, to));
                edge.ok_or_else(|| {
                    StoreError::Unavailable(format!("an edge at {id} is not with its declarer"))
                })?
            }
        };
        let (from, to) = if position.incoming {
            (position.other, id)
        } else {
            (id, position.other)
        };
        let detail = Detail::decode(detail)
            .map_err(|e| StoreError::Unavailable(format!("an edge at {id} cannot be read: {e}")))?;
        Ok(Link {
            from,
            relation: position.relation,
            to,
            declared_by: position.declared_by,
            since: edge.since,
            detail,
        })
    }
}

/// Where an edge is kept.
#[derive(Clone, Copy)]
enum At<'a> {
    Declared(&'a Edge, &'a [u8]),
    /// Declarer, from, to.
    Half(u32, u32, u32),
}

struct Found<'a, 'q> {
    state: &'a State,
    slot: u32,
    query: &'q NeighbourQuery<'q>,
    /// Numbers of the relations, in order.
    relations: Vec<u8>,
    places: Vec<(EdgePosition, At<'a>)>,
    total: usize,
}

impl<'a> Found<'a, '_> {
    /// Edges that the asset declares itself.
    fn declared(&mut self, view: View<'a>) {
        let me = view.head().id;
        for (edge, detail) in view.edges() {
            let (out, into) = (edge.from == self.slot, edge.to == self.slot);
            let asked = match self.query.direction {
                Direction::Out => out,
                Direction::In => into,
                Direction::Both => out || into,
            };
            if !asked || !self.relations.contains(&edge.relation) {
                continue;
            }
            let position = EdgePosition {
                relation: relation_of(edge.relation),
                other: self.state.id(if out { edge.to } else { edge.from }),
                declared_by: me,
                incoming: !out,
            };
            if self.query.after.is_none_or(|after| position > after) {
                self.total += 1;
                self.places.push((position, At::Declared(edge, detail)));
            }
        }
    }

    /// Edges that others declared at the asset: of each way the first ones only, since they are in order.
    fn halves(&mut self, view: View<'a>) {
        let few = view.few_halves();
        let many = view.many_halves();
        if many.is_none() && few.is_empty() {
            return;
        }
        for relation in std::mem::take(&mut self.relations) {
            for incoming in [false, true] {
                // A loop is kept once, as outgoing, and asked for from both sides.
                let loops = self.query.direction == Direction::In && !incoming;
                let asked = match self.query.direction {
                    Direction::Out => !incoming,
                    Direction::In | Direction::Both => true,
                };
                if !asked {
                    continue;
                }
                let way = relation << 1 | u8::from(incoming);
                let only = loops.then_some(self.slot);
                let before = |half: Half| half.way < way || (half.way == way && self.is_before(half, only));
                let until = |half: Half| half.way < way || (half.way == way && !self.is_beyond(half, only));
                let (total, halves): (usize, Vec<Half>) = match many {
                    Some(run) => {
                        let (first, last): (Cursor, Cursor) = (run.partition(before), run.partition(until));
                        let total = run.between(first, last);
                        (
                            total,
                            run.iter_from(first).take(total.min(self.query.limit)).collect(),
                        )
                    }
                    None => {
                        let first = few.partition_point(|half| before(*half));
                        let last = few.partition_point(|half| until(*half)).max(first);
                        (
                            last - first,
                            few[first..last].iter().take(self.query.limit).copied().collect(),
                        )
                    }
                };
                self.total += total;
                let places: Vec<_> = halves
                    .into_iter()
                    .map(|half| {
                        let ends = if incoming {
                            (half.other, self.slot)
                        } else {
                            (self.slot, half.other)
                        };
                        (self.position(half), At::Half(half.declarer, ends.0, ends.1))
                    })
                    .collect();
                self.places.extend(places);
            }
        }
    }

    fn position(&self, half: Half) -> EdgePosition {
        EdgePosition {
            relation: relation_of(half.relation()),
            other: self.state.id(half.other),
            declared_by: self.state.id(half.declarer),
            incoming: half.incoming(),
        }
    }

    /// Whether a half stands before those that are asked for; `only` asks for one other end.
    fn is_before(&self, half: Half, only: Option<u32>) -> bool {
        let passed = self.query.after.is_some_and(|after| self.position(half) <= after);
        passed
            || only.is_some_and(|slot| half.other != slot && self.state.id(half.other) < self.state.id(slot))
    }

    /// Whether a half stands beyond those that are asked for.
    fn is_beyond(&self, half: Half, only: Option<u32>) -> bool {
        only.is_some_and(|slot| half.other != slot && self.state.id(half.other) > self.state.id(slot))
    }
}

fn wanted(relations: Option<&[RelationKind]>) -> Vec<u8> {
    let relations = relations.unwrap_or(RelationKind::ALL);
    let mut numbers: Vec<u8> = relations.iter().map(|r| relation_number(*r)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
