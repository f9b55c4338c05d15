//! Values that may be secret are planted in every place that can hold one; after a run they must be nowhere: not in the
//! data directory, the log, the numbers, or any answer.

use crate::mirrored::equals;
use crate::program::{Program, run, until};
use crate::site::{Site, count, objects, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use planisphere_fixtures::{FleetSpec, Options, SimCluster, Simulation};
use serde_json::{Value, json};
use std::path::Path;

/// Unlike anything else, and with no character that an encoding would change.
const MARKER: &str = "m4rkerZq7Xw";

/// The marker with the place where it is planted.
fn planted(place: &str) -> String {
    format!("{MARKER}-{place}")
}

/// As `data` of a Secret holds it. Three bytes at a time, so that the marker's own encoding is part of it.
fn encoded(place: &str) -> String {
    BASE64.encode(planted(place))
}

/// What must be found nowhere: the marker, and how it begins in base64.
fn forbidden() -> [String; 2] {
    let code = BASE64.encode(MARKER);
    [MARKER.to_owned(), code[..code.len() / 4 * 4 - 4].to_owned()]
}

fn metadata(name: &str) -> Value {
    let applied = format!("{{\"data\":{{\"password\":\"{}\"}}}}", planted("last-applied"));
    json!({
        "name": name, "namespace": "default",
        "annotations": { "kubectl.kubernetes.io/last-applied-configuration": applied, "example.org/note": planted("annotation") },
        "managedFields": [{ "manager": planted("manager"), "operation": "Update", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": { planted("field"): {} } }],
    })
}

fn pod_spec() -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.example/app:1",
            "command": ["run", planted("command")], "args": [format!("--password={}", planted("args"))],
            "env": [{ "name": "PASSWORD", "value": planted("env") },
                { "name": "FROM", "valueFrom": { "secretKeyRef": { "name": "planted", "key": "password" } } }],
            "envFrom": [{ "configMapRef": { "name": "planted" } }],
            "livenessProbe": { "exec": { "command": ["check", planted("probe")] } },
            "readinessProbe": { "httpGet": { "path": "/", "port": 80, "httpHeaders": [{ "name": "Authorization", "value": planted("header") }] } },
            "lifecycle": { "preStop": { "exec": { "command": [planted("lifecycle")] } } },
        })
    };
    let attributes = json!({ "secretProviderClass": "planted", "objects": planted("volume-attribute") });
    json!({ "containers": [container("app")], "initContainers": [container("init")],
        "volumes": [{ "name": "store", "csi": { "driver": "secrets-store.csi.k8s.io", "volumeAttributes": attributes } }] })
}

/// What defines a custom kind: neither its schema nor what converts its objects is kept.
fn definition() -> Value {
    let mut metadata = metadata("certificates.cert-manager.io");
    metadata.as_object_mut().unwrap().remove("namespace");
    json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata,
        "spec": { "group": "cert-manager.io", "scope": "Namespaced",
            "names": { "kind": "Certificate", "plural": "certificates", "singular": "certificate" },
            "conversion": { "strategy": "Webhook", "webhook": { "clientConfig": { "caBundle": encoded("bundle") } } },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema":
                { "type": "object", "description": planted("schema"), "default": planted("default") } } }] } })
}

/// A custom resource: what no rule names is not kept, and what a rule names only in the form that it must have.
fn certificate() -> Value {
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata("planted"),
        "data": planted("data"), "stringData": { "a": planted("custom-string") },
        "spec": { "secretName": "planted-tls", "issuerRef": { "name": "planted", "kind": "Issuer", "password": planted("beside-reference") },
            "keystores": { "jks": { "password": planted("keystore") } }, "secretTemplate": { "annotations": { "a": planted("nested") } },
            "dnsNames": [format!("https://user:{}@registry.example", planted("url"))] },
        "status": { "notAfter": planted("no-instant"), "conditions": [
            { "type": "Ready", "status": "False", "reason": "Failed", "message": planted("message") }] } })
}

