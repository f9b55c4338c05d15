//! What is kept of each kind, where it is more than a copy.

use super::*;
use planisphere_schema::asset::content_hash;

fn hash(observation: &Observation) -> u64 {
    let asset = &observation.asset;
    content_hash(asset.uid, asset.created, &asset.encode_body())
}

/// A pod's reason, as the STATUS column of kubectl has it; null where that is the phase.
#[track_caller]
fn status(pod: Value, expected: Value) {
    assert_eq!(
        kept(&observe(Kind::Pod, pod.clone()))["reason"],
        expected,
        "{pod}"
    );
}

fn waiting(reason: &str) -> Value {
    json!({"name": "a", "state": {"waiting": {"reason": reason}}})
}

fn ended(reason: &str, code: i32, signal: i32) -> Value {
    json!({"name": "a", "state": {"terminated": {"reason": reason, "exitCode": code, "signal": signal}}})
}

fn running() -> Value {
    json!({"name": "a", "ready": true, "state": {"running": {}}})
}

#[test]
fn the_reason_of_a_pod_is_that_of_its_containers() {
    let of =
        |phase: &str, containers: Value| json!({"status": {"phase": phase, "containerStatuses": containers}});
    status(of("Running", json!([running()])), Value::Null);
    status(
        of("Running", json!([waiting("CrashLoopBackOff")])),
        json!("CrashLoopBackOff"),
    );
    status(
        of(
            "Running",
            json!([waiting("ImagePullBackOff"), waiting("CrashLoopBackOff")]),
        ),
        json!("ImagePullBackOff"),
    );
    status(
        of("Succeeded", json!([ended("Completed", 0, 0)])),
        json!("Completed"),
    );
    status(of("Failed", json!([ended("", 137, 0)])), json!("ExitCode:137"));
    status(of("Failed", json!([ended("", 0, 9)])), json!("Signal:9"));
    status(
        of("Running", json!([ended("Completed", 0, 0), ended("Error", 1, 0)])),
        json!("Error"),
    );
    status(
        of("Running", json!([ended("Completed", 0, 0), running()])),
        json!("NotReady"),
    );
    status(of("Pending", Value::Null), Value::Null);
}

#[test]
fn the_reason_of_a_pod_that_begins_is_that_of_its_init_containers() {
    let of = |spec: Value, init: Value| {
        json!({"spec": {"initContainers": spec}, "status": {"phase": "Pending", "initContainerStatuses": init,
            "containerStatuses": [waiting("PodInitializing")]}})
    };
    let plain = json!([{"name": "a"}, {"name": "b"}]);
    let named = |name: &str, mut status: Value| {
        status["name"] = name.into();
        status
    };
    status(
        of(
            plain.clone(),
            json!([running(), named("b", waiting("PodInitializing"))]),
        ),
        json!("Init:0/2"),
    );
    status(
        of(
            plain.clone(),
            json!([ended("Completed", 0, 0), named("b", waiting("PodInitializing"))]),
        ),
        json!("Init:1/2"),
    );
    status(
        of(plain.clone(), json!([waiting("CrashLoopBackOff")])),
        json!("Init:CrashLoopBackOff"),
    );
    status(
        of(plain.clone(), json!([ended("OOMKilled", 137, 0)])),
        json!("Init:OOMKilled"),
    );
    status(
        of(plain.clone(), json!([ended("", 2, 0)])),
        json!("Init:ExitCode:2"),
    );
    status(
        of(plain, json!([ended("", 0, 0), named("b", ended("", 0, 0))])),
        json!("PodInitializing"),
    );
    let sidecar = json!([{"name": "a", "restartPolicy": "Always"}]);
    let started = json!([{"name": "a", "started": true, "state": {"running": {}}}]);
    status(of(sidecar, started), json!("PodInitializing"));
}

#[test]
fn the_reason_of_a_pod_that_ends_or_waits_is_its_own() {
    let deleting = json!({"deletionTimestamp": "2026-11-24T03:12:00Z"});
    status(
        json!({"metadata": deleting, "status": {"phase": "Running", "containerStatuses": [running()]}}),
        json!("Terminating"),
    );
    status(
        json!({"metadata": deleting, "status": {"phase": "Running", "reason": "NodeLost"}}),
        json!("Unknown"),
    );
    status(
        json!({"metadata": deleting, "status": {"phase": "Failed", "reason": "Evicted"}}),
        json!("Evicted"),
    );
    let gated = json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]);
    status(
        json!({"status": {"phase": "Pending", "conditions": gated}}),
        json!("SchedulingGated"),
    );
}

