//! Where everything of a lake lies, and what its names mean.
//!
//! ```text
//! LAKE/
//!   kubesift.json                marker: this folder is a lake, and of which schema
//!   events/                      the Delta table
//!     _delta_log/                its log: one JSON entry per commit, checkpoints
//!     date=2026-03-01/           parts, by UTC date of the event
//!       part-<run>-<n>.parquet
//!     _tmp/                      what is not yet, or no longer, part of the table
//!       run-<run>/               parts that a run is writing; its presence says that the run has not ended
//!       torn/                    log entries that `repair` took away
//!   findings/                    the Delta table of what was found, made when there is something to keep
//!     _delta_log/  date=.../     as in events; its runs write in the _tmp of events
//!   _ledger/<run>.ndjson         one account a line; counts only if the run was committed
//!   _quarantine/<run>.parquet    the lines that the run rejected
//!   _baseline/<date>-<key>.parquet   what identities were seen with on a day; made anew where it is missing
//!   _key                         redaction key, 32 bytes
//!   _lock                        who writes now
//! ```

use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::finding;
use crate::schema::{self, DATE, SCHEMA_VERSION};

/// One of the lake's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// What was ingested.
    Events,
    /// What was found in it.
    Findings,
}

impl Which {
    /// All tables.
    pub(super) const ALL: [Self; 2] = [Self::Events, Self::Findings];

    /// The table's name and that of its folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Findings => "findings",
        }
    }

    /// The column whose UTC date is the partition and whose range the log tells.
    pub(super) fn time(self) -> &'static str {
        match self {
            Self::Events => "ts",
            Self::Findings => "first_seen",
        }
    }

    /// The columns in its files; the partition column is not among them.
    pub(super) fn schema(self) -> SchemaRef {
        match self {
            Self::Events => schema::events(),
            Self::Findings => finding::kept_schema(),
        }
    }

    /// The version of [`Self::schema`].
    pub(super) fn schema_version(self) -> u32 {
        match self {
            Self::Events => SCHEMA_VERSION,
            Self::Findings => finding::KEPT_VERSION,
        }
    }
}

/// What `kubesift.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The schema that the lake was created with.
    pub(super) schema_version: u32,
    /// When it was created, RFC 3339.
    pub(super) created: String,
}

/// The folder in a lake for what is not yet in its place.
pub(super) const STAGING: &str = "events/_tmp";

/// The paths of one lake.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of the lake at `root`, which is absolute or a URL.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn marker(&self) -> PathBuf {
        self.root.join("kubesift.json")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.root.join("_key")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("_lock")
    }

    pub(super) fn table(&self, which: Which) -> PathBuf {
        self.root.join(which.name())
    }

    pub(super) fn log(&self, which: Which) -> PathBuf {
        self.table(which).join("_delta_log")
    }

    pub(super) fn log_entry(&self, which: Which, version: u64) -> PathBuf {
        self.log(which).join(format!("{version:020}.json"))
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    pub(super) fn torn(&self) -> PathBuf {
        self.tmp().join("torn")
    }

    pub(super) fn run(&self, run: Uuid) -> PathBuf {
        self.tmp().join(format!("run-{run}"))
    }

    pub(super) fn ledgers(&self) -> PathBuf {
        self.root.join("_ledger")
    }

    pub(super) fn ledger(&self, run: Uuid) -> PathBuf {
        self.ledgers().join(format!("{run}.ndjson"))
    }

    pub(super) fn quarantines(&self) -> PathBuf {
        self.root.join("_quarantine")
    }

    pub(super) fn quarantine(&self, run: Uuid) -> PathBuf {
        self.quarantines().join(format!("{run}.parquet"))
    }

    pub(super) fn baseline(&self) -> PathBuf {
        self.root.join("_baseline")
    }

    /// The folders of a new lake, parents first.
    pub(super) fn folders(&self) -> [PathBuf; 5] {
        let events = Which::Events;
        [self.table(events), self.log(events), self.tmp(), self.ledgers(), self.quarantines()]
    }
}

/// The run that a folder of `_tmp` belongs to.
pub(super) fn run_of_folder(name: &str) -> Option<Uuid> {
    name.strip_prefix("run-")?.parse().ok()
}

/// The folder of a date within the table.
pub(super) fn date_folder(date: &str) -> String {
    format!("{DATE}={date}")
}

/// How the names of a run's parts begin, so that what a dead run placed can be told from the rest.
pub(super) fn part_prefix(run: Uuid) -> String {
    format!("part-{run}-")
}

/// The name of a run's `number`th part.
pub(super) fn part_name(run: Uuid, number: u32) -> String {
    format!("{}{number:05}.parquet", part_prefix(run))
}

/// The version of a log entry by its file name; None for other files.
pub(super) fn version_of_entry(name: &str) -> Option<u64> {
    version_before(name, ".json")
}

/// The version of a checkpoint by its file name; None for other files.
pub(super) fn version_of_checkpoint(name: &str) -> Option<u64> {
    let (version, rest) = name.split_once('.')?;
    (rest.starts_with("checkpoint") && rest.ends_with(".parquet")).then(|| digits(version)).flatten()
}

fn version_before(name: &str, suffix: &str) -> Option<u64> {
    digits(name.strip_suffix(suffix)?)
}

fn digits(text: &str) -> Option<u64> {
    (text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Whether `date` is a real day written `YYYY-MM-DD`: it becomes a folder's name.
pub(super) fn is_date(date: &str) -> bool {
    let shape = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shape && NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok()
}

/// Refuses what a later Kubesift wrote, which this one could only guess at.
pub(super) fn check_schema_version(path: &Path, which: Which, found: u32) -> Result<()> {
    let known = which.schema_version();
    if found <= known {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{}: written with schema {found}, but this kubesift knows {known} at most: use the later kubesift",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_days_are_dates() {
        for date in ["2026-03-01", "2024-02-29", "1970-01-01"] {
            assert!(is_date(date), "{date}");
        }
        for date in
            ["", "2026-3-1", "2026-02-30", "2026-03-01 ", "+026-03-01", "2026/03/01", "../../etc/x", "２026-01-1"]
        {
            assert!(!is_date(date), "{date}");
        }
    }

    #[test]
    fn log_files_are_told_apart_by_name() {
        assert_eq!(version_of_entry("00000000000000000012.json"), Some(12));
        for other in
            ["12.json", "00000000000000000012.json.tmp", "00000000000000000012.checkpoint.parquet", "_last_checkpoint"]
        {
            assert_eq!(version_of_entry(other), None, "{other}");
        }
        assert_eq!(version_of_checkpoint("00000000000000000012.checkpoint.parquet"), Some(12));
        assert_eq!(version_of_checkpoint("00000000000000000012.checkpoint.0000000001.0000000002.parquet"), Some(12));
        assert_eq!(version_of_checkpoint("00000000000000000012.json"), None);
    }
}
