//! People with kubectl, and those whom nobody knows: probes, expired tokens, wrong turns.

use super::{DISCOVERY, PUBLIC, Scene};
use crate::generate::actor::Actor;
use crate::generate::call::{
    CONFIGMAPS, Call, DEPLOYMENTS, EVENTS, NODES, Outcome, POD_METRICS, PODS, SECRETS, SELF_ACCESS_REVIEWS, SERVICES,
};
use crate::generate::cluster::catalog::APP_NAMESPACES;
use crate::generate::cluster::{HOUR, SECOND, Slot, anonymous};

/// Someone looks after an application: a few commands within some minutes. Few do so at night.
pub(super) fn session(scene: &mut Scene) {
    let hour = scene.at.div_euclid(HOUR).rem_euclid(24);
    if !(7..18).contains(&hour) && !scene.tape.dice.chance(60) {
        return;
    }
    let cluster = scene.cluster;
    let person = scene.tape.dice.pick(&cluster.people);
    let slot = scene.any_slot(|slot| slot.spec.rollouts > 0);
    scene.call(person, &Call::path("get", "/api").reason(DISCOVERY));
    scene.wait(20, 60);
    scene.call(person, &Call::path("get", "/apis").reason(DISCOVERY));
    for _ in 0..scene.tape.dice.between(3, 12) {
        scene.wait(2_000, 45_000);
        command(scene, person, slot);
    }
}

fn command(scene: &mut Scene, person: &Actor, slot: usize) {
    let cluster = scene.cluster;
    let pod = cluster.pod(slot, scene.at);
    let namespace = pod.spec.namespace;
    let call = match scene.tape.dice.below(12) {
        0..=3 => Call::new("list", &PODS).within(namespace).query("limit=500"),
        4 => Call::new("get", &PODS).within(namespace).named(&pod.name),
        5..=6 => {
            let query = format!("container={}&tailLines=200", pod.spec.name);
            Call::new("get", &PODS).within(namespace).named(&pod.name).sub("log").query(query)
        }
        7 => {
            let query = format!("fieldSelector=involvedObject.name%3D{}&limit=500", pod.name);
            Call::new("list", &EVENTS).within(namespace).query(query)
        }
        8 => Call::new("get", &DEPLOYMENTS).within(namespace).named(pod.spec.name),
        9 => Call::new("list", &SERVICES).within(namespace).query("limit=500"),
        10 => Call::new("get", &CONFIGMAPS).within(namespace).named(pod.spec.config),
        _ => Call::new("list", &POD_METRICS).within(namespace),
    };
    scene.call(person, &call);
}

/// A load balancer or a kubelet asks whether the API server lives; Prometheus reads its metrics.
pub(super) fn probe(scene: &mut Scene) {
    let cluster = scene.cluster;
    match scene.tape.dice.below(20) {
        0..=11 => {
            let path = *scene.tape.dice.pick(&["/livez", "/readyz", "/readyz"]);
            let node = scene.tape.dice.below(3);
            let actor = anonymous().from(&cluster.nodes[node].ip).using("kube-probe/1.34");
            scene.call(&actor, &Call::path("get", path).reason(PUBLIC));
        }
        12..=13 => {
            let actor = anonymous().from("10.10.0.5").using("ELB-HealthChecker/2.0");
            scene.call(&actor, &Call::path("get", "/readyz").reason(PUBLIC));
        }
        14 => {
            let actor = anonymous().from("198.51.100.90").using("Go-http-client/1.1");
            scene.call(&actor, &Call::path("get", "/version").reason(PUBLIC));
        }
        _ => {
            let slot = scene.any_slot(|slot| slot.spec.name == "prometheus");
            let actor = scene.pod_actor(slot);
            scene.call(&actor, &Call::path("get", "/metrics"));
        }
    }
}

/// Someone may not do what they ask: a missing right, not an attack.
pub(super) fn refused(scene: &mut Scene) {
    let cluster = scene.cluster;
    if scene.tape.dice.chance(900) {
        // an application that was installed with too small a role and asks again and again
        let slot = scene.any_slot(|slot| slot.spec.name == "grafana");
        let actor = scene.pod_actor(slot);
        scene.call(&actor, &Call::new("list", &CONFIGMAPS).query("limit=500").outcome(Outcome::Forbidden));
        return;
    }
    let developers: &[Actor] = &cluster.people[2..];
    let person = scene.tape.dice.pick(developers);
    let may = r#"{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{"resourceAttributes":{"verb":"list","resource":"nodes"}},"status":{"allowed":false}}"#;
    let reason = r#"RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" to Group "system:authenticated""#;
    scene.call(person, &Call::new("create", &SELF_ACCESS_REVIEWS).body(may).reason(reason));
    scene.wait(1_000, 4_000);
    scene.call(person, &Call::new("list", &NODES).query("limit=500").outcome(Outcome::Forbidden));
}

/// A token outlived its pod or its hour: nobody knows who asks.
pub(super) fn unknown(scene: &mut Scene) {
    let slot = scene.any_slot(|slot: &Slot| slot.spec.chatter > 0 && !slot.spec.host);
    let actor = scene.pod_actor(slot);
    let namespace = *scene.tape.dice.pick(APP_NAMESPACES);
    for call in [Call::new("list", &PODS).within(namespace), Call::new("watch", &PODS).within(namespace)] {
        scene.call(&actor, &call.outcome(Outcome::Unauthorized));
        scene.at += SECOND;
    }
}

/// An administrator, with the reason that goes with `cluster-admin`.
pub(super) fn administrator<'a>(scene: &mut Scene<'a>) -> &'a Actor {
    let cluster = scene.cluster;
    scene.tape.dice.pick(&cluster.people[..2])
}

/// A developer reads a secret of the development namespace, which their role allows.
pub(super) fn developer_reads(scene: &mut Scene, name: &str) {
    let cluster = scene.cluster;
    let developers: &[Actor] = &cluster.people[2..];
    let person = scene.tape.dice.pick(developers);
    let reason = r#"RBAC: allowed by RoleBinding "developers-edit/dev" of ClusterRole "edit" to Group "developers""#;
    scene.call(person, &Call::new("get", &SECRETS).within("dev").named(name).reason(reason));
}
