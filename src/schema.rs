//! The one Arrow schema of the lake's `events` table: fixed, versioned, never inferred.
//!
//! Names keep Kubernetes' words in snake case, so that whoever knows an audit event can guess the column. One row is
//! one audit event (one stage of a request). Fields of `audit.k8s.io/v1` `Event` that have no column of their own are
//! kept in `extra`. The meaning of the fields: `k8s.io/apiserver/pkg/apis/audit/v1/types.go`.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The version of [`COLUMNS`], written into every commit; a lake with a later one is refused. Version 2 added `envelope`,
/// `lost` and `api_server`, which are NULL in parts of version 1.
pub const SCHEMA_VERSION: u32 = 2;

/// The name of the partition column: the UTC date of `ts`, as `YYYY-MM-DD`. It lies in the path, not in the files.
pub const DATE: &str = "date";

/// The partition of events whose time is outside the years that an audit log can come from.
pub const DATE_OUTLIER: &str = "1970-01-01";

/// The type of a column, of which there are few on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A list of UTF-8 texts.
    Texts,
    /// Microseconds since 1970, UTC.
    Time,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// True or false.
    Flag,
    /// 16 bytes.
    Hash,
}

impl Kind {
    /// The Arrow type.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Flag => DataType::Boolean,
            Self::Hash => DataType::Binary,
        }
    }
}

/// One column: its name, type, whether it may be NULL, and what it holds.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name in SQL and in the Parquet files.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What it holds and where it comes from.
    pub doc: &'static str,
}

const fn column(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: true, doc }
}

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: false, doc }
}

use Kind::{Flag, Hash, Int, Long, Text, Texts, Time};

