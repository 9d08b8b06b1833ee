//! The parts of a canonical line that repeat, and the codes that each gives its row.

use super::super::columns::flags;
use super::super::derive;
use super::super::document::text_of;
use super::super::redact::Redactor;
use super::Spans;
use super::memo::{Memo, Piece};
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
struct Uri {
    uri: Code,
    selected_name: Code,
    command: Code,
    through_kubelet: bool,
    is_health: bool,
}

#[derive(Clone, Copy)]
struct Agent {
    agent: Code,
    flags: Code,
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

/// What verb and kind of object make of a request.
#[derive(Clone, Copy)]
struct Request {
    class: Code,
    is_read: bool,
    is_create: bool,
}

/// What the parts of a line say beyond codes.
#[derive(Default)]
pub(super) struct Said {
    pub(super) response_code: Option<i32>,
    pub(super) source_ips_disagree: bool,
    pub(super) truncated: bool,
}

/// Everything that is remembered from line to line.
pub(super) struct Parts {
    users: Memo<User>,
    addresses: Memo<Addresses>,
    uris: Memo<Uri>,
    agents: Memo<Agent>,
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
        match text {
            Some(text) if self.redactor.is_suspect(text) => self.words.code(column, &self.redactor.shapes(text)),
            text => self.words.code_of(column, text),
        }
    }
}

/// A field as a piece of JSON: what stands before and behind the text that was found.
type Field<'a> = (&'static [u8], &'a [u8], &'static [u8]);

