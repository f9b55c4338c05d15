//! What decides whether lost pods come back: the controllers above them, their volumes, and a control plane that places
//! them.

use super::Scene;
use super::addresses::list;
use crate::query::QueryError;
use crate::query::impact::closure::{Closure, is_running};
use crate::query::ownership::resolve::controllers;
use crate::store::{Record, Snapshot};
use planisphere_schema::{ClusterId, Kind};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Where clusters that run their control plane as pods keep it, and the label that tells its parts apart.
const SYSTEM: &str = "kube-system";
const COMPONENT: &str = "component";
const PARTS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
];

impl Scene {
    /// Looks at everything that lost pods need to come back.
    pub(super) async fn comebacks(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
    ) -> Result<(), QueryError> {
        let lost: Vec<usize> = (0..self.pods.len())
            .filter(|p| self.model.pods[*p].failed)
            .collect();
        if lost.is_empty() {
            return Ok(());
        }
        let workload_failed = closure
            .roots
            .iter()
            .any(|r| !matches!(r.asset.kind(), Kind::Node | Kind::Zone | Kind::Pod));
        if workload_failed {
            let records: Vec<Arc<Record>> = lost.iter().map(|p| Arc::clone(&self.pods[*p])).collect();
            let chains = controllers(snapshot, &records).await?;
            for (pod, chain) in lost.iter().zip(chains) {
                let fails = |c: &Arc<Record>| {
                    // A static pod names its node as its owner: it comes back with it.
                    c.asset.kind() != Kind::Node && closure.failed.contains(&c.asset.reference.id())
                };
                self.model.pods[*pod].maker_failed |= chain.iter().any(fails);
            }
        }
        self.volumes(snapshot, closure, &lost).await?;
        let headless = without_control_plane(snapshot, closure).await?;
        for pod in lost {
            let cluster = self.pods[pod].asset.reference.key().cluster;
            self.model.pods[pod].unscheduled |= headless.contains(&cluster);
        }
        Ok(())
    }
}

/// Clusters of which a part of the control plane has nobody left, or, of etcd, too few to agree.
async fn without_control_plane(
    snapshot: &dyn Snapshot,
    closure: &Closure,
) -> Result<HashSet<ClusterId>, QueryError> {
    let part_of = |pod: &Record| {
        let part = pod.asset.label(COMPONENT).filter(|c| PARTS.contains(c))?;
        let here = &*pod.asset.reference.key().namespace == SYSTEM;
        here.then(|| part.to_owned())
    };
    let hit: HashSet<ClusterId> = closure
        .pods
        .values()
        .filter(|p| part_of(p).is_some())
        .map(|p| p.asset.reference.key().cluster)
        .collect();
    // A part that is said to fail has nobody left, whether its pods are seen or not.
    let parts = closure
        .roots
        .iter()
        .filter(|r| r.asset.kind() == Kind::ControlPlaneComponent);
    let mut headless: HashSet<ClusterId> = parts.map(|r| r.asset.reference.key().cluster).collect();
    for cluster in hit {
        let mut parts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for pod in list(snapshot, cluster, Kind::Pod, Some(SYSTEM), usize::MAX).await? {
            if let Some(part) = part_of(&pod).filter(|_| is_running(&pod)) {
                let (all, left) = parts.entry(part).or_default();
                *all += 1;
                *left += usize::from(!closure.pods.contains_key(&pod.asset.reference.id()));
            }
        }
        let gone = |(part, (all, left)): (&String, &(usize, usize))| {
            let least = if part == "etcd" { all / 2 + 1 } else { 1 };
            *left < least
        };
        if parts.iter().any(gone) {
            headless.insert(cluster);
        }
    }
    Ok(headless)
}
