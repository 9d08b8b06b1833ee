//! From the fields of events to Arrow columns: one builder for each column of `schema::events`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Int32Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;

use super::derive::Derived;
use super::document::Document;
use super::parse::{Event, User};
use super::redact::Redactor;
use crate::{limits, schema};

type TextsBuilder = ListBuilder<StringBuilder>;

macro_rules! columns {
    ($($name:ident: $builder:ty = $new:expr),* $(,)?) => {
        /// The builders, in the order of the schema.
        pub(super) struct Columns {
            $($name: $builder,)*
        }

        impl Columns {
            #[cfg(test)]
            const NAMES: &[&str] = &[$(stringify!($name)),*];

            pub(super) fn new() -> Self {
                Self { $($name: $new,)* }
            }

            fn finish_all(&mut self) -> Vec<ArrayRef> {
                vec![$(Arc::new(self.$name.finish()),)*]
            }
        }
    };
}

columns! {
    cluster: StringBuilder = StringBuilder::new(),
    ts: TimestampMicrosecondBuilder = time_builder(),
    stage_ts: TimestampMicrosecondBuilder = time_builder(),
    audit_id: StringBuilder = StringBuilder::new(),
    stage: StringBuilder = StringBuilder::new(),
    level: StringBuilder = StringBuilder::new(),
    verb: StringBuilder = StringBuilder::new(),
    request_uri: StringBuilder = StringBuilder::new(),
    username: StringBuilder = StringBuilder::new(),
    user_uid: StringBuilder = StringBuilder::new(),
    groups: TextsBuilder = texts_builder(),
    user_extra: StringBuilder = StringBuilder::new(),
    impersonated_username: StringBuilder = StringBuilder::new(),
    impersonated_uid: StringBuilder = StringBuilder::new(),
    impersonated_groups: TextsBuilder = texts_builder(),
    impersonated_extra: StringBuilder = StringBuilder::new(),
    impersonation_constraint: StringBuilder = StringBuilder::new(),
    source_ips: TextsBuilder = texts_builder(),
    user_agent: StringBuilder = StringBuilder::new(),
    resource: StringBuilder = StringBuilder::new(),
    subresource: StringBuilder = StringBuilder::new(),
    namespace: StringBuilder = StringBuilder::new(),
    name: StringBuilder = StringBuilder::new(),
    api_group: StringBuilder = StringBuilder::new(),
    api_version: StringBuilder = StringBuilder::new(),
    object_uid: StringBuilder = StringBuilder::new(),
    resource_version: StringBuilder = StringBuilder::new(),
    response_code: Int32Builder = Int32Builder::new(),
    response_status: StringBuilder = StringBuilder::new(),
    response_reason: StringBuilder = StringBuilder::new(),
    response_message: StringBuilder = StringBuilder::new(),
    response_details: StringBuilder = StringBuilder::new(),
    auth_decision: StringBuilder = StringBuilder::new(),
    auth_reason: StringBuilder = StringBuilder::new(),
    annotations: StringBuilder = StringBuilder::new(),
    actor: StringBuilder = StringBuilder::new(),
    actor_kind: StringBuilder = StringBuilder::new(),
    service_account_namespace: StringBuilder = StringBuilder::new(),
    service_account_name: StringBuilder = StringBuilder::new(),
    client_ip: StringBuilder = StringBuilder::new(),
    source_ips_disagree: BooleanBuilder = BooleanBuilder::new(),
    pod_name: StringBuilder = StringBuilder::new(),
    pod_uid: StringBuilder = StringBuilder::new(),
    node_name: StringBuilder = StringBuilder::new(),
    credential_id: StringBuilder = StringBuilder::new(),
    issued_credential_id: StringBuilder = StringBuilder::new(),
    scope: StringBuilder = StringBuilder::new(),
    outcome: StringBuilder = StringBuilder::new(),
    exec_command: StringBuilder = StringBuilder::new(),
    sensitivity: StringBuilder = StringBuilder::new(),
    truncated: BooleanBuilder = BooleanBuilder::new(),
    flags: StringBuilder = StringBuilder::new(),
    request_object: StringBuilder = StringBuilder::new(),
    response_object: StringBuilder = StringBuilder::new(),
    extra: StringBuilder = StringBuilder::new(),
    source: StringBuilder = StringBuilder::new(),
    line: Int64Builder = Int64Builder::new(),
    event_hash: BinaryBuilder = BinaryBuilder::new(),
}

fn time_builder() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}

fn texts_builder() -> TextsBuilder {
    ListBuilder::new(StringBuilder::new())
}

/// Where an event was read, and its hash.
pub(super) struct Origin<'a> {
    pub(super) cluster: &'a str,
    pub(super) source: &'a str,
    pub(super) line: u64,
    pub(super) hash: u128,
}

/// What the redaction of one event needs to know.
pub(super) struct Cleaner<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) document: Document<'a>,
    /// Whether the line has a mark of a credential at all.
    pub(super) suspect: bool,
}

impl Cleaner<'_> {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.suspect { self.redactor.shapes(text) } else { Cow::Borrowed(text) }
    }
}

