//! The same night again: what was ingested is known by its content, whatever became of its name.

use std::fs;

use kubesift::account::Outcome;

use crate::rig::{Scratch, gzip, lines, zstd};

#[test]
fn a_second_run_commits_nothing_and_says_so() {
    let scratch = Scratch::new();
    scratch.write("logs/a.log", lines(0..40));
    scratch.write("logs/b.log", lines(40..80));
    scratch.run("ingest logs --lake lake").ends(0);
    let (version, files) = (scratch.version(), crate::rig::files_below(&scratch.path("lake")));
    let ran = scratch.run("ingest logs --lake lake").ends(0);
    assert!(ran.err.contains("nothing new: the lake is unchanged"), "{ran:?}");
    assert_eq!(scratch.version(), version);
    assert_eq!(crate::rig::files_below(&scratch.path("lake")), files);
    assert_eq!(scratch.number("select count(*) from events"), 80);
}

#[test]
fn renamed_and_packed_anew_it_is_still_known() {
    let scratch = Scratch::new();
    let text = lines(0..40);
    scratch.write("audit.log", &text);
    scratch.account("audit.log");
    let version = scratch.version();
    fs::rename(scratch.path("audit.log"), scratch.path("audit.log.1")).unwrap();
    scratch.write("audit.log.gz", gzip(text.as_bytes()));
    scratch.write("else.zst", zstd(text.as_bytes()));
    for name in ["audit.log.1", "audit.log.gz", "else.zst"] {
        let account = scratch.account(name);
        assert_eq!((account.outcome, account.lines), (Outcome::Known, 0), "{name}: {account:?}");
    }
    assert_eq!(scratch.version(), version);
}

#[test]
fn other_content_of_the_same_name_and_size_is_new() {
    let scratch = Scratch::new();
    let path = scratch.write("audit.log", lines(10..20));
    scratch.account("audit.log");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    scratch.write("audit.log", lines(20..30));
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let account = scratch.account("audit.log");
    assert_eq!((account.outcome, account.rows), (Outcome::Ingested, 10), "{account:?}");
}

#[test]
fn a_file_that_grew_gives_its_tail_only() {
    let scratch = Scratch::new();
    scratch.write("audit.log", lines(0..40));
    scratch.account("audit.log");
    scratch.write("audit.log", lines(0..100));
    let account = scratch.account("audit.log");
    assert_eq!(account.outcome, Outcome::Grown);
    assert_eq!((account.lines, account.rows, account.duplicates), (60, 60, 0), "{account:?}");
    assert_eq!(account.skipped_bytes, lines(0..40).len() as u64);
    let last = scratch.cells(&["line", "audit_id"]).into_iter().find(|row| row[1] == "event-99").unwrap();
    assert_eq!(last[0], "100", "lines are numbered from the beginning of the file");
}

#[test]
fn a_file_that_grew_in_the_middle_of_a_line_loses_nothing() {
    let scratch = Scratch::new();
    let text = lines(0..20);
    scratch.write("audit.log", &text[..text.len() - 100]);
    let cut = scratch.account("audit.log");
    assert_eq!((cut.rows, cut.rejects.get("truncated_tail")), (19, Some(&1)), "{cut:?}");
    scratch.write("audit.log", lines(0..25));
    scratch.account("audit.log");
    assert_eq!(scratch.number("select count(distinct audit_id) from events"), 25);
}

#[test]
fn a_file_that_shrank_is_noted() {
    let scratch = Scratch::new();
    scratch.write("audit.log", lines(0..100));
    scratch.account("audit.log");
    let version = scratch.version();
    scratch.write("audit.log", lines(0..60));
    let account = scratch.account("audit.log");
    assert_eq!((account.outcome, account.rows), (Outcome::Shrunk, 0), "{account:?}");
    assert!(account.notes[0].contains("cut off"), "{account:?}");
    assert_eq!(scratch.number("select count(*) from events"), 100);
    assert!(scratch.version() >= version);
    scratch.run("ingest audit.log --lake lake").ends(3);
}

#[test]
fn a_file_and_its_copy_in_one_run_are_one_source() {
    let scratch = Scratch::new();
    let text = lines(0..40);
    scratch.write("a.log", &text);
    scratch.write("copy.log.gz", gzip(text.as_bytes()));
    let ingested = scratch.ingest(&["a.log", "a.log", "copy.log.gz"]);
    let outcomes: Vec<_> = ingested.accounts.iter().map(|account| (account.outcome, account.rows)).collect();
    assert_eq!(outcomes, [(Outcome::Ingested, 40), (Outcome::Known, 0)]);
}
