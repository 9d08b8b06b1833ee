//! Canaries: a known value is put wherever a secret can stand, and must not come out.

use std::fmt::Write;

use serde_json::{Value, json};

use super::*;

const CANARY: &str = "c4n4ry-hunter2-value";
const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjNG40cnkifQ.c4n4rySignature_x";

fn dump(event: &Value) -> String {
    let mut parser = Parser::new("prod", Redactor::new([1; 32]));
    let place = Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None };
    let batch = parser.parse(event.to_string().as_bytes(), place).unwrap();
    let mut text = format!("{:?}", batch.rejects);
    for (column, field) in batch.rows.columns().iter().zip(batch.rows.schema().fields()) {
        let _ = writeln!(text, "{}={column:?}", field.name());
    }
    assert_eq!(batch.rows.num_rows(), 1, "{text}");
    text
}

fn event(resource: &str, subresource: &str, request: &Value, response: &Value) -> Value {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "verb": "create", "level": "RequestResponse",
        "requestURI": "/api/v1/x", "stage": "ResponseComplete",
        "objectRef": {"resource": resource, "subresource": subresource, "namespace": "shop", "name": "n"},
        "requestObject": request, "responseObject": response,
        "requestReceivedTimestamp": "2026-01-15T10:00:00.000000Z"})
}

fn body(resource: &str, subresource: &str, body: &Value) -> Value {
    event(resource, subresource, body, body)
}

#[test]
fn no_canary_comes_out_of_any_place_of_a_body() {
    let secret = json!({"kind": "Secret", "data": {"k": CANARY}, "stringData": {"k": {"deep": CANARY}}});
    let applied = json!({"metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": secret.to_string()}}});
    let env = json!({"spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": CANARY}]}]}});
    let places = [
        body("secrets", "", &secret),
        body("secrets", "", &json!({"data": {"k": CANARY}})),
        body("secrets", "", &json!({"kind": "SecretList", "items": [{"data": {"k": CANARY}}]})),
        body("secrets", "", &json!([{"op": "add", "path": "/data/k", "value": CANARY}])),
        body("secrets", "", &json!([{"op": "replace", "path": "/stringData", "value": {"k": CANARY}}])),
        body("widgets", "", &json!({"kind": "List", "items": [secret]})),
        body("secrets", "", &applied),
        body("widgets", "", &applied),
        body("serviceaccounts", "token", &json!({"status": {"token": CANARY}})),
        body("tokenreviews", "", &json!({"spec": {"token": CANARY}})),
        body(
            "certificatesigningrequests",
            "",
            &json!({"spec": {"request": CANARY}, "status": {"certificate": CANARY}}),
        ),
        body("pods", "", &env),
        body("pods", "", &json!({"spec": {"containers": [{"env": [{"name": "gh_token", "value": CANARY}]}]}})),
        body("widgets", "", &json!({"env": {"value": CANARY, "name": "Api_Key"}})),
        body("widgets", "", &json!({"spec": {"clientSecret": CANARY, "replicas": 1}})),
        body("configmaps", "", &json!({"data": {"app.conf": format!("user=x\npassword={CANARY}\n")}})),
        body("configmaps", "", &json!({"data": {"aws": format!("aws_secret_access_key = {CANARY}")}})),
        body("widgets", "", &json!({"spec": {"password": CANARY, "clientSecret": CANARY}})),
    ];
    for place in places {
        let text = dump(&place);
        assert!(!text.contains(CANARY), "{place}\n{text}");
        assert!(text.contains("redacted hmac="), "{place}\n{text}");
    }
}

#[test]
fn credentials_are_known_by_their_shape_wherever_they_stand() {
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIc4n4ry\n-----END RSA PRIVATE KEY-----\n";
    for shape in [JWT, pem, "AKIAC4N4RYC4N4RYC4N4", "ghp_c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry", "LS0tLS1CRUdJTic4n4ry=="] {
        let mut all = body("widgets", "", &json!({"a": [format!("x {shape} y")]}));
        all["responseStatus"] = json!({"code": 400, "message": format!("bad {shape}"), "details": {"m": shape}});
        all["annotations"] = json!({"webhook/x": shape});
        all["newField"] = json!(shape);
        all["userAgent"] = json!(format!("agent {shape}"));
        all["user"] = json!({"username": "u", "extra": {"k": [shape]}});
        let text = dump(&all).to_lowercase();
        assert!(!text.contains("c4n4ry"), "{shape}\n{text}");
    }
}

#[test]
fn escapes_do_not_hide_a_token() {
    let line = body("widgets", "", &json!({"a": "@"})).to_string().replace('@', &JWT.replacen("ey", "\\u0065y", 1));
    let mut parser = Parser::new("prod", Redactor::new([1; 32]));
    let place = Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None };
    let text = format!("{:?}", parser.parse(line.as_bytes(), place).unwrap().rows);
    assert!(!text.contains("c4n4rySignature"), "{text}");
}

