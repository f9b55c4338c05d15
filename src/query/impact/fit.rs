//! Rule 5: whether pods that must move can be placed on what is left, as the scheduler's required filters say. Pure: assets
//! in, a place or the refusals out. Optimistic: it shows a way in which they fit, and another order may find none; what
//! is preferred, limits of volumes per node, claims on devices and pods that wait already are not looked at.

pub mod amount;
mod field;
mod hosts;
mod labels;
mod peers;
mod place;
#[cfg(test)]
mod tests;

pub use field::{Field, Guest, Host};
pub use hosts::{refuses, stay_seconds};
pub use place::{Outcome, place};

use std::collections::BTreeMap;

/// Why a node takes a pod not. In the order in which a node's refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// It is cordoned, and the pod does not tolerate that.
    Cordoned,
    /// It has a taint that the pod does not tolerate.
    Taint,
    /// It lacks labels that the pod's selector or required affinity asks for.
    Affinity,
    /// A volume of the pod cannot be reached from it.
    Volume,
    /// A port of the node that the pod asks for is taken.
    Port,
    /// It has too little left of what the pod requests, or no place for one more pod.
    Room,
    /// The pod would stand less evenly spread than it demands.
    Spread,
    /// Required affinity or anti-affinity to other pods does not hold there.
    Peers,
}

impl Refusal {
    /// Whether evicting pods from the node can change it.
    fn can_be_lifted(self) -> bool {
        matches!(
            self,
            Refusal::Port | Refusal::Room | Refusal::Spread | Refusal::Peers
        )
    }

    fn told(self, n: usize) -> String {
        let (has, lacks, is) = match n {
            1 => ("has", "lacks", "is"),
            _ => ("have", "lack", "are"),
        };
        match self {
            Refusal::Cordoned => format!("{n} {is} cordoned"),
            Refusal::Taint => format!("{n} {has} a taint that it does not tolerate"),
            Refusal::Affinity => format!("{n} {lacks} labels that it asks for"),
            Refusal::Volume => format!("{n} cannot reach its volume"),
            Refusal::Port => format!("{n} {has} its port taken"),
            Refusal::Room => format!("{n} {has} too little room"),
            Refusal::Spread => format!("{n} would break its spread"),
            Refusal::Peers => format!("{n} would break its affinity to other pods, or theirs"),
        }
    }
}

/// The refusals of a cluster's live nodes, in one sentence.
pub fn sentence(refusals: &BTreeMap<Refusal, usize>) -> String {
    let all: usize = refusals.values().sum();
    let told: Vec<String> = refusals.iter().map(|(refusal, n)| refusal.told(*n)).collect();
    match all {
        0 => "no node is left".to_owned(),
        1 => format!("the only node left does not take it: {}", told.join(", ")),
        _ => format!("none of the {all} nodes left takes it: {}", told.join(", ")),
    }
}
