//! What pods, templates and accounts refer to: READS, MOUNTS, RUNS_AS, with the traps of each.

use super::*;
use RelationKind::{Mounts, Reads, RunsAs, RunsOn};

#[test]
fn a_pod_runs_on_the_node_that_it_is_placed_on_and_on_no_other() {
    let placed =
        json!({"spec": {"nodeName": "n1"}, "status": {"nominatedNodeName": "n2", "phase": "Failed"}});
    declares(Kind::Pod, placed, &[RunsOn], &["RUNS_ON Node/n1"]);
    declares(
        Kind::Pod,
        json!({"spec": {}, "status": {"nominatedNodeName": "n2"}}),
        &[RunsOn],
        &[],
    );
}

#[test]
fn a_pod_reads_what_its_environment_names_in_every_sort_of_container() {
    let env = |key: &str, name: &str, optional: Value| json!([{"name": "A", "value": "a"}, {"name": "B", "valueFrom": {key: {"name": name, "key": "k", "optional": optional}}}]);
    let spec = json!({
        "containers": [{"name": "a", "env": env("configMapKeyRef", "c1", Value::Null),
            "envFrom": [{"configMapRef": {"name": "c2"}}, {"prefix": "P_", "secretRef": {"name": "s1"}}]}],
        "initContainers": [{"name": "i", "env": env("secretKeyRef", "s2", json!(true))}],
        "ephemeralContainers": [{"name": "e", "targetContainerName": "a", "envFrom": [{"secretRef": {"name": "s3", "optional": true}}]}],
    });
    declares(
        Kind::Pod,
        json!({ "spec": spec }),
        &[Reads],
        &[
            r#"READS shop/ConfigMap/c1 {"optional":false,"via":["env"]}"#,
            r#"READS shop/ConfigMap/c2 {"optional":false,"via":["envFrom"]}"#,
            r#"READS shop/Secret/s1 {"optional":false,"via":["envFrom"]}"#,
            r#"READS shop/Secret/s2 {"optional":true,"via":["env"]}"#,
            r#"READS shop/Secret/s3 {"optional":true,"via":["envFrom"]}"#,
        ],
    );
}

#[test]
fn a_pod_reads_what_its_volumes_name_where_secret_volumes_say_secret_name() {
    let spec = json!({"volumes": [
        {"name": "a", "secret": {"secretName": "s1", "name": "not-this", "optional": true}},
        {"name": "b", "configMap": {"name": "c1"}},
        {"name": "c", "projected": {"sources": [
            {"secret": {"name": "s2", "secretName": "not-this"}}, {"configMap": {"name": "c2", "optional": true}},
            {"configMap": {"name": "kube-root-ca.crt"}}, {"serviceAccountToken": {"path": "token"}}]}},
        {"name": "d", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "s3"}}},
        {"name": "e", "emptyDir": {}}, {"name": "f", "secret": null}],
        "imagePullSecrets": [{"name": "s4"}, {}]});
    declares(
        Kind::Pod,
        json!({ "spec": spec }),
        &[Reads],
        &[
            r#"READS shop/ConfigMap/c1 {"optional":false,"via":["volume"]}"#,
            r#"READS shop/ConfigMap/c2 {"optional":true,"via":["projected"]}"#,
            r#"READS shop/Secret/s1 {"optional":true,"via":["volume"]}"#,
            r#"READS shop/Secret/s2 {"optional":false,"via":["projected"]}"#,
            r#"READS shop/Secret/s3 {"optional":false,"via":["csi"]}"#,
            r#"READS shop/Secret/s4 {"optional":false,"via":["imagePullSecrets"]}"#,
        ],
    );
}

