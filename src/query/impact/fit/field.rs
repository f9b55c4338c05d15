//! A cluster as placing pods sees it: nodes with what is free on them, pods that stand, labels of namespaces.

use super::amount::{Amounts, add, of_list, requests, subtract};
use super::labels::value;
use crate::store::Record;
use planisphere_schema::attributes::{NodeAttributes, NodeTerm, PodAttributes};
use planisphere_schema::{Attributes, Label};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

static NO_NODE: LazyLock<NodeAttributes> = LazyLock::new(NodeAttributes::default);
static NO_POD: LazyLock<PodAttributes> = LazyLock::new(PodAttributes::default);

/// A node.
#[derive(Clone, Debug)]
pub struct Host {
    /// The node.
    pub record: Arc<Record>,
    /// Pods may be placed on it; another one is only there to be counted.
    pub live: bool,
    /// What is not requested yet; negative where it is overcommitted.
    pub(super) free: Amounts,
}

impl Host {
    /// A node on which nothing stands yet.
    pub fn new(record: Arc<Record>, live: bool) -> Self {
        let mut host = Self {
            record,
            live,
            free: Amounts::new(),
        };
        host.free = of_list(&host.kept().allocatable);
        host
    }

    pub(super) fn kept(&self) -> &NodeAttributes {
        match &self.record.asset.attributes {
            Attributes::Node(kept) => kept,
            _ => &NO_NODE,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.record.asset.reference.key().name
    }

    /// The value of a label. A node that no kubelet has labelled with its host name has its own name for it.
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        let own = || (key == "kubernetes.io/hostname").then(|| self.name());
        value(&self.record.asset.labels, key).or_else(own)
    }
}

/// A pod that stands, or is to be placed.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The pod.
    pub record: Arc<Record>,
    /// From which nodes each of its volumes can be reached; any one term of each must hold.
    pub volumes: Vec<Vec<NodeTerm>>,
    /// What it requests.
    pub(super) needs: Amounts,
}

impl Guest {
    /// A pod with the affinities of its volumes.
    pub fn new(record: Arc<Record>, volumes: Vec<Vec<NodeTerm>>) -> Self {
        let mut guest = Self {
            record,
            volumes,
            needs: Amounts::new(),
        };
        guest.needs = requests(guest.kept());
        guest
    }

    pub(super) fn kept(&self) -> &PodAttributes {
        match &self.record.asset.attributes {
            Attributes::Pod(kept) => kept,
            _ => &NO_POD,
        }
    }

    pub(super) fn priority(&self) -> i32 {
        self.kept().priority.unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> &str {
        &self.record.asset.reference.key().namespace
    }

    pub(super) fn labels(&self) -> &[Label] {
        &self.record.asset.labels
    }
}

/// A pod on a node.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) guest: Guest,
    pub(super) host: usize,
    /// It would be evicted to make room.
    pub(super) gone: bool,
}

/// The nodes and pods of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// The nodes, in the order in which they are tried.
    pub hosts: Vec<Host>,
    pub(super) standing: Vec<Standing>,
    /// Labels of namespaces, where terms ask for them.
    pub namespaces: HashMap<String, Vec<Label>>,
    by_name: HashMap<String, usize>,
    /// Those that keep others away: few, and asked for each pod that is placed.
    pub(super) keeping_away: Vec<usize>,
    pub(super) on_host: Vec<Vec<usize>>,
}

impl Field {
    /// Nodes on which nothing stands yet.
    pub fn new(hosts: Vec<Host>) -> Self {
        Self {
            by_name: hosts
                .iter()
                .enumerate()
                .map(|(i, h)| (h.name().to_owned(), i))
                .collect(),
            on_host: vec![Vec::new(); hosts.len()],
            hosts,
            ..Self::default()
        }
    }

    /// Lets a pod stand where it says that it runs, if that is a node of the field: elsewhere it takes no room.
    pub fn stand(&mut self, guest: Guest) -> bool {
        let host = guest
            .kept()
            .node_name
            .as_deref()
            .and_then(|n| self.by_name.get(n));
        let Some(host) = host.copied() else {
            return false;
        };
        self.put(guest, host);
        true
    }

    pub(super) fn put(&mut self, guest: Guest, host: usize) -> usize {
        let number = self.standing.len();
        subtract(&mut self.hosts[host].free, &guest.needs);
        self.on_host[host].push(number);
        let placement = guest.kept().placement.as_ref();
        if placement.is_some_and(|p| !p.pod_anti_affinity.is_empty()) {
            self.keeping_away.push(number);
        }
        self.standing.push(Standing {
            guest,
            host,
            gone: false,
        });
        number
    }

    pub(super) fn evict(&mut self, number: usize) {
        let standing = &mut self.standing[number];
        standing.gone = true;
        add(&mut self.hosts[standing.host].free, &standing.guest.needs);
    }

    pub(super) fn take_back(&mut self, number: usize) {
        let standing = &mut self.standing[number];
        standing.gone = false;
        subtract(&mut self.hosts[standing.host].free, &standing.guest.needs);
    }
}
