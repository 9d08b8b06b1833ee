//! Roles and bindings out of the log, over time.

use super::super::{Body, History, Key, Kind, Row, Snapshot, State};

fn row<'a>(ts: i64, verb: &'a str, resource: &'a str, name: &'a str) -> Row<'a> {
    let namespace = if resource.starts_with("cluster") { "" } else { "web" };
    let api_group = "rbac.authorization.k8s.io";
    Row { ts, verb, api_group, resource, namespace, name, outcome: "allowed", request_uri: "/x", ..Row::default() }
}

fn role(verb: &str) -> String {
    format!(
        r#"{{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{{"name":"r","namespace":"web","labels":{{"a":"b"}}}},"rules":[{{"verbs":["{verb}"],"apiGroups":[""],"resources":["secrets"]}}]}}"#
    )
}

/// The verbs of role `web/r`; None where there is no such role.
fn verbs(state: &State) -> Option<String> {
    let Body::Role { rules, .. } = &state.get(&Key::new(Kind::Role, "web", "r"))?.body else { return None };
    Some(rules.iter().flat_map(|rule| rule.verbs.clone()).collect::<Vec<_>>().join(","))
}

fn verbs_at(history: &History, times: &[i64]) -> Vec<Option<String>> {
    times.iter().map(|ts| verbs(&history.state_at(*ts, None))).collect()
}

#[test]
fn an_object_is_what_was_written_last_until_it_is_deleted() {
    let (get, list) = (role("get"), role("list"));
    let rows = [
        Row { request: Some(&get), ..row(10, "create", "roles", "r") },
        Row { request: Some(&get), response: Some(&list), ..row(20, "update", "roles", "r") },
        Row { outcome: "denied", ..row(25, "delete", "roles", "r") },
        Row { outcome: "failed", ..row(26, "delete", "roles", "r") },
        row(30, "delete", "roles", "r"),
        Row { request: Some(&get), ..row(40, "create", "roles", "r") },
    ];
    let history = History::from_rows(rows);
    let expected = [None, Some("get".to_owned()), Some("list".to_owned()), None, Some("get".to_owned())];
    assert_eq!(verbs_at(&history, &[9, 10, 29, 30, 40]), expected);
}

