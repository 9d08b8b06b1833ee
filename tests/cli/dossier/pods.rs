//! `--pods`: what a snapshot of pods and workloads adds to what the log tells of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{json_of, lake, request, secrets};
use crate::rig::Scratch;

fn exec(minute: usize, pod: &str) -> String {
    let fields = json!({"objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": pod, "apiVersion": "v1"},
        "requestURI": format!("/api/v1/namespaces/shop/pods/{pod}/exec?command=id"), "responseStatus": {"code": 101}});
    request(minute, "create", "eve", Some(pod), &fields)
}

fn shop(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("shop/{name}")).collect()
}

/// A spec that uses a Secret in each of the ways that there are.
fn every_way() -> Value {
    let driver = |kind: &str| json!({"name": kind, kind: {"secretRef": {"name": format!("s-{kind}")}}});
    let container = |name: &str| {
        json!({"name": name, "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": format!("env-{name}"), "key": "k"}}}],
            "envFrom": [{"secretRef": {"name": format!("all-{name}")}}]})
    };
    let mut volumes: Vec<Value> =
        ["cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"].map(driver).to_vec();
    volumes.extend([
        json!({"name": "v", "secret": {"secretName": "volume"}}),
        json!({"name": "p", "projected": {"sources": [{"secret": {"name": "projected"}}]}}),
        json!({"name": "c", "csi": {"nodePublishSecretRef": {"name": "csi"}}}),
        json!({"name": "f", "azureFile": {"secretName": "azure"}}),
    ]);
    json!({"serviceAccountName": "web", "volumes": volumes, "imagePullSecrets": [{"name": "pull"}],
        "containers": [container("main")], "initContainers": [container("init")],
        "ephemeralContainers": [container("debug")]})
}

fn written(scratch: &Scratch, objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    scratch.write("pods.json", list.to_string());
}

#[test]
fn a_snapshot_tells_what_entered_pods_hold_and_where_they_run() {
    let scratch = lake(&[
        exec(1, "web-7d9f8c5b6-abcde"),
        exec(2, "db-0"),
        exec(3, "idle"),
        exec(4, "lost"),
        request(9, "list", "mallory", None, &json!({})),
    ]);
    assert_eq!(secrets(&json_of(&scratch, &["rotate", "eve"])), BTreeSet::new());
    let volume = json!({"volumes": [{"name": "v", "secret": {"secretName": "web-tls"}}]});
    let env =
        json!({"nodeName": "worker-1", "containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "db"}}]}]});
    let meta = |name: &str| json!({"name": name, "namespace": "shop", "creationTimestamp": "2026-01-15T09:00:00Z"});
    written(
        &scratch,
        &[
            json!({"kind": "Deployment", "metadata": meta("web"), "spec": {"template": {"spec": volume}}}),
            json!({"kind": "Pod", "metadata": meta("db-0"), "spec": env}),
            json!({"kind": "Pod", "metadata": meta("idle"), "spec": {"serviceAccountName": "idler"}}),
            json!({"kind": "Secret", "metadata": meta("db"), "data": {"k": "aHVudGVyMg=="}}),
        ],
    );
    let found = json_of(&scratch, &["rotate", "eve", "--pods", "pods.json"]);
    assert_eq!(secrets(&found), shop(&["web-tls", "db"]));
    assert_eq!(found["secrets"][0]["workloads"].as_array().unwrap().len(), 1, "{found}");
    let notes = found["notes"].to_string();
    assert!(notes.contains("pods.json") && notes.contains("2 pods and 1 workload"), "{notes}");
    assert!(notes.contains("shop/lost") && !notes.contains("shop/idle") && !notes.contains("shop/db-0"), "{notes}");
    assert!(found["tokens"].to_string().contains("system:serviceaccount:shop:idler"), "{found}");
    let listed = json_of(&scratch, &["rotate", "mallory", "--pods", "default=pods.json"]);
    assert_eq!(secrets(&listed), shop(&["web-tls", "db"]), "a list exposes what pods use");
    for (pods, part) in [("prod=pods.json", "prod"), ("none.yaml", "none.yaml"), ("audit.log", "kubectl get pods")] {
        let ran = scratch.run(&format!("rotate eve --lake lake --pods {pods}"));
        assert!(ran.code != Some(0) && ran.err.contains(part) && !ran.err.contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn a_status_tells_of_workloads_that_were_there_before_the_log() {
    let template = |secret: &str| json!({"spec": {"volumes": [{"name": "v", "secret": {"secretName": secret}}]}});
    let status = |verb: &str, resource: &str, name: &str, level: &str, key: &str, spec: &Value| {
        let object = json!({"resource": resource, "subresource": "status", "namespace": "shop", "name": name});
        let mut fields = json!({"level": level, "objectRef": object});
        fields[key] = json!({"kind": "Deployment", "metadata": {"name": name}, "spec": spec, "status": {}});
        request(1, verb, "system:serviceaccount:kube-system:deployment-controller", Some(name), &fields)
    };
    let scratch = lake(&[
        status("update", "deployments", "web", "Request", "requestObject", &json!({"template": template("web-tls")})),
        status("patch", "pods", "db-0", "RequestResponse", "responseObject", &template("db")["spec"]),
        exec(2, "web-7d9f8c5b6-abcde"),
        exec(3, "db-0"),
    ]);
    let found = json_of(&scratch, &["rotate", "eve"]);
    assert_eq!(secrets(&found), shop(&["web-tls", "db"]));
    assert!(found.to_string().contains("deployments shop/web"), "{found}");
}

#[test]
fn a_snapshot_and_the_log_read_the_same_spec_alike() {
    let meta = json!({"name": "all", "namespace": "shop"});
    let pod = json!({"kind": "Pod", "metadata": meta, "spec": every_way()});
    let made = json!({"level": "Request", "requestObject": pod,
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "all", "apiVersion": "v1"}});
    let logged = lake(&[request(1, "create", "ops", Some("all"), &made), exec(5, "all")]);
    let shown = lake(&[exec(5, "all")]);
    written(&shown, &[pod]);
    let by_log = json_of(&logged, &["rotate", "eve"]);
    let by_snapshot = json_of(&shown, &["rotate", "eve", "--pods", "pods.json"]);
    assert_eq!(secrets(&by_log).len(), 17, "{:?}", secrets(&by_log));
    assert_eq!(by_log["secrets"], by_snapshot["secrets"]);
    assert_eq!(by_log["tokens"], by_snapshot["tokens"]);
}
