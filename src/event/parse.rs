//! From a parsed line to the fields of one audit event (`audit.k8s.io/v1` `Event`), still borrowed from the line.
//!
//! Strict where leniency would hide something: a key that stands twice rejects the line, since parsers disagree about
//! which one counts. Lenient where the event would be lost: a field of the wrong type goes to `extra` with a flag.

use std::collections::HashSet;

use super::document::{Document, Field};
use super::reject::Reason;
use super::time;

/// The fields of one event.
#[derive(Default)]
pub(super) struct Event<'a> {
    /// `None` until a whole event was read.
    pub(super) ts: Option<i64>,
    pub(super) stage_ts: Option<i64>,
    pub(super) level: Option<&'a str>,
    pub(super) audit_id: Option<&'a str>,
    pub(super) stage: Option<&'a str>,
    pub(super) request_uri: Option<&'a str>,
    pub(super) verb: Option<&'a str>,
    pub(super) user: User<'a>,
    pub(super) impersonated: User<'a>,
    pub(super) impersonation_constraint: Option<&'a str>,
    pub(super) source_ips: Vec<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) object: Object<'a>,
    pub(super) response: Response<'a>,
    pub(super) annotations: Annotations<'a>,
    pub(super) request_object: Option<Body<'a>>,
    pub(super) response_object: Option<Body<'a>>,
    /// Fields without a column: path and raw JSON.
    pub(super) extra: Vec<(String, &'a str)>,
    pub(super) type_mismatch: bool,
    /// Whether only the beginning of the event was left.
    pub(super) cut: bool,
}

/// `authentication.k8s.io` `UserInfo`.
#[derive(Default)]
pub(super) struct User<'a> {
    pub(super) username: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
    pub(super) groups: Vec<&'a str>,
    pub(super) extra: Option<&'a str>,
    pub(super) pod_name: Option<&'a str>,
    pub(super) pod_uid: Option<&'a str>,
    pub(super) node_name: Option<&'a str>,
    pub(super) credential_id: Option<&'a str>,
}

/// `audit.k8s.io` `ObjectReference`.
#[derive(Default)]
pub(super) struct Object<'a> {
    pub(super) resource: Option<&'a str>,
    pub(super) subresource: Option<&'a str>,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
    pub(super) api_group: Option<&'a str>,
    pub(super) api_version: Option<&'a str>,
    pub(super) resource_version: Option<&'a str>,
}

/// `metav1.Status` as the audit event carries it.
#[derive(Default)]
pub(super) struct Response<'a> {
    pub(super) code: Option<i32>,
    pub(super) status: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) details: Option<&'a str>,
}

/// The annotations, with those that have a column of their own.
#[derive(Default)]
pub(super) struct Annotations<'a> {
    pub(super) raw: Option<&'a str>,
    pub(super) decision: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
    pub(super) issued_credential_id: Option<&'a str>,
    pub(super) truncated: bool,
}

/// A request or response body: where it stands on the tape, and its text.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) at: usize,
    pub(super) raw: &'a str,
}

/// What a line turned out to be.
pub(super) enum Parsed<'a> {
    Event(Box<Event<'a>>),
    /// An `EventList`.
    List,
}

/// Why a document is no event.
pub(super) type Rejected = (Reason, &'static str);

pub(super) const DUPLICATE: Rejected = (Reason::DuplicateKey, "a key stands twice in one object");

pub(super) const NO_ITEMS: Rejected = (Reason::NotAuditEvent, "an EventList without items");

/// Whether a key stands twice in the object at `at`.
fn has_duplicate(document: &Document<'_>, at: usize) -> bool {
    const FEW: usize = 64;
    let (mut marks, mut many) = (0_u64, HashSet::new());
    document.fields(at).enumerate().any(|(index, field)| {
        let key = field.key.as_bytes();
        let mark = key.len() * 5 + key.iter().rev().step_by(4).map(|byte| usize::from(*byte)).sum::<usize>();
        let fresh = marks & (1 << (mark % 64)) == 0;
        marks |= 1 << (mark % 64);
        if index < FEW {
            return !fresh && document.fields(at).take(index).any(|earlier| earlier.key == field.key);
        }
        if index == FEW {
            many.extend(document.fields(at).take(index).map(|earlier| earlier.key));
        }
        !many.insert(field.key)
    })
}

/// Reads the event, or says what the line is instead.
pub(super) fn parse<'a>(document: &Document<'a>) -> Result<Parsed<'a>, Rejected> {
    if !document.is_object(0) {
        return Err((Reason::NotObject, "the line is JSON but not an object"));
    }
    if has_duplicate(document, 0) {
        return Err(DUPLICATE);
    }
    match kind(document)? {
        Kind::List => Ok(Parsed::List),
        Kind::Event => event(document).map(|event| Parsed::Event(Box::new(event))),
    }
}

