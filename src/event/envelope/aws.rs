//! What Amazon wraps around events: CloudWatch Logs in its many forms, and the queues behind it.

use super::look::Look;
use super::{Envelope, Inner, Piece, Told, Wrapped};
use crate::event::document::Document;
use crate::event::parse::Rejected;

/// What a log stream of an EKS control plane holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Audit,
    /// The log of a component.
    Other,
    /// Not one of EKS.
    Unknown,
}

/// By its name.
pub(super) fn stream_of(name: &str) -> Stream {
    const OTHERS: [&str; 5] = [
        "kube-apiserver-",
        "authenticator-",
        "kube-scheduler-",
        "kube-controller-manager-",
        "cloud-controller-manager-",
    ];
    if name.starts_with("kube-apiserver-audit-") {
        Stream::Audit
    } else if OTHERS.iter().any(|prefix| name.starts_with(prefix)) {
        Stream::Other
    } else {
        Stream::Unknown
    }
}

/// The cluster of a log group named `/aws/eks/CLUSTER/cluster`.
fn cluster_of(group: &str) -> Option<&str> {
    let name = group.split_once("/aws/eks/")?.1.strip_suffix("/cluster")?;
    (!name.contains('/')).then_some(name)
}

/// A message of a stream. Those of other components are not read, whatever they hold.
fn message<'a>(look: Look<'a>, key: &str, stream: Stream) -> Result<Piece<'a>, Rejected> {
    if stream == Stream::Other {
        return Ok(Piece::new(Inner::NotAudit));
    }
    Ok(Piece::of_payload(look.payload(key)?).audit(stream == Stream::Audit))
}

/// `DATA_MESSAGE` with log events, or a `CONTROL_MESSAGE`, which only tries the way.
pub(super) fn subscription<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    if look.text(&["messageType"])? == Some("CONTROL_MESSAGE") {
        return Ok(Some(Wrapped::not_audit(Envelope::EksSubscription)));
    }
    let cluster = look.text(&["logGroup"])?.and_then(cluster_of);
    let stream = stream_of(look.text(&["logStream"])?.unwrap_or_default());
    let Some(events) = look.get("logEvents")?.filter(|events| events.is_array()) else { return Ok(None) };
    let of_event = |event: Look<'a>| Ok(message(event, "message", stream)?.at(event.time(&["timestamp"])?).of(cluster));
    let pieces: Result<_, Rejected> = events.elements().map(of_event).collect();
    Ok(Some(Wrapped::new(Envelope::EksSubscription, pieces?)))
}

/// What a function or a queue was given: the data of `awslogs`, or of each of the `Records`.
pub(super) fn lambda<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    if let Some(data) = look.text(&["awslogs", "data"])? {
        return Ok(Some(Wrapped::one(Envelope::Kinesis, Piece::new(Inner::Packed(data)))));
    }
    let Some(records) = look.get("Records")?.filter(|records| records.is_array()) else { return Ok(None) };
    let pieces: Result<_, Rejected> = records.elements().map(queued).collect();
    Ok(Some(Wrapped::new(Envelope::Kinesis, pieces?)))
}

fn queued(record: Look<'_>) -> Result<Piece<'_>, Rejected> {
    let inner = if let Some(data) = record.text(&["kinesis", "data"])? {
        Inner::Packed(data)
    } else if let Some(text) = record.text(&["Sns", "Message"])? {
        Inner::Text(text)
    } else if let Some(text) = record.text(&["body"])? {
        Inner::Text(text)
    } else {
        Inner::NotAudit
    };
    Ok(Piece::new(inner))
}

/// The answer of `filter-log-events` or `get-log-events`.
pub(super) fn filter<'a>(document: &Document<'a>) -> Told<'a> {
    let Some(events) = Look::top(document).get("events")?.filter(|events| events.is_array()) else { return Ok(None) };
    let is_log_event = |event: Look<'_>| event.text(&["message"]).is_ok_and(|message| message.is_some());
    if !events.elements().all(is_log_event) {
        return Ok(None);
    }
    let pieces: Result<_, Rejected> = events.elements().map(filtered).collect();
    Ok(Some(Wrapped::new(Envelope::EksFilter, pieces?)))
}

/// One event of such an answer.
pub(super) fn filter_event<'a>(document: &Document<'a>) -> Told<'a> {
    Ok(Some(Wrapped::one(Envelope::EksFilter, filtered(Look::top(document))?)))
}

fn filtered(event: Look<'_>) -> Result<Piece<'_>, Rejected> {
    let stream = stream_of(event.text(&["logStreamName"])?.unwrap_or_default());
    Ok(message(event, "message", stream)?.at(event.time(&["timestamp"])?))
}

/// The rows of a query of CloudWatch Logs Insights.
pub(super) fn insights<'a>(document: &Document<'a>) -> Told<'a> {
    let Some(rows) = Look::top(document).get("results")?.filter(|rows| rows.is_array()) else { return Ok(None) };
    let pieces: Result<Option<Vec<_>>, Rejected> = rows.elements().map(selected).collect();
    Ok(pieces?.map(|pieces| Wrapped::new(Envelope::EksInsights, pieces)))
}

/// One such row: an array of fields and their values.
pub(super) fn insights_row<'a>(document: &Document<'a>) -> Told<'a> {
    Ok(selected(Look::top(document))?.map(|piece| Wrapped::one(Envelope::EksInsights, piece)))
}

fn selected(row: Look<'_>) -> Result<Option<Piece<'_>>, Rejected> {
    let (mut found, mut stream, mut cluster, mut time) = (None, Stream::Unknown, None, None);
    for cell in row.elements() {
        let (Some(field), Some(value)) = (cell.text(&["field"])?, cell.text(&["value"])?) else { return Ok(None) };
        match field {
            "@message" => found = Some(Inner::Text(value)),
            "@logStream" => stream = stream_of(value),
            "@log" => cluster = cluster_of(value),
            "@timestamp" => time = crate::event::time::micros(&(value.replacen(' ', "T", 1) + "Z")),
            _ => {}
        }
    }
    if row.elements().next().is_none() {
        return Ok(None);
    }
    let piece = match stream {
        Stream::Other => Piece::new(Inner::NotAudit),
        _ => Piece::of_payload(found).audit(stream == Stream::Audit),
    };
    Ok(Some(piece.at(time).of(cluster)))
}
