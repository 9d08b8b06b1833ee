//! From a source to its decompressed bytes.
//!
//! What a file is packed with is told by its content, never by its name, and so is what lies within: gzip within gzip
//! is undone as one. A packed file that was cut off gives all that can still be unpacked; one whose checksum is wrong
//! gives an error, since its content is not what was written.
//! A file is opened once and read up to the size that it had then, so that a live log does not move under the reader.
//! It is never mapped into memory: a log that is cut while mapped would kill the process.

mod allowance;
mod frame;
mod raw;

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Seek};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use self::allowance::Allowance;
use self::frame::Frame;
use self::raw::{Raw, is_below};
use super::find::{Place, Source};
use super::sniff::{self, MAGIC_BYTES, Packing};
use crate::error::{Error, Result};
use crate::limits;

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
    let refuse = |reason: String| Error::input(&source.name, reason);
    if matches!(source.place, Place::Stdin) && io::stdin().is_terminal() {
        return Err(Error::usage("- is a terminal; pipe a log into it"));
    }
    let mut decoder = begin(&source.place).map_err(refuse)?;
    let head = decoder.head(MAGIC_BYTES).map_err(|error| refuse(error.to_string()))?;
    match sniff::foreign(head) {
        None => Ok(decoder),
        Some(reason) if decoder.is_packed() => Err(refuse(format!("its content {reason}"))),
        Some(reason) => Err(refuse(reason)),
    }
}

/// Opens a place, whatever it holds; fails with the reason.
pub(super) fn begin(place: &Place) -> Result<Decoder, String> {
    if let Place::Member(member) = place {
        return member.open();
    }
    let (reader, expected) = raw(place)?;
    Decoder::new(Feed { reader, expected, shrunk: "the file shrank while it was read", allowance: None })
}

/// The bytes of a place as they lie there, and how many they should be; fails with the reason.
pub(super) fn raw(place: &Place) -> Result<(Box<dyn Read + Send>, Option<u64>), String> {
    match place {
        Place::File(_) | Place::Object { .. } => {
            let (file, bytes) = seekable(place)?;
            Ok((Box::new(file.take(bytes)), Some(bytes)))
        }
        Place::Stdin => Ok((Box::new(io::stdin()), None)),
        Place::Member(_) => Err("is a member of an archive, which is read through its archive".to_owned()),
        Place::Unreadable(reason) => Err(reason.to_string()),
    }
}

/// Bytes that can be read from anywhere on.
pub(super) trait Seekable: Read + Seek + Send {}
impl<T: Read + Seek + Send> Seekable for T {}

/// As [`raw`], for what can be read from anywhere on.
pub(super) fn seekable(place: &Place) -> Result<(Box<dyn Seekable>, u64), String> {
    let path = match place {
        Place::File(path) => path,
        Place::Object { bucket, entry } => return Ok((Box::new(bucket.reader(entry)), entry.bytes)),
        _ => return Err("can be read only from its beginning".to_owned()),
    };
    let refuse = |error: io::Error| format!("cannot be opened: {error}");
    let file = File::open(path).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    if !metadata.is_file() {
        return Err("is no longer a regular file".to_owned());
    }
    Ok((Box::new(file), metadata.len()))
}

/// What a [`Decoder`] is made from.
pub(super) struct Feed {
    pub(super) reader: Box<dyn Read + Send>,
    /// How many bytes it should give, where that is known.
    pub(super) expected: Option<u64>,
    /// What happened if it gives fewer.
    pub(super) shrunk: &'static str,
    /// What its decompressed bytes are charged to; where there is none, they are weighed against the bytes read.
    pub(super) allowance: Option<Allowance>,
}

/// The decompressed bytes of a source.
///
/// Reading fails on damaged content, on the disk's errors and on decompression bombs; nothing of the source should be
/// used then. A source that is cut off or has garbage behind it ends as any other, and [`Decoder::ending`] tells.
pub struct Decoder {
    raw: Raw,
    /// From the outermost to the innermost.
    packings: Vec<Packing>,
    /// Decompressed bytes that were looked at but not yet handed out.
    ahead: Vec<u8>,
    ahead_at: usize,
    expected: Option<u64>,
    shrunk: &'static str,
    meter: Arc<Meter>,
}

/// What the layers of a decoder share.
struct Meter {
    read: Arc<AtomicU64>,
    allowance: Allowance,
    ending: Mutex<Ending>,
}

impl Meter {
    /// A cut explains garbage, and the outermost cut those within.
    fn end(&self, ending: Ending) {
        let mut known = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*known, Ending::Truncated(_)) {
            *known = ending;
        }
    }
}

