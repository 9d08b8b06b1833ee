//! The way in, from what a user names to newline-aligned chunks of decompressed bytes.
//!
//! ```text
//! find --> (archive) --> decode --> (split, join) --> chunk
//! paths,   members      gzip,      JSON that spans   whole lines,
//! globs,   of tar       zstd, xz,  lines, lines in   hashed and
//! URLs,    and zip      plain ...  pieces            numbered
//! stdin
//! ```
//!
//! [`find`] names the sources, [`lines`] reads one. Everything here streams in bounded memory: a file is hostile until
//! its lines are parsed, and it may be a bomb, a hole, one endless line, or cut off anywhere.

mod archive;
pub mod chunk;
pub mod decode;
pub mod find;
pub mod join;
mod sniff;
pub mod split;

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use self::archive::Member;
pub use self::chunk::{Chunk, Chunker, Hashed, Piece};
pub use self::decode::{Decoder, Ending};
pub use self::find::{Found, Place, Source, find, search};
pub use self::join::JoinReader;
pub use self::split::ItemReader;
use crate::error::{Error, Result};
use crate::limits;

/// Bytes read at a time where only their hash is wanted.
const HASH_BYTES: usize = 1 << 20;

/// A source, opened, as [`Piece`]s of one event per line.
pub struct Lines {
    chunker: Chunker<Form>,
    progress: Arc<AtomicU64>,
}

/// What the lines of a source are made from.
enum Form {
    /// One event per line.
    Lines(Box<Decoder>),
    /// Documents that span lines.
    Documents(Box<ItemReader<Hashed<Decoder>>>),
    /// Lines that were written in pieces.
    Pieces(Box<JoinReader<Hashed<Decoder>>>),
}

impl Read for Form {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Lines(decoder) => decoder.read(into),
            Self::Documents(items) => items.read(into),
            Self::Pieces(lines) => lines.read(into),
        }
    }
}

/// Opens a source whose first `skip` decompressed bytes were ingested before (see [`Chunker::with_skip`]).
///
/// Documents that span lines, and lines that were written in pieces, have no such place to go on from: they are handed
/// out whole, and [`Lines::skips`] says so.
pub fn lines(source: &Source, skip: u64) -> Result<Lines> {
    let mut decoder = decode::open(source)?;
    let progress = decoder.progress();
    let head = decoder.head(limits::SNIFF_BYTES).map_err(|error| unreadable(source, &error))?;
    let chunker = if split::wants_splitting(head) {
        Chunker::new(Form::Documents(Box::new(ItemReader::new(Hashed::new(decoder)))))
    } else if let Some(cutter) = join::cutter(head) {
        Chunker::new(Form::Pieces(Box::new(JoinReader::new(Hashed::new(decoder), cutter))))
    } else {
        Chunker::new(Form::Lines(Box::new(decoder))).with_skip(skip)
    };
    Ok(Lines { chunker, progress })
}

impl Lines {
    /// The next piece, or `None` at the end. After an error the source should be given up.
    pub fn next_chunk(&mut self) -> io::Result<Option<Piece>> {
        self.chunker.next_chunk()
    }

    /// Takes back the buffer of a chunk that is done with.
    pub fn recycle(&mut self, bytes: Vec<u8>) {
        self.chunker.recycle(bytes);
    }

    /// Whether known bytes are skipped. Where not, offsets are those in the text that is made of the source: of items of
    /// documents, which have numbers of their own, or of joined lines, which keep theirs.
    #[must_use]
    pub fn skips(&self) -> bool {
        matches!(self.chunker.get_ref(), Form::Lines(_))
    }

    /// The number and the BLAKE3 hash of the decompressed bytes of the source, as they were before splitting; of all
    /// of them once there is no next piece.
    #[must_use]
    pub fn content(&self) -> (u64, blake3::Hash) {
        match self.chunker.get_ref() {
            Form::Lines(_) => self.chunker.content(),
            Form::Documents(items) => items.get_ref().content(),
            Form::Pieces(lines) => lines.get_ref().content(),
        }
    }

    /// How the source ended, once there is no next piece.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match self.chunker.get_ref() {
            Form::Lines(decoder) => decoder.ending(),
            Form::Pieces(lines) => lines.get_ref().get_ref().ending(),
            Form::Documents(items) => match items.get_ref().get_ref().ending() {
                Ending::Whole if items.ended_inside() => {
                    Ending::Truncated("the last JSON document is cut off".to_owned())
                }
                ending => ending,
            },
        }
    }

    /// A handle that always holds how many bytes of the source were read, still compressed.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }
}

/// The first `bytes` decompressed bytes of a file, fewer where it is shorter. Not for stdin, which cannot be read
/// again.
pub fn head(source: &Source, bytes: usize) -> Result<Vec<u8>> {
    if let Place::Member(member) = &source.place
        && let Some(head) = member.head(bytes)
    {
        return Ok(head.to_vec());
    }
    let mut decoder = reopen(source)?;
    decoder.head(bytes).map(<[u8]>::to_vec).map_err(|error| unreadable(source, &error))
}

/// Reads a file to its end, and gives the length and BLAKE3 hash of its decompressed bytes as the last element, after
/// those of its prefix at each of `lengths` (ascending) that it reaches. Not for stdin, which cannot be read again.
pub fn prefix_hashes(source: &Source, lengths: &[u64]) -> Result<Vec<(u64, blake3::Hash)>> {
    let mut reader = Hashed::new(reopen(source)?);
    let mut block = vec![0; HASH_BYTES];
    let mut hashes = Vec::with_capacity(lengths.len() + 1);
    for &length in lengths {
        read_up_to(&mut reader, length, &mut block).map_err(|error| unreadable(source, &error))?;
        let content = reader.content();
        if content.0 == length {
            hashes.push(content);
        }
    }
    read_up_to(&mut reader, u64::MAX, &mut block).map_err(|error| unreadable(source, &error))?;
    hashes.push(reader.content());
    Ok(hashes)
}

/// Reads on until `length` bytes were read in all, or to the end.
fn read_up_to(reader: &mut Hashed<Decoder>, length: u64, block: &mut [u8]) -> io::Result<()> {
    loop {
        let left = usize::try_from(length.saturating_sub(reader.length())).unwrap_or(usize::MAX);
        let wanted = left.min(block.len());
        if wanted == 0 || reader.read(&mut block[..wanted])? == 0 {
            return Ok(());
        }
    }
}

fn reopen(source: &Source) -> Result<Decoder> {
    match source.place {
        Place::Stdin => Err(Error::Internal("stdin can be read only once".to_owned())),
        _ => decode::open(source),
    }
}

fn unreadable(source: &Source, error: &io::Error) -> Error {
    Error::input(&source.name, error.to_string())
}

#[cfg(test)]
mod tests;
