//! Who else, which ways into pods matter, and where the log is silent.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::GAPS_MAX;
use crate::report::dossier::{Entry, Gap, Hour, Minted, Other, Presence, Rotation, Step};

const HOUR: i64 = 3_600_000_000;

/// Of all that came with the same credentials, from the same addresses or by the same impersonators, whoever is not the
/// subject itself. Of an address or impersonator that more than `most` identities share only their number is told.
pub(super) fn others(own: &[Presence], all: Vec<Presence>, most: usize) -> Vec<Other> {
    type Key = (String, Option<String>, Option<String>, Option<String>, Option<String>);
    let key = |one: &Presence| -> Key {
        let Presence { cluster, credential_id, actor, username, client_ip, .. } = one.clone();
        (cluster, credential_id, actor, username, client_ip)
    };
    let mine: BTreeSet<Key> = own.iter().map(key).collect();
    let credentials: BTreeSet<&str> = own.iter().filter_map(|one| one.credential_id.as_deref()).collect();
    let names: BTreeSet<&str> = own.iter().filter_map(|one| one.actor.as_deref()).collect();
    let impersonators: BTreeSet<&str> = own.iter().filter_map(impersonator).collect();
    let mut sharing: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
    for one in &all {
        for link in ["address", "impersonation"] {
            if let (Some(shared), Some(actor)) = (shared(link, one), &one.actor) {
                sharing.entry((link, shared)).or_default().insert(actor.clone());
            }
        }
    }
    let mut others: Vec<Other> = own
        .iter()
        .filter(|one| impersonator(one).is_some())
        .map(|one| Other { link: "impersonation", presence: one.clone(), sharing: 1 })
        .collect();
    for presence in all.into_iter().filter(|one| !mine.contains(&key(one))) {
        let is_new = presence.actor.as_deref().is_none_or(|actor| !names.contains(actor));
        let link = if presence.credential_id.as_deref().is_some_and(|id| credentials.contains(id)) {
            "credential"
        } else if presence.username.as_deref().is_some_and(|name| impersonators.contains(name)) {
            "impersonation"
        } else if is_new {
            "address"
        } else {
            continue;
        };
        let by = if link == "impersonation" { link } else { "address" };
        let sharing = shared(by, &presence).and_then(|shared| sharing.get(&(by, shared))).map_or(1, BTreeSet::len);
        others.push(Other { link, presence, sharing });
    }
    fold(others, most)
}

/// Who acted as somebody else there.
fn impersonator(presence: &Presence) -> Option<&str> {
    presence.username.as_deref().filter(|_| presence.username != presence.actor)
}

/// What those have in common whom a link joins.
fn shared(link: &str, presence: &Presence) -> Option<String> {
    if link == "impersonation" { presence.username.clone() } else { presence.client_ip.clone() }
}

/// One row in place of many for each address, and each impersonator, that too many share.
fn fold(others: Vec<Other>, most: usize) -> Vec<Other> {
    let mut folded: BTreeMap<(String, &str, Option<String>), Other> = BTreeMap::new();
    let mut kept = Vec::new();
    for other in others {
        if other.link == "credential" || other.sharing <= most {
            kept.push(other);
            continue;
        }
        let common = shared(other.link, &other.presence);
        match folded.entry((other.presence.cluster.clone(), other.link, common.clone())) {
            std::collections::btree_map::Entry::Vacant(free) => {
                let (username, client_ip) = if other.link == "impersonation" { (common, None) } else { (None, common) };
                let gone = Presence { actor: None, credential_id: None, user_agent: None, ..other.presence };
                free.insert(Other { presence: Presence { username, client_ip, ..gone }, ..other });
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = &mut known.get_mut().presence;
                known.requests += other.presence.requests;
                known.secret_requests += other.presence.secret_requests;
                known.first_seen = known.first_seen.min(other.presence.first_seen);
                known.last_seen = known.last_seen.max(other.presence.last_seen);
            }
        }
    }
    kept.extend(folded.into_values());
    kept
}

/// The subject's own ways into pods, and those of anybody into pods that use a Secret of the list.
pub(super) fn entries(entries: Vec<Entry>, secrets: &[Rotation]) -> Vec<Entry> {
    let listed: BTreeSet<(&str, String)> =
        secrets.iter().map(|one| (one.cluster.as_str(), format!("{}/{}", one.namespace, one.name))).collect();
    let touches = |entry: &Entry| {
        let names = entry.secrets.as_deref().unwrap_or_default().split(' ');
        names.map(|name| (entry.cluster.as_str(), name.to_owned())).any(|key| listed.contains(&key))
    };
    entries.into_iter().filter(|entry| entry.by_subject || touches(entry)).collect()
}

