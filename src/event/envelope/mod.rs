//! Wrappers around audit events: their names, how each is told by what it holds, and what is inside.
//!
//! Only a line that is no event is asked what it wraps. Whatever an event quotes, a user agent or a body that looks like
//! an envelope, it stays one event: the texts that an envelope is told by are its own members, never those of an event.
//!
//! Envelopes are told by the names of their members (`told::ROWS`) or, for text before the JSON, by the exact shape of what
//! stands there ([`prefix`]). What is inside comes out as [`Piece`]s, which are read as if they were lines: an event, or
//! another envelope.

mod aws;
mod azure;
mod cluster;
pub(super) mod cut;
mod google;
mod keys;
mod look;
mod openshift;
pub(super) mod packed;
pub(super) mod prefix;
pub(super) mod rebuild;
mod shippers;
mod told;

use std::fmt;
use std::str::FromStr;

use memchr::memmem;

use super::parse::Rejected;
use super::reject::Reason;
pub(super) use cluster::safe as safe_cluster;
pub(super) use told::{Shape, told};

/// The members of an event in the order of Go's `audit.Event`.
const MEMBERS: [&str; 19] = [
    "kind",
    "apiVersion",
    "level",
    "auditID",
    "stage",
    "requestURI",
    "verb",
    "user",
    "impersonatedUser",
    "authenticationMetadata",
    "sourceIPs",
    "userAgent",
    "objectRef",
    "responseStatus",
    "requestObject",
    "responseObject",
    "requestReceivedTimestamp",
    "stageTimestamp",
    "annotations",
];

macro_rules! envelopes {
    ($($variant:ident = $name:literal, $carries:literal, $about:literal;)*) => {
        /// What an event was wrapped in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is explained by `about`")]
        pub enum Envelope {
            $($variant,)*
        }

        impl Envelope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, as `--envelope` and the column `envelope` have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about,)*
                }
            }

            /// Whether it carries whatever is given to it, so that it says nothing of where an event comes from.
            const fn is_carrier(self) -> bool {
                match self {
                    $(Self::$variant => $carries,)*
                }
            }
        }
    };
}

envelopes! {
    Native = "native", true, "one event on a line, as an API server writes it";
    EventList = "event-list", true, "EventList of a webhook, or any Kubernetes list";
    GoNames = "go-names", false, "events with the names of Go's fields, as home-made webhooks write them";
    Legacy = "legacy", false, "text of --audit-log-format=legacy";
    EksSubscription = "eks-subscription", false, "CloudWatch Logs subscription record: Firehose, Kinesis, Lambda";
    EksExport = "eks-export", false, "CloudWatch Logs export task: time, then the event";
    EksFilter = "eks-filter", false, "answer of aws logs filter-log-events or get-log-events";
    EksInsights = "eks-insights", false, "result of a CloudWatch Logs Insights query";
    EksTail = "eks-tail", false, "output of aws logs tail";
    Ocsf = "ocsf", false, "Amazon Security Lake, OCSF API Activity";
    AksRecords = "aks-records", false, "Azure Event Hub message with records";
    AksLine = "aks-line", false, "Azure diagnostic log record, as in a storage account";
    AksTable = "aks-table", false, "rows of the Log Analytics tables AKSAudit and AKSAuditAdmin";
    Gke = "gke", false, "Cloud Logging entry of Kubernetes Engine's audit log";
    CloudLogging = "cloud-logging", true, "Cloud Logging entry with a payload of text or JSON";
    OpenshiftNodeLogs = "openshift-node-logs", false, "output of oc adm node-logs: node, then the event";
    OpenshiftViaq = "openshift-viaq", false, "record of OpenShift Logging";
    Otlp = "otlp", true, "OpenTelemetry log records as JSON";
    Rancher = "rancher", false, "API audit log of Rancher itself";
    AckSls = "ack-sls", false, "Alibaba Cloud Log Service: every field a text";
    Yandex = "yandex", false, "Yandex Cloud Audit Trails";
    Elastic = "elastic", true, "Elastic Agent, or a document exported from Elasticsearch";
    DockerJson = "docker-json", true, "Docker's json-file log";
    Cri = "cri", true, "container log of containerd or CRI-O";
    FluentBit = "fluent-bit", true, "record of Fluent Bit or Fluentd as JSON";
    Fluentd = "fluentd", true, "Fluentd's out_file: time, tag, record";
    Vector = "vector", true, "record of Vector";
    Filebeat = "filebeat", true, "record of Filebeat";
    Logstash = "logstash", true, "record of Logstash";
    Loki = "loki", true, "answer or push of Loki";
    Logcli = "logcli", true, "output of logcli, or lines downloaded from Grafana";
    Splunk = "splunk", true, "Splunk: HTTP event collector, or an exported search";
    Syslog = "syslog", true, "syslog, RFC 5424 or 3164";
    Journald = "journald", true, "journal entry as JSON";
    Gelf = "gelf", true, "Graylog extended log format";
    Pubsub = "pubsub", true, "Google Pub/Sub message";
    Kinesis = "kinesis", true, "event of AWS Lambda: Kinesis, Firehose, SNS, SQS";
    Timestamped = "timestamped", true, "time, then the line, as kubectl logs --timestamps writes it";
    Grep = "grep", true, "name of a file, then the line, as grep writes it";
    JsonArray = "json-array", true, "array of records on one line";
    JsonMessage = "json-message", true, "any other object with the event as the text or object of one member";
}

impl Envelope {
    /// Whether who asks for `self` gets what was found in `found`: elements of a list that spans lines come as lines of
    /// their own.
    pub(super) fn covers(self, found: Self) -> bool {
        self == found
            || match self {
                Self::EventList | Self::JsonArray => found == Self::Native,
                Self::AksRecords => found == Self::AksLine,
                _ => false,
            }
    }

