//! A rollout: the build system writes the release and the deployment; controllers, scheduler and kubelets do the rest.

use uuid::Uuid;

use super::{Scene, control, watch};
use crate::generate::actor::Actor;
use crate::generate::body::{self, Owner, Shape, fill};
use crate::generate::call::{CONFIGMAPS, Call, DEPLOYMENTS, PODS, REPLICASETS, SECRETS};
use crate::generate::cluster::catalog::{Spec, WORKLOADS};
use crate::generate::cluster::{DAY, Pod, SETTLE};

/// A pod that is about to be made.
pub(super) struct NewPod<'a> {
    pub(super) pod: &'a Pod,
    pub(super) owner: Owner<'a>,
    /// The controller that makes it.
    pub(super) maker: &'a Actor,
    /// The rollout that its image belongs to.
    pub(super) generation: usize,
    /// Its first token.
    pub(super) token: Uuid,
}

/// The build system rolls out an application for the `generation`th time.
pub(super) fn rolled_out(scene: &mut Scene, workload: usize, generation: usize) {
    let (cluster, spec, begun) = (scene.cluster, &WORKLOADS[workload], scene.at);
    let deployer = &cluster.deployer;
    let release = |version: usize| format!("sh.helm.release.v1.{}.v{version}", spec.name);
    let releases = Call::new("list", &SECRETS).within(spec.namespace);
    scene.call(deployer, &releases.query(format!("labelSelector=name%3D{}%2Cowner%3Dhelm", spec.name)));
    scene.wait(150, 400);
    let name = release(40 + generation);
    scene.call(deployer, &Call::new("create", &SECRETS).within(spec.namespace).named(&name));
    scene.wait(80, 300);
    scene.call(deployer, &Call::new("get", &DEPLOYMENTS).within(spec.namespace).named(spec.name));
    scene.wait(30, 80);

    let (uid, version) = (scene.uid(&DEPLOYMENTS, spec.namespace, spec.name), scene.version());
    let shape = |at| Shape { spec, name: spec.name, uid, version, created: cluster.start - 30 * DAY, at, generation };
    let patch = fill(
        r#"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"<app>"}],"containers":[{"image":"registry.example.com/<ns>/<app>:1.<tag>.0","name":"<app>"}]}}}}"#,
        &[("app", spec.name), ("ns", spec.namespace), ("tag", &generation.to_string())],
    );
    let call = Call::new("patch", &DEPLOYMENTS).within(spec.namespace).named(spec.name).query("fieldManager=helm");
    scene.call(deployer, &call.bodies(patch, body::workload("Deployment", &shape(scene.at), true)));
    scene.wait(10, 40);

    let set = cluster.replicaset(workload, generation);
    let set_uid = scene.uid(&REPLICASETS, spec.namespace, &set);
    let new_set = Shape { name: &set, uid: set_uid, ..shape(scene.at) };
    let call = Call::new("create", &REPLICASETS).within(spec.namespace).named(&set);
    let bodies = (body::workload("ReplicaSet", &new_set, false), body::workload("ReplicaSet", &new_set, true));
    let manager = cluster.controller("deployment-controller");
    scene.call(manager, &call.bodies(bodies.0, bodies.1));
    scene.tell(manager, spec.namespace, spec.name);

    let owner = ("apps/v1", "ReplicaSet", set.as_str(), set_uid);
    for slot in cluster.slots_of(workload) {
        scene.wait(200, 900);
        let pod = cluster.pod_of(slot, generation);
        let token = cluster.rotation(slot, &pod).token(begun + SETTLE);
        let maker = cluster.controller("replicaset-controller");
        pod_started(scene, &NewPod { pod: &pod, owner, maker, generation, token });
        control::slice_updated(scene, workload);
        let call = Call::new("update", &DEPLOYMENTS).within(spec.namespace).named(spec.name).sub("status");
        let state = shape(scene.at);
        let bodies = (body::workload("Deployment", &state, false), body::workload("Deployment", &state, true));
        scene.call(manager, &call.object(uid, version).bodies(bodies.0, bodies.1));
    }
    scene.wait(300, 900);
    let uid = scene.uid(&SECRETS, spec.namespace, &name);
    let call = Call::new("update", &SECRETS).within(spec.namespace).named(&name).object(uid, scene.version());
    scene.call(deployer, &call);
    // the old pods go when the new ones have taken over
    scene.at = begun + SETTLE;
    for slot in cluster.slots_of(workload) {
        scene.wait(100, 900);
        old_pod_removed(scene, &cluster.pod_of(slot, generation - 1));
    }
}

