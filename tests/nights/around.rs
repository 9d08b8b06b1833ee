//! What is around a night: two at once, sources that fail, exit codes, metrics, plans, and what is asked of it later.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use kubesift::run::Turn;
use serde_json::Value;

use super::{Archive, exec, quiet};

/// An archive of one day with one finding, and its first night.
fn after_one_night() -> Archive {
    let archive = Archive::new();
    archive.log("prod", 5, ".log", quiet("prod", 5) + &exec("eve", "web-0", "05T10:00:00"));
    archive.night(6, "").ends(0);
    archive
}

/// The value of a series of the metrics.
fn series(archive: &Archive, name: &str) -> Option<f64> {
    let text = fs::read_to_string(archive.0.path("night.prom")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("kubesift_{name} ")))?;
    Some(line.parse().unwrap())
}

#[test]
fn of_two_runs_at_once_the_second_ends_at_once_and_changes_nothing() {
    let archive = after_one_night();
    archive.log("prod", 6, ".log", quiet("prod", 6) + &exec("eve", "web-1", "06T10:00:00"));
    let before = (archive.0.version(), fs::read(archive.0.path("night.prom")).unwrap(), archive.exported("all"));
    let check = |what: &str| {
        let begun = Instant::now();
        let ran = archive.night(7, "").ends(7);
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}: it waited");
        assert!(ran.err.contains("another") && ran.out.is_empty(), "{what}: {ran:?}");
        let after = (archive.0.version(), fs::read(archive.0.path("night.prom")).unwrap(), archive.exported("all"));
        assert!(before == after, "{what}");
    };
    let lake = archive.0.lake();
    {
        let _ingest = lake.begin().unwrap();
        check("an ingest is at work");
    }
    {
        let _night = Turn::take(&lake).unwrap();
        check("another night is at work");
    }
    archive.night(7, "").ends(0);
    assert_eq!(archive.kept().len(), 2);
}

#[test]
fn a_source_that_fails_leaves_the_others_alone() {
    let archive = Archive::with("[[source]]\npath = \"more/{date}.log\"\ncluster = \"third\"\n");
    archive.log("prod", 5, ".log", quiet("prod", 5) + &exec("eve", "web-0", "05T10:00:00"));
    archive.log("test", 5, ".log", "this is no log\n".repeat(100));
    archive.0.write("more/2026-01-05.log", exec("mallory", "web-0", "05T10:00:00"));
    let ran = archive.night(6, "").ends(4);
    assert!(ran.err.contains("refused"), "{ran:?}");
    assert_eq!(archive.kept(), ["2026-01-05 prod pod_exec eve", "2026-01-05 third pod_exec mallory"]);
    assert_eq!(series(&archive, "sources{command=\"run\",outcome=\"refused\"}"), Some(1.0));
    assert_eq!(series(&archive, "last_run_success{command=\"run\"}"), Some(0.0));

    // a folder that cannot be looked into is no folder without logs
    archive.0.write(
        "kubesift.toml",
        "lake = 'lake'\n[[source]]\npath = 'kubesift.toml/{date}.log'\n[run]\nonly=['pod_exec']\n",
    );
    let ran = archive.night(7, "--since 2026-01-05 --until 2026-01-06").ends(4);
    assert!(ran.err.contains("kubesift.toml/{date}.log: refused"), "{ran:?}");
}

#[test]
fn only_new_findings_end_with_ten_and_rejects_with_three() {
    let archive = Archive::new();
    let config = fs::read_to_string(archive.0.path("kubesift.toml")).unwrap();
    archive.0.write("kubesift.toml", config.replace("[run]", "[run]\nfail_on = \"low\""));
    let many: String = (0..20).map(|_| quiet("prod", 5)).collect();
    archive.log("prod", 5, ".log", many.clone() + &exec("eve", "web-0", "05T10:00:00") + "junk\n");
    archive.night(6, "").ends(10);
    archive.night(6, "--again --since 2026-01-01").ends(0);
    archive.log("prod", 5, ".2.log", many + "junk\n");
    archive.night(6, "").ends(3);
}

