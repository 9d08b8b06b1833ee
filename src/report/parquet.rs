//! Findings as Parquet, compressed with zstd; the text is the log's, whole and unescaped.

use std::io::Write;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::datatypes::SchemaRef;

use super::{Format, Report, arrow_error, io_error};
use crate::error::{Error, Result};
use crate::finding;

pub(super) struct Parquet;

/// Findings that become one batch at a time.
const BATCH_ROWS: usize = 8_192;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        // the encoder wants a writer that may change threads, which `out` need not be
        let mut file = Vec::new();
        let mut parquet = writer(&mut file, finding::schema())?;
        for findings in report.findings.chunks(BATCH_ROWS) {
            parquet.write(&finding::to_batch(findings)?).map_err(parquet_error)?;
        }
        parquet.close().map_err(parquet_error)?;
        out.write_all(&file).and_then(|()| out.flush()).map_err(io_error)
    }
}

pub(super) fn writer<W: Write + Send>(out: W, schema: SchemaRef) -> Result<ArrowWriter<W>> {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    ArrowWriter::try_new(out, schema, Some(properties)).map_err(parquet_error)
}

pub(super) fn parquet_error(error: ParquetError) -> Error {
    arrow_error(match error {
        ParquetError::External(error) => arrow::error::ArrowError::ExternalError(error),
        error => arrow::error::ArrowError::ParquetError(error.to_string()),
    })
}
