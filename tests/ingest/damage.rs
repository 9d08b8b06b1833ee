//! Sources that are damaged, and what a lake keeps of them: all that can be believed, or nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use kubesift::account::Outcome;

use crate::rig::{Scratch, files_below, gzip, lines, log, options};

/// A gzip file whose checksum is wrong, large enough that rows were written before anyone knows.
fn broken() -> Vec<u8> {
    let mut bytes = gzip(&log(4_000, &[]));
    let crc = bytes.len() - 8;
    bytes[crc] ^= 0xff;
    bytes
}

#[test]
fn a_file_that_turns_bad_is_refused_and_the_others_are_kept() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..30));
    scratch.write("b.log.gz", broken());
    scratch.write("c.log", lines(30..50));
    let ran = scratch.run("ingest a.log b.log.gz c.log --lake lake").ends(4);
    assert!(ran.err.contains("b.log.gz"), "{ran:?}");
    assert_eq!(scratch.number("select count(*) from events"), 50);
    assert_eq!(scratch.number("select count(*) from events where source like '%b.log.gz'"), 0);
}

#[test]
fn a_refused_file_is_taken_once_it_is_whole() {
    let scratch = Scratch::new();
    scratch.write("a.log.gz", broken());
    let account = scratch.account("a.log.gz");
    assert_eq!((account.outcome, account.rows), (Outcome::Refused, 0), "{account:?}");
    scratch.write("a.log.gz", gzip(&log(4_000, &[])));
    let account = scratch.account("a.log.gz");
    assert_eq!((account.outcome, account.rows), (Outcome::Ingested, 4_000), "{account:?}");
}

#[test]
fn an_archive_that_was_cut_off_gives_its_whole_lines() {
    let text = lines(0..2_000);
    let packed = gzip(text.as_bytes());
    for cut in [packed.len() / 2, packed.len() - 9, packed.len() - 3] {
        let scratch = Scratch::new();
        scratch.write("a.log.gz", &packed[..cut]);
        let ran = scratch.run("ingest a.log.gz --lake lake").ends(3);
        assert!(ran.err.contains("cut off"), "{ran:?}");
        let ids: Vec<_> = scratch.cells(&["audit_id"]).concat();
        assert!(!ids.is_empty());
        assert!(ids.iter().all(|id| text.contains(&format!("\"{id}\""))));
        let rows = scratch.number("select count(distinct line) from events");
        assert_eq!(rows, scratch.number("select max(line) from events"), "no line before the cut is missing");
        if cut > packed.len() - 9 {
            assert_eq!(rows, 2_000, "only the trailer is missing");
        }
    }
}

#[test]
fn bytes_behind_an_archive_are_told() {
    let scratch = Scratch::new();
    scratch.write("a.log.gz", [gzip(lines(0..30).as_bytes()), b"garbage".to_vec()].concat());
    let ran = scratch.run("ingest a.log.gz --lake lake").ends(3);
    assert!(ran.err.contains("7 bytes behind the end"), "{ran:?}");
    assert_eq!(scratch.number("select count(*) from events"), 30);
}

#[test]
fn a_file_with_too_many_rejects_is_refused() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..100) + &"junk\n".repeat(11));
    let account = scratch.account("a.log");
    assert_eq!((account.outcome, account.rows), (Outcome::Refused, 0), "{account:?}");
    assert!(account.notes[0].contains("bad_json"), "{account:?}");
    let patient = kubesift::ingest::Options { reject_ratio_max: 0.2, ..options() };
    let account = scratch.ingest_with(&["a.log"], &patient).accounts.remove(0);
    assert_eq!((account.outcome, account.rows, account.rejected()), (Outcome::Ingested, 100, 11), "{account:?}");
}

#[test]
fn the_place_of_a_bad_line_is_told() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..3) + "junk\n" + &lines(3..6) + "{\"auditID\": \n" + &lines(6..9));
    let account = scratch.account("a.log");
    assert_eq!(account.rejected(), 2);
    let expected = [(4, "bad_json".to_owned()), (8, "bad_json".to_owned())];
    assert_eq!(scratch.quarantine().into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_lake_is_private() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..30) + "junk\n");
    scratch.run("ingest a.log --lake lake").ends(3);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files_below(&scratch.path("lake")) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let folder = file.parent().unwrap();
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[test]
fn an_unreadable_file_does_not_stop_the_others() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..30));
    // a folder of that name appears between finding and opening; permissions do not stop root
    let found = kubesift::input::find(
        &[scratch.path("a.log"), scratch.write("b.log", lines(30..60))],
        &kubesift::store::Stores::default(),
    )
    .unwrap();
    fs::remove_file(scratch.path("b.log")).unwrap();
    let ingested =
        kubesift::ingest::ingest(&scratch.create_lake(), &found.sources, &options(), &<_>::default()).unwrap();
    let outcomes: Vec<_> = ingested.accounts.iter().map(|account| (account.outcome, account.rows)).collect();
    assert_eq!(outcomes, [(Outcome::Ingested, 30), (Outcome::Refused, 0)]);
}

#[test]
fn a_copy_of_a_refused_file_is_refused_too_and_both_are_taken_later() {
    let scratch = Scratch::new();
    let text = lines(0..100) + &"junk\n".repeat(11);
    scratch.write("a.log", &text);
    scratch.write("copy.log.gz", gzip(text.as_bytes()));
    scratch.write("longer.log", text + &lines(100..2_000)); // clean enough
    let ingested = scratch.ingest(&["a.log", "copy.log.gz", "longer.log"]);
    let outcomes: Vec<_> = ingested.accounts.iter().map(|account| (account.outcome, account.rows)).collect();
    assert_eq!(outcomes, [(Outcome::Refused, 0), (Outcome::Refused, 0), (Outcome::Ingested, 2_000)]);
    assert_eq!(scratch.number("select count(distinct audit_id) from events"), 2_000);
    let patient = kubesift::ingest::Options { reject_ratio_max: 0.2, ..options() };
    let later = scratch.ingest_with(&["a.log"], &patient).accounts.remove(0);
    assert_eq!((later.rows, later.duplicates, later.rejected()), (0, 100, 11), "{later:?}");
}

#[test]
fn a_file_that_begins_badly_is_judged_as_a_whole() {
    for _ in 0..20 {
        let scratch = Scratch::new();
        let (first, last) = (lines(1..2), lines(2..3)); // the last without its line end, in a chunk of its own
        scratch.write("a.log", "{}\n".to_owned() + last.trim_end());
        scratch.write("b.log", "{}\n{}\n".to_owned() + first.trim_end());
        let accounts = scratch.ingest(&["a.log", "b.log"]).accounts;
        let counts: Vec<_> = accounts.iter().map(|account| (account.rows, account.rejected())).collect();
        assert_eq!(counts, [(1, 1), (1, 2)], "{accounts:?}");
    }
}
