//! The parts of a canonical line that repeat, and the codes that each gives its row.

use std::borrow::Cow;

use super::super::columns::is_long;
use super::super::derive;
use super::super::document::text_of;
use super::super::parse::Event;
use super::super::redact::{About, Redactor};
use super::cursor::{Cursor, is_plain};
use super::memo::{Memo, Piece};
use super::{SUBRESOURCE, Spans, Who, kind};
use crate::block::{Code, Coded, Codes, NULL, Vocabulary};
use crate::limits::LIST_ELEMENTS_MAX;

/// What a user gives a row.
const USER: [Coded; 12] = [
    Coded::Username,
    Coded::UserUid,
    Coded::Groups,
    Coded::UserExtra,
    Coded::PodName,
    Coded::PodUid,
    Coded::CredentialId,
    Coded::NodeName,
    Coded::Actor,
    Coded::ActorKind,
    Coded::ServiceAccountNamespace,
    Coded::ServiceAccountName,
];

#[derive(Clone, Copy)]
struct User {
    codes: [Code; USER.len()],
    is_anonymous: bool,
}

#[derive(Clone, Copy)]
struct Addresses {
    source_ips: Code,
    client_ip: Code,
    disagree: bool,
}

#[derive(Clone, Copy)]
struct Agent {
    agent: Code,
    is_long: bool,
}

#[derive(Clone, Copy)]
struct Asker {
    user: User,
    addresses: Addresses,
    agent: Agent,
}

/// What an object gives a row, in the order in which an API server writes it.
const OBJECT: [(Coded, &[u8]); 7] = [
    (Coded::Resource, b",\"resource\":\""),
    (Coded::Namespace, b",\"namespace\":\""),
    (Coded::Name, b",\"name\":\""),
    (Coded::ObjectUid, b",\"uid\":\""),
    (Coded::ApiGroup, b",\"apiGroup\":\""),
    (Coded::ApiVersion, b",\"apiVersion\":\""),
    (Coded::Subresource, SUBRESOURCE),
];

#[derive(Clone, Copy)]
struct Object {
    codes: [Code; OBJECT.len()],
    is_namespaced: bool,
    is_resource: bool,
    runs_commands: bool,
}

#[derive(Clone, Copy)]
struct Uri {
    text: Code,
    selected_name: Code,
    command: Code,
    through_kubelet: bool,
    is_health: bool,
}

const RESPONSE: [Coded; 5] =
    [Coded::ResponseStatus, Coded::ResponseReason, Coded::ResponseMessage, Coded::ResponseDetails, Coded::Outcome];

#[derive(Clone, Copy)]
struct Response {
    codes: [Code; RESPONSE.len()],
    code: Option<i32>,
    is_denied: bool,
}

const ANNOTATIONS: [Coded; 4] = [Coded::Annotations, Coded::AuthDecision, Coded::AuthReason, Coded::IssuedCredentialId];

#[derive(Clone, Copy)]
struct Annotations {
    codes: [Code; ANNOTATIONS.len()],
    is_forbidden: bool,
    truncated: bool,
}

/// What a request asks for, and how telling it is.
#[derive(Clone, Copy)]
struct Request {
    scope: Code,
    sensitivity: Code,
    about: About,
}

/// What a request depends on beyond its verb and kind of object: whether it has a name, is for a resource, in a
/// namespace, by nobody, for health, denied.
type Circumstances = [bool; 6];

/// What the parts of a line say beyond codes.
#[derive(Default)]
pub(super) struct Said {
    pub(super) response_code: Option<i32>,
    pub(super) source_ips_disagree: bool,
    pub(super) truncated: bool,
    pub(super) long_agent: bool,
    pub(super) about: About,
}

/// Everything that is remembered from line to line.
pub(super) struct Parts {
    askers: Memo<Asker>,
    objects: Memo<Object>,
    uris: Memo<Uri>,
    responses: Memo<Response>,
    annotations: Memo<Annotations>,
    requests: Memo<Request>,
}

