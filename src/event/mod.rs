//! Lines of a log to Arrow batches: unwrap, parse with simd-json's tape, redact, conclude, build columns. Only this module
//! names simd-json.
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
mod unwrap;

use arrow::array::RecordBatch;
use memchr::memchr_iter;

pub use envelope::Envelope;
pub use redact::Redactor;
pub use reject::{Reason, Reject};
pub use time::date;

use crate::block::{Block, Vocabulary};
use crate::error::Result;
use crate::limits;
use columns::Rows;
use document::Reader;
use quick::Quick;
use unwrap::{Context, Counts};

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
    /// Lines seen; where a line wraps several texts, each of them counts as one.
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
    /// The only envelope that is read, where one was named.
    only: Option<Envelope>,
    rows: Rows,
    /// `None` where every line is to be read the slow way.
    quick: Option<Quick>,
    /// One for each envelope that a line lies in, made when they are needed.
    readers: Vec<Reader>,
}

impl Parser {
    /// A parser for events of `cluster`, where neither their place nor their envelope says otherwise.
    #[must_use]
    pub fn new(cluster: &str, redactor: Redactor) -> Self {
        Self {
            cluster: cluster.to_owned(),
            redactor,
            only: None,
            rows: Rows::default(),
            quick: Some(Quick::new()),
            readers: Vec::new(),
        }
    }

    /// The same parser without its fast way, to be held against it.
    #[must_use]
    pub fn slow(self) -> Self {
        Self { quick: None, ..self }
    }

    /// From now on only events in `envelope` are read, and others are rejected. `None`: events in any.
    pub fn expect(&mut self, envelope: Option<Envelope>) {
        self.only = envelope;
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
        let mut context = Context::new(place);
        let mut start = 0;
        let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
        for (index, end) in ends.enumerate() {
            context.line = place.lines_before + index as u64 + 1;
            context.place.offset = place.offset + start as u64;
            context.is_tail = end == text.len();
            counts.left = limits::UNPACKED_BYTES_MAX;
            self.line(&text[start..end], &context, &mut counts);
            start = end + 1;
        }
        let Counts { lines, blanks, not_audit, rejects, left: _ } = counts;
        Batch { rows: (), lines, blanks, not_audit, rejects }
    }
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
