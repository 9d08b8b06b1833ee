//! `kubesift investigate` and `kubesift rotate`: held against small logs whose answer is plain to see, and against what
//! the attacks of a generated log truly gained.

mod least;
mod planted;
mod pods;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rig::{Ran, Scratch, event_with};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn secret(row: &Value) -> String {
    format!("{}/{}", row["namespace"].as_str().unwrap_or("*"), row["name"].as_str().unwrap_or("*"))
}

pub(super) fn secrets(rotate: &Value) -> BTreeSet<String> {
    rotate["secrets"].as_array().unwrap().iter().map(secret).collect()
}

fn json_of(scratch: &Scratch, args: &[&str]) -> Value {
    let ran = Ran::from(scratch.command([args, &["--lake", "lake", "--format", "json"]].concat()).output().unwrap());
    serde_json::from_str(&ran.done()).unwrap()
}

/// A request for secrets of the namespace `shop` at a minute of the hour.
pub(crate) fn request(minute: usize, verb: &str, who: &str, name: Option<&str>, fields: &Value) -> String {
    let mut event = event_with(
        minute * 60,
        &json!({
            "verb": verb, "user": {"username": who, "groups": []},
            "objectRef": {"resource": "secrets", "namespace": "shop", "name": name, "apiVersion": "v1"},
            "requestURI": "/api/v1/namespaces/shop/secrets",
        }),
    );
    for (key, value) in fields.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string() + "\n"
}

pub(crate) fn lake(events: &[String]) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("audit.log", events.concat());
    scratch.run("ingest audit.log --lake lake").ends(0);
    scratch
}

#[test]
fn a_list_exposes_what_was_there_then() {
    let none = json!({});
    let gone = json!({"responseStatus": {"code": 404}});
    let scratch = lake(&[
        request(1, "create", "ops", Some("early"), &none),
        request(2, "create", "ops", Some("dropped"), &none),
        request(3, "delete", "ops", Some("dropped"), &none),
        request(4, "get", "ops", Some("missing"), &gone),
        request(10, "list", "eve", None, &none),
        request(20, "create", "ops", Some("late"), &none),
        request(21, "get", "ops", Some("old"), &none),
        request(22, "create", "ops", Some("dropped"), &none),
        request(30, "list", "mallory", None, &json!({"responseStatus": {"code": 403}})),
    ]);
    let found = json_of(&scratch, &["rotate", "eve"]);
    // nobody created `old` while the log ran, so that it was there before
    assert_eq!(secrets(&found), BTreeSet::from(["shop/early".to_owned(), "shop/old".to_owned()]));
    assert!(found["secrets"][0]["why"][0].as_str().unwrap().contains("exposed by listing"), "{found}");
    assert_eq!(secrets(&json_of(&scratch, &["rotate", "mallory"])), BTreeSet::new());
    let denied = json_of(&scratch, &["investigate", "mallory"]);
    assert_eq!(denied["accesses"][0]["how"], "denied");
}

#[test]
fn an_answer_in_the_log_says_what_a_list_exposed() {
    let item = |name: &str| json!({"metadata": {"name": name, "namespace": "shop"}, "type": "Opaque", "data": {"key": "eA=="}});
    let full = json!({"level": "RequestResponse",
        "responseObject": {"kind": "SecretList", "apiVersion": "v1", "items": [item("a"), item("b")]}});
    let table = json!({"level": "RequestResponse", "responseObject": {"kind": "Table", "rows": []}});
    let scratch = lake(&[
        request(1, "get", "ops", Some("c"), &json!({})),
        request(2, "list", "eve", None, &full),
        request(3, "list", "bob", None, &table),
    ]);
    let found = json_of(&scratch, &["rotate", "eve"]);
    assert_eq!(secrets(&found), BTreeSet::from(["shop/a".to_owned(), "shop/b".to_owned()]));
    assert_eq!((&found["secrets"][0]["type"], &found["secrets"][0]["keys"]), (&json!("Opaque"), &json!(["key"])));
    assert_eq!(secrets(&json_of(&scratch, &["rotate", "bob"])), BTreeSet::new(), "a table for people has no values");
}

