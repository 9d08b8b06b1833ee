//! The API server's rules of evaluation, one by one.

use super::super::{Kind, allows, path_of, reason};
use super::{SHOP, asked, cluster_wide, grants, in_web};

/// Asserts for each line of `cases`, `yes REQUEST` or `no REQUEST`, what the rules allow.
fn check(rules: &str, grants: &[super::super::Grant], cases: &str) {
    let matcher = super::super::Matcher::new(grants);
    for case in cases.lines().map(str::trim).filter(|case| !case.is_empty()) {
        let (expected, request) = case.split_once(' ').unwrap();
        let request = asked(request.trim());
        assert_eq!(allows(grants, &request).is_some(), expected == "yes", "{rules}\n{case}");
        assert_eq!(matcher.allows(&request), expected == "yes", "by the index: {rules}\n{case}");
    }
}

fn everywhere(rules: &str, cases: &str) {
    check(rules, &cluster_wide(rules), cases);
}

#[test]
fn verb_group_and_resource_must_all_fit() {
    everywhere(
        r#"[{verbs: [get, list], apiGroups: [""], resources: [secrets]}, {verbs: [watch], apiGroups: [apps], resources: [deployments]}]"#,
        "yes get secrets -n web tls
         yes list secrets -n web
         yes list secrets
         no watch secrets -n web
         no get configmaps -n web a
         no get apps/secrets -n web a
         yes watch apps/deployments -n web
         no watch deployments -n web
         no get apps/deployments -n web a",
    );
}

