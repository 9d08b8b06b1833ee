//! The table's log, looked at before `deltalake` reads it: a torn entry would otherwise be an empty commit, and a night
//! of evidence would be gone without a word.
//!
//! Entries hold one JSON action a line (Delta protocol, "Delta Log Entries"). Ours begin with a `commitInfo` whose
//! `kubesift` field is a [`RunInfo`]; it says how many lines belong to the entry.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::disk::Disk;
use super::layout::{Layout, check_schema_version, version_of_checkpoint, version_of_entry};
use crate::error::{Error, Result};

/// What a commit says of the run that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RunInfo {
    /// The run; None for the creation of the table.
    pub(super) run: Option<Uuid>,
    /// The schema of its parts.
    pub(super) schema_version: u32,
    /// Lines of the log entry.
    pub(super) actions: usize,
    /// BLAKE3 of the run's ledger, hexadecimal.
    pub(super) ledger: String,
    /// Sources that the run met.
    pub(super) sources: usize,
    /// Lines seen in those that it ingested.
    pub(super) lines: u64,
    /// Rows committed.
    pub(super) rows: u64,
    /// Lines rejected.
    pub(super) rejects: u64,
    /// Blank lines.
    pub(super) blanks: u64,
    /// Exact duplicates.
    pub(super) duplicates: u64,
    /// Lines of other logs.
    #[serde(default)]
    pub(super) not_audit: u64,
}

#[derive(Deserialize)]
struct FirstLine {
    #[serde(rename = "commitInfo")]
    commit_info: CommitInfo,
}

#[derive(Deserialize)]
struct CommitInfo {
    kubesift: Option<RunInfo>,
}

/// The log up to its newest entry, which is whole.
#[derive(Debug)]
pub(super) struct Log {
    /// The newest version.
    pub(super) version: u64,
    /// What each commit says of its run, oldest first. Commits of other programs are left out.
    pub(super) runs: Vec<RunInfo>,
}

impl Log {
    /// Reads and checks the log. Entries that a checkpoint covers are trusted but for their first line; the others,
    /// which `deltalake` is going to replay, are read whole.
    pub(super) fn read(layout: &Layout) -> Result<Self> {
        let listing = Listing::read(layout)?;
        let newest = listing.newest(layout)?;
        let mut runs = Vec::new();
        for version in 0..=newest {
            let path = layout.log_entry(version);
            let covered = version != newest && listing.checkpoint.is_some_and(|checkpoint| version <= checkpoint);
            let info = match if covered { read_first_line(&path)? } else { read_entry(&path)? } {
                Ok(info) => info,
                Err(damage) if version == newest => return Err(torn(path, version, damage)),
                Err(damage) => {
                    let reason = format!("this log entry is damaged ({damage}): restore it from a backup");
                    return Err(Error::integrity(path, reason));
                }
            };
            if let Some(info) = info {
                check_schema_version(&path, info.schema_version)?;
                runs.push(info);
            }
        }
        Ok(Self { version: newest, runs })
    }

    /// Whether a run's commit is in the log.
    pub(super) fn has(&self, run: Uuid) -> bool {
        self.runs.iter().any(|info| info.run == Some(run))
    }
}

fn torn(path: PathBuf, version: u64, damage: &str) -> Error {
    let good = match version.checked_sub(1) {
        Some(good) => format!("the last good version is {good}; `kubesift lake repair` drops this entry"),
        None => "no good version is left: restore the lake from a backup".to_owned(),
    };
    Error::integrity(path, format!("the newest log entry is torn ({damage}): {good}"))
}

/// The names in the log.
pub(super) struct Listing {
    versions: Vec<u64>,
    checkpoint: Option<u64>,
}

impl Listing {
    /// Lists the log; a log that is not there is empty.
    pub(super) fn read(layout: &Layout) -> Result<Self> {
        let folder = layout.log();
        let at = |error| Error::storage(&folder, error);
        let mut listing = Self { versions: Vec::new(), checkpoint: None };
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(listing),
            other => other.map_err(at)?,
        };
        for entry in entries {
            let name = entry.map_err(at)?.file_name();
            let Some(name) = name.to_str() else { continue };
            listing.versions.extend(version_of_entry(name));
            listing.checkpoint = listing.checkpoint.max(version_of_checkpoint(name));
        }
        listing.versions.sort_unstable();
        Ok(listing)
    }

    /// Whether nothing was committed but the creation of the table.
    pub(super) fn is_new(&self) -> bool {
        self.versions.iter().all(|version| *version == 0) && self.checkpoint.is_none()
    }

    /// The newest version, if all before it are there: the lake never cleans its log.
    fn newest(&self, layout: &Layout) -> Result<u64> {
        let Some(newest) = self.versions.last() else {
            return Err(Error::integrity(layout.log(), "the log is empty: restore the lake from a backup"));
        };
        let newest = (*newest).max(self.checkpoint.unwrap_or(0));
        match (0..=newest)
            .zip(self.versions.iter().map(Some).chain(std::iter::repeat(None)))
            .find(|(v, found)| Some(v) != *found)
        {
            None => Ok(newest),
            Some((missing, _)) => Err(Error::integrity(
                layout.log_entry(missing),
                format!(
                    "this log entry is missing, although the log goes on to version {newest}: restore it from a backup"
                ),
            )),
        }
    }
}