#[test]
fn containers_keep_role_state_resources_and_probes() {
    let pod = json!({"spec": {
            "containers": [{"name": "a", "image": "i", "ports": [{"containerPort": 80}], "livenessProbe": {"exec": {"command": ["x"]}},
                "resources": {"requests": {"memory": "64Mi", "cpu": 2, "example.com/gpu": "1"}, "limits": null}}],
            "initContainers": [{"name": "m"}, {"name": "s", "restartPolicy": "Always"}],
            "ephemeralContainers": [{"name": "e", "image": "debug"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": null}],
            "containerStatuses": [{"name": "a", "restartCount": 3, "ready": true, "imageID": "r@sha256:1", "state": {"running": {"startedAt": null}}}],
            "initContainerStatuses": [{"name": "s", "restartCount": 2}, {"name": "m", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}});
    let pod = kept(&observe(Kind::Pod, pod));
    let all = pod["containers"].as_array().unwrap();
    let roles: Vec<&str> = all.iter().map(|c| c["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["container", "init", "sidecar", "ephemeral"]);
    assert_eq!(
        all[0]["requests"],
        json!({"cpu": "2", "memory": "64Mi", "other": ["example.com/gpu=1"]})
    );
    assert_eq!(
        (&all[0]["limits"], &all[0]["probes"]),
        (&Value::Null, &json!(["liveness"]))
    );
    assert_eq!(
        (&all[0]["imageID"], &all[0]["state"]),
        (&json!("r@sha256:1"), &json!("running"))
    );
    assert_eq!(
        (&all[1]["state"], &all[1]["exitCode"]),
        (&json!("terminated"), &json!(0))
    );
    assert_eq!((&pod["ready"], &pod["restarts"]), (&json!(true), &json!(5)));
}

#[test]
fn a_heartbeat_or_a_probe_changes_nothing_that_is_kept() {
    let node = |heartbeat: &str, since: &str| {
        json!({"metadata": {"managedFields": [{"time": heartbeat}]}, "status": {"conditions": [
            {"type": "Ready", "status": "True", "lastHeartbeatTime": heartbeat, "lastTransitionTime": since, "message": heartbeat}]}})
    };
    let (early, late) = ("2026-11-24T03:12:00Z", "2026-11-24T03:17:00Z");
    let before = observe(Kind::Node, node(early, early));
    assert_eq!(hash(&before), hash(&observe(Kind::Node, node(late, early))));
    assert_ne!(hash(&before), hash(&observe(Kind::Node, node(late, late))));
    assert_eq!(kept(&before)["ready"], "True");
    let pod = |probe: &str| json!({"status": {"conditions": [{"type": "Ready", "status": "True", "lastProbeTime": probe}]}});
    assert_eq!(
        hash(&observe(Kind::Pod, pod(early))),
        hash(&observe(Kind::Pod, pod(late)))
    );
}

#[test]
fn the_order_of_labels_and_annotations_in_an_object_changes_nothing() {
    let read = |labels: &str| {
        let text = format!(
            r#"{{"metadata":{{"name":"cart","namespace":"shop","labels":{labels},"annotations":{labels}}}}}"#
        );
        Extractor::of(Kind::Pod)
            .unwrap()
            .json(CLUSTER, text.as_bytes())
            .unwrap()
    };
    let (a, b) = (
        read(r#"{"team":"x","owner":"y"}"#),
        read(r#"{"owner":"y","team":"x"}"#),
    );
    assert_eq!(a, b);
    assert_eq!(
        (a.asset.label("team"), a.asset.annotation("owner")),
        (Some("x"), Some("y"))
    );
    assert_eq!(read(r#"{"a":"1","b":"2","a":"3"}"#).asset.label("a"), Some("3"));
}

#[test]
fn only_short_annotations_of_the_allow_list_are_kept_and_no_url_with_a_password() {
    let annotations = json!({"owner": "team-a", "backstage.io/owner": "x".repeat(257), "meta.helm.sh/release-name": "r",
        "app.kubernetes.io/source": "https://user:pw@git.example/x", "backstage.io/source": "https://git.example/x",
        "kubectl.kubernetes.io/last-applied-configuration": "{}", "team": null});
    let pod = observe(Kind::Pod, json!({"metadata": {"annotations": annotations}}));
    let kept: Vec<&str> = pod.asset.annotations.iter().map(|a| a.key.as_str()).collect();
    assert_eq!(
        kept,
        [
            "backstage.io/source",
            "meta.helm.sh/release-name",
            "owner",
            "team"
        ]
    );
}

#[test]
fn a_service_says_whether_it_is_headless_and_what_its_ports_are() {
    let spec = json!({"clusterIP": "None", "clusterIPs": ["None"], "selector": {"b": "2", "a": "1"},
        "ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081, "nodePort": 30001, "protocol": "UDP"}]});
    let status = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example"}]}});
    let service = kept(&observe(Kind::Service, json!({"spec": spec, "status": status})));
    assert_eq!(
        (&service["type"], &service["headless"]),
        (&json!("ClusterIP"), &json!(true))
    );
    assert_eq!(service["selector"], json!(["a=1", "b=2"]));
    assert_eq!(
        (
            &service["ports"][0]["targetPort"],
            &service["ports"][0]["nodePort"]
        ),
        (&json!("http"), &Value::Null)
    );
    assert_eq!(
        (
            &service["ports"][1]["targetPort"],
            &service["ports"][1]["protocol"]
        ),
        (&json!("8081"), &json!("UDP"))
    );
    assert_eq!(service["loadBalancer"], json!(["192.0.2.1", "lb.example"]));
    let old = kept(&observe(
        Kind::Service,
        json!({"spec": {"clusterIP": "10.0.0.1"}}),
    ));
    assert_eq!(old["clusterIPs"], json!(["10.0.0.1"]));
}

#[test]
fn a_claim_without_class_differs_from_one_that_wants_none_and_the_old_annotation_counts() {
    let class = |claim: Value| kept(&observe(Kind::PersistentVolumeClaim, claim))["storageClassName"].clone();
    assert_eq!(class(json!({"spec": {}})), Value::Null);
    assert_eq!(class(json!({"spec": {"storageClassName": null}})), Value::Null);
    assert_eq!(class(json!({"spec": {"storageClassName": ""}})), "");
    let annotations = json!({"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}});
    assert_eq!(class(json!({"metadata": annotations, "spec": {}})), "old");
    assert_eq!(
        class(json!({"metadata": annotations, "spec": {"storageClassName": "new"}})),
        "new"
    );
}

#[test]
fn a_volume_names_its_driver_or_the_type_of_its_source() {
    let driver =
        |spec: Value| kept(&observe(Kind::PersistentVolume, json!({ "spec": spec })))["driver"].clone();
    assert_eq!(
        driver(json!({"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}})),
        "ebs.csi.aws.com"
    );
    assert_eq!(driver(json!({"nfs": {"server": "s", "path": "/"}})), "nfs");
    assert_eq!(driver(json!({"local": {"path": "/mnt"}})), "local");
    assert_eq!(driver(json!({})), Value::Null);
}

#[test]
fn a_workload_that_does_not_say_how_many_pods_it_wants_wants_one() {
    for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::StatefulSet] {
        assert_eq!(
            kept(&observe(kind, json!({"spec": {"replicas": null}})))["replicas"],
            1
        );
        assert_eq!(
            kept(&observe(kind, json!({"spec": {"replicas": 0}})))["replicas"],
            0
        );
    }
    let strategy =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}});
    let deployment = json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}, "spec": {"strategy": strategy, "selector": {}}});
    let deployment = kept(&observe(Kind::Deployment, deployment));
    assert_eq!(
        (&deployment["maxUnavailable"], &deployment["maxSurge"]),
        (&json!("0"), &json!("25%"))
    );
    assert_eq!(
        (&deployment["revision"], &deployment["selector"]),
        (&json!("7"), &json!({"matchLabels": [], "matchExpressions": []}))
    );
}

#[test]
fn config_maps_and_secrets_keep_the_tool_that_writes_them() {
    for kind in [Kind::ConfigMap, Kind::Secret] {
        let object =
            json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "data": {"k": "v"}});
        assert_eq!(kept(&observe(kind, object)), json!({"ownerTool": "Helm"}));
    }
}
