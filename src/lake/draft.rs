//! The parts of a run on their way into a table, and the one moment in which they begin to count.
//!
//! Order is everything here. Whatever a run writes is durable and in place before the log names it, and the log entry
//! is durable before the run says so. Whatever stops the run before that leaves files that no reader sees and that the
//! next run removes: they bear the run's id, and the folder `_tmp/run-<id>` says that it never ended.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use uuid::Uuid;

use super::delta::{Table, TableFile};
use super::disk::{Disk, STAGED};
use super::layout::{self, Layout, Which};
use super::log::{Log, RunInfo};
use super::write::FinishedPart;
use crate::error::Result;

/// What a run has written to one table. All of it is removed if its commit never comes.
#[derive(Debug)]
pub(super) struct Draft {
    id: Uuid,
    layout: Layout,
    disk: Disk,
    which: Which,
    parts: AtomicU32,
    state: State,
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

impl Draft {
    /// Begins a run that writes to a table.
    pub(super) fn begin(layout: &Layout, disk: &Disk, which: Which) -> Result<Self> {
        let draft = Self {
            id: Uuid::now_v7(),
            layout: layout.clone(),
            disk: disk.clone(),
            which,
            parts: AtomicU32::new(0),
            state: State::Open,
        };
        disk.open_run(&layout.run(draft.id))?;
        Ok(draft)
    }

    /// The run's id, which its files and its commit bear.
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    /// The folder on this machine that vanishes with the run.
    pub(super) fn folder(&self) -> PathBuf {
        self.disk.local(self.layout.run(self.id))
    }

    /// A name for the next part.
    pub(super) fn part_name(&self) -> String {
        layout::part_name(self.id, self.parts.fetch_add(1, Ordering::Relaxed))
    }

    /// Moves parts to where the log will name them.
    pub(super) fn place(&self, parts: Vec<FinishedPart>) -> Result<Vec<TableFile>> {
        self.disk.touch_run(&self.layout.run(self.id))?;
        let table = self.layout.table(self.which);
        let mut folders = BTreeSet::new();
        let mut files = Vec::with_capacity(parts.len());
        for part in parts {
            let folder = layout::date_folder(&part.date);
            let path = format!("{folder}/{}", part.name);
            let folder = table.join(folder);
            self.disk.folder(&folder)?;
            self.disk.rename(&part.path, &table.join(&path))?;
            folders.insert(folder);
            let FinishedPart { date, rows, bytes, ts_min, ts_max, .. } = part;
            files.push(TableFile { path, bytes, rows, date, ts_min, ts_max });
        }
        for folder in &folders {
            self.disk.sync_folder(folder)?;
        }
        // also where no date is new: a run that died may have made its folder and never synced it
        self.disk.sync_folder(&table)?;
        Ok(files)
    }

    /// Commits parts on top of `version`, all that was written with them being in place. None if another writer was
    /// first.
    pub(super) fn append(&mut self, version: u64, info: &RunInfo, files: &[TableFile]) -> Result<Option<u64>> {
        self.state = State::Tried;
        let table = Table::new(&self.layout, &self.disk, self.which);
        let made = match table.append(version, self.id, info, files)? {
            // a store that was asked twice, because its first answer was lost, says that the entry is there
            None => Log::read(&self.layout, &self.disk, self.which)?.version_of(self.id),
            made => made,
        };
        self.state = if made.is_some() { State::Committed } else { State::Open };
        Ok(made)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let undo = |committed| undo(&self.layout, &self.disk, self.id, committed);
        // what cannot be removed now is removed by the next run
        let _ = match self.state {
            State::Open => undo(false),
            State::Committed => undo(true),
            // a request that was given up may still be carried out: a later run looks what became of it
            State::Tried if self.disk.is_remote() => Ok(()),
            State::Tried => {
                Log::read(&self.layout, &self.disk, self.which).and_then(|log| undo(log.version_of(self.id).is_some()))
            }
        };
    }
}

/// Makes the newest commits durable, in case their runs died before they could, and removes what dead runs left. Only
/// the holder of the lock may do this.
pub(super) fn recover(layout: &Layout, disk: &Disk) -> Result<()> {
    let mut logs = Vec::new();
    for which in Which::ALL {
        if which == Which::Events || disk.has(&layout.log(which))? {
            disk.sync_folder(&layout.log(which))?;
        }
        logs.extend(Log::read_if_made(layout, disk, which)?);
    }
    // empty ones may have been lost on the way, by git for one
    disk.folder(&layout.tmp())?;
    disk.folder(&layout.ledgers())?;
    disk.folder(&layout.quarantines())?;
    disk.sync_folder(&layout.table(Which::Events))?;
    disk.sync_folder(layout.root())?;
    for name in disk.names(&layout.tmp())? {
        if let Some(run) = layout::run_of_folder(&name) {
            if !disk.is_dead(&layout.run(run))? {
                continue;
            }
            undo(layout, disk, run, logs.iter().any(|log| log.version_of(run).is_some()))?;
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
        for which in Which::ALL {
            remove_parts(layout, disk, which, run)?;
        }
        disk.sync_folder(&layout.ledgers())?;
        disk.sync_folder(&layout.quarantines())?;
    }
    disk.remove_folder(&layout.run(run))
}

fn remove_parts(layout: &Layout, disk: &Disk, which: Which, run: Uuid) -> Result<()> {
    let prefix = layout::part_prefix(run);
    let table = layout.table(which);
    let dates = disk.folders(&table, &layout::date_folder(""))?;
    if which != Which::Events && dates.is_empty() {
        return Ok(());
    }
    for (date, parts) in dates {
        let folder = table.join(date);
        let placed: Vec<_> = parts.iter().filter(|name| name.starts_with(&prefix)).collect();
        for part in &placed {
            disk.remove(&folder.join(part))?;
        }
        if !placed.is_empty() {
            disk.sync_folder(&folder)?;
        }
        if parts.len() == placed.len() {
            disk.remove_empty_folder(&folder)?;
        }
    }
    disk.sync_folder(&table)
}
