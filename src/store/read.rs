//! An object as a stream of bytes: by ranges, one of them ahead, in bounded memory.
//!
//! A connection that breaks is taken up where it broke. An object that is replaced while it is read is an error: half
//! of the one and half of the other is no evidence.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};

use super::fault::Fault;
use super::{Entry, Location, Pending};
use crate::limits;

/// How much each range is larger than the one before it.
const GROWTH: u64 = 8;

/// The bytes of one object. Memory: two ranges of [`limits::REMOTE_RANGE_BYTES`].
pub struct Reader {
    location: Location,
    entry: Entry,
    /// The next byte to be read.
    at: u64,
    /// What was fetched last, and where it begins.
    block: Bytes,
    block_at: u64,
    /// Bytes of the next range.
    size: u64,
    ahead: Option<(Range<u64>, Pending<Fetched>)>,
    /// The rest of the object in one answer, from a server that gives no ranges.
    rest: Option<Rest>,
    gives_ranges: bool,
}

/// A range, and the tag of the content that it is of.
type Fetched = Result<(Bytes, Option<String>), Broken>;

struct Rest {
    at: u64,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
}

/// Why a range did not come.
enum Broken {
    Replaced,
    /// The server sends whole files only.
    NoRanges,
    Store(object_store::Error),
}

impl Reader {
    pub(super) fn new(location: Location, entry: Entry) -> Self {
        Self {
            location,
            entry,
            at: 0,
            block: Bytes::new(),
            block_at: 0,
            size: limits::REMOTE_RANGE_FIRST_BYTES,
            ahead: None,
            rest: None,
            gives_ranges: true,
        }
    }

    /// The object's size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    /// What was fetched and lies at and behind the next byte to be read.
    fn buffered(&self) -> &[u8] {
        let Some(from) = self.at.checked_sub(self.block_at) else { return &[] };
        usize::try_from(from).ok().and_then(|from| self.block.get(from..)).unwrap_or(&[])
    }

    /// Fetches the block that the next byte lies in.
    fn load(&mut self) -> io::Result<()> {
        if self.gives_ranges {
            match self.load_range() {
                Err(Broken::NoRanges) => {
                    self.gives_ranges = false;
                    self.ahead = None;
                }
                result => return result.map_err(|broken| self.broken(broken)),
            }
        }
        self.load_rest().map_err(|broken| self.broken(broken))
    }

    fn load_range(&mut self) -> Result<(), Broken> {
        let goes_on = self.at != 0 && self.at == self.block_at + self.block.len() as u64;
        if !goes_on {
            self.size = limits::REMOTE_RANGE_FIRST_BYTES;
        }
        let pending = match self.ahead.take() {
            Some((range, pending)) if range.start == self.at => pending,
            _ => self.fetch(self.at),
        };
        self.block = Bytes::new();
        let (block, e_tag) = pending.wait().map_err(dropped)??;
        self.block = block;
        // a listing may leave the tag or its quotes out: that of the first range binds the others
        self.entry.e_tag = e_tag.or(self.entry.e_tag.take());
        self.block_at = self.at;
        self.size = (self.size * GROWTH).min(limits::REMOTE_RANGE_BYTES);
        let next = self.block_at + self.block.len() as u64;
        // who reads a second range reads on; who looked at the head only may not
        if goes_on && next < self.entry.bytes {
            self.ahead = Some((next..next + self.size, self.fetch(next)));
        }
        Ok(())
    }

    fn fetch(&self, from: u64) -> Pending<Fetched> {
        let range = from..(from + self.size).min(self.entry.bytes);
        let (store, entry) = (self.location.store(), self.entry.clone());
        self.location.bucket.begin(async move { fetch(&store, &entry, range).await })
    }

    fn load_rest(&mut self) -> Result<(), Broken> {
        let mut rest = match self.rest.take() {
            Some(rest) if rest.at <= self.at => rest,
            _ => self.open_rest()?,
        };
        loop {
            let pending = self.location.bucket.begin(async move { (rest.stream.next().await, rest) });
            let (bytes, after) = pending.wait().map_err(dropped)?;
            rest = after;
            let Some(bytes) = bytes.transpose().map_err(Broken::Store)? else { return Err(Broken::Replaced) };
            let begins = rest.at;
            rest.at += bytes.len() as u64;
            if rest.at > self.entry.bytes {
                return Err(Broken::Replaced);
            }
            if rest.at > self.at {
                self.block = bytes;
                self.block_at = begins;
                self.rest = Some(rest);
                return Ok(());
            }
        }
    }

    fn open_rest(&self) -> Result<Rest, Broken> {
        let (store, entry) = (self.location.store(), self.entry.clone());
        let opened = self.location.bucket.wait(async move {
            let found = store.get_opts(&entry.path, GetOptions::default()).await.map_err(Broken::Store)?;
            if !is_same(&entry, &found.meta) {
                return Err(Broken::Replaced);
            }
            Ok(found.into_stream())
        });
        Ok(Rest { at: 0, stream: opened.map_err(dropped)?? })
    }

