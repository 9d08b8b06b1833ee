//! Exit codes: what a script may rely on.

use crate::rig::{Ran, Scratch, gzip, lines};

/// Two quick detections, so that a test need not wait for all of them.
const FEW: &str = "--only secret_sweep,secret_read_by_hand";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("good.log", lines(0..40));
    scratch
}

#[test]
fn all_is_well() {
    scratch().run(&format!("triage good.log {FEW}")).ends(0);
}

#[test]
fn wrong_words_are_told_before_any_work() {
    let scratch = scratch();
    for line in [
        "triage nowhere.log",
        "triage nowhere-*.log",
        "triage",
        "triage good.log --no-such-flag",
        "triage good.log --fail-on terrible",
        "triage good.log --min-severity HIGH",
        "triage good.log --only no_such_detection",
        "triage good.log --format yaml",
        "triage good.log --out findings.xyz",
        "triage good.log --out no/such/folder/findings.csv",
        "triage good.log --since 2026-02-01 --until 2026-01-01",
        "triage good.log --since 2026-02-31",
        "triage good.log --memory 1e99G",
        "triage good.log --memory 1M",
        "triage good.log --threads 0",
        "triage good.log --trusted-cidr 300.1.2.3/8",
        "triage good.log --config nowhere.toml",
        "triage good.log --rules nowhere",
        "detect --lake nowhere",
        "lake status --lake nowhere",
        "ingest nowhere.log --lake lake",
        "rules show no_such_detection",
        "generate --events 10 --attacks no-such-attack --out out",
        "no-such-command",
    ] {
        let ran = scratch.run(line).ends(2);
        assert!(ran.out.is_empty(), "{line}: {ran:?}");
        assert!(!ran.err.is_empty(), "{line}: {ran:?}");
    }
    assert!(!scratch.path("lake").exists(), "a lake was made for a run that could not begin");
}

#[test]
fn a_folder_that_is_not_a_lake_is_left_alone() {
    let scratch = scratch();
    scratch.write("photos/holiday.txt", "hello");
    let ran = scratch.run("ingest good.log --lake photos").ends(2);
    assert!(ran.err.contains("not a lake"), "{ran:?}");
    assert_eq!(crate::rig::files_below(&scratch.path("photos")).len(), 1);
}

#[test]
fn a_bad_line_is_told_by_code_3() {
    let scratch = scratch();
    scratch.write("bad.log", lines(0..40) + "this is not an event\n");
    scratch.run("ingest bad.log --lake lake").ends(3);
    scratch.run(&format!("triage bad.log {FEW}")).ends(3);
    // a detect of that lake is not the reading of it
    scratch.run(&format!("detect --lake lake {FEW}")).ends(0);
}

#[test]
fn a_file_that_is_no_log_is_told_by_code_4_and_the_others_are_read() {
    let scratch = scratch();
    scratch.write("prose.log", "Dear diary,\n".repeat(40));
    let ran = scratch.run("ingest good.log prose.log --lake lake").ends(4);
    assert!(ran.err.contains("prose.log"), "{ran:?}");
    assert_eq!(scratch.number("select count(*) from events"), 40);
    let ran = scratch.run(&format!("triage prose.log good.log {FEW} --format ndjson")).ends(4);
    assert!(!ran.out.is_empty(), "{ran:?}");
}

#[test]
fn findings_are_told_by_code_10_only_when_asked() {
    let scratch = scratch();
    let line = format!("triage good.log {FEW} --quiet --format ndjson");
    let loud = scratch.run(&line).done();
    assert!(loud.contains("\"severity\":\"high\""), "{loud}");
    scratch.run(&format!("{line} --fail-on high")).ends(10);
    scratch.run(&format!("{line} --fail-on critical")).ends(0);
    // what is not shown counts all the same
    let ran = scratch.run(&format!("{line} --fail-on high --min-severity critical")).ends(10);
    assert_eq!(ran.out, "");
}

#[test]
fn a_lake_in_use_is_told_by_code_7() {
    let scratch = scratch();
    let lake = scratch.create_lake();
    let run = lake.begin().unwrap();
    scratch.run("ingest good.log --lake lake").ends(7);
    drop(run);
    scratch.run("ingest good.log --lake lake").ends(0);
}

#[test]
fn a_damaged_lake_is_told_by_code_6_with_the_file() {
    let scratch = scratch();
    scratch.run("ingest good.log --lake lake").ends(0);
    let part = scratch.lake().snapshot().unwrap().parts()[0].path.clone();
    let bytes = std::fs::read(&part).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() - 1]).unwrap();
    let ran = scratch.sql("select count(*) from events").ends(6);
    assert!(ran.err.contains(&*part.file_name().unwrap().to_string_lossy()), "{ran:?}");
}

#[test]
fn nothing_stays_in_the_temporary_folder() {
    let scratch = scratch();
    scratch.write("a.log.gz", gzip(lines(0..100).as_bytes()));
    scratch.run(&format!("triage a.log.gz {FEW}")).ends(0);
    assert_eq!(std::fs::read_dir(scratch.path("tmp")).unwrap().count(), 0);
}

#[test]
fn help_and_version_are_no_errors() {
    let scratch = Scratch::new();
    for line in ["--help", "--version", "triage --help", "help sql"] {
        let ran: Ran = scratch.run(line).ends(0);
        assert!(ran.err.is_empty() && !ran.out.is_empty(), "{line}: {ran:?}");
    }
}
