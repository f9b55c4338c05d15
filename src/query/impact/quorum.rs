//! Which workloads must agree among themselves: known by what they run, or because a label says so. Pure.

use crate::store::Record;
use planisphere_schema::{Attributes, Kind};

/// The label by which a workload or Service says how many must agree: `true`, `false` or a number.
pub const LABEL: &str = "planisphere.io/quorum";
/// The label by which a Service says which fraction of its instances users need: `0.8`.
pub const FRACTION: &str = "planisphere.io/needed-fraction";

/// Images of programs that vote, by the last part of their names.
const VOTERS: &[&str] = &[
    "etcd",
    "zookeeper",
    "cp-zookeeper",
    "consul",
    "mongo",
    "mongodb",
    "mongod",
    "percona-server-mongodb",
    "cockroach",
    "cockroachdb",
    "vault",
    "openbao",
    "nats",
    "nats-server",
    "patroni",
    "spilo",
    "rabbitmq",
];

/// Images that vote only in a role that labels tell.
const KAFKA: &[&str] = &["kafka", "cp-kafka", "cp-server"];

/// How many pods of this workload must agree; none where they need not.
pub fn quorum(workload: &Record) -> Option<usize> {
    let Attributes::StatefulSet(set) = &workload.asset.attributes else {
        return of_label(workload, replicas(workload)?);
    };
    let replicas = usize::try_from(set.replicas).ok().filter(|n| *n > 0)?;
    if workload.asset.label(LABEL).is_some() {
        return of_label(workload, replicas);
    }
    let votes = set.containers.iter().filter(|c| c.role != "init").any(|c| {
        let name = program(&c.image);
        VOTERS.contains(&name) || (KAFKA.contains(&name) && is_controller(workload))
    });
    votes.then_some(replicas / 2 + 1)
}

fn replicas(workload: &Record) -> Option<usize> {
    let replicas = match &workload.asset.attributes {
        Attributes::Deployment(d) => d.replicas,
        Attributes::ReplicaSet(r) => r.replicas,
        _ => return None,
    };
    usize::try_from(replicas).ok().filter(|n| *n > 0)
}

/// What a label says of `n` pods.
pub fn of_label(record: &Record, n: usize) -> Option<usize> {
    match record.asset.label(LABEL)? {
        "true" => Some(n / 2 + 1),
        number => number.parse().ok().filter(|q| *q > 0),
    }
}

/// The fraction that a Service's label asks for.
pub fn fraction(service: &Record) -> Option<f64> {
    let value: f64 = service.asset.label(FRACTION)?.parse().ok()?;
    (value > 0.0 && value <= 1.0).then_some(value)
}

/// `registry:5000/quay.io/coreos/etcd:v3.5` is `etcd`.
fn program(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}

fn is_controller(workload: &Record) -> bool {
    let label = |key: &str| workload.asset.label(key).unwrap_or_default().to_owned();
    label("strimzi.io/controller-role") == "true"
        || label("strimzi.io/pool-name").contains("controller")
        || label("app.kubernetes.io/component").contains("controller")
        || label("app.kubernetes.io/component") == "kafka-controller"
}

/// Whether a kind makes pods that it wants a number of, or none.
pub fn wants_none(workload: &Record) -> bool {
    match &workload.asset.attributes {
        Attributes::Deployment(d) => d.replicas == 0,
        Attributes::ReplicaSet(r) => r.replicas == 0,
        Attributes::StatefulSet(s) => s.replicas == 0,
        Attributes::DaemonSet(d) => d.desired == 0,
        _ => workload.asset.kind() != Kind::Pod && matches!(workload.asset.kind(), Kind::Custom(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use planisphere_schema::attributes::{StatefulSetAttributes, TemplateContainer};
    use planisphere_schema::{Asset, AssetRef, ClusterId, Label, Version};
    use uuid::Uuid;

    fn set(image: &str, replicas: i32, labels: &[(&str, &str)]) -> Record {
        let mut asset = Asset::named(AssetRef::new(
            ClusterId(Uuid::nil()),
            Kind::StatefulSet,
            "db",
            "x",
        ));
        let label = |(key, value): &(&str, &str)| Label {
            key: (*key).into(),
            value: (*value).into(),
        };
        asset.labels = labels.iter().map(label).collect();
        asset.attributes = StatefulSetAttributes {
            replicas,
            containers: vec![TemplateContainer {
                image: image.into(),
                role: "container".into(),
                ..TemplateContainer::default()
            }],
            ..StatefulSetAttributes::default()
        }
        .into();
        Record {
            asset,
            cluster_name: "c".into(),
            since: Version(0),
            hash: 0,
            stub: false,
        }
    }

    #[test]
    fn programs_that_vote_are_known_by_their_image_and_labels_overrule() {
        assert_eq!(
            quorum(&set("localhost:5000/coreos/etcd:v3.5@sha256:aa", 5, &[])),
            Some(3)
        );
        assert_eq!(quorum(&set("postgres:17", 3, &[])), None);
        assert_eq!(quorum(&set("apache/kafka:4", 3, &[])), None);
        let controller = [("app.kubernetes.io/component", "controller-eligible")];
        assert_eq!(quorum(&set("apache/kafka:4", 3, &controller)), Some(2));
        assert_eq!(quorum(&set("etcd", 3, &[(LABEL, "false")])), None);
        assert_eq!(quorum(&set("mydb", 7, &[(LABEL, "true")])), Some(4));
        assert_eq!(quorum(&set("mydb", 7, &[(LABEL, "5")])), Some(5));
    }
}
