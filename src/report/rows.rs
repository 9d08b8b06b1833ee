//! Query results, written as they arrive.

use std::io::Write;
use std::mem;

use ::parquet::arrow::ArrowWriter;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonFormat, LineDelimited};
use arrow::json::{Writer as JsonWriter, WriterBuilder as JsonBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::csv::{self, csv_error};
use super::escape::{self, csv_cell, cut, terminal};
use super::grid::{self, Column};
use super::markdown;
use super::parquet::{self, parquet_error};
use super::{arrow_error, io_error};
use crate::error::{Error, Result};
use crate::limits::{CELL_CHARS_MAX, TABLE_ROWS_MAX};

/// The names that [`RowsWriter::new`] knows.
pub const ROW_FORMATS: [&str; 6] = ["table", "csv", "ndjson", "json", "parquet", "markdown"];

/// Writes the batches of one query's result.
pub struct RowsWriter<W: Write + Send> {
    sink: Sink<W>,
}

enum Sink<W: Write + Send> {
    Table { out: W, columns: Vec<Column>, rows: Vec<Vec<String>>, more: u64, width: Option<u16>, rows_max: usize },
    Csv(::csv::Writer<W>),
    Ndjson { out: W, json: JsonWriter<Vec<u8>, LineDelimited> },
    Json { out: W, json: JsonWriter<Vec<u8>, Lines> },
    Parquet(ArrowWriter<W>),
    Markdown { out: W },
}

impl<W: Write + Send> RowsWriter<W> {
    /// A writer of one of [`ROW_FORMATS`]; what stands before the first row is written at once.
    pub fn new(format: &str, schema: &SchemaRef, mut out: W) -> Result<Self> {
        let names = schema.fields().iter().map(|field| field.name());
        let json = || JsonBuilder::new().with_explicit_nulls(true);
        let sink = match format {
            "table" => {
                let fields = schema.fields().iter();
                let column = fields.map(|field| Column {
                    title: cell(field.name()),
                    weight: usize::from(!fixed(field.data_type())),
                    ends: false,
                    right: field.data_type().is_numeric(),
                });
                Sink::Table {
                    out,
                    columns: column.collect(),
                    rows: vec![],
                    more: 0,
                    width: None,
                    rows_max: TABLE_ROWS_MAX,
                }
            }
            "csv" => {
                let mut csv = csv::writer(out);
                csv.write_record(names.map(|name| csv_cell(name).into_owned())).map_err(csv_error)?;
                Sink::Csv(csv)
            }
            "ndjson" => Sink::Ndjson { out, json: json().build(Vec::new()) },
            "json" => Sink::Json { out, json: json().build(Vec::new()) },
            "parquet" => Sink::Parquet(parquet::writer(out, schema.clone())?),
            "markdown" => {
                markdown::header(&mut out, &names.map(|name| markdown::code(name)).collect::<Vec<_>>())
                    .map_err(io_error)?;
                Sink::Markdown { out }
            }
            _ => {
                let known = ROW_FORMATS.join(", ");
                return Err(Error::usage(format!("unknown format {format:?} for rows; use one of {known}")));
            }
        };
        Ok(Self { sink })
    }

    /// The terminal's width in columns, for a table; without it nothing is cut.
    #[must_use]
    pub fn width(mut self, columns: Option<u16>) -> Self {
        if let Sink::Table { width, .. } = &mut self.sink {
            *width = columns;
        }
        self
    }

    /// How many rows a table shows, [`TABLE_ROWS_MAX`] by default; the others are counted.
    #[must_use]
    pub fn rows_max(mut self, rows: usize) -> Self {
        if let Sink::Table { rows_max, .. } = &mut self.sink {
            *rows_max = rows;
        }
        self
    }

    /// Writes the rows of a batch; a table keeps them until [`Self::finish`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.sink {
            Sink::Table { rows, more, rows_max, .. } => {
                let shown = batch.num_rows().min(rows_max.saturating_sub(rows.len()));
                *more += (batch.num_rows() - shown) as u64;
                each_row(&batch.slice(0, shown), |cells| {
                    rows.push(cells.iter().map(|(text, _)| cell(text)).collect());
                    Ok(())
                })
            }
            Sink::Csv(csv) => each_row(batch, |cells| {
                // numbers and times cannot be formulas, and a `'` would make text of them
                let safe = |(text, fixed): &(String, bool)| match fixed {
                    true => text.clone(),
                    false => csv_cell(text).into_owned(),
                };
                csv.write_record(cells.iter().map(safe)).map_err(csv_error)
            }),
            Sink::Ndjson { out, json } => {
                json.write(batch).map_err(arrow_error)?;
                drain(json.get_mut(), out)
            }
            Sink::Json { out, json } => {
                json.write(batch).map_err(arrow_error)?;
                drain(json.get_mut(), out)
            }
            Sink::Parquet(parquet) => parquet.write(batch).map_err(parquet_error),
            Sink::Markdown { out } => each_row(batch, |cells| {
                let cells: Vec<_> = cells.iter().map(|(text, _)| markdown::code(text)).collect();
                markdown::row(out, &cells).map_err(io_error)
            }),
        }
    }

    /// Writes what is left and flushes; without it the output is not whole.
    pub fn finish(self) -> Result<()> {
        let mut out = match self.sink {
            Sink::Table { mut out, columns, rows, more, width, .. } => {
                let text = grid::draw(&columns, &rows, width, None);
                out.write_all(text.as_bytes()).map_err(io_error)?;
                if more > 0 {
                    writeln!(out, "... {more} more rows").map_err(io_error)?;
                }
                out
            }
            Sink::Csv(mut csv) => return csv.flush().map_err(io_error),
            Sink::Ndjson { out, .. } | Sink::Markdown { out } => out,
            Sink::Json { mut out, mut json } => {
                json.finish().map_err(arrow_error)?;
                drain(json.get_mut(), &mut out)?;
                out
            }
            Sink::Parquet(parquet) => return parquet.close().map(|_| ()).map_err(parquet_error),
        };
        out.flush().map_err(io_error)
    }
}

