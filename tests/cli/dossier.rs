//! `kubesift investigate` and `kubesift rotate`: held against what the attacks of a generated log truly gained, and
//! against small logs whose answer is plain to see.

use std::collections::BTreeSet;

use kubesift::generate::Attack;
use kubesift::rbac::{Asked, Snapshot, Who, allows, validate};
use serde_json::{Value, json};

use crate::rig::{Ran, Scratch, event_with, files_below, log};

/// Secret, whose rights, from where.
type Gain = (String, String, String);

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

/// What of the answer says that somebody holds a secret.
fn gains(dossier: &Value) -> BTreeSet<Gain> {
    let harmless = ["written", "removed", "denied", "failed"];
    let rows = dossier["accesses"].as_array().unwrap().iter();
    let rows = rows.filter(|row| !harmless.contains(&row["how"].as_str().unwrap()));
    rows.map(|row| (secret(row), text(&row["actor"]), text(&row["client_ip"]))).collect()
}

/// What the attacks gained of the secrets that the log names at all.
fn truth(thefts: &[Value], named: &BTreeSet<&str>) -> BTreeSet<Gain> {
    let mut truth = BTreeSet::new();
    for theft in thefts {
        for (secret, readers) in theft["secrets"].as_object().unwrap() {
            let name = secret.split('/').nth(1).unwrap();
            let readers = readers.as_array().unwrap().iter().filter(|_| named.contains(name));
            truth.extend(readers.map(|reader| (secret.clone(), text(&reader[0]), text(&reader[1]))));
        }
    }
    truth
}

fn is_outside(address: &str) -> bool {
    address.starts_with("203.0.113.")
}

/// The files of a folder whose names begin so, one after another.
fn read(scratch: &Scratch, folder: &str, start: &str) -> String {
    let files = files_below(&scratch.path(folder)).into_iter();
    let files = files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(start));
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

fn json_of(scratch: &Scratch, args: &[&str]) -> Value {
    let ran = Ran::from(scratch.command([args, &["--lake", "lake", "--format", "json"]].concat()).output().unwrap());
    serde_json::from_str(&ran.done()).unwrap()
}

