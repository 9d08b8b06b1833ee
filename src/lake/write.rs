//! Parts as they are written: one Parquet file of one date, in the run's own folder until the commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute;
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::disk::{Disk, DiskFile, os_error};
use crate::error::{Error, Result};
use crate::limits::{ROW_GROUP_BYTES_MAX, ROW_GROUP_ROWS_MAX};
use crate::schema::{self, SCHEMA_VERSION};

/// The lowest: encoding and compressing are the largest part of ingest's time. (LZ4 would save a tenth of that time and
/// double the size.)
const ZSTD_LEVEL: i32 = 1;
/// Longer values are cut in the statistics.
const STATISTICS_BYTES_MAX: usize = 64;
/// Columns whose values hardly repeat: a dictionary would only be thrown away again.
const NO_DICTIONARY: [&str; 7] =
    ["audit_id", "event_hash", "request_object", "response_object", "object_uid", "resource_version", "line"];
/// Columns that queries filter by: pages are skipped too.
const PAGE_STATISTICS: [&str; 5] = ["ts", "sensitivity", "resource", "verb", "actor"];
/// Columns whose least and greatest values tell nothing.
const NO_STATISTICS: [&str; 3] = ["event_hash", "request_object", "response_object"];

/// Writes one part. Dropped without [`Self::close`] it leaves a file that is removed at the end of the run.
#[derive(Debug)]
pub struct PartWriter {
    file: ParquetFile,
    date: String,
    name: String,
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
        let file = ParquetFile::create(disk, &folder.join(&name), schema::events(), event_properties())?;
        Ok(Self { file, date, name, ts_min: i64::MAX, ts_max: i64::MIN })
    }

    /// Writes rows of [`schema::events`] whose time is on the part's date.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let ts = batch.column_by_name("ts").and_then(|ts| ts.as_primitive_opt::<TimestampMicrosecondType>());
        let (Some(ts), true) = (ts, batch.schema_ref() == &schema::events()) else {
            return Err(Error::Internal("rows of another schema than the lake's".to_owned()));
        };
        self.file.write(batch)?;
        if let (Some(min), Some(max)) = (compute::min(ts), compute::max(ts)) {
            self.ts_min = self.ts_min.min(min);
            self.ts_max = self.ts_max.max(max);
        }
        Ok(())
    }

    /// Bytes so far: those on disk and an estimate of those that wait for the end of the row group.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let writer = &self.file.writer;
        (writer.bytes_written() + writer.in_progress_size()) as u64
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.file.rows
    }

    /// Ends the part and makes its bytes durable.
    pub fn close(self) -> Result<FinishedPart> {
        let Self { file, date, name, ts_min, ts_max } = self;
        let (rows, path) = (file.rows, file.path().to_owned());
        let bytes = file.close()?;
        Ok(FinishedPart { path, date, name, rows, bytes, ts_min, ts_max })
    }
}

/// A Parquet file in the making.
#[derive(Debug)]
pub(super) struct ParquetFile {
    writer: ArrowWriter<DiskFile>,
    rows: u64,
}

impl ParquetFile {
    fn create(
        disk: &Disk,
        path: &Path,
        schema: Arc<arrow::datatypes::Schema>,
        properties: WriterProperties,
    ) -> Result<Self> {
        let writer = ArrowWriter::try_new(disk.create(path)?, schema, Some(properties));
        Ok(Self { writer: writer.map_err(|error| failed(path, &error))?, rows: 0 })
    }

    /// A file of rejected lines.
    pub(super) fn create_quarantine(disk: &Disk, path: &Path, schema: Arc<arrow::datatypes::Schema>) -> Result<Self> {
        Self::create(disk, path, schema, properties().build())
    }

    pub(super) fn path(&self) -> &Path {
        self.writer.inner().path()
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|error| failed(self.path(), &error))?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Ends the file, makes it durable and answers its size.
    pub(super) fn close(mut self) -> Result<u64> {
        let metadata = self.writer.finish().map_err(|error| failed(self.path(), &error))?;
        if u64::try_from(metadata.file_metadata().num_rows()) != Ok(self.rows) {
            return Err(Error::Internal("a part does not have the rows that were written to it".to_owned()));
        }
        self.writer.inner().sync()?;
        self.writer.inner().bytes()
    }
}

fn failed(path: &Path, error: &ParquetError) -> Error {
    match os_error(error) {
        Some(cause) => Error::storage(path, cause),
        None => Error::Internal(format!("{}: {error}", path.display())),
    }
}

fn properties() -> WriterPropertiesBuilder {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("zstd has the level");
    let version = KeyValue::new("kubesift.schema_version".to_owned(), SCHEMA_VERSION.to_string());
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES_MAX))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES_MAX))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES_MAX))
        .set_key_value_metadata(Some(vec![version]))
}

fn event_properties() -> WriterProperties {
    let mut builder = properties();
    for name in NO_DICTIONARY {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    for name in PAGE_STATISTICS {
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
    }
    for name in NO_STATISTICS {
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::None);
    }
    builder.build()
}