#[test]
fn a_star_stands_for_every_verb_group_or_resource() {
    everywhere(
        r#"[{verbs: ["*"], apiGroups: ["*"], resources: ["*"]}]"#,
        "yes get secrets -n web tls
         yes create example.com/widgets:scale -n web a
         yes impersonate users admin
         no get /metrics",
    );
    everywhere(r#"[{verbs: ["*"], apiGroups: [""], resources: [pods]}]"#, "yes odd pods -n a\nno odd pods:log -n a b");
    everywhere(r#"[{verbs: ["get*"], apiGroups: ["ap*"], resources: ["po*"]}]"#, "no get apps/pods -n a b");
}

#[test]
fn a_subresource_is_granted_by_its_own_name_or_for_every_resource() {
    everywhere(
        r#"[{verbs: [get], apiGroups: [""], resources: [pods, "*/scale", "nodes/*"]}]"#,
        "yes get pods -n a b
         no get pods:exec -n a b
         no get pods:log -n a b
         yes get deployments:scale -n a b
         yes get pods:scale -n a b
         no get scale -n a b
         no get nodes:proxy n1
         no get deployments -n a b",
    );
    everywhere(
        r#"[{verbs: [get], apiGroups: [""], resources: ["*"]}]"#,
        "yes get pods:exec -n a b\nyes get nodes:proxy n",
    );
    everywhere(
        r#"[{verbs: [create], apiGroups: [""], resources: [pods/exec]}]"#,
        "yes create pods:exec -n a b\nno create pods -n a",
    );
}

#[test]
fn names_hold_only_where_the_authorizer_sees_one() {
    let rules =
        r#"[{verbs: ["*"], apiGroups: [""], resources: [secrets, serviceaccounts/token], resourceNames: [tls, ""]}]"#;
    everywhere(
        &rules.replace(r#", """#, ""),
        "yes get secrets -n a tls
         no get secrets -n a other
         yes delete secrets -n a tls
         no list secrets -n a
         yes list secrets -n a tls
         yes watch secrets -n a tls
         no watch secrets -n a other
         no create secrets -n a tls
         no deletecollection secrets -n a tls
         yes create serviceaccounts:token -n a tls
         no create serviceaccounts:token -n a other",
    );
    // an empty name among the names fits requests that name none
    everywhere(rules, "yes list secrets -n a\nyes create secrets -n a tls\nno get secrets -n a other");
    everywhere(
        r#"[{verbs: [get], apiGroups: [""], resources: [secrets], resourceNames: ["*"]}]"#,
        "no get secrets -n a b",
    );
}

#[test]
fn urls_are_granted_exactly_or_by_what_they_begin_with() {
    everywhere(
        r#"[{verbs: [get], nonResourceURLs: [/healthz, "/logs/*", "/api**", "/a*b"]}]"#,
        "yes get /healthz
         no get /healthz/etcd
         no get /healthzz
         yes get /logs/
         no get /logs
         yes get /logs/kubelet.log
         yes get /apis
         yes get /api
         no get /axb
         yes get /a*b
         no post /healthz
         no get /
         no get pods -n a b",
    );
    everywhere(r#"[{verbs: [get], nonResourceURLs: ["*"]}]"#, "yes get /\nyes get /any\nno get pods");
    // a resource's path is decided by its resource
    everywhere(r#"[{verbs: [get], apiGroups: ["*"], resources: ["*"]}]"#, "no get /api");
}

#[test]
fn a_path_is_what_the_uri_says_without_its_query_and_escapes() {
    assert_eq!(path_of("/metrics?token=a#b"), "/metrics");
    assert_eq!(path_of("/%6cogs/%2A"), "/logs/*");
    assert_eq!(path_of("/a%ffb%"), "/a\u{fffd}b%");
}

#[test]
fn a_role_binding_ends_at_its_namespace() {
    let rules = r#"[{verbs: [get, list], apiGroups: [""], resources: [secrets, namespaces]}]"#;
    check(
        rules,
        &in_web(rules),
        "yes get secrets -n web tls
         no get secrets -n other tls
         no list secrets
         yes get namespaces -n web web
         no list namespaces",
    );
}

#[test]
fn urls_beside_resources_in_a_namespace_grant_nothing() {
    // no API server takes such a rule, but a text may hold one
    let rules = r#"[{verbs: [get], apiGroups: [""], resources: [pods], nonResourceURLs: ["*"]}]"#;
    check(rules, &in_web(rules), "yes get pods -n web a\nno get /metrics");
}

const OBJECTS: &str = r#"
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: reader}
  rules:
  - {apiGroups: [""], resources: [secrets], verbs: [get]}
  - {nonResourceURLs: [/metrics], verbs: [get]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: readers, namespace: web}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
  subjects:
  - {kind: Group, name: "system:serviceaccounts:web"}
  - {kind: ServiceAccount, name: shop}
  - {kind: User, name: "system:serviceaccount:web:shop"}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: all}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
  subjects:
  - {kind: ServiceAccount, name: shop}
  - {kind: Group, name: auditors}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: lost}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gone}
  subjects: [{kind: User, name: ann}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: invalid}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
  subjects: [{kind: User, name: ann}]
- apiVersion: v1
  kind: Secret
  metadata: {name: x}
"#;

#[test]
fn a_cluster_role_bound_in_a_namespace_grants_its_resources_there_and_no_urls() {
    let grants = grants(OBJECTS, SHOP, &[]);
    check("", &grants, "yes get secrets -n web a\nno get secrets -n other a\nno get /metrics");
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].namespace.as_deref(), Some("web"));
    // the first subject that fits is named, as the authorizer does
    let via = "RoleBinding web/readers of ClusterRole reader to Group system:serviceaccounts:web";
    assert_eq!(grants[0].via.to_string(), via);
    assert!(grants[0].is_shared());
}

#[test]
fn an_account_subject_without_a_namespace_means_that_of_the_binding_and_nobody_for_the_cluster() {
    let state = super::state(OBJECTS);
    let only = |name| state.grants(&super::Who { name, groups: &[] });
    assert!(only("system:serviceaccount:other:shop").is_empty());
    assert_eq!(only("system:serviceaccount:web:other").len(), 1, "by its group");
    assert!(only("shop").is_empty());
    assert!(only("system:serviceaccount:web:").is_empty());
    assert!(only("system:serviceaccount:web:shop:x").is_empty());
}