/// The columns in the order of the schema: where and when, the request, who, on what, the answer, what is derived
/// from them while parsing, the bodies, and where the event was read.
pub const COLUMNS: &[Column] = &[
    required("cluster", Text, "the cluster, as named at ingest, else by the envelope of the event"),
    required("ts", Time, "requestReceivedTimestamp (stageTimestamp where that is missing)"),
    column("stage_ts", Time, "stageTimestamp"),
    column("audit_id", Text, "auditID; the client may choose it, so it identifies nothing by itself"),
    column("stage", Text, "RequestReceived, ResponseStarted, ResponseComplete or Panic"),
    column("level", Text, "Metadata, Request or RequestResponse"),
    column("verb", Text, "the Kubernetes verb, or the lowercase HTTP method for non-resource URLs"),
    column("request_uri", Text, "path and query as sent by the client, credentials in the query redacted"),
    column("username", Text, "user.username: the authenticated user, before impersonation"),
    column("user_uid", Text, "user.uid"),
    column("groups", Texts, "user.groups"),
    column("user_extra", Text, "user.extra as a JSON object of lists"),
    column("impersonated_username", Text, "impersonatedUser.username"),
    column("impersonated_uid", Text, "impersonatedUser.uid"),
    column("impersonated_groups", Texts, "impersonatedUser.groups"),
    column("impersonated_extra", Text, "impersonatedUser.extra as a JSON object of lists"),
    column("impersonation_constraint", Text, "authenticationMetadata.impersonationConstraint (Kubernetes 1.35)"),
    column("source_ips", Texts, "sourceIPs; the client can forge all but the last"),
    column("user_agent", Text, "userAgent; the client chooses it"),
    column("resource", Text, "objectRef.resource"),
    column("subresource", Text, "objectRef.subresource"),
    column("namespace", Text, "objectRef.namespace"),
    column("name", Text, "objectRef.name; for list and watch, the name that a metadata.name field selector asks for"),
    column("api_group", Text, "objectRef.apiGroup; NULL for the core group"),
    column("api_version", Text, "objectRef.apiVersion"),
    column("object_uid", Text, "objectRef.uid"),
    column("resource_version", Text, "objectRef.resourceVersion"),
    column("response_code", Int, "responseStatus.code, the HTTP status"),
    column("response_status", Text, "responseStatus.status: Success or Failure"),
    column("response_reason", Text, "responseStatus.reason"),
    column("response_message", Text, "responseStatus.message"),
    column("response_details", Text, "responseStatus.details as JSON"),
    column("auth_decision", Text, "annotation authorization.k8s.io/decision: allow or forbid"),
    column("auth_reason", Text, "annotation authorization.k8s.io/reason: names the binding and role that allowed it"),
    column("annotations", Text, "annotations as a JSON object"),
    column("actor", Text, "whose rights were used: the impersonated user, else the user; NULL where nobody is named"),
    required(
        "actor_kind",
        Text,
        "human, service_account, node, control_plane, anonymous or unauthenticated, by the actor's name",
    ),
    column("service_account_namespace", Text, "namespace of an actor that is a service account"),
    column("service_account_name", Text, "name of an actor that is a service account"),
    column("client_ip", Text, "the last of source_ips: the peer that the API server saw"),
    required("source_ips_disagree", Flag, "whether an earlier source IP differs from client_ip (proxy or forgery)"),
    column("pod_name", Text, "user.extra authentication.kubernetes.io/pod-name: the pod that the token is bound to"),
    column("pod_uid", Text, "user.extra authentication.kubernetes.io/pod-uid"),
    column("node_name", Text, "user.extra authentication.kubernetes.io/node-name, or the node that the user is"),
    column("credential_id", Text, "user.extra authentication.kubernetes.io/credential-id: JTI=... or X509SHA256=..."),
    column("issued_credential_id", Text, "annotation .../issued-credential-id: the token that this request minted"),
    required("scope", Text, "named, namespace, cluster or non_resource: how much the request asked for"),
    required("outcome", Text, "allowed, denied, failed or unknown, from status code and decision together"),
    column("exec_command", Text, "the command of an exec, attach or kubelet run, from the URI, separated by spaces"),
    required(
        "sensitivity",
        Text,
        "secret, exec, token, rbac, workload, node_proxy, certificate, admission, config, review, impersonation, \
         anonymous, denied or other: the first that fits, so that detections read few rows",
    ),
    required("truncated", Flag, "whether annotation audit.k8s.io/truncated says that the bodies were dropped"),
    column("flags", Text, "oddities, separated by commas: type_mismatch, long_agent, clock_skew, cut"),
    column("request_object", Text, "requestObject as JSON text, redacted; a JSON patch is an array"),
    column("response_object", Text, "responseObject as JSON text, redacted"),
    column("extra", Text, "fields of the event without a column of their own, as a JSON object"),
    required("source", Text, "the file that the event was read from"),
    column(
        "envelope",
        Text,
        "what the event was wrapped in: native, or the outermost envelope that is more than a carrier",
    ),
    column("lost", Text, "fields that were lost on the way, by their names in the event, separated by commas"),
    column("api_server", Text, "the API server that wrote the event, where the envelope or the source's name says so"),
    required("line", Long, "the line in it, or for EventList the item, from 1"),
    required("event_hash", Hash, "128-bit hash of the whole event, which finds duplicates"),
];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(
        COLUMNS
            .iter()
            .map(|column| Field::new(column.name, column.kind.data_type(), column.nullable))
            .collect::<Vec<_>>(),
    ))
});

/// The Arrow schema of [`COLUMNS`]: what `event` builds and the Parquet files hold (without [`DATE`]).
#[must_use]
pub fn events() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// The position of a column in [`events`].
#[must_use]
pub fn index_of(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}

/// Says what a cluster's name must be where `text` is none: it goes into paths, labels and commands.
pub fn check_cluster(text: &str) -> Result<(), String> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if starts_well && text.len() <= 63 && text.bytes().all(is_inner) {
        return Ok(());
    }
    Err("use up to 63 lowercase letters, digits, dots, dashes and underscores".to_owned())
}
