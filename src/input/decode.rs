//! From a source to its decompressed bytes.
//!
//! What a file is packed with is told by its content, never by its name. A packed file that was cut off gives all
//! that can still be unpacked; one whose checksum is wrong gives an error, since its content is not what was written.
//! A file is opened once and read up to the size that it had then, so that a live log does not move under the reader.
//! It is never mapped into memory: a log that is cut while mapped would kill the process.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

use super::find::{Place, Source};
use super::sniff::{self, MAGIC_BYTES, Packing};
use crate::error::{Error, Result};
use crate::limits;
use crate::store::ReadFault;

/// Bytes asked of the file at a time.
const READ_BYTES: usize = 256 << 10;

/// How a source ended, known once it was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Whole,
    /// Too early: what could be read was handed out. The text says what is missing.
    Truncated(String),
    /// With bytes behind the packed content that are not part of it. The text says how many.
    Garbage(String),
}

/// Opens a source, and refuses content that is not a log (archives, programs, UTF-16).
pub fn open(source: &Source) -> Result<Decoder> {
    match &source.place {
        Place::File(path) => {
            let refuse = |error: io::Error| Error::input(path, format!("cannot be opened: {error}"));
            let file = File::open(path).map_err(refuse)?;
            let metadata = file.metadata().map_err(refuse)?;
            if !metadata.is_file() {
                return Err(Error::input(path, "is no longer a regular file"));
            }
            let bytes = metadata.len();
            Decoder::new(Box::new(file.take(bytes)), Some(bytes)).map_err(|reason| Error::input(path, reason))
        }
        Place::Object { bucket, entry } => Decoder::new(Box::new(bucket.reader(entry)), Some(entry.bytes))
            .map_err(|reason| Error::input(&source.name, reason)),
        Place::Stdin => {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                return Err(Error::usage("- is a terminal; pipe a log into it"));
            }
            Decoder::new(Box::new(stdin), None).map_err(|reason| Error::input(&source.name, reason))
        }
    }
}

/// The decompressed bytes of a source.
///
/// Reading fails on damaged content, on the disk's errors and on decompression bombs; nothing of the source should be
/// used then. A source that is cut off or has garbage behind it ends as any other, and [`Decoder::ending`] tells.
pub struct Decoder {
    stream: Stream,
    /// Decompressed bytes that were looked at but not yet handed out.
    ahead: Vec<u8>,
    ahead_at: usize,
    /// Bytes decompressed so far.
    out: u64,
    /// Bytes that may be decompressed before the ratio counts.
    free_bytes: u64,
    read: Arc<AtomicU64>,
    ending: Ending,
}

enum Stream {
    Plain(Raw),
    Packed(Member),
    Ended,
}

impl Decoder {
    /// Begins to decode `reader`, which should give `expected` bytes; fails with the reason.
    fn new(reader: Box<dyn Read + Send>, expected: Option<u64>) -> Result<Self, String> {
        let mut raw = Raw::new(reader, expected);
        let read = Arc::clone(&raw.read);
        let head = raw.peek(MAGIC_BYTES).map_err(|error| error.to_string())?;
        let packing = Packing::of(head);
        if packing.is_none()
            && let Some(reason) = sniff::foreign(head)
        {
            return Err(reason);
        }
        let stream = match packing {
            Some(packing) => Stream::Packed(Member::new(packing, raw).map_err(|error| error.to_string())?),
            None => Stream::Plain(raw),
        };
        let free_bytes = limits::RATIO_FREE_BYTES;
        let (ahead, ending) = (Vec::new(), Ending::Whole);
        let mut decoder = Self { stream, ahead, ahead_at: 0, out: 0, free_bytes, read, ending };
        if packing.is_some() {
            let head = decoder.head(MAGIC_BYTES).map_err(|error| error.to_string())?;
            if Packing::of(head).is_some() {
                return Err("is packed twice; unpack it once first".into());
            }
            if let Some(reason) = sniff::foreign(head) {
                return Err(format!("its content {reason}"));
            }
        }
        Ok(decoder)
    }

    /// The next `bytes` decompressed bytes (fewer where the source ends), which stay to be read.
    pub fn head(&mut self, bytes: usize) -> io::Result<&[u8]> {
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.drain(..self.ahead_at);
        self.ahead_at = 0;
        let filled = self.fill(&mut ahead, bytes);
        self.ahead = ahead;
        filled?;
        Ok(&self.ahead[..bytes.min(self.ahead.len())])
    }

    fn fill(&mut self, ahead: &mut Vec<u8>, bytes: usize) -> io::Result<()> {
        while ahead.len() < bytes {
            let have = ahead.len();
            ahead.resize(bytes, 0);
            let read = self.decode(&mut ahead[have..]);
            ahead.truncate(have + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Compressed bytes read so far.
    #[must_use]
    pub fn compressed_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// A handle that always holds [`Self::compressed_read`], for showing progress from another thread.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// How the source ended; means something only after a read has returned no bytes.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending.clone()
    }

    fn decode(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.stream {
                Stream::Ended => return Ok(0),
                Stream::Plain(raw) => {
                    let n = raw.read(into)?;
                    if n == 0 {
                        self.ending = raw.ending();
                        self.stream = Stream::Ended;
                    }
                    return Ok(n);
                }
                Stream::Packed(member) => match member.read(into) {
                    Ok(0) => self.next_member()?,
                    Ok(n) => return self.within_ratio(n),
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        let name = member.packing().name();
                        self.ending = Ending::Truncated(format!(
                            "the {name} data is cut off after {} bytes",
                            self.compressed_read()
                        ));
                        self.stream = Stream::Ended;
                    }
                    Err(error) if error.raw_os_error().is_some() || ReadFault::is(&error) => return Err(error),
                    Err(error) => return Err(damaged(member.packing(), &error)),
                },
            }
        }
    }