enum Kind {
    Event,
    List,
}

/// Items of an `EventList` carry neither kind nor version, so their absence proves nothing.
fn kind(document: &Document<'_>) -> Result<Kind, Rejected> {
    let (mut kind, mut version, mut looks_like_event) = (None, None, false);
    for field in document.fields(0) {
        match field.key {
            "kind" => kind = document.text(field.value),
            "apiVersion" => version = document.text(field.value),
            "auditID" | "requestURI" | "stage" => looks_like_event = true,
            _ => {}
        }
        if kind.is_some() && version.is_some() {
            break;
        }
    }
    let is_audit = version.is_none_or(|version| version.starts_with("audit.k8s.io/"));
    match kind {
        Some("EventList") if is_audit => Ok(Kind::List),
        Some("Event") if version.is_some() && is_audit => known_version(version),
        None if looks_like_event && is_audit => known_version(version),
        _ => Err((Reason::NotAuditEvent, "an object, but not an audit.k8s.io Event")),
    }
}

fn known_version(version: Option<&str>) -> Result<Kind, Rejected> {
    match version {
        None | Some("audit.k8s.io/v1" | "audit.k8s.io/v1beta1") => Ok(Kind::Event),
        Some(_) => Err((Reason::UnknownVersion, "only audit.k8s.io/v1 and v1beta1 are read")),
    }
}

fn event<'a>(document: &Document<'a>) -> Result<Event<'a>, Rejected> {
    let mut event = fields(document)?;
    if event.ts.is_none() {
        return Err((Reason::BadTimestamp, "no time that could be read"));
    }
    event.extra.sort_unstable();
    event.type_mismatch = event.extra.iter().any(|(key, _)| is_known(key));
    Ok(event)
}

/// Reads what was left of an event whose end is missing. `time` stands in where its own time is missing too, as it lies
/// near the end. `None` where it lacks what makes it an event.
pub(super) fn cut_event<'a>(document: &Document<'a>, time: Option<i64>) -> Option<Box<Event<'a>>> {
    if !document.is_object(0) || has_duplicate(document, 0) || !matches!(kind(document), Ok(Kind::Event)) {
        return None;
    }
    let mut event = fields(document).ok()?;
    event.ts = event.ts.or(time);
    let has_user = document.get(0, "user").is_some_and(|at| document.is_object(at));
    let texts = [event.level, event.audit_id, event.stage, event.request_uri, event.verb];
    if event.ts.is_none() || !has_user || texts.contains(&None) {
        return None;
    }
    event.extra.sort_unstable();
    event.type_mismatch = event.extra.iter().any(|(key, _)| is_known(key));
    event.cut = true;
    Some(Box::new(event))
}

