//! Thefts that the generator planted: what they gained is known beforehand, and must be told exactly.

use std::collections::{BTreeMap, BTreeSet};

use kubesift::rbac::Asked;
use serde_json::Value;

use super::{json_of, secret, secrets, text, texts};
use crate::rig::{Scratch, files_below};

/// Secret, whose rights, from where, with which credential.
type Gain = (String, String, String, String);

/// A generated log in a lake, and what is true of it.
pub(super) struct Planted {
    pub(super) scratch: Scratch,
    log: String,
    /// What each attack gained.
    pub(super) thefts: Vec<Value>,
    /// What was granted to whom, and never used.
    pub(super) granted: BTreeMap<String, Value>,
    /// The audit ids of the attacks' requests.
    labelled: BTreeSet<String>,
}

impl Planted {
    pub(super) fn new(events: u64, seed: u64) -> Self {
        let scratch = Scratch::new();
        scratch.run(&format!("generate --events {events} --out log --compression none --seed {seed}")).ends(0);
        scratch.run("ingest log --lake lake").ends(0);
        let read = |start: &str| -> String {
            let files = files_below(&scratch.path("log")).into_iter();
            let files = files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(start));
            files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
        };
        let lines =
            |text: String| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
        let (log, thefts) = (read("audit-"), lines(read("_truth")));
        let granted = lines(read("_rights")).into_iter().map(|holder| (text(&holder["identity"]), holder)).collect();
        let labelled = lines(read("labels")).iter().map(|label| text(&label["audit_id"])).collect();
        Self { scratch, log, thefts, granted, labelled }
    }

    /// The requests by which an identity's rights were used, and whether each was a theft's.
    pub(super) fn requests(&self, identity: &str) -> Vec<(Value, bool)> {
        let mark = format!(r#""username":"{identity}""#);
        let lines = self.log.lines().filter(|line| line.contains(&mark));
        let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let events = events.filter(|event| {
            let user = if event["impersonatedUser"].is_object() { &event["impersonatedUser"] } else { &event["user"] };
            user["username"] == identity
        });
        let is_theft = |event: &Value| self.labelled.contains(event["auditID"].as_str().unwrap());
        events.map(|event| (is_theft(&event), event)).map(|(is_theft, event)| (event, is_theft)).collect()
    }

    /// What thefts gained of the secrets that the log names at all.
    fn truth<'a>(&self, thefts: impl IntoIterator<Item = &'a Value>) -> BTreeSet<Gain> {
        let named: BTreeSet<&str> = self.log.split('"').collect();
        let mut truth = BTreeSet::new();
        for theft in thefts {
            for (secret, readers) in theft["secrets"].as_object().unwrap() {
                let name = secret.split('/').nth(1).unwrap();
                let readers = readers.as_array().unwrap().iter().filter(|_| named.contains(name));
                let readers = readers.map(|place| &theft["readers"][usize::try_from(place.as_u64().unwrap()).unwrap()]);
                truth.extend(readers.map(|by| (secret.clone(), text(&by[0]), text(&by[1]), text(&by[2]))));
            }
        }
        truth
    }

    /// The secrets that whoever was robbed read with the same credentials, from one time to another.
    fn own_reads(&self, theft: &Value, since: &str, until: &str) -> BTreeSet<Gain> {
        let (credentials, mut own) = (texts(&theft["credentials"]), BTreeSet::new());
        for identity in texts(&theft["actors"]) {
            for (event, is_theft) in self.requests(&identity) {
                let id = text(&event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0]);
                let at = event["requestReceivedTimestamp"].as_str().unwrap();
                let (asked, code) = (asked(&event), event["responseStatus"]["code"].as_u64());
                let is_read = asked.resource == "secrets" && ["get", "list", "watch"].contains(&asked.verb);
                if !is_theft && is_read && code < Some(400) && credentials.contains(&id) && since <= at && at < until {
                    assert_eq!(asked.verb, "get", "a list of its own would have to be told in full: {event}");
                    let secret = format!("{}/{}", asked.namespace, asked.name);
                    own.insert((secret, identity.clone(), text(&event["sourceIPs"][0]), id));
                }
            }
        }
        own
    }
}

/// What an event of a raw log asked for.
pub(super) fn asked(event: &Value) -> Asked<'_> {
    let text = |key: &str| event["objectRef"][key].as_str().unwrap_or_default();
    let uri = event["requestURI"].as_str().unwrap_or_default();
    Asked {
        verb: event["verb"].as_str().unwrap(),
        api_group: text("apiGroup"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
        path: if event["objectRef"].is_object() { "" } else { uri.split('?').next().unwrap() },
    }
}

/// Whether the attacker sat outside in all of it, at an address that nobody else has.
pub(super) fn is_outside(theft: &Value) -> bool {
    texts(&theft["addresses"]).iter().all(|address| address.starts_with("203.0.113."))
}

