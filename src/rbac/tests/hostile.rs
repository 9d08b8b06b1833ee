//! Texts and logs made to hurt.

use std::time::{Duration, Instant};

use super::super::{History, Matcher, Options, Row, Snapshot, Used, Who, allows, compare, tighten};
use super::{asked, cluster_wide, state};

/// Far above what any of these takes, and far below what quadratic work would.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn bombs_and_depths_of_yaml_are_refused_at_once_without_being_quoted() {
    let aliases = (1..12).map(|index| format!("a{index}: &a{index} [*a{}, *a{}]\n", index - 1, index - 1));
    let bomb = format!("a0: &a0 [secretvalue]\n{}", aliases.collect::<String>());
    let texts = [
        bomb,
        "[".repeat(1 << 20),
        "metadata: ".to_owned() + &"{a: ".repeat(1 << 18),
        (0..3000).map(|depth| " ".repeat(depth) + "secretvalue:\n").collect(),
        "? ".repeat(1 << 18),
        "---\n".repeat(1 << 20),
        "{\"kind\":".repeat(1 << 18),
        "kind: Role\nkind: Role\n".to_owned(),
        "kind: [secretvalue]".to_owned(),
        "rules: secretvalue".to_owned(),
        "\0\u{1}\u{feff}".to_owned(),
        "<<: {kind: secretvalue}".to_owned(),
        "!!binary secretvalue".to_owned(),
    ];
    let start = Instant::now();
    for text in texts {
        let error = Snapshot::parse("roles.yaml", &text).unwrap_err().to_string();
        assert!(error.starts_with("roles.yaml: ") && !error.contains("secretvalue"), "{error}");
    }
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn empty_and_odd_texts_hold_nothing() {
    for text in ["", "---\n", "# a comment\n", "{}", "null", "kind: List\nitems: []", "kind: Secret\ndata: {a: b}"] {
        let snapshot = Snapshot::parse("x", text).unwrap();
        assert!(snapshot.is_empty(), "{text}");
    }
    let counted = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"apiVersion\":\"example.com/v1\",\"kind\":\"Role\"}{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\"}";
    let snapshot = Snapshot::parse("x", counted).unwrap();
    let ignored: Vec<_> = snapshot.ignored().iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!((ignored, snapshot.incomplete()), (vec![("Pod", 1), ("Role", 1)], 1));
}

/// A list of these objects as JSON, which unoptimised code reads faster than YAML.
fn list_of(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> =
        items.map(|item| format!(r#"{{"apiVersion":"rbac.authorization.k8s.io/v1",{item}}}"#)).collect();
    format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","))
}

/// A cluster with `count` roles and bindings of them, each for account `web/shop`.
fn large(count: usize) -> String {
    list_of((0..count).flat_map(|index| {
        let metadata = |start| format!(r#""metadata":{{"name":"{start}{index}","namespace":"n{}"}}"#, index % 50);
        let rule =
            format!(r#"{{"apiGroups":[""],"resources":["secrets"],"resourceNames":["s{index}"],"verbs":["get"]}}"#);
        let subject = r#"{"kind":"ServiceAccount","name":"shop","namespace":"web"}"#;
        [
            format!(r#""kind":"Role",{},"rules":[{rule}]"#, metadata("r")),
            format!(
                r#""kind":"RoleBinding",{},"roleRef":{{"kind":"Role","name":"r{index}"}},"subjects":[{subject}]"#,
                metadata("b")
            ),
        ]
    }))
}

#[test]
fn thousands_of_roles_and_hundreds_of_thousands_of_requests_take_seconds() {
    let start = Instant::now();
    let state = state(&large(10_000));
    let grants = state.grants(&Who { name: super::SHOP, groups: &[] });
    assert_eq!(grants.len(), 10_000);
    let names: Vec<(String, String)> =
        (0..200_000).map(|index| (format!("s{index}"), format!("n{}", index % 50))).collect();
    let requests: Vec<Used<'_>> = names
        .iter()
        .map(|(name, namespace)| Used {
            asked: super::Asked { verb: "get", resource: "secrets", namespace, name, ..super::Asked::default() },
            count: 1,
            succeeded: 1,
            ..Used::default()
        })
        .collect();
    let found = compare(&grants, &requests);
    assert_eq!((found.unexplained.len(), found.unused_count()), (190_000, 0));
    let who = Who { name: super::SHOP, groups: &[] };
    let proposal = tighten(
        &who,
        &requests[..10_000],
        &requests[10_000..],
        &Options { within: Some(&grants), ..Options::default() },
    );
    assert_eq!((proposal.objects.len(), proposal.still_allowed.len()), (100, 0));
    assert_eq!(proposal.diff(&state, &who).lines.len(), 10_000);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

#[test]
fn roles_that_all_collect_all_others_end_within_bounds() {
    let yaml = list_of((0..6_000).map(|index| {
        let selectors = r#"{"clusterRoleSelectors":[{}]}"#;
        format!(
            r#""kind":"ClusterRole","metadata":{{"name":"r{index}","labels":{{"a":"b"}}}},"aggregationRule":{selectors}"#
        )
    }));
    let start = Instant::now();
    let state = state(&yaml);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert!(state.unknown().iter().any(|note| note.contains("too many rules to collect")), "{:?}", state.unknown());
}

#[test]
fn rules_with_many_entries_are_matched_without_multiplying_them() {
    let list = |start: &str| (0..5_000).map(|index| format!("{start}{index}")).collect::<Vec<_>>().join(", ");
    let rules = format!(
        "[{{verbs: [{}], apiGroups: [{}], resources: [{}], resourceNames: [{}]}}]",
        list("v"),
        list("g"),
        list("r"),
        list("n")
    );
    let grants = cluster_wide(&rules);
    let start = Instant::now();
    let request = asked("v4999 g4999/r4999 -n web n4999");
    assert!(Matcher::new(&grants).allows(&request) && allows(&grants, &request).is_some());
    let used = [Used { asked: request, count: 1, succeeded: 1, ..Used::default() }];
    let found = compare(&grants, &used);
    assert_eq!((found.grants[0].cells.len(), found.unused_count()), (1, 124_999_999_999));
    let who = Who { name: "u", groups: &[] };
    let diff = tighten(&who, &used, &[], &Options::default()).diff(&super::super::State::of([]), &who);
    assert_eq!(diff.lines.len(), 1);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

#[test]
fn a_long_history_of_one_object_is_followed_in_linear_time() {
    let api_group = "rbac.authorization.k8s.io";
    let body = r#"{"kind":"Role","metadata":{"name":"r","namespace":"web"},"rules":[]}"#;
    let patch = r#"[{"op":"add","path":"/rules/-","value":{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}},{"op":"remove","path":"/rules/0"}]"#;
    let row = |ts: i64| {
        let (verb, request) = match ts % 4 {
            0 => ("create", Some(body)),
            1 => ("patch", Some(patch)),
            2 => ("deletecollection", None),
            _ => ("update", None),
        };
        let name = if verb == "deletecollection" { "" } else { "r" };
        let outcome = "allowed";
        Row {
            ts,
            verb,
            api_group,
            resource: "roles",
            namespace: "web",
            name,
            outcome,
            request_uri: "/x?labelSelector=y",
            request,
            ..Row::default()
        }
    };
    let start = Instant::now();
    let history = History::from_rows((0..100_000).map(row));
    let state = history.state_at(99_999, None);
    assert_eq!((history.len(), state.unknown().len()), (1, 0));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}
