//! From the fields of an event to a row of a block: texts become codes, secret values are taken out.

use super::derive::Derived;
use super::document::Document;
use super::parse::{Event, User};
use super::redact::{About, Redactor};
use crate::block::{Block, Coded, Codes, Facts, Plain, Vocabulary};
use crate::limits;

/// Where an event was read, and its hash.
pub(super) struct Origin<'a> {
    pub(super) cluster: &'a str,
    pub(super) source: &'a str,
    pub(super) line: u64,
    pub(super) hash: u128,
    /// What the event was wrapped in.
    pub(super) envelope: &'a str,
    /// The fields that this envelope never keeps.
    pub(super) lost: Option<&'a str>,
    /// The API server that wrote it, where the envelope or the source's name says so.
    pub(super) api_server: Option<&'a str>,
}

/// What the redaction of one event needs to know.
pub(super) struct Cleaner<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) document: Document<'a>,
}

/// The rows so far, and the texts that their codes stand for.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) block: Block,
    pub(super) vocabulary: Vocabulary,
}

impl Rows {
    /// Appends one event as one row.
    pub(super) fn append(
        &mut self,
        event: &Event<'_>,
        derived: &Derived<'_>,
        uri: Option<&str>,
        clean: &Cleaner<'_>,
        origin: &Origin<'_>,
    ) {
        let mut codes = Codes::default();
        let words = &mut self.vocabulary;
        let mut put = |column: Coded, text: Option<&str>| codes[column] = words.code_of(column, text);
        put(Coded::Cluster, Some(origin.cluster));
        put(Coded::Source, Some(origin.source));
        put(Coded::Envelope, Some(origin.envelope));
        put(Coded::Lost, origin.lost);
        put(Coded::ApiServer, origin.api_server);
        put(Coded::Stage, event.stage);
        put(Coded::Level, event.level);
        put(Coded::Verb, event.verb);
        put(Coded::RequestUri, uri);
        put(Coded::UserAgent, event.user_agent.map(|agent| clean.redactor.shapes(agent)).as_deref());
        let is_skewed = event.ts.zip(event.stage_ts).is_some_and(|(ts, stage_ts)| stage_ts < ts);
        let flags = flags(&[
            (event.type_mismatch, "type_mismatch"),
            (event.user_agent.is_some_and(is_long), LONG_AGENT),
            (is_skewed, CLOCK_SKEW),
            (event.cut, "cut"),
        ]);
        put(Coded::Flags, flags.as_deref());
        put_users(event, clean, &mut put);
        put_object(event, derived, &mut put);
        put_response(event, clean, &mut put);
        put_derived(derived, &mut put);
        codes[Coded::Groups] = words.code_of_list(Coded::Groups, few(&event.user.groups));
        codes[Coded::ImpersonatedGroups] =
            words.code_of_list(Coded::ImpersonatedGroups, few(&event.impersonated.groups));
        codes[Coded::SourceIps] = words.code_of_list(Coded::SourceIps, few(&event.source_ips));
        self.block.codes.push(codes);
        self.block.facts.push(Facts {
            ts: event.ts.unwrap_or_default(),
            stage_ts: event.stage_ts,
            response_code: event.response.code,
            line: origin.line.cast_signed(),
            event_hash: origin.hash,
            source_ips_disagree: derived.source_ips_disagree,
            truncated: event.annotations.truncated || event.cut,
        });
        self.append_texts(event, clean);
    }

    fn append_texts(&mut self, event: &Event<'_>, clean: &Cleaner<'_>) {
        let body = |body| clean.redactor.body(&clean.document, body, About::of(&event.object));
        let extra = extra(event);
        let mut put = |column: Plain, text: Option<&str>| self.block.texts_mut(column).push(text.map(str::as_bytes));
        put(Plain::AuditId, event.audit_id);
        put(Plain::ResourceVersion, event.object.resource_version);
        put(Plain::RequestObject, event.request_object.map(body).as_deref());
        put(Plain::ResponseObject, event.response_object.map(body).as_deref());
        put(Plain::Extra, extra.as_ref().map(|extra| clean.redactor.shapes(extra)).as_deref());
    }
}