/// The fields of the event, whichever there are.
pub(super) fn fields<'a>(document: &Document<'a>) -> Result<Event<'a>, Rejected> {
    let mut event = Event::default();
    let mut times = [None; 3];
    let end = document.closing_brace();
    for field in document.fields(0) {
        match field.key {
            "level" => event.level = text(document, &field, end, &mut event.extra),
            "auditID" => event.audit_id = text(document, &field, end, &mut event.extra),
            "stage" => event.stage = text(document, &field, end, &mut event.extra),
            "requestURI" => event.request_uri = text(document, &field, end, &mut event.extra),
            "verb" => event.verb = text(document, &field, end, &mut event.extra),
            "userAgent" => event.user_agent = text(document, &field, end, &mut event.extra),
            "user" => event.user = user(document, &field, end, &mut event.extra)?,
            "impersonatedUser" => {
                event.impersonated = user(document, &field, end, &mut event.extra)?;
            }
            "sourceIPs" => event.source_ips = texts(document, &field, end, &mut event.extra),
            "objectRef" => event.object = object(document, &field, end, &mut event.extra)?,
            "responseStatus" => event.response = response(document, &field, end, &mut event.extra)?,
            "annotations" => {
                event.annotations = annotations(document, &field, end, &mut event.extra)?;
            }
            "requestObject" => event.request_object = body(document, &field, end),
            "responseObject" => event.response_object = body(document, &field, end),
            "requestReceivedTimestamp" => times[0] = time_of(document, &field),
            "stageTimestamp" => times[1] = time_of(document, &field),
            "authenticationMetadata" => {
                let constraint = document.get(field.value, "impersonationConstraint");
                event.impersonation_constraint = constraint.and_then(|at| document.text(at));
            }
            "kind" => {}
            "apiVersion" => {
                if document.text(field.value) != Some("audit.k8s.io/v1") {
                    event.extra.push((field.key.to_owned(), document.raw(&field, end)));
                }
            }
            other => {
                if other == "timestamp" {
                    times[2] = time_of(document, &field); // audit.k8s.io/v1beta1 of Kubernetes 1.8
                }
                event.extra.push((other.to_owned(), document.raw(&field, end)));
            }
        }
    }
    event.ts = times.into_iter().flatten().next();
    event.stage_ts = times[1];
    Ok(event)
}

/// Whether a path in `extra` is that of a field which has a column: then its value had the wrong type.
fn is_known(path: &str) -> bool {
    let top = path.split('.').next().unwrap_or(path);
    match top {
        "level" | "auditID" | "stage" | "requestURI" | "verb" | "userAgent" | "sourceIPs" => true,
        "user" | "impersonatedUser" | "objectRef" | "responseStatus" | "annotations" => {
            path == top || matches!(path.rsplit('.').next(), Some("username" | "groups" | "resource" | "name" | "code"))
        }
        _ => false,
    }
}

type Extra<'a> = Vec<(String, &'a str)>;

/// The text of a field; another type than string or null goes to `extra`.
fn text<'a>(document: &Document<'a>, field: &Field<'a>, end: usize, extra: &mut Extra<'a>) -> Option<&'a str> {
    let text = document.text(field.value);
    if text.is_none() && !document.is_null(field.value) {
        extra.push((field.key.to_owned(), document.raw(field, end)));
    }
    text
}

fn texts<'a>(document: &Document<'a>, field: &Field<'a>, end: usize, extra: &mut Extra<'a>) -> Vec<&'a str> {
    let texts: Option<Vec<&str>> = document.elements(field.value).map(|at| document.text(at)).collect();
    match texts {
        Some(texts) if document.is_array(field.value) => texts,
        _ => {
            if !document.is_null(field.value) {
                extra.push((field.key.to_owned(), document.raw(field, end)));
            }
            Vec::new()
        }
    }
}

fn time_of(document: &Document<'_>, field: &Field<'_>) -> Option<i64> {
    document.text(field.value).and_then(time::micros)
}

fn body<'a>(document: &Document<'a>, field: &Field<'a>, end: usize) -> Option<Body<'a>> {
    (!document.is_null(field.value)).then(|| Body { at: field.value, raw: document.raw(field, end) })
}

/// The fields of the object that is the value of `field`; anything but an object or null goes to `extra`.
struct Nested<'a> {
    document: Document<'a>,
    parent: &'a str,
    end: usize,
}

impl<'a> Nested<'a> {
    fn open(
        document: &Document<'a>,
        field: &Field<'a>,
        end: usize,
        extra: &mut Extra<'a>,
    ) -> Result<Option<Self>, Rejected> {
        if has_duplicate(document, field.value) {
            return Err(DUPLICATE);
        }
        if document.is_object(field.value) {
            let end = document.closing_brace_of(field, end);
            return Ok(Some(Self { document: *document, parent: field.key, end }));
        }
        if !document.is_null(field.value) {
            extra.push((field.key.to_owned(), document.raw(field, end)));
        }
        Ok(None)
    }

    fn keep(&self, field: &Field<'a>, extra: &mut Extra<'a>) {
        extra.push((format!("{}.{}", self.parent, field.key), self.document.raw(field, self.end)));
    }

    fn text(&self, field: &Field<'a>, extra: &mut Extra<'a>) -> Option<&'a str> {
        let text = self.document.text(field.value);
        if text.is_none() && !self.document.is_null(field.value) {
            self.keep(field, extra);
        }
        text
    }
}

