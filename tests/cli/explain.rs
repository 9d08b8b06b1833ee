//! `kubesift explain`: the finding, its reasons, and questions that can be pasted whatever the log says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use kubesift::detection::Pack;
use serde_json::{Value, json};

use crate::rig::{Ran, Scratch, event_with, lines, log};

/// Names that somebody chose who hopes that they will be pasted. Each tries to make a file called `owned`.
const NASTY: &[&str] = &[
    "'; touch owned #",
    "\"; touch owned; \"",
    "$(touch owned) `touch owned` ${IFS}",
    "' or 1=1; touch owned --",
    "a\ntouch owned\n",
    "a\\",
    "a\\' ; touch owned # !!",
    "\u{1b}[2J\u{7}; touch owned",
    "\u{202e}denwo hcuot\u{200b} x' || chr(39) || 'y & touch owned &",
    "-- --lake /etc 日本語 Jürgen",
];

/// A pod entered and a secret read, with `text` for every name that a client can choose.
fn nasty_events(number: usize, text: &str) -> String {
    let user = json!({
        "username": text, "groups": ["system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": [text]}
    });
    let exec = json!({
        "auditID": format!("{number} {text}"), "verb": "create", "user": user, "userAgent": text, "sourceIPs": [text],
        "requestURI": "/api/v1/namespaces/shop/pods/p/exec?command=sh",
        "objectRef": {"resource": "pods", "subresource": "exec", "namespace": text, "name": text, "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 101}
    });
    let read = json!({
        "auditID": format!("{number} {text}"), "user": user, "userAgent": text, "sourceIPs": [text],
        "objectRef": {"resource": "secrets", "namespace": text, "name": text, "apiVersion": "v1"},
    });
    [exec, read].iter().map(|fields| event_with(number, fields).to_string() + "\n").collect()
}

fn explain(scratch: &Scratch, args: &[&str]) -> Ran {
    scratch.command([&["explain"], args].concat()).output().unwrap().into()
}

fn ids(ndjson: &str) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["finding_id"].as_str().unwrap().to_owned();
    ndjson.lines().map(id).collect()
}

fn has_what_steers(text: &str) -> bool {
    text.chars().any(|c| c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}')))
}

