//! The disruption budgets that protect pods of the scene, with all pods that they cover. It decides nothing.

use super::{Scene, neighbours};
use crate::query::QueryError;
use crate::query::impact::Cut;
use crate::query::impact::closure::{Closure, is_running};
use crate::query::impact::model::{Budget, Who};
use crate::store::{Direction, Snapshot};
use planisphere_schema::{AssetId, Attributes, RelationKind};
use std::collections::BTreeSet;

/// More pods of one budget are not looked at, and said not to be.
const MOST_COVERED: usize = 50_000;

impl Scene {
    /// Reads the budgets that may matter: of every pod that fails, and of one pod of each Service, since a budget that says
    /// what a Service needs covers all of its pods. Pods that they cover besides join the scene: a budget counts them too.
    pub(super) async fn budgets(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &mut Closure,
    ) -> Result<(), QueryError> {
        let one_each = self.model.services.iter().filter_map(|service| {
            service.endpoints.iter().find_map(|e| match e.who {
                Who::Pod(pod) => Some(self.pods[pod].asset.reference.id()),
                _ => None,
            })
        });
        let pods: BTreeSet<AssetId> = closure.pods.keys().copied().chain(one_each).collect();
        let pods: Vec<AssetId> = pods.into_iter().collect();
        let found = neighbours(snapshot, &pods, Direction::In, RelationKind::Protects, 100).await?;
        let budgets: BTreeSet<AssetId> = found.iter().flat_map(|n| &n.links).map(|l| l.from).collect();
        let budgets: Vec<AssetId> = budgets.into_iter().collect();
        if budgets.is_empty() {
            return Ok(());
        }
        let records = snapshot.get(&budgets).await?;
        let covered = neighbours(
            snapshot,
            &budgets,
            Direction::Out,
            RelationKind::Protects,
            MOST_COVERED,
        )
        .await?;
        for ((id, record), covered) in budgets.iter().zip(records).zip(covered) {
            let over = covered.total - covered.links.len();
            if over > 0 {
                closure.cuts.push(Cut::more_edges(*id, over));
            }
            let Some(record) = record.filter(|r| !r.stub) else {
                continue;
            };
            let Attributes::PodDisruptionBudget(kept) = &record.asset.attributes else {
                continue;
            };
            let ids: Vec<AssetId> = covered.links.iter().map(|l| l.to).collect();
            let pods = self.covered(snapshot, closure, &ids).await?;
            self.model.budgets.push(Budget {
                pods,
                desired: kept.desired_healthy.into(),
                current: kept.current_healthy.into(),
                allowed: kept.disruptions_allowed.into(),
                spares_unhealthy: kept.unhealthy_pod_eviction_policy.as_deref() != Some("AlwaysAllow"),
            });
            self.budgets.push(record);
        }
        self.place_pods(snapshot, closure).await
    }

    /// The numbers of these pods, but of those that have finished: they protect nothing and need no protection.
    async fn covered(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
        ids: &[AssetId],
    ) -> Result<Vec<usize>, QueryError> {
        let new: Vec<AssetId> = ids
            .iter()
            .copied()
            .filter(|id| !self.pod_index.contains_key(id))
            .collect();
        for record in snapshot.get(&new).await?.into_iter().flatten() {
            if !record.stub {
                self.add_pod(record, closure);
            }
        }
        let known = ids.iter().filter_map(|id| self.pod_index.get(id)).copied();
        Ok(known.filter(|p| is_running(&self.pods[*p])).collect())
    }
}
