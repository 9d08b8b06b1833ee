//! The list of what to replace: secrets by how pressing each is, and the credentials to take away.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::report::dossier::{Access, Entry, Minted, Presence, Reader, Rotation, Token};
use crate::report::human::few;

/// What is known of a Secret beside its accesses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Life {
    cluster: String,
    namespace: String,
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    keys: Option<String>,
    certain: bool,
    gone: Option<i64>,
}

/// A workload that uses a Secret.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    cluster: String,
    namespace: String,
    name: String,
    workload: String,
}

/// Cluster, namespace and name of a Secret.
type Key<'a> = (&'a str, &'a str, &'a str);

/// The Secrets whose values somebody has in hand after these accesses, the most pressing first.
pub(super) fn secrets(accesses: &[Access], lives: &[Life], uses: &[Usage]) -> Vec<Rotation> {
    let mut exposed: BTreeMap<Key<'_>, Vec<&Access>> = BTreeMap::new();
    for access in accesses.iter().filter(|access| access.exposes()) {
        if let (Some(namespace), Some(name)) = (&access.namespace, &access.name) {
            exposed.entry((&access.cluster, namespace, name)).or_default().push(access);
        }
    }
    let mut known: BTreeMap<Key<'_>, &Life> = BTreeMap::new();
    known.extend(lives.iter().map(|life| ((&*life.cluster, &*life.namespace, &*life.name), life)));
    let mut workloads: BTreeMap<Key<'_>, Vec<String>> = BTreeMap::new();
    for usage in uses {
        let key = (&*usage.cluster, &*usage.namespace, &*usage.name);
        workloads.entry(key).or_default().push(usage.workload.clone());
    }
    let mut rotations: Vec<Rotation> = exposed
        .into_iter()
        .map(|(key, accesses)| {
            rotation(key, &accesses, known.get(&key).copied(), workloads.remove(&key).unwrap_or_default())
        })
        .collect();
    rotations.sort_by(|a, b| {
        let place = |one: &Rotation| (one.cluster.clone(), one.namespace.clone(), one.name.clone());
        b.risk.cmp(&a.risk).then_with(|| place(a).cmp(&place(b)))
    });
    rotations
}

fn rotation(
    (cluster, namespace, name): Key<'_>,
    accesses: &[&Access],
    life: Option<&Life>,
    workloads: Vec<String>,
) -> Rotation {
    let kind = life.and_then(|life| life.kind.clone());
    let keys = life.and_then(|life| life.keys.as_deref()).unwrap_or_default();
    let mut rotation = Rotation {
        risk: 0,
        cluster: cluster.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        kind,
        keys: keys.split(',').filter(|key| !key.is_empty()).map(ToOwned::to_owned).collect(),
        readers: readers(accesses),
        first_seen: accesses.iter().map(|access| access.first_seen).min().unwrap_or_default(),
        last_seen: accesses.iter().map(|access| access.last_seen).max().unwrap_or_default(),
        why: why(accesses),
        workloads: whole(workloads),
        certain: life.is_some_and(|life| life.certain) || accesses.iter().any(|access| access.certain),
        gone: life.and_then(|life| life.gone),
    };
    rotation.risk = risk(&rotation);
    rotation
}

/// Without the parts of a workload that is there as a whole: the replica sets of a deployment, the jobs of a cron job.
fn whole(workloads: Vec<String>) -> Vec<String> {
    let owner = |workload: &str| {
        let (resource, place) = workload.split_once(' ')?;
        let (stem, _) = place.rsplit_once('-')?;
        Some(match resource {
            "replicasets" => format!("deployments {stem}"),
            "jobs" => format!("cronjobs {stem}"),
            _ => return None,
        })
    };
    let all: BTreeSet<String> = workloads.into_iter().collect();
    all.iter().filter(|workload| owner(workload).is_none_or(|owner| !all.contains(&owner))).cloned().collect()
}