/// What is at hand while a part is concluded from.
pub(super) struct Desk<'a> {
    pub(super) words: &'a mut Vocabulary,
    pub(super) redactor: &'a Redactor,
}

impl Desk<'_> {
    /// The code of a text without what looks like a credential.
    fn clean(&mut self, column: Coded, text: Option<&str>) -> Code {
        self.words.code_of(column, text.map(|text| self.redactor.shapes(text)).as_deref())
    }
}

/// A field as a piece of JSON: what stands before and behind the text that was found.
type Field<'a> = (&'static [u8], &'a [u8], &'static [u8]);

impl Parts {
    pub(super) fn new() -> Self {
        Self {
            askers: Memo::new(),
            objects: Memo::new(),
            uris: Memo::new(),
            responses: Memo::new(),
            annotations: Memo::new(),
            requests: Memo::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.askers.clear();
        self.objects.clear();
        self.uris.clear();
        self.responses.clear();
        self.annotations.clear();
        self.requests.clear();
    }

    pub(super) fn bytes(&self) -> usize {
        self.askers.bytes()
            + self.objects.bytes()
            + self.uris.bytes()
            + self.responses.bytes()
            + self.annotations.bytes()
            + self.requests.bytes()
    }

    /// The codes of a line's parts; `codes` has the verb already.
    pub(super) fn put(
        &mut self,
        spans: &Spans<'_>,
        piece: &mut Piece,
        desk: &mut Desk<'_>,
        codes: &mut Codes,
    ) -> Option<Said> {
        let mut said = Said::default();
        let Asker { user, addresses, agent } = self.asker(&spans.who, piece, desk)?;
        USER.iter().zip(user.codes).for_each(|(column, code)| codes[*column] = code);
        codes[Coded::SourceIps] = addresses.source_ips;
        codes[Coded::ClientIp] = addresses.client_ip;
        codes[Coded::UserAgent] = agent.agent;
        said.long_agent = agent.is_long;
        said.source_ips_disagree = addresses.disagree;
        let object = self.object(spans, desk)?;
        OBJECT.iter().zip(object.codes).for_each(|((column, _), code)| codes[*column] = code);
        let uri = self.uri((b"\"requestURI\":\"", spans.uri, b"\""), piece, desk)?;
        codes[Coded::RequestUri] = uri.text;
        if codes[Coded::Name] == NULL {
            codes[Coded::Name] = uri.selected_name;
        }
        let response = self.response((b"\"responseStatus\":", spans.response.unwrap_or(b"null"), b""), piece, desk)?;
        RESPONSE.iter().zip(response.codes).for_each(|(column, code)| codes[*column] = code);
        said.response_code = response.code;
        let mut is_denied = response.is_denied;
        if let Some(annotations) = spans.annotations {
            let annotations = self.annotations((b"\"annotations\":", annotations, b""), piece, desk)?;
            ANNOTATIONS.iter().zip(annotations.codes).for_each(|(column, code)| codes[*column] = code);
            said.truncated = annotations.truncated;
            if annotations.is_forbidden {
                codes[Coded::Outcome] = desk.words.code(Coded::Outcome, derive::DENIED);
                is_denied = true;
            }
        }
        if uri.through_kubelet || object.runs_commands {
            codes[Coded::ExecCommand] = uri.command;
        }
        let has_name = codes[Coded::Name] != NULL;
        let Object { is_resource, is_namespaced, .. } = object;
        let circumstances = [has_name, is_resource, is_namespaced, user.is_anonymous, uri.is_health, is_denied];
        let request = self.request(spans, circumstances, codes, desk)?;
        codes[Coded::Scope] = request.scope;
        codes[Coded::Sensitivity] = request.sensitivity;
        said.about = request.about;
        Some(said)
    }

    fn asker(&mut self, who: &Who<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Asker> {
        self.askers.of(who.all, || {
            let user = piece.event((b"\"user\":", who.user, b""), |event| Some(user(event, desk)))?;
            let addresses = (&b"\"sourceIPs\":["[..], who.source_ips, &b""[..]);
            let addresses = piece.event(addresses, |event| Some(self::addresses(event, desk)))?;
            let agent = match who.user_agent {
                Some(sent) => piece.event((b"\"userAgent\":\"", sent, b"\""), |event| Some(agent(event, desk)))?,
                None => Agent { agent: NULL, is_long: false },
            };
            Some(Asker { user, addresses, agent })
        })
    }

    /// The object that a line names, or one that names nothing.
    fn object(&mut self, spans: &Spans<'_>, desk: &mut Desk<'_>) -> Option<Object> {
        let known = self.objects.of(spans.object.unwrap_or_default(), || {
            let fields = spans.object.unwrap_or_default();
            let mut at = Cursor::new(fields);
            let mut codes = [NULL; OBJECT.len()];
            let (mut is_namespaced, mut is_resource, mut runs_commands) = (false, false, false);
            for ((column, key), code) in OBJECT.iter().zip(&mut codes) {
                let key = if at.offset() == 0 { &key[1..] } else { key };
                if !at.passes(key) {
                    continue;
                }
                let text = at.plain_string()?;
                match column {
                    Coded::Name if text.is_empty() => continue,
                    Coded::Namespace => is_namespaced = !text.is_empty(),
                    Coded::Resource => is_resource = !text.is_empty(),
                    Coded::Subresource => runs_commands = derive::runs_commands(text_of(text)),
                    _ => {}
                }
                *code = desk.words.code_of_bytes(*column, text);
            }
            at.is_at_end().then_some(Object { codes, is_namespaced, is_resource, runs_commands })
        })?;
        let Some(subresource) = spans.subresource else { return Some(known) };
        let Object { mut codes, is_namespaced, is_resource, runs_commands: _ } = known;
        let place = codes.last_mut().filter(|code| **code == NULL)?;
        *place = desk.words.code_of_bytes(Coded::Subresource, subresource);
        let runs_commands = derive::runs_commands(text_of(subresource));
        Some(Object { codes, is_namespaced, is_resource, runs_commands })
    }

    fn uri(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Uri> {
        self.uris.of(field.1, || match unescaped(field.1) {
            Some(sent) => Some(uri(&sent, desk)),
            None => piece.event(field, |event| Some(uri(event.request_uri?, desk))),
        })
    }

    fn response(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Response> {
        self.responses.of(field.1, || {
            piece.event(field, |event| {
                let outcome = derive::derive(event, "").outcome;
                let response = &event.response;
                let codes = [
                    desk.words.code_of(Coded::ResponseStatus, response.status),
                    desk.words.code_of(Coded::ResponseReason, response.reason),
                    desk.clean(Coded::ResponseMessage, response.message),
                    desk.clean(Coded::ResponseDetails, response.details),
                    desk.words.code(Coded::Outcome, outcome),
                ];
                Some(Response { codes, code: response.code, is_denied: outcome == derive::DENIED })
            })
        })
    }

    fn annotations(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Annotations> {
        self.annotations.of(field.1, || {
            piece.event(field, |event| {
                let annotations = &event.annotations;
                let codes = [
                    desk.clean(Coded::Annotations, annotations.raw),
                    desk.words.code_of(Coded::AuthDecision, annotations.decision),
                    desk.words.code_of(Coded::AuthReason, annotations.reason),
                    desk.words.code_of(Coded::IssuedCredentialId, annotations.issued_credential_id),
                ];
                let is_forbidden = derive::derive(event, "").outcome == derive::DENIED;
                Some(Annotations { codes, is_forbidden, truncated: annotations.truncated })
            })
        })
    }

    fn request(
        &mut self,
        spans: &Spans<'_>,
        circumstances: Circumstances,
        codes: &Codes,
        desk: &mut Desk<'_>,
    ) -> Option<Request> {
        let mut key = [0; 17];
        let kinds = [Coded::Verb, Coded::Resource, Coded::Subresource, Coded::ApiGroup].map(|column| codes[column]);
        key[0] = circumstances.into_iter().fold(0, |bits, bit| bits << 1 | u8::from(bit));
        key[1..].chunks_exact_mut(4).zip(kinds).for_each(|(bytes, code)| bytes.copy_from_slice(&code.to_le_bytes()));
        self.requests.of(&key, || {
            let [has_name, is_resource, is_namespaced, is_anonymous, is_health, is_denied] = circumstances;
            let verb = text_of(spans.verb);
            let scope = derive::scope(is_resource, has_name || verb == "create", is_namespaced);
            let is_anonymous = is_anonymous && !(derive::is_read(verb) && is_health);
            let object = kind(desk.words, codes);
            let about = About::of(&object);
            let class = derive::by_object(&object, verb)
                .unwrap_or_else(|| derive::class_of_other(false, is_anonymous, is_denied));
            Some(Request {
                scope: desk.words.code(Coded::Scope, scope),
                sensitivity: desk.words.code(Coded::Sensitivity, class),
                about,
            })
        })
    }
}

fn user(event: &Event<'_>, desk: &mut Desk<'_>) -> User {
    let derived = derive::derive(event, "");
    let user = &event.user;
    let account = derived.service_account.unzip();
    let groups = &user.groups[..user.groups.len().min(LIST_ELEMENTS_MAX)];
    let codes = USER.map(|column| match column {
        Coded::Username => desk.words.code_of(column, user.username),
        Coded::UserUid => desk.words.code_of(column, user.uid),
        Coded::Groups => desk.words.code_of_list(column, groups),
        Coded::UserExtra => desk.clean(column, user.extra),
        Coded::PodName => desk.words.code_of(column, user.pod_name),
        Coded::PodUid => desk.words.code_of(column, user.pod_uid),
        Coded::CredentialId => desk.words.code_of(column, user.credential_id),
        Coded::NodeName => desk.words.code_of(column, derived.node_name),
        Coded::Actor => desk.words.code_of(column, derived.actor),
        Coded::ActorKind => desk.words.code(column, derived.actor_kind),
        Coded::ServiceAccountNamespace => desk.words.code_of(column, account.0),
        _ => desk.words.code_of(column, account.1),
    });
    User { codes, is_anonymous: derived.actor_kind == derive::ANONYMOUS }
}

/// The text of a raw string of ASCII whose only escapes are those that Go writes for an ampersand: most URIs are such,
/// and many come once. `None` for any other.
fn unescaped(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text = is_plain(raw).then(|| text_of(raw))?;
    let Some((first, mut rest)) = text.split_once('\\') else { return Some(Cow::Borrowed(text)) };
    let mut plain = String::with_capacity(text.len());
    plain.push_str(first);
    loop {
        rest = rest.strip_prefix("u0026")?;
        plain.push('&');
        let Some((before, behind)) = rest.split_once('\\') else { break };
        plain.push_str(before);
        rest = behind;
    }
    plain.push_str(rest);
    Some(Cow::Owned(plain))
}

fn uri(sent: &str, desk: &mut Desk<'_>) -> Uri {
    let uri = desk.redactor.request_uri(sent);
    let (path, query) = uri.split_once('?').unwrap_or((&*uri, ""));
    Uri {
        text: desk.words.code(Coded::RequestUri, &uri),
        selected_name: desk.words.code_of(Coded::Name, derive::selected_name(query).as_deref()),
        command: desk.words.code_of(Coded::ExecCommand, derive::command(query).as_deref()),
        through_kubelet: derive::is_through_kubelet(path, query),
        is_health: derive::is_health(path),
    }
}

fn addresses(event: &Event<'_>, desk: &mut Desk<'_>) -> Addresses {
    let derived = derive::derive(event, "");
    let few = &event.source_ips[..event.source_ips.len().min(LIST_ELEMENTS_MAX)];
    Addresses {
        source_ips: desk.words.code_of_list(Coded::SourceIps, few),
        client_ip: desk.words.code_of(Coded::ClientIp, derived.client_ip),
        disagree: derived.source_ips_disagree,
    }
}

fn agent(event: &Event<'_>, desk: &mut Desk<'_>) -> Agent {
    let is_long = event.user_agent.is_some_and(is_long);
    Agent { agent: desk.clean(Coded::UserAgent, event.user_agent), is_long }
}
