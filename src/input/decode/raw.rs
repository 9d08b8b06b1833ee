//! The bytes below a packing: buffered, counted, and open to be looked at before they are taken.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::input::sniff::MAGIC_BYTES;

/// Bytes asked of a file at a time.
const READ_BYTES: usize = 256 << 10;

/// What a packing is undone from, or what is left where none is.
pub(super) struct Raw {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    read: Arc<AtomicU64>,
}

impl Raw {
    /// Buffers `reader`, which should give `expected` bytes, and counts them into `read`.
    pub(super) fn new(reader: Box<dyn Read + Send>, expected: Option<u64>, read: Arc<AtomicU64>) -> Self {
        let small = expected.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(READ_BYTES);
        let buffer = vec![0; small.clamp(MAGIC_BYTES, READ_BYTES)];
        Self { reader, buffer, at: 0, end: 0, read }
    }

    /// The next `bytes` bytes, fewer at the end; at most [`MAGIC_BYTES`].
    pub(super) fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
        if self.at + bytes > self.buffer.len() {
            self.buffer.copy_within(self.at..self.end, 0);
            self.end -= self.at;
            self.at = 0;
        }
        while self.end - self.at < bytes && self.refill()? > 0 {}
        Ok(&self.buffer[self.at..self.end.min(self.at + bytes)])
    }

    fn refill(&mut self) -> io::Result<usize> {
        let n = read_some(&mut self.reader, &mut self.buffer[self.end..], &self.read)?;
        self.end += n;
        Ok(n)
    }

    pub(super) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.fill_buf()?;
            let zeros = buffered.iter().take_while(|byte| **byte == 0).count();
            let more = zeros > 0 && zeros == buffered.len();
            self.consume(zeros);
            if !more {
                return Ok(());
            }
        }
    }
}

/// One read that is not given up because of a signal.
fn read_some(reader: &mut dyn Read, into: &mut [u8], count: &AtomicU64) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(below(error)),
            Ok(n) => {
                count.fetch_add(n as u64, Ordering::Relaxed);
                return Ok(n);
            }
        }
    }
}

/// An error of what lies below a packing: the disk's, or another packing's. It says nothing about the packing above.
#[derive(Debug)]
struct Below(io::Error);

impl fmt::Display for Below {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Below {}

fn below(error: io::Error) -> io::Error {
    if is_below(&error) { error } else { io::Error::other(Below(error)) }
}

/// Whether an error came from below a packing, and not from the packing.
pub(super) fn is_below(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Below>)
}

impl Read for Raw {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.end && into.len() >= self.buffer.len() {
            return read_some(&mut self.reader, into, &self.read);
        }
        let buffered = self.fill_buf()?;
        let n = into.len().min(buffered.len());
        into[..n].copy_from_slice(&buffered[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Raw {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.end {
            self.at = 0;
            self.end = 0;
            self.refill()?;
        }
        Ok(&self.buffer[self.at..self.end])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }
}
