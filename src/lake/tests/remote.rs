//! A lake on an object store, here one in memory: the same promises without folders, syncs and a lock.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use super::fault::{Faults, Stop};
use super::findings::{dates, finding, keep};
use super::{DAY_1, DAY_2, EVENTS, hashes, ingest, ingest_on};
use crate::error::Result;
use crate::lake::disk::Disk;
use crate::lake::remote::Remote;
use crate::lake::{Commit, Kept, Lake, Run};
use crate::store::{Location, Stores};

fn home(store: &Arc<InMemory>) -> Location {
    let stores = Stores::default();
    stores.bring("logs", store.clone());
    stores.location("memory://logs/lakes/prod").unwrap()
}

fn lake() -> (Arc<InMemory>, Lake) {
    let store = Arc::new(InMemory::new());
    let lake = Lake::create_or_open(home(&store)).unwrap();
    (store, lake)
}

/// The lake of a store for which every run but its own has died.
fn impatient(store: &Arc<InMemory>) -> Lake {
    let remote = Remote::new(home(store)).unwrap().impatient();
    Lake { disk: Disk::remote(remote), ..Lake::open(home(store)).unwrap() }
}

/// The keys of all objects, in order.
fn keys(store: &Arc<InMemory>) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let entries: Vec<_> = runtime.block_on(store.list(None).try_collect()).unwrap();
    let mut keys: Vec<_> = entries.into_iter().map(|entry| entry.location.to_string()).collect();
    keys.sort_unstable();
    keys
}

fn count(store: &Arc<InMemory>, piece: &str) -> usize {
    keys(store).iter().filter(|key| key.contains(piece)).count()
}

fn remove(store: &Arc<InMemory>, key: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.delete(&key.into())).unwrap();
}

#[test]
fn what_was_written_is_read_back_from_a_store() {
    let (store, lake) = lake();
    assert_eq!(lake.root(), Path::new("memory://logs/lakes/prod"));
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap().unwrap();
    keep(&lake, &[finding("a", DAY_1)], &[("2026-03-01", "k1")]).unwrap();
    let again = Lake::open(home(&store)).unwrap();
    let snapshot = again.snapshot().unwrap();
    assert_eq!(hashes(&snapshot), [100, 101, 102, 103]);
    assert!(snapshot.ledger().unwrap().same_state("a.log", 10, 20).is_some());
    let part = &snapshot.parts()[0];
    assert_eq!(part.path, lake.root().join("events").join(&part.key));
    let stored = snapshot.stored().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let head = runtime.block_on(stored.store.head(&part.key.as_str().into())).unwrap();
    assert_eq!(head.size, part.bytes);
    assert_eq!(again.examined().unwrap(), dates(&[("2026-03-01", "k1")]));
    assert_eq!(again.findings().unwrap().unwrap().parts.len(), 1);
    assert_eq!(again.redaction_key().unwrap(), lake.redaction_key().unwrap());
    assert_eq!(again.status().unwrap().rows, 4);
    assert_eq!(count(&store, "_tmp"), 0, "{:?}", keys(&store));
    assert_eq!(count(&store, "_quarantine/"), 1);
}

