//! Lines of a log to Arrow batches: parse with simd-json's tape, redact, conclude, build columns. Only this module names
//! simd-json.
//!
//! A [`Parser`] is made once for each worker and reuses all its buffers. It never fails: a line that is no audit event
//! comes back as a [`Reject`].

mod columns;
mod derive;
mod document;
mod envelope;
mod parse;
mod quick;
mod redact;
pub mod reject;
mod time;

use std::ops::Range;

use arrow::array::RecordBatch;
use memchr::memchr_iter;
use simd_json::ErrorType;
use xxhash_rust::xxh3::xxh3_128;

pub use redact::Redactor;
pub use reject::{Reason, Reject};
pub use time::date;

use crate::block::{Block, Vocabulary};
use crate::error::Result;
use crate::limits;
use columns::{Cleaner, Origin, Rows};
use document::{Document, Reader};
use parse::Parsed;
use quick::Quick;

/// Where a run of lines lies in its source.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The source, as it is to stand in the `source` column.
    pub source: &'a str,
    /// Lines before this run.
    pub lines_before: u64,
    /// Offset of the run in the decompressed source, in bytes.
    pub offset: u64,
    /// The cluster that the source is of, where that is known without looking at the lines.
    pub cluster: Option<&'a str>,
}

/// What became of a run of lines. `lines = rows + rejects + blanks + not_audit`.
#[derive(Debug)]
pub struct Batch<R = RecordBatch> {
    /// The events, in the schema of `schema::events`.
    pub rows: R,
    /// Lines seen; each item of an `EventList` on one line counts as one.
    pub lines: u64,
    /// Blank lines.
    pub blanks: u64,
    /// Lines that are a log's, but of no audit event.
    pub not_audit: u64,
    /// The others.
    pub rejects: Vec<Reject>,
}

/// Turns lines into batches.
pub struct Parser {
    cluster: String,
    redactor: Redactor,
    rows: Rows,
    /// `None` where every line is to be read the slow way.
    quick: Option<Quick>,
    reader: Reader,
}

/// What the column `envelope` says of an event that no envelope was around.
const NATIVE: &str = "native";

/// What one line yielded.
enum Line {
    Row,
    Blank,
    Items(Vec<Range<usize>>),
    Rejected(Reason, String),
}

impl Parser {
    /// A parser for events of `cluster`, where their place does not say otherwise.
    #[must_use]
    pub fn new(cluster: &str, redactor: Redactor) -> Self {
        Self {
            cluster: cluster.to_owned(),
            redactor,
            rows: Rows::default(),
            quick: Some(Quick::new()),
            reader: Reader::new(limits::JSON_DEPTH_MAX),
        }
    }

    /// The same parser without its fast way, to be held against it.
    #[must_use]
    pub fn slow(self) -> Self {
        Self { quick: None, ..self }
    }

    /// Parses whole lines (the last may lack its line end) to an Arrow batch. Fails only where the batch cannot be
    /// built, which would be a bug.
    pub fn parse(&mut self, text: &[u8], place: Place<'_>) -> Result<Batch> {
        let Batch { lines, blanks, not_audit, rejects, rows: () } = self.read(text, place);
        let (block, vocabulary) = self.rows();
        Ok(Batch { rows: block.to_batch(vocabulary)?, lines, blanks, not_audit, rejects })
    }

    /// The rows of the last [`Self::read`], and what their codes stand for.
    #[must_use]
    pub fn rows(&self) -> (&Block, &Vocabulary) {
        (&self.rows.block, &self.rows.vocabulary)
    }

    /// Parses whole lines (the last may lack its line end); [`Self::rows`] has the events.
    pub fn read(&mut self, text: &[u8], place: Place<'_>) -> Batch<()> {
        self.rows.block.clear();
        let remembered = self.quick.as_ref().map_or(0, Quick::bytes) + self.rows.vocabulary.bytes();
        if remembered > limits::VOCABULARY_BYTES_MAX {
            self.rows.vocabulary.clear();
        }
        let mut counts = Counts::default();
        let mut start = 0;
        let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
        for (index, end) in ends.enumerate() {
            let range = trim(text, start..end);
            let line = place.lines_before + index as u64 + 1;
            let at = Place { offset: place.offset + start as u64, ..place };
            let is_tail = end == text.len();
            start = end + 1;
            let found = self.line(&text[range.clone()], &at, line);
            self.count(found, &text[range], &at, line, is_tail, &mut counts);
        }
        let Counts { lines, blanks, not_audit, rejects } = counts;
        Batch { rows: (), lines, blanks, not_audit, rejects }
    }

