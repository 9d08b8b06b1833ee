//! Archives: their members as sources of their own, read where they lie. Nothing is unpacked to a disk, ever.
//!
//! A member of a plain tar or of a zip is sought in the file. In a packed tar there is no seeking, so a decoder that
//! came to the end of one member stays where it is and goes on with the next: reading all members in their order unpacks
//! the archive once, however many they are.

mod list;
mod name;
mod tar;
mod zip;

use std::fmt;
use std::io::{self, Read, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use self::list::take;
use super::decode::{self, Allowance, Decoder, Feed};
use super::find::Place;
use crate::limits;

/// An archive, for as long as any of its members is wanted.
struct Archive {
    place: Place,
    /// Its size in bytes as it lies there.
    bytes: u64,
    kind: Kind,
    allowance: Allowance,
    /// Decoders in the middle of a packed archive, with the place where they stand in the unpacked one.
    standing: Mutex<Vec<(u64, Decoder)>>,
    /// How often it was unpacked from its beginning.
    begun: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tar,
    PackedTar,
    Zip,
}

/// One file within an archive.
pub struct Member {
    archive: Arc<Archive>,
    stored: Stored,
    /// Its size, as it lies in the archive.
    bytes: u64,
    allowance: Allowance,
    /// The first [`limits::HEAD_BYTES`] of its decompressed content, if they were kept.
    head: Option<Box<[u8]>>,
}

/// Where a member lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// From this byte of the unpacked tar on.
    Tar(u64),
    Zip(zip::Stored),
}

impl Archive {
    fn new(place: Place, bytes: u64, kind: Kind) -> Arc<Self> {
        let allowance = Allowance::of_archive(bytes);
        Arc::new(Self { place, bytes, kind, allowance, standing: Mutex::default(), begun: AtomicU64::new(0) })
    }

    /// The file, unless it is another than when its members were listed.
    fn file(&self) -> Result<Box<dyn decode::Seekable>, String> {
        let (file, bytes) = decode::seekable(&self.place)?;
        if bytes == self.bytes { Ok(file) } else { Err(changed()) }
    }

    /// The unpacked archive from `at` on.
    fn unpacked(&self, at: u64) -> Result<Decoder, String> {
        let (stands, mut decoder) = match self.nearest(at) {
            Some(standing) => standing,
            None => (0, self.begin()?),
        };
        io::copy(&mut (&mut decoder).take(at - stands), &mut io::sink()).map_err(|error| error.to_string())?;
        Ok(decoder)
    }

    fn begin(&self) -> Result<Decoder, String> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let (reader, expected) = decode::raw(&self.place)?;
        if expected.is_some_and(|bytes| bytes != self.bytes) {
            return Err(changed());
        }
        Decoder::new(Feed { reader, expected, shrunk: "the archive shrank while it was read", allowance: None })
    }

    /// The decoder that stands the least way before `at`.
    fn nearest(&self, at: u64) -> Option<(u64, Decoder)> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = standing.iter().enumerate().filter(|(_, (stands, _))| *stands <= at);
        let nearest = before.max_by_key(|(_, (stands, _))| *stands)?.0;
        Some(standing.remove(nearest))
    }

    /// Keeps a decoder for the next member; of too many, the one that waited longest goes.
    fn keep(&self, at: u64, decoder: Decoder) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.len() == limits::STANDING_DECODERS_MAX {
            standing.remove(0);
        }
        standing.push((at, decoder));
    }
}

fn changed() -> String {
    "the archive changed since its members were listed; run again".to_owned()
}

fn too_many() -> String {
    format!("has more than {} members; unpack it, and name the folder", limits::MEMBERS_MAX)
}

impl Member {
    fn new(archive: &Arc<Archive>, stored: Stored, bytes: u64) -> Self {
        let allowance = archive.allowance.share();
        Self { archive: Arc::clone(archive), stored, bytes, allowance, head: None }
    }

    /// The first `bytes` decompressed bytes, fewer where there are no more, if they are known without reading.
    pub(super) fn head(&self, bytes: usize) -> Option<&[u8]> {
        self.head.as_deref().filter(|_| bytes <= limits::HEAD_BYTES).map(|head| &head[..bytes.min(head.len())])
    }

    /// Members with the same number lie in one stream, which is best read by one reader at a time.
    pub(super) fn stream(&self) -> Option<usize> {
        (self.archive.kind == Kind::PackedTar).then(|| Arc::as_ptr(&self.archive).addr())
    }

    /// Opens it, whatever it holds; fails with the reason.
    pub(super) fn open(&self) -> Result<Decoder, String> {
        Decoder::new(Feed {
            reader: self.reader()?,
            expected: Some(self.bytes),
            shrunk: "the archive is cut off within it",
            allowance: Some(self.allowance.clone()),
        })
    }

    /// Its bytes as they lie in the archive.
    fn reader(&self) -> Result<Box<dyn Read + Send>, String> {
        match self.stored {
            Stored::Zip(stored) => stored.reader(self.archive.file()?).map_err(|error| error.to_string()),
            Stored::Tar(at) if self.archive.kind == Kind::Tar => {
                let mut file = self.archive.file()?;
                file.seek(SeekFrom::Start(at)).map_err(|error| error.to_string())?;
                Ok(Box::new(file.take(self.bytes)))
            }
            Stored::Tar(at) => {
                let decoder = Some(self.archive.unpacked(at)?);
                Ok(Box::new(Stretch { archive: Arc::clone(&self.archive), decoder, at, end: at + self.bytes }))
            }
        }
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.archive, &other.archive) && self.stored == other.stored
    }
}

impl Eq for Member {}

impl fmt::Debug for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Member").field(&self.archive.place).field(&self.stored).finish()
    }
}

/// A stretch of an unpacked archive. Its decoder goes back to the archive afterwards.
struct Stretch {
    archive: Arc<Archive>,
    /// `None` after an error.
    decoder: Option<Decoder>,
    at: u64,
    end: u64,
}

impl Read for Stretch {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let Some(decoder) = self.decoder.as_mut().filter(|_| wanted > 0) else { return Ok(0) };
        match decoder.read(&mut into[..wanted]) {
            Ok(n) => {
                self.at += n as u64;
                Ok(n)
            }
            Err(error) => {
                self.decoder = None;
                Err(error)
            }
        }
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        if let Some(decoder) = self.decoder.take() {
            self.archive.keep(self.at, decoder);
        }
    }
}

#[cfg(test)]
mod tests;
