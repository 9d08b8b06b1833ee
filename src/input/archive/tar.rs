//! The members of a tar archive, one after the other as they lie on the tape.
//!
//! Names, sizes and types are read of v7, ustar, GNU and pax headers; a header with a wrong checksum ends the walk,
//! since nothing tells where the next one begins.

use std::io::{self, BufReader, Read};

use tar::{EntryType, Header};

use crate::input::decode::{Decoder, Seekable};
use crate::input::sniff::is_tar_header;
use crate::limits;

const BLOCK: usize = 512;

/// Where an archive is read from.
pub(super) enum Tape {
    /// A file that is wound forward.
    File { file: BufReader<Box<dyn Seekable>>, bytes: u64 },
    /// What a packing gives, which must be read to be passed.
    Packed(Box<Decoder>),
}

impl Read for Tape {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.read(into),
            Self::Packed(decoder) => decoder.read(into),
        }
    }
}

impl Tape {
    /// Goes from `at` on to `to`, or to the end; gives the place that was reached.
    fn wind(&mut self, at: u64, to: u64) -> io::Result<u64> {
        match self {
            Self::File { file, bytes } => {
                let to = to.min(*bytes).max(at);
                file.seek_relative(i64::try_from(to - at).map_err(io::Error::other)?)?;
                Ok(to)
            }
            Self::Packed(decoder) => Ok(at + io::copy(&mut decoder.take(to.saturating_sub(at)), &mut io::sink())?),
        }
    }
}

/// A member with content.
pub(super) struct Entry {
    /// As the archive has it: any bytes.
    pub(super) name: Vec<u8>,
    /// Where its content begins, in bytes of the unpacked archive.
    pub(super) at: u64,
    pub(super) bytes: u64,
    /// Why it cannot be read.
    pub(super) unread: Option<&'static str>,
}

/// What comes next in an archive.
pub(super) enum Next {
    Entry(Entry),
    /// The end, as it should be.
    End,
    /// The end mark, and bytes behind it that are no members.
    Garbage,
    /// No end mark: the archive stops after this many bytes.
    CutOff(u64),
    /// Nothing can be read behind this many bytes.
    Damaged(u64, &'static str),
}

/// A walk over all members.
pub(super) struct Walk {
    tape: Tape,
    at: u64,
    /// Where the next header is.
    next: u64,
    met_end: bool,
}

/// What headers before that of a member say of it.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    bytes: Option<u64>,
    sparse: bool,
}

impl Walk {
    pub(super) fn new(tape: Tape) -> Self {
        Self { tape, at: 0, next: 0, met_end: false }
    }

