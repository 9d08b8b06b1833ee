//! What an attack truly gained, told by the world that it happens in and not by the log: what a dossier must find.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Attack;
use crate::generate::actor::Actor;
use crate::generate::body;
use crate::generate::call::{Call, Outcome};
use crate::generate::cluster::catalog::WORKLOADS;
use crate::generate::cluster::{Cluster, Errand};

/// Identity, address, credential.
pub type Reader = (String, String, String);

/// The gain of one attack: one line of `_truth.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Theft {
    /// The attack.
    pub attack: Attack,
    /// The identities that the attacker came as, and those that it acted for.
    pub actors: BTreeSet<String>,
    /// Where the attacker came from.
    pub addresses: BTreeSet<String>,
    /// The ids of the credentials that the attacker came with.
    pub credentials: BTreeSet<String>,
    /// When its first request was received, RFC 3339.
    pub since: String,
    /// The first moment after its last event, RFC 3339.
    pub until: String,
    /// Whose rights reached Secrets, from which address, with which credential (empty for none).
    pub readers: Vec<Reader>,
    /// The Secrets whose values were within reach, `namespace/name`, each with the places of its readers.
    pub secrets: BTreeMap<String, BTreeSet<usize>>,
    /// The pods that were entered, `namespace/name`.
    pub entered: BTreeSet<String>,
    /// The ids of the tokens that were minted.
    pub minted: BTreeSet<String>,
    /// Secrets of the pods that the attacker made.
    #[serde(skip)]
    made: BTreeMap<String, Vec<String>>,
}

impl Theft {
    pub(super) fn new(attack: Attack) -> Self {
        let none = BTreeSet::new;
        let (since, until) = (String::new(), String::new());
        let (actors, addresses, credentials, entered, minted) = (none(), none(), none(), none(), none());
        let (readers, secrets, made) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { attack, actors, addresses, credentials, since, until, readers, secrets, entered, minted, made }
    }

    /// Says when it happened, in microseconds since 1970: the first moment, and the first after it.
    pub(super) fn lasted(&mut self, since: i64, until: i64) {
        (self.since, self.until) = (body::micros(since), body::micros(until));
    }

    /// Adds what a request gained. The nodes and controllers that serve an attack gain nothing by it.
    pub(super) fn add(&mut self, cluster: &Cluster, at: i64, actor: &Actor, call: &Call) {
        if actor.name.starts_with("system:node:") || actor.name.ends_with(":certificate-controller") {
            return;
        }
        self.actors.insert(actor.name.clone());
        self.addresses.insert(actor.ip.clone());
        let acting = call.acting().unwrap_or_else(|| actor.name.clone());
        self.actors.insert(acting.clone());
        let credential = actor.credential.id(at);
        self.credentials.extend(credential.clone());
        let who = (acting, actor.ip.clone(), credential.unwrap_or_default());
        if !matches!(call.outcome, Outcome::Done | Outcome::Upgraded) {
            return;
        }
        self.minted.extend(call.issued.map(|id| format!("JTI={id}")));
        match (call.resource.map_or("", |resource| resource.name), call.subresource) {
            ("secrets", "") if matches!(call.verb, "get" | "list" | "watch") => {
                self.gain(within(cluster, call, at), &who);
            }
            ("pods", "") if call.verb == "create" => {
                let pod = format!("{}/{}", call.namespace, call.name);
                let secrets = named(&call.request, call.namespace);
                self.gain(secrets.iter().cloned(), &who);
                self.gain(of_node(cluster, &call.request, at), &who);
                self.made.insert(pod, secrets);
            }
            ("pods", "exec" | "attach" | "ephemeralcontainers") => {
                self.enter(cluster, at, format!("{}/{}", call.namespace, call.name), &who);
            }
            ("nodes", "proxy") => {
                // /exec/{namespace}/{pod}/{container}
                let path: Vec<_> = call.rest.split('/').collect();
                if let ["", "exec" | "run", namespace, pod, ..] = path[..] {
                    self.enter(cluster, at, format!("{namespace}/{pod}"), &who);
                }
            }
            _ => {}
        }
    }

