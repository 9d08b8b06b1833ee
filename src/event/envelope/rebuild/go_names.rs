//! Events with the names of Go's fields (`AuditID`, `User.Username`): the internal type, encoded by a home-made receiver.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::MEMBERS;
use super::field::event;
use super::{Rebuilt, Refusal};

const USER: [&str; 4] = ["username", "uid", "groups", "extra"];
const OBJECT: [&str; 8] =
    ["resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"];
const RESPONSE: [&str; 5] = ["status", "message", "reason", "details", "code"];

/// Rebuilds the event of a record whose keys differ from the native ones in case.
pub(in crate::event) fn go_names(record: &Value) -> Result<Rebuilt, Refusal> {
    let mut record = renamed(record, &MEMBERS)?;
    if !record.contains_key("auditID") || !record.contains_key("requestURI") && !record.contains_key("stage") {
        return Err(Refusal::NotAudit);
    }
    for (field, names) in [
        ("user", &USER[..]),
        ("impersonatedUser", &USER[..]),
        ("objectRef", &OBJECT[..]),
        ("responseStatus", &RESPONSE[..]),
    ] {
        if let Some(value) = record.get_mut(field).filter(|value| value.is_object()) {
            *value = Value::Object(renamed(value, names)?);
        }
    }
    event(&|field| record.get(field).map(Cow::Borrowed)).finish()
}

/// The members that are one of `names` but for case. Go takes any case, so two that differ in it are the same key.
fn renamed(value: &Value, names: &[&'static str]) -> Result<Map<String, Value>, Refusal> {
    let mut members = Map::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(key))
            && members.insert((*name).to_owned(), value.clone()).is_some()
        {
            return Err(Refusal::Broken("a key that stands twice but for case"));
        }
    }
    Ok(members)
}