#[test]
fn groups_come_from_the_events_and_from_what_every_identity_is_in() {
    let who = |name, groups: &[&str]| grants(OBJECTS, name, groups).len();
    assert_eq!((who("bob", &["auditors"]), who("bob", &[])), (2, 0));
    let yaml = OBJECTS.replace("auditors", "system:authenticated");
    assert_eq!(grants(&yaml, "bob", &[]).len(), 2);
    assert_eq!(grants(&yaml, "system:anonymous", &["system:unauthenticated"]).len(), 0);
    let yaml = OBJECTS.replace("auditors", "system:unauthenticated");
    assert_eq!((grants(&yaml, "bob", &[]).len(), grants(&yaml, "system:anonymous", &[]).len()), (0, 2));
    let yaml = OBJECTS.replace("auditors", "system:serviceaccounts");
    assert_eq!(grants(&yaml, "system:serviceaccount:x:y", &[]).len(), 2);
}

#[test]
fn masters_may_do_everything_without_a_binding() {
    let grants = grants(OBJECTS, "bob", &["system:masters"]);
    check("", &grants, "yes escalate clusterroles x\nyes get /any\nyes create pods:exec -n a b");
    assert_eq!(grants[0].via.binding, None);
    assert_eq!(grants[0].via.to_string(), "membership of Group system:masters");
}

#[test]
fn a_role_that_nothing_shows_grants_nothing_and_is_said() {
    let state = super::state(OBJECTS);
    assert!(state.grants(&super::Who { name: "ann", groups: &[] }).is_empty());
    let unknown = state.unknown();
    assert!(
        unknown.contains(&"ClusterRole gone is not known; ClusterRoleBinding lost grants it".to_owned()),
        "{unknown:?}"
    );
    assert!(unknown.iter().any(|note| note.contains("invalid")), "{unknown:?}");
    assert_eq!(state.unknown_for(&super::Who { name: "ann", groups: &[] }).len(), 2);
    assert!(state.unknown_for(&super::Who { name: "bob", groups: &[] }).is_empty());
}

#[test]
fn cluster_admin_is_known_without_being_shown_and_its_grants_say_so() {
    let yaml = OBJECTS.replace("name: gone", "name: cluster-admin");
    let grants = grants(&yaml, "ann", &[]);
    check("", &grants, "yes get secrets -n a b\nyes post /x");
    assert!(grants[0].via.doubt.as_deref().unwrap().contains("assumed"), "{:?}", grants[0].via);
}

const AGGREGATED: &str = r#"{"apiVersion":"v1","kind":"List","items":[
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"all"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"to-all":"true"}},{"matchExpressions":[{"key":"tier","operator":"In","values":["a","b"]},{"key":"off","operator":"DoesNotExist"}]}]},"rules":[]},
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"middle","labels":{"to-all":"true"}},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"to-middle":"true"}}]},"rules":null},
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"leaf","labels":{"to-middle":"true"}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}]},
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"b","labels":{"tier":"b"}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]},
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"off","labels":{"tier":"b","off":"x"}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["nodes"]}]},
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"all"},"subjects":[{"kind":"User","name":"u"}]}
]}"#;

#[test]
fn cluster_roles_are_collected_by_label_through_others_that_are_collected() {
    check("", &grants(AGGREGATED, "u", &[]), "yes get secrets -n a b\nyes get pods -n a b\nno get nodes n");
}

#[test]
fn a_role_of_the_same_name_is_not_the_collected_cluster_role() {
    let role = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"all","namespace":"web"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["events"]}]},
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"y","namespace":"web"},"roleRef":{"kind":"Role","name":"all"},"subjects":[{"kind":"User","name":"v"}]},"#;
    let yaml = AGGREGATED.replacen("\"items\":[\n", &format!("\"items\":[\n{role}"), 1);
    check("", &grants(&yaml, "v", &[]), "yes get events -n web a\nno get secrets -n web b");
}

