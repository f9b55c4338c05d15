//! A fleet made up from a seed: assets and edges in the proportions of clusters that run web applications.

use planisphere_schema::attributes::{
    ConfigMapAttributes, ContainerAttributes, EndpointSliceAttributes, NodeAttributes, PodAttributes,
    ReplicaSetAttributes, ServiceAttributes,
};
use planisphere_schema::{
    Asset, AssetRef, Batch, Change, Cluster, ClusterId, Coverage, Detail, Edge, How, Kind, Label, Observed,
    RelationKind, SourceState, Time,
};
use uuid::Uuid;

/// Clusters of the fleet.
pub const CLUSTERS: usize = 10;
const NAMESPACES: usize = 100;
const NODES: usize = 150;
/// Applications of a cluster: each a Deployment with its ReplicaSets, a Service with its slice, config and pods.
pub const APPS: usize = 1_200;
/// Pods of an application.
pub const PODS: usize = 7;

pub fn cluster(c: usize) -> Cluster {
    let id = ClusterId(Uuid::from_u128(0xc1 + c as u128));
    Cluster {
        id,
        name: format!("prod-eu-{c:02}"),
    }
}

pub fn named(c: usize, kind: Kind, app: usize, name: &str) -> AssetRef {
    let namespace = if kind.is_namespaced() {
        namespace(app)
    } else {
        String::new()
    };
    AssetRef::new(cluster(c).id, kind, &namespace, name)
}

pub fn namespace(app: usize) -> String {
    format!("team-{:03}", app % NAMESPACES)
}

pub fn node(c: usize, n: usize) -> AssetRef {
    named(
        c,
        Kind::Node,
        0,
        &format!("ip-10-{c}-{n}.eu-west-1.compute.internal"),
    )
}

/// A number that looks random, always the same.
pub fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn text(n: u64, len: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let letter = |i| LETTERS[(mix(n + i) % LETTERS.len() as u64) as usize] as char;
    (0..len as u64).map(letter).collect()
}

pub fn app_name(app: usize) -> String {
    const WORDS: [&str; 8] = [
        "cart", "checkout", "search", "billing", "ledger", "gateway", "media", "profile",
    ];
    format!("{}-{}-{app}", WORDS[app % 8], WORDS[app / 8 % 8])
}

fn hash(app: usize) -> String {
    text(app as u64 * 31, 10)
}

fn replica_set(c: usize, app: usize) -> AssetRef {
    named(
        c,
        Kind::ReplicaSet,
        app,
        &format!("{}-{}", app_name(app), hash(app)),
    )
}

pub fn pod(c: usize, app: usize, n: usize, generation: usize) -> AssetRef {
    let suffix = text((app * 100 + n + generation * 7_919) as u64, 5);
    named(
        c,
        Kind::Pod,
        app,
        &format!("{}-{}-{suffix}", app_name(app), hash(app)),
    )
}

fn asset(reference: &AssetRef, app: usize, attributes: impl Into<planisphere_schema::Attributes>) -> Asset {
    let mut asset = Asset::named(reference.clone());
    let label = |key: &str, value: String| Label {
        key: key.into(),
        value,
    };
    asset.uid = Uuid::from_u64_pair(mix(reference.id().0.as_u128() as u64), 4);
    asset.created = Some(Time {
        seconds: 1_700_000_000 + (mix(app as u64) % 10_000_000) as i64,
    });
    asset.resource_version = 1_000_000;
    asset.labels = vec![
        label("app.kubernetes.io/name", app_name(app)),
        label("team", namespace(app)),
    ];
    asset.attributes = attributes.into();
    asset
}

fn edge(from: &AssetRef, relation: RelationKind, to: &AssetRef) -> Edge {
    Edge {
        from: from.clone(),
        relation,
        to: to.clone(),
        detail: Detail::default(),
    }
}

fn owned(by: &AssetRef, who: &AssetRef) -> Edge {
    let mut edge = edge(who, RelationKind::OwnedBy, by);
    edge.detail.controller = Some(true);
    edge.detail.uid = Some(Uuid::from_u64_pair(mix(by.id().0.as_u128() as u64), 4).to_string());
    edge
}

fn reads(who: &AssetRef, what: &AssetRef, via: &str) -> Edge {
    let mut edge = edge(who, RelationKind::Reads, what);
    edge.detail.via = vec![via.into()];
    edge
}

fn upsert(asset: Asset, edges: Vec<Edge>) -> Change {
    Change::Upsert {
        asset: Box::new(asset),
        edges,
    }
}

