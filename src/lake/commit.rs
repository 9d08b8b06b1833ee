//! A run that writes: its parts, its accounts, and the one moment in which they begin to count.
//!
//! Order is everything here. Parts, rejects and accounts are durable and in place before the log names them, and the
//! log entry is durable before the run says so. Whatever stops the run before that leaves files that no reader sees
//! and that the next run removes: they bear the run's id, and the folder `_tmp/run-<id>` says that it never ended.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use uuid::Uuid;

use super::delta::{Table, TableFile};
use super::disk::{Disk, STAGED};
use super::layout::{self, Layout};
use super::ledger::{self, Ledger};
use super::lock::Lock;
use super::log::{Log, RunInfo};
use super::read::Snapshot;
use super::write::{FinishedPart, PartWriter, Quarantine};
use crate::account::{Account, Outcome};
use crate::error::{Error, Result};
use crate::limits::COMMIT_RETRIES_MAX;
use crate::schema::SCHEMA_VERSION;

/// An ingest run. Many threads may write parts of it; nothing of it counts before [`Self::commit`], and all of it is
/// removed if that never comes.
#[derive(Debug)]
pub struct Run {
    id: Uuid,
    layout: Layout,
    disk: Disk,
    base: Snapshot,
    parts: AtomicU32,
    rejects: Mutex<Option<Quarantine>>,
    state: State,
    _lock: Option<Lock>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of it is in the log.
    Open,
    /// Its commit was tried; whether it is in the log must be looked up.
    Tried,
    /// It is in the log.
    Committed,
}

/// A commit that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// The version that it made.
    pub version: u64,
}

impl Run {
    /// Begins a run. Tests leave the lock out to have two at once.
    pub(super) fn begin(layout: &Layout, disk: &Disk, lock: Option<Lock>) -> Result<Self> {
        let run = Self {
            id: Uuid::now_v7(),
            layout: layout.clone(),
            disk: disk.clone(),
            base: Snapshot::open(layout, disk)?,
            parts: AtomicU32::new(0),
            rejects: Mutex::new(None),
            state: State::Open,
            _lock: lock,
        };
        disk.folder(&run.folder())?;
        // the folder tells the next run what to remove, so it must outlive a loss of power that the parts outlive
        disk.sync_folder(&layout.tmp())?;
        Ok(run)
    }

    /// The run's id, which its files and its commit bear.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The lake as it was when the run began.
    #[must_use]
    pub fn base(&self) -> &Snapshot {
        &self.base
    }

