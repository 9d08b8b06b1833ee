//! The floor of ingestion: a bare simd-json tape of every line, with reused buffers and no output.

use memchr::memchr_iter;
use simd_json::{Buffers, INPUT_PADDING, Tape, fill_tape_padded};

/// A parser that keeps nothing.
pub(crate) struct BareParser {
    buffers: Buffers,
    tape: Tape<'static>,
}

impl BareParser {
    /// A parser with the buffers that `event::Parser` has.
    pub(crate) fn new() -> Self {
        let buffers = Buffers::with_max_depth(kubesift::limits::CHUNK_BYTES, kubesift::limits::JSON_DEPTH_MAX);
        Self { buffers, tape: Tape(Vec::new()) }
    }

    /// Parses every line of a padded text; gives the number of tape nodes, so that nothing is optimised away.
    ///
    /// # Panics
    ///
    /// Where a line is no JSON: generated logs have none such.
    pub(crate) fn parse(&mut self, text: &mut Padded) -> usize {
        let (mut nodes, mut start) = (0, 0);
        for line in 0..text.ends.len() {
            let end = text.ends[line];
            let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
            let bytes = &mut text.bytes[start..end + INPUT_PADDING];
            fill_tape_padded(bytes, end - start, &mut self.buffers, &mut tape).expect("a generated line is JSON");
            nodes += tape.0.len();
            self.tape = tape.reset();
            start = end + 1;
        }
        nodes
    }
}

/// A text of whole lines that simd-json may write into (it unescapes in place), once.
pub(crate) struct Padded {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Padded {
    /// A copy of `text`, which ends with a line feed.
    pub(crate) fn new(text: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + INPUT_PADDING);
        bytes.extend_from_slice(text);
        bytes.resize(text.len() + INPUT_PADDING, 0);
        Self { bytes, ends: memchr_iter(b'\n', text).collect() }
    }
}

/// `text` in runs of whole lines of about the size that `ingest` hands to its workers.
pub(crate) fn chunks(mut text: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    while text.len() > kubesift::limits::CHUNK_BYTES {
        let head = &text[..kubesift::limits::CHUNK_BYTES];
        let end = memchr::memrchr(b'\n', head).map_or(text.len(), |at| at + 1);
        let (chunk, rest) = text.split_at(end);
        chunks.push(chunk);
        text = rest;
    }
    chunks.push(text);
    chunks
}
