//! Writes audit events as the API server's encoder does: compact JSON, keys in the order of the Go struct, `&`, `<` and
//! `>` escaped, times with six digits. (`k8s.io/apiserver/pkg/apis/audit/v1/types.go`, Go's `encoding/json`.)

use chrono::{DateTime, Datelike, Timelike};
use uuid::Uuid;

use super::actor::{Actor, Credential};
use super::call::{Call, Level, Outcome, Resource};

/// The stage of a request that an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Started,
    Complete,
}

/// What tells the events of a request apart. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) id: Uuid,
    pub(crate) stage: Stage,
    pub(crate) received: i64,
    pub(crate) staged: i64,
}

/// Appends one event and a line feed.
pub(crate) fn event(out: &mut Vec<u8>, actor: &Actor, call: &Call, stamp: &Stamp) {
    let level = call.level();
    raw(out, r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":""#);
    raw(
        out,
        match level {
            Level::Metadata => "Metadata",
            Level::Request => "Request",
            Level::RequestResponse => "RequestResponse",
        },
    );
    raw(out, r#"","auditID":""#);
    uuid(out, stamp.id);
    raw(
        out,
        match stamp.stage {
            Stage::Started => r#"","stage":"ResponseStarted","requestURI":""#,
            Stage::Complete => r#"","stage":"ResponseComplete","requestURI":""#,
        },
    );
    request_uri(out, call);
    field(out, r#"","verb":""#, call.verb);
    raw(out, r#"","user":"#);
    let known = call.outcome != Outcome::Unauthorized;
    if known {
        user(out, actor, stamp.received);
    } else {
        raw(out, "{}");
    }
    if !call.impersonated.is_empty() {
        raw(out, r#","impersonatedUser":"#);
        raw(out, call.impersonated);
    }
    raw(out, r#","sourceIPs":[""#);
    if !actor.forwarded.is_empty() {
        field(out, "", &actor.forwarded);
        raw(out, r#"",""#);
    }
    raw(out, &actor.ip);
    field(out, r#""],"userAgent":""#, &actor.agent);
    raw(out, "\"");
    object_ref(out, call);
    raw(out, r#","responseStatus":"#);
    status(out, actor, call);
    bodies(out, actor, call, level, stamp.stage);
    raw(out, r#","requestReceivedTimestamp":""#);
    time(out, stamp.received);
    raw(out, r#"","stageTimestamp":""#);
    time(out, stamp.staged);
    raw(out, "\"");
    if known {
        annotations(out, actor, call);
    }
    raw(out, "}\n");
}

fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends `prefix` as it is and `text` escaped.
fn field(out: &mut Vec<u8>, prefix: &str, text: &str) {
    raw(out, prefix);
    escaped(out, text);
}

fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| byte < b' ' || matches!(byte, b'"' | b'\\' | b'&' | b'<' | b'>'))
    {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => raw(out, r#"\""#),
            b'\\' => raw(out, r"\\"),
            b'\n' => raw(out, r"\n"),
            byte => raw(out, &format!("\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn uuid(out: &mut Vec<u8>, uuid: Uuid) {
    raw(out, uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
}

/// Appends a time as `2026-01-15T00:00:00.000000Z`.
pub(crate) fn time(out: &mut Vec<u8>, micros: i64) {
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    let year = u32::try_from(time.year()).unwrap_or(0);
    digits(out, year, 4);
    for (before, number) in
        [(b'-', time.month()), (b'-', time.day()), (b'T', time.hour()), (b':', time.minute()), (b':', time.second())]
    {
        out.push(before);
        digits(out, number, 2);
    }
    out.push(b'.');
    digits(out, time.nanosecond() / 1_000, 6);
    out.push(b'Z');
}

fn digits(out: &mut Vec<u8>, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(b"0123456789"[digit as usize]);
    }
}

fn request_uri(out: &mut Vec<u8>, call: &Call) {
    if let Some(resource) = call.resource {
        if resource.group.is_empty() {
            raw(out, "/api/");
        } else {
            raw(out, "/apis/");
            raw(out, resource.group);
            raw(out, "/");
        }
        raw(out, resource.version);
        if !call.namespace.is_empty() {
            raw(out, "/namespaces/");
            raw(out, call.namespace);
        }
        // a namespace itself: its name is in its own path, not below another namespace
        raw(out, "/");
        raw(out, resource.name);
        if call.name_in_path() && !call.name.is_empty() {
            raw(out, "/");
            escaped(out, call.name);
        }
        if !call.subresource.is_empty() {
            raw(out, "/");
            raw(out, call.subresource);
        }
        escaped(out, call.rest);
    } else {
        escaped(out, call.path);
    }
    if !call.query.is_empty() {
        raw(out, "?");
        escaped(out, &call.query);
    }
}

fn user(out: &mut Vec<u8>, actor: &Actor, at: i64) {
    raw(out, "{");
    raw(out, &actor.user);
    let token = match &actor.credential {
        Credential::None => return raw(out, "}"),
        Credential::Certificate(digest) => {
            raw(out, r#","extra":{"authentication.kubernetes.io/credential-id":["X509SHA256="#);
            for byte in digest {
                out.push(b"0123456789abcdef"[usize::from(byte >> 4)]);
                out.push(b"0123456789abcdef"[usize::from(byte & 15)]);
            }
            return raw(out, r#""]}}"#);
        }
        Credential::Token(token) => *token,
        Credential::Rotating(rotation) => rotation.token(at),
    };
    raw(out, r#","extra":{"authentication.kubernetes.io/credential-id":["JTI="#);
    uuid(out, token);
    raw(out, r#""]"#);
    raw(out, &actor.bound);
    raw(out, "}}");
}

fn object_ref(out: &mut Vec<u8>, call: &Call) {
    let Some(resource) = call.resource else { return };
    raw(out, r#","objectRef":{"resource":""#);
    raw(out, resource.name);
    if !call.namespace.is_empty() {
        raw(out, r#"","namespace":""#);
        raw(out, call.namespace);
    } else if resource.name == "namespaces" && !call.name.is_empty() {
        // the API server takes a namespace's own name for both
        field(out, r#"","namespace":""#, call.name);
    }
    if !call.name.is_empty() {
        field(out, r#"","name":""#, call.name);
    }
    if let Some(object) = call.uid {
        raw(out, r#"","uid":""#);
        uuid(out, object);
    }
    if !resource.group.is_empty() {
        raw(out, r#"","apiGroup":""#);
        raw(out, resource.group);
    }
    raw(out, r#"","apiVersion":""#);
    raw(out, resource.version);
    if call.version != 0 {
        raw(out, r#"","resourceVersion":""#);
        raw(out, &call.version.to_string());
    }
    if !call.subresource.is_empty() {
        raw(out, r#"","subresource":""#);
        raw(out, call.subresource);
    }
    raw(out, r#""}"#);
}

/// `metav1.Status`, as `responseStatus` holds it.
fn status(out: &mut Vec<u8>, actor: &Actor, call: &Call) {
    raw(out, r#"{"metadata":{},"#);
    failure(out, actor, call);
    raw(out, r#""code":"#);
    raw(out, &call.code().to_string());
    raw(out, "}");
}

fn failure(out: &mut Vec<u8>, actor: &Actor, call: &Call) {
    let reason = match call.outcome {
        Outcome::Done | Outcome::Upgraded => return,
        Outcome::Forbidden | Outcome::Refused(_) => "Forbidden",
        Outcome::NotFound => "NotFound",
        Outcome::Conflict => "Conflict",
        Outcome::Expired => "Expired",
        Outcome::Unauthorized => "Unauthorized",
    };
    field(out, r#""status":"Failure","message":""#, &message(actor, call));
    raw(out, r#"","reason":""#);
    raw(out, reason);
    raw(out, "\",");
    if matches!(call.outcome, Outcome::Unauthorized | Outcome::Expired) {
        return;
    }
    raw(out, r#""details":{"#);
    if let Some(resource) = call.resource {
        if !call.name.is_empty() {
            field(out, r#""name":""#, call.name);
            raw(out, "\",");
        }
        if !resource.group.is_empty() {
            raw(out, r#""group":""#);
            raw(out, resource.group);
            raw(out, "\",");
        }
        raw(out, r#""kind":""#);
        raw(out, resource.name);
        raw(out, "\"");
    }
    raw(out, "},");
}

fn message(actor: &Actor, call: &Call) -> String {
    let qualified = |resource: &Resource| match resource.group {
        "" => resource.name.to_owned(),
        group => format!("{}.{group}", resource.name),
    };
    match (call.outcome, call.resource) {
        (Outcome::Unauthorized, _) => "Unauthorized".to_owned(),
        (Outcome::Expired, _) => "The provided continue parameter or resource version is too old.".to_owned(),
        (Outcome::Refused(message), _) => message.to_owned(),
        (Outcome::Forbidden, None) => {
            format!(r#"forbidden: User "{}" cannot {} path "{}""#, actor.name, call.verb, call.path)
        }
        (Outcome::Forbidden, Some(resource)) => {
            let name = if call.name.is_empty() { String::new() } else { format!(r#" "{}""#, call.name) };
            let slash = if call.subresource.is_empty() { "" } else { "/" };
            let scope = match call.namespace {
                "" => "at the cluster scope".to_owned(),
                namespace => format!(r#"in the namespace "{namespace}""#),
            };
            format!(
                r#"{}{name} is forbidden: User "{}" cannot {} resource "{}{slash}{}" in API group "{}" {scope}"#,
                qualified(resource),
                actor.name,
                call.verb,
                resource.name,
                call.subresource,
                resource.group
            )
        }
        (Outcome::Conflict, Some(resource)) => format!(
            r#"Operation cannot be fulfilled on {} "{}": the object has been modified; please apply your changes to the latest version and try again"#,
            qualified(resource),
            call.name
        ),
        (_, Some(resource)) => format!(r#"{} "{}" not found"#, qualified(resource), call.name),
        (_, None) => "the server could not find the requested resource".to_owned(),
    }
}

fn bodies(out: &mut Vec<u8>, actor: &Actor, call: &Call, level: Level, stage: Stage) {
    if level >= Level::Request && !call.request.is_empty() {
        raw(out, r#","requestObject":"#);
        raw(out, &call.request);
    }
    if level < Level::RequestResponse || stage == Stage::Started {
        return;
    }
    if !matches!(call.outcome, Outcome::Done | Outcome::Upgraded) {
        raw(out, r#","responseObject":{"kind":"Status","apiVersion":"v1","metadata":{},"#);
        failure(out, actor, call);
        raw(out, r#""code":"#);
        raw(out, &call.code().to_string());
        raw(out, "}");
    } else if !call.response.is_empty() {
        raw(out, r#","responseObject":"#);
        raw(out, &call.response);
    }
}

/// The annotations, in the order of their keys as Go writes a map.
fn annotations(out: &mut Vec<u8>, actor: &Actor, call: &Call) {
    raw(out, r#","annotations":{"#);
    if let Some(token) = call.issued {
        raw(out, r#""authentication.kubernetes.io/issued-credential-id":"JTI="#);
        uuid(out, token);
        raw(out, "\",");
    }
    if call.outcome == Outcome::Forbidden {
        raw(out, r#""authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""#);
    } else {
        let reason = call.reason.unwrap_or(&actor.reason);
        field(out, r#""authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""#, reason);
    }
    raw(out, "\"");
    if let Some((key, value)) = call.annotation {
        field(out, ",\"", key);
        field(out, r#"":""#, value);
        raw(out, "\"");
    }
    raw(out, "}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::call::{NAMESPACES, SECRETS};

    fn line(actor: &Actor, call: &Call) -> (String, serde_json::Value) {
        let stamp = Stamp { id: Uuid::nil(), stage: Stage::Complete, received: 0, staged: 1_000_001 };
        let mut out = Vec::new();
        event(&mut out, actor, call, &stamp);
        let text = String::from_utf8(out).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn text_is_escaped_as_go_does() {
        let actor = Actor::user("a", None, &["g"]).from("10.0.0.1").using("x\"<\\>\u{1}");
        let (text, value) = line(&actor, &Call::new("list", &SECRETS).query("limit=5&watch=true"));
        assert!(text.contains(r#""requestURI":"/api/v1/secrets?limit=5\u0026watch=true""#), "{text}");
        assert!(text.contains(r#""userAgent":"x\"\u003c\\\u003e\u0001""#), "{text}");
        assert_eq!(value["userAgent"], "x\"<\\>\u{1}");
    }

    #[test]
    fn times_have_six_digits() {
        let (text, _) = line(&Actor::user("a", None, &[]), &Call::path("get", "/livez"));
        assert!(text.contains(r#""requestReceivedTimestamp":"1970-01-01T00:00:00.000000Z""#), "{text}");
        assert!(text.contains(r#""stageTimestamp":"1970-01-01T00:00:01.000001Z""#), "{text}");
    }

    #[test]
    fn a_refused_request_says_who_may_not_do_what() {
        let actor = Actor::user("eve", None, &["g"]).from("10.0.0.1");
        let (_, value) =
            line(&actor, &Call::new("get", &SECRETS).within("shop").named("db").outcome(Outcome::Forbidden));
        assert_eq!(value["responseStatus"]["code"], 403);
        assert_eq!(
            value["responseStatus"]["message"],
            r#"secrets "db" is forbidden: User "eve" cannot get resource "secrets" in API group "" in the namespace "shop""#
        );
        assert_eq!(value["annotations"]["authorization.k8s.io/decision"], "forbid");
    }

    #[test]
    fn a_request_that_nobody_may_own_has_no_user_and_no_annotations() {
        let actor = Actor::user("eve", None, &["g"]).from("10.0.0.1");
        let (_, value) = line(&actor, &Call::new("list", &SECRETS).outcome(Outcome::Unauthorized));
        assert_eq!(value["user"], serde_json::json!({}));
        assert_eq!(value.get("annotations"), None);
    }

    #[test]
    fn a_namespace_is_its_own_namespace() {
        let (text, value) = line(&Actor::user("a", None, &[]), &Call::new("get", &NAMESPACES).named("shop"));
        assert!(text.contains(r#""requestURI":"/api/v1/namespaces/shop""#), "{text}");
        assert_eq!(value["objectRef"]["namespace"], "shop");
    }
}
