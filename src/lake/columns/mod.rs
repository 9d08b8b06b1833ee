//! Rows to Parquet without looking at a text twice: the encoder of `events`.
//!
//! The `parquet` crate's own writer looks up every text of every row in a hash table, which took half of ingest's time.
//! The rows of a [`Block`] are codes already, so a column's dictionary is a table from code to entry, and a page is its
//! entries, packed. The crate still writes what surrounds the pages: headers, indexes, footer. What is not `events`
//! (rejects, findings) goes through the crate's writer.

mod bits;
mod numbers;
mod pages;
mod texts;

use std::io::Write;
use std::sync::Arc;

use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::block::{Block, Facts, Stored, Vocabulary};
use crate::limits::{PAGE_BYTES_MAX, PAGE_ROWS_MAX, ROW_GROUP_BYTES_MAX, ROW_GROUP_ROWS_MAX};
use crate::schema::{self, SCHEMA_VERSION};
use numbers::{FlagColumn, HashColumn, NumberColumn};
use pages::{Pages, Zip};
use texts::{CodedColumn, ListColumn, PlainColumn};

/// Columns that queries filter by: pages tell their least and greatest value, and are skipped by it.
const BOUNDED: [&str; 5] = ["ts", "sensitivity", "resource", "verb", "actor"];

enum Column {
    Coded(CodedColumn),
    List(ListColumn),
    Plain(PlainColumn),
    Number(NumberColumn),
    Flag(FlagColumn),
    Hash(HashColumn),
}

/// Calls the same method of whatever column it is.
macro_rules! each {
    ($column:expr, $it:ident => $call:expr) => {
        match $column {
            Column::Coded($it) => $call,
            Column::List($it) => $call,
            Column::Plain($it) => $call,
            Column::Number($it) => $call,
            Column::Flag($it) => $call,
            Column::Hash($it) => $call,
        }
    };
}

/// Writes blocks of events as one Parquet file.
pub(super) struct EventsWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    zip: Zip,
    /// Rows of the page and of the row group that are not ended.
    page_rows: usize,
    group_rows: usize,
    generation: u64,
}

impl<W: Write + Send> EventsWriter<W> {
    pub(super) fn new(to: W) -> Result<Self> {
        let version = KeyValue::new("kubesift.schema_version".to_owned(), SCHEMA_VERSION.to_string());
        let arrow = schema::events();
        let parquet = ArrowSchemaConverter::new().convert(&arrow)?;
        let mut properties = WriterProperties::builder().set_key_value_metadata(Some(vec![version])).build();
        add_encoded_arrow_schema_to_metadata(&arrow, &mut properties);
        let file = SerializedFileWriter::new(to, parquet.root_schema_ptr(), Arc::new(properties))?;
        let columns = schema::COLUMNS.iter().zip(parquet.columns()).map(|(column, descr)| {
            let stored = Stored::of(column);
            let bounded = BOUNDED.contains(&column.name);
            let pages = Pages::new(Arc::clone(descr), stored != Stored::EventHash);
            match stored {
                Stored::Coded(coded) => Column::Coded(CodedColumn::new(coded, pages, bounded)),
                Stored::List(coded) => Column::List(ListColumn::new(coded, pages)),
                Stored::Plain(plain) => Column::Plain(PlainColumn::new(plain, pages)),
                Stored::SourceIpsDisagree | Stored::Truncated => Column::Flag(FlagColumn::new(stored, pages)),
                Stored::EventHash => Column::Hash(HashColumn::new(pages)),
                _ => Column::Number(NumberColumn::new(stored, pages, bounded)),
            }
        });
        let columns = columns.collect();
        Ok(Self { file, columns, zip: Zip::new()?, page_rows: 0, group_rows: 0, generation: 0 })
    }

    /// What is written to.
    pub(super) fn inner(&self) -> &W {
        self.file.inner()
    }

    /// Bytes written, and those that wait for the end of the row group.
    pub(super) fn bytes(&self) -> usize {
        self.file.bytes_written() + self.pending()
    }

    fn pending(&self) -> usize {
        let encoded: usize = self.columns.iter().map(|column| each!(column, it => it.len())).sum();
        encoded + self.page_rows * size_of::<Facts>()
    }

    /// Writes the rows of a block, whose codes are of `vocabulary`.
    pub(super) fn write(&mut self, block: &Block, vocabulary: &Vocabulary) -> Result<()> {
        if self.generation != vocabulary.generation() {
            self.generation = vocabulary.generation();
            for column in &mut self.columns {
                match column {
                    Column::Coded(column) => column.forget(),
                    Column::List(column) => column.forget(),
                    _ => {}
                }
            }
        }
        for column in &mut self.columns {
            match column {
                Column::Coded(column) => column.push(&block.codes, vocabulary),
                Column::List(column) => column.push(&block.codes, vocabulary),
                Column::Plain(column) => column.push(block),
                Column::Number(column) => column.push(&block.facts),
                Column::Flag(column) => column.push(&block.facts),
                Column::Hash(column) => column.push(&block.facts),
            }
        }
        self.page_rows += block.len();
        let is_long = |column: &Column| matches!(column, Column::Plain(plain) if plain.pending() >= PAGE_BYTES_MAX);
        // long texts that do not repeat fill a dictionary before they fill a page
        let is_full = self.pending() >= ROW_GROUP_BYTES_MAX;
        if self.page_rows >= PAGE_ROWS_MAX || is_full || self.columns.iter().any(is_long) {
            self.end_page()?;
        }
        if self.group_rows >= ROW_GROUP_ROWS_MAX || is_full {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        for column in &mut self.columns {
            each!(column, it => it.flush(&mut self.zip))?;
        }
        self.group_rows += std::mem::take(&mut self.page_rows);
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            each!(column, it => it.finish(&mut self.zip, &mut |chunk, close| group.append_column(chunk, close)))?;
        }
        group.close()?;
        self.group_rows = 0;
        Ok(())
    }

    /// Writes what waits and the footer; answers the rows of the file.
    pub(super) fn finish(&mut self) -> Result<i64> {
        if self.page_rows > 0 {
            self.end_page()?;
        }
        if self.group_rows > 0 {
            self.end_group()?;
        }
        Ok(self.file.finish()?.file_metadata().num_rows())
    }
}

#[cfg(test)]
mod tests;
