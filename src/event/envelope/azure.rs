//! What Azure wraps around events: diagnostic log records, in Event Hub batches, storage accounts and tables.

use super::look::Look;
use super::{Envelope, Inner, Piece, Told, Wrapped};
use crate::event::document::Document;
use crate::event::parse::Rejected;

/// Whether a category is that of audit events, with or without reads.
fn is_audit(category: &str) -> bool {
    ["kube-audit", "kube-audit-admin"].iter().any(|known| category.eq_ignore_ascii_case(known))
}

/// The cluster of a resource id that ends in `/managedClusters/CLUSTER`.
fn cluster_of(resource: &str) -> Option<&str> {
    let (rest, name) = resource.trim_end_matches('/').rsplit_once('/')?;
    let kind = rest.rsplit('/').next()?;
    kind.eq_ignore_ascii_case("managedClusters").then_some(name)
}

/// A message of an Event Hub: diagnostic log records, or what Firehose gives a function.
pub(super) fn records<'a>(document: &Document<'a>) -> Told<'a> {
    let Some(records) = Look::top(document).list("records")? else { return Ok(None) };
    let mut envelope = Envelope::AksRecords;
    let mut pieces = Vec::with_capacity(records.len());
    for (look, text) in records {
        pieces.push(if look.get("category")?.is_some() && look.get("properties")?.is_some() {
            record(look)?
        } else if let (Some(data), Some(_)) = (look.text(&["data"])?, look.get("recordId")?) {
            envelope = Envelope::Kinesis;
            Piece::new(Inner::Packed(data))
        } else {
            envelope = Envelope::JsonArray;
            Piece::new(Inner::Json(text))
        });
    }
    Ok(Some(Wrapped::new(envelope, pieces)))
}

/// One diagnostic log record.
pub(super) fn line<'a>(document: &Document<'a>) -> Told<'a> {
    Ok(Some(Wrapped::one(Envelope::AksLine, record(Look::top(document))?)))
}

fn record(look: Look<'_>) -> Result<Piece<'_>, Rejected> {
    if !look.text(&["category"])?.is_some_and(is_audit) {
        return Ok(Piece::new(Inner::NotAudit));
    }
    let payload = match look.get("properties")? {
        // some pipelines write the properties as a text
        Some(properties) if properties.as_text().is_some() => properties.as_text().map(Inner::Text),
        Some(properties) => properties.payload("log")?,
        None => None,
    };
    let cluster = look.text(&["resourceId"])?.and_then(cluster_of);
    Ok(Piece::of_payload(payload).audit(true).of(cluster).at(look.time(&["time"])?))
}

/// A row of the table `AzureDiagnostics`.
pub(super) fn diagnostics<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let category = look.text(&["Category"])?.or(look.text(&["category"])?);
    if !category.is_some_and(is_audit) {
        return Ok(Some(Wrapped::not_audit(Envelope::AksTable)));
    }
    let cluster = look.text(&["ResourceId"])?.or(look.text(&["_ResourceId"])?).and_then(cluster_of);
    let piece = Piece::of_payload(look.payload("log_s")?).audit(true).of(cluster).at(look.time(&["TimeGenerated"])?);
    Ok(Some(Wrapped::one(Envelope::AksTable, piece)))
}
