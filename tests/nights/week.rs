//! A week of nights in an archive of two clusters.

use std::fs;

use super::{Archive, exec, quiet, read, sweep};
use crate::rig::gzip;

/// Events that the archive holds of a cluster, and that the lake must hold once.
fn events(archive: &Archive, cluster: &str) -> u64 {
    archive.0.number(&format!("select count(distinct event_hash) from events where cluster = '{cluster}'"))
}

fn rename(archive: &Archive, from: &str, to: &str) {
    fs::rename(archive.0.path(&format!("logs/{from}")), archive.0.path(&format!("logs/{to}"))).unwrap();
}

/// The first three nights: one as it should be, one after rotation and compression, and one that was missed.
fn first_nights(archive: &Archive) {
    archive.log("prod", 5, ".log", quiet("prod", 5) + &exec("eve", "web-0", "05T10:00:00"));
    archive.log("test", 5, ".log", quiet("test", 5));
    archive.night(6, "").ends(0);

    // rotated: one renamed, one compressed
    rename(archive, "prod/audit-2026-01-05.log", "prod/audit-2026-01-05.1.log");
    archive.log("test", 5, ".log.gz", gzip(quiet("test", 5).as_bytes()));
    fs::remove_file(archive.0.path("logs/test/audit-2026-01-05.log")).unwrap();
    archive.log("prod", 6, ".log", quiet("prod", 6));
    archive.log("test", 6, ".log.gz", gzip((quiet("test", 6) + &sweep("eve", 16, "06T12:00")).as_bytes()));
    let ran = archive.night(7, "").ends(0);
    assert!(ran.err.contains("2 known before"), "{ran:?}");

    archive.log("prod", 7, ".log", quiet("prod", 7) + &exec("eve", "web-0", "07T10:00:00"));
    archive.log("test", 7, ".log", quiet("test", 7));
}

#[test]
fn a_week_has_every_event_once_and_tells_every_finding_once() {
    let archive = Archive::new();
    first_nights(&archive);

    // the night of the 8th did not happen; of the 8th itself half has arrived
    archive.log("prod", 8, ".log", quiet("prod", 8));
    let ran = archive.night(9, "").ends(0);
    for date in ["2026-01-07", "2026-01-08"] {
        assert!(ran.err.contains(&format!("examined   {date} (not examined yet)")), "{ran:?}");
    }

    // the other half comes, by growth, and with it a finding of a date that was examined
    archive.log("prod", 8, ".log", quiet("prod", 8) + &exec("eve", "web-0", "08T10:00:00"));
    archive.log("prod", 9, ".log", quiet("prod", 9));
    archive.log("test", 9, ".log", quiet("test", 9));
    let ran = archive.night(10, "").ends(0);
    assert!(ran.err.contains("late       1 finding of 2026-01-08"), "{ran:?}");
    assert!(ran.out.contains("eve") && ran.out.contains("shop/web-0"), "{ran:?}");

    // a file of an older date, under a name of its own
    archive.log("test", 9, "-late.log", read("zoe", "own", "09T09:00:00") + &exec("mallory", "db-0", "09T11:00:00"));
    archive.log("prod", 10, ".log", quiet("prod", 10));
    let ran = archive.night(11, "").ends(0);
    assert!(ran.err.contains("late       1 finding of 2026-01-09"), "{ran:?}");

    // the same night again
    let version = archive.0.version();
    let ran = archive.night(11, "").ends(0);
    assert!(ran.err.contains("nothing to examine") && ran.out.is_empty(), "{ran:?}");
    assert_eq!(archive.0.version(), version);

    // prod: six quiet days and three commands; test: four quiet days, a sweep and the late file
    assert_eq!((events(&archive, "prod"), events(&archive, "test")), (63, 58));
    assert_eq!(archive.0.number("select count(*) from events"), 63 + 58);
    let kept = [
        "2026-01-05 prod pod_exec eve",
        "2026-01-06 test secret_sweep eve",
        "2026-01-07 prod pod_exec eve",
        "2026-01-08 prod pod_exec eve late",
        "2026-01-09 test pod_exec mallory late",
    ];
    assert_eq!(archive.kept(), kept);
    assert_eq!(archive.0.number("select count(*) from findings where late"), 2);
    exports_are_as_expected(&archive);
}

