//! What the API server would and would not take.

use super::super::validate;

const ROLE: &str = r#"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: web}, rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]}"#;
const CLUSTER: &str = r#"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r, labels: {"example.com/a": "b"}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}]}, rules: [{verbs: [get], nonResourceURLs: ["/x*"]}]}"#;
const BINDING: &str = r#"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: "a:b c", namespace: web}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: shop}, {kind: User, name: u, apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: g}]}"#;
const EVERYWHERE: &str = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: ServiceAccount, name: shop, namespace: web}]}";

#[test]
fn valid_objects_of_every_kind_pass() {
    for text in [ROLE, CLUSTER, BINDING, EVERYWHERE, &[ROLE, CLUSTER, "", BINDING].join("\n---\n")] {
        assert_eq!(validate(text), Ok(()), "{text}");
    }
}

/// An object, a part of it, what that is replaced by, and what is wrong then.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (ROLE, "verbs: [get]", "verbs: []", "document 1: rules[0].verbs: must name at least one verb"),
    (
        ROLE,
        r#"apiGroups: [""], "#,
        "",
        "document 1: rules[0].apiGroups: must name at least one group, empty text for the core group",
    ),
    (ROLE, "resources: [pods]", "resources: null", "document 1: rules[0].resources: must name at least one resource"),
    (ROLE, "verbs: [get]", "verbs: get", "document 1: rules[0].verbs: must be a list"),
    (ROLE, "resources: [pods]", "resources: [7]", "document 1: rules[0].resources: must hold texts only"),
    (
        ROLE,
        "resources: [pods]",
        "resource: [pods], resources: [pods]",
        "document 1: rules[0].resource: is no field of it",
    ),
    (
        ROLE,
        r#"apiGroups: [""], resources: [pods]"#,
        "nonResourceURLs: [/x]",
        "document 1: rules[0].nonResourceURLs: cannot be granted in a namespace",
    ),
    (
        CLUSTER,
        r#"nonResourceURLs: ["/x*"]"#,
        "nonResourceURLs: [/x], resources: [pods]",
        "document 1: rules[0].nonResourceURLs: cannot stand beside resources",
    ),
    (ROLE, ", namespace: web", "", "document 1: metadata.namespace: is missing"),
    (ROLE, "namespace: web", "namespace: Web", "document 1: metadata.namespace: is no namespace's name"),
    (ROLE, "name: r,", "name: a/b,", "document 1: metadata.name: must not be `.` or `..`, nor contain `/` or `%`"),
    (ROLE, "name: r, ", "", "document 1: metadata.name: is missing"),
    (ROLE, "name: r,", "name: 7,", "document 1: metadata.name: must be a text"),
    (
        ROLE,
        "authorization.k8s.io/v1",
        "authorization.k8s.io/v2",
        "document 1: apiVersion: must be rbac.authorization.k8s.io/v1",
    ),
    (ROLE, "kind: Role", "kind: Pod", "document 1: kind: must be Role, ClusterRole, RoleBinding or ClusterRoleBinding"),
    (ROLE, "rules: [", "subjects: [], rules: [", "document 1: subjects: is no field of it"),
    (
        CLUSTER,
        "name: r,",
        "name: r, namespace: web,",
        "document 1: metadata.namespace: must not be set, since the kind has none",
    ),
    (
        CLUSTER,
        r#""example.com/a": "b""#,
        r#""/a": "b""#,
        "document 1: metadata.labels: has a key that is no qualified name",
    ),
    (
        CLUSTER,
        r#""example.com/a": "b""#,
        r#"a: "b c""#,
        "document 1: metadata.labels: has a value that no label can have",
    ),
    (
        CLUSTER,
        "operator: In",
        "operator: Like",
        "document 1: aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: must be In, NotIn, Exists or DoesNotExist",
    ),
    (
        BINDING,
        "apiGroup: rbac.authorization.k8s.io, kind: Role",
        "kind: Role",
        "document 1: roleRef.apiGroup: must be rbac.authorization.k8s.io",
    ),
    (BINDING, "kind: Role,", "kind: Pod,", "document 1: roleRef.kind: must be Role or ClusterRole"),
    (BINDING, "kind: Role, name: r", "kind: Role", "document 1: roleRef.name: is missing"),
    (
        BINDING,
        "kind: ServiceAccount, name: shop",
        "kind: ServiceAccount, name: Shop",
        "document 1: subjects[0].name: is no service account's name",
    ),
    (
        BINDING,
        "kind: ServiceAccount,",
        "kind: ServiceAccount, apiGroup: rbac.authorization.k8s.io,",
        "document 1: subjects[0].apiGroup: must be empty for a service account",
    ),
    (
        BINDING,
        "kind: Group, name: g",
        "kind: Group, name: g, apiGroup: v1",
        "document 1: subjects[2].apiGroup: must be rbac.authorization.k8s.io",
    ),
    (
        BINDING,
        "kind: Group, name: g",
        "kind: Alien, name: g",
        "document 1: subjects[2].kind: must be ServiceAccount, User or Group",
    ),
    (BINDING, "kind: Group, name: g", "kind: Group", "document 1: subjects[2].name: is missing"),
    (EVERYWHERE, ", namespace: web", "", "document 1: subjects[0].namespace: is missing"),
    (EVERYWHERE, "kind: ClusterRole,", "kind: Role,", "document 1: roleRef.kind: must be ClusterRole"),
];

#[test]
fn each_fault_is_told_with_its_document_and_field() {
    for (text, good, bad, fault) in FAULTS {
        let broken = text.replacen(good, bad, 1);
        assert_ne!(broken, *text, "{good}");
        let faults = validate(&broken).unwrap_err();
        assert_eq!(&faults[0], fault, "{broken}");
        let field = |fault: &str| fault.split(": ").nth(1).map(str::to_owned);
        assert!(faults.iter().all(|other| field(other) == field(fault)), "{broken}: {faults:?}");
    }
}

#[test]
fn what_is_no_yaml_and_what_says_a_key_twice_is_refused_without_being_quoted() {
    for text in ["{", "a: b: c", "kind: secretvalue\nkind: secretvalue", "&a [*a]", "[secretvalue"] {
        let faults = validate(text).unwrap_err();
        assert!(faults.len() == 1 && !faults[0].contains("secretvalue"), "{text}: {faults:?}");
    }
    assert_eq!(validate("- a"), Err(vec!["document 1: document: is no object".to_owned()]));
}
