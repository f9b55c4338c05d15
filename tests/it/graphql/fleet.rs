//! A small fleet: two clusters, one application with the traps of relations.md.

use planisphere::store::Store;
use planisphere_schema::attributes::{NodeAttributes, PodAttributes, ServiceAttributes};
use planisphere_schema::detail::Port;
use planisphere_schema::{
    Asset, AssetRef, Attributes, Batch, Change, Cluster, ClusterId, Coverage, Detail, Edge, How, Kind, Label,
    Observed, RelationKind, SourceState, Time,
};
use uuid::Uuid;

/// When everything in the fleet happens, in Unix ms: 2026-11-24T00:00:00Z.
pub const START: i64 = 1_795_478_400_000;

pub fn prod() -> Cluster {
    cluster(1, "prod")
}

pub fn lab() -> Cluster {
    cluster(2, "lab")
}

fn cluster(id: u128, name: &str) -> Cluster {
    Cluster {
        id: ClusterId(Uuid::from_u128(id)),
        name: name.to_owned(),
    }
}

pub fn at(kind: Kind, namespace: &str, name: &str) -> AssetRef {
    AssetRef::new(prod().id, kind, namespace, name)
}

/// The uid that the fleet's object of this name has.
pub fn uid(reference: &AssetRef) -> Uuid {
    Uuid::new_v5(&Uuid::from_u128(99), reference.id().0.as_bytes())
}

/// Changes to the fleet, one batch of them a call.
#[derive(Default)]
pub struct Changes(Vec<Change>);

impl Changes {
    pub fn put(
        &mut self,
        reference: AssetRef,
        attributes: impl Into<Attributes>,
        edges: Vec<Edge>,
    ) -> &mut Self {
        let mut asset = Asset::named(reference);
        asset.uid = uid(&asset.reference);
        asset.resource_version = 7;
        asset.created = Some(Time::from_unix_ms(START));
        asset.attributes = attributes.into();
        self.put_asset(asset, edges)
    }

    pub fn put_asset(&mut self, asset: Asset, edges: Vec<Edge>) -> &mut Self {
        let asset = Box::new(asset);
        self.0.push(Change::Upsert { asset, edges });
        self
    }

    /// An asset of which nothing but its edges matters.
    pub fn plain(&mut self, reference: AssetRef, edges: Vec<Edge>) -> &mut Self {
        let attributes = Attributes::empty(reference.key().kind);
        self.put(reference, attributes, edges)
    }

    pub fn delete(&mut self, reference: AssetRef) -> &mut Self {
        self.0.push(Change::Delete { id: reference.id() });
        self
    }

    pub async fn apply(&mut self, store: &dyn Store, cluster: Cluster, at_ms: i64) {
        let claim = store.claim(&cluster).await.unwrap();
        let changes = std::mem::take(&mut self.0).into_iter().map(|change| Observed {
            change,
            how: How::Event,
            last_seen_ms: None,
        });
        let sources = [Kind::Pod, Kind::Service].map(|kind| SourceState {
            kind,
            resume: Some("7".to_owned()),
            fresh_ms: at_ms,
            coverage: Coverage::Watched,
        });
        let batch = Batch {
            cluster,
            fence: claim.fence,
            at_ms,
            changes: changes.collect(),
            sources: sources.to_vec(),
        };
        store.apply(batch).await.unwrap();
    }
}

pub fn edge(from: &AssetRef, relation: RelationKind, to: &AssetRef, detail: Detail) -> Edge {
    Edge {
        from: from.clone(),
        relation,
        to: to.clone(),
        detail,
    }
}

pub fn plain(from: &AssetRef, relation: RelationKind, to: &AssetRef) -> Edge {
    edge(from, relation, to, Detail::default())
}

/// Owned by the present incarnation of `to`, as its controller.
pub fn owned(from: &AssetRef, to: &AssetRef) -> Edge {
    let detail = Detail {
        controller: Some(true),
        uid: Some(uid(to).to_string()),
        ..Detail::default()
    };
    edge(from, RelationKind::OwnedBy, to, detail)
}

/// An endpoint of Service shop/cart.
pub fn endpoint(to: &AssetRef, address: &str, ready: Option<bool>, uid: Option<Uuid>) -> Edge {
    let detail = Detail {
        ready,
        addresses: vec![address.to_owned()],
        ports: vec![Port {
            name: "http".to_owned(),
            port: Some(8080),
            protocol: "TCP".to_owned(),
            app_protocol: None,
        }],
        node_name: Some("node-a".to_owned()),
        zone: Some("z1".to_owned()),
        uid: uid.map(|u| u.to_string()),
        ..Detail::default()
    };
    let service = at(Kind::Service, "shop", "cart");
    edge(&service, RelationKind::RoutesTo, to, detail)
}

/// A slice of Service shop/cart with these endpoints.
pub fn slice(changes: &mut Changes, name: &str, endpoints: Vec<Edge>) {
    let slice = at(Kind::EndpointSlice, "shop", name);
    let service = at(Kind::Service, "shop", "cart");
    let mut edges = vec![plain(&slice, RelationKind::SliceOf, &service)];
    edges.extend(endpoints);
    changes.plain(slice, edges);
}

pub fn pod(name: &str) -> AssetRef {
    at(Kind::Pod, "shop", name)
}

