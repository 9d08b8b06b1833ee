//! An event while it is put together, and how it is written.

use serde_json::Value;

use super::{Rebuilt, Refusal};

/// What is known of an event.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Version of the audit API; v1 if none is told.
    pub(super) version: Option<String>,
    pub(super) level: Option<String>,
    pub(super) audit_id: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) verb: Option<String>,
    pub(super) user: Option<User>,
    pub(super) impersonated: Option<User>,
    pub(super) authentication: Option<Value>,
    pub(super) source_ips: Vec<String>,
    pub(super) user_agent: Option<String>,
    pub(super) object: Option<ObjectRef>,
    pub(super) response: Option<Response>,
    /// JSON without blanks, like the next.
    pub(super) request_object: Option<String>,
    pub(super) response_object: Option<String>,
    /// As an API server writes times, like the next.
    pub(super) received: Option<String>,
    pub(super) staged: Option<String>,
    pub(super) annotations: Option<Vec<(String, String)>>,
    pub(super) cluster: Option<String>,
    /// See [`Self::lose`].
    pub(super) lost: Vec<&'static str>,
}

/// `UserInfo`.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) username: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) extra: Vec<(String, Vec<String>)>,
}

/// `ObjectReference`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ObjectRef {
    pub(super) resource: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) group: Option<String>,
    pub(super) version: Option<String>,
    pub(super) resource_version: Option<String>,
    pub(super) subresource: Option<String>,
}

/// `Status`, as far as an audit event has it.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) status: Option<String>,
    pub(super) message: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) details: Option<Value>,
    pub(super) code: Option<i32>,
}

impl Draft {
    /// Notes that the record does not tell this field, or not in full.
    pub(super) fn lose(&mut self, field: &'static str) {
        self.lost.push(field);
    }

    /// What `read` makes of a value; one that it can make nothing of is lost.
    pub(super) fn take<T>(
        &mut self,
        field: &'static str,
        value: Option<&Value>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let found = read(value.filter(|value| !value.is_null())?);
        if found.is_none() {
            self.lose(field);
        }
        found
    }

    /// Notes that of a refusal only the code is told.
    pub(super) fn lose_reason(&mut self) {
        let is_bare = |response: &Response| response.reason.is_none() && response.code.is_some_and(|code| code >= 400);
        if self.response.as_ref().is_some_and(is_bare) {
            self.lose("responseStatus.reason");
        }
    }

    /// Concludes the level from the bodies that are there.
    pub(super) fn level_of_bodies(&mut self) {
        let level = match (&self.request_object, &self.response_object) {
            (_, Some(_)) => "RequestResponse",
            (Some(_), None) => "Request",
            (None, None) => "Metadata",
        };
        self.level = Some(level.to_owned());
    }

    /// The event, if it has what an event needs: a verb and a time.
    pub(super) fn finish(mut self) -> Result<Rebuilt, Refusal> {
        if self.verb.is_none() {
            return Err(Refusal::Broken("no verb"));
        }
        if self.received.is_none() && self.staged.is_none() {
            return Err(Refusal::Broken("no time that could be read"));
        }
        self.lost.sort_unstable();
        self.lost.dedup();
        Ok(Rebuilt { json: self.write(), lost: self.lost, cluster: self.cluster })
    }

    fn write(&self) -> String {
        let mut out = String::with_capacity(1_024);
        let mut event = Members::open(&mut out);
        event.text("kind", Some("Event"));
        event.text("apiVersion", Some(self.version.as_deref().unwrap_or("audit.k8s.io/v1")));
        event.text("level", self.level.as_deref());
        event.text("auditID", self.audit_id.as_deref());
        event.text("stage", self.stage.as_deref());
        event.text("requestURI", self.uri.as_deref());
        event.text("verb", self.verb.as_deref());
        for (key, user) in [("user", &self.user), ("impersonatedUser", &self.impersonated)] {
            if let Some(user) = user {
                user.write(event.key(key));
            }
        }
        event.value("authenticationMetadata", self.authentication.as_ref());
        if !self.source_ips.is_empty() {
            list(event.key("sourceIPs"), &self.source_ips);
        }
        event.text("userAgent", self.user_agent.as_deref());
        if let Some(object) = &self.object {
            object.write(event.key("objectRef"));
        }
        if let Some(response) = &self.response {
            response.write(event.key("responseStatus"));
        }
        for (key, body) in [("requestObject", &self.request_object), ("responseObject", &self.response_object)] {
            if let Some(body) = body {
                event.key(key).push_str(body);
            }
        }
        event.text("requestReceivedTimestamp", self.received.as_deref());
        event.text("stageTimestamp", self.staged.as_deref());
        if let Some(annotations) = &self.annotations {
            let mut members = Members::open(event.key("annotations"));
            annotations.iter().for_each(|(key, text)| members.text(key, Some(text)));
            members.close();
        }
        event.close();
        out
    }
}

