//! The evidence of a finding, taken apart for people: its columns in the order in which the detection selects them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Name and value of each evidence column; columns without a value are left out. Text that is no JSON object comes back
/// whole under the name "evidence".
pub(super) fn pairs(evidence: &str) -> Vec<(String, String)> {
    let Ok(Pairs(pairs)) = serde_json::from_str(evidence) else {
        return vec![("evidence".to_owned(), evidence.to_owned())];
    };
    pairs.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, plain(value))).collect()
}

/// The evidence as JSON for nesting, on one line; `None` where it is no JSON object.
pub(super) fn object(evidence: &str) -> Option<Box<RawValue>> {
    if !evidence.trim_start().starts_with('{') {
        return None;
    }
    // inside JSON strings line breaks are escaped already, so these stand between tokens
    RawValue::from_string(evidence.trim().replace(['\n', '\r'], " ")).ok()
}

/// Strings bare, lists of strings joined by commas, everything else as JSON.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_string) => {
            list.into_iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A JSON object in its own order, which a map would lose.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order_and_lose_their_nulls() {
        let pairs = pairs(r#"{"verb":"get","code":200,"gone":null,"ips":["192.0.2.1","::1"],"body":{"a":[1]}}"#);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("verb", "get"), ("code", "200"), ("ips", "192.0.2.1, ::1"), ("body", r#"{"a":[1]}"#)]);
    }

    #[test]
    fn what_is_no_object_is_shown_whole() {
        assert_eq!(pairs("<b>"), [("evidence".to_owned(), "<b>".to_owned())]);
        assert!(pairs("{}").is_empty());
        assert!(object("[1]").is_none());
        assert!(object("{").is_none());
    }

    #[test]
    fn nested_json_is_one_line_and_keeps_its_numbers() {
        let raw = object("{\r\n \"n\": 123456789012345678901234567890 }\n").unwrap();
        assert_eq!(raw.get(), r#"{   "n": 123456789012345678901234567890 }"#);
    }
}
