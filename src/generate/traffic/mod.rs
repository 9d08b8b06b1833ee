//! A day's ordinary work: what a healthy cluster asks of its API server, in the proportions of recorded clusters, and
//! the harmless errands that look like attacks.

mod control;
mod errand;
mod job;
mod node;
mod operator;
mod people;
mod rollout;
mod watch;

use uuid::Uuid;

use super::actor::{Actor, Credential};
use super::body;
use super::call::{Call, EVENTS, Resource, SERVICEACCOUNTS};
use super::cluster::catalog::CONTROLLERS;
use super::cluster::{Cluster, Errand, Pod, Slot};
use super::dice::Dice;
use super::tape::Tape;

/// A reason that anyone who is somebody shares.
pub(crate) const DISCOVERY: &str = r#"RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated""#;

/// The reason for what is told to nobody in particular.
pub(crate) const PUBLIC: &str = r#"RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated""#;

/// One pod in this many requests is seen with its node's address: it crossed to an API server on another network.
const SNAT_PER_MILLE: i64 = 150;

/// A kind of work: it records what the cluster is asked for it, from the scene's time on.
type Work = fn(&mut Scene);

/// How often each kind of work begins, compared with the others. A piece of work is one event or a few (watches are
/// two, a job about twenty), so these are not shares of events.
const MIX: &[(usize, Work)] = &[
    (2_000, control::lease_renewed),
    (1_500, control::lease_read),
    (420, control::status_updated),
    (110, control::endpoints_updated),
    (200, control::discovery),
    (260, control::own_upkeep),
    (260, control::review),
    (130, node::heartbeat),
    (250, node::pod_synced),
    (110, node::secret_fetched),
    (120, node::config_fetched),
    (240, node::event_told),
    (1_350, operator::read),
    (900, operator::resync),
    (240, operator::status_written),
    (160, operator::listed),
    (130, operator::event_told),
    (620, watch::restarted),
    (10, job::ran),
    (12, people::session),
    (300, people::probe),
    (6, people::refused),
    (5, people::unknown),
];

/// Where things happen: the cluster, the tape that records them, and the time.
pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) tape: Tape,
    /// Now, in microseconds since 1970.
    pub(crate) at: i64,
}

/// The work of one slice of time: exactly `events` events, of which some complete after the slice.
pub(crate) fn slice(cluster: &Cluster, number: u64, (from, until): (i64, i64), events: u64) -> Tape {
    let tape = Tape::new(cluster, Dice::new(cluster.seed, "slice", number), events);
    let mut scene = Scene { cluster, tape, at: from };
    for &(at, errand) in cluster.errands(from, until) {
        scene.at = at;
        scene.run(errand);
    }
    scene.renew_tokens(from, until);
    let total: usize = MIX.iter().map(|(weight, _)| weight).sum();
    while !scene.tape.is_full() {
        scene.at = scene.tape.dice.between(from, until - 1);
        let mut drawn = scene.tape.dice.below(total);
        for (weight, work) in MIX {
            if drawn < *weight {
                work(&mut scene);
                break;
            }
            drawn -= weight;
        }
    }
    scene.tape.sort();
    scene.tape
}

impl Scene<'_> {
    /// Records a request of now.
    pub(crate) fn call(&mut self, actor: &Actor, call: &Call) -> Uuid {
        self.tape.record(self.at, actor, call)
    }

    /// Lets some milliseconds pass.
    pub(crate) fn wait(&mut self, low: i64, high: i64) {
        self.at += self.tape.dice.between(low * 1_000, high * 1_000);
    }

    /// The account of the pod in a slot, seen with the pod's address or, for some, the node's.
    fn pod_actor(&mut self, slot: usize) -> Actor {
        let actor = self.cluster.pod_actor(slot, self.at);
        if self.tape.dice.chance(SNAT_PER_MILLE) {
            let node = self.cluster.pod(slot, self.at).node;
            return actor.from(&self.cluster.nodes[node].ip);
        }
        actor
    }

    /// A slot whose workload fits, chosen by the workload's chatter.
    fn chatty_slot(&mut self, fits: impl Fn(&Slot) -> bool) -> usize {
        let cluster = self.cluster;
        let weight = |slot: &Slot| if fits(slot) { slot.spec.chatter } else { 0 };
        let mut drawn = self.tape.dice.below(cluster.slots.iter().map(weight).sum());
        for (index, slot) in cluster.slots.iter().enumerate() {
            if drawn < weight(slot) {
                return index;
            }
            drawn -= weight(slot);
        }
        0
    }

    /// One of the slots that fit.
    fn any_slot(&mut self, fits: impl Fn(&Slot) -> bool) -> usize {
        let fitting = |(_, slot): &(usize, &Slot)| fits(slot);
        let slots = self.cluster.slots.iter().enumerate();
        let count = slots.clone().filter(fitting).count();
        let drawn = self.tape.dice.below(count);
        slots.filter(fitting).nth(drawn).map_or(0, |(index, _)| index)
    }

    /// `create` of an event about an object.
    fn tell(&mut self, actor: &Actor, namespace: &str, about: &str) {
        let name = format!("{about}.{:016x}", 0x18a0_0000_0000_0000 + self.at.unsigned_abs() * 64);
        self.call(actor, &Call::new("create", &EVENTS).within(namespace).named(&name));
    }

    /// The resource version of now.
    fn version(&self) -> u64 {
        self.cluster.version(self.at)
    }

    /// The uid of an object.
    fn uid(&self, resource: &Resource, namespace: &str, name: &str) -> Uuid {
        self.cluster.object_uid(resource.name, namespace, name)
    }

    /// The kubelets renew the tokens of their pods, the controller manager those of its controllers.
    fn renew_tokens(&mut self, from: i64, until: i64) {
        let cluster = self.cluster;
        for slot in 0..cluster.slots.len() {
            for at in cluster.rotation(slot, &cluster.pod(slot, from)).renewals(from, until) {
                self.at = at;
                let pod = cluster.pod(slot, at);
                let token = cluster.rotation(slot, &pod).issued(at);
                self.token_issued(&pod, token);
            }
        }
        for (actor, name) in cluster.controllers.iter().zip(CONTROLLERS) {
            let Credential::Rotating(rotation) = &actor.credential else { continue };
            for at in rotation.renewals(from, until) {
                self.at = at;
                let request = body::token_request(None, 3600);
                let call = Call::new("create", &SERVICEACCOUNTS).within("kube-system").named(name).sub("token");
                self.call(&cluster.manager, &call.bodies(request, "").issued(rotation.issued(at)));
            }
        }
    }

    /// A kubelet gets a token for a pod.
    fn token_issued(&mut self, pod: &Pod, token: Uuid) {
        let request = body::token_request(Some((&pod.name, pod.uid)), 3607);
        let call = Call::new("create", &SERVICEACCOUNTS).within(pod.spec.namespace).named(pod.spec.name).sub("token");
        self.call(&self.cluster.kubelets[pod.node], &call.bodies(request, "").issued(token));
    }

    fn run(&mut self, errand: Errand) {
        match errand {
            Errand::Rollout { workload, generation } => rollout::rolled_out(self, workload, generation),
            Errand::Informers => watch::informers_started(self),
            Errand::DebugExec => errand::debug_exec(self),
            Errand::OwnSecret => errand::own_secret(self),
            Errand::TeamBinding => errand::team_binding(self),
            Errand::NodeAgent => errand::node_agent(self),
            Errand::NodeCertificate => errand::node_certificate(self),
        }
    }
}