    /// Goes on behind a member (gzip) or frame (zstd) that ended well. Zeros are padding, as gzip has it.
    fn next_member(&mut self) -> io::Result<()> {
        let Stream::Packed(member) = std::mem::replace(&mut self.stream, Stream::Ended) else { return Ok(()) };
        let name = member.packing().name();
        let mut raw = member.into_raw();
        raw.skip_zeros()?;
        let head = raw.peek(4)?;
        if let Some(packing) = Packing::of(head) {
            self.stream = Stream::Packed(Member::new(packing, raw)?);
        } else if !head.is_empty() {
            let bytes = io::copy(&mut raw, &mut io::sink())?;
            self.ending = Ending::Garbage(format!("{bytes} bytes behind the end of the {name} data were ignored"));
        }
        Ok(())
    }

    fn within_ratio(&mut self, n: usize) -> io::Result<usize> {
        self.out += n as u64;
        if self.out > self.free_bytes && self.out / limits::RATIO_MAX > self.compressed_read() {
            return Err(bomb());
        }
        Ok(n)
    }
}

fn damaged(packing: Packing, error: &io::Error) -> io::Error {
    let name = packing.name();
    io::Error::new(
        ErrorKind::InvalidData,
        format!("the {name} data is damaged ({error}); copy it again, or save what {name} -dc still gives"),
    )
}

fn bomb() -> io::Error {
    io::Error::other(format!(
        "expands more than {} to 1, as a decompression bomb does; if it is a real log, unpack it and name the \
         unpacked file",
        limits::RATIO_MAX
    ))
}

impl Read for Decoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ahead_at == self.ahead.len() {
            return self.decode(into);
        }
        let n = into.len().min(self.ahead.len() - self.ahead_at);
        into[..n].copy_from_slice(&self.ahead[self.ahead_at..self.ahead_at + n]);
        self.ahead_at += n;
        Ok(n)
    }
}

/// One gzip member or zstd frame. Reading gives no bytes at its end and `UnexpectedEof` where it is cut off.
enum Member {
    Gzip(Box<GzDecoder<Raw>>),
    Zstd(Frame),
}

struct Frame {
    raw: Raw,
    decoder: ZstdDecoder<'static>,
    ended: bool,
}

impl Member {
    fn new(packing: Packing, raw: Raw) -> io::Result<Self> {
        Ok(match packing {
            Packing::Gzip => Self::Gzip(Box::new(GzDecoder::new(raw))),
            Packing::Zstd => {
                let mut decoder = ZstdDecoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG_MAX))?;
                Self::Zstd(Frame { raw, decoder, ended: false })
            }
        })
    }

    fn packing(&self) -> Packing {
        match self {
            Self::Gzip(_) => Packing::Gzip,
            Self::Zstd(_) => Packing::Zstd,
        }
    }

    fn into_raw(self) -> Raw {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(frame) => frame.raw,
        }
    }
}

impl Read for Member {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(frame) => frame.read(into),
        }
    }
}

impl Read for Frame {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.raw.fill_buf()?;
            let no_more = input.is_empty();
            let status = self.decoder.run_on_buffers(input, into)?;
            self.raw.consume(status.bytes_read);
            self.ended = status.remaining == 0;
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if no_more && !self.ended {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// The bytes as they lie in the file: buffered, counted, and open to be looked at before they are taken.
struct Raw {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    read: Arc<AtomicU64>,
    expected: Option<u64>,
}

impl Raw {
    fn new(reader: Box<dyn Read + Send>, expected: Option<u64>) -> Self {
        let small = expected.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(READ_BYTES);
        let buffer = vec![0; small.clamp(MAGIC_BYTES, READ_BYTES)];
        Self { reader, buffer, at: 0, end: 0, read: Arc::default(), expected }
    }

    /// The next `bytes` bytes, fewer at the end; at most [`MAGIC_BYTES`].
    fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
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

    fn skip_zeros(&mut self) -> io::Result<()> {
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

    /// A file that gave fewer bytes than it had when it was opened was cut while it was read.
    fn ending(&self) -> Ending {
        let read = self.read.load(Ordering::Relaxed);
        match self.expected {
            Some(expected) if read < expected => {
                Ending::Truncated(format!("the file shrank while it was read, from {expected} bytes to {read}"))
            }
            _ => Ending::Whole,
        }
    }
}

/// One read that is not given up because of a signal.
fn read_some(reader: &mut dyn Read, into: &mut [u8], count: &AtomicU64) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => {
                let n = result?;
                count.fetch_add(n as u64, Ordering::Relaxed);
                return Ok(n);
            }
        }
    }
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

#[cfg(test)]
mod tests;
