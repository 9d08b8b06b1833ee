//! The Kubernetes integration of Elastic: the event under `kubernetes.audit`, in a document of Elasticsearch.
//!
//! Its pipeline cuts the metadata out of bodies and makes the dots in keys of annotations underscores.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::field::{event, text_at};
use super::{Rebuilt, Refusal};

/// Rebuilds the event of a document, or of a hit that holds one.
pub(in crate::event) fn elastic(record: &Value) -> Result<Rebuilt, Refusal> {
    let source = record.get("_source").unwrap_or(record);
    let audit = source.pointer("/kubernetes/audit").or_else(|| source.get("kubernetes.audit"));
    let audit = audit.filter(|audit| audit.is_object()).ok_or(Refusal::NotAudit)?;
    let mut draft = event(&|field| {
        let value = audit.get(field)?;
        Some(match field {
            "annotations" => Cow::Owned(dotted(value)),
            "user" | "impersonatedUser" => Cow::Owned(with_dotted_extra(value)),
            _ => Cow::Borrowed(value),
        })
    });
    draft.lose("requestObject.metadata");
    draft.lose("responseObject.metadata");
    draft.cluster = text_at(source, "/orchestrator/cluster/name");
    draft.finish()
}

/// Keys with their dots again: what stands before the slash is a domain, which has no underscores.
fn dotted(value: &Value) -> Value {
    let Some(members) = value.as_object() else { return value.clone() };
    let key = |key: &String| match key.split_once('/') {
        Some((domain, name)) => format!("{}/{name}", domain.replace('_', ".")),
        None => key.clone(),
    };
    Value::Object(members.iter().map(|(name, value)| (key(name), value.clone())).collect::<Map<_, _>>())
}

fn with_dotted_extra(user: &Value) -> Value {
    let mut user = user.clone();
    if let Some(extra) = user.get_mut("extra") {
        *extra = dotted(extra);
    }
    user
}
