//! Risk by hand and by chance.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;

use super::*;

/// A finding of `actor`; its id is made of what it is.
fn finding(detection: &str, severity: Severity, actor: &str, object: &str) -> Finding {
    Finding {
        detection: detection.to_owned(),
        title: String::new(),
        severity,
        attack: vec!["TA0006/T1552.007".to_owned()],
        audit_id: "a".to_owned(),
        audit_ids: vec!["a".to_owned()],
        first_seen: 0,
        last_seen: 0,
        actor: actor.to_owned(),
        object: object.to_owned(),
        events: 1,
        cluster: "prod".to_owned(),
        finding_id: format!("{detection} {actor} {object}"),
        evidence: "{}".to_owned(),
    }
}

fn high(detection: &str, actor: &str) -> Finding {
    finding(detection, Severity::High, actor, "shop/db")
}

fn of<'a>(scores: &'a [Score], name: &str) -> &'a Score {
    scores.iter().find(|score| score.name == name).unwrap_or_else(|| panic!("{name}: {scores:?}"))
}

/// The score of alice with these findings.
fn alice(findings: &[Finding]) -> u32 {
    of(&assess(findings, |_| false).identities, "alice").score
}

#[test]
fn one_plain_finding_is_worth_its_severity() {
    let score = |severity| alice(&[finding("d", severity, "alice", "shop/db")]);
    assert_eq!(Severity::ALL.map(score), [0, 2, 22, 50, 80]);
}

#[test]
fn what_was_refused_counts_less_and_the_evidence_knows_best() {
    let probe = |detection: &str, evidence: serde_json::Value| {
        alice(&[Finding { evidence: evidence.to_string(), ..high(detection, "alice") }])
    };
    let (full, refused) = (probe("secret_read", json!({})), probe("secret_probe", json!({})));
    assert_eq!((full, refused), (50, 30));
    assert_eq!(probe("secret_read", json!({"outcomes": "denied, failed"})), refused);
    assert_eq!(probe("secret_probe", json!({"outcomes": "denied allowed"})), full);
    assert_eq!(probe("secret_probe", json!({"outcome": "unknown"})), full);
    assert_eq!(probe("denied_then_allowed", json!({})), full);
    assert_eq!(probe("names_guessed", json!({"refused": 1})), refused);
    assert_eq!(probe("names_guessed", json!({"refused": 0})), full);
}

#[test]
fn the_wider_the_louder() {
    let reach = |object: &str, evidence: serde_json::Value| {
        let finding = finding("d", Severity::Medium, "alice", object);
        alice(&[Finding { evidence: evidence.to_string(), ..finding }])
    };
    let (named, many) = (reach("shop/db", json!({})), reach("35 secrets", json!({})));
    let (namespace, cluster) = (reach("shop/*", json!({})), reach("secrets of all namespaces", json!({})));
    assert!(named < namespace && namespace < cluster && named < many);
    assert_eq!(reach("x", json!({"scope": "cluster"})), cluster);
    assert_eq!(reach("x", json!({"secrets_read": 35})), many);
    assert!(reach("x", json!({"secrets": "a/b a/c"})) > named);
}

#[test]
fn what_hardly_anyone_does_counts_more() {
    let others: Vec<String> = (0..31).map(|number| format!("user-{number}")).collect();
    let mut common: Vec<Finding> = others.iter().map(|name| high("d", name)).collect();
    let mut rare: Vec<Finding> = others.iter().map(|name| high("other", name)).collect();
    common.push(high("d", "alice"));
    rare.push(high("d", "alice"));
    assert!(alice(&rare) > alice(&common));
    assert_eq!(alice(&common), alice(&[high("d", "alice")]), "alone, nothing is rare");
    let surprising = Finding { evidence: json!({"surprise": 9.5}).to_string(), ..high("d", "alice") };
    assert!(alice(&[surprising]) > alice(&[high("d", "alice")]));
}

#[test]
fn a_chain_of_tactics_counts_more_than_their_findings() {
    let step = |detection: &str, tactic: &str, first_seen| Finding {
        attack: vec![format!("{tactic}/T1609")],
        first_seen,
        ..high(detection, "alice")
    };
    let chain = [step("one", "TA0006", 2), step("two", "TA0002", 1)];
    let same = [step("one", "TA0006", 2), step("two", "TA0006", 1)];
    assert!(alice(&chain) > alice(&same));
    let risk = assess(&chain, |_| false);
    let term = risk.identities[0].terms.iter().find(|term| term.kind == Kind::Chain).unwrap();
    assert_eq!((term.why.as_str(), term.findings.len()), ("TA0002, TA0006", 2), "in the order of time");
}

#[test]
fn a_thousand_facts_make_no_threat() {
    let facts: Vec<Finding> =
        (0..1_000).map(|n| finding("fact", Severity::Low, "alice", &format!("shop/pod-{n}"))).collect();
    assert!(alice(&facts) < 10, "{}", alice(&facts));
    assert!(alice(&facts) > alice(&facts[..1]));
}

