//! OCSF's class 6003 (API Activity), as Amazon Security Lake keeps the audit logs of EKS.

use serde_json::Value;

use super::draft::{Draft, ObjectRef, Response, User};
use super::field::{self, annotations, body, code, moment, moment_of, text, text_at};
use super::request::object;
use super::{Rebuilt, Refusal};

const CLASS: i64 = 6_003;
/// Times beyond this are in microseconds, below in milliseconds as the schema has it: the year 5138, or 1973.
const MILLIS_MAX: i64 = 100_000_000_000_000;

/// Rebuilds the event of a record of API activity.
pub(in crate::event) fn ocsf(record: &Value) -> Result<Rebuilt, Refusal> {
    let product = record.pointer("/metadata/product").unwrap_or(&Value::Null);
    let version = text_at(product, "/version").filter(|version| version.starts_with("audit.k8s.io/"));
    let is_eks = product["name"] == "Amazon EKS" || product["feature"]["name"] == "Elastic Kubernetes Service";
    if record.get("class_uid").and_then(Value::as_i64) != Some(CLASS) || !is_eks && version.is_none() {
        return Err(Refusal::NotAudit);
    }
    let unmapped = record.get("unmapped").unwrap_or(&Value::Null);
    let mut draft = Draft { version, cluster: text_at(unmapped, "/eks_cluster_name"), ..Draft::default() };
    draft.level = draft.take("level", record.pointer("/metadata/log_level"), text);
    draft.audit_id = draft.take("auditID", record.pointer("/api/request/uid"), text);
    draft.stage = draft.take("stage", record.get("message"), text);
    draft.verb = text_at(record, "/api/operation");
    draft.uri = uri(&mut draft, record.pointer("/http_request/url").unwrap_or(&Value::Null));
    draft.user = user(&mut draft, record.get("actor").unwrap_or(&Value::Null), unmapped);
    draft.source_ips.extend(text_at(record, "/src_endpoint/ip"));
    draft.lose("sourceIPs"); // all but one
    draft.user_agent = text_at(record, "/http_request/user_agent");
    draft.object = object_ref(&mut draft, record);
    draft.response = response(record);
    draft.lose_reason();
    draft.lose("objectRef.resourceVersion");
    draft.received = time(record, "start_time_dt", "start_time");
    draft.staged = time(record, "time_dt", "time");
    rest(&mut draft, record, unmapped);
    let told = [
        ("level", draft.level.is_some()),
        ("auditID", draft.audit_id.is_some()),
        ("stage", draft.stage.is_some()),
        ("userAgent", draft.user_agent.is_some()),
        ("responseStatus.code", draft.response.as_ref().is_some_and(|response| response.code.is_some())),
        ("requestReceivedTimestamp", draft.received.is_some()),
        ("stageTimestamp", draft.staged.is_some()),
    ];
    told.into_iter().filter(|(_, is_told)| !is_told).for_each(|(field, _)| draft.lose(field));
    draft.finish()
}

fn uri(draft: &mut Draft, url: &Value) -> Option<String> {
    let Some(path) = text_at(url, "/path") else {
        draft.lose("requestURI");
        return None;
    };
    if path.contains('?') {
        return Some(path);
    }
    let Some(query) = url.get("query_string").and_then(Value::as_str) else {
        draft.lose("requestURI.query");
        return Some(path);
    };
    Some(if query.is_empty() { path } else { format!("{path}?{query}") })
}

fn user(draft: &mut Draft, actor: &Value, unmapped: &Value) -> Option<User> {
    let group = |group: &Value| text(group).or_else(|| text_at(group, "/name"));
    let groups = actor.pointer("/user/groups").and_then(Value::as_array);
    let mut user = User {
        username: text_at(actor, "/user/name"),
        uid: text_at(actor, "/user/uid"),
        groups: groups.map(|groups| groups.iter().filter_map(group).collect()).unwrap_or_default(),
        extra: Vec::new(),
    };
    // what EKS tells of the AWS identity, by the names that it has in the event; other keys are not kept
    for (key, pointer) in [
        ("accessKeyId", "/session/credential_uid"),
        ("canonicalArn", "/session/issuer"),
        ("sessionName", "/session/uid"),
    ] {
        user.extra.extend(text_at(actor, pointer).map(|told| (key.to_owned(), vec![told])));
    }
    draft.lose("user.extra");
    // nobody, as where authentication failed, is not told from somebody whose name was not kept
    if user.username.is_none() {
        draft.lose("user.username");
        return None;
    }
    draft.impersonated =
        unmapped.get("impersonatedUser").and_then(|value| field::user(draft, "impersonatedUser", value));
    if draft.impersonated.is_none() {
        draft.lose("impersonatedUser");
    }
    Some(user)
}

/// The object that is told, with what follows from the path.
fn object_ref(draft: &mut Draft, record: &Value) -> Option<ObjectRef> {
    let asked = draft.uri.as_deref().and_then(object);
    let told = record.pointer("/resources/0").unwrap_or(&Value::Null);
    let resource = text_at(told, "/type");
    let fits = asked.as_ref().is_some_and(|asked| resource.is_none() || asked.resource == resource);
    let mut object = asked.filter(|_| fits).unwrap_or_default();
    object.resource = resource.or(object.resource);
    object.namespace = text_at(told, "/namespace").or(object.namespace);
    object.name = text_at(told, "/name").or(object.name);
    object.uid = text_at(told, "/uid").or(object.uid);
    object.version = object.version.or_else(|| text_at(record, "/api/version"));
    object.resource.is_some().then_some(object)
}

fn response(record: &Value) -> Option<Response> {
    let told = record.pointer("/api/response")?;
    Some(Response {
        message: text_at(told, "/error_message").or_else(|| text_at(told, "/message")),
        reason: text_at(told, "/error"),
        code: told.get("code").and_then(code),
        ..Response::default()
    })
}

fn time(record: &Value, text: &str, number: &str) -> Option<String> {
    record.get(text).and_then(moment).or_else(|| {
        let told = record.get(number)?.as_i64()?;
        moment_of(if told < MILLIS_MAX { told.checked_mul(1_000)? } else { told })
    })
}

/// Bodies and annotations, which are kept by some mappings only.
fn rest(draft: &mut Draft, record: &Value, unmapped: &Value) {
    let request = unmapped.get("requestObject").or_else(|| record.pointer("/api/request/data"));
    let answer = unmapped.get("responseObject").or_else(|| record.pointer("/api/response/data"));
    draft.request_object = request.and_then(body);
    draft.response_object = answer.and_then(body);
    draft.annotations = unmapped.get("annotations").and_then(annotations).or_else(|| {
        let members = unmapped.as_object()?.iter();
        let flat = members.filter_map(|(key, value)| {
            Some((key.strip_prefix("annotations.")?.to_owned(), value.as_str()?.to_owned()))
        });
        let mut flat: Vec<_> = flat.collect();
        flat.sort_unstable();
        (!flat.is_empty()).then_some(flat)
    });
    let needs =
        |field, levels: &[&str]| draft.level.as_deref().is_none_or(|level| levels.contains(&level)).then_some(field);
    let bodies = [
        needs("requestObject", &["Request", "RequestResponse"]).filter(|_| draft.request_object.is_none()),
        needs("responseObject", &["RequestResponse"]).filter(|_| draft.response_object.is_none()),
        draft.annotations.is_none().then_some("annotations"),
    ];
    bodies.into_iter().flatten().for_each(|field| draft.lose(field));
}