/// Puts the whole fleet in.
pub async fn fill(store: &dyn Store) {
    let mut c = Changes::default();
    let namespace = at(Kind::Namespace, "", "shop");
    c.plain(
        namespace.clone(),
        vec![plain(
            &namespace,
            RelationKind::PartOf,
            &AssetRef::cluster(prod().id),
        )],
    );
    c.plain(AssetRef::cluster(prod().id), vec![]);
    for (name, zone) in [("node-a", "z1"), ("node-b", "z2")] {
        let node = at(Kind::Node, "", name);
        let attributes = NodeAttributes {
            zone: Some(zone.to_owned()),
            ready: Some("True".to_owned()),
            ..NodeAttributes::default()
        };
        let edges = vec![plain(&node, RelationKind::InZone, &at(Kind::Zone, "", zone))];
        c.put(node, attributes, edges);
    }
    application(&mut c);
    storage(&mut c);
    for index in 0..25 {
        let mut asset = Asset::named(at(Kind::ConfigMap, "bulk", &format!("map-{index:02}")));
        asset.uid = uid(&asset.reference);
        asset.created = Some(Time::from_unix_ms(START - index * 60_000));
        let parity = if index % 2 == 0 { "even" } else { "odd" };
        asset.labels = vec![Label {
            key: "parity".to_owned(),
            value: parity.to_owned(),
        }];
        c.put_asset(asset, vec![]);
    }
    c.apply(store, prod(), START).await;
    let other = AssetRef::new(lab().id, Kind::Service, "shop", "cart");
    c.plain(other, vec![]).apply(store, lab(), START).await;
}

fn application(c: &mut Changes) {
    let deployment = at(Kind::Deployment, "shop", "cart");
    let replicas = at(Kind::ReplicaSet, "shop", "cart-1");
    let service = at(Kind::Service, "shop", "cart");
    c.plain(deployment.clone(), vec![]);
    c.plain(replicas.clone(), vec![owned(&replicas, &deployment)]);
    let attributes = ServiceAttributes {
        service_type: "ClusterIP".to_owned(),
        ..ServiceAttributes::default()
    };
    c.put(service.clone(), attributes, vec![]);
    for (name, node) in [("cart-1-a", "node-a"), ("cart-1-b", "node-b")] {
        let pod = pod(name);
        let attributes = PodAttributes {
            phase: Some("Running".to_owned()),
            ready: true,
            node_name: Some(node.to_owned()),
            ..PodAttributes::default()
        };
        let edges = vec![
            owned(&pod, &replicas),
            plain(&pod, RelationKind::RunsOn, &at(Kind::Node, "", node)),
            plain(&pod, RelationKind::Reads, &at(Kind::Secret, "shop", "db")),
            plain(&pod, RelationKind::Reads, &at(Kind::ConfigMap, "shop", "missing")),
            plain(&service, RelationKind::Selects, &pod),
        ];
        c.put(pod, attributes, edges);
    }
    c.plain(at(Kind::Secret, "shop", "db"), vec![]);
    let ingress = at(Kind::Ingress, "shop", "front");
    let edges = vec![plain(&ingress, RelationKind::ForwardsTo, &service)];
    c.plain(ingress, edges);
    // A pod whose owner was deleted and made anew under the same name.
    let orphan = pod("orphan");
    let detail = Detail {
        controller: Some(true),
        uid: Some(Uuid::from_u128(1234).to_string()),
        ..Detail::default()
    };
    let edges = vec![edge(&orphan, RelationKind::OwnedBy, &replicas, detail)];
    c.plain(orphan, edges);
    // Two custom kinds of one name, and one alone.
    for (group, name) in [("a.org", "one"), ("b.org", "two")] {
        c.plain(at(Kind::of(group, "Gadget"), "shop", name), vec![]);
    }
    c.plain(at(Kind::of("example.org", "Widget"), "shop", "w"), vec![]);

    let (a, b) = (pod("cart-1-a"), pod("cart-1-b"));
    let outside = at(Kind::ExternalEndpoint, "shop", "10.9.9.9");
    slice(
        c,
        "cart-v4",
        vec![
            endpoint(&a, "10.0.0.1", None, Some(uid(&a))),
            endpoint(&b, "10.0.0.2", Some(false), Some(uid(&b))),
            endpoint(&outside, "10.9.9.9", Some(true), None),
        ],
    );
    slice(
        c,
        "cart-v6",
        vec![endpoint(&a, "fd00::1", Some(true), Some(uid(&a)))],
    );
    slice(
        c,
        "cart-old",
        vec![
            endpoint(&b, "10.0.0.3", Some(true), Some(Uuid::from_u128(77))),
            endpoint(&pod("gone"), "10.0.0.4", Some(true), Some(Uuid::from_u128(78))),
        ],
    );
}

fn storage(c: &mut Changes) {
    let claim = at(Kind::PersistentVolumeClaim, "shop", "data");
    let volume = at(Kind::PersistentVolume, "", "pv-1");
    let bound = Detail {
        bound: Some(true),
        ..Detail::default()
    };
    let edges = vec![edge(&claim, RelationKind::BoundTo, &volume, bound)];
    c.plain(claim, edges);
    c.plain(volume, vec![]);
}
