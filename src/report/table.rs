//! Findings as a table on a terminal: what to look at first, one line each.

use std::io::Write;

use comfy_table::Color;

use super::escape::{cut, terminal};
use super::grid::{self, Column};
use super::{Format, Report, evidence, human, io_error};
use crate::error::Result;
use crate::finding::{Finding, Severity};
use crate::limits::CELL_CHARS_MAX;

/// From this width on there is room for evidence and seconds.
const WIDE: u16 = 130;

/// Findings as a table on a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Table {
    /// The terminal's width in columns; `None` cuts nothing.
    pub width: Option<u16>,
    /// Whether severities are coloured.
    pub color: bool,
}

impl Format for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        if report.findings.is_empty() {
            return writeln!(out, "no findings").and_then(|()| out.flush()).map_err(io_error);
        }
        let wide = self.width.is_none_or(|width| width >= WIDE);
        let rows: Vec<_> = report.findings.iter().map(|finding| row(finding, wide)).collect();
        let paint: Option<fn(&str) -> Option<Color>> = self.color.then_some(color);
        let text = grid::draw(&columns(wide), &rows, self.width, paint);
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
    }
}

fn columns(wide: bool) -> Vec<Column> {
    let column = |title: &str, weight| Column { title: title.to_owned(), weight, ends: true, right: false };
    let mut columns = vec![
        column("severity", 0),
        column("time (UTC)", 0),
        column("detection", 3),
        column("actor", 5),
        column("object", 5),
        Column { right: true, ..column("count", 0) },
        column("id", 0),
    ];
    if wide {
        columns.push(Column { ends: false, ..column("evidence", 4) });
    }
    columns
}

fn row(finding: &Finding, wide: bool) -> Vec<String> {
    let safe = |text: &str| terminal(&cut(text, CELL_CHARS_MAX)).into_owned();
    let mut row = vec![
        finding.severity.to_string(),
        human::time(finding.first_seen, if wide { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M" }),
        safe(&finding.detection),
        safe(&finding.actor),
        safe(&finding.object),
        finding.events.to_string(),
        safe(&finding.finding_id.chars().take(if wide { 8 } else { 6 }).collect::<String>()),
    ];
    if wide {
        let pairs = evidence::pairs(&finding.evidence);
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| format!("{name}={}", cut(value, CELL_CHARS_MAX))).collect();
        row.push(safe(&pairs.join(" ")));
    }
    row
}

fn color(severity: &str) -> Option<Color> {
    Some(match severity.parse().ok()? {
        Severity::Critical => Color::Magenta,
        Severity::High => Color::Red,
        Severity::Medium => Color::Yellow,
        Severity::Low => Color::Cyan,
        Severity::Info => Color::Grey,
    })
}
