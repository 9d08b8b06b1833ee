//! The control plane: leader election, controllers, the API server's own upkeep, reviews.

use super::{DISCOVERY, Scene};
use crate::generate::actor::Actor;
use crate::generate::body::{self, Shape, fill};
use crate::generate::call::{
    ACCESS_REVIEWS, CLUSTERROLES, Call, DAEMONSETS, DEPLOYMENTS, ENDPOINTS, ENDPOINTSLICES, LEASES, NAMESPACES,
    Outcome, REPLICASETS, SERVICES, STATEFULSETS, TOKEN_REVIEWS,
};
use crate::generate::cluster::catalog::{Form, WORKLOADS};
use crate::generate::cluster::{DAY, Slot};

/// A holder renews its lease: a node every ten seconds, a leader every two.
pub(super) fn lease_renewed(scene: &mut Scene) {
    let cluster = scene.cluster;
    match scene.tape.dice.below(20) {
        0..=4 => {
            let node = scene.tape.dice.below(cluster.nodes.len());
            let name = cluster.nodes[node].name.clone();
            renew(scene, &cluster.kubelets[node], "kube-node-lease", &name);
        }
        5..=7 => renew(scene, &electing(&cluster.manager), "kube-system", "kube-controller-manager"),
        8..=9 => renew(scene, &electing(&cluster.scheduler), "kube-system", "kube-scheduler"),
        10 => renew(scene, &cluster.apiserver, "kube-system", "apiserver-q5zk2m7xw4tdlh8vbn6cjr9fps"),
        _ => {
            let slot = scene.any_slot(|slot| !slot.spec.lease.is_empty() && slot.is_first());
            let spec = cluster.slots[slot].spec;
            let actor = scene.pod_actor(slot).allowed(lease_reason(spec.lease, spec.namespace, spec.name));
            renew(scene, &actor, spec.namespace, spec.lease);
        }
    }
}

fn electing(actor: &Actor) -> Actor {
    actor.clone().using(format!("{}/leader-election", actor.agent))
}

fn lease_reason(lease: &str, namespace: &str, account: &str) -> String {
    format!(
        r#"RBAC: allowed by RoleBinding "{lease}/{namespace}" of Role "{lease}" to ServiceAccount "{account}/{namespace}""#
    )
}

fn renew(scene: &mut Scene, actor: &Actor, namespace: &str, name: &str) {
    let uid = scene.uid(&LEASES, namespace, name);
    let outcome = if scene.tape.dice.chance(4) { Outcome::Conflict } else { Outcome::Done };
    let call = Call::new("update", &LEASES).within(namespace).named(name).object(uid, scene.version());
    scene.call(actor, &call.outcome(outcome));
}

/// A replica that does not lead looks whether the leader still does.
pub(super) fn lease_read(scene: &mut Scene) {
    let cluster = scene.cluster;
    let standby = 1 + scene.tape.dice.below(2);
    let (actor, namespace, name) = match scene.tape.dice.below(10) {
        0 => (electing(&cluster.manager), "kube-system", "kube-controller-manager"),
        1 => (electing(&cluster.scheduler), "kube-system", "kube-scheduler"),
        _ => {
            let slot = scene.any_slot(|slot| !slot.spec.lease.is_empty() && !slot.is_first());
            let spec = cluster.slots[slot].spec;
            let actor = scene.pod_actor(slot).allowed(lease_reason(spec.lease, spec.namespace, spec.name));
            scene.call(&actor, &Call::new("get", &LEASES).within(spec.namespace).named(spec.lease));
            return;
        }
    };
    // the other control plane nodes wait to lead; the scheduler leads on the second
    let node = if name == "kube-scheduler" { (standby + 1) % 3 } else { standby };
    let actor = actor.from(&cluster.nodes[node].ip);
    scene.call(&actor, &Call::new("get", &LEASES).within(namespace).named(name));
}

/// A controller writes the state of a workload.
pub(super) fn status_updated(scene: &mut Scene) {
    let cluster = scene.cluster;
    let slot = scene.any_slot(Slot::is_first);
    let place = &cluster.slots[slot];
    let (resource, kind, controller) = match place.spec.form {
        Form::Deployment if scene.tape.dice.chance(400) => (&REPLICASETS, "ReplicaSet", "replicaset-controller"),
        Form::Deployment => (&DEPLOYMENTS, "Deployment", "deployment-controller"),
        Form::StatefulSet => (&STATEFULSETS, "StatefulSet", "statefulset-controller"),
        Form::DaemonSet => (&DAEMONSETS, "DaemonSet", "daemon-set-controller"),
    };
    let generation = cluster.generation(place, scene.at);
    let name = if resource == &REPLICASETS {
        cluster.replicaset(place.workload, generation)
    } else {
        place.spec.name.to_owned()
    };
    let (uid, version) = (scene.uid(resource, place.spec.namespace, &name), scene.version());
    let shape = Shape {
        spec: place.spec,
        name: &name,
        uid,
        version,
        created: cluster.start - 20 * DAY,
        at: scene.at,
        generation,
    };
    let outcome = if scene.tape.dice.chance(60) { Outcome::Conflict } else { Outcome::Done };
    let call = Call::new("update", resource)
        .within(place.spec.namespace)
        .named(&name)
        .sub("status")
        .object(uid, version)
        .bodies(body::workload(kind, &shape, false), body::workload(kind, &shape, true))
        .outcome(outcome);
    scene.call(cluster.controller(controller), &call);
}