impl Columns {
    /// Appends one event as one row.
    pub(super) fn append(
        &mut self,
        event: &Event<'_>,
        derived: &Derived<'_>,
        uri: Option<&str>,
        clean: &Cleaner<'_>,
        origin: &Origin<'_>,
    ) {
        self.cluster.append_value(origin.cluster);
        self.ts.append_value(event.ts);
        self.stage_ts.append_option(event.stage_ts);
        self.audit_id.append_option(event.audit_id);
        self.stage.append_option(event.stage);
        self.level.append_option(event.level);
        self.verb.append_option(event.verb);
        self.request_uri.append_option(uri);
        self.user_agent.append_option(event.user_agent.map(|agent| clean.text(agent)));
        self.append_users(event, clean);
        append_texts(&mut self.source_ips, &event.source_ips);
        self.append_object(event, derived);
        self.append_response(event, clean);
        self.append_derived(derived);
        let object = &event.object;
        let body = |body| clean.redactor.body(&clean.document, body, object);
        self.request_object.append_option(event.request_object.map(body));
        self.response_object.append_option(event.response_object.map(body));
        self.extra.append_option(extra(event).map(|extra| clean.text(&extra).into_owned()));
        self.flags.append_option(flags(event));
        self.source.append_value(origin.source);
        self.line.append_value(origin.line.cast_signed());
        self.event_hash.append_value(origin.hash.to_be_bytes());
    }

    fn append_users(&mut self, event: &Event<'_>, clean: &Cleaner<'_>) {
        let extra = |user: &User<'_>| user.extra.map(|extra| clean.text(extra).into_owned());
        self.username.append_option(event.user.username);
        self.user_uid.append_option(event.user.uid);
        append_texts(&mut self.groups, &event.user.groups);
        self.user_extra.append_option(extra(&event.user));
        self.impersonated_username.append_option(event.impersonated.username);
        self.impersonated_uid.append_option(event.impersonated.uid);
        append_texts(&mut self.impersonated_groups, &event.impersonated.groups);
        self.impersonated_extra.append_option(extra(&event.impersonated));
        self.impersonation_constraint.append_option(event.impersonation_constraint);
        self.pod_name.append_option(event.user.pod_name);
        self.pod_uid.append_option(event.user.pod_uid);
        self.credential_id.append_option(event.user.credential_id);
        self.issued_credential_id.append_option(event.annotations.issued_credential_id);
    }

    fn append_object(&mut self, event: &Event<'_>, derived: &Derived<'_>) {
        let object = &event.object;
        self.resource.append_option(object.resource);
        self.subresource.append_option(object.subresource);
        self.namespace.append_option(object.namespace);
        self.name.append_option(derived.name.as_deref());
        self.api_group.append_option(object.api_group);
        self.api_version.append_option(object.api_version);
        self.object_uid.append_option(object.uid);
        self.resource_version.append_option(object.resource_version);
    }

    fn append_response(&mut self, event: &Event<'_>, clean: &Cleaner<'_>) {
        let response = &event.response;
        self.response_code.append_option(response.code);
        self.response_status.append_option(response.status);
        self.response_reason.append_option(response.reason);
        self.response_message.append_option(response.message.map(|text| clean.text(text)));
        self.response_details.append_option(response.details.map(|text| clean.text(text)));
        self.auth_decision.append_option(event.annotations.decision);
        self.auth_reason.append_option(event.annotations.reason);
        self.annotations.append_option(event.annotations.raw.map(|text| clean.text(text)));
        self.truncated.append_value(event.annotations.truncated);
    }

    fn append_derived(&mut self, derived: &Derived<'_>) {
        self.actor.append_option(derived.actor);
        self.actor_kind.append_value(derived.actor_kind);
        self.service_account_namespace.append_option(derived.service_account.map(|(namespace, _)| namespace));
        self.service_account_name.append_option(derived.service_account.map(|(_, name)| name));
        self.client_ip.append_option(derived.client_ip);
        self.source_ips_disagree.append_value(derived.source_ips_disagree);
        self.node_name.append_option(derived.node_name);
        self.scope.append_value(derived.scope);
        self.outcome.append_value(derived.outcome);
        self.exec_command.append_option(derived.exec_command.as_deref());
        self.sensitivity.append_value(derived.sensitivity);
    }

    /// The rows so far as one batch; the builders begin anew.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.finish_all();
        RecordBatch::try_new(schema::events(), columns)
    }
}

fn append_texts(builder: &mut TextsBuilder, texts: &[&str]) {
    for text in texts.iter().take(limits::LIST_ELEMENTS_MAX) {
        builder.values().append_value(text);
    }
    builder.append(!texts.is_empty());
}

fn extra(event: &Event<'_>) -> Option<String> {
    if event.extra.is_empty() {
        return None;
    }
    let fields: Vec<String> =
        event.extra.iter().map(|(key, raw)| format!("{}:{raw}", serde_json::Value::String(key.clone()))).collect();
    Some(format!("{{{}}}", fields.join(",")))
}

/// An API server cuts agents at 1024 bytes and adds `...TRUNCATED`; a stage cannot end before the request came.
fn flags(event: &Event<'_>) -> Option<String> {
    let flags = [
        (event.type_mismatch, "type_mismatch"),
        (event.user_agent.is_some_and(|agent| agent.len() > 1_024 + 16), "long_agent"),
        (event.stage_ts.is_some_and(|stage_ts| stage_ts < event.ts), "clock_skew"),
    ];
    let set: Vec<&str> = flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect();
    (!set.is_empty()).then(|| set.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builders_stand_in_the_order_of_the_schema() {
        let names: Vec<&str> = schema::COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(Columns::NAMES, names);
        assert_eq!(Columns::new().finish().unwrap().num_rows(), 0);
    }
}
