//! Records of every kind with a value of the wrong type at each of their places: nothing panics, and what comes out is an
//! event or a refusal.

use serde_json::{Value, json};

use super::*;

type Rebuild = fn(&Value) -> Result<Rebuilt, Refusal>;

fn records() -> Vec<(Rebuild, Value)> {
    let user =
        json!({"username": "ada", "uid": "1", "groups": ["ops"], "extra": {"k": ["v"]}, "name": "ada", "group": ["g"]});
    let event = json!({
        "level": "Metadata", "auditID": "a", "stage": "ResponseComplete", "requestURI": "/api/v1/pods?watch=1",
        "verb": "get", "user": user, "impersonatedUser": user, "authenticationMetadata": {"impersonationConstraint": "x"},
        "sourceIPs": ["203.0.113.7"], "userAgent": "curl", "objectRef": {"resource": "pods", "name": "w"},
        "responseStatus": {"code": 200, "details": {}}, "requestObject": {}, "responseObject": {}, "annotations": {"a/b": "c"},
        "requestReceivedTimestamp": "2026-01-15T08:30:00Z", "stageTimestamp": "2026-01-15T08:30:00Z",
        "k8s_audit_level": "Request", "openshift": {"cluster_id": "c"}
    });
    let entry = json!({
        "insertId": "i", "timestamp": "2026-01-15T08:30:00Z", "labels": {"a/b": "c"}, "operation": {"id": "o", "first": true},
        "resource": {"labels": {"cluster_name": "shop"}}, "protoPayload": {"serviceName": "k8s.io",
            "methodName": "io.k8s.core.v1.pods.create", "resourceName": "core/v1/namespaces/web/pods/w",
            "authenticationInfo": {"principalEmail": "ada", "authoritySelector": "root"}, "status": {"code": 3, "message": "m"},
            "authorizationInfo": [{"granted": true}], "request": {}, "response": {"kind": "Status", "code": 422},
            "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "curl"}}
    });
    let activity = json!({
        "class_uid": 6003, "message": "ResponseComplete", "start_time": 1, "time_dt": "2026-01-15T08:30:00Z", "time": 2,
        "metadata": {"log_level": "Metadata", "product": {"name": "Amazon EKS", "version": "audit.k8s.io/v1", "feature": {"name": "x"}}},
        "actor": {"user": {"name": "ada", "uid": "1", "groups": [{"name": "g"}]}, "session": {"uid": "s", "issuer": "i"}},
        "api": {"operation": "get", "request": {"uid": "a", "data": "{}"}, "response": {"code": 200, "error": "e"}, "version": "v1"},
        "http_request": {"url": {"path": "/api/v1/pods", "query_string": "a=b"}, "user_agent": "curl"},
        "resources": [{"type": "pods", "name": "w"}], "src_endpoint": {"ip": "203.0.113.7"},
        "unmapped": {"annotations": {"a/b": "c"}, "annotations.a/b": "c", "impersonatedUser": user, "requestObject": {}}
    });
    let request = json!({
        "auditID": "a", "requestURI": "/k8s/clusters/c/api/v1/pods", "user": user, "method": "GET", "remoteAddr": "192.0.2.9:1",
        "responseCode": 200, "requestTimestamp": "2026-01-15T08:30:00Z", "responseTimestamp": "2026-01-15T08:30:00Z",
        "requestHeader": {"User-Agent": ["curl"], "X-Real-Ip": ["203.0.113.7"]}, "requestBody": {}, "responseBody": {}
    });
    let row = json!({"AuditId": "a", "Stage": "ResponseComplete", "RequestUri": "/", "Verb": "get", "User": user.to_string(),
        "SourceIps": "[\"203.0.113.7\"]", "ObjectRef": {"resource": "pods"}, "RequestReceivedTime": "2026-01-15T08:30:00Z",
        "RequestObject": "{}", "_ResourceId": "/managedClusters/shop"});
    let trail = json!({"event_type": "yandex.cloud.audit.k8s.apiserver.ApiServerGet",
        "details": {"cluster_id": "c", "native_api_server_event": event}});
    let flat = json!({"auditID": "a", "stage": "s", "verb": "get", "user.username": "ada", "user.groups": "[\"g\"]",
        "objectRef.name": "w", "responseStatus": "{\"code\":200}", "stageTimestamp": "2026-01-15T08:30:00Z"});
    vec![
        (gke, entry),
        (ocsf, activity),
        (aks_table, row),
        (rancher, request),
        (ack_sls, flat),
        (yandex, trail),
        (elastic, json!({"_source": {"kubernetes": {"audit": event}}})),
        (viaq, event.clone()),
        (go_names, event),
    ]
}

/// The places of all values within a value.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| places(value, &format!("{here}/{}", escaped(key)), found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(at, value)| places(value, &format!("{here}/{at}"), found));
        }
        _ => {}
    }
}

#[test]
fn a_value_of_any_type_at_any_place_gives_an_event_or_a_refusal() {
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!("/"),
        json!("?\u{0}\u{2028}\u{10ffff}\"\\"),
        json!("///////"),
        json!("é".repeat(10_000)),
        json!([]),
        json!([[{}], 1, null]),
        json!({}),
        json!({"": {"": [null]}}),
    ];
    let (mut events, mut refusals) = (0, 0);
    for (rebuild, record) in records() {
        let whole = rebuild(&record).unwrap();
        assert!(!whole.json.is_empty());
        let mut found = Vec::new();
        places(&record, "", &mut found);
        for place in &found {
            for value in &values {
                let mut changed = record.clone();
                changed.pointer_mut(place).unwrap().clone_from(value);
                match rebuild(&changed) {
                    Ok(rebuilt) => {
                        let event = parse(rebuilt.json.as_bytes()).unwrap_or_else(|error| panic!("{place}: {error:?}"));
                        assert!(event["verb"].is_string(), "{place} {value}: {event}");
                        assert!(rebuilt.lost.is_sorted(), "{:?}", rebuilt.lost);
                        events += 1;
                    }
                    Err(_) => refusals += 1,
                }
            }
        }
    }
    assert!(events > 2_000 && refusals > 200, "{events} events, {refusals} refusals");
}