fn put_users(event: &Event<'_>, clean: &Cleaner<'_>, put: &mut impl FnMut(Coded, Option<&str>)) {
    let extra = |user: &User<'_>| user.extra.map(|extra| clean.redactor.shapes(extra).into_owned());
    put(Coded::Username, event.user.username);
    put(Coded::UserUid, event.user.uid);
    put(Coded::UserExtra, extra(&event.user).as_deref());
    put(Coded::ImpersonatedUsername, event.impersonated.username);
    put(Coded::ImpersonatedUid, event.impersonated.uid);
    put(Coded::ImpersonatedExtra, extra(&event.impersonated).as_deref());
    put(Coded::ImpersonationConstraint, event.impersonation_constraint);
    put(Coded::PodName, event.user.pod_name);
    put(Coded::PodUid, event.user.pod_uid);
    put(Coded::CredentialId, event.user.credential_id);
    put(Coded::IssuedCredentialId, event.annotations.issued_credential_id);
}

fn put_object(event: &Event<'_>, derived: &Derived<'_>, put: &mut impl FnMut(Coded, Option<&str>)) {
    let object = &event.object;
    put(Coded::Resource, object.resource);
    put(Coded::Subresource, object.subresource);
    put(Coded::Namespace, object.namespace);
    put(Coded::Name, derived.name.as_deref());
    put(Coded::ApiGroup, object.api_group);
    put(Coded::ApiVersion, object.api_version);
    put(Coded::ObjectUid, object.uid);
}

fn put_response(event: &Event<'_>, clean: &Cleaner<'_>, put: &mut impl FnMut(Coded, Option<&str>)) {
    let response = &event.response;
    put(Coded::ResponseStatus, response.status);
    put(Coded::ResponseReason, response.reason);
    put(Coded::ResponseMessage, response.message.map(|text| clean.redactor.shapes(text)).as_deref());
    put(Coded::ResponseDetails, response.details.map(|text| clean.redactor.shapes(text)).as_deref());
    put(Coded::AuthDecision, event.annotations.decision);
    put(Coded::AuthReason, event.annotations.reason);
    put(Coded::Annotations, event.annotations.raw.map(|text| clean.redactor.shapes(text)).as_deref());
}

fn put_derived(derived: &Derived<'_>, put: &mut impl FnMut(Coded, Option<&str>)) {
    put(Coded::Actor, derived.actor);
    put(Coded::ActorKind, Some(derived.actor_kind));
    put(Coded::ServiceAccountNamespace, derived.service_account.map(|(namespace, _)| namespace));
    put(Coded::ServiceAccountName, derived.service_account.map(|(_, name)| name));
    put(Coded::ClientIp, derived.client_ip);
    put(Coded::NodeName, derived.node_name);
    put(Coded::Scope, Some(derived.scope));
    put(Coded::Outcome, Some(derived.outcome));
    put(Coded::ExecCommand, derived.exec_command.as_deref());
    put(Coded::Sensitivity, Some(derived.sensitivity));
}

fn few<'a, 'b>(texts: &'b [&'a str]) -> &'b [&'a str] {
    &texts[..texts.len().min(limits::LIST_ELEMENTS_MAX)]
}

fn extra(event: &Event<'_>) -> Option<String> {
    if event.extra.is_empty() {
        return None;
    }
    let fields: Vec<String> =
        event.extra.iter().map(|(key, raw)| format!("{}:{raw}", serde_json::Value::String(key.clone()))).collect();
    Some(format!("{{{}}}", fields.join(",")))
}

/// Whether an agent is longer than an API server writes it: at 1024 bytes it is cut and `...TRUNCATED` added.
pub(super) fn is_long(agent: &str) -> bool {
    agent.len() > 1_024 + 16
}

/// Oddities, as `schema::COLUMNS` names them: of each, whether it is there.
pub(super) fn flags(flags: &[(bool, &'static str)]) -> Option<String> {
    let set: Vec<&str> = flags.iter().filter_map(|(is_set, flag)| is_set.then_some(*flag)).collect();
    (!set.is_empty()).then(|| set.join(","))
}

/// A stage that ended before the request came: then a clock is wrong.
pub(super) const CLOCK_SKEW: &str = "clock_skew";
/// An agent that no API server writes.
pub(super) const LONG_AGENT: &str = "long_agent";
