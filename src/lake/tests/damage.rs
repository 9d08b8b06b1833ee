//! Damage that others do to a lake: it is found, named, and where possible repaired.

use std::path::Path;

use super::findings::{dates, finding, ids, keep};
use super::{DAY_1, EVENTS, hashes, ingest, lake, tree};
use crate::error::Error;
use crate::lake::Lake;
use crate::lake::delta::Table;
use crate::lake::layout::Which;
use crate::lake::log::RunInfo;
use crate::schema::SCHEMA_VERSION;
use uuid::Uuid;

const FINDINGS: Which = Which::Findings;

/// A lake with two runs.
fn two_runs() -> (tempfile::TempDir, Lake) {
    let (folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    (folder, lake)
}

fn integrity(error: &Error, path: &Path, words: &[&str]) {
    assert_eq!(error.exit_code(), 6, "{error}");
    let text = error.to_string();
    for word in [path.to_str().unwrap()].iter().chain(words) {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

#[test]
fn every_form_of_a_torn_newest_entry_is_found_and_repaired() {
    let (_folder, lake) = two_runs();
    let entry = lake.layout.log_entry(EVENTS, 2);
    let whole = std::fs::read(&entry).unwrap();
    let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut zeros_behind = whole.clone();
    zeros_behind[first_line..].fill(0);
    let forms: [&[u8]; 8] = [
        b"",
        &whole[..whole.len() / 2],
        &vec![0; whole.len()],
        &zeros_behind,
        &whole[..whole.len() - 1],
        &whole[..first_line],
        b"garbage\n",
        b"[1]\n",
    ];
    for form in forms {
        std::fs::write(&entry, form).unwrap();
        let words = ["last good version is 1", "kubesift lake repair"];
        integrity(&lake.snapshot().unwrap_err(), &entry, &words);
        integrity(&lake.begin().unwrap_err(), &entry, &words);
        let repair = lake.repair().unwrap().remove(0);
        assert_eq!((repair.dropped, repair.last_good), (2, 1));
        assert_eq!(std::fs::read(repair.kept).unwrap(), form);
        assert_eq!(hashes(&lake.snapshot().unwrap()), [100, 101, 102, 103]);
        assert!(!lake.snapshot().unwrap().ledger().unwrap().accounts().any(|account| account.source == "b.log"));
    }
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    assert_eq!(hashes(&lake.snapshot().unwrap()).len(), 8);
}

#[test]
fn repair_never_drops_a_good_entry() {
    let (_folder, lake) = two_runs();
    let before = tree(lake.root());
    assert_eq!(lake.repair().unwrap(), []);
    assert_eq!(tree(lake.root()), before);
}

#[test]
fn a_torn_entry_before_the_newest_is_not_repaired() {
    let (_folder, lake) = two_runs();
    let entry = lake.layout.log_entry(EVENTS, 1);
    std::fs::write(&entry, "").unwrap();
    integrity(&lake.snapshot().unwrap_err(), &entry, &["backup"]);
    integrity(&lake.repair().unwrap_err(), &entry, &["backup"]);
    assert!(entry.exists());
}

#[test]
fn a_torn_entry_that_a_checkpoint_holds_is_not_repaired() {
    let (_folder, lake) = two_runs();
    let entry = lake.layout.log_entry(EVENTS, 2);
    std::fs::write(&entry, "").unwrap();
    std::fs::write(lake.layout.log(EVENTS).join(format!("{:020}.checkpoint.parquet", 2)), "").unwrap();
    integrity(&lake.repair().unwrap_err(), &entry, &["checkpoint", "backup"]);
    assert!(entry.exists());
}

#[test]
fn without_any_good_version_there_is_nothing_to_repair() {
    let (_folder, lake) = lake();
    let entry = lake.layout.log_entry(EVENTS, 0);
    std::fs::write(&entry, "").unwrap();
    integrity(&lake.snapshot().unwrap_err(), &entry, &["no good version is left"]);
    integrity(&lake.repair().unwrap_err(), &entry, &["no good version is left"]);
}

#[test]
fn a_gap_in_the_log_is_found() {
    let (_folder, lake) = two_runs();
    let entry = lake.layout.log_entry(EVENTS, 1);
    std::fs::remove_file(&entry).unwrap();
    integrity(&lake.snapshot().unwrap_err(), &entry, &["missing"]);
    integrity(&lake.repair().unwrap_err(), &entry, &["missing"]);
}

#[test]
fn a_log_that_is_gone_is_not_an_empty_lake() {
    let (_folder, lake) = two_runs();
    std::fs::remove_dir_all(lake.layout.log(EVENTS)).unwrap();
    integrity(&Lake::open(lake.root()).unwrap().snapshot().unwrap_err(), &lake.layout.log(EVENTS), &["empty"]);
    integrity(
        &Lake::create_or_open(lake.root()).unwrap().snapshot().unwrap_err(),
        &lake.layout.log(EVENTS),
        &["empty"],
    );
}

#[test]
fn a_key_that_is_gone_is_not_made_anew() {
    let (_folder, lake) = two_runs();
    std::fs::remove_file(lake.layout.key()).unwrap();
    integrity(&Lake::create_or_open(lake.root()).unwrap_err(), &lake.layout.key(), &["backup"]);
    assert!(Lake::open(lake.root()).unwrap().redaction_key().is_err());
    std::fs::write(lake.layout.key(), "short").unwrap();
    integrity(&lake.redaction_key().unwrap_err(), &lake.layout.key(), &["32 bytes"]);
}

#[test]
fn a_part_that_is_cut_or_gone_is_named() {
    let (_folder, lake) = two_runs();
    let part = lake.snapshot().unwrap().parts()[0].clone();
    let bytes = std::fs::read(&part.path).unwrap();
    std::fs::write(&part.path, &bytes[1..]).unwrap();
    integrity(&lake.snapshot().unwrap_err(), &part.path, &[&part.bytes.to_string()]);
    std::fs::remove_file(&part.path).unwrap();
    integrity(&lake.snapshot().unwrap_err(), &part.path, &["missing"]);
}

#[test]
fn a_ledger_that_is_changed_or_gone_is_named() {
    let (_folder, lake) = two_runs();
    let ledger = tree(&lake.layout.ledgers()).pop().unwrap();
    let ledger = lake.layout.ledgers().join(ledger);
    let text = std::fs::read_to_string(&ledger).unwrap();
    std::fs::write(&ledger, text.replace("b.log", "c.log")).unwrap();
    let snapshot = lake.snapshot().unwrap();
    integrity(&snapshot.ledger().unwrap_err(), &ledger, &["not the one that was committed"]);
    std::fs::remove_file(&ledger).unwrap();
    integrity(&snapshot.ledger().unwrap_err(), &ledger, &["missing"]);
}

#[test]
fn a_log_that_names_files_outside_the_lake_is_refused() {
    let (_folder, lake) = two_runs();
    let entry = lake.layout.log_entry(EVENTS, 2);
    let text = std::fs::read_to_string(&entry).unwrap();
    for evil in ["../../date=2026-03-01/part", "/date=2026-03-01/part", "..%2fdate=2026-03-01/part"] {
        std::fs::write(&entry, text.replace("date=2026-03-01/part", evil)).unwrap();
        integrity(&lake.snapshot().unwrap_err(), &lake.layout.log(EVENTS), &["no part of a lake"]);
    }
}

#[test]
fn a_commit_of_a_later_schema_is_refused() {
    let (_folder, lake) = two_runs();
    let entry = lake.layout.log_entry(EVENTS, 2);
    let text = std::fs::read_to_string(&entry).unwrap();
    let later = format!("\"schema_version\":{}", SCHEMA_VERSION + 1);
    std::fs::write(&entry, text.replace(&format!("\"schema_version\":{SCHEMA_VERSION}"), &later)).unwrap();
    assert_eq!(lake.snapshot().unwrap_err().exit_code(), 2);
}

#[test]
fn a_checkpoint_changes_no_answer_and_is_private() {
    let (_folder, lake) = two_runs();
    let before = lake.snapshot().unwrap();
    // commits without a run are cheap; the hundredth makes the checkpoint
    let info = RunInfo { schema_version: SCHEMA_VERSION, actions: 2, ..RunInfo::default() };
    let table = Table::new(&lake.layout, &lake.disk, EVENTS);
    for version in 2..100 {
        assert_eq!(table.append(version, Uuid::now_v7(), &info, &[]).unwrap(), Some(version + 1));
    }
    let log = tree(&lake.layout.log(EVENTS));
    assert!(log.iter().any(|path| path.ends_with(format!("{:020}.checkpoint.parquet", 99))), "{log:?}");
    let after = lake.snapshot().unwrap();
    assert_eq!(after.parts(), before.parts());
    assert_eq!(after.ledger().unwrap().accounts().count(), 2);
    for path in log.iter().filter(|path| !path.as_os_str().is_empty()) {
        use std::os::unix::fs::PermissionsExt;
        let mode = lake.layout.log(EVENTS).join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    ingest(lake.begin().unwrap(), "c.log", 300).unwrap();
    assert_eq!(hashes(&lake.snapshot().unwrap()).len(), 12);
}

/// A lake with two commits to its findings.
fn two_examinations() -> (tempfile::TempDir, Lake) {
    let (folder, lake) = lake();
    keep(&lake, &[finding("a", DAY_1)], &[("2026-03-01", "k1")]).unwrap();
    keep(&lake, &[finding("b", DAY_1)], &[("2026-03-01", "k2")]).unwrap();
    (folder, lake)
}

#[test]
fn a_torn_entry_of_the_findings_is_found_and_repaired() {
    let (_folder, lake) = two_examinations();
    let entry = lake.layout.log_entry(FINDINGS, 2);
    std::fs::write(&entry, "").unwrap();
    let words = ["last good version is 1", "kubesift lake repair"];
    integrity(&lake.findings().unwrap_err(), &entry, &words);
    integrity(&lake.examined().unwrap_err(), &entry, &words);
    integrity(&keep(&lake, &[], &[]).unwrap_err(), &entry, &words);
    lake.snapshot().unwrap();
    let repair = lake.repair().unwrap().remove(0);
    assert_eq!((repair.table, repair.dropped, repair.last_good), ("findings", 2, 1));
    assert_eq!(ids(&lake), ["a"]);
    assert_eq!(lake.examined().unwrap(), dates(&[("2026-03-01", "k1")]));
    assert_eq!(keep(&lake, &[finding("b", DAY_1)], &[("2026-03-01", "k2")]).unwrap().late, ["b"]);
}

#[test]
fn two_torn_logs_are_repaired_at_once() {
    let (_folder, lake) = two_examinations();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    std::fs::write(lake.layout.log_entry(EVENTS, 1), "").unwrap();
    std::fs::write(lake.layout.log_entry(FINDINGS, 2), "").unwrap();
    let tables: Vec<_> = lake.repair().unwrap().into_iter().map(|repair| repair.table).collect();
    assert_eq!(tables, ["events", "findings"]);
    assert_eq!(lake.status().unwrap().version, 0);
}

#[test]
fn findings_without_their_log_are_no_new_table() {
    let (_folder, lake) = two_examinations();
    std::fs::remove_dir_all(lake.layout.log(FINDINGS)).unwrap();
    for error in [lake.findings().unwrap_err(), keep(&lake, &[], &[]).unwrap_err(), lake.repair().unwrap_err()] {
        integrity(&error, &lake.layout.log(FINDINGS), &["empty"]);
    }
}

#[test]
fn a_part_of_the_findings_that_is_cut_or_damaged_is_named() {
    let (_folder, lake) = two_examinations();
    let part = lake.findings().unwrap().unwrap().parts[0].clone();
    let bytes = std::fs::read(&part.path).unwrap();
    std::fs::write(&part.path, &bytes[1..]).unwrap();
    integrity(&lake.findings().unwrap_err(), &part.path, &[&part.bytes.to_string()]);
    std::fs::write(&part.path, vec![0; bytes.len()]).unwrap();
    integrity(&keep(&lake, &[finding("c", DAY_1)], &[]).unwrap_err(), &part.path, &["cannot be read"]);
}
