//! One published version, as the contract shows it. All but history is answered from memory at once.

use super::chunk::{Standing, View, relation_of};
use super::history::Archive;
use super::scope::Search;
use super::state::{State, kind_name};
use crate::store::{
    ClusterState, Facet, Filter, ListQuery, NeighbourQuery, Neighbours, Order, Page, Presence, Record,
    Revision, Snapshot, StoreError, Totals,
};
use async_trait::async_trait;
use planisphere_schema::{Asset, AssetId, Cluster, Version};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// One version of the embedded graph.
pub(super) struct EmbeddedSnapshot {
    pub(super) state: Arc<State>,
    archive: Archive,
    clusters: OnceLock<Vec<ClusterState>>,
}

impl EmbeddedSnapshot {
    pub(super) fn new(state: State, archive: Archive) -> Self {
        Self {
            state: Arc::new(state),
            archive,
            clusters: OnceLock::new(),
        }
    }

    /// Answers what may look at every asset on a thread of its own, so that other requests and their time limits go on.
    async fn apart<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let state = self.state.clone();
        let answered = tokio::task::spawn_blocking(move || answer(&state)).await;
        answered.map_err(|e| StoreError::Unavailable(format!("a search was stopped: {e}")))
    }
}

impl State {
    /// An asset as the contract has it.
    pub(super) fn record(&self, view: View<'_>) -> Result<Arc<Record>, StoreError> {
        let head = view.head();
        let found = self
            .group(head.group)
            .and_then(|g| self.cluster(g.cluster))
            .zip(self.reference(view));
        let (cluster, reference) =
            found.ok_or_else(|| StoreError::Unavailable(format!("asset {} has no group", head.id)))?;
        let mut asset = Asset::named(reference);
        asset.uid = head.uid;
        asset.resource_version = head.resource_version;
        asset.created = head.created();
        let stub = view.standing() == Standing::Stub;
        if !stub {
            asset.decode_body(&view.body()).map_err(|error| {
                StoreError::Unavailable(format!("{:?} cannot be read: {error}", asset.reference))
            })?;
        }
        Ok(Arc::new(Record {
            asset,
            cluster_name: cluster.name.clone(),
            since: head.since,
            hash: head.hash,
            stub,
        }))
    }
}

#[async_trait]
impl Snapshot for EmbeddedSnapshot {
    fn clusters(&self) -> &[ClusterState] {
        self.clusters.get_or_init(|| {
            let entries = self
                .state
                .by_name
                .iter()
                .filter_map(|number| self.state.cluster(*number));
            let states = entries.filter(|entry| entry.known).map(|entry| ClusterState {
                cluster: Cluster {
                    id: entry.id,
                    name: entry.name.to_string(),
                },
                version: entry.version,
                first: entry.first,
                sources: entry.sources.clone(),
            });
            states.collect()
        })
    }

    async fn get(&self, ids: &[AssetId]) -> Result<Vec<Option<Arc<Record>>>, StoreError> {
        let find = |id: &AssetId| self.state.view(self.state.find(*id)?);
        let records = ids
            .iter()
            .map(|id| find(id).map(|view| self.state.record(view)).transpose());
        records.collect()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        let ordered = query.order == Order::Key;
        if ordered && !Search::new(&self.state, &query.filter, query.presence).is_wide() {
            return self.state.list(query);
        }
        let query = query.clone();
        self.apart(move |state| state.list(&query)).await?
    }

    async fn count(&self, filter: &Filter, presence: Presence, cap: usize) -> Result<usize, StoreError> {
        if !Search::new(&self.state, filter, presence).is_wide() {
            return Ok(self.state.count(filter, presence, cap));
        }
        let filter = filter.clone();
        self.apart(move |state| state.count(&filter, presence, cap)).await
    }

    async fn facets(
        &self,
        filter: &Filter,
        presence: Presence,
        by: &[Facet],
    ) -> Result<Vec<(Vec<String>, usize)>, StoreError> {
        let labelled = by.iter().any(|facet| matches!(facet, Facet::Label(_)));
        if !labelled && !Search::new(&self.state, filter, presence).is_wide() {
            return Ok(self.state.facets(filter, presence, by));
        }
        let (filter, by) = (filter.clone(), by.to_vec());
        self.apart(move |state| state.facets(&filter, presence, &by))
            .await
    }

    async fn neighbours(&self, query: &NeighbourQuery<'_>) -> Result<Vec<Neighbours>, StoreError> {
        query
            .ids
            .iter()
            .map(|id| self.state.neighbours(*id, query))
            .collect()
    }

    async fn history(
        &self,
        id: AssetId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        self.archive.history(self.state.clone(), id, before, limit).await
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        let mut assets = BTreeMap::new();
        let mut dangling = 0;
        for group in self.state.groups.iter().filter(|g| !g.members.is_empty()) {
            let Some(cluster) = self.state.cluster(group.cluster) else {
                continue;
            };
            let present = group.members.len() - group.dangling();
            dangling += group.dangling();
            if present > 0 {
                let sum = assets
                    .entry((&*cluster.name, kind_name(group.kind)))
                    .or_insert((cluster.id, group.kind, 0));
                sum.2 += present;
            }
        }
        let edges = (0..).zip(self.state.edges).filter(|(_, count)| *count > 0);
        Ok(Totals {
            assets: assets.into_values().collect(),
            edges: edges
                .map(|(number, count)| (relation_of(number), count))
                .collect(),
            dangling,
        })
    }
}