#[test]
fn one_name_read_in_several_ways_is_one_edge_and_optional_only_where_every_reference_is() {
    let spec = |second: bool| {
        json!({"containers": [{"name": "a", "envFrom": [{"secretRef": {"name": "s", "optional": true}}],
            "env": [{"name": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": second}}},
                    {"name": "y", "valueFrom": {"secretKeyRef": {"name": "s", "key": "l", "optional": true}}}]}],
            "volumes": [{"name": "v", "secret": {"secretName": "s", "optional": true}}]})
    };
    for optional in [true, false] {
        let edge =
            format!(r#"READS shop/Secret/s {{"optional":{optional},"via":["env","envFrom","volume"]}}"#);
        declares(Kind::Pod, json!({ "spec": spec(optional) }), &[Reads], &[&edge]);
    }
}

#[test]
fn a_pod_mounts_claims_by_name_and_the_ones_that_are_made_for_it() {
    let spec = json!({"volumes": [
        {"name": "data", "persistentVolumeClaim": {"claimName": "c", "readOnly": true}},
        {"name": "again", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "ro", "persistentVolumeClaim": {"claimName": "d", "readOnly": true}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {}}}}}]});
    declares(
        Kind::Pod,
        json!({ "spec": spec }),
        &[Mounts],
        &[
            r#"MOUNTS shop/PersistentVolumeClaim/c {"read_only":false}"#,
            r#"MOUNTS shop/PersistentVolumeClaim/cart-scratch {"ephemeral":true,"read_only":false}"#,
            r#"MOUNTS shop/PersistentVolumeClaim/d {"read_only":true}"#,
        ],
    );
}

#[test]
fn a_pod_runs_as_its_account_or_as_default() {
    for (spec, account) in [
        (json!({}), "default"),
        (json!({"serviceAccountName": ""}), "default"),
        (json!({"serviceAccount": "old"}), "old"),
        (
            json!({"serviceAccountName": "new", "serviceAccount": "old"}),
            "new",
        ),
    ] {
        let edge = format!("RUNS_AS shop/ServiceAccount/{account}");
        declares(Kind::Pod, json!({ "spec": spec }), &[RunsAs], &[&edge]);
    }
}

fn template() -> Value {
    json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "data", "configMap": {"name": "replaced"}}, {"name": "e", "ephemeral": {}}],
        "containers": [{"name": "a", "envFrom": [{"secretRef": {"name": "s"}}]}], "serviceAccountName": "robot"}})
}

const OF_TEMPLATE: &[&str] = &[
    r#"MOUNTS shop/PersistentVolumeClaim/c {"read_only":false,"template":true}"#,
    r#"READS shop/ConfigMap/replaced {"optional":false,"template":true,"via":["volume"]}"#,
    r#"READS shop/Secret/s {"optional":false,"template":true,"via":["envFrom"]}"#,
    r#"RUNS_AS shop/ServiceAccount/robot {"template":true}"#,
];

const ALL: &[RelationKind] = &[Reads, Mounts, RunsAs];

#[test]
fn every_workload_declares_what_its_template_refers_to() {
    for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::DaemonSet, Kind::Job] {
        declares(kind, json!({"spec": {"template": template()}}), ALL, OF_TEMPLATE);
    }
    let job = json!({"spec": {"jobTemplate": {"spec": {"template": template()}}}});
    declares(Kind::CronJob, job, ALL, OF_TEMPLATE);
}

#[test]
fn a_claim_template_of_a_stateful_set_replaces_the_volume_of_its_name() {
    let spec = json!({"replicas": 0, "template": template(), "volumeClaimTemplates": [{"metadata": {"name": "data"}}]});
    let expected: Vec<&str> = OF_TEMPLATE
        .iter()
        .copied()
        .filter(|e| !e.contains("replaced"))
        .collect();
    declares(Kind::StatefulSet, json!({ "spec": spec }), ALL, &expected);
}

#[test]
fn a_workload_that_another_one_controls_leaves_its_template_to_that_one() {
    let owned = |controller: bool| {
        let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": UID, "controller": controller});
        json!({"metadata": {"ownerReferences": [owner]}, "spec": {"template": template()}})
    };
    declares(Kind::ReplicaSet, owned(true), ALL, &[]);
    declares(Kind::ReplicaSet, owned(false), ALL, OF_TEMPLATE);
    assert_eq!(
        kept(&observe(Kind::ReplicaSet, owned(true)))["containers"][0]["name"],
        "a"
    );
}

#[test]
fn an_account_reads_its_secrets_and_those_it_pulls_images_with() {
    let account = json!({"secrets": [{"name": "a", "namespace": "elsewhere"}, {"name": "b"}], "imagePullSecrets": [{"name": "b"}]});
    declares(
        Kind::ServiceAccount,
        account,
        ALL,
        &[
            r#"READS shop/Secret/a {"optional":false,"via":["secrets"]}"#,
            r#"READS shop/Secret/b {"optional":false,"via":["secrets","imagePullSecrets"]}"#,
        ],
    );
}