#[test]
fn a_dry_run_names_what_it_would_do_and_does_nothing() {
    let archive = Archive::new();
    archive.log("prod", 5, ".log", quiet("prod", 5));
    archive.log("UPPER", 5, ".log", quiet("UPPER", 5));
    let text = archive.night(6, "--dry-run").done();
    assert!(text.contains("not there yet") && text.contains("no date was examined yet"), "{text}");
    assert!(text.contains("cluster prod): its path names 2026-01-05"), "{text}");
    assert!(text.contains("pass over logs/UPPER/"), "{text}");
    assert!(!archive.0.path("lake").exists() && !archive.0.path("night.prom").exists());
    fs::remove_dir_all(archive.0.path("logs/UPPER")).unwrap();

    archive.night(6, "").ends(0);
    archive.log("prod", 6, ".log", quiet("prod", 6));
    let text = archive.night(7, "--dry-run").done();
    assert!(text.contains("2026-01-06 is the oldest date that was not examined"), "{text}");
    assert!(text.contains("logs of   2026-01-04T00:00:00"), "{text}");
    assert!(text.contains("unchanged since it was read"), "{text}");
    let text = archive.night(7, "--dry-run --again --since 2026-01-05").done();
    assert!(text.contains("examine   2026-01-05: asked for"), "{text}");
}

#[test]
fn the_numbers_of_a_night_can_be_read_by_a_collector() {
    let archive = after_one_night();
    let mode = fs::metadata(archive.0.path("night.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    for (name, value) in [
        ("last_run_success{command=\"run\"}", 1.0),
        ("last_run_exit_code{command=\"run\"}", 0.0),
        ("rows{command=\"run\"}", 11.0),
        ("cluster_rows{command=\"run\",cluster=\"prod\"}", 11.0),
        ("findings{command=\"run\",severity=\"low\"}", 1.0),
        ("detections{command=\"run\",state=\"ran\"}", 2.0),
        ("dates_examined{command=\"run\"}", 1.0),
        ("lake_rows{command=\"run\"}", 11.0),
    ] {
        assert_eq!(series(&archive, name), Some(value), "{name}");
    }
    archive.night(6, "").ends(0);
    assert_eq!(series(&archive, "findings{command=\"run\",severity=\"low\"}"), Some(0.0));

    archive.0.run("detect --lake lake --only pod_exec --metrics night.prom").ends(0);
    assert_eq!(series(&archive, "findings{command=\"detect\",severity=\"low\"}"), Some(1.0));
    archive.0.run("ingest logs --lake lake --metrics night.prom").ends(0);
    assert_eq!(series(&archive, "sources{command=\"ingest\",outcome=\"known\"}"), Some(1.0));
}

#[test]
fn kept_findings_are_shown_and_explained_without_running_anything_again() {
    let archive = Archive::new();
    let rule = kubesift::detection::FILES.iter().find(|(path, _)| path.ends_with("/pod_exec.sql")).unwrap().1;
    archive.0.write("rules/my_exec.sql", rule);
    let config = "lake = 'lake'\n[[source]]\npath = 'logs/{cluster}/audit-{date}*'\n[run]\nrules = 'rules'\nonly = ['my_exec']\n";
    archive.0.write("kubesift.toml", config);
    archive.log("prod", 5, ".log", exec("eve", "web-0", "05T10:00:00"));
    archive.night(6, "").ends(0);

    let text =
        archive.0.run("findings --lake lake --since 2026-01-05 --until 2026-01-06 --only my_exec --format ndjson");
    let finding: Value = serde_json::from_str(text.done().trim()).unwrap();
    assert!(archive.0.run("findings --lake lake").done().contains("shop/web-0"));
    assert!(archive.0.run("findings --lake lake --late").done().lines().all(|line| !line.contains("web-0")));
    assert!(archive.0.run("findings --lake lake --since 2026-01-06 --format ndjson").done().is_empty());

    // nothing but the lake knows the detection any more
    fs::remove_dir_all(archive.0.path("rules")).unwrap();
    let id = finding["finding_id"].as_str().unwrap();
    let text = archive.0.run(&format!("explain {id} --lake lake")).done();
    assert!(text.contains("shop/web-0") && text.contains("eve"), "{text}");
    assert_eq!(archive.0.number("select count(*) from findings where actor = 'eve'"), 1);
}

#[test]
fn a_new_lake_without_any_log_is_a_mistake() {
    let archive = Archive::new();
    let ran = archive.night(6, "").ends(2);
    assert!(ran.err.contains("no log found") && ran.err.contains("logs/{cluster}/audit-{date}*"), "{ran:?}");
    assert!(!archive.0.path("lake").exists());
}