    /// A folder for the run's own scratch files; it vanishes with the run.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.layout.run(self.id)
    }

    /// Begins a part for `date` (`YYYY-MM-DD`, a real day).
    pub fn part(&self, date: &str) -> Result<PartWriter> {
        if !layout::is_date(date) {
            return Err(Error::Internal(format!("{date:?} is no date")));
        }
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        PartWriter::create(&self.disk, &self.folder(), date.to_owned(), layout::part_name(self.id, number))
    }

    /// Keeps rejected lines, which end in `_quarantine` with the commit. All batches of a run have one schema.
    pub fn quarantine(&self, rejects: &RecordBatch) -> Result<()> {
        let mut file = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            let path = self.folder().join("rejects.parquet");
            *file = Some(Quarantine::create(&self.disk, &path, rejects.schema())?);
        }
        file.as_mut().map_or(Ok(()), |file| file.write(rejects))
    }

    /// Makes the run count: its parts, its accounts and its rejects, all of them durable, or none.
    ///
    /// Parts without rows are left out. Where there is nothing to remember (no rows, no rejects, and only sources that
    /// were known, had shrunk or were refused) nothing is committed, and the answer is None.
    pub fn commit(mut self, parts: Vec<FinishedPart>, accounts: &[Account]) -> Result<Option<Commit>> {
        let parts: Vec<_> = parts.into_iter().filter(|part| part.rows > 0).collect();
        check_sums(&parts, accounts)?;
        let rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner).take();
        let news = accounts.iter().any(ledger::brings_rows);
        if parts.is_empty() && rejects.is_none() && !news {
            return Ok(None);
        }
        let before = self.base.ledger()?;
        let remembered: Vec<_> = accounts.iter().filter(|account| is_news(account, &before)).collect();
        let files = self.place_parts(parts)?;
        if let Some(rejects) = rejects {
            self.place_rejects(rejects)?;
        }
        let ledger = ledger::to_ndjson(&remembered)?;
        self.place_ledger(&ledger)?;
        let info = self.info(&files, accounts, &ledger);
        let version = self.publish(&files, &info, accounts)?;
        self.state = State::Committed;
        Ok(Some(Commit { version }))
    }

    fn place_parts(&self, parts: Vec<FinishedPart>) -> Result<Vec<TableFile>> {
        let events = self.layout.events();
        let mut folders = BTreeSet::new();
        let mut files = Vec::with_capacity(parts.len());
        for part in parts {
            let folder = layout::date_folder(&part.date);
            let path = format!("{folder}/{}", part.name);
            let folder = events.join(folder);
            self.disk.folder(&folder)?;
            self.disk.rename(&part.path, &events.join(&path))?;
            folders.insert(folder);
            let FinishedPart { date, rows, bytes, ts_min, ts_max, .. } = part;
            files.push(TableFile { path, bytes, rows, date, ts_min, ts_max });
        }
        for folder in &folders {
            self.disk.sync_folder(folder)?;
        }
        // also where no date is new: a run that died may have made its folder and never synced it
        self.disk.sync_folder(&events)?;
        Ok(files)
    }

    fn place_rejects(&self, rejects: Quarantine) -> Result<()> {
        let staged = rejects.path().to_owned();
        rejects.close()?;
        self.disk.rename(&staged, &self.layout.quarantine(self.id))?;
        self.disk.sync_folder(&self.layout.quarantines())
    }

    fn place_ledger(&self, ledger: &[u8]) -> Result<()> {
        self.disk.replace(&self.folder(), &self.layout.ledger(self.id), &[ledger])
    }

    fn info(&self, files: &[TableFile], accounts: &[Account], ledger: &[u8]) -> RunInfo {
        let totals = ledger::totals(accounts.iter());
        RunInfo {
            run: Some(self.id),
            schema_version: SCHEMA_VERSION,
            // commitInfo, the parts, txn
            actions: files.len() + 2,
            ledger: blake3::hash(ledger).to_hex().to_string(),
            sources: accounts.len(),
            lines: totals.lines,
            rows: totals.rows,
            rejects: totals.rejected(),
            blanks: totals.blanks,
            duplicates: totals.duplicates,
            not_audit: totals.not_audit,
        }
    }

    /// Commits on top of whatever is newest, again when another writer was first.
    fn publish(&mut self, files: &[TableFile], info: &RunInfo, accounts: &[Account]) -> Result<u64> {
        self.state = State::Tried;
        for _ in 0..=COMMIT_RETRIES_MAX {
            let log = Log::read(&self.layout)?;
            if log.version != self.base.version() {
                refuse_ingested(&Ledger::read(&self.layout, &log.runs)?, accounts)?;
            }
            let table = Table::new(&self.layout, &self.disk);
            if let Some(version) = table.append(log.version, self.id, info, files)? {
                return Ok(version);
            }
        }
        let root = self.layout.root().display();
        Err(Error::Busy(format!(
            "{root}: other runs committed first, {COMMIT_RETRIES_MAX} times over: try again later"
        )))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // what cannot be removed now is removed by the next run
        let _ = match self.state {
            State::Open => undo(&self.layout, &self.disk, self.id, false),
            State::Committed => undo(&self.layout, &self.disk, self.id, true),
            State::Tried => {
                Log::read(&self.layout).and_then(|log| undo(&self.layout, &self.disk, self.id, log.has(self.id)))
            }
        };
    }
}

