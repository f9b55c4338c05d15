//! The Linker: a pure state machine per cluster. It turns observations into changes: drops what changed nothing, draws
//! the edges that need two objects to see (selectors, claims and their volumes), and knows at the proven end of a list
//! what vanished. No I/O, no clock.

mod bindings;
mod grants;
mod matcher;
mod selection;

use crate::Observation;
use bindings::Bindings;
use grants::{Grants, needs};
use matcher::Matcher;
use planisphere_schema::asset::content_hash;
use planisphere_schema::{
    Asset, AssetId, Attributes, Change, Cluster, Edge, How, Kind, Observed, RelationKind,
};
use prost::Message;
use selection::Selection;
use std::collections::HashMap;
use std::hash::Hasher;

/// Turns the observations of one cluster into changes.
#[derive(Debug)]
pub struct Linker {
    kinds: HashMap<Kind, Resource>,
    pods: Selection,
    roles: Selection,
    bindings: Bindings,
    grants: Grants,
}

/// What is known of the objects of one kind.
#[derive(Debug, Default)]
struct Resource {
    objects: HashMap<AssetId, Known>,
    /// The resourceVersion up to which events were seen: an event that is not newer is a replay.
    seen: u64,
    /// Counts whole lists. While one runs, objects that it brought carry its number.
    epoch: u32,
    listing: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Of the content and the declared edges; 0 where it was restored and is not known.
    hash: u64,
    epoch: u32,
    /// The newest resourceVersion that was seen of it; 0 where it is no number.
    version: u64,
}

impl Resource {
    /// Whether an event is newer than all that were seen, and than what is known of its object, and notes it. After a list
    /// that broke off, objects may be newer than the events that come. Versions that are no numbers (an aggregated API may
    /// serve such) cannot be compared and count as newer.
    fn is_newer(&mut self, id: AssetId, version: u64) -> bool {
        if version == 0 {
            return true;
        }
        if version <= self.seen {
            return false;
        }
        self.seen = version;
        self.objects.get(&id).is_none_or(|known| known.version <= version)
    }
}

/// What became of the observations that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Not newer than what was seen.
    pub older: u64,
    /// The same as what is known.
    pub unchanged: u64,
}

impl Linker {
    /// A linker that knows nothing.
    pub fn new(cluster: Cluster) -> Self {
        Self {
            kinds: HashMap::new(),
            pods: Selection::new(cluster.id, Kind::Pod),
            roles: Selection::new(cluster.id, Kind::ClusterRole),
            bindings: Bindings::default(),
            grants: Grants::default(),
        }
    }

    /// Takes in an asset that the store remembers, so that selectors and lists see it.
    pub fn restore(&mut self, asset: &Asset) {
        let resource = self.kinds.entry(asset.kind()).or_default();
        let known = Known {
            hash: 0,
            epoch: 0,
            version: asset.resource_version,
        };
        resource.objects.insert(asset.reference.id(), known);
        self.take_in(asset);
    }

    /// Goes on from a resume point: events up to it are replays.
    pub fn resume(&mut self, kind: Kind, resource_version: &str) {
        let resource = self.kinds.entry(kind).or_default();
        resource.seen = resource.seen.max(resource_version.parse().unwrap_or(0));
    }

    /// How many objects of a kind are known.
    pub fn len(&self, kind: Kind) -> usize {
        self.kinds.get(&kind).map_or(0, |r| r.objects.len())
    }

