//! Rejects: lines that are no audit event, with the reason and where they lie, so that nothing is dropped in silence.
//!
//! The text of a line that did not parse is not kept, since what cannot be parsed cannot be redacted: its place, length
//! and hash find it again in the original.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, Result};

/// Why a line was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not valid UTF-8.
    InvalidUtf8,
    /// Not valid JSON.
    BadJson,
    /// A key stands twice in one object: parsers disagree about which one counts, so someone could hide behind it.
    DuplicateKey,
    /// Nested deeper than `limits::JSON_DEPTH_MAX`.
    TooDeep,
    /// Longer than `limits::LINE_BYTES_MAX`.
    TooLong,
    /// JSON, but not an object.
    NotObject,
    /// An object, but not an audit event.
    NotAuditEvent,
    /// An audit event of a version that is not read (`audit.k8s.io/v1alpha1`).
    UnknownVersion,
    /// No time that could be read, so the event belongs to no date.
    BadTimestamp,
    /// The source ended in the middle of it.
    TruncatedTail,
    /// What carried it cut it off, and too little is left of it to be an event.
    TruncatedMessage,
    /// NUL bytes, as a crashed logger leaves them.
    ControlBytes,
}

impl Reason {
    /// The word used in accounts and in the quarantine.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::BadJson => "bad_json",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::TooLong => "too_long",
            Self::NotObject => "not_object",
            Self::NotAuditEvent => "not_audit_event",
            Self::UnknownVersion => "unknown_version",
            Self::BadTimestamp => "bad_timestamp",
            Self::TruncatedTail => "truncated_tail",
            Self::TruncatedMessage => "truncated_message",
            Self::ControlBytes => "ctrl_bytes",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One rejected line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: Reason,
    /// What in particular, without content of the line.
    pub detail: String,
    /// The line, from 1.
    pub line: u64,
    /// Its offset in the decompressed source, in bytes.
    pub offset: u64,
    /// Its length in bytes, without the line end.
    pub bytes: u64,
    /// BLAKE3 of (the kept head of) the line, hexadecimal.
    pub hash: String,
}

impl Reject {
    /// A reject of the line `text`.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>, line: u64, offset: u64, text: &[u8]) -> Self {
        let hash = blake3::hash(text).to_hex().to_string();
        Self { reason, detail: detail.into(), line, offset, bytes: text.len() as u64, hash }
    }
}

/// The Arrow schema of the quarantine's Parquet files.
#[must_use]
pub fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let long = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![
        text("source"),
        long("line"),
        long("byte_offset"),
        long("byte_len"),
        text("reason"),
        text("detail"),
        text("line_hash"),
    ]))
}

/// The rejects of one source as a batch of [`schema`].
pub fn to_batch(source: &str, rejects: &[Reject]) -> Result<RecordBatch> {
    let text =
        |pick: fn(&Reject) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rejects.iter().map(pick))) };
    let long = |pick: fn(&Reject) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rejects.iter().map(|reject| pick(reject).cast_signed())))
    };
    let columns = vec![
        Arc::new(StringArray::from_iter_values(rejects.iter().map(|_| source))) as ArrayRef,
        long(|r| r.line),
        long(|r| r.offset),
        long(|r| r.bytes),
        text(|r| r.reason.as_str()),
        text(|r| &r.detail),
        text(|r| &r.hash),
    ];
    RecordBatch::try_new(schema(), columns).map_err(|error| Error::Internal(format!("rejects batch: {error}")))
}
