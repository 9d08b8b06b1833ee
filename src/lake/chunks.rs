//! A Parquet file as its reader asks for it. Of an object whole column chunks are fetched, since a question for each page
//! of a column would take longer than its bytes.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use crate::store::{Entry, Location, Reader};

/// What is fetched of an object's end first: its footer lies there.
const FOOTER_BYTES: u64 = 128 << 10;
/// Pieces of an object that are held: a chunk of each column that is read.
const HELD_MAX: usize = 2;

/// A Parquet file.
pub(super) enum Chunks {
    /// On this machine.
    File(File),
    /// On an object store.
    Object(Box<Object>),
}

/// An object and what of it was fetched last.
pub(super) struct Object {
    bytes: u64,
    /// Where the column chunks lie.
    chunks: Vec<Range<u64>>,
    fetched: Mutex<Fetched>,
}

struct Fetched {
    reader: Reader,
    /// The latest last, each with where it begins.
    held: Vec<(u64, Bytes)>,
}

impl Chunks {
    pub(super) fn of_file(file: File) -> Self {
        Self::File(file)
    }

    pub(super) fn of_object(object: &Location, entry: &Entry) -> Self {
        let fetched = Fetched { reader: object.reader(entry), held: Vec::new() };
        Self::Object(Box::new(Object { bytes: entry.bytes, chunks: Vec::new(), fetched: Mutex::new(fetched) }))
    }

    /// The same, once it is known where its columns lie.
    pub(super) fn with(self, metadata: &ParquetMetaData) -> Self {
        let Self::Object(mut object) = self else { return self };
        let columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
        let range = |(start, length): (u64, u64)| start..start.saturating_add(length);
        object.chunks = columns.map(|column| range(column.byte_range())).collect();
        Self::Object(object)
    }
}

impl Object {
    /// How much a reader may want that begins at `start`: the header of a page, which comes with its chunk, or all.
    fn length_at(&self, start: u64) -> u64 {
        let in_chunk = self.chunks.iter().any(|chunk| chunk.contains(&start));
        if in_chunk { 1 } else { self.bytes.saturating_sub(start) }
    }

    /// The bytes from `start` on as far as they were fetched, at least `length`.
    fn fetch(&self, start: u64, length: u64) -> Result<Bytes> {
        let end = start.checked_add(length).filter(|end| *end <= self.bytes);
        let end = end.ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} of {}", self.bytes)))?;
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let covers = |from: u64, to: u64| from <= start && end <= to;
        let held = fetched.held.iter().find(|(from, piece)| covers(*from, from + piece.len() as u64));
        let (from, piece) = if let Some(held) = held {
            held.clone()
        } else {
            let chunk = self.chunks.iter().find(|chunk| covers(chunk.start, chunk.end.min(self.bytes)));
            let range = match chunk {
                Some(chunk) => chunk.start..chunk.end.min(self.bytes),
                None if end == self.bytes => start.min(end.saturating_sub(FOOTER_BYTES))..end,
                None => start..end,
            };
            fetched.load(range)?
        };
        Ok(piece.slice(usize_of(start - from)?..))
    }
}

impl Fetched {
    fn load(&mut self, range: Range<u64>) -> Result<(u64, Bytes)> {
        let mut piece = vec![0; usize_of(range.end - range.start)?];
        self.reader.seek(SeekFrom::Start(range.start))?;
        self.reader.read_exact(&mut piece)?;
        if self.held.len() >= HELD_MAX {
            self.held.remove(0);
        }
        self.held.push((range.start, piece.into()));
        Ok(self.held[self.held.len() - 1].clone())
    }
}

fn usize_of(bytes: u64) -> Result<usize> {
    usize::try_from(bytes).map_err(|error| ParquetError::General(error.to_string()))
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => file.len(),
            Self::Object(object) => object.bytes,
        }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self {
            Self::File(file) => Ok(Box::new(file.get_read(start)?)),
            Self::Object(object) => Ok(Box::new(Cursor::new(object.fetch(start, object.length_at(start))?))),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::File(file) => file.get_bytes(start, length),
            Self::Object(object) => Ok(object.fetch(start, length as u64)?.slice(..length)),
        }
    }
}