/// Whether the values are numbers, times or flags: short, and nothing that an attacker can shape.
fn fixed(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_temporal() || matches!(data_type, DataType::Boolean | DataType::Null)
}

fn cell(text: &str) -> String {
    terminal(&cut(text, CELL_CHARS_MAX)).into_owned()
}

/// Calls `row` for each row with the text of its cells and whether they are [`fixed`]. Times are RFC 3339, NULL is empty.
fn each_row(batch: &RecordBatch, mut row: impl FnMut(&[(String, bool)]) -> Result<()>) -> Result<()> {
    let options = FormatOptions::new().with_display_error(true);
    let columns = batch.columns().iter();
    let formatters = columns.map(|column| Ok((ArrayFormatter::try_new(column, &options)?, fixed(column.data_type()))));
    let formatters = formatters.collect::<Result<Vec<_>, ArrowError>>().map_err(arrow_error)?;
    let mut cells = Vec::with_capacity(formatters.len());
    for index in 0..batch.num_rows() {
        cells.clear();
        for (formatter, fixed) in &formatters {
            cells.push((formatter.value(index).try_to_string().map_err(arrow_error)?, *fixed));
        }
        row(&cells)?;
    }
    Ok(())
}

/// Passes the JSON of a batch on, without characters that steer a terminal.
fn drain(json: &mut Vec<u8>, out: &mut impl Write) -> Result<()> {
    let text = String::from_utf8(mem::take(json)).map_err(|error| Error::Internal(format!("writing JSON: {error}")))?;
    out.write_all(escape::json(&text).as_bytes()).map_err(io_error)
}

/// A JSON array with one row a line.
#[derive(Debug, Default)]
struct Lines;

impl JsonFormat for Lines {
    fn start_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, out: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(out.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"\n]\n")?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
    use serde_json::Value;

    use super::super::tests::{Closed, NOON, hostile, is_broken_pipe, read_parquet, steers};
    use super::*;

