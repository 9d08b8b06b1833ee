//! Attacks: scenarios in the middle of ordinary work, each event of which is labelled.

mod config;
mod identity;
mod pod;
mod secret;
mod theft;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::theft::{Reader, Theft};
use super::Label;
use super::actor::{Actor, Credential};
use super::call::Call;
use super::cluster::{Cluster, HOUR};
use super::dice::Dice;
use super::tape::Tape;
use super::traffic::Scene;
use crate::error::{Error, Result};

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// A stolen token of a backup operator reads dozens of secrets one by one.
    SecretSweep,
    /// All secrets of the cluster are listed, then watched.
    ClusterSecretList,
    /// An account tries secrets in every namespace until one lets it.
    DeniedProbe,
    /// A pod's token is used from another pod and from outside.
    StolenToken,
    /// A token is read by exec and used elsewhere.
    ExecTokenTheft,
    /// Commands are run through the kubelet by way of `nodes/proxy`.
    NodeProxyExec,
    /// A token of a privileged account is minted and used.
    TokenRequest,
    /// Anonymous users read pods and secrets by a bad binding.
    Anonymous,
    /// Roles and bindings that give everything, the right to give, or secrets.
    RbacEscalation,
    /// Pods that own their node.
    PrivilegedPod,
    /// A new pod mounts the secrets of another application.
    SecretMount,
    /// A client certificate is requested and approved by the same user.
    Csr,
    /// A mutating webhook that sends objects outside.
    Webhook,
    /// Requests as `system:masters` and as a controller.
    Impersonation,
    /// The config map that maps cloud identities to users is changed.
    AwsAuth,
    /// The configuration of the cluster's DNS is changed.
    Coredns,
    /// Events are deleted to hide what was done.
    EventsDeleted,
    /// A debugging container is put into a running pod.
    EphemeralContainer,
    /// A port of a database is forwarded outside.
    PortForward,
    /// A request that reuses the audit id of another, with a forged address and client.
    AuditIdReuse,
}

impl Attack {
    /// Every attack.
    pub const ALL: [Self; 20] = [
        Self::SecretSweep,
        Self::ClusterSecretList,
        Self::DeniedProbe,
        Self::StolenToken,
        Self::ExecTokenTheft,
        Self::NodeProxyExec,
        Self::TokenRequest,
        Self::Anonymous,
        Self::RbacEscalation,
        Self::PrivilegedPod,
        Self::SecretMount,
        Self::Csr,
        Self::Webhook,
        Self::Impersonation,
        Self::AwsAuth,
        Self::Coredns,
        Self::EventsDeleted,
        Self::EphemeralContainer,
        Self::PortForward,
        Self::AuditIdReuse,
    ];

    /// The name, in kebab case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretSweep => "secret-sweep",
            Self::ClusterSecretList => "cluster-secret-list",
            Self::DeniedProbe => "denied-probe",
            Self::StolenToken => "stolen-token",
            Self::ExecTokenTheft => "exec-token-theft",
            Self::NodeProxyExec => "node-proxy-exec",
            Self::TokenRequest => "token-request",
            Self::Anonymous => "anonymous",
            Self::RbacEscalation => "rbac-escalation",
            Self::PrivilegedPod => "privileged-pod",
            Self::SecretMount => "secret-mount",
            Self::Csr => "csr",
            Self::Webhook => "webhook",
            Self::Impersonation => "impersonation",
            Self::AwsAuth => "aws-auth",
            Self::Coredns => "coredns",
            Self::EventsDeleted => "events-deleted",
            Self::EphemeralContainer => "ephemeral-container",
            Self::PortForward => "port-forward",
            Self::AuditIdReuse => "audit-id-reuse",
        }
    }

    fn scenario(self) -> fn(&mut Raid) {
        match self {
            Self::SecretSweep => secret::sweep,
            Self::ClusterSecretList => secret::cluster_list,
            Self::DeniedProbe => secret::denied_probe,
            Self::Anonymous => secret::anonymous,
            Self::SecretMount => secret::mounted,
            Self::AuditIdReuse => secret::audit_id_reuse,
            Self::StolenToken => identity::stolen_token,
            Self::ExecTokenTheft => identity::exec_token_theft,
            Self::TokenRequest => identity::token_request,
            Self::RbacEscalation => identity::rbac_escalation,
            Self::Csr => identity::csr,
            Self::Impersonation => identity::impersonation,
            Self::NodeProxyExec => pod::node_proxy_exec,
            Self::PrivilegedPod => pod::privileged,
            Self::EphemeralContainer => pod::ephemeral_container,
            Self::PortForward => pod::port_forward,
            Self::Webhook => config::webhook,
            Self::AwsAuth => config::aws_auth,
            Self::Coredns => config::coredns,
            Self::EventsDeleted => config::events_deleted,
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Attack {
    type Err = Error;

    /// Reads a name in kebab or snake case.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.replace('_', "-");
        Self::ALL.into_iter().find(|attack| attack.as_str() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|attack| attack.as_str()).collect();
            Error::usage(format!("unknown attack {text:?}; use {}", names.join(", ")))
        })
    }
}

