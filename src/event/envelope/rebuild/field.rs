//! From the values of a record to the fields of an event, and whole events whose fields were only renamed or moved.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use super::draft::{self, Draft, ObjectRef, Response, User};
use crate::event::time;

/// A string that is not empty.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The string that is not empty at this place of an object.
pub(super) fn text_at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(text)
}

/// A list of strings.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|element| element.as_str().map(str::to_owned)).collect()
}

/// An object of strings, sorted by key as Go writes maps; what is no string is left out.
pub(super) fn annotations(value: &Value) -> Option<Vec<(String, String)>> {
    let strings = value.as_object()?.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    let mut strings: Vec<_> = strings.collect();
    strings.sort_unstable();
    Some(strings)
}

/// A time as an API server writes it.
pub(super) fn moment(value: &Value) -> Option<String> {
    moment_of(time::micros(value.as_str()?)?)
}

/// A time, in microseconds since 1970, as an API server writes it.
pub(super) fn moment_of(micros: i64) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp_micros(micros).filter(|time| (1..=9_999).contains(&time.year()))?;
    Some(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// An HTTP status code, as a number or as digits.
pub(super) fn code(value: &Value) -> Option<i32> {
    let code = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    i32::try_from(code).ok()
}

/// The JSON of a body, without blanks: an object, a list, or a string that holds one.
pub(super) fn body(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let raw: &RawValue = serde_json::from_str(text).ok()?;
            raw.get().starts_with(['{', '[']).then(|| without_blanks(raw.get()))
        }
        Value::Object(_) | Value::Array(_) => {
            let mut out = String::new();
            draft::value(&mut out, value);
            Some(out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Valid JSON without the blanks between its tokens.
fn without_blanks(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut is_string, mut is_escaped) = (false, false);
    for found in json.chars() {
        if is_string || !matches!(found, ' ' | '\t' | '\n' | '\r') {
            out.push(found);
        }
        is_string ^= found == '"' && !is_escaped;
        is_escaped = is_string && found == '\\' && !is_escaped;
    }
    out
}

/// Whether a text is an IP address.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// What a renamed event has under the name of a field of the native one.
pub(super) type Get<'a> = dyn Fn(&'static str) -> Option<Cow<'a, Value>> + 'a;

/// Reads an event whose fields have the native names and types, wherever `get` finds them.
pub(super) fn event(get: &Get<'_>) -> Draft {
    let mut draft = Draft::default();
    let is_version = |version: &String| version.starts_with("audit.k8s.io/");
    draft.version = get("apiVersion").as_deref().and_then(text).filter(is_version);
    draft.level = draft.take("level", get("level").as_deref(), text);
    draft.audit_id = draft.take("auditID", get("auditID").as_deref(), text);
    draft.stage = draft.take("stage", get("stage").as_deref(), text);
    draft.uri = draft.take("requestURI", get("requestURI").as_deref(), text);
    draft.verb = draft.take("verb", get("verb").as_deref(), text);
    draft.user = get("user").as_deref().and_then(|value| user(&mut draft, "user", value));
    draft.impersonated =
        get("impersonatedUser").as_deref().and_then(|value| user(&mut draft, "impersonatedUser", value));
    draft.authentication = get("authenticationMetadata").map(Cow::into_owned).filter(Value::is_object);
    draft.source_ips = draft.take("sourceIPs", get("sourceIPs").as_deref(), texts).unwrap_or_default();
    draft.user_agent = draft.take("userAgent", get("userAgent").as_deref(), text);
    draft.object = draft.take("objectRef", get("objectRef").as_deref(), object);
    draft.response = draft.take("responseStatus", get("responseStatus").as_deref(), response);
    draft.request_object = draft.take("requestObject", get("requestObject").as_deref(), body);
    draft.response_object = draft.take("responseObject", get("responseObject").as_deref(), body);
    draft.received = draft.take("requestReceivedTimestamp", get("requestReceivedTimestamp").as_deref(), moment);
    draft.staged = draft.take("stageTimestamp", get("stageTimestamp").as_deref(), moment);
    draft.annotations = draft.take("annotations", get("annotations").as_deref(), annotations);
    let told = [
        ("level", draft.level.is_some()),
        ("auditID", draft.audit_id.is_some()),
        ("stage", draft.stage.is_some()),
        ("requestURI", draft.uri.is_some()),
        ("user", draft.user.is_some()),
        ("requestReceivedTimestamp", draft.received.is_some()),
        ("stageTimestamp", draft.staged.is_some()),
    ];
    // an API server leaves none of these out
    told.into_iter().filter(|(_, is_told)| !is_told).for_each(|(field, _)| draft.lose(field));
    draft
}

/// Reads a `UserInfo`.
pub(super) fn user(draft: &mut Draft, field: &'static str, value: &Value) -> Option<User> {
    if !value.is_object() {
        if !value.is_null() {
            draft.lose(field);
        }
        return None;
    }
    Some(User {
        username: draft.take(field, value.get("username"), text),
        uid: value.get("uid").and_then(text),
        groups: draft.take(field, value.get("groups"), texts).unwrap_or_default(),
        extra: draft.take(field, value.get("extra"), extra).unwrap_or_default(),
    })
}

/// An object of lists of strings, sorted by key; a string by itself is a list of one.
fn extra(value: &Value) -> Option<Vec<(String, Vec<String>)>> {
    let list = |value: &Value| value.as_str().map(|text| vec![text.to_owned()]).or_else(|| texts(value));
    let lists = value.as_object()?.iter().filter_map(|(key, value)| Some((key.clone(), list(value)?)));
    let mut lists: Vec<_> = lists.collect();
    lists.sort_unstable();
    Some(lists)
}

/// Reads an `ObjectReference`.
pub(super) fn object(value: &Value) -> Option<ObjectRef> {
    value.is_object().then(|| ObjectRef {
        resource: text_at(value, "/resource"),
        namespace: text_at(value, "/namespace"),
        name: text_at(value, "/name"),
        uid: text_at(value, "/uid"),
        group: text_at(value, "/apiGroup"),
        version: text_at(value, "/apiVersion"),
        resource_version: text_at(value, "/resourceVersion"),
        subresource: text_at(value, "/subresource"),
    })
}

/// Reads a `Status`.
pub(super) fn response(value: &Value) -> Option<Response> {
    value.is_object().then(|| Response {
        status: text_at(value, "/status"),
        message: text_at(value, "/message"),
        reason: text_at(value, "/reason"),
        details: value.get("details").filter(|details| details.is_object()).cloned(),
        code: value.get("code").and_then(code),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_loses_its_blanks_and_nothing_else() {
        let sent = "{ \"a\\\\\" : \"x \\\" y\\\\\" ,\n\t\"b\": [ 1 , 2.50 ] , \"b\": null }";
        assert_eq!(body(&json!(sent)).unwrap(), r#"{"a\\":"x \" y\\","b":[1,2.50],"b":null}"#);
        assert_eq!(body(&json!([{"op": "add"}])).unwrap(), r#"[{"op":"add"}]"#);
        for none in [json!("text"), json!("{} {}"), json!("\"{}\""), json!(""), json!(1), json!("{")] {
            assert_eq!(body(&none), None, "{none}");
        }
    }

    #[test]
    fn times_come_out_as_an_api_server_writes_them() {
        assert_eq!(moment(&json!("2026-01-15T09:00:00.1234567+01:00")).unwrap(), "2026-01-15T08:00:00.123456Z");
        assert_eq!(moment(&json!("2026-01-15T08:00:00Z")).unwrap(), "2026-01-15T08:00:00.000000Z");
        assert_eq!(moment(&json!("2026-01-15 08:00:00")), None);
        assert_eq!(moment(&json!(1_768_464_000)), None);
        assert_eq!(moment_of(i64::MAX), None);
    }
}
