//! Secrets of nodes that came into somebody's hands, by a pod of their own on the node.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rig::{Ran, Scratch, event_with};

fn event(minute: usize, who: &str, verb: &str, object: &Value, fields: &Value) -> String {
    let mut event = event_with(
        minute * 60,
        &json!({"verb": verb, "user": {"username": who, "groups": []}, "objectRef": object, "requestURI": "/api/v1/x"}),
    );
    for (key, value) in fields.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string() + "\n"
}

/// A request for a Secret of the namespace `shop`.
fn secret(minute: usize, who: &str, verb: &str, name: &str) -> String {
    event(minute, who, verb, &json!({"resource": "secrets", "namespace": "shop", "name": name}), &json!({}))
}

/// A pod or workload that is written, with its spec where the level tells it.
fn made(minute: usize, who: &str, resource: &str, name: &str, spec: Option<&Value>) -> String {
    let object = json!({"resource": resource, "namespace": "shop", "name": name});
    let Some(spec) = spec else { return event(minute, who, "create", &object, &json!({"level": "Metadata"})) };
    let spec = if resource == "pods" { spec.clone() } else { json!({"template": {"spec": spec}}) };
    let body = json!({"level": "Request", "requestObject": {"metadata": {"name": name}, "spec": spec}});
    event(minute, who, "create", &object, &body)
}

/// What became of whose secrets: how, through which node, and the notes.
fn taken(scratch: &Scratch, who: &str) -> (BTreeSet<(String, String)>, String) {
    let args = ["investigate", who, "--lake", "lake", "--format", "json"];
    let dossier: Value = serde_json::from_str(&Ran::from(scratch.command(args).output().unwrap()).done()).unwrap();
    let rows = dossier["accesses"].as_array().unwrap().iter().filter(|row| row["how"] == "node");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (rows.map(|row| (text(&row["name"]), text(&row["through"]))).collect(), dossier["notes"].to_string())
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    pairs.iter().map(|(name, node)| ((*name).to_owned(), (*node).to_owned())).collect()
}

#[test]
fn a_pod_that_holds_its_node_exposes_the_secrets_of_all_pods_there() {
    let open = |node: &str| json!({"nodeName": node, "volumes": [{"name": "root", "hostPath": {"path": "/"}}], "containers": [{"name": "c"}]});
    let harmless = json!({"nodeName": "worker-1", "volumes": [{"name": "l", "hostPath": {"path": "/var/log/app"}}]});
    let privileged = json!({"containers": [{"name": "c", "securityContext": {"privileged": true}}]});
    let bound = json!({"level": "Request",
        "requestObject": {"kind": "Binding", "target": {"kind": "Node", "name": "worker-2"}}});
    let binding = json!({"resource": "pods", "subresource": "binding", "namespace": "shop", "name": "tool"});
    let scratch = Scratch::new();
    let events = [
        secret(1, "system:node:worker-1", "get", "a"),
        secret(1, "system:node:worker-1", "get", "gone"),
        secret(2, "ops", "delete", "gone"),
        secret(3, "system:node:worker-2", "get", "b"),
        made(10, "eve", "pods", "look", Some(&open("worker-1"))),
        made(11, "bob", "pods", "tool", Some(&privileged)),
        event(12, "system:kube-scheduler", "create", &binding, &bound),
        made(13, "dana", "pods", "node-debugger-worker-1-x7k2p", None),
        made(14, "carol", "daemonsets", "agents", Some(&privileged)),
        made(15, "dan", "pods", "tail", Some(&harmless)),
        made(16, "mia", "pods", "far", Some(&open("worker-9"))),
    ];
    scratch.write("audit.log", events.concat());
    scratch.run("ingest audit.log --lake lake").ends(0);
    // `gone` was gone before
    assert_eq!(taken(&scratch, "eve").0, pairs(&[("a", "worker-1")]));
    assert_eq!(taken(&scratch, "bob").0, pairs(&[("b", "worker-2")]), "where the scheduler put it");
    assert_eq!(taken(&scratch, "dana").0, pairs(&[("a", "worker-1")]), "by the name, where no body tells");
    let (secrets, notes) = taken(&scratch, "carol");
    assert!(secrets.is_empty() && notes.contains("daemonsets shop/agents"), "{notes}");
    let (secrets, notes) = taken(&scratch, "mia");
    assert!(secrets.is_empty() && notes.contains("worker-9"), "{notes}");
    let (secrets, notes) = taken(&scratch, "dan");
    assert!(secrets.is_empty() && !notes.contains("worker"), "{notes}");
    let csv = scratch.run("rotate eve --lake lake --format csv").done();
    assert!(csv.contains("was taken over (worker-1)"), "{csv}");
}

#[test]
fn what_daemon_sets_use_is_on_every_node() {
    let logger = json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "ship-key"}}]});
    let open = json!({"nodeName": "worker-1", "volumes": [{"name": "root", "hostPath": {"path": "/"}}]});
    let privileged = json!({"containers": [{"name": "c", "securityContext": {"privileged": true}}]});
    let scratch = Scratch::new();
    let events = [
        made(1, "ops", "daemonsets", "logger", Some(&logger)),
        made(10, "eve", "pods", "look", Some(&open)),
        made(14, "carol", "deployments", "agents", Some(&privileged)),
    ];
    scratch.write("audit.log", events.concat());
    scratch.run("ingest audit.log --lake lake").ends(0);
    assert_eq!(taken(&scratch, "eve").0, pairs(&[("ship-key", "worker-1")]));
    let (secrets, notes) = taken(&scratch, "carol");
    assert_eq!(secrets, pairs(&[("ship-key", "deployments shop/agents")]), "on whichever node it runs");
    assert!(notes.contains("deployments shop/agents"), "{notes}");
    assert!(taken(&scratch, "ops").0.is_empty());
}

#[test]
fn who_enters_a_pod_through_its_kubelet_is_told_to_hold_the_node() {
    let scratch = Scratch::new();
    let exec = event(
        5,
        "eve",
        "create",
        &json!({"resource": "nodes", "subresource": "proxy", "name": "worker-3"}),
        &json!({"requestURI": "/api/v1/nodes/worker-3/proxy/exec/shop/web/main?command=id"}),
    );
    scratch.write("audit.log", exec);
    scratch.run("ingest audit.log --lake lake").ends(0);
    let (secrets, notes) = taken(&scratch, "eve");
    assert!(secrets.is_empty() && notes.contains("worker-3"), "{notes}");
}