fn readers(accesses: &[&Access]) -> Vec<Reader> {
    let mut by_reader: BTreeMap<(&str, Option<&str>), Vec<&Access>> = BTreeMap::new();
    for access in accesses {
        let actor = access.actor.as_deref().unwrap_or_default();
        let username = access.username.as_deref().filter(|username| *username != actor);
        by_reader.entry((actor, username)).or_default().push(access);
    }
    let distinct = |accesses: &[&Access], pick: fn(&Access) -> Option<&String>| -> Vec<String> {
        accesses.iter().filter_map(|access| pick(access)).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    };
    by_reader
        .into_iter()
        .map(|((actor, username), accesses)| Reader {
            actor: actor.to_owned(),
            username: username.map(ToOwned::to_owned),
            how: distinct(&accesses, |access| Some(&access.how)),
            addresses: distinct(&accesses, |access| access.client_ip.as_ref()),
            requests: accesses.iter().map(|access| access.requests).sum(),
            first_seen: accesses.iter().map(|access| access.first_seen).min().unwrap_or_default(),
            last_seen: accesses.iter().map(|access| access.last_seen).max().unwrap_or_default(),
        })
        .collect()
}

/// In words, the surest first.
fn why(accesses: &[&Access]) -> Vec<String> {
    const WORDS: [(&str, &str); 8] = [
        ("read", "read by name"),
        ("patched", "patched: the answer holds all of it"),
        ("entered", "a pod that has it was entered"),
        ("mounted", "mounted by a pod or workload that the identity wrote"),
        ("node", "a node that runs pods which have it was taken over"),
        ("listed", "exposed by listing"),
        ("deleted", "deleted with a collection, whose answer holds it"),
        ("watched", "exposed by watching"),
    ];
    let told = |how: &str| {
        let of: Vec<_> = accesses.iter().filter(|access| access.how == how).collect();
        let by: BTreeSet<&str> = of.iter().filter_map(|access| access.through.as_deref()).collect();
        (!of.is_empty()).then(|| by.into_iter().take(3).collect::<Vec<_>>().join(", "))
    };
    let reasons = WORDS.iter().filter_map(|(how, words)| {
        let through = told(how)?;
        let is_selector = matches!(*how, "listed" | "watched" | "deleted");
        Some(match (through.is_empty(), is_selector) {
            (true, _) => (*words).to_owned(),
            (false, true) => format!("{words} (if the selector {through} fits it)"),
            (false, false) => format!("{words} ({through})"),
        })
    });
    reasons.collect()
}

/// How pressing it is: how surely it is out, what it opens, and who has it. Out of 100.
fn risk(rotation: &Rotation) -> u32 {
    let how: BTreeSet<&str> = rotation.readers.iter().flat_map(|reader| &reader.how).map(String::as_str).collect();
    let certainty = how.iter().map(|how| match *how {
        "read" | "patched" => 45,
        "entered" | "mounted" => 40,
        "node" => 35,
        "listed" | "deleted" => 30,
        _ => 25,
    });
    let mut risk = certainty.max().unwrap_or(0);
    let name = rotation.name.as_str();
    risk += match rotation.kind.as_deref() {
        Some("kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token") => 25,
        Some("kubernetes.io/tls") => 20,
        Some("helm.sh/release.v1") => 5,
        _ if name.starts_with("sh.helm.release.v1.") => 5,
        _ => 15,
    };
    risk += if rotation.namespace == "kube-system" { 10 } else { 0 };
    risk += if how.len() > 1 { 5 } else { 0 };
    risk += if rotation.readers.len() > 1 { 5 } else { 0 };
    risk += if rotation.workloads.is_empty() { 0 } else { 10 };
    risk += if rotation.certain { 5 } else { 0 };
    if rotation.gone.is_some() { risk / 2 } else { risk.min(100) }
}

