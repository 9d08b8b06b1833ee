//! What OpenShift Logging wraps around events: its own records, and OpenTelemetry's.

use super::look::Look;
use super::{Envelope, Inner, Piece, Told, Wrapped, rebuild, rebuilt};
use crate::event::document::Document;
use crate::event::parse::Rejected;

const LEVELS: [&str; 4] = ["None", "Metadata", "Request", "RequestResponse"];

/// The API server behind a log source.
fn api_server_of(source: &str) -> Option<&'static str> {
    match source {
        "kubeAPI" => Some("kube-apiserver"),
        "openshiftAPI" => Some("openshift-apiserver"),
        _ => None,
    }
}

/// A record of the event's fields, whose level may be that of a log line. Records of other logs are not read.
pub(super) fn viaq<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let kind = look.text(&["log_type"])?;
    if kind.is_some_and(|kind| kind != "audit") {
        return Ok(Some(Wrapped::not_audit(Envelope::OpenshiftViaq)));
    }
    let has_real_level = look.text(&["level"])?.is_some_and(|level| LEVELS.contains(&level));
    if has_real_level && look.get("openshift")?.is_none() {
        return Ok(None);
    }
    let mut wrapped = rebuilt(Envelope::OpenshiftViaq, document.text_of_all(), rebuild::viaq);
    let api_server = look.text(&["log_source"])?.and_then(api_server_of);
    wrapped.pieces.iter_mut().for_each(|piece| piece.api_server = api_server);
    Ok(Some(wrapped))
}

/// A document of log records, or those of one resource.
pub(super) fn otlp<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    let mut pieces = Vec::new();
    match look.get("resourceLogs")? {
        Some(list) => list.elements().try_for_each(|one| resource(one, &mut pieces))?,
        None => resource(look, &mut pieces)?,
    }
    Ok(Some(Wrapped::new(Envelope::Otlp, pieces)))
}

fn resource<'a>(look: Look<'a>, pieces: &mut Vec<Piece<'a>>) -> Result<(), Rejected> {
    let (mut cluster, mut source) = (None, None);
    if let Some(resource) = look.get("resource")? {
        cluster = match resource.attribute("k8s.cluster.name")? {
            Some(name) => Some(name),
            None => resource.attribute("openshift.cluster.uid")?,
        };
        source = resource.attribute("openshift.log.source")?;
    }
    let Some(scopes) = look.get("scopeLogs")? else { return Ok(()) };
    for scope in scopes.elements() {
        let Some(records) = scope.get("logRecords")? else { continue };
        for record in records.elements() {
            let body = record.path(&["body"])?.map_or(Ok(None), |body| body.payload("stringValue"))?;
            let piece = body.map_or_else(|| Piece::new(Inner::NotAudit), Piece::new);
            let time = record.time(&["timeUnixNano"])?;
            pieces.push(piece.of(cluster).by(source.and_then(api_server_of)).at(time));
        }
    }
    Ok(())
}