/// The law of accounts, for the whole run: the lake alone knows which rows were committed.
fn check_sums(parts: &[FinishedPart], accounts: &[Account]) -> Result<()> {
    if let Some(account) = accounts.iter().find(|account| !account.balances()) {
        return Err(Error::Internal(format!("the account of {:?} does not balance", account.source)));
    }
    let written: u64 = parts.iter().map(|part| part.rows).sum();
    let accounted = ledger::totals(accounts.iter()).rows;
    if written != accounted {
        return Err(Error::Internal(format!("{written} rows were written, but the accounts say {accounted}")));
    }
    Ok(())
}

/// Whether an account tells the ledger something new. A known source in a known state does not; that the archive is
/// listed every night must not let the ledger grow by its length every night.
fn is_news(account: &Account, before: &Ledger) -> bool {
    account.outcome != Outcome::Known
        || before.same_state(&account.source, account.file_bytes, account.modified_ns).is_none()
}

/// Two runs at once can only happen where the lock does not work (some network file systems).
fn refuse_ingested(ledger: &Ledger, accounts: &[Account]) -> Result<()> {
    let mut brought = accounts.iter().filter(|account| ledger::brings_rows(account));
    match brought.find(|account| ledger.knows(&account.content_hash, account.content_bytes)) {
        None => Ok(()),
        Some(account) => {
            Err(Error::Busy(format!("{:?}: another run ingested it meanwhile: run again, to skip it", account.source)))
        }
    }
}

/// Makes the newest commit durable, in case its run died before it could, and removes what dead runs left. Only the
/// holder of the lock may do this.
pub(super) fn recover(layout: &Layout, disk: &Disk) -> Result<()> {
    disk.sync_folder(&layout.log())?;
    let log = Log::read(layout)?;
    // empty ones may have been lost on the way, by git for one
    disk.folder(&layout.tmp())?;
    disk.folder(&layout.ledgers())?;
    disk.folder(&layout.quarantines())?;
    disk.sync_folder(&layout.events())?;
    disk.sync_folder(layout.root())?;
    for name in names(&layout.tmp())? {
        let Some(name) = name.to_str() else { continue };
        if let Some(run) = layout::run_of_folder(name) {
            undo(layout, disk, run, log.has(run))?;
        } else if name.starts_with(STAGED) {
            disk.remove(&layout.tmp().join(name))?;
        }
    }
    Ok(())
}

/// Removes what a run left that has ended: only its folder if it was `committed`, else all of it. The folder goes last,
/// and durably last, because it is what says that there is something to remove.
fn undo(layout: &Layout, disk: &Disk, run: Uuid, committed: bool) -> Result<()> {
    if !committed {
        disk.remove(&layout.ledger(run))?;
        disk.remove(&layout.quarantine(run))?;
        remove_parts(layout, disk, run)?;
        disk.sync_folder(&layout.ledgers())?;
        disk.sync_folder(&layout.quarantines())?;
    }
    disk.remove_folder(&layout.run(run))
}

fn remove_parts(layout: &Layout, disk: &Disk, run: Uuid) -> Result<()> {
    let prefix = layout::part_prefix(run);
    let events = layout.events();
    for date in names(&events)? {
        if date.to_str().and_then(|date| date.strip_prefix("date=")).is_none() {
            continue;
        }
        let folder = events.join(date);
        let parts = names(&folder)?;
        let mut placed =
            parts.iter().filter(|name| name.to_str().is_some_and(|name| name.starts_with(&prefix))).peekable();
        let touched = placed.peek().is_some();
        for part in placed {
            disk.remove(&folder.join(part))?;
        }
        if touched {
            disk.sync_folder(&folder)?;
        }
        if parts.is_empty() || touched {
            disk.remove_empty_folder(&folder)?;
        }
    }
    disk.sync_folder(&events)
}

/// The names in a folder, in order, so that the same operations come in the same order every time.
fn names(folder: &Path) -> Result<Vec<OsString>> {
    let at = |error| Error::storage(folder, error);
    let entries = std::fs::read_dir(folder).map_err(at)?;
    let mut names =
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<Vec<_>, _>>().map_err(at)?;
    names.sort_unstable();
    Ok(names)
}
