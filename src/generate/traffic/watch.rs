//! Watches: every informer keeps one open for each kind of object and starts it anew every five to ten minutes.

use super::Scene;
use crate::generate::actor::Actor;
use crate::generate::call::{
    CLUSTERROLES, CONFIGMAPS, CRDS, CRONJOBS, CSIDRIVERS, CSINODES, Call, DAEMONSETS, DEPLOYMENTS, ENDPOINTSLICES,
    EVENTS, INGRESSES, JOBS, LEASES, NAMESPACES, NODES, Outcome, PODS, REPLICASETS, ROLEBINDINGS, RUNTIMECLASSES,
    Resource, SECRETS, SERVICEACCOUNTS, SERVICES, STATEFULSETS, VALIDATING_WEBHOOKS,
};
use crate::generate::cluster::SECOND;

/// What the controller manager and the API server watch; the scheduler some of it.
const CORE: &[&Resource] = &[
    &PODS,
    &NODES,
    &SERVICES,
    &NAMESPACES,
    &SECRETS,
    &SERVICEACCOUNTS,
    &CONFIGMAPS,
    &DEPLOYMENTS,
    &REPLICASETS,
    &STATEFULSETS,
    &DAEMONSETS,
    &JOBS,
    &CRONJOBS,
    &ENDPOINTSLICES,
    &INGRESSES,
    &CLUSTERROLES,
    &ROLEBINDINGS,
    &CRDS,
    &VALIDATING_WEBHOOKS,
    &LEASES,
    &EVENTS,
    &CSINODES,
    &CSIDRIVERS,
];

/// A watch ran out or broke and is started again.
pub(super) fn restarted(scene: &mut Scene) {
    let cluster = scene.cluster;
    match scene.tape.dice.below(10) {
        0..=3 => of_kubelet(scene),
        4..=5 => {
            let resource = *scene.tape.dice.pick(CORE);
            opened(scene, &cluster.manager, &Call::new("watch", resource), "");
        }
        6 => {
            let resource = scene.tape.dice.pick(&CORE[..4]);
            let resource = if *resource == &SECRETS { &PODS } else { *resource };
            opened(scene, &cluster.scheduler, &Call::new("watch", resource), "");
        }
        7 => {
            let resource = *scene.tape.dice.pick(CORE);
            opened(scene, &cluster.apiserver, &Call::new("watch", resource), "");
        }
        _ => {
            let slot = scene.any_slot(|slot| !slot.spec.watches.is_empty());
            let resource = *scene.tape.dice.pick(cluster.slots[slot].spec.watches);
            let actor = scene.pod_actor(slot);
            if scene.tape.dice.chance(4) {
                expired(scene, &actor, resource);
            }
            opened(scene, &actor, &Call::new("watch", resource), "");
        }
    }
}

/// A kubelet watches its pods, and each secret and config map that they mount by its name.
fn of_kubelet(scene: &mut Scene) {
    let cluster = scene.cluster;
    let slot = scene.any_slot(|slot| !slot.spec.secrets.is_empty());
    let pod = cluster.pod(slot, scene.at);
    let kubelet = &cluster.kubelets[pod.node];
    let node = &cluster.nodes[pod.node].name;
    match scene.tape.dice.below(8) {
        0 => opened(scene, kubelet, &Call::new("watch", &PODS), &format!("fieldSelector=spec.nodeName%3D{node}&")),
        1 => {
            let call = Call::new("watch", &NODES).named(node);
            opened(scene, kubelet, &call, &format!("fieldSelector=metadata.name%3D{node}&"));
        }
        2 => opened(scene, kubelet, &Call::new("watch", &SERVICES), ""),
        3 => opened(scene, kubelet, &Call::new("watch", &RUNTIMECLASSES), ""),
        4 => opened(scene, kubelet, &Call::new("watch", &CSIDRIVERS), ""),
        5 => mount_watched(scene, kubelet, &SECRETS, pod.spec.namespace, pod.spec.secrets[0]),
        _ => mount_watched(scene, kubelet, &CONFIGMAPS, pod.spec.namespace, pod.spec.config),
    }
}

/// A kubelet watches one secret or config map.
pub(super) fn mount_watched(
    scene: &mut Scene,
    kubelet: &Actor,
    resource: &'static Resource,
    namespace: &str,
    name: &str,
) {
    let selector = format!("fieldSelector=metadata.name%3D{name}&");
    opened(scene, kubelet, &Call::new("watch", resource).within(namespace).named(name), &selector);
}

fn opened(scene: &mut Scene, actor: &Actor, call: &Call, selector: &str) {
    let seconds = scene.tape.dice.between(300, 599);
    let query = format!(
        "allowWatchBookmarks=true&{selector}resourceVersion={}&timeout={}m{}s&timeoutSeconds={seconds}&watch=true",
        scene.version(),
        seconds / 60,
        seconds % 60
    );
    scene.call(actor, &call.clone().query(query).open(seconds * SECOND));
}

/// The point where a watch was is forgotten: the informer lists everything anew.
fn expired(scene: &mut Scene, actor: &Actor, resource: &'static Resource) {
    let query = format!("allowWatchBookmarks=true&resourceVersion={}&watch=true", scene.version() - 90_000);
    scene.call(actor, &Call::new("watch", resource).query(query).outcome(Outcome::Expired));
    scene.wait(400, 1_100);
    scene.call(actor, &Call::new("list", resource).query("limit=500&resourceVersion=0"));
    scene.wait(20, 200);
}

/// The operators start: each lists what it watches in the whole cluster, secrets too, and goes on watching.
pub(super) fn informers_started(scene: &mut Scene) {
    let cluster = scene.cluster;
    for (slot, place) in cluster.slots.iter().enumerate() {
        if place.spec.host || !place.is_first() {
            continue;
        }
        for resource in place.spec.watches {
            let actor = cluster.pod_actor(slot, scene.at);
            scene.call(&actor, &Call::new("list", resource).query("limit=500&resourceVersion=0"));
            scene.wait(2, 25);
            opened(scene, &actor, &Call::new("watch", resource), "");
        }
    }
}