impl Parts {
    pub(super) fn new() -> Self {
        Self {
            users: Memo::new(),
            addresses: Memo::new(),
            uris: Memo::new(),
            agents: Memo::new(),
            responses: Memo::new(),
            annotations: Memo::new(),
            requests: Memo::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    pub(super) fn bytes(&self) -> usize {
        self.users.bytes()
            + self.addresses.bytes()
            + self.uris.bytes()
            + self.agents.bytes()
            + self.responses.bytes()
            + self.annotations.bytes()
            + self.requests.bytes()
    }

    /// The codes of a line's parts, all but those of the object's own fields, which `codes` has already.
    pub(super) fn put(
        &mut self,
        spans: &Spans<'_>,
        piece: &mut Piece,
        desk: &mut Desk<'_>,
        codes: &mut Codes,
    ) -> Option<Said> {
        let mut said = Said::default();
        let user = self.user((b"\"user\":", spans.user, b""), piece, desk)?;
        USER.iter().zip(user.codes).for_each(|(column, code)| codes[*column] = code);
        let addresses = self.addresses((b"\"sourceIPs\":[", spans.source_ips, b""), piece, desk)?;
        codes[Coded::SourceIps] = addresses.source_ips;
        codes[Coded::ClientIp] = addresses.client_ip;
        said.source_ips_disagree = addresses.disagree;
        if let Some(agent) = spans.user_agent {
            let agent = self.agent((b"\"userAgent\":\"", agent, b"\""), piece, desk)?;
            codes[Coded::UserAgent] = agent.agent;
            codes[Coded::Flags] = agent.flags;
        }
        let uri = self.uri((b"\"requestURI\":\"", spans.uri, b"\""), piece, desk)?;
        codes[Coded::RequestUri] = uri.uri;
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
        let request = self.request(spans, codes, desk)?;
        let by_command = uri.through_kubelet || matches!(spans.object.subresource, Some(b"exec" | b"attach"));
        if by_command {
            codes[Coded::ExecCommand] = uri.command;
        }
        let has_name = codes[Coded::Name] != NULL;
        let is_resource = spans.object.resource.is_some_and(|resource| !resource.is_empty());
        let is_namespaced = spans.object.namespace.is_some_and(|namespace| !namespace.is_empty());
        let scope = derive::scope(is_resource, has_name || request.is_create, is_namespaced);
        codes[Coded::Scope] = desk.words.code(Coded::Scope, scope);
        codes[Coded::Sensitivity] = if request.class == NULL {
            let is_anonymous = user.is_anonymous && !(request.is_read && uri.is_health);
            let class = derive::class_of_other(false, is_anonymous, is_denied);
            desk.words.code(Coded::Sensitivity, class)
        } else {
            request.class
        };
        Some(said)
    }

    fn user(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<User> {
        self.users.of(field.1, || {
            piece.event(field, |event| {
                let derived = derive::derive(event, "");
                let words = &mut desk.words;
                let user = &event.user;
                let groups = &user.groups[..user.groups.len().min(LIST_ELEMENTS_MAX)];
                let groups = words.code_of_list(Coded::Groups, groups);
                let account = derived.service_account.unzip();
                let mut code = |column, text| words.code_of(column, text);
                let username = code(Coded::Username, user.username);
                let uid = code(Coded::UserUid, user.uid);
                let pod_name = code(Coded::PodName, user.pod_name);
                let pod_uid = code(Coded::PodUid, user.pod_uid);
                let credential = code(Coded::CredentialId, user.credential_id);
                let node = code(Coded::NodeName, derived.node_name);
                let actor = code(Coded::Actor, derived.actor);
                let kind = code(Coded::ActorKind, Some(derived.actor_kind));
                let namespace = code(Coded::ServiceAccountNamespace, account.0);
                let name = code(Coded::ServiceAccountName, account.1);
                let extra = desk.clean(Coded::UserExtra, user.extra);
                let codes =
                    [username, uid, groups, extra, pod_name, pod_uid, credential, node, actor, kind, namespace, name];
                Some(User { codes, is_anonymous: derived.actor_kind == derive::ANONYMOUS })
            })
        })
    }

    fn addresses(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Addresses> {
        self.addresses.of(field.1, || {
            piece.event(field, |event| {
                let derived = derive::derive(event, "");
                let few = &event.source_ips[..event.source_ips.len().min(LIST_ELEMENTS_MAX)];
                Some(Addresses {
                    source_ips: desk.words.code_of_list(Coded::SourceIps, few),
                    client_ip: desk.words.code_of(Coded::ClientIp, derived.client_ip),
                    disagree: derived.source_ips_disagree,
                })
            })
        })
    }

    fn agent(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Agent> {
        self.agents.of(field.1, || {
            piece.event(field, |event| {
                let flags = desk.words.code_of(Coded::Flags, flags(event).as_deref());
                Some(Agent { agent: desk.clean(Coded::UserAgent, event.user_agent), flags })
            })
        })
    }

    fn uri(&mut self, field: Field<'_>, piece: &mut Piece, desk: &mut Desk<'_>) -> Option<Uri> {
        self.uris.of(field.1, || {
            piece.event(field, |event| {
                let sent = event.request_uri?;
                let uri = desk.redactor.request_uri(sent);
                let (path, query) = uri.split_once('?').unwrap_or((&*uri, ""));
                Some(Uri {
                    uri: desk.words.code(Coded::RequestUri, &uri),
                    selected_name: desk.words.code_of(Coded::Name, derive::selected_name(query).as_deref()),
                    command: desk.words.code_of(Coded::ExecCommand, derive::command(query).as_deref()),
                    through_kubelet: derive::is_through_kubelet(path, query),
                    is_health: derive::is_health(path),
                })
            })
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

    fn request(&mut self, spans: &Spans<'_>, codes: &Codes, desk: &mut Desk<'_>) -> Option<Request> {
        let key = [Coded::Verb, Coded::Resource, Coded::Subresource, Coded::ApiGroup].map(|column| codes[column]);
        let key: [u8; 16] = std::array::from_fn(|at| key[at / 4].to_le_bytes()[at % 4]);
        self.requests.of(&key, || {
            let verb = text_of(spans.verb);
            let object = spans.object.kind();
            let class = derive::by_object(&object, verb);
            Some(Request {
                class: desk.words.code_of(Coded::Sensitivity, class),
                is_read: derive::is_read(verb),
                is_create: verb == "create",
            })
        })
    }
}