/// What drivers are told, and what is computed: parameters and expressions have no field.
fn parameters() -> [Value; 5] {
    let of = |api: &str, kind: &str, more: Value| {
        let mut object = json!({ "apiVersion": api, "kind": kind, "metadata": metadata("planted") });
        object["metadata"].as_object_mut().unwrap().remove("namespace");
        object
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        object
    };
    let expression = |place: &str| json!([{ "expression": planted(place) }]);
    [
        of(
            "storage.k8s.io/v1",
            "StorageClass",
            json!({ "provisioner": "disk.example.org",
            "parameters": { "password": planted("class-parameter") }, "mountOptions": [planted("mount-option")] }),
        ),
        of(
            "storage.k8s.io/v1",
            "VolumeAttributesClass",
            json!({ "driverName": "disk.example.org",
            "parameters": { "password": planted("attributes-parameter") } }),
        ),
        of(
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicy",
            json!({ "spec": {
            "validations": expression("validation"), "auditAnnotations": expression("audit"), "variables": expression("variable") } }),
        ),
        of(
            "resource.k8s.io/v1",
            "DeviceClass",
            json!({ "spec": { "selectors": [{ "cel": { "expression": planted("selector") } }],
            "config": [{ "opaque": { "driver": "d.example.org", "parameters": { "a": planted("opaque") } } }] } }),
        ),
        of(
            "resource.k8s.io/v1",
            "ResourceSlice",
            json!({ "spec": { "driver": "d.example.org", "pool": { "name": "p" }, "allNodes": true,
            "devices": [{ "name": "d", "attributes": { "serial": { "string": planted("device-attribute") } } }] } }),
        ),
    ]
}

/// Who is asked before objects are stored, and who serves a part of the API: by certificates, and at addresses that may hold tokens.
fn asked() -> [Value; 2] {
    let named = |name: &str| {
        let mut metadata = metadata(name);
        metadata.as_object_mut().unwrap().remove("namespace");
        metadata
    };
    let url = format!(
        "https://hook.example/{}?token={}",
        planted("path"),
        planted("query")
    );
    [
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": named("planted"),
            "webhooks": [{ "name": "planted.example.org", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "clientConfig": { "url": url, "caBundle": encoded("webhook-bundle") },
                "matchConditions": [{ "name": "a", "expression": planted("expression") }] }] }),
        json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": named("v1.planted.example.org"),
            "spec": { "group": "planted.example.org", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
                "service": { "namespace": "default", "name": "planted" }, "caBundle": encoded("service-bundle") } }),
    ]
}

/// What a cluster says of an object: its note is told while it is recent, all but what is no word for people.
fn event() -> Value {
    let mut metadata = metadata("planted.1");
    metadata["uid"] = "00000000-0000-0000-0000-0000000000e1".into();
    json!({ "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": metadata, "type": "Warning", "reason": "Failed",
        "regarding": { "apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "planted", "fieldPath": planted("field-path") },
        "related": { "kind": "Secret", "name": planted("related") }, "reportingInstance": planted("instance"),
        "note": format!("planted-note https://user:{}@registry.example/app", planted("note")) })
}

/// An object for each place.
fn objects_with_secrets() -> Vec<Value> {
    let mut all = workloads_with_secrets();
    all.extend(asked());
    all.extend(parameters());
    all
}

/// Pods, what makes them, what they read, and a custom resource.
fn workloads_with_secrets() -> Vec<Value> {
    let template = json!({ "metadata": { "labels": { "app": "planted" }, "annotations": { "note": planted("template") } }, "spec": pod_spec() });
    let workload = |api: &str, kind: &str, spec: Value| json!({ "apiVersion": api, "kind": kind, "metadata": metadata("planted"), "spec": spec });
    let selector = json!({ "matchLabels": { "app": "planted" } });
    let mut pod = workload("v1", "Pod", pod_spec());
    pod["status"] = json!({ "phase": "Running", "containerStatuses": [{ "name": "app", "ready": true, "restartCount": 1,
        "image": "registry.example/app:1", "imageID": "", "lastState": { "terminated": { "exitCode": 1, "message": planted("termination") } } }] });
    vec![
        json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata("planted"),
            "data": { "password": encoded("secret") }, "stringData": { "other": planted("string") } }),
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("planted"),
            "data": { "config.yaml": format!("password: {}", planted("config")) }, "binaryData": { "bin": encoded("binary") } }),
        pod,
        workload(
            "apps/v1",
            "Deployment",
            json!({ "replicas": 0, "selector": selector, "template": template }),
        ),
        workload(
            "apps/v1",
            "ReplicaSet",
            json!({ "replicas": 0, "selector": selector, "template": template }),
        ),
        workload(
            "apps/v1",
            "StatefulSet",
            json!({ "replicas": 0, "serviceName": "planted", "selector": selector, "template": template }),
        ),
        workload(
            "apps/v1",
            "DaemonSet",
            json!({ "selector": selector, "template": template }),
        ),
        definition(),
        certificate(),
        workload("batch/v1", "Job", json!({ "template": template })),
        workload(
            "batch/v1",
            "CronJob",
            json!({ "schedule": "@daily", "jobTemplate": { "spec": { "template": template } } }),
        ),
    ]
}