#[test]
fn what_is_read_stood_so_before_unless_it_was_made_in_between() {
    let get = role("get");
    let list = format!(r#"{{"kind":"RoleList","apiVersion":"rbac.authorization.k8s.io/v1","items":[{}]}}"#, &get);
    let seen = History::from_rows([Row { response: Some(&list), ..row(50, "list", "roles", "") }]);
    assert_eq!(verbs_at(&seen, &[1, 50, 99]), [Some("get".to_owned()), Some("get".to_owned()), Some("get".to_owned())]);
    let bare = list.replace(r#""kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","#, "");
    let seen = History::from_rows([Row { response: Some(&bare), ..row(50, "list", "roles", "") }]);
    assert_eq!(verbs_at(&seen, &[50]), [Some("get".to_owned())], "items of a typed list carry no kind");
    let made = History::from_rows([
        Row { response: Some(&get), ..row(40, "create", "roles", "r") },
        Row { response: Some(&get), ..row(50, "get", "roles", "r") },
    ]);
    assert_eq!(verbs_at(&made, &[1, 45]), [None, Some("get".to_owned())]);
}

#[test]
fn a_change_whose_content_the_log_lacks_leaves_a_doubt() {
    let get = role("get");
    let rows = [Row { response: Some(&get), ..row(10, "get", "roles", "r") }, row(20, "update", "roles", "r")];
    let state = History::from_rows(rows).state_at(30, None);
    assert_eq!(verbs(&state), Some("get".to_owned()));
    let state = History::from_rows([row(20, "create", "roles", "r")]).state_at(30, None);
    assert_eq!(verbs(&state), None);
    assert_eq!(state.unknown(), ["Role web/r existed, but nothing shows what it said"]);
    let cut = Row { outcome: "unknown", ..row(20, "delete", "roles", "r") };
    let rows = [Row { response: Some(&get), ..row(10, "get", "roles", "r") }, cut];
    assert_eq!(verbs(&History::from_rows(rows).state_at(30, None)), Some("get".to_owned()));
}

#[test]
fn doubts_reach_the_grants() {
    let get = role("get");
    let binding = r#"{"kind":"RoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"b","namespace":"web"},"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"}]}"#;
    let rows = [
        Row { response: Some(&get), ..row(10, "get", "roles", "r") },
        Row { request: Some(binding), ..row(11, "create", "rolebindings", "b") },
        row(20, "patch", "roles", "r"),
    ];
    let history = History::from_rows(rows);
    let who = super::Who { name: "u", groups: &[] };
    let sure = history.state_at(15, None).grants(&who);
    assert_eq!((sure.len(), sure[0].via.doubt.as_deref()), (1, None));
    let unsure = history.state_at(25, None).grants(&who);
    assert_eq!(unsure[0].via.doubt.as_deref(), Some("Role web/r: it was changed, and the log does not show how"));
}

/// The verbs after a patch at 20 of a role with `get`.
fn patched(patch: &str) -> (Option<String>, Vec<String>) {
    let get = role("get");
    let rows = [
        Row { request: Some(&get), ..row(10, "create", "roles", "r") },
        Row { request: Some(patch), ..row(20, "patch", "roles", "r") },
    ];
    let history = History::from_rows(rows);
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: web}\nroleRef: {kind: Role, name: r}\nsubjects: [{kind: User, name: u}]\n";
    let state = history.state_at(30, Some(&Snapshot::parse("b", binding).unwrap()));
    let doubts =
        state.grants(&super::Who { name: "u", groups: &[] }).into_iter().filter_map(|grant| grant.via.doubt.clone());
    (verbs(&state), doubts.collect())
}

#[test]
fn patches_of_every_kind_are_followed_where_they_are_certain() {
    let sure = |patch: &str| {
        let (verbs, doubts) = patched(patch);
        assert!(doubts.is_empty(), "{patch}: {doubts:?}");
        verbs.unwrap()
    };
    assert_eq!(sure(r#"[{"op":"add","path":"/rules/0/verbs/-","value":"list"}]"#), "get,list");
    assert_eq!(sure(r#"[{"op":"add","path":"/rules/0/verbs/0","value":"list"}]"#), "list,get");
    assert_eq!(sure(r#"[{"op":"replace","path":"/rules","value":[]}]"#), "");
    assert_eq!(sure(r#"[{"op":"remove","path":"/rules/0"}]"#), "");
    assert_eq!(
        sure(
            r#"[{"op":"add","path":"/metadata/annotations/a","value":"b"},{"op":"test","path":"/rules/0/verbs/0","value":"get"}]"#
        ),
        "get"
    );
    let rules = r#""rules":[{"verbs":["watch"],"apiGroups":[""],"resources":["pods"]}]"#;
    assert_eq!(sure(&format!("{{{rules}}}")), "watch");
    assert_eq!(sure(r#"{"metadata":{"annotations":{"a":"b"}}}"#), "get");
    assert_eq!(sure(r#"{"rules":null}"#), "");
    let apply = format!(
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{{"name":"r","labels":{{"a":"b"}}}},{rules}}}"#
    );
    assert_eq!(sure(&apply), "watch");
}

#[test]
fn patches_that_can_go_two_ways_leave_a_doubt_and_what_was_known() {
    let patches = [
        r#"[{"op":"move","from":"/rules/0","path":"/rules/1"}]"#,
        r#"[{"op":"copy","from":"/rules","path":"/rules/0/verbs"}]"#,
        r#"[{"op":"replace","path":"","value":{}}]"#,
        r#"[{"op":"remove","path":"/rules/7"}]"#,
        r#"[{"op":"add","path":"/rules/0/verbs/01x","value":"list"}]"#,
        r#"[{"op":"add","path":"/rules/0/verbs","value":7}]"#,
        r#"[{"path":"/rules/0"}]"#,
        r#"{"rules":[{"$patch":"delete","verbs":["get"]}]}"#,
        r#"{"$retainKeys":["rules"],"rules":[]}"#,
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"labels":{"a":"b"}}}"#,
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","rules":[]}"#,
        "7",
        r#""redacted hmac=0 len=5""#,
        "{",
    ];
    for patch in patches {
        let (verbs, doubts) = patched(patch);
        assert_eq!((verbs.as_deref(), doubts.len()), (Some("get"), 1), "{patch}: {doubts:?}");
    }
}

#[test]
fn what_is_applied_as_a_whole_needs_nothing_before_it() {
    let whole = role("get");
    let history = History::from_rows([Row { request: Some(&whole), ..row(20, "patch", "roles", "r") }]);
    assert_eq!(verbs_at(&history, &[20]), [Some("get".to_owned())]);
    let part = r#"{"rules":[]}"#;
    let state = History::from_rows([Row { request: Some(part), ..row(20, "patch", "roles", "r") }]).state_at(20, None);
    assert_eq!((verbs(&state), state.unknown().len()), (None, 1));
}

#[test]
fn dry_runs_change_nothing() {
    let (get, list) = (role("get"), role("list"));
    let rows = [
        Row { request: Some(&get), ..row(10, "create", "roles", "r") },
        Row { request: Some(&list), request_uri: "/r?fieldManager=x&dryRun=All", ..row(20, "update", "roles", "r") },
        Row { request: Some(r#"{"kind":"DeleteOptions","dryRun":["All"]}"#), ..row(30, "delete", "roles", "r") },
    ];
    assert_eq!(verbs_at(&History::from_rows(rows), &[40]), [Some("get".to_owned())]);
}

#[test]
fn a_deleted_collection_takes_all_or_leaves_a_doubt() {
    let get = role("get");
    let sweep = |uri| {
        let rows = [
            Row { request: Some(&get), ..row(10, "create", "roles", "r") },
            Row { request_uri: uri, ..row(20, "deletecollection", "roles", "") },
        ];
        History::from_rows(rows).state_at(30, None)
    };
    assert_eq!(verbs(&sweep("/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles")), None);
    assert_eq!(
        verbs(&sweep("/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles?labelSelector=x")),
        Some("get".to_owned())
    );
    assert_eq!(verbs(&sweep("")), Some("get".to_owned()));
    let deleted = format!(r#"{{"kind":"RoleList","items":[{get}]}}"#);
    let rows = [
        Row { request: Some(&get), ..row(10, "create", "roles", "r") },
        Row { request_uri: "/x?labelSelector=y", response: Some(&deleted), ..row(20, "deletecollection", "roles", "") },
    ];
    assert_eq!(verbs(&History::from_rows(rows).state_at(30, None)), None);
}

fn snapshot(verb: &str) -> Snapshot {
    Snapshot::parse("roles.json", &role(verb)).unwrap()
}

#[test]
fn a_snapshot_fills_in_what_the_log_does_not_tell() {
    let get = role("get");
    let at = |rows: Vec<Row<'_>>, ts, base: &Snapshot| verbs(&History::from_rows(rows).state_at(ts, Some(base)));
    let base = snapshot("list");
    assert_eq!(at(vec![], 5, &base), Some("list".to_owned()));
    // taken after the log, so what the log says last is what it shows
    assert_eq!(at(vec![row(20, "patch", "roles", "r")], 30, &base), Some("list".to_owned()));
    assert_eq!(at(vec![Row { request: Some(&get), ..row(20, "create", "roles", "r") }], 10, &base), None);
    assert_eq!(
        at(vec![Row { request: Some(&get), ..row(20, "create", "roles", "r") }], 30, &base),
        Some("get".to_owned())
    );
    assert_eq!(at(vec![row(20, "delete", "roles", "r")], 30, &base), None);
    // what was changed later may have been something else
    assert_eq!(at(vec![row(20, "update", "roles", "r")], 10, &base), Some("list".to_owned()));
}

#[test]
fn a_snapshot_from_before_holds_until_the_log_tells_of_something_later() {
    let get = role("get");
    let base = snapshot("list").taken_at(15);
    let at = |rows: Vec<Row<'_>>, ts| verbs(&History::from_rows(rows).state_at(ts, Some(&base)));
    assert_eq!(at(vec![Row { request: Some(&get), ..row(10, "create", "roles", "r") }], 30), Some("list".to_owned()));
    assert_eq!(at(vec![Row { request: Some(&get), ..row(20, "update", "roles", "r") }], 30), Some("get".to_owned()));
    assert_eq!(at(vec![row(20, "delete", "roles", "r")], 30), None);
    assert_eq!(at(vec![row(20, "patch", "roles", "r")], 30), Some("list".to_owned()));
}

#[test]
fn rows_of_other_resources_and_bodies_that_are_no_json_are_passed_over() {
    let get = role("get");
    let rows = [
        Row { api_group: "example.com", request: Some(&get), ..row(10, "create", "roles", "r") },
        Row { request: Some(&get), ..row(10, "create", "pods", "r") },
        Row { request: Some("{\"kind\":"), ..row(11, "create", "roles", "x") },
        Row { request: Some(&get), ..row(12, "create", "roles", "") },
        row(13, "create", "roles", ""),
    ];
    let state = History::from_rows(rows).state_at(20, None);
    assert_eq!(verbs(&state), Some("get".to_owned()), "the name in the body serves where the event has none");
    let notes = state.unknown().join("; ");
    assert!(notes.contains("Role web/x existed"), "{notes}");
    assert!(
        notes.contains("1 bodies of requests") && notes.contains("1 changes of roles and bindings do not say"),
        "{notes}"
    );
}
