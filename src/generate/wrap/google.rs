//! Entries of Cloud Logging, as Kubernetes Engine writes them of its API servers' audit events.

use serde_json::{Map, Value, json};

use super::event::Event;

/// An entry. Of the user only the name is kept, of the addresses the last; URI, level and the time of the stage are not.
pub(super) fn entry(event: &Event<'_>) -> Value {
    let (user, object) = (event.value("user"), event.value("objectRef"));
    let verb = event.text("verb");
    let method = method(&object, &verb);
    let resource = if object.is_object() { resource(&object) } else { path(&event.text("requestURI")) };
    let annotations = event.value("annotations");
    let decision = annotations["authorization.k8s.io/decision"].as_str();
    let mut authentication = Map::new();
    authentication.extend(user.get("username").map(|name| ("principalEmail".to_owned(), name.clone())));
    let impersonated = event.value("impersonatedUser");
    authentication.extend(impersonated.get("username").map(|name| ("authoritySelector".to_owned(), name.clone())));
    let addresses = event.value("sourceIPs");
    let mut payload = json!({
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": authentication,
        "methodName": method,
        "requestMetadata": {
            "callerIp": addresses.as_array().and_then(|list| list.last()),
            "callerSuppliedUserAgent": event.value("userAgent")
        },
        "resourceName": resource,
        "serviceName": "k8s.io",
        "status": status(&event.value("responseStatus"), &object),
    });
    if let Some(decision) = decision {
        let granted = decision == "allow";
        payload["authorizationInfo"] = json!([{"granted": granted, "permission": method, "resource": resource}]);
    }
    for (field, name) in [("requestObject", "request"), ("responseObject", "response")] {
        let mut body = event.value(field);
        if let Some(members) = body.as_object_mut() {
            let told = |key: &str| members.get(key).and_then(Value::as_str);
            let kind = match (told("apiVersion"), told("kind")) {
                (Some(version), Some(kind)) if version.contains('/') => format!("{version}.{kind}"),
                (Some(version), Some(kind)) => format!("core/{version}.{kind}"),
                _ => "k8s.io/Patch".to_owned(),
            };
            members.insert("@type".to_owned(), kind.into());
            payload[name] = body;
        }
    }
    let is_read = matches!(verb.as_str(), "get" | "list" | "watch");
    let log = if is_read { "data_access" } else { "activity" };
    let mut entry = json!({
        "protoPayload": payload,
        "insertId": format!("{:016x}", event.number),
        "resource": {"type": "k8s_cluster",
            "labels": {"cluster_name": "example", "location": "europe-west1", "project_id": "example-project"}},
        "timestamp": event.text("requestReceivedTimestamp"),
        "logName": format!("projects/example-project/logs/cloudaudit.googleapis.com%2F{log}"),
        "operation": operation(event, &verb, &object),
        "receiveTimestamp": format!("{}Z", event.stamp(9)),
    });
    if annotations.is_object() {
        entry["labels"] = annotations;
    }
    entry
}

/// First and last, as far as an entry by itself can be either.
fn operation(event: &Event<'_>, verb: &str, object: &Value) -> Value {
    let mut operation = json!({"id": event.text("auditID"), "producer": "k8s.io"});
    let sub = object["subresource"].as_str().unwrap_or_default();
    let is_long = verb == "watch" || matches!(sub, "exec" | "attach" | "portforward");
    let is_complete = event.text("stage") == "ResponseComplete";
    if !is_complete || !is_long {
        operation["first"] = true.into();
    }
    if is_complete {
        operation["last"] = true.into();
    }
    operation
}

/// `io.k8s.GROUP.VERSION.RESOURCE[.SUBRESOURCE].VERB`, the parts of the group's domain backwards.
fn method(object: &Value, verb: &str) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    if !object.is_object() {
        return format!("io.k8s.{verb}");
    }
    let group = match text("apiGroup") {
        "" => "io.k8s.core".to_owned(),
        domain if domain.contains('.') => domain.rsplit('.').collect::<Vec<_>>().join("."),
        short => format!("io.k8s.{short}"),
    };
    let parts = [group.as_str(), text("apiVersion"), text("resource"), text("subresource"), verb];
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".")
}

/// `GROUP/VERSION/[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]`.
fn resource(object: &Value) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let group = if text("apiGroup").is_empty() { "core" } else { text("apiGroup") };
    let mut parts = vec![group, text("apiVersion")];
    if !text("namespace").is_empty() && text("resource") != "namespaces" {
        parts.extend(["namespaces", text("namespace")]);
    }
    parts.extend(["resource", "name", "subresource"].map(text).iter().filter(|part| !part.is_empty()));
    parts.join("/")
}

/// The path of what is no resource.
fn path(uri: &str) -> String {
    uri.split('?').next().unwrap_or(uri).trim_start_matches('/').to_owned()
}

/// The status of gRPC that stands for an answer.
fn status(response: &Value, object: &Value) -> Value {
    let upgrades = matches!(object["subresource"].as_str(), Some("exec" | "attach" | "portforward"));
    let code = match response["code"].as_i64() {
        Some(101) if upgrades => return json!({"code": 2, "message": "UNKNOWN"}),
        Some(400 | 422) => 3,
        Some(401) => 16,
        Some(403) => 7,
        Some(404) => 5,
        Some(409) if response["reason"] == "AlreadyExists" => 6,
        Some(409) => 10,
        Some(410) => 11,
        Some(429) => 8,
        Some(500) => 13,
        Some(503) => 14,
        Some(504) => 4,
        Some(400..) => 2,
        _ => return json!({}),
    };
    json!({"code": code, "message": response["message"]})
}
