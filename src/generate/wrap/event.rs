//! A native event, as much of it as wrappers have to know.

use std::collections::BTreeMap;
use std::io;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

/// A line that holds an event.
pub(super) struct Event<'a> {
    /// The line without its end.
    pub(super) line: &'a str,
    /// Events before it.
    pub(super) number: u64,
    /// When it was written.
    pub(super) time: DateTime<Utc>,
    fields: BTreeMap<&'a str, &'a RawValue>,
}

impl<'a> Event<'a> {
    pub(super) fn read(line: &'a [u8], number: u64) -> io::Result<Self> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("event {number} is {what}"));
        let line = std::str::from_utf8(line).map_err(|_| invalid("no UTF-8"))?.trim_end();
        let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(line).map_err(|_| invalid("no JSON object"))?;
        let mut event = Self { line, number, time: DateTime::UNIX_EPOCH, fields };
        let time = event.text("stageTimestamp");
        let time = DateTime::parse_from_rfc3339(&time).map_err(|_| invalid("without a stageTimestamp"))?;
        event.time = time.to_utc();
        Ok(event)
    }

    /// The JSON of a field.
    pub(super) fn raw(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).map(|raw| raw.get())
    }

    /// A field as a value; null if it is not there.
    pub(super) fn value(&self, field: &str) -> Value {
        self.raw(field).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// The text of a field; empty if it has none.
    pub(super) fn text(&self, field: &str) -> String {
        match self.value(field) {
            Value::String(text) => text,
            _ => String::new(),
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn millis(&self) -> i64 {
        self.time.timestamp_millis()
    }

    /// The time with this many digits of its second, up to nine.
    pub(super) fn stamp(&self, digits: usize) -> String {
        let nanos = self.time.format("%Y-%m-%dT%H:%M:%S%.9f").to_string();
        nanos[..nanos.len() - 9 + digits].to_owned()
    }

    /// Seconds since 1970 with six digits behind the point.
    pub(super) fn seconds(&self) -> String {
        format!("{}.{:06}", self.time.timestamp(), self.time.timestamp_subsec_micros())
    }
}

/// `text` as a JSON string.
pub(super) fn string(text: &str) -> String {
    Value::from(text).to_string()
}