/// All that is answered about a cluster: its objects as `get` gives them, and its edges and history.
async fn answers(program: &Program, cluster: &str) -> Vec<(String, String)> {
    let kinds =
        "all,secrets,configmaps,nodes,ns,endpointslices,ingresses,pvc,pv,sa,Certificate.cert-manager.io";
    let mut answers = Vec::new();
    for form in ["json", "yaml", "wide"] {
        let (status, printed, error) = run(&["get", kinds, "-o", form, "--server", &program.graphql]);
        // 3: answered, but a dump is not the present.
        assert!(matches!(status.code(), Some(0 | 3)), "{error}");
        assert!(printed.contains("planted"), "the objects are answered");
        answers.push((format!("get -o {form}"), printed));
    }
    // What an export leaves in the data directory is looked through there.
    for form in ["csv", "ndjson", "cyclonedx", "graphml"] {
        let (_, printed, _) = run(&["export", "--format", form, "--server", &program.graphql]);
        assert!(
            printed.contains("planted"),
            "an export as {form} is not empty: {printed}"
        );
        answers.push((format!("export as {form}"), printed));
    }
    let query = "query($cluster: String!, $after: String) {
        assets(filter: {cluster: {eq: $cluster}}, first: 50, after: $after) {
            nodes { kind namespace name labels annotations problems history(first: 50) { nodes { fields { path before after } } }
                events { nodes { type reason note action reportingController } }
                edges(first: 50) { edges { relation target { kind namespace name } detail { via uid addresses hosts reason } } } }
            pageInfo { hasNextPage endCursor } } }";
    for node in crate::mirrored::all(program, query, json!({ "cluster": cluster })).await {
        answers.push((
            format!("answer about {} {}", node["kind"], node["name"]),
            node.to_string(),
        ));
    }
    let search = "query($word: String!) { assets(search: $word) { totalCount { value } } }";
    let found = program.data(search, json!({ "word": MARKER })).await;
    assert_eq!(
        found["assets"]["totalCount"]["value"], 0,
        "it can be searched for"
    );
    answers
}

fn files_below(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in folder.read_dir().unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() {
            found.extend(files_below(&path));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        found.push((
            path.display().to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        ));
    }
    found
}

async fn is_nowhere(program: Program, site: &Site, cluster: &str) {
    let mut places = answers(&program, cluster).await;
    places.push(("/metrics".to_owned(), program.admin("/metrics").await.1));
    places.push(("the log".to_owned(), program.logged()));
    // While it runs, the newest is in the log of the file; afterwards all is in the file itself.
    places.extend(files_below(&site.data()));
    assert!(program.stop().success());
    places.extend(files_below(&site.data()));
    // In the file itself, or in its log.
    let in_file =
        |(place, text): &(String, String)| place.contains("graph.sqlite") && text.contains("planted");
    assert!(places.iter().any(in_file), "the graph is in its file");
    for (place, text) in places {
        for word in forbidden() {
            if let Some(at) = text.find(&word) {
                let around: String = text[at..].chars().take(60).collect();
                panic!("{place} holds {around:?}");
            }
        }
    }
}

