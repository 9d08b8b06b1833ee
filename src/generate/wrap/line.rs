//! Wrappers of one event: a line each, or, where the line is too long for them, one for each piece.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::event::{Event, string};
use super::{Wrapper, google, record, renamed};

/// Where containerd and Docker cut a line.
const PIECE_BYTES: usize = 16 << 10;
/// The log stream of an EKS control plane.
pub(super) const STREAM: &str = "kube-apiserver-audit-0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Appends an event, line ends included.
pub(super) fn write(wrapper: Wrapper, event: &Event<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let line = match wrapper {
        Wrapper::Cri => return pieces(event, out, cri),
        Wrapper::DockerJson => return pieces(event, out, docker),
        Wrapper::Pubsub => pubsub(event),
        Wrapper::Gke => google::entry(event).to_string(),
        Wrapper::Ocsf => record::ocsf(event).to_string(),
        Wrapper::Legacy => record::legacy(event),
        Wrapper::Elastic => record::elastic(event),
        Wrapper::AksTable => renamed::aks_table(event),
        Wrapper::AckSls => renamed::ack_sls(event),
        Wrapper::Yandex => renamed::yandex(event),
        Wrapper::OpenshiftViaq => renamed::viaq(event),
        Wrapper::AksLine => azure(event),
        _ => simple(wrapper, event),
    };
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
    Ok(())
}

/// The line as it is behind something, or as a text or an object in a record.
fn simple(wrapper: Wrapper, event: &Event<'_>) -> String {
    let (line, text, seconds) = (event.line, string(event.line), event.seconds());
    let (millis, micros) = (event.stamp(3), event.stamp(6));
    match wrapper {
        Wrapper::EksExport => format!("{millis}Z {line}"),
        Wrapper::EksTail => format!("{micros}+00:00 {STREAM} {line}"),
        Wrapper::OpenshiftNodeLogs => format!("master-0.example.com {line}"),
        Wrapper::Fluentd => format!("{}+00:00\tkube-apiserver-audit\t{line}", &micros[..19]),
        Wrapper::Syslog => format!("<133>1 {micros}Z master-0 k8s-audit - - - {line}"),
        Wrapper::FluentBit => format!(r#"{{"date":{seconds},"log":{text}}}"#),
        Wrapper::Vector => format!(
            r#"{{"file":"/var/log/kubernetes/audit.log","host":"master-0","message":{text},"source_type":"file","timestamp":"{micros}Z"}}"#
        ),
        Wrapper::Filebeat => format!(
            r#"{{"@timestamp":"{millis}Z","@metadata":{{"beat":"filebeat","type":"_doc","version":"8.15.0"}},"log":{{"offset":{},"file":{{"path":"/var/log/kubernetes/audit.log"}}}},"message":{text},"input":{{"type":"filestream"}},"ecs":{{"version":"8.0.0"}},"host":{{"name":"master-0"}},"agent":{{"type":"filebeat"}}}}"#,
            event.number
        ),
        Wrapper::Logcli => {
            format!(r#"{{"labels":{{"job":"kube-audit","node":"master-0"}},"line":{text},"timestamp":"{micros}Z"}}"#)
        }
        Wrapper::Splunk => format!(
            r#"{{"time":{seconds},"host":"master-0","source":"/var/log/kubernetes/audit.log","sourcetype":"kube:apiserver-audit","index":"k8s","event":{line}}}"#
        ),
        Wrapper::Gelf => format!(
            r#"{{"version":"1.1","host":"master-0","short_message":"audit event","full_message":{text},"timestamp":{seconds},"level":6}}"#
        ),
        _ => line.to_owned(),
    }
}

/// A diagnostic log record of Azure's storage accounts.
fn azure(event: &Event<'_>) -> String {
    format!(
        r#"{{"category":"kube-audit","operationName":"{}","properties":{{"log":{},"containerID":"{:064x}","stream":"stdout","pod":"{}"}},"resourceId":"{}","serviceBuild":"na","time":"{}Z"}}"#,
        renamed::AKS_OPERATION,
        string(event.line),
        0xa1,
        renamed::AKS_POD,
        renamed::AKS_RESOURCE.to_ascii_uppercase(),
        event.stamp(9)
    )
}

fn pubsub(event: &Event<'_>) -> String {
    let data = STANDARD.encode(google::entry(event).to_string());
    format!(
        r#"{{"message":{{"data":"{data}","messageId":"{}","publishTime":"{}Z"}},"subscription":"projects/example-project/subscriptions/audit"}}"#,
        event.number + 1,
        event.stamp(3)
    )
}

/// Appends the pieces of a line, each by `write` with whether it is the last.
fn pieces(event: &Event<'_>, out: &mut Vec<u8>, write: fn(&str, bool, &str, &mut Vec<u8>)) -> io::Result<()> {
    let (stamp, mut rest) = (event.stamp(9), event.line);
    loop {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        write(piece, after.is_empty(), &stamp, out);
        rest = after;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

fn cri(piece: &str, is_last: bool, stamp: &str, out: &mut Vec<u8>) {
    let tag = if is_last { "F" } else { "P" };
    out.extend_from_slice(format!("{stamp}Z stdout {tag} {piece}\n").as_bytes());
}

fn docker(piece: &str, is_last: bool, stamp: &str, out: &mut Vec<u8>) {
    let text = if is_last { string(&format!("{piece}\n")) } else { string(piece) };
    out.extend_from_slice(format!("{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"{stamp}Z\"}}\n").as_bytes());
}