#[test]
fn a_patch_and_a_pod_of_ones_own_expose_too() {
    let pod = json!({"level": "Request", "objectRef": {"resource": "pods", "namespace": "shop", "name": "p", "apiVersion": "v1"},
        "requestObject": {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"imagePullSecrets": [{"name": "pull"}],
            "volumes": [{"name": "v", "secret": {"secretName": "mounted"}}]}}});
    let scratch = lake(&[
        request(1, "patch", "eve", Some("patched"), &json!({})),
        request(2, "update", "eve", Some("written"), &json!({})),
        request(3, "create", "eve", Some("p"), &pod),
    ]);
    let found = json_of(&scratch, &["rotate", "eve"]);
    assert_eq!(secrets(&found), BTreeSet::from(["shop/mounted".to_owned(), "shop/patched".to_owned()]));
    let csv = scratch.run("rotate --lake lake eve --format csv").done();
    assert!(csv.contains(r#""secret","#) && csv.contains("pods shop/p"), "{csv}");
}

#[test]
fn a_finding_leads_to_the_requests_from_its_addresses() {
    let from = |ip: &str| json!({"sourceIPs": [ip]});
    let mut events: Vec<String> =
        (0..20).map(|n| request(n, "get", "svc", Some(&format!("home-{n}")), &from("192.0.2.1"))).collect();
    let list = json!({"sourceIPs": ["203.0.113.9"], "userAgent": "curl/8", "requestURI": "/api/v1/secrets",
        "objectRef": {"resource": "secrets", "apiVersion": "v1"}});
    events.push(request(40, "list", "svc", None, &list));
    let scratch = lake(&events);
    let findings = scratch.run("detect --lake lake --only secrets_read_cluster_wide --format ndjson -q").done();
    scratch.write("found.ndjson", &findings);
    let finding: Value = serde_json::from_str(findings.lines().next().unwrap()).unwrap();
    let id = finding["finding_id"].as_str().unwrap();
    let given = ["--findings", "found.ndjson", "--finding", id];
    let narrow = json_of(&scratch, &[&["investigate"], &given[..]].concat());
    assert_eq!(narrow["subject"]["addresses"], json!(["203.0.113.9"]));
    assert_eq!(narrow["accesses"].as_array().unwrap().iter().filter(|row| row["how"] == "read").count(), 0);
    assert_eq!(secrets(&narrow).len(), 20);
    let wide = json_of(&scratch, &[&["investigate"], &given[..], &["--everywhere"]].concat());
    assert_eq!(wide["accesses"].as_array().unwrap().iter().filter(|row| row["how"] == "read").count(), 20);
    let all = json_of(&scratch, &["rotate", "--all", "--only", "secrets_read_cluster_wide"]);
    assert_eq!(secrets(&all).len(), 20);
    let ran = scratch.run("investigate --lake lake").ends(2);
    assert!(ran.err.contains("name an identity"), "{ran:?}");
}

#[test]
fn an_impersonator_is_followed_to_whom_else_it_acted_as() {
    let as_whom = |minute, whom: &str, ip: &str| {
        let fields = json!({"impersonatedUser": {"username": whom}, "sourceIPs": [ip]});
        request(minute, "get", "eve", Some("a"), &fields)
    };
    let scratch = lake(&[as_whom(1, "alice", "192.0.2.1"), as_whom(2, "bob", "203.0.113.9")]);
    let found = json_of(&scratch, &["investigate", "alice"]);
    let others = found["others"].as_array().unwrap().iter();
    let told: BTreeSet<_> =
        others.map(|one| (text(&one["link"]), text(&one["actor"]), text(&one["username"]))).collect();
    let impersonated = |whom: &str| ("impersonation".to_owned(), whom.to_owned(), "eve".to_owned());
    assert_eq!(told, BTreeSet::from([impersonated("alice"), impersonated("bob")]));
}

#[test]
fn nothing_that_a_log_says_steers_a_reader() {
    let nasty = "<script>alert(1)</script>\u{1b}[2J\u{202e}=cmd|'/c calc'!A1";
    let event = |minute, verb: &str, name: Option<&str>| {
        request(
            minute,
            verb,
            nasty,
            name,
            &json!({
                "userAgent": nasty, "sourceIPs": [nasty],
                "user": {"username": nasty, "extra": {"authentication.kubernetes.io/credential-id": [nasty]}},
            }),
        )
    };
    let formula = "=1+1";
    let scratch = lake(&[event(1, "get", Some(nasty)), event(2, "get", Some(formula)), event(3, "list", None)]);
    for (format, file) in [("text", "d.txt"), ("markdown", "d.md"), ("html", "d.html"), ("json", "d.json")] {
        let args = ["investigate", "--lake", "lake", "--out", file, "--format", format, "--", nasty];
        Ran::from(scratch.command(args).output().unwrap()).ends(0);
        let page = std::fs::read_to_string(scratch.path(file)).unwrap();
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!page.contains(steers), "{format}: {page}");
        assert!(page.contains("alert(1)"), "{format}: {page}");
        if format == "html" {
            assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"), "{page}");
        }
    }
    let args = ["rotate", "--lake", "lake", "--format", "csv", "--", nasty];
    let csv = Ran::from(scratch.command(args).output().unwrap()).done();
    assert!(csv.contains("\"'=1+1\""), "{csv}");
}

#[test]
fn silence_and_borrowed_tokens_are_part_of_the_story() {
    let with = |id: &str| {
        json!({"username": "system:serviceaccount:shop:ci", "groups": [],
        "extra": {"authentication.kubernetes.io/credential-id": [id]}})
    };
    let at = |hour: usize| format!("2026-01-15T{hour:02}:10:00.000000Z");
    let mint = json!({"user": with("JTI=one"), "requestReceivedTimestamp": at(3), "stageTimestamp": at(3),
        "objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "shop", "name": "admin"},
        "annotations": {"authorization.k8s.io/decision": "allow", "authentication.kubernetes.io/issued-credential-id": "JTI=two"}});
    let later = json!({"user": {"username": "system:serviceaccount:shop:admin", "groups": [],
        "extra": {"authentication.kubernetes.io/credential-id": ["JTI=two"]}},
        "sourceIPs": ["203.0.113.77"], "requestReceivedTimestamp": at(9), "stageTimestamp": at(9)});
    let scratch = lake(&[request(0, "create", "ci", None, &mint), request(1, "get", "admin", Some("a"), &later)]);
    let dossier = json_of(&scratch, &["investigate", "system:serviceaccount:shop:ci"]);
    let minted = dossier["tokens"].as_array().unwrap().iter().find(|token| token["why"] == "minted").unwrap();
    assert_eq!(
        (&minted["id"], &minted["from"], &minted["requests"]),
        (&json!("JTI=two"), &json!("JTI=one"), &json!(1))
    );
    assert_eq!(minted["addresses"], json!(["203.0.113.77"]));
    let kinds: Vec<String> = dossier["steps"].as_array().unwrap().iter().map(|step| text(&step["kind"])).collect();
    assert_eq!(kinds, ["first_seen", "minted", "token_used"]);
    assert_eq!(dossier["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(dossier["gaps"][0]["since"], "2026-01-15T04:00:00.000000Z");
}
