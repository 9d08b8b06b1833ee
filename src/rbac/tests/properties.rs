//! What holds for any roles and any requests.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::yaml;
use super::super::{
    Body, Grant, Key, Kind, Matcher, Object, Options, RoleRef, Rule, Snapshot, State, Subject, SubjectKind, allows,
    compare, reason, tighten, validate,
};
use super::{Asked, SHOP, Used, Who};

const WHO: Who<'_> = Who { name: SHOP, groups: &[] };

const VERBS: &[&str] = &["get", "list", "watch", "create", "patch", "delete", "deletecollection", "*"];
const GROUPS: &[&str] = &["", "apps", "*"];
const RESOURCES: &[&str] = &["pods", "secrets", "deployments", "pods/exec", "deployments/scale", "*/scale", "*"];
const NAMES: &[&str] = &["a", "b", "c"];
const URLS: &[&str] = &["/healthz", "/logs/*", "/logs/a", "*"];
const NAMESPACES: &[&str] = &["", "web", "other"];

fn texts(from: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<String>> {
    subsequence(from, least..=from.len().min(3)).prop_map(|texts| texts.into_iter().map(str::to_owned).collect())
}

fn rule() -> impl Strategy<Value = Rule> {
    let names = prop_oneof![Just(Vec::new()), texts(NAMES, 1)];
    let resources = (texts(VERBS, 1), texts(GROUPS, 1), texts(RESOURCES, 1), names).prop_map(
        |(verbs, api_groups, resources, resource_names)| Rule {
            verbs,
            api_groups,
            resources,
            resource_names,
            ..Rule::default()
        },
    );
    let urls = (texts(VERBS, 1), texts(URLS, 1)).prop_map(|(verbs, non_resource_urls)| Rule {
        verbs,
        non_resource_urls,
        ..Rule::default()
    });
    prop_oneof![4 => resources, 1 => urls]
}

/// A role with its binding to the account, in a namespace or for the cluster.
fn role(index: usize) -> impl Strategy<Value = Vec<Object>> {
    (select(NAMESPACES), prop::collection::vec(rule(), 1..3)).prop_map(move |(namespace, rules)| {
        let (role, binding) = match namespace {
            "" => (Kind::ClusterRole, Kind::ClusterRoleBinding),
            _ => (Kind::Role, Kind::RoleBinding),
        };
        let name = format!("r{index}");
        let subjects =
            vec![Subject { kind: SubjectKind::ServiceAccount, namespace: "web".to_owned(), name: "shop".to_owned() }];
        let rules = Body::Role { rules: rules.into_iter().map(Arc::new).collect(), aggregation: None };
        let granted = RoleRef { kind: role.name().to_owned(), name: name.clone() };
        let bodies = [(role, rules), (binding, Body::Binding { role: granted, subjects })];
        let object = |(kind, body)| Object { key: Key::new(kind, namespace, &name), labels: [].into(), body };
        bodies.into_iter().map(object).collect()
    })
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    (role(0), role(1), role(2))
        .prop_map(|(a, b, c)| State::of(a.into_iter().chain(b).chain(c).map(Arc::new)).grants(&WHO))
}

fn request() -> impl Strategy<Value = Asked<'static>> {
    let verbs = select(&["get", "list", "watch", "create", "patch", "delete", "deletecollection"][..]);
    let targets = select(
        &[("pods", ""), ("secrets", ""), ("deployments", ""), ("pods", "exec"), ("deployments", "scale"), ("", "")][..],
    );
    let paths = select(&["/healthz", "/logs/a", "/logs/", "/logs", "/x"][..]);
    let rest = (select(&["", "apps"][..]), select(NAMESPACES), select(&["", "a", "b", "c", "d"][..]), paths);
    (verbs, targets, rest).prop_map(|(verb, (resource, subresource), (api_group, namespace, name, path))| {
        if resource.is_empty() {
            return Asked { verb, path, ..Asked::default() };
        }
        Asked { verb, api_group, resource, subresource, namespace, name, path: "" }
    })
}

