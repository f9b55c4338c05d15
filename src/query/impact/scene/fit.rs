//! Reads what rule 5 looks at: the live nodes of a cluster, as many as are needed to find one for each lost pod; or, where
//! room counts too, all nodes and pods. It decides nothing.

use super::Scene;
use super::addresses::list;
use crate::query::QueryError;
use crate::query::impact::Cut;
use crate::query::impact::closure::{Closure, is_running};
use crate::query::impact::fit::{Field, Guest, Host, Outcome, Refusal, place, refuses, sentence};
use crate::query::impact::recovery::{RecoveryClass, recovery};
use crate::query::ownership::place as by_name;
use crate::store::{Filter, ListQuery, Order, Presence, Record, Snapshot, Text};
use planisphere_schema::{AssetId, ClusterId, Kind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Nodes that are read first: mostly one of them takes the pod.
const FIRST_NODES: usize = 32;
/// Nodes that are read at a time after that.
const MORE_NODES: usize = 1_000;
/// More pods of a cluster are not looked at, and said not to be.
const MOST_PODS: usize = 200_000;
/// What those call themselves that add nodes where room is missing.
const AUTOSCALERS: &[&str] = &["cluster-autoscaler", "aws-cluster-autoscaler", "karpenter"];

/// Where a lost pod can go, or why nowhere.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// A node that takes it.
    pub node: Option<AssetId>,
    /// Who would have to be evicted for it.
    pub evicts: Vec<AssetId>,
    /// Why no node takes it, in one sentence.
    pub obstacle: Option<String>,
}

impl Scene {
    /// The lost pods that their controllers would make again, by cluster.
    fn returning(&self) -> BTreeMap<ClusterId, Vec<usize>> {
        let mut found: BTreeMap<ClusterId, Vec<usize>> = BTreeMap::new();
        for (number, pod) in self.model.pods.iter().enumerate().filter(|(_, p)| p.failed) {
            if recovery(&self.model, pod).class == RecoveryClass::Reschedules {
                let cluster = self.pods[number].asset.reference.key().cluster;
                found.entry(cluster).or_default().push(number);
            }
        }
        found
    }

    fn guest(&self, pod: usize) -> Guest {
        let volumes = self.volume_terms.get(&pod).cloned().unwrap_or_default();
        Guest::new(Arc::clone(&self.pods[pod]), volumes)
    }

    /// Marks the lost pods that no live node takes, whatever room there is.
    pub(super) async fn misfits(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &Closure,
    ) -> Result<(), QueryError> {
        for (cluster, pods) in self.returning() {
            let mut waiting: Vec<(usize, Guest, BTreeMap<Refusal, usize>)> = pods
                .into_iter()
                .map(|pod| (pod, self.guest(pod), BTreeMap::new()))
                .collect();
            let mut query = nodes_of(cluster);
            let mut known = false;
            loop {
                crate::query::breathe().await;
                let page = snapshot.list(&query).await?;
                query.after = page.records.last().map(|r| query.order.position(r));
                query.limit = MORE_NODES;
                known |= !page.records.is_empty();
                for record in page.records {
                    if closure.failed.contains(&record.asset.reference.id()) {
                        continue;
                    }
                    let host = Host::new(record, true);
                    waiting.retain_mut(|(_, guest, refusals)| match refuses(&host, guest) {
                        Some(refusal) => {
                            *refusals.entry(refusal).or_default() += 1;
                            true
                        }
                        None => false,
                    });
                    if waiting.is_empty() {
                        break;
                    }
                }
                if waiting.is_empty() || !page.more {
                    break;
                }
            }
            // A cluster whose nodes may not be read has some nonetheless.
            for (pod, _, refusals) in waiting.into_iter().filter(|_| known) {
                self.nowhere(pod, sentence(&refusals));
            }
        }
        Ok(())
    }

    fn nowhere(&mut self, pod: usize, obstacle: String) {
        self.model.pods[pod].misfit = true;
        let fit = Fit {
            obstacle: Some(obstacle),
            ..Fit::default()
        };
        self.fits.insert(pod, fit);
    }

