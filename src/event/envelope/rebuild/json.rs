//! Text to a tree of values that refuses what parsers disagree about, and that hostile text cannot make large.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::limits::RECORD_VALUES_MAX;

/// Why a text is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) enum Refused {
    /// Not one JSON value.
    BadJson,
    /// A key stands twice in one object: parsers disagree about which one counts.
    DuplicateKey,
    /// Nested deeper than 128.
    TooDeep,
    /// More than [`RECORD_VALUES_MAX`] values outside of bodies.
    TooMany,
}

/// Bodies of requests and answers: kept as text, so that they cost what they are long and stay as they were sent.
const BODIES: [&str; 6] =
    ["requestObject", "responseObject", "RequestObject", "ResponseObject", "requestBody", "responseBody"];
/// What they are called in an audit log of Google's.
const BODIES_OF_PAYLOAD: [&str; 2] = ["request", "response"];

/// Parses a record. Bodies become strings that hold their JSON.
pub(in crate::event) fn parse(text: &[u8]) -> Result<Value, Refused> {
    parse_as(text, false)
}

/// Parses a record that is the `AuditLog` of a Google log entry by itself.
pub(super) fn parse_payload(text: &[u8]) -> Result<Value, Refused> {
    parse_as(text, true)
}

fn parse_as(text: &[u8], is_payload: bool) -> Result<Value, Refused> {
    let (left, refused) = (Cell::new(RECORD_VALUES_MAX), Cell::new(Refused::BadJson));
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let record = Record { is_payload, left: &left, refused: &refused };
    let value = record.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let is_too_deep = error.is_syntax() && error.to_string().starts_with("recursion limit exceeded");
        if is_too_deep { Refused::TooDeep } else { refused.get() }
    })
}

/// One value of a record.
#[derive(Clone, Copy)]
struct Record<'a> {
    /// Whether the value is an `AuditLog` of Google's.
    is_payload: bool,
    /// Values that may still come.
    left: &'a Cell<usize>,
    refused: &'a Cell<Refused>,
}

impl Record<'_> {
    fn refuse<E: serde::de::Error>(self, reason: Refused) -> E {
        self.refused.set(reason);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else { return Err(self.refuse(Refused::TooMany)) };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(Record { is_payload: false, ..self })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let name = key.as_str();
            let value = if BODIES.contains(&name) || self.is_payload && BODIES_OF_PAYLOAD.contains(&name) {
                body(&entries.next_value::<Box<RawValue>>()?)
            } else {
                entries.next_value_seed(Record { is_payload: name == "protoPayload", ..self })?
            };
            if members.insert(key, value).is_some() {
                return Err(self.refuse(Refused::DuplicateKey));
            }
        }
        Ok(Value::Object(members))
    }
}

/// A body as a string that holds it. One that is a string already holds its JSON as it is.
fn body(raw: &RawValue) -> Value {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str(text).map_or(Value::Null, Value::String);
    }
    if text == "null" { Value::Null } else { Value::String(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused_but_not_within_a_body() {
        assert_eq!(parse(br#"{"a":{"b":1,"b":2}}"#), Err(Refused::DuplicateKey));
        assert_eq!(parse(br#"{"a":1,"\u0061":2}"#), Err(Refused::DuplicateKey));
        let record = parse(br#"{"requestObject": {"b":1, "b":2}, "request":{"uid":"u"}}"#).unwrap();
        assert_eq!(record["requestObject"], r#"{"b":1, "b":2}"#);
        assert_eq!(record["request"]["uid"], "u");
        let entry = parse(br#"{"protoPayload":{"request":{"b":1,"b":2},"response":null}}"#).unwrap();
        assert_eq!(entry["protoPayload"]["request"], r#"{"b":1,"b":2}"#);
        assert_eq!(entry["protoPayload"]["response"], Value::Null);
        assert_eq!(parse(br#"{"protoPayload":{"request":{}},"protoPayload":{}}"#), Err(Refused::DuplicateKey));
    }

    #[test]
    fn hostile_text_is_refused_before_it_is_large() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(deep(100).as_bytes()).is_ok());
        assert_eq!(parse(deep(200).as_bytes()), Err(Refused::TooDeep));
        let many = format!("[{}0]", "{},".repeat(RECORD_VALUES_MAX));
        assert_eq!(parse(many.as_bytes()), Err(Refused::TooMany));
        let body = format!("{{\"requestObject\":{many}}}");
        assert_eq!(parse(body.as_bytes()).unwrap()["requestObject"], many);
        let deep_body = format!("{{\"requestObject\":{}}}", deep(100_000));
        assert!(parse(deep_body.as_bytes()).is_ok());
        for text in ["", "{", "{}{}", "{} x", "\u{0}", "{\"a\":01}", "{\"requestObject\":}", "{'a':1}"] {
            assert_eq!(parse(text.as_bytes()), Err(Refused::BadJson), "{text}");
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(Refused::BadJson));
    }
}