impl Decoder {
    /// Begins to decode; fails with the reason.
    pub(super) fn new(feed: Feed) -> Result<Self, String> {
        let read = Arc::new(AtomicU64::new(0));
        let mut raw = Raw::new(feed.reader, feed.expected, Arc::clone(&read));
        let allowance = feed.allowance.unwrap_or_else(|| Allowance::of_file(Arc::clone(&read)));
        let meter = Arc::new(Meter { read, allowance, ending: Mutex::new(Ending::Whole) });
        let mut packings = Vec::new();
        while let Some(packing) = Packing::of(raw.peek(MAGIC_BYTES).map_err(|error| error.to_string())?) {
            if packings.len() == limits::PACKED_DEPTH_MAX {
                return Err(format!("is packed more than {} times; unpack it first", limits::PACKED_DEPTH_MAX));
            }
            packings.push(packing);
            let layer = Layer::new(packing, raw, &meter).map_err(|error| error.to_string())?;
            raw = Raw::new(Box::new(layer), None, Arc::default());
        }
        let (expected, shrunk) = (feed.expected, feed.shrunk);
        Ok(Self { raw, packings, ahead: Vec::new(), ahead_at: 0, expected, shrunk, meter })
    }

    /// Whether there is any packing around the content.
    pub(super) fn is_packed(&self) -> bool {
        !self.packings.is_empty()
    }

    /// What the content is packed with, from the outermost to the innermost packing.
    pub fn packings(&self) -> impl Iterator<Item = &'static str> {
        self.packings.iter().map(|packing| packing.name())
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
        self.meter.read.load(Ordering::Relaxed)
    }

    /// A handle that always holds [`Self::compressed_read`], for showing progress from another thread.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.meter.read)
    }

    /// How the source ended; means something only after a read has returned no bytes.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.meter.ending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decode(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.raw.read(into)?;
        if n == 0 && !into.is_empty() && !self.is_packed() {
            let read = self.compressed_read();
            if let Some(expected) = self.expected.filter(|expected| read < *expected) {
                self.meter.end(Ending::Truncated(format!("{}, from {expected} bytes to {read}", self.shrunk)));
            }
        }
        Ok(n)
    }
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

/// All that lies in one packing, frame after frame; they may be of different packings.
struct Layer {
    /// `None` once there are no more.
    frame: Option<Frame>,
    /// Bytes decompressed so far.
    out: u64,
    meter: Arc<Meter>,
}

impl Layer {
    fn new(packing: Packing, raw: Raw, meter: &Arc<Meter>) -> io::Result<Self> {
        Ok(Self { frame: Some(Frame::new(packing, raw)?), out: 0, meter: Arc::clone(meter) })
    }

    /// Goes on behind a frame that ended well. Zeros are padding, as gzip has it.
    fn next_frame(&mut self) -> io::Result<()> {
        let Some(frame) = self.frame.take() else { return Ok(()) };
        let name = frame.packing().name();
        let mut raw = frame.into_raw();
        raw.skip_zeros()?;
        let head = raw.peek(MAGIC_BYTES)?;
        if let Some(packing) = Packing::of(head) {
            self.frame = Some(Frame::new(packing, raw)?);
        } else if !head.is_empty() {
            let bytes = io::copy(&mut raw, &mut io::sink())?;
            self.meter.end(Ending::Garbage(format!("{bytes} bytes behind the end of the {name} data were ignored")));
        }
        Ok(())
    }
}

impl Read for Layer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while let Some(frame) = &mut self.frame {
            match frame.read(into) {
                Ok(0) => self.next_frame()?,
                Ok(n) => {
                    self.out += n as u64;
                    return if self.meter.allowance.covers(self.out) { Ok(n) } else { Err(bomb()) };
                }
                Err(error) if is_below(&error) => return Err(error),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    let (name, read) = (frame.packing().name(), self.meter.read.load(Ordering::Relaxed));
                    self.meter.end(Ending::Truncated(format!("the {name} data is cut off after {read} bytes")));
                    self.frame = None;
                }
                Err(error) => return Err(damaged(frame.packing(), &error)),
            }
        }
        Ok(0)
    }
}

fn damaged(packing: Packing, error: &io::Error) -> io::Error {
    let (name, rescue) = (packing.name(), packing.rescue());
    io::Error::new(
        ErrorKind::InvalidData,
        format!("the {name} data is damaged ({error}); copy it again, or save what {rescue} still gives"),
    )
}

fn bomb() -> io::Error {
    io::Error::other(format!(
        "expands more than {} to 1, as a decompression bomb does; if it is a real log, unpack it and name the \
         unpacked file",
        limits::RATIO_MAX
    ))
}

#[cfg(test)]
mod tests;