fn user<'a>(
    document: &Document<'a>,
    field: &Field<'a>,
    end: usize,
    extra: &mut Extra<'a>,
) -> Result<User<'a>, Rejected> {
    let mut user = User::default();
    let Some(nested) = Nested::open(document, field, end, extra)? else { return Ok(user) };
    for field in document.fields(field.value) {
        match field.key {
            "username" => user.username = nested.text(&field, extra),
            "uid" => user.uid = nested.text(&field, extra),
            "groups" => {
                let groups: Option<Vec<&str>> = document.elements(field.value).map(|at| document.text(at)).collect();
                match groups {
                    Some(groups) if document.is_array(field.value) => user.groups = groups,
                    _ if document.is_null(field.value) => {}
                    _ => nested.keep(&field, extra),
                }
            }
            "extra" => {
                user.extra = Some(document.raw(&field, nested.end));
                for entry in document.fields(field.value) {
                    let first = || document.elements(entry.value).next().and_then(|at| document.text(at));
                    match entry.key {
                        "authentication.kubernetes.io/pod-name" => user.pod_name = first(),
                        "authentication.kubernetes.io/pod-uid" => user.pod_uid = first(),
                        "authentication.kubernetes.io/node-name" => user.node_name = first(),
                        "authentication.kubernetes.io/credential-id" => user.credential_id = first(),
                        _ => {}
                    }
                }
            }
            _ => nested.keep(&field, extra),
        }
    }
    Ok(user)
}

fn object<'a>(
    document: &Document<'a>,
    field: &Field<'a>,
    end: usize,
    extra: &mut Extra<'a>,
) -> Result<Object<'a>, Rejected> {
    let mut object = Object::default();
    let Some(nested) = Nested::open(document, field, end, extra)? else { return Ok(object) };
    for field in document.fields(field.value) {
        match field.key {
            "resource" => object.resource = nested.text(&field, extra),
            "subresource" => object.subresource = nested.text(&field, extra),
            "namespace" => object.namespace = nested.text(&field, extra),
            "name" => object.name = nested.text(&field, extra),
            "uid" => object.uid = nested.text(&field, extra),
            "apiGroup" => object.api_group = nested.text(&field, extra),
            "apiVersion" => object.api_version = nested.text(&field, extra),
            "resourceVersion" => object.resource_version = nested.text(&field, extra),
            _ => nested.keep(&field, extra),
        }
    }
    Ok(object)
}

fn response<'a>(
    document: &Document<'a>,
    field: &Field<'a>,
    end: usize,
    extra: &mut Extra<'a>,
) -> Result<Response<'a>, Rejected> {
    let mut response = Response::default();
    let Some(nested) = Nested::open(document, field, end, extra)? else { return Ok(response) };
    for field in document.fields(field.value) {
        match field.key {
            "code" => {
                response.code = document.integer(field.value).and_then(|code| i32::try_from(code).ok());
                if response.code.is_none() && !document.is_null(field.value) {
                    nested.keep(&field, extra);
                }
            }
            "status" => response.status = nested.text(&field, extra),
            "reason" => response.reason = nested.text(&field, extra),
            "message" => response.message = nested.text(&field, extra),
            "details" => response.details = Some(document.raw(&field, nested.end)),
            "metadata" | "kind" | "apiVersion" => {} // of the Status itself, the same in every event
            _ => nested.keep(&field, extra),
        }
    }
    Ok(response)
}

fn annotations<'a>(
    document: &Document<'a>,
    field: &Field<'a>,
    end: usize,
    extra: &mut Extra<'a>,
) -> Result<Annotations<'a>, Rejected> {
    let mut annotations = Annotations::default();
    if Nested::open(document, field, end, extra)?.is_none() {
        return Ok(annotations);
    }
    annotations.raw = Some(document.raw(field, end));
    for field in document.fields(field.value) {
        let value = document.text(field.value);
        match field.key {
            "authorization.k8s.io/decision" => annotations.decision = value,
            "authorization.k8s.io/reason" => annotations.reason = value,
            "authentication.kubernetes.io/issued-credential-id" => {
                annotations.issued_credential_id = value;
            }
            "audit.k8s.io/truncated" => annotations.truncated = value == Some("true"),
            _ => {}
        }
    }
    Ok(annotations)
}
