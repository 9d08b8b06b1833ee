//! Canaries: values that stand wherever a log can hold a secret, and must come out nowhere.

use serde_json::{Value, json};

use crate::rig::{Ran, Scratch, event_with, files_below, lines, parquet, texts};

/// In every canary value, whatever its shape.
const SONG: &str = "c4n4rySong";

/// Places in which a value is secret because of where it stands.
fn by_place() -> Vec<Value> {
    let bird = format!("{SONG}-hunter2");
    let secret = json!({"kind": "Secret", "data": {"k": bird}, "stringData": {"k": bird}});
    let applied = json!({"metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": secret.to_string()}}});
    let managed = json!({"metadata": {"managedFields": [{"fieldsV1": {"f:data": {"f:k": bird}}}]}});
    let env = json!({"spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": bird}]}]}});
    let both = |resource: &str, subresource: &str, body: &Value| {
        json!({
            "level": "RequestResponse", "verb": "update", "requestObject": body, "responseObject": body,
            "objectRef": {"resource": resource, "subresource": subresource, "namespace": "shop", "name": "n"}
        })
    };
    let uri = |uri: String| json!({"requestURI": uri});
    vec![
        both("secrets", "", &secret),
        both("secrets", "", &json!({"data": {"k": bird}})),
        both("secrets", "", &json!({"kind": "SecretList", "items": [{"data": {"k": bird}}]})),
        both("secrets", "", &json!({"kind": "List", "items": [{"kind": "List", "items": [secret]}]})),
        both("secrets", "", &json!([{"op": "add", "path": "/data/k", "value": bird}])),
        both("secrets", "", &json!([{"op": "replace", "path": "/stringData", "value": {"k": bird}}])),
        both("widgets", "", &json!({"kind": "List", "items": [secret]})),
        both("secrets", "", &applied),
        both("widgets", "", &applied),
        both("secrets", "", &managed),
        both("serviceaccounts", "token", &json!({"kind": "TokenRequest", "status": {"token": bird}})),
        both("tokenreviews", "", &json!({"kind": "TokenReview", "spec": {"token": bird}})),
        both("certificatesigningrequests", "", &json!({"spec": {"request": bird}, "status": {"certificate": bird}})),
        both("pods", "", &env),
        both("configmaps", "", &json!({"data": {"app.conf": format!("user=x\npassword={bird}\n")}})),
        both("widgets", "", &json!({"spec": {"password": bird, "clientSecret": bird}})),
        uri(format!("/api/v1/namespaces/shop/pods/p/exec?command=login&command=--token&command={bird}")),
        uri(format!("/api/v1/namespaces/shop/pods/p/exec?command=login&command=--password%3D{bird}")),
        uri(format!("/api/v1/namespaces/shop/services/s/proxy/x?access_token={bird}&token={bird}")),
    ]
}

/// Places in which a value is secret because of what it looks like.
fn by_shape() -> Vec<Value> {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI{SONG}IifQ.{SONG}Signature_x");
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\nMII{SONG}\n-----END RSA PRIVATE KEY-----\n");
    [token, pem, format!("ghp_{SONG}{SONG}{SONG}"), format!("glpat-{SONG}{SONG}")]
        .into_iter()
        .flat_map(|bird| {
            [
                json!({"responseStatus": {"code": 400, "message": format!("bad {bird}"), "details": {"m": bird}}}),
                json!({"annotations": {"webhook/x": bird}}),
                json!({"userAgent": format!("agent {bird}")}),
                json!({"user": {"username": "u", "extra": {"k": [bird]}}}),
                json!({"aFieldOfTheFuture": {"deep": [bird]}}),
                json!({"level": "Request", "requestObject": {"a": [format!("x {bird} y")]}}),
                json!({"requestURI": format!("/api/v1/namespaces/shop/pods/p/exec?command=echo&command={bird}")}),
            ]
        })
        .collect()
}

/// A log with every canary, a broken line and, at its end, a line that was cut off.
fn log() -> String {
    let events = by_place().into_iter().chain(by_shape()).enumerate();
    let mut log: String = events.map(|(number, fields)| event_with(number, &fields).to_string() + "\n").collect();
    let secret = json!({"requestObject": {"kind": "Secret", "data": {"k": format!("{SONG}-broken")}}});
    let whole = event_with(500, &secret).to_string();
    log += &lines(600..700);
    log += &whole.replacen("\"kind\":\"Secret\"", "\"kind\":\"Secret\",,", 1);
    log += "\n";
    log += &format!("{SONG} is not JSON at all\n");
    log += &whole[..whole.find("-broken").unwrap() + 4];
    log
}

#[test]
fn no_canary_is_heard() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log());
    let mut said: Vec<Ran> = vec![scratch.run("ingest audit.log --lake lake").ends(3)];
    said.push(scratch.run("detect --lake lake --format ndjson --report page.html").ends(0));
    for format in ["csv", "table", "json", "markdown"] {
        said.push(scratch.run(&format!("detect --lake lake --only secret_read_by_hand,pod_exec --format {format}")));
    }
    let all = ["sql", "--lake", "lake", "--format", "ndjson", "select * from events"];
    said.push(Ran::from(scratch.command(all).output().unwrap()).ends(0));
    said.push(scratch.sql("select * from pod_containers"));
    said.push(scratch.run("lake status --lake lake"));
    for ran in &said {
        assert!(!ran.out.contains(SONG), "{}", around(&ran.out));
        assert!(!ran.err.contains(SONG), "{}", around(&ran.err));
    }
    assert!(said[1].out.lines().count() > 5 && said[6].out.contains("redacted hmac="));

    // the lake, as it lies on disk and as it reads back; the page; what was left in the temporary folder
    for file in files_below(&scratch.path("")).into_iter().filter(|file| !file.ends_with("audit.log")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(memchr::memmem::find(&bytes, SONG.as_bytes()).is_none(), "{}", file.display());
        if file.extension().is_some_and(|extension| extension == "parquet") {
            for text in parquet(&file).iter().flat_map(texts) {
                assert!(!text.contains(SONG), "{}: {}", file.display(), around(&text));
            }
        }
    }
}

#[test]
fn a_triage_says_no_canary_either() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log());
    let ran = scratch.run("triage audit.log --only secret_read_by_hand,pod_exec,exec_reads_token --format csv").ends(3);
    assert!(!ran.out.contains(SONG) && !ran.err.contains(SONG), "{ran:?}");
}

#[test]
fn the_same_value_is_known_again_and_only_in_its_lake() {
    let secret = |number, value: &str| {
        let body = json!({"kind": "Secret", "data": {"k": value}});
        let fields = json!({
            "level": "RequestResponse", "responseObject": body,
            "objectRef": {"resource": "secrets", "namespace": "shop", "name": "n"}
        });
        event_with(number, &fields).to_string() + "\n"
    };
    let text = secret(1, "hunter2") + &secret(2, "hunter2") + &secret(3, "hunter3");
    let fingerprints = || {
        let scratch = Scratch::new();
        scratch.write("audit.log", &text);
        scratch.account("audit.log");
        scratch.cells(&["response_object"]).concat()
    };
    let (one, other) = (fingerprints(), fingerprints());
    assert_eq!(one[0], one[1]);
    assert_ne!(one[0], one[2]);
    assert_ne!(one[0], other[0]);
}

/// The text around a canary.
fn around(text: &str) -> &str {
    let at = text.find(SONG).unwrap_or_default();
    let (mut start, mut end) = (at.saturating_sub(200), (at + 100).min(text.len()));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[start..end]
}
