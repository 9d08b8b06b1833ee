//! The kubelets: heartbeats, the state of pods, and the secrets and settings that pods mount.

use super::Scene;
use crate::generate::body;
use crate::generate::call::{CONFIGMAPS, CSINODES, Call, NODES, Outcome, PODS, SECRETS};

/// A node says that it is well.
pub(super) fn heartbeat(scene: &mut Scene) {
    let cluster = scene.cluster;
    let node = scene.tape.dice.below(cluster.nodes.len());
    let (kubelet, name) = (&cluster.kubelets[node], &cluster.nodes[node].name);
    if scene.tape.dice.chance(200) {
        scene.call(kubelet, &Call::new("get", &CSINODES).named(name));
        return;
    }
    scene.call(kubelet, &Call::new("get", &NODES).named(name).query("resourceVersion=0&timeout=10s"));
    scene.wait(5, 40);
    let call = Call::new("patch", &NODES).named(name).sub("status").query("timeout=10s");
    scene.call(kubelet, &call.bodies(body::node_status(scene.at), ""));
}

/// A kubelet compares a pod with what it runs, and writes what changed.
pub(super) fn pod_synced(scene: &mut Scene) {
    let cluster = scene.cluster;
    let slot = scene.any_slot(|_| true);
    let pod = cluster.pod(slot, scene.at);
    let kubelet = &cluster.kubelets[pod.node];
    let read = Call::new("get", &PODS).within(pod.spec.namespace).named(&pod.name);
    if scene.tape.dice.chance(40) {
        let gone = format!("{}-{}", pod.spec.name, scene.tape.dice.suffix(5));
        scene
            .call(kubelet, &Call::new("get", &PODS).within(pod.spec.namespace).named(&gone).outcome(Outcome::NotFound));
        return;
    }
    scene.call(kubelet, &read);
    if scene.tape.dice.chance(600) {
        scene.wait(3, 20);
        let ready = scene.tape.dice.chance(900);
        let host = &cluster.nodes[pod.node].ip;
        let patch = body::pod_status(pod.spec.name, pod.uid, &pod.ip, host, scene.at, ready);
        let call = Call::new("patch", &PODS).within(pod.spec.namespace).named(&pod.name).sub("status");
        scene.call(kubelet, &call.bodies(patch, ""));
    }
}

/// A kubelet gets a secret that a pod on its node mounts.
pub(super) fn secret_fetched(scene: &mut Scene) {
    let cluster = scene.cluster;
    let slot = scene.any_slot(|slot| !slot.spec.secrets.is_empty());
    let pod = cluster.pod(slot, scene.at);
    let name = *scene.tape.dice.pick(pod.spec.secrets);
    let call = Call::new("get", &SECRETS).within(pod.spec.namespace).named(name);
    scene.call(&cluster.kubelets[pod.node], &call);
}

/// A kubelet gets the settings that a pod on its node mounts.
pub(super) fn config_fetched(scene: &mut Scene) {
    let cluster = scene.cluster;
    let slot = scene.any_slot(|_| true);
    let pod = cluster.pod(slot, scene.at);
    let call = Call::new("get", &CONFIGMAPS).within(pod.spec.namespace).named(pod.spec.config);
    scene.call(&cluster.kubelets[pod.node], &call);
}

/// A kubelet tells of a probe that failed, an image that was pulled.
pub(super) fn event_told(scene: &mut Scene) {
    let cluster = scene.cluster;
    let slot = scene.any_slot(|_| true);
    let pod = cluster.pod(slot, scene.at);
    scene.tell(&cluster.kubelets[pod.node], pod.spec.namespace, &pod.name);
}
