//! `kubesift rules`: what is covered, what could see, and the help for whoever writes a detection.

use kubesift::detection::Pack;
use serde_json::{Value, json};

use crate::rig::{Scratch, event_with, lines};

#[test]
fn coverage_is_printed_through_each_view() {
    let scratch = Scratch::new();
    let rows = scratch.run("rules coverage").out;
    for part in ["A01", "K8S_SensitiveMount", "public and commercial rules", "132: "] {
        assert!(rows.contains(part), "{part}\n{rows}");
    }
    let matrix = scratch.run("rules coverage --view attack").out;
    assert!(matrix.contains("CREDENTIAL ACCESS") && matrix.contains("T1552") && matrix.contains("none: "), "{matrix}");
    let matrix = scratch.run("rules coverage --view threat-matrix").out;
    assert!(matrix.contains("MS-TA9025 List Kubernetes secrets"), "{matrix}");
    assert!(matrix.lines().all(|line| line.chars().count() <= 100), "{matrix}");
    let csv = scratch.run("rules coverage --view threat-matrix --format csv").out;
    let rows = csv::Reader::from_reader(csv.as_bytes()).records().map(|row| row.unwrap().len()).collect::<Vec<_>>();
    assert_eq!(rows, vec![7; 40]);
    let json: Value = serde_json::from_str(&scratch.run("rules coverage --format json").out).unwrap();
    assert_eq!((&json[0]["id"], &json[0]["total"]), (&json!("union"), &json!(132)));
}

#[test]
fn readiness_tells_what_could_not_be_seen_and_the_policy_that_would_help() {
    let scratch = Scratch::new();
    let role = |number: usize| {
        let event = json!({
            "level": "Metadata", "verb": "create",
            "requestURI": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "objectRef": {"resource": "clusterroles", "name": "r", "apiGroup": "rbac.authorization.k8s.io"},
        });
        event_with(number, &event).to_string() + "\n"
    };
    scratch.write("a.log", (0..20).map(role).collect::<String>());
    scratch.run("ingest a.log --lake lake").ends(0);
    let text = scratch.run("rules readiness --lake lake").done();
    for part in [
        "20 events",
        "BLIND",
        "20 writes of clusterroles, none at level Request or richer",
        "- level: Request",
        "  - group: \"rbac.authorization.k8s.io\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json: Value = serde_json::from_str(&scratch.run("rules readiness --lake lake --format json").done()).unwrap();
    let verdicts = json["readiness"].as_array().unwrap();
    assert_eq!(verdicts.len(), Pack::embedded().unwrap().detections.len());
    let verdict = verdicts.iter().find(|verdict| verdict["detection"] == "role_grants_secrets").unwrap();
    assert_eq!(verdict["state"], "blind");

    let only = "--only role_grants_secrets,secret_sweep";
    let ran = scratch.run(&format!("detect --lake lake {only} --report page.html --out found.json")).ends(0);
    assert!(ran.err.contains("1 unseen, 1 blind"), "{ran:?}");
    assert!(ran.err.contains("blind, 20 writes of clusterroles"), "{ran:?}");
    let found: Value = serde_json::from_slice(&std::fs::read(scratch.path("found.json")).unwrap()).unwrap();
    assert_eq!(found["readiness"].as_array().unwrap().len(), 2);
    assert!(found["fixes"][0]["policy"][0].as_str().unwrap().contains("level: Request"), "{found}");
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("<code>- level: Request</code>"));
}

#[test]
fn an_empty_lake_makes_nobody_ready() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..1));
    scratch.run("ingest a.log --lake lake").ends(0);
    let text = scratch.run("rules readiness --lake lake --until 2000-01-01").done();
    assert!(text.contains("there are no events"), "{text}");
}

#[test]
fn a_new_detection_holds_as_it_is_and_overwrites_nothing() {
    let scratch = Scratch::new();
    let ran = scratch.run("rules new shell_at_night --dir mine/pods").ends(0);
    assert!(ran.out.contains("rules test --rules mine/pods"), "{ran:?}");
    scratch.run("rules check --rules mine").ends(0);
    let ran = scratch.run("rules test --rules mine").ends(0);
    assert!(ran.out.contains("1 detections hold"), "{ran:?}");
    let path = scratch.path("mine/pods/shell_at_night.sql");
    std::fs::write(&path, "mine").unwrap();
    assert!(scratch.run("rules new shell_at_night --dir mine/pods").ends(2).err.contains("nothing was written"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    for wrong in ["rules new Shell --dir a", "rules new pod_exec --dir a", "rules new ../evil --dir a"] {
        scratch.run(wrong).ends(2);
    }
    assert!(!scratch.path("a").exists() && !scratch.path("evil.sql").exists());
}

/// The line of the detection of `rules new` where `to` stands in place of `from`, and what `rules check` says of it.
fn checked(from: &str, to: &str) -> (usize, String) {
    let scratch = Scratch::new();
    scratch.run("rules new my_exec --dir mine").ends(0);
    let path = scratch.path("mine/my_exec.sql");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    let text = text.replace(from, to);
    std::fs::write(&path, &text).unwrap();
    let line = text.lines().position(|line| line.contains(to)).unwrap() + 1;
    (line, scratch.run("rules check --rules mine").ends(2).err)
}

#[test]
fn check_points_into_the_file() {
    let says = |from: &str, to: &str, message: &str| {
        let (line, err) = checked(from, to);
        assert!(err.contains(&format!("mine/my_exec.sql:{line}: ")) && err.contains(message), "{err}");
    };
    says("  pod as object", "  podd as object", "no column named podd");
    says("  count(*) as events", "  'three' as events", "column events must be an integer, not Utf8");
    says("from pod_access", "from pod_acess", "no table named pod_acess");
    says("(namespace is distinct from 'debug')", "nosuch(namespace)", "nosuch");
    says("having count(*) >= $sessions", "having count(*) >= >= $sessions", "cannot be parsed");
}

#[test]
fn check_finds_the_comparison_that_loses_rows_to_null() {
    let safe = "(namespace is distinct from 'debug')";
    for (trap, comparison) in [
        ("namespace <> 'debug'", "<>"),
        ("namespace not in ('debug', 'test')", "not in (...)"),
        ("namespace not like 'debug%'", "not like"),
        ("not (namespace = 'debug')", "not (... = ...)"),
        ("(namespace <> 'debug' or client_ip = '192.0.2.1')", "<>"),
    ] {
        let (line, err) = checked(safe, trap);
        let message = format!("my_exec.sql:{line}: namespace may be NULL, and {comparison} drops such rows");
        assert!(err.contains(&message), "{trap}: {err}");
    }
    let scratch = Scratch::new();
    scratch.run("rules new my_exec --dir mine").ends(0);
    let path = scratch.path("mine/my_exec.sql");
    let text = std::fs::read_to_string(&path).unwrap();
    for guarded in [
        "coalesce(namespace, '') <> 'debug'",
        "(namespace is null or namespace not in ('debug'))",
        "namespace is not null and namespace <> 'debug'",
        "outcome <> 'denied'",
        "not exists (select 1 from secret_access s where s.namespace <> 'debug')",
    ] {
        std::fs::write(&path, text.replace(safe, guarded)).unwrap();
        scratch.run("rules check --rules mine").ends(0);
    }
}
