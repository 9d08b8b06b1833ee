//! Detections as data: the header, the SQL and the lists that come with them. Nothing here runs a query.
//!
//! - `document` reads TOML strictly, `token` cuts SQL into words: both know no detection.
//! - `header` reads a detection file, `view` a view file, [`cases`] the cases beside a detection.
//! - [`attack`] names MITRE's ids, [`mod@lint`] finds traps in a query's text.
//! - [`coverage`] is what others look for and who of ours answers.
//! - `pack` puts the files of `sql/`, which are part of the binary, and a user's own folder together.

pub mod attack;
pub mod cases;
pub mod coverage;
mod document;
mod header;
pub mod lint;
mod needs;
mod pack;
mod policy;
pub mod readiness;
mod token;
mod view;

use std::collections::BTreeMap;

pub use header::is_id;
pub use pack::{FILES, Pack, ROUTINE, routine_key};
pub use view::{FINDINGS, INVENTORY, PERIOD, TABLE, TABLES, View};

use crate::finding::Severity;

/// One detection: a `.sql` file whose leading `--` lines are its header.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// The file stem, `[a-z0-9_]{3,64}`; says what happened.
    pub id: String,
    /// Where it was read from, for messages: `sql/detections/pods/pod_exec.sql`.
    pub path: String,
    /// The header.
    pub header: Header,
    /// One `select`, without the header lines, but with as many blank lines in their place, so that a line number of
    /// the query is a line number of the file.
    pub sql: String,
}

/// The header of a detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// One line; a fact for info and low, "Possible ..." for medium, the named threat above.
    pub title: String,
    /// How settled it is.
    pub status: Status,
    /// How loud its findings are.
    pub severity: Severity,
    /// MITRE ATT&CK ids, `TA0002/T1609` or `TA0006/T1552.007`.
    pub attack: Vec<String>,
    /// The lowest audit level that it can work on.
    pub needs: Level,
    /// Resources whose events it reads at that level, for readiness; empty: any.
    pub resources: Vec<String>,
    /// What it means, in a sentence or two.
    pub describe: String,
    /// What harmless work looks the same.
    pub benign: Vec<String>,
    /// What it cannot see.
    pub blind: Vec<String>,
    /// Questions to ask first.
    pub triage: Vec<String>,
    /// Sources.
    pub references: Vec<String>,
    /// Thresholds and windows with their defaults, bound as `$name` in the SQL.
    pub params: BTreeMap<String, i64>,
}

/// The parameter that says how many days of log a detection needs before it can tell the unusual from the usual.
pub const NEED: &str = "history_days";

/// How settled a detection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// New; may change without notice.
    Experimental,
    /// In trial.
    Test,
    /// Settled.
    Stable,
}

/// An audit level, poorest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
pub enum Level {
    /// Who, what, when, without bodies.
    Metadata,
    /// With the request body.
    Request,
    /// With both bodies.
    RequestResponse,
}
