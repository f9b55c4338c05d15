//! Rule 6: how far a failure reaches over who calls whom. A fixpoint of maxima over four states, so that cycles are
//! harmless and the cost is linear in the edges. Own states are never changed: what flows is told apart. Pure.

use super::model::State;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How much a caller needs whom it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strength {
    /// It cannot work without.
    Hard,
    /// It works with less: messaging, a cache, or somebody says so.
    Soft,
    /// They were seen to talk, which does not prove a need.
    Unknown,
}

impl Strength {
    /// The worst state that such an edge hands on.
    pub fn cap(self) -> State {
        match self {
            Strength::Hard => State::Down,
            Strength::Soft => State::Degraded,
            Strength::Unknown => State::AtRisk,
        }
    }
}

/// One calls another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call<T> {
    /// Who calls.
    pub caller: T,
    /// Who is called.
    pub callee: T,
    /// How much the caller needs it.
    pub strength: Strength,
    /// Calls of one caller with the same number are ways to the same end: one that works is enough to go on, degraded.
    pub route: Option<u32>,
}

/// What reached somebody over calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached<T> {
    /// The worst that reached it.
    pub state: State,
    /// Over which call, by number.
    pub call: usize,
    /// Whose failure it is that came this far.
    pub from: T,
}

/// What reaches whom over the calls, given everybody's own state; whoever is not named is unaffected. Only what is worse
/// than unaffected flows.
pub fn propagate<T: Clone + Ord + Hash>(
    own: &HashMap<T, State>,
    calls: &[Call<T>],
) -> HashMap<T, Reached<T>> {
    let mut callers: HashMap<&T, Vec<usize>> = HashMap::new();
    let mut routes: HashMap<(&T, u32), Vec<usize>> = HashMap::new();
    for (index, call) in calls.iter().enumerate() {
        callers.entry(&call.callee).or_default().push(index);
        if let Some(route) = call.route {
            routes.entry((&call.caller, route)).or_default().push(index);
        }
    }
    let mut reached: HashMap<T, Reached<T>> = HashMap::new();
    let own_of = |who: &T| own.get(who).copied().unwrap_or_default();
    let hit = own.iter().filter(|(_, state)| **state > State::Unaffected);
    let mut hit: Vec<T> = hit.map(|(who, _)| who.clone()).collect();
    // Of several failures that reach somebody alike, the same one is told each time.
    hit.sort();
    let mut queue = VecDeque::from(hit);
    while let Some(callee) = queue.pop_front() {
        for index in callers.get(&callee).into_iter().flatten() {
            let call = &calls[*index];
            let state_of = |who: &T| {
                let flown = reached.get(who).map(|r| r.state).unwrap_or_default();
                own_of(who).max(flown)
            };
            let mut state = state_of(&callee).min(call.strength.cap());
            let others = call.route.and_then(|r| routes.get(&(&call.caller, r)));
            let another_works = others
                .into_iter()
                .flatten()
                .any(|other| state_of(&calls[*other].callee) < State::Down);
            if state == State::Down && another_works {
                state = State::Degraded;
            }
            let known = reached.get(&call.caller).map(|r| r.state).unwrap_or_default();
            if state <= State::Unaffected || state <= known {
                continue;
            }
            let from = match reached.get(&callee) {
                // What came over calls is handed on as that; what is the callee's own starts here.
                Some(flown) if flown.state > own_of(&callee) => flown.from.clone(),
                _ => callee.clone(),
            };
            let next = Reached {
                state,
                call: *index,
                from,
            };
            reached.insert(call.caller.clone(), next);
            queue.push_back(call.caller.clone());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(caller: u8, callee: u8, strength: Strength) -> Call<u8> {
        Call {
            caller,
            callee,
            strength,
            route: None,
        }
    }

    fn states(own: &[(u8, State)], calls: &[Call<u8>]) -> Vec<(u8, State)> {
        let own = own.iter().copied().collect();
        let mut found: Vec<_> = propagate(&own, calls)
            .into_iter()
            .map(|(who, r)| (who, r.state))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn each_strength_hands_on_no_more_than_its_cap() {
        let calls = [
            call(1, 0, Strength::Hard),
            call(2, 0, Strength::Soft),
            call(3, 0, Strength::Unknown),
        ];
        let down = [(1, State::Down), (2, State::Degraded), (3, State::AtRisk)];
        assert_eq!(states(&[(0, State::Down)], &calls), down);
        let degraded = [(1, State::Degraded), (2, State::Degraded), (3, State::AtRisk)];
        assert_eq!(states(&[(0, State::Degraded)], &calls), degraded);
        assert_eq!(states(&[(0, State::AlreadyDown)], &calls), []);
    }

    #[test]
    fn a_caller_with_another_way_is_degraded_until_no_way_is_left() {
        let mut calls = [call(1, 0, Strength::Hard), call(1, 2, Strength::Hard)];
        calls.iter_mut().for_each(|c| c.route = Some(7));
        assert_eq!(states(&[(0, State::Down)], &calls), [(1, State::Degraded)]);
        assert_eq!(
            states(&[(0, State::Down), (2, State::Down)], &calls),
            [(1, State::Down)]
        );
    }

    #[test]
    fn cycles_end_and_the_first_failure_is_remembered() {
        let calls = [
            call(1, 0, Strength::Hard),
            call(2, 1, Strength::Hard),
            call(1, 2, Strength::Hard),
            call(0, 2, Strength::Hard),
        ];
        let own = [(0, State::Degraded)].into_iter().collect();
        let found = propagate(&own, &calls);
        assert_eq!(found[&2].state, State::Degraded);
        assert_eq!(found[&2].from, 0);
        assert_eq!(found[&2].call, 1);
    }
}
