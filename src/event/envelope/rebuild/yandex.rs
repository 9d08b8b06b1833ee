//! Yandex Cloud's Audit Trails: data events of the API servers of Managed Kubernetes, which hold the native event.

use std::borrow::Cow;

use serde_json::Value;

use super::field::{event, text_at};
use super::{Rebuilt, Refusal};

const TYPES: &str = "yandex.cloud.audit.k8s.apiserver.";

/// Rebuilds the event of a record of a trail.
pub(in crate::event) fn yandex(record: &Value) -> Result<Rebuilt, Refusal> {
    let either = |value: &Value, names: [&str; 2]| names.iter().find_map(|name| value.get(name)).cloned();
    let kind = either(record, ["event_type", "eventType"]);
    if !kind.as_ref().and_then(Value::as_str).is_some_and(|kind| kind.starts_with(TYPES)) {
        return Err(Refusal::NotAudit);
    }
    let details = record.get("details").unwrap_or(&Value::Null);
    let native = ["native_api_server_event", "nativeApiServerEvent"].iter().find_map(|name| details.get(name));
    let native = native.filter(|native| native.is_object()).ok_or(Refusal::Broken("no native event"))?;
    let mut draft = event(&|field| native.get(field).map(Cow::Borrowed));
    draft.cluster = text_at(details, "/cluster_id").or_else(|| text_at(details, "/clusterId"));
    draft.finish()
}