#[test]
fn a_planted_theft_is_told_exactly() {
    let scratch = Scratch::new();
    scratch.run("generate --events 60000 --out log --compression none --seed 7").ends(0);
    scratch.run("ingest log --lake lake").ends(0);
    let (log, truths) = (read(&scratch, "log", "audit-"), read(&scratch, "log", "_truth"));
    let named: BTreeSet<&str> = log.split('"').collect();
    let thefts: Vec<Value> = truths.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = truth(&thefts, &named);
    let wanted: BTreeSet<Gain> = all.iter().filter(|gain| is_outside(&gain.2)).cloned().collect();
    assert!(wanted.len() > 200, "{}", wanted.len());

    // the attackers sit at addresses that nobody else has: nothing may be missing and nothing too many
    let outside: BTreeSet<String> = thefts.iter().flat_map(|theft| texts(&theft["addresses"])).collect();
    let outside: Vec<&String> = outside.iter().filter(|address| is_outside(address)).collect();
    let flags: Vec<&str> = outside.iter().flat_map(|address| ["--address", address.as_str()]).collect();
    let dossier = json_of(&scratch, &[&["investigate"], &flags[..]].concat());
    let found = gains(&dossier);
    let missing: Vec<_> = wanted.difference(&found).collect();
    let extra: Vec<_> = found.difference(&wanted).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    let list: BTreeSet<String> = wanted.iter().map(|gain| gain.0.clone()).collect();
    assert_eq!(secrets(&dossier), list);
    assert_eq!(secrets(&json_of(&scratch, &[&["rotate"], &flags[..]].concat())), list);
    for row in dossier["secrets"].as_array().unwrap() {
        let readers = row["readers"].as_array().unwrap().iter().map(|reader| text(&reader["actor"]));
        let truth = wanted.iter().filter(|gain| gain.0 == secret(row)).map(|gain| gain.1.clone());
        assert_eq!(readers.collect::<BTreeSet<_>>(), truth.collect(), "{row}");
    }
    entered_and_minted(&dossier, &thefts);

    // inside, an attacker shares its address with the account that it stole: what that may read is there beside it
    let actors: BTreeSet<String> = thefts.iter().flat_map(|theft| texts(&theft["actors"])).collect();
    let actors: Vec<&str> = actors.iter().map(String::as_str).collect();
    let inside = gains(&json_of(&scratch, &[&["investigate"], &actors[..]].concat()));
    let missing: Vec<_> = all.difference(&inside).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn entered_and_minted(dossier: &Value, thefts: &[Value]) {
    let outside = thefts.iter().filter(|theft| texts(&theft["addresses"]).iter().all(|address| is_outside(address)));
    let entered: BTreeSet<String> = outside.flat_map(|theft| texts(&theft["entered"])).collect();
    let into_pods = ["exec", "attach", "ephemeralcontainers", "node_exec", "node_run", "node_attach"];
    let rows = dossier["entries"].as_array().unwrap().iter().filter(|row| row["by_subject"] == true);
    let rows = rows.filter(|row| into_pods.contains(&row["kind"].as_str().unwrap()));
    assert_eq!(rows.map(|row| text(&row["pod"])).collect::<BTreeSet<_>>(), entered);
    assert!(entered.len() > 2, "{entered:?}");
    let minted: BTreeSet<String> = thefts.iter().flat_map(|theft| texts(&theft["minted"])).collect();
    let rows = dossier["minted"].as_array().unwrap().iter();
    assert_eq!(rows.map(|row| text(&row["issued_credential_id"])).collect::<BTreeSet<_>>(), minted);
    let tokens = dossier["tokens"].as_array().unwrap().iter();
    let used = tokens.filter(|token| token["why"] == "minted" && token["requests"].as_u64() > Some(0));
    assert!(used.count() > 0, "a minted token was used: {}", dossier["tokens"]);
}

/// What an event of a raw log asked for.
fn asked(event: &Value) -> Asked<'_> {
    let text = |key: &str| event["objectRef"][key].as_str().unwrap_or_default();
    let uri = event["requestURI"].as_str().unwrap_or_default();
    Asked {
        verb: event["verb"].as_str().unwrap(),
        api_group: text("apiGroup"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
        path: if event["objectRef"].is_object() { "" } else { uri.split('?').next().unwrap() },
    }
}

#[test]
fn the_least_rights_allow_the_work_and_deny_the_theft() {
    let scratch = Scratch::new();
    let text = String::from_utf8(log(30_000, &[Attack::SecretSweep, Attack::SecretMount])).unwrap();
    scratch.write("audit.log", &text);
    scratch.run("ingest audit.log --lake lake").ends(0);
    for (name, address) in
        [("system:serviceaccount:backup:velero", "203.0.113.10"), ("chidi@example.com", "203.0.113.20")]
    {
        let dossier = json_of(&scratch, &["investigate", name, "--address", address]);
        let yaml = dossier["rights"][0]["yaml"].as_str().unwrap();
        assert_eq!(validate(yaml), Ok(()), "{yaml}");
        let state = Snapshot::parse("least.yaml", yaml).unwrap().state();
        let grants = state.grants(&Who { name, groups: &[] });
        let (mut worked, mut stolen) = (0, 0);
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let own =
            events.iter().filter(|event| event["user"]["username"] == name && event["stage"] != "RequestReceived");
        let (theft, work): (Vec<_>, Vec<_>) = own.partition(|event| event["sourceIPs"][0] == address);
        let succeeded = |event: &&&Value| event["responseStatus"]["code"].as_u64().unwrap() < 400;
        for event in work.iter().filter(succeeded) {
            assert!(allows(&grants, &asked(event)).is_some(), "{event}\n{yaml}");
            worked += 1;
        }
        for event in &theft {
            let asked = asked(event);
            let is_work = work.iter().any(|event| self::asked(event) == asked);
            let is_secret = asked.resource == "secrets" || asked.subresource == "exec" || asked.verb == "create";
            if is_secret && !is_work {
                assert!(allows(&grants, &asked).is_none(), "{event}\n{yaml}");
                stolen += 1;
            }
        }
        assert!(worked > 20 && stolen > 1, "{name}: {worked} {stolen}");
    }
}

/// A request for secrets of the namespace `shop` at a minute of the hour.
pub(super) fn request(minute: usize, verb: &str, who: &str, name: Option<&str>, fields: &Value) -> String {
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

pub(super) fn lake(events: &[String]) -> Scratch {
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
