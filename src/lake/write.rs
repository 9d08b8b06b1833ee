//! Parts as they are written: one Parquet file of one date, in the run's own folder until the commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::columns::EventsWriter;
use super::disk::{Disk, DiskFile, os_error};
use crate::block::{Block, Vocabulary};
use crate::error::{Error, Result};
use crate::schema::SCHEMA_VERSION;

/// For files of few rows.
const ZSTD_LEVEL: i32 = 1;

/// Writes one part. Dropped without [`Self::close`] it leaves a file that is removed at the end of the run.
pub struct PartWriter {
    file: EventsWriter<DiskFile>,
    date: String,
    name: String,
    rows: u64,
    ts_min: i64,
    ts_max: i64,
}

/// A part whose bytes are durable, ready for the commit.
#[derive(Debug)]
pub struct FinishedPart {
    pub(super) path: PathBuf,
    pub(super) date: String,
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) ts_min: i64,
    pub(super) ts_max: i64,
}

impl FinishedPart {
    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl PartWriter {
    pub(super) fn create(disk: &Disk, folder: &Path, date: String, name: String) -> Result<Self> {
        let path = folder.join(&name);
        let file = EventsWriter::new(disk.create(&path)?).map_err(|error| failed(&path, &error))?;
        Ok(Self { file, date, name, rows: 0, ts_min: i64::MAX, ts_max: i64::MIN })
    }

    /// Writes rows whose time is on the part's date and whose codes are of `vocabulary`, the same each time.
    pub fn write(&mut self, block: &Block, vocabulary: &Vocabulary) -> Result<()> {
        self.file.write(block, vocabulary).map_err(|error| failed(self.path(), &error))?;
        self.rows += block.len() as u64;
        if let Some((min, max)) = block.times() {
            self.ts_min = self.ts_min.min(min);
            self.ts_max = self.ts_max.max(max);
        }
        Ok(())
    }

    fn path(&self) -> &Path {
        self.file.inner().path()
    }

    /// Bytes so far: those on disk and an estimate of those that wait for the end of the row group.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.bytes() as u64
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the part and makes its bytes durable.
    pub fn close(mut self) -> Result<FinishedPart> {
        let path = self.path().to_owned();
        let rows = self.file.finish().map_err(|error| failed(&path, &error))?;
        if u64::try_from(rows) != Ok(self.rows) {
            return Err(Error::Internal("a part does not have the rows that were written to it".to_owned()));
        }
        let file = self.file.inner();
        file.sync()?;
        let bytes = file.bytes()?;
        let Self { date, name, rows, ts_min, ts_max, .. } = self;
        Ok(FinishedPart { path, date, name, rows, bytes, ts_min, ts_max })
    }
}

/// A Parquet file of few rows: rejected lines, or findings.
#[derive(Debug)]
pub(super) struct RowsFile {
    writer: ArrowWriter<DiskFile>,
}

impl RowsFile {
    pub(super) fn create(disk: &Disk, path: &Path, schema: Arc<Schema>) -> Result<Self> {
        let writer = ArrowWriter::try_new(disk.create(path)?, schema, Some(properties()));
        Ok(Self { writer: writer.map_err(|error| failed(path, &error))? })
    }

    pub(super) fn path(&self) -> &Path {
        self.writer.inner().path()
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|error| failed(self.path(), &error))
    }

    /// Ends the file and makes it durable; gives its size in bytes.
    pub(super) fn close(mut self) -> Result<u64> {
        self.writer.finish().map_err(|error| failed(self.path(), &error))?;
        let file = self.writer.inner();
        file.sync()?;
        file.bytes()
    }
}

fn failed(path: &Path, error: &ParquetError) -> Error {
    match os_error(error) {
        Some(cause) => Error::storage(path, cause),
        None => Error::Internal(format!("{}: {error}", path.display())),
    }
}

fn properties() -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("zstd has the level");
    let version = KeyValue::new("kubesift.schema_version".to_owned(), SCHEMA_VERSION.to_string());
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(vec![version]))
        .build()
}
