//! Patches, applied where their outcome is certain.
//!
//! An audit event does not say which kind of patch a body is. For RBAC objects that rarely matters: a strategic merge
//! treats all of their lists as a whole, as a merge patch does. What could have gone two ways is refused.

use serde_json::{Map, Value, json};

use super::model::{Body, Object, Raw, SubjectKind};
use crate::limits::RBAC_PATCH_OPERATIONS_MAX;

/// Why the outcome of a patch is not certain.
pub(super) type Doubt = &'static str;

/// The fields that decide anything; the rest of an object is neither held nor patched.
const FIELDS: [&str; 4] = ["rules", "aggregationRule", "roleRef", "subjects"];

const STALE: Doubt = "a patch does not fit what the log showed before";

/// The object after the patch with this body.
pub(super) fn apply(object: &Object, body: &str) -> Result<Object, Doubt> {
    let patch: Value = serde_json::from_str(body).map_err(|_| "a patch cannot be read")?;
    let mut document = document_of(object);
    match patch {
        Value::Array(operations) => {
            if operations.len() > RBAC_PATCH_OPERATIONS_MAX {
                return Err("a patch has too many operations");
            }
            operations.iter().try_for_each(|operation| operate(&mut document, operation))?;
        }
        Value::Object(patch) => {
            if has_directive(&patch) {
                return Err("a patch has directives that can go two ways");
            }
            if patch.contains_key("apiVersion") && patch.contains_key("kind") {
                check_apply(&document, &patch)?;
            }
            merge(&mut document, &patch);
        }
        _ => return Err("a patch is neither a list nor an object"),
    }
    let raw: Raw = serde_json::from_value(document).map_err(|_| "a patch leaves no valid object")?;
    let mut patched = raw.into_object(object.key.kind).ok_or("a patch leaves no valid object")?;
    patched.key = object.key.clone();
    Ok(patched)
}

fn document_of(object: &Object) -> Value {
    let metadata = json!({"name": object.key.name, "namespace": object.key.namespace, "labels": object.labels});
    let mut document = Map::from_iter([("metadata".to_owned(), metadata)]);
    match &object.body {
        Body::Role { rules, aggregation } => {
            let rules: Vec<Value> = rules.iter().map(|rule| json!(**rule)).collect();
            document.insert("rules".to_owned(), Value::Array(rules));
            if let Some(selectors) = aggregation {
                document.insert("aggregationRule".to_owned(), json!({ "clusterRoleSelectors": selectors }));
            }
        }
        Body::Binding { role, subjects } => {
            document.insert("roleRef".to_owned(), json!({"kind": role.kind, "name": role.name}));
            let subjects = subjects.iter().map(|subject| {
                let kind = match subject.kind {
                    SubjectKind::User => "User",
                    SubjectKind::Group => "Group",
                    SubjectKind::ServiceAccount => "ServiceAccount",
                    SubjectKind::Other => "",
                };
                json!({"kind": kind, "name": subject.name, "namespace": subject.namespace})
            });
            document.insert("subjects".to_owned(), subjects.collect());
        }
    }
    Value::Object(document)
}

/// One operation of a JSON patch.
fn operate(document: &mut Value, operation: &Value) -> Result<(), Doubt> {
    let text =
        |key: &str| operation.get(key).and_then(Value::as_str).ok_or("a patch has an operation that cannot be read");
    let (kind, pointer) = (text("op")?, text("path")?);
    let path: Vec<String> = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let is_ours = match path.first().map(String::as_str) {
        None | Some("metadata") if path.len() < 2 => return Err("a patch replaces more than can be followed"),
        Some("metadata") => path[1] == "labels",
        Some(field) => FIELDS.contains(&field),
        None => false,
    };
    if matches!(kind, "move" | "copy") {
        return Err("a patch moves values about");
    }
    if !is_ours {
        return Ok(());
    }
    let value = operation.get("value").cloned().unwrap_or(Value::Null);
    let (end, parents) = path.split_last().ok_or(STALE)?;
    if kind == "test" {
        // what is compared are whole objects, of which only some fields are held
        return Ok(());
    }
    let mut place = document;
    for part in parents {
        place = step(place, part).ok_or(STALE)?;
    }
    match (place, kind) {
        (Value::Object(map), "add") => drop(map.insert(end.clone(), value)),
        (Value::Object(map), "replace") => *map.get_mut(end).ok_or(STALE)? = value,
        (Value::Object(map), "remove") => drop(map.remove(end).ok_or(STALE)?),
        (Value::Array(list), "add") if end == "-" => list.push(value),
        (Value::Array(list), "add") => {
            let at = index(end).filter(|at| *at <= list.len()).ok_or(STALE)?;
            list.insert(at, value);
        }
        (Value::Array(list), "replace") => *index(end).and_then(|at| list.get_mut(at)).ok_or(STALE)? = value,
        (Value::Array(list), "remove") => {
            let at = index(end).filter(|at| *at < list.len()).ok_or(STALE)?;
            list.remove(at);
        }
        _ => return Err(STALE),
    }
    Ok(())
}

fn step<'v>(value: &'v mut Value, part: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(map) => map.get_mut(part),
        Value::Array(list) => index(part).and_then(|at| list.get_mut(at)),
        _ => None,
    }
}

fn index(part: &str) -> Option<usize> {
    part.bytes().all(|digit| digit.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

/// Whether a strategic merge patch says how to merge, at the top or in a field that matters.
fn has_directive(patch: &Map<String, Value>) -> bool {
    let is_directive = |key: &String| key.starts_with('$');
    let in_map = |value: &Value| value.as_object().is_some_and(|map| map.keys().any(is_directive));
    let in_value = |value: &Value| in_map(value) || value.as_array().is_some_and(|list| list.iter().any(in_map));
    patch.keys().any(is_directive)
        || FIELDS.iter().filter_map(|field| patch.get(*field)).any(in_value)
        || patch.get("metadata").and_then(|metadata| metadata.get("labels")).is_some_and(in_value)
}

/// A body with kind and version may be one of server-side apply, which takes away what its manager no longer names.
fn check_apply(document: &Value, patch: &Map<String, Value>) -> Result<(), Doubt> {
    let is_held = |value: Option<&Value>| match value {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    };
    let is_missing = FIELDS.iter().any(|field| is_held(document.get(field)) && !patch.contains_key(*field));
    let labels = |value: Option<&Value>| {
        let labels = value.and_then(|value| value.get("labels")).and_then(Value::as_object);
        labels.map(|labels| labels.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    let kept = labels(patch.get("metadata"));
    let loses_labels = labels(document.get("metadata")).iter().any(|label| !kept.contains(label));
    if is_missing || loses_labels { Err("server-side apply may have taken fields away") } else { Ok(()) }
}

fn merge(document: &mut Value, patch: &Map<String, Value>) {
    for field in FIELDS {
        if let Some(value) = patch.get(field) {
            merge_value(&mut document[field], value);
        }
    }
    if let Some(labels) = patch.get("metadata").and_then(|metadata| metadata.get("labels")) {
        merge_value(&mut document["metadata"]["labels"], labels);
    }
}

fn merge_value(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().and_then(|map| map.remove(key));
        } else {
            merge_value(&mut target[key], value);
        }
    }
}
