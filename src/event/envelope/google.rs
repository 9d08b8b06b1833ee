//! What Google wraps around events: Cloud Logging entries, and Pub/Sub messages around these.

use super::look::Look;
use super::{Envelope, Inner, Piece, Told, Wrapped};
use crate::event::document::Document;
use crate::event::parse::Rejected;

/// An entry of any other log, which may carry the audit log of a cluster that is not Google's.
pub(super) fn cloud_logging<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let payload = match look.payload("jsonPayload")? {
        Some(payload) => Some(payload),
        None => look.payload("textPayload")?,
    };
    let cluster = look.text(&["resource", "labels", "cluster_name"])?;
    let piece = Piece::of_payload(payload).of(cluster).at(look.time(&["timestamp"])?);
    Ok(Some(Wrapped::one(Envelope::CloudLogging, piece)))
}

/// A message as it is pushed or pulled.
pub(super) fn pubsub<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let pieces = if let Some(message) = look.get("message")? {
        data(message)?.map(|piece| vec![piece])
    } else if let Some(received) = look.get("receivedMessages")? {
        let of_message = |one: Look<'a>| one.get("message")?.map_or(Ok(None), data);
        let pieces: Result<Option<Vec<_>>, Rejected> = received.elements().map(of_message).collect();
        pieces?
    } else {
        data(look)?.map(|piece| vec![piece])
    };
    Ok(pieces.map(|pieces| Wrapped::new(Envelope::Pubsub, pieces)))
}

fn data(message: Look<'_>) -> Result<Option<Piece<'_>>, Rejected> {
    Ok(message.text(&["data"])?.map(|data| Piece::new(Inner::Packed(data))))
}
