//! Alibaba's Simple Log Service: the audit log of ACK clusters in flat columns, each value a string.
//!
//! A nested field is one column that holds JSON, or one column for each of its parts: `objectRef.namespace`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::aks_table::{DOCUMENTS, document};
use super::field::event;
use super::{Rebuilt, Refusal};

/// Rebuilds the event of a row.
pub(in crate::event) fn ack_sls(row: &Value) -> Result<Rebuilt, Refusal> {
    if row.get("auditID").is_none() || row.get("requestURI").is_none() && row.get("stage").is_none() {
        return Err(Refusal::NotAudit);
    }
    event(&|field| match row.get(field) {
        Some(value) => Some(document(field, value)),
        None if DOCUMENTS.contains(&field) => parts(row, field).map(Cow::Owned),
        None => None,
    })
    .finish()
}

/// The document whose parts have columns of their own.
fn parts(row: &Value, field: &str) -> Option<Value> {
    let mut document = Map::new();
    for (column, value) in row.as_object()? {
        if let Some(part) = column.strip_prefix(field).and_then(|rest| rest.strip_prefix('.')) {
            let is_list = matches!(part, "groups" | "extra");
            let value = if is_list { self::document("user", value) } else { Cow::Borrowed(value) };
            document.insert(part.to_owned(), value.into_owned());
        }
    }
    (!document.is_empty()).then_some(Value::Object(document))
}
