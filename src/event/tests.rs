//! The parser as a whole: lines in, columns and rejects out.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;
use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Batch {
    let mut parser = Parser::new("prod", Redactor::new([1; 32]));
    parser.parse(text.as_bytes(), Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None }).unwrap()
}

/// The value of a column in a row, as text.
fn cell(batch: &Batch, row: usize, column: &str) -> Option<String> {
    let array = batch.rows.column_by_name(column).unwrap();
    if array.is_null(row) {
        return None;
    }
    Some(match column {
        "response_code" => array.as_primitive::<Int32Type>().value(row).to_string(),
        "truncated" | "source_ips_disagree" => array.as_boolean().value(row).to_string(),
        "source_ips" | "groups" => {
            let list = array.as_list::<i32>().value(row);
            list.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join(",")
        }
        _ => array.as_string::<i32>().value(row).to_owned(),
    })
}

/// An event with the given fields laid over a plain one.
fn event(fields: &Value) -> String {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1",
        "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/shop/secrets/db", "verb": "get",
        "user": {"username": "alice", "groups": ["dev", "system:authenticated"]},
        "sourceIPs": ["198.51.100.4"], "userAgent": "kubectl/v1.33.4",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-01-15T10:00:00.000000Z", "stageTimestamp": "2026-01-15T10:00:00.004000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}
    });
    for (key, value) in fields.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn cell_of(fields: &Value, column: &str) -> Option<String> {
    let batch = parse(&event(fields));
    assert!(batch.rejects.is_empty(), "{:?}", batch.rejects);
    cell(&batch, 0, column)
}

