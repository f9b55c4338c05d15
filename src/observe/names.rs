//! From how sources name callers and callees to assets: a Service by name, else the Services that a workload stands
//! behind, else the workload. What no asset answers to is nobody; what two answer to is not guessed.

use super::Party;
use crate::query::QueryError;
use crate::query::ownership::controlled_pods;
use crate::store::{Direction, Filter, ListQuery, NeighbourQuery, Order, Presence, Record, Snapshot, Text};
use planisphere_schema::{AssetId, AssetRef, ClusterId, Kind, RelationKind};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

const WORKLOADS: &[Kind] = &[
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::CronJob,
    Kind::Job,
];

/// Looks names up in one version of the graph, each once.
pub(super) struct Names<'a> {
    snapshot: &'a dyn Snapshot,
    known: HashMap<Party, Vec<AssetId>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(snapshot: &'a dyn Snapshot) -> Self {
        Self {
            snapshot,
            known: HashMap::new(),
        }
    }

    /// The assets that a party stands for; none where nobody answers to it.
    pub(super) async fn assets(&mut self, party: &Party) -> Result<Vec<AssetId>, QueryError> {
        if let Some(known) = self.known.get(party) {
            return Ok(known.clone());
        }
        let found = self.look_up(party).await?;
        self.known.insert(party.clone(), found.clone());
        Ok(found)
    }

    async fn look_up(&self, party: &Party) -> Result<Vec<AssetId>, QueryError> {
        let all = self.snapshot.clusters().iter().map(|c| &c.cluster);
        let named = all.filter(|c| party.cluster.as_ref().is_none_or(|name| *name == c.name));
        let clusters: Vec<ClusterId> = named.map(|c| c.id).collect();
        if let Some(service) = self
            .one(&clusters, party, &party.service, &[Kind::Service])
            .await?
        {
            return Ok(vec![service.asset.reference.id()]);
        }
        // Traces name programs, which are called as their workloads are more often than as Services.
        for name in [&party.workload, &party.service] {
            if let Some(workload) = self.one(&clusters, party, name, WORKLOADS).await? {
                return self.behind(&workload).await;
            }
        }
        Ok(Vec::new())
    }

    /// The only asset of this name and one of these kinds; none where there are several.
    async fn one(
        &self,
        clusters: &[ClusterId],
        party: &Party,
        name: &Option<String>,
        kinds: &[Kind],
    ) -> Result<Option<Arc<Record>>, QueryError> {
        let Some(name) = name else { return Ok(None) };
        let found: Vec<Arc<Record>> = match &party.namespace {
            Some(namespace) => {
                let ids: Vec<AssetId> = clusters
                    .iter()
                    .flat_map(|c| kinds.iter().map(|k| AssetRef::new(*c, *k, namespace, name).id()))
                    .collect();
                self.snapshot.get(&ids).await?.into_iter().flatten().collect()
            }
            None => {
                let within = clusters.iter().map(|c| Filter::Cluster(Text::Eq(c.to_string())));
                let query = ListQuery {
                    filter: Filter::And(vec![
                        Filter::Kinds(kinds.to_vec()),
                        Filter::Name(Text::Eq(name.clone())),
                        Filter::Or(within.collect()),
                    ]),
                    presence: Presence::Present,
                    order: Order::Key,
                    after: None,
                    limit: 2,
                };
                self.snapshot.list(&query).await?.records
            }
        };
        let mut there = found.into_iter().filter(|r| !r.stub);
        let first = there.next();
        Ok(first.filter(|_| there.next().is_none()))
    }

    /// The Services that route to a workload's pods; the workload where none does.
    async fn behind(&self, workload: &Arc<Record>) -> Result<Vec<AssetId>, QueryError> {
        let (pods, _) = controlled_pods(self.snapshot, workload).await?;
        let ids: Vec<AssetId> = pods.iter().take(100).map(|p| p.asset.reference.id()).collect();
        let found = self
            .snapshot
            .neighbours(&NeighbourQuery {
                ids: &ids,
                direction: Direction::In,
                relations: Some(&[RelationKind::RoutesTo]),
                limit: 100,
                after: None,
            })
            .await?;
        let services: BTreeSet<AssetId> = found.into_iter().flat_map(|n| n.links).map(|l| l.from).collect();
        Ok(match services.is_empty() {
            true => vec![workload.asset.reference.id()],
            false => services.into_iter().collect(),
        })
    }
}
