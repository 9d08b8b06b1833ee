//! What `datafusion-functions-json` lacks for bodies: lists of texts to `unnest`, and JSON patches read as objects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::{Signature, Volatility};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Function, map_rows};
use crate::manifest::WAYS;

/// Elements that one JSON patch may leave out before those it writes; beyond it they are appended.
const PADDING_MAX: usize = 4_096;
/// Steps of one JSON pointer; an object of Kubernetes is not as deep.
const STEPS_MAX: usize = 64;

/// `json_texts(json, step...)`, `json_written(body)` and `spec_secrets(spec)`.
pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "json_texts",
            Signature::variadic(vec![DataType::Utf8View], Volatility::Immutable),
            DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            |columns| {
                let rows = map_rows(columns, |row| {
                    let (json, path) = row.split_first()?;
                    texts((*json)?, &path.iter().copied().collect::<Option<Vec<_>>>()?)
                })?;
                Ok(lists(rows))
            },
        ),
        Function::new(
            "spec_secrets",
            Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
            DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            |columns| Ok(lists(map_rows(columns, |row| row[0].map(spec_secrets))?)),
        ),
        Function::text("json_written", 1, |row| row[0].and_then(written)),
    ]
}

fn lists(rows: Vec<Option<Vec<String>>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        lists.append_option(row.map(|texts| texts.into_iter().map(Some)));
    }
    Arc::new(lists.finish())
}

/// The Secrets that the spec of a pod names, each after the way and a blank: `volume db`.
fn spec_secrets(spec: &str) -> Vec<String> {
    let found = WAYS.iter().flat_map(|(via, path)| {
        let names = texts(spec, path).unwrap_or_default();
        names.into_iter().map(move |name| format!("{via} {name}"))
    });
    found.collect()
}

/// The values at a path as texts: strings as they are, everything else as JSON. A step of `*` goes to every element of
/// an array or value of an object, and an array at the end of the path is opened. NULLs are left out; `None` where
/// nothing lies at the path. Only what lies on the path is parsed.
fn texts(json: &str, path: &[&str]) -> Option<Vec<String>> {
    if lacks(json, path) {
        return None;
    }
    let root: &RawValue = serde_json::from_str(json).ok()?;
    let mut found = vec![root];
    for step in path {
        found = found
            .into_iter()
            .flat_map(|value| if *step == "*" { children(value) } else { child(value, step) })
            .collect();
    }
    if found.is_empty() {
        return None;
    }
    let opened = found.into_iter().flat_map(|value| elements(value).unwrap_or_else(|| vec![value]));
    Some(opened.filter(|value| value.get() != "null").map(text).collect())
}

/// Whether a key of the path stands nowhere in the text. Most paths of most bodies end here, at the speed of a search;
/// only `\\u` can spell a key otherwise.
fn lacks(json: &str, path: &[&str]) -> bool {
    let has = |text: &str| memchr::memmem::find(json.as_bytes(), text.as_bytes()).is_some();
    path.iter().any(|step| *step != "*" && !has(step)) && !has("\\u")
}

fn members(value: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    value.get().starts_with('[').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

fn child<'a>(value: &'a RawValue, key: &str) -> Vec<&'a RawValue> {
    members(value)
        .and_then(|mut members| members.remove(key))
        .filter(|value| value.get() != "null")
        .into_iter()
        .collect()
}

fn children(value: &RawValue) -> Vec<&RawValue> {
    elements(value).or_else(|| members(value).map(|members| members.into_values().collect())).unwrap_or_default()
}

fn text(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// What a body writes, as an object: a body that is no JSON patch as it is, a JSON patch (RFC 6902) as the sparse
/// object that its `add` and `replace` operations spell. Elements of arrays keep apart unless the patch addresses them
/// by the same index.
fn written(body: &str) -> Option<Cow<'_, str>> {
    if !body.trim_start().starts_with('[') {
        return Some(Cow::Borrowed(body));
    }
    let mut document = Value::Null;
    let mut padding = PADDING_MAX;
    for operation in serde_json::from_str::<Vec<Value>>(body).ok()? {
        let Some(pointer) = operation["path"].as_str().filter(|path| path.is_empty() || path.starts_with('/')) else {
            continue;
        };
        // RFC 6901: ~1 is a slash, ~0 a tilde
        let steps: Vec<_> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        if let ("add" | "replace", Some(value)) = (operation["op"].as_str().unwrap_or(""), operation.get("value"))
            && steps.len() <= STEPS_MAX
        {
            place(&mut document, &steps, value.clone(), &mut padding);
        }
    }
    Some(Cow::Owned(document.to_string()))
}

/// Puts a value where the steps lead, making objects and arrays on the way.
fn place(mut target: &mut Value, steps: &[String], value: Value, padding: &mut usize) {
    for (depth, step) in steps.iter().enumerate() {
        let whole = depth + 1 == steps.len();
        let index = if step == "-" { Some(usize::MAX) } else { step.parse::<usize>().ok() };
        target = match (target, index) {
            (Value::Object(members), _) => members.entry(step.as_str()).or_insert(Value::Null),
            (Value::Array(elements), Some(index)) => slot(elements, index, whole, padding),
            (target, index) => {
                *target = if index.is_some() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
                match target {
                    Value::Array(elements) => slot(elements, index.unwrap_or(usize::MAX), whole, padding),
                    target => &mut target[step.as_str()],
                }
            }
        };
    }
    *target = value;
}

