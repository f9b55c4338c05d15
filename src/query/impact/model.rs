//! The compact model that the rules are evaluated on: who runs where, who serves what, what protects it and what it needs
//! to come back. Plain numbers instead of ids, so that the rules are pure and quick. It knows no store.

/// How a Service, or whatever else is judged, stands. In order: what is worse is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Nothing serves, and nothing is wanted to.
    Idle,
    /// Nothing served before, so that no failure changes anything.
    AlreadyDown,
    /// The failure does not reach it, or leaves enough.
    #[default]
    Unaffected,
    /// It serves as before, but one more failure, or a restart, may be too much.
    AtRisk,
    /// It serves with less than it needs.
    Degraded,
    /// It serves nobody.
    Down,
}

/// A node.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The zone that its labels name, as a number.
    pub zone: Option<usize>,
    /// It is in the failed set.
    pub failed: bool,
}

/// What made a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Maker {
    /// Nothing: once gone, it is gone.
    Nobody,
    /// The kubelet, from a file on its node.
    StaticFile,
    /// A DaemonSet.
    DaemonSet,
    /// A StatefulSet.
    StatefulSet,
    /// Another controller.
    #[default]
    Controller,
}

/// A pod.
#[derive(Clone, Debug, Default)]
pub struct Pod {
    /// Where it runs.
    pub node: Option<usize>,
    /// It is in the failed set.
    pub failed: bool,
    /// Something that it needs to start is in the failed set.
    pub blocked: bool,
    /// It would be evicted to make room for one that is lost and more important.
    pub evicted: bool,
    /// It is ready, and not being deleted: what a budget counts.
    pub healthy: bool,
    /// What made it.
    pub maker: Maker,
    /// A controller above it, or its namespace, is in the failed set.
    pub maker_failed: bool,
    /// A volume or claim that it mounts is in the failed set.
    pub volume_failed: bool,
    /// A volume that it mounts can be reached from failed nodes alone.
    pub pinned: bool,
    /// No live node passes its selector, required affinity, taints and volumes.
    pub misfit: bool,
    /// A volume that one node alone may hold is attached to its failed node.
    pub held: bool,
    /// The control plane of its cluster is in the failed set.
    pub unscheduled: bool,
    /// Seconds that it stays bound to a node that does not answer; none: for ever.
    pub tolerates_seconds: Option<i64>,
    /// Seconds that it takes to start, as it did the last time.
    pub start_seconds: i64,
}

/// Who stands behind an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// A pod.
    Pod(usize),
    /// A node: a process that listens on it.
    Node(usize),
    /// An address outside, by number; it fails only if it is itself in the failed set.
    Outside(usize, bool),
}

/// An endpoint of a Service.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Who.
    pub who: Who,
    /// The node that the slice names for it, where no pod tells.
    pub node: Option<usize>,
    /// Takes new traffic.
    pub ready: bool,
    /// Answers.
    pub serving: bool,
    /// Is being deleted.
    pub terminating: bool,
}

/// What a Service stands for, where it is only a name for something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alias {
    /// It has endpoints of its own.
    #[default]
    None,
    /// Another Service of the model.
    Service(usize),
    /// A name in a cluster under which nothing is.
    Missing,
    /// A name outside.
    Outside,
}

/// A Service.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// What it stands for.
    pub alias: Alias,
    /// Its endpoints, as often as slices name them.
    pub endpoints: Vec<Endpoint>,
    /// It, its namespace or its cluster is in the failed set.
    pub failed: bool,
    /// Traffic from a node goes to instances on that node alone.
    pub local_traffic: bool,
    /// Every workload behind it wants no pods.
    pub idle: bool,
    /// How many of its instances must agree, where they must.
    pub quorum: Option<usize>,
    /// The fraction of its instances that users need, where they say.
    pub fraction: Option<f64>,
}

/// A disruption budget.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// The pods that it covers.
    pub pods: Vec<usize>,
    /// How many healthy pods it asks for, by its status.
    pub desired: i64,
    /// How many there are, by its status.
    pub current: i64,
}

/// Everything that the rules look at.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Pods.
    pub pods: Vec<Pod>,
    /// Services.
    pub services: Vec<Service>,
    /// Budgets.
    pub budgets: Vec<Budget>,
    /// The failure is planned: pods are evicted from nodes that still answer.
    pub planned: bool,
}

impl Model {
    /// The node on which an endpoint's instance is.
    pub fn node_of(&self, who: Who, named: Option<usize>) -> Option<usize> {
        match who {
            Who::Pod(pod) => self.pods[pod].node.or(named),
            Who::Node(node) => Some(node),
            Who::Outside(..) => named,
        }
    }

    /// Whether whoever stands behind an endpoint is in the failed set.
    pub fn fails(&self, who: Who, named: Option<usize>) -> bool {
        match who {
            Who::Pod(pod) => self.pods[pod].failed,
            Who::Node(node) => self.nodes[node].failed,
            Who::Outside(_, failed) => failed || named.is_some_and(|n| self.nodes[n].failed),
        }
    }
}