    /// Whether it is known for what it is, so that a text in it that is no event is a line of another log.
    pub(super) fn brings_other_logs(self) -> bool {
        !matches!(self, Self::Native | Self::EventList | Self::GoNames | Self::JsonArray | Self::JsonMessage)
    }

    /// What an event counts as wrapped in that lies in `self` and in `inner` within it: the outermost that says where
    /// it comes from, else the outermost.
    pub(super) fn around(self, inner: Self) -> Self {
        let is_poorer = self == Self::Native || self.is_carrier() && !inner.is_carrier();
        if is_poorer { inner } else { self }
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Envelope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(|envelope| envelope.name()).collect::<Vec<_>>().join(", ");
        let known = Self::ALL.iter().find(|envelope| envelope.name() == text);
        known.copied().ok_or_else(|| format!("unknown envelope; use one of {}", names()))
    }
}

/// What lies in an envelope, one after the other.
#[derive(Debug)]
pub(super) struct Wrapped<'a> {
    pub(super) envelope: Envelope,
    pub(super) pieces: Vec<Piece<'a>>,
}

/// One thing in an envelope, and what the envelope says of it.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) inner: Inner<'a>,
    /// When it was written, microseconds since 1970.
    pub(super) time: Option<i64>,
    /// The cluster, as it stands there.
    pub(super) cluster: Option<&'a str>,
    pub(super) api_server: Option<&'static str>,
    /// Whether it is called an API server's audit log, so that anything else in it is wrong.
    pub(super) is_audit: bool,
}

/// What a piece is.
#[derive(Debug)]
pub(super) enum Inner<'a> {
    /// The text of an event or of another envelope.
    Text(&'a str),
    /// The same, as it stands in the line.
    Json(&'a [u8]),
    /// The same in base64, which may be gzip below that.
    Packed(&'a str),
    /// An event told in other words.
    Rebuilt(rebuild::Rebuilt),
    /// The text of a log that is no audit log.
    NotAudit,
    Rejected(Reason, &'static str),
}

/// What an object wraps; `None` if it is not of the kind that was looked for.
type Told<'a> = Result<Option<Wrapped<'a>>, Rejected>;

impl<'a> Wrapped<'a> {
    fn new(envelope: Envelope, pieces: Vec<Piece<'a>>) -> Self {
        Self { envelope, pieces }
    }

    fn one(envelope: Envelope, piece: Piece<'a>) -> Self {
        Self::new(envelope, vec![piece])
    }

    /// A line of a log that is no audit log.
    fn not_audit(envelope: Envelope) -> Self {
        Self::one(envelope, Piece::new(Inner::NotAudit))
    }
}

impl<'a> Piece<'a> {
    fn new(inner: Inner<'a>) -> Self {
        Self { inner, time: None, cluster: None, api_server: None, is_audit: false }
    }

    fn at(self, time: Option<i64>) -> Self {
        Self { time, ..self }
    }

    fn of(self, cluster: Option<&'a str>) -> Self {
        Self { cluster, ..self }
    }

    fn by(self, api_server: Option<&'static str>) -> Self {
        Self { api_server, ..self }
    }

    fn audit(self, is_audit: bool) -> Self {
        Self { is_audit, ..self }
    }

    /// A piece without the member that should hold the event.
    fn empty() -> Self {
        Self::new(Inner::Rejected(Reason::NotAuditEvent, "an envelope without the member that holds the event"))
    }

    fn of_payload(payload: Option<Inner<'a>>) -> Self {
        payload.map_or_else(Self::empty, Self::new)
    }
}

/// What makes a record into an event.
type Rebuilder = fn(&serde_json::Value) -> Result<rebuild::Rebuilt, rebuild::Refusal>;

/// What a rebuilder makes of the record that is the whole text.
fn rebuilt<'a>(envelope: Envelope, text: &[u8], by: Rebuilder) -> Wrapped<'a> {
    let inner = match rebuild::parse(text).map(|record| by(&record)) {
        Ok(Ok(event)) => Inner::Rebuilt(event),
        Ok(Err(rebuild::Refusal::NotAudit)) => Inner::NotAudit,
        Ok(Err(rebuild::Refusal::Broken(what))) => Inner::Rejected(Reason::NotAuditEvent, what),
        Err(rebuild::Refused::BadJson) => Inner::Rejected(Reason::BadJson, "not JSON"),
        Err(rebuild::Refused::DuplicateKey) => {
            Inner::Rejected(Reason::DuplicateKey, "a key stands twice in one object")
        }
        Err(rebuild::Refused::TooDeep | rebuild::Refused::TooMany) => {
            Inner::Rejected(Reason::TooDeep, "nested too deep, or too many values, for a record that is no event")
        }
    };
    Wrapped::one(envelope, Piece::new(inner).audit(true))
}

/// Whether a text speaks of audit events at all. What lies in a carrier and does not is the log of something else.
pub(super) fn may_be_event(text: &[u8]) -> bool {
    memmem::find(text, b"auditID").is_some() || memmem::find(text, b"audit.k8s.io").is_some()
}

/// The API server that a path names: must-gather and `oc adm node-logs --path` keep each server's log in a folder.
pub(super) fn api_server_of(path: &str) -> Option<&'static str> {
    const SERVERS: [&str; 4] = ["openshift-apiserver", "oauth-apiserver", "oauth-server", "kube-apiserver"];
    let folders = || path.split(['/', '\\']).rev().skip(1);
    SERVERS.into_iter().find(|server| folders().any(|folder| folder == *server))
}

#[cfg(test)]
mod tests;