/// A pod became ready or not: the slice of its service changes.
pub(super) fn endpoints_updated(scene: &mut Scene) {
    let slot = scene.any_slot(|slot| slot.is_first() && slot.spec.form == Form::Deployment);
    slice_updated(scene, scene.cluster.slots[slot].workload);
}

/// The endpoint slice of a workload's service is written anew.
pub(super) fn slice_updated(scene: &mut Scene, workload: usize) {
    let (cluster, spec) = (scene.cluster, &WORKLOADS[workload]);
    let slots: Vec<_> = cluster.slots_of(workload).collect();
    let slice = body::endpoint_slice(cluster, spec, &slots, scene.at);
    let name = format!("{}-z4k8p", spec.name);
    let uid = cluster.object_uid("slice", spec.namespace, spec.name);
    let call = Call::new("update", &ENDPOINTSLICES).within(spec.namespace).named(&name).object(uid, scene.version());
    scene.call(cluster.controller("endpointslice-controller"), &call.body(&slice));
}

const GROUPS: &[&str] = &[
    "/api",
    "/apis",
    "/api/v1",
    "/apis/apps/v1",
    "/apis/batch/v1",
    "/apis/argoproj.io/v1alpha1",
    "/apis/metrics.k8s.io/v1beta1",
    "/apis/cert-manager.io/v1",
    "/apis/networking.k8s.io/v1",
    "/openapi/v2",
    "/openapi/v3",
    "/apis/policy/v1",
];

/// The controllers that handle any kind of object ask which kinds there are.
pub(super) fn discovery(scene: &mut Scene) {
    let names = ["resourcequota-controller", "generic-garbage-collector", "namespace-controller"];
    let name = *scene.tape.dice.pick(&names);
    let actor = scene.cluster.controller(name);
    let path = *scene.tape.dice.pick(GROUPS);
    scene.call(actor, &Call::path("get", path).reason(DISCOVERY));
}

/// The API server looks after its own objects.
pub(super) fn own_upkeep(scene: &mut Scene) {
    let call = match scene.tape.dice.below(6) {
        0 => Call::new("get", &NAMESPACES).named("kube-system"),
        1 => Call::new("get", &SERVICES).within("default").named("kubernetes"),
        2 => Call::new("get", &ENDPOINTS).within("default").named("kubernetes"),
        3 => Call::new("get", &ENDPOINTSLICES).within("default").named("kubernetes"),
        4 => Call::new("get", &CLUSTERROLES).named("system:aggregate-to-view"),
        // another API server that is gone for good
        _ => Call::new("get", &LEASES)
            .within("kube-system")
            .named("apiserver-7gjx2vtd5kq8wz4nlbm6rhc9sp")
            .outcome(Outcome::NotFound),
    };
    let cluster = scene.cluster;
    scene.call(&cluster.apiserver, &call);
}

/// An API extension or a kubelet asks who someone is and what they may do.
pub(super) fn review(scene: &mut Scene) {
    let cluster = scene.cluster;
    if scene.tape.dice.chance(300) {
        let node = scene.tape.dice.below(cluster.nodes.len());
        scene.call(&cluster.kubelets[node], &Call::new("create", &TOKEN_REVIEWS));
        return;
    }
    let slot = scene.any_slot(|slot| matches!(slot.spec.name, "metrics-server" | "cert-manager-webhook"));
    let spec = scene.cluster.slots[slot].spec;
    let reason = format!(
        r#"RBAC: allowed by ClusterRoleBinding "{}:auth-delegator" of ClusterRole "system:auth-delegator" to ServiceAccount "{}/{}""#,
        spec.name, spec.name, spec.namespace
    );
    let actor = scene.pod_actor(slot).allowed(reason);
    let path = *scene.tape.dice.pick(&["/apis/metrics.k8s.io/v1beta1", "/readyz", "/apis", "/openapi/v2"]);
    let review = |status: &str| {
        fill(
            r#"{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{"nonResourceAttributes":{"path":"<path>","verb":"get"},"user":"system:serviceaccount:kube-system:horizontal-pod-autoscaler","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},"status":<status>}"#,
            &[("path", path), ("status", status)],
        )
    };
    let answer = review(
        r#"{"allowed":true,"reason":"RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole \"system:discovery\" to Group \"system:authenticated\""}"#,
    );
    scene.call(&actor, &Call::new("create", &ACCESS_REVIEWS).bodies(review(r#"{"allowed":false}"#), answer));
}