impl User {
    fn write(&self, out: &mut String) {
        let mut members = Members::open(out);
        members.text("username", self.username.as_deref());
        members.text("uid", self.uid.as_deref());
        if !self.groups.is_empty() {
            list(members.key("groups"), &self.groups);
        }
        if !self.extra.is_empty() {
            let mut extra = Members::open(members.key("extra"));
            self.extra.iter().for_each(|(key, texts)| list(extra.key(key), texts));
            extra.close();
        }
        members.close();
    }
}

impl ObjectRef {
    fn write(&self, out: &mut String) {
        let mut members = Members::open(out);
        members.text("resource", self.resource.as_deref());
        members.text("namespace", self.namespace.as_deref());
        members.text("name", self.name.as_deref());
        members.text("uid", self.uid.as_deref());
        members.text("apiGroup", self.group.as_deref());
        members.text("apiVersion", self.version.as_deref());
        members.text("resourceVersion", self.resource_version.as_deref());
        members.text("subresource", self.subresource.as_deref());
        members.close();
    }
}

impl Response {
    fn write(&self, out: &mut String) {
        let mut members = Members::open(out);
        members.key("metadata").push_str("{}");
        members.text("status", self.status.as_deref());
        members.text("message", self.message.as_deref());
        members.text("reason", self.reason.as_deref());
        if let Some(Value::Object(details)) = &self.details {
            let mut object = Members::open(members.key("details"));
            DETAILS.iter().for_each(|key| object.value(key, details.get(*key)));
            let others = details.iter().filter(|(key, _)| !DETAILS.contains(&key.as_str()));
            others.for_each(|(key, value)| object.value(key, Some(value)));
            object.close();
        }
        if let Some(code) = self.code {
            members.key("code").push_str(&code.to_string());
        }
        members.close();
    }
}

/// What `StatusDetails` has, in its order.
const DETAILS: [&str; 6] = ["name", "group", "kind", "uid", "causes", "retryAfterSeconds"];

/// The members of an object that is being written.
struct Members<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl<'a> Members<'a> {
    fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_first: true }
    }

    /// Writes a key; its value is to be appended.
    fn key(&mut self, key: &str) -> &mut String {
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        string(self.out, key);
        self.out.push(':');
        self.out
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            string(self.key(key), text);
        }
    }

    fn value(&mut self, key: &str, value: Option<&Value>) {
        if let Some(found) = value {
            self::value(self.key(key), found);
        }
    }

    fn close(self) {
        self.out.push('}');
    }
}

fn list(out: &mut String, texts: &[String]) {
    out.push('[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(out, text);
    }
    out.push(']');
}

/// Writes a value as Go's encoder does.
pub(super) fn value(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => string(out, text),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                self::value(out, element);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut object = Members::open(out);
            members.iter().for_each(|(key, member)| self::value(object.key(key), member));
            object.close();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

/// Writes a string as Go's encoder does, with what is special in HTML escaped.
fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, found) in text.char_indices() {
        let escape = match found {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..' ' => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            out.push_str(&format!("\\u{:04x}", u32::from(found)));
        } else {
            out.push_str(escape);
        }
        plain = at + found.len_utf8();
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_string_is_written_as_json_that_reads_the_same() {
        let hostile: String = ('\0'..'\u{100}').chain(['\u{2028}', '\u{2029}', '\u{fffd}', '\u{10ffff}']).collect();
        let mut out = String::new();
        string(&mut out, &hostile);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), hostile);
        assert!(!out.contains(['<', '>', '&', '\n', '\u{1f}', '\u{2028}']), "{out}");
    }

    #[test]
    fn an_event_needs_a_verb_and_a_time() {
        let draft = |verb: &str, staged: Option<&str>| Draft {
            verb: (!verb.is_empty()).then(|| verb.to_owned()),
            staged: staged.map(str::to_owned),
            ..Draft::default()
        };
        assert_eq!(draft("", Some("2026-01-15T08:00:00.000000Z")).finish(), Err(Refusal::Broken("no verb")));
        assert_eq!(draft("get", None).finish(), Err(Refusal::Broken("no time that could be read")));
        let least = draft("get", Some("2026-01-15T08:00:00.000000Z")).finish().unwrap();
        let json = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get","stageTimestamp":"2026-01-15T08:00:00.000000Z"}"#;
        assert_eq!(least.json, json);
    }
}