#[test]
fn every_scalar_of_an_event_has_its_column() {
    let batch = parse(&event(&json!({
        "user": {"username": "system:serviceaccount:shop:web", "uid": "u", "groups": ["g"], "extra": {
            "authentication.kubernetes.io/pod-name": ["web-1"], "authentication.kubernetes.io/node-name": ["n1"],
            "authentication.kubernetes.io/credential-id": ["JTI=7"]}},
        "sourceIPs": ["1.2.3.4", "10.244.1.5"],
        "responseStatus": {"code": 403, "status": "Failure", "reason": "Forbidden", "message": "no"},
        "newField": {"a": [1, 2]},
    })));
    let expected = [
        ("cluster", "prod"),
        ("audit_id", "a-1"),
        ("stage", "ResponseComplete"),
        ("level", "Metadata"),
        ("verb", "get"),
        ("username", "system:serviceaccount:shop:web"),
        ("user_uid", "u"),
        ("groups", "g"),
        ("source_ips", "1.2.3.4,10.244.1.5"),
        ("client_ip", "10.244.1.5"),
        ("source_ips_disagree", "true"),
        ("resource", "secrets"),
        ("namespace", "shop"),
        ("name", "db"),
        ("response_code", "403"),
        ("response_reason", "Forbidden"),
        ("auth_decision", "allow"),
        ("actor_kind", "service_account"),
        ("service_account_namespace", "shop"),
        ("service_account_name", "web"),
        ("pod_name", "web-1"),
        ("node_name", "n1"),
        ("credential_id", "JTI=7"),
        ("scope", "named"),
        ("outcome", "denied"),
        ("sensitivity", "secret"),
        ("extra", r#"{"newField":{"a":[1,2]}}"#),
        ("source", "audit.log"),
        ("truncated", "false"),
    ];
    for (column, value) in expected {
        assert_eq!(cell(&batch, 0, column).as_deref(), Some(value), "{column}");
    }
}

#[test]
fn bodies_keep_their_very_text() {
    let body = r#"{"b": [1.50, "x\u003cy\"}{"],"a":{"c":null}}"#;
    let line = event(&json!({"verb": "update", "objectRef": {"resource": "leases"}}));
    let line = format!("{},\"requestObject\": {body} ,\"responseObject\":{body} }}", line.strip_suffix('}').unwrap());
    let batch = parse(&line);
    assert_eq!(cell(&batch, 0, "request_object").as_deref(), Some(body));
    assert_eq!(cell(&batch, 0, "response_object").as_deref(), Some(body));
}

#[test]
fn the_actor_is_the_impersonated_user() {
    let fields = json!({"impersonatedUser": {"username": "system:node:n1", "groups": ["system:nodes"]}});
    assert_eq!(cell_of(&fields, "actor").as_deref(), Some("system:node:n1"));
    assert_eq!(cell_of(&fields, "username").as_deref(), Some("alice"));
    assert_eq!(cell_of(&fields, "actor_kind").as_deref(), Some("node"));
}

#[test]
fn actors_are_told_apart_by_exact_names() {
    let kinds = [
        ("system:anonymous", "anonymous"),
        ("system:kube-scheduler", "control_plane"),
        ("system:kube-scheduler-fake", "human"),
        ("system:serviceaccount:a:b", "service_account"),
        ("system:serviceaccount:a", "human"),
        ("", "unauthenticated"),
    ];
    for (name, kind) in kinds {
        assert_eq!(cell_of(&json!({"user": {"username": name}}), "actor_kind").as_deref(), Some(kind), "{name}");
    }
    assert_eq!(cell_of(&json!({"user": {}}), "actor"), None);
}

#[test]
fn outcome_comes_from_code_and_decision() {
    let forbid = json!({"authorization.k8s.io/decision": "forbid"});
    let cases = [
        (json!({"responseStatus": {"code": 200}}), "allowed"),
        (json!({"responseStatus": {"code": 101}}), "allowed"),
        (json!({"responseStatus": {"code": 403}}), "denied"),
        (json!({"responseStatus": {"code": 401}, "user": {}, "annotations": {}}), "denied"),
        (json!({"responseStatus": {"code": 404}}), "failed"),
        (json!({"responseStatus": {"code": 200, "message": "Connection closed early"}}), "unknown"),
        (json!({"responseStatus": null, "stage": "RequestReceived"}), "unknown"),
        (json!({"responseStatus": null, "annotations": forbid}), "denied"),
    ];
    for (fields, outcome) in cases {
        assert_eq!(cell_of(&fields, "outcome").as_deref(), Some(outcome), "{fields}");
    }
}

#[test]
fn scope_tells_how_much_was_asked_for() {
    let list = |object: Value, uri: &str| json!({"verb": "list", "requestURI": uri, "objectRef": object});
    let cases = [
        (list(json!({"resource": "secrets"}), "/api/v1/secrets"), "cluster"),
        (list(json!({"resource": "secrets", "namespace": "shop"}), "/api/v1/namespaces/shop/secrets"), "namespace"),
        (
            list(json!({"resource": "secrets", "namespace": "shop"}), "/x?fieldSelector=metadata.name%3Ddb&watch=true"),
            "named",
        ),
        (json!({"verb": "create", "objectRef": {"resource": "pods", "namespace": "shop"}}), "named"),
        (json!({"objectRef": null, "requestURI": "/version"}), "non_resource"),
    ];
    for (fields, scope) in cases {
        assert_eq!(cell_of(&fields, "scope").as_deref(), Some(scope), "{fields}");
    }
}

#[test]
fn sensitivity_does_not_depend_on_the_verb_that_the_client_picks() {
    let at = |verb: &str, resource: &str, sub: &str| {
        cell_of(&json!({"verb": verb, "objectRef": {"resource": resource, "subresource": sub}}), "sensitivity")
    };
    for verb in ["get", "list", "watch", "", "deletecollection"] {
        assert_eq!(at(verb, "secrets", "").as_deref(), Some("secret"), "{verb}");
    }
    for verb in ["get", "create"] {
        assert_eq!(at(verb, "pods", "exec").as_deref(), Some("exec"), "{verb}");
        assert_eq!(at(verb, "nodes", "proxy").as_deref(), Some("node_proxy"), "{verb}");
    }
    assert_eq!(at("patch", "deployments", "").as_deref(), Some("workload"));
    assert_eq!(at("patch", "deployments", "status").as_deref(), Some("other"));
    assert_eq!(at("get", "clusterroles", "").as_deref(), Some("other"));
    assert_eq!(at("patch", "clusterroles", "").as_deref(), Some("rbac"));
    let anonymous = |path: &str| {
        cell_of(
            &json!({"user": {"username": "system:anonymous"}, "objectRef": null, "requestURI": path}),
            "sensitivity",
        )
    };
    assert_eq!(anonymous("/readyz/etcd?verbose").as_deref(), Some("other"));
    assert_eq!(anonymous("/readyzz").as_deref(), Some("anonymous"));
}

#[test]
fn exec_commands_are_decoded_once() {
    let uri = "/api/v1/namespaces/a/pods/p/exec?command=sh&command=-c&command=cat+%2Fetc%2F%2570&container=c";
    let fields = json!({"requestURI": uri, "objectRef": {"resource": "pods", "subresource": "exec", "name": "p"}});
    assert_eq!(cell_of(&fields, "exec_command").as_deref(), Some("sh -c cat /etc/%70"));
    let uri = "/api/v1/nodes/n/proxy/run/a/p/c?cmd=id";
    let fields = json!({"requestURI": uri, "objectRef": {"resource": "nodes", "subresource": "proxy", "name": "n"}});
    assert_eq!(cell_of(&fields, "exec_command").as_deref(), Some("id"));
}

#[test]
fn a_field_of_the_wrong_type_is_kept_and_flagged() {
    let batch = parse(&event(&json!({"verb": 5, "sourceIPs": "1.2.3.4", "user": {"username": ["x"]}})));
    assert_eq!(cell(&batch, 0, "flags").as_deref(), Some("type_mismatch"));
    let extra: Value = serde_json::from_str(&cell(&batch, 0, "extra").unwrap()).unwrap();
    assert_eq!(extra, json!({"verb": 5, "sourceIPs": "1.2.3.4", "user.username": ["x"]}));
}

#[test]
fn lines_that_are_no_events_are_rejected_with_their_place() {
    let good = event(&json!({}));
    let cases = [
        ("{\"a\":1", Reason::BadJson),
        ("5", Reason::NotObject),
        ("[]", Reason::NotObject),
        ("{}", Reason::NotAuditEvent),
        (r#"{"kind":"Event","apiVersion":"v1","auditID":"x"}"#, Reason::NotAuditEvent),
        (r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1alpha1","auditID":"x"}"#, Reason::UnknownVersion),
        (r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"x"}"#, Reason::BadTimestamp),
        (r#"{"auditID":"x","verb":"get","v\u0065rb":"list"}"#, Reason::DuplicateKey),
        (r#"{"auditID":"x","user":{"username":"a","username":"b"}}"#, Reason::DuplicateKey),
    ];
    for (line, reason) in cases {
        let text = format!("{good}\n{line}\r\n\n{good}\n");
        let batch = parse(&text);
        assert_eq!(batch.rows.num_rows(), 2, "{line}");
        assert_eq!((batch.lines, batch.blanks), (4, 1), "{line}");
        let reject = &batch.rejects[0];
        assert_eq!((reject.reason, reject.line, reject.offset), (reason, 2, good.len() as u64 + 1), "{line}");
        assert_eq!(reject.bytes, line.len() as u64);
    }
}

#[test]
fn bytes_that_are_not_utf8_and_deep_nesting_are_named() {
    let mut parser = Parser::new("c", Redactor::new([1; 32]));
    let place = Place { source: "s", lines_before: 10, offset: 100, cluster: None };
    let batch = parser.parse(b"{\"auditID\":\"\xff\"}\n{}\n", place).unwrap();
    assert_eq!(batch.rejects[0].reason, Reason::InvalidUtf8);
    assert_eq!((batch.rejects[0].line, batch.rejects[0].offset), (11, 100));
    let deep = format!("{}{}\n{{}}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(parser.parse(deep.as_bytes(), place).unwrap().rejects[0].reason, Reason::TooDeep);
}

#[test]
fn a_line_cut_at_the_end_of_the_source_is_a_truncated_tail() {
    let line = event(&json!({}));
    for cut in [line.len() - 1, line.len() / 2, 1] {
        let batch = parse(&format!("{line}\n{}", &line[..cut]));
        assert_eq!(batch.rejects[0].reason, Reason::TruncatedTail, "{cut}");
        assert_eq!(batch.rows.num_rows(), 1);
    }
}

#[test]
fn a_list_on_one_line_yields_its_items() {
    let item = |id: &str| {
        let mut item: Value = serde_json::from_str(&event(&json!({"auditID": id}))).unwrap();
        item.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
        item
    };
    let list =
        json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [item("x"), item("y")]});
    let batch = parse(&format!("{list}\n{}\n", event(&json!({}))));
    assert_eq!((batch.lines, batch.rows.num_rows()), (3, 3));
    let ids: Vec<_> = (0..3).map(|row| cell(&batch, row, "audit_id").unwrap()).collect();
    assert_eq!(ids, ["x", "y", "a-1"]);
}

#[test]
fn an_item_of_a_list_hashes_like_the_line_of_the_same_event() {
    let item =
        r#""level":"Metadata","auditID":"q","stage":"Panic","requestReceivedTimestamp":"2026-01-15T10:00:00.000000Z"}"#;
    let line = format!(r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1",{item}"#);
    let list = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{{{item}]}}"#);
    let (line, list) = (parse(&line), parse(&list));
    let hash = |batch: &Batch| batch.rows.column_by_name("event_hash").unwrap().as_binary::<i32>().value(0).to_vec();
    assert_eq!(hash(&line), hash(&list));
}

#[test]
fn beta_events_are_read_and_keep_their_version() {
    let beta = json!({"apiVersion": "audit.k8s.io/v1beta1", "requestReceivedTimestamp": null, "stageTimestamp": null,
        "timestamp": "2020-01-01T00:00:00Z"});
    let extra = cell_of(&beta, "extra").unwrap();
    assert!(extra.contains("audit.k8s.io/v1beta1"), "{extra}");
}