fn changed(cluster: &SimCluster) {
    for mut object in objects_with_secrets() {
        object["metadata"]["labels"] = json!({ "changed": "yes" });
        cluster.apply(object).unwrap();
    }
}

#[test]
fn the_markers_are_where_the_test_believes_them() {
    let all = Value::from(objects_with_secrets()).to_string();
    for place in ["secret", "binary"] {
        assert!(all.contains(&encoded(place)));
        assert!(
            encoded(place).starts_with(&forbidden()[1]),
            "{} {}",
            encoded(place),
            forbidden()[1]
        );
    }
    assert!(all.matches(MARKER).count() > 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_may_be_secret_leave_no_trace_of_a_live_cluster() {
    let fleet = Simulation::start(FleetSpec::empty(1), Options::default())
        .await
        .unwrap();
    let cluster = &fleet.clusters[0];
    for object in objects_with_secrets() {
        cluster.apply(object).unwrap();
    }
    cluster.apply(event()).unwrap();
    let site = Site::of(&fleet);
    let program = site.serve(&["--log-level", "trace"]);
    equals(&program, cluster.name(), || objects(cluster)).await;
    // By watch and with a history, too; and an object that cannot be read.
    changed(cluster);
    let unreadable = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "odd", "namespace": "default" }, "type": [planted("type")], "data": planted("odd") });
    cluster.apply(unreadable).unwrap();
    cluster.tell_watches(
        "pods",
        &format!(
            "{{\"type\":\"ADDED\",\"object\":{{\"kind\":\"Pod\",\"spec\":\"{}\"",
            planted("broken")
        ),
    );
    until("the change was taken in", || async {
        let query =
            "{ assets(filter: {label: {key: \"changed\", eq: \"yes\"}}, first: 1) { totalCount { value } } }";
        program.data(query, json!({})).await["assets"]["totalCount"]["value"] == objects_with_secrets().len()
    })
    .await;
    equals(&program, cluster.name(), || objects(cluster)).await;
    until("what the cluster says is told", || async {
        let query = "{ assets(filter: {kind: {eq: \"Pod\"}, name: {eq: \"planted\"}}) { nodes { events { nodes { note } } } } }";
        let told = program.data(query, json!({})).await.to_string();
        told.contains("planted-note https://***@registry.example/app")
    })
    .await;
    is_nowhere(program, &site, cluster.name()).await;
    for (place, text) in files_below(&site.data()) {
        assert!(
            !text.contains("planted-note"),
            "{place} keeps what is told of late"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_may_be_secret_leave_no_trace_of_a_dump() {
    let site = Site::new();
    let mut items = objects_with_secrets();
    items.push(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "namespace": "default" }, "data": { "nameless": encoded("nameless") } }));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let path = site.write("snapshot.json", list.to_string());
    // A value where an object should be: what reads it would like to quote it.
    let wrong = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": planted("shape") });
    let wrong = site.write("wrong.json", wrong.to_string());
    let broken = format!("{list}").replace("\"kind\":\"ConfigMap\"", "\"kind\": \u{1}");
    let other = site.write("broken.json", broken);
    let yaml = site.write(
        "odd.yaml",
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: [{}\n",
            planted("yaml")
        ),
    );
    let program = site.serve_only(&[
        "--log-level",
        "trace",
        "--dump",
        text(&path),
        "--dump",
        text(&wrong),
        "--dump",
        text(&other),
        "--dump",
        text(&yaml),
    ]);
    program.ready().await;
    assert!(count(&program, "snapshot", None).await > 8);
    let errors = program
        .data("{ sync { clusters { name error } } }", json!({}))
        .await
        .to_string();
    assert!(
        ["broken.json", "wrong.json", "odd.yaml"]
            .iter()
            .all(|name| errors.contains(name)),
        "{errors}"
    );
    for word in forbidden() {
        assert!(!errors.contains(&word), "{errors}");
    }
    is_nowhere(program, &site, "snapshot").await;
}
