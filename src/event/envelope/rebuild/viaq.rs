//! The log collector of Red Hat's clusters and its data model (`ViaQ`): the event at top level among the collector's own fields, of which
//! one, the level of a log line, took the place of the audit level.

use std::borrow::Cow;

use serde_json::Value;

use super::field::{event, text_at};
use super::{Rebuilt, Refusal};

/// Where the collector put the audit level, depending on the API server.
const LEVELS: [&str; 2] = ["k8s_audit_level", "openshift_audit_level"];

/// Rebuilds the event of a record of the collector's.
pub(in crate::event) fn viaq(record: &Value) -> Result<Rebuilt, Refusal> {
    if record.get("auditID").is_none() || record.get("requestURI").is_none() && record.get("stage").is_none() {
        return Err(Refusal::NotAudit);
    }
    let level = LEVELS.iter().find_map(|name| record.get(name)).or_else(|| {
        let is_audit = |level: &&Value| matches!(level.as_str(), Some("Metadata" | "Request" | "RequestResponse"));
        record.get("level").filter(is_audit)
    });
    let mut draft = event(&|field| if field == "level" { level } else { record.get(field) }.map(Cow::Borrowed));
    draft.cluster = text_at(record, "/openshift/cluster_id");
    draft.finish()
}