#[test]
fn a_night_that_is_known_writes_nothing_to_a_store() {
    let (store, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    let before = keys(&store);
    drop(lake.begin().unwrap());
    let known = crate::account::Account { outcome: crate::account::Outcome::Known, ..super::account("a.log", 0) };
    assert_eq!(lake.begin().unwrap().commit(Vec::new(), &[known]).unwrap(), None);
    assert_eq!(keys(&store), before);
}

#[test]
fn what_is_no_lake_is_refused_and_left_alone() {
    let (store, _lake) = lake();
    let stores = home(&store).stores().clone();
    let at = |url: &str| stores.location(url).unwrap();
    for error in [
        Lake::open(at("memory://logs/lakes/other")).unwrap_err(),
        Lake::create_or_open(at("memory://logs")).unwrap_err(),
        Lake::create_or_open(at("memory://logs/lakes")).unwrap_err(),
        Lake::open(at("https://example.com/lake")).unwrap_err(),
    ] {
        assert_eq!(error.exit_code(), 2, "{error}");
    }
    Lake::create_or_open(at("memory://logs/lakes/production")).unwrap();
    assert_eq!(count(&store, "lakes/prod/"), count(&store, "lakes/production/"));
}

#[test]
fn two_who_write_to_a_store_at_once_both_commit_and_no_source_twice() {
    let (store, lake) = lake();
    let runs: Vec<Run> = (0..4).map(|_| lake.begin().unwrap()).collect();
    let same = [lake.begin().unwrap(), lake.begin().unwrap()];
    std::thread::scope(|scope| {
        for (run, at) in runs.into_iter().zip(0_u8..) {
            scope.spawn(move || ingest(run, &format!("{at}.log"), 1000 * u128::from(at)).unwrap().unwrap());
        }
    });
    let outcomes = same.map(|run| ingest(run, "same.log", 9_000).map_err(|error| error.exit_code()));
    assert!(matches!(outcomes, [Ok(Some(Commit { version: 5 })), Err(7)]), "{outcomes:?}");
    let snapshot = lake.snapshot().unwrap();
    assert_eq!((snapshot.version(), hashes(&snapshot).len()), (5, 20));
    assert_eq!(count(&store, "part-"), 10, "{:?}", keys(&store));
    assert_eq!(count(&store, "_tmp"), 0, "{:?}", keys(&store));
}

#[test]
fn a_run_that_goes_on_is_not_taken_for_dead() {
    let (store, lake) = lake();
    let slow = lake.begin().unwrap();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    assert_eq!(count(&store, "_tmp/run-"), 1);
    ingest(slow, "b.log", 200).unwrap().unwrap();
    // one that was taken for dead before it placed its parts commits all the same
    let slow = lake.begin().unwrap();
    drop(impatient(&store).begin().unwrap());
    assert_eq!(count(&store, "_tmp/run-"), 0);
    ingest(slow, "c.log", 300).unwrap().unwrap();
    assert_eq!(hashes(&lake.snapshot().unwrap()).len(), 12);
}

#[test]
fn an_object_that_is_gone_or_torn_is_named() {
    let (store, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let entry = "lakes/prod/events/_delta_log/00000000000000000002.json";
    runtime.block_on(store.put(&entry.into(), "{\"commitInfo\"".into())).unwrap();
    let error = lake.snapshot().unwrap_err();
    assert_eq!(error.exit_code(), 6, "{error}");
    assert!(error.to_string().contains(&format!("memory://logs/{entry}")), "{error}");
    let repair = lake.repair().unwrap().remove(0);
    assert_eq!((repair.dropped, repair.last_good), (2, 1));
    assert_eq!((count(&store, "_tmp/torn/"), count(&store, "_delta_log/")), (1, 2));

    let snapshot = lake.snapshot().unwrap();
    let part = snapshot.parts()[0].clone();
    remove(&store, &format!("lakes/prod/events/{}", part.key));
    for error in [lake.snapshot().unwrap_err(), snapshot.event_hashes(&[part], 0, i64::MAX, |_, _| Ok(())).unwrap_err()]
    {
        assert_eq!(error.exit_code(), 6, "{error}");
        assert!(error.to_string().contains("missing"), "{error}");
    }
    assert!(lake.disk.has(&lake.layout.log_entry(EVENTS, 1)).unwrap());
}

/// Does `work` on a copy of a lake that stops at operation 1, 2, 3 and so on, until it is not stopped any more.
fn at_every_operation(stop: Stop, work: impl Fn(&Lake) -> Result<()>, check: impl Fn(&Arc<InMemory>, bool, &str)) {
    let (prepared, lake) = lake();
    ingest(lake.begin().unwrap(), "old.log", 100).unwrap().unwrap();
    keep(&lake, &[finding("old", DAY_1)], &[("2026-03-01", "k1")]).unwrap();
    for at in 1.. {
        let store = Arc::new(prepared.fork());
        let lake = Lake::open(home(&store)).unwrap();
        let faults = Faults::at(at, stop);
        let lake = Lake { disk: lake.disk.with_watch(faults.clone()), ..lake };
        let acknowledged = work(&lake).is_ok();
        check(&store, acknowledged, &format!("{stop:?} at operation {at}"));
        if faults.steps() < at {
            assert!(acknowledged && at > 6, "the work has more than {at} operations");
            return;
        }
    }
}

fn ingest_new(lake: &Lake) -> Result<Option<Commit>> {
    ingest_on(lake.begin()?, "new.log", 200, [("2026-03-01", DAY_1), ("2026-03-03", DAY_2)])
}

#[test]
fn a_run_on_a_store_that_is_stopped_anywhere_is_absent_or_complete() {
    for stop in [Stop::Error, Stop::Crash] {
        at_every_operation(
            stop,
            |lake| ingest_new(lake).map(|_| ()),
            |store, acknowledged, case| {
                let lake = impatient(store);
                let snapshot = lake.snapshot().unwrap_or_else(|error| panic!("{case}: {error}"));
                let is_there = snapshot.ledger().unwrap().accounts().any(|account| account.source == "new.log");
                assert_eq!(hashes(&snapshot).len(), if is_there { 8 } else { 4 }, "{case}");
                assert!(is_there || !acknowledged, "{case}: acknowledged, and lost");
                if is_there {
                    drop(lake.begin().unwrap());
                } else {
                    let Some(Commit { version: 2 }) = ingest_new(&lake).unwrap() else { panic!("{case}") };
                }
                assert_eq!(hashes(&lake.snapshot().unwrap()).len(), 8, "{case}");
                let kept = ["events/date=", "_ledger/", "_quarantine/", "events/_delta_log/", "_tmp"]
                    .map(|piece| count(store, piece));
                assert_eq!(kept, [4, 2, 2, 3, 0], "{case}: {:#?}", keys(store));
            },
        );
    }
}

fn keep_new(lake: &Lake) -> Result<Kept> {
    keep(lake, &[finding("old", DAY_1), finding("new", DAY_2)], &[("2026-03-02", "k1")])
}

#[test]
fn findings_on_a_store_are_kept_with_their_dates_or_not_at_all() {
    for stop in [Stop::Error, Stop::Crash] {
        at_every_operation(
            stop,
            |lake| keep_new(lake).map(|_| ()),
            |store, acknowledged, case| {
                let lake = impatient(store);
                let rows: u64 = lake.findings().unwrap().unwrap().parts.iter().map(|part| part.rows).sum();
                let is_there = lake.examined().unwrap().len() == 2;
                assert_eq!(rows, if is_there { 2 } else { 1 }, "{case}");
                assert!(is_there || !acknowledged, "{case}: acknowledged, and lost");
                let kept = keep_new(&lake).unwrap();
                assert_eq!((kept.version, kept.known), if is_there { (None, 2) } else { (Some(2), 1) }, "{case}");
                let kept = ["findings/date=", "findings/_delta_log/", "_tmp"].map(|piece| count(store, piece));
                assert_eq!(kept, [2, 3, 0], "{case}: {:#?}", keys(store));
            },
        );
    }
}

#[test]
fn baselines_lie_on_the_store_and_what_is_spilled_does_not() {
    let (store, lake) = lake();
    assert!(lake.baselines().unwrap().is_empty());
    lake.keep_baseline("2026-03-01-k.parquet", b"rows").unwrap();
    lake.keep_baseline("2026-03-01-k.parquet", b"other rows").unwrap();
    assert_eq!(lake.baselines().unwrap(), [("2026-03-01-k.parquet".to_owned(), 4)].into());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kept = lake.baseline_store().unwrap();
    assert_eq!(runtime.block_on(kept.head(&"2026-03-01-k.parquet".into())).unwrap().size, 4);
    lake.forget_baseline().unwrap();
    assert_eq!(count(&store, "_baseline"), 0);
    let spill = lake.spill_folder();
    assert!(spill.is_absolute() && !spill.starts_with(lake.root()), "{}", spill.display());
}