/// A pod as it is after so many restarts.
pub fn pod_change(c: usize, app: usize, n: usize, generation: usize, restarts: i32) -> Change {
    let me = pod(c, app, n, generation);
    let on = node(c, (app * PODS + n * 13 + generation) % NODES);
    let container = |name: &str, image: String| ContainerAttributes {
        name: name.into(),
        role: "container".into(),
        image_id: Some(format!("{image}@sha256:{}", text(app as u64, 64))),
        image,
        ready: restarts % 2 == 0,
        state: Some("running".into()),
        ..ContainerAttributes::default()
    };
    let attributes = PodAttributes {
        phase: Some("Running".into()),
        ready: restarts % 2 == 0,
        node_name: Some(on.key().name.to_string()),
        pod_i_ps: vec![format!("10.{c}.{}.{}", app % 250, n)],
        host_ip: Some(format!("10.{c}.0.{}", app % 250)),
        service_account_name: Some("default".into()),
        qos_class: Some("Burstable".into()),
        restarts,
        containers: vec![container(
            "main",
            format!("registry.example.com/{}:v1.{}", app_name(app), app % 40),
        )],
        ..PodAttributes::default()
    };
    let mut pod = asset(&me, app, attributes);
    pod.labels.push(Label {
        key: "zz/pod-template-hash".into(),
        value: hash(app),
    });
    let service = named(c, Kind::Service, app, &app_name(app));
    let edges = vec![
        owned(&replica_set(c, app), &me),
        edge(&me, RelationKind::RunsOn, &on),
        edge(
            &me,
            RelationKind::RunsAs,
            &named(c, Kind::ServiceAccount, app, "default"),
        ),
        reads(
            &me,
            &named(c, Kind::ConfigMap, app, &format!("{}-config", app_name(app))),
            "envFrom",
        ),
        edge(&service, RelationKind::Selects, &me),
    ];
    upsert(pod, edges)
}

/// The slice of an application, with one pod of it ready or not.
pub fn slice_change(c: usize, app: usize, generations: &[usize], unready: usize) -> Change {
    let name = format!("{}-{}", app_name(app), text(app as u64, 5));
    let (me, service) = (
        named(c, Kind::EndpointSlice, app, &name),
        named(c, Kind::Service, app, &app_name(app)),
    );
    let routes = (0..PODS).map(|n| {
        let mut edge = edge(&service, RelationKind::RoutesTo, &pod(c, app, n, generations[n]));
        edge.detail.ready = Some(n != unready);
        edge.detail.addresses = vec![format!("10.{c}.{}.{n}", app % 250)];
        edge.detail.zone = Some("eu-west-1a".into());
        edge
    });
    let edges = routes
        .chain([edge(&me, RelationKind::SliceOf, &service)])
        .collect();
    upsert(asset(&me, app, EndpointSliceAttributes::default()), edges)
}

/// Everything in a cluster.
pub fn changes(c: usize) -> Vec<Change> {
    let mut all = Vec::new();
    for n in 0..NODES {
        let me = node(c, n);
        let zone = named(
            c,
            Kind::Zone,
            0,
            ["eu-west-1a", "eu-west-1b", "eu-west-1c"][n % 3],
        );
        let attributes = NodeAttributes {
            zone: Some(zone.key().name.to_string()),
            instance_type: Some("m6i.4xlarge".into()),
            ..NodeAttributes::default()
        };
        let edges = vec![
            edge(&me, RelationKind::InZone, &zone),
            edge(&me, RelationKind::PartOf, &AssetRef::cluster(cluster(c).id)),
        ];
        all.push(upsert(asset(&me, n, attributes), edges));
    }
    for n in 0..NAMESPACES {
        let me = named(c, Kind::Namespace, 0, &namespace(n));
        let edges = vec![edge(&me, RelationKind::PartOf, &AssetRef::cluster(cluster(c).id))];
        all.push(upsert(
            asset(&me, n, planisphere_schema::Attributes::empty(Kind::Namespace)),
            edges,
        ));
        let account = named(c, Kind::ServiceAccount, n, "default");
        all.push(upsert(
            asset(
                &account,
                n,
                planisphere_schema::Attributes::empty(Kind::ServiceAccount),
            ),
            vec![],
        ));
    }
    for app in 0..APPS {
        let deployment = named(c, Kind::Deployment, app, &app_name(app));
        let config = named(c, Kind::ConfigMap, app, &format!("{}-config", app_name(app)));
        let account = named(c, Kind::ServiceAccount, app, "default");
        let service = named(c, Kind::Service, app, &app_name(app));
        all.push(upsert(
            asset(
                &deployment,
                app,
                planisphere_schema::Attributes::empty(Kind::Deployment),
            ),
            vec![
                reads(&deployment, &config, "envFrom"),
                edge(&deployment, RelationKind::RunsAs, &account),
            ],
        ));
        let old = named(
            c,
            Kind::ReplicaSet,
            app,
            &format!("{}-{}", app_name(app), text(app as u64, 9)),
        );
        for set in [replica_set(c, app), old] {
            let attributes = ReplicaSetAttributes::default();
            all.push(upsert(
                asset(&set, app, attributes),
                vec![owned(&deployment, &set)],
            ));
        }
        all.push(upsert(asset(&service, app, ServiceAttributes::default()), vec![]));
        all.push(upsert(
            asset(&config, app, ConfigMapAttributes::default()),
            vec![],
        ));
        all.extend((0..PODS).map(|n| pod_change(c, app, n, 0, 0)));
        all.push(slice_change(c, app, &[0; PODS], PODS));
    }
    all
}

/// A batch of a cluster.
pub fn batch(c: usize, at_ms: i64, changes: Vec<Change>) -> Batch {
    let observed = |change| Observed {
        change,
        how: How::Event,
        last_seen_ms: None,
    };
    let source = SourceState {
        kind: Kind::Pod,
        resume: Some(at_ms.to_string()),
        fresh_ms: at_ms,
        coverage: Coverage::Watched,
    };
    Batch {
        cluster: cluster(c),
        fence: 1,
        at_ms,
        changes: changes.into_iter().map(observed).collect(),
        sources: vec![source],
    }
}
