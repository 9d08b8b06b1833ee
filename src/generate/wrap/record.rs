//! Wrappers that tell an event in their own terms and drop what has no place there.

use serde_json::{Map, Value, json};

use super::event::Event;

/// A record of Amazon Security Lake. Query, bodies, annotations, impersonation and most of what EKS knows are dropped.
pub(super) fn ocsf(event: &Event<'_>) -> Value {
    let (user, object) = (event.value("user"), event.value("objectRef"));
    let (verb, uri) = (event.text("verb"), event.text("requestURI"));
    let (activity, name) = match verb.as_str() {
        "create" => (1, "Create"),
        "get" | "list" | "watch" => (2, "Read"),
        "update" | "patch" => (3, "Update"),
        "delete" | "deletecollection" => (4, "Delete"),
        _ => (99, "Other"),
    };
    let groups = user["groups"].as_array().into_iter().flatten().map(|name| json!({"name": name}));
    let resources = if object.is_object() {
        json!([{"name": object["name"], "namespace": object["namespace"], "type": object["resource"], "uid": object["uid"]}])
    } else {
        json!([])
    };
    let micros = |field: &str| {
        let text = event.text(field);
        chrono::DateTime::parse_from_rfc3339(&text).map(|time| time.timestamp_millis()).unwrap_or_default()
    };
    let addresses = event.value("sourceIPs");
    json!({
        "activity_id": activity, "activity_name": name, "category_name": "Application Activity", "category_uid": 6,
        "class_name": "API Activity", "class_uid": 6003, "type_uid": 600_300 + activity,
        "actor": {"user": {"name": user["username"], "uid": user["uid"], "groups": groups.collect::<Vec<_>>()}},
        "api": {"operation": verb, "request": {"uid": event.text("auditID")}, "version": object["apiVersion"],
            "response": {"code": event.value("responseStatus")["code"]}},
        "cloud": {"provider": "AWS", "region": "eu-central-1"},
        "http_request": {"url": {"path": uri.split('?').next()}, "user_agent": event.value("userAgent")},
        "message": event.text("stage"),
        "metadata": {"log_level": event.text("level"), "version": "1.1.0", "profiles": ["cloud", "datetime"],
            "product": {"name": "Amazon EKS", "vendor_name": "AWS", "version": "audit.k8s.io/v1",
                "feature": {"name": "Elastic Kubernetes Service"}}},
        "resources": resources, "severity": "Informational", "severity_id": 1,
        "src_endpoint": {"ip": addresses.as_array().and_then(|list| list.last())},
        "start_time": micros("requestReceivedTimestamp"), "start_time_dt": event.text("requestReceivedTimestamp"),
        "time": micros("stageTimestamp"), "time_dt": event.text("stageTimestamp"),
        "unmapped": {"eks_cluster_name": "example"}
    })
}

/// A document of Elasticsearch. Dots in keys of annotations become underscores, the metadata of bodies is dropped.
pub(super) fn elastic(event: &Event<'_>) -> String {
    let mut audit: Value = serde_json::from_str(event.line).unwrap_or_default();
    if let Some(annotations) = audit["annotations"].as_object_mut() {
        let renamed: Map<_, _> =
            std::mem::take(annotations).into_iter().map(|(key, value)| (key.replace('.', "_"), value)).collect();
        *annotations = renamed;
    }
    for body in ["requestObject", "responseObject"] {
        if let Some(members) = audit.get_mut(body).and_then(Value::as_object_mut) {
            members.remove("metadata");
        }
    }
    json!({
        "_index": ".ds-logs-kubernetes.audit_logs-default-000001", "_id": format!("{:020}", event.number),
        "_source": {"@timestamp": format!("{}Z", event.stamp(3)), "kubernetes": {"audit": audit},
            "data_stream": {"dataset": "kubernetes.audit_logs", "namespace": "default", "type": "logs"},
            "orchestrator": {"cluster": {"name": "example"}}}
    })
    .to_string()
}

/// The text of an event, of which neither bodies nor more than one address are told.
pub(super) fn legacy(event: &Event<'_>) -> String {
    let (user, as_user, object) = (event.value("user"), event.value("impersonatedUser"), event.value("objectRef"));
    let text = |value: &Value, none: &str| quoted(value.as_str().filter(|text| !text.is_empty()).unwrap_or(none));
    let list = |value: &Value, none: &str| {
        let texts: Vec<String> = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(quoted).collect();
        if texts.is_empty() { quoted(none) } else { quoted(&texts.join(",")) }
    };
    let code = event.value("responseStatus")["code"].as_i64().map_or("<deferred>".to_owned(), |code| code.to_string());
    format!(
        "{} AUDIT: id={} stage={} ip={} method={} user={} groups={} as={} asgroups={} user-agent={} namespace={} uri={} response=\"{code}\"",
        event.text("requestReceivedTimestamp"),
        quoted(&event.text("auditID")),
        quoted(&event.text("stage")),
        text(&event.value("sourceIPs")[0], "<unknown>"),
        quoted(&event.text("verb")),
        text(&user["username"], "<none>"),
        list(&user["groups"], "<none>"),
        text(&as_user["username"], "<self>"),
        list(&as_user["groups"], "<lookup>"),
        quoted(&event.text("userAgent")),
        text(&object["namespace"], "<none>"),
        quoted(&event.text("requestURI")),
    )
}

/// A text as Go's `%q` writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for found in text.chars() {
        match found {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0'..' ' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(found))),
            _ => out.push(found),
        }
    }
    out.push('"');
    out
}