/// What is wrong with an entry, in words.
type Damage = &'static str;

/// Reads and checks a whole entry.
fn read_entry(path: &Path) -> Result<Result<Option<RunInfo>, Damage>> {
    let bytes = std::fs::read(path).map_err(|error| Error::storage(path, error))?;
    Ok(check_entry(&bytes))
}

fn check_entry(bytes: &[u8]) -> Result<Option<RunInfo>, Damage> {
    let Some(body) = bytes.strip_suffix(b"\n") else {
        return Err(if bytes.is_empty() { "it is empty" } else { "it does not end with a newline" });
    };
    let mut lines = 0;
    for line in body.split(|byte| *byte == b'\n') {
        lines += 1;
        if serde_json::from_slice::<Map<String, Value>>(line).is_err() {
            return Err("a line of it is not a JSON object");
        }
    }
    let info = check_first_line(body.split(|byte| *byte == b'\n').next().unwrap_or_default())?;
    if info.as_ref().is_some_and(|info| info.actions != lines) {
        return Err("lines of it are missing");
    }
    Ok(info)
}

fn read_first_line(path: &Path) -> Result<Result<Option<RunInfo>, Damage>> {
    let at = |error| Error::storage(path, error);
    let mut line = Vec::new();
    BufReader::new(File::open(path).map_err(at)?).read_until(b'\n', &mut line).map_err(at)?;
    Ok(check_first_line(&line))
}

fn check_first_line(line: &[u8]) -> Result<Option<RunInfo>, Damage> {
    let first: FirstLine = serde_json::from_slice(line).map_err(|_| "it does not begin with commitInfo")?;
    Ok(first.commit_info.kubesift)
}

/// What [`super::Lake::repair`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The version whose entry was torn, and is gone.
    pub dropped: u64,
    /// The version that the lake shows now.
    pub last_good: u64,
    /// Where the torn entry lies now, for whoever wants to look at it.
    pub kept: PathBuf,
}

/// Takes the newest entry out of the log if it is torn. A good entry is never touched.
pub(super) fn repair(layout: &Layout, disk: &Disk) -> Result<Option<Repair>> {
    let listing = Listing::read(layout)?;
    let newest = listing.newest(layout)?;
    let path = layout.log_entry(newest);
    let Err(damage) = read_entry(&path)? else {
        return Log::read(layout).map(|_| None);
    };
    let Some(last_good) = newest.checked_sub(1) else { return Err(torn(path, newest, damage)) };
    if listing.checkpoint == Some(newest) {
        let reason = format!("this log entry is torn ({damage}), but a checkpoint holds it: restore it from a backup");
        return Err(Error::integrity(path, reason));
    }
    let kept = layout.torn().join(format!("{newest:020}-{}.json", Uuid::now_v7()));
    disk.folder(&layout.torn())?;
    disk.rename(&path, &kept)?;
    disk.sync_folder(&layout.torn())?;
    disk.sync_folder(&layout.tmp())?;
    disk.sync_folder(&layout.log())?;
    Ok(Some(Repair { dropped: newest, last_good, kept }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = r#"{"commitInfo":{"operation":"WRITE","kubesift":{"actions":2,"rows":7}}}"#;
    const TXN: &str = r#"{"txn":{"appId":"kubesift/x","version":0}}"#;

    #[test]
    fn a_whole_entry_tells_of_its_run() {
        let info = check_entry(format!("{INFO}\n{TXN}\n").as_bytes()).unwrap().unwrap();
        assert_eq!(info.rows, 7);
    }

    #[test]
    fn an_entry_of_another_program_is_whole_without_a_run() {
        let entry = format!("{}\n{TXN}\n", r#"{"commitInfo":{"operation":"OPTIMIZE"}}"#);
        assert_eq!(check_entry(entry.as_bytes()), Ok(None));
    }

    #[test]
    fn every_cut_of_an_entry_is_found() {
        let whole = format!("{INFO}\n{TXN}\n");
        for end in 0..whole.len() {
            assert!(check_entry(&whole.as_bytes()[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn zeros_are_found_wherever_they_begin() {
        let whole = format!("{INFO}\n{TXN}\n");
        for start in 0..whole.len() {
            let mut bytes = whole.clone().into_bytes();
            bytes[start..].fill(0);
            assert!(check_entry(&bytes).is_err(), "zeros from {start}");
        }
    }
}
