//! Granted against used.

use super::super::{Used, compare};
use super::{SHOP, cluster_wide, grants, in_web, used};

/// `VERB TARGET [NAME]: COUNT` of every cell.
fn cells(comparison: &super::super::Comparison<'_>) -> Vec<String> {
    let cells = comparison.grants.iter().flat_map(|grant| &grant.cells);
    let texts = cells.map(|cell| {
        let name = cell.name.map(|name| format!(" {name}")).unwrap_or_default();
        format!("{} {}{name}: {}", cell.verb, cell.target, cell.tally.count)
    });
    texts.collect()
}

#[test]
fn every_verb_resource_and_name_is_counted_and_what_was_never_used_is_told() {
    let grants = in_web(
        r#"[{verbs: [get, list], apiGroups: [""], resources: [secrets]}, {verbs: [get], apiGroups: [""], resources: [configmaps], resourceNames: [a, b]}]"#,
    );
    let requests =
        [used("get secrets -n web tls", 3), used("get secrets -n web db", 2), used("get configmaps -n web a", 1)];
    let found = compare(&grants, &requests);
    assert_eq!(cells(&found), ["get secrets: 5", "list secrets: 0", "get configmaps a: 1", "get configmaps b: 0"]);
    let unused: Vec<_> = found.unused().map(|(_, cell)| (cell.verb, cell.target, cell.name)).collect();
    assert_eq!(unused, [("list", "secrets", None), ("get", "configmaps", Some("b"))]);
    assert_eq!((found.unused_count(), found.unexplained.len()), (2, 0));
}

#[test]
fn tallies_hold_counts_and_the_first_and_last_time_of_what_was_not_refused() {
    let grants = in_web(r#"[{verbs: [get], apiGroups: [""], resources: [secrets]}]"#);
    let mut requests =
        [used("get secrets -n web a", 5), used("get secrets -n web b", 4), used("get secrets -n web c", 9)];
    requests[0] = Used { denied: 2, succeeded: 1, first: 30, last: 90, ..requests[0] };
    requests[1] = Used { first: 5, last: 50, ..requests[1] };
    requests[2] = Used { denied: 9, succeeded: 0, first: 1, last: 99, ..requests[2] };
    let tally = compare(&grants, &requests).grants[0].cells[0].tally;
    assert_eq!((tally.count, tally.succeeded, tally.first, tally.last), (7, 5, Some(5), Some(90)));
}

#[test]
fn what_a_pattern_was_used_for_is_told_beside_the_pattern() {
    let grants = cluster_wide(
        r#"[{verbs: [get, "*"], apiGroups: ["*"], resources: ["*", "*/scale", pods]}, {verbs: [get], nonResourceURLs: ["*", "/logs/*", /healthz]}]"#,
    );
    let requests = [
        used("get pods -n a b", 1),
        used("list apps/deployments -n a", 2),
        used("get apps/deployments:scale -n b c", 4),
        used("get /logs/x", 8),
        used("get /healthz", 16),
        used("get /version", 32),
    ];
    let found = compare(&grants, &requests);
    let expected = [
        "get *: 0",
        "get */scale: 4",
        "get pods: 1",
        "* *: 2",
        "* */scale: 0",
        "* pods: 0",
        "get *: 32",
        "get /logs/*: 8",
        "get /healthz: 16",
    ];
    assert_eq!(cells(&found), expected);
    let pattern: Vec<_> = found.grants[0]
        .by_pattern
        .iter()
        .map(|use_| (use_.verb.as_str(), use_.target.as_str(), use_.tally.count))
        .collect();
    assert_eq!(pattern, [("get", "deployments/scale", 4), ("list", "deployments", 2), ("get", "pods", 1)]);
    let namespaces: Vec<_> = found.grants[0].namespaces.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(namespaces, [("a", 3), ("b", 4)]);
    assert!(found.grants[1].namespaces.is_empty());
}

#[test]
fn a_request_counts_for_every_grant_and_one_that_none_allows_is_unexplained() {
    let yaml = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{verbs: [get], apiGroups: [""], resources: [secrets]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: one, namespace: web}
roleRef: {kind: ClusterRole, name: r}
subjects: [{kind: ServiceAccount, name: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: two, namespace: web}
roleRef: {kind: ClusterRole, name: r}
subjects: [{kind: ServiceAccount, name: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {kind: ClusterRole, name: r}
subjects: [{kind: ServiceAccount, name: shop, namespace: web}]
"#;
    let grants = grants(yaml, SHOP, &[]);
    let requests = [used("get secrets -n web a", 1), used("get secrets -n other a", 2), used("list secrets -n web", 4)];
    let found = compare(&grants, &requests);
    let counts: Vec<_> = found.grants.iter().map(|grant| (grant.grants.clone(), grant.tally.count)).collect();
    assert_eq!(counts, [(vec![0], 3), (vec![1, 2], 1)], "one rule that two bindings grant in one namespace is one");
    assert_eq!(found.unexplained, [2]);
}

#[test]
fn of_a_rule_with_too_many_combinations_the_used_ones_are_listed() {
    let list = |start: &str, count| (0..count).map(|index| format!("{start}{index}")).collect::<Vec<_>>().join(", ");
    let rules = format!("[{{verbs: [{}], apiGroups: [''], resources: [{}]}}]", list("v", 200), list("r", 200));
    let grants = in_web(&rules);
    let found = compare(&grants, &[used("v7 r9 -n web x", 3)]);
    assert_eq!(cells(&found), ["v7 r9: 3"]);
    assert_eq!((found.grants[0].left_out, found.unused_count()), (39_999, 39_999));
}
