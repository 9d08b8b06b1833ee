//! Everything that leaves the program: findings in several formats, tables of query results, files.
//!
//! A format receives a [`Report`] and writes bytes; it knows no engine, no clock and no host, so that the same input
//! gives the same bytes. What a log says passes through [`escape`] on its way out.

pub mod answer;
pub mod dossier;
pub mod escape;
pub mod explanation;
pub mod file;
pub mod human;
pub mod metrics;
pub mod read;
pub mod readiness;
pub mod review;
pub mod risk;
pub mod rows;
pub mod summary;

mod csv;
mod evidence;
mod grid;
mod html;
mod json;
mod markdown;
mod ndjson;
mod pages;
mod parquet;
mod strip;
mod table;
mod timeline;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};

use arrow::error::ArrowError;

pub use self::html::Html;
pub use self::table::Table;
use crate::account::Account;
use crate::detection::Detection;
use crate::detection::readiness::Readiness;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::risk::Risk;

/// The names that [`format`] knows.
pub const FORMATS: [&str; 7] = ["table", "csv", "ndjson", "json", "parquet", "markdown", "html"];

/// A way to write findings.
pub trait Format {
    /// The name that `--format` takes.
    fn name(&self) -> &'static str;

    /// Writes the whole report. An error of `out` comes back as [`Error::Storage`] with its kind, so that a closed pipe
    /// can end the run quietly.
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()>;
}

/// The format of that name, with its defaults: a table without colour or end.
#[must_use]
pub fn format(name: &str) -> Option<Box<dyn Format>> {
    Some(match name {
        "table" => Box::new(Table::default()),
        "csv" => Box::new(csv::Csv),
        "ndjson" => Box::new(ndjson::Ndjson),
        "json" => Box::new(json::Json),
        "parquet" => Box::new(parquet::Parquet),
        "markdown" => Box::new(markdown::Markdown),
        "html" => Box::new(html::Html),
        _ => return None,
    })
}

/// What a run found, and what it rests on.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The findings, sorted by [`Finding::order`].
    pub findings: &'a [Finding],
    /// The detections of the run, for what they say about their findings.
    pub headers: &'a [Detection],
    /// What was read, one account a source.
    pub accounts: &'a [Account],
    /// What each suppression of the configuration did.
    pub suppressions: &'a [Suppression],
    /// What became of each detection.
    pub outcomes: &'a [Outcome],
    /// How well each detection could see.
    pub readiness: &'a Readiness,
    /// What all findings of the run say about identities and secrets, those that are not shown included.
    pub risk: &'a Risk,
    /// The run as a whole.
    pub summary: Summary,
}

/// What became of one detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The detection's id.
    pub detection: String,
    /// Whether it ran.
    pub state: State,
    /// Findings that a suppression took out.
    pub suppressed: u64,
}

/// What one suppression of the configuration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The detection's id.
    pub detection: String,
    /// The exact actor, where it names one.
    pub actor: Option<String>,
    /// The exact object, where it names one.
    pub object: Option<String>,
    /// The exact cluster, where it names one.
    pub cluster: Option<String>,
    /// Why what it hides is harmless.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it counts.
    pub expires: String,
    /// Whether it hid anything, and if not, why.
    pub effect: Effect,
    /// Findings that it hid, or would have hidden.
    pub findings: u64,
}

/// Whether a suppression hid anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It hid findings.
    Hid,
    /// There was nothing for it to hide.
    Idle,
    /// Its last day is over: what it would have hidden is shown.
    Expired,
    /// Its detection did not run to its end.
    NotRun,
}

impl Effect {
    /// The word for it in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hid => "hid",
            Self::Idle => "hid_nothing",
            Self::Expired => "expired",
            Self::NotRun => "not_run",
        }
    }
}

/// Whether a detection ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// To its end.
    Ran {
        /// Findings it yielded, suppressed ones left out.
        findings: u64,
        /// Milliseconds it took; in no document, for it differs from run to run.
        millis: u64,
    },
    /// It could not have found anything, and why: its silence means nothing.
    NotEvaluable(String),
    /// It was stopped or failed, and why: its findings are not all.
    Incomplete(String),
}

impl State {
    /// The word for it in documents.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ran { .. } => "ran",
            Self::NotEvaluable(_) => "not_evaluable",
            Self::Incomplete(_) => "incomplete",
        }
    }
}

/// A run as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// The version of the program.
    pub version: String,
    /// The version of the lake that was read, where there was a lake.
    pub lake_version: Option<u64>,
    /// The clusters whose events were read.
    pub clusters: Vec<String>,
    /// The earliest event, microseconds since 1970.
    pub first_ts: Option<i64>,
    /// The latest event, microseconds since 1970.
    pub last_ts: Option<i64>,
    /// The accounts added up.
    pub totals: Account,
    /// When the run began, microseconds since 1970; `None` keeps the output the same from run to run.
    pub started_at: Option<i64>,
}

impl Report<'_> {
    /// Findings by severity, loudest first, without the severities that have none.
    fn tally(&self) -> Vec<(Severity, u64)> {
        let count = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
        Severity::ALL.into_iter().rev().map(|s| (s, count(s))).filter(|(_, count)| *count > 0).collect()
    }

    /// Detections that could not be evaluated, by the reason why.
    fn not_evaluable(&self) -> BTreeMap<&str, Vec<&str>> {
        self.grouped(|state| if let State::NotEvaluable(why) = state { Some(why) } else { None })
    }

    /// Detections that did not come to their end, by the reason why.
    fn incomplete(&self) -> BTreeMap<&str, Vec<&str>> {
        self.grouped(|state| if let State::Incomplete(why) = state { Some(why) } else { None })
    }

    fn grouped(&self, why: fn(&State) -> Option<&String>) -> BTreeMap<&str, Vec<&str>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for outcome in self.outcomes {
            if let Some(why) = why(&outcome.state) {
                groups.entry(why).or_default().push(&outcome.detection);
            }
        }
        groups
    }

    /// Detections that came to their end.
    fn ran(&self) -> u64 {
        self.outcomes.iter().filter(|outcome| matches!(outcome.state, State::Ran { .. })).count() as u64
    }

    /// Findings that suppressions took out.
    fn suppressed(&self) -> u64 {
        self.outcomes.iter().map(|outcome| outcome.suppressed).sum()
    }
}

/// The path in errors of a writer that does not know where its bytes go; [`file::write_file`] puts the real one in.
const OUTPUT: &str = "output";

/// An error of the writer.
fn io_error(error: io::Error) -> Error {
    Error::storage(OUTPUT, error)
}

/// An error of Arrow: the writer's own where it has one inside.
fn arrow_error(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => io_error(error),
        ArrowError::ExternalError(error) => match error.downcast::<io::Error>() {
            Ok(error) => io_error(*error),
            Err(error) => Error::Internal(format!("writing results: {error}")),
        },
        error => Error::usage(format!("cannot write these columns: {error}; cast them to text in the query")),
    }
}
