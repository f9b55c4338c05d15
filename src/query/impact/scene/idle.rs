//! Whether a Service that nobody serves is meant to be served by nobody: every workload behind its selector wants no pods.

use super::Scene;
use super::addresses::list;
use crate::query::QueryError;
use crate::query::impact::model::Alias;
use crate::query::impact::quorum::wants_none;
use crate::store::{Record, Snapshot};
use planisphere_schema::attributes::Selector;
use planisphere_schema::{Attributes, Kind};
use std::sync::Arc;

/// Kinds whose templates a selector is held against.
const WORKLOADS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

impl Scene {
    /// Looks at the workloads of the namespaces in which a Service has nobody.
    pub(super) async fn idle(&mut self, snapshot: &dyn Snapshot) -> Result<(), QueryError> {
        for (index, record) in self.services.iter().enumerate() {
            let service = &mut self.model.services[index];
            let serves = service
                .endpoints
                .iter()
                .any(|e| e.ready || (e.serving && e.terminating));
            if !serves && service.alias == Alias::None {
                service.idle = is_idle(snapshot, record).await?;
            }
        }
        Ok(())
    }
}

/// Whether every workload whose pods a Service selects wants none; a selector that no workload answers is not idle.
pub(crate) async fn is_idle(snapshot: &dyn Snapshot, service: &Arc<Record>) -> Result<bool, QueryError> {
    let Attributes::Service(kept) = &service.asset.attributes else {
        return Ok(false);
    };
    if kept.selector.is_empty() {
        return Ok(false);
    }
    let key = service.asset.reference.key();
    let mut selected = 0;
    for kind in WORKLOADS {
        for workload in list(snapshot, key.cluster, *kind, Some(&key.namespace), usize::MAX).await? {
            if selects(&kept.selector, &workload) {
                selected += 1;
                if !wants_none(&workload) {
                    return Ok(false);
                }
            }
        }
    }
    Ok(selected > 0)
}

/// Whether a selector's labels are all on a workload's pods. Its own selector names labels that its template must have.
fn selects(selector: &[String], workload: &Record) -> bool {
    let own: Option<&Selector> = match &workload.asset.attributes {
        Attributes::Deployment(d) => d.selector.as_ref(),
        Attributes::StatefulSet(s) => s.selector.as_ref(),
        Attributes::DaemonSet(d) => d.selector.as_ref(),
        _ => None,
    };
    own.is_some_and(|own| selector.iter().all(|label| own.match_labels.contains(label)))
}