    fn broken(&self, broken: Broken) -> io::Error {
        let replaced = "it was replaced or removed while it was read; run again";
        let fault = match broken {
            Broken::Replaced
            | Broken::Store(object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. }) => {
                Fault::new(ErrorKind::InvalidData, replaced)
            }
            Broken::NoRanges => Fault::new(ErrorKind::Unsupported, "the server gives no ranges"),
            Broken::Store(error) => {
                let Fault { kind, text } = self.location.fault(&error);
                Fault::new(kind, format!("{text}, after {} of {} bytes", self.at, self.entry.bytes))
            }
        };
        fault.of_read()
    }
}

fn dropped(error: crate::error::Error) -> Broken {
    Broken::Store(object_store::Error::Generic { store: "remote", source: Box::new(error) })
}

/// One range of an object. A store that names the content by a tag takes broken connections up itself; for others it
/// is asked again.
async fn fetch(store: &Arc<dyn ObjectStore>, entry: &Entry, range: Range<u64>) -> Fetched {
    let mut tries = 1;
    loop {
        match fetch_once(store, entry, range.clone()).await {
            Err(Broken::Store(object_store::Error::Generic { .. }))
                if entry.e_tag.is_none() && tries < limits::REMOTE_RANGE_TRIES =>
            {
                tries += 1;
            }
            result => return result,
        }
    }
}

async fn fetch_once(store: &Arc<dyn ObjectStore>, entry: &Entry, range: Range<u64>) -> Fetched {
    // a weak tag never matches, and one without quotes is none
    let if_match = entry.e_tag.clone().filter(|tag| tag.starts_with('"'));
    let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), if_match, ..GetOptions::default() };
    let found = match store.get_opts(&entry.path, options).await {
        Err(object_store::Error::NotSupported { .. }) => return Err(Broken::NoRanges),
        answer => answer.map_err(Broken::Store)?,
    };
    if !is_same(entry, &found.meta) || found.range != range {
        return Err(Broken::Replaced);
    }
    let e_tag = found.meta.e_tag.clone();
    let bytes = found.bytes().await.map_err(Broken::Store)?;
    if bytes.len() as u64 == range.end - range.start { Ok((bytes, e_tag)) } else { Err(Broken::Replaced) }
}

/// Whether an answer is about the content that was listed. Not every server heeds `If-Match`.
fn is_same(entry: &Entry, meta: &ObjectMeta) -> bool {
    let found = Entry::new(meta.clone());
    let same_tag = match (&entry.e_tag, &found.e_tag) {
        // Azure's listings leave the quotes out
        (Some(listed), Some(found)) => bare(listed) == bare(found),
        // seconds: a listing may tell parts of them, the answer's header never does
        _ => entry.modified_ns / 1_000_000_000 == found.modified_ns / 1_000_000_000,
    };
    same_tag && entry.bytes == found.bytes
}

/// A tag without quotes and without the mark of a weak one.
fn bare(tag: &str) -> &str {
    tag.trim_start_matches("W/").trim_matches('"')
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || self.at >= self.entry.bytes {
            return Ok(0);
        }
        if self.buffered().is_empty() {
            self.load()?;
        }
        let buffered = self.buffered();
        let n = into.len().min(buffered.len());
        into[..n].copy_from_slice(&buffered[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.entry.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a place before the beginning"))?;
        Ok(self.at)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { location, entry: Entry { bytes, .. }, at, .. } = self;
        write!(f, "{location:?} at {at} of {bytes}")
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_same_content_is_known_by_its_tag_however_it_is_written_and_else_by_its_time() {
        let meta = |e_tag: Option<&str>, size, second| ObjectMeta {
            location: "a".into(),
            last_modified: DateTime::from_timestamp(second, 500).unwrap(),
            size,
            e_tag: e_tag.map(str::to_owned),
            version: None,
        };
        let listed = |e_tag| Entry::new(meta(e_tag, 3, 7));
        for (listed, found, same) in [
            (listed(Some("0x8D")), meta(Some("\"0x8D\""), 3, 9), true),
            (listed(Some("\"a\"")), meta(Some("W/\"a\""), 3, 7), true),
            (listed(Some("\"a\"")), meta(Some("\"b\""), 3, 7), false),
            (listed(Some("\"a\"")), meta(Some("\"a\""), 4, 7), false),
            (listed(None), meta(Some("\"a\""), 3, 7), true),
            (listed(None), meta(Some("\"a\""), 3, 8), false),
        ] {
            assert_eq!(is_same(&listed, &found), same, "{listed:?} {found:?}");
        }
    }
}