/// A log shorter than this has its attacks go faster in proportion.
const USUAL_SPAN: i64 = 6 * HOUR;

/// One attack under way.
pub(super) struct Raid<'a> {
    pub(super) scene: Scene<'a>,
    attack: Attack,
    /// Where the attacker sits.
    outside: String,
    labels: Vec<(i64, Label)>,
    /// When the first request that gains something was received.
    since: i64,
    theft: Theft,
}

/// Runs the attack at a time of the seed's choice; returns its events, its labels with their times, and what it gained.
pub(super) fn raid(cluster: &Cluster, attack: Attack) -> (Tape, Vec<(i64, Label)>, Theft) {
    let number = Attack::ALL.iter().position(|other| *other == attack).unwrap_or(0);
    let mut dice = Dice::new(cluster.seed, "attack", number as u64);
    let span = cluster.end - cluster.start;
    let at = cluster.start + dice.between(span / 8, span / 4 * 3);
    let scene = Scene { cluster, tape: Tape::new(cluster, dice, u64::MAX), at };
    let outside = format!("203.0.113.{}", 10 + number);
    let mut raid = Raid { scene, attack, outside, labels: Vec::new(), since: cluster.end, theft: Theft::new(attack) };
    attack.scenario()(&mut raid);
    let marks = raid.scene.tape.sort();
    let until = marks.last().map_or(at, |mark| mark.key + 1);
    raid.theft.lasted(raid.since, until);
    (raid.scene.tape, raid.labels, raid.theft)
}

impl Raid<'_> {
    /// Records a request that is part of the attack.
    fn step(&mut self, step: impl Into<String>, actor: &Actor, call: &Call) {
        self.record(step.into(), false, actor, call);
    }

    /// Records a request of the attacker that nobody would be alarmed by on its own.
    fn noise(&mut self, step: impl Into<String>, actor: &Actor, call: &Call) {
        self.record(step.into(), true, actor, call);
    }

    fn record(&mut self, step: String, noisy: bool, actor: &Actor, call: &Call) {
        self.gain(actor, call);
        let id = self.scene.call(actor, call);
        self.label(id, step, noisy);
        self.wait(2, 12);
    }

    /// Notes what a request gains.
    fn gain(&mut self, actor: &Actor, call: &Call) {
        self.since = self.since.min(self.scene.at);
        self.theft.add(self.scene.cluster, self.scene.at, actor, call);
    }

    fn label(&mut self, id: Uuid, step: String, noisy: bool) {
        let label = Label { attack: self.attack, audit_id: id.to_string(), step, noisy };
        self.labels.push((self.scene.at, label));
    }

    /// Lets so many seconds pass, fewer in a short log.
    fn wait(&mut self, low: i64, high: i64) {
        let pace = (self.scene.cluster.end - self.scene.cluster.start).min(USUAL_SPAN);
        let scaled = |seconds: i64| (seconds * 1_000 * pace / USUAL_SPAN).max(1);
        self.scene.wait(scaled(low), scaled(high));
    }

    /// Someone else's account or certificate in the hands of the attacker, outside, with their client.
    fn taken(&self, actor: &Actor, agent: &str) -> Actor {
        actor.clone().from(&self.outside).using(agent)
    }

    /// The token that a pod of this workload has now, wherever it is used.
    fn token(&self, namespace: &str, workload: &str) -> Actor {
        let cluster = self.scene.cluster;
        let actor = cluster.pod_actor(cluster.slot(namespace, workload), self.scene.at);
        match actor.credential {
            Credential::Rotating(rotation) => {
                let token = rotation.token(self.scene.at);
                actor.holding(Credential::Token(token))
            }
            _ => actor,
        }
    }

    /// The certificate of one of the people: two administrators, then developers.
    fn person(&self, number: usize) -> &Actor {
        &self.scene.cluster.people[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::cluster::DAY;

    #[test]
    fn every_attack_leaves_labelled_events_within_the_log() {
        for span in [HOUR, DAY] {
            let cluster = Cluster::new(11, 0, span, 100_000);
            for attack in Attack::ALL {
                let (tape, labels, theft) = raid(&cluster, attack);
                assert!(!theft.actors.is_empty() && !theft.addresses.is_empty(), "{attack}");
                assert!(labels.iter().any(|(_, label)| !label.noisy), "{attack}");
                assert!(labels.len() <= tape.marks().len(), "{attack}");
                for mark in tape.marks() {
                    assert!((0..=span + 5_000).contains(&mark.key), "{attack}");
                    serde_json::from_slice::<serde_json::Value>(tape.line(mark))
                        .unwrap_or_else(|error| panic!("{attack}: {error}"));
                }
            }
        }
    }

    #[test]
    fn names_are_read_in_kebab_and_snake_case() {
        for attack in Attack::ALL {
            assert_eq!(attack.as_str().parse::<Attack>().unwrap(), attack);
            assert_eq!(serde_json::to_value(attack).unwrap(), attack.as_str());
        }
        assert_eq!("secret_sweep".parse::<Attack>().unwrap(), Attack::SecretSweep);
        assert!("secret sweep".parse::<Attack>().unwrap_err().to_string().contains("secret-sweep"));
    }
}