    fn count(&mut self, found: Line, text: &[u8], at: &Place<'_>, line: u64, is_tail: bool, counts: &mut Counts) {
        counts.lines += 1;
        match found {
            Line::Row => {}
            Line::Blank => counts.blanks += 1,
            Line::Items(ranges) if ranges.is_empty() => counts.blanks += 1,
            Line::Items(ranges) => {
                counts.lines -= 1;
                self.items(text, ranges, at, line, counts);
            }
            Line::Rejected(reason, detail) => {
                let cut = is_tail && matches!(reason, Reason::BadJson | Reason::InvalidUtf8);
                let reason = if cut { Reason::TruncatedTail } else { reason };
                counts.rejects.push(Reject::new(reason, detail, line, at.offset, text));
            }
        }
    }

    /// Items of a list on one line: each is parsed as if it were a line.
    fn items(&mut self, text: &[u8], ranges: Vec<Range<usize>>, at: &Place<'_>, line: u64, counts: &mut Counts) {
        for range in ranges {
            let item = &text[range];
            let found = match self.line(item, at, line) {
                Line::Items(_) => Line::Rejected(Reason::NotAuditEvent, "a list within a list".to_owned()),
                found => found,
            };
            self.count(found, item, at, line, false, counts);
        }
    }

    fn line(&mut self, original: &[u8], at: &Place<'_>, line: u64) -> Line {
        if original.is_empty() {
            return Line::Blank;
        }
        if original.len() > limits::LINE_BYTES_MAX {
            return Line::Rejected(Reason::TooLong, format!("longer than {} bytes", limits::LINE_BYTES_MAX));
        }
        let cluster = at.cluster.unwrap_or(&self.cluster);
        let hash = event_hash(original);
        let origin = Origin { cluster, source: at.source, line, hash, envelope: NATIVE, lost: None, api_server: None };
        if let Some(quick) = &mut self.quick
            && quick.append(original, &self.redactor, &mut self.rows, &origin).is_some()
        {
            return Line::Row;
        }
        let use_it = |document: &Document<'_>| event_of(document, original, &self.redactor, &mut self.rows, &origin);
        self.reader.read(original, use_it).unwrap_or_else(|error| rejected(&error, original))
    }
}

#[derive(Default)]
struct Counts {
    lines: u64,
    blanks: u64,
    not_audit: u64,
    rejects: Vec<Reject>,
}

fn event_of(document: &Document<'_>, line: &[u8], redactor: &Redactor, rows: &mut Rows, origin: &Origin<'_>) -> Line {
    let event = match parse::parse(document) {
        Ok(Parsed::Event(event)) => event,
        Ok(Parsed::List(items)) => return Line::Items(envelope::event_list::ranges(document, items, line)),
        Err((reason, detail)) => return Line::Rejected(reason, detail.to_owned()),
    };
    let uri = event.request_uri.map(|uri| redactor.request_uri(uri));
    let derived = derive::derive(&event, uri.as_deref().unwrap_or_default());
    let cleaner = Cleaner { redactor, document: *document };
    rows.append(&event, &derived, uri.as_deref(), &cleaner, origin);
    Line::Row
}

fn rejected(error: &simd_json::Error, line: &[u8]) -> Line {
    let reason = match error.error() {
        ErrorType::InvalidUtf8 => Reason::InvalidUtf8,
        ErrorType::DepthLimitExceeded => Reason::TooDeep,
        _ if line.iter().all(|byte| *byte == 0) => Reason::ControlBytes,
        _ if std::str::from_utf8(line).is_err() => Reason::InvalidUtf8,
        _ => Reason::BadJson,
    };
    Line::Rejected(reason, format!("not JSON near byte {}", error.index()))
}

/// The range without blanks at both ends.
fn trim(text: &[u8], range: Range<usize>) -> Range<usize> {
    let line = &text[range.clone()];
    let lead = line.len() - line.trim_ascii_start().len();
    let length = line.trim_ascii().len();
    range.start + lead..range.start + lead + length
}

/// The 128-bit hash of a whole event. An item of an `EventList` lacks the kind and version that a line begins with, so
/// they do not count: the same event is the same, whichever way it came.
fn event_hash(line: &[u8]) -> u128 {
    const HEAD: &[u8] = br#""kind":"Event","apiVersion":"audit.k8s.io/v1","#;
    let inner = line.strip_prefix(b"{").unwrap_or(line);
    xxh3_128(inner.strip_prefix(HEAD).unwrap_or(inner))
}

/// Parses text at once, for tests and cases: every line must be an event.
pub fn parse_text(text: &str, cluster: &str) -> Result<Vec<RecordBatch>, String> {
    let mut parser = Parser::new(cluster, Redactor::new([7; 32]));
    let place = Place { source: "text", lines_before: 0, offset: 0, cluster: None };
    let batch = parser.parse(text.as_bytes(), place).map_err(|error| error.to_string())?;
    match batch.rejects.first() {
        Some(reject) => Err(format!("line {}: {}: {}", reject.line, reject.reason, reject.detail)),
        None => Ok(vec![batch.rows]),
    }
}

#[cfg(test)]
mod redact_tests;
#[cfg(test)]
mod tests;
