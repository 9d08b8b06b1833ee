//! One line read slowly and plainly: `serde_json`, the words of `schema::COLUMNS`, and nothing of the program's parser.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use chrono::{DateTime, Datelike, Timelike};
use kubesift::event::Reason;
use kubesift::{limits, schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The value of each column, as text; a list is a JSON array.
pub(super) type Row = BTreeMap<&'static str, Option<String>>;

/// What a line is.
pub(super) enum Verdict {
    /// An event, with what it says itself; what is concluded from it is `conclude`'s.
    Event(Box<Row>),
    /// An `EventList`, or an array of objects, with its name as an envelope and the text of its items.
    List(&'static str, Vec<String>),
    /// No event, for one of these reasons.
    Rejected(Vec<Reason>),
}

/// The members of an object in order, none lost: keys unescaped, values as they stand.
pub(super) struct Object<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'a> Object<'a> {
    /// `None` where the JSON is no object.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn has_duplicate(&self) -> bool {
        let mut seen = HashSet::new();
        !self.0.iter().all(|(key, _)| seen.insert(key))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }
}

fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

fn texts(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

/// How deep objects and arrays nest.
fn depth(line: &[u8]) -> usize {
    let (mut depth, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// `serde_json` itself goes no deeper than 127; below that, escapes and numbers are checked only by their form.
fn is_json(line: &str, depth: usize) -> bool {
    if depth < 128 {
        serde_json::from_str::<Value>(line).is_ok()
    } else {
        serde_json::from_str::<&RawValue>(line).is_ok()
    }
}

/// Judges a line without the blanks around it.
pub(super) fn read(line: &[u8]) -> Verdict {
    let rejected = |reasons: &[Reason]| Verdict::Rejected(reasons.to_vec());
    if line.len() > limits::LINE_BYTES_MAX {
        return rejected(&[Reason::TooLong]);
    }
    let depth = depth(line);
    let too_deep = if depth > limits::JSON_DEPTH_MAX { vec![Reason::TooDeep] } else { Vec::new() };
    let Ok(line) = std::str::from_utf8(line) else {
        return Verdict::Rejected([vec![Reason::InvalidUtf8], too_deep].concat());
    };
    if line.bytes().all(|byte| byte == 0) {
        return rejected(&[Reason::ControlBytes]);
    }
    if !is_json(line, depth) {
        // half a surrogate pair may count as either
        let surrogate = if line.contains("\\u") { vec![Reason::InvalidUtf8] } else { Vec::new() };
        return Verdict::Rejected([vec![Reason::BadJson], surrogate, too_deep].concat());
    }
    if !too_deep.is_empty() {
        return Verdict::Rejected(too_deep);
    }
    let array: Option<Vec<&RawValue>> = serde_json::from_str(line).ok();
    let array = array.filter(|items| !items.is_empty() && items.iter().all(|item| item.get().starts_with('{')));
    if let Some(items) = array {
        return Verdict::List("json-array", items.iter().map(|item| item.get().to_owned()).collect());
    }
    let Some(object) = Object::of(line) else { return rejected(&[Reason::NotObject]) };
    if object.has_duplicate() {
        return rejected(&[Reason::DuplicateKey]);
    }
    kind(&object).unwrap_or_else(|reason| rejected(&[reason]))
}

fn kind(object: &Object<'_>) -> Result<Verdict, Reason> {
    let kind = object.get("kind").and_then(text);
    let version = object.get("apiVersion").and_then(text);
    let is_audit = version.as_ref().is_none_or(|version| version.starts_with("audit.k8s.io/"));
    let looks_like_event = ["auditID", "requestURI", "stage"].iter().any(|key| object.get(key).is_some());
    let is_event = match kind.as_deref() {
        Some(kind) if kind.ends_with("List") => {
            let items: Option<Vec<&RawValue>> = object.get("items").and_then(|items| serde_json::from_str(items).ok());
            let items = items.ok_or(Reason::NotAuditEvent)?;
            return Ok(Verdict::List("event-list", items.iter().map(|item| item.get().to_owned()).collect()));
        }
        Some("Event") => version.is_some() && is_audit,
        Some(_) => false,
        None => looks_like_event && is_audit,
    };
    if !is_event {
        return Err(Reason::NotAuditEvent);
    }
    match version.as_deref() {
        None | Some("audit.k8s.io/v1" | "audit.k8s.io/v1beta1") => {
            Reader::default().event(object).map(|row| Verdict::Event(Box::new(row)))
        }
        Some(_) => Err(Reason::UnknownVersion),
    }
}

/// Fields whose value is a text with a column of its own.
const TEXTS: &[(&str, &str)] = &[
    ("level", "level"),
    ("auditID", "audit_id"),
    ("stage", "stage"),
    ("requestURI", "request_uri"),
    ("verb", "verb"),
    ("userAgent", "user_agent"),
    ("user.username", "username"),
    ("user.uid", "user_uid"),
    ("impersonatedUser.username", "impersonated_username"),
    ("impersonatedUser.uid", "impersonated_uid"),
    ("objectRef.resource", "resource"),
    ("objectRef.subresource", "subresource"),
    ("objectRef.namespace", "namespace"),
    ("objectRef.name", "name"),
    ("objectRef.apiGroup", "api_group"),
    ("objectRef.apiVersion", "api_version"),
    ("objectRef.uid", "object_uid"),
    ("objectRef.resourceVersion", "resource_version"),
    ("responseStatus.status", "response_status"),
    ("responseStatus.reason", "response_reason"),
    ("responseStatus.message", "response_message"),
];
const LISTS: &[(&str, &str)] =
    &[("sourceIPs", "source_ips"), ("user.groups", "groups"), ("impersonatedUser.groups", "impersonated_groups")];
/// Fields that are kept as the JSON that they are, null included.
const JSON: &[(&str, &str)] = &[
    ("user.extra", "user_extra"),
    ("impersonatedUser.extra", "impersonated_extra"),
    ("responseStatus.details", "response_details"),
];
const BODIES: &[(&str, &str)] = &[("requestObject", "request_object"), ("responseObject", "response_object")];
/// Entries of `user.extra` with a column of their own: the first of their values.
const USER_EXTRA: &[(&str, &str)] = &[
    ("authentication.kubernetes.io/pod-name", "pod_name"),
    ("authentication.kubernetes.io/pod-uid", "pod_uid"),
    ("authentication.kubernetes.io/node-name", "node_name"),
    ("authentication.kubernetes.io/credential-id", "credential_id"),
];
const ANNOTATIONS: &[(&str, &str)] = &[
    ("authorization.k8s.io/decision", "auth_decision"),
    ("authorization.k8s.io/reason", "auth_reason"),
    ("authentication.kubernetes.io/issued-credential-id", "issued_credential_id"),
];
/// Objects whose members have columns.
const NESTED: &[&str] = &["user", "impersonatedUser", "objectRef", "responseStatus"];
/// Of the Status itself, the same in every event.
const DROPPED: &[&str] = &["responseStatus.metadata", "responseStatus.kind", "responseStatus.apiVersion"];

fn column(columns: &[(&str, &'static str)], path: &str) -> Option<&'static str> {
    columns.iter().find(|(field, _)| *field == path).map(|(_, column)| *column)
}

#[derive(Default)]
struct Reader {
    row: Row,
    /// What has no column, or not the type of its column.
    extra: Vec<(String, String)>,
    received: Option<i64>,
    /// `timestamp`, of audit.k8s.io/v1beta1 in Kubernetes 1.8.
    beta: Option<i64>,
    staged: Option<i64>,
}

impl Reader {
    fn event(mut self, object: &Object<'_>) -> Result<Row, Reason> {
        self.row = schema::COLUMNS.iter().map(|column| (column.name, None)).collect();
        self.put("truncated", Some("false".to_owned()));
        for (key, value) in &object.0 {
            self.top(key, value.get())?;
        }
        self.put("stage_ts", self.staged.map(|time| time.to_string()));
        let ts = self.received.or(self.staged).or(self.beta).ok_or(Reason::BadTimestamp)?;
        self.put("ts", Some(ts.to_string()));
        self.extra.sort();
        self.put("flags", self.flags(ts));
        let quoted = |key: &str| Value::from(key).to_string();
        let members: Vec<String> = self.extra.iter().map(|(key, json)| format!("{}:{json}", quoted(key))).collect();
        self.put("extra", (!members.is_empty()).then(|| format!("{{{}}}", members.join(","))));
        Ok(self.row)
    }

    fn put(&mut self, column: &'static str, value: Option<String>) {
        self.row.insert(column, value);
    }

    fn keep(&mut self, path: &str, json: &str) {
        self.extra.push((path.to_owned(), json.to_owned()));
    }

    fn top(&mut self, key: &str, json: &str) -> Result<(), Reason> {
        match key {
            "kind" => {}
            "apiVersion" if text(json).as_deref() == Some("audit.k8s.io/v1") => {}
            "requestReceivedTimestamp" => self.received = micros(json),
            "stageTimestamp" => self.staged = micros(json),
            "authenticationMetadata" => {
                let constraint = Object::of(json).and_then(|object| object.get("impersonationConstraint"));
                self.put("impersonation_constraint", constraint.and_then(text));
            }
            "annotations" => self.annotations(json)?,
            key if key.contains('.') => self.keep(key, json), // no path, though it may look like one
            key if NESTED.contains(&key) => self.nested(key, json)?,
            key => {
                if key == "timestamp" {
                    self.beta = micros(json);
                }
                self.field(key, json);
            }
        }
        Ok(())
    }

    /// The members of an object that has columns for them; null counts as absent.
    fn nested(&mut self, parent: &str, json: &str) -> Result<(), Reason> {
        let Some(object) = Object::of(json) else {
            if json != "null" {
                self.keep(parent, json);
            }
            return Ok(());
        };
        if object.has_duplicate() {
            return Err(Reason::DuplicateKey);
        }
        for (key, value) in &object.0 {
            self.field(&format!("{parent}.{key}"), value.get());
        }
        Ok(())
    }

    fn field(&mut self, path: &str, json: &str) {
        if DROPPED.contains(&path) {
            return;
        }
        if path == "user.extra" {
            self.user_extra(json);
        }
        if let Some(column) = column(JSON, path) {
            self.put(column, Some(json.to_owned()));
        } else if let Some(column) = column(BODIES, path) {
            self.put(column, (json != "null").then(|| json.to_owned()));
        } else if let Some(column) = column(TEXTS, path) {
            let text = text(json);
            self.put_or_keep(column, path, json, text);
        } else if let Some(column) = column(LISTS, path) {
            let texts = texts(json);
            if column == "source_ips" {
                self.put("client_ip", texts.as_ref().and_then(|texts| texts.last().cloned()));
                let disagree = texts.as_ref().is_some_and(|texts| texts.iter().any(|ip| Some(ip) != texts.last()));
                self.put("source_ips_disagree", Some(disagree.to_string()));
            }
            match texts {
                Some(texts) if texts.is_empty() => {}
                texts => {
                    let list = texts.map(|texts| json_list(texts.iter().take(limits::LIST_ELEMENTS_MAX)));
                    self.put_or_keep(column, path, json, list);
                }
            }
        } else if path == "responseStatus.code" {
            let code = json.parse::<i32>().ok().map(|code| code.to_string());
            self.put_or_keep("response_code", path, json, code);
        } else {
            self.keep(path, json);
        }
    }

    fn put_or_keep(&mut self, column: &'static str, path: &str, json: &str, value: Option<String>) {
        if value.is_none() && json != "null" {
            self.keep(path, json);
        }
        self.put(column, value);
    }

    fn user_extra(&mut self, json: &str) {
        for (key, values) in Object::of(json).map(|object| object.0).unwrap_or_default() {
            if let Some(column) = column(USER_EXTRA, &key) {
                let values: Option<Vec<&RawValue>> = serde_json::from_str(values.get()).ok();
                let first = values.and_then(|values| values.first().and_then(|first| text(first.get())));
                self.put(column, first);
            }
        }
    }

    fn annotations(&mut self, json: &str) -> Result<(), Reason> {
        let Some(object) = Object::of(json) else {
            if json != "null" {
                self.keep("annotations", json);
            }
            return Ok(());
        };
        if object.has_duplicate() {
            return Err(Reason::DuplicateKey);
        }
        self.put("annotations", Some(json.to_owned()));
        for (key, value) in &object.0 {
            if let Some(column) = column(ANNOTATIONS, key) {
                self.put(column, text(value.get()));
            }
        }
        let truncated = object.get("audit.k8s.io/truncated").and_then(text).as_deref() == Some("true");
        self.put("truncated", Some(truncated.to_string()));
        Ok(())
    }

    fn flags(&self, ts: i64) -> Option<String> {
        let agent = self.row["user_agent"].as_ref();
        let flags = [
            (self.extra.iter().any(|(path, _)| is_mismatch(path)), "type_mismatch"),
            (agent.is_some_and(|agent| agent.len() > 1_040), "long_agent"),
            (self.staged.is_some_and(|staged| staged < ts), "clock_skew"),
        ];
        let set: Vec<&str> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| *flag).collect();
        (!set.is_empty()).then(|| set.join(","))
    }
}

/// Whether a field among `extra` is one that should have had another type.
fn is_mismatch(path: &str) -> bool {
    const WITHIN: &[&str] = &["username", "groups", "resource", "name", "code"];
    let (top, last) = (path.split('.').next().unwrap(), path.rsplit('.').next().unwrap());
    match top {
        "level" | "auditID" | "stage" | "requestURI" | "verb" | "userAgent" | "sourceIPs" => true,
        "annotations" => path == top || WITHIN.contains(&last),
        top if NESTED.contains(&top) => path == top || WITHIN.contains(&last),
        _ => false,
    }
}

/// A list as it stands in a [`Row`].
pub(super) fn json_list<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    texts.map(String::as_str).collect::<Value>().to_string()
}

fn micros(json: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(&text(json)?).ok()?;
    let is_leap_second = time.nanosecond() >= 1_000_000_000;
    (time.year() > 1 && !is_leap_second).then(|| time.timestamp_micros())
}
