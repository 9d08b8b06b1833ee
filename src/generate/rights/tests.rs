//! The roles of the cluster, held against its log by the evaluation that the program has for real ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::generate::{Attack, Options, Truth, generate_with_truth};
use crate::rbac::{Asked, Grant, History, Kind, Row, Snapshot, State, Used, Who, allows, compare, reason};

/// The log of a seed, a line a request, with the truth.
fn log(seed: u64, events: u64) -> (Vec<Value>, Truth) {
    let (mut events_of, options) = (BTreeMap::new(), Options { seed, events, ..Options::default() });
    let mut sink = |line: &[u8]| {
        let event: Value = serde_json::from_slice(line).unwrap();
        let key = (event["auditID"].to_string(), actor(&event).to_owned());
        events_of.insert(key, event);
        Ok(())
    };
    let (_, truth) = generate_with_truth(&options, &mut sink, &mut |_| Ok(())).unwrap();
    (events_of.into_values().collect(), truth)
}

/// Whose rights were used.
fn actor(event: &Value) -> &str {
    let user = if event["impersonatedUser"].is_object() { &event["impersonatedUser"] } else { &event["user"] };
    user["username"].as_str().unwrap_or_default()
}

fn groups(event: &Value) -> Vec<&str> {
    let user = if event["impersonatedUser"].is_object() { &event["impersonatedUser"] } else { &event["user"] };
    user["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn asked(event: &Value) -> Asked<'_> {
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

fn grants(state: &State, event: &Value) -> Vec<Grant> {
    state.grants(&Who { name: actor(event), groups: &groups(event) })
}

#[test]
fn the_roles_allow_what_the_log_says_was_allowed_and_nothing_that_was_refused() {
    for seed in [2, 7] {
        let (events, truth) = log(seed, 9_000);
        let snapshot = Snapshot::parse("_rbac.yaml", &truth.rbac).unwrap();
        assert!(snapshot.len() > 100 && snapshot.ignored().is_empty() && snapshot.incomplete() == 0);
        let state = snapshot.state();
        assert_eq!(state.unknown(), [""; 0]);
        let mut known: BTreeMap<(&str, Vec<&str>), Vec<Grant>> = BTreeMap::new();
        let mut refused = 0;
        for event in &events {
            let note = |key: &str| event["annotations"][format!("authorization.k8s.io/{key}")].as_str();
            // nodes are allowed by an authorizer of their own
            if groups(event).contains(&"system:nodes") {
                continue;
            }
            let grants = known.entry((actor(event), groups(event))).or_insert_with(|| grants(&state, event));
            match note("decision") {
                Some("allow") => {
                    assert!(allows(grants, &asked(event)).is_some(), "{event}");
                    let Some(named) = note("reason").and_then(reason) else {
                        assert!(groups(event).contains(&"system:masters"), "{event}");
                        continue;
                    };
                    let by_it = |grant: &&Grant| {
                        (&grant.via.binding, &grant.via.role, &grant.via.subject)
                            == (&Some(named.binding.clone()), &Some(named.role.clone()), &named.subject)
                    };
                    let by_it: Vec<Grant> = grants.iter().filter(by_it).cloned().collect();
                    assert!(allows(&by_it, &asked(event)).is_some(), "not through the binding that is named: {event}");
                }
                Some(_) => {
                    assert!(allows(grants, &asked(event)).is_none(), "{event}");
                    refused += 1;
                }
                None => assert_eq!(event["responseStatus"]["code"], 401),
            }
        }
        assert!(refused > 10, "{refused}");
    }
}

#[test]
fn roles_that_the_log_shows_being_made_stand_so_at_its_end() {
    let (mut events, truth) = log(3, 6_000);
    let group = "rbac.authorization.k8s.io";
    events.retain(|event| event["objectRef"]["apiGroup"] == group && event["verb"] != "get");
    events.sort_by_key(|event| event["stageTimestamp"].to_string());
    let bodies: Vec<_> =
        events.iter().map(|event| (event["requestObject"].to_string(), event["responseObject"].to_string())).collect();
    let rows = events.iter().zip(&bodies).enumerate().map(|(ts, (event, (request, response)))| {
        let asked = asked(event);
        Row {
            ts: i64::try_from(ts).unwrap(),
            verb: asked.verb,
            api_group: asked.api_group,
            resource: asked.resource,
            namespace: asked.namespace,
            name: asked.name,
            outcome: if event["responseStatus"]["code"].as_u64() < Some(400) { "allowed" } else { "denied" },
            request_uri: event["requestURI"].as_str().unwrap(),
            request: Some(request),
            response: Some(response),
        }
    });
    let told = History::from_rows(rows).state_at(i64::MAX, None);
    let shown = Snapshot::parse("_rbac.yaml", &truth.rbac).unwrap().state();
    let mut checked = BTreeSet::new();
    for object in told.objects().filter(|object| object.key.name != "cluster-admin") {
        assert_eq!(shown.get(&object.key).map(|shown| &shown.body), Some(&object.body), "{}", object.key);
        checked.insert(object.key.kind);
    }
    let all = BTreeSet::from([Kind::ClusterRole, Kind::ClusterRoleBinding, Kind::Role, Kind::RoleBinding]);
    assert_eq!(checked, all);
}

#[test]
fn what_was_never_used_is_counted_as_the_evaluation_counts_it() {
    let (events, truth) = log(4, 9_000);
    let state = Snapshot::parse("_rbac.yaml", &truth.rbac).unwrap().state();
    assert!(truth.holders.len() > 10, "{:?}", truth.holders.len());
    let mut never = 0;
    for holder in &truth.holders {
        let own: Vec<&Value> = events.iter().filter(|event| actor(event) == holder.identity).collect();
        let all: BTreeSet<&str> = own.iter().flat_map(|event| groups(event)).collect();
        let groups: Vec<&str> = all.into_iter().collect();
        let grants = state.grants(&Who { name: &holder.identity, groups: &groups });
        let used: Vec<Used<'_>> = own
            .iter()
            .map(|event| {
                let denied = u64::from(event["responseStatus"]["code"] == 403);
                Used { asked: asked(event), count: 1, denied, ..Used::default() }
            })
            .collect();
        let compared = compare(&grants, &used);
        let mut found: Vec<(Option<&str>, u64, Vec<String>)> = Vec::new();
        for one in &compared.grants {
            let unused = one.cells.iter().filter(|cell| cell.tally.count == 0).map(|cell| {
                let name = cell.name.map(|name| format!(" named {name}")).unwrap_or_default();
                format!("{} {}{name}", cell.verb, cell.target)
            });
            found.push((grants[one.grants[0]].namespace.as_deref(), one.tally.count, unused.collect()));
        }
        let mut wanted: Vec<_> =
            holder.granted.iter().map(|one| (one.namespace, one.requests, one.unused.clone())).collect();
        found.sort();
        wanted.sort();
        never += wanted.iter().map(|one| one.2.len()).sum::<usize>();
        assert_eq!(found, wanted, "{}", holder.identity);
    }
    assert!(never > 500, "{never}");
}

#[test]
fn without_the_attack_its_roles_are_not_there() {
    let options = Options { events: 100, attacks: vec![Attack::SecretSweep], ..Options::default() };
    let (_, truth) = generate_with_truth(&options, &mut |_| Ok(()), &mut |_| Ok(())).unwrap();
    assert!(!truth.rbac.contains("metrics-aggregator") && truth.rbac.contains("velero-server"));
    let identities: Vec<&str> = truth.holders.iter().map(|holder| holder.identity.as_str()).collect();
    assert_eq!(identities, ["system:serviceaccount:backup:velero", "system:serviceaccount:ci:deployer"]);
}