#[test]
fn secrets_are_found_in_objects_and_evidence() {
    let swept = Finding {
        evidence: json!({"secrets": "shop/db shop/tls ../etc x"}).to_string(),
        ..finding("secret_sweep", Severity::High, "alice", "2 secrets")
    };
    let findings = [
        swept,
        finding("secret_read_by_hand", Severity::Medium, "bob", "shop/db"),
        finding("secrets_read_cluster_wide", Severity::High, "carol", "secrets of all namespaces"),
        finding("workload_mounts_foreign_secret", Severity::Medium, "dora", "pods a/b uses payments/ledger"),
        finding("pod_exec", Severity::Medium, "bob", "shop/web-0"),
    ];
    let risk = assess(&findings, |detection| detection.starts_with("secret"));
    let names: BTreeSet<&str> = risk.secrets.iter().map(|score| score.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["shop/db", "shop/tls", "*/*", "payments/ledger"]));
    let db = of(&risk.secrets, "shop/db");
    assert!(db.score > of(&risk.secrets, "shop/tls").score, "two hands are worse than one");
    assert_eq!(db.findings, 2);
    assert_eq!(
        db.terms.iter().find(|term| term.kind == Kind::Spread).map(|term| term.why.as_str()),
        Some("2 identities")
    );
}

#[test]
fn clusters_are_kept_apart() {
    let other = Finding { cluster: "test".to_owned(), ..high("d", "alice") };
    let risk = assess(&[high("d", "alice"), other], |_| true);
    assert_eq!((risk.identities.len(), risk.secrets.len()), (2, 2));
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let detection = prop::sample::select(vec!["secret_sweep", "secret_probe", "pod_exec", "role_changed"]);
    let tactic = prop::sample::select(vec!["TA0001", "TA0002", "TA0006"]);
    let object = prop_oneof!["shop/[a-c]", Just("*/*".to_owned()), "[0-9]{1,3} secrets", "\\PC{0,8}"];
    let evidence = prop_oneof![
        Just("{}".to_owned()),
        "\\PC{0,8}",
        (any::<f64>(), any::<u64>()).prop_map(|(bits, n)| json!({"surprise": bits, "secrets_read": n}).to_string()),
        "[a-c]/[a-c]".prop_map(|name| json!({"secrets": [name], "outcomes": "denied"}).to_string()),
    ];
    let who = prop::sample::select(vec!["alice", "bob", ""]);
    (detection, severity, tactic, object, evidence, who, 0_i64..100).prop_map(
        |(detection, severity, tactic, object, evidence, who, first_seen)| Finding {
            attack: vec![format!("{tactic}/T1609")],
            evidence,
            first_seen,
            finding_id: format!("{detection}{who}{object}{first_seen}"),
            ..finding(detection, severity, who, &object)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_terms_add_up_to_the_score(findings in prop::collection::vec(any_finding(), 0..40)) {
        let risk = assess(&findings, |_| true);
        for score in risk.identities.iter().chain(&risk.secrets) {
            prop_assert_eq!(score.terms.iter().map(|term| term.points).sum::<u32>(), score.score);
            prop_assert!(score.score <= 100);
            prop_assert!(score.terms.iter().all(|term| !term.findings.is_empty() && !term.why.is_empty()));
        }
        let all: usize = risk.identities.iter().map(|score| score.findings).sum();
        prop_assert_eq!(all, findings.len());
        prop_assert!(risk.identities.is_sorted_by(|a, b| a.score >= b.score));
    }

    #[test]
    fn a_finding_more_never_lowers_whom_it_is_of(
        findings in prop::collection::vec(any_finding(), 1..30),
        more in any_finding(),
    ) {
        let all = [&findings[..], std::slice::from_ref(&more)].concat();
        let (before, after) = (assess(&findings, |_| false), assess(&all, |_| false));
        let score = |risk: &Risk| {
            risk.identities.iter().find(|score| score.name == more.actor).map_or((0, 0), |score| (score.score, score.weight))
        };
        prop_assert!(score(&after) >= score(&before), "{:?} {:?}", before, after);
        prop_assert!(score(&after).1 > score(&before).1 || score(&before).0 > 0);
    }

    #[test]
    fn the_order_of_findings_changes_nothing(
        findings in prop::collection::vec(any_finding(), 0..30).prop_shuffle(),
        keys in subsequence((0..30).collect::<Vec<usize>>(), 30).prop_shuffle(),
    ) {
        let mut shuffled: Vec<(usize, Finding)> = keys.into_iter().zip(findings.clone()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Finding> = shuffled.into_iter().map(|(_, finding)| finding).collect();
        prop_assert_eq!(assess(&findings, |_| true), assess(&shuffled, |_| true));
    }
}
