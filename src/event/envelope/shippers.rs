//! What shippers and stores of logs wrap around any line: they know nothing of audit events.

use super::look::Look;
use super::{Envelope, Inner, Piece, Told, Wrapped, rebuild, rebuilt};
use crate::event::document::Document;
use crate::event::parse::Rejected;

/// The event is the text or the object at `key`; another type is another envelope's.
fn member<'a>(envelope: Envelope, look: Look<'a>, key: &str, time: Option<i64>) -> Told<'a> {
    Ok(look.payload(key)?.map(|inner| Wrapped::one(envelope, Piece::new(inner).at(time))))
}

/// As [`member`], of a text only.
fn text<'a>(envelope: Envelope, look: Look<'a>, key: &str, time: Option<i64>) -> Told<'a> {
    Ok(look.text(&[key])?.map(|text| Wrapped::one(envelope, Piece::new(Inner::Text(text)).at(time))))
}

pub(super) fn docker<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    text(Envelope::DockerJson, look, "log", look.time(&["time"])?)
}

pub(super) fn fluent_bit<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let time = look.time(&["date"])?.or(look.time(&["@timestamp"])?);
    text(Envelope::FluentBit, look, "log", time)
}

pub(super) fn vector<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    member(Envelope::Vector, look, "message", look.time(&["timestamp"])?)
}

pub(super) fn filebeat<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    text(Envelope::Filebeat, look, "message", look.time(&["@timestamp"])?)
}

pub(super) fn logstash<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    member(Envelope::Logstash, look, "message", look.time(&["@timestamp"])?)
}

pub(super) fn journald<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    text(Envelope::Journald, look, "MESSAGE", look.time(&["__REALTIME_TIMESTAMP"])?)
}

/// The whole message where there is one; the short one is the first line of it.
pub(super) fn gelf<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let time = look.time(&["timestamp"])?;
    for key in ["full_message", "message", "short_message"] {
        if let Some(wrapped) = text(Envelope::Gelf, look, key, time)? {
            return Ok(Some(wrapped));
        }
    }
    Ok(None)
}

/// A document as a search of Elasticsearch gives it.
pub(super) fn elastic_source<'a>(document: &Document<'a>) -> Told<'a> {
    member(Envelope::Elastic, Look::top(document), "_source", None)
}

/// The answer of a search.
pub(super) fn elastic_hits<'a>(document: &Document<'a>) -> Told<'a> {
    let Some(hits) = Look::top(document).get("hits")? else { return Ok(None) };
    let Some(list) = hits.list("hits")? else { return Ok(None) };
    let pieces = list.into_iter().map(|(_, text)| Piece::new(Inner::Json(text))).collect();
    Ok(Some(Wrapped::new(Envelope::Elastic, pieces)))
}

/// A document of Elastic Agent's: the event's fields below `kubernetes.audit`.
pub(super) fn elastic<'a>(document: &Document<'a>) -> Told<'a> {
    let audit = Look::top(document).path(&["kubernetes", "audit"])?;
    let is_it = audit.is_some_and(Look::is_object);
    Ok(is_it.then(|| rebuilt(Envelope::Elastic, document.text_of_all(), rebuild::elastic)))
}

/// The answer of a query of Loki's, or a push to it.
pub(super) fn loki<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let streams = match look.path(&["data", "result"])? {
        Some(result) => Some(result),
        None => look.get("streams")?,
    };
    let Some(streams) = streams.filter(|streams| streams.is_array()) else { return Ok(None) };
    let mut pieces = Vec::new();
    for stream in streams.elements() {
        let Some(values) = stream.get("values")? else { return Ok(None) };
        let cluster = stream.text(&["stream", "cluster"])?;
        for entry in values.elements() {
            pieces.push(entry_of(entry).map_or_else(Piece::empty, |piece| piece.of(cluster)));
        }
    }
    Ok(Some(Wrapped::new(Envelope::Loki, pieces)))
}

/// One entry: the time in nanoseconds, and the line.
pub(super) fn loki_entry<'a>(document: &Document<'a>) -> Option<Wrapped<'a>> {
    entry_of(Look::top(document)).map(|piece| Wrapped::one(Envelope::Loki, piece))
}

fn entry_of(look: Look<'_>) -> Option<Piece<'_>> {
    let mut parts = look.elements();
    let (time, line) = (parts.next()?.as_text()?, parts.next()?.as_text()?);
    let nanos: i64 = if time.len() < 16 { None } else { time.parse().ok() }?;
    Some(Piece::new(Inner::Text(line)).at(Some(nanos / 1_000)))
}

pub(super) fn logcli<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let cluster = look.text(&["labels", "cluster"])?;
    let wrapped = text(Envelope::Logcli, look, "line", look.time(&["timestamp"])?)?;
    Ok(wrapped.map(|mut wrapped| {
        wrapped.pieces.iter_mut().for_each(|piece| piece.cluster = cluster);
        wrapped
    }))
}

/// An event of the HTTP event collector. Its fields may be written out.
pub(super) fn splunk_event<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    member(Envelope::Splunk, look, "event", look.time(&["time"])?)
}

/// A line of an exported search.
pub(super) fn splunk_result<'a>(document: &Document<'a>) -> Told<'a> {
    match Look::top(document).get("result")? {
        Some(result) => text(Envelope::Splunk, result, "_raw", None),
        None => Ok(None),
    }
}

pub(super) fn splunk_raw<'a>(document: &Document<'a>) -> Told<'a> {
    text(Envelope::Splunk, Look::top(document), "_raw", None)
}

/// Members in which an unknown shipper may have put the line.
const ANYWHERE: [&str; 14] = [
    "message",
    "log",
    "event",
    "line",
    "msg",
    "_raw",
    "@message",
    "MESSAGE",
    "body",
    "content",
    "payload",
    "value",
    "structured",
    "audit",
];

/// The record of a shipper that nobody told us of, where one member is clearly an event.
pub(super) fn json_message<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    for key in ANYWHERE {
        if let Some(inner) = look.payload(key)?
            && is_event(look, key, &inner)?
        {
            return Ok(Some(Wrapped::one(Envelope::JsonMessage, Piece::new(inner))));
        }
    }
    Ok(None)
}

fn is_event(look: Look<'_>, key: &str, inner: &Inner<'_>) -> Result<bool, Rejected> {
    Ok(match inner {
        Inner::Text(text) => text.trim_start().starts_with('{') && super::may_be_event(text.as_bytes()),
        _ => look.text(&[key, "auditID"])?.is_some(),
    })
}
