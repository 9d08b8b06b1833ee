//! Google's Cloud Logging: entries of the audit log that tell a request to the API server of a GKE cluster.
//!
//! Of the user there is only the name, the URI is missing, and the status is one of gRPC.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::draft::{Draft, ObjectRef, Response, User};
use super::field::{annotations, body, code, is_address, moment, text, text_at};
use super::json::parse_payload;
use super::request::object_of;
use super::{Rebuilt, Refusal};

/// The parts of an entry, as the API writes them, and as Go's client library does when it is printed.
struct Entry<'a> {
    payload: Cow<'a, Value>,
    timestamp: &'a Value,
    labels: &'a Value,
    insert_id: &'a Value,
    operation: &'a Value,
    cluster: Option<String>,
}

/// What no entry tells.
const NEVER: [&str; 7] = [
    "objectRef.resourceVersion",
    "objectRef.uid",
    "requestURI",
    "stageTimestamp",
    "user.extra",
    "user.groups",
    "user.uid",
];

/// Rebuilds the event of a log entry with a `protoPayload`.
pub(in crate::event) fn gke(entry: &Value) -> Result<Rebuilt, Refusal> {
    let entry = Entry::open(entry)?;
    let payload = entry.payload.as_ref();
    if payload.get("serviceName").and_then(Value::as_str) != Some("k8s.io") {
        return Err(Refusal::NotAudit);
    }
    let method = payload.get("methodName").and_then(Value::as_str).ok_or(Refusal::Broken("no methodName"))?;
    let (group, verb) =
        method.rsplit_once('.').filter(|(_, verb)| !verb.is_empty()).ok_or(Refusal::Broken("no verb"))?;
    let mut draft = Draft { verb: Some(verb.to_owned()), cluster: entry.cluster.clone(), ..Draft::default() };
    for field in NEVER {
        draft.lose(field);
    }
    // an entry without an operation is one by itself, and its own id is all there is
    draft.audit_id = text_at(entry.operation, "/id").or_else(|| text(entry.insert_id));
    let is_set = |key: &str| entry.operation.get(key).and_then(Value::as_bool).unwrap_or_default();
    draft.stage = match (is_set("first"), is_set("last")) {
        (_, true) => Some("ResponseComplete".to_owned()),
        (true, false) => Some("ResponseStarted".to_owned()),
        (false, false) => None,
    };
    for (field, is_told) in [("auditID", draft.audit_id.is_some()), ("stage", draft.stage.is_some())] {
        if !is_told {
            draft.lose(field);
        }
    }
    draft.received = moment(entry.timestamp);
    people(&mut draft, payload);
    // `io.k8s.get` and its like are for paths that are no resource
    if group != "io.k8s" {
        draft.object = draft.take("objectRef", payload.get("resourceName"), |name| object(name.as_str()?));
        if payload.get("resourceName").is_none() {
            draft.lose("objectRef");
        }
    }
    draft.request_object = draft.take("requestObject", payload.get("request"), body);
    draft.response_object = draft.take("responseObject", payload.get("response"), body);
    draft.level_of_bodies();
    draft.annotations = annotations(entry.labels).filter(|labels| !labels.is_empty());
    if draft.annotations.is_none() {
        draft.lose("annotations");
        draft.annotations =
            decision(payload).map(|it| vec![("authorization.k8s.io/decision".to_owned(), it.to_owned())]);
    }
    draft.response = Some(response(&mut draft, payload));
    draft.lose_reason();
    draft.finish()
}

impl<'a> Entry<'a> {
    fn open(entry: &'a Value) -> Result<Self, Refusal> {
        if let Some(payload) = entry.get("protoPayload") {
            return Ok(Self {
                payload: Cow::Borrowed(payload),
                timestamp: &entry["timestamp"],
                labels: &entry["labels"],
                insert_id: &entry["insertId"],
                operation: &entry["operation"],
                cluster: text_at(entry, "/resource/labels/cluster_name"),
            });
        }
        let (Some(inner), Some(payload)) = (entry.get("Entry"), entry.get("AuditPayload").and_then(Value::as_str))
        else {
            return Err(Refusal::NotAudit);
        };
        let payload =
            parse_payload(payload.as_bytes()).map_err(|_| Refusal::Broken("an AuditPayload that is no JSON"))?;
        Ok(Self {
            payload: Cow::Owned(payload),
            timestamp: &inner["Timestamp"],
            labels: &inner["Labels"],
            insert_id: &inner["InsertID"],
            operation: &inner["Operation"],
            cluster: text_at(inner, "/Resource/labels/cluster_name"),
        })
    }
}