#[test]
fn credentials_in_the_query_go_and_the_rest_of_the_uri_stays() {
    let redactor = Redactor::new([1; 32]);
    let uri =
        format!("/api/v1/namespaces/a/pods/p/exec?command=curl&command=--token%3D{CANARY}&command=-v&container=c");
    let clean = redactor.request_uri(&uri);
    assert!(!clean.contains(CANARY), "{clean}");
    assert!(clean.starts_with("/api/v1/namespaces/a/pods/p/exec?command=curl&command=--token%3Dredacted"), "{clean}");
    assert!(clean.ends_with("&command=-v&container=c"), "{clean}");
    let apart = redactor.request_uri("/x?command=vault&command=--password&command=c4n4ry").into_owned();
    assert!(!apart.contains("c4n4ry"), "{apart}");
    let harmless = "/api/v1/pods?limit=500&resourceVersion=0&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ";
    assert_eq!(redactor.request_uri(harmless), harmless);
    let reading = "/x/exec?command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken";
    assert_eq!(redactor.request_uri(reading), reading);
}

#[test]
fn managed_fields_go_and_what_is_around_them_stays() {
    for (input, output) in [
        (r#"{"metadata":{"managedFields":[{"f":{}}],"name":"x"}}"#, r#"{"metadata":{"name":"x"}}"#),
        (r#"{"metadata":{"name":"x","managedFields":[{"f":{}}]},"b":1}"#, r#"{"metadata":{"name":"x"},"b":1}"#),
        (r#"{"metadata":{"managedFields":[]}}"#, r#"{"metadata":{}}"#),
    ] {
        let line = body("widgets", "", &json!("@")).to_string().replace("\"@\"", input);
        let mut parser = Parser::new("prod", Redactor::new([1; 32]));
        let place = Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None };
        let rows = parser.parse(line.as_bytes(), place).unwrap().rows;
        let column = rows.column_by_name("request_object").unwrap();
        assert_eq!(arrow::array::AsArray::as_string::<i32>(column).value(0), output);
    }
}

#[test]
fn the_same_value_has_the_same_fingerprint_under_one_key_only() {
    let (one, two) = (Redactor::new([1; 32]), Redactor::new([2; 32]));
    assert_eq!(one.shapes(JWT), one.shapes(JWT));
    assert_ne!(one.shapes(JWT), two.shapes(JWT));
}

#[test]
fn ordinary_bodies_are_not_touched() {
    let pod = json!({"kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"containers": [
        {"name": "c", "env": [{"name": "PORT", "value": "80"}, {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef":
        {"name": "db", "key": "password"}}}]}], "volumes": [{"name": "v", "secret": {"secretName": "db"}}]}});
    let text = dump(&body("pods", "", &pod));
    assert!(!text.contains("redacted"), "{text}");
}

#[test]
fn an_escaped_backslash_before_letters_is_no_escape() {
    let text = r#"{"a":"\\u0041"}"#;
    let line = body("widgets", "", &json!("@")).to_string().replace("\"@\"", text);
    let mut parser = Parser::new("prod", Redactor::new([1; 32]));
    let rows = parser
        .parse(line.as_bytes(), Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None })
        .unwrap()
        .rows;
    let column = rows.column_by_name("request_object").unwrap();
    assert_eq!(arrow::array::AsArray::as_string::<i32>(column).value(0), text);
}

#[test]
fn every_key_of_a_credential_is_seen_in_lines_of_either_way() {
    const KEYS: [&str; 9] = [
        "token",
        "password",
        "passwd",
        "clientSecret",
        "client_secret",
        "authorization",
        "apiKey",
        "api_key",
        "privateKey",
    ];
    for key in KEYS {
        let body = format!("{{\"spec\":{{\"{key}\":\"{CANARY}\",\"n\":1}}}}");
        assert_no_canary(&canonical(&body), key);
        assert_no_canary(&canonical(&body).replace("\"n\":1", "\"n\": 1"), key);
    }
    for name in ["DB_PASS", "client_secret", "Token", "aws_Key", "my-credential", "apikey"] {
        let body = format!("{{\"env\":[{{\"name\":\"{name}\",\"value\":\"{CANARY}\"}}]}}");
        assert_no_canary(&canonical(&body), name);
        assert_no_canary(&canonical(&body).replace("[{", "[ {"), name);
    }
}

/// A line as an API server writes it, with a body that is sent.
fn canonical(body: &str) -> String {
    format!(
        "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Request\",\"auditID\":\"a\",\
        \"stage\":\"ResponseComplete\",\"requestURI\":\"/apis/x/v1/widgets\",\"verb\":\"create\",\
        \"user\":{{\"username\":\"u\"}},\"sourceIPs\":[\"10.0.0.1\"],\"objectRef\":{{\"resource\":\"widgets\"}},\
        \"requestObject\":{body},\"requestReceivedTimestamp\":\"2026-01-15T10:00:00.000000Z\",\
        \"stageTimestamp\":\"2026-01-15T10:00:00.000000Z\"}}"
    )
}

fn assert_no_canary(line: &str, what: &str) {
    for is_slow in [false, true] {
        let parser = Parser::new("prod", Redactor::new([1; 32]));
        let mut parser = if is_slow { parser.slow() } else { parser };
        let place = Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None };
        let batch = parser.parse(line.as_bytes(), place).unwrap();
        let text = format!("{:?}", batch.rows);
        assert_eq!(batch.rows.num_rows(), 1, "{what}");
        assert!(!text.contains(CANARY), "{what}: {text}");
        assert!(text.contains("redacted hmac="), "{what}");
    }
}
