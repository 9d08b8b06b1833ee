//! Findings as GitHub Markdown, for an issue or a chat: a table for each severity.
//!
//! Cells are code spans, so that nothing in them becomes a link, a mention, an image or HTML.

use std::io::Write;

use super::escape::{cut, terminal};
use super::{Format, Report, evidence, human, io_error, readiness, risk, summary};
use crate::detection::readiness::{Readiness, Sight};
use crate::error::Result;
use crate::finding::{Finding, Severity};
use crate::limits::CELL_CHARS_MAX;
use crate::risk::Risk;

pub(super) struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        writeln!(out, "# Findings\n\n{}", plain(&summary::findings(report))).map_err(io_error)?;
        let silent = report.not_evaluable().into_iter().chain(report.incomplete());
        for (index, (why, ids)) in silent.enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            let ids: Vec<_> = ids.into_iter().map(code).collect();
            writeln!(out, "{gap}- Not an all-clear for {}: {}", ids.join(", "), plain(why)).map_err(io_error)?;
        }
        risks(out, report.risk).map_err(io_error)?;
        for (severity, _) in report.tally() {
            section(out, severity, report.findings).map_err(io_error)?;
        }
        readiness(out, report.readiness).map_err(io_error)?;
        out.flush().map_err(io_error)
    }
}

/// The identities and secrets that something medium or louder speaks about.
fn risks(out: &mut dyn Write, risk: &Risk) -> std::io::Result<()> {
    let clusters = risk::clusters(risk);
    for (index, (sort, score)) in risk::loud(risk).enumerate() {
        if index == 0 {
            writeln!(out, "\n## risk\n")?;
            header(out, &["risk", "of", "name", "why"].map(str::to_owned))?;
        }
        let cells =
            [score.score.to_string(), sort.to_owned(), code(&risk::name(score, clusters)), plain(&risk::line(score))];
        row(out, &cells)?;
    }
    Ok(())
}

fn section(out: &mut dyn Write, severity: Severity, findings: &[Finding]) -> std::io::Result<()> {
    writeln!(out, "\n## {severity}\n")?;
    header(out, &["time (UTC)", "detection", "actor", "object", "count", "evidence"].map(str::to_owned))?;
    for finding in findings.iter().filter(|finding| finding.severity == severity) {
        let pairs = evidence::pairs(&finding.evidence);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| code(&format!("{name}={value}"))).collect();
        row(
            out,
            &[
                human::seconds(finding.first_seen),
                format!("{} {}", code(&finding.detection), plain(&finding.title)),
                code(&finding.actor),
                code(&finding.object),
                finding.events.to_string(),
                pairs.join(" "),
            ],
        )?;
    }
    Ok(())
}

/// What could not be seen well, and what would change it.
fn readiness(out: &mut dyn Write, readiness: &Readiness) -> std::io::Result<()> {
    if readiness.verdicts.iter().all(|verdict| verdict.sight <= Sight::Unseen) {
        return Ok(());
    }
    writeln!(out, "\n## Readiness\n\n{}\n", readiness::tally(readiness))?;
    // those that are blind stand at the top
    for (why, ids) in readiness.reasons(Sight::Partly) {
        let ids: Vec<_> = ids.into_iter().map(code).collect();
        writeln!(out, "- partly, {}: {}", plain(why), ids.join(", "))?;
    }
    for fix in &readiness.fixes {
        writeln!(out, "\n{}", plain(&fix.what))?;
        if !fix.policy.is_empty() {
            writeln!(out)?;
        }
        // an indented block ends with the indentation, whatever is in it
        for line in &fix.policy {
            writeln!(out, "    {}", terminal(&cut(line, CELL_CHARS_MAX)))?;
        }
    }
    Ok(())
}

/// The head of a table; the titles are Markdown already.
pub(super) fn header(out: &mut dyn Write, titles: &[String]) -> std::io::Result<()> {
    row(out, titles)?;
    writeln!(out, "|{}", "---|".repeat(titles.len()))
}

/// A row of a table; the cells are Markdown already.
pub(super) fn row(out: &mut dyn Write, cells: &[String]) -> std::io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

/// A table; the titles and cells are Markdown already.
pub(super) fn table(titles: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = Vec::new();
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    // writing to memory cannot fail
    let _ = header(&mut text, &titles);
    for cells in rows {
        let _ = row(&mut text, &cells);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Text of a log as a code span that also holds inside a table.
pub(super) fn code(text: &str) -> String {
    let text = cut(text, CELL_CHARS_MAX);
    let text = terminal(&text);
    if text.trim().is_empty() {
        return String::new();
    }
    // a span ends at as many backticks as it began with
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// Text of the program or of a detection, as itself.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in terminal(&cut(text, CELL_CHARS_MAX)).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_outlasts_the_backticks_and_pipes_in_it() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code(""), "");
        assert_eq!(code("a\nb"), "`a\\nb`");
    }

    #[test]
    fn titles_are_not_markup() {
        assert_eq!(plain("<img> [x](y) *a* `b`|"), "&lt;img&gt; \\[x\\](y) \\*a\\* \\`b\\`\\|");
    }
}
