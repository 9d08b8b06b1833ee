//! The members of a zip archive, as its directory lists them, and the reading of one.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ErrorKind as ZipError, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use crate::input::decode::Seekable;
use crate::limits;

/// A file of the directory.
pub(super) struct Entry {
    /// As the archive has it: any bytes.
    pub(super) name: Vec<u8>,
    pub(super) stored: Stored,
    /// Why it cannot be read.
    pub(super) unread: Option<&'static str>,
}

/// How a member lies in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    /// Where its own header is, in bytes from the beginning of the archive.
    pub(super) at: u64,
    /// Its size in the archive.
    packed: u64,
    /// Its size unpacked.
    pub(super) bytes: u64,
    crc: u32,
    deflated: bool,
}

/// All files of the directory, and what is wrong with it.
pub(super) fn entries(file: Box<dyn Seekable>, bytes: u64) -> Result<(Vec<Entry>, Option<String>), String> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_seekable(file, &mut buffer).map_err(|error| explain(&error))?;
    let mut entries = Vec::new();
    let mut records = archive.entries(&mut buffer);
    let (mut seen, mut unpacked) = (0_u64, 0_u64);
    let fault = loop {
        match records.next_entry() {
            Ok(None) if seen == archive.entries_hint() => break None,
            Ok(None) => break Some(format!("its directory lists {seen} of {} members", archive.entries_hint())),
            Err(error) => break Some(explain(&error)),
            Ok(Some(_)) if entries.len() == limits::MEMBERS_MAX => break Some(super::too_many()),
            Ok(Some(record)) => {
                seen += 1;
                let deflated = record.compression_method() == CompressionMethod::DEFLATE;
                let stored = Stored {
                    at: record.local_header_offset(),
                    packed: record.compressed_size_hint(),
                    bytes: record.uncompressed_size_hint(),
                    crc: record.crc32(),
                    deflated,
                };
                unpacked = unpacked.saturating_add(stored.bytes);
                if record.is_dir() {
                    continue;
                }
                let path = record.file_path();
                let name: &[u8] = path.as_ref();
                let unread = if record.flags().is_encrypted() {
                    Some("is encrypted; unpack the archive and name the file")
                } else if !deflated && record.compression_method() != CompressionMethod::STORE {
                    Some("is packed in a way that is not read; unpack the archive and name the file")
                } else {
                    record.mode().is_symlink().then_some("is a link")
                };
                let name = name[name.len().saturating_sub(limits::MEMBER_NAME_BYTES_MAX)..].to_vec();
                entries.push(Entry { name, stored, unread });
            }
        }
    };
    // what members give is held to these sizes, so that one stretch of data that many members share costs them all
    if unpacked > limits::RATIO_FREE_BYTES && unpacked / limits::RATIO_MAX > bytes {
        return Err(format!("expands more than {} to 1, as a decompression bomb does", limits::RATIO_MAX));
    }
    Ok((entries, fault))
}

fn explain(error: &rawzip::Error) -> String {
    match error.kind() {
        ZipError::MissingEndOfCentralDirectory => {
            "is cut off: the directory at its end is missing; copy it again, or save what zip -FF still finds"
                .to_owned()
        }
        ZipError::IO(error) => error.to_string(),
        kind => format!("is a damaged zip archive ({kind}); copy it again"),
    }
}

impl Stored {
    /// The unpacked bytes of the member in `archive`.
    pub(super) fn reader(self, mut archive: Box<dyn Seekable>) -> io::Result<Box<dyn Read + Send>> {
        const HEADER: usize = 30;
        let mut header = [0; HEADER];
        archive.seek(SeekFrom::Start(self.at))?;
        archive.read_exact(&mut header).map_err(|_| damaged("its header is missing"))?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged("its header is missing"));
        }
        let length = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        archive.seek(SeekFrom::Current(length(26) + length(28)))?;
        let data = BufReader::new(archive.take(self.packed));
        Ok(if self.deflated {
            Box::new(Checked::new(DeflateDecoder::new(data), self))
        } else {
            Box::new(Checked::new(data, self))
        })
    }
}

/// Holds what a member gives to its size and checksum.
struct Checked<R> {
    reader: R,
    crc: Crc,
    left: u64,
    told: Stored,
}

impl<R> Checked<R> {
    fn new(reader: R, told: Stored) -> Self {
        Self { reader, crc: Crc::new(), left: told.bytes, told }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let n = match self.reader.read(into) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) => {
                return Err(damaged(&error.to_string()));
            }
            result => result?,
        };
        let Some(left) = self.left.checked_sub(n as u64) else { return Err(damaged("it is longer than it says")) };
        self.left = left;
        self.crc.update(&into[..n]);
        if n == 0 && left > 0 {
            return Err(damaged("it is shorter than it says"));
        }
        if n == 0 && self.crc.sum() != self.told.crc {
            return Err(damaged("its checksum is wrong"));
        }
        Ok(n)
    }
}

fn damaged(what: &str) -> io::Error {
    let hint = "copy the archive again, or save what unzip still gives";
    io::Error::new(ErrorKind::InvalidData, format!("the zip data is damaged ({what}); {hint}"))
}
