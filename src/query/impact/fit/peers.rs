//! What other pods decide: required affinity and anti-affinity in both directions, and spread. Counted once for each pod
//! that is placed, by the parts of the cluster that node labels name; then each node is a look-up.

use super::Refusal;
use super::field::{Field, Guest, Host};
use super::hosts::{tolerates_all, wants};
use super::labels::{selects, value};
use planisphere_schema::Label;
use planisphere_schema::attributes::{Placement, PodTerm, SpreadConstraint};
use std::collections::{HashMap, HashSet};

/// What the others mean for one pod.
#[derive(Default)]
pub(super) struct Peers {
    /// Parts, by label, in which a pod stands that an affinity asks for; one entry a term.
    near: Vec<(String, HashSet<String>)>,
    /// No pod anywhere matches its affinities but itself: then it may be the first.
    first: bool,
    /// Parts that it may not stand in.
    away: HashSet<(String, String)>,
    spreads: Vec<Spread>,
}

struct Spread {
    key: String,
    counts: HashMap<String, i64>,
    fewest: i64,
    itself: i64,
    max_skew: i64,
}

impl Peers {
    /// Looks at everybody that stands.
    pub(super) fn of(field: &Field, guest: &Guest) -> Self {
        let mut peers = Self::default();
        for number in &field.keeping_away {
            let other = &field.standing[*number];
            let terms = other
                .guest
                .kept()
                .placement
                .iter()
                .flat_map(|p| &p.pod_anti_affinity);
            for term in terms.filter(|_| !other.gone) {
                if asks_for(field, term, &other.guest, guest) {
                    peers.keep_away(field, term, other.host);
                }
            }
        }
        let Some(placement) = &guest.kept().placement else {
            return peers;
        };
        for term in &placement.pod_anti_affinity {
            for other in field.standing.iter().filter(|o| !o.gone) {
                if asks_for(field, term, guest, &other.guest) {
                    peers.keep_away(field, term, other.host);
                }
            }
        }
        peers.affinities(field, guest, &placement.pod_affinity);
        peers.spreads = placement
            .topology_spread
            .iter()
            .map(|s| Spread::of(field, guest, placement, s))
            .collect();
        peers
    }

    fn keep_away(&mut self, field: &Field, term: &PodTerm, host: usize) {
        let part = field.hosts[host].label(&term.topology_key);
        self.away
            .extend(part.map(|p| (term.topology_key.clone(), p.to_owned())));
    }

    fn affinities(&mut self, field: &Field, guest: &Guest, terms: &[PodTerm]) {
        let mut anybody = false;
        // As the scheduler counts: a pod that stands counts where it matches all terms.
        let all = |other: &Guest| terms.iter().all(|t| asks_for(field, t, guest, other));
        let matching: Vec<usize> = field
            .standing
            .iter()
            .filter(|o| !o.gone && !terms.is_empty() && all(&o.guest))
            .map(|o| o.host)
            .collect();
        for term in terms {
            let parts = matching
                .iter()
                .filter_map(|host| field.hosts[*host].label(&term.topology_key));
            let parts: HashSet<String> = parts.map(str::to_owned).collect();
            anybody |= !parts.is_empty();
            self.near.push((term.topology_key.clone(), parts));
        }
        self.first = !anybody && all(guest);
    }

    /// Why a node refuses the pod for the sake of others; none where it does not.
    pub(super) fn refuse(&self, host: &Host) -> Option<Refusal> {
        let part = |key: &str| host.label(key);
        for spread in &self.spreads {
            let Some(part) = part(&spread.key) else {
                return Some(Refusal::Spread);
            };
            let here = spread.counts.get(part).copied().unwrap_or_default();
            if here + spread.itself - spread.fewest > spread.max_skew {
                return Some(Refusal::Spread);
            }
        }
        let apart = |(key, kept): &(String, String)| part(key) != Some(kept);
        let near = |(key, parts): &(String, HashSet<String>)| {
            part(key).is_some_and(|p| self.first || parts.contains(p))
        };
        let holds = self.away.iter().all(apart) && self.near.iter().all(near);
        (!holds).then_some(Refusal::Peers)
    }
}

/// Whether a term of one pod asks for, or against, another pod.
fn asks_for(field: &Field, term: &PodTerm, whose: &Guest, other: &Guest) -> bool {
    if !selects(term.label_selector.as_ref(), other.labels()) {
        return false;
    }
    let there = other.namespace();
    if term.namespaces.is_empty() && term.namespace_selector.is_none() {
        return there == whose.namespace();
    }
    let labels: &[Label] = field.namespaces.get(there).map_or(&[], Vec::as_slice);
    term.namespaces.iter().any(|n| n == there) || selects(term.namespace_selector.as_ref(), labels)
}

impl Spread {
    fn of(field: &Field, guest: &Guest, placement: &Placement, asks: &SpreadConstraint) -> Self {
        let same = |other: &Guest| {
            let equal = |key: &String| match value(guest.labels(), key) {
                Some(wanted) => value(other.labels(), key) == Some(wanted),
                None => true,
            };
            other.namespace() == guest.namespace()
                && selects(asks.label_selector.as_ref(), other.labels())
                && asks.match_label_keys.iter().all(equal)
        };
        // Nodes count where the pod could go by its own terms and that carry the labels of all its constraints.
        let keys = || placement.topology_spread.iter().map(|s| &s.topology_key);
        let counts_host = |host: &Host| {
            keys().all(|key| host.label(key).is_some())
                && (asks.counts_excluded_nodes || wants(placement, host))
                && (!asks.honors_taints || (host.live && tolerates_all(placement, host)))
        };
        let mut counts: HashMap<String, i64> = HashMap::new();
        let counted: Vec<bool> = field.hosts.iter().map(counts_host).collect();
        for (host, _) in field.hosts.iter().zip(&counted).filter(|(_, counts)| **counts) {
            let part = host.label(&asks.topology_key).unwrap_or_default();
            counts.entry(part.to_owned()).or_default();
        }
        for other in field.standing.iter().filter(|o| !o.gone && counted[o.host]) {
            let leaving = other.guest.record.asset.deleting.is_some();
            if !leaving && same(&other.guest) {
                let part = field.hosts[other.host].label(&asks.topology_key);
                *counts.entry(part.unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        let too_few = asks
            .min_domains
            .is_some_and(|least| counts.len() < usize::try_from(least).unwrap_or_default());
        Self {
            key: asks.topology_key.clone(),
            fewest: match too_few {
                true => 0,
                false => counts.values().copied().min().unwrap_or_default(),
            },
            counts,
            itself: i64::from(same(guest)),
            max_skew: i64::from(asks.max_skew),
        }
    }
}