/// The story: the steps of the requests, with where it was first seen, where its tokens were used, and where the log is
/// silent, by time.
pub(super) fn told(
    mut steps: Vec<Step>,
    own: &[Presence],
    minted: &[Minted],
    later: &[Presence],
    gaps: &[Gap],
) -> Vec<Step> {
    let seen = |kind: &str, presence: &Presence| Step {
        cluster: presence.cluster.clone(),
        kind: kind.to_owned(),
        actor: presence.actor.clone(),
        client_ip: presence.client_ip.clone(),
        user_agent: presence.user_agent.clone(),
        credential_id: presence.credential_id.clone(),
        requests: presence.requests,
        first_seen: presence.first_seen,
        last_seen: presence.last_seen,
        ..Step::default()
    };
    let mut places = BTreeSet::new();
    let first = own.iter().filter(|one| places.insert((&one.cluster, &one.actor, &one.client_ip)));
    steps.extend(first.map(|one| seen("first_seen", one)));
    let issued: BTreeSet<_> = minted.iter().filter_map(|one| one.issued_credential_id.as_ref()).collect();
    let used = later.iter().filter(|one| one.credential_id.as_ref().is_some_and(|id| issued.contains(id)));
    steps.extend(used.map(|one| seen("token_used", one)));
    let (begun, ended) = (own.iter().map(|one| one.first_seen).min(), own.iter().map(|one| one.last_seen).max());
    let within =
        |gap: &&Gap| begun.is_some_and(|begun| begun < gap.until) && ended.is_some_and(|ended| gap.since < ended);
    steps.extend(gaps.iter().filter(within).map(|gap| Step {
        cluster: gap.cluster.clone(),
        kind: "gap".to_owned(),
        first_seen: gap.since,
        last_seen: gap.until,
        ..Step::default()
    }));
    // stable, so that what the query ordered stays in order
    steps.sort_by_key(|step| (step.first_seen, step.verb.is_some()));
    steps
}

/// The times without an event between the first and the last hour of each cluster.
pub(super) fn gaps(hours: &[Hour]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for pair in hours.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let since = before.hour.saturating_add(HOUR);
        if before.cluster == after.cluster && since < after.hour && gaps.len() < GAPS_MAX {
            gaps.push(Gap { cluster: before.cluster.clone(), since, until: after.hour });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(actor: &str, address: &str, credential: &str) -> Presence {
        let some = |text: &str| Some(text.to_owned());
        let (actor, username) = (some(actor), some(actor));
        Presence {
            actor,
            username,
            client_ip: some(address),
            credential_id: some(credential),
            requests: 1,
            ..Presence::default()
        }
    }

    #[test]
    fn a_shared_address_names_nobody() {
        let own = [presence("eve", "192.0.2.1", "a")];
        let all: Vec<_> = (0..4).map(|n| presence(&format!("user-{n}"), "192.0.2.1", "b")).chain(own.clone()).collect();
        let named = others(&own, all.clone(), 5);
        assert_eq!(named.iter().filter(|other| other.presence.actor.is_some()).count(), 4);
        let folded = others(&own, all, 4);
        assert_eq!((folded.len(), folded[0].sharing, folded[0].presence.requests), (1, 5, 4));
        assert_eq!(folded[0].presence.actor, None);
    }

    #[test]
    fn the_same_credential_elsewhere_is_told_and_the_subject_itself_is_not() {
        let own = [presence("eve", "192.0.2.1", "a")];
        let elsewhere = presence("eve", "198.51.100.7", "a");
        let found = others(&own, vec![own[0].clone(), elsewhere.clone()], 5);
        assert_eq!(found, [Other { link: "credential", presence: elsewhere, sharing: 1 }]);
    }

    #[test]
    fn whoever_else_an_impersonator_acted_as_is_told() {
        let acting = |actor: &str, address: &str| Presence {
            username: Some("eve".to_owned()),
            credential_id: None,
            ..presence(actor, address, "")
        };
        let own = [acting("alice", "192.0.2.1")];
        let all = || vec![own[0].clone(), acting("bob", "198.51.100.7"), acting("eve", "198.51.100.7")];
        let found = others(&own, all(), 5);
        let told: Vec<_> = found.iter().map(|one| (one.link, one.presence.actor.as_deref().unwrap())).collect();
        assert_eq!(told, [("impersonation", "alice"), ("impersonation", "bob"), ("impersonation", "eve")]);
        let folded = others(&own, all(), 2);
        assert_eq!((folded.len(), folded[1].sharing, folded[1].presence.actor.as_deref()), (2, 3, None));
        assert_eq!(folded[1].presence.username.as_deref(), Some("eve"));
    }

    #[test]
    fn hours_without_events_are_gaps() {
        let hour =
            |cluster: &str, n: i64| Hour { cluster: cluster.to_owned(), hour: n * HOUR, events: 1, ..Hour::default() };
        let hours = [hour("a", 1), hour("a", 2), hour("a", 5), hour("b", 9), hour("b", 10)];
        let found: Vec<_> = gaps(&hours).iter().map(|gap| (gap.since / HOUR, gap.until / HOUR)).collect();
        assert_eq!(found, [(3, 5)]);
    }
}
