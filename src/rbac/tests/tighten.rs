//! The least roles for what was used.

use super::super::{Breadth, Change, Options, Proposal, Snapshot, Used, Who, tighten, validate};
use super::{SHOP, cluster_wide, grants, in_web, state, used};

const WHO: Who<'_> = Who { name: SHOP, groups: &[] };

fn propose(requests: &[Used<'_>], options: &Options<'_>) -> Proposal {
    let proposal = tighten(&WHO, requests, &[], options);
    check(&proposal);
    proposal
}

/// The YAML is valid, and reading it back gives the objects.
fn check(proposal: &Proposal) {
    let yaml = proposal.yaml();
    assert_eq!(validate(&yaml), Ok(()), "{yaml}");
    let mut read: Vec<_> = Snapshot::parse("proposal.yaml", &yaml).unwrap().state().objects().cloned().collect();
    read.retain(|object| object.key.name != "cluster-admin");
    let mut made = proposal.objects.clone();
    for objects in [&mut read, &mut made] {
        objects.sort_by(|a, b| a.key.cmp(&b.key));
    }
    assert_eq!(read, made, "{yaml}");
}

const WRITTEN: &str = r#"# what "system:serviceaccount:web:shop" successfully used, and no more
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: least-privilege.web.shop
rules:
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
- apiGroups: [""]
  resources: [nodes]
  resourceNames: [n1]
  verbs: [get]
- nonResourceURLs: ["/metrics"]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: least-privilege.web.shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: least-privilege.web.shop
subjects:
- kind: ServiceAccount
  name: shop
  namespace: web
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: least-privilege.web.shop
  namespace: jobs
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: least-privilege.web.shop
  namespace: jobs
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: least-privilege.web.shop
subjects:
- kind: ServiceAccount
  name: shop
  namespace: web
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: least-privilege.web.shop
  namespace: web
rules:
- apiGroups: [""]
  resources: [configmaps, services]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [tls]
  verbs: [get]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [db]
  verbs: [get, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: least-privilege.web.shop
  namespace: web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: least-privilege.web.shop
subjects:
- kind: ServiceAccount
  name: shop
  namespace: web
"#;

#[test]
fn the_yaml_of_a_proposal_reads_as_a_person_would_write_it() {
    let requests = [
        used("get secrets -n web tls", 9),
        used("get secrets -n web db", 9),
        used("patch secrets -n web db", 1),
        used("list configmaps -n web", 4),
        used("watch configmaps -n web", 4),
        used("list services -n web", 4),
        used("watch services -n web", 4),
        used("create apps/deployments -n web shop", 1),
        used("get pods -n jobs a-1", 4),
        used("get pods -n jobs a-2", 4),
        used("get nodes n1", 1),
        used("get /metrics", 1),
        used("list nodes", 1),
    ];
    assert_eq!(propose(&requests, &Options::default()).yaml(), WRITTEN);
}

/// The rules as `VERBS RESOURCES NAMES`.
fn rules(proposal: &Proposal) -> Vec<String> {
    let rules = proposal.objects.iter().filter_map(|object| match &object.body {
        super::super::Body::Role { rules, .. } => Some(rules),
        super::super::Body::Binding { .. } => None,
    });
    let text = |rule: &super::super::Rule| {
        [&rule.verbs, &rule.resources, &rule.resource_names].map(|list| list.join(",")).join(" ").trim().to_owned()
    };
    rules.flatten().map(|rule| text(rule)).collect()
}

#[test]
fn names_are_held_only_for_requests_in_which_the_authorizer_sees_one() {
    let requests = [
        used("create secrets -n web new", 1),
        used("deletecollection jobs -n web x", 1),
        used("watch secrets -n web tls", 1),
        used("list configmaps -n web", 1),
        used("create serviceaccounts:token -n web runner", 1),
    ];
    let expected = [
        "deletecollection jobs",
        "create secrets",
        "list configmaps",
        "watch secrets tls",
        "create serviceaccounts/token runner",
    ];
    let mut found = rules(&propose(&requests, &Options::default()));
    let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn names_that_pass_and_too_many_names_are_left_out_and_said() {
    let requests = [
        used("get pods:log -n web a-1", 1),
        used("get configmaps -n web a", 1),
        used("get configmaps -n web b", 1),
        used("get configmaps -n web c", 1),
    ];
    let options = Options { names_max: 2, ..Options::default() };
    let proposal = propose(&requests, &options);
    assert_eq!(rules(&proposal), ["get configmaps,pods/log"]);
    let why: Vec<_> = proposal.unnamed.iter().map(|unnamed| (unnamed.names, unnamed.why)).collect();
    assert_eq!(why, [(3, Breadth::TooMany), (1, Breadth::Passing)]);
    assert!(
        proposal.warnings().iter().any(|warning| warning.contains("not held to the 3 names used")),
        "{:?}",
        proposal.warnings()
    );
    // an identity that only ever had names does not get more
    let within = in_web(
        r#"[{verbs: [get], apiGroups: [""], resources: [configmaps, pods/log], resourceNames: [a, b, c, a-1]}]"#,
    );
    let proposal = propose(&requests, &Options { within: Some(&within), ..options });
    assert_eq!(rules(&proposal), ["get configmaps a,b,c", "get pods/log a-1"]);
    assert!(proposal.unnamed.is_empty());
}

#[test]
fn the_verb_that_the_server_asks_for_silently_is_granted_if_it_was_before() {
    let made = Used { created: 1, ..used("patch configmaps -n web a", 1) };
    let requests = [made, used("get pods:exec -n web a-1", 1)];
    let mut found = rules(&propose(&requests, &Options::default()));
    found.sort();
    assert_eq!(found, ["create configmaps", "create,get pods/exec", "patch configmaps a"]);
    let within = in_web(r#"[{verbs: [get, patch], apiGroups: [""], resources: ["*"]}]"#);
    let mut found = rules(&propose(&requests, &Options { within: Some(&within), ..Options::default() }));
    found.sort();
    assert_eq!(found, ["get pods/exec", "patch configmaps a"]);
}

#[test]
fn grants_that_do_not_explain_a_request_do_not_bound_it() {
    let requests = [used("get pods -n web a-1", 1), Used { created: 1, ..used("patch configmaps -n web a", 1) }];
    let within = cluster_wide("[{verbs: [get], nonResourceURLs: [/api]}]");
    let proposal = propose(&requests, &Options { within: Some(&within), ..Options::default() });
    let mut found = rules(&proposal);
    found.sort();
    assert_eq!(found, ["create configmaps", "get pods", "patch configmaps a"]);
    assert_eq!(proposal.unexplained, 2);
}

#[test]
fn patterns_in_the_log_never_become_patterns_of_a_role() {
    let requests = [
        used("* secrets -n web a", 1),
        used("get * -n web a", 1),
        used("get */secrets -n web a", 1),
        used("get deployments:* -n web a", 1),
        used("get /logs/*", 1),
        used("get secrets -n Web_* a", 1),
    ];
    let proposal = propose(&requests, &Options::default());
    assert_eq!((proposal.objects.len(), proposal.left_out.len()), (0, 6));
    assert_eq!(proposal.yaml(), "");
    // a star as a name is only a name
    assert_eq!(rules(&propose(&[used("get secrets -n web *", 1)], &Options::default())), ["get secrets *"]);
}

#[test]
fn what_was_refused_or_never_succeeded_is_not_granted() {
    let requests = [
        Used { denied: 3, succeeded: 0, ..used("get secrets -n web a", 3) },
        Used { succeeded: 0, ..used("get configmaps -n web a", 3) },
    ];
    let proposal = propose(&requests, &Options::default());
    assert_eq!((proposal.objects.len(), proposal.never_succeeded), (0, 1));
}

#[test]
fn the_theft_is_refused_unless_the_same_was_needed() {
    let requests =
        [used("get secrets -n web tls", 1), used("list configmaps -n web", 1), used("get pods -n web a-1", 1)];
    let theft = [
        used("get secrets -n web db", 1),
        used("list secrets -n web", 1),
        used("get secrets -n other tls", 1),
        used("get secrets -n web tls", 1),
        used("get pods -n web b-1", 1),
        used("list configmaps -n web", 1),
        used("get /api", 1),
        Used { denied: 1, succeeded: 0, ..used("get secrets -n web tls", 1) },
    ];
    let everyone = cluster_wide("[{verbs: [get], nonResourceURLs: [/api]}]");
    let proposal = tighten(&WHO, &requests, &theft, &Options { kept: &everyone, ..Options::default() });
    let still: Vec<_> = proposal.still_allowed.iter().map(|still| (still.excluded, still.why)).collect();
    assert_eq!(still, [(3, Breadth::Needed), (4, Breadth::Passing), (5, Breadth::Needed), (6, Breadth::Kept)]);
    assert_eq!(proposal.open.iter().collect::<Vec<_>>(), [&everyone[0].via.to_string()]);
    let warning = format!("the theft goes on through {}, until it is taken from all of them", everyone[0].via);
    assert!(proposal.warnings().contains(&warning), "{:?}", proposal.warnings());
}

#[test]
fn made_objects_have_valid_names_of_their_own_for_every_identity() {
    let long = format!("system:serviceaccount:web:{}", "a".repeat(250));
    let identities = [
        SHOP,
        "ann@example.com",
        "ANN@example.com",
        "-",
        "\u{e9}\n\"",
        "system:serviceaccount:W:x",
        &long,
        "user:a-b",
        "user:a:b",
    ];
    let mut names = std::collections::BTreeSet::new();
    for name in identities {
        let proposal = tighten(&Who { name, groups: &[] }, &[used("list pods", 1)], &[], &Options::default());
        check(&proposal);
        let who = Who { name, groups: &[] };
        assert!(super::super::allows(&proposal.state().grants(&who), &super::asked("list pods")).is_some(), "{name}");
        let made = proposal.objects[0].key.name.clone();
        assert!(super::super::validate::is_dns_subdomain(&made), "{made}");
        assert!(names.insert(made), "{name}");
    }
    let nobody = tighten(&Who { name: "", groups: &[] }, &[used("list pods", 1)], &[], &Options::default());
    assert!(nobody.objects.is_empty());
}

#[test]
fn a_group_is_tightened_as_a_group() {
    let who = Who { name: "", groups: &["developers"] };
    let proposal = tighten(&who, &[used("get secrets -n web tls", 1)], &[], &Options::default());
    check(&proposal);
    assert!(proposal.yaml().contains("- kind: Group\n  apiGroup: rbac.authorization.k8s.io\n  name: developers\n"));
    let member = Who { name: "ann", groups: &["developers"] };
    let asked = super::asked("get secrets -n web tls");
    assert!(super::super::allows(&proposal.state().grants(&member), &asked).is_some());
    assert!(super::super::allows(&proposal.state().grants(&WHO), &asked).is_none());
    let user = Who { name: "developers", groups: &[] };
    assert_ne!(
        tighten(&user, &[used("list pods", 1)], &[], &Options::default()).objects[0].key.name,
        proposal.objects[0].key.name
    );
}

#[test]
fn warnings_say_how_far_to_trust_it_and_what_the_verbs_let_do() {
    let requests =
        [used("list secrets -n web", 1), used("create pods -n web", 1), used("patch rolebindings -n web b", 1)];
    let warnings = |within: Option<&[super::Grant]>, days| {
        tighten(&WHO, &requests, &[], &Options { within, days, ..Options::default() }).warnings().join("\n")
    };
    let text = warnings(None, Some(9.4));
    for part in [
        "only 9 days of log",
        "list and watch of secrets in web show every value",
        "can mount every secret there",
        "escalate and bind",
        "granted now is not known",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let within = cluster_wide(r#"[{verbs: ["*"], apiGroups: ["*"], resources: ["*"]}]"#);
    let text = warnings(Some(&within), Some(31.0));
    assert!(!text.contains("days") && !text.contains("is not known"), "{text}");
    assert!(warnings(None, None).contains("how many days"));
    let masters = grants("", "ann", &["system:masters"]);
    assert!(warnings(Some(&masters), Some(31.0)).starts_with("it is in the group system:masters"));
}

const PRESENT: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: edit}
rules:
- {apiGroups: [""], resources: [secrets, configmaps], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "shop\u001b[31m", namespace: web}
roleRef: {kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: shop}, {kind: User, name: ann}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: team}
roleRef: {kind: ClusterRole, name: edit}
subjects: [{kind: Group, name: team}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everyone}
roleRef: {kind: ClusterRole, name: edit}
subjects: [{kind: Group, name: "system:authenticated"}]
"#;

#[test]
fn the_difference_tells_what_goes_what_comes_and_which_bindings_to_touch() {
    let who = Who { name: SHOP, groups: &["team"] };
    let proposal = tighten(
        &who,
        &[used("get secrets -n web tls", 1), used("list configmaps -n web", 1)],
        &[],
        &Options::default(),
    );
    let diff = proposal.diff(&state(PRESENT), &who);
    let expected = "everywhere:
- get, list on configmaps
- get, list on secrets
in namespace web:
  list on configmaps
- get on configmaps
- get, list on secrets
+ get on secrets named tls
take it out of Group team, which ClusterRoleBinding team grants; other members keep it
take ServiceAccount web/shop out of RoleBinding web/\"shop\\u001b[31m\"; 1 other subject keeps it
";
    assert_eq!(diff.text(), expected);
    let removed: Vec<_> =
        diff.lines.iter().filter(|line| line.change == Change::Removed).map(|line| line.via.len()).collect();
    assert_eq!(removed, [1, 1, 1, 1]);
}
