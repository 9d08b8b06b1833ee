//! From a stream of bytes to chunks of whole lines, in bounded memory whatever the stream holds.
//!
//! A line that is too long and a run of NUL bytes (the padding that a crashed writer leaves, or a hole in the file) are
//! passed over while they stream by, and told as pieces of their own. The bytes are hashed as they pass: their hash is
//! the identity of a source in the lake.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr_iter, memrchr};

use crate::limits;

const BOM: &[u8] = b"\xef\xbb\xbf";
const ZEROS: [u8; limits::ZERO_RUN_BYTES_MAX] = [0; limits::ZERO_RUN_BYTES_MAX];

/// Whole lines of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The lines, each with its `\n`. Only the last line of a source, which then is a chunk of its own, and one that
    /// breaks off at NUL bytes may be without.
    pub bytes: Vec<u8>,
    /// How many lines (`\n`) the source has before it.
    pub lines_before: u64,
    /// How many decompressed bytes the source has before it.
    pub offset: u64,
}

/// The next piece of a source. Each begins where the one before it ended (a skipped line takes its `\n` along).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Lines to parse.
    Lines(Chunk),
    /// A line of more than [`limits::LINE_BYTES_MAX`] bytes.
    TooLong {
        /// Its number, from 1.
        line: u64,
        /// Where it begins.
        offset: u64,
        /// Its length without the `\n`.
        bytes: u64,
        /// Its first bytes, [`limits::REJECT_BYTES_MAX`] at most.
        head: Vec<u8>,
    },
    /// More than [`limits::ZERO_RUN_BYTES_MAX`] NUL bytes in a row. They end no line: text before and behind them has
    /// the same line number, but is handed out apart, so that an event that was written right behind them is not lost.
    Zeros {
        /// The number of the line that they are in, from 1.
        line: u64,
        /// Where they begin.
        offset: u64,
        /// How many there are.
        bytes: u64,
    },
}

/// A reader that hashes what passes.
pub struct Hashed<R> {
    inner: R,
    hasher: blake3::Hasher,
    length: u64,
}

impl<R> Hashed<R> {
    /// Hashes what is read of `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: blake3::Hasher::new(), length: 0 }
    }

    /// The number and the BLAKE3 hash of all bytes read so far.
    pub fn content(&self) -> (u64, blake3::Hash) {
        (self.length, self.hasher.finalize())
    }

    /// The number of all bytes read so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What is read from.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.hasher.update(&into[..n]);
        self.length += n as u64;
        Ok(n)
    }
}

/// Cuts a stream into [`Piece`]s.
pub struct Chunker<R> {
    reader: Hashed<R>,
    /// What was read; `at..end` of it was not handed out yet.
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    ended: bool,
    /// Place of `at` in the source.
    offset: u64,
    /// Lines before `at`.
    lines: u64,
    skip: u64,
    spare: Vec<Vec<u8>>,
    chunk_bytes: usize,
    line_bytes_max: usize,
}

impl<R: Read> Chunker<R> {
    /// Cuts what `reader` gives. A UTF-8 byte order mark at the very start is hashed and counted in the offsets, but
    /// not handed out.
    pub fn new(reader: R) -> Self {
        Self {
            reader: Hashed::new(reader),
            buffer: Vec::new(),
            at: 0,
            end: 0,
            ended: false,
            offset: 0,
            lines: 0,
            skip: 0,
            spare: Vec::new(),
            chunk_bytes: limits::CHUNK_BYTES,
            line_bytes_max: limits::LINE_BYTES_MAX,
        }
    }

    /// Leaves out what lies in the first `bytes` bytes of the source, which were handed out in an earlier run; they
    /// are hashed and their lines counted.
    ///
    /// A line that began before that place and ends behind it (the writer was in the middle of it at the time) is
    /// handed out whole, from its beginning; so is a run of NUL bytes that grew.
    #[must_use]
    pub fn with_skip(mut self, bytes: u64) -> Self {
        self.skip = bytes;
        self
    }

    #[cfg(test)]
    fn with_sizes(mut self, chunk_bytes: usize, line_bytes_max: usize) -> Self {
        assert!(BOM.len() <= chunk_bytes && chunk_bytes <= line_bytes_max);
        self.chunk_bytes = chunk_bytes;
        self.line_bytes_max = line_bytes_max;
        self
    }

