//! One column of a row group as it grows: compressed pages in memory, and what the footer says of them.

use std::io::Read;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use crate::block::make_room;

/// The lowest: compressing is a large part of ingest's time. (LZ4 would save a tenth of that and double the size.)
const ZSTD_LEVEL: i32 = 1;

/// More than the header of a page takes.
const HEADER_BYTES: usize = 256;

/// The least and the greatest value of a page, for columns that queries filter by.
pub(super) struct Bounds {
    /// Encoded as in the column index; `None` for a page of NULLs.
    pub(super) range: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) nulls: i64,
}

/// The encoded pages of one column.
pub(super) struct Pages {
    descr: ColumnDescPtr,
    compressed: bool,
    bytes: Vec<u8>,
    /// The page of the dictionary, while the column is being finished.
    front: Vec<u8>,
    uncompressed: usize,
    values: i64,
    rows: u64,
    /// Offset in `bytes`, length and rows of each page.
    places: Vec<(usize, usize, usize)>,
    bounds: Vec<Bounds>,
}

impl Pages {
    /// No page yet. What does not shrink is better not compressed.
    pub(super) fn new(descr: ColumnDescPtr, compressed: bool) -> Self {
        let (bytes, front, places, bounds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { descr, compressed, bytes, front, uncompressed: 0, values: 0, rows: 0, places, bounds }
    }

    pub(super) fn max_definition(&self) -> i16 {
        self.descr.max_def_level()
    }

    /// The size of the pages so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a page of `values` (NULLs included) for `rows`, encoded in `raw` behind its levels.
    pub(super) fn put(
        &mut self,
        zip: &mut Zip,
        raw: &[u8],
        (values, rows): (usize, usize),
        encoding: Encoding,
    ) -> Result<()> {
        let num_values = u32::try_from(values).map_err(too_large)?;
        let page = |buf| Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let start = self.bytes.len();
        self.uncompressed += zip.write(page, raw, self.compressed, &mut self.bytes)?;
        self.places.push((start, self.bytes.len() - start, rows));
        self.values += long(values);
        self.rows += rows as u64;
        Ok(())
    }

    /// What the column index says of the page that was put last.
    pub(super) fn bound(&mut self, bounds: Bounds) {
        self.bounds.push(bounds);
    }

    /// Hands the whole column, its dictionary (entries, encoded) in front, and its entry for the footer to `append`, and
    /// begins anew.
    pub(super) fn finish(
        &mut self,
        zip: &mut Zip,
        dictionary: Option<(usize, &[u8])>,
        statistics: Option<Statistics>,
        encodings: &[Encoding],
        append: Append<'_>,
    ) -> Result<()> {
        let front = &mut self.front;
        front.clear();
        if let Some((entries, raw)) = dictionary {
            let num_values = u32::try_from(entries).map_err(too_large)?;
            let page = |buf| Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            self.uncompressed += zip.write(page, raw, self.compressed, front)?;
        }
        let behind = front.len();
        let length = behind + self.bytes.len();
        let mut offsets = OffsetIndexBuilder::new();
        for (start, length, rows) in self.places.drain(..) {
            offsets.append_offset_and_size(long(start + behind), i32::try_from(length).map_err(too_large)?);
            offsets.append_row_count(long(rows));
        }
        let level = ZstdLevel::try_new(ZSTD_LEVEL)?;
        let compression = if self.compressed { Compression::ZSTD(level) } else { Compression::UNCOMPRESSED };
        let mut metadata = ColumnChunkMetaData::builder(self.descr.clone())
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_compression(compression)
            .set_num_values(std::mem::take(&mut self.values))
            .set_total_compressed_size(long(length))
            .set_total_uncompressed_size(long(std::mem::take(&mut self.uncompressed)))
            .set_data_page_offset(long(behind))
            .set_dictionary_page_offset(dictionary.map(|_| 0));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: length as u64,
            rows_written: std::mem::take(&mut self.rows),
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: column_index(self.descr.physical_type(), std::mem::take(&mut self.bounds))?,
            offset_index: Some(offsets.build()),
        };
        let done = append(&Chunk { front: &self.front, pages: &self.bytes }, close);
        self.bytes.clear();
        done
    }
}

/// Takes a finished column.
pub(super) type Append<'a> = &'a mut dyn FnMut(&Chunk<'_>, ColumnCloseResult) -> Result<()>;

/// The bytes of a finished column.
pub(super) struct Chunk<'a> {
    front: &'a [u8],
    pages: &'a [u8],
}

impl Length for Chunk<'_> {
    fn len(&self) -> u64 {
        (self.front.len() + self.pages.len()) as u64
    }
}

impl<'a> ChunkReader for Chunk<'a> {
    type T = std::io::Chain<&'a [u8], &'a [u8]>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let start = usize::try_from(start).map_err(too_large)?;
        let front = self.front.get(start..).unwrap_or_default();
        let pages = self.pages.get(start.saturating_sub(self.front.len())..).unwrap_or_default();
        Ok(front.chain(pages))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = Vec::new();
        self.get_read(start)?.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

fn column_index(
    kind: Type,
    bounds: Vec<Bounds>,
) -> Result<Option<parquet::file::page_index::column_index::ColumnIndexMetaData>> {
    if bounds.is_empty() {
        return Ok(None);
    }
    let mut index = ColumnIndexBuilder::new(kind);
    for Bounds { range, nulls } in bounds {
        let only_nulls = range.is_none();
        let (least, greatest) = range.unwrap_or_default();
        index.append(only_nulls, least, greatest, nulls);
    }
    index.build().map(Some)
}

/// A count as the footer has it.
pub(super) fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn too_large<E>(_: E) -> ParquetError {
    ParquetError::General("a page is too large".to_owned())
}

/// A compressor that keeps its tables from page to page, and buffers that keep their memory: given back to the system
/// and taken again it would be cleared each time, which cost a tenth of ingest.
pub(super) struct Zip {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
    /// The page before compression.
    pub(super) raw: Vec<u8>,
    /// Numbers of a page without NULLs.
    pub(super) numbers: Vec<i64>,
    /// Levels of a page, eight to a byte.
    pub(super) levels: Vec<u8>,
}

impl Zip {
    pub(super) fn new() -> std::io::Result<Self> {
        let (packed, raw, numbers, levels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { compressor: Compressor::new(ZSTD_LEVEL)?, packed, raw, numbers, levels })
    }

    /// Appends a page of `raw` with its header; answers its size before compression.
    fn write(
        &mut self,
        page: impl FnOnce(Bytes) -> Page,
        raw: &[u8],
        compressed: bool,
        to: &mut Vec<u8>,
    ) -> Result<usize> {
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        if compressed {
            let most = zstd::zstd_safe::compress_bound(raw.len());
            if packed.capacity() < most {
                packed = Vec::with_capacity(2 * most); // not `reserve`, which would move what is of no use
            }
            self.compressor.compress_to_buffer(raw, &mut packed)?;
        } else {
            packed.extend_from_slice(raw);
        }
        let packed = Bytes::from(packed);
        make_room(to, HEADER_BYTES + packed.len());
        let mut sink = TrackedWrite::new(to);
        let page = CompressedPage::new(page(packed.clone()), raw.len());
        let spec = SerializedPageWriter::new(&mut sink).write_page(page)?;
        sink.into_inner()?;
        // the page is gone, so this is the buffer itself
        self.packed = packed.into();
        Ok(spec.uncompressed_size)
    }
}
