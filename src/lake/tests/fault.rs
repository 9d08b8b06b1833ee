//! A run stopped at every operation on the disk: by an error, by a crash, and by a loss of power.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::findings::{dates, finding, ids, keep};
use super::{DAY_1, DAY_2, EVENTS, hashes, ingest, ingest_on, tree};
use crate::error::Result;
use crate::lake::disk::{Disk, Step, Watch, folder_of};
use crate::lake::{Commit, Kept, Lake, Run};

/// How a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// One operation fails, as on a full disk; the program goes on and may tidy up.
    Error,
    /// The program is killed: nothing happens any more.
    Crash,
    /// The power fails: nothing happens any more, and what was not synced is gone.
    PowerLoss,
}

/// Stops the program at the `at`th operation.
#[derive(Debug)]
pub(super) struct Faults {
    at: usize,
    stop: Stop,
    seen: Mutex<Seen>,
}

/// What was done, and what of it would not survive a loss of power.
#[derive(Debug, Default)]
struct Seen {
    steps: usize,
    unsynced: BTreeSet<PathBuf>,
    names: Vec<Name>,
}

/// A change of the names in a folder that is not yet durable.
#[derive(Debug)]
enum Name {
    Made(PathBuf),
    Moved { from: PathBuf, to: PathBuf },
}

impl Name {
    fn folder(&self) -> &Path {
        match self {
            Self::Made(path) | Self::Moved { to: path, .. } => folder_of(path),
        }
    }
}

impl Watch for Faults {
    fn before(&self, step: Step<'_>) -> io::Result<()> {
        let mut seen = self.seen.lock().unwrap();
        seen.steps += 1;
        let stopped = if self.stop == Stop::Error { seen.steps == self.at } else { seen.steps >= self.at };
        if !stopped {
            return Ok(());
        }
        if let (true, Step::Write(path)) = (seen.steps == self.at, step) {
            std::fs::write(path, "half")?;
        }
        Err(io::Error::other(format!("stopped at operation {}", self.at)))
    }

    fn after(&self, step: Step<'_>) {
        let mut seen = self.seen.lock().unwrap();
        match step {
            Step::Folder(path) | Step::Create(path) | Step::Link(path) => seen.names.push(Name::Made(path.to_owned())),
            Step::Rename(from, to) => {
                if seen.unsynced.remove(from) {
                    seen.unsynced.insert(to.to_owned());
                }
                seen.names.push(Name::Moved { from: from.to_owned(), to: to.to_owned() });
            }
            Step::Write(path) => drop(seen.unsynced.insert(path.to_owned())),
            Step::Sync(path) => drop(seen.unsynced.remove(path)),
            Step::SyncFolder(folder) => seen.names.retain(|name| name.folder() != folder),
            Step::Remove | Step::Put => {}
        }
    }
}

impl Faults {
    pub(super) fn at(at: usize, stop: Stop) -> Arc<Self> {
        Arc::new(Self { at, stop, seen: Mutex::default() })
    }

    pub(super) fn steps(&self) -> usize {
        self.seen.lock().unwrap().steps
    }

    /// Takes away what was never synced.
    fn lose_power(&self) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        for path in seen.unsynced.iter().filter(|path| path.exists()) {
            std::fs::write(path, "").unwrap();
        }
        for name in seen.names.iter().rev() {
            match name {
                Name::Made(path) if path.is_dir() => std::fs::remove_dir_all(path).unwrap(),
                Name::Made(path) if path.exists() => std::fs::remove_file(path).unwrap(),
                Name::Moved { from, to } if to.exists() && folder_of(from).exists() => {
                    std::fs::rename(to, from).unwrap();
                }
                Name::Made(_) | Name::Moved { .. } => {}
            }
        }
    }
}