    /// The next piece, or `None` at the end. After an error the source should be given up.
    pub fn next_chunk(&mut self) -> io::Result<Option<Piece>> {
        while let Some(piece) = self.next_piece()? {
            if let Some(piece) = self.behind_skip(piece) {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Takes back the buffer of a chunk that is done with.
    pub fn recycle(&mut self, bytes: Vec<u8>) {
        // the buffer of one long line is not kept
        if self.spare.len() < limits::CHUNKS_SPARE_MAX && bytes.capacity() <= 4 * self.chunk_bytes {
            self.spare.push(bytes);
        }
    }

    /// The number and the BLAKE3 hash of all bytes read so far, and so of the whole source once there is no next piece.
    pub fn content(&self) -> (u64, blake3::Hash) {
        self.reader.content()
    }

    /// What is read from.
    pub fn get_ref(&self) -> &R {
        self.reader.get_ref()
    }

    fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.piece_in_buffer()? {
                return Ok(Some(piece));
            }
            if self.ended {
                let rest = self.pending().len();
                return Ok((rest > 0).then(|| Piece::Lines(self.take(rest))));
            }
            // whole lines are not in the buffer: more of the line that is, but no more than shows that it is too long
            let wanted = (self.pending().len() + self.chunk_bytes).min(self.line_bytes_max + 1);
            self.fill(wanted)?;
            if self.offset == 0 && self.pending().starts_with(BOM) {
                self.pass(BOM.len());
            }
        }
    }

    /// What can be handed out without reading more.
    fn piece_in_buffer(&mut self) -> io::Result<Option<Piece>> {
        let pending = self.pending();
        match long_zero_run(pending) {
            Some(0) => return self.zeros().map(Some),
            Some(start) => return Ok(Some(Piece::Lines(self.take(start)))),
            None => {}
        }
        match memrchr(b'\n', pending) {
            Some(newline) => Ok(Some(Piece::Lines(self.take(newline + 1)))),
            None if pending.len() > self.line_bytes_max => self.too_long().map(Some),
            None => Ok(None),
        }
    }

    fn too_long(&mut self) -> io::Result<Piece> {
        let (line, offset) = (self.lines + 1, self.offset);
        let head = self.pending()[..self.pending().len().min(limits::REJECT_BYTES_MAX)].to_vec();
        loop {
            let newline = memchr(b'\n', self.pending());
            self.pass(newline.unwrap_or(self.pending().len()));
            if newline.is_some() || self.ended {
                let bytes = self.offset - offset;
                self.pass(usize::from(newline.is_some()));
                return Ok(Piece::TooLong { line, offset, bytes, head });
            }
            self.fill(self.chunk_bytes)?;
        }
    }

    fn zeros(&mut self) -> io::Result<Piece> {
        let (line, offset) = (self.lines + 1, self.offset);
        loop {
            self.pass(leading_zeros(self.pending()));
            if !self.pending().is_empty() || self.ended {
                return Ok(Piece::Zeros { line, offset, bytes: self.offset - offset });
            }
            self.fill(self.chunk_bytes)?;
        }
    }

    /// What of the piece that was just taken was not handed out in an earlier run.
    fn behind_skip(&mut self, piece: Piece) -> Option<Piece> {
        let known = self.offset <= self.skip;
        match piece {
            Piece::Lines(chunk) if known => {
                self.recycle(chunk.bytes);
                None
            }
            Piece::Lines(chunk) if chunk.offset < self.skip => Some(Piece::Lines(behind(chunk, self.skip))),
            piece => (!known).then_some(piece),
        }
    }

    fn pending(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// Reads until `wanted` bytes are pending, or to the end.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        if self.buffer.is_empty() {
            // unlike resize, this leaves untouched the pages that a small file does not need
            self.buffer = vec![0; wanted];
        } else if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.end < wanted && !self.ended {
            match self.reader.read(&mut self.buffer[self.end..wanted]) {
                Ok(n) => {
                    self.end += n;
                    self.ended = n == 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Hands out the next `bytes` bytes: in the buffer that they lie in, if most of it is theirs.
    fn take(&mut self, bytes: usize) -> Chunk {
        let (lines_before, offset) = (self.lines, self.offset);
        let mut other = self.spare.pop().unwrap_or_default();
        let taken = if self.at == 0 && bytes >= self.chunk_bytes / 2 {
            self.pass(bytes);
            if other.len() < self.buffer.len() {
                other.resize(self.buffer.len(), 0);
            }
            let rest = self.at..self.end;
            other[..rest.len()].copy_from_slice(&self.buffer[rest.clone()]);
            (self.at, self.end) = (0, rest.len());
            let mut full = std::mem::replace(&mut self.buffer, other);
            full.truncate(bytes);
            full
        } else {
            other.clear();
            other.extend_from_slice(&self.pending()[..bytes]);
            self.pass(bytes);
            other
        };
        Chunk { bytes: taken, lines_before, offset }
    }

    fn pass(&mut self, bytes: usize) {
        self.lines += lines(&self.pending()[..bytes]);
        self.offset += bytes as u64;
        self.at += bytes;
    }
}

/// The lines of `chunk` that end behind `skip`, a place in the source within the chunk.
fn behind(mut chunk: Chunk, skip: u64) -> Chunk {
    let known = usize::try_from(skip - chunk.offset).map_or(chunk.bytes.len(), |known| known.min(chunk.bytes.len()));
    let cut = memrchr(b'\n', &chunk.bytes[..known]).map_or(0, |newline| newline + 1);
    chunk.lines_before += lines(&chunk.bytes[..cut]);
    chunk.offset += cut as u64;
    chunk.bytes.drain(..cut);
    chunk
}

fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

fn leading_zeros(bytes: &[u8]) -> usize {
    let blocks = bytes.chunks_exact(ZEROS.len()).take_while(|block| **block == ZEROS).count();
    let rest = &bytes[blocks * ZEROS.len()..];
    blocks * ZEROS.len() + rest.iter().take_while(|byte| **byte == 0).count()
}

/// Where the first run of NUL bytes begins that is too long to be part of a line.
fn long_zero_run(bytes: &[u8]) -> Option<usize> {
    // one that long has a byte at a multiple of its least length
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == 0 {
            let start = bytes[..at].iter().rposition(|byte| *byte != 0).map_or(0, |before| before + 1);
            let end = at + leading_zeros(&bytes[at..]);
            if end - start > limits::ZERO_RUN_BYTES_MAX {
                return Some(start);
            }
        }
        at += limits::ZERO_RUN_BYTES_MAX;
    }
    None
}

#[cfg(test)]
mod tests;
