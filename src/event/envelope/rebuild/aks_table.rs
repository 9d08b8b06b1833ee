//! The tables `AKSAudit` and `AKSAuditAdmin` of Azure's Log Analytics: an event in columns, some of which hold JSON.

use std::borrow::Cow;

use serde_json::Value;

use super::field::{event, text_at};
use super::json::parse;
use super::{Rebuilt, Refusal};

/// The fields and their columns.
const COLUMNS: [(&str, &str); 17] = [
    ("level", "Level"),
    ("auditID", "AuditId"),
    ("stage", "Stage"),
    ("requestURI", "RequestUri"),
    ("verb", "Verb"),
    ("user", "User"),
    ("impersonatedUser", "ImpersonatedUser"),
    ("sourceIPs", "SourceIps"),
    ("userAgent", "UserAgent"),
    ("objectRef", "ObjectRef"),
    ("responseStatus", "ResponseStatus"),
    ("requestObject", "RequestObject"),
    ("responseObject", "ResponseObject"),
    ("requestReceivedTimestamp", "RequestReceivedTime"),
    ("stageTimestamp", "StageReceivedTime"),
    ("annotations", "Annotations"),
    ("apiVersion", "ApiVersion"),
];

/// Columns that hold JSON, as a value or as text, and are no bodies.
pub(super) const DOCUMENTS: [&str; 7] =
    ["user", "impersonatedUser", "sourceIPs", "objectRef", "responseStatus", "annotations", "authenticationMetadata"];

/// Rebuilds the event of a row.
pub(in crate::event) fn aks_table(row: &Value) -> Result<Rebuilt, Refusal> {
    if row.get("AuditId").is_none() || row.get("Stage").is_none() && row.get("RequestUri").is_none() {
        return Err(Refusal::NotAudit);
    }
    let mut draft = event(&|field| {
        let (_, column) = COLUMNS.iter().find(|(name, _)| *name == field)?;
        Some(document(field, row.get(column)?))
    });
    if row.get("ImpersonatedUser").is_none() {
        draft.lose("impersonatedUser");
    }
    draft.cluster = text_at(row, "/_ResourceId").as_deref().and_then(cluster_of);
    draft.finish()
}

/// A value, parsed where it is the text of a document.
pub(super) fn document<'a>(field: &str, value: &'a Value) -> Cow<'a, Value> {
    match value.as_str().map(str::trim) {
        Some("" | "null") if DOCUMENTS.contains(&field) || field.ends_with("Object") => Cow::Owned(Value::Null),
        Some(text) if DOCUMENTS.contains(&field) => parse(text.as_bytes()).map_or(Cow::Borrowed(value), Cow::Owned),
        _ => Cow::Borrowed(value),
    }
}

/// The cluster of an Azure resource id.
fn cluster_of(id: &str) -> Option<String> {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("managedClusters")).skip(1);
    parts.next().filter(|name| !name.is_empty()).map(str::to_owned)
}
