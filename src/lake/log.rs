//! The table's log, looked at before `deltalake` reads it: a torn entry would otherwise be an empty commit, and a night
//! of evidence would be gone without a word.
//!
//! Entries hold one JSON action a line (Delta protocol, "Delta Log Entries"). Ours begin with a `commitInfo` whose
//! `kubesift` field is a [`RunInfo`]; it says how many lines belong to the entry.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::disk::Disk;
use super::layout::{Layout, Which, check_schema_version, date_folder, version_of_checkpoint, version_of_entry};
use crate::error::{Error, Result};

/// What a commit says of the run that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RunInfo {
    /// The version that it made; the log entry says so by its name.
    #[serde(skip)]
    pub(super) version: u64,
    /// The run; None for the creation of the table.
    pub(super) run: Option<Uuid>,
    /// The schema of its parts.
    pub(super) schema_version: u32,
    /// Lines of the log entry; counted when it is made.
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
    pub(super) not_audit: u64,
    /// Of a commit to the findings: the dates that the run examined, each with the key of what it examined.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) examined: BTreeMap<String, String>,
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
    pub(super) fn read(layout: &Layout, disk: &Disk, which: Which) -> Result<Self> {
        let listing = Listing::read(layout, disk, which)?;
        let newest = listing.newest(layout)?;
        let versions: Vec<u64> = (0..=newest).collect();
        let runs = disk.each(&versions, |version| {
            let version = *version;
            let path = layout.log_entry(which, version);
            let covered = version != newest && listing.checkpoint.is_some_and(|checkpoint| version <= checkpoint);
            let info = match if covered { read_first_line(disk, &path)? } else { read_entry(disk, &path)? } {
                Ok(info) => info,
                Err(damage) if version == newest => return Err(torn(path, version, damage)),
                Err(damage) => {
                    let reason = format!("this log entry is damaged ({damage}): restore it from a backup");
                    return Err(Error::integrity(path, reason));
                }
            };
            if let Some(info) = &info {
                check_schema_version(&path, which, info.schema_version)?;
            }
            Ok(info.map(|info| RunInfo { version, ..info }))
        })?;
        let runs = runs.into_iter().flatten().collect();
        Ok(Self { version: newest, runs })
    }

    /// As [`Self::read`]; None where the table was never made, which of the findings is no damage.
    pub(super) fn read_if_made(layout: &Layout, disk: &Disk, which: Which) -> Result<Option<Self>> {
        if which == Which::Findings && Listing::read(layout, disk, which)?.is_empty() {
            let parts = disk.folders(&layout.table(which), &date_folder(""))?;
            return if parts.is_empty() { Ok(None) } else { Err(empty(layout, which)) };
        }
        Self::read(layout, disk, which).map(Some)
    }

    /// The version that a run's commit made, if it is in the log.
    pub(super) fn version_of(&self, run: Uuid) -> Option<u64> {
        self.runs.iter().find(|info| info.run == Some(run)).map(|info| info.version)
    }
}

fn torn(path: PathBuf, version: u64, damage: &str) -> Error {
    let good = match version.checked_sub(1) {
        Some(good) => format!("the last good version is {good}; `kubesift lake repair` drops this entry"),
        None => "no good version is left: restore the lake from a backup".to_owned(),
    };
    Error::integrity(path, format!("the newest log entry is torn ({damage}): {good}"))
}

fn empty(layout: &Layout, which: Which) -> Error {
    Error::integrity(layout.log(which), "the log is empty: restore the lake from a backup")
}

/// The names in the log.
pub(super) struct Listing {
    which: Which,
    versions: Vec<u64>,
    checkpoint: Option<u64>,
}

impl Listing {
    /// Lists the log; a log that is not there is empty.
    pub(super) fn read(layout: &Layout, disk: &Disk, which: Which) -> Result<Self> {
        let names = disk.names(&layout.log(which))?;
        let mut versions: Vec<_> = names.iter().filter_map(|name| version_of_entry(name)).collect();
        versions.sort_unstable();
        let checkpoint = names.iter().filter_map(|name| version_of_checkpoint(name)).max();
        Ok(Self { which, versions, checkpoint })
    }

    /// Whether there is no log.
    fn is_empty(&self) -> bool {
        self.versions.is_empty() && self.checkpoint.is_none()
    }

    /// Whether nothing was committed but the creation of the table.
    pub(super) fn is_new(&self) -> bool {
        self.versions.iter().all(|version| *version == 0) && self.checkpoint.is_none()
    }

    /// The newest version, if all before it are there: the lake never cleans its log.
    fn newest(&self, layout: &Layout) -> Result<u64> {
        let Some(newest) = self.versions.last() else {
            return Err(empty(layout, self.which));
        };
        let newest = (*newest).max(self.checkpoint.unwrap_or(0));
        match (0..=newest)
            .zip(self.versions.iter().map(Some).chain(std::iter::repeat(None)))
            .find(|(v, found)| Some(v) != *found)
        {
            None => Ok(newest),
            Some((missing, _)) => Err(Error::integrity(
                layout.log_entry(self.which, missing),
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
fn read_entry(disk: &Disk, path: &Path) -> Result<Result<Option<RunInfo>, Damage>> {
    let bytes = disk.read(path)?.ok_or_else(|| Error::storage(path, ErrorKind::NotFound.into()))?;
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

fn read_first_line(disk: &Disk, path: &Path) -> Result<Result<Option<RunInfo>, Damage>> {
    let line = disk.first_line(path)?.ok_or_else(|| Error::storage(path, ErrorKind::NotFound.into()))?;
    Ok(check_first_line(&line))
}

fn check_first_line(line: &[u8]) -> Result<Option<RunInfo>, Damage> {
    let first: FirstLine = serde_json::from_slice(line).map_err(|_| "it does not begin with commitInfo")?;
    Ok(first.commit_info.kubesift)
}

/// What [`super::Lake::repair`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The table whose log was torn.
    pub table: &'static str,
    /// The version whose entry was torn, and is gone.
    pub dropped: u64,
    /// The version that the table shows now.
    pub last_good: u64,
    /// Where the torn entry lies now, for whoever wants to look at it.
    pub kept: PathBuf,
}

/// Takes the newest entry out of the log if it is torn. A good entry is never touched.
pub(super) fn repair(layout: &Layout, disk: &Disk, which: Which) -> Result<Option<Repair>> {
    let listing = Listing::read(layout, disk, which)?;
    if which == Which::Findings && listing.is_empty() {
        return Log::read_if_made(layout, disk, which).map(|_| None);
    }
    let newest = listing.newest(layout)?;
    let path = layout.log_entry(which, newest);
    let Err(damage) = read_entry(disk, &path)? else {
        return Log::read(layout, disk, which).map(|_| None);
    };
    let Some(last_good) = newest.checked_sub(1) else { return Err(torn(path, newest, damage)) };
    if listing.checkpoint == Some(newest) {
        let reason = format!("this log entry is torn ({damage}), but a checkpoint holds it: restore it from a backup");
        return Err(Error::integrity(path, reason));
    }
    let kept = layout.torn().join(format!("{}-{newest:020}-{}.json", which.name(), Uuid::now_v7()));
    disk.folder(&layout.torn())?;
    disk.rename(&path, &kept)?;
    disk.sync_folder(&layout.torn())?;
    disk.sync_folder(&layout.tmp())?;
    disk.sync_folder(&layout.log(which))?;
    Ok(Some(Repair { table: which.name(), dropped: newest, last_good, kept }))
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