/// Runs commands as they would be pasted, with the program under its name.
fn paste(scratch: &Scratch, commands: &str) -> Ran {
    let folder = Path::new(env!("CARGO_BIN_EXE_kubesift")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", commands])
        .current_dir(scratch.path(""))
        .env("PATH", path)
        .env("TMPDIR", scratch.path("tmp"));
    shell.output().unwrap().into()
}

#[test]
fn questions_can_be_pasted_whatever_the_log_says() {
    let scratch = Scratch::new();
    let text: String = NASTY.iter().enumerate().map(|(number, text)| nasty_events(number, text)).collect();
    scratch.write("audit.log", text);
    let lake = "la ke's $(touch owned)";
    Ran::from(scratch.command(["ingest", "audit.log", "--lake", lake]).output().unwrap()).ends(0);
    let only = ["--only", "pod_exec", "--format", "ndjson", "--quiet"];
    let found = Ran::from(scratch.command(["detect", "--lake", lake].iter().chain(&only)).output().unwrap()).done();
    scratch.write("found.ndjson", &found);
    let ids = ids(&found);
    assert_eq!(ids.len(), NASTY.len(), "{found}");
    for (id, line) in ids.iter().zip(found.lines()) {
        let json = explain(&scratch, &[id, "--lake", lake, "--findings", "found.ndjson", "--format", "json"]).done();
        let explained: Value = serde_json::from_str(&json).unwrap();
        let commands: Vec<&str> =
            explained["questions"].as_array().unwrap().iter().map(|one| one["command"].as_str().unwrap()).collect();
        assert!(commands.len() >= 7, "{json}");
        let actor = serde_json::from_str::<Value>(line).unwrap()["actor"].clone();
        assert!(commands.iter().all(|command| command.chars().all(|c| matches!(c, ' '..='~'))), "{commands:?}");
        let pasted = commands.join("\n").replace("kubesift sql", "kubesift sql --format ndjson");
        let ran = paste(&scratch, &pasted).ends(0);
        assert_eq!(ran.err, "", "{commands:?}");
        // what the identity did, and who entered the pod: the names came through whole
        assert!(
            ran.out.contains("\"resource\":\"secrets\"") && ran.out.contains("\"kind\":\"exec\""),
            "{actor}: {ran:?}"
        );
        assert!(!scratch.path("owned").exists(), "{actor} ran a command of its own: {commands:?}");
        let text = explain(&scratch, &[id, "--lake", lake, "--findings", "found.ndjson"]).done();
        assert!(!has_what_steers(&text), "{text}");
    }
}

#[test]
fn a_finding_is_explained_with_its_requests() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log(3_000, &[kubesift::generate::Attack::SecretSweep]));
    scratch.run("ingest audit.log --lake lake").ends(0);
    let ndjson = scratch.run("detect --lake lake --only secret_sweep --format ndjson -q").done();
    let finding: Value = serde_json::from_str(ndjson.lines().next().unwrap()).unwrap();
    let id = finding["finding_id"].as_str().unwrap();
    let text = scratch.run(&format!("explain {} --lake lake --detection secret_sweep", &id[..6])).done();
    let pack = Pack::embedded().unwrap();
    let sweep = pack.get("secret_sweep").unwrap();
    let header = &sweep.header;
    for part in [
        finding["title"].as_str().unwrap(),
        finding["actor"].as_str().unwrap(),
        "Unsecured Credentials: Container API",
        "client_ips",
        &header.triage[0],
        "the first 20 of the ",
        "Who else read the same secrets?",
        &format!("$secrets = {} (default)", header.params["secrets"]),
        sweep.sql.trim().lines().last().unwrap(),
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // from a file, without running the detection again, it is the same
    scratch.write("found.ndjson", &ndjson);
    assert_eq!(scratch.run(&format!("explain {id} --lake lake --findings found.ndjson")).done(), text);
    scratch.run("detect --lake lake --only secret_sweep --out found.json -q").done();
    assert_eq!(scratch.run(&format!("explain {id} --lake lake --findings found.json")).done(), text);

    let json = scratch.run(&format!("explain {id} --lake lake --findings found.json --format json")).done();
    let explained: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(explained["finding"], finding);
    let asked: BTreeSet<&str> =
        explained["requests"].as_array().unwrap().iter().map(|row| row["audit_id"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> =
        finding["audit_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(asked, known);
    assert_eq!(explained["requests_total"], finding["events"]);
    assert_eq!(explained["detection"]["id"], "secret_sweep");
}

#[test]
fn changed_parameters_and_suppressions_are_told() {
    let scratch = Scratch::new();
    scratch.write("audit.log", lines(0..40));
    scratch.run("ingest audit.log --lake lake").ends(0);
    scratch.write(
        "kubesift.toml",
        "[params.secret_sweep]\nsecrets = 20\n[[suppress]]\ndetection = \"secret_sweep\"\n\
         actor = \"alice@example.com\"\nreason = \"migrates the shop\"\nowner = \"bob\"\nexpires = \"2999-01-01\"\n",
    );
    assert_eq!(scratch.run("detect --lake lake --only secret_sweep --format ndjson -q").done(), "");
    scratch.write("empty.toml", "");
    let found = scratch.run("detect --lake lake --only secret_sweep --format ndjson -q --config empty.toml").done();
    let id = ids(&found).remove(0);
    let text = scratch.run(&format!("explain {id} --lake lake --detection secret_sweep")).done();
    assert!(text.contains("$secrets = 20 (changed; the default is "), "{text}");
    assert!(text.contains("migrates the shop (bob, until 2999-01-01)"), "{text}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let scratch = Scratch::new();
    scratch.write("audit.log", lines(0..40));
    scratch.run("ingest audit.log --lake lake").ends(0);
    let few = "--only secret_sweep,secret_read_by_hand";
    let found = scratch.run(&format!("detect --lake lake {few} --format ndjson -q")).done();
    scratch.write("found.ndjson", &found);
    let ran = scratch.run(&format!("explain 000000 --lake lake {few}")).ends(2);
    assert!(ran.err.contains("there are 2 findings") && ran.err.contains("--since"), "{ran:?}");
    let ran = scratch.run("explain 000000 --lake lake --findings found.ndjson").ends(2);
    assert!(ran.err.contains("2 findings") && ran.err.contains("found.ndjson"), "{ran:?}");
    scratch.write("junk.ndjson", "not a finding\n");
    let ran = scratch.run("explain 000000 --lake lake --findings junk.ndjson").ends(2);
    assert!(ran.err.contains("junk.ndjson: line 1"), "{ran:?}");
    for wrong in ["12345", "no-hex", "'; drop"] {
        let ran = explain(&scratch, &[wrong, "--lake", "lake"]).ends(2);
        assert!(ran.err.contains("hexadecimal"), "{ran:?}");
    }
    let ran = scratch.run("explain 000000 --lake lake --detection no_such").ends(2);
    assert!(ran.err.contains("no_such"), "{ran:?}");
    let id = &ids(&found)[0];
    // the requests lie outside of the time that was asked for
    let line = format!("explain {id} --lake lake --findings found.ndjson --since 2027-01-01");
    assert!(scratch.run(&line).done().contains("none of the requests behind it"));
}
