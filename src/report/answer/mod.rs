//! The report to hand over: what was found and what it rests on, which secrets it cost, what to replace and to take
//! away; as a page, as its twin in Markdown, and for machines.

mod document;
mod markdown;
mod page;
#[cfg(test)]
mod tests;
mod verdict;

use std::io::Write;

use super::dossier::Dossier;
use super::explanation::Explanation;
use super::review::Reading;
use super::{Report, io_error};
use crate::error::{Error, Result};
use crate::finding::Severity;

/// The names that [`write`] knows.
pub const ANSWER_FORMATS: [&str; 3] = ["html", "markdown", "json"];

/// A report with the answers to what is asked after it.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// What was found and what it rests on.
    pub report: Report<'a>,
    /// The severity from which on findings were looked into.
    pub least: Severity,
    /// The loudest of these, with the requests behind them.
    pub explanations: Vec<Explanation<'a>>,
    /// What those did whom the findings are about; `None` where they are about nobody.
    pub dossier: Option<Dossier>,
    /// What a language model said of it, or why it said nothing; `None` where none was asked.
    pub review: Option<Reading>,
    /// Commands that give it again.
    pub commands: Vec<String>,
}

/// Writes the report.
pub fn write(answer: &Answer<'_>, format: &str, out: &mut dyn Write) -> Result<()> {
    let text = match format {
        "html" => page::page(answer)?,
        "markdown" => markdown::markdown(answer)?,
        "json" => document::json(answer)?,
        _ => {
            let known = ANSWER_FORMATS.join(", ");
            return Err(Error::usage(format!("unknown format {format:?} for a report; use one of {known}")));
        }
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
}
