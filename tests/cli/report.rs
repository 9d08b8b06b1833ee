//! `kubesift report`: whom it looks into, and what it says of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::dossier::{lake, request, secrets};
use crate::rig::{Ran, Scratch};

const FEW: &str = "--only secrets_read_cluster_wide";

fn document(scratch: &Scratch, args: &str) -> Value {
    serde_json::from_str(&scratch.run(&format!("report --lake lake --format json {FEW} {args}")).done()).unwrap()
}

/// An account that works at home, and whose token somebody uses elsewhere.
fn stolen() -> Scratch {
    let from = |ip: &str| json!({"sourceIPs": [ip]});
    let mut events: Vec<String> =
        (0..20).map(|n| request(n, "get", "svc", Some(&format!("home-{n}")), &from("192.0.2.1"))).collect();
    let list = json!({"sourceIPs": ["203.0.113.9"], "userAgent": "curl/8", "requestURI": "/api/v1/secrets",
        "objectRef": {"resource": "secrets", "apiVersion": "v1"}});
    events.push(request(40, "list", "svc", None, &list));
    lake(&events)
}

#[test]
fn a_report_looks_into_what_findings_are_about_and_no_further() {
    let scratch = stolen();
    let found = document(&scratch, "");
    assert_eq!(
        found["dossier"]["subject"]["origins"],
        json!([{"cluster": "default", "actor": "svc", "address": "203.0.113.9"}])
    );
    // what it lists is what was there; its own reads at home are not laid to the thief
    assert_eq!(secrets(&found["dossier"]).len(), 20);
    let how = |document: &Value| -> BTreeSet<String> {
        let rows = document["dossier"]["accesses"].as_array().unwrap().iter();
        rows.map(|row| row["how"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(how(&found), BTreeSet::from(["listed".to_owned()]));
    assert_eq!(how(&document(&scratch, "--everywhere")), BTreeSet::from(["listed".to_owned(), "read".to_owned()]));
    assert_eq!(found["verdict"]["title"], "20 secrets to rotate: 1 finding about 1 identity");
    let explained = &found["explanations"][0];
    assert_eq!(explained["requests"][0]["client_ip"], "203.0.113.9");
    assert_eq!(found["report"]["accounts"][0]["content_hash"].as_str().unwrap().len(), 64);
    let rotate = scratch.run(&format!("rotate --lake lake --all --format json {FEW}")).done();
    assert_eq!(secrets(&serde_json::from_str(&rotate).unwrap()), secrets(&found["dossier"]));
}

#[test]
fn the_formats_say_the_same_and_the_commands_of_a_report_work() {
    let scratch = stolen();
    for (file, start) in [("r.html", "<!DOCTYPE html>"), ("r.md", "# 20 secrets to rotate"), ("r.json", "{\"verdict\"")]
    {
        scratch.run(&format!("report --lake lake {FEW} --out {file}")).ends(0);
        let text = std::fs::read_to_string(scratch.path(file)).unwrap();
        assert!(text.starts_with(start), "{file}: {}", &text[..200]);
        for part in ["20 secrets to rotate", "home-7", "203.0.113.9", "secrets_read_cluster_wide", "kubesift rotate"] {
            assert!(text.contains(part), "{file}: {part}");
        }
    }
    let pods = json!({"kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": {}});
    scratch.write("pods.json", pods.to_string());
    scratch.write("roles.yaml", "kind: List\nitems: []\n");
    let snapshots = "--pods pods.json --rbac roles.yaml --history 7";
    for command in document(&scratch, snapshots)["commands"].as_array().unwrap() {
        let command = command.as_str().unwrap();
        assert!(command.contains("--pods pods.json") && command.contains("--history 7"), "{command}");
        let words = command.strip_prefix("kubesift ").unwrap().replace("--out report.html", "--format json");
        scratch.run(&format!("{words} {FEW}")).ends(0);
    }
}

#[test]
fn a_report_ends_as_the_loudest_finding_asks() {
    let scratch = stolen();
    let run = |least: &str| scratch.run(&format!("report --lake lake {FEW} --fail-on {least} --out r.html"));
    run("high").ends(10);
    run("critical").ends(0);
}

#[test]
fn where_nothing_was_found_a_report_says_so_and_names_what_it_could_not_see() {
    let scratch = lake(&[request(1, "get", "ops", Some("a"), &json!({}))]);
    let found = document(&scratch, "");
    assert_eq!(found["verdict"]["title"], "No finding of severity medium or more");
    assert_eq!(found["dossier"], Value::Null);
    let page = scratch.run(&format!("report --lake lake {FEW} --format html")).done();
    assert!(page.contains("found nothing of severity medium or more"), "{page}");
}

#[test]
fn a_report_names_what_is_wrong_before_it_begins() {
    let scratch = stolen();
    for (args, part) in [
        ("report --lake lake --out report.doc", "add --format"),
        ("report --lake nowhere", "nowhere"),
        ("report --lake lake --rbac absent.yaml", "absent.yaml"),
        ("rotate --lake lake svc --everywhere", "--all"),
    ] {
        let ran: Ran = scratch.run(args);
        assert!(ran.code != Some(0) && ran.err.contains(part), "{args}: {ran:?}");
    }
}
