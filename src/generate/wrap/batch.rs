//! Wrappers of several events: documents with a head, the events, and a tail.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::event::{Event, string};
use super::line::STREAM;
use super::{Wrapper, renamed};

/// How a wrapper puts events together.
pub(super) struct Batch {
    /// At most this many in a document.
    pub(super) events: usize,
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// Whether each document is compressed by itself.
    pub(super) is_packed: bool,
}

/// What opens a record of a subscription, up to its events.
const SUBSCRIPTION: &str = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/aws/eks/example/cluster","logStream":"kube-apiserver-audit-0f1e2d3c4b5a69788796a5b4c3d2e1f0","subscriptionFilters":["audit"],"logEvents":["#;
/// What `CloudWatch` sends to see whether the way is open.
const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":0,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
const RESOURCE: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"k8s.cluster.name","value":{"stringValue":"example"}},{"key":"openshift.log.source","value":{"stringValue":"kubeAPI"}}]},"scopeLogs":[{"scope":{},"logRecords":["#;

/// All events in one document.
const ALL: usize = usize::MAX;

/// The documents of a wrapper; none if each event stands by itself.
pub(super) fn of(wrapper: Wrapper) -> Option<Batch> {
    let batch = |events, open, close| Some(Batch { events, open, close, is_packed: false });
    match wrapper {
        Wrapper::EventList => {
            batch(400, r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#, "]}\n")
        }
        Wrapper::GoNames => batch(40, r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1beta1","Items":["#, "]}\n"),
        Wrapper::EksSubscription => batch(50, SUBSCRIPTION, "]}\n"),
        Wrapper::EksFirehose => Some(Batch { events: 50, open: SUBSCRIPTION, close: "]}", is_packed: true }),
        Wrapper::EksFilter => batch(ALL, r#"{"events":["#, "],\"searchedLogStreams\":[]}\n"),
        Wrapper::EksInsights => batch(ALL, r#"{"results":["#, "],\"statistics\":{},\"status\":\"Complete\"}\n"),
        Wrapper::AksRecords => batch(100, r#"{"records": ["#, "]}\n"),
        Wrapper::Otlp => batch(100, RESOURCE, "]}]}]}\n"),
        Wrapper::Loki => batch(
            ALL,
            r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"job":"kube-audit","node":"master-0"},"values":["#,
            "]}],\"stats\":{}}}\n",
        ),
        _ => None,
    }
}

/// Appends what a wrapper writes before the first event.
pub(super) fn begin(wrapper: Wrapper, out: &mut Vec<u8>) -> io::Result<()> {
    if wrapper == Wrapper::EksFirehose { pack(CONTROL.as_bytes(), out) } else { Ok(()) }
}

/// Appends a document as a gzip member.
pub(super) fn pack(document: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, Compression::fast());
    encoder.write_all(document)?;
    encoder.finish().map(drop)
}

/// Appends an event as an element of its document.
pub(super) fn write(wrapper: Wrapper, event: &Event<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let (millis, text) = (event.millis(), string(event.line));
    let number = event.number;
    match wrapper {
        Wrapper::EventList => {
            // items have no version of their own
            let head = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","#;
            match event.line.strip_prefix(head) {
                Some(rest) => write!(out, "{{{rest}"),
                None => write!(out, "{}", event.line),
            }
        }
        Wrapper::GoNames => out.write_all(renamed::go_names(event).as_bytes()),
        Wrapper::EksSubscription | Wrapper::EksFirehose => {
            write!(out, r#"{{"id":"{number:056}","timestamp":{millis},"message":{text}}}"#)
        }
        Wrapper::EksFilter => write!(
            out,
            r#"{{"logStreamName":"{STREAM}","timestamp":{millis},"message":{text},"ingestionTime":{},"eventId":"{number:056}"}}"#,
            millis + 900
        ),
        Wrapper::EksInsights => {
            let stamp = event.stamp(3).replace('T', " ");
            write!(
                out,
                r#"[{{"field":"@timestamp","value":"{stamp}"}},{{"field":"@message","value":{text}}},{{"field":"@ptr","value":"C{number:015}"}}]"#
            )
        }
        Wrapper::AksRecords => write!(
            out,
            r#"{{ "operationName": "{}", "category": "kube-audit", "ccpNamespace": "0123456789abcdef01234567", "resourceId": "{}", "properties": {{"log":{},"stream":"stdout","pod":"{}"}}, "time": "{}Z", "Cloud": "AzureCloud", "Environment": "prod"}}"#,
            renamed::AKS_OPERATION,
            renamed::AKS_RESOURCE.to_ascii_uppercase(),
            string(&format!("{}\n", event.line)),
            renamed::AKS_POD,
            event.stamp(7)
        ),
        Wrapper::Otlp => write!(
            out,
            r#"{{"timeUnixNano":"{0}","observedTimeUnixNano":"{0}","severityText":"default","body":{{"stringValue":{text}}},"attributes":[{{"key":"k8s.audit.event.stage","value":{{"stringValue":{1}}}}}]}}"#,
            event.time.timestamp_nanos_opt().unwrap_or_default(),
            event.raw("stage").unwrap_or("null")
        ),
        Wrapper::Loki => {
            write!(out, r#"["{}",{text}]"#, event.time.timestamp_nanos_opt().unwrap_or_default())
        }
        _ => Ok(()),
    }
}
