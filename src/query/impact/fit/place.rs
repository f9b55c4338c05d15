//! Places pods one after the other: those of higher priority first, of these the greatest first, each on the first node
//! that takes it. Where none does, on the node where the least has to be evicted for it.

use super::Refusal;
use super::field::{Field, Guest, Host};
use super::hosts::refuses;
use super::peers::Peers;
use std::collections::{BTreeMap, HashSet};

/// What becomes of a pod that must be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It fits on a node, by its number, if these pods are evicted, by the places in which they were let stand.
    Fits {
        /// The node.
        host: usize,
        /// Who must go for it, of lower priority.
        evicts: Vec<usize>,
    },
    /// No node takes it: how many refuse it for what.
    Nowhere(BTreeMap<Refusal, usize>),
}

/// Places pods on a field; gives what becomes of each, in their order.
pub fn place(field: &mut Field, guests: Vec<Guest>) -> Vec<Outcome> {
    let mut order: Vec<usize> = (0..guests.len()).collect();
    let size = |g: &Guest, resource: &str| g.needs.get(resource).copied().unwrap_or_default();
    order.sort_by_key(|i| {
        let guest = &guests[*i];
        let (cpu, memory) = (size(guest, "cpu"), size(guest, "memory"));
        let key = guest.record.asset.reference.key();
        let name = (key.namespace.clone(), key.name.clone());
        (-i64::from(guest.priority()), -cpu, -memory, name)
    });
    let mut outcomes: Vec<Option<Outcome>> = vec![None; guests.len()];
    let mut waiting: Vec<Option<Guest>> = guests.into_iter().map(Some).collect();
    for index in order {
        outcomes[index] = waiting[index].take().map(|guest| settle(field, guest));
    }
    outcomes.into_iter().flatten().collect()
}

fn settle(field: &mut Field, guest: Guest) -> Outcome {
    let peers = Peers::of(field, &guest);
    let mut refusals: BTreeMap<Refusal, usize> = BTreeMap::new();
    let mut liftable = Vec::new();
    for number in 0..field.hosts.len() {
        if !field.hosts[number].live {
            continue;
        }
        match refusal(field, &guest, &peers, number) {
            None => {
                field.put(guest, number);
                return Outcome::Fits {
                    host: number,
                    evicts: Vec::new(),
                };
            }
            Some(refusal) => {
                *refusals.entry(refusal).or_default() += 1;
                if refusal.can_be_lifted() {
                    liftable.push(number);
                }
            }
        }
    }
    let never = guest.kept().placement.as_ref().is_some_and(|p| p.never_preempts);
    let mut trials: Vec<(Vec<usize>, usize)> = Vec::new();
    for host in liftable.into_iter().filter(|_| !never) {
        trials.extend(victims(field, &guest, host).map(|victims| (victims, host)));
    }
    let best = trials.into_iter().min_by_key(|(victims, host)| {
        let of = |v: &usize| i64::from(field.standing[*v].guest.priority());
        let highest = victims.iter().map(of).max();
        (highest, victims.iter().map(of).sum::<i64>(), victims.len(), *host)
    });
    match best {
        Some((evicts, host)) => {
            for victim in &evicts {
                field.evict(*victim);
            }
            field.put(guest, host);
            Outcome::Fits { host, evicts }
        }
        None => Outcome::Nowhere(refusals),
    }
}

/// Why a node takes a pod not, everything considered.
fn refusal(field: &Field, guest: &Guest, peers: &Peers, number: usize) -> Option<Refusal> {
    let host = &field.hosts[number];
    refuses(host, guest)
        .or_else(|| takes_ports(field, guest, number).then_some(Refusal::Port))
        .or_else(|| (!has_room(host, guest)).then_some(Refusal::Room))
        .or_else(|| peers.refuse(host))
}

fn has_room(host: &Host, guest: &Guest) -> bool {
    let free = |resource: &String| host.free.get(resource).copied().unwrap_or_default();
    guest.needs.iter().all(|(resource, need)| *need <= free(resource))
}

/// Whether a port that the pod asks for is taken on the node; without an address it is asked for on all of them.
fn takes_ports(field: &Field, guest: &Guest, number: usize) -> bool {
    let ports = |g: &Guest| -> Vec<String> {
        let placement = g.kept().placement.as_ref();
        placement.map(|p| p.host_ports.clone()).unwrap_or_default()
    };
    let wanted = ports(guest);
    if wanted.is_empty() {
        return false;
    }
    let parts = |port: &str| match port.split('/').collect::<Vec<_>>()[..] {
        [protocol, number] => (None, format!("{protocol}/{number}")),
        [address, protocol, number] => (Some(address.to_owned()), format!("{protocol}/{number}")),
        _ => (None, port.to_owned()),
    };
    let clash = |a: &str, b: &str| {
        let ((address_a, a), (address_b, b)) = (parts(a), parts(b));
        a == b && (address_a.is_none() || address_b.is_none() || address_a == address_b)
    };
    let others = field.on_host[number].iter().map(|s| &field.standing[*s]);
    let mut taken = others.filter(|s| !s.gone).flat_map(|s| ports(&s.guest));
    taken.any(|taken| wanted.iter().any(|w| clash(w, &taken)))
}

/// Who must be evicted from a node so that it takes the pod: of lower priority, and as few as can be; none where even
/// without all of them it does not.
fn victims(field: &mut Field, guest: &Guest, host: usize) -> Option<Vec<usize>> {
    let mut lower: Vec<usize> = field.on_host[host]
        .iter()
        .copied()
        .filter(|s| !field.standing[*s].gone && field.standing[*s].guest.priority() < guest.priority())
        .collect();
    if lower.is_empty() {
        return None;
    }
    // Spared in this order: the more important first.
    lower.sort_by_key(|s| std::cmp::Reverse(field.standing[*s].guest.priority()));
    for victim in &lower {
        field.evict(*victim);
    }
    let takes = |field: &Field| refusal(field, guest, &Peers::of(field, guest), host).is_none();
    let mut spared: HashSet<usize> = HashSet::new();
    let fits = takes(field);
    for victim in lower.iter().filter(|_| fits) {
        field.take_back(*victim);
        if takes(field) {
            spared.insert(*victim);
        } else {
            field.evict(*victim);
        }
    }
    // This was a trial: everybody stands again until a node is chosen.
    for victim in lower.iter().filter(|v| !spared.contains(v)) {
        field.take_back(*victim);
    }
    lower.retain(|v| !spared.contains(v));
    fits.then_some(lower)
}