/// The credentials to take away: those that were used, those that were issued, and those of pods that were entered.
pub(super) fn tokens(own: &[Presence], minted: &[Minted], later: &[Presence], entries: &[Entry]) -> Vec<Token> {
    let mut tokens: BTreeMap<(&'static str, String, String), Token> = BTreeMap::new();
    for presence in own.iter().filter(|presence| presence.credential_id.is_some()) {
        let id = presence.credential_id.clone().unwrap_or_default();
        let owner = presence.username.clone().or_else(|| presence.actor.clone()).unwrap_or_default();
        let token = tokens.entry(("used", presence.cluster.clone(), id.clone())).or_insert_with(|| Token {
            kind: kind(&id),
            cluster: presence.cluster.clone(),
            id,
            owner,
            why: "used",
            from: None,
            addresses: Vec::new(),
            requests: 0,
            first_seen: presence.first_seen,
            last_seen: presence.last_seen,
        });
        seen(token, presence);
    }
    for minted in minted {
        let Some(id) = minted.issued_credential_id.clone() else { continue };
        let account = format!(
            "system:serviceaccount:{}:{}",
            minted.namespace.as_deref().unwrap_or("*"),
            minted.name.as_deref().unwrap_or("*")
        );
        let from = minted.credential_id.clone().or_else(|| minted.username.clone()).or_else(|| minted.actor.clone());
        tokens.entry(("minted", minted.cluster.clone(), id.clone())).or_insert_with(|| Token {
            kind: kind(&id),
            cluster: minted.cluster.clone(),
            id,
            owner: account,
            why: "minted",
            from,
            addresses: Vec::new(),
            requests: 0,
            first_seen: minted.ts,
            last_seen: minted.ts,
        });
    }
    for presence in later {
        let id = presence.credential_id.clone().unwrap_or_default();
        if let Some(token) = tokens.get_mut(&("minted", presence.cluster.clone(), id)) {
            seen(token, presence);
        }
    }
    for entry in entries.iter().filter(|entry| entry.by_subject && entry.outcome.as_deref() != Some("denied")) {
        // through a forwarded port nobody sees files
        let Some(token) = entered(entry) else { continue };
        let known = tokens.entry(("entered", token.cluster.clone(), token.id.clone())).or_insert(token);
        known.requests += 1;
        known.first_seen = known.first_seen.min(entry.ts);
        known.last_seen = known.last_seen.max(entry.ts);
    }
    let mut tokens: Vec<Token> = tokens.into_values().collect();
    tokens.sort_by(|a, b| (a.first_seen, a.why, &a.id).cmp(&(b.first_seen, b.why, &b.id)));
    tokens
}

/// The service account of a pod that was entered.
fn entered(entry: &Entry) -> Option<Token> {
    if matches!(entry.kind.as_str(), "portforward" | "proxy" | "node_portforward" | "node_proxy") {
        return None;
    }
    let pod = entry.pod.clone()?;
    let (namespace, _) = pod.split_once('/')?;
    let owner = entry.pod_account.as_deref();
    Some(Token {
        kind: "account",
        cluster: entry.cluster.clone(),
        owner: owner.map(|name| format!("system:serviceaccount:{namespace}:{name}")).unwrap_or_default(),
        id: pod,
        why: "entered",
        from: entry.username.clone().or_else(|| entry.actor.clone()),
        addresses: Vec::new(),
        requests: 0,
        first_seen: entry.ts,
        last_seen: entry.ts,
    })
}

fn seen(token: &mut Token, presence: &Presence) {
    token.requests += presence.requests;
    token.first_seen = token.first_seen.min(presence.first_seen);
    token.last_seen = token.last_seen.max(presence.last_seen);
    if let Some(address) = presence.client_ip.clone().filter(|address| !token.addresses.contains(address)) {
        token.addresses.push(address);
    }
}

/// What sort of credential the API server means by an id.
fn kind(id: &str) -> &'static str {
    match id.split('=').next() {
        Some("JTI") => "token",
        Some("X509SHA256") => "certificate",
        _ => "credential",
    }
}

