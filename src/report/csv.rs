//! Findings as CSV for spreadsheets: every cell quoted, none of them a formula. Machines fare better with NDJSON or
//! Parquet, which carry the text as it is.

use std::io::Write;

use ::csv::{ErrorKind, QuoteStyle, Writer, WriterBuilder};

use super::escape::csv_cell;
use super::human::rfc3339;
use super::{Format, Report, io_error};
use crate::error::{Error, Result};
use crate::finding;

pub(super) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        let mut csv = writer(out);
        csv.write_record(finding::schema().fields().iter().map(|field| field.name())).map_err(csv_error)?;
        for finding in report.findings {
            let row = [
                csv_cell(&finding.detection),
                csv_cell(&finding.title),
                finding.severity.as_str().into(),
                csv_cell(&finding.attack.join(" ")).into_owned().into(),
                csv_cell(&finding.audit_id),
                csv_cell(&finding.audit_ids.join(" ")).into_owned().into(),
                rfc3339(finding.first_seen).into(),
                rfc3339(finding.last_seen).into(),
                csv_cell(&finding.actor),
                csv_cell(&finding.object),
                finding.events.to_string().into(),
                csv_cell(&finding.cluster),
                csv_cell(&finding.finding_id),
                csv_cell(&finding.evidence),
            ];
            csv.write_record(row.iter().map(|cell| cell.as_bytes())).map_err(csv_error)?;
        }
        csv.flush().map_err(io_error)
    }
}

/// A CSV writer that quotes every cell.
pub(super) fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new().quote_style(QuoteStyle::Always).from_writer(out)
}

pub(super) fn csv_error(error: ::csv::Error) -> Error {
    match error.into_kind() {
        ErrorKind::Io(error) => io_error(error),
        kind => Error::Internal(format!("writing CSV: {kind:?}")),
    }
}