/// The element at an index; the end where the index is `-`, too far away, or (for a whole element) taken already.
fn slot<'a>(elements: &'a mut Vec<Value>, index: usize, whole: bool, padding: &mut usize) -> &'a mut Value {
    let taken = elements.get(index).is_some_and(|element| !element.is_null());
    let gap = index.saturating_sub(elements.len());
    let index = if gap > *padding || (whole && taken) { elements.len() } else { index };
    if index >= elements.len() {
        *padding -= index - elements.len();
        elements.resize(index + 1, Value::Null);
    }
    &mut elements[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str, path: &[&str]) -> Option<Vec<String>> {
        texts(json, path)
    }

    #[test]
    fn a_key_is_found_however_it_is_spelled() {
        let spelled = r#"{"\u0073pec":{"a":"x"},"b":"y"}"#;
        assert_eq!(found(spelled, &["spec", "a"]).unwrap(), ["x"]);
        assert_eq!(found(spelled, &["spec", "c"]), None);
        assert_eq!(found(r#"{"spec":{"a":"b"}}"#, &["spec", "b"]), None);
        assert_eq!(found(r#"{"s":1}"#, &["spec"]), None);
    }

    #[test]
    fn texts_of_a_list_are_unquoted_and_objects_stay_json() {
        let rule = r#"{"verbs":["get","a\"b",null,7,{"x": [1]}],"one":"text","none":null,"empty":[]}"#;
        assert_eq!(found(rule, &["verbs"]).unwrap(), ["get", "a\"b", "7", "{\"x\": [1]}"]);
        assert_eq!(found(rule, &["one"]).unwrap(), ["text"]);
        assert_eq!(found(rule, &["empty"]), Some(vec![]));
        assert_eq!(found(rule, &["none"]), None);
        assert_eq!(found(rule, &["missing", "deeper"]), None);
        assert_eq!(found("not json", &["verbs"]), None);
        assert_eq!(found("[1,2]", &[]).unwrap(), ["1", "2"]);
    }

    #[test]
    fn a_star_goes_through_arrays_and_objects() {
        let pod = r#"{"volumes":[{"name":"a","secret":{"secretName":"s1"}},{"projected":{"sources":[{"secret":
            {"name":"s2"}},{"configMap":{"name":"c"}}]}},{"cephfs":{"secretRef":{"name":"s3"}}}]}"#;
        assert_eq!(found(pod, &["volumes", "*", "secret", "secretName"]).unwrap(), ["s1"]);
        assert_eq!(found(pod, &["volumes", "*", "projected", "sources", "*", "secret", "name"]).unwrap(), ["s2"]);
        assert_eq!(found(pod, &["volumes", "*", "*", "secretRef", "name"]).unwrap(), ["s3"]);
        assert_eq!(found(pod, &["containers", "*", "name"]), None);
    }

    #[test]
    fn the_secrets_of_a_spec_are_told_with_their_ways() {
        let spec = r#"{"volumes":[{"secret":{"secretName":"a"}},{"rbd":{"secretRef":{"name":"b"}}}],
            "containers":[null,{"env":[{"value":"x"},{"valueFrom":{"secretKeyRef":{"name":"c"}}}]}]}"#;
        assert_eq!(spec_secrets(spec), ["volume a", "driver b", "env c"]);
        assert_eq!(spec_secrets("[broken"), [""; 0]);
    }

    #[test]
    fn a_json_patch_becomes_the_object_that_it_spells() {
        for (patch, expected) in [
            (r#"[{"op":"add","path":"/rules/-","value":{"verbs":["*"]}}]"#, r#"{"rules":[{"verbs":["*"]}]}"#),
            (
                r#"[{"op":"replace","path":"/rules","value":[{"verbs":["get"]}]},
                {"op":"add","path":"/rules/0","value":{"verbs":["list"]}}]"#,
                r#"{"rules":[{"verbs":["get"]},{"verbs":["list"]}]}"#,
            ),
            (
                r#"[{"op":"add","path":"/rules/2/verbs/-","value":"*"},
                {"op":"add","path":"/rules/2/resources","value":["secrets"]}]"#,
                r#"{"rules":[null,null,{"resources":["secrets"],"verbs":["*"]}]}"#,
            ),
            (r#"[{"op":"replace","path":"","value":{"rules":[]}}]"#, r#"{"rules":[]}"#),
            (
                r#"[{"op":"add","path":"/metadata/labels/a~1b~0c","value":"x"}]"#,
                r#"{"metadata":{"labels":{"a/b~c":"x"}}}"#,
            ),
            (r#"[{"op":"remove","path":"/rules/0"},{"op":"test","path":"/a","value":1}]"#, "null"),
            (r#"[{"op":"add","path":"/a/4000000000","value":1}]"#, r#"{"a":[1]}"#),
            (r#"[{"op":"add","path":"rules","value":1}]"#, "null"),
        ] {
            let document: Value = serde_json::from_str(&written(patch).unwrap()).unwrap();
            assert_eq!(document, serde_json::from_str::<Value>(expected).unwrap(), "{patch}");
        }
    }

    #[test]
    fn a_body_that_is_no_patch_stays_as_it_is() {
        assert_eq!(written(r#"{"rules": 1}"#).as_deref(), Some(r#"{"rules": 1}"#));
        assert_eq!(written("[broken"), None);
    }
}