/// What of the answer says that somebody holds a secret.
fn gains(dossier: &Value) -> BTreeSet<Gain> {
    let harmless = ["written", "removed", "denied", "failed"];
    let rows = dossier["accesses"].as_array().unwrap().iter();
    let rows = rows.filter(|row| !harmless.contains(&row["how"].as_str().unwrap()));
    rows.map(|row| (secret(row), text(&row["actor"]), text(&row["client_ip"]), text(&row["credential_id"]))).collect()
}

fn same(found: &BTreeSet<Gain>, wanted: &BTreeSet<Gain>) {
    let missing: Vec<_> = wanted.difference(found).collect();
    let extra: Vec<_> = found.difference(wanted).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
}

/// The pods that the subject entered.
fn entered(dossier: &Value) -> BTreeSet<String> {
    let into_pods = ["exec", "attach", "ephemeralcontainers", "node_exec", "node_run", "node_attach"];
    let rows = dossier["entries"].as_array().unwrap().iter().filter(|row| row["by_subject"] == true);
    rows.filter(|row| into_pods.contains(&row["kind"].as_str().unwrap())).map(|row| text(&row["pod"])).collect()
}

/// The secrets to replace, and who read each.
fn lists(answer: &Value, wanted: &BTreeSet<Gain>) {
    assert_eq!(secrets(answer), wanted.iter().map(|gain| gain.0.clone()).collect());
    for row in answer["secrets"].as_array().unwrap() {
        let readers = row["readers"].as_array().unwrap().iter().map(|reader| text(&reader["actor"]));
        let truth = wanted.iter().filter(|gain| gain.0 == secret(row)).map(|gain| gain.1.clone());
        assert_eq!(readers.collect::<BTreeSet<_>>(), truth.collect(), "{row}");
    }
}

#[test]
fn a_planted_theft_is_told_exactly() {
    for seed in [1, 2] {
        let planted = Planted::new(14_000, seed);
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| inside(&planted));
            outside(&planted);
            inside.join().unwrap();
        });
    }
}

/// Attackers outside sit at addresses that nobody else has: nothing may be missing and nothing too many.
fn outside(planted: &Planted) {
    let outside: Vec<&Value> = planted.thefts.iter().filter(|theft| is_outside(theft)).collect();
    let wanted = planted.truth(outside.iter().copied());
    assert!(wanted.len() > 200, "{}", wanted.len());
    let addresses: BTreeSet<String> = outside.iter().flat_map(|theft| texts(&theft["addresses"])).collect();
    let flags: Vec<&str> = addresses.iter().flat_map(|address| ["--address", address.as_str()]).collect();
    let dossier = json_of(&planted.scratch, &[&["investigate"], &flags[..]].concat());
    same(&gains(&dossier), &wanted);
    lists(&dossier, &wanted);
    lists(&json_of(&planted.scratch, &[&["rotate"], &flags[..]].concat()), &wanted);

    let truth = |key: &str| outside.iter().flat_map(|theft| texts(&theft[key])).collect::<BTreeSet<_>>();
    assert_eq!(entered(&dossier), truth("entered"));
    assert!(truth("entered").len() > 2);
    let minted = dossier["minted"].as_array().unwrap().iter().map(|row| text(&row["issued_credential_id"]));
    assert_eq!(minted.collect::<BTreeSet<_>>(), truth("minted"));
    let tokens = dossier["tokens"].as_array().unwrap().iter();
    let used = tokens.filter(|token| token["why"] == "minted" && token["requests"].as_u64() > Some(0));
    assert!(used.count() > 0, "a minted token was used: {}", dossier["tokens"]);
}

/// An attacker inside comes from the address of the pod whose token it took, or of another pod. The credential tells it
/// from everybody else, and where the pod itself reads no secrets that is all. Otherwise the two cannot be told apart:
/// the kubelet gives a pod one token, and whoever takes it out of the pod's files asks with the same id. Then the time
/// of the theft is all that narrows it, and what the pod itself read meanwhile is told with it. (The name that a client
/// gives itself would tell them apart here, but a thief gives whatever name it wants.)
fn inside(planted: &Planted) {
    let mut apart = 0;
    let inside: Vec<&Value> = planted.thefts.iter().filter(|theft| !is_outside(theft)).collect();
    assert!(inside.len() > 2, "{inside:#?}");
    for theft in inside {
        let (actors, credentials) = (texts(&theft["actors"]), texts(&theft["credentials"]));
        let mut flags: Vec<&str> = actors.iter().map(String::as_str).collect();
        flags.extend(credentials.iter().flat_map(|id| ["--credential", id.as_str()]));
        let mut wanted = planted.truth([theft]);
        if planted.own_reads(theft, "", "9").is_empty() {
            apart += 1;
        } else {
            let (since, until) = (theft["since"].as_str().unwrap(), theft["until"].as_str().unwrap());
            flags.extend(["--since", since, "--until", until]);
            wanted.extend(planted.own_reads(theft, since, until));
        }
        let dossier = json_of(&planted.scratch, &[&["investigate"], &flags[..]].concat());
        same(&gains(&dossier), &wanted);
        lists(&dossier, &wanted);
        assert_eq!(entered(&dossier), texts(&theft["entered"]), "{theft}");
    }
    assert!(apart > 1, "most are told apart by the credential alone");
}