fn used(asked: Asked<'static>, created: u64) -> Used<'static> {
    Used { asked, count: 1, succeeded: 1, created, ..Used::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_proposal_allows_what_was_used_and_nothing_that_was_not_granted(
        grants in grants(),
        wanted in prop::collection::vec((request(), 0_u64..2), 0..12),
        stolen in prop::collection::vec(request(), 0..6),
        tried in prop::collection::vec(request(), 0..40),
        names_max in 0_usize..3,
    ) {
        let allowed = |asked: &Asked<'_>| allows(&grants, asked).is_some();
        let requests: Vec<_> = wanted.into_iter().filter(|(asked, _)| allowed(asked)).map(|(asked, created)| used(asked, created)).collect();
        let theft: Vec<_> = stolen.into_iter().filter(allowed).map(|asked| used(asked, 0)).collect();
        let options = Options { within: Some(&grants), names_max, ..Options::default() };
        let proposal = tighten(&WHO, &requests, &theft, &options);
        let yaml = proposal.yaml();
        prop_assert_eq!(validate(&yaml), Ok(()));
        let proposed = Snapshot::parse("p", &yaml).unwrap().state().grants(&WHO);
        for used in &requests {
            prop_assert!(allows(&proposed, &used.asked).is_some(), "{:?}\n{}", used.asked, yaml);
        }
        for asked in &tried {
            prop_assert!(allows(&proposed, asked).is_none() || allowed(asked), "{:?}\n{}", asked, yaml);
        }
        for (index, stolen) in theft.iter().enumerate() {
            let is_allowed = allows(&proposed, &stolen.asked).is_some();
            let is_said = proposal.still_allowed.iter().any(|still| still.excluded == index);
            prop_assert_eq!(is_allowed, is_said);
            // nobody needed the verb on that resource in that scope or everywhere, so it is refused
            let is_needed = requests.iter().any(|used| {
                let (a, b) = (&used.asked, &stolen.asked);
                a.resource == b.resource && a.subresource == b.subresource && a.api_group == b.api_group
                    && a.path == b.path && (a.namespace == b.namespace || a.namespace.is_empty())
                    && (a.verb == b.verb || b.verb == "create")
            });
            prop_assert!(is_needed || !is_allowed, "{:?}\n{}", stolen.asked, yaml);
        }
        let diff = proposal.diff(&State::of([]), &WHO);
        prop_assert!(diff.text().is_ascii());
    }

    #[test]
    fn the_index_answers_as_the_plain_reading_does(grants in grants(), tried in prop::collection::vec(request(), 1..40)) {
        let matcher = Matcher::new(&grants);
        let mut requests = Vec::new();
        for asked in &tried {
            prop_assert_eq!(matcher.allows(asked), allows(&grants, asked).is_some(), "{:?}", asked);
            requests.push(used(*asked, 0));
        }
        let found = compare(&grants, &requests);
        let unexplained = tried.iter().filter(|asked| allows(&grants, asked).is_none()).count();
        prop_assert_eq!(found.unexplained.len(), unexplained);
        for grant in &found.grants {
            prop_assert_eq!(grant.cells.iter().map(|cell| cell.tally.count).sum::<u64>(), grant.tally.count);
            let alone = [grants[grant.grants[0]].clone()];
            let count = tried.iter().filter(|asked| allows(&alone, asked).is_some()).count();
            prop_assert_eq!(grant.tally.count, count as u64);
        }
    }

    #[test]
    fn any_text_is_written_so_that_it_reads_back_the_same(text in any::<String>()) {
        let written = format!("a: [{0}, {0}]\nb: {0}\n", yaml::scalar(&text));
        prop_assert!(written.is_ascii());
        let read: Vec<serde_json::Value> = crate::manifest::yaml(&written).unwrap();
        prop_assert_eq!(&read[0]["a"][1], &serde_json::json!(text.clone()));
        prop_assert_eq!(&read[0]["b"], &serde_json::json!(text));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[ -~\n\t&*!|>\\[\\]{}\"'#%é]{0,80}", bytes in any::<String>()) {
        for text in [&text, &bytes] {
            let _ = Snapshot::parse("x", text);
            let _ = validate(text);
            let _ = reason(text);
            let _ = reason(&format!("RBAC: allowed by RoleBinding \"{text}"));
        }
    }
}

#[test]
fn words_that_parsers_differ_on_are_quoted() {
    for text in [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "null",
        "~",
        "true",
        "1",
        "0x1",
        "1e3",
        ".5",
        "1_0",
        "12:30:45",
        "2024-01-01",
        "=",
        "<<",
        "-",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "*",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "Inf",
        "nan",
    ] {
        assert!(yaml::scalar(text).starts_with('"'), "{text}");
    }
    assert_eq!(yaml::scalar("web-1.example.com/a_b"), "web-1.example.com/a_b");
}
