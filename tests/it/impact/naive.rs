//! The rules of impact from scratch: quadratic, over the words of a world and never over a graph, so that it shares nothing
//! with the evaluation that it is held against.

use super::world::{Behind, Endpoint, Fails, Made, Pin, World};
use planisphere::query::impact::model::State;
use planisphere::query::impact::recovery::RecoveryClass;
use std::collections::{BTreeMap, BTreeSet};

/// What is expected of one Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    pub state: State,
    pub before: usize,
    pub after: usize,
    pub lost: BTreeMap<String, RecoveryClass>,
}

struct Naive<'a> {
    world: &'a World,
    fails: &'a [Fails],
    planned: bool,
}

/// What is expected of every Service of a world.
pub fn evaluate(world: &World, fails: &[Fails], planned: bool) -> Vec<Expected> {
    let naive = Naive {
        world,
        fails,
        planned,
    };
    let own: Vec<Expected> = (0..world.services.len()).map(|s| naive.service(s)).collect();
    (0..own.len())
        .map(|s| {
            let mut expected = own[s].clone();
            expected.state = naive.alias(&own, s);
            expected
        })
        .collect()
}

impl Naive<'_> {
    fn has(&self, fails: Fails) -> bool {
        self.fails.contains(&fails)
    }

    fn node_fails(&self, node: usize) -> bool {
        self.has(Fails::Cluster)
            || self.has(Fails::Node(node))
            || self.world.nodes[node].is_some_and(|z| self.has(Fails::Zone(z)))
    }

    fn claim_fails(&self, claim: usize) -> bool {
        let volume = self.world.claims[claim].bound && self.has(Fails::Volume(claim));
        self.has(Fails::Claim(claim)) || volume
    }

    fn inside(&self, namespace: usize) -> bool {
        self.has(Fails::Cluster) || self.has(Fails::Namespace(namespace))
    }

    fn pod_fails(&self, p: usize) -> bool {
        let pod = &self.world.pods[p];
        !pod.done
            && (self.has(Fails::Pod(p))
                || self.inside(pod.namespace)
                || pod.node.is_some_and(|n| self.node_fails(n))
                || pod.workload.is_some_and(|w| self.has(Fails::Workload(w)))
                || pod.claim.is_some_and(|c| self.claim_fails(c)))
    }

    fn blocked(&self, p: usize) -> bool {
        let pod = &self.world.pods[p];
        !pod.done
            && pod
                .secret
                .is_some_and(|(s, optional)| !optional && self.has(Fails::Secret(s)))
    }

    fn recovery(&self, p: usize) -> RecoveryClass {
        let pod = &self.world.pods[p];
        let made = pod.workload.map(|w| self.world.workloads[w].made);
        let maker_fails = pod.workload.is_some_and(|w| self.has(Fails::Workload(w)));
        let dead = pod.node.is_some_and(|n| self.node_fails(n));
        if (made.is_none() && !pod.fixed) || maker_fails || self.inside(pod.namespace) {
            return RecoveryClass::Never;
        }
        if pod.fixed || made == Some(Made::DaemonSet) {
            return RecoveryClass::WithNode;
        }
        if made == Some(Made::StatefulSet) && dead && !self.planned {
            return RecoveryClass::Stuck;
        }
        if let Some(c) = pod.claim.filter(|c| self.world.claims[*c].bound) {
            let lives = |n: usize| !self.node_fails(n);
            let reachable = match self.world.claims[c].pin {
                Pin::Nowhere => true,
                Pin::Node(n) => lives(n),
                Pin::Zone(z) => {
                    (0..self.world.nodes.len()).any(|n| self.world.nodes[n] == Some(z) && lives(n))
                }
            };
            if !reachable {
                return RecoveryClass::Pinned;
            }
        }
        if self.blocked(p) || pod.claim.is_some_and(|c| self.claim_fails(c)) {
            return RecoveryClass::Blocked;
        }
        if !(0..self.world.nodes.len()).any(|n| !self.node_fails(n) && self.takes(n, p)) {
            return RecoveryClass::NoFit;
        }
        RecoveryClass::Reschedules
    }

    /// Rule 5, without room: whether a node takes a pod.
    fn takes(&self, node: usize, p: usize) -> bool {
        let (pod, ground) = (&self.world.pods[p], self.world.ground(node));
        let volume = pod.claim.filter(|c| self.world.claims[*c].bound);
        let reached = match volume.map(|c| self.world.claims[c].pin) {
            None | Some(Pin::Nowhere) => true,
            Some(Pin::Node(n)) => n == node,
            Some(Pin::Zone(z)) => self.world.nodes[node] == Some(z),
        };
        let selected = pod.pool.is_none_or(|pool| pool == ground.pool);
        selected && reached && !ground.cordoned && (!ground.tainted || pod.tolerates)
    }

    fn serving(&self, endpoints: &[Endpoint]) -> BTreeSet<usize> {
        let fresh = || endpoints.iter().filter(|e| !e.stale);
        let ready: BTreeSet<usize> = fresh()
            .filter(|e| e.ready != Some(false))
            .map(|e| e.pod)
            .collect();
        if !ready.is_empty() {
            return ready;
        }
        let answers =
            |e: &&Endpoint| e.serving.unwrap_or(e.ready != Some(false)) && e.terminating == Some(true);
        fresh().filter(answers).map(|e| e.pod).collect()
    }

    fn service(&self, s: usize) -> Expected {
        let service = &self.world.services[s];
        let failed = self.has(Fails::Service(s)) || self.inside(service.namespace);
        let Behind::Endpoints(endpoints) = &service.behind else {
            let state = if failed { State::Down } else { State::Unaffected };
            return Expected {
                state,
                before: 0,
                after: 0,
                lost: BTreeMap::new(),
            };
        };
        let before = self.serving(endpoints);
        let after: BTreeSet<usize> = before.iter().copied().filter(|p| !self.pod_fails(*p)).collect();
        let lost: Vec<usize> = before.difference(&after).copied().collect();
        let state = self.state(s, failed, endpoints, &before, &after);
        Expected {
            state,
            before: before.len(),
            after: after.len(),
            lost: lost
                .into_iter()
                .map(|p| (format!("p{p}"), self.recovery(p)))
                .collect(),
        }
    }

    fn state(
        &self,
        s: usize,
        failed: bool,
        endpoints: &[Endpoint],
        before: &BTreeSet<usize>,
        after: &BTreeSet<usize>,
    ) -> State {
        let service = &self.world.services[s];
        if before.is_empty() {
            let idle = service
                .selects
                .map(|w| &self.world.workloads[w])
                .filter(|w| w.namespace == service.namespace && w.made != Made::Job);
            return match idle {
                Some(w) if w.replicas == 0 => State::Idle,
                _ => State::AlreadyDown,
            };
        }
        if failed {
            return State::Down;
        }
        let blocked = endpoints.iter().any(|e| !e.stale && self.blocked(e.pod));
        if after == before {
            return if blocked { State::AtRisk } else { State::Unaffected };
        }
        let quorum = before
            .iter()
            .chain(endpoints.iter().filter(|e| !e.stale).map(|e| &e.pod))
            .filter_map(|p| self.world.pods[*p].workload)
            .map(|w| &self.world.workloads[w])
            .filter(|w| w.made == Made::StatefulSet && w.image.contains("etcd") && w.replicas > 0)
            .map(|w| w.replicas / 2 + 1)
            .max();
        if after.is_empty() || quorum.is_some_and(|q| after.len() < q) {
            return State::Down;
        }
        let fraction = service.fraction.map(|f| {
            let percent: usize = (f.parse::<f64>().unwrap() * 100.0).round() as usize;
            (before.len() * percent).div_ceil(100)
        });
        let need = match (quorum, fraction) {
            (None, None) => before.len().div_ceil(2),
            (q, f) => q.unwrap_or(0).max(f.unwrap_or(0)),
        };
        let node = |p: &usize| self.world.pods[*p].node;
        let emptied = before
            .iter()
            .filter_map(node)
            .any(|n| !self.node_fails(n) && !after.iter().any(|p| node(p) == Some(n)));
        if after.len() < need.max(1) || (service.local && emptied) {
            return State::Degraded;
        }
        let zone = |p: &usize| node(p).and_then(|n| self.world.nodes[n]);
        let one = |place: &dyn Fn(&usize) -> Option<usize>| {
            let was: BTreeSet<usize> = before.iter().filter_map(place).collect();
            let is: BTreeSet<Option<usize>> = after.iter().map(place).collect();
            was.len() > 1 && is.len() == 1 && !is.contains(&None)
        };
        let lasting = before.difference(after).any(|p| {
            !matches!(
                self.recovery(*p),
                RecoveryClass::WithNode | RecoveryClass::Reschedules
            )
        });
        let risky = (after.len() == 1 && before.len() > 1)
            || one(&node)
            || one(&zone)
            || quorum == Some(after.len())
            || blocked
            || lasting;
        if risky { State::AtRisk } else { State::Unaffected }
    }

    fn alias(&self, own: &[Expected], start: usize) -> State {
        let failed = |s: usize| self.has(Fails::Service(s)) || self.inside(self.world.services[s].namespace);
        let mut at = start;
        for _ in 0..=own.len() {
            match &self.world.services[at].behind {
                Behind::Endpoints(_) => return own[at].state,
                _ if failed(at) => return State::Down,
                Behind::Missing => return State::AlreadyDown,
                Behind::Outside => return State::Unaffected,
                Behind::Service(next) => at = *next,
            }
        }
        State::AlreadyDown
    }
}