    fn gain(&mut self, secrets: impl IntoIterator<Item = String>, who: &Reader) {
        for secret in secrets {
            let known = self.readers.iter().position(|reader| reader == who);
            let place = known.unwrap_or(self.readers.len());
            self.readers.extend(known.is_none().then(|| who.clone()));
            self.secrets.entry(secret).or_default().insert(place);
        }
    }

    fn enter(&mut self, cluster: &Cluster, at: i64, pod: String, who: &Reader) {
        let slots = (0..cluster.slots.len()).map(|slot| cluster.pod(slot, at));
        for known in slots.filter(|known| format!("{}/{}", known.spec.namespace, known.name) == pod) {
            let secrets = known.spec.secrets.iter();
            self.gain(secrets.map(|name| format!("{}/{name}", known.spec.namespace)), who);
        }
        self.gain(self.made.get(&pod).cloned().unwrap_or_default(), who);
        self.entered.insert(pod);
    }
}

/// The secrets that a read shows: the one that it names, else all that are there while it lasts.
fn within(cluster: &Cluster, call: &Call, at: i64) -> BTreeSet<String> {
    if !call.name.is_empty() {
        return BTreeSet::from([format!("{}/{}", call.namespace, call.name)]);
    }
    let mut born: BTreeMap<String, i64> = BTreeMap::new();
    let mut all: BTreeSet<(&str, String)> =
        cluster.secrets.iter().map(|(namespace, name)| (*namespace, (*name).to_owned())).collect();
    let reads = WORKLOADS.iter().flat_map(|spec| spec.reads).filter(|(resource, ..)| resource.name == "secrets");
    all.extend(reads.map(|(_, namespace, name)| (*namespace, (*name).to_owned())));
    for (begun, errand) in cluster.errands(i64::MIN, i64::MAX) {
        if let Errand::Rollout { workload, generation } = errand {
            let spec = &WORKLOADS[*workload];
            let name = format!("sh.helm.release.v1.{}.v{}", spec.name, 40 + generation);
            born.insert(format!("{}/{name}", spec.namespace), *begun);
            all.insert((spec.namespace, name));
        }
    }
    let until = at + call.open;
    all.into_iter()
        .filter(|(namespace, _)| call.namespace.is_empty() || call.namespace == *namespace)
        .map(|(namespace, name)| format!("{namespace}/{name}"))
        .filter(|secret| born.get(secret).is_none_or(|begun| *begun <= until))
        .collect()
}

/// The secrets of all pods beside a pod that has its node in hand.
fn of_node(cluster: &Cluster, body: &str, at: i64) -> BTreeSet<String> {
    let pod: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let is_open = pod.pointer("/spec/containers/0/securityContext/privileged") == Some(&true.into());
    let node = pod["spec"]["nodeName"].as_str().filter(|_| is_open);
    let pods = (0..cluster.slots.len()).map(|slot| cluster.pod(slot, at));
    let beside = pods.filter(|beside| node == Some(&cluster.nodes[beside.node].name));
    let secrets = beside
        .flat_map(|beside| beside.spec.secrets.iter().map(move |name| format!("{}/{name}", beside.spec.namespace)));
    secrets.collect()
}

/// The secrets that the body of a pod names.
fn named(body: &str, namespace: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![serde_json::from_str(body).unwrap_or_default()];
    while let Some(value) = left.pop() {
        match value {
            serde_json::Value::Object(members) => {
                for (key, value) in members {
                    let name = if key == "secretRef" { value["name"].as_str() } else { value.as_str() };
                    if matches!(key.as_str(), "secretName" | "secretRef") {
                        found.extend(name.map(|name| format!("{namespace}/{name}")));
                    }
                    left.push(value);
                }
            }
            serde_json::Value::Array(elements) => left.extend(elements),
            _ => {}
        }
    }
    found
}