    /// Places every lost pod of the failed set, behind a Service or not, as far as there is room; notes who must go for it.
    pub(super) async fn reschedule(
        &mut self,
        snapshot: &dyn Snapshot,
        closure: &mut Closure,
    ) -> Result<(), QueryError> {
        let mut lost: Vec<Arc<Record>> = closure.pods.values().cloned().collect();
        lost.sort_by(|a, b| by_name(a).cmp(&by_name(b)));
        for pod in lost {
            self.add_pod(pod, closure);
        }
        self.place_pods(snapshot, closure).await?;
        self.comebacks(snapshot, closure).await?;
        for (cluster, pods) in self.returning() {
            let (mut field, standing) = self.field(snapshot, closure, cluster).await?;
            if field.hosts.is_empty() {
                continue;
            }
            let guests = pods.iter().map(|pod| self.guest(*pod)).collect();
            let mut autoscaled = None;
            for (pod, outcome) in pods.into_iter().zip(place(&mut field, guests)) {
                match outcome {
                    Outcome::Nowhere(refusals) => {
                        let grows = match autoscaled {
                            Some(known) => known,
                            None => is_autoscaled(snapshot, cluster).await?,
                        };
                        autoscaled = Some(grows);
                        let told = sentence(&refusals);
                        self.nowhere(
                            pod,
                            match grows {
                                true => format!("{told}; an autoscaler runs there and may add a node"),
                                false => told,
                            },
                        );
                    }
                    Outcome::Fits { host, evicts } => {
                        let victims = evicts.iter().filter_map(|v| standing.get(*v));
                        let fit = Fit {
                            node: Some(field.hosts[host].record.asset.reference.id()),
                            evicts: victims.clone().map(|v| v.asset.reference.id()).collect(),
                            obstacle: None,
                        };
                        let victims = victims.map(|v| (v.asset.reference.id(), Arc::clone(v)));
                        closure.evicted.extend(victims);
                        self.fits.insert(pod, fit);
                    }
                }
            }
        }
        Ok(())
    }

    /// The nodes of a cluster with the pods that stay on them, and these pods in the order in which they stand.
    async fn field(
        &self,
        snapshot: &dyn Snapshot,
        closure: &mut Closure,
        cluster: ClusterId,
    ) -> Result<(Field, Vec<Arc<Record>>), QueryError> {
        let nodes = list(snapshot, cluster, Kind::Node, None, usize::MAX).await?;
        let fails = |r: &Arc<Record>| closure.failed.contains(&r.asset.reference.id());
        // A drained node stays a node, and spread goes on counting it; of a dead one that is soon not so.
        let hosts = nodes
            .into_iter()
            .filter(|n| self.model.planned || !fails(n))
            .map(|n| (fails(&n), n))
            .map(|(failed, n)| Host::new(n, !failed));
        let mut field = Field::new(hosts.collect());
        for namespace in list(snapshot, cluster, Kind::Namespace, None, usize::MAX).await? {
            let name = namespace.asset.reference.key().name.to_string();
            field.namespaces.insert(name, namespace.asset.labels.clone());
        }
        let pods = list(snapshot, cluster, Kind::Pod, None, MOST_PODS).await?;
        if pods.len() >= MOST_PODS {
            closure.cuts.push(Cut::more_pods(MOST_PODS));
        }
        let mut standing = Vec::new();
        for pod in pods {
            let stays = is_running(&pod) && !closure.pods.contains_key(&pod.asset.reference.id());
            if stays && field.stand(Guest::new(Arc::clone(&pod), Vec::new())) {
                standing.push(pod);
            }
        }
        Ok((field, standing))
    }
}

fn nodes_of(cluster: ClusterId) -> ListQuery {
    ListQuery {
        filter: Filter::And(vec![
            Filter::Kinds(vec![Kind::Node]),
            Filter::Cluster(Text::Eq(cluster.to_string())),
        ]),
        presence: Presence::Present,
        order: Order::Key,
        after: None,
        limit: FIRST_NODES,
    }
}

/// Whether a cluster adds nodes by itself, as far as the names of what runs there tell.
async fn is_autoscaled(snapshot: &dyn Snapshot, cluster: ClusterId) -> Result<bool, QueryError> {
    let named = |name: &&str| {
        let same = || Text::Eq((*name).to_owned());
        Filter::Or(vec![
            Filter::Name(same()),
            Filter::Label("app.kubernetes.io/name".to_owned(), same()),
        ])
    };
    let mut query = nodes_of(cluster);
    query.filter = Filter::And(vec![
        Filter::Kinds(vec![Kind::Deployment]),
        Filter::Cluster(Text::Eq(cluster.to_string())),
        Filter::Or(AUTOSCALERS.iter().map(named).collect()),
    ]);
    query.limit = 1;
    Ok(!snapshot.list(&query).await?.records.is_empty())
}