fn exports_are_as_expected(archive: &Archive) {
    let files = |folder: &str| archive.exported(folder);
    let one = |name: &str| (name.to_owned(), 1);
    let new = ["05", "06", "07", "08", "09"].map(|day| one(&format!("2026-01-{day}.ndjson")));
    assert_eq!(files("new"), new);
    // a header, and what the date has; dates without findings have a file too
    let rows = [("05", 2), ("06", 2), ("07", 2), ("08", 2), ("09", 2), ("10", 1)];
    assert_eq!(files("all"), rows.map(|(day, lines)| (format!("2026-01-{day}.csv"), lines)));
}

#[test]
fn what_comes_late_to_an_export_lies_beside_what_was_told() {
    let archive = Archive::new();
    archive.log("prod", 5, ".log", exec("eve", "web-0", "05T10:00:00"));
    archive.night(6, "").ends(0);
    archive.log("prod", 5, ".2.log", exec("mallory", "web-0", "05T11:00:00"));
    archive.night(7, "").ends(0);
    assert_eq!(archive.exported("new"), [("2026-01-05.2.ndjson".to_owned(), 1), ("2026-01-05.ndjson".to_owned(), 1)]);
    let first = fs::read_to_string(archive.0.path("new/2026-01-05.ndjson")).unwrap();
    assert!(first.contains("eve") && !first.contains("mallory"));
    assert_eq!(archive.exported("all"), [("2026-01-05.csv".to_owned(), 3)]);
}

#[test]
fn an_attack_over_midnight_is_told_once_and_is_not_late() {
    let archive = Archive::new();
    archive.log(
        "prod",
        5,
        ".log",
        quiet("prod", 5) + &sweep("eve", 10, "05T23:50") + &sweep("mallory", 16, "05T23:52"),
    );
    assert!(archive.night(6, "").ends(0).err.contains("1 finding, 1 new"));
    archive.log("prod", 6, ".log", sweep("eve", 10, "06T00:05") + &sweep("mallory", 4, "06T00:06") + &quiet("prod", 6));
    let ran = archive.night(7, "").ends(0);
    assert!(ran.err.contains("examined   2026-01-06 (not examined yet): 1 finding, 1 new"), "{ran:?}");
    let kept = ["2026-01-05 prod secret_sweep eve", "2026-01-05 prod secret_sweep mallory"];
    assert_eq!(archive.kept(), kept);

    // both days are examined again, from either side
    archive.log("prod", 5, ".2.log", read("zoe", "own", "05T09:00:00"));
    assert!(archive.night(7, "").ends(0).err.contains("2026-01-05 (it has other events"));
    archive.log("prod", 6, ".2.log", read("zoe", "own", "06T09:00:00"));
    archive.night(7, "").ends(0);
    archive.night(7, "--again --since 2026-01-05").ends(0);
    assert_eq!(archive.kept(), kept);
    // the files of the dates still have what belongs to them
    assert_eq!(archive.exported("all"), [("2026-01-05.csv".to_owned(), 2), ("2026-01-06.csv".to_owned(), 2)]);
    assert_eq!(archive.exported("new"), [("2026-01-05.ndjson".to_owned(), 1), ("2026-01-06.ndjson".to_owned(), 1)]);
}

#[test]
fn a_sweep_that_a_late_file_makes_longer_is_not_told_again() {
    let archive = Archive::new();
    archive.log("prod", 5, ".log", sweep("eve", 16, "05T12:00"));
    archive.night(6, "").ends(0);
    archive.log("prod", 5, ".2.log", sweep("eve", 5, "05T11:58"));
    let ran = archive.night(7, "").ends(0);
    assert!(
        ran.err.contains("2026-01-05 (it has other events than when it was examined): 1 finding, 0 new"),
        "{ran:?}"
    );
    assert_eq!(archive.kept(), ["2026-01-05 prod secret_sweep eve"]);
}

#[test]
fn a_day_that_is_not_over_is_examined_only_for_whoever_asks() {
    let archive = Archive::new();
    archive.log("prod", 5, ".log", exec("eve", "web-0", "05T01:00:00"));
    archive.night(5, "").ends(0);
    assert!(archive.kept().is_empty());
    let ran = archive.0.run("run --now 2026-01-05T03:00:00Z --until 2026-01-05T03:00:00Z").ends(0);
    assert!(ran.err.contains("1 new"), "{ran:?}");
    // over, and grown
    archive.log("prod", 5, ".2.log", exec("eve", "db-0", "05T20:00:00"));
    archive.night(6, "").ends(0);
    assert_eq!(archive.kept().len(), 2);
}
