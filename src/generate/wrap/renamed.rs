//! Wrappers that keep an event's fields under other names or in other places.

use serde_json::Value;

use super::event::{Event, string};

pub(super) const AKS_OPERATION: &str = "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read";
pub(super) const AKS_POD: &str = "kube-apiserver-0123456789-abcde";
pub(super) const AKS_RESOURCE: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/example/providers/microsoft.containerservice/managedclusters/example";

const FIELDS: [&str; 17] = [
    "level",
    "auditID",
    "stage",
    "requestURI",
    "verb",
    "user",
    "impersonatedUser",
    "sourceIPs",
    "userAgent",
    "objectRef",
    "responseStatus",
    "requestObject",
    "responseObject",
    "requestReceivedTimestamp",
    "stageTimestamp",
    "annotations",
    "authenticationMetadata",
];

/// An object of members that are JSON already.
fn object(members: impl IntoIterator<Item = (String, String)>) -> String {
    let members: Vec<String> = members.into_iter().map(|(key, json)| format!("{}:{json}", string(&key))).collect();
    format!("{{{}}}", members.join(","))
}

/// Columns that the table has; the others are dropped.
pub(super) fn aks_table(event: &Event<'_>) -> String {
    let column = |field| {
        Some(match field {
            "auditID" => "AuditId",
            "level" => "Level",
            "stage" => "Stage",
            "requestURI" => "RequestUri",
            "verb" => "Verb",
            "user" => "User",
            "sourceIPs" => "SourceIps",
            "userAgent" => "UserAgent",
            "objectRef" => "ObjectRef",
            "responseStatus" => "ResponseStatus",
            "requestObject" => "RequestObject",
            "responseObject" => "ResponseObject",
            "requestReceivedTimestamp" => "RequestReceivedTime",
            "stageTimestamp" => "StageReceivedTime",
            "annotations" => "Annotations",
            _ => return None,
        })
    };
    let head = [("TimeGenerated", string(&format!("{}Z", event.stamp(3)))), ("Category", string("kube-audit"))];
    let tail = [("PodName", string(AKS_POD)), ("_ResourceId", string(AKS_RESOURCE)), ("Type", string("AKSAudit"))];
    let fields = FIELDS.iter().filter_map(|field| Some((column(*field)?, event.raw(field)?.to_owned())));
    object(head.into_iter().chain(fields).chain(tail).map(|(key, json)| (key.to_owned(), json)))
}

/// Every value a string.
pub(super) fn ack_sls(event: &Event<'_>) -> String {
    let text = |json: &str| if json.starts_with('"') { json.to_owned() } else { string(json) };
    let fields = ["kind", "apiVersion"].into_iter().chain(FIELDS);
    let fields = fields.filter_map(|field| Some((field.to_owned(), text(event.raw(field)?))));
    let head = [("__time__", event.time.timestamp().to_string()), ("__topic__", String::new())];
    object(head.into_iter().map(|(key, value)| (key.to_owned(), string(&value))).chain(fields))
}

/// The native event in the details of a record of a trail.
pub(super) fn yandex(event: &Event<'_>) -> String {
    let verb = event.text("verb");
    let name = verb.get(..1).unwrap_or_default().to_ascii_uppercase() + verb.get(1..).unwrap_or_default();
    format!(
        r#"{{"event_id":"e{:019}","event_source":"k8s","event_type":"yandex.cloud.audit.k8s.apiserver.ApiServer{name}","event_time":"{}Z","event_status":"DONE","details":{{"native_api_server_event":{},"cluster_id":"cat0example"}}}}"#,
        event.number,
        event.stamp(6),
        event.line
    )
}

/// The event's fields among those of the collector, which takes `level` for its own.
pub(super) fn viaq(event: &Event<'_>) -> String {
    let own = [
        ("@timestamp", string(&format!("{}Z", event.stamp(9)))),
        ("hostname", string("master-0.example.com")),
        ("k8s_audit_level", event.raw("level").unwrap_or("null").to_owned()),
        ("level", string("default")),
        ("log_type", string("audit")),
        ("log_source", string("kubeAPI")),
        ("openshift", object([("cluster_id".to_owned(), string("example"))])),
        ("tag", string(".k8s-audit.log")),
    ];
    let fields = ["kind", "apiVersion"].into_iter().chain(FIELDS).filter(|field| *field != "level");
    let fields = fields.filter_map(|field| Some((field, event.raw(field)?.to_owned())));
    object(own.into_iter().chain(fields).map(|(key, json)| (key.to_owned(), json)))
}

/// An event with the names of Go's fields. What it does not have is null, or empty in what it refers to.
pub(super) fn go_names(event: &Event<'_>) -> String {
    object(FIELDS[..16].iter().map(|field| {
        let value = event.value(field);
        let json = match *field {
            "user" | "impersonatedUser" if value.is_object() => {
                members(&value, &["username", "uid", "groups", "extra"])
            }
            "objectRef" if value.is_object() => members(&value, &REFERENCE),
            _ => event.raw(field).unwrap_or("null").to_owned(),
        };
        (go_name(field), json)
    }))
}

const REFERENCE: [&str; 8] =
    ["resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"];

fn members(value: &Value, names: &[&str]) -> String {
    let json = |name: &str| match (value.get(name), name) {
        (Some(value), _) => value.to_string(),
        (None, "groups" | "extra") => "null".to_owned(),
        (None, _) => string(""),
    };
    object(names.iter().map(|name| (go_name(name), json(name))))
}

fn go_name(field: &str) -> String {
    match field {
        "uid" => "UID".to_owned(),
        "apiGroup" => "APIGroup".to_owned(),
        "apiVersion" => "APIVersion".to_owned(),
        other => other[..1].to_ascii_uppercase() + &other[1..],
    }
}