/// A node that came into the subject's hands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    workload: String,
    #[serde(rename = "node")]
    name: Option<String>,
    /// What opens the node.
    danger: String,
    /// Whether the log tells of Secrets that its pods use.
    is_known: Option<bool>,
}

/// What the log cannot tell of nodes that were taken over, in sentences.
pub(super) fn blind_nodes(nodes: &[Node]) -> Vec<String> {
    let (mut placeless, mut silent, mut kubelets) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for one in nodes {
        match one.name.as_deref() {
            Some(node) if one.danger == "kubelet" => kubelets.insert(node),
            Some(node) if one.is_known != Some(true) => silent.insert(node),
            Some(_) => false,
            None => placeless.insert(one.workload.as_str()),
        };
    }
    let told = [
        (
            placeless,
            "these hold the files or devices of their nodes, and no line tells which: all Secrets there are out too",
        ),
        (silent, "no kubelet's line tells which Secrets the pods of these nodes use, which were taken over"),
        (
            kubelets,
            "through the kubelet every pod of these nodes can be entered, and only those that were are on the list",
        ),
    ];
    let told = told.into_iter().filter(|(names, _)| !names.is_empty());
    told.map(|(names, words)| format!("{words}: {}", few(names.iter().copied()))).collect()
}

/// What the log cannot tell, in sentences.
pub(super) fn blind(accesses: &[Access], entries: &[Entry]) -> Vec<String> {
    let mut notes = Vec::new();
    let collections = accesses.iter().any(|access| matches!(access.how.as_str(), "listed" | "watched" | "deleted"));
    if collections {
        notes.push(
            "lists and watches are expanded to the Secrets that the log names at some time; one that nobody ever named \
             is exposed too and cannot be on the list: compare with `kubectl get secrets -A`"
                .to_owned(),
        );
    }
    let unknown: BTreeSet<&str> = entries
        .iter()
        .filter(|entry| entry.by_subject && entry.secrets.is_none() && entry.known_by.is_none())
        .filter(|entry| entry.outcome.as_deref() != Some("denied"))
        .filter_map(|entry| entry.pod.as_deref())
        .collect();
    if !unknown.is_empty() {
        notes.push(format!(
            "no spec says which Secrets these pods use, if any, which were entered (a snapshot can, with --pods): {}",
            few(unknown.iter().copied())
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(name: &str, how: &str, actor: &str) -> Access {
        let some = |text: &str| Some(text.to_owned());
        let (namespace, name, actor) = (some("shop"), some(name), some(actor));
        Access { namespace, name, how: how.to_owned(), actor, certain: true, requests: 1, ..Access::default() }
    }

    #[test]
    fn what_was_read_comes_before_what_was_only_listed() {
        let accesses =
            [access("listed", "listed", "eve"), access("read", "read", "eve"), access("no", "denied", "eve")];
        let names: Vec<String> = secrets(&accesses, &[], &[]).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["read", "listed"]);
    }

    #[test]
    fn a_secret_names_each_of_its_readers_once() {
        let accesses = [access("a", "read", "eve"), access("a", "listed", "eve"), access("a", "read", "bob")];
        let found = secrets(&accesses, &[], &[]);
        let readers: Vec<_> = found[0].readers.iter().map(|one| (one.actor.as_str(), one.how.join(" "))).collect();
        assert_eq!(readers, [("bob", "read".to_owned()), ("eve", "listed read".to_owned())]);
    }

    #[test]
    fn the_parts_of_a_workload_are_not_restarted_beside_it() {
        let all =
            ["replicasets shop/web-7d9f", "deployments shop/web", "replicasets shop/other-1", "jobs shop/load-29"];
        let kept = whole(all.map(ToOwned::to_owned).to_vec());
        assert_eq!(kept, ["deployments shop/web", "jobs shop/load-29", "replicasets shop/other-1"]);
    }
}
