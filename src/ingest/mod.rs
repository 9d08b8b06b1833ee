//! The way in: sources to lake, in parallel and in bounded memory, every line accounted for, committed as one version.
//!
//! A run reads each source once. A source that turns out bad after some of its rows were written (a broken archive, too
//! many rejects) is refused, and the run is done again without it, since nothing of a refused source may be committed.

mod dedup;
mod plan;
mod pool;
mod tally;
mod worker;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::account::{Account, Outcome};
use crate::error::{Error, Result};
use crate::event::{Envelope, reject};
use crate::input::{Place, Source};
use crate::lake::{FinishedPart, Lake, Run};
use crate::limits;
use dedup::Dedup;
use plan::{Plan, Step};
use tally::Tally;

/// How to ingest.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster that the events are of, where a source does not name its own.
    pub cluster: Option<String>,
    /// What the events are wrapped in, where a source does not say so itself; `None`: told by content.
    pub envelope: Option<Envelope>,
    /// Worker threads.
    pub threads: usize,
    /// More rejects than this refuse a source.
    pub rejects_max: u64,
    /// A larger share of rejects than this refuses a source.
    pub reject_ratio_max: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cluster: None,
            envelope: None,
            threads: cores(),
            rejects_max: limits::REJECTS_MAX,
            reject_ratio_max: limits::REJECT_RATIO_MAX,
        }
    }
}

/// The cores that the machine lends to this process.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// What an onlooker sees of a run, and how it stops it.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes read of the files, as they lie on disk.
    pub file_bytes: AtomicU64,
    /// Lines parsed.
    pub lines: AtomicU64,
    /// A signal number, once one came.
    pub signal: AtomicI32,
}

impl Watch {
    pub(crate) fn check(&self) -> Result<()> {
        match self.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::Stopped(signal)),
        }
    }
}

/// What a run did.
#[derive(Debug)]
pub struct Ingested {
    /// The lake's version after the run; `None` if there was nothing to commit.
    pub version: Option<u64>,
    /// One account a source, in the order of the sources.
    pub accounts: Vec<Account>,
    /// Events kept though they may be duplicates, because their window of time was full.
    pub unchecked: u64,
}

/// Ingests `sources` into `lake`.
pub fn ingest(lake: &Lake, sources: &[Source], options: &Options, watch: &Watch) -> Result<Ingested> {
    let key = lake.redaction_key()?;
    let mut run = lake.begin()?;
    let mut usable = sources.to_vec();
    let mut refused = Vec::new();
    loop {
        let Plan { steps, mut settled } = plan::plan(&usable, &run.base().ledger()?);
        let spill = tempfile::tempdir_in(run.folder()).map_err(|error| Error::storage(run.folder(), error))?;
        let pass = Pass::new(key, &run, &steps, options, watch, spill.path());
        let parts = worker::work(&pass)?;
        let Pass { tallies, dedup, .. } = pass;
        let mut tallies: Vec<Tally> =
            tallies.into_iter().map(|tally| tally.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
        tallies.iter_mut().for_each(|tally| tally.judge(options, true));
        // what was made of its twin, or skipped of it, counted on this source being taken
        let spoils =
            |(step, tally): (&Step, &Tally)| tally.refused.is_some() && (tally.account.rows > 0 || step.has_twin);
        if steps.iter().zip(&tallies).any(spoils) {
            exclude_refused(steps, tallies, &mut usable, &mut refused)?;
            drop((spill, parts, run));
            run = lake.begin()?;
            continue;
        }
        let unchecked = dedup.into_inner().unwrap_or_else(PoisonError::into_inner).unchecked;
        settled.append(&mut refused);
        let version = commit(run, parts, &steps, tallies, &mut settled)?;
        let order: HashMap<&str, usize> = sources.iter().map(|source| source.name.as_str()).zip(0..).collect();
        settled.sort_by_key(|account| order.get(account.source.as_str()).copied());
        return Ok(Ingested { version, accounts: settled, unchecked });
    }
}

/// One reading of all steps.
pub(crate) struct Pass<'a> {
    key: [u8; 32],
    run: &'a Run,
    steps: &'a [Step],
    options: &'a Options,
    watch: &'a Watch,
    tallies: Vec<Mutex<Tally>>,
    dedup: Mutex<Dedup>,
}

impl<'a> Pass<'a> {
    fn new(
        key: [u8; 32],
        run: &'a Run,
        steps: &'a [Step],
        options: &'a Options,
        watch: &'a Watch,
        spill: &Path,
    ) -> Self {
        let tally = |step: &Step| Mutex::new(Tally { account: step.account.clone(), ..Tally::default() });
        watch.file_bytes.store(0, Ordering::Relaxed);
        watch.lines.store(0, Ordering::Relaxed);
        Self {
            key,
            run,
            steps,
            options,
            watch,
            tallies: steps.iter().map(tally).collect(),
            dedup: Mutex::new(Dedup::new(spill)),
        }
    }

    fn tally(&self, step: usize) -> std::sync::MutexGuard<'_, Tally> {
        self.tallies[step].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the refused sources out of `usable`. Standard input cannot be read a second time.
fn exclude_refused(
    steps: Vec<Step>,
    tallies: Vec<Tally>,
    usable: &mut Vec<Source>,
    refused: &mut Vec<Account>,
) -> Result<()> {
    if usable.iter().any(|source| matches!(source.place, Place::Stdin)) {
        let reason = tallies.iter().find_map(|tally| tally.refused.clone()).unwrap_or_default();
        return Err(Error::input("-", format!("{reason}; standard input cannot be read again without it")));
    }
    for (step, tally) in steps.into_iter().zip(tallies) {
        if let Some(reason) = tally.refused {
            usable.retain(|source| *source != step.source);
            refused.push(given_up(&step.source, &tally.account, &reason));
        }
    }
    Ok(())
}

fn commit(
    run: Run,
    parts: Vec<FinishedPart>,
    steps: &[Step],
    tallies: Vec<Tally>,
    settled: &mut Vec<Account>,
) -> Result<Option<u64>> {
    for (step, tally) in steps.iter().zip(tallies) {
        if !tally.rejects.is_empty() && tally.refused.is_none() {
            run.quarantine(&reject::to_batch(&step.source.name, &tally.rejects)?)?;
        }
        settled.push(close(step, tally));
    }
    Ok(run.commit(parts, settled)?.map(|commit| commit.version))
}

/// The account of a source of which nothing is taken. A member of an archive that held lines, but no event, is passed
/// over: nobody can name the archive without it.
fn given_up(source: &Source, account: &Account, reason: &str) -> Account {
    let held_none = account.rows + account.duplicates == 0 && account.rejected() > 0;
    let outcome =
        if held_none && matches!(source.place, Place::Member(_)) { Outcome::Skipped } else { Outcome::Refused };
    Account { outcome, ..plan::refused(account.clone(), reason) }
}

/// The final account of a source.
fn close(step: &Step, tally: Tally) -> Account {
    let mut account = tally.account;
    if let Some(reason) = tally.refused {
        return given_up(&step.source, &account, &reason);
    }
    if account.skipped_bytes > 0 {
        account.outcome = Outcome::Grown;
    } else if step.may_be_cut && account.rows == 0 && account.duplicates > 0 {
        account.outcome = Outcome::Shrunk;
        account.notes.push("shorter than when it was ingested: part of the evidence was cut off".to_owned());
    }
    account
}