    /// The next member; what is left of the one before is passed over.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        let mut extension = Extension::default();
        loop {
            self.at = self.tape.wind(self.at, self.next)?;
            let mut block = [0; BLOCK];
            let start = self.at;
            if start < self.next || self.read(&mut block)? < BLOCK {
                return Ok(if self.met_end { Next::End } else { Next::CutOff(self.at) });
            }
            self.next = self.at;
            if block.iter().all(|byte| *byte == 0) {
                self.met_end = true;
                continue;
            }
            if !is_tar_header(&block) {
                return Ok(if self.met_end { Next::Garbage } else { Next::Damaged(start, "a header is damaged") });
            }
            let header = Header::from_byte_slice(&block);
            let Some(bytes) = self.bytes_of(header, &extension) else {
                return Ok(Next::Damaged(start, "a header tells no size"));
            };
            match header.entry_type() {
                EntryType::GNULongName => extension.name = Some(self.text(bytes)?),
                EntryType::XHeader => {
                    if bytes > limits::TAR_HEADER_BYTES_MAX {
                        return Ok(Next::Damaged(start, "a header is too long"));
                    }
                    let text = self.text(bytes)?;
                    extension.add_pax(&text);
                }
                EntryType::GNULongLink | EntryType::XGlobalHeader | EntryType::Directory => {
                    extension.forget_unless(header.entry_type() == EntryType::GNULongLink);
                }
                kind => {
                    if kind == EntryType::GNUSparse && !self.pass_sparse_map(header)? {
                        return Ok(Next::CutOff(self.at));
                    }
                    return Ok(self.member(header, extension, bytes));
                }
            }
        }
    }

    /// Reads on within the member that [`Self::next`] gave.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut have = 0;
        while have < into.len() {
            let n = self.tape.read(&mut into[have..])?;
            if n == 0 {
                break;
            }
            have += n;
        }
        self.at += have as u64;
        Ok(have)
    }

    /// Reads what lies behind the end mark, so that a checksum behind it is compared; gives the tape.
    pub(super) fn finish(mut self) -> io::Result<Tape> {
        if let Tape::Packed(decoder) = &mut self.tape {
            io::copy(decoder, &mut io::sink())?;
        }
        Ok(self.tape)
    }

    /// The size of what follows a header, and where the next header is; `None` where that is no number.
    fn bytes_of(&mut self, header: &Header, extension: &Extension) -> Option<u64> {
        let kind = header.entry_type();
        let is_extension = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        let bytes = match extension.bytes.filter(|_| !is_extension) {
            _ if kind.is_hard_link() => 0,
            Some(bytes) => bytes,
            None => header.entry_size().ok()?,
        };
        self.next = self.at.checked_add(bytes)?.checked_next_multiple_of(BLOCK as u64)?;
        Some(bytes)
    }

    /// The text that belongs to a header; of a longer one than any header has, the beginning.
    fn text(&mut self, bytes: u64) -> io::Result<Vec<u8>> {
        let bytes = bytes.min(limits::TAR_HEADER_BYTES_MAX);
        let mut text = vec![0; usize::try_from(bytes).unwrap_or(0)];
        let have = self.read(&mut text)?;
        text.truncate(have);
        Ok(text)
    }

    /// Passes the blocks that continue a sparse header, which its size does not count; whether they are all there.
    fn pass_sparse_map(&mut self, header: &Header) -> io::Result<bool> {
        const CONTINUED: usize = 504;
        let mut continued = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        let mut block = [0; BLOCK];
        while continued {
            if self.read(&mut block)? < BLOCK {
                return Ok(false);
            }
            self.next = self.next.saturating_add(BLOCK as u64);
            continued = block[CONTINUED] != 0;
        }
        Ok(true)
    }

    fn member(&self, header: &Header, extension: Extension, bytes: u64) -> Next {
        let mut name = extension.name.unwrap_or_else(|| header.path_bytes().into_owned());
        if let Some(end) = name.iter().position(|byte| *byte == 0) {
            name.truncate(end);
        }
        let unread = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous if extension.sparse => Some(SPARSE),
            EntryType::Regular | EntryType::Continuous => None,
            EntryType::GNUSparse => Some(SPARSE),
            EntryType::Link | EntryType::Symlink => Some("is a link"),
            EntryType::Char | EntryType::Block | EntryType::Fifo => Some("is a device or a FIFO"),
            _ => Some("is of a kind that is not read"),
        };
        Next::Entry(Entry { name, at: self.at, bytes, unread })
    }
}

const SPARSE: &str = "is stored with its holes left out; unpack the archive and name the file";

impl Extension {
    /// A header for all members, or a folder: what was said of it does not concern the next member.
    fn forget_unless(&mut self, concerned: bool) {
        if !concerned {
            *self = Self::default();
        }
    }

    /// Takes what is needed of pax records: `length key=value\n`, where the length counts the whole record.
    fn add_pax(&mut self, mut text: &[u8]) {
        while let Some((record, rest)) = first_record(text) {
            text = rest;
            let Some(equals) = memchr::memchr(b'=', record) else { continue };
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" | b"GNU.sparse.name" => self.name = Some(value.to_vec()),
                b"size" => self.bytes = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()),
                _ => {}
            }
            self.sparse |= key.starts_with(b"GNU.sparse.");
        }
    }
}

fn first_record(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', &text[..text.len().min(20)])?;
    let length: usize = std::str::from_utf8(&text[..space]).ok()?.parse().ok()?;
    let record = text.get(space + 1..length)?;
    Some((record.strip_suffix(b"\n").unwrap_or(record), &text[length..]))
}