    /// A number, a text and a time a row; the second row is NULL but for its text.
    fn batch(texts: &[&str]) -> RecordBatch {
        let one = |value: i64| move |(index, _): (usize, &&str)| (index != 1).then_some(value);
        let times: TimestampMicrosecondArray = texts.iter().enumerate().map(one(NOON + 5)).collect();
        let columns: [(&str, ArrayRef); 3] = [
            ("n", Arc::new(texts.iter().enumerate().map(one(-5)).collect::<Int64Array>())),
            ("=text", Arc::new(StringArray::from(texts.to_vec()))),
            ("ts", Arc::new(times.with_timezone("UTC"))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    fn rows(name: &str, batches: &[RecordBatch]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rows = RowsWriter::new(name, &batches[0].schema(), &mut out).unwrap();
        for batch in batches {
            rows.write(batch).unwrap();
        }
        rows.finish().unwrap();
        out
    }

    fn text_of(name: &str, batches: &[RecordBatch]) -> String {
        String::from_utf8(rows(name, batches)).unwrap()
    }

    #[test]
    fn rows_look_as_they_should_in_every_format() {
        let batches = [batch(&["=1+1", "a|b"]), batch(&["<b>"])];
        insta::assert_snapshot!(text_of("table", &batches), @"
         n  =text  ts
        ──────────────────────────────────────
        -5  =1+1   2024-05-01T12:00:00.000005Z
            a|b
        -5  <b>    2024-05-01T12:00:00.000005Z
        ");
        insta::assert_snapshot!(text_of("csv", &batches), @r#"
        "n","'=text","ts"
        "-5","'=1+1","2024-05-01T12:00:00.000005Z"
        "","a|b",""
        "-5","<b>","2024-05-01T12:00:00.000005Z"
        "#);
        insta::assert_snapshot!(text_of("ndjson", &batches), @r#"
        {"n":-5,"=text":"=1+1","ts":"2024-05-01T12:00:00.000005Z"}
        {"n":null,"=text":"a|b","ts":null}
        {"n":-5,"=text":"<b>","ts":"2024-05-01T12:00:00.000005Z"}
        "#);
        insta::assert_snapshot!(text_of("json", &batches), @r#"
        [
        {"n":-5,"=text":"=1+1","ts":"2024-05-01T12:00:00.000005Z"},
        {"n":null,"=text":"a|b","ts":null},
        {"n":-5,"=text":"<b>","ts":"2024-05-01T12:00:00.000005Z"}
        ]
        "#);
        insta::assert_snapshot!(text_of("markdown", &batches), @r"
        | `n` | `=text` | `ts` |
        |---|---|---|
        | `-5` | `=1+1` | `2024-05-01T12:00:00.000005Z` |
        |  | `a\|b` |  |
        | `-5` | `<b>` | `2024-05-01T12:00:00.000005Z` |
        ");
        let read = read_parquet(rows("parquet", &batches).into());
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    }

    #[test]
    fn hostile_rows_parse_back_and_steer_nothing() {
        let texts = hostile();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let batches = [batch(&texts)];
        for name in ROW_FORMATS.into_iter().filter(|name| *name != "parquet") {
            assert_eq!(steers(&text_of(name, &batches)), None, "{name}");
        }
        let csv = text_of("csv", &batches);
        let cells =
            ::csv::Reader::from_reader(csv.as_bytes()).into_records().map(|record| record.unwrap()[1].to_owned());
        assert_eq!(cells.collect::<Vec<_>>(), texts.iter().map(|text| escape::csv_cell(text)).collect::<Vec<_>>());
        let values =
            |rows: Vec<Value>| rows.iter().map(|row| row["=text"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let ndjson = text_of("ndjson", &batches);
        assert_eq!(values(ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect()), texts);
        assert_eq!(values(serde_json::from_str(&text_of("json", &batches)).unwrap()), texts);
        let parquet = read_parquet(rows("parquet", &batches).into());
        let read = parquet[0].column(1).as_string::<i32>();
        assert!((0..read.len()).all(|index| read.value(index) == texts[index]));
    }

    #[test]
    fn a_table_of_rows_ends_where_it_is_told_to() {
        let mut out = Vec::new();
        let batch = batch(&["a", "b", "c"]);
        let mut rows = RowsWriter::new("table", &batch.schema(), &mut out).unwrap().rows_max(4).width(Some(40));
        rows.write(&batch).unwrap();
        rows.write(&batch).unwrap();
        rows.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 2 + 4 + 1, "{text}");
        assert!(text.ends_with("... 2 more rows\n"), "{text}");
    }

    #[test]
    fn no_rows_are_still_a_document() {
        let empty = [batch(&[])];
        assert_eq!(text_of("json", &empty), "[\n]\n");
        assert_eq!(text_of("ndjson", &empty), "");
        assert_eq!(text_of("csv", &empty), "\"n\",\"'=text\",\"ts\"\n");
        assert!(read_parquet(rows("parquet", &empty).into()).is_empty());
    }

    #[test]
    fn an_unknown_format_of_rows_names_the_known_ones() {
        let error = RowsWriter::new("html", &batch(&[]).schema(), Vec::new()).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), {
            "unknown format \"html\" for rows; use one of table, csv, ndjson, json, parquet, markdown"
        });
    }

    #[test]
    fn a_closed_pipe_keeps_its_kind() {
        let batch = batch(&["x"]);
        for name in ROW_FORMATS {
            let result = RowsWriter::new(name, &batch.schema(), Closed).and_then(|mut rows| {
                rows.write(&batch)?;
                rows.finish()
            });
            assert!(is_broken_pipe(result), "{name}");
        }
    }
}
