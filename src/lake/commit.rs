//! An ingest run: its parts, its rejects and its accounts, which begin to count together.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use uuid::Uuid;

use super::delta::TableFile;
use super::disk::Disk;
use super::draft::Draft;
use super::layout::{self, Layout, Which};
use super::ledger::{self, Ledger};
use super::lock::Lock;
use super::log::{Log, RunInfo};
use super::read::Snapshot;
use super::write::{FinishedPart, PartWriter, RowsFile};
use crate::account::{Account, Outcome};
use crate::error::{Error, Result};
use crate::limits::COMMIT_RETRIES_MAX;

/// An ingest run. Many threads may write parts of it; nothing of it counts before [`Self::commit`], and all of it is
/// removed if that never comes.
#[derive(Debug)]
pub struct Run {
    layout: Layout,
    disk: Disk,
    base: Snapshot,
    rejects: Mutex<Option<RowsFile>>,
    draft: Draft,
    /// Let go when all the rest is gone.
    _lock: Option<Lock>,
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
        Ok(Self {
            layout: layout.clone(),
            disk: disk.clone(),
            base: Snapshot::open(layout, disk)?,
            rejects: Mutex::new(None),
            draft: Draft::begin(layout, disk, Which::Events)?,
            _lock: lock,
        })
    }

    /// The run's id, which its files and its commit bear.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.draft.id()
    }

    /// The lake as it was when the run began.
    #[must_use]
    pub fn base(&self) -> &Snapshot {
        &self.base
    }

    /// A folder for the run's own scratch files; it vanishes with the run.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.draft.folder()
    }

    /// Begins a part for `date` (`YYYY-MM-DD`, a real day).
    pub fn part(&self, date: &str) -> Result<PartWriter> {
        if !layout::is_date(date) {
            return Err(Error::Internal(format!("{date:?} is no date")));
        }
        PartWriter::create(&self.disk, &self.folder(), date.to_owned(), self.draft.part_name())
    }

    /// Keeps rejected lines, which end in `_quarantine` with the commit. All batches of a run have one schema.
    pub fn quarantine(&self, rejects: &RecordBatch) -> Result<()> {
        let mut file = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            let path = self.folder().join("rejects.parquet");
            *file = Some(RowsFile::create(&self.disk, &path, rejects.schema())?);
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
        let files = self.draft.place(parts)?;
        if let Some(rejects) = rejects {
            self.place_rejects(rejects)?;
        }
        let ledger = ledger::to_ndjson(&remembered)?;
        self.place_ledger(&ledger)?;
        let info = self.info(accounts, &ledger);
        let version = self.publish(&files, &info, accounts)?;
        Ok(Some(Commit { version }))
    }

    fn place_rejects(&self, rejects: RowsFile) -> Result<()> {
        let staged = rejects.path().to_owned();
        rejects.close()?;
        self.disk.rename(&staged, &self.layout.quarantine(self.id()))?;
        self.disk.sync_folder(&self.layout.quarantines())
    }

    fn place_ledger(&self, ledger: &[u8]) -> Result<()> {
        self.disk.replace(&self.folder(), &self.layout.ledger(self.id()), &[ledger])
    }

    fn info(&self, accounts: &[Account], ledger: &[u8]) -> RunInfo {
        let totals = ledger::totals(accounts.iter());
        RunInfo {
            run: Some(self.id()),
            schema_version: Which::Events.schema_version(),
            ledger: blake3::hash(ledger).to_hex().to_string(),
            sources: accounts.len(),
            lines: totals.lines,
            rows: totals.rows,
            rejects: totals.rejected(),
            blanks: totals.blanks,
            duplicates: totals.duplicates,
            not_audit: totals.not_audit,
            ..RunInfo::default()
        }
    }

    /// Commits on top of whatever is newest, again when another writer was first.
    fn publish(&mut self, files: &[TableFile], info: &RunInfo, accounts: &[Account]) -> Result<u64> {
        for _ in 0..=COMMIT_RETRIES_MAX {
            let log = Log::read(&self.layout, &self.disk, Which::Events)?;
            if log.version != self.base.version() {
                refuse_ingested(&Ledger::read(&self.layout, &self.disk, &log.runs)?, accounts)?;
            }
            if let Some(version) = self.draft.append(log.version, info, files)? {
                return Ok(version);
            }
        }
        Err(busy(&self.layout))
    }
}

/// Others commit faster than this run.
pub(super) fn busy(layout: &Layout) -> Error {
    let root = layout.root().display();
    Error::Busy(format!("{root}: other runs committed first, {COMMIT_RETRIES_MAX} times over: try again later"))
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