    /// The kinds of which objects are known.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let held = self.kinds.iter().filter(|(_, r)| !r.objects.is_empty());
        held.map(|(kind, _)| *kind)
    }

    /// How often a selector was held against labels, or a grant against what an object names, since the beginning: the cost
    /// of edges that need two objects.
    pub fn evaluated(&self) -> u64 {
        self.pods.evaluated() + self.roles.evaluated() + self.grants.evaluated()
    }

    /// A whole list begins.
    pub fn list_started(&mut self, kind: Kind) {
        let resource = self.kinds.entry(kind).or_default();
        resource.epoch += 1;
        resource.listing = true;
    }

    /// The list broke off: nothing follows from what it did not bring.
    pub fn list_failed(&mut self, kind: Kind) {
        self.kinds.entry(kind).or_default().listing = false;
    }

    /// The list is proven whole. What it did not bring is gone since some time after `last_seen_ms`.
    pub fn list_ended(
        &mut self,
        kind: Kind,
        resume: &str,
        last_seen_ms: Option<i64>,
        out: &mut Vec<Observed>,
    ) {
        let resource = self.kinds.entry(kind).or_default();
        if !std::mem::take(&mut resource.listing) {
            return;
        }
        // A whole list is the truth even where its version is lower than ours: the cluster was restored from a backup.
        resource.seen = resume.parse().unwrap_or(0);
        let epoch = resource.epoch;
        let gone: Vec<AssetId> = resource
            .objects
            .iter()
            .filter(|(_, known)| known.epoch != epoch)
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove(kind, id, How::List, last_seen_ms, out);
        }
    }

    /// An object as it is now. Objects of a list are the truth; an event counts only where it is newer than what was seen.
    pub fn applied(
        &mut self,
        mut observation: Observation,
        how: How,
        out: &mut Vec<Observed>,
        ignored: &mut Ignored,
    ) {
        let kind = observation.asset.kind();
        let id = observation.asset.reference.id();
        let resource = self.kinds.entry(kind).or_default();
        if how == How::Event && !resource.is_newer(id, observation.asset.resource_version) {
            ignored.older += 1;
            return;
        }
        let Asset {
            reference, labels, ..
        } = &*observation.asset;
        match &observation.asset.attributes {
            Attributes::Pod(_) => observation.edges.extend(self.pods.put_labels(reference, labels)),
            Attributes::ClusterRole(_) => observation.edges.extend(self.roles.put_labels(reference, labels)),
            Attributes::PersistentVolumeClaim(claim) => {
                observation
                    .edges
                    .extend(self.bindings.binding(&observation.asset, claim));
            }
            _ => {}
        }
        if let Some(needs) = needs(&observation.asset.attributes) {
            let granted = self.grants.put_references(&observation.asset.reference, needs);
            observation.edges.extend(granted);
        }
        let hash = observation_hash(&observation);
        let known = resource.objects.insert(
            id,
            Known {
                hash,
                epoch: resource.epoch,
                version: observation.asset.resource_version,
            },
        );
        if known.is_some_and(|k| k.hash == hash) {
            ignored.unchanged += 1;
            return;
        }
        let redraws = match kind {
            // These were taken in above, when their edges were drawn.
            Kind::Pod => Vec::new(),
            _ if needs(&observation.asset.attributes).is_some() => Vec::new(),
            _ => self.take_in(&observation.asset),
        };
        let Observation { asset, edges } = observation;
        out.push(Observed {
            change: Change::Upsert { asset, edges },
            how,
            last_seen_ms: None,
        });
        out.extend(redraws.into_iter().map(derived));
    }

    /// An object was deleted; this is its last state.
    pub fn deleted(&mut self, observation: &Observation, out: &mut Vec<Observed>, ignored: &mut Ignored) {
        let kind = observation.asset.kind();
        let id = observation.asset.reference.id();
        let resource = self.kinds.entry(kind).or_default();
        if !resource.is_newer(id, observation.asset.resource_version) {
            ignored.older += 1;
            return;
        }
        self.remove(kind, id, How::Event, None, out);
    }

    fn remove(
        &mut self,
        kind: Kind,
        id: AssetId,
        how: How,
        last_seen_ms: Option<i64>,
        out: &mut Vec<Observed>,
    ) {
        let Some(resource) = self.kinds.get_mut(&kind) else {
            return;
        };
        if resource.objects.remove(&id).is_none() {
            return;
        }
        let redraws = match kind {
            Kind::Pod => {
                self.pods.remove_labels(id);
                Vec::new()
            }
            Kind::Service | Kind::PodDisruptionBudget | Kind::NetworkPolicy => self.pods.remove_selector(id),
            Kind::ClusterRole => {
                self.roles.remove_labels(id);
                self.roles.remove_selector(id)
            }
            Kind::PersistentVolumeClaim => {
                self.bindings.remove_claim(id);
                Vec::new()
            }
            Kind::PersistentVolume => self.bindings.remove_volume(id),
            Kind::ReferenceGrant => self.grants.remove_grant(id),
            _ if self.grants.refers(id) => {
                self.grants.remove_references(id);
                Vec::new()
            }
            _ => Vec::new(),
        };
        out.push(Observed {
            change: Change::Delete { id },
            how,
            last_seen_ms,
        });
        out.extend(redraws.into_iter().map(derived));
    }

    /// Remembers what others' edges depend on, and gives the edges that change with it.
    fn take_in(&mut self, asset: &Asset) -> Vec<Redraw> {
        let Asset {
            reference, labels, ..
        } = asset;
        match &asset.attributes {
            Attributes::Pod(_) => {
                self.pods.put_labels(reference, labels);
                Vec::new()
            }
            Attributes::ClusterRole(role) => {
                self.roles.put_labels(reference, labels);
                let matcher = Matcher::any_of(role.cluster_role_selectors.iter());
                self.roles
                    .put_selector(reference, RelationKind::Aggregates, matcher)
            }
            Attributes::Service(service) => {
                let matcher = Matcher::of_service(service);
                self.pods.put_selector(reference, RelationKind::Selects, matcher)
            }
            Attributes::PodDisruptionBudget(budget) => {
                let matcher = Matcher::of(budget.selector.as_ref());
                self.pods.put_selector(reference, RelationKind::Protects, matcher)
            }
            Attributes::NetworkPolicy(policy) => {
                let matcher = Matcher::of(policy.pod_selector.as_ref());
                self.pods
                    .put_selector(reference, RelationKind::AppliesTo, matcher)
            }
            Attributes::PersistentVolumeClaim(claim) => {
                self.bindings.put_claim(asset, claim);
                Vec::new()
            }
            Attributes::PersistentVolume(volume) => self.bindings.put_volume(asset, volume),
            Attributes::ReferenceGrant(grant) => self.grants.put_grant(reference, grant),
            other => {
                if let Some(needs) = needs(other) {
                    self.grants.put_references(reference, needs);
                }
                Vec::new()
            }
        }
    }
}

/// All edges of one relation that an asset declares, drawn anew.
#[derive(Debug)]
struct Redraw {
    declarer: AssetId,
    relation: RelationKind,
    edges: Vec<Edge>,
}

fn derived(redraw: Redraw) -> Observed {
    let Redraw {
        declarer,
        relation,
        edges,
    } = redraw;
    Observed {
        change: Change::Redraw {
            declarer,
            relation,
            edges,
        },
        how: How::Derived,
        last_seen_ms: None,
    }
}

fn observation_hash(observation: &Observation) -> u64 {
    let asset = &observation.asset;
    let mut hash = xxh3();
    hash.write_u64(content_hash(asset.uid, asset.created, &asset.encode_body()));
    let mut detail = Vec::new();
    for edge in &observation.edges {
        hash.write(edge.from.id().0.as_bytes());
        hash.write_u8(edge.relation as u8);
        hash.write(edge.to.id().0.as_bytes());
        detail.clear();
        edge.detail.encode_raw(&mut detail);
        hash.write(&detail);
    }
    hash.finish().max(1)
}

fn xxh3() -> twox_hash::XxHash3_64 {
    twox_hash::XxHash3_64::with_seed(0)
}

#[cfg(test)]
mod tests;