#[test]
fn roles_that_collect_each_other_end() {
    let yaml = AGGREGATED.replace(r#""name":"all""#, r#""name":"all","labels":{"to-middle":"true"}"#);
    check("", &grants(&yaml, "u", &[]), "yes get secrets -n a b\nyes get pods -n a b");
}

#[test]
fn stored_rules_of_a_collected_role_that_nothing_explains_are_kept_and_said() {
    let stored = r#""rules":[{"verbs":["get"],"apiGroups":[""],"resources":["endpoints"]}]},"#;
    let yaml = AGGREGATED.replacen(r#""rules":[]},"#, stored, 1);
    let state = super::state(&yaml);
    check("", &state.grants(&super::Who { name: "u", groups: &[] }), "yes get endpoints -n a b\nyes get pods -n a b");
    assert_eq!(state.unknown(), ["ClusterRole all: 1 of its rules come from roles that are not known"]);
}

#[test]
fn reasons_name_binding_role_and_subject_with_the_name_before_the_namespace() {
    let found =
        reason(r#"RBAC: allowed by RoleBinding "shop/web" of ClusterRole "edit" to ServiceAccount "runner/ci""#)
            .unwrap();
    assert_eq!(found.authorizer, "RBAC");
    assert_eq!(
        (found.binding.kind, found.binding.namespace.as_str(), found.binding.name.as_str()),
        (Kind::RoleBinding, "web", "shop")
    );
    assert_eq!(
        (found.role.kind, found.role.namespace.as_str(), found.role.name.as_str()),
        (Kind::ClusterRole, "", "edit")
    );
    assert_eq!(found.subject.to_string(), "ServiceAccount ci/runner");
    let found =
        reason(r#"RBAC: allowed by RoleBinding "a:b/web" of Role "r" to Group "system:serviceaccounts:web""#).unwrap();
    assert_eq!(found.role.to_string(), "Role web/r");
    let found =
        reason(r#"RBAC: allowed by ClusterRoleBinding "a" of ClusterRole "b" to User "ann \"x\\y\" \u00e9\x07""#)
            .unwrap();
    assert_eq!(found.subject.name, "ann \"x\\y\" \u{e9}\u{7}");
    let eks = r#"EKS Access Policy: allowed by ClusterRoleBinding "arn:aws:iam::111122223333:role/ops+arn:aws:eks::aws:cluster-access-policy/View" of ClusterRole "arn:aws:eks::aws:cluster-access-policy/View" to User "AROA:ops""#;
    let found = reason(eks).unwrap();
    assert_eq!(found.authorizer, "EKS Access Policy");
    assert!(found.binding.name.contains('/') && found.binding.namespace.is_empty());
}

#[test]
fn a_reason_that_names_no_binding_is_none() {
    let odd = [
        "",
        "access granted by IAM permissions.",
        "RBAC: clusterrole.rbac.authorization.k8s.io \"x\" not found",
        "no relationship found between node 'n' and this object",
        r#"RBAC: allowed by RoleBinding "a/b" of ClusterRole "c" to User "d" and more"#,
        r#"RBAC: allowed by RoleBinding "a/b" of ClusterRole "c" to User "d"#,
        r#"RBAC: allowed by RoleBinding "a/b" of ClusterRole "c" to Alien "d""#,
        r#"RBAC: allowed by Role "a/b" of ClusterRole "c" to User "d""#,
        r#"RBAC: allowed by RoleBinding "a\q" of ClusterRole "c" to User "d""#,
        r#"RBAC: allowed by RoleBinding "a\ud800" of ClusterRole "c" to User "d""#,
        "RBAC: allowed by RoleBinding \"a\\",
    ];
    odd.iter().for_each(|text| assert_eq!(reason(text), None, "{text}"));
    assert_eq!(
        reason(&format!(r#"RBAC: allowed by RoleBinding "{}" of ClusterRole "c" to User "d""#, "a".repeat(1 << 20))),
        None
    );
}