/// A pod is made, placed and started.
pub(super) fn pod_started(scene: &mut Scene, new: &NewPod) {
    let (cluster, pod, spec) = (scene.cluster, new.pod, new.pod.spec);
    let node = &cluster.nodes[pod.node];
    let kubelet = &cluster.kubelets[pod.node];
    let shape = Shape {
        spec,
        name: &pod.name,
        uid: pod.uid,
        version: scene.version(),
        created: scene.at,
        at: scene.at,
        generation: new.generation,
    };
    // whoever makes a pod from a template does not know its name yet
    let call = Call::new("create", &PODS).within(spec.namespace);
    let call = call.annotation("pod-security.kubernetes.io/enforce-policy", "baseline:latest");
    let wanted = body::pod_wanted(spec, new.owner, new.generation);
    scene.call(new.maker, &call.bodies(wanted, body::pod(&shape, new.owner, "")));
    scene.tell(new.maker, spec.namespace, new.owner.2);
    scene.wait(10, 60);
    placed(scene, spec, pod, &node.name);
    scene.wait(30, 150);

    scene.call(kubelet, &Call::new("get", &PODS).within(spec.namespace).named(&pod.name));
    scene.token_issued(pod, new.token);
    for secret in spec.secrets {
        scene.wait(1, 20);
        let query = format!("fieldSelector=metadata.name%3D{secret}&limit=500&resourceVersion=0");
        scene.call(kubelet, &Call::new("list", &SECRETS).within(spec.namespace).named(secret).query(query));
        watch::mount_watched(scene, kubelet, &SECRETS, spec.namespace, secret);
    }
    let query = format!("fieldSelector=metadata.name%3D{}&limit=500&resourceVersion=0", spec.config);
    scene.call(kubelet, &Call::new("list", &CONFIGMAPS).within(spec.namespace).named(spec.config).query(query));
    for ready in [false, true] {
        scene.wait(400, 1_600);
        scene.tell(kubelet, spec.namespace, &pod.name);
        let patch = body::pod_status(spec.name, pod.uid, &pod.ip, &node.ip, scene.at, ready);
        let call = Call::new("patch", &PODS).within(spec.namespace).named(&pod.name).sub("status");
        scene.call(kubelet, &call.bodies(patch, ""));
    }
}

fn placed(scene: &mut Scene, spec: &Spec, pod: &Pod, node: &str) {
    let scheduler = &scene.cluster.scheduler;
    let binding = fill(
        r#"{"kind":"Binding","apiVersion":"v1","metadata":{"name":"<name>","namespace":"<ns>","uid":"<uid>"},"target":{"kind":"Node","name":"<node>"}}"#,
        &[("name", &pod.name), ("ns", spec.namespace), ("uid", &pod.uid.to_string()), ("node", node)],
    );
    let answer = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}"#;
    let mut call = Call::new("create", &PODS).within(spec.namespace).named(&pod.name).sub("binding");
    call.uid = Some(pod.uid);
    scene.call(scheduler, &call.bodies(binding, answer));
    scene.wait(1, 6);
    scene.tell(scheduler, spec.namespace, &pod.name);
}

fn old_pod_removed(scene: &mut Scene, pod: &Pod) {
    let (cluster, namespace) = (scene.cluster, pod.spec.namespace);
    let remove = |seconds| {
        format!(r#"{{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/__internal","gracePeriodSeconds":{seconds}}}"#)
    };
    let call = Call::new("delete", &PODS).within(namespace).named(&pod.name);
    scene.call(cluster.controller("replicaset-controller"), &call.clone().bodies(remove(30), ""));
    scene.tell(cluster.controller("replicaset-controller"), namespace, pod.spec.name);
    scene.wait(900, 2_500);
    scene.call(&cluster.kubelets[pod.node], &call.bodies(remove(0), ""));
}