/// Who asks, from where and with what.
fn people(draft: &mut Draft, payload: &Value) {
    let name = text_at(payload, "/authenticationInfo/principalEmail");
    let name_of = |username| User { username: Some(username), ..User::default() };
    draft.impersonated = text_at(payload, "/authenticationInfo/authoritySelector").map(name_of);
    if draft.impersonated.is_none() {
        draft.lose("impersonatedUser");
    }
    if name.is_none() {
        draft.lose("user.username");
    }
    draft.user = name.map(name_of);
    // Google hides some: `private`, `gce-internal-ip`
    match text_at(payload, "/requestMetadata/callerIp").filter(|address| is_address(address)) {
        Some(address) => draft.source_ips.push(address),
        None => draft.lose("sourceIPs"),
    }
    draft.user_agent = text_at(payload, "/requestMetadata/callerSuppliedUserAgent");
    if draft.user_agent.is_none() {
        draft.lose("userAgent");
    }
}

/// The object of `GROUP/VERSION/[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]`.
fn object(name: &str) -> Option<ObjectRef> {
    let parts: Vec<&str> = name.split('/').collect();
    let (&group, rest) = parts.split_first()?;
    let (&version, rest) = rest.split_first()?;
    object_of(if group == "core" { "" } else { group }, version, rest)
}

/// What the authorizer said, as far as each answer is told.
fn decision(payload: &Value) -> Option<&'static str> {
    let answers = payload.get("authorizationInfo")?.as_array()?.iter().map(|answer| answer.get("granted")?.as_bool());
    let answers: Vec<Option<bool>> = answers.collect();
    if answers.contains(&Some(false)) {
        return Some("forbid");
    }
    (!answers.is_empty() && answers.iter().all(|answer| *answer == Some(true))).then_some("allow")
}

/// The answer: what the body of a refusal says itself, else the HTTP code that stands for the code of gRPC.
fn response(draft: &mut Draft, payload: &Value) -> Response {
    let status = payload.get("status").unwrap_or(&Value::Null);
    let grpc = match status.get("code") {
        None if status.is_null() || status.is_object() => Some(0),
        None => None,
        Some(told) => code(told),
    };
    if let Some(told) = draft.response_object.as_deref().filter(|_| grpc != Some(0)).and_then(Refused::read) {
        return told;
    }
    let sub = draft.object.as_ref().and_then(|object| object.subresource.as_deref());
    let upgrades = matches!(sub, Some("exec" | "attach" | "portforward"));
    let creates = draft.object.is_some() && draft.verb.as_deref() == Some("create") && sub != Some("proxy");
    let is_forbidden = decision(payload) == Some("forbid");
    let http = match grpc {
        Some(0) if status.is_null() && is_forbidden => None,
        // a connection that was upgraded ends as unknown
        Some(0 | 2) if upgrades && !is_forbidden => Some(101),
        // an upgrade of what is behind a proxy, or a failure
        Some(2) if sub == Some("proxy") => None,
        Some(0) if creates => Some(201),
        Some(0) => Some(200),
        Some(told) => http_of(told),
        None => None,
    };
    if http.is_none() {
        draft.lose("responseStatus.code");
    }
    let is_told = http.is_none_or(|http| http >= 400);
    Response { message: text_at(status, "/message").filter(|_| is_told), code: http, ..Response::default() }
}

/// The HTTP status of a `google.rpc.Code`.
fn http_of(code: i32) -> Option<i32> {
    Some(match code {
        1 => 499,
        2 | 13 | 15 => 500,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => return None,
    })
}

/// A `Status` that was the body of the answer.
#[derive(Deserialize)]
struct Refused {
    kind: String,
    status: Option<String>,
    message: Option<String>,
    reason: Option<String>,
    code: i32,
}

impl Refused {
    fn read(body: &str) -> Option<Response> {
        let told: Self = serde_json::from_str(body).ok()?;
        let is_refusal = told.kind == "Status" && (400..600).contains(&told.code);
        is_refusal.then_some(Response {
            status: told.status,
            message: told.message,
            reason: told.reason,
            details: None,
            code: Some(told.code),
        })
    }
}
