//! The names that tell envelopes apart, so that one pass over an object's members answers all of them.

use crate::event::document::Document;

macro_rules! keys {
    ($($name:ident = $text:literal,)*) => {
        /// A member by which something is told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Key {
            $($name,)*
        }

        impl Key {
            fn of(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

keys! {
    Agent = "agent",
    ApiVersion = "apiVersion",
    Attributes = "attributes",
    AuditIdCapital = "AuditID",
    AuditId = "AuditId",
    AuditPayload = "AuditPayload",
    AwsLogs = "awslogs",
    Beat = "beat",
    Body = "body",
    Category = "category",
    CategoryCapital = "Category",
    ClassUid = "class_uid",
    Data = "data",
    Date = "date",
    Docker = "docker",
    Ecs = "ecs",
    Entry = "Entry",
    Event = "event",
    EventId = "eventId",
    EventType = "event_type",
    Events = "events",
    Fields = "fields",
    FullMessage = "full_message",
    Hits = "hits",
    Host = "host",
    Id = "_id",
    Index = "_index",
    IndexOfSplunk = "index",
    IngestionTime = "ingestionTime",
    InsertId = "insertId",
    Items = "items",
    ItemsCapital = "Items",
    JournalTime = "__REALTIME_TIMESTAMP",
    JsonPayload = "jsonPayload",
    K8sAuditLevel = "k8s_audit_level",
    Kind = "kind",
    Kubernetes = "kubernetes",
    Labels = "labels",
    Level = "level",
    LevelCapital = "Level",
    Line = "line",
    Log = "log",
    LogEvents = "logEvents",
    LogName = "logName",
    LogOfDiagnostics = "log_s",
    LogStreamName = "logStreamName",
    LogType = "log_type",
    Message = "message",
    MessageCapital = "MESSAGE",
    MessageId = "messageId",
    MessageType = "messageType",
    Metadata = "@metadata",
    Method = "method",
    Openshift = "openshift",
    OpenshiftAuditLevel = "openshift_audit_level",
    Partial = "_p",
    Preview = "preview",
    Properties = "properties",
    ProtoPayload = "protoPayload",
    ProtoPayloadOfBigQuery = "protopayload_auditlog",
    PublishTime = "publishTime",
    Raw = "_raw",
    ReceivedMessages = "receivedMessages",
    Records = "records",
    RecordsCapital = "Records",
    RequestTimestamp = "requestTimestamp",
    RequestUri = "requestURI",
    RequestUriOfTable = "RequestUri",
    ResourceLogs = "resourceLogs",
    Result = "result",
    Results = "results",
    ScopeLogs = "scopeLogs",
    ShortMessage = "short_message",
    Source = "_source",
    SourceType = "source_type",
    SourcetypeOfSplunk = "sourcetype",
    Stage = "Stage",
    Status = "status",
    Stream = "stream",
    Streams = "streams",
    Subscription = "subscription",
    Tag = "tag",
    TextPayload = "textPayload",
    Time = "time",
    Timestamp = "timestamp",
    TimestampOfElastic = "@timestamp",
    User = "user",
    Version = "version",
    VersionOfLogstash = "@version",
}

/// Which of the keys an object has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keys(u128);

impl Keys {
    /// Those of the document's outermost object.
    pub(super) fn of(document: &Document<'_>) -> Self {
        let bits = document.fields(0).filter_map(|field| Key::of(field.key)).fold(0, |bits, key| bits | bit(key));
        Self(bits)
    }

    pub(super) fn has(self, key: Key) -> bool {
        self.0 & bit(key) != 0
    }

    pub(super) fn has_all(self, keys: &[Key]) -> bool {
        keys.iter().all(|key| self.has(*key))
    }

    pub(super) fn has_any(self, keys: &[Key]) -> bool {
        keys.iter().any(|key| self.has(*key))
    }
}

fn bit(key: Key) -> u128 {
    1 << (key as u32)
}
