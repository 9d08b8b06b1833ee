//! Operators: they read their secrets and settings again and again, compare what is with what should be, and write
//! the state of their own kinds.

use super::Scene;
use crate::generate::body::{fill, seconds};
use crate::generate::call::{
    APPLICATIONS, CERTIFICATES, Call, ENDPOINTS, EXTERNAL_SECRETS, INGRESSES, NODES, Outcome, PODS, SECRETS,
};
use crate::generate::cluster::Slot;
use crate::generate::cluster::catalog::{APP_NAMESPACES, Read};

/// An operator reads an object by name.
pub(super) fn read(scene: &mut Scene) {
    let slot = scene.chatty_slot(|slot| !slot.spec.reads.is_empty());
    let read = *scene.tape.dice.pick(scene.cluster.slots[slot].spec.reads);
    read_one(scene, slot, read);
}

/// The deployment operator compares everything with what its repository says.
pub(super) fn resync(scene: &mut Scene) {
    let slot = scene.cluster.slot("argocd", "argocd-application-controller");
    let reads = scene.cluster.slots[slot].spec.reads;
    let read = *scene.tape.dice.pick(reads);
    if read.0 != &SECRETS {
        read_one(scene, slot, read);
    }
}

fn read_one(scene: &mut Scene, slot: usize, (resource, namespace, name): Read) {
    let actor = scene.pod_actor(slot);
    // something is always being created: whoever asks too early hears that it is not there
    if scene.tape.dice.chance(25) {
        let missing = format!("{name}-{}", scene.tape.dice.suffix(5));
        scene.call(&actor, &Call::new("get", resource).within(namespace).named(&missing).outcome(Outcome::NotFound));
    } else {
        scene.call(&actor, &Call::new("get", resource).within(namespace).named(name));
    }
}

/// An operator writes the state of an object of its own kind.
pub(super) fn status_written(scene: &mut Scene) {
    let (workload, namespace, resource, kind, verb) = match scene.tape.dice.below(4) {
        0 => ("cert-manager", "cert-manager", &CERTIFICATES, "Certificate", "update"),
        1 => ("external-secrets", "external-secrets", &EXTERNAL_SECRETS, "ExternalSecret", "update"),
        _ => ("argocd-application-controller", "argocd", &APPLICATIONS, "Application", "patch"),
    };
    let slot = scene.cluster.slot(namespace, workload);
    let actor = scene.pod_actor(slot);
    let object = scene.any_slot(|slot| slot.spec.rollouts > 0);
    let spec = scene.cluster.slots[object].spec;
    let within = if resource == &APPLICATIONS { "argocd" } else { spec.namespace };
    let name = match kind {
        "Certificate" => format!("{}-tls", spec.name),
        "ExternalSecret" => spec.secrets[0].to_owned(),
        _ => spec.name.to_owned(),
    };
    let (uid, version) = (scene.uid(resource, within, &name), scene.version());
    let (revision, now) = (scene.tape.dice.uuid().simple().to_string(), seconds(scene.at));
    let patch = fill(
        r#"{"status":{"reconciledAt":"<now>","observedRevision":"<revision>","conditions":[{"type":"Ready","status":"True","reason":"Synced","lastTransitionTime":"<now>"}],"health":{"status":"Healthy"}}}"#,
        &[("now", &now), ("revision", &revision)],
    );
    let answer = fill(
        r#"{"kind":"<kind>","apiVersion":"<group>/<api>","metadata":{"name":"<name>","namespace":"<ns>","uid":"<uid>","resourceVersion":"<version>","generation":14,"creationTimestamp":"2025-11-03T09:12:44Z","managedFields":[{"manager":"<manager>","operation":"Update","apiVersion":"<group>/<api>","time":"<now>","fieldsType":"FieldsV1","fieldsV1":{"f:status":{".":{},"f:conditions":{},"f:health":{".":{},"f:status":{}},"f:observedRevision":{},"f:reconciledAt":{}}},"subresource":"status"}]},"spec":{"project":"default","target":{"name":"<target>","namespace":"<target ns>"},"refreshInterval":"1h"},"status":{"reconciledAt":"<now>","observedRevision":"<revision>","conditions":[{"type":"Ready","status":"True","reason":"Synced","lastTransitionTime":"<now>"}],"health":{"status":"Healthy"}}}"#,
        &[
            ("kind", kind),
            ("group", resource.group),
            ("api", resource.version),
            ("name", &name),
            ("ns", within),
            ("uid", &uid.to_string()),
            ("version", &(version + 1).to_string()),
            ("manager", workload),
            ("now", &now),
            ("target", spec.name),
            ("target ns", spec.namespace),
            ("revision", &revision),
        ],
    );
    let request = if verb == "patch" { patch } else { answer.clone() };
    let call = Call::new(verb, resource).within(within).named(&name).bodies(request, answer);
    let call = if verb == "patch" { call } else { call.sub("status").object(uid, version) };
    scene.call(&actor, &call);
}

/// An operator lists pods, nodes or its own kind.
pub(super) fn listed(scene: &mut Scene) {
    let cluster = scene.cluster;
    let named = |name: &'static str| move |slot: &Slot| slot.spec.name == name;
    let namespace = *scene.tape.dice.pick(APP_NAMESPACES);
    let (slot, call) = match scene.tape.dice.below(6) {
        0 => (scene.any_slot(named("metrics-server")), Call::new("list", &NODES)),
        1 => (scene.any_slot(named("postgres")), Call::new("list", &ENDPOINTS).within("data")),
        2 => (scene.any_slot(named("argocd-server")), Call::new("list", &APPLICATIONS).within("argocd")),
        3 => (scene.any_slot(named("ingress-nginx-controller")), Call::new("list", &INGRESSES)),
        4 => {
            let call = Call::new("list", &PODS).query("limit=500");
            scene.call(cluster.controller("pod-garbage-collector"), &call);
            return;
        }
        _ => (scene.any_slot(named("prometheus")), Call::new("list", &PODS).within(namespace)),
    };
    let actor = scene.pod_actor(slot);
    scene.call(&actor, &call.query("limit=500&resourceVersion=0"));
}

/// An operator tells what it did.
pub(super) fn event_told(scene: &mut Scene) {
    let slot = scene.chatty_slot(|slot| !slot.spec.lease.is_empty());
    let actor = scene.pod_actor(slot);
    let spec = scene.cluster.slots[slot].spec;
    scene.tell(&actor, spec.namespace, spec.name);
}