/// Does `work` on a disk that stops at operation 1, 2, 3 and so on, each time on a fresh copy of what `prepare` made,
/// until it is not stopped any more. `check` gets the folder and whether the work was acknowledged.
fn at_every_operation(
    stop: Stop,
    prepare: impl Fn(&Path),
    work: impl Fn(&Path, Disk) -> Result<()>,
    check: impl Fn(&Path, bool, &str),
) {
    let prepared = TempDir::new().unwrap();
    prepare(&prepared.path().join("lake"));
    for at in 1.. {
        let folder = TempDir::new().unwrap();
        let root = folder.path().join("lake");
        copy(prepared.path(), folder.path());
        let faults = Faults::at(at, stop);
        let acknowledged = work(&root, Disk::watched(faults.clone())).is_ok();
        let done = faults.steps() < at;
        if stop == Stop::PowerLoss {
            faults.lose_power();
        }
        check(&root, acknowledged, &format!("{stop:?} at operation {at}"));
        if done {
            assert!(acknowledged && at > 20, "the work has more than {at} operations");
            return;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for path in tree(from).into_iter().skip(1) {
        if from.join(&path).is_dir() {
            std::fs::create_dir(to.join(path)).unwrap();
        } else {
            std::fs::copy(from.join(&path), to.join(path)).unwrap();
        }
    }
}

fn with_one_run(root: &Path) {
    let lake = Lake::create_or_open(root).unwrap();
    ingest(lake.begin().unwrap(), "old.log", 100).unwrap().unwrap();
}

fn second_run(root: &Path, disk: Disk) -> Result<()> {
    let lake = Lake { disk, ..Lake::open(root)? };
    ingest_new(lake.begin()?).map(|_| ())
}

/// Adds to a date that the lake has, and to one that it has not.
fn ingest_new(run: Run) -> Result<Option<Commit>> {
    ingest_on(run, "new.log", 200, [("2026-03-01", DAY_1), ("2026-03-03", DAY_2)])
}

const OLD: [u128; 4] = [100, 101, 102, 103];
const BOTH: [u128; 8] = [100, 101, 102, 103, 200, 201, 202, 203];

/// The version before or the one after; then a clean run completes it, and no trace is left of the dead one.
fn check_second_run(root: &Path, acknowledged: bool, case: &str) {
    let lake = Lake::open(root).unwrap_or_else(|error| panic!("{case}: {error}"));
    let snapshot = lake.snapshot().unwrap_or_else(|error| panic!("{case}: {error}"));
    let known = snapshot.ledger().unwrap().accounts().any(|account| account.source == "new.log");
    assert_eq!(hashes(&snapshot), if known { BOTH.to_vec() } else { OLD.to_vec() }, "{case}");
    assert_eq!(snapshot.version(), if known { 2 } else { 1 }, "{case}");
    assert!(known || !acknowledged, "{case}: acknowledged, and lost");
    let run = lake.begin().unwrap_or_else(|error| panic!("{case}: {error}"));
    if known {
        drop(run);
    } else {
        let Some(Commit { version: 2 }) = ingest_new(run).unwrap() else { panic!("{case}") };
    }
    assert_eq!(hashes(&lake.snapshot().unwrap()), BOTH, "{case}");
    let left: Vec<_> = tree(root).into_iter().map(|path| path.to_string_lossy().into_owned()).collect();
    for path in left.iter().filter(|path| path.ends_with(".parquet") || path.ends_with(".ndjson")) {
        assert!(root.join(path).metadata().unwrap().len() > 0, "{case}: {path} is empty");
    }
    let count = |piece: &str| left.iter().filter(|path| path.contains(piece)).count();
    assert_eq!(count("_tmp/"), 0, "{case}: {left:#?}");
    let kept = (count("part-"), count(".ndjson"), count("_quarantine/"), count("_delta_log/"));
    assert_eq!(kept, (4, 2, 2, 3), "{case}: {left:#?}");
}

#[test]
fn an_error_at_any_operation_leaves_the_run_absent_or_complete() {
    at_every_operation(Stop::Error, with_one_run, second_run, |root, acknowledged, case| {
        let left = tree(root).iter().filter(|path| path.to_string_lossy().contains("run-")).count();
        assert!(left == 0 || acknowledged, "{case}: a failed run tidies up after itself");
        check_second_run(root, acknowledged, case);
    });
}

#[test]
fn a_crash_at_any_operation_leaves_the_run_absent_or_complete() {
    at_every_operation(Stop::Crash, with_one_run, second_run, check_second_run);
}

#[test]
fn a_loss_of_power_at_any_operation_leaves_the_run_absent_or_complete() {
    at_every_operation(Stop::PowerLoss, with_one_run, second_run, check_second_run);
}

fn with_kept_findings(root: &Path) {
    with_one_run(root);
    let lake = Lake::open(root).unwrap();
    keep(&lake, &[finding("old", DAY_1)], &[("2026-03-01", "k1")]).unwrap();
}

fn second_keep(root: &Path, disk: Disk) -> Result<()> {
    keep_new(&Lake { disk, ..Lake::open(root)? }).map(|_| ())
}

/// Adds to a date that the table has, and to one that it has not.
fn keep_new(lake: &Lake) -> Result<Kept> {
    let findings = [finding("old", DAY_1), finding("late", DAY_1 + 1), finding("new", DAY_2)];
    keep(lake, &findings, &[("2026-03-01", "k2"), ("2026-03-02", "k1")])
}

/// The findings and the dates before, or those after; then a clean run completes them, and no trace is left.
fn check_second_keep(root: &Path, acknowledged: bool, had: bool, case: &str) {
    let lake = Lake::open(root).unwrap_or_else(|error| panic!("{case}: {error}"));
    let (found, examined) = (ids(&lake), lake.examined().unwrap_or_else(|error| panic!("{case}: {error}")));
    let after = examined == dates(&[("2026-03-01", "k2"), ("2026-03-02", "k1")]);
    if after {
        assert_eq!(found, ["late", "new", "old"], "{case}");
    } else {
        assert!(!acknowledged, "{case}: acknowledged, and lost");
        assert_eq!(found, if had { vec!["old"] } else { Vec::new() }, "{case}");
        assert_eq!(examined, if had { dates(&[("2026-03-01", "k1")]) } else { dates(&[]) }, "{case}");
    }
    let kept = keep_new(&lake).unwrap_or_else(|error| panic!("{case}: {error}"));
    let told = if had && !after { vec!["late".to_owned()] } else { Vec::new() };
    assert_eq!((kept.version.is_none(), kept.late), (after, told), "{case}");
    assert_eq!(ids(&lake), ["late", "new", "old"], "{case}");
    assert_eq!(hashes(&lake.snapshot().unwrap()), OLD, "{case}");
    let left: Vec<_> = tree(root).into_iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let count = |piece: &str| left.iter().filter(|path| path.contains(piece)).count();
    assert_eq!(count("_tmp/"), 0, "{case}: {left:#?}");
    let kept = (count("findings/date=2026-03-01/"), count("findings/date=2026-03-02/"), count("findings/_delta_log/"));
    assert_eq!(kept, if had { (2, 1, 3) } else { (1, 1, 2) }, "{case}: {left:#?}");
}

#[test]
fn findings_are_kept_with_their_dates_or_not_at_all_wherever_a_run_is_stopped() {
    for stop in [Stop::Error, Stop::Crash, Stop::PowerLoss] {
        at_every_operation(stop, with_kept_findings, second_keep, |root, acknowledged, case| {
            check_second_keep(root, acknowledged, true, case);
        });
    }
}

#[test]
fn the_first_findings_are_kept_or_not_at_all_wherever_the_power_is_lost() {
    at_every_operation(Stop::PowerLoss, with_one_run, second_keep, |root, acknowledged, case| {
        check_second_keep(root, acknowledged, false, case);
    });
}

#[test]
fn a_creation_that_was_interrupted_is_taken_up() {
    for stop in [Stop::Error, Stop::Crash, Stop::PowerLoss] {
        let create = |root: &Path, disk: Disk| Lake::create_with(root, disk).map(|_| ());
        at_every_operation(
            stop,
            |_| (),
            create,
            |root, acknowledged, case| {
                if acknowledged {
                    Lake::open(root).unwrap_or_else(|error| panic!("{case}: {error}"));
                }
                let lake = Lake::create_or_open(root).unwrap_or_else(|error| panic!("{case}: {error}"));
                lake.redaction_key().unwrap();
                ingest(lake.begin().unwrap(), "a.log", 100).unwrap().unwrap();
                assert_eq!(hashes(&lake.snapshot().unwrap()), OLD, "{case}");
                assert_eq!(tree(&root.join("events/_tmp")).len(), 1, "{case}");
            },
        );
    }
}

/// A run that dies between making its commit visible and making it durable; the next one, which finds the source known
/// and acknowledges that, must make it durable first.
#[test]
fn what_a_run_calls_known_survives_a_loss_of_power() {
    at_every_operation(Stop::Crash, with_one_run, second_run, |root, _, case| {
        let faults = Faults::at(usize::MAX, Stop::PowerLoss);
        let lake = Lake { disk: Disk::watched(faults.clone()), ..Lake::open(root).unwrap() };
        // the dead run's link, as the file system would still hold it back
        let entry = lake.layout.log_entry(EVENTS, 2);
        if entry.exists() {
            faults.seen.lock().unwrap().names.push(Name::Made(entry.clone()));
            let run = lake.begin().unwrap();
            assert!(run.base().ledger().unwrap().accounts().any(|account| account.source == "new.log"), "{case}");
            faults.lose_power();
            assert!(entry.exists(), "{case}");
        }
    });
}
